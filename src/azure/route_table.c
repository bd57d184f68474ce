/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Route tables and their routes. */
#include <string.h>
#include <strings.h>

#include "azure/reader_priv.h"
#include "util/cleanup.h"
#include "util/limits.h"
#include "util/macro.h"

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
static bool read_destination(struct nsg_reader *r, const struct nsg_field *f,
			     const struct nsg_node *n, void *to)
{
	struct nsg_sink *s = &r->sink;
	struct nsg_route *route = to;
	struct nsg_node prefix = nsg_node_get(n, f->key);
	const char *text = nsg_read_string(s, &prefix);

	if (!prefix.value)
		nsg_node_report(s, n, NSG_ERROR, NULL, "route '" NSG_QUOTE "' has no addressPrefix",
				route->name);
	if (!*text)
		return false;
	if (!nsg_is_tag_name(text))
		return nsg_read_prefix(s, &prefix, &route->prefix, &route->is_ip6);
	route->tag = text;
	if (is_routable_tag(text))
		return true;
	nsg_node_report(s, &prefix, NSG_ERROR, NULL,
			"route '" NSG_QUOTE "': a route cannot name the tag " NSG_QUOTE,
			route->name, text);
	return false;
}

/* The types a user may write (REST routeTable.json). False when there is an error. */
static bool read_hop_type(struct nsg_sink *s, const struct nsg_field *f, const struct nsg_node *n,
			  struct nsg_route *route)
{
	struct nsg_node type = nsg_node_get(n, f->key);
	const char *text = nsg_read_string(s, &type);

