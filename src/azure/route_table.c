/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Route tables and their routes. */
#include <string.h>
#include <strings.h>

#include "azure/reader_priv.h"
#include "util/cleanup.h"
#include "util/limits.h"
#include "util/macro.h"

#define TYPE_TABLE "Microsoft.Network/routeTables"

/* Computed or the platform's own: no route may name them (azure-docs #92145). */
static bool is_routable_tag(const char *tag)
{
	static const char *const others[] = {
	    "Internet",		  "VirtualNetwork",   "AzureLoadBalancer", "VIRTUAL_NETWORK",
	    "AZURE_LOADBALANCER", "AzurePlatformDNS", "AzurePlatformIMDS", "AzurePlatformLKM",
	};

	for (size_t i = 0; i < NSG_ARRAY_SIZE(others); i++) {
		if (!strcasecmp(tag, others[i]))
			return false;
	}
	return true;
}

/* False when it is absent or wrong; then there is an error. */
static bool read_destination(struct nsg_sink *s, const struct nsg_node *n, struct nsg_route *route)
{
	struct nsg_node prefix = nsg_node_get(n, "addressPrefix");
	const char *text = nsg_read_string(s, &prefix);

	route->prefix_place = nsg_node_place(s, &prefix);
	if (!prefix.value)
		nsg_node_say(s, n, NSG_ERROR, NULL, "route '" NSG_QUOTE "' has no addressPrefix",
			     route->name);
	if (!*text)
		return false;
	if (!nsg_is_tag_name(text))
		return nsg_read_prefix(s, &prefix, &route->prefix, &route->is_ip6);
	route->tag = text;
	if (is_routable_tag(text))
		return true;
	nsg_node_say(s, &prefix, NSG_ERROR, NULL,
		     "route '" NSG_QUOTE "': a route cannot name the tag " NSG_QUOTE, route->name,
		     text);
	return false;
}

/* The types a user may write (REST routeTable.json). False when there is an error. */
static bool read_hop_type(struct nsg_sink *s, const struct nsg_node *n, struct nsg_route *route)
{
	struct nsg_node type = nsg_node_get(n, "nextHopType");
	const char *text = nsg_read_string(s, &type);

	if (!type.value)
		nsg_node_say(s, n, NSG_ERROR, NULL, "route '" NSG_QUOTE "' has no nextHopType",
			     route->name);
	if (!*text)
		return false;
	route->ecmp = !strcasecmp(text, "VirtualApplianceEcmp");
	if (!nsg_hop_type_parse(text, &route->hop_type) &&
	    (route->hop_type == NSG_HOP_GATEWAY || route->hop_type == NSG_HOP_VNET_LOCAL ||
	     route->hop_type == NSG_HOP_INTERNET || route->hop_type == NSG_HOP_APPLIANCE ||
	     route->hop_type == NSG_HOP_NONE))
		return true;
	nsg_node_say(s, &type, NSG_ERROR, NULL,
		     "route '" NSG_QUOTE "': nextHopType is '" NSG_QUOTE
		     "', not VirtualNetworkGateway, VnetLocal, Internet, VirtualAppliance, "
		     "VirtualApplianceEcmp or None",
		     route->name, text);
	return false;
}

static void read_one_hop(struct nsg_sink *s, const struct nsg_node *n, struct nsg_route *route)
{
	struct nsg_node hop = nsg_node_get(n, "nextHopIpAddress");
	const char *text = nsg_read_string(s, &hop);
	struct nsg_prefix unused;
	uint32_t addr_host;
	bool masked;

	if (route->hop_type != NSG_HOP_APPLIANCE || route->ecmp) {
		if (*text)
			nsg_node_say(s, &hop, NSG_ERROR, NULL,
				     "route '" NSG_QUOTE "': nextHopIpAddress belongs to the next "
				     "hop type VirtualAppliance",
				     route->name);
		return;
	}
	if (!hop.value)
		nsg_node_say(s, n, NSG_ERROR, "MissingNextHopIpAddress",
			     "route '" NSG_QUOTE "': the next hop type VirtualAppliance needs a "
			     "nextHopIpAddress",
			     route->name);
	if (!*text)
		return;
	if (!nsg_ip4_parse(text, &addr_host)) {
		route->hops_host = nsg_sink_array(s, 1, sizeof(*route->hops_host));
		if (route->hops_host)
			route->hops_host[route->n_hops++] = addr_host;
	} else if (!route->is_ip6 || nsg_prefix_parse(text, &unused, &masked) != NSG_PREFIX_IP6) {
		nsg_node_say(s, &hop, NSG_ERROR, NULL,
			     "route '" NSG_QUOTE "': its next hop '" NSG_QUOTE "' is no address",
			     route->name, text);
	}
}

static bool has_hop(const struct nsg_route *route, uint32_t hop_host)
{
	for (size_t i = 0; i < route->n_hops; i++) {
		if (route->hops_host[i] == hop_host)
			return true;
	}
	return false;
}

