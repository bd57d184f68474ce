/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gateway routes that are used, one for a prefix. They come from lists of learned routes, from
 * effective route tables, from the static ranges of gateways, and live from a routing daemon.
 */
#include "model/effective_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/cleanup.h"
#include "util/limits.h"
#include "util/macro.h"
#include "util/vec.h"

/* ---- sets of prefixes --------------------------------------------------------------------- */

/* Prefixes to look up: numbers that sort by address and length. */
struct prefix_set {
	NSG_VEC(uint64_t) keys;
};

static void prefix_set_done(struct prefix_set *s)
{
	nsg_vec_done(&s->keys);
}

static uint64_t key_of(uint32_t addr_host, unsigned int len)
{
	return (uint64_t)(addr_host & nsg_prefix_mask((uint8_t)len)) << 6 | len;
}

static int compare_key(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return NSG_CMP(*x, *y);
}

static int prefix_set_add(struct prefix_set *s, struct nsg_prefix p)
{
	return nsg_vec_push(&s->keys, key_of(p.addr_host, p.len));
}

static int prefix_set_add_all(struct prefix_set *s, const struct nsg_prefixes *p)
{
	for (size_t i = 0; i < p->n; i++) {
		int r = prefix_set_add(s, p->v[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Before the first look-up. */
static void prefix_set_sort(struct prefix_set *s)
{
	if (s->keys.n)
		qsort(s->keys.v, s->keys.n, sizeof(*s->keys.v), compare_key);
}

static bool prefix_set_has(const struct prefix_set *s, uint32_t addr_host, unsigned int len)
{
	const uint64_t key = key_of(addr_host, len);

	return s->keys.n && bsearch(&key, s->keys.v, s->keys.n, sizeof(key), compare_key);
}

/* Whether one of the prefixes covers p. */
static bool prefix_set_covers(const struct prefix_set *s, struct nsg_prefix p)
{
	for (unsigned int len = 0; len <= p.len; len++)
		if (prefix_set_has(s, p.addr_host, len))
			return true;
	return false;
}

/* ---- the gateway's network ---------------------------------------------------------------- */

struct gateways {
	struct nsg_build *b;
	bool learns;			  /* the network has a gateway to learn from */
	const struct nsg_vnet *network;	  /* the gateway's; NULL: no document */
	struct prefix_set network_ranges; /* its ranges and its peers' */
	struct prefix_set servers;	  /* RouteServerSubnet of each network */
	struct prefix_set near;		  /* ranges of the integration's network and its peers */
	struct prefix_set not_ibgp;	  /* prefixes of learned routes of another origin */
};

static void gateways_done(struct gateways *g)
{
	prefix_set_done(&g->network_ranges);
	prefix_set_done(&g->servers);
	prefix_set_done(&g->near);
	prefix_set_done(&g->not_ibgp);
}

#define cleanup_gateways __attribute__((cleanup(gateways_done)))

static bool has_gateway_subnet(const struct nsg_vnet *v)
{
	for (size_t i = 0; i < v->n_subnets; i++)
		if (!strcasecmp(v->subnets[i].name, "GatewaySubnet") ||
		    !strcasecmp(v->subnets[i].name, "RouteServerSubnet"))
			return true;
	return false;
}

static const struct nsg_peer *peer_with_gateway(const struct nsg_build *b)
{
	for (size_t i = 0; i < b->n_peers; i++)
		if (b->peers[i].peering->use_remote_gateways == NSG_TRUE)
			return &b->peers[i];
	return NULL;
}

/* A mesh is not a peering. */
static bool has_peerings(const struct nsg_build *b)
{
	for (size_t i = 0; i < b->n_peers; i++)
		if (!b->peers[i].is_mesh)
			return true;
	return false;
}

static void find_gateway(struct gateways *g)
{
	const struct nsg_build *b = g->b;
	const struct nsg_vnet *v = b->e->vnet;
	const struct nsg_peer *peer = peer_with_gateway(b);
	const bool is_own = has_gateway_subnet(v);

	g->learns = is_own || peer || !v->n_subnets || !has_peerings(b);
	g->network = is_own || !peer ? v : peer->document;
}

/* A gateway lists its own network, and that network's peers, as origin Network. */
static int join_network_ranges(struct gateways *g)
{
	const struct nsg_vnet *v = g->network;
	int r;

	if (!v)
		return 0;
	r = prefix_set_add_all(&g->network_ranges, &v->space);
	for (size_t i = 0; !r && i < v->n_peerings; i++) {
		const struct nsg_peering *p = &v->peerings[i];

		if (nsg_peering_is_connected(p))
			r = prefix_set_add_all(
			    &g->network_ranges,
			    nsg_peering_space(p, nsg_peering_document(g->b->policy, v, p)));
	}
	return r;
}

static int join_servers(struct gateways *g)
{
	const struct nsg_policy *p = g->b->policy;
	int r = 0;

	for (size_t i = 0; i < p->n_vnets; i++)
		for (size_t j = 0; !r && j < p->vnets[i].n_subnets; j++) {
			const struct nsg_subnet *s = &p->vnets[i].subnets[j];

			if (!strcasecmp(s->name, "RouteServerSubnet"))
				r = prefix_set_add_all(&g->servers, &s->prefixes);
		}
	return r;
}

static int join_near(struct gateways *g)
{
	const struct nsg_build *b = g->b;
	int r = prefix_set_add_all(&g->near, &b->e->vnet->space);

	for (size_t i = 0; !r && i < b->n_peers; i++)
		r = prefix_set_add_all(&g->near, b->peers[i].space);
	return r;
}

static int join_origins(struct gateways *g)
{
	const struct nsg_policy *p = g->b->policy;
	int r = 0;

	for (size_t i = 0; !r && i < p->n_bgp_routes; i++) {
		const struct nsg_bgp_route *route = &p->bgp_routes[i];

		if (route->list != NSG_LIST_EFFECTIVE && route->origin != NSG_BGP_IBGP)
			r = prefix_set_add(&g->not_ibgp, route->prefix);
	}
	return r;
}

static int gateways_init(struct gateways *g, struct nsg_build *b)
{
	int r;

	g->b = b;
	find_gateway(g);
	r = join_network_ranges(g);
	if (r < 0)
		return r;
	r = join_servers(g);
	if (r < 0)
		return r;
	r = join_near(g);
	if (r < 0)
		return r;
	r = join_origins(g);
	if (r < 0)
		return r;
	prefix_set_sort(&g->network_ranges);
	prefix_set_sort(&g->servers);
	prefix_set_sort(&g->near);
	prefix_set_sort(&g->not_ibgp);
	return 0;
}

/* ---- which routes are used ---------------------------------------------------------------- */

/* A route that is used. */
struct used {
	struct nsg_prefix prefix;
	bool is_ranked;
	uint32_t path_length, hop_host; /* of a learned route; hop 0: none */
	const struct nsg_bgp_route *effective;
	size_t order;
};

struct use {
	NSG_VEC(struct used) routes;
	/* the first that is not used, for each reason */
	const struct nsg_place *no_gateway, *no_document;
};

static void use_done(struct use *u)
{
	nsg_vec_done(&u->routes);
}

#define cleanup_use __attribute__((cleanup(use_done)))

/* In {"value"} form nothing names the owner of the list: a route server has its addresses in a
 * subnet of its own, or in a network that the integration's network does not see. */
static bool is_servers(const struct gateways *g, const struct nsg_bgp_route *r)
{
	const struct nsg_prefix local = {r->local_host, 32};

	if (r->list == NSG_LIST_ROUTE_SERVER)
		return true;
	return r->local_host &&
	       (prefix_set_covers(&g->servers, local) || !prefix_set_covers(&g->near, local));
}

static bool is_used(const struct gateways *g, struct use *u, const struct nsg_bgp_route *r,
		    bool servers)
{
	if (!g->learns) {
		u->no_gateway = u->no_gateway ? u->no_gateway : &r->place;
		return false;
	}
	if (r->origin == NSG_BGP_IBGP)
		return servers || !prefix_set_has(&g->not_ibgp, r->prefix.addr_host, r->prefix.len);
	if (r->origin != NSG_BGP_NETWORK)
		return true;
	if (!g->network)
		u->no_document = u->no_document ? u->no_document : &r->place;
	return g->network && !prefix_set_covers(&g->network_ranges, r->prefix);
}

static int add_learned(const struct gateways *g, struct use *u, const struct nsg_bgp_route *r)
{
	const bool servers = is_servers(g, r);
	struct used used = {
	    .prefix = r->prefix,
	    .is_ranked = true,
	    .path_length = r->path_length,
	    /* recorded: a gateway's route has the gateway's own address, not its peer's */
	    .hop_host = servers && r->next_hop_host ? r->next_hop_host : r->local_host,
	    .order = u->routes.n,
	};

	return is_used(g, u, r, servers) ? nsg_vec_push(&u->routes, used) : 0;
}

static int add_effective(struct use *u, const struct nsg_bgp_route *r)
{
	struct used used = {.prefix = r->prefix, .effective = r, .order = u->routes.n};

	return nsg_vec_push(&u->routes, used);
}

static int add_static(const struct gateways *g, struct use *u)
{
	const struct nsg_policy *p = g->b->policy;

	for (size_t i = 0; i < p->n_gateways; i++) {
		const struct nsg_gateway *gateway = &p->gateways[i];

		if (gateway->prefixes.n && !g->learns)
			u->no_gateway = u->no_gateway ? u->no_gateway : &gateway->place;
		for (size_t j = 0; j < gateway->prefixes.n && g->learns; j++) {
			struct used used = {.prefix = gateway->prefixes.v[j], .order = u->routes.n};
			int r = nsg_vec_push(&u->routes, used);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int gather(const struct gateways *g, struct use *u)
{
	const struct nsg_policy *p = g->b->policy;
	int r = 0;

	for (size_t i = 0; !r && i < p->n_bgp_routes; i++) {
		const struct nsg_bgp_route *route = &p->bgp_routes[i];

		if (route->list == NSG_LIST_EFFECTIVE)
			r = add_effective(u, route);
		else
			r = add_learned(g, u, route);
	}
	return r < 0 ? r : add_static(g, u);
}

static void report_unused(const struct gateways *g, const struct use *u)
{
	struct nsg_build *b = g->b;

	if (u->no_gateway)
		(void)nsg_diag_add(b->diag, NSG_WARNING, u->no_gateway, NULL,
				   "gateway routes are not used: virtual network %s has no "
				   "GatewaySubnet and none of its peerings has useRemoteGateways",
				   b->e->vnet->name);
	if (u->no_document)
		(void)nsg_diag_add(b->diag, NSG_NOTICE, u->no_document, NULL,
				   "learned routes of origin Network are not used: the gateway's "
				   "virtual network, which they may belong to, has no document; "
				   "run: az network vnet show --ids %s > hub.json",
				   peer_with_gateway(b)->peering->remote_id);
}

/* ---- one route for a prefix --------------------------------------------------------------- */

static int compare_used(const void *a, const void *b)
{
	const struct used *x = a, *y = b;
	int r = nsg_prefix_compare(&x->prefix, &y->prefix);

	return r ? r : NSG_CMP(x->order, y->order);
}

static int compare_order(const void *a, const void *b)
{
	const struct nsg_bgp_merged *x = a, *y = b;

	return NSG_CMP(x->order, y->order);
}

/* Drops the learned routes whose asPath is longer than the shortest (recorded, 15 of 15). */
static size_t rank(struct used *v, size_t n)
{
	uint32_t shortest = UINT32_MAX;
	size_t m = 0;

	for (size_t i = 0; i < n; i++)
		if (v[i].is_ranked && v[i].path_length < shortest)
			shortest = v[i].path_length;
	for (size_t i = 0; i < n; i++)
		if (!v[i].is_ranked || v[i].path_length == shortest)
			v[m++] = v[i];
	return m;
}

/* The distinct next hops of routes of one prefix, each at its first appearance. */
static int merge_hops(struct nsg_arena *a, const struct used *v, size_t n, struct nsg_bgp_merged *m)
{
	uint32_t *hops_host;
	size_t n_hops = 0;

	for (size_t i = 0; i < n; i++)
		n_hops += v[i].effective ? v[i].effective->n_hops : 1;
	hops_host = nsg_arena_array(a, n_hops + 1, sizeof(*hops_host));
	if (!hops_host)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (v[i].hop_host)
			hops_host[m->n_hops++] = v[i].hop_host;
		for (size_t j = 0; v[i].effective && j < v[i].effective->n_hops; j++)
			hops_host[m->n_hops++] = v[i].effective->hops_host[j];
	}
	m->hops_host = hops_host;
	return nsg_addresses_distinct(hops_host, &m->n_hops);
}

static int merge(struct nsg_build *b, struct used *v, size_t n)
{
	int r;

	b->bgp = nsg_arena_array(&b->e->arena, n + 1, sizeof(*b->bgp));
	if (!b->bgp)
		return -ENOMEM;
	if (n)
		qsort(v, n, sizeof(*v), compare_used);
	for (size_t i = 0, next; i < n; i = next) {
		struct nsg_bgp_merged *m = &b->bgp[b->n_bgp++];
		size_t left;

		for (next = i + 1; next < n; next++)
			if (!nsg_prefix_equal(v[i].prefix, v[next].prefix))
				break;
		left = rank(v + i, next - i);
		*m = (struct nsg_bgp_merged){.prefix = v[i].prefix, .order = v[i].order};
		r = merge_hops(&b->e->arena, v + i, left, m);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- live routes ---------------------------------------------------------------------------- */

/* A document's route that is live too has the next hops of both. */
static int add_hops(struct nsg_arena *a, struct nsg_bgp_merged *m, const uint32_t *addrs_host,
		    uint32_t n)
{
	uint32_t *hops_host = nsg_arena_array(a, m->n_hops + n + 1, sizeof(*hops_host));

	if (!hops_host)
		return -ENOMEM;
	if (m->n_hops)
		memcpy(hops_host, m->hops_host, m->n_hops * sizeof(*hops_host));
	if (n)
		memcpy(hops_host + m->n_hops, addrs_host, n * sizeof(*hops_host));
	m->n_hops += n;
	m->hops_host = hops_host;
	return nsg_addresses_distinct(hops_host, &m->n_hops);
}

static void report_not_live(struct nsg_build *b, size_t n, struct nsg_prefix first)
{
	char text[NSG_PREFIX_TEXT];

	if (!n)
		return;
	nsg_prefix_format(first, text);
	(void)nsg_diag_add(b->diag, NSG_NOTICE, &b->policy->place, NULL,
			   "%zu gateway routes in the documents are not in the routing table of "
			   "[bgp], the first is %s",
			   n, text);
}

/* The documents' routes that are live too get the next hops of both; *ret_n in number. */
static int join_live(struct nsg_build *b, const struct nsg_route_set *live, size_t *ret_n)
{
	struct nsg_prefix missing = {0};
	size_t n_missing = 0;

	for (size_t i = 0; i < b->n_bgp; i++) {
		const struct nsg_live_route *route = nsg_route_set_find(live, b->bgp[i].prefix);
		const uint32_t *addrs_host;
		uint32_t n;
		int r;

		if (!route) {
			missing = n_missing++ ? missing : b->bgp[i].prefix;
			continue;
		}
		addrs_host = nsg_live_hops(live, route, &n);
		r = add_hops(&b->e->arena, &b->bgp[i], addrs_host, n);
		if (r < 0)
			return r;
	}
	report_not_live(b, n_missing, missing);
	*ret_n = b->n_bgp - n_missing;
	return 0;
}

static struct nsg_route_set *usable_live(const struct gateways *g)
{
	struct nsg_build *b = g->b;
	struct nsg_route_set *live = b->options->live;

	if (live && live->n && !g->learns)
		(void)nsg_diag_add(b->diag, NSG_WARNING, &b->policy->place, NULL,
				   "live gateway routes are not used: virtual network %s has no "
				   "GatewaySubnet and none of its peerings has useRemoteGateways",
				   b->e->vnet->name);
	return g->learns ? live : NULL;
}

static void report_too_many(struct nsg_build *b, size_t n)
{
	const struct nsg_policy *p = b->policy;

	(void)nsg_diag_add(b->diag, NSG_ERROR,
			   p->n_bgp_routes ? &p->bgp_routes[0].place
			   : p->n_gateways ? &p->gateways[0].place
					   : &p->place,
			   NULL, "%zu gateway routes, nsgd supports at most %u", n,
			   NSG_MAX_BGP_ROUTES);
}

static int collect(const struct gateways *g, struct use *u)
{
	struct nsg_build *b = g->b;
	struct nsg_route_set *live = usable_live(g);
	size_t n_both = 0, n;
	int r;

	r = merge(b, u->routes.v, u->routes.n);
	if (r < 0)
		return r;
	if (live) {
		r = join_live(b, live, &n_both);
		if (r < 0)
			return r;
		b->e->live = nsg_route_set_ref(live);
	}
	if (b->n_bgp)
		qsort(b->bgp, b->n_bgp, sizeof(*b->bgp), compare_order);
	n = b->n_bgp + (live ? live->n_prefixes : 0) - n_both;
	if (n > NSG_MAX_BGP_ROUTES)
		report_too_many(b, n);
	return 0;
}

int nsg_build_gateway_routes(struct nsg_build *b)
{
	const struct nsg_policy *p = b->policy;
	cleanup_gateways struct gateways g = {0};
	cleanup_use struct use u = {0};
	int r;

	if (!p->n_bgp_routes && !p->n_gateways && !b->options->live)
		return 0;
	if (b->e->route_table && b->e->route_table->disable_bgp)
		return 0;
	r = gateways_init(&g, b);
	if (r < 0)
		return r;
	r = gather(&g, &u);
	if (r < 0)
		return r;
	report_unused(&g, &u);
	return collect(&g, &u);
}
