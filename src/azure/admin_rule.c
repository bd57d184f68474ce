/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Security admin rules of a virtual network manager: effective ones, and those of a rule collection. */
#include "azure/reader_priv.h"

#define PORTS(list)                                                                                \
	.at = offsetof(struct nsg_admin_rule, rule.list),                                          \
	.at_n = offsetof(struct nsg_admin_rule, rule.n_##list),                                    \
	.size = sizeof(struct nsg_port_range)

static bool read_ports(struct nsg_reader *r, const struct nsg_field *f, const struct nsg_node *n,
		       void *to)
{
	struct nsg_port_range *all;

	if (nsg_node_has(n, f->other))
		return nsg_read_rule_ports(r, f, n, to);
	all = nsg_sink_array(&r->sink, 1, sizeof(*all));
	if (!all)
		return true;
	*all = (struct nsg_port_range){0, 65535};
	*(struct nsg_port_range **)nsg_field_at(f, to) = all;
	*nsg_field_count(f, to) = 1;
	return true;
}

static const struct nsg_field lines[] = {
    {NULL, FIELD_OWN_NAME, AT(nsg_admin_rule, rule.name)},
    {NULL, FIELD_PLACE, AT(nsg_admin_rule, rule.place)},
    {NULL, FIELD_FLAG, AT(nsg_admin_rule, is_inbound)}, /* set before the rest is read */
    {"access", FIELD_BYTES, AT(nsg_admin_rule, rule.access), .read = nsg_read_rule_access},
    {"protocol", FIELD_BYTES, AT(nsg_admin_rule, rule.protocol), .read = nsg_read_rule_protocol},
    {"priority", FIELD_BYTES, AT(nsg_admin_rule, rule.priority), .read = nsg_read_rule_priority},
    {"priority", FIELD_PLACE, AT(nsg_admin_rule, rule.priority_place)},
    {"sources", FIELD_ADDRESS, AT(nsg_admin_rule, rule.src), .read = nsg_read_admin_address},
    {"destinations", FIELD_ADDRESS, AT(nsg_admin_rule, rule.dst), .read = nsg_read_admin_address},
    {"sourcePortRange", FIELD_PORTS, PORTS(src_ports), .other = "sourcePortRanges",
     .read = read_ports},
    {"destinationPortRange", FIELD_PORTS, PORTS(dst_ports), .other = "destinationPortRanges",
     .read = read_ports},
};

static const struct nsg_fields fields = {
    .word = "security admin rule",
    FIELDS(lines, nsg_admin_rule),
    .name = offsetof(struct nsg_admin_rule, rule.name),
};

/* An inbound rule has no effect: only its name and place are read. */
static void collect(struct nsg_reader *r, const struct nsg_node *n)
{
	struct nsg_identity who =
	    nsg_read_identity(&r->sink, n, nsg_kind_type(&nsg_kind_admin_rule));
	struct nsg_admin_rule *rule = nsg_sink_array(&r->sink, 1, sizeof(*rule));

	if (!rule)
		return;
	if (!who.made)
		who.name = nsg_id_name(who.id);
	rule->id = who.id;
	rule->rule.name = who.name;
	rule->rule.place = nsg_node_place(&r->sink, n);
	rule->rule.is_admin = true;
	if (!nsg_read_rule_direction(&r->sink, n, who.name, &rule->is_inbound))
		return;
	if (!*who.name)
		nsg_node_report(&r->sink, n, NSG_ERROR, NULL, "a rule has no name");
	if (rule->is_inbound || nsg_fields_read(r, &fields, n, &who, rule))
		nsg_collect_add(r, n, &nsg_kind_admin_rule, &who, rule);
}

static bool has_list(json_t *object)
{
	return nsg_member(object, "sources") || nsg_member(object, "destinations");
}

static bool looks_like_admin_rule(const struct nsg_node *n)
{
	return NSG_COUNT_KEYS(n, "direction", "priority") == 2 &&
	       (has_list(n->value) || has_list(nsg_member(n->value, "properties")));
}

const struct nsg_kind nsg_kind_admin_rule = {
    .looks = looks_like_admin_rule,
    .read = collect,
    .fields = &fields,
    IN_POLICY(admin_rules),
    .document_only = true,
};
