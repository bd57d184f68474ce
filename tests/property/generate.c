/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "generate.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "util/cleanup.h"
#include "util/macro.h"
#include "util/vec.h"

#define SUBSCRIPTION "/subscriptions/0a1b2c3d-0000-4000-8000-00000000000a"
#define NETWORK SUBSCRIPTION "/resourceGroups/rg-net/providers/Microsoft.Network/"
#define WEB SUBSCRIPTION "/resourceGroups/rg-app/providers/Microsoft.Web/"

uint32_t rng_next(struct rng *r)
{
	/* splitmix64 */
	uint64_t z = r->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (uint32_t)((z ^ z >> 31) >> 32);
}

uint32_t rng_below(struct rng *r, uint32_t n)
{
	return (uint32_t)((uint64_t)rng_next(r) * n >> 32);
}

int rng_percent(struct rng *r, uint32_t percent)
{
	return rng_below(r, 100) < percent;
}

#define PICK(r, array) ((array)[rng_below(r, NSG_ARRAY_SIZE(array))])

/* Nested and neighbouring prefixes around every boundary that semantics.md names. */
static const char *const pool[] = {
    "0.0.0.0/0",	  "10.0.0.0/8",	      "10.0.0.0/16",	  "10.0.0.0/15",
    "10.0.1.0/24",	  "10.0.1.0/26",      "10.0.2.0/24",	  "10.0.2.5/32",
    "10.0.2.0/29",	  "10.0.2.6",	      "10.0.3.0/24",	  "10.1.0.0/16",
    "10.1.5.0/24",	  "10.1.2.5/32",      "10.2.0.0/16",	  "10.20.0.0/16",
    "10.20.4.0/22",	  "10.128.0.0/9",     "172.16.0.0/12",	  "172.16.5.0/24",
    "172.31.0.0/16",	  "172.20.0.0/16",    "192.168.0.0/16",	  "192.168.1.0/24",
    "192.168.255.255/32", "100.64.0.0/10",    "100.64.1.0/24",	  "100.127.255.0/24",
    "203.0.113.0/24",	  "203.0.113.128/25", "198.51.100.0/24",  "198.51.100.7/32",
    "20.60.0.0/16",	  "20.60.1.0/24",     "20.60.1.128/25",	  "20.61.0.0/16",
    "20.0.0.0/8",	  "40.112.0.0/13",    "8.8.8.8/32",	  "128.0.0.0/1",
    "0.0.0.0/1",	  "224.0.0.0/4",      "168.63.129.16/32", "169.254.0.0/16",
    "169.254.169.254/32", "127.0.0.0/8",      "64.0.0.0/2",	  "255.255.255.255/32",
    "172.0.0.0/8",	  "192.0.0.0/8",
};

/* Read and left out of everything. */
static const char *const pool6[] = {"::/0", "2001:db8::/32", "2603:1030:20e::/48"};

static const char *const tags[] = {
    "Storage",		"Storage.WestEurope", "Storage.NorthEurope",   "Sql",
    "Sql.WestEurope",	"AzureCloud",	      "AzureCloud.westeurope", "AzureCosmosDB",
    "Storage.Northwind"};
static const char *const tag_regions[] = {
    "", "westeurope", "northeurope", "", "westeurope", "", "westeurope", "", "uknorth"};

/* Most of Azure's shapes are tested elsewhere; here each object is nested or flat by chance. */
static json_t *shape(struct rng *r, json_t *head, json_t *properties)
{
	if (rng_percent(r, 50)) {
		json_object_set_new(head, "properties", properties);
	} else {
		json_object_update(head, properties);
		json_decref(properties);
	}
	return head;
}

static json_t *id_of(const char *format, const char *name)
{
	char text[300];

	(void)snprintf(text, sizeof(text), "%s%s", format, name);
	return json_string(text);
}

static json_t *reference(json_t *id)
{
	return json_pack("{s:o}", "id", id);
}

static void save(const char *directory, const char *name, json_t *value)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (json_dump_file(value, path, JSON_INDENT(1)))
		abort();
	json_decref(value);
}

/* ---- rules ---------------------------------------------------------------------------------- */

static bool overlaps(const char *a, const char *b)
{
	struct nsg_prefix x, y;
	bool masked;

	(void)nsg_prefix_parse(a, &x, &masked);
	(void)nsg_prefix_parse(b, &y, &masked);
	return nsg_prefix_covers(x, y) || nsg_prefix_covers(y, x);
}

