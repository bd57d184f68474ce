/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compile/compile.h"

#include <errno.h>
#include <time.h>

#include "compile/compile_priv.h"
#include "util/clock.h"
#include "util/limits.h"

/* Limits of documents are the model's; this one is what the image's rows of bits hold. */
static int check_rules(const struct nsg_effective *e, struct nsg_diag *diag)
{
	const size_t max = NSG_MAX_RULES + NSG_MAX_DEFAULT_RULES;

	if (e->n_rules <= max)
		return 0;
	return nsg_diag_add(diag, NSG_ERROR, e->nsg ? &e->nsg->place : NULL, "TooManyRules",
			    "the network security group has %zu outbound rules, the defaults "
			    "included; at most %zu are supported",
			    e->n_rules, max);
}

/* ---- rules and gate, laid over the routes ---- */

/* A row's part of a leaf. */
static uint64_t route_part(const struct nsg_effective *e, const struct nsg_routes_part *routes,
			   uint32_t id)
{
	uint64_t reason = NSG_REASON_ROUTE_NONE, hop = 0, route = NSG_LEAF_ROUTE_NONE;

	if (id != NSG_ROW_NONE && id >= e->n_rows) {
		route = routes->n_routes + id - e->n_rows;
		hop = routes->live_hop;
		reason = NSG_REASON_ALLOWED;
	} else if (id != NSG_ROW_NONE) {
		const struct nsg_row *row = &e->rows[id];

		route = routes->route_of_row[id];
		hop = routes->hop_of_route[route];
		if (row->hop_type != NSG_HOP_NONE)
			reason =
			    row->unreachable ? NSG_REASON_ROUTE_UNREACHABLE : NSG_REASON_ALLOWED;
	}
	return route << NSG_LEAF_ROUTE_SHIFT | hop << NSG_LEAF_HOP_SHIFT |
	       reason << NSG_LEAF_REASON_SHIFT;
}

/* A position in the partition of rows; `part` is the current row's part of a leaf. */
struct walk {
	const struct nsg_partition *p;
	size_t at;
	uint64_t part;
};

static void walk_to(struct walk *w, const struct nsg_effective *e,
		    const struct nsg_routes_part *routes, uint32_t addr)
{
	size_t before = w->at;

	while (w->p->lasts[w->at] < addr)
		w->at++;
	if (w->at != before)
		w->part = route_part(e, routes, w->p->ids[w->at]);
}

/* The segment's leaves, cut where the route changes. */
static int cut_by_routes(const struct nsg_effective *e, const struct nsg_routes_part *routes,
			 struct walk *w, uint32_t first, uint32_t last, uint64_t leaf,
			 struct nsg_leaves *ret)
{
	for (;;) {
		uint32_t end;
		int r;

		walk_to(w, e, routes, first);
		end = w->p->lasts[w->at] < last ? w->p->lasts[w->at] : last;
		r = nsg_leaves_push(ret, end, (leaf & ~NSG_LEAF_ROUTE_PART) | w->part);
		if (r < 0 || end == last)
			return r;
		first = end + 1;
	}
}

