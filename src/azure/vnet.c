/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual networks, their subnets and peerings. */
#include <string.h>
#include <strings.h>

#include "azure/reader_priv.h"
#include "util/limits.h"

#define TYPE_VNET "Microsoft.Network/virtualNetworks"
#define TYPE_CLASSIC "Microsoft.ClassicNetwork/virtualNetworks"

static void read_service_endpoints(struct nsg_sink *s, const struct nsg_node *n,
				   struct nsg_subnet *subnet)
{
	struct nsg_node list = nsg_node_get(n, "serviceEndpoints");
	size_t size = nsg_read_array(s, &list);

	subnet->endpoints = nsg_sink_array(s, size, sizeof(*subnet->endpoints));
	for (size_t i = 0; i < size && subnet->endpoints; i++) {
		struct nsg_node e = nsg_node_at(&list, i),
				locations = nsg_node_get(&e, "locations");
		struct nsg_service_endpoint *to = &subnet->endpoints[subnet->n_endpoints];

		if (!nsg_read_object(s, &e))
			continue;
		to->service = nsg_read_member(s, &e, "service");
		if (!*to->service) {
			nsg_node_say(s, &e, NSG_ERROR, NULL, "a service endpoint has no service");
			continue;
		}
		to->locations = nsg_read_strings(s, &locations);
		to->place = nsg_node_place(s, &e);
		subnet->n_endpoints++;
	}
}

static struct nsg_strings read_delegations(struct nsg_sink *s, const struct nsg_node *n)
{
	struct nsg_node list = nsg_node_get(n, "delegations");
	size_t size = nsg_read_array(s, &list);
	struct nsg_strings to = {.v = nsg_sink_array(s, size, sizeof(*to.v))};

	for (size_t i = 0; i < size && to.v; i++) {
		struct nsg_node d = nsg_node_at(&list, i);
		const char *service =
		    nsg_read_object(s, &d) ? nsg_read_member(s, &d, "serviceName") : "";

		if (*service)
			to.v[to.n++] = service;
	}
	return to;
}

/* What stands in the subnet beside the integration, whose own entries name Microsoft.Web. */
static size_t count_ip_configurations(struct nsg_sink *s, const struct nsg_node *n)
{
	struct nsg_node list = nsg_node_get(n, "ipConfigurations");
	struct nsg_strings ids = nsg_read_ids(s, &list);
	size_t count = 0;

	for (size_t i = 0; i < ids.n; i++)
		count += !strcasestr(ids.v[i], "/providers/Microsoft.Web/");
	return count;
}

static void read_subnet(struct nsg_reader *r, const struct nsg_node *n, const char *id,
			const char *name, struct nsg_subnet *to)
{
	struct nsg_sink *s = &r->sink;
	struct nsg_node nsg = nsg_node_get(n, "networkSecurityGroup");
	struct nsg_node table = nsg_node_get(n, "routeTable");
	struct nsg_node private_endpoints = nsg_node_get(n, "privateEndpoints");

	*to = (struct nsg_subnet){
	    .id = id,
	    .name = name,
	    .prefixes = nsg_read_prefix_members(s, n, "addressPrefix", "addressPrefixes"),
	    .nsg_id = "",
	    .route_table_id = "",
	    .delegations = read_delegations(s, n),
	    .endpoint_policies = nsg_read_member(s, n, "privateEndpointNetworkPolicies"),
	    .n_ip_configurations = count_ip_configurations(s, n),
	    .n_private_endpoints = nsg_read_array(s, &private_endpoints),
	    .place = nsg_node_place(s, n),
	    .nsg_place = nsg_node_place(s, &nsg),
	    .route_table_place = nsg_node_place(s, &table),
	};
	read_service_endpoints(s, n, to);
	if (!*name)
		nsg_node_say(s, n, NSG_ERROR, NULL, "a subnet has no name");
	if (!to->prefixes.n && !to->prefixes.n_ip6)
		nsg_node_say(s, n, NSG_ERROR, NULL, "subnet '" NSG_QUOTE "' has no address prefix",
			     name);
	if (nsg_read_object(s, &nsg))
		to->nsg_id = nsg_read_inline_nsg(r, &nsg, id);
	if (nsg_read_object(s, &table))
		to->route_table_id = nsg_read_inline_route_table(r, &table, id);
}

static struct nsg_prefixes read_space(struct nsg_sink *s, const struct nsg_node *n, const char *key)
{
	struct nsg_node space = nsg_node_get(n, key);
	struct nsg_node list = nsg_node_get(&space, "addressPrefixes");

	(void)nsg_read_object(s, &space);
	return nsg_read_prefixes(s, &list);
}

static void read_peering(struct nsg_sink *s, const struct nsg_node *n, const char *name,
			 struct nsg_peering *to)
{
	*to = (struct nsg_peering){
	    .name = name,
	    .remote_id = nsg_read_ref(s, n, "remoteVirtualNetwork"),
	    .state = nsg_read_member(s, n, "peeringState"),
	    .allow_access = nsg_read_bool(s, n, "allowVirtualNetworkAccess"),
	    .remote_space = read_space(s, n, "remoteAddressSpace"),
	    .remote_vnet_space = read_space(s, n, "remoteVirtualNetworkAddressSpace"),
	    .place = nsg_node_place(s, n),
	};
	if (!*name)
		nsg_node_say(s, n, NSG_ERROR, NULL, "a peering has no name");
}

