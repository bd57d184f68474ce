/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gateway routes: lists of learned routes, effective route tables (with their user routes), static
 * ranges of gateways. */
#include <string.h>
#include <strings.h>

#include "azure/reader_priv.h"

static void add(struct nsg_reader *r, const struct nsg_node *n, const struct nsg_node *prefix,
		const struct nsg_bgp_route *of)
{
	struct nsg_bgp_route route = *of;
	bool is_ip6;

	if (!nsg_read_prefix(&r->sink, prefix, &route.prefix, &is_ip6) || is_ip6)
		return;
	route.place = nsg_node_place(&r->sink, n);
	nsg_sink_push(&r->sink, &r->bgp_routes, route);
}

/* ---- lists of gateways and route servers ---------------------------------------------------- */

static enum nsg_bgp_origin read_origin(struct nsg_sink *s, const struct nsg_node *n)
{
	const char *origin = nsg_read_member(s, n, "origin");

	if (!strcasecmp(origin, "Network"))
		return NSG_BGP_NETWORK;
	return strcasecmp(origin, "IBgp") ? NSG_BGP_OTHER : NSG_BGP_IBGP;
}

/* Numbers joined by hyphens. */
static uint32_t read_path_length(struct nsg_sink *s, const struct nsg_node *n)
{
	const char *path = nsg_read_member(s, n, "asPath");
	uint32_t length = 0;

	while (*path) {
		size_t size = strcspn(path, "-");

		length += strspn(path, " ") < size;
		path += size + (path[size] == '-');
	}
	return length;
}

/* What a gateway advertises has the same form, without a peer that it was learned from. */
static bool is_advertised(struct nsg_sink *s, const struct nsg_node *n,
			  const struct nsg_bgp_route *route)
{
	return route->next_hop_host && route->next_hop_host == route->local_host &&
	       !*nsg_read_member(s, n, "sourcePeer");
}

static void warn_of_advertised(struct nsg_reader *r, const struct nsg_node *n)
{
	if (r->advertised_warned == n->root->source)
		return;
	r->advertised_warned = n->root->source;
	nsg_node_report(&r->sink, n, NSG_WARNING, NULL,
			"advertised routes are not used; useful is what `az network vnet-gateway "
			"list-learned-routes` prints");
}

static void read_address(struct nsg_sink *s, const struct nsg_node *n, const char *key,
			 uint32_t *to)
{
	struct nsg_node address = nsg_node_get(n, key);

	(void)nsg_read_address(s, &address, to);
}

static void read_learned(struct nsg_reader *r, const struct nsg_node *n, enum nsg_gateway_list list)
{
	struct nsg_sink *s = &r->sink;
	struct nsg_node network = nsg_node_get(n, "network");
	struct nsg_bgp_route route = {
	    .list = list,
	    .origin = read_origin(s, n),
	    .path_length = read_path_length(s, n),
	};

	if (!network.value)
		nsg_node_report(s, n, NSG_ERROR, NULL, "a learned route has no network");
	read_address(s, n, "nextHop", &route.next_hop_host);
	read_address(s, n, "localAddress", &route.local_host);
	if (is_advertised(s, n, &route))
		warn_of_advertised(r, n);
	else
		add(r, n, &network, &route);
}

static void read_learned_route(struct nsg_reader *r, const struct nsg_node *n)
{
	read_learned(r, n, NSG_LIST_LEARNED);
}

static bool looks_like_learned_route(const struct nsg_node *n)
{
	return nsg_node_has(n, "network") &&
	       NSG_COUNT_KEYS(n, "origin", "nextHop", "sourcePeer", "asPath", "localAddress");
}

