/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Children that stand alone: resources of a template named parent/child, and lists that az prints
 * without their parent. A child counts in place of the parent's own of its name; a list whose
 * parent has no document stands for it (interfaces.md section 1).
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "azure/index_priv.h"
#include "azure/join_priv.h"
#include "util/limits.h"

#define NO_PARENT SIZE_MAX

/* One kind of child: where things stand in the structs of loose children and of parents. */
struct family {
	enum nsg_resource what;
	const char *word, *parent_word;
	size_t max;	 /* children a parent */
	bool incomplete; /* what could not be read may be a parent */

	char *loose;
	size_t n_loose, loose_size, child; /* offset of the child in a loose one */
	size_t child_size;

	char *parents;
	size_t n_parents, parent_size, parent_id, list, count; /* offsets in a parent */
};

static struct nsg_loose *loose_at(const struct family *f, size_t i)
{
	return (struct nsg_loose *)(void *)(f->loose + i * f->loose_size);
}

/* Every kind of child begins with its name. */
static const char *name_of(const void *child)
{
	return *(const char *const *)child;
}

_Static_assert(offsetof(struct nsg_rule, name) == 0, "name_of");
_Static_assert(offsetof(struct nsg_route, name) == 0, "name_of");
_Static_assert(offsetof(struct nsg_peering, name) == 0, "name_of");

static const char *child_name(const struct family *f, const void *child)
{
	if (f->what == NSG_RESOURCE_SUBNET)
		return ((const struct nsg_subnet *)child)->name;
	return name_of(child);
}

/* A user rule and a default rule of one name are two. */
static bool is_same_child(const struct family *f, const void *a, const void *b)
{
	if (f->what == NSG_RESOURCE_RULE &&
	    ((const struct nsg_rule *)a)->is_default != ((const struct nsg_rule *)b)->is_default)
		return false;
	return !strcasecmp(child_name(f, a), child_name(f, b));
}

/* ---- whose is it ---------------------------------------------------------------------------- */

static void say_orphan(struct nsg_sink *s, const struct family *f, size_t i)
{
	const struct nsg_loose *loose = loose_at(f, i);
	const char *name = child_name(f, (const char *)loose + f->child);

	if (*loose->parent)
		(void)nsg_diag_add(s->diag, NSG_ERROR, &loose->place, NULL,
				   "%s '" NSG_QUOTE "' belongs to the %s '" NSG_QUOTE
				   "', which is not here",
				   f->word, name, f->parent_word, nsg_id_name(loose->parent));
	else
		(void)nsg_diag_add(s->diag, NSG_ERROR, &loose->place, NULL,
				   "%s '" NSG_QUOTE "' does not say whose it is", f->word, name);
}

/* The parent's position of each loose child; NO_PARENT: none of that id. malloc'ed. */
static size_t *find_parents(struct nsg_sink *s, const struct family *f)
{
	size_t *owner = calloc(f->n_loose ? f->n_loose : 1, sizeof(*owner));
	struct nsg_index index;

	if (nsg_index_new(&index, f->parents, f->n_parents, f->parent_size, f->parent_id) < 0 ||
	    !owner)
		s->no_memory = true;
	for (size_t i = 0; i < f->n_loose && !s->no_memory; i++) {
		size_t at = nsg_index_find(&index, loose_at(f, i)->parent);

		owner[i] = at < f->n_parents ? at : NO_PARENT;
	}
	nsg_index_done(&index);
	return owner;
}

/* ---- giving them to their parents ----------------------------------------------------------- */

struct pair {
	size_t parent, loose;
};

static int by_parent(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	return (x->loose > y->loose) - (x->loose < y->loose);
}

/* The children of one parent while it gets more of them. */
struct merged {
	char *v;
	const struct nsg_loose **from; /* NULL: the parent's own */
	size_t n;
};

static void put(struct nsg_sink *s, const struct family *f, struct merged *m, size_t i)
{
	const struct nsg_loose *loose = loose_at(f, i);
	const void *child = (const char *)loose + f->child;
	size_t at = 0;

	while (at < m->n && !is_same_child(f, m->v + at * f->child_size, child))
		at++;
	if (at < m->n && m->from[at]) {
		if (!nsg_same(s, f->what, m->v + at * f->child_size, child))
			nsg_say_twice(s, f->word, child_name(f, child), &loose->place,
				      &m->from[at]->place);
		return;
	}
	memcpy(m->v + at * f->child_size, child, f->child_size);
	m->from[at] = loose;
	m->n += at == m->n;
}

