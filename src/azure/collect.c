/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every document becomes uniform resources, each read by the table of its kind as it is met. When
 * all are there, copies of one resource are joined, then children that have documents of their own
 * (template resources named parent/child, lists that az prints) with their parents.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "azure/reader_priv.h"
#include "util/cleanup.h"
#include "util/hash.h"
#include "util/limits.h"

/* ---- collecting ----------------------------------------------------------------------------- */

void nsg_collect_add(struct nsg_reader *r, const struct nsg_node *n, const struct nsg_kind *kind,
		     const struct nsg_identity *who, void *data)
{
	struct nsg_resource resource = {
	    .kind = kind,
	    .id = kind->equal_by_content && who->made ? "" : who->id,
	    .parent = who->parent,
	    .is_listed = !n->root->in_template,
	    .list = r->list,
	    .place = nsg_node_place(&r->sink, n),
	    .data = data,
	};

	nsg_sink_push(&r->sink, &r->resources, resource);
}

void nsg_collect_as(struct nsg_reader *r, const struct nsg_node *n, const struct nsg_kind *kind,
		    struct nsg_identity *who)
{
	void *data = nsg_sink_array(&r->sink, 1, kind->fields->size);

	if (data && nsg_fields_read(r, kind->fields, n, who, data))
		nsg_collect_add(r, n, kind, who, data);
}

/* An empty list is content: a resource without rules. */
static bool has_content(const struct nsg_node *n, const struct nsg_kind *kind)
{
	json_t *properties = nsg_member(n->value, "properties");

	for (const char *const *key = kind->content; *key; key++) {
		if (nsg_member(n->value, *key) || nsg_member(properties, *key))
			return true;
	}
	return false;
}

/* The name of a resource without what it is, as `az resource list` prints it. A template may
 * declare such a resource; properties that are not an object are an error already. */
static bool is_stub(const struct nsg_node *n, const struct nsg_kind *kind)
{
	json_t *properties = nsg_member(n->value, "properties");

	return kind->show && !n->root->in_template && !has_content(n, kind) &&
	       (!properties || json_is_null(properties) || json_is_object(properties));
}

static void refuse_stub(struct nsg_reader *r, const struct nsg_node *n, const struct nsg_kind *kind,
			const struct nsg_identity *who)
{
	bool full = nsg_id_is_full(who->id);

	r->policy->incomplete = true;
	if (r->unit)
		r->unit->is_refused = true;
	nsg_node_report(&r->sink, n, NSG_ERROR, NULL,
			"%s '" NSG_QUOTE
			"' is only named here, without its content; run: %s %s" NSG_QUOTE,
			kind->fields->word, who->name, kind->show, full ? "--ids " : "-g GROUP -n ",
			full ? who->id : who->name);
}

void nsg_collect(struct nsg_reader *r, const struct nsg_node *n, const struct nsg_kind *kind)
{
	struct nsg_identity who = nsg_read_identity(&r->sink, n, nsg_kind_type(kind));

	if (is_stub(n, kind))
		refuse_stub(r, n, kind, &who);
	else
		nsg_collect_as(r, n, kind, &who);
}

const char *nsg_collect_inline(struct nsg_reader *r, const struct nsg_node *n,
			       const struct nsg_kind *kind, const char *subnet_id)
{
	struct nsg_identity who = nsg_read_identity(&r->sink, n, nsg_kind_type(kind));

	if ((!who.made && !has_content(n, kind)) || nsg_names_nothing(n))
		return who.id;
	if (who.made) {
		who.id = nsg_child_id(&r->sink, subnet_id, nsg_id_name(nsg_kind_type(kind)),
				      *who.name ? who.name : "inline");
		who.within = subnet_id;
	}
	nsg_collect_as(r, n, kind, &who);
	return who.id;
}

void nsg_read_kind(struct nsg_reader *r, const struct nsg_node *n, const struct nsg_kind *kind)
{
	struct nsg_node properties = nsg_node_own(n, "properties");

	(void)nsg_read_object(&r->sink, &properties);
	if (r->unit && !r->unit->kind)
		r->unit->kind = kind;
	if (kind->read)
		kind->read(r, n);
	else
		nsg_collect(r, n, kind);
}

