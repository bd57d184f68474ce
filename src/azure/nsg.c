/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network security groups and their rules. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "azure/reader_priv.h"
#include "util/cleanup.h"
#include "util/limits.h"

#define CODE_MISSING "SecurityRuleParametersMissing"
#define CODE_PRIORITY "SecurityRuleInvalidPriority"

static const char *need(struct nsg_sink *s, const struct nsg_node *rule, const char *name,
			const char *key)
{
	struct nsg_node n = nsg_node_get(rule, key);
	const char *text = nsg_read_string(s, &n);

	if (!n.value)
		nsg_node_report(s, rule, NSG_ERROR, CODE_MISSING, "rule '" NSG_QUOTE "' has no %s",
				name, key);
	return text;
}

static void report_value(struct nsg_sink *s, const struct nsg_node *rule, const char *name,
			 const char *key, const char *text, const char *expected)
{
	struct nsg_node n = nsg_node_get(rule, key);

	if (*text)
		nsg_node_report(s, &n, NSG_ERROR, NULL,
				"rule '" NSG_QUOTE "': %s is '" NSG_QUOTE "', not %s", name, key,
				text, expected);
}

bool nsg_read_rule_direction(struct nsg_sink *s, const struct nsg_node *rule, const char *name,
			     bool *ret_inbound)
{
	const char *text = need(s, rule, name, "direction");

	*ret_inbound = !strcasecmp(text, "Inbound");
	if (*ret_inbound || !strcasecmp(text, "Outbound"))
		return true;
	report_value(s, rule, name, "direction", text, "Inbound or Outbound");
	return false;
}

bool nsg_read_rule_access(struct nsg_reader *r, const struct nsg_field *f, const struct nsg_node *n,
			  void *to)
{
	struct nsg_rule *rule = to;
	const char *text = need(&r->sink, n, rule->name, f->key);

	if (!strcasecmp(text, "Allow"))
		rule->access = NSG_ALLOW;
	else if (rule->is_admin && !strcasecmp(text, "AlwaysAllow"))
		rule->access = NSG_ALWAYS_ALLOW;
	else if (strcasecmp(text, "Deny"))
		report_value(&r->sink, n, rule->name, f->key, text,
			     rule->is_admin ? "Allow, AlwaysAllow or Deny" : "Allow or Deny");
	return true;
}

bool nsg_read_rule_protocol(struct nsg_reader *r, const struct nsg_field *f,
			    const struct nsg_node *n, void *to)
{
	struct nsg_rule *rule = to;
	const char *text = need(&r->sink, n, rule->name, f->key);
	uint8_t protocol = 0;

	if (!strcmp(text, "*") || !strcasecmp(text, "Any") || !strcasecmp(text, "All")) {
		rule->protocol = NSG_PROTOCOL_ANY;
		return true;
	}
	if (nsg_protocol_parse(text, &protocol) < 0)
		report_value(&r->sink, n, rule->name, f->key, text, "Tcp, Udp, Icmp, Esp, Ah or *");
	rule->protocol = protocol;
	return true;
}

/* User rules 100-4096 (NSG25); Azure's default rules come after them, at 65000-65500. Admin rules
 * 1-4096 (AdminPropertiesFormat of the REST specification). */
bool nsg_read_rule_priority(struct nsg_reader *r, const struct nsg_field *f,
			    const struct nsg_node *n, void *to)
{
	struct nsg_rule *rule = to;
	unsigned int lo = rule->is_default ? 65000 : rule->is_admin ? 1 : 100;
	unsigned int hi = rule->is_default ? 65500 : 4096;
	struct nsg_node value = nsg_node_get(n, f->key);
	json_int_t priority = json_integer_value(value.value);
	const char *text = json_is_string(value.value) ? nsg_read_string(&r->sink, &value) : "";
	char *end = NULL;

	if (*text >= '0' && *text <= '9' && strlen(text) < 10) {
		priority = strtol(text, &end, 10);
		if (*end)
			priority = 0;
	}
	if (!value.value)
		nsg_node_report(&r->sink, n, NSG_ERROR, CODE_MISSING,
				"rule '" NSG_QUOTE "' has no priority", rule->name);
	else if (priority < lo || priority > hi)
		nsg_node_report(&r->sink, &value, NSG_ERROR, CODE_PRIORITY,
				"rule '" NSG_QUOTE "': its priority must be a number from %u to %u",
				rule->name, lo, hi);
	else
		rule->priority = (uint16_t)priority;
	return true;
}

