/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The story of one decision: gate, tags, rules, routes, the source that the destination sees.
 * render.c reads the members and relies on their order.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "explain/explain.h"
#include "explain/flow.h"
#include "explain/check_priv.h"
#include "explain/words_priv.h"
#include "model/gate.h"
#include "observe/record.h"
#include "util/cleanup.h"
#include "util/json_object.h"
#include "util/macro.h"

struct story {
	const struct nsg_effective *e;
	const struct nsg_key *key;
	const struct nsg_trial *trial;
};

/* ---- gate ----------------------------------------------------------------------------------- */

static const struct nsg_row *endpoint_row(const struct story *s)
{
	const struct nsg_row *best = NULL;

	for (size_t i = 0; i < s->trial->n_rows; i++) {
		const struct nsg_row *row = s->trial->rows[i];

		if (row->hop_type == NSG_HOP_SERVICE_ENDPOINT &&
		    (!best || row->prefix.len > best->prefix.len))
			best = row;
	}
	return best;
}

static const char *route_all_by(const struct nsg_effective *e)
{
	return e->route_all_by && *e->route_all_by ? e->route_all_by : "nothing sets it";
}

static json_t *bypass_words(const struct story *s, const char *dst)
{
	const struct nsg_effective *e = s->e;

	if (s->key->dst_host >> 24 == 127)
		return json_sprintf("%s is a loopback address: the packet does not leave the "
				    "instance",
				    dst);
	if (s->key->dst_host >> 16 == NSG_IP4(169, 254, 0, 0) >> 16)
		return json_sprintf("%s is a link-local address, which belongs to the worker: the "
				    "packet does not enter the VNet",
				    dst);
	if (e->is_linux && e->profile->linux_only_rfc1918)
		return json_sprintf(
		    "%s is public, and with profile %s only private addresses enter the VNet on "
		    "Linux: the packet does not enter it, and neither NSG nor routes apply. This "
		    "is not an \"allow\"",
		    dst, e->profile->name);
	return json_sprintf("%s is public, route-all is off (%s), and no service endpoint of the "
			    "subnet covers it: the packet does not enter the VNet, and neither NSG "
			    "nor routes apply. This is not an \"allow\"",
			    dst, route_all_by(e));
}

static json_t *endpoint_words(const struct story *s, const char *dst)
{
	const struct nsg_row *row = endpoint_row(s);
	char prefix[NSG_PREFIX_TEXT] = "";

	if (row)
		nsg_prefix_format(row->prefix, prefix);
	return json_sprintf(
	    "%s is public and route-all is off (%s), but the subnet's service endpoint "
	    "%s covers it with %s: it enters the VNet",
	    dst, route_all_by(s->e), row && row->detail ? row->detail : "", prefix);
}

static json_t *gate_words(const struct story *s)
{
	char dst[NSG_IP4_TEXT];

	nsg_ip4_format(s->key->dst_host, dst);
	switch (s->trial->gate) {
	case NSG_GATE_PLATFORM:
		return json_sprintf(
		    "%s belongs to the Azure platform: it is reachable regardless of route-all "
		    "and routes, and only rules with a platform tag can deny it",
		    dst);
	case NSG_GATE_RFC1918:
		return json_sprintf("%s is a private address (RFC 1918): it always enters the VNet",
				    dst);
	case NSG_GATE_ROUTE_ALL:
		return json_sprintf("%s is public, and route-all is on (%s): it enters the VNet",
				    dst, route_all_by(s->e));
	case NSG_GATE_SERVICE_ENDPOINT:
		return endpoint_words(s, dst);
	case NSG_GATE_NOT_CARRIED:
		return json_sprintf("%s would enter the VNet (%s), but %s", dst,
				    nsg_gate_name(s->trial->enters_by), s->trial->not_carried);
	default:
		return bypass_words(s, dst);
	}
}

static json_t *gate_json(const struct story *s)
{
	return NSG_JSON_OBJECT(PAIR_B("enters", nsg_gate_enters(s->trial->gate)),
			       PAIR_J("text", gate_words(s)));
}

/* ---- tags ----------------------------------------------------------------------------------- */

struct tags {
	const struct nsg_effective *e;
	json_t *array;
};

