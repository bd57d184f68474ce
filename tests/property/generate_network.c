/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual network and its peers. */
#include "generate_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *subnet(struct rng *r, const char *vnet, const char *name, json_t *properties)
{
	char path[100];

	(void)snprintf(path, sizeof(path), "%s/subnets/%s", vnet, name);
	return generate_shape(r,
			      json_pack("{s:s,s:o}", "name", name, "id",
					generate_id(NETWORK "virtualNetworks/", path)),
			      properties);
}

static const char *policies(struct rng *r)
{
	static const char *const words[] = {"Enabled", "Disabled", "RouteTableEnabled",
					    "NetworkSecurityGroupEnabled"};

	return PICK(r, words);
}

const struct generate_peer generate_peers[GENERATE_PEERS] = {
    {"vnet-peer-a", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.5", "10.1.5.0/24"},
    {"vnet-peer-b", "172.20.0.0/16", "172.20.2.0/24", "172.20.2.5", "172.20.4.0/24"},
    {"vnet-peer-c", "203.0.113.0/24", "203.0.113.0/27", "203.0.113.5", "203.0.113.128/25"},
    {"vnet-peer-d", "192.168.0.0/16", "192.168.2.0/24", "192.168.2.5", "192.168.4.0/24"},
    {"vnet-peer-e", "20.60.0.0/16", "20.60.2.0/24", "20.60.2.5", "20.60.1.0/24"},
    /* overlaps the network itself: a subnet peering */
    {"vnet-peer-f", "10.0.0.0/16", "10.0.128.0/24", "10.0.128.5", "10.0.129.0/24"},
};

#define OVERLAPPING 5

/* Each list absent, with and without the subnet in question. */
static void put_subnet_peering(struct rng *r, json_t *p, bool must)
{
	static const char *const remote[] = {"snet-pe", "SNET-PE", "snet-two", "snet-missing"};

	if (rng_percent(r, 60))
		json_object_set_new(p, "localSubnetNames",
				    rng_percent(r, 70) ? json_pack("[ss]", "snet-vm", "Snet-Int")
						       : json_pack("[s]", "snet-vm"));
	if (rng_percent(r, 60))
		json_object_set_new(p, "remoteSubnetNames",
				    json_pack("[ss]", PICK(r, remote), PICK(r, remote)));
	json_object_set_new(p, "peerCompleteVnets", json_boolean(!must && rng_percent(r, 30)));
	json_object_set_new(p, "enableOnlyIPv6Peering", json_boolean(rng_percent(r, 15)));
}

static json_t *peering(struct rng *r, size_t i)
{
	json_t *p = json_pack("{s:{s:o},s:b,s:b}", "remoteVirtualNetwork", "id",
			      generate_id(NETWORK "virtualNetworks/", generate_peers[i].name),
			      "allowVirtualNetworkAccess", rng_percent(r, 85), "useRemoteGateways",
			      rng_percent(r, 20));

	if (i == OVERLAPPING || rng_percent(r, 35))
		put_subnet_peering(r, p, i == OVERLAPPING);
	if (rng_percent(r, 90))
		json_object_set_new(p, "peeringState",
				    json_string(rng_percent(r, 85) ? "Connected" : "Disconnected"));
	if (rng_percent(r, 75))
		json_object_set_new(
		    p, "remoteAddressSpace",
		    json_pack("{s:[s]}", "addressPrefixes", generate_peers[i].range));
	/* Where both are there, the first is used. */
	if (rng_percent(r, 30))
		json_object_set_new(p, "remoteVirtualNetworkAddressSpace",
				    json_pack("{s:[s]}", "addressPrefixes",
					      rng_percent(r, 80)
						  ? generate_peers[i].range
						  : generate_peers[i].endpoint_subnet));
	return generate_shape(r, json_pack("{s:s}", "name", generate_peers[i].name), p);
}

/* A peering of a peer's own: what a gateway there lists with origin Network. */
static json_t *second_hop(struct rng *r, const char *name, const char *range)
{
	return generate_shape(r, json_pack("{s:s}", "name", name),
			      json_pack("{s:{s:o},s:s,s:{s:[s]}}", "remoteVirtualNetwork", "id",
					generate_id(NETWORK "virtualNetworks/", name),
					"peeringState",
					rng_percent(r, 80) ? "Connected" : "Disconnected",
					"remoteAddressSpace", "addressPrefixes", range));
}

static json_t *subnets_of_peer(struct rng *r, size_t i)
{
	const struct generate_peer *p = &generate_peers[i];
	json_t *list = json_pack(
	    "[oo]",
	    subnet(r, p->name, "snet-pe",
		   json_pack("{s:s,s:s}", "addressPrefix", p->endpoint_subnet,
			     "privateEndpointNetworkPolicies", policies(r))),
	    subnet(r, p->name, "snet-two", json_pack("{s:s}", "addressPrefix", p->second_subnet)));

	if (!i && rng_percent(r, 40))
		json_array_append_new(list,
				      subnet(r, p->name, "RouteServerSubnet",
					     json_pack("{s:s}", "addressPrefix", "10.1.254.0/27")));
	return list;
}

json_t *generate_peer(struct rng *r, size_t i)
{
	static const char *const locations[] = {"westeurope", "West Europe", "northeurope"};

	return generate_shape(
	    r,
	    json_pack("{s:s,s:o,s:s,s:s}", "name", generate_peers[i].name, "id",
		      generate_id(NETWORK "virtualNetworks/", generate_peers[i].name), "type",
		      "Microsoft.Network/virtualNetworks", "location", PICK(r, locations)),
	    json_pack("{s:{s:[s]},s:o,s:[oo]}", "addressSpace", "addressPrefixes",
		      generate_peers[i].range, "subnets", subnets_of_peer(r, i),
		      "virtualNetworkPeerings", second_hop(r, "vnet-app", "10.0.0.0/16"),
		      second_hop(r, "vnet-spoke", "10.2.0.0/16")));
}

static json_t *service_endpoints(struct rng *r)
{
	json_t *list = json_array();

	if (rng_percent(r, 60))
		json_array_append_new(list, json_pack("{s:s}", "service", "Microsoft.Storage"));
	else if (rng_percent(r, 50))
		json_array_append_new(
		    list, json_pack("{s:s,s:[s]}", "service", "Microsoft.Storage", "locations",
				    rng_percent(r, 60) ? "West Europe" : "uknorth"));
	if (rng_percent(r, 40))
		json_array_append_new(list,
				      json_pack("{s:s,s:[s]}", "service", "Microsoft.Sql",
						"locations", rng_percent(r, 50) ? "*" : "eastus"));
	if (rng_percent(r, 20))
		json_array_append_new(list, json_pack("{s:s,s:[ss]}", "service",
						      "Microsoft.AzureCosmosDB", "locations",
						      "westeurope", "northeurope"));
	return list;
}

json_t *generate_vnet(struct rng *r, const struct generate_parts *has)
{
	static const char *const more[] = {"192.168.0.0/16",  "172.16.0.0/12",	"100.64.0.0/10",
					   "198.51.100.0/24", "192.168.1.0/24", "100.64.0.0/9"};
	json_t *space = json_array(), *peerings = json_array(), *integration, *subnets;

	json_array_append_new(
	    space, json_string(has->peer[0] || rng_percent(r, 85) ? "10.0.0.0/16" : "10.0.0.0/8"));
	if (rng_percent(r, 40)) {
		const char *extra = PICK(r, more);

		if (!(has->peer[1] && !strncmp(extra, "172.", 4)) &&
		    !(has->peer[3] && !strncmp(extra, "192.", 4)))
			json_array_append_new(space, json_string(extra));
	}
	for (size_t i = 0; i < NSG_ARRAY_SIZE(generate_peers); i++)
		if (has->peer[i])
			json_array_append_new(peerings, peering(r, i));
	integration =
	    json_pack("{s:s,s:[{s:s,s:{s:s}}]}", "addressPrefix", "10.0.1.0/26", "delegations",
		      "name", "d", "properties", "serviceName",
		      has->flex ? "Microsoft.App/environments" : "Microsoft.Web/serverFarms");
	if (has->nsg)
		json_object_set_new(
		    integration, "networkSecurityGroup",
		    generate_reference(generate_id(NETWORK "networkSecurityGroups/", "nsg-int")));
	if (has->table)
		json_object_set_new(
		    integration, "routeTable",
		    generate_reference(generate_id(NETWORK "routeTables/", "rt-int")));
	if (has->tags && rng_percent(r, 60))
		json_object_set_new(integration, "serviceEndpoints", service_endpoints(r));
	subnets = json_pack(
	    "[ooo]", subnet(r, "vnet-app", GENERATED_SUBNET, integration),
	    subnet(r, "vnet-app", "snet-pe",
		   json_pack("{s:s,s:s}", "addressPrefix", "10.0.2.0/24",
			     "privateEndpointNetworkPolicies", policies(r))),
	    subnet(r, "vnet-app", "snet-vm", json_pack("{s:s}", "addressPrefix", "10.0.3.0/24")));
	if (rng_percent(r, 40))
		json_array_append_new(subnets,
				      subnet(r, "vnet-app", "GatewaySubnet",
					     json_pack("{s:s}", "addressPrefix", "10.0.255.0/27")));
	if (rng_percent(r, 20))
		json_array_append_new(subnets,
				      subnet(r, "vnet-app", "RouteServerSubnet",
					     json_pack("{s:s}", "addressPrefix", "10.0.254.0/27")));
	return generate_shape(
	    r,
	    json_pack("{s:s,s:o,s:s,s:s}", "name", "vnet-app", "id",
		      generate_id(NETWORK "virtualNetworks/", "vnet-app"), "type",
		      "Microsoft.Network/virtualNetworks", "location", "westeurope"),
	    json_pack("{s:{s:o},s:o,s:o}", "addressSpace", "addressPrefixes", space, "subnets",
		      subnets, "virtualNetworkPeerings", peerings));
}

/* Effective routes to the networks of a mesh. */
json_t *generate_mesh(struct rng *r)
{
	static const char *const ranges[] = {"10.3.0.0/16",    "172.24.0.0/16", "198.51.100.0/24",
					     "192.168.0.0/16", "10.2.0.0/16",	"10.0.0.0/15"};
	uint32_t n = 1 + rng_below(r, 3);
	json_t *rows = json_array();

	while (n--)
		json_array_append_new(
		    rows, json_pack("{s:n,s:s,s:s,s:[s],s:[],s:s}", "name", "source", "Default",
				    "state", "Active", "addressPrefix", PICK(r, ranges),
				    "nextHopIpAddress", "nextHopType", "ConnectedGroup"));
	return json_pack("{s:o}", "value", rows);
}