/* ---- resources by id ------------------------------------------------------------------------ */

/* All but children. Those with one last name in their ids are a chain, in document order. Equality
 * is decided along it: it is not transitive, since a name alone equals any full id that ends in it.
 */
struct index {
	const struct nsg_resource *v;
	struct nsg_hash names;
	uint32_t *first, *next; /* by name, by resource */
};

static bool is_named(const void *array, uint32_t i, const void *key)
{
	const struct index *x = array;

	return !strcasecmp(nsg_id_name(x->v[x->first[i]].id), key);
}

static uint32_t find_name(const struct index *x, const char *name)
{
	return nsg_hash_find(&x->names, nsg_hash_name(name), is_named, x, name);
}

static void index_done(struct index *x)
{
	nsg_hash_done(&x->names);
	free(x->first);
	free(x->next);
}

#define cleanup_index __attribute__((cleanup(index_done)))

static void index_make(struct nsg_reader *r, struct index *x)
{
	size_t n = r->resources.n;
	uint32_t n_names = 0;

	x->v = r->resources.v;
	x->first = calloc(n + 1, sizeof(*x->first));
	x->next = calloc(n + 1, sizeof(*x->next));
	if (!x->first || !x->next)
		r->sink.no_memory = true;
	for (size_t i = n; i-- && !r->sink.no_memory;) {
		const char *name = nsg_id_name(x->v[i].id);
		uint32_t at;

		if (x->v[i].gone || x->v[i].kind->parent)
			continue;
		at = find_name(x, name);
		x->next[i] = NSG_HASH_NONE;
		if (at != NSG_HASH_NONE) {
			x->next[i] = x->first[at];
			x->first[at] = (uint32_t)i;
			continue;
		}
		x->first[n_names] = (uint32_t)i;
		if (nsg_hash_add(&x->names, nsg_hash_name(name), n_names++) < 0)
			r->sink.no_memory = true;
	}
}

/* The first resource of the policy's array `list` with an equal id; NSG_HASH_NONE. */
static uint32_t index_find(const struct index *x, size_t list, const char *id)
{
	uint32_t at = *id ? find_name(x, nsg_id_name(id)) : NSG_HASH_NONE;

	if (at == NSG_HASH_NONE)
		return at;
	for (at = x->first[at]; at != NSG_HASH_NONE; at = x->next[at]) {
		const struct nsg_resource *res = &x->v[at];

		if (res->kind->list == list && !res->gone && nsg_id_equal(res->id, id))
			return at;
	}
	return at;
}

/* ---- copies --------------------------------------------------------------------------------- */

static void report_other_content(struct nsg_sink *s, const char *word, const char *name,
				 const struct nsg_place *second, const struct nsg_place *first)
{
	uint32_t line, column;

	nsg_place_locate(*first, &line, &column);
	(void)nsg_diag_add(s->diag, NSG_ERROR, second, NULL,
			   "%s '" NSG_QUOTE "' is also at %s:%u:%u, with different content", word,
			   name, first->source ? first->source->path : "", line, column);
}

/* The first copy stays. One that differs is an error, and goes too, so that it is reported once. */
static void join_copies(struct nsg_reader *r, const struct index *x)
{
	for (size_t i = 0; i < r->resources.n; i++) {
		struct nsg_resource *res = &r->resources.v[i], *first;
		const struct nsg_kind *kind = res->kind;
		uint32_t at = kind->parent ? NSG_HASH_NONE : index_find(x, kind->list, res->id);

		if (at >= i)
			continue;
		first = &r->resources.v[at];
		if (nsg_fields_same(&r->sink, kind->fields, first->data, res->data))
			nsg_fields_unite(kind->fields, first->data, res->data);
		else
			report_other_content(&r->sink, kind->fields->word, nsg_id_name(res->id),
					     &res->place, &first->place);
		res->gone = true;
	}
}

