/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The outputs of az network watcher and az network nic, with their keys, order and spellings
 * (azure-reference.md section 5).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "explain/explain.h"
#include "explain/match.h"
#include "explain/words.h"
#include "util/cleanup.h"

int nsg_explain_test_ip_flow(const struct nsg_effective *e, const struct nsg_image *image,
			     const struct nsg_key *key, json_t **ret)
{
	const struct nsg_decision d = nsg_classify(image, key);
	cleanup_json json_t *object = json_object();
	json_t *access = NULL, *name = NULL;

	(void)e;
	if (d.rule == NSG_RULE_NONE) {
		access = json_null();
		name = json_null();
	} else if (d.rule == NSG_RULE_NO_NSG) {
		access = json_string(nsg_access_name(NSG_ALLOW));
		name = json_null();
	} else {
		const struct nsg_image_rule rule = nsg_image_rule(image, d.rule);

		access = json_string(nsg_access_name((enum nsg_access)rule.access));
		name = json_sprintf(
		    "%s/%s", rule.is_default ? "defaultSecurityRules" : "securityRules", rule.name);
	}
	if (nsg_put(object, "access", access) < 0) {
		json_decref(name);
		return -ENOMEM;
	}
	if (nsg_put(object, "ruleName", name) < 0 ||
	    nsg_put(object, "gate", json_string(nsg_gate_name((enum nsg_gate)d.gate))) < 0)
		return -ENOMEM;
	*ret = TAKE_PTR(object);
	return 0;
}

/* Network Watcher spells peerings its own way (azure-reference.md section 5, id 56902040457). */
static const char *watcher_hop_type(enum nsg_hop_type type)
{
	switch (type) {
	case NSG_HOP_VNET_PEERING:
		return "VnetPeering";
	case NSG_HOP_VNET_GLOBAL_PEERING:
		return "VnetGlobalPeering";
	default:
		return nsg_hop_type_name(type);
	}
}

/* Azure has one address there; an ECMP route's stand in it with blanks between. */
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

int nsg_explain_next_hop(const struct nsg_effective *e, const struct nsg_image *image,
			 const struct nsg_key *key, json_t **ret)
{
	const struct nsg_decision d = nsg_classify(image, key);
	struct nsg_image_route route = {0};
	enum nsg_hop_type type = NSG_HOP_INTERNET;
	const char *table = "System Route";
	json_t *object;

	if (d.route != NSG_ROUTE_NONE) {
		route = nsg_image_route(image, d.route);
		type = (enum nsg_hop_type)route.hop_type;
		if (route.source == NSG_SOURCE_USER && e->route_table)
			table = *e->route_table->id ? e->route_table->id : e->route_table->name;
	} else if (d.gate == NSG_GATE_NOT_CARRIED) {
		type = NSG_HOP_NONE;
	}
	object = json_pack("{sossss}", "nextHopIpAddress",
			   joined_addresses(route.hops_host, route.n_hops), "nextHopType",
			   watcher_hop_type(type), "routeTableId", table);
	if (!object)
		return -ENOMEM;
	*ret = object;
	return 0;
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

/* The elements of an address field as the effective rules list them. */
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
	case NSG_ADDRESS_PREFIXES:
		break;
	}
	return prefixes_json(address->prefixes.v, address->prefixes.n);
}

/* Each prefix once: a route and a peering may bring in the same. */
static json_t *virtual_network_json(const struct nsg_effective *e)
{
	cleanup_json json_t *array = json_array();

	for (size_t i = 0; i < e->n_virtual_network; i++) {
		const struct nsg_tag_member *member = &e->virtual_network[i];

		if (nsg_virtual_network_member(e, member->prefix) == member &&
		    json_array_append_new(array, nsg_prefix_json(member->prefix)) < 0)
			return NULL;
	}
	return TAKE_PTR(array);
}

/* A tag's addresses; null where nothing had to be expanded. */
static json_t *address_expanded(const struct nsg_effective *e,
				const struct nsg_effective_address *effective,
				const struct nsg_address *address)
{
	struct nsg_prefix platform = {.addr_host = NSG_IP_PLATFORM_DNS, .len = 32};
	const struct nsg_tag *tag;

	if (address->kind != NSG_ADDRESS_TAG)
		return json_null();
	if (strcasecmp(address->tag, "VirtualNetwork") == 0)
		return virtual_network_json(e);
	tag = nsg_effective_tag_find(e, address->tag);
	if (tag)
		return prefixes_json(tag->prefixes.v, tag->prefixes.n);
	switch (effective->kind) {
	case NSG_MATCH_PLATFORM_IMDS:
		platform.addr_host = NSG_IP_PLATFORM_IMDS;
		return prefixes_json(&platform, 1);
	case NSG_MATCH_PLATFORM_DNS:
		return prefixes_json(&platform, 1);
	case NSG_MATCH_RANGES:
		break;
	}
	return ranges_json(effective->ranges);
}