static int add_tag(void *data, const char *tag, struct nsg_prefix by)
{
	struct tags *tags = data;
	const struct nsg_tag_member *member = NULL;
	json_t *object;

	if (strcmp(tag, "VirtualNetwork") == 0)
		member = nsg_virtual_network_member(tags->e, by);
	object = NSG_JSON_OBJECT(
	    PAIR_S("tag", tag), PAIR_J("prefix", nsg_prefix_json(by)),
	    PAIR_J("origin", member ? nsg_origin_words(tags->e, member) : json_null()));
	return json_array_append_new(tags->array, object) < 0 ? -ENOMEM : 0;
}

static json_t *tags_json(const struct story *s)
{
	cleanup_json json_t *array = json_array();
	struct tags tags = {.e = s->e, .array = array};

	if (!array || nsg_effective_tags_of(s->e, s->key->dst_host, add_tag, &tags))
		return NULL;
	return TAKE_PTR(array);
}

/* ---- NSG ------------------------------------------------------------------------------------ */

static bool admin_decides(const struct nsg_trial *trial)
{
	return trial->admin && trial->admin->rule->access != NSG_ALLOW;
}

static json_t *nsg_words(const struct story *s)
{
	const struct nsg_effective *e = s->e;

	if (admin_decides(s->trial))
		return json_string("not evaluated: a security admin rule decides");
	if (s->trial->gate == NSG_GATE_SERVICE_ENDPOINT && !s->trial->nsg_evaluated)
		return json_sprintf(
		    "not evaluated: with profile %s and route-all off, NSGs apply to private "
		    "addresses only",
		    e->profile->name);
	if (s->trial->gate == NSG_GATE_PLATFORM)
		return json_string(e->nsg ? "only rules with a platform tag are evaluated"
					  : "the subnet has no NSG");
	if (!nsg_gate_enters(s->trial->gate))
		return json_string("not evaluated: the packet does not enter the VNet");
	if (!e->nsg)
		return json_string("the subnet has no NSG: everything is allowed");
	return json_sprintf("%s, outbound rules by priority", e->nsg->name);
}

/* The names of the fields that did not match. */
static json_t *failed_json(const struct nsg_rule_match *m)
{
	const struct {
		bool matched;
		const char *name;
	} fields[] = {
	    {m->protocol, "protocol"},
	    {m->source, "source"},
	    {m->source_ports, "sourcePorts"},
	    {m->destination, "destination"},
	    {m->destination_ports, "destinationPorts"},
	};
	cleanup_json json_t *failed = json_array();

	for (size_t i = 0; i < NSG_ARRAY_SIZE(fields); i++)
		if (!fields[i].matched &&
		    json_array_append_new(failed, json_string(fields[i].name)) < 0)
			return NULL;
	return TAKE_PTR(failed);
}

static json_t *rule_json(const struct nsg_tried_rule *tried)
{
	const struct nsg_rule *rule = tried->rule->rule;

	return NSG_JSON_OBJECT(
	    PAIR_J("rule", nsg_rule_words(rule)), PAIR_I("priority", rule->priority),
	    PAIR_S("access", nsg_access_name(rule->access)),
	    PAIR_J("protocol", nsg_protocol_words(rule->protocol)),
	    PAIR_J("source", nsg_address_words(&rule->src)),
	    PAIR_J("sourcePorts", nsg_ports_words(rule->src_ports, rule->n_src_ports)),
	    PAIR_J("destination", nsg_address_words(&rule->dst)),
	    PAIR_J("destinationPorts", nsg_ports_words(rule->dst_ports, rule->n_dst_ports)),
	    PAIR_B("matched", tried->matched), PAIR_J("failed", failed_json(&tried->match)));
}

static json_t *rules_json(const struct nsg_tried_rule *rules, size_t n)
{
	cleanup_json json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		if (json_array_append_new(array, rule_json(&rules[i])) < 0)
			return NULL;
	return TAKE_PTR(array);
}

/* ---- security admin rules ------------------------------------------------------------------- */