const struct nsg_kind nsg_kind_learned_route = {
    .word = "learned route",
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
				read_learned(r, &route, NSG_LIST_ROUTE_SERVER);
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
    .word = "route server",
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

static size_t read_hops(struct nsg_sink *s, const struct nsg_node *n, uint32_t **ret_host)
{
	struct nsg_node hops = nsg_node_get(n, "nextHopIpAddress");
	size_t size = count(&hops), filled = 0;
	uint32_t *hops_host = nsg_sink_array(s, size, sizeof(*hops_host));

	for (size_t i = 0; i < size && hops_host; i++) {
		struct nsg_node hop = element(&hops, i);

		filled += nsg_read_address(s, &hop, &hops_host[filled]);
	}
	*ret_host = hops_host;
	return filled;
}

static void add_user_row(struct nsg_reader *r, const struct nsg_node *n,
			 const struct nsg_user_row *row)
{
	const struct nsg_identity who = {.id = "", .name = "", .parent = "", .within = ""};
	void *data = nsg_arena_copy(r->sink.arena, row, sizeof(*row));

	if (data)
		nsg_collect_add(r, n, &nsg_kind_user_row, &who, data);
	else
		r->sink.no_memory = true;
}

/* A route with a service tag is one row with all of the tag's prefixes. */
static void read_user_row(struct nsg_reader *r, const struct nsg_node *n,
			  const struct nsg_node *prefixes)
{
	struct nsg_sink *s = &r->sink;
	struct nsg_node tags = nsg_node_get(n, "destinationServiceTags");
	struct nsg_node type = nsg_node_get(n, "nextHopType");
	struct nsg_user_row row = {
	    .is_row = true,
	    .disable_bgp = nsg_read_bool(s, n, "disableBgpRoutePropagation") == NSG_TRUE,
	    .route = {.name = nsg_read_member(s, n, "name"), .place = nsg_node_place(s, n)},
	};
	struct nsg_route *route = &row.route;

	if (nsg_hop_type_parse(nsg_read_string(s, &type), &route->hop_type)) {
		nsg_node_report(s, &type, NSG_ERROR, NULL, "not a known next hop type");
		return;
	}
	route->n_hops = read_hops(s, n, &route->hops_host);
	route->ecmp = route->n_hops > 1;
	for (size_t i = 0; i < (count(&tags) ? 1 : count(prefixes)); i++) {
		struct nsg_node prefix = element(count(&tags) ? &tags : prefixes, i);

		route->prefix_place = nsg_node_place(s, &prefix);
		if (count(&tags))
			route->tag = nsg_read_string(s, &prefix);
		else if (!nsg_read_prefix(s, &prefix, &route->prefix, &route->is_ip6))
			continue;
		if (!*route->name)
			route->name = nsg_read_string(s, &prefix);
		add_user_row(r, n, &row);
	}
}

/* The first row of a document stands for it. */
static void note_document(struct nsg_reader *r, const struct nsg_node *n)
{
	const struct nsg_resource *last =
	    r->resources.n ? &r->resources.v[r->resources.n - 1] : NULL;

	if (!last || last->kind != &nsg_kind_user_row || last->list != r->list)
		add_user_row(r, n, &(struct nsg_user_row){.is_row = false});
}

static void read_effective_route(struct nsg_reader *r, const struct nsg_node *n)
{
	struct nsg_sink *s = &r->sink;
	struct nsg_node prefixes = nsg_node_get(n, "addressPrefix");
	const char *source = nsg_read_member(s, n, "source");
	struct nsg_bgp_route route = {.list = NSG_LIST_EFFECTIVE};

	note_document(r, n);
	if (!strcasecmp(source, "User"))
		read_user_row(r, n, &prefixes);
	if (strcasecmp(source, "VirtualNetworkGateway"))
		return;
	if (!prefixes.value)
		nsg_node_report(s, n, NSG_ERROR, NULL, "an effective route has no addressPrefix");
	route.n_hops = read_hops(s, n, &route.hops_host);
	for (size_t i = 0; i < count(&prefixes); i++) {
		struct nsg_node prefix = element(&prefixes, i);

		add(r, n, &prefix, &route);
	}
}

static bool looks_like_effective_route(const struct nsg_node *n)
{
	return nsg_node_has(n, "nextHopType") && NSG_COUNT_KEYS(n, "source", "state");
}

const struct nsg_kind nsg_kind_effective_route = {
    .word = "effective route",
    .looks = looks_like_effective_route,
    .read = read_effective_route,
};

static const struct nsg_fields user_row_fields = {
    .word = "user route",
    .size = sizeof(struct nsg_user_row),
};

const struct nsg_kind nsg_kind_user_row = {
    .fields = &user_row_fields,
    IN_POLICY(user_rows),
};

/* ---- static gateway routes ------------------------------------------------------------------ */

static const struct nsg_field local_gateway_lines[] = {
    {NULL, FIELD_OWN_NAME, AT(nsg_gateway, name)},
    {NULL, FIELD_OWN_ID, AT(nsg_gateway, id)},
    {NULL, FIELD_PLACE, AT(nsg_gateway, place)},
    {"addressPrefixes", FIELD_PREFIXES, AT(nsg_gateway, prefixes),
     .in = "localNetworkAddressSpace"},
};

static const struct nsg_fields local_gateway_fields = {
    .word = "local network gateway",
    FIELDS(local_gateway_lines, nsg_gateway),
};

static bool looks_like_local_gateway(const struct nsg_node *n)
{
	return nsg_node_has(n, "localNetworkAddressSpace");
}

const struct nsg_kind nsg_kind_local_gateway = {
    .looks = looks_like_local_gateway,
    .fields = &local_gateway_fields,
    IN_POLICY(gateways),
};

/* The addresses of P2S clients. */
static bool read_pool(struct nsg_reader *r, const struct nsg_field *f, const struct nsg_node *n,
		      void *to)
{
	struct nsg_node configuration = nsg_node_get(n, f->key);
	struct nsg_node pool = nsg_node_get(&configuration, "vpnClientAddressPool");
	struct nsg_node prefixes = nsg_node_get(&pool, "addressPrefixes");
	struct nsg_gateway *gateway = to;

	if (nsg_read_object(&r->sink, &configuration) && nsg_read_object(&r->sink, &pool))
		gateway->prefixes = nsg_read_prefixes(&r->sink, &prefixes);
	return true;
}

static const struct nsg_field gateway_lines[] = {
    {NULL, FIELD_OWN_NAME, AT(nsg_gateway, name)},
    {NULL, FIELD_OWN_ID, AT(nsg_gateway, id)},
    {NULL, FIELD_PLACE, AT(nsg_gateway, place)},
    {"vpnClientConfiguration", FIELD_PREFIXES, AT(nsg_gateway, prefixes), .read = read_pool},
};

static const struct nsg_fields gateway_fields = {
    .word = "virtual network gateway",
    FIELDS(gateway_lines, nsg_gateway),
};

static bool looks_like_gateway(const struct nsg_node *n)
{
	return nsg_node_has(n, "vpnClientConfiguration") ||
	       NSG_COUNT_KEYS(n, "gatewayType", "vpnType") == 2;
}

const struct nsg_kind nsg_kind_gateway = {
    .looks = looks_like_gateway,
    .fields = &gateway_fields,
    IN_POLICY(gateways),
};