static const struct nsg_field rule_lines[] = {
    {NULL, FIELD_OWN_NAME, AT(nsg_rule, name)},
    {NULL, FIELD_PLACE, AT(nsg_rule, place)},
    {NULL, FIELD_BYTES, AT(nsg_rule, is_default)}, /* set before the rest is read */
    {"access", FIELD_BYTES, AT(nsg_rule, access), .read = nsg_read_rule_access},
    {"protocol", FIELD_BYTES, AT(nsg_rule, protocol), .read = nsg_read_rule_protocol},
    {"priority", FIELD_BYTES, AT(nsg_rule, priority), .read = nsg_read_rule_priority},
    {"priority", FIELD_PLACE, AT(nsg_rule, priority_place)},
    {"sourceAddressPrefix", FIELD_ADDRESS, AT(nsg_rule, src), .other = "sourceAddressPrefixes",
     .groups = "sourceApplicationSecurityGroups", .read = nsg_read_rule_address},
    {"destinationAddressPrefix", FIELD_ADDRESS, AT(nsg_rule, dst),
     .other = "destinationAddressPrefixes", .groups = "destinationApplicationSecurityGroups",
     .read = nsg_read_rule_address},
    {"sourcePortRange", FIELD_PORTS, LIST(nsg_rule, src_ports), .other = "sourcePortRanges",
     .read = nsg_read_rule_ports},
    {"destinationPortRange", FIELD_PORTS, LIST(nsg_rule, dst_ports),
     .other = "destinationPortRanges", .read = nsg_read_rule_ports},
};

static const struct nsg_fields rule_fields = {
    .word = "rule",
    FIELDS(rule_lines, nsg_rule),
    .name = offsetof(struct nsg_rule, name),
};

/* An inbound rule has no effect: only its name and place are read. False when the direction is
 * neither; then there is an error. */
static bool read_rule(struct nsg_reader *r, const struct nsg_node *n, struct nsg_identity *who,
		      bool is_default, struct nsg_rule *ret, bool *ret_inbound)
{
	bool known;

	*ret = (struct nsg_rule){
	    .name = who->name,
	    .place = nsg_node_place(&r->sink, n),
	    .is_default = is_default,
	};
	known = nsg_read_rule_direction(&r->sink, n, who->name, ret_inbound);
	if (known && *ret_inbound)
		return true;
	if (!*who->name)
		nsg_node_report(&r->sink, n, NSG_ERROR, CODE_MISSING, "a rule has no name");
	return known && nsg_fields_read(r, &rule_fields, n, who, ret);
}

/* ---- NSGs ----------------------------------------------------------------------------------- */

struct rules {
	NSG_VEC(struct nsg_rule) v;
	NSG_VEC(const char *) inbound;
	struct nsg_place inbound_place;
};

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

static void add_rule(struct nsg_reader *r, const struct nsg_node *n, bool is_default,
		     struct rules *to)
{
	struct nsg_identity who = {.name = read_name(&r->sink, n)};
	struct nsg_rule rule;
	bool inbound;

	if (!read_rule(r, n, &who, is_default, &rule, &inbound))
		return;
	if (!inbound) {
		nsg_sink_push(&r->sink, &to->v, rule);
	} else if (!is_default) {
		if (!to->inbound.n)
			to->inbound_place = rule.place;
		nsg_sink_push(&r->sink, &to->inbound, rule.name);
	}
}

static void read_list(struct nsg_reader *r, const struct nsg_node *n, const char *key,
		      bool is_default, struct rules *to)
{
	struct nsg_node list = nsg_node_get(n, key);
	size_t size = nsg_read_array(&r->sink, &list);

	for (size_t i = 0; i < size; i++) {
		struct nsg_node rule = nsg_node_at(&list, i);

		if (nsg_read_object(&r->sink, &rule))
			add_rule(r, &rule, is_default, to);
	}
}

static bool read_rules(struct nsg_reader *r, const struct nsg_field *f, const struct nsg_node *n,
		       void *to)
{
	struct nsg_nsg *nsg = to;
	struct rules rules = {0};

	read_list(r, n, f->key, false, &rules);
	read_list(r, n, f->other, true, &rules);
	nsg->inbound_place = rules.inbound_place;
	nsg->n_rules = rules.v.n;
	nsg->rules = nsg_sink_keep(&r->sink, &rules.v);
	nsg->n_inbound = rules.inbound.n;
	nsg->inbound = nsg_sink_keep(&r->sink, &rules.inbound);
	return true;
}