/* Whatever their ids are. Quadratic: few enough are read. */
static void join_equal(struct nsg_reader *r, const struct nsg_kind *kind)
{
	for (size_t i = 0; i < r->resources.n; i++) {
		struct nsg_resource *res = &r->resources.v[i];

		for (size_t j = 0; res->kind == kind && !res->gone && j < i; j++) {
			const struct nsg_resource *first = &r->resources.v[j];

			res->gone = first->kind == kind && !first->gone &&
				    nsg_fields_same(&r->sink, kind->fields, first->data, res->data);
		}
	}
}

/* Too many of a kind: none is used. */
static void bound_kind(struct nsg_reader *r, const struct nsg_kind *kind)
{
	size_t max = kind->max ? kind->max : NSG_MAX_RESOURCES, n = 0;
	const struct nsg_resource *first = NULL;

	for (size_t i = 0; i < r->resources.n; i++) {
		if (r->resources.v[i].kind != kind)
			continue;
		first = first ? first : &r->resources.v[i];
		n++;
	}
	if (n <= max)
		return;
	(void)nsg_diag_add(r->sink.diag, NSG_ERROR, &first->place, NULL,
			   "%zu documents of kind '%s': at most %zu are read", n,
			   kind->fields->word, max);
	for (size_t i = 0; i < r->resources.n; i++)
		r->resources.v[i].gone |= r->resources.v[i].kind == kind;
}

/* ---- children: parents ---------------------------------------------------------------------- */

static const char *child_name(const struct nsg_resource *child)
{
	return nsg_fields_name(child->kind->fields, child->data);
}

static bool is_same_list(const struct nsg_resource *a, const struct nsg_resource *b)
{
	if (a->kind->parent != b->kind->parent)
		return false;
	if (*a->parent || *b->parent)
		return nsg_id_equal(a->parent, b->parent);
	return a->list == b->list;
}

/* Collects the parent that a list of children replaces, with nothing but their place and its id. */
static void collect_parent(struct nsg_reader *r, const struct nsg_resource *child)
{
	const struct nsg_kind *kind = child->kind->parent;
	struct nsg_root root = {
	    .source = child->place.source,
	    .value = child->place.value,
	    .pointer = child->place.pointer,
	};
	struct nsg_node n = nsg_node_root(&root, NULL);
	struct nsg_identity who = {
	    .id = child->parent,
	    .name = nsg_id_name(child->parent),
	    .parent = "",
	    .within = "",
	};

	nsg_collect_as(r, &n, kind, &who);
}

/* Sets the owner of children in lists without a parent; the lists that have one are remembered by
 * their first child. What is in one file and list comes one after another. */
static void make_parents(struct nsg_reader *r, uint32_t *owner)
{
	size_t n = r->resources.n, n_made = 0;
	cleanup_free size_t *first = calloc(NSG_MAX_LISTS, sizeof(*first));

	if (!first)
		r->sink.no_memory = true;
	for (size_t i = 0; i < n && !r->sink.no_memory; i++) {
		const struct nsg_resource *child = &r->resources.v[i];
		size_t at = n_made;

		if (!child->kind->may_stand_alone || owner[i] != NSG_HASH_NONE ||
		    !child->is_listed || (*child->parent && !nsg_id_is_full(child->parent)))
			continue;
		while (at && !is_same_list(&r->resources.v[first[at - 1]], child))
			at--;
		if (!at && n_made == NSG_MAX_LISTS)
			continue;
		if (!at) {
			first[n_made++] = i;
			collect_parent(r, child);
			at = n_made;
		}
		owner[i] = (uint32_t)(n + at - 1);
	}
}

static void report_orphan(struct nsg_sink *s, const struct nsg_resource *child)
{
	const char *word = child->kind->fields->word, *name = child_name(child);

	if (*child->parent)
		(void)nsg_diag_add(
		    s->diag, NSG_ERROR, &child->place, NULL,
		    "%s '" NSG_QUOTE "' belongs to the %s '" NSG_QUOTE "', which has no document",
		    word, name, child->kind->parent->fields->word, nsg_id_name(child->parent));
	else
		(void)nsg_diag_add(s->diag, NSG_ERROR, &child->place, NULL,
				   "%s '" NSG_QUOTE "' does not name its %s", word, name,
				   child->kind->parent->fields->word);
}

