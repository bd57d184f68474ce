/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network security groups. */
#include "generate_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
		const char *p = PICK(r, generate_pool);
		bool clash = !strcmp(p, "0.0.0.0/0");

		json_array_foreach(list, i, other) clash |= overlaps(p, json_string_value(other));
		if (!clash)
			json_array_append_new(list, json_string(p));
	}
	if (!json_array_size(list))
		json_array_append_new(list, json_string("10.0.2.5/32"));
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
		value = json_string(PICK(r, generate_pool));
	} else if (kind < (is_source ? 80u : 50u)) {
		(void)snprintf(key, sizeof(key), "%sAddressPrefixes", side);
		value = prefix_list(r, 1 + rng_below(r, 5));
	} else if (kind < (is_source ? 90u : 70u)) {
		value = json_string(PICK(r, computed));
	} else if (kind < 88 && has_tags) {
		value = json_string(PICK(r, generate_tag_names));
	} else if (kind < 94) {
		(void)snprintf(key, sizeof(key), "%sApplicationSecurityGroups", side);
		value = json_pack("[o]", generate_reference(generate_id(
					     NETWORK "applicationSecurityGroups/",
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
	return generate_shape(r, json_pack("{s:s}", "name", name),
			      json_pack("{s:i,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "priority", priority,
					"access", access, "direction", "Outbound", "protocol", "*",
					"sourceAddressPrefix", src, "sourcePortRange", "*",
					"destinationAddressPrefix", dst, "destinationPortRange",
					"*"));
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

/* Azure refuses both families in one rule. */
static void make_ip6(struct rng *r, json_t *rule)
{
	static const char *const keys[] = {"sourceAddressPrefix",
					   "sourceAddressPrefixes",
					   "destinationAddressPrefix",
					   "destinationAddressPrefixes",
					   "sourceApplicationSecurityGroups",
					   "destinationApplicationSecurityGroups"};

	for (size_t i = 0; i < NSG_ARRAY_SIZE(keys); i++)
		(void)json_object_del(rule, keys[i]);
	json_object_set_new(rule, "sourceAddressPrefix", json_string("*"));
	json_object_set_new(rule, "destinationAddressPrefix", json_string(PICK(r, generate_pool6)));
}

json_t *generate_nsg(struct rng *r, bool has_tags)
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
		if (rng_percent(r, 4))
			make_ip6(r, rule);
		put_ports(r, rule, "source", true);
		put_ports(r, rule, "destination", false);
		json_array_insert_new(rules, rng_below(r, (uint32_t)json_array_size(rules) + 1),
				      generate_shape(r, json_pack("{s:s}", "name", name), rule));
	}
	return generate_shape(r,
			      json_pack("{s:s,s:o,s:s,s:s}", "name", "nsg-int", "id",
					generate_id(NETWORK "networkSecurityGroups/", "nsg-int"),
					"type", "Microsoft.Network/networkSecurityGroups",
					"location", "westeurope"),
			      json_pack("{s:o,s:o}", "securityRules", rules, "defaultSecurityRules",
					default_rules(r)));
}

/* ---- security admin rules ------------------------------------------------------------------- */

static json_t *admin_address(const char *text, const char *type)
{
	return json_pack("{s:s,s:s}", "addressPrefix", text, "addressPrefixType", type);
}

/* Prefixes and tags mixed; an empty list is everything. */
static json_t *admin_addresses(struct rng *r, bool is_source, bool has_tags)
{
	static const char *const computed[] = {"VirtualNetwork", "Internet", "Internet",
					       "AzureLoadBalancer"};
	json_t *list = json_array(), *prefixes, *p;
	size_t i;

	if (rng_percent(r, is_source ? 65 : 15))
		return list;
	if (rng_percent(r, 10)) {
		json_array_append_new(list, admin_address("*", "IPPrefix"));
		return list;
	}
	if (rng_percent(r, 60)) {
		prefixes = prefix_list(r, 1 + rng_below(r, 4));
		json_array_foreach(prefixes, i, p)
		    json_array_append_new(list, admin_address(json_string_value(p), "IPPrefix"));
		json_decref(prefixes);
	}
	if (!json_array_size(list) || rng_percent(r, 30))
		json_array_append_new(list, admin_address(has_tags && rng_percent(r, 60)
							      ? PICK(r, generate_tag_names)
							      : PICK(r, computed),
							  "ServiceTag"));
	return list;
}

static json_t *admin_ports(struct rng *r)
{
	if (rng_percent(r, 30))
		return json_array();
	if (rng_percent(r, 50))
		return json_pack("[s]", "0-65535");
	return json_pack("[ss]", rng_percent(r, 50) ? "443" : "80", "1024-65535");
}

json_t *generate_admin(struct rng *r, bool has_tags)
{
	static const char *const accesses[] = {"Allow", "Deny", "AlwaysAllow"};
	static const char *const protocols[] = {"Tcp", "Udp", "Any", "Any", "Icmp"};
	uint32_t n = 1 + rng_below(r, 8);
	json_t *rules = json_array();

	for (uint32_t i = 0; i < n; i++) {
		char path[120];

		(void)snprintf(path, sizeof(path),
			       "avnm/securityAdminConfigurations/c/ruleCollections/b/rules/a%u", i);
		json_array_append_new(
		    rules,
		    generate_shape(
			r,
			json_pack("{s:o,s:s}", "id", generate_id(NETWORK "networkManagers/", path),
				  "kind", "Custom"),
			json_pack("{s:s,s:s,s:i,s:s,s:o,s:o,s:o,s:o}", "access", PICK(r, accesses),
				  "direction", rng_percent(r, 92) ? "Outbound" : "Inbound",
				  "priority", rng_percent(r, 20) ? 7 : 1 + (int)rng_below(r, 4096),
				  "protocol", PICK(r, protocols), "sources",
				  admin_addresses(r, true, has_tags), "sourcePortRanges",
				  admin_ports(r), "destinations",
				  admin_addresses(r, false, has_tags), "destinationPortRanges",
				  admin_ports(r))));
	}
	return json_pack("{s:o,s:s}", "value", rules, "skipToken", "");
}