static json_t *admin_words(const struct story *s)
{
	const struct nsg_rule *rule = s->trial->admin ? s->trial->admin->rule : NULL;

	if (s->trial->gate == NSG_GATE_PLATFORM)
		return json_string("not evaluated: they do not apply to Azure's platform");
	if (!nsg_gate_enters(s->trial->gate))
		return json_string("not evaluated: the packet does not enter the VNet");
	if (!rule)
		return json_string("none matches: the NSG decides");
	switch (rule->access) {
	case NSG_DENY:
		return json_sprintf("%s denies, whatever the NSG says", rule->name);
	case NSG_ALWAYS_ALLOW:
		return json_sprintf("%s allows, whatever the NSG says", rule->name);
	case NSG_ALLOW:
		break;
	}
	return json_sprintf("%s allows: the NSG decides", rule->name);
}

static json_t *admin_json(const struct story *s)
{
	return NSG_JSON_OBJECT(
	    PAIR_J("text", admin_words(s)),
	    PAIR_J("rules", rules_json(s->trial->admin_rules, s->trial->n_admin_rules)));
}

/* ---- routes --------------------------------------------------------------------------------- */

static json_t *row_json(const struct nsg_row *row, enum nsg_row_fate fate)
{
	return NSG_JSON_OBJECT(
	    PAIR_J("prefix", nsg_prefix_json(row->prefix)),
	    PAIR_S("source", nsg_route_source_name(row->source)), PAIR_S("name", row->name),
	    PAIR_S("nextHopType", nsg_hop_type_name(row->hop_type)),
	    PAIR_J("nextHopIpAddress", nsg_addresses_json(row->hops_host, row->n_hops)),
	    PAIR_S("tag", row->tag), PAIR_S("detail", row->detail),
	    PAIR_B("selected", fate == NSG_FATE_SELECTED), PAIR_S("text", nsg_row_fate_text(fate)));
}

static json_t *rows_json(const struct story *s)
{
	cleanup_json json_t *array = json_array();

	for (size_t i = 0; i < s->trial->n_rows; i++)
		if (json_array_append_new(array, row_json(s->trial->rows[i], s->trial->fates[i])) <
		    0)
			return NULL;
	return TAKE_PTR(array);
}

/* A live route is known with the time of its announcement, or of the start of nsgd. */
static json_t *gateway_words(const struct nsg_effective *e, const struct nsg_row *row)
{
	const struct nsg_live_route *live =
	    row->source == NSG_SOURCE_GATEWAY ? nsg_route_set_find(e->live, row->prefix) : NULL;
	time_t since = live ? (time_t)live->since_s : 0;
	char text[64] = "";
	struct tm tm;

	if (live && gmtime_r(&since, &tm))
		(void)strftime(text, sizeof(text), ", announced since %Y-%m-%dT%H:%M:%SZ", &tm);
	return json_sprintf("the VPN or ExpressRoute gateway%s; the network behind it needs a "
			    "route back to the subnet",
			    text);
}

static json_t *next_hop_words(const struct story *s)
{
	const struct nsg_row *row = s->trial->row;
	const char *detail = row && row->detail ? row->detail : "";

	if (!row)
		return json_string("no route is looked up");
	switch (row->hop_type) {
	case NSG_HOP_VNET_LOCAL:
		return json_sprintf("inside virtual network %s", s->e->vnet->name);
	case NSG_HOP_VNET_PEERING:
		return json_sprintf("the peered virtual network, over peering %s%s", detail,
				    row->unreachable ? ", which this subnet is not part of: dropped"
						     : "");
	case NSG_HOP_VNET_GLOBAL_PEERING:
		return json_sprintf(
		    "a virtual network in another region, over peering %s%s", detail,
		    row->unreachable ? ", which this subnet cannot reach: dropped" : "");
	case NSG_HOP_SERVICE_ENDPOINT:
		return json_sprintf("the service, over the subnet's endpoint %s", detail);
	case NSG_HOP_INTERFACE_ENDPOINT:
		return json_sprintf("private endpoint %s", detail);
	case NSG_HOP_GATEWAY:
		return gateway_words(s->e, row);
	case NSG_HOP_APPLIANCE:
		return json_string(row->n_hops > 1 ? "one of the appliances, chosen per flow"
						   : "the appliance");
	case NSG_HOP_NONE:
		return json_string("none: dropped silently");
	default:
		return json_string("the Internet");
	}
}

static json_t *next_hop_json(const struct story *s)
{
	const struct nsg_row *row = s->trial->row;

	if (!row)
		return json_null();
	return NSG_JSON_OBJECT(PAIR_S("type", nsg_hop_type_name(row->hop_type)),
			       PAIR_J("addresses", nsg_addresses_json(row->hops_host, row->n_hops)),
			       PAIR_J("text", next_hop_words(s)));
}

