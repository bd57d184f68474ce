/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compiles the next image after changes of live routes, without compiling a full table again. A route
 * affects only the decisions for its own addresses. For these windows of the address space, rules and
 * routes are compiled as usual, with address lists and routes cut to the windows. All other segments are
 * copied from the previous image. Data that exists for each route (records, search tree, ranges of
 * VirtualNetwork) is rebuilt in one pass, without sorting.
 */
#include "compile/compile_priv.h"

#include <errno.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/vec.h"

struct patch {
	const struct nsg_effective *e;
	const struct nsg_image *before;
	struct nsg_ranges windows;
	uint32_t *live_of; /* by previous live route: its new number, or NSG_ROW_NONE */
};

static void patch_done(struct patch *p)
{
	nsg_ranges_done(&p->windows);
	free(p->live_of);
}

#define cleanup_patch __attribute__((cleanup(patch_done)))

/* ---- whether only live routes differ ---- */

static bool same_row(const struct nsg_row *a, const struct nsg_row *b)
{
	return nsg_prefix_equal(a->prefix, b->prefix) && a->source == b->source &&
	       a->hop_type == b->hop_type &&
	       (a->state == NSG_ROW_GONE) == (b->state == NSG_ROW_GONE) && a->rank == b->rank &&
	       a->unreachable == b->unreachable &&
	       a->beats_udr_shorter_than == b->beats_udr_shorter_than && a->n_hops == b->n_hops &&
	       (a->hops_host == b->hops_host || !a->n_hops ||
		!memcmp(a->hops_host, b->hops_host, a->n_hops * sizeof(*a->hops_host)));
}

/* A live route may also remove or change a document's row. */
static bool same_documents(const struct nsg_effective *a, const struct nsg_effective *b)
{
	if (a->policy != b->policy || a->profile != b->profile || a->subnet != b->subnet ||
	    a->is_linux != b->is_linux || a->endpoint_lab != b->endpoint_lab ||
	    a->n_rules != b->n_rules || a->n_admin_rules != b->n_admin_rules ||
	    a->n_rows != b->n_rows || nsg_gate_hash(a) != nsg_gate_hash(b))
		return false;
	for (size_t i = 0; i < a->n_rows; i++)
		if (!same_row(&a->rows[i], &b->rows[i]))
			return false;
	return true;
}

/* ---- windows ---- */

static size_t next_prefix(const struct nsg_route_set *s, size_t i)
{
	const struct nsg_prefix p = nsg_live_prefix(&s->v[i]);

	do
		i++;
	while (i < s->n && nsg_prefix_equal(nsg_live_prefix(&s->v[i]), p));
	return i;
}

/* Finds the prefixes that are in only one of the sets, which are sorted. */
static int find_windows(const struct nsg_route_set *a, const struct nsg_route_set *b,
			struct patch *ret)
{
	NSG_VEC(struct nsg_range) changed = {0};
	int r = 0;

	for (size_t i = 0, j = 0; !r && (i < a->n || j < b->n);) {
		const struct nsg_prefix x = i < a->n ? nsg_live_prefix(&a->v[i])
						     : nsg_live_prefix(&b->v[j]),
					y = j < b->n ? nsg_live_prefix(&b->v[j]) : x;
		const int order = i == a->n ? 1 : j == b->n ? -1 : nsg_prefix_compare(&x, &y);
		const struct nsg_prefix p = order <= 0 ? x : y;

		if (order)
			r = nsg_vec_push(&changed,
					 ((struct nsg_range){p.addr_host, nsg_prefix_last(p)}));
		else
			ret->live_of[i] = (uint32_t)j;
		i = order <= 0 ? next_prefix(a, i) : i;
		j = order >= 0 ? next_prefix(b, j) : j;
	}
	if (!r)
		r = nsg_ranges_from_ranges(changed.v, changed.n, &ret->windows);
	nsg_vec_done(&changed);
	return r;
}

/* The cost of a window is its routes, and the search for the routes that cover it (about 32 routes). */
static bool is_small(const struct nsg_route_set *live, const struct nsg_ranges *windows)
{
	const size_t most = live->n / 2 + 1024;
	size_t n = 0;

	for (size_t i = 0; i < windows->n && n <= most; i++) {
		const struct nsg_range w = windows->v[i];
		const size_t end =
		    w.hi == UINT32_MAX ? live->n : nsg_route_set_from(live, w.hi + 1);

		n += end - nsg_route_set_from(live, w.lo) + 32;
	}
	return n <= most;
}