/* Prefixes that do not overlap: Azure refuses others in one list. */
static json_t *prefix_list(struct rng *r, size_t n)
{
	json_t *list = json_array(), *other;
	size_t i;

	while (n--) {
		const char *p = PICK(r, pool);
		bool clash = !strcmp(p, "0.0.0.0/0");

		json_array_foreach(list, i, other) clash |= overlaps(p, json_string_value(other));
		if (!clash)
			json_array_append_new(list, json_string(p));
	}
	if (!json_array_size(list))
		json_array_append_new(list, json_string("10.0.2.5/32"));
	if (rng_percent(r, 15))
		json_array_insert_new(list, 0, json_string(PICK(r, pool6)));
	return list;
}

static void put_address(struct rng *r, json_t *rule, const char *side, bool is_source,
			bool has_tags)
{
	static const char *const computed[] = {"VirtualNetwork", "Internet", "AzureLoadBalancer",
					       "VIRTUAL_NETWORK", "virtualnetwork"};
	static const char *const platform[] = {"AzurePlatformDNS", "AzurePlatformIMDS",
					       "AzurePlatformLKM"};
	char key[60];
	json_t *value;
	uint32_t kind = rng_below(r, 100);

	(void)snprintf(key, sizeof(key), "%sAddressPrefix", side);
	if (kind < (is_source ? 60u : 12u)) {
		static const char *const any[] = {"*", "Any", "0.0.0.0/0"};

		value = json_string(PICK(r, any));
	} else if (kind < (is_source ? 70u : 30u)) {
		value = json_string(rng_percent(r, 5) ? PICK(r, pool6) : PICK(r, pool));
	} else if (kind < (is_source ? 80u : 50u)) {
		(void)snprintf(key, sizeof(key), "%sAddressPrefixes", side);
		value = prefix_list(r, 1 + rng_below(r, 5));
	} else if (kind < (is_source ? 90u : 70u)) {
		value = json_string(PICK(r, computed));
	} else if (kind < 88 && has_tags) {
		value = json_string(PICK(r, tags));
	} else if (kind < 94) {
		(void)snprintf(key, sizeof(key), "%sApplicationSecurityGroups", side);
		value =
		    json_pack("[o]", reference(id_of(NETWORK "applicationSecurityGroups/",
						     rng_percent(r, 60) ? "asg-db" : "asg-web")));
	} else {
		value = json_string(PICK(r, platform));
	}
	json_object_set_new(rule, key, value);
}

static void put_ports(struct rng *r, json_t *rule, const char *side, bool is_source)
{
	static const char *const single[] = {"80",	  "443",	"53",	  "0",
					     "65535",	  "1024-65535", "0-1023", "0-65535",
					     "8000-8999", "50000",	"1-65535"};
	char key[60];
	uint32_t kind = rng_below(r, 100);
	json_t *value;

	(void)snprintf(key, sizeof(key), "%sPortRange", side);
	if (kind < (is_source ? 75u : 40u)) {
		value = json_string("*");
	} else if (kind < 80) {
		value = json_string(PICK(r, single));
	} else {
		(void)snprintf(key, sizeof(key), "%sPortRanges", side);
		if (rng_percent(r, 40))
			value = json_pack("[sss]", "1024-65535", "0-80", "81-1023");
		else
			value = json_pack("[sss]", PICK(r, single), PICK(r, single), "7000-7010");
	}
	json_object_set_new(rule, key, value);
}

static json_t *default_rule(struct rng *r, const char *name, int priority, const char *access,
			    const char *src, const char *dst)
{
	return shape(r, json_pack("{s:s}", "name", name),
		     json_pack("{s:i,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "priority", priority, "access",
			       access, "direction", "Outbound", "protocol", "*",
			       "sourceAddressPrefix", src, "sourcePortRange", "*",
			       "destinationAddressPrefix", dst, "destinationPortRange", "*"));
}

