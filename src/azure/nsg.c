/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network security groups and their rules. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "azure/reader_priv.h"

#define TYPE_NSG "Microsoft.Network/networkSecurityGroups"
#define CODE_MISSING "SecurityRuleParametersMissing"
#define CODE_PRIORITY "SecurityRuleInvalidPriority"

struct rules {
	NSG_VEC(struct nsg_rule) v;
	NSG_VEC(const char *) inbound;
	struct nsg_place inbound_place;
};

/* The string, or an error that it is missing. */
static const char *need(struct nsg_sink *s, const struct nsg_node *rule, const char *name,
			const char *key)
{
	struct nsg_node n = nsg_node_get(rule, key);
	const char *text = nsg_read_string(s, &n);

	if (!n.value)
		nsg_node_say(s, rule, NSG_ERROR, CODE_MISSING, "rule '" NSG_QUOTE "' has no %s",
			     name, key);
	return text;
}

static void bad_word(struct nsg_sink *s, const struct nsg_node *rule, const char *name,
		     const char *key, const char *text, const char *wanted)
{
	struct nsg_node n = nsg_node_get(rule, key);

	if (*text)
		nsg_node_say(s, &n, NSG_ERROR, NULL,
			     "rule '" NSG_QUOTE "': %s is '" NSG_QUOTE "', not %s", name, key, text,
			     wanted);
}

/* False when it is neither; then there is an error. */
static bool read_direction(struct nsg_sink *s, const struct nsg_node *rule, const char *name,
			   bool *ret_inbound)
{
	const char *text = need(s, rule, name, "direction");

	*ret_inbound = !strcasecmp(text, "Inbound");
	if (*ret_inbound || !strcasecmp(text, "Outbound"))
		return true;
	bad_word(s, rule, name, "direction", text, "Inbound or Outbound");
	return false;
}

static enum nsg_access read_access(struct nsg_sink *s, const struct nsg_node *rule,
				   const char *name)
{
	const char *text = need(s, rule, name, "access");

	if (!strcasecmp(text, "Allow"))
		return NSG_ALLOW;
	if (strcasecmp(text, "Deny"))
		bad_word(s, rule, name, "access", text, "Allow or Deny");
	return NSG_DENY;
}

static uint16_t read_protocol(struct nsg_sink *s, const struct nsg_node *rule, const char *name)
{
	const char *text = need(s, rule, name, "protocol");
	uint8_t protocol = 0;

	if (!strcmp(text, "*") || !strcasecmp(text, "Any") || !strcasecmp(text, "All"))
		return NSG_PROTOCOL_ANY;
	if (nsg_protocol_parse(text, &protocol) < 0)
		bad_word(s, rule, name, "protocol", text, "Tcp, Udp, Icmp, Esp, Ah or *");
	return protocol;
}

/* User rules 100-4096 (NSG25); Azure's own stand behind them, at 65000-65500. */
static uint16_t read_priority(struct nsg_sink *s, const struct nsg_node *rule, const char *name,
			      bool is_default)
{
	unsigned int lo = is_default ? 65000 : 100, hi = is_default ? 65500 : 4096;
	struct nsg_node n = nsg_node_get(rule, "priority");
	json_int_t priority = json_integer_value(n.value);
	const char *text = json_is_string(n.value) ? nsg_read_string(s, &n) : "";
	char *end = NULL;

	if (!n.value) {
		nsg_node_say(s, rule, NSG_ERROR, CODE_MISSING,
			     "rule '" NSG_QUOTE "' has no priority", name);
		return 0;
	}
	if (*text >= '0' && *text <= '9' && strlen(text) < 10) {
		priority = strtol(text, &end, 10);
		if (*end)
			priority = 0;
	}
	if (priority >= lo && priority <= hi)
		return (uint16_t)priority;
	nsg_node_say(s, &n, NSG_ERROR, CODE_PRIORITY,
		     "rule '" NSG_QUOTE "': its priority must be a number from %u to %u", name, lo,
		     hi);
	return 0;
}

static void read_outbound(struct nsg_sink *s, const struct nsg_node *n, bool is_default,
			  struct nsg_rule *rule)
{
	struct nsg_node priority = nsg_node_get(n, "priority");

	rule->is_default = is_default;
	rule->access = read_access(s, n, rule->name);
	rule->protocol = read_protocol(s, n, rule->name);
	rule->priority = read_priority(s, n, rule->name, is_default);
	rule->src = nsg_read_rule_address(s, n, rule->name, "source");
	rule->dst = nsg_read_rule_address(s, n, rule->name, "destination");
	rule->src_ports = nsg_read_rule_ports(s, n, rule->name, "source", &rule->n_src_ports);
	rule->dst_ports = nsg_read_rule_ports(s, n, rule->name, "destination", &rule->n_dst_ports);
	rule->priority_place = nsg_node_place(s, &priority);
}