/* ---- children: merging ---------------------------------------------------------------------- */

/* The children of one parent while it gets more of them. */
struct merged {
	char *v;
	const struct nsg_resource **from; /* NULL: written in the parent */
	size_t n;
};

static bool is_same_child(const struct nsg_kind *kind, const void *a, const void *b)
{
	return !strcasecmp(nsg_fields_name(kind->fields, a), nsg_fields_name(kind->fields, b)) &&
	       (!kind->is_same || kind->is_same(a, b));
}

/* A child document is used in place of what its parent has under that name. */
static void put(struct nsg_sink *s, struct merged *m, const struct nsg_resource *child)
{
	const struct nsg_kind *kind = child->kind;
	size_t size = kind->fields->size, at = 0;

	while (at < m->n && !is_same_child(kind, m->v + at * size, child->data))
		at++;
	if (at < m->n && m->from[at]) {
		if (!nsg_fields_same(s, kind->fields, m->v + at * size, child->data))
			report_other_content(s, kind->fields->word, child_name(child),
					     &child->place, &m->from[at]->place);
		return;
	}
	memcpy(m->v + at * size, child->data, size);
	m->from[at] = child;
	m->n += at == m->n;
}

struct pair {
	uint32_t parent, child;
};

static int by_parent(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	int r = NSG_CMP(x->parent, y->parent);

	return r ? r : NSG_CMP(x->child, y->child);
}

/* Gives a parent its children pairs[0 .. n-1], all of one list in it. */
static void merge(struct nsg_reader *r, const struct pair *pairs, size_t n)
{
	struct nsg_sink *s = &r->sink;
	const struct nsg_resource *parent = &r->resources.v[pairs[0].parent];
	const struct nsg_resource *child = &r->resources.v[pairs[0].child];
	const struct nsg_kind *kind = child->kind;
	void **list = (void **)(void *)((char *)parent->data + kind->at);
	size_t *count = (size_t *)(void *)((char *)parent->data + kind->at_n);
	struct merged m = {
	    .v = nsg_sink_array(s, *count + n, kind->fields->size),
	    .from = nsg_sink_array(s, *count + n, sizeof(*m.from)),
	    .n = *count,
	};

	/* twice the bound: a child may replace one of the parent's own */
	if (*count + n > 2 * kind->max) {
		(void)nsg_diag_add(s->diag, NSG_ERROR, &child->place, NULL,
				   "%s '" NSG_QUOTE "': %zu %ss; Azure allows %zu",
				   parent->kind->fields->word, nsg_id_name(parent->id), *count + n,
				   kind->fields->word, kind->max);
		return;
	}
	if (!m.v || !m.from)
		return;
	if (*count)
		memcpy(m.v, *list, *count * kind->fields->size);
	for (size_t i = 0; i < n; i++)
		put(s, &m, &r->resources.v[pairs[i].child]);
	*list = m.v;
	*count = m.n;
}

/* What the directory may lack is in the documents that could not be read. */
static void leave_orphan(struct nsg_reader *r, struct nsg_resource *child)
{
	const struct nsg_kind *kind = child->kind;

	child->gone = kind->at_n;
	if (kind->at_n && !r->policy->incomplete)
		report_orphan(&r->sink, child);
	else if (kind->orphan)
		kind->orphan(child->data);
}

/* False: an element for the list in its parent. */
static bool is_adopted(struct nsg_reader *r, struct nsg_resource *child,
		       const struct nsg_resource *parent)
{
	const struct nsg_kind *kind = child->kind;
	bool adopted = kind->adopt && kind->adopt(&r->sink, parent->data, child->data);

	child->gone = adopted || kind->at_n;
	return adopted || !kind->at_n;
}

