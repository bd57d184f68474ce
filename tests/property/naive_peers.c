/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Peerings: which are connected, their ranges, subnet peering. */
#include "naive_priv.h"

#include <string.h>
#include <strings.h>

bool naive_same_blankless(const char *a, const char *b)
{
	for (;; a++, b++) {
		while (*a == ' ')
			a++;
		while (*b == ' ')
			b++;
		if (!*a || strncasecmp(a, b, 1))
			return !*a && !*b;
	}
}

bool naive_connected(const struct naive *n, const struct nsg_peering *p)
{
	if (n->bug == BUG_NO_ACCESS_NO_PEER && p->allow_access == NSG_FALSE)
		return false;
	return !*p->state || !strcasecmp(p->state, "Connected");
}

const struct nsg_vnet *naive_vnet(const struct naive *n, const char *id)
{
	for (size_t i = 0; i < n->policy->n_vnets; i++)
		if (!strcasecmp(n->policy->vnets[i].id, id))
			return &n->policy->vnets[i];
	return NULL;
}

static bool is_global(const struct naive *n, const struct nsg_vnet *remote)
{
	return remote && *remote->location && *n->vnet->location &&
	       !naive_same_blankless(remote->location, n->vnet->location);
}

const struct nsg_prefixes *naive_remote_space(const struct naive *n, const struct nsg_peering *p)
{
	const struct nsg_vnet *remote = naive_vnet(n, p->remote_id);

	if (p->remote_space.n)
		return &p->remote_space;
	if (p->remote_vnet_space.n)
		return &p->remote_vnet_space;
	return remote ? &remote->space : &p->remote_space;
}

/* An empty list names every subnet. */
static bool names(const struct nsg_strings *list, const char *subnet)
{
	for (size_t i = 0; i < list->n; i++)
		if (!strcasecmp(list->v[i], subnet))
			return true;
	return !list->n;
}

static void add_ranges(struct naive_peer *peer, const struct nsg_prefixes *ranges)
{
	for (size_t i = 0; i < ranges->n; i++)
		PUSH(&peer->ranges, ranges->v[i]);
}

/* The remote subnets' ranges, where a document tells them. */
static void add_remote_subnets(struct naive *n, struct naive_peer *peer)
{
	const struct nsg_vnet *remote = peer->document;

	if (!remote) {
		add_ranges(peer, naive_remote_space(n, peer->peering));
		return;
	}
	for (size_t i = 0; i < remote->n_subnets; i++)
		if (names(&peer->peering->remote_subnets, remote->subnets[i].name))
			add_ranges(peer, &remote->subnets[i].prefixes);
}

static void add_peer(struct naive *n, const struct nsg_peering *p)
{
	struct naive_peer peer = {.peering = p, .document = naive_vnet(n, p->remote_id)};

	peer.is_subnet_peering = p->complete == NSG_FALSE &&
				 (n->current || n->bug == BUG_SUBNET_PEERING_2020) &&
				 n->bug != BUG_SUBNET_PEERING_IGNORED;
	peer.global = is_global(n, peer.document);
	peer.has_access = p->allow_access != NSG_FALSE || n->bug == BUG_NO_ACCESS_IN_TAG;
	peer.only_ip6 = peer.is_subnet_peering && p->only_ip6 == NSG_TRUE;
	peer.is_named = !peer.is_subnet_peering || names(&p->local_subnets, n->subnet->name);
	if (peer.is_subnet_peering && n->bug != BUG_REMOTE_SUBNETS_ALL)
		add_remote_subnets(n, &peer);
	else
		add_ranges(&peer, naive_remote_space(n, p));
	PUSH(&n->peers, peer);
}

/* VNetPeering or VNetGlobalPeering, unless the route table removes them. */
static void add_peer_rows(struct naive *n, const struct naive_peer *peer)
{
	const bool removed = n->table && n->table->disable_peering &&
			     (n->current || n->bug == BUG_PEERING_ROUTES_2020) &&
			     n->bug != BUG_PEERING_ROUTES_STAY;

	for (size_t i = 0; i < peer->ranges.n; i++) {
		const struct nsg_prefix p = peer->ranges.v[i];
		struct row *r;

		if (removed || (peer->only_ip6 && n->bug != BUG_ONLY_IP6_ROWS)) {
			naive_unused(n, p,
				     removed ? EVENT_PEERING_ROWS_REMOVED : EVENT_ONLY_IP6_PEERING);
			continue;
		}
		r = naive_add_row(n, p, NSG_SOURCE_DEFAULT,
				  peer->global ? NSG_HOP_VNET_GLOBAL_PEERING
					       : NSG_HOP_VNET_PEERING);
		r->peer = peer;
		r->unreachable = (peer->global && !n->current && n->bug != BUG_GLOBAL_REACHABLE) ||
				 (!peer->is_named && n->bug != BUG_LOCAL_SUBNET_REACHES);
	}
	for (size_t i = 0; peer->is_subnet_peering && i < naive_remote_space(n, peer->peering)->n;
	     i++)
		naive_unused(n, naive_remote_space(n, peer->peering)->v[i],
			     EVENT_REMOTE_SUBNET_NOT_NAMED);
}

/* The networks of a mesh are like a regional peer, but no peering. */
static void add_mesh(struct naive *n)
{
	static const struct nsg_peering none = {.name = "",
						.remote_id = "",
						.state = "",
						.allow_access = NSG_UNSET,
						.use_remote_gateways = NSG_UNSET,
						.complete = NSG_UNSET,
						.only_ip6 = NSG_UNSET};
	struct naive_peer mesh = {.peering = &none, .is_mesh = true, .is_named = true};

	mesh.has_access = n->bug != BUG_MESH_NOT_IN_TAG;
	for (size_t i = 0; i < n->policy->n_meshes && n->bug != BUG_MESH_IGNORED; i++)
		add_ranges(&mesh, &n->policy->meshes[i].ranges);
	PUSH(&n->peers, mesh);
}

void naive_build_peers(struct naive *n)
{
	for (size_t i = 0; i < n->vnet->n_peerings; i++)
		if (naive_connected(n, &n->vnet->peerings[i]))
			add_peer(n, &n->vnet->peerings[i]);
	if (n->policy->n_meshes)
		add_mesh(n);
	for (size_t i = 0; i < n->peers.n; i++)
		add_peer_rows(n, &n->peers.v[i]);
}

/* The VNet's and its connected peers' ranges. */
bool naive_in_networks(const struct naive *n, uint32_t a)
{
	if (naive_in(n->vnet->space.v, n->vnet->space.n, a))
		return true;
	for (size_t i = 0; i < n->peers.n; i++)
		if ((n->peers.v[i].has_access || n->bug != BUG_NO_ACCESS_IN_INTERNET) &&
		    naive_in(n->peers.v[i].ranges.v, n->peers.v[i].ranges.n, a))
			return true;
	return false;
}
