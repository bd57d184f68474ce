/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of the route table (semantics.md section 3). */
#include "naive_priv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/macro.h"

static bool same_blankless(const char *a, const char *b)
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

/* ---- peers ---------------------------------------------------------------------------------- */

static bool connected(const struct nsg_peering *p)
{
	return !*p->state || !strcasecmp(p->state, "Connected");
}

static const struct nsg_vnet *vnet_of_id(const struct naive *n, const char *id)
{
	for (size_t i = 0; i < n->policy->n_vnets; i++)
		if (!strcasecmp(n->policy->vnets[i].id, id))
			return &n->policy->vnets[i];
	return NULL;
}

static bool is_global(const struct naive *n, const struct nsg_peering *p)
{
	const struct nsg_vnet *remote = vnet_of_id(n, p->remote_id);

	return remote && *remote->location && *n->vnet->location &&
	       !same_blankless(remote->location, n->vnet->location);
}

static const struct nsg_prefixes *peer_ranges(const struct naive *n, const struct nsg_peering *p)
{
	const struct nsg_vnet *remote = vnet_of_id(n, p->remote_id);

	if (p->remote_space.n)
		return &p->remote_space;
	if (p->remote_vnet_space.n)
		return &p->remote_vnet_space;
	return remote ? &remote->space : &p->remote_space;
}

/* ---- rows ----------------------------------------------------------------------------------- */

static struct row *add_row(struct naive *n, struct nsg_prefix prefix, enum nsg_route_source source,
			   enum nsg_hop_type type)
{
	struct row r = {.prefix = prefix, .source = source, .type = type};

	PUSH(&n->rows, r);
	return &n->rows.v[n->rows.n - 1];
}

static void add_endpoint_tag(struct naive *n, const struct nsg_tag *tag)
{
	for (size_t i = 0; i < tag->prefixes.n; i++) {
		PUSH(&n->endpoints, tag->prefixes.v[i]);
		add_row(n, tag->prefixes.v[i], NSG_SOURCE_DEFAULT, NSG_HOP_SERVICE_ENDPOINT);
	}
}

/* One location: Tag.location, else the regional tag whose region it is, else the whole tag. */
static void add_endpoint_location(struct naive *n, const char *tag, const char *location)
{
	for (size_t i = 0; i < n->tags->n_tags; i++) {
		const struct nsg_tag *t = &n->tags->tags[i];
		const size_t len = strlen(tag);

		if (!strncasecmp(t->name, tag, len) && t->name[len] == '.' &&
		    same_blankless(t->name + len + 1, location)) {
			add_endpoint_tag(n, t);
			return;
		}
	}
	for (size_t i = 0; i < n->tags->n_tags; i++) {
		const struct nsg_tag *t = &n->tags->tags[i];
		const size_t len = strlen(tag);

		if (!strncasecmp(t->name, tag, len) && t->name[len] == '.' && *t->region &&
		    same_blankless(t->region, location)) {
			add_endpoint_tag(n, t);
			return;
		}
	}
	add_endpoint_tag(n, naive_find_tag(n, tag));
}

static void add_endpoints(struct naive *n)
{
	static const char *const services[][2] = {
	    {"Microsoft.Storage", "Storage"},
	    {"Microsoft.Storage.Global", "Storage"},
	    {"Microsoft.Sql", "Sql"},
	    {"Microsoft.AzureCosmosDB", "AzureCosmosDB"},
	    {"Microsoft.KeyVault", "AzureKeyVault"},
	    {"Microsoft.ServiceBus", "ServiceBus"},
	    {"Microsoft.EventHub", "EventHub"},
	    {"Microsoft.Web", "AppService"},
	    {"Microsoft.CognitiveServices", "CognitiveServicesManagement"},
	    {"Microsoft.ContainerRegistry", "AzureContainerRegistry"},
	    {"Microsoft.AzureActiveDirectory", "AzureActiveDirectory"},
	};

	for (size_t i = 0; i < n->subnet->n_endpoints; i++) {
		const struct nsg_service_endpoint *e = &n->subnet->endpoints[i];
		const char *tag = NULL;
		bool everywhere = !e->locations.n;

		for (size_t k = 0; k < NSG_ARRAY_SIZE(services); k++)
			if (!strcasecmp(e->service, services[k][0]))
				tag = services[k][1];
		if (!tag)
			continue;
		for (size_t k = 0; k < e->locations.n; k++)
			everywhere |= !strcmp(e->locations.v[k], "*");
		if (everywhere)
			add_endpoint_tag(n, naive_find_tag(n, tag));
		else
			for (size_t k = 0; k < e->locations.n; k++)
				add_endpoint_location(n, tag, e->locations.v[k]);
	}
}