/* Azure's own default rules are there whether a document has them or not. */
static bool is_tag(const struct nsg_address *a, const char *tag)
{
	return a->kind == NSG_ADDRESS_TAG && !strcasecmp(a->tag, tag);
}

static bool is_every_port(const struct nsg_port_range *v, size_t n)
{
	return n == 1 && v->lo == 0 && v->hi == 65535;
}

static bool is_azures_own(const struct nsg_rule *r)
{
	if (!r->is_default || r->protocol != NSG_PROTOCOL_ANY ||
	    !is_every_port(r->src_ports, r->n_src_ports) ||
	    !is_every_port(r->dst_ports, r->n_dst_ports))
		return false;
	if (r->priority == 65000)
		return r->access == NSG_ALLOW && !strcasecmp(r->name, "AllowVnetOutBound") &&
		       is_tag(&r->src, "VirtualNetwork") && is_tag(&r->dst, "VirtualNetwork");
	if (r->src.kind != NSG_ADDRESS_ANY)
		return false;
	if (r->priority == 65001)
		return r->access == NSG_ALLOW && !strcasecmp(r->name, "AllowInternetOutBound") &&
		       is_tag(&r->dst, "Internet");
	return r->priority == 65500 && r->access == NSG_DENY &&
	       !strcasecmp(r->name, "DenyAllOutBound") && r->dst.kind == NSG_ADDRESS_ANY;
}

/* By name, a default rule after a rule of the same name. */
static int by_rule(const void *a, const void *b)
{
	const struct nsg_rule *x = *(const struct nsg_rule *const *)a;
	const struct nsg_rule *y = *(const struct nsg_rule *const *)b;
	int r = strcasecmp(x->name, y->name);

	return r ? r : NSG_CMP(x->is_default, y->is_default);
}

/* Those that are not Azure's own, in order; to be freed. */
static const struct nsg_rule **own_rules(struct nsg_sink *s, const struct nsg_nsg *nsg,
					 size_t *ret_n)
{
	const struct nsg_rule **v = calloc(nsg->n_rules + 1, sizeof(*v));
	size_t n = 0;

	if (!v) {
		s->no_memory = true;
		return NULL;
	}
	for (size_t i = 0; i < nsg->n_rules; i++) {
		if (!is_azures_own(&nsg->rules[i]))
			v[n++] = &nsg->rules[i];
	}
	qsort(v, n, sizeof(*v), by_rule);
	*ret_n = n;
	return v;
}

static bool same_rules(struct nsg_sink *s, const void *a, const void *b)
{
	size_t na = 0, nb = 0;
	cleanup_free const struct nsg_rule **va = own_rules(s, a, &na);
	cleanup_free const struct nsg_rule **vb = own_rules(s, b, &nb);

	if (!va || !vb || na != nb)
		return false;
	for (size_t i = 0; i < na; i++) {
		if (by_rule(&va[i], &vb[i]) || !nsg_fields_same(s, &rule_fields, va[i], vb[i]))
			return false;
	}
	return true;
}

static void check_bounds(struct nsg_sink *s, const void *data)
{
	const struct nsg_nsg *nsg = data;
	size_t n_default = 0;

	for (size_t i = 0; i < nsg->n_rules; i++)
		n_default += nsg->rules[i].is_default;
	if (nsg->n_rules - n_default + nsg->n_inbound > NSG_MAX_RULES)
		(void)nsg_diag_add(s->diag, NSG_ERROR, &nsg->place, NULL,
				   "NSG '" NSG_QUOTE "' has %zu rules, of both directions; Azure "
				   "allows %u",
				   nsg->name, nsg->n_rules - n_default + nsg->n_inbound,
				   NSG_MAX_RULES);
	if (n_default > NSG_MAX_DEFAULT_RULES)
		(void)nsg_diag_add(s->diag, NSG_ERROR, &nsg->place, NULL,
				   "NSG '" NSG_QUOTE "' has more than %u outbound default rules",
				   nsg->name, NSG_MAX_DEFAULT_RULES);
}

