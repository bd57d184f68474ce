/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gateway rows: which documents' routes are used, ranking, next hops. */
#include "naive_priv.h"

#include <strings.h>

static bool has_subnet(const struct nsg_vnet *v, const char *name)
{
	for (size_t i = 0; i < v->n_subnets; i++)
		if (!strcasecmp(v->subnets[i].name, name))
			return true;
	return false;
}

/* The peering whose gateway is used; NULL: none. */
static const struct naive_peer *transit(const struct naive *n)
{
	for (size_t i = 0; i < n->peers.n; i++)
		if (n->peers.v[i].peering->use_remote_gateways == NSG_TRUE)
			return &n->peers.v[i];
	return NULL;
}

/* Either kind of subnet in which something learns routes. */
static bool learns(const struct nsg_vnet *v)
{
	return has_subnet(v, "GatewaySubnet") || has_subnet(v, "RouteServerSubnet");
}

static bool has_peerings(const struct naive *n)
{
	for (size_t i = 0; i < n->peers.n; i++)
		if (!n->peers.v[i].is_mesh || n->bug == BUG_MESH_IS_PEERING)
			return true;
	return false;
}

static bool has_gateway(const struct naive *n)
{
	return !n->vnet->n_subnets || learns(n->vnet) || !has_peerings(n) || transit(n) ||
	       n->bug == BUG_GATEWAY_ALWAYS;
}

/* NULL: no document */
static const struct nsg_vnet *gateways_vnet(const struct naive *n)
{
	const struct naive_peer *peer = transit(n);

	return learns(n->vnet) || !peer ? n->vnet : peer->document;
}

static bool covered(const struct nsg_prefix *v, size_t n, struct nsg_prefix p)
{
	for (size_t i = 0; i < n; i++)
		if (nsg_prefix_covers(v[i], p))
			return true;
	return false;
}

/* Whether the prefix is in a range of that network or of its peers. */
static bool is_known_there(const struct naive *n, const struct nsg_vnet *v, struct nsg_prefix p)
{
	if (covered(v->space.v, v->space.n, p))
		return true;
	for (size_t i = 0; i < v->n_peerings; i++) {
		const struct nsg_prefixes *space = naive_remote_space(n, &v->peerings[i]);

		if (naive_connected(n, &v->peerings[i]) && covered(space->v, space->n, p))
			return true;
	}
	return false;
}

static bool is_route_servers(const struct naive *n, const struct nsg_bgp_route *b)
{
	if (b->list == NSG_LIST_ROUTE_SERVER)
		return true;
	for (size_t i = 0; i < n->policy->n_vnets; i++)
		for (size_t k = 0; k < n->policy->vnets[i].n_subnets; k++) {
			const struct nsg_subnet *s = &n->policy->vnets[i].subnets[k];

			if (!strcasecmp(s->name, "RouteServerSubnet") &&
			    naive_in(s->prefixes.v, s->prefixes.n, b->local_host))
				return true;
		}
	return !naive_in_networks(n, b->local_host);
}

/* A route of another origin for the same prefix, also one that is not used. */
static bool has_other_origin(const struct naive *n, struct nsg_prefix p)
{
	for (size_t i = 0; i < n->policy->n_bgp_routes; i++) {
		const struct nsg_bgp_route *b = &n->policy->bgp_routes[i];

		if (b->list != NSG_LIST_EFFECTIVE && b->origin != NSG_BGP_IBGP &&
		    nsg_prefix_equal(b->prefix, p))
			return true;
	}
	return false;
}

/* EVENT_MAX: it is used, before ranking; else why not. */
static enum naive_event unused_because(const struct naive *n, const struct nsg_bgp_route *b)
{
	const struct nsg_vnet *home = gateways_vnet(n);

	if (b->list == NSG_LIST_EFFECTIVE && n->bug != BUG_EFFECTIVE_NEEDS_GATEWAY)
		return EVENT_MAX;
	if (!has_gateway(n))
		return EVENT_GATEWAY_NONE;
	if (b->list == NSG_LIST_EFFECTIVE)
		return EVENT_MAX;
	if (b->origin == NSG_BGP_IBGP && n->bug != BUG_IBGP_ALWAYS && !is_route_servers(n, b) &&
	    has_other_origin(n, b->prefix))
		return EVENT_GATEWAY_IBGP_UNUSED;
	if (b->origin != NSG_BGP_NETWORK || n->bug == BUG_NETWORK_ALWAYS)
		return EVENT_MAX;
	if (!home)
		return EVENT_GATEWAY_NETWORK_UNKNOWN;
	return is_known_there(n, home, b->prefix) || n->bug == BUG_NETWORK_NEVER
		   ? EVENT_GATEWAY_NETWORK_KNOWN
		   : EVENT_MAX;
}