	if (!type.value)
		nsg_node_report(s, n, NSG_ERROR, NULL, "route '" NSG_QUOTE "' has no nextHopType",
				route->name);
	if (!*text)
		return false;
	route->ecmp = !strcasecmp(text, "VirtualApplianceEcmp");
	if (!nsg_hop_type_parse(text, &route->hop_type) &&
	    (route->hop_type == NSG_HOP_GATEWAY || route->hop_type == NSG_HOP_VNET_LOCAL ||
	     route->hop_type == NSG_HOP_INTERNET || route->hop_type == NSG_HOP_APPLIANCE ||
	     route->hop_type == NSG_HOP_NONE))
		return true;
	nsg_node_report(s, &type, NSG_ERROR, NULL,
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
			nsg_node_report(s, &hop, NSG_ERROR, NULL,
					"route '" NSG_QUOTE
					"': nextHopIpAddress belongs to the next "
					"hop type VirtualAppliance",
					route->name);
		return;
	}
	if (!hop.value)
		nsg_node_report(s, n, NSG_ERROR, "MissingNextHopIpAddress",
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
		nsg_node_report(s, &hop, NSG_ERROR, NULL,
				"route '" NSG_QUOTE "': its next hop '" NSG_QUOTE
				"' is not a valid address",
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
		nsg_node_report(s, n, NSG_ERROR, "MissingNextHopIpAddress",
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

static bool read_next_hop(struct nsg_reader *r, const struct nsg_field *f, const struct nsg_node *n,
			  void *to)
{
	struct nsg_route *route = to;

	if (!read_hop_type(&r->sink, f, n, route))
		return false;
	if (route->ecmp)
		read_ecmp_hops(&r->sink, n, route);
	read_one_hop(&r->sink, n, route);
	return true;
}

static bool read_override(struct nsg_reader *r, const struct nsg_field *f, const struct nsg_node *n,
			  void *to)
{
	struct nsg_node override = nsg_node_get(n, f->key);
	const struct nsg_route *route = to;

	if (nsg_read_bool(&r->sink, n, f->key) == NSG_TRUE)
		nsg_node_report(&r->sink, &override, NSG_WARNING, NULL,
				"route '" NSG_QUOTE "': hasBgpOverride is ignored", route->name);
	return true;
}

static const struct nsg_field route_lines[] = {
    {NULL, FIELD_OWN_NAME, AT(nsg_route, name)},
    {NULL, FIELD_TEXT, AT(nsg_route, name)}, /* not paired by name: compared */
    {NULL, FIELD_PLACE, AT(nsg_route, place)},
    {"addressPrefix", FIELD_PREFIX, AT(nsg_route, prefix), .read = read_destination},
    {NULL, FIELD_TEXT, AT(nsg_route, tag)},
    {NULL, FIELD_BYTES, AT(nsg_route, is_ip6)},
    {"addressPrefix", FIELD_PLACE, AT(nsg_route, prefix_place)},
    {"nextHopType", FIELD_BYTES, AT(nsg_route, hop_type), .read = read_next_hop},
    {NULL, FIELD_BYTES, AT(nsg_route, ecmp)},
    {NULL, FIELD_NUMBERS, NUMBERS(nsg_route, hops_host, n_hops)},
    {"hasBgpOverride", FIELD_OTHER, .read = read_override},
};

/* The earlier of two routes wins a tie, so their order has a meaning. */
static const struct nsg_fields route_fields = {
    .word = "route",
    FIELDS(route_lines, nsg_route),
    .name = offsetof(struct nsg_route, name),
    .in_order = true,
    .needs_name = true,
};

static bool looks_like_route(const struct nsg_node *n)
{
	return NSG_COUNT_KEYS(n, "nextHopType", "addressPrefix") == 2;
}

const struct nsg_kind nsg_kind_route = {
    .looks = looks_like_route,
    .fields = &route_fields,
    .parent = &nsg_kind_route_table,
    IN_PARENT(nsg_route_table, routes),
    .max = NSG_MAX_UDRS,
    .may_stand_alone = true,
};

/* ---- route tables --------------------------------------------------------------------------- */

/* Route table API 2025-07-01: None or All. */
static bool read_disable_peering(struct nsg_reader *r, const struct nsg_field *f,
				 const struct nsg_node *n, void *to)
{
	struct nsg_node peering = nsg_node_get(n, f->key);
	const char *disabled = nsg_read_string(&r->sink, &peering);
	struct nsg_route_table *table = to;

	table->disable_peering = !strcasecmp(disabled, "All");
	if (*disabled && strcasecmp(disabled, "None") && !table->disable_peering)
		nsg_node_report(&r->sink, &peering, NSG_WARNING, NULL,
				"disablePeeringRoute '" NSG_QUOTE "' is ignored; the known values "
				"are None and All",
				disabled);
	return true;
}

static const struct nsg_field table_lines[] = {
    {NULL, FIELD_OWN_NAME, AT(nsg_route_table, name)},
    {NULL, FIELD_OWN_ID, AT(nsg_route_table, id)},
    {NULL, FIELD_PLACE, AT(nsg_route_table, place)},
    {"disableBgpRoutePropagation", FIELD_FLAG, AT(nsg_route_table, disable_bgp)},
    {"disablePeeringRoute", FIELD_FLAG, AT(nsg_route_table, disable_peering),
     .read = read_disable_peering},
    {"subnets", FIELD_USED_BY, AT(nsg_route_table, subnets)},
    {"routes", FIELD_ARRAY, LIST(nsg_route_table, routes), .of = &route_fields},
};

static const struct nsg_fields table_fields = {
    .word = "route table",
    FIELDS(table_lines, nsg_route_table),
};

static bool looks_like_table(const struct nsg_node *n)
{
	json_t *inner = nsg_member(n->value, "properties");

	return nsg_member(n->value, "routes") || nsg_member(inner, "routes") ||
	       nsg_node_has(n, "disableBgpRoutePropagation");
}

const struct nsg_kind nsg_kind_route_table = {
    .looks = looks_like_table,
    .fields = &table_fields,
    IN_POLICY(route_tables),
    .content = {"routes", "disableBgpRoutePropagation"},
    .show = "az network route-table show",
};