static const char *name_of(struct nsg_sink *s, const struct nsg_node *n)
{
	const char *name = nsg_id_name(nsg_read_member(s, n, "name"));

	return *name ? name : nsg_id_name(nsg_read_member(s, n, "id"));
}

static void read_subnets(struct nsg_reader *r, const struct nsg_node *n, struct nsg_vnet *vnet)
{
	struct nsg_sink *s = &r->sink;
	struct nsg_node list = nsg_node_get(n, "subnets");
	size_t size = nsg_read_array(s, &list);

	vnet->subnets = nsg_sink_array(s, size, sizeof(*vnet->subnets));
	for (size_t i = 0; i < size && vnet->subnets; i++) {
		struct nsg_node subnet = nsg_node_at(&list, i);
		const char *name, *id;

		if (!nsg_read_object(s, &subnet))
			continue;
		name = name_of(s, &subnet);
		id = nsg_read_member(s, &subnet, "id");
		if (!*id)
			id = nsg_child_id(s, vnet->id, "subnets", name);
		read_subnet(r, &subnet, id, name, &vnet->subnets[vnet->n_subnets++]);
	}
}

static void read_peerings(struct nsg_sink *s, const struct nsg_node *n, struct nsg_vnet *vnet)
{
	struct nsg_node list = nsg_node_get(n, "virtualNetworkPeerings");
	size_t size = nsg_read_array(s, &list);

	if (size > NSG_MAX_PEERINGS) {
		nsg_node_say(s, &list, NSG_ERROR, NULL, "%zu peerings; Azure allows %u", size,
			     NSG_MAX_PEERINGS);
		return;
	}
	vnet->peerings = nsg_sink_array(s, size, sizeof(*vnet->peerings));
	for (size_t i = 0; i < size && vnet->peerings; i++) {
		struct nsg_node peering = nsg_node_at(&list, i);

		if (nsg_read_object(s, &peering))
			read_peering(s, &peering, name_of(s, &peering),
				     &vnet->peerings[vnet->n_peerings++]);
	}
}

static void read_vnet(struct nsg_reader *r, const struct nsg_node *n, const char *type,
		      bool is_classic)
{
	struct nsg_sink *s = &r->sink;
	struct nsg_identity who = nsg_read_identity(s, n, type);
	struct nsg_node timeout = nsg_node_get(n, "flowTimeoutInMinutes");
	struct nsg_vnet vnet = {
	    .id = who.id,
	    .name = who.name,
	    .location = nsg_read_member(s, n, "location"),
	    .is_classic = is_classic,
	    .space = read_space(s, n, "addressSpace"),
	    .place = nsg_node_place(s, n),
	};
	uint64_t minutes;

	if (nsg_read_number(s, &timeout, UINT32_MAX, &minutes)) {
		/* NFL: 4 to 30 */
		if (minutes < 4 || minutes > 30)
			nsg_node_say(s, &timeout, NSG_ERROR, NULL,
				     "flowTimeoutInMinutes must be from 4 to 30");
		else
			vnet.flow_timeout_minutes = (uint32_t)minutes;
	}
	if (!vnet.space.n && !vnet.space.n_ip6 && !is_classic)
		nsg_node_say(s, n, NSG_ERROR, NULL,
			     "virtual network '" NSG_QUOTE "' has no address space", who.name);
	read_subnets(r, n, &vnet);
	read_peerings(s, n, &vnet);
	nsg_sink_push(s, &r->vnets, vnet);
}

void nsg_read_vnet(struct nsg_reader *r, const struct nsg_node *n)
{
	read_vnet(r, n, TYPE_VNET, false);
}

void nsg_read_classic_vnet(struct nsg_reader *r, const struct nsg_node *n)
{
	read_vnet(r, n, TYPE_CLASSIC, true);
}

void nsg_read_loose_subnet(struct nsg_reader *r, const struct nsg_node *n)
{
	struct nsg_identity who = nsg_read_identity(&r->sink, n, TYPE_VNET "/subnets");
	struct nsg_loose_subnet loose = {.loose = nsg_read_loose(r, n, &who)};

	read_subnet(r, n, who.id, who.name, &loose.subnet);
	nsg_sink_push(&r->sink, &r->subnets, loose);
}

void nsg_read_loose_peering(struct nsg_reader *r, const struct nsg_node *n)
{
	struct nsg_identity who =
	    nsg_read_identity(&r->sink, n, TYPE_VNET "/virtualNetworkPeerings");
	struct nsg_loose_peering loose = {.loose = nsg_read_loose(r, n, &who)};

	read_peering(&r->sink, n, who.name, &loose.peering);
	nsg_sink_push(&r->sink, &r->peerings, loose);
}