int nsg_lay_over(const struct nsg_effective *e, const struct nsg_leaves *base,
		 const struct nsg_routes_part *routes, struct nsg_leaves *ret)
{
	struct walk w = {.p = &routes->winners,
			 .part = route_part(e, routes, routes->winners.ids[0])};
	int r;

	r = nsg_leaves_reserve(ret, base->n + w.p->n);
	if (r < 0)
		return r;
	for (size_t b = 0; b < base->n; b++) {
		uint64_t leaf = base->leaves[b];

		if (nsg_gate_enters(NSG_LEAF_GATE(leaf)))
			r = cut_by_routes(e, routes, &w, b ? base->lasts[b - 1] + 1 : 0,
					  base->lasts[b], leaf, ret);
		else
			r = nsg_leaves_push(ret, base->lasts[b], leaf);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- all of it ---- */

uint64_t nsg_gate_hash(const struct nsg_effective *e)
{
	uint64_t h = nsg_mix(0, (uint64_t)e->route_all |
				    (uint64_t)(e->is_linux && e->profile->linux_only_rfc1918) << 1 |
				    (uint64_t)e->profile->endpoint_traffic_nsg << 2 |
				    (uint64_t)e->profile->endpoint_traffic_routes << 3);

	for (size_t i = 0; i < e->endpoints.n; i++)
		h = nsg_mix(h, (uint64_t)e->endpoints.v[i].hi << 32 | e->endpoints.v[i].lo);
	return h;
}

static int compile_rules(const struct nsg_effective *e, const struct nsg_image *before,
			 const struct nsg_gates *gates, const struct nsg_fields *fields,
			 struct nsg_nsg_part *ret)
{
	if (before && before->info.nsg_hash == fields->hash &&
	    before->info.gate_hash == nsg_gate_hash(e))
		return nsg_nsg_borrow(before, ret);
	return nsg_nsg_compile(e, fields, gates, ret);
}

struct nsg_effective nsg_admin_effective(const struct nsg_effective *e)
{
	static const struct nsg_nsg no_document;
	struct nsg_effective admin = *e;

	admin.nsg = &no_document;
	admin.rules = e->admin_rules;
	admin.n_rules = e->n_admin_rules;
	admin.live = NULL;
	return admin;
}

/* The admin rules are compiled like those of an NSG; the image has no routes. *ret is NULL when the
 * policy has none. */
static int compile_admin(const struct nsg_effective *e, const struct nsg_image *before,
			 const struct nsg_gates *gates, struct nsg_image **ret)
{
	const struct nsg_routes_part no_routes = {.n_hops = 1};
	cleanup_fields struct nsg_fields fields = {0};
	cleanup_nsg_part struct nsg_nsg_part part = {0};
	const struct nsg_effective admin = nsg_admin_effective(e);
	int r;

	*ret = NULL;
	if (!e->n_admin_rules)
		return 0;
	r = nsg_fields_new(&admin, &fields);
	if (r < 0)
		return r;
	r = compile_rules(&admin, before ? nsg_image_admin(before) : NULL, gates, &fields, &part);
	if (r < 0)
		return r;
	r = nsg_image_build(&admin, &part, &no_routes, &part.dst, NULL, ret);
	if (r < 0)
		return r;
	(*ret)->info.nsg_hash = fields.hash;
	(*ret)->info.gate_hash = nsg_gate_hash(&admin);
	return 0;
}

static int compile(const struct nsg_effective *e, const struct nsg_image *before,
		   struct nsg_diag *diag, struct nsg_image **ret)
{
	cleanup_gates struct nsg_gates gates = {0};
	cleanup_fields struct nsg_fields fields = {0};
	cleanup_routes_part struct nsg_routes_part routes = {0};
	cleanup_nsg_part struct nsg_nsg_part nsg = {0};
	cleanup_leaves struct nsg_leaves dst = {0};
	cleanup_image struct nsg_image *admin = NULL;
	int r;

	r = nsg_gates_new(e, &gates);
	if (r < 0)
		return r;
	r = nsg_fields_new(e, &fields);
	if (r < 0)
		return r;
	r = nsg_routes_new(e, &gates, diag, &routes);
	if (r < 0)
		return r;
	r = compile_rules(e, before, &gates, &fields, &nsg);
	if (r < 0)
		return r;
	r = nsg_lay_over(e, &nsg.dst, &routes, &dst);
	if (r < 0)
		return r;
	r = compile_admin(e, before, &gates, &admin);
	if (r < 0)
		return r;
	r = nsg_image_build(e, &nsg, &routes, &dst, admin, ret);
	if (r < 0)
		return r;
	(*ret)->info.nsg_hash = fields.hash;
	(*ret)->info.gate_hash = nsg_gate_hash(e);
	return 0;
}

int nsg_compile(const struct nsg_effective *effective, const struct nsg_image *before,
		struct nsg_diag *diag, struct nsg_image **ret)
{
	uint64_t start_ns = nsg_clock_ns(CLOCK_MONOTONIC);
	struct nsg_image *image = NULL;
	int r;

	r = check_rules(effective, diag);
	if (r < 0)
		return r;
	r = compile(effective, before, diag, &image);
	if (r == -E2BIG)
		return nsg_diag_add(diag, NSG_ERROR, NULL, "TooManySegments",
				    "the prefixes of rules and routes divide the address space "
				    "into more than %u pieces, or more than %u of them have "
				    "different rules",
				    NSG_MAX_IMAGE_SEGMENTS, 1u << NSG_LEAF_CLASS_BITS);
	if (r < 0)
		return r;
	image->info.compile_ns = nsg_clock_ns(CLOCK_MONOTONIC) - start_ns;
	*ret = image;
	return 0;
}
