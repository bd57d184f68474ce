/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Service tags, private endpoints, interfaces, apps. */
#include "generate_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const tag_regions[GENERATE_TAGS] = {
    "", "westeurope", "northeurope", "", "westeurope", "", "westeurope", "", "uknorth"};

json_t *generate_tags(struct rng *r, int change_number)
{
	json_t *values = json_array();

	for (size_t i = 0; i < NSG_ARRAY_SIZE(generate_tag_names); i++) {
		json_t *prefixes = json_array();
		uint32_t n = 1 + rng_below(r, 6);

		while (n--)
			json_array_append_new(prefixes,
					      json_string(rng_percent(r, 60)
							      ? generate_pool[28 + rng_below(r, 11)]
							      : PICK(r, generate_pool)));
		/* 0.0.0.0/0 in a tag would make every policy alike. */
		for (size_t k = json_array_size(prefixes); k-- > 0;)
			if (!strcmp(json_string_value(json_array_get(prefixes, k)), "0.0.0.0/0"))
				json_array_set_new(prefixes, k, json_string("20.60.1.0/24"));
		if (rng_percent(r, 30))
			json_array_append_new(prefixes, json_string("2603:1030::/45"));
		json_array_append_new(
		    values, json_pack("{s:s,s:s,s:{s:s,s:o}}", "name", generate_tag_names[i], "id",
				      generate_tag_names[i], "properties", "region", tag_regions[i],
				      "addressPrefixes", prefixes));
	}
	return json_pack("{s:i,s:s,s:o}", "changeNumber", change_number, "cloud", "Public",
			 "values", values);
}

/* Its address stands in its DNS configurations, in its own, or in a NIC that it names or that names
 * it. */
void generate_endpoint(struct rng *r, const char *directory, const char *name, const char *vnet,
		       const char *addr)
{
	const uint32_t how = rng_below(r, 4);
	char path[100], file[60];
	json_t *subnet_ref, *properties, *nic;

	(void)snprintf(path, sizeof(path), "%s/subnets/snet-pe", vnet);
	subnet_ref = generate_reference(generate_id(NETWORK "virtualNetworks/", path));
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
		json_object_set_new(properties, "networkInterfaces",
				    json_pack("[o]", generate_reference(generate_id(
							 NETWORK "networkInterfaces/", name))));
	else
		json_object_set_new(
		    nic, "privateEndpoint",
		    generate_reference(generate_id(NETWORK "privateEndpoints/", name)));
	(void)snprintf(file, sizeof(file), "%s.json", name);
	generate_save(directory, file,
		      generate_shape(r,
				     json_pack("{s:s,s:o,s:s}", "name", name, "id",
					       generate_id(NETWORK "privateEndpoints/", name),
					       "type", "Microsoft.Network/privateEndpoints"),
				     properties));
	(void)snprintf(file, sizeof(file), "%s-nic.json", name);
	if (how >= 2)
		generate_save(
		    directory, file,
		    generate_shape(r,
				   json_pack("{s:s,s:o,s:s}", "name", name, "id",
					     generate_id(NETWORK "networkInterfaces/", name),
					     "type", "Microsoft.Network/networkInterfaces"),
				   nic));
	else
		json_decref(nic);
}

json_t *generate_nic(struct rng *r, const char *name, const char *addr, const char *asg)
{
	json_t *configuration = generate_shape(
	    r, json_pack("{s:s}", "name", "ipconfig1"),
	    json_pack("{s:s,s:o,s:[o]}", "privateIPAddress", addr, "subnet",
		      generate_reference(
			  generate_id(NETWORK "virtualNetworks/", "vnet-app/subnets/snet-vm")),
		      "applicationSecurityGroups",
		      generate_reference(generate_id(NETWORK "applicationSecurityGroups/", asg))));

	return generate_shape(r,
			      json_pack("{s:s,s:o,s:s}", "name", name, "id",
					generate_id(NETWORK "networkInterfaces/", name), "type",
					"Microsoft.Network/networkInterfaces"),
			      json_pack("{s:[o]}", "ipConfigurations", configuration));
}

/* An app on another subnet: what it says does not count. */
json_t *generate_other_site(struct rng *r)
{
	return generate_shape(
	    r,
	    json_pack("{s:s,s:o,s:s,s:s}", "name", "other", "id",
		      generate_id(WEB "sites/", "other"), "type", "Microsoft.Web/sites", "location",
		      "West Europe"),
	    json_pack("{s:b,s:b,s:o}", "reserved", rng_percent(r, 50), "vnetRouteAllEnabled", 1,
		      "virtualNetworkSubnetId",
		      generate_id(NETWORK "virtualNetworks/", "vnet-app/subnets/snet-vm")));
}

json_t *generate_site(struct rng *r, bool is_flex)
{
	json_t *site = json_pack("{s:b,s:b}", "reserved", is_flex || rng_percent(r, 35),
				 "vnetRouteAllEnabled", rng_percent(r, 40));

	if (is_flex || rng_percent(r, 60))
		json_object_set_new(
		    site, "virtualNetworkSubnetId",
		    generate_id(NETWORK "virtualNetworks/", "vnet-app/subnets/" GENERATED_SUBNET));
	if (is_flex || rng_percent(r, 75))
		json_object_set_new(site, "serverFarmId", generate_id(WEB "serverfarms/", "plan"));
	if (rng_percent(r, 30))
		json_object_set_new(
		    site, "publicNetworkAccess",
		    json_string(rng_percent(r, 60) ? "SecuredByPerimeter" : "Enabled"));
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
	return generate_shape(r,
			      json_pack("{s:s,s:o,s:s,s:s}", "name", "app", "id",
					generate_id(WEB "sites/", "app"), "type",
					"Microsoft.Web/sites", "location", "West Europe"),
			      site);
}

/* Flex Consumption, or a Managed Instance on the integration subnet. */
json_t *generate_plan(bool is_flex)
{
	json_t *plan =
	    json_pack("{s:s,s:o,s:s,s:s,s:{s:s,s:s,s:i}}", "name", "plan", "id",
		      generate_id(WEB "serverfarms/", "plan"), "type", "Microsoft.Web/serverfarms",
		      "location", "westeurope", "sku", "name", is_flex ? "FC1" : "P1v4", "tier",
		      is_flex ? "FlexConsumption" : "PremiumV4", "capacity", 1);

	if (!is_flex)
		json_object_set_new(plan, "network",
				    json_pack("{s:o}", "virtualNetworkSubnetId",
					      generate_id(NETWORK "virtualNetworks/",
							  "vnet-app/subnets/" GENERATED_SUBNET)));
	return plan;
}
