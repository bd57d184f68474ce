/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes a gateway learned: a gateway's or route server's list, or an effective route table. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "azure/reader_priv.h"
#include "util/cleanup.h"
#include "util/limits.h"

static void add(struct nsg_reader *r, const struct nsg_node *n, const struct nsg_node *prefix,
		uint32_t *hops_host, size_t n_hops)
{
	struct nsg_bgp_route route = {.hops_host = hops_host, .n_hops = n_hops};
	bool is_ip6;

	if (!nsg_read_prefix(&r->sink, prefix, &route.prefix, &is_ip6) || is_ip6)
		return;
	route.place = nsg_node_place(&r->sink, n);
	nsg_sink_push(&r->sink, &r->bgp_routes, route);
}

/* ---- lists of gateways and route servers ---------------------------------------------------- */

static void read_learned_route(struct nsg_reader *r, const struct nsg_node *n)
{
	struct nsg_sink *s = &r->sink;
	struct nsg_node network = nsg_node_get(n, "network"), hop = nsg_node_get(n, "nextHop");
	uint32_t *hop_host;

	/* the virtual network's own ranges, which the gateway announces */
	if (!strcasecmp(nsg_read_member(s, n, "origin"), "Network"))
		return;
	if (!network.value)
		nsg_node_report(s, n, NSG_ERROR, NULL, "a learned route has no network");
	hop_host = nsg_sink_array(s, 1, sizeof(*hop_host));
	if (hop_host)
		add(r, n, &network, hop_host, nsg_read_address(s, &hop, hop_host));
}

static bool looks_like_learned_route(const struct nsg_node *n)
{
	return nsg_node_has(n, "network") &&
	       NSG_COUNT_KEYS(n, "origin", "nextHop", "sourcePeer", "asPath", "localAddress");
}

const struct nsg_kind nsg_kind_learned_route = {
    .looks = looks_like_learned_route,
    .read = read_learned_route,
};

static bool is_role(const char *key)
{
	return !strncasecmp(key, "RouteServiceRole_IN_", strlen("RouteServiceRole_IN_"));
}

/* {"RouteServiceRole_IN_0": [...], "RouteServiceRole_IN_1": [...]}: one list an instance. */
static void read_route_server(struct nsg_reader *r, const struct nsg_node *n)
{
	const char *key;
	json_t *unused;

	json_object_foreach(n->value, key, unused)
	{
		struct nsg_node list = nsg_node_own(n, key);
		size_t size;

		if (!is_role(key))
			continue;
		size = nsg_read_array(&r->sink, &list);
		for (size_t i = 0; i < size; i++) {
			struct nsg_node route = nsg_node_at(&list, i);

			if (nsg_read_object(&r->sink, &route))
				read_learned_route(r, &route);
		}
	}
}

static bool looks_like_route_server(const struct nsg_node *n)
{
	const char *key;
	json_t *unused;

	json_object_foreach(n->value, key, unused)
	{
		if (is_role(key))
			return true;
	}
	return false;
}

const struct nsg_kind nsg_kind_route_server = {
    .looks = looks_like_route_server,
    .read = read_route_server,
};

/* ---- effective routes ----------------------------------------------------------------------- */

/* az prints arrays, single values occur as well. */
static size_t count(const struct nsg_node *n)
{
	return json_is_array(n->value) ? json_array_size(n->value) : n->value != NULL;
}

static struct nsg_node element(const struct nsg_node *n, size_t i)
{
	return json_is_array(n->value) ? nsg_node_at(n, i) : *n;
}

static void read_effective_route(struct nsg_reader *r, const struct nsg_node *n)
{
	struct nsg_sink *s = &r->sink;
	struct nsg_node prefixes = nsg_node_get(n, "addressPrefix");
	struct nsg_node hops = nsg_node_get(n, "nextHopIpAddress");
	size_t n_hops = count(&hops), filled = 0;
	uint32_t *hops_host;

	if (strcasecmp(nsg_read_member(s, n, "source"), "VirtualNetworkGateway"))
		return;
	if (!prefixes.value)
		nsg_node_report(s, n, NSG_ERROR, NULL, "an effective route has no addressPrefix");
	hops_host = nsg_sink_array(s, n_hops, sizeof(*hops_host));
	for (size_t i = 0; i < n_hops && hops_host; i++) {
		struct nsg_node hop = element(&hops, i);

		filled += nsg_read_address(s, &hop, &hops_host[filled]);
	}
	for (size_t i = 0; i < count(&prefixes); i++) {
		struct nsg_node prefix = element(&prefixes, i);

		add(r, n, &prefix, hops_host, filled);
	}
}

static bool looks_like_effective_route(const struct nsg_node *n)
{
	return nsg_node_has(n, "nextHopType") && NSG_COUNT_KEYS(n, "source", "state");
}

const struct nsg_kind nsg_kind_effective_route = {
    .looks = looks_like_effective_route,
    .read = read_effective_route,
};

/* ---- bounds --------------------------------------------------------------------------------- */

static int by_prefix(const void *a, const void *b)
{
	const struct nsg_bgp_route *x = a, *y = b;

	return nsg_prefix_compare(&x->prefix, &y->prefix);
}

void nsg_check_learned_routes(struct nsg_reader *r)
{
	size_t n = r->bgp_routes.n, different = 0;
	cleanup_free struct nsg_bgp_route *copy = NULL;

	if (n <= NSG_MAX_BGP_ROUTES)
		return;
	copy = malloc(n * sizeof(*copy));
	if (!copy) {
		r->sink.no_memory = true;
		return;
	}
	memcpy(copy, r->bgp_routes.v, n * sizeof(*copy));
	qsort(copy, n, sizeof(*copy), by_prefix);
	for (size_t i = 0; i < n; i++)
		different += !i || by_prefix(&copy[i - 1], &copy[i]);
	if (different > NSG_MAX_BGP_ROUTES)
		(void)nsg_diag_add(r->sink.diag, NSG_ERROR, &r->bgp_routes.v[0].place, NULL,
				   "%zu gateway routes: at most %u are read", different,
				   NSG_MAX_BGP_ROUTES);
}
