/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VirtualNetwork and Internet, as the integration subnet sees them (semantics.md section 2). */
#include "model/effective_priv.h"

#include <errno.h>
#include <stdlib.h>

#include "util/cleanup.h"
#include "util/macro.h"
#include "util/vec.h"

struct members {
	struct nsg_tag_member *v;
	size_t n, room;
};

static void members_done(struct members *m)
{
	nsg_vec_done(m);
}

#define cleanup_members __attribute__((cleanup(members_done)))

static int add_all(struct members *m, const struct nsg_prefixes *p, enum nsg_origin origin,
		   const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (nsg_vec_push(m, ((struct nsg_tag_member){p->v[i], origin, name})))
			return -ENOMEM;
	return 0;
}

/* TAGS says "address prefixes used on user-defined routes"; azure-docs 22178 narrows them to those
 * that lead to an appliance. */
static int add_udrs(struct nsg_build *b, struct members *m)
{
	const struct nsg_route_table *t = b->e->route_table;

	for (size_t i = 0; t && i < t->n_routes; i++) {
		const struct nsg_route *r = &t->routes[i];
		struct nsg_prefixes one = {0};
		struct nsg_prefix prefix = r->prefix;
		const struct nsg_tag *tag;

		if (r->is_ip6 ||
		    (r->hop_type != NSG_HOP_APPLIANCE && r->hop_type != NSG_HOP_GATEWAY))
			continue;
		tag = r->tag ? nsg_effective_tag_find(b->e, r->tag) : NULL;
		if (tag)
			one = tag->prefixes;
		else if (!r->tag)
			one = (struct nsg_prefixes){.v = &prefix, .n = 1};
		if (add_all(m, &one, NSG_ORIGIN_UDR, r->name))
			return -ENOMEM;
	}
	return 0;
}

static int gather(struct nsg_build *b, struct members *m)
{
	static const struct nsg_prefix host = {NSG_IP_PLATFORM_DNS, 32};

	if (add_all(m, &b->e->vnet->space, NSG_ORIGIN_VNET, b->e->vnet->name))
		return -ENOMEM;
	for (size_t i = 0; i < b->n_peers; i++)
		if (add_all(m, b->peers[i].space, NSG_ORIGIN_PEER, b->peers[i].peering->name))
			return -ENOMEM;
	for (size_t i = 0; i < b->n_bgp; i++)
		if (nsg_vec_push(m,
				 ((struct nsg_tag_member){b->bgp[i].prefix, NSG_ORIGIN_BGP, ""})))
			return -ENOMEM;
	if (nsg_vec_push(m, ((struct nsg_tag_member){host, NSG_ORIGIN_PLATFORM, ""})))
		return -ENOMEM;
	return add_udrs(b, m);
}

static int make_ranges(struct nsg_effective *e, const struct members *m, struct nsg_ranges *ret)
{
	struct nsg_range *v cleanup_free = calloc(m->n + 1, sizeof(*v));
	struct nsg_ranges made cleanup_ranges = {0};

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < m->n; i++)
		v[i] =
		    (struct nsg_range){m->v[i].prefix.addr_host, nsg_prefix_last(m->v[i].prefix)};
	if (nsg_ranges_from_ranges(v, m->n, &made))
		return -ENOMEM;
	return nsg_ranges_take(&e->arena, &made, ret);
}

/* IPFCLI prints the tag's expansion with holes at 0/8 and 10/8; the other holes are the space that
 * is not publicly reachable. */
static const struct nsg_prefix holes[] = {
    {NSG_IP4(0, 0, 0, 0), 8},	   {NSG_IP4(10, 0, 0, 0), 8},	  {NSG_IP4(100, 64, 0, 0), 10},
    {NSG_IP4(127, 0, 0, 0), 8},	   {NSG_IP4(169, 254, 0, 0), 16}, {NSG_IP4(172, 16, 0, 0), 12},
    {NSG_IP4(192, 168, 0, 0), 16}, {NSG_IP4(224, 0, 0, 0), 4},	  {NSG_IP4(240, 0, 0, 0), 4},
};

/* Prefixes of BGP and UDRs stay in: azure-docs 81801 sees them in both tags. */
static int make_internet(struct nsg_build *b)
{
	struct nsg_effective *e = b->e;
	struct nsg_ranges rest cleanup_ranges = {0}, taken;
	struct members m cleanup_members = {0};

	for (size_t i = 0; i < NSG_ARRAY_SIZE(holes); i++)
		if (nsg_vec_push(&m, ((struct nsg_tag_member){.prefix = holes[i]})))
			return -ENOMEM;
	if (add_all(&m, &e->vnet->space, NSG_ORIGIN_VNET, ""))
		return -ENOMEM;
	for (size_t i = 0; i < b->n_peers; i++)
		if (add_all(&m, b->peers[i].space, NSG_ORIGIN_PEER, ""))
			return -ENOMEM;
	if (make_ranges(e, &m, &taken) ||
	    nsg_ranges_subtract(&nsg_ranges_everything, &taken, &rest))
		return -ENOMEM;
	return nsg_ranges_take(&e->arena, &rest, &e->internet_ranges);
}

int nsg_build_computed_tags(struct nsg_build *b)
{
	struct nsg_effective *e = b->e;
	struct members m cleanup_members = {0};

	if (gather(b, &m) || make_ranges(e, &m, &e->virtual_network_ranges))
		return -ENOMEM;
	e->virtual_network = nsg_arena_copy(&e->arena, m.v, m.n * sizeof(*m.v));
	if (!e->virtual_network)
		return -ENOMEM;
	e->n_virtual_network = m.n;
	return make_internet(b);
}