/* Children of all kinds with that table. */
static void merge_all(struct nsg_reader *r, const uint32_t *owner, size_t n_owned,
		      const struct nsg_fields *fields)
{
	cleanup_free struct pair *pairs = calloc(n_owned + 1, sizeof(*pairs));
	size_t n = 0, last;

	if (!pairs)
		r->sink.no_memory = true;
	for (size_t i = 0; i < n_owned && !r->sink.no_memory; i++) {
		struct nsg_resource *child = &r->resources.v[i];

		if (!child->kind->parent || child->kind->fields != fields || child->gone)
			continue;
		if (owner[i] == NSG_HASH_NONE)
			leave_orphan(r, child);
		else if (!is_adopted(r, child, &r->resources.v[owner[i]]))
			pairs[n++] = (struct pair){owner[i], (uint32_t)i};
	}
	if (n)
		qsort(pairs, n, sizeof(*pairs), by_parent);
	for (size_t first = 0; first < n && !r->sink.no_memory; first = last) {
		for (last = first; last < n && pairs[last].parent == pairs[first].parent;)
			last++;
		merge(r, &pairs[first], last - first);
	}
}

static void join_children(struct nsg_reader *r, const struct index *x)
{
	size_t n = r->resources.n;
	cleanup_free uint32_t *owner = calloc(n + 1, sizeof(*owner));

	if (!owner) {
		r->sink.no_memory = true;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const struct nsg_resource *child = &r->resources.v[i];
		const struct nsg_kind *parent = child->kind->parent;

		owner[i] = parent ? index_find(x, parent->list, child->parent) : NSG_HASH_NONE;
	}
	make_parents(r, owner);
	for (size_t k = 0; k < nsg_n_kinds; k++) {
		if (nsg_kinds[k].kind->parent && !r->sink.no_memory)
			merge_all(r, owner, n, nsg_kinds[k].kind->fields);
	}
}

/* ---- all of it ------------------------------------------------------------------------------ */

void nsg_join(struct nsg_reader *r)
{
	cleanup_index struct index x = {0};

	for (size_t k = 0; k < nsg_n_kinds; k++) {
		if (nsg_kinds[k].kind->fields && !nsg_kinds[k].kind->parent)
			bound_kind(r, nsg_kinds[k].kind);
	}
	index_make(r, &x);
	if (r->sink.no_memory)
		return;
	join_copies(r, &x);
	for (size_t k = 0; k < nsg_n_kinds; k++) {
		if (nsg_kinds[k].kind->equal_by_content)
			join_equal(r, nsg_kinds[k].kind);
	}
	join_children(r, &x);
	for (size_t i = 0; i < r->resources.n; i++) {
		const struct nsg_resource *res = &r->resources.v[i];

		if (!res->gone && res->kind->bound)
			res->kind->bound(&r->sink, res->data);
	}
}

/* What is left of the kinds that share an array of the policy, in document order. */
static void hand_over(struct nsg_reader *r, const struct nsg_kind *kind)
{
	char **list = (char **)(void *)((char *)r->policy + kind->list);
	size_t *count = (size_t *)(void *)((char *)r->policy + kind->count);
	size_t size = kind->fields->size, n = 0;

	for (size_t i = 0; i < r->resources.n; i++)
		n += r->resources.v[i].kind->list == kind->list && !r->resources.v[i].gone;
	*list = nsg_sink_array(&r->sink, n, size);
	for (size_t i = 0; i < r->resources.n && *list; i++) {
		const struct nsg_resource *res = &r->resources.v[i];

		if (res->kind->list == kind->list && !res->gone)
			memcpy(*list + (*count)++ * size, res->data, size);
	}
}

void nsg_hand_over(struct nsg_reader *r)
{
	for (size_t k = 0; k < nsg_n_kinds; k++) {
		const struct nsg_kind *kind = nsg_kinds[k].kind;

		if (kind->count &&
		    !*(const size_t *)(const void *)((char *)r->policy + kind->count))
			hand_over(r, kind);
	}
	r->policy->n_bgp_routes = r->bgp_routes.n;
	r->policy->bgp_routes = nsg_sink_keep(&r->sink, &r->bgp_routes);
}