static int begin(const struct nsg_effective *e, const struct nsg_effective *before,
		 const struct nsg_image *image, struct patch *ret)
{
	int r;

	/* an image whose live routes are all gone must not keep their next hop */
	if (!e->live || !e->live->n || !before->live || !same_documents(e, before))
		return -ENOENT;
	ret->e = e;
	ret->before = image;
	ret->live_of = malloc((before->live->n + 1) * sizeof(*ret->live_of));
	if (!ret->live_of)
		return -ENOMEM;
	memset(ret->live_of, 0xff, before->live->n * sizeof(*ret->live_of));
	r = find_windows(before->live, e->live, ret);
	if (r < 0)
		return r;
	return is_small(e->live, &ret->windows) ? 0 : -ENOENT;
}

/* ---- splicing ---- */

struct lasts {
	const uint32_t *lasts; /* NULL: keys of a search tree */
	const int32_t *keys;
	size_t n;
};

static struct lasts lasts_of_tree(const struct nsg_image *image, const struct nsg_tree *tree)
{
	return (struct lasts){.keys = nsg_image_at(image, tree->level_off[tree->depth - 1]),
			      .n = tree->n};
}

static inline uint32_t last_of(const struct lasts *l, size_t i)
{
	return l->lasts ? l->lasts[i] : nsg_tree_addr(l->keys[i]);
}

/* Adds segment `i` of one of the two images, up to `last`. */
typedef int take_fn(void *data, size_t i, uint32_t last);

/* The outermost segments are cut to `first` and `last`. *at: the segment to begin the search with. */
static inline __attribute__((always_inline)) int copy_segments(const struct lasts *l, size_t *at,
							       uint32_t first, uint32_t last,
							       take_fn *take, void *data)
{
	uint32_t end;

	while (last_of(l, *at) < first)
		++*at;
	do {
		int r;

		end = last_of(l, *at) < last ? last_of(l, *at) : last;
		r = take(data, *at, end);
		if (r < 0)
			return r;
		*at += end == last_of(l, *at) && end != UINT32_MAX;
	} while (end != last);
	return 0;
}

static inline __attribute__((always_inline)) int
splice(const struct nsg_ranges *windows, const struct lasts *before, const struct lasts *cut,
       take_fn *take_before, take_fn *take_cut, void *data)
{
	uint64_t first = 0;
	size_t at = 0, at_cut = 0;
	int r = 0;

	for (size_t i = 0; !r && i < windows->n; i++) {
		const struct nsg_range w = windows->v[i];

		if (first < w.lo)
			r = copy_segments(before, &at, (uint32_t)first, w.lo - 1, take_before,
					  data);
		if (!r)
			r = copy_segments(cut, &at_cut, w.lo, w.hi, take_cut, data);
		first = (uint64_t)w.hi + 1;
	}
	if (!r && first <= UINT32_MAX)
		r = copy_segments(before, &at, (uint32_t)first, UINT32_MAX, take_before, data);
	return r;
}

/* ---- destinations ---- */

struct dst_splice {
	const uint32_t *live_of;
	uint32_t n_document_routes;
	const uint64_t *before, *cut;
	struct nsg_leaves *ret;
};

/* Live routes are numbered by their position in the set. */
static int take_leaf_before(void *data, size_t i, uint32_t last)
{
	const struct dst_splice *s = data;
	uint64_t leaf = s->before[i];
	uint64_t route = leaf >> NSG_LEAF_ROUTE_SHIFT;

	if (route != NSG_LEAF_ROUTE_NONE && route >= s->n_document_routes) {
		const uint32_t live = s->live_of[route - s->n_document_routes];

		if (live == NSG_ROW_NONE)
			return -ENOENT;
		leaf &= ~((uint64_t)NSG_LEAF_ROUTE_NONE << NSG_LEAF_ROUTE_SHIFT);
		leaf |= (uint64_t)(s->n_document_routes + live) << NSG_LEAF_ROUTE_SHIFT;
	}
	return nsg_leaves_push(s->ret, last, leaf);
}

static int take_leaf_cut(void *data, size_t i, uint32_t last)
{
	const struct dst_splice *s = data;

	return nsg_leaves_push(s->ret, last, s->cut[i]);
}

static int splice_dst(const struct patch *p, const struct nsg_image *before,
		      const struct nsg_leaves *leaves, struct nsg_leaves *ret)
{
	const struct lasts old = lasts_of_tree(before, &before->dst),
			   cut = {.lasts = leaves->lasts, .n = leaves->n};
	struct dst_splice s = {
	    .live_of = p->live_of,
	    .n_document_routes = before->n_document_routes,
	    .before = nsg_image_at(before, before->dst_leaves_off),
	    .cut = leaves->leaves,
	    .ret = ret,
	};
	int r;

	r = nsg_leaves_reserve(ret, old.n + cut.n + 2 * p->windows.n);
	if (r < 0)
		return r;
	return splice(&p->windows, &old, &cut, take_leaf_before, take_leaf_cut, &s);
}

/* ---- sources ---- */

struct src_splice {
	const uint32_t *before, *cut;
	struct nsg_partition *ret;
};