static json_t *default_rules(struct rng *r)
{
	json_t *list = json_array();

	if (rng_percent(r, 60))
		return list;
	if (rng_percent(r, 80))
		json_array_append_new(list, default_rule(r, "AllowVnetOutBound", 65000,
							 rng_percent(r, 90) ? "Allow" : "Deny",
							 "VirtualNetwork", "VirtualNetwork"));
	if (rng_percent(r, 80))
		json_array_append_new(list, default_rule(r, "AllowInternetOutBound", 65001, "Allow",
							 "*", "Internet"));
	if (rng_percent(r, 80))
		json_array_append_new(list,
				      default_rule(r, "DenyAllOutBound", 65500, "Deny", "*", "*"));
	return list;
}

static json_t *nsg_document(struct rng *r, bool has_tags)
{
	static const char *const protocols[] = {"Tcp", "Udp", "Icmp", "Esp", "Ah", "*", "*", "TCP"};
	uint32_t n = rng_below(r, 26), priority = 100;
	json_t *rules = json_array();

	/* Priorities ascend by chance; the document's order is shuffled. */
	for (uint32_t i = 0; i < n; i++) {
		char name[20];
		json_t *rule;

		priority += 1 + rng_below(r, 150);
		(void)snprintf(name, sizeof(name), "r%u", i);
		rule = json_pack("{s:o,s:s,s:s,s:s}", "priority", json_integer(priority), "access",
				 rng_percent(r, 50) ? "Allow" : "Deny", "direction",
				 rng_percent(r, 95) ? "Outbound" : "Inbound", "protocol",
				 PICK(r, protocols));
		put_address(r, rule, "source", true, has_tags);
		put_address(r, rule, "destination", false, has_tags);
		put_ports(r, rule, "source", true);
		put_ports(r, rule, "destination", false);
		json_array_insert_new(rules, rng_below(r, (uint32_t)json_array_size(rules) + 1),
				      shape(r, json_pack("{s:s}", "name", name), rule));
	}
	return shape(r,
		     json_pack("{s:s,s:o,s:s,s:s}", "name", "nsg-int", "id",
			       id_of(NETWORK "networkSecurityGroups/", "nsg-int"), "type",
			       "Microsoft.Network/networkSecurityGroups", "location", "westeurope"),
		     json_pack("{s:o,s:o}", "securityRules", rules, "defaultSecurityRules",
			       default_rules(r)));
}

/* ---- routes --------------------------------------------------------------------------------- */

static bool json_list_has(json_t *list, const char *text)
{
	json_t *v;
	size_t i;

	json_array_foreach(list, i, v) if (!strcmp(json_string_value(v), text)) return true;
	return false;
}

static json_t *udr(struct rng *r, const char *name, const char *prefix)
{
	static const char *const types[] = {
	    "VirtualAppliance", "VirtualAppliance", "VirtualAppliance",	    "Internet", "None",
	    "VnetLocal",	"VNetLocal",	    "VirtualNetworkGateway"};
	static const char *const hops[] = {"10.0.100.4", "10.0.100.5", "10.1.0.4"};
	const char *type = PICK(r, types);
	json_t *route = json_pack("{s:s}", "addressPrefix", prefix);

	if (rng_percent(r, 8)) {
		json_object_set_new(route, "nextHopType", json_string("VirtualApplianceEcmp"));
		json_object_set_new(
		    route, "nextHop",
		    json_pack("{s:[ss]}", "nextHopIpAddresses", "10.0.100.4", "10.0.100.5"));
	} else {
		json_object_set_new(route, "nextHopType", json_string(type));
		if (!strcmp(type, "VirtualAppliance"))
			json_object_set_new(route, "nextHopIpAddress", json_string(PICK(r, hops)));
	}
	return shape(r, json_pack("{s:s}", "name", name), route);
}

static json_t *table_document(struct rng *r, bool has_tags)
{
	uint32_t n = rng_below(r, 14);
	json_t *routes = json_array();
	cleanup_json json_t *used = json_array();

	for (uint32_t i = 0; i < n; i++) {
		char name[20];
		const char *prefix = has_tags && rng_percent(r, 40) ? PICK(r, tags) : PICK(r, pool);

		if (!i && rng_percent(r, 25))
			prefix = "0.0.0.0/0";
		else if (rng_percent(r, 4))
			prefix = PICK(r, pool6);
		if (json_list_has(used, prefix))
			continue;
		json_array_append_new(used, json_string(prefix));
		(void)snprintf(name, sizeof(name), "u%u", i);
		json_array_append_new(routes, udr(r, name, prefix));
	}
	return shape(r,
		     json_pack("{s:s,s:o,s:s,s:s}", "name", "rt-int", "id",
			       id_of(NETWORK "routeTables/", "rt-int"), "type",
			       "Microsoft.Network/routeTables", "location", "westeurope"),
		     json_pack("{s:b,s:o}", "disableBgpRoutePropagation", rng_percent(r, 15),
			       "routes", routes));
}

