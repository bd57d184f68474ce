/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether two images decide alike, and images that do not. */
#include "live_images.h"

#include <string.h>

#include "classify/classify.h"
#include "classify/image_layout.h"

/* ---- two images ------------------------------------------------------------------------------- */

static const void *row_at(const struct nsg_image *i, uint32_t off, size_t class)
{
	return (const char *)nsg_image_at(i, off) + class * NSG_ROW_BYTES;
}

static bool same_string(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_addrs(const uint32_t *a, uint32_t n_a, const uint32_t *b, uint32_t n_b)
{
	return n_a == n_b && (!n_a || !memcmp(a, b, n_a * sizeof(*a)));
}

static bool same_route(const struct nsg_image *a, uint32_t i, const struct nsg_image *b, uint32_t j)
{
	struct nsg_image_route x, y;

	if (i == NSG_ROUTE_NONE || j == NSG_ROUTE_NONE)
		return i == j;
	if (i >= a->info.n_routes || j >= b->info.n_routes)
		return false;
	x = nsg_image_route(a, i);
	y = nsg_image_route(b, j);
	return nsg_prefix_equal(x.prefix, y.prefix) && x.source == y.source &&
	       x.hop_type == y.hop_type && x.unreachable == y.unreachable &&
	       same_string(x.name, y.name) &&
	       same_addrs(x.hops_host, x.n_hops, y.hops_host, y.n_hops);
}

static bool same_hop(const struct nsg_image *a, uint32_t i, const struct nsg_image *b, uint32_t j)
{
	struct nsg_image_hop x, y;

	if (!i || !j)
		return i == j;
	x = nsg_image_hop(a, (uint16_t)i);
	y = nsg_image_hop(b, (uint16_t)j);
	return x.type == y.type && same_addrs(x.addrs_host, x.n_addrs, y.addrs_host, y.n_addrs);
}

static bool same_leaf(const struct nsg_image *a, uint64_t x, const struct nsg_image *b, uint64_t y)
{
	const uint64_t flags = ~(NSG_LEAF_ROUTE_PART | ((1u << NSG_LEAF_CLASS_BITS) - 1)) |
			       (uint64_t)((1u << NSG_LEAF_REASON_BITS) - 1)
				   << NSG_LEAF_REASON_SHIFT;

	return (x & flags) == (y & flags) &&
	       same_route(a, NSG_LEAF_ROUTE(x), b, NSG_LEAF_ROUTE(y)) &&
	       same_hop(a, NSG_LEAF_HOP(x), b, NSG_LEAF_HOP(y)) &&
	       !memcmp(row_at(a, a->dst_rows_off, NSG_LEAF_CLASS(x)),
		       row_at(b, b->dst_rows_off, NSG_LEAF_CLASS(y)), NSG_ROW_BYTES);
}

static uint32_t last_of(const struct nsg_image *i, const struct nsg_tree *t, uint32_t segment)
{
	const int32_t *keys = nsg_image_at(i, t->level_off[t->depth - 1]);

	return nsg_tree_addr(keys[segment]);
}

/* The first address that differs goes to *ret. */
static bool same_destinations(const struct nsg_image *a, const struct nsg_image *b, uint32_t *ret)
{
	const uint64_t *x = nsg_image_at(a, a->dst_leaves_off),
		       *y = nsg_image_at(b, b->dst_leaves_off);
	uint32_t i = 0, j = 0;

	*ret = 0;
	while (i < a->dst.n && j < b->dst.n) {
		const uint32_t p = last_of(a, &a->dst, i), q = last_of(b, &b->dst, j);

		if (!same_leaf(a, x[i], b, y[j]))
			return false;
		i += p <= q;
		j += q <= p;
		*ret = (p < q ? p : q) + 1;
	}
	return i == a->dst.n && j == b->dst.n;
}

static bool same_sources(const struct nsg_image *a, const struct nsg_image *b)
{
	const uint32_t *x = nsg_image_at(a, a->src_leaves_off),
		       *y = nsg_image_at(b, b->src_leaves_off),
		       *s = nsg_image_at(a, a->src_table_off),
		       *t = nsg_image_at(b, b->src_table_off);
	uint32_t i = 0, j = 0;
	bool same = a->src_table_n == b->src_table_n && a->src_table_host == b->src_table_host;

	while (same && i < a->src.n && j < b->src.n) {
		const uint32_t p = last_of(a, &a->src, i), q = last_of(b, &b->src, j);

		same = !memcmp(row_at(a, a->src_rows_off, x[i]), row_at(b, b->src_rows_off, y[j]),
			       NSG_ROW_BYTES);
		i += p <= q;
		j += q <= p;
	}
	for (uint32_t k = 0; same && k < a->src_table_n; k++)
		same = !memcmp(row_at(a, a->src_rows_off, s[k]), row_at(b, b->src_rows_off, t[k]),
			       NSG_ROW_BYTES);
	return same && i == a->src.n && j == b->src.n;
}

static bool same_table(const struct nsg_image *a, uint32_t off_a, const struct nsg_image *b,
		       uint32_t off_b, size_t size)
{
	return !memcmp(nsg_image_at(a, off_a), nsg_image_at(b, off_b), size);
}

static bool same_rules(const struct nsg_image *a, const struct nsg_image *b)
{
	if (a->info.n_rules != b->info.n_rules || a->info.l4_classes != b->info.l4_classes ||
	    a->n_cross != b->n_cross || a->wide != b->wide ||
	    a->info.nsg_hash != b->info.nsg_hash || a->info.gate_hash != b->info.gate_hash ||
	    a->sport_trivial != b->sport_trivial ||
	    memcmp(a->denies, b->denies, sizeof(a->denies)) != 0)
		return false;
	for (uint16_t i = 0; i < a->info.n_rules; i++)
		if (strcmp(nsg_image_rule(a, i).name, nsg_image_rule(b, i).name) != 0)
			return false;
	return same_table(a, a->protocols_off, b, b->protocols_off,
			  256 * sizeof(struct nsg_layout_protocol)) &&
	       same_table(a, a->cross_off, b, b->cross_off, a->n_cross * sizeof(uint32_t)) &&
	       same_table(a, a->sports_off, b, b->sports_off, NSG_PORTS * sizeof(uint16_t)) &&
	       same_table(a, a->dports_off, b, b->dports_off, NSG_PORTS * sizeof(uint16_t)) &&
	       same_table(a, a->l4_rows_off, b, b->l4_rows_off,
			  a->info.l4_classes * (size_t)NSG_ROW_BYTES);
}

const char *image_difference(const struct nsg_image *a, const struct nsg_image *b, uint32_t *ret_at)
{
	const struct nsg_image *x = nsg_image_admin(a), *y = nsg_image_admin(b);

	*ret_at = 0;
	if (!same_destinations(a, b, ret_at))
		return "destinations";
	if (!same_sources(a, b))
		return "sources";
	if (!same_rules(a, b))
		return "rules";
	if (!x != !y)
		return "admin rules";
	return x ? image_difference(x, y, ret_at) : NULL;
}

/* ---- tampering -------------------------------------------------------------------------------- */

static uint64_t *leaves(struct nsg_image *i)
{
	return (uint64_t *)(void *)((char *)i + i->dst_leaves_off);
}

/* A leaf of a live route; NULL: there is none. */
static uint64_t *live_leaf(struct nsg_image *i, struct rng *r)
{
	for (uint32_t k = 0, at = rng_below(r, i->dst.n); k < i->dst.n; k++) {
		uint64_t *leaf = &leaves(i)[(at + k) % i->dst.n];

		if (NSG_LEAF_ROUTE(*leaf) != NSG_ROUTE_NONE &&
		    NSG_LEAF_ROUTE(*leaf) >= i->n_document_routes)
			return leaf;
	}
	return NULL;
}

static bool other_route(struct nsg_image *i, struct rng *r)
{
	uint64_t *leaf = live_leaf(i, r);

	if (!leaf || NSG_LEAF_ROUTE(*leaf) + 1 >= i->info.n_routes)
		return false;
	*leaf += (uint64_t)1 << NSG_LEAF_ROUTE_SHIFT;
	return true;
}

static bool no_route(struct nsg_image *i, struct rng *r)
{
	uint64_t *leaf = live_leaf(i, r);

	if (leaf)
		*leaf |= (uint64_t)NSG_LEAF_ROUTE_NONE << NSG_LEAF_ROUTE_SHIFT;
	return leaf != NULL;
}

static bool no_hop(struct nsg_image *i, struct rng *r)
{
	uint64_t *leaf = live_leaf(i, r);

	if (leaf)
		*leaf &= ~((uint64_t)((1u << NSG_LEAF_HOP_BITS) - 1) << NSG_LEAF_HOP_SHIFT);
	return leaf != NULL;
}

static bool other_reason(struct nsg_image *i, struct rng *r)
{
	uint64_t *leaf = live_leaf(i, r);

	if (leaf)
		*leaf ^= (uint64_t)NSG_REASON_ROUTE_NONE << NSG_LEAF_REASON_SHIFT;
	return leaf != NULL;
}

static bool other_class(struct nsg_image *i, struct rng *r)
{
	uint64_t *leaf = live_leaf(i, r);

	if (leaf)
		*leaf &= ~(uint64_t)((1u << NSG_LEAF_CLASS_BITS) - 1);
	return leaf != NULL;
}

static bool other_end(struct nsg_image *i, struct rng *r)
{
	uint64_t *leaf = live_leaf(i, r);
	int32_t *keys = (int32_t *)(void *)((char *)i + i->dst.level_off[i->dst.depth - 1]);

	if (!leaf || (uint32_t)(leaf - leaves(i)) + 1 == i->dst.n)
		return false;
	keys[leaf - leaves(i)]++;
	return true;
}

static bool other_source(struct nsg_image *i, struct rng *r)
{
	uint32_t *classes = (uint32_t *)(void *)((char *)i + i->src_leaves_off);

	if (i->info.src_classes < 2)
		return false;
	classes[rng_below(r, i->src.n)] ^= 1;
	return true;
}

static bool other_hops(struct nsg_image *i, struct rng *r)
{
	uint64_t *leaf = live_leaf(i, r);
	struct nsg_layout_route *route;

	if (!leaf)
		return false;
	route =
	    (struct nsg_layout_route *)(void *)((char *)i + i->routes_off) + NSG_LEAF_ROUTE(*leaf);
	route->hops_off += (uint32_t)sizeof(uint32_t);
	return route->n_hops != 0;
}

const struct image_tamper image_tampers[IMAGE_TAMPERS] = {
    {"a segment has the next route", other_route}, {"a segment has no route", no_route},
    {"a segment has no next hop", no_hop},	   {"a segment has another reason", other_reason},
    {"a segment has no rules", other_class},	   {"a segment ends later", other_end},
    {"a source has other rules", other_source},	   {"a route has other next hops", other_hops},
};