/* One element stands in the singular field; several in the plural one, where a tag stands too. Both
 * take `elements`. */
static int put_singular(json_t *object, const char *key, json_t *elements)
{
	cleanup_json json_t *all = elements;

	if (!all)
		return -ENOMEM;
	return nsg_put(object, key,
		       json_array_size(all) == 1 ? json_incref(json_array_get(all, 0))
						 : json_null());
}

static int put_plural(json_t *object, const char *key, json_t *elements, bool is_tag)
{
	cleanup_json json_t *all = elements;

	if (!all)
		return -ENOMEM;
	return nsg_put(object, key,
		       json_array_size(all) > 1 || is_tag ? json_incref(all) : json_array());
}

/* As written: the rule's own list, neither sorted nor merged. */
static int put_ports(json_t *o, const struct nsg_rule *r)
{
	if (put_singular(o, "sourcePortRange", port_ranges(r->src_ports, r->n_src_ports)) < 0 ||
	    put_singular(o, "destinationPortRange", port_ranges(r->dst_ports, r->n_dst_ports)) <
		0 ||
	    put_plural(o, "sourcePortRanges", port_ranges(r->src_ports, r->n_src_ports), false) < 0)
		return -ENOMEM;
	return put_plural(o, "destinationPortRanges", port_ranges(r->dst_ports, r->n_dst_ports),
			  false);
}

static int put_addresses(json_t *o, const struct nsg_effective *e,
			 const struct nsg_effective_rule *r)
{
	const struct nsg_address *src = &r->rule->src, *dst = &r->rule->dst;

	if (put_singular(o, "sourceAddressPrefix", address_elements(&r->src, src)) < 0 ||
	    put_singular(o, "destinationAddressPrefix", address_elements(&r->dst, dst)) < 0 ||
	    put_plural(o, "sourceAddressPrefixes", address_elements(&r->src, src),
		       src->kind == NSG_ADDRESS_TAG) < 0 ||
	    put_plural(o, "destinationAddressPrefixes", address_elements(&r->dst, dst),
		       dst->kind == NSG_ADDRESS_TAG) < 0 ||
	    nsg_put(o, "expandedSourceAddressPrefix", address_expanded(e, &r->src, src)) < 0)
		return -ENOMEM;
	return nsg_put(o, "expandedDestinationAddressPrefix", address_expanded(e, &r->dst, dst));
}

static json_t *effective_rule(const struct nsg_effective *e, const struct nsg_effective_rule *r)
{
	const struct nsg_rule *rule = r->rule;
	cleanup_json json_t *o = json_object();

	if (nsg_put(o, "name", nsg_rule_name_json(rule)) < 0 ||
	    nsg_put(o, "protocol", effective_protocol(rule->protocol)) < 0 ||
	    put_ports(o, rule) < 0 || put_addresses(o, e, r) < 0 ||
	    nsg_put(o, "access", json_string(nsg_access_name(rule->access))) < 0 ||
	    nsg_put(o, "priority", json_integer(rule->priority)) < 0 ||
	    nsg_put(o, "direction", json_string("Outbound")) < 0)
		return NULL;
	return TAKE_PTR(o);
}

int nsg_explain_effective_nsg(const struct nsg_effective *e, json_t **ret)
{
	cleanup_json json_t *rules = json_array();
	json_t *object;

	if (!e->nsg) {
		object = json_pack("{s[]}", "value");
	} else {
		for (size_t i = 0; i < e->n_rules; i++)
			if (json_array_append_new(rules, effective_rule(e, &e->rules[i])) < 0)
				return -ENOMEM;
		object = json_pack("{s[{s{ss}s{s{ss}sn}sO}]}", "value", "networkSecurityGroup",
				   "id", *e->nsg->id ? e->nsg->id : e->nsg->name, "association",
				   "subnet", "id", e->subnet->id, "networkInterface",
				   "effectiveSecurityRules", rules);
	}
	if (!object)
		return -ENOMEM;
	*ret = object;
	return 0;
}

/* ---- effective routes ----------------------------------------------------------------------- */

/* Whether two rows are one entry of Azure's list: the prefixes of one tag's route or endpoint. */
static bool same_entry(const struct nsg_row *a, const struct nsg_row *b)
{
	return a->tag && b->tag && strcmp(a->tag, b->tag) == 0 && a->source == b->source &&
	       a->hop_type == b->hop_type && a->state == b->state && a->route == b->route;
}