static json_t *bgp_document(struct rng *r)
{
	static const char *const hops[] = {"10.0.255.4", "10.0.255.5", "192.168.1.1"};
	uint32_t n = 1 + rng_below(r, 9);
	json_t *list = json_array();

	for (uint32_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s,s:s,s:i}", "network",
						      !i && rng_percent(r, 30) ? "0.0.0.0/0"
						      : rng_percent(r, 4)      ? PICK(r, pool6)
									       : PICK(r, pool),
						      "nextHop", PICK(r, hops), "origin",
						      rng_percent(r, 90) ? "EBgp" : "Network",
						      "sourcePeer", "10.0.255.4", "asPath", "65010",
						      "weight", 32768));
	return json_pack("{s:o}", "value", list);
}

/* ---- virtual networks ----------------------------------------------------------------------- */

static json_t *subnet(struct rng *r, const char *vnet, const char *name, json_t *properties)
{
	char path[100];

	(void)snprintf(path, sizeof(path), "%s/subnets/%s", vnet, name);
	return shape(
	    r, json_pack("{s:s,s:o}", "name", name, "id", id_of(NETWORK "virtualNetworks/", path)),
	    properties);
}

static const char *policies(struct rng *r)
{
	static const char *const words[] = {"Enabled", "Disabled", "RouteTableEnabled",
					    "NetworkSecurityGroupEnabled"};

	return PICK(r, words);
}

