/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The outputs of az network watcher and az network nic, with their keys, order and spellings.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "explain/explain.h"
#include "explain/check_priv.h"
#include "explain/words_priv.h"
#include "model/tags.h"
#include "util/cleanup.h"
#include "util/json_object.h"
#include "util/macro.h"

static int give(json_t *object, json_t **ret)
{
	if (!object)
		return -ENOMEM;
	*ret = object;
	return 0;
}

/* IP flow verify names a security admin rule where one decides, by its name alone. */
int nsg_explain_test_ip_flow(const struct nsg_image *image, const struct nsg_key *key, json_t **ret)
{
	const struct nsg_decision d = nsg_classify(image, key);
	const char *access = d.rule == NSG_RULE_NO_NSG ? nsg_access_name(NSG_ALLOW) : NULL;
	struct nsg_image_rule rule;
	json_t *name = NULL;

	if (d.rule != NSG_RULE_NONE && d.rule != NSG_RULE_NO_NSG) {
		rule = nsg_image_rule(image, d.rule);
		access = nsg_access_name((enum nsg_access)rule.access);
		name = nsg_rule_name_json(rule.is_default, rule.name);
	} else if (d.rule == NSG_RULE_NONE && d.admin) {
		rule = nsg_image_rule(nsg_image_admin(image), d.admin - 1);
		access = nsg_access_name(rule.access == NSG_DENY ? NSG_DENY : NSG_ALLOW);
		name = json_string(rule.name);
	} else {
		name = json_null();
	}
	return give(NSG_JSON_OBJECT(PAIR_S("access", access), PAIR_J("ruleName", name),
				    PAIR_S("gate", nsg_gate_name((enum nsg_gate)d.gate))),
		    ret);
}

/* Network Watcher spells some types differently (a recording of 2026 shows PrivateEndpoint). */
static const char *watcher_hop_type(enum nsg_hop_type type)
{
	switch (type) {
	case NSG_HOP_VNET_PEERING:
		return "VnetPeering";
	case NSG_HOP_VNET_GLOBAL_PEERING:
		return "VnetGlobalPeering";
	case NSG_HOP_INTERFACE_ENDPOINT:
		return "PrivateEndpoint";
	default:
		return nsg_hop_type_name(type);
	}
}

/* Azure has one address here; those of an ECMP route are separated by blanks. */
static json_t *joined_addresses(const uint32_t *addrs_host, uint32_t n)
{
	cleanup_free char *text = calloc((size_t)n + 1, NSG_IP4_TEXT);
	char *end = text;

	if (!text)
		return NULL;
	for (uint32_t i = 0; i < n; i++) {
		if (i)
			*end++ = ' ';
		nsg_ip4_format(addrs_host[i], end);
		end += strlen(end);
	}
	return json_string(text);
}

/* Only user and gateway routes have the key nextHopIpAddress (recorded in 2026). */
int nsg_explain_next_hop(const struct nsg_effective *e, const struct nsg_image *image,
			 const struct nsg_key *key, json_t **ret)
{
	const struct nsg_decision d = nsg_classify(image, key);
	struct nsg_image_route route = {.source = NSG_SOURCE_DEFAULT, .hop_type = NSG_HOP_INTERNET};
	const char *table = "System Route", *type;

	if (d.route != NSG_ROUTE_NONE)
		route = nsg_image_route(image, d.route);
	else if (d.gate == NSG_GATE_NOT_CARRIED)
		route.hop_type = NSG_HOP_NONE;
	type = watcher_hop_type((enum nsg_hop_type)route.hop_type);
	if (route.source == NSG_SOURCE_USER && e->route_table)
		table = *e->route_table->id ? e->route_table->id : e->route_table->name;
	if (route.source == NSG_SOURCE_DEFAULT)
		return give(
		    NSG_JSON_OBJECT(PAIR_S("nextHopType", type), PAIR_S("routeTableId", table)),
		    ret);
	return give(NSG_JSON_OBJECT(
			PAIR_J("nextHopIpAddress", joined_addresses(route.hops_host, route.n_hops)),
			PAIR_S("nextHopType", type), PAIR_S("routeTableId", table)),
		    ret);
}

/* ---- effective NSG -------------------------------------------------------------------------- */

static json_t *effective_protocol(unsigned int protocol)
{
	switch (protocol) {
	case NSG_PROTOCOL_TCP:
		return json_string("Tcp");
	case NSG_PROTOCOL_UDP:
		return json_string("Udp");
	case NSG_PROTOCOL_ICMP:
		return json_string("Icmp");
	case NSG_PROTOCOL_ESP:
		return json_string("Esp");
	case NSG_PROTOCOL_AH:
		return json_string("Ah");
	case NSG_PROTOCOL_ANY:
		return json_string("All");
	default:
		return json_sprintf("%u", protocol);
	}
}

