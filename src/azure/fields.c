/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "azure/fields_priv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "azure/reader_priv.h"
#include "util/cleanup.h"

/* ---- reading -------------------------------------------------------------------------------- */

/* The name of an element: its own, else the end of its id. */
static void read_name(struct nsg_sink *s, const struct nsg_node *n, struct nsg_identity *who)
{
	if (who->name)
		return;
	who->name = nsg_id_name(nsg_read_member(s, n, "name"));
	if (!*who->name)
		who->name = nsg_id_name(nsg_read_member(s, n, "id"));
}

/* The id of an element of a list in its parent. */
static void read_id(struct nsg_sink *s, const struct nsg_node *n, struct nsg_identity *who)
{
	if (who->id)
		return;
	read_name(s, n, who);
	who->id = nsg_read_member(s, n, "id");
	if (!*who->id)
		who->id = nsg_child_id(s, who->parent, n->up->key, who->name);
}

static void read_array(struct nsg_reader *r, const struct nsg_field *f, const struct nsg_node *list,
		       const char *id, void *to)
{
	struct nsg_sink *s = &r->sink;
	size_t size = nsg_read_array(s, list), *n = nsg_field_count(f, to);
	char *v;

	if (f->of->max && size > f->of->max) {
		nsg_node_report(s, list, NSG_ERROR, NULL, "%zu %ss; Azure allows %zu", size,
				f->of->word, f->of->max);
		return;
	}
	v = nsg_sink_array(s, size, f->size);
	*(void **)nsg_field_at(f, to) = v;
	for (size_t i = 0; i < size && v; i++) {
		struct nsg_node element = nsg_node_at(list, i);
		struct nsg_identity who = {.parent = id, .within = ""};

		if (!nsg_read_object(s, &element))
			continue;
		memset(v + *n * f->size, 0, f->size);
		*n += nsg_fields_read(r, f->of, &element, &who, v + *n * f->size);
	}
}

static struct nsg_strings used_by(struct nsg_sink *s, const struct nsg_node *n, const char *within)
{
	struct nsg_strings ids = nsg_read_ids(s, n);

	if (ids.n || !*within)
		return ids;
	ids.v = nsg_sink_array(s, 1, sizeof(*ids.v));
	if (ids.v)
		ids.v[ids.n++] = within;
	return ids;
}

static const char *read_text(struct nsg_sink *s, const struct nsg_field *f,
			     const struct nsg_node *of, const struct nsg_node *n)
{
	const char *text = nsg_read_string(s, n), *other = "";

	if (f->other)
		other = nsg_read_member(s, of, f->other);
	return *text ? text : other;
}

/* `of` has the key, n is its value. */
static void read_value(struct nsg_reader *r, const struct nsg_field *f, const struct nsg_node *of,
		       const struct nsg_node *n, struct nsg_identity *who, void *to)
{
	struct nsg_sink *s = &r->sink;
	void *at = nsg_field_at(f, to);

	switch (f->kind) {
	case FIELD_TEXT:
	case FIELD_LOCATION:
	case FIELD_ID:
		*(const char **)at = read_text(s, f, of, n);
		break;
	case FIELD_REF:
		*(const char **)at = nsg_read_ref(s, of, f->key);
		break;
	case FIELD_IDS:
		*(struct nsg_strings *)at = nsg_read_ids(s, n);
		break;
	case FIELD_TEXTS:
		*(struct nsg_strings *)at =
		    f->each ? nsg_read_each(s, n, f->each) : nsg_read_strings(s, n);
		break;
	case FIELD_PREFIXES:
		*(struct nsg_prefixes *)at = f->other
						 ? nsg_read_prefix_members(s, of, f->key, f->other)
						 : nsg_read_prefixes(s, n);
		break;
	case FIELD_TRISTATE:
		*(enum nsg_tristate *)at = nsg_read_bool(s, of, f->key);
		break;
	case FIELD_FLAG:
		*(bool *)at = nsg_read_bool(s, of, f->key) == NSG_TRUE;
		break;
	case FIELD_COUNT:
		*(size_t *)at = nsg_read_array(s, n);
		break;
	case FIELD_ARRAY:
		read_array(r, f, n, who->id, to);
		break;
	case FIELD_USED_BY:
		*(struct nsg_strings *)at = used_by(s, n, who->within);
		break;
	case FIELD_PLACE:
		*(struct nsg_place *)at = nsg_node_place(s, n);
		break;
	default: /* the others have a function */
		break;
	}
}

/* Object members are checked at their first use: lines with one `in` follow each other. */
static void read_member(struct nsg_reader *r, const struct nsg_fields *t, size_t i,
			const struct nsg_node *n, struct nsg_identity *who, void *to)
{
	const struct nsg_field *f = &t->v[i];
	struct nsg_node in, value;

	if (!f->in) {
		value = nsg_node_get(n, f->key);
		read_value(r, f, n, &value, who, to);
		return;
	}
	in = nsg_node_get(n, f->in);
	if (!i || !f[-1].in || strcmp(f->in, f[-1].in))
		(void)nsg_read_object(&r->sink, &in);
	value = nsg_node_get(&in, f->key);
	read_value(r, f, &in, &value, who, to);
}