/* Of the learned routes for one prefix only those with the shortest path are used. */
static bool has_shorter(const struct naive *n, const struct nsg_bgp_route *b)
{
	for (size_t i = 0; i < n->policy->n_bgp_routes && n->bug != BUG_LONGER_PATHS; i++) {
		const struct nsg_bgp_route *other = &n->policy->bgp_routes[i];

		if (other->list != NSG_LIST_EFFECTIVE &&
		    nsg_prefix_equal(other->prefix, b->prefix) &&
		    other->path_length < b->path_length && unused_because(n, other) == EVENT_MAX)
			return true;
	}
	return false;
}

/* One prefix is one route. */
static struct row *gateway_row(struct naive *n, struct nsg_prefix p)
{
	for (size_t i = 0; i < n->rows.n; i++)
		if (n->rows.v[i].source == NSG_SOURCE_GATEWAY &&
		    nsg_prefix_equal(n->rows.v[i].prefix, p))
			return &n->rows.v[i];
	return naive_add_row(n, p, NSG_SOURCE_GATEWAY, NSG_HOP_GATEWAY);
}

static void add_learned(struct naive *n, const struct nsg_bgp_route *b)
{
	const bool is_server = is_route_servers(n, b) && n->bug != BUG_SERVER_LOCAL;
	const uint32_t next = n->bug == BUG_VPN_NEXT_HOP || is_server ? b->next_hop_host : 0;
	struct row *r;

	if (has_shorter(n, b)) {
		naive_unused(n, b->prefix, EVENT_GATEWAY_LONGER_PATH);
		return;
	}
	r = gateway_row(n, b->prefix);
	if (next || b->local_host)
		naive_add_hop(r, next ? next : b->local_host);
	r->made_of |= b->origin == NSG_BGP_NETWORK ? ROW_OF_NETWORK
		      : is_server		   ? ROW_OF_SERVER
		      : b->origin == NSG_BGP_IBGP  ? ROW_OF_IBGP
						   : ROW_OF_VPN;
}

static void add_effective(struct naive *n, const struct nsg_bgp_route *b)
{
	struct row *r = gateway_row(n, b->prefix);

	r->made_of |= ROW_OF_EFFECTIVE;
	for (size_t i = 0; i < b->n_hops; i++)
		naive_add_hop(r, b->hops_host[i]);
}

/* Local network gateways and P2S pools have no next hop address. */
static void add_static(struct naive *n)
{
	for (size_t i = 0; i < n->policy->n_gateways; i++)
		for (size_t k = 0; k < n->policy->gateways[i].prefixes.n; k++) {
			const struct nsg_prefix p = n->policy->gateways[i].prefixes.v[k];

			if (has_gateway(n) || n->bug == BUG_STATIC_ALWAYS)
				gateway_row(n, p)->made_of |= ROW_OF_STATIC;
			else
				naive_unused(n, p, EVENT_GATEWAY_NONE);
		}
}

void naive_build_gateway(struct naive *n)
{
	const bool off = n->table && n->table->disable_bgp;

	for (size_t i = 0; i < n->policy->n_bgp_routes; i++) {
		const struct nsg_bgp_route *b = &n->policy->bgp_routes[i];
		const enum naive_event because = unused_because(n, b);

		if (off &&
		    !(b->list == NSG_LIST_EFFECTIVE && n->bug == BUG_PROPAGATION_LEAVES_EFFECTIVE))
			naive_unused(n, b->prefix, EVENT_GATEWAY_PROPAGATION_OFF);
		else if (because != EVENT_MAX)
			naive_unused(n, b->prefix, because);
		else if (b->list == NSG_LIST_EFFECTIVE)
			add_effective(n, b);
		else
			add_learned(n, b);
	}
	if (!off || n->bug == BUG_PROPAGATION_LEAVES_STATIC)
		add_static(n);
}
