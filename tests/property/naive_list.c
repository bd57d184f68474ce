/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of effective routes. */
#include "naive_priv.h"

#include "util/macro.h"

static bool is_network(const struct row *r)
{
	return r->source == NSG_SOURCE_DEFAULT &&
	       (r->type == NSG_HOP_VNET_LOCAL || r->type == NSG_HOP_VNET_PEERING ||
		r->type == NSG_HOP_VNET_GLOBAL_PEERING);
}

static bool is_listed(const struct naive *n, const struct row *r)
{
	for (size_t i = 0; i < n->rows.n; i++) {
		const struct row *other = &n->rows.v[i];

		/* a gateway's inside a network */
		if (r->source == NSG_SOURCE_GATEWAY && is_network(other) &&
		    nsg_prefix_covers(other->prefix, r->prefix) && n->bug != BUG_LIST_ALL_BGP)
			return false;
		/* the Internet while BGP has 0.0.0.0/0 */
		if (r->source == NSG_SOURCE_DEFAULT && r->type == NSG_HOP_INTERNET &&
		    other->source == NSG_SOURCE_GATEWAY && !other->prefix.len &&
		    n->bug != BUG_LIST_INTERNET)
			return false;
	}
	return !r->gone;
}

/* Nothing strikes it there, and no row of its prefix is preferred. */
static bool is_active_at(const struct naive *n, const struct row *r, uint32_t dst)
{
	enum nsg_gate gate = naive_entrance(n, dst);
	struct strikes s;

	/* The list does not depend on what enters or is carried. */
	if (gate == NSG_GATE_BYPASS || gate == NSG_GATE_PLATFORM || dst >> 28 == 14 ||
	    dst == UINT32_MAX)
		gate = NSG_GATE_ROUTE_ALL;
	s = naive_strikes(n, dst, gate);
	if (n->bug == BUG_LIST_DISPLACED_ACTIVE)
		return !naive_is_struck(r, s);
	return naive_best_of(n, r->prefix, s) == r;
}

static bool is_active(const struct naive *n, const struct row *r)
{
	/* Between two boundaries of rows and of the gate all addresses are alike. */
	static const uint32_t gate[] = {
	    NSG_IP4(10, 0, 0, 0),    NSG_IP4(11, 0, 0, 0),	NSG_IP4(127, 0, 0, 0),
	    NSG_IP4(128, 0, 0, 0),   NSG_IP4(168, 63, 129, 16), NSG_IP4(168, 63, 129, 17),
	    NSG_IP4(169, 254, 0, 0), NSG_IP4(169, 255, 0, 0),	NSG_IP4(172, 16, 0, 0),
	    NSG_IP4(172, 32, 0, 0),  NSG_IP4(192, 168, 0, 0),	NSG_IP4(192, 169, 0, 0),
	    NSG_IP4(224, 0, 0, 0),   NSG_IP4(240, 0, 0, 0),	UINT32_MAX,
	};

	if (is_active_at(n, r, r->prefix.addr_host))
		return true;
	for (size_t i = 0; i < n->rows.n; i++) {
		const struct nsg_prefix p = n->rows.v[i].prefix;
		const uint32_t at[] = {p.addr_host, nsg_prefix_last(p) + 1};

		for (size_t k = 0; k < 2; k++)
			if (nsg_prefix_contains(r->prefix, at[k]) && is_active_at(n, r, at[k]))
				return true;
	}
	for (size_t i = 0; i < NSG_ARRAY_SIZE(gate); i++)
		if (nsg_prefix_contains(r->prefix, gate[i]) && is_active_at(n, r, gate[i]))
			return true;
	return false;
}

size_t naive_list(const struct naive *n, struct naive_listed **ret)
{
	struct naive_listed *list = calloc(n->rows.n, sizeof(*list));
	size_t count = 0;

	if (!list)
		abort();
	for (size_t i = 0; i < n->rows.n; i++) {
		const struct row *r = &n->rows.v[i];

		if (is_listed(n, r))
			list[count++] = (struct naive_listed){.prefix = r->prefix,
							      .source = r->source,
							      .hop_type = r->type,
							      .name = r->name,
							      .tag = r->tag,
							      .active = is_active(n, r)};
	}
	*ret = list;
	return count;
}