bool nsg_fields_read(struct nsg_reader *r, const struct nsg_fields *t, const struct nsg_node *n,
		     struct nsg_identity *who, void *to)
{
	struct nsg_sink *s = &r->sink;
	bool of_use = true;

	for (size_t i = 0; i < t->n; i++) {
		const struct nsg_field *f = &t->v[i];

		if (f->kind == FIELD_OWN_ID) {
			read_id(s, n, who);
			*(const char **)nsg_field_at(f, to) = who->id;
		} else if (f->kind == FIELD_OWN_NAME) {
			read_name(s, n, who);
			*(const char **)nsg_field_at(f, to) = who->name;
		} else if (f->kind == FIELD_OWN_PARENT) {
			*(const char **)nsg_field_at(f, to) = who->parent;
		} else if (f->kind == FIELD_PLACE && !f->key) {
			*(struct nsg_place *)nsg_field_at(f, to) = nsg_node_place(s, n);
		} else if (f->read) {
			of_use &= f->read(r, f, n, to);
		} else if (f->key) {
			read_member(r, t, i, n, who, to);
		}
	}
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): such a table reads the name */
	if (t->needs_name && !*who->name)
		nsg_node_report(s, n, NSG_ERROR, NULL, "a %s has no name", t->word);
	return (!t->check || t->check(r, n, to)) && of_use;
}

/* ---- comparing ------------------------------------------------------------------------------ */

static const void *const_field(const struct nsg_field *f, const void *of)
{
	return (const char *)of + f->at;
}

static bool same_text(const char *a, const char *b)
{
	return !strcasecmp(a ? a : "", b ? b : "");
}

static bool same_location(const char *a, const char *b)
{
	for (;; a++, b++) {
		char x[2] = {0}, y[2] = {0};

		while (*a == ' ')
			a++;
		while (*b == ' ')
			b++;
		x[0] = *a;
		y[0] = *b;
		if (strcasecmp(x, y))
			return false;
		if (!*a)
			return true;
	}
}

static bool same_id(const char *a, const char *b)
{
	return (!*a && !*b) || nsg_id_equal(a, b);
}