static json_t *route_entry(const struct nsg_effective *e, const struct nsg_row *rows, size_t n)
{
	bool user_tag = rows[0].source == NSG_SOURCE_USER && rows[0].tag;
	cleanup_json json_t *prefixes = json_array();
	json_t *tags;

	for (size_t i = 0; i < n; i++)
		if (json_array_append_new(prefixes, nsg_prefix_json(rows[i].prefix)) < 0)
			return NULL;
	tags = user_tag ? json_pack("[s]", rows[0].tag) : json_array();
	return json_pack(
	    "{sOsosbsbss?sosssssss{}}", "addressPrefix", prefixes, "destinationServiceTags", tags,
	    "disableBgpRoutePropagation", (int)(e->route_table && e->route_table->disable_bgp),
	    "hasBgpOverride", 0, "name", rows[0].name, "nextHopIpAddress",
	    nsg_addresses_json(rows[0].hops_host, rows[0].n_hops), "nextHopType",
	    nsg_hop_type_name(rows[0].hop_type), "source", nsg_route_source_name(rows[0].source),
	    "state", rows[0].state == NSG_ROW_ACTIVE ? "Active" : "Invalid", "tagMap");
}

int nsg_explain_effective_routes(const struct nsg_effective *e, json_t **ret)
{
	cleanup_json json_t *entries = json_array();
	json_t *object;

	for (size_t i = 0, n; i < e->n_rows; i += n) {
		n = 1;
		if (e->rows[i].state == NSG_ROW_GONE)
			continue;
		while (i + n < e->n_rows && same_entry(&e->rows[i], &e->rows[i + n]))
			n++;
		if (json_array_append_new(entries, route_entry(e, &e->rows[i], n)) < 0)
			return -ENOMEM;
	}
	object = json_pack("{snsO}", "nextLink", "value", entries);
	if (!object)
		return -ENOMEM;
	*ret = object;
	return 0;
}

/* ---- NSG diagnostics ------------------------------------------------------------------------ */

static json_t *evaluation(const struct nsg_tried_rule *t)
{
	return json_pack("{sbsbsosbsbsb}", "destinationMatched", (int)t->match.destination,
			 "destinationPortMatched", (int)t->match.destination_ports, "name",
			 json_sprintf("%s_%s",
				      t->rule->rule->is_default ? "DefaultRule" : "UserRule",
				      t->rule->rule->name),
			 "protocolMatched", (int)t->match.protocol, "sourceMatched",
			 (int)t->match.source, "sourcePortMatched", (int)t->match.source_ports);
}

static json_t *evaluated_groups(const struct nsg_effective *e, const struct nsg_trial *trial)
{
	cleanup_json json_t *rules = json_array();
	json_t *matched;

	if (!e->nsg || !trial->nsg_evaluated)
		return json_array();
	for (size_t i = 0; i < trial->n_rules; i++)
		if (json_array_append_new(rules, evaluation(&trial->rules[i])) < 0)
			return NULL;
	if (trial->rule)
		matched = json_pack(
		    "{sssO}", "action", nsg_access_name(trial->rule->rule->access), "ruleName",
		    json_object_get(json_array_get(rules, trial->n_rules - 1), "name"));
	else
		matched = json_null();
	return json_pack("[{sssosssO}]", "appliedTo", e->subnet->id, "matchedRule", matched,
			 "networkSecurityGroupId", *e->nsg->id ? e->nsg->id : e->nsg->name,
			 "rulesEvaluationResult", rules);
}

/* az's output of run-configuration-diagnostic: keys in alphabetical order. */
static json_t *diagnostic_json(const struct nsg_effective *e, const struct nsg_key *key,
			       const struct nsg_trial *trial)
{
	bool denied = trial->rule && trial->rule->rule->access == NSG_DENY;
	json_t *result, *profile;

	result =
	    json_pack("{soss}", "evaluatedNetworkSecurityGroups", evaluated_groups(e, trial),
		      "securityRuleAccessResult", nsg_access_name(denied ? NSG_DENY : NSG_ALLOW));
	profile = json_pack("{sososssoso}", "destination", nsg_address_json(key->dst_host),
			    "destinationPort", json_sprintf("%u", (unsigned int)key->dport_host),
			    "direction", "Outbound", "protocol", nsg_protocol_words(key->protocol),
			    "source", nsg_address_json(key->src_host));
	return json_pack("{s[{soso}]}", "results", "networkSecurityGroupResult", result, "profile",
			 profile);
}

int nsg_explain_azure(const struct nsg_effective *e, const struct nsg_image *image,
		      const struct nsg_key *key, struct nsg_diag *diag, json_t **ret)
{
	__attribute__((cleanup(nsg_trial_done))) struct nsg_trial trial = {0};
	const struct nsg_decision decision = nsg_classify(image, key);
	const char *what;
	json_t *object;
	int r;

	r = nsg_trial_run(e, key, &trial);
	if (r < 0)
		return r;
	if (!nsg_trial_agrees(&trial, image, &decision, &what))
		return nsg_trial_contradiction(what, diag);
	object = diagnostic_json(e, key, &trial);
	if (!object)
		return -ENOMEM;
	*ret = object;
	return 0;
}