static const struct nsg_field nsg_lines[] = {
    {NULL, FIELD_OWN_NAME, AT(nsg_nsg, name)},
    {NULL, FIELD_OWN_ID, AT(nsg_nsg, id)},
    {NULL, FIELD_PLACE, AT(nsg_nsg, place)},
    {"flushConnection", FIELD_FLAG, AT(nsg_nsg, flush_connection)},
    {"subnets", FIELD_USED_BY, AT(nsg_nsg, subnets)},
    {"securityRules", FIELD_OTHER, AT(nsg_nsg, rules), .other = "defaultSecurityRules",
     .read = read_rules},
};

static const struct nsg_fields nsg_fields = {
    .word = "NSG",
    FIELDS(nsg_lines, nsg_nsg),
    .same = same_rules,
};

/* An NSG may be empty: the keys alone decide. */
static bool looks_like_nsg(const struct nsg_node *n)
{
	json_t *inner = nsg_member(n->value, "properties");

	return nsg_member(n->value, "securityRules") || nsg_member(inner, "securityRules");
}

const struct nsg_kind nsg_kind_nsg = {
    .looks = looks_like_nsg,
    .fields = &nsg_fields,
    IN_POLICY(nsgs),
    .content = {"securityRules", "defaultSecurityRules"},
    .show = "az network nsg show",
    .bound = check_bounds,
};

/* ---- rules that have documents of their own ------------------------------------------------- */

/* The name, for the number of inbound rules; each once. */
static bool note_inbound(struct nsg_sink *s, void *parent, const void *child)
{
	const struct nsg_rule *rule = child;
	struct nsg_nsg *nsg = parent;
	const char **names;

	for (size_t i = 0; i < nsg->n_inbound; i++) {
		if (!strcasecmp(nsg->inbound[i], rule->name))
			return true;
	}
	/* above the bound, check_bounds reports it */
	if (rule->is_default || nsg->n_inbound > NSG_MAX_RULES)
		return true;
	names = nsg_sink_array(s, nsg->n_inbound + 1, sizeof(*names));
	if (!names)
		return true;
	if (nsg->n_inbound)
		memcpy(names, nsg->inbound, nsg->n_inbound * sizeof(*names));
	else
		nsg->inbound_place = rule->place;
	names[nsg->n_inbound++] = rule->name;
	nsg->inbound = names;
	return true;
}

/* A user rule and a default rule may have one name. */
static bool is_same_rule(const void *a, const void *b)
{
	return ((const struct nsg_rule *)a)->is_default == ((const struct nsg_rule *)b)->is_default;
}

#define RULE                                                                                       \
	.fields = &rule_fields, .parent = &nsg_kind_nsg, IN_PARENT(nsg_nsg, rules),                \
	.max = NSG_MAX_RULES + NSG_MAX_DEFAULT_RULES, .may_stand_alone = true,                     \
	.is_same = is_same_rule

/* Never recognised: what the others collect inbound rules as. */
static const struct nsg_kind kind_inbound_rule = {RULE, .adopt = note_inbound};

static void collect_rule(struct nsg_reader *r, const struct nsg_node *n,
			 const struct nsg_kind *kind, bool is_default)
{
	struct nsg_identity who = nsg_read_identity(&r->sink, n, nsg_kind_type(kind));
	struct nsg_rule *rule = nsg_sink_array(&r->sink, 1, sizeof(*rule));
	bool inbound;

	if (rule && read_rule(r, n, &who, is_default, rule, &inbound))
		nsg_collect_add(r, n, inbound ? &kind_inbound_rule : kind, &who, rule);
}

static void collect_user_rule(struct nsg_reader *r, const struct nsg_node *n)
{
	collect_rule(r, n, &nsg_kind_rule, false);
}

static void collect_default_rule(struct nsg_reader *r, const struct nsg_node *n)
{
	collect_rule(r, n, &nsg_kind_default_rule, true);
}

/* Three fields of a rule: one that lacks a field is still recognised. */
static bool looks_like_rule(const struct nsg_node *n)
{
	return NSG_COUNT_KEYS(n, "priority", "access", "direction", "protocol",
			      "sourceAddressPrefix", "sourceAddressPrefixes",
			      "destinationAddressPrefix", "destinationAddressPrefixes",
			      "sourcePortRange", "sourcePortRanges", "destinationPortRange",
			      "destinationPortRanges") > 2;
}

const struct nsg_kind nsg_kind_rule = {
    .looks = looks_like_rule,
    .read = collect_user_rule,
    RULE,
};

const struct nsg_kind nsg_kind_default_rule = {
    .read = collect_default_rule,
    RULE,
};