/* Of an inbound rule name and place only. False when it cannot be told which it is. */
static bool read_rule(struct nsg_sink *s, const struct nsg_node *n, const char *name,
		      bool is_default, struct nsg_rule *ret, bool *ret_inbound)
{
	bool known;

	*ret = (struct nsg_rule){.name = name, .place = nsg_node_place(s, n)};
	known = read_direction(s, n, name, ret_inbound);
	if (known && *ret_inbound)
		return true;
	if (!*name)
		nsg_node_say(s, n, NSG_ERROR, CODE_MISSING, "a rule has no name");
	if (known)
		read_outbound(s, n, is_default, ret);
	return known;
}

/* Its name, else the end of its id. Of an inbound rule neither can be wrong. */
static const char *read_name(struct nsg_sink *s, const struct nsg_node *n)
{
	struct nsg_node name = nsg_node_get(n, "name"), direction = nsg_node_get(n, "direction");
	const char *text = json_is_string(direction.value) ? nsg_read_string(s, &direction) : "";

	if (!strcasecmp(text, "Inbound") && !json_is_string(name.value))
		return "";
	text = nsg_id_name(nsg_read_string(s, &name));
	return *text ? text : nsg_id_name(nsg_read_member(s, n, "id"));
}

static void read_rules(struct nsg_sink *s, const struct nsg_node *nsg, const char *key,
		       bool is_default, struct rules *to)
{
	struct nsg_node list = nsg_node_get(nsg, key);
	size_t size = nsg_read_array(s, &list);

	for (size_t i = 0; i < size; i++) {
		struct nsg_node n = nsg_node_at(&list, i);
		struct nsg_rule rule;
		const char *name;
		bool inbound;

		if (!nsg_read_object(s, &n))
			continue;
		name = read_name(s, &n);
		if (!read_rule(s, &n, name, is_default, &rule, &inbound))
			continue;
		if (!inbound) {
			nsg_sink_push(s, &to->v, rule);
		} else if (!is_default) {
			if (!to->inbound.n)
				to->inbound_place = rule.place;
			nsg_sink_push(s, &to->inbound, rule.name);
		}
	}
}

/* subnet_id: of the subnet whose own it is, or "". */
static void read_nsg(struct nsg_reader *r, const struct nsg_node *n, const char *id,
		     const char *name, const char *subnet_id)
{
	struct nsg_sink *s = &r->sink;
	struct nsg_node subnets = nsg_node_get(n, "subnets");
	struct rules rules = {0};
	struct nsg_nsg nsg = {
	    .id = id,
	    .name = name,
	    .flush_connection = nsg_read_bool(s, n, "flushConnection") == NSG_TRUE,
	    .subnets = nsg_read_ids(s, &subnets),
	    .place = nsg_node_place(s, n),
	};

	nsg_note_subnet(s, &nsg.subnets, subnet_id);
	read_rules(s, n, "securityRules", false, &rules);
	read_rules(s, n, "defaultSecurityRules", true, &rules);
	nsg.inbound_place = rules.inbound_place;
	nsg.n_rules = rules.v.n;
	nsg.rules = nsg_sink_keep(s, &rules.v);
	nsg.n_inbound = rules.inbound.n;
	nsg.inbound = nsg_sink_keep(s, &rules.inbound);
	nsg_sink_push(s, &r->nsgs, nsg);
}

void nsg_read_nsg(struct nsg_reader *r, const struct nsg_node *n)
{
	struct nsg_identity who = nsg_read_identity(&r->sink, n, TYPE_NSG);

	read_nsg(r, n, who.id, who.name, "");
}

const char *nsg_read_inline_nsg(struct nsg_reader *r, const struct nsg_node *n,
				const char *subnet_id)
{
	struct nsg_identity who = nsg_read_identity(&r->sink, n, TYPE_NSG);
	bool filled = nsg_node_has(n, "securityRules") || nsg_node_has(n, "defaultSecurityRules");

	/* An id is a reference to a document elsewhere unless rules stand here; {"id": null} is
	 * none. */
	if ((!who.made && !filled) || nsg_names_nothing(n))
		return who.id;
	if (who.made)
		who.id = nsg_child_id(&r->sink, subnet_id, "networkSecurityGroups",
				      *who.name ? who.name : "inline");
	read_nsg(r, n, who.id, who.name, who.made ? subnet_id : "");
	return who.id;
}

static void read_loose(struct nsg_reader *r, const struct nsg_node *n, const char *type,
		       bool is_default)
{
	struct nsg_identity who = nsg_read_identity(&r->sink, n, type);
	struct nsg_loose_rule loose = {.loose = nsg_read_loose(r, n, &who)};

	if (read_rule(&r->sink, n, who.name, is_default, &loose.rule, &loose.inbound))
		nsg_sink_push(&r->sink, &r->rules, loose);
}

void nsg_read_loose_rule(struct nsg_reader *r, const struct nsg_node *n)
{
	read_loose(r, n, TYPE_NSG "/securityRules", false);
}

void nsg_read_loose_default_rule(struct nsg_reader *r, const struct nsg_node *n)
{
	read_loose(r, n, TYPE_NSG "/defaultSecurityRules", true);
}