static void add_hop(struct row *r, uint32_t hop)
{
	for (size_t i = 0; i < r->n_hops; i++)
		if (r->hops[i] == hop)
			return;
	if (r->n_hops < NSG_ARRAY_SIZE(r->hops))
		r->hops[r->n_hops++] = hop;
}

/* Whether the network has a gateway to learn from. */
static bool learns(const struct naive *n)
{
	bool has_peer = false;

	for (size_t i = 0; i < n->vnet->n_subnets; i++)
		if (!strcasecmp(n->vnet->subnets[i].name, "GatewaySubnet") ||
		    !strcasecmp(n->vnet->subnets[i].name, "RouteServerSubnet"))
			return true;
	for (size_t i = 0; i < n->vnet->n_peerings; i++) {
		const struct nsg_peering *p = &n->vnet->peerings[i];

		if (connected(p) && p->use_remote_gateways == NSG_TRUE)
			return true;
		has_peer |= connected(p);
	}
	return !has_peer || !n->vnet->n_subnets;
}

/* Whether it may be a range that the gateway's network has anyway; a peer of it has no peerings
 * here. */
static bool inside_networks(const struct naive *n, struct nsg_prefix p)
{
	const struct nsg_vnet *home = n->vnet;

	for (size_t i = n->vnet->n_peerings; i--;)
		if (connected(&n->vnet->peerings[i]) &&
		    n->vnet->peerings[i].use_remote_gateways == NSG_TRUE)
			home = vnet_of_id(n, n->vnet->peerings[i].remote_id);
	for (size_t i = 0; home && i < home->space.n; i++)
		if (nsg_prefix_covers(home->space.v[i], p))
			return true;
	for (size_t i = 0; home == n->vnet && i < n->peers.n; i++)
		if (nsg_prefix_covers(n->peers.v[i], p))
			return true;
	return !home;
}

/* Learned lists here are a gateway's, which names its own address only. */
static void add_bgp(struct naive *n)
{
	if (n->table && n->table->disable_bgp)
		return;
	for (size_t i = 0; i < n->policy->n_bgp_routes; i++) {
		const struct nsg_bgp_route *b = &n->policy->bgp_routes[i];
		struct row *r = NULL;

		if (b->list != NSG_LIST_EFFECTIVE &&
		    (!learns(n) || (b->origin == NSG_BGP_NETWORK && inside_networks(n, b->prefix))))
			continue;
		for (size_t k = 0; k < n->rows.n; k++)
			if (n->rows.v[k].source == NSG_SOURCE_GATEWAY &&
			    nsg_prefix_equal(n->rows.v[k].prefix, b->prefix))
				r = &n->rows.v[k];
		if (!r)
			r = add_row(n, b->prefix, NSG_SOURCE_GATEWAY, NSG_HOP_GATEWAY);
		if (b->local_host)
			add_hop(r, b->local_host);
		for (size_t k = 0; k < b->n_hops; k++)
			add_hop(r, b->hops_host[k]);
	}
}

static void add_udr(struct naive *n, const struct nsg_route *u, struct nsg_prefix prefix)
{
	struct row *r = add_row(n, prefix, NSG_SOURCE_USER, u->hop_type);

	r->name = u->name;
	r->tag = u->tag;
	for (size_t i = 0; i < u->n_hops; i++)
		add_hop(r, u->hops_host[i]);
}

static void add_udrs(struct naive *n)
{
	for (size_t i = 0; n->table && i < n->table->n_routes; i++) {
		const struct nsg_route *u = &n->table->routes[i];

		if (u->is_ip6)
			continue;
		if (!u->tag) {
			add_udr(n, u, u->prefix);
		} else {
			const struct nsg_tag *t = naive_find_tag(n, u->tag);

			for (size_t k = 0; k < t->prefixes.n; k++)
				add_udr(n, u, t->prefixes.v[k]);
		}
	}
}

static bool holds_subnet(const struct nsg_vnet *v, const char *subnet_id)
{
	const size_t len = strlen(v->id);

	return !strncasecmp(v->id, subnet_id, len) && subnet_id[len] == '/';
}

