/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual networks, their subnets and peerings. */
#include <string.h>
#include <strings.h>

#include "azure/reader_priv.h"
#include "util/limits.h"

/* ---- subnets -------------------------------------------------------------------------------- */

static bool check_service_endpoint(struct nsg_reader *r, const struct nsg_node *n, void *to)
{
	const struct nsg_service_endpoint *endpoint = to;

	if (!*endpoint->service)
		nsg_node_report(&r->sink, n, NSG_ERROR, NULL, "a service endpoint has no service");
	return *endpoint->service;
}

static const struct nsg_field endpoint_lines[] = {
    {"service", FIELD_TEXT, AT(nsg_service_endpoint, service)},
    {"locations", FIELD_TEXTS, AT(nsg_service_endpoint, locations)},
    {NULL, FIELD_PLACE, AT(nsg_service_endpoint, place)},
};

static const struct nsg_fields endpoint_fields = {
    FIELDS(endpoint_lines, nsg_service_endpoint),
    .name = offsetof(struct nsg_service_endpoint, service),
    .check = check_service_endpoint,
};

/* Without the integration's own entries, which name Microsoft.Web. */
static bool count_ip_configurations(struct nsg_reader *r, const struct nsg_field *f,
				    const struct nsg_node *n, void *to)
{
	struct nsg_node list = nsg_node_get(n, f->key);
	struct nsg_strings ids = nsg_read_ids(&r->sink, &list);
	struct nsg_subnet *subnet = to;

	for (size_t i = 0; i < ids.n; i++)
		subnet->n_ip_configurations += !strcasestr(ids.v[i], "/providers/Microsoft.Web/");
	return true;
}

/* A reference, or the whole resource. */
static bool read_inline(struct nsg_reader *r, const struct nsg_field *f, const struct nsg_node *n,
			void *to)
{
	struct nsg_node object = nsg_node_get(n, f->key);
	const struct nsg_subnet *subnet = to;
	const char **id = nsg_field_at(f, to);

	*id = "";
	if (nsg_read_object(&r->sink, &object))
		*id = nsg_collect_inline(r, &object, f->inline_kind, subnet->id);
	return true;
}

/* The integration's own entries: {"linkedResourceType": "Microsoft.Web/serverFarms", "link": id},
 * by plan. */
static bool read_plan_links(struct nsg_reader *r, const struct nsg_field *f,
			    const struct nsg_node *n, void *to)
{
	struct nsg_node list = nsg_node_get(n, f->key);
	size_t size = nsg_read_array(&r->sink, &list);
	struct nsg_strings *links = nsg_field_at(f, to);

	links->v = nsg_sink_array(&r->sink, size, sizeof(*links->v));
	for (size_t i = 0; i < size && links->v; i++) {
		struct nsg_node link = nsg_node_at(&list, i);

		if (nsg_read_object(&r->sink, &link) &&
		    !strcasecmp(nsg_read_member(&r->sink, &link, "linkedResourceType"),
				"Microsoft.Web/serverFarms"))
			links->v[links->n++] = nsg_read_member(&r->sink, &link, "link");
	}
	return true;
}

static bool check_subnet(struct nsg_reader *r, const struct nsg_node *n, void *to)
{
	const struct nsg_subnet *subnet = to;

	if (!subnet->prefixes.n && !subnet->prefixes.n_ip6)
		nsg_node_report(&r->sink, n, NSG_ERROR, NULL,
				"subnet '" NSG_QUOTE "' has no address prefix", subnet->name);
	return true;
}

static const struct nsg_field subnet_lines[] = {
    {NULL, FIELD_OWN_NAME, AT(nsg_subnet, name)},
    {NULL, FIELD_OWN_ID, AT(nsg_subnet, id)},
    {NULL, FIELD_PLACE, AT(nsg_subnet, place)},
    {"addressPrefix", FIELD_PREFIXES, AT(nsg_subnet, prefixes), .other = "addressPrefixes"},
    {"delegations", FIELD_TEXTS, AT(nsg_subnet, delegations), .each = "serviceName"},
    {"serviceAssociationLinks", FIELD_TEXTS, AT(nsg_subnet, plan_links), .read = read_plan_links},
    {"serviceEndpointPolicies", FIELD_COUNT, AT(nsg_subnet, n_endpoint_policies)},
    {"privateEndpointNetworkPolicies", FIELD_TEXT, AT(nsg_subnet, endpoint_policies)},
    {"ipConfigurations", FIELD_BYTES, AT(nsg_subnet, n_ip_configurations),
     .read = count_ip_configurations},
    {"privateEndpoints", FIELD_COUNT, AT(nsg_subnet, n_private_endpoints)},
    {"serviceEndpoints", FIELD_ARRAY, LIST(nsg_subnet, endpoints), .of = &endpoint_fields},
    {"networkSecurityGroup", FIELD_ID, AT(nsg_subnet, nsg_id), .inline_kind = &nsg_kind_nsg,
     .read = read_inline},
    {"networkSecurityGroup", FIELD_PLACE, AT(nsg_subnet, nsg_place)},
    {"routeTable", FIELD_ID, AT(nsg_subnet, route_table_id), .inline_kind = &nsg_kind_route_table,
     .read = read_inline},
    {"routeTable", FIELD_PLACE, AT(nsg_subnet, route_table_place)},
};

static const struct nsg_fields subnet_fields = {
    .word = "subnet",
    FIELDS(subnet_lines, nsg_subnet),
    .name = offsetof(struct nsg_subnet, name),
    .needs_name = true,
    .check = check_subnet,
};