/* ---- the far end ---------------------------------------------------------------------------- */

static json_t *outbound_addresses(const struct nsg_effective *e)
{
	cleanup_json json_t *array = json_array();

	for (size_t i = 0; i < e->n_sites; i++)
		for (size_t j = 0; j < e->sites[i]->n_outbound; j++)
			if (json_array_append_new(
				array, nsg_address_json(e->sites[i]->outbound_host[j])) < 0)
				return NULL;
	return TAKE_PTR(array);
}

static json_t *far_end(const char *class, json_t *addresses, const char *text)
{
	return NSG_JSON_OBJECT(PAIR_S("source", class), PAIR_J("addresses", addresses),
			       PAIR_S("text", text));
}

/* Which source address the destination sees. */
static json_t *far_end_json(const struct story *s)
{
	const struct nsg_row *row = s->trial->row;
	uint32_t src = s->key->src_host;

	if (s->trial->verdict == NSG_VERDICT_DROP)
		return far_end("none", json_array(),
			       "nothing arrives, and the sender is not notified");
	if (s->key->dst_host >> 24 == 127)
		return far_end("instance", json_array(), "the instance itself");
	if (!row || row->hop_type == NSG_HOP_INTERNET)
		return far_end("outbound", outbound_addresses(s->e),
			       row ? "one of the app's outbound addresses, or that of the "
				     "subnet's NAT gateway"
				   : "one of the app's outbound addresses");
	if (row->hop_type == NSG_HOP_APPLIANCE)
		return far_end("appliance", nsg_addresses_json(&src, 1),
			       "the appliance sees the instance's address in the subnet; what the "
			       "destination sees depends on the appliance");
	if (row->hop_type == NSG_HOP_SERVICE_ENDPOINT)
		return far_end("subnet", nsg_addresses_json(&src, 1),
			       "the instance's private address, with the subnet's identity");
	return far_end("subnet", nsg_addresses_json(&src, 1),
		       "the instance's private address in the subnet");
}

/* ---- notices -------------------------------------------------------------------------------- */

static bool in_subnet(const struct nsg_subnet *subnet, uint32_t addr_host)
{
	for (size_t i = 0; i < subnet->prefixes.n; i++)
		if (nsg_prefix_contains(subnet->prefixes.v[i], addr_host))
			return true;
	return false;
}

/* The row that the other endpoint-precedence selects; NULL when it is the same. */
static const struct nsg_row *other_answer(const struct story *s)
{
	struct nsg_effective other = *s->e;
	const struct nsg_row *row;

	if (!s->trial->row)
		return NULL;
	other.endpoint_lab = !other.endpoint_lab;
	row = nsg_rows_select(&other, s->trial->gate, s->trial->rows, s->trial->n_rows);
	return row == s->trial->row ? NULL : row;
}

static json_t *contested_words(const struct story *s, const struct nsg_row *other)
{
	char prefix[NSG_PREFIX_TEXT];

	nsg_prefix_format(other->prefix, prefix);
	return json_sprintf("sources disagree on whether service endpoints take precedence over "
			    "user routes: this is endpoint-precedence %s; with %s the packet takes "
			    "%s %s%s%s",
			    s->e->endpoint_lab ? "lab" : "doc", s->e->endpoint_lab ? "doc" : "lab",
			    nsg_hop_type_name(other->hop_type), prefix, other->name ? " of " : "",
			    other->name ? other->name : "");
}

/* The service tag of a private endpoint's service that contains the destination; NULL: none does. */
static const char *public_service(const struct story *s, const struct nsg_private_endpoint *p)
{
	for (size_t i = 0; i < p->service_ids.n; i++) {
		const char *name = nsg_service_tag_of(p->service_ids.v[i]);
		const struct nsg_tag *tag = name ? nsg_effective_tag_find(s->e, name) : NULL;

		for (size_t j = 0; tag && j < tag->prefixes.n; j++)
			if (nsg_prefix_contains(tag->prefixes.v[j], s->key->dst_host))
				return name;
	}
	return NULL;
}

/* An app that reaches a service by its public address although a private endpoint of such a service is
 * in reach has most likely resolved the public name. */
