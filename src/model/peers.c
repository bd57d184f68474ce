/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connected peerings: their ranges, and whether they reach another region. */
#include "model/effective_priv.h"

#include <errno.h>
#include <strings.h>

#include "util/limits.h"

/* Any other peering is ignored (virtual-network-manage-peering). */
static bool is_connected(const struct nsg_peering *p)
{
	return (!*p->state || nsg_text_loosely_equal(p->state, "Connected")) &&
	       p->allow_access != NSG_FALSE;
}

static bool is_given(const struct nsg_prefixes *p)
{
	return p->n || p->n_ip6;
}

/* 0 or 1; -ENOMEM. */
static int differ(const struct nsg_prefixes *a, const struct nsg_prefixes *b)
{
	cleanup_ranges struct nsg_ranges x = {0}, y = {0};
	int r;

	if (!is_given(a) || !is_given(b))
		return 0;
	r = nsg_ranges_from_prefixes(a->v, a->n, &x);
	if (r < 0)
		return r;
	r = nsg_ranges_from_prefixes(b->v, b->n, &y);
	if (r < 0)
		return r;
	return !nsg_ranges_equal(&x, &y);
}

/* remoteAddressSpace is in force, remoteVirtualNetworkAddressSpace is the peer's current space. */
static int choose_space(struct nsg_build *b, struct nsg_peer *peer)
{
	static const struct nsg_prefixes nothing = {0};
	const struct nsg_peering *p = peer->peering;
	const struct nsg_prefixes *own = peer->document ? &peer->document->space : &nothing;
	const struct nsg_prefixes *all[] = {&p->remote_space, &p->remote_vnet_space, own};
	bool warned = false;

	peer->space = NULL;
	for (size_t i = 0; i < 3; i++) {
		int r;

		if (!is_given(all[i]))
			continue;
		if (!peer->space) {
			peer->space = all[i];
			continue;
		}
		r = differ(peer->space, all[i]);
		if (r < 0)
			return r;
		if (r && !warned)
			(void)nsg_diag_add(
			    b->diag, NSG_WARNING, &p->place, NULL,
			    "peering %s: the peer's ranges differ between %s and %s; "
			    "the former are used",
			    p->name,
			    peer->space == &p->remote_space ? "remoteAddressSpace"
							    : "remoteVirtualNetworkAddressSpace",
			    i == 1 ? "remoteVirtualNetworkAddressSpace"
				   : "the peer's own document");
		warned |= r;
	}
	if (peer->space)
		return 0;
	peer->space = &nothing;
	(void)nsg_diag_add(b->diag, NSG_WARNING, &p->place, NULL,
			   "peering %s: the peer's ranges are unknown, so it has no routes; run: "
			   "az network vnet show --ids %s > peer.json",
			   p->name, *p->remote_id ? p->remote_id : "PEER");
	return 0;
}

static void find_region(struct nsg_build *b, struct nsg_peer *peer)
{
	const struct nsg_effective *e = b->e;
	const struct nsg_vnet *d = peer->document;

	if (*e->vnet->location && d && *d->location) {
		peer->global = !nsg_text_loosely_equal(e->vnet->location, d->location);
	} else if (!e->profile->global_peering_reachable) {
		(void)nsg_diag_add(
		    b->diag, NSG_WARNING, &peer->peering->place, NULL,
		    "peering %s: the regions of the two networks are unknown, so it is treated as "
		    "regional; a global peering would be unreachable in %s",
		    peer->peering->name, e->profile->name);
	}
	peer->reachable = !peer->global || e->profile->global_peering_reachable;
}

int nsg_build_peers(struct nsg_build *b)
{
	const struct nsg_policy *p = b->policy;
	const struct nsg_vnet *v = b->e->vnet;
	int r;

	b->peers = nsg_arena_array(&b->e->arena, v->n_peerings + 1, sizeof(*b->peers));
	if (!b->peers)
		return -ENOMEM;
	if (v->n_peerings > NSG_MAX_PEERINGS)
		(void)nsg_diag_add(b->diag, NSG_ERROR, &v->place, NULL,
				   "virtual network %s has %zu peerings, Azure allows %u", v->name,
				   v->n_peerings, NSG_MAX_PEERINGS);
	for (size_t i = 0; i < v->n_peerings; i++) {
		struct nsg_peer *peer = &b->peers[b->n_peers];

		if (!is_connected(&v->peerings[i]))
			continue;
		b->n_peers++;
		*peer = (struct nsg_peer){.peering = &v->peerings[i]};
		for (size_t j = 0; j < p->n_vnets && !peer->document; j++)
			if (&p->vnets[j] != v &&
			    nsg_vnet_is(&p->vnets[j], peer->peering->remote_id))
				peer->document = &p->vnets[j];
		r = choose_space(b, peer);
		if (r < 0)
			return r;
		find_region(b, peer);
	}
	return 0;
}