static int take_class_before(void *data, size_t i, uint32_t last)
{
	const struct src_splice *s = data;

	return nsg_partition_push(s->ret, last, s->before[i]);
}

static int take_class_cut(void *data, size_t i, uint32_t last)
{
	const struct src_splice *s = data;

	return nsg_partition_push(s->ret, last, s->cut[i]);
}

/* Before the call, the part has only the sources of the windows. */
static int splice_src(const struct patch *p, const struct nsg_image *before,
		      struct nsg_nsg_part *part)
{
	const struct lasts old = lasts_of_tree(before, &before->src),
			   cut = {.lasts = part->src_lasts, .n = part->n_src};
	cleanup_partition struct nsg_partition all = {0};
	struct src_splice s = {
	    .before = nsg_image_at(before, before->src_leaves_off),
	    .cut = part->src_classes,
	    .ret = &all,
	};
	int r;

	r = nsg_partition_reserve(&all, old.n + cut.n + 2 * p->windows.n);
	if (r < 0)
		return r;
	r = splice(&p->windows, &old, &cut, take_class_before, take_class_cut, &s);
	if (r < 0)
		return r;
	nsg_nsg_set_sources(part, &all);
	return 0;
}

/* ---- all of it ---- */

static int compile_rules(const struct patch *p, const struct nsg_effective *e,
			 const struct nsg_image *before, const struct nsg_gates *gates,
			 struct nsg_nsg_part *ret, uint64_t *ret_hash)
{
	cleanup_fields struct nsg_fields fields = {0};
	int r;

	r = nsg_fields_new(e, &fields);
	if (r < 0)
		return r;
	*ret_hash = fields.hash;
	r = nsg_field_cut(&fields.src, &p->windows);
	if (r < 0)
		return r;
	r = nsg_field_cut(&fields.dst, &p->windows);
	if (r < 0)
		return r;
	return nsg_nsg_compile_windows(e, &fields, gates, before, ret);
}

static int patch_admin(const struct patch *p, const struct nsg_gates *gates, struct nsg_image **ret)
{
	const struct nsg_effective admin = nsg_admin_effective(p->e);
	const struct nsg_image *before = nsg_image_admin(p->before);
	const struct nsg_routes_part no_routes = {.n_hops = 1};
	cleanup_nsg_part struct nsg_nsg_part part = {0};
	cleanup_leaves struct nsg_leaves dst = {0};
	uint64_t hash;
	int r;

	if (!before)
		return 0;
	r = compile_rules(p, &admin, before, gates, &part, &hash);
	if (r < 0)
		return r;
	r = splice_dst(p, before, &part.dst, &dst);
	if (r < 0)
		return r;
	r = splice_src(p, before, &part);
	if (r < 0)
		return r;
	r = nsg_image_build(&admin, &part, &no_routes, &dst, NULL, ret);
	if (r < 0)
		return r;
	(*ret)->info.nsg_hash = hash;
	(*ret)->info.gate_hash = nsg_gate_hash(&admin);
	return 0;
}

static int patch_image(const struct patch *p, struct nsg_image **ret)
{
	cleanup_gates struct nsg_gates gates = {0};
	cleanup_routes_part struct nsg_routes_part routes = {0};
	cleanup_nsg_part struct nsg_nsg_part nsg = {0};
	cleanup_leaves struct nsg_leaves cut = {0}, dst = {0};
	cleanup_image struct nsg_image *admin = NULL;
	uint64_t hash;
	int r;

	r = nsg_gates_new(p->e, &gates);
	if (r < 0)
		return r;
	r = nsg_routes_new_windows(p->e, &gates, &p->windows, p->before, &routes);
	if (r < 0)
		return r;
	r = compile_rules(p, p->e, p->before, &gates, &nsg, &hash);
	if (r < 0)
		return r;
	r = nsg_lay_over(p->e, &nsg.dst, &routes, &cut);
	if (r < 0)
		return r;
	r = splice_dst(p, p->before, &cut, &dst);
	if (r < 0)
		return r;
	r = splice_src(p, p->before, &nsg);
	if (r < 0)
		return r;
	r = patch_admin(p, &gates, &admin);
	if (r < 0)
		return r;
	r = nsg_image_build(p->e, &nsg, &routes, &dst, admin, ret);
	if (r < 0)
		return r;
	(*ret)->info.nsg_hash = hash;
	(*ret)->info.gate_hash = nsg_gate_hash(p->e);
	return 0;
}

int nsg_patch(const struct nsg_effective *e, const struct nsg_effective *before,
	      const struct nsg_image *image, struct nsg_image **ret)
{
	cleanup_patch struct patch p = {0};
	int r;

	r = begin(e, before, image, &p);
	return r < 0 ? r : patch_image(&p, ret);
}