static int add_private_endpoints(const struct story *s, json_t *array)
{
	char dst[NSG_IP4_TEXT], addr[NSG_IP4_TEXT];

	nsg_ip4_format(s->key->dst_host, dst);
	for (size_t i = 0; i < s->e->n_rows; i++) {
		const struct nsg_row *row = &s->e->rows[i];
		const struct nsg_private_endpoint *p = NULL;
		const char *tag;

		if (row->hop_type != NSG_HOP_INTERFACE_ENDPOINT || !row->detail)
			continue;
		for (size_t j = 0; j < s->e->policy->n_private_endpoints && !p; j++)
			if (strcmp(s->e->policy->private_endpoints[j].name, row->detail) == 0)
				p = &s->e->policy->private_endpoints[j];
		tag = p ? public_service(s, p) : NULL;
		if (!tag)
			continue;
		nsg_ip4_format(row->prefix.addr_host, addr);
		if (json_array_append_new(
			array,
			json_sprintf("%s is a public address of %s, although the private "
				     "endpoint %s (%s) for such a service is reachable: to use "
				     "it, the app must resolve the private name; check the "
				     "private DNS zone",
				     dst, tag, p->name, addr)) < 0)
			return -ENOMEM;
	}
	return 0;
}

static json_t *notices_json(const struct story *s)
{
	const struct nsg_prefix all = {0, 0};
	const struct nsg_tag_member *member = nsg_virtual_network_member(s->e, all);
	const struct nsg_row *other = other_answer(s);
	cleanup_json json_t *array = json_array();
	int r = 0;

	if (!in_subnet(s->e->subnet, s->key->src_host))
		r |= json_array_append_new(
		    array, json_sprintf("the source is not in the integration subnet %s, where the "
					"app's packets come from; it is evaluated as given",
					s->e->subnet->name));
	if (nsg_gate_enters(s->trial->gate) && s->trial->nsg_evaluated && s->trial->has_nsg &&
	    member)
		r |= json_array_append_new(
		    array,
		    json_string(
			"a route for 0.0.0.0/0 makes the tag VirtualNetwork cover every "
			"address: AllowVnetOutBound allows all that no earlier rule denies"));
	if (other)
		r |= json_array_append_new(array, contested_words(s, other));
	r |= add_private_endpoints(s, array);
	return r ? NULL : TAKE_PTR(array);
}

/* ---- all of it ------------------------------------------------------------------------------ */

/* The key admin is there only if the policy has security admin rules. */
static json_t *story_json(const struct story *s)
{
	json_t *story = NSG_JSON_OBJECT(PAIR_J("gate", gate_json(s)), PAIR_J("tags", tags_json(s)));
	int r = 0;

	if (s->e->n_admin_rules)
		r = NSG_JSON_ADD(story, PAIR_J("admin", admin_json(s)));
	if (r < 0 ||
	    NSG_JSON_ADD(story, PAIR_J("nsg", nsg_words(s)),
			 PAIR_J("rules", rules_json(s->trial->rules, s->trial->n_rules)),
			 PAIR_J("routes", rows_json(s)), PAIR_J("nextHop", next_hop_json(s)),
			 PAIR_J("farEnd", far_end_json(s)),
			 PAIR_J("notices", notices_json(s))) < 0) {
		json_decref(story);
		return NULL;
	}
	return story;
}

int nsg_explain_flow(const struct nsg_effective *e, const struct nsg_image *image,
		     const struct nsg_key *key, struct nsg_diag *diag, json_t **ret)
{
	cleanup_trial struct nsg_trial trial = {0};
	const struct nsg_decision decision = nsg_classify(image, key);
	const struct story story = {.e = e, .key = key, .trial = &trial};
	cleanup_json json_t *object = json_object();
	int r;

	r = nsg_trial_run(e, key, &trial);
	if (r < 0)
		return r;
	r = nsg_trial_check(&trial, image, &decision, diag);
	if (r < 0)
		return r;
	r = nsg_record_put_decision(object, image, key, &decision);
	if (r < 0)
		return r;
	r = NSG_JSON_ADD(object, PAIR_J("story", story_json(&story)));
	if (r < 0)
		return r;
	*ret = TAKE_PTR(object);
	return 0;
}
