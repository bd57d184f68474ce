/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of the NSG that a security admin rule makes useless. One admin rule is compared at a time:
 * what only several of them take together is not reported.
 */
#include "lint/lint_priv.h"

#include "model/ranges.h"

/* Comparisons of ranges: far below a second. */
#define MAX_WORK ((uint64_t)1 << 24)

struct check {
	const struct nsg_effective *e;
	struct nsg_diag *diag;
	uint64_t work;
};

static bool ports_hold(const struct nsg_port_range *outer, size_t n_outer,
		       const struct nsg_port_range *inner, size_t n_inner)
{
	for (size_t i = 0, o = 0; i < n_inner; i++) {
		while (o < n_outer && outer[o].hi < inner[i].lo)
			o++;
		if (o == n_outer || outer[o].lo > inner[i].lo || outer[o].hi < inner[i].hi)
			return false;
	}
	return true;
}

static bool ports_meet(const struct nsg_port_range *a, size_t n_a, const struct nsg_port_range *b,
		       size_t n_b)
{
	for (size_t i = 0, j = 0; i < n_a && j < n_b;) {
		if (a[i].lo <= b[j].hi && b[j].lo <= a[i].hi)
			return true;
		if (a[i].hi < b[j].hi)
			i++;
		else
			j++;
	}
	return false;
}

static bool addresses_hold(struct check *c, const struct nsg_ranges *outer,
			   const struct nsg_ranges *inner)
{
	for (size_t i = 0, o = 0; i < inner->n; i++) {
		for (; o < outer->n && outer->v[o].hi < inner->v[i].lo; o++)
			c->work++;
		c->work++;
		if (o == outer->n || outer->v[o].lo > inner->v[i].lo ||
		    outer->v[o].hi < inner->v[i].hi)
			return false;
	}
	return true;
}

/* Whether the admin rule matches every packet that the NSG's rule matches. */
static bool takes_all(struct check *c, const struct nsg_effective_rule *admin,
		      const struct nsg_effective_rule *rule)
{
	if (admin->rule->protocol != NSG_PROTOCOL_ANY &&
	    admin->rule->protocol != rule->rule->protocol)
		return false;
	return ports_hold(admin->src_ports, admin->n_src_ports, rule->src_ports,
			  rule->n_src_ports) &&
	       ports_hold(admin->dst_ports, admin->n_dst_ports, rule->dst_ports,
			  rule->n_dst_ports) &&
	       addresses_hold(c, admin->src.ranges, rule->src.ranges) &&
	       addresses_hold(c, admin->dst.ranges, rule->dst.ranges);
}

static bool takes_some(struct check *c, const struct nsg_effective_rule *admin,
		       const struct nsg_effective_rule *rule)
{
	if (admin->rule->protocol != NSG_PROTOCOL_ANY && rule->rule->protocol != NSG_PROTOCOL_ANY &&
	    admin->rule->protocol != rule->rule->protocol)
		return false;
	c->work += admin->src.ranges->n + admin->dst.ranges->n;
	c->work += rule->src.ranges->n + rule->dst.ranges->n;
	return ports_meet(admin->src_ports, admin->n_src_ports, rule->src_ports,
			  rule->n_src_ports) &&
	       ports_meet(admin->dst_ports, admin->n_dst_ports, rule->dst_ports,
			  rule->n_dst_ports) &&
	       !nsg_ranges_disjoint(admin->src.ranges, rule->src.ranges) &&
	       !nsg_ranges_disjoint(admin->dst.ranges, rule->dst.ranges);
}

static void report(struct check *c, const struct nsg_rule *admin, const struct nsg_rule *rule)
{
	const struct nsg_place *place = nsg_place_of(c->e->policy, &rule->place);

	if (admin->access == NSG_DENY)
		(void)nsg_diag_lint(c->diag, NSG_WARNING, place, "AdminRuleDecides",
				    "rule %s (%u) never allows anything: security admin rule %s "
				    "(%u) denies all of it before the NSG is evaluated",
				    rule->name, rule->priority, admin->name, admin->priority);
	else
		(void)nsg_diag_lint(c->diag, NSG_WARNING, place, "AdminRuleDecides",
				    "rule %s (%u) never denies anything: security admin rule %s "
				    "(%u) always allows all of it",
				    rule->name, rule->priority, admin->name, admin->priority);
}

/* The first admin rule that some of the rule's packets match must match all of them. */
static void check_rule(struct check *c, const struct nsg_effective_rule *rule)
{
	const struct nsg_effective *e = c->e;
	const enum nsg_access contrary =
	    rule->rule->access == NSG_ALLOW ? NSG_DENY : NSG_ALWAYS_ALLOW;

	for (size_t i = 0; i < e->n_admin_rules && c->work < MAX_WORK; i++) {
		const struct nsg_effective_rule *admin = &e->admin_rules[i];

		if (!takes_some(c, admin, rule))
			continue;
		if (admin->rule->access == contrary && takes_all(c, admin, rule))
			report(c, admin->rule, rule->rule);
		return;
	}
}

void nsg_lint_admin_rules(const struct nsg_effective *e, struct nsg_diag *diag)
{
	struct check c = {.e = e, .diag = diag};

	for (size_t i = 0; i < e->n_rules; i++)
		if (!e->rules[i].rule->is_default && e->rules[i].dst.kind == NSG_MATCH_RANGES)
			check_rule(&c, &e->rules[i]);
}