/* Gives a parent the loose children pairs[0 .. n-1]. */
static void merge(struct nsg_sink *s, const struct family *f, const struct pair *pairs, size_t n)
{
	char *parent = f->parents + pairs[0].parent * f->parent_size;
	size_t *count = (size_t *)(void *)(parent + f->count);
	char **list = (char **)(void *)(parent + f->list);
	struct merged m = {
	    .v = nsg_sink_array(s, *count + n, f->child_size),
	    .from = nsg_sink_array(s, *count + n, sizeof(*m.from)),
	    .n = *count,
	};

	if (*count + n > 2 * f->max) {
		(void)nsg_diag_add(s->diag, NSG_ERROR, &loose_at(f, pairs[0].loose)->place, NULL,
				   "%s '" NSG_QUOTE "': %zu times %s; Azure allows %zu",
				   f->parent_word,
				   nsg_id_name(*(const char **)(void *)(parent + f->parent_id)),
				   *count + n, f->word, f->max);
		return;
	}
	if (!m.v || !m.from)
		return;
	if (*count)
		memcpy(m.v, *list, *count * f->child_size);
	for (size_t i = 0; i < n; i++)
		put(s, f, &m, pairs[i].loose);
	*list = m.v;
	*count = m.n;
}

static void give(struct nsg_sink *s, const struct family *f, const size_t *owner)
{
	struct pair *pairs = calloc(f->n_loose ? f->n_loose : 1, sizeof(*pairs));
	size_t n = 0, last;

	if (!pairs) {
		s->no_memory = true;
		return;
	}
	for (size_t i = 0; i < f->n_loose; i++) {
		if (owner[i] == NO_PARENT && !f->incomplete)
			say_orphan(s, f, i);
		if (owner[i] != NO_PARENT)
			pairs[n++] = (struct pair){owner[i], i};
	}
	qsort(pairs, n, sizeof(*pairs), by_parent);
	for (size_t first = 0; first < n && !s->no_memory; first = last) {
		for (last = first; last < n && pairs[last].parent == pairs[first].parent;)
			last++;
		merge(s, f, &pairs[first], last - first);
	}
	free(pairs);
}

/* ---- rules and routes: a list may stand for its parent -------------------------------------- */

/* Whether it may, and the id the parent is to have. */
static bool stands_alone(const struct nsg_loose *loose)
{
	return loose->is_listed && (!*loose->parent || nsg_id_is_full(loose->parent));
}

static bool is_same_list(const struct nsg_loose *a, const struct nsg_loose *b)
{
	if (*a->parent || *b->parent)
		return nsg_id_equal(a->parent, b->parent);
	return a->list == b->list;
}

/* Owners for the children of lists without a parent: each calls make once a list, which appends a
 * parent. What stands in one file and list comes one after another. */
static void make_parents(struct nsg_reader *r, const struct family *f, size_t *owner,
			 void (*make)(struct nsg_reader *r, const struct nsg_loose *loose))
{
	size_t n = f->n_parents, n_made = 0;
	size_t *first = calloc(f->n_loose ? f->n_loose : 1, sizeof(*first));

	if (!first)
		r->sink.no_memory = true;
	for (size_t i = 0; i < f->n_loose && !r->sink.no_memory; i++) {
		const struct nsg_loose *loose = loose_at(f, i);
		size_t at = n_made;

		if (owner[i] != NO_PARENT || !stands_alone(loose))
			continue;
		while (at && !is_same_list(loose_at(f, first[at - 1]), loose))
			at--;
		if (!at) {
			if (n_made == NSG_MAX_LISTS)
				continue;
			make(r, loose);
			first[n_made++] = i;
			at = n_made;
		}
		owner[i] = n + at - 1;
	}
	free(first);
}

static void make_nsg(struct nsg_reader *r, const struct nsg_loose *loose)
{
	struct nsg_nsg nsg = {
	    .id = loose->parent,
	    .name = nsg_id_name(loose->parent),
	    .place = loose->place,
	};

	nsg_sink_push(&r->sink, &r->nsgs, nsg);
}

static void make_table(struct nsg_reader *r, const struct nsg_loose *loose)
{
	struct nsg_route_table table = {
	    .id = loose->parent,
	    .name = nsg_id_name(loose->parent),
	    .place = loose->place,
	};

	nsg_sink_push(&r->sink, &r->route_tables, table);
}

/* An inbound rule has no effect: it is only counted, once. */
static void note_inbound(struct nsg_sink *s, struct nsg_nsg *nsg, const struct nsg_rule *rule)
{
	const char **names;

	for (size_t i = 0; i < nsg->n_inbound; i++) {
		if (!strcasecmp(nsg->inbound[i], rule->name))
			return;
	}
	/* beyond the bound the join complains */
	if (rule->is_default || nsg->n_inbound > NSG_MAX_RULES)
		return;
	names = nsg_sink_array(s, nsg->n_inbound + 1, sizeof(*names));
	if (!names)
		return;
	if (nsg->n_inbound)
		memcpy(names, nsg->inbound, nsg->n_inbound * sizeof(*names));
	else
		nsg->inbound_place = rule->place;
	names[nsg->n_inbound++] = rule->name;
	nsg->inbound = names;
}