/* Route table API 2025-07-01: nextHop.nextHopIpAddresses, 2 to 64 of them. */
static void read_ecmp_hops(struct nsg_sink *s, const struct nsg_node *n, struct nsg_route *route)
{
	struct nsg_node hop = nsg_node_get(n, "nextHop");
	struct nsg_node list = nsg_node_get(&hop, "nextHopIpAddresses");
	size_t size = nsg_read_object(s, &hop) ? nsg_read_array(s, &list) : 0;

	if (size < 2 || size > NSG_MAX_ECMP_NEXT_HOPS) {
		nsg_node_say(s, n, NSG_ERROR, "MissingNextHopIpAddress",
			     "route '" NSG_QUOTE
			     "': the next hop type VirtualApplianceEcmp needs 2 to %u "
			     "nextHop.nextHopIpAddresses",
			     route->name, NSG_MAX_ECMP_NEXT_HOPS);
		return;
	}
	route->hops_host = nsg_sink_array(s, size, sizeof(*route->hops_host));
	for (size_t i = 0; i < size && route->hops_host; i++) {
		struct nsg_node element = nsg_node_at(&list, i);
		uint32_t hop_host;

		if (nsg_read_address(s, &element, &hop_host) && !has_hop(route, hop_host))
			route->hops_host[route->n_hops++] = hop_host;
	}
}

/* False when the route has no place among the others; then there is an error. */
static bool read_route(struct nsg_sink *s, const struct nsg_node *n, const char *name,
		       struct nsg_route *ret)
{
	struct nsg_node override = nsg_node_get(n, "hasBgpOverride");
	bool usable;

	*ret = (struct nsg_route){.name = name, .place = nsg_node_place(s, n)};
	if (!*name)
		nsg_node_say(s, n, NSG_ERROR, NULL, "a route has no name");
	usable = read_destination(s, n, ret);
	if (!read_hop_type(s, n, ret))
		return false;
	if (ret->ecmp)
		read_ecmp_hops(s, n, ret);
	read_one_hop(s, n, ret);
	if (nsg_read_bool(s, n, "hasBgpOverride") == NSG_TRUE)
		nsg_node_say(s, &override, NSG_WARNING, NULL,
			     "route '" NSG_QUOTE "': hasBgpOverride is ignored", name);
	return usable;
}

/* subnet_id: of the subnet whose own it is, or "". */
static void read_table(struct nsg_reader *r, const struct nsg_node *n, const char *id,
		       const char *name, const char *subnet_id)
{
	struct nsg_sink *s = &r->sink;
	struct nsg_node list = nsg_node_get(n, "routes"), subnets = nsg_node_get(n, "subnets");
	struct nsg_node peering = nsg_node_get(n, "disablePeeringRoute");
	size_t size = nsg_read_array(s, &list);
	const char *disabled = nsg_read_string(s, &peering);
	struct nsg_route_table table = {
	    .id = id,
	    .name = name,
	    .disable_bgp = nsg_read_bool(s, n, "disableBgpRoutePropagation") == NSG_TRUE,
	    .routes = nsg_sink_array(s, size, sizeof(*table.routes)),
	    .subnets = nsg_read_ids(s, &subnets),
	    .place = nsg_node_place(s, n),
	};

	nsg_note_subnet(s, &table.subnets, subnet_id);
	if (*disabled && strcasecmp(disabled, "None"))
		nsg_node_say(s, &peering, NSG_WARNING, NULL, "disablePeeringRoute is ignored");
	for (size_t i = 0; i < size && table.routes; i++) {
		struct nsg_node route = nsg_node_at(&list, i);
		const char *route_name;

		if (!nsg_read_object(s, &route))
			continue;
		route_name = nsg_read_member(s, &route, "name");
		if (!*route_name)
			route_name = nsg_id_name(nsg_read_member(s, &route, "id"));
		table.n_routes += read_route(s, &route, route_name, &table.routes[table.n_routes]);
	}
	nsg_sink_push(s, &r->route_tables, table);
}

void nsg_read_route_table(struct nsg_reader *r, const struct nsg_node *n)
{
	struct nsg_identity who = nsg_read_identity(&r->sink, n, TYPE_TABLE);

	read_table(r, n, who.id, who.name, "");
}

const char *nsg_read_inline_route_table(struct nsg_reader *r, const struct nsg_node *n,
					const char *subnet_id)
{
	struct nsg_identity who = nsg_read_identity(&r->sink, n, TYPE_TABLE);

	if ((!who.made && !nsg_node_has(n, "routes")) || nsg_names_nothing(n))
		return who.id;
	if (who.made)
		who.id = nsg_child_id(&r->sink, subnet_id, "routeTables",
				      *who.name ? who.name : "inline");
	read_table(r, n, who.id, who.name, who.made ? subnet_id : "");
	return who.id;
}

void nsg_read_loose_route(struct nsg_reader *r, const struct nsg_node *n)
{
	struct nsg_identity who = nsg_read_identity(&r->sink, n, TYPE_TABLE "/routes");
	struct nsg_loose_route loose = {.loose = nsg_read_loose(r, n, &who)};

	if (read_route(&r->sink, n, who.name, &loose.route))
		nsg_sink_push(&r->sink, &r->routes, loose);
}