static void add_private_endpoint(struct naive *n, const struct nsg_private_endpoint *pe,
				 uint32_t addr)
{
	bool reachable = holds_subnet(n->vnet, pe->subnet_id);
	const struct nsg_vnet *home = NULL;
	struct row *r;

	for (size_t i = 0; i < n->vnet->n_peerings; i++) {
		const struct nsg_peering *p = &n->vnet->peerings[i];
		const struct nsg_vnet *remote = vnet_of_id(n, p->remote_id);

		if (remote && connected(p) && holds_subnet(remote, pe->subnet_id) &&
		    (n->current || n->bug == BUG_GLOBAL_REACHABLE || !is_global(n, p)))
			reachable = true;
	}
	if (!reachable)
		return;
	for (size_t i = 0; i < n->policy->n_vnets; i++)
		if (holds_subnet(&n->policy->vnets[i], pe->subnet_id))
			home = &n->policy->vnets[i];
	r = add_row(n, (struct nsg_prefix){addr, 32}, NSG_SOURCE_DEFAULT,
		    NSG_HOP_INTERFACE_ENDPOINT);
	for (size_t i = 0; home && i < home->space.n; i++)
		if (nsg_prefix_contains(home->space.v[i], addr))
			r->vnet_len = home->space.v[i].len;
	for (size_t i = 0; home && i < home->n_subnets; i++)
		if (!strcasecmp(home->subnets[i].id, pe->subnet_id))
			r->policies_on =
			    !strcasecmp(home->subnets[i].endpoint_policies, "Enabled") ||
			    !strcasecmp(home->subnets[i].endpoint_policies, "RouteTableEnabled");
}

static void add_private_endpoints(struct naive *n)
{
	for (size_t i = 0; i < n->policy->n_private_endpoints; i++) {
		const struct nsg_private_endpoint *pe = &n->policy->private_endpoints[i];

		for (size_t k = 0; k < pe->n_addrs; k++)
			add_private_endpoint(n, pe, pe->addrs_host[k]);
		for (size_t k = 0; k < n->policy->n_nics; k++) {
			const struct nsg_nic *nic = &n->policy->nics[k];
			bool its = *nic->private_endpoint_id &&
				   !strcasecmp(nic->private_endpoint_id, pe->id);

			for (size_t m = 0; m < pe->nic_ids.n; m++)
				its |= !strcasecmp(pe->nic_ids.v[m], nic->id);
			for (size_t m = 0; its && m < nic->n_configurations; m++)
				if (nic->configurations[m].has_addr)
					add_private_endpoint(n, pe,
							     nic->configurations[m].addr_host);
		}
	}
}

/* The rules about None rows: three ways to go. */
static int none_gone(const struct naive *n, struct nsg_prefix none)
{
	bool udr_default = false, udr_elsewhere = false, bgp_default = false;

	for (size_t i = 0; i < n->vnet->space.n; i++)
		if (nsg_prefix_covers(n->vnet->space.v[i], none))
			return EVENT_NONE_GONE_BY_VNET;
	for (size_t i = 0; i < n->rows.n; i++) {
		const struct row *r = &n->rows.v[i];

		if (r->source == NSG_SOURCE_DEFAULT)
			continue;
		if (nsg_prefix_equal(r->prefix, none))
			return EVENT_NONE_GONE_BY_PREFIX;
		if (r->prefix.len)
			continue;
		if (r->source == NSG_SOURCE_GATEWAY) {
			bgp_default = true;
		} else {
			udr_default = true;
			udr_elsewhere |= r->type != NSG_HOP_INTERNET && r->type != NSG_HOP_NONE;
		}
	}
	if (udr_elsewhere && n->bug != BUG_NONE_ROWS_STAY)
		return EVENT_NONE_GONE_BY_UDR_DEFAULT;
	return bgp_default && !udr_default ? EVENT_NONE_GONE_BY_BGP_DEFAULT : -1;
}

void naive_build_rows(struct naive *n)
{
	const struct nsg_profile *profile = n->options->profile;

	for (size_t i = 0; i < n->vnet->space.n; i++)
		add_row(n, n->vnet->space.v[i], NSG_SOURCE_DEFAULT, NSG_HOP_VNET_LOCAL);
	for (size_t i = 0; i < n->vnet->n_peerings; i++) {
		const struct nsg_peering *p = &n->vnet->peerings[i];
		const struct nsg_prefixes *ranges = peer_ranges(n, p);

		for (size_t k = 0; connected(p) && k < ranges->n; k++) {
			bool global = is_global(n, p);

			PUSH(&n->peers, ranges->v[k]);
			if (p->allow_access != NSG_FALSE)
				PUSH(&n->peers_with_access, ranges->v[k]);
			add_row(n, ranges->v[k], NSG_SOURCE_DEFAULT,
				global ? NSG_HOP_VNET_GLOBAL_PEERING : NSG_HOP_VNET_PEERING)
			    ->global = global;
		}
	}
	add_row(n, (struct nsg_prefix){0, 0}, NSG_SOURCE_DEFAULT, NSG_HOP_INTERNET);
	add_bgp(n);
	add_endpoints(n);
	add_private_endpoints(n);
	add_udrs(n);
	for (size_t i = 0; i < profile->n_none_rows; i++) {
		const struct nsg_prefix none = profile->none_rows[i];
		int by = none_gone(n, none);

		add_row(n, none, NSG_SOURCE_DEFAULT, NSG_HOP_NONE);
		n->rows.v[n->rows.n - 1].gone = by >= 0;
		n->rows.v[n->rows.n - 1].gone_by = by;
	}
}