static const struct {
	const char *name, *range, *endpoint_subnet, *endpoint;
} peers[] = {
    {"vnet-peer-a", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.5"},
    {"vnet-peer-b", "172.20.0.0/16", "172.20.2.0/24", "172.20.2.5"},
    {"vnet-peer-c", "203.0.113.0/24", "203.0.113.0/27", "203.0.113.5"},
    {"vnet-peer-d", "192.168.0.0/16", "192.168.2.0/24", "192.168.2.5"},
    {"vnet-peer-e", "20.60.0.0/16", "20.60.2.0/24", "20.60.2.5"},
};

static json_t *peering(struct rng *r, size_t i)
{
	json_t *p = json_pack("{s:{s:o},s:b}", "remoteVirtualNetwork", "id",
			      id_of(NETWORK "virtualNetworks/", peers[i].name),
			      "allowVirtualNetworkAccess", rng_percent(r, 90));

	if (rng_percent(r, 90))
		json_object_set_new(p, "peeringState",
				    json_string(rng_percent(r, 85) ? "Connected" : "Disconnected"));
	if (rng_percent(r, 75))
		json_object_set_new(p, "remoteAddressSpace",
				    json_pack("{s:[s]}", "addressPrefixes", peers[i].range));
	/* Where both stand, the first counts. */
	if (rng_percent(r, 30))
		json_object_set_new(
		    p, "remoteVirtualNetworkAddressSpace",
		    json_pack("{s:[s]}", "addressPrefixes",
			      rng_percent(r, 80) ? peers[i].range : peers[i].endpoint_subnet));
	return shape(r, json_pack("{s:s}", "name", peers[i].name), p);
}

static json_t *peer_document(struct rng *r, size_t i)
{
	static const char *const locations[] = {"westeurope", "West Europe", "northeurope"};

	return shape(
	    r,
	    json_pack("{s:s,s:o,s:s,s:s}", "name", peers[i].name, "id",
		      id_of(NETWORK "virtualNetworks/", peers[i].name), "type",
		      "Microsoft.Network/virtualNetworks", "location", PICK(r, locations)),
	    json_pack("{s:{s:[s]},s:[o]}", "addressSpace", "addressPrefixes", peers[i].range,
		      "subnets",
		      subnet(r, peers[i].name, "snet-pe",
			     json_pack("{s:s,s:s}", "addressPrefix", peers[i].endpoint_subnet,
				       "privateEndpointNetworkPolicies", policies(r)))));
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

static json_t *vnet_document(struct rng *r, bool has_nsg, bool has_table, bool has_tags,
			     const bool *has_peer)
{
	static const char *const more[] = {"192.168.0.0/16",  "172.16.0.0/12",	"100.64.0.0/10",
					   "198.51.100.0/24", "192.168.1.0/24", "100.64.0.0/9"};
	json_t *space = json_array(), *peerings = json_array(), *integration;

	json_array_append_new(
	    space, json_string(has_peer[0] || rng_percent(r, 85) ? "10.0.0.0/16" : "10.0.0.0/8"));
	if (rng_percent(r, 40)) {
		const char *extra = PICK(r, more);

		if (!(has_peer[1] && !strncmp(extra, "172.", 4)) &&
		    !(has_peer[3] && !strncmp(extra, "192.", 4)))
			json_array_append_new(space, json_string(extra));
	}
	for (size_t i = 0; i < NSG_ARRAY_SIZE(peers); i++)
		if (has_peer[i])
			json_array_append_new(peerings, peering(r, i));
	integration =
	    json_pack("{s:s,s:[{s:s,s:{s:s}}]}", "addressPrefix", "10.0.1.0/26", "delegations",
		      "name", "d", "properties", "serviceName", "Microsoft.Web/serverFarms");
	if (has_nsg)
		json_object_set_new(integration, "networkSecurityGroup",
				    reference(id_of(NETWORK "networkSecurityGroups/", "nsg-int")));
	if (has_table)
		json_object_set_new(integration, "routeTable",
				    reference(id_of(NETWORK "routeTables/", "rt-int")));
	if (has_tags && rng_percent(r, 60))
		json_object_set_new(integration, "serviceEndpoints", service_endpoints(r));
	return shape(r,
		     json_pack("{s:s,s:o,s:s,s:s}", "name", "vnet-app", "id",
			       id_of(NETWORK "virtualNetworks/", "vnet-app"), "type",
			       "Microsoft.Network/virtualNetworks", "location", "westeurope"),
		     json_pack("{s:{s:o},s:[ooo],s:o}", "addressSpace", "addressPrefixes", space,
			       "subnets", subnet(r, "vnet-app", GENERATED_SUBNET, integration),
			       subnet(r, "vnet-app", "snet-pe",
				      json_pack("{s:s,s:s}", "addressPrefix", "10.0.2.0/24",
						"privateEndpointNetworkPolicies", policies(r))),
			       subnet(r, "vnet-app", "snet-vm",
				      json_pack("{s:s}", "addressPrefix", "10.0.3.0/24")),
			       "virtualNetworkPeerings", peerings));
}

/* ---- the rest ------------------------------------------------------------------------------- */

static json_t *tags_document(struct rng *r, int change_number)
{
	json_t *values = json_array();

	for (size_t i = 0; i < NSG_ARRAY_SIZE(tags); i++) {
		json_t *prefixes = json_array();
		uint32_t n = 1 + rng_below(r, 6);

		while (n--)
			json_array_append_new(
			    prefixes, json_string(rng_percent(r, 60) ? pool[28 + rng_below(r, 11)]
								     : PICK(r, pool)));
		/* 0.0.0.0/0 in a tag would make every policy alike. */
		for (size_t k = json_array_size(prefixes); k-- > 0;)
			if (!strcmp(json_string_value(json_array_get(prefixes, k)), "0.0.0.0/0"))
				json_array_set_new(prefixes, k, json_string("20.60.1.0/24"));
		if (rng_percent(r, 30))
			json_array_append_new(prefixes, json_string("2603:1030::/45"));
		json_array_append_new(values,
				      json_pack("{s:s,s:s,s:{s:s,s:o}}", "name", tags[i], "id",
						tags[i], "properties", "region", tag_regions[i],
						"addressPrefixes", prefixes));
	}
	return json_pack("{s:i,s:s,s:o}", "changeNumber", change_number, "cloud", "Public",
			 "values", values);
}

/* Its address stands in its DNS configurations, in its own, or in a NIC that it names or that names
 * it. */
static void save_endpoint(struct rng *r, const char *directory, const char *name, const char *vnet,
			  const char *addr)
{
	const uint32_t how = rng_below(r, 4);
	char path[100], file[60];
	json_t *subnet_ref, *properties, *nic;

	(void)snprintf(path, sizeof(path), "%s/subnets/snet-pe", vnet);
	subnet_ref = reference(id_of(NETWORK "virtualNetworks/", path));
	properties = json_pack("{s:O}", "subnet", subnet_ref);
	nic = json_pack("{s:[{s:s,s:s,s:O}]}", "ipConfigurations", "name", "c", "privateIPAddress",
			addr, "subnet", subnet_ref);
	json_decref(subnet_ref);
	if (how == 0)
		json_object_set_new(
		    properties, "customDnsConfigs",
		    json_pack("[{s:s,s:[s]}]", "fqdn", "a.example", "ipAddresses", addr));
	else if (how == 1)
		json_object_set_new(properties, "ipConfigurations",
				    json_pack("[{s:s,s:{s:s}}]", "name", "c", "properties",
					      "privateIPAddress", addr));
	else if (how == 2)
		json_object_set_new(
		    properties, "networkInterfaces",
		    json_pack("[o]", reference(id_of(NETWORK "networkInterfaces/", name))));
	else
		json_object_set_new(nic, "privateEndpoint",
				    reference(id_of(NETWORK "privateEndpoints/", name)));
	(void)snprintf(file, sizeof(file), "%s.json", name);
	save(directory, file,
	     shape(r,
		   json_pack("{s:s,s:o,s:s}", "name", name, "id",
			     id_of(NETWORK "privateEndpoints/", name), "type",
			     "Microsoft.Network/privateEndpoints"),
		   properties));
	(void)snprintf(file, sizeof(file), "%s-nic.json", name);
	if (how >= 2)
		save(directory, file,
		     shape(r,
			   json_pack("{s:s,s:o,s:s}", "name", name, "id",
				     id_of(NETWORK "networkInterfaces/", name), "type",
				     "Microsoft.Network/networkInterfaces"),
			   nic));
	else
		json_decref(nic);
}

static json_t *nic_document(struct rng *r, const char *name, const char *addr, const char *asg)
{
	json_t *configuration = shape(
	    r, json_pack("{s:s}", "name", "ipconfig1"),
	    json_pack("{s:s,s:o,s:[o]}", "privateIPAddress", addr, "subnet",
		      reference(id_of(NETWORK "virtualNetworks/", "vnet-app/subnets/snet-vm")),
		      "applicationSecurityGroups",
		      reference(id_of(NETWORK "applicationSecurityGroups/", asg))));

	return shape(r,
		     json_pack("{s:s,s:o,s:s}", "name", name, "id",
			       id_of(NETWORK "networkInterfaces/", name), "type",
			       "Microsoft.Network/networkInterfaces"),
		     json_pack("{s:[o]}", "ipConfigurations", configuration));
}

/* An app on another subnet: what it says does not count. */
static json_t *other_site_document(struct rng *r)
{
	return shape(r,
		     json_pack("{s:s,s:o,s:s,s:s}", "name", "other", "id",
			       id_of(WEB "sites/", "other"), "type", "Microsoft.Web/sites",
			       "location", "West Europe"),
		     json_pack("{s:b,s:b,s:o}", "reserved", rng_percent(r, 50),
			       "vnetRouteAllEnabled", 1, "virtualNetworkSubnetId",
			       id_of(NETWORK "virtualNetworks/", "vnet-app/subnets/snet-vm")));
}

static json_t *site_document(struct rng *r)
{
	json_t *site = json_pack("{s:b,s:b}", "reserved", rng_percent(r, 35), "vnetRouteAllEnabled",
				 rng_percent(r, 40));

	if (rng_percent(r, 70))
		json_object_set_new(
		    site, "virtualNetworkSubnetId",
		    id_of(NETWORK "virtualNetworks/", "vnet-app/subnets/" GENERATED_SUBNET));
	if (rng_percent(r, 25))
		json_object_set_new(site, "siteConfig",
				    json_pack("{s:b,s:[{s:s,s:s}]}", "vnetRouteAllEnabled",
					      rng_percent(r, 30), "appSettings", "name",
					      "WEBSITE_VNET_ROUTE_ALL", "value",
					      rng_percent(r, 40) ? "1" : "0"));
	if (rng_percent(r, 20))
		json_object_set_new(site, "outboundVnetRouting",
				    json_pack("{s:b,s:b}", "allTraffic", rng_percent(r, 30),
					      "applicationTraffic", rng_percent(r, 30)));
	return shape(r,
		     json_pack("{s:s,s:o,s:s,s:s}", "name", "app", "id", id_of(WEB "sites/", "app"),
			       "type", "Microsoft.Web/sites", "location", "West Europe"),
		     site);
}

void generate_remove(const char *directory)
{
	DIR *d = opendir(directory);
	const struct dirent *e;

	if (!d)
		abort();
	while ((e = readdir(d)))
		if (strstr(e->d_name, ".json") && unlinkat(dirfd(d), e->d_name, 0))
			abort();
	(void)closedir(d);
}

static void draw_options(struct rng *r, struct nsg_options *o)
{
	static const enum nsg_platform platforms[] = {NSG_PLATFORM_FROM_SITE,
						      NSG_PLATFORM_FROM_SITE, NSG_PLATFORM_WINDOWS,
						      NSG_PLATFORM_LINUX};
	static const enum nsg_tristate switches[] = {NSG_UNSET, NSG_UNSET, NSG_TRUE, NSG_TRUE,
						     NSG_FALSE};

	*o = (struct nsg_options){
	    .profile = nsg_profile_find(rng_percent(r, 50) ? "2020-04" : "current"),
	    .platform = PICK(r, platforms),
	    .route_all = PICK(r, switches),
	    .endpoint_lab = rng_percent(r, 40),
	};
}

void generate_policy(struct rng *r, const char *directory, struct nsg_options *ret_options)
{
	const bool has_tags = rng_percent(r, 85), has_nsg = rng_percent(r, 92),
		   has_table = rng_percent(r, 85);
	bool has_peer[NSG_ARRAY_SIZE(peers)];

	for (size_t i = 0; i < NSG_ARRAY_SIZE(peers); i++)
		has_peer[i] = rng_percent(r, 40);
	generate_remove(directory);
	draw_options(r, ret_options);
	save(directory, "vnet.json", vnet_document(r, has_nsg, has_table, has_tags, has_peer));
	if (has_nsg)
		save(directory, "nsg.json", nsg_document(r, has_tags));
	if (has_table)
		save(directory, "rt.json", table_document(r, has_tags));
	if (has_tags)
		save(directory, "tags.json", tags_document(r, 300));
	if (has_tags && rng_percent(r, 20))
		save(directory, "tags-more.json", tags_document(r, 299 + (int)rng_below(r, 3)));
	if (rng_percent(r, 60))
		save(directory, "bgp.json", bgp_document(r));
	for (size_t i = 0; i < NSG_ARRAY_SIZE(peers); i++) {
		char name[40];

		if (!has_peer[i] || !rng_percent(r, 80))
			continue;
		(void)snprintf(name, sizeof(name), "%s.json", peers[i].name);
		save(directory, name, peer_document(r, i));
		(void)snprintf(name, sizeof(name), "pe-%s", peers[i].name);
		if (rng_percent(r, 60))
			save_endpoint(r, directory, name, peers[i].name, peers[i].endpoint);
	}
	if (rng_percent(r, 50))
		save_endpoint(r, directory, "pe-a", "vnet-app", "10.0.2.5");
	if (rng_percent(r, 30))
		save_endpoint(r, directory, "pe-b", "vnet-app", "10.0.2.6");
	/* Every group that a rule may name has a member. */
	save(directory, "nic-1.json", nic_document(r, "nic-1", "10.0.3.4", "asg-db"));
	save(directory, "nic-2.json", nic_document(r, "nic-2", "10.0.3.5", "asg-web"));
	if (rng_percent(r, 50))
		save(directory, "site.json", site_document(r));
	if (rng_percent(r, 15)) {
		save(directory, "site-other.json", other_site_document(r));
		ret_options->subnet = GENERATED_SUBNET;
	}
	if (rng_percent(r, 50))
		save(directory, "settings.json",
		     json_pack("[{s:s,s:s},{s:s,s:s}]", "name", "A", "value", "b", "name",
			       rng_percent(r, 50) ? "WEBSITE_VNET_ROUTE_ALL"
						  : "website_vnet_route_all",
			       "value", rng_percent(r, 50) ? "1" : "0"));
}

/* ---- flows ---------------------------------------------------------------------------------- */

struct edges {
	NSG_VEC(uint32_t) addrs;
	NSG_VEC(uint16_t) ports;
};

static void add_edge(struct edges *e, struct nsg_prefix p)
{
	const uint32_t edge[] = {p.addr_host - 1,    p.addr_host,
				 p.addr_host + 1,    nsg_prefix_last(p) - 1,
				 nsg_prefix_last(p), nsg_prefix_last(p) + 1};

	for (size_t i = 0; i < NSG_ARRAY_SIZE(edge); i++)
		if (nsg_vec_push(&e->addrs, edge[i]))
			abort();
}

static void add_edges(struct edges *e, const struct nsg_prefixes *p)
{
	for (size_t i = 0; i < p->n; i++)
		add_edge(e, p->v[i]);
}

static void add_ports(struct edges *e, const struct nsg_port_range *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const uint16_t edge[] = {(uint16_t)(v[i].lo - 1), v[i].lo, v[i].hi,
					 (uint16_t)(v[i].hi + 1)};

		for (size_t k = 0; k < NSG_ARRAY_SIZE(edge); k++)
			if (nsg_vec_push(&e->ports, edge[k]))
				abort();
	}
}

static void collect(struct edges *e, const struct nsg_policy *p)
{
	for (size_t i = 0; i < NSG_ARRAY_SIZE(pool); i++) {
		struct nsg_prefix prefix;
		bool masked;

		(void)nsg_prefix_parse(pool[i], &prefix, &masked);
		add_edge(e, prefix);
	}
	for (size_t i = 0; i < p->n_vnets; i++)
		add_edges(e, &p->vnets[i].space);
	for (size_t i = 0; i < p->n_nsgs; i++)
		for (size_t k = 0; k < p->nsgs[i].n_rules; k++) {
			const struct nsg_rule *rule = &p->nsgs[i].rules[k];

			add_edges(e, &rule->src.prefixes);
			add_edges(e, &rule->dst.prefixes);
			add_ports(e, rule->src_ports, rule->n_src_ports);
			add_ports(e, rule->dst_ports, rule->n_dst_ports);
		}
	for (size_t i = 0; i < p->n_bgp_routes; i++)
		add_edge(e, p->bgp_routes[i].prefix);
	for (size_t i = 0; i < p->n_tag_documents; i++)
		for (size_t k = 0; k < p->tag_documents[i].n_tags; k++)
			add_edges(e, &p->tag_documents[i].tags[k].prefixes);
	for (size_t i = 0; i < p->n_private_endpoints; i++)
		for (size_t k = 0; k < p->private_endpoints[i].n_addrs; k++)
			add_edge(e, (struct nsg_prefix){p->private_endpoints[i].addrs_host[k], 32});
	for (size_t i = 0; i < p->n_nics; i++)
		for (size_t k = 0; k < p->nics[i].n_configurations; k++)
			add_edge(e,
				 (struct nsg_prefix){p->nics[i].configurations[k].addr_host, 32});
	add_ports(e, &(struct nsg_port_range){53, 53}, 1);
	add_ports(e, &(struct nsg_port_range){65330, 65330}, 1);
}

void generate_flows(struct rng *r, const struct nsg_policy *policy, struct nsg_key *keys, size_t n)
{
	static const uint8_t protocols[] = {6, 6, 6, 17, 17, 17, 1, 50, 51, 47, 0, 255};
	struct edges e = {0};

	collect(&e, policy);
	for (size_t i = 0; i < n; i++) {
		struct nsg_key k = {.protocol = PICK(r, protocols)};

		k.src_host = rng_percent(r, 80) ? NSG_IP4(10, 0, 1, 4) + rng_below(r, 30)
						: e.addrs.v[rng_below(r, (uint32_t)e.addrs.n)];
		k.dst_host =
		    rng_percent(r, 95) ? e.addrs.v[rng_below(r, (uint32_t)e.addrs.n)] : rng_next(r);
		if (rng_percent(r, 4))
			k.dst_host =
			    rng_percent(r, 60) ? NSG_IP_PLATFORM_DNS : NSG_IP_PLATFORM_IMDS;
		if (nsg_protocol_has_ports(k.protocol)) {
			k.sport_host = rng_percent(r, 60)
					   ? 50000
					   : e.ports.v[rng_below(r, (uint32_t)e.ports.n)];
			k.dport_host = e.ports.v[rng_below(r, (uint32_t)e.ports.n)];
		}
		keys[i] = k;
	}
	nsg_vec_done(&e.addrs);
	nsg_vec_done(&e.ports);
}