static bool looks_like_subnet(const struct nsg_node *n)
{
	return NSG_COUNT_KEYS(n, "addressPrefix", "addressPrefixes") &&
	       NSG_COUNT_KEYS(n, "delegations", "serviceEndpoints", "networkSecurityGroup",
			      "routeTable", "privateEndpointNetworkPolicies");
}

const struct nsg_kind nsg_kind_subnet = {
    .looks = looks_like_subnet,
    .fields = &subnet_fields,
    .parent = &nsg_kind_vnet,
    IN_PARENT(nsg_vnet, subnets),
    .max = NSG_MAX_SUBNETS,
};

/* ---- peerings ------------------------------------------------------------------------------- */

static const struct nsg_field peering_lines[] = {
    {NULL, FIELD_OWN_NAME, AT(nsg_peering, name)},
    {NULL, FIELD_PLACE, AT(nsg_peering, place)},
    {"remoteVirtualNetwork", FIELD_REF, AT(nsg_peering, remote_id)},
    {"peeringState", FIELD_TEXT, AT(nsg_peering, state)},
    {"allowVirtualNetworkAccess", FIELD_TRISTATE, AT(nsg_peering, allow_access)},
    {"useRemoteGateways", FIELD_TRISTATE, AT(nsg_peering, use_remote_gateways)},
    {"peerCompleteVnets", FIELD_TRISTATE, AT(nsg_peering, complete)},
    {"enableOnlyIPv6Peering", FIELD_TRISTATE, AT(nsg_peering, only_ip6)},
    {"localSubnetNames", FIELD_TEXTS, AT(nsg_peering, local_subnets)},
    {"remoteSubnetNames", FIELD_TEXTS, AT(nsg_peering, remote_subnets)},
    {"addressPrefixes", FIELD_PREFIXES, AT(nsg_peering, remote_space), .in = "remoteAddressSpace"},
    {"addressPrefixes", FIELD_PREFIXES, AT(nsg_peering, remote_vnet_space),
     .in = "remoteVirtualNetworkAddressSpace"},
};

static const struct nsg_fields peering_fields = {
    .word = "peering",
    FIELDS(peering_lines, nsg_peering),
    .name = offsetof(struct nsg_peering, name),
    .max = NSG_MAX_PEERINGS,
    .needs_name = true,
};

static bool looks_like_peering(const struct nsg_node *n)
{
	return nsg_node_has(n, "remoteVirtualNetwork");
}

const struct nsg_kind nsg_kind_peering = {
    .looks = looks_like_peering,
    .fields = &peering_fields,
    .parent = &nsg_kind_vnet,
    IN_PARENT(nsg_vnet, peerings),
    .max = NSG_MAX_PEERINGS,
};

/* ---- virtual networks ----------------------------------------------------------------------- */

/* NFL: 4 to 30 */
static bool read_flow_timeout(struct nsg_reader *r, const struct nsg_field *f,
			      const struct nsg_node *n, void *to)
{
	struct nsg_node timeout = nsg_node_get(n, f->key);
	struct nsg_vnet *vnet = to;
	uint64_t minutes;

	if (!nsg_read_number(&r->sink, &timeout, UINT32_MAX, &minutes))
		return true;
	if (minutes < 4 || minutes > 30)
		nsg_node_report(&r->sink, &timeout, NSG_ERROR, NULL,
				"flowTimeoutInMinutes must be from 4 to 30");
	else
		vnet->flow_timeout_minutes = (uint32_t)minutes;
	return true;
}

static bool check_vnet(struct nsg_reader *r, const struct nsg_node *n, void *to)
{
	const struct nsg_vnet *vnet = to;

	if (!vnet->space.n && !vnet->space.n_ip6)
		nsg_node_report(&r->sink, n, NSG_ERROR, NULL,
				"virtual network '" NSG_QUOTE "' has no address space", vnet->name);
	return true;
}

static bool set_classic(struct nsg_reader *r, const struct nsg_node *n, void *to)
{
	struct nsg_vnet *vnet = to;

	(void)r;
	(void)n;
	vnet->is_classic = true;
	return true;
}

static const struct nsg_field vnet_lines[] = {
    {NULL, FIELD_OWN_NAME, AT(nsg_vnet, name)},
    {NULL, FIELD_OWN_ID, AT(nsg_vnet, id)},
    {NULL, FIELD_PLACE, AT(nsg_vnet, place)},
    {"location", FIELD_LOCATION, AT(nsg_vnet, location)},
    {NULL, FIELD_BYTES, AT(nsg_vnet, is_classic)},
    {"addressPrefixes", FIELD_PREFIXES, AT(nsg_vnet, space), .in = "addressSpace"},
    {"flowTimeoutInMinutes", FIELD_BYTES, AT(nsg_vnet, flow_timeout_minutes),
     .read = read_flow_timeout},
    {"subnets", FIELD_ARRAY, LIST(nsg_vnet, subnets), .of = &subnet_fields},
    {"virtualNetworkPeerings", FIELD_ARRAY, LIST(nsg_vnet, peerings), .of = &peering_fields},
};

static const struct nsg_fields vnet_fields = {
    .word = "virtual network",
    FIELDS(vnet_lines, nsg_vnet),
    .check = check_vnet,
};

static const struct nsg_fields classic_fields = {
    .word = "virtual network",
    FIELDS(vnet_lines, nsg_vnet),
    .check = set_classic,
};

static bool looks_like_vnet(const struct nsg_node *n)
{
	return nsg_node_has(n, "addressSpace");
}

const struct nsg_kind nsg_kind_vnet = {
    .looks = looks_like_vnet,
    .fields = &vnet_fields,
    .content = {"addressSpace", "subnets"},
    .show = "az network vnet show",
    IN_POLICY(vnets),
};

const struct nsg_kind nsg_kind_classic_vnet = {
    .fields = &classic_fields,
    IN_POLICY(vnets),
};