static json_t *port_ranges(const struct nsg_port_range *v, size_t n)
{
	cleanup_json json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		if (json_array_append_new(array, json_sprintf("%u-%u", (unsigned int)v[i].lo,
							      (unsigned int)v[i].hi)) < 0)
			return NULL;
	return TAKE_PTR(array);
}

static json_t *prefixes_json(const struct nsg_prefix *v, size_t n)
{
	cleanup_json json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		if (json_array_append_new(array, nsg_prefix_json(v[i])) < 0)
			return NULL;
	return TAKE_PTR(array);
}

static json_t *ranges_json(const struct nsg_ranges *ranges)
{
	cleanup_free struct nsg_prefix *v = NULL;
	size_t n;

	if (nsg_ranges_to_prefixes(ranges, &v, &n) < 0)
		return NULL;
	return prefixes_json(v, n);
}

static json_t *mixed_json(const struct nsg_address *address)
{
	json_t *array = prefixes_json(address->prefixes.v, address->prefixes.n);

	for (size_t i = 0; i < address->tags.n; i++)
		if (json_array_append_new(array, json_string(address->tags.v[i])) < 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *address_elements(const struct nsg_effective_address *effective,
				const struct nsg_address *address)
{
	switch (address->kind) {
	case NSG_ADDRESS_ANY:
		return json_pack("[s]", "0.0.0.0/0");
	case NSG_ADDRESS_TAG:
		return json_pack("[s]", address->tag);
	case NSG_ADDRESS_ASGS:
		return ranges_json(effective->ranges);
	case NSG_ADDRESS_MIXED:
		return mixed_json(address);
	case NSG_ADDRESS_PREFIXES:
		break;
	}
	return prefixes_json(address->prefixes.v, address->prefixes.n);
}

static bool is_document_member(const struct nsg_effective *e, struct nsg_prefix p)
{
	for (size_t i = 0; i < e->n_virtual_network; i++)
		if (nsg_prefix_equal(e->virtual_network[i].prefix, p))
			return true;
	return false;
}

/* Without duplicates: a route and a peering may have the same prefix. */
static json_t *virtual_network_json(const struct nsg_effective *e)
{
	cleanup_json json_t *array = json_array();

	for (size_t i = 0; i < e->n_virtual_network; i++) {
		const struct nsg_tag_member *member = &e->virtual_network[i];

		if (nsg_virtual_network_member(e, member->prefix) == member &&
		    json_array_append_new(array, nsg_prefix_json(member->prefix)) < 0)
			return NULL;
	}
	for (size_t i = 0; e->live && i < e->live->n; i++) {
		struct nsg_row row;

		if (nsg_effective_live_row(e, i, &row) && !is_document_member(e, row.prefix) &&
		    json_array_append_new(array, nsg_prefix_json(row.prefix)) < 0)
			return NULL;
	}
	return TAKE_PTR(array);
}

/* The prefixes of a tag of that kind; null when there are none. */
static json_t *tag_prefixes(const struct nsg_effective *e, const char *name, enum nsg_tag_kind kind)
{
	static const struct nsg_prefix balancer = {.addr_host = NSG_IP_PLATFORM_DNS, .len = 32};
	const struct nsg_tag *tag;

	switch (kind) {
	case NSG_TAG_VIRTUAL_NETWORK:
		return virtual_network_json(e);
	case NSG_TAG_INTERNET:
		return ranges_json(&e->internet_ranges);
	case NSG_TAG_LOAD_BALANCER:
		return prefixes_json(&balancer, 1);
	case NSG_TAG_OF_DOCUMENT:
		tag = nsg_effective_tag_find(e, name);
		return tag ? prefixes_json(tag->prefixes.v, tag->prefixes.n) : json_null();
	default:
		return json_null();
	}
}

/* Azure expands the computed tags only (diagnose-vm-network-traffic-filtering-problem); service
 * tags are in the tagMap. */
static json_t *address_expanded(const struct nsg_effective *e, const struct nsg_address *address)
{
	enum nsg_tag_kind kind = NSG_TAG_OF_DOCUMENT;

	if (address->kind == NSG_ADDRESS_TAG)
		kind = nsg_tag_kind_of(address->tag);
	return kind == NSG_TAG_OF_DOCUMENT ? json_null() : tag_prefixes(e, address->tag, kind);
}

static int map_tag(const struct nsg_effective *e, const char *name, json_t *map)
{
	enum nsg_tag_kind kind = nsg_tag_kind_of(name);
	const struct nsg_tag *tag = nsg_effective_tag_find(e, name);
	const char *key =
	    kind == NSG_TAG_OF_DOCUMENT ? tag ? tag->name : name : nsg_tag_kind_name(kind);
	json_t *prefixes;

	if (json_object_get(map, key))
		return 0;
	prefixes = tag_prefixes(e, name, kind);
	if (json_is_null(prefixes))
		return 0;
	return json_object_set_new(map, key, prefixes) < 0 ? -ENOMEM : 0;
}

static int map_address(const struct nsg_effective *e, const struct nsg_address *address,
		       json_t *map)
{
	int r = 0;

	if (address->kind == NSG_ADDRESS_TAG)
		r = map_tag(e, address->tag, map);
	for (size_t i = 0; !r && i < address->tags.n; i++)
		r = map_tag(e, address->tags.v[i], map);
	return r;
}

/* The prefixes of every tag that the rules name. */
static json_t *tag_map(const struct nsg_effective *e, const struct nsg_effective_rule *rules,
		       size_t n)
{
	cleanup_json json_t *map = json_object();

	for (size_t i = 0; i < n; i++)
		if (map_address(e, &rules[i].rule->src, map) < 0 ||
		    map_address(e, &rules[i].rule->dst, map) < 0)
			return NULL;
	return TAKE_PTR(map);
}

/* A single element is in both fields (the same page), several in the list only. */
static json_t *singular(json_t *elements)
{
	return json_array_size(elements) == 1 ? json_incref(json_array_get(elements, 0))
					      : json_null();
}

static json_t *effective_rule(const struct nsg_effective *e, const struct nsg_effective_rule *r)
{
	const struct nsg_rule *rule = r->rule;
	/* as written: neither sorted nor merged */
	cleanup_json json_t *src_ports = port_ranges(rule->src_ports, rule->n_src_ports);
	cleanup_json json_t *dst_ports = port_ranges(rule->dst_ports, rule->n_dst_ports);
	cleanup_json json_t *srcs = address_elements(&r->src, &rule->src);
	cleanup_json json_t *dsts = address_elements(&r->dst, &rule->dst);

	if (!src_ports || !dst_ports || !srcs || !dsts)
		return NULL;
	return NSG_JSON_OBJECT(
	    PAIR_J("name", nsg_rule_words(rule)),
	    PAIR_J("protocol", effective_protocol(rule->protocol)),
	    PAIR_J("sourcePortRange", singular(src_ports)),
	    PAIR_J("destinationPortRange", singular(dst_ports)),
	    PAIR_J("sourcePortRanges", json_incref(src_ports)),
	    PAIR_J("destinationPortRanges", json_incref(dst_ports)),
	    PAIR_J("sourceAddressPrefix", singular(srcs)),
	    PAIR_J("destinationAddressPrefix", singular(dsts)),
	    PAIR_J("sourceAddressPrefixes", json_incref(srcs)),
	    PAIR_J("destinationAddressPrefixes", json_incref(dsts)),
	    PAIR_J("expandedSourceAddressPrefix", address_expanded(e, &rule->src)),
	    PAIR_J("expandedDestinationAddressPrefix", address_expanded(e, &rule->dst)),
	    PAIR_S("access", nsg_access_name(rule->access)), PAIR_I("priority", rule->priority),
	    PAIR_S("direction", "Outbound"));
}

static json_t *effective_rules(const struct nsg_effective *e,
			       const struct nsg_effective_rule *rules, size_t n)
{
	cleanup_json json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		if (json_array_append_new(array, effective_rule(e, &rules[i])) < 0)
			return NULL;
	return TAKE_PTR(array);
}

static json_t *array_of(json_t *element)
{
	return json_pack("[o]", element);
}

static json_t *id_json(const char *id)
{
	return NSG_JSON_OBJECT(PAIR_S("id", id));
}

static const char *nsg_id(const struct nsg_effective *e)
{
	return *e->nsg->id ? e->nsg->id : e->nsg->name;
}

/* The network manager in the id of one of its rules. */
static json_t *manager_json(const struct nsg_effective_rule *rule)
{
	const char *id = ((const struct nsg_admin_rule *)(const void *)rule->rule)->id;
	const char *end = strcasestr(id, "/securityAdminConfigurations/");

	return end ? NSG_JSON_OBJECT(PAIR_J("id", json_sprintf("%.*s", (int)(end - id), id)))
		   : json_null();
}

static json_t *association_json(const struct nsg_effective *e, json_t *manager)
{
	return NSG_JSON_OBJECT(PAIR_J("networkManager", manager),
			       PAIR_J("subnet", id_json(e->subnet->id)),
			       PAIR_N("networkInterface"));
}

/* Security admin rules are a group of their own, before the NSG's. */
static json_t *admin_group(const struct nsg_effective *e)
{
	return NSG_JSON_OBJECT(
	    PAIR_N("networkSecurityGroup"),
	    PAIR_J("association", association_json(e, manager_json(&e->admin_rules[0]))),
	    PAIR_J("effectiveSecurityRules", effective_rules(e, e->admin_rules, e->n_admin_rules)),
	    PAIR_J("tagMap", tag_map(e, e->admin_rules, e->n_admin_rules)));
}

static json_t *nsg_group(const struct nsg_effective *e)
{
	return NSG_JSON_OBJECT(
	    PAIR_J("networkSecurityGroup", id_json(nsg_id(e))),
	    PAIR_J("association", association_json(e, json_null())),
	    PAIR_J("effectiveSecurityRules", effective_rules(e, e->rules, e->n_rules)),
	    PAIR_J("tagMap", tag_map(e, e->rules, e->n_rules)));
}

int nsg_explain_effective_nsg(const struct nsg_effective *e, json_t **ret)
{
	cleanup_json json_t *groups = json_array();

	if (e->n_admin_rules && json_array_append_new(groups, admin_group(e)) < 0)
		return -ENOMEM;
	if (e->nsg && json_array_append_new(groups, nsg_group(e)) < 0)
		return -ENOMEM;
	return give(NSG_JSON_OBJECT(PAIR_J("value", TAKE_PTR(groups))), ret);
}

/* ---- NSG diagnostics ------------------------------------------------------------------------ */

static json_t *evaluation(const struct nsg_tried_rule *t)
{
	const struct nsg_rule *rule = t->rule->rule;

	return NSG_JSON_OBJECT(
	    PAIR_B("destinationMatched", t->match.destination),
	    PAIR_B("destinationPortMatched", t->match.destination_ports),
	    PAIR_J("name", json_sprintf("%s_%s", rule->is_default ? "DefaultRule" : "UserRule",
					rule->name)),
	    PAIR_B("protocolMatched", t->match.protocol), PAIR_B("sourceMatched", t->match.source),
	    PAIR_B("sourcePortMatched", t->match.source_ports));
}

static json_t *matched_rule(const struct nsg_trial *trial, json_t *rules)
{
	json_t *last = json_array_get(rules, trial->n_rules - 1);

	if (!trial->rule)
		return json_null();
	return NSG_JSON_OBJECT(PAIR_S("action", nsg_access_name(trial->rule->rule->access)),
			       PAIR_J("ruleName", json_incref(json_object_get(last, "name"))));
}

static json_t *evaluated_groups(const struct nsg_effective *e, const struct nsg_trial *trial)
{
	cleanup_json json_t *rules = json_array();

	if (!e->nsg || !trial->nsg_evaluated)
		return json_array();
	for (size_t i = 0; i < trial->n_rules; i++)
		if (json_array_append_new(rules, evaluation(&trial->rules[i])) < 0)
			return NULL;
	return array_of(NSG_JSON_OBJECT(PAIR_S("appliedTo", e->subnet->id),
					PAIR_J("matchedRule", matched_rule(trial, rules)),
					PAIR_S("networkSecurityGroupId", nsg_id(e)),
					PAIR_J("rulesEvaluationResult", json_incref(rules))));
}

static json_t *profile_json(const struct nsg_key *key)
{
	return NSG_JSON_OBJECT(
	    PAIR_J("destination", nsg_address_json(key->dst_host)),
	    PAIR_J("destinationPort", json_sprintf("%u", (unsigned int)key->dport_host)),
	    PAIR_S("direction", "Outbound"), PAIR_J("protocol", nsg_protocol_words(key->protocol)),
	    PAIR_J("source", nsg_address_json(key->src_host)));
}

/* az's output of run-configuration-diagnostic: keys in alphabetical order. */
static json_t *diagnostic_json(const struct nsg_effective *e, const struct nsg_key *key,
			       const struct nsg_trial *trial)
{
	const struct nsg_effective_rule *rule = trial->rule ? trial->rule : trial->admin;
	bool denied = rule && rule->rule->access == NSG_DENY;
	json_t *result = NSG_JSON_OBJECT(
	    PAIR_J("evaluatedNetworkSecurityGroups", evaluated_groups(e, trial)),
	    PAIR_S("securityRuleAccessResult", nsg_access_name(denied ? NSG_DENY : NSG_ALLOW)));

	return NSG_JSON_OBJECT(
	    PAIR_J("results", array_of(NSG_JSON_OBJECT(PAIR_J("networkSecurityGroupResult", result),
						       PAIR_J("profile", profile_json(key))))));
}

int nsg_explain_azure(const struct nsg_effective *e, const struct nsg_image *image,
		      const struct nsg_key *key, struct nsg_diag *diag, json_t **ret)
{
	cleanup_trial struct nsg_trial trial = {0};
	const struct nsg_decision decision = nsg_classify(image, key);
	int r;

	r = nsg_trial_run(e, key, &trial);
	if (r < 0)
		return r;
	r = nsg_trial_check(&trial, image, &decision, diag);
	if (r < 0)
		return r;
	return give(diagnostic_json(e, key, &trial), ret);
}
