/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of the NSG that security admin rules make useless, one of them or several that divide the
 * destinations or the protocols. Other divisions, of ports or sources, are not recognised.
 */
#include "lint/lint_priv.h"

#include "model/ranges.h"
#include "util/macro.h"

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

static bool is_of(const struct nsg_effective_rule *rule, int protocol)
{
	return rule->rule->protocol == NSG_PROTOCOL_ANY || rule->rule->protocol == protocol;
}

/* Whether the admin rule matches all packets of the protocol that the NSG's rule matches and that
 * go to the admin rule's destinations. */
static bool takes_all(struct check *c, const struct nsg_effective_rule *admin,
		      const struct nsg_effective_rule *rule)
{
	return ports_hold(admin->src_ports, admin->n_src_ports, rule->src_ports,
			  rule->n_src_ports) &&
	       ports_hold(admin->dst_ports, admin->n_dst_ports, rule->dst_ports,
			  rule->n_dst_ports) &&
	       addresses_hold(c, admin->src.ranges, rule->src.ranges);
}

static bool takes_some(struct check *c, const struct nsg_effective_rule *admin,
		       const struct nsg_effective_rule *rule, const struct nsg_ranges *dst)
{
	c->work += admin->src.ranges->n + admin->dst.ranges->n;
	c->work += rule->src.ranges->n + dst->n;
	return ports_meet(admin->src_ports, admin->n_src_ports, rule->src_ports,
			  rule->n_src_ports) &&
	       ports_meet(admin->dst_ports, admin->n_dst_ports, rule->dst_ports,
			  rule->n_dst_ports) &&
	       !nsg_ranges_disjoint(admin->src.ranges, rule->src.ranges) &&
	       !nsg_ranges_disjoint(admin->dst.ranges, dst);
}

/* The admin rules that take the packets of one rule: the first of them. */
struct takers {
	const struct nsg_rule *first;
	bool several;
};

static void report(struct check *c, const struct takers *by, const struct nsg_rule *rule)
{
	const struct nsg_place *place = nsg_place_of(c->e->policy, &rule->place);
	bool denies = rule->access == NSG_ALLOW;

	(void)nsg_diag_lint(c->diag, NSG_WARNING, place, "AdminRuleDecides",
			    "rule %s (%u) never %s anything: security admin rule %s (%u)%s%s",
			    rule->name, rule->priority, denies ? "allows" : "denies",
			    by->first->name, by->first->priority,
			    by->several ? " and others " : " ",
			    denies && by->several ? "deny all of it before the NSG is evaluated"
			    : denies		  ? "denies all of it before the NSG is evaluated"
			    : by->several	  ? "always allow all of it"
						  : "always allows all of it");
}

static void add_taker(struct takers *by, const struct nsg_rule *admin)
{
	by->several |= by->first && by->first != admin;
	if (!by->first || admin->priority < by->first->priority)
		by->first = admin;
}

/* Whether no packet of the protocol is left to the rule, nor taken the rule's own way: each admin
 * rule that decides some of what the earlier ones left must be contrary. */
static int is_taken(struct check *c, const struct nsg_effective_rule *rule, int protocol,
		    struct takers *by, bool *ret)
{
	const struct nsg_effective *e = c->e;
	const enum nsg_access contrary =
	    rule->rule->access == NSG_ALLOW ? NSG_DENY : NSG_ALWAYS_ALLOW;
	cleanup_ranges struct nsg_ranges left = {0};
	int r;

	*ret = false;
	r = nsg_ranges_union(rule->dst.ranges, &nsg_ranges_nothing, &left);
	for (size_t i = 0; !r && i < e->n_admin_rules && c->work < MAX_WORK && left.n; i++) {
		const struct nsg_effective_rule *admin = &e->admin_rules[i];
		struct nsg_ranges rest = {0};

		if (!is_of(admin, protocol) || !takes_some(c, admin, rule, &left))
			continue;
		if (admin->rule->access != contrary)
			return 0;
		if (!takes_all(c, admin, rule))
			continue;
		r = nsg_ranges_subtract(&left, admin->dst.ranges, &rest);
		if (r < 0)
			return r;
		nsg_ranges_done(&left);
		left = rest;
		add_taker(by, admin->rule);
	}
	*ret = !r && !left.n;
	return r;
}

/* Protocols other than these are not carried. */
static int check_rule(struct check *c, const struct nsg_effective_rule *rule)
{
	static const int carried[] = {NSG_PROTOCOL_TCP, NSG_PROTOCOL_UDP};
	struct takers by = {0};
	bool all = true;
	int r = 0;

	for (size_t i = 0; !r && all && i < NSG_ARRAY_SIZE(carried); i++)
		if (is_of(rule, carried[i]))
			r = is_taken(c, rule, carried[i], &by, &all);
	if (!r && all && by.first)
		report(c, &by, rule->rule);
	return r;
}

int nsg_lint_admin_rules(const struct nsg_effective *e, struct nsg_diag *diag)
{
	struct check c = {.e = e, .diag = diag};
	int r = 0;

	for (size_t i = 0; !r && i < e->n_rules; i++)
		if (!e->rules[i].rule->is_default && e->rules[i].dst.kind == NSG_MATCH_RANGES)
			r = check_rule(&c, &e->rules[i]);
	return r;
}
