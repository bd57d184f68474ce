/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of the route table. */
#include "naive_priv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/macro.h"

struct row *naive_add_row(struct naive *n, struct nsg_prefix prefix, enum nsg_route_source source,
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
		naive_add_row(n, tag->prefixes.v[i], NSG_SOURCE_DEFAULT, NSG_HOP_SERVICE_ENDPOINT);
	}
}

/* One location: Tag.location, else the regional tag whose region it is, else the whole tag. */
static void add_endpoint_location(struct naive *n, const char *tag, const char *location)
{
	for (size_t i = 0; i < n->tags->n_tags; i++) {
		const struct nsg_tag *t = &n->tags->tags[i];
		const size_t len = strlen(tag);

		if (!strncasecmp(t->name, tag, len) && t->name[len] == '.' &&
		    naive_same_blankless(t->name + len + 1, location)) {
			add_endpoint_tag(n, t);
			return;
		}
	}
	for (size_t i = 0; i < n->tags->n_tags; i++) {
		const struct nsg_tag *t = &n->tags->tags[i];
		const size_t len = strlen(tag);

		if (!strncasecmp(t->name, tag, len) && t->name[len] == '.' && *t->region &&
		    naive_same_blankless(t->region, location)) {
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

void naive_add_hop(struct row *r, uint32_t hop)
{
	for (size_t i = 0; i < r->n_hops; i++)
		if (r->hops[i] == hop)
			return;
	if (r->n_hops < NSG_ARRAY_SIZE(r->hops))
		r->hops[r->n_hops++] = hop;
}

void naive_unused(struct naive *n, struct nsg_prefix prefix, enum naive_event because)
{
	PUSH(&n->unused, ((struct naive_unused){prefix, because}));
}

static void add_udr(struct naive *n, const struct nsg_route *u, struct nsg_prefix prefix)
{
	struct row *r = naive_add_row(n, prefix, NSG_SOURCE_USER, u->hop_type);

	r->name = u->name;
	r->tag = u->tag;
	for (size_t i = 0; i < u->n_hops; i++)
		naive_add_hop(r, u->hops_host[i]);
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

static bool holds_subnet(const char *vnet_id, const char *subnet_id)
{
	const size_t len = strlen(vnet_id);

	return len && !strncasecmp(vnet_id, subnet_id, len) && subnet_id[len] == '/';
}

/* Whether a direct peer's private endpoint has a row. */
static bool peer_leads_to(struct naive *n, const struct naive_peer *peer, uint32_t addr)
{
	if (peer->global && !n->current && n->bug != BUG_GLOBAL_REACHABLE)
		return false;
	if (!peer->is_subnet_peering || n->bug == BUG_ENDPOINT_OF_ANY_SUBNET)
		return true;
	if (peer->is_named && !peer->only_ip6 && naive_in(peer->ranges.v, peer->ranges.n, addr))
		return true;
	naive_unused(n, (struct nsg_prefix){addr, 32}, EVENT_ENDPOINT_OUTSIDE_SUBNET_PEERING);
	return false;
}

/* The network policies of its subnet, as far as a document tells them. */
static void read_policies(const struct naive *n, const char *subnet_id, uint32_t addr,
			  struct row *r)
{
	const struct nsg_vnet *home = NULL;

	for (size_t i = 0; i < n->policy->n_vnets; i++)
		if (holds_subnet(n->policy->vnets[i].id, subnet_id))
			home = &n->policy->vnets[i];
	for (size_t i = 0; home && i < home->space.n; i++)
		if (nsg_prefix_contains(home->space.v[i], addr))
			r->vnet_len = home->space.v[i].len;
	for (size_t i = 0; home && i < home->n_subnets; i++)
		if (!strcasecmp(home->subnets[i].id, subnet_id))
			r->policies_on =
			    !strcasecmp(home->subnets[i].endpoint_policies, "Enabled") ||
			    !strcasecmp(home->subnets[i].endpoint_policies, "RouteTableEnabled");
}

static void add_private_endpoint(struct naive *n, const struct nsg_private_endpoint *pe,
				 uint32_t addr)
{
	bool reachable = holds_subnet(n->vnet->id, pe->subnet_id);

	for (size_t i = 0; i < n->peers.n; i++)
		if (holds_subnet(n->peers.v[i].peering->remote_id, pe->subnet_id))
			reachable |= peer_leads_to(n, &n->peers.v[i], addr);
	if (!reachable)
		return;
	read_policies(n, pe->subnet_id, addr,
		      naive_add_row(n, (struct nsg_prefix){addr, 32}, NSG_SOURCE_DEFAULT,
				    NSG_HOP_INTERFACE_ENDPOINT));
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
			udr_elsewhere |= r->type != NSG_HOP_INTERNET &&
					 (r->type != NSG_HOP_NONE || n->bug == BUG_NONE_UNDER_NONE);
		}
	}
	if (udr_elsewhere && n->bug != BUG_NONE_ROWS_STAY)
		return EVENT_NONE_GONE_BY_UDR_DEFAULT;
	return bgp_default && !udr_default ? EVENT_NONE_GONE_BY_BGP_DEFAULT : -1;
}

/* Once displaced, it is not there where step b strikes the UDR. */
static void displace_beforehand(struct naive *n)
{
	for (size_t i = 0; i < n->rows.n; i++)
		for (size_t k = 0; k < n->rows.n; k++)
			n->rows.v[i].gone |=
			    n->rows.v[i].source == NSG_SOURCE_DEFAULT &&
			    n->rows.v[i].type != NSG_HOP_SERVICE_ENDPOINT &&
			    n->rows.v[i].prefix.len && n->rows.v[k].source == NSG_SOURCE_USER &&
			    nsg_prefix_equal(n->rows.v[k].prefix, n->rows.v[i].prefix);
}

void naive_build_rows(struct naive *n)
{
	const struct naive_table none = naive_none_rows(n);

	for (size_t i = 0; i < n->vnet->space.n; i++)
		naive_add_row(n, n->vnet->space.v[i], NSG_SOURCE_DEFAULT, NSG_HOP_VNET_LOCAL);
	naive_build_peers(n);
	naive_add_row(n, (struct nsg_prefix){0, 0}, NSG_SOURCE_DEFAULT, NSG_HOP_INTERNET);
	naive_build_gateway(n);
	add_endpoints(n);
	add_private_endpoints(n);
	add_udrs(n);
	for (size_t i = 0; i < none.n; i++) {
		int by = none_gone(n, none.v[i]);
		struct row *r = naive_add_row(n, none.v[i], NSG_SOURCE_DEFAULT, NSG_HOP_NONE);

		r->gone = by >= 0;
		r->gone_by = by;
		r->of_current = i >= NAIVE_NONE_2020;
	}
	if (n->bug == BUG_DISPLACED_BEFOREHAND)
		displace_beforehand(n);
}