static struct family rule_family(struct nsg_reader *r)
{
	return (struct family){
	    .what = NSG_RESOURCE_RULE,
	    .word = "rule",
	    .parent_word = "NSG",
	    .max = NSG_MAX_RULES + NSG_MAX_DEFAULT_RULES,
	    .incomplete = r->policy->incomplete,
	    .loose = (char *)r->rules.v,
	    .n_loose = r->rules.n,
	    .loose_size = sizeof(*r->rules.v),
	    .child = offsetof(struct nsg_loose_rule, rule),
	    .child_size = sizeof(struct nsg_rule),
	    .parents = (char *)r->nsgs.v,
	    .n_parents = r->nsgs.n,
	    .parent_size = sizeof(*r->nsgs.v),
	    .parent_id = offsetof(struct nsg_nsg, id),
	    .list = offsetof(struct nsg_nsg, rules),
	    .count = offsetof(struct nsg_nsg, n_rules),
	};
}

static struct family route_family(struct nsg_reader *r)
{
	return (struct family){
	    .what = NSG_RESOURCE_ROUTE,
	    .word = "route",
	    .parent_word = "route table",
	    .max = NSG_MAX_UDRS,
	    .incomplete = r->policy->incomplete,
	    .loose = (char *)r->routes.v,
	    .n_loose = r->routes.n,
	    .loose_size = sizeof(*r->routes.v),
	    .child = offsetof(struct nsg_loose_route, route),
	    .child_size = sizeof(struct nsg_route),
	    .parents = (char *)r->route_tables.v,
	    .n_parents = r->route_tables.n,
	    .parent_size = sizeof(*r->route_tables.v),
	    .parent_id = offsetof(struct nsg_route_table, id),
	    .list = offsetof(struct nsg_route_table, routes),
	    .count = offsetof(struct nsg_route_table, n_routes),
	};
}

static struct family vnet_family(struct nsg_reader *r)
{
	return (struct family){
	    .parent_word = "virtual network",
	    .incomplete = r->policy->incomplete,
	    .parents = (char *)r->vnets.v,
	    .n_parents = r->vnets.n,
	    .parent_size = sizeof(*r->vnets.v),
	    .parent_id = offsetof(struct nsg_vnet, id),
	};
}

static struct family subnet_family(struct nsg_reader *r)
{
	struct family f = vnet_family(r);

	f.what = NSG_RESOURCE_SUBNET;
	f.word = "subnet";
	f.max = NSG_MAX_SUBNETS;
	f.loose = (char *)r->subnets.v;
	f.n_loose = r->subnets.n;
	f.loose_size = sizeof(*r->subnets.v);
	f.child = offsetof(struct nsg_loose_subnet, subnet);
	f.child_size = sizeof(struct nsg_subnet);
	f.list = offsetof(struct nsg_vnet, subnets);
	f.count = offsetof(struct nsg_vnet, n_subnets);
	return f;
}

static struct family peering_family(struct nsg_reader *r)
{
	struct family f = vnet_family(r);

	f.what = NSG_RESOURCE_PEERING;
	f.word = "peering";
	f.max = NSG_MAX_PEERINGS;
	f.loose = (char *)r->peerings.v;
	f.n_loose = r->peerings.n;
	f.loose_size = sizeof(*r->peerings.v);
	f.child = offsetof(struct nsg_loose_peering, peering);
	f.child_size = sizeof(struct nsg_peering);
	f.list = offsetof(struct nsg_vnet, peerings);
	f.count = offsetof(struct nsg_vnet, n_peerings);
	return f;
}

/* Takes the inbound ones out of r->rules and of owner. */
static void take_inbound(struct nsg_reader *r, size_t *owner)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->rules.n; i++) {
		const struct nsg_loose_rule *rule = &r->rules.v[i];

		if (rule->inbound && owner[i] != NO_PARENT) {
			note_inbound(&r->sink, &r->nsgs.v[owner[i]], &rule->rule);
			continue;
		}
		r->rules.v[kept] = *rule;
		owner[kept++] = owner[i];
	}
	r->rules.n = kept;
}

static void join_rules(struct nsg_reader *r)
{
	struct family f = rule_family(r);
	size_t *owner = find_parents(&r->sink, &f);

	if (!r->sink.no_memory)
		make_parents(r, &f, owner, make_nsg);
	if (!r->sink.no_memory) {
		take_inbound(r, owner);
		f = rule_family(r);
		give(&r->sink, &f, owner);
	}
	free(owner);
}

static void join_routes(struct nsg_reader *r)
{
	struct family f = route_family(r);
	size_t *owner = find_parents(&r->sink, &f);

	if (!r->sink.no_memory)
		make_parents(r, &f, owner, make_table);
	if (!r->sink.no_memory) {
		f = route_family(r);
		give(&r->sink, &f, owner);
	}
	free(owner);
}

static void join_vnet_children(struct nsg_reader *r, const struct family *f)
{
	size_t *owner = find_parents(&r->sink, f);

	if (!r->sink.no_memory)
		give(&r->sink, f, owner);
	free(owner);
}

void nsg_reader_join_children(struct nsg_reader *r)
{
	struct family subnets = subnet_family(r), peerings = peering_family(r);

	join_vnet_children(r, &subnets);
	join_vnet_children(r, &peerings);
	join_rules(r);
	join_routes(r);
}