static int by_text(const void *a, const void *b)
{
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_prefix(const void *a, const void *b)
{
	return nsg_prefix_compare(a, b);
}

static int by_port(const void *a, const void *b)
{
	const struct nsg_port_range *x = a, *y = b;
	int r = NSG_CMP(x->lo, y->lo);

	return r ? r : NSG_CMP(x->hi, y->hi);
}

/* A copy in order, to be freed. */
static void *sorted(struct nsg_sink *s, const void *v, size_t n, size_t size,
		    int (*compare)(const void *a, const void *b))
{
	void *copy = malloc(n * size + 1);

	if (!copy) {
		s->no_memory = true;
		return NULL;
	}
	if (n)
		qsort(memcpy(copy, v, n * size), n, size, compare);
	return copy;
}

static bool same_texts(const struct nsg_strings *a, const struct nsg_strings *b, bool ids)
{
	for (size_t i = 0; i < a->n; i++) {
		if (ids ? !same_id(a->v[i], b->v[i]) : !same_text(a->v[i], b->v[i]))
			return false;
	}
	return true;
}

static bool same_strings(struct nsg_sink *s, const struct nsg_strings *a,
			 const struct nsg_strings *b, bool ids)
{
	cleanup_free const char **va = NULL;
	cleanup_free const char **vb = NULL;

	if (a->n != b->n)
		return false;
	if (same_texts(a, b, ids))
		return true;
	va = sorted(s, a->v, a->n, sizeof(*va), by_text);
	vb = sorted(s, b->v, b->n, sizeof(*vb), by_text);
	return va && vb &&
	       same_texts(&(struct nsg_strings){.v = va, .n = a->n},
			  &(struct nsg_strings){.v = vb, .n = b->n}, ids);
}

static bool same_prefixes(struct nsg_sink *s, const struct nsg_prefixes *a,
			  const struct nsg_prefixes *b)
{
	cleanup_free struct nsg_prefix *va = NULL;
	cleanup_free struct nsg_prefix *vb = NULL;

	if (a->n != b->n || a->n_ip6 != b->n_ip6)
		return false;
	va = sorted(s, a->v, a->n, sizeof(*va), by_prefix);
	vb = sorted(s, b->v, b->n, sizeof(*vb), by_prefix);
	for (size_t i = 0; va && vb && i < a->n; i++) {
		if (!nsg_prefix_equal(va[i], vb[i]))
			return false;
	}
	return va && vb;
}

static bool same_ports(struct nsg_sink *s, const struct nsg_port_range *a,
		       const struct nsg_port_range *b, size_t n)
{
	cleanup_free struct nsg_port_range *va = sorted(s, a, n, sizeof(*va), by_port);
	cleanup_free struct nsg_port_range *vb = sorted(s, b, n, sizeof(*vb), by_port);

	return va && vb && !memcmp(va, vb, n * sizeof(*va));
}

static bool same_address(struct nsg_sink *s, const struct nsg_address *a,
			 const struct nsg_address *b)
{
	return a->kind == b->kind && same_text(a->tag, b->tag) &&
	       same_prefixes(s, &a->prefixes, &b->prefixes) &&
	       same_strings(s, &a->asgs, &b->asgs, true) &&
	       same_strings(s, &a->tags, &b->tags, false);
}

const char *nsg_fields_name(const struct nsg_fields *t, const void *element)
{
	return *(const char *const *)(const void *)((const char *)element + t->name);
}

static int by_name(const void *a, const void *b, void *table)
{
	return strcasecmp(nsg_fields_name(table, *(const void *const *)a),
			  nsg_fields_name(table, *(const void *const *)b));
}

static const char **sorted_elements(struct nsg_sink *s, const struct nsg_field *f, const char *v,
				    size_t n)
{
	const char **element = calloc(n ? n : 1, sizeof(*element));
	struct nsg_fields table = *f->of;

	if (!element) {
		s->no_memory = true;
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		element[i] = v + i * f->size;
	if (!table.in_order)
		qsort_r(element, n, sizeof(*element), by_name, &table);
	return element;
}

static bool same_array(struct nsg_sink *s, const struct nsg_field *f, const char *a, const char *b,
		       size_t n)
{
	cleanup_free const char **ea = sorted_elements(s, f, a, n);
	cleanup_free const char **eb = sorted_elements(s, f, b, n);
	struct nsg_fields table = *f->of;

	for (size_t i = 0; ea && eb && i < n; i++) {
		if (!f->of->in_order && by_name(&ea[i], &eb[i], &table))
			return false;
		if (!nsg_fields_same(s, f->of, ea[i], eb[i]))
			return false;
	}
	return ea && eb;
}

static size_t count(const struct nsg_field *f, const void *of)
{
	return *(const size_t *)(const void *)((const char *)of + f->at_n);
}

static bool same_list(struct nsg_sink *s, const struct nsg_field *f, const void *a, const void *b)
{
	const void *va = *(const void *const *)const_field(f, a),
		   *vb = *(const void *const *)const_field(f, b);
	size_t n = count(f, a);

	if (n != count(f, b))
		return false;
	if (f->kind == FIELD_NUMBERS)
		return !n || !memcmp(va, vb, n * f->size);
	if (f->kind == FIELD_PORTS)
		return same_ports(s, va, vb, n);
	return same_array(s, f, va, vb, n);
}

static bool same_field(struct nsg_sink *s, const struct nsg_field *f, const void *a, const void *b)
{
	const void *fa = const_field(f, a), *fb = const_field(f, b);

	switch (f->kind) {
	case FIELD_TEXT:
		return same_text(*(const char *const *)fa, *(const char *const *)fb);
	case FIELD_LOCATION:
		return same_location(*(const char *const *)fa, *(const char *const *)fb);
	case FIELD_ID:
	case FIELD_REF:
	case FIELD_OWN_PARENT:
		return same_id(*(const char *const *)fa, *(const char *const *)fb);
	case FIELD_IDS:
		return same_strings(s, fa, fb, true);
	case FIELD_TEXTS:
		return same_strings(s, fa, fb, false);
	case FIELD_PREFIX:
		return nsg_prefix_equal(*(const struct nsg_prefix *)fa,
					*(const struct nsg_prefix *)fb);
	case FIELD_PREFIXES:
		return same_prefixes(s, fa, fb);
	case FIELD_TRISTATE:
	case FIELD_FLAG:
	case FIELD_BYTES:
	case FIELD_COUNT:
		return !memcmp(fa, fb, f->size);
	case FIELD_ADDRESS:
		return same_address(s, fa, fb);
	case FIELD_NUMBERS:
	case FIELD_PORTS:
	case FIELD_ARRAY:
		return same_list(s, f, a, b);
	default:
		return true;
	}
}

bool nsg_fields_same(struct nsg_sink *s, const struct nsg_fields *t, const void *a, const void *b)
{
	for (size_t i = 0; i < t->n; i++) {
		if (!same_field(s, &t->v[i], a, b))
			return false;
	}
	return !t->same || t->same(s, a, b);
}

void nsg_fields_unite(const struct nsg_fields *t, void *to, const void *from)
{
	for (size_t i = 0; i < t->n; i++) {
		struct nsg_strings *ids = nsg_field_at(&t->v[i], to);

		if (t->v[i].kind == FIELD_USED_BY && !ids->n)
			*ids = *(const struct nsg_strings *)const_field(&t->v[i], from);
	}
}
