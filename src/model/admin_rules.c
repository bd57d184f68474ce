/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Security admin rules: the outbound ones in the order of evaluation. */
#include "model/effective_priv.h"

#include <errno.h>
#include <stdlib.h>

#include "util/limits.h"
#include "util/macro.h"

static void check_tag(struct nsg_build *b, const struct nsg_rule *r, const struct nsg_address *a,
		      const char *tag, const char *side)
{
	enum nsg_tag_kind kind = nsg_tag_kind_of(tag);

	if (kind == NSG_TAG_PLATFORM_DNS || kind == NSG_TAG_PLATFORM_IMDS)
		(void)nsg_diag_add(b->diag, NSG_WARNING, &a->place, NULL,
				   "rule %s: security admin rules do not apply to the platform's "
				   "addresses, and %s has no others",
				   r->name, tag);
	else
		nsg_check_rule_tag(b, r, a, tag, side);
}

static void check_address(struct nsg_build *b, const struct nsg_rule *r,
			  const struct nsg_address *a, const char *side)
{
	if (a->kind == NSG_ADDRESS_TAG)
		check_tag(b, r, a, a->tag, side);
	for (size_t i = 0; i < a->tags.n; i++)
		check_tag(b, r, a, a->tags.v[i], side);
}

/* Rules are of one array, in document order. */
static int by_priority(const void *a, const void *b)
{
	const struct nsg_effective_rule *x = a, *y = b;
	int r = NSG_CMP(x->rule->priority, y->rule->priority);

	return r ? r : NSG_CMP(x->rule, y->rule);
}

static void check_priorities(struct nsg_build *b)
{
	const struct nsg_effective *e = b->e;

	for (size_t i = 1; i < e->n_admin_rules; i++) {
		const struct nsg_rule *before = e->admin_rules[i - 1].rule;
		const struct nsg_rule *rule = e->admin_rules[i].rule;

		if (rule->priority == before->priority)
			(void)nsg_diag_add(b->diag, NSG_WARNING, &rule->priority_place, NULL,
					   "security admin rules %s and %s both have priority %u: "
					   "%s, the earlier one, is evaluated first",
					   before->name, rule->name, rule->priority, before->name);
	}
}

static int add_rule(struct nsg_build *b, const struct nsg_rule *rule)
{
	struct nsg_effective *e = b->e;

	check_address(b, rule, &rule->src, "source");
	check_address(b, rule, &rule->dst, "destination");
	return nsg_derive_admin_rule(b, rule, &e->admin_rules[e->n_admin_rules++]);
}

static size_t count_outbound(const struct nsg_policy *p, const struct nsg_admin_rule **ret_first,
			     const struct nsg_admin_rule **ret_inbound)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_admin_rules; i++) {
		const struct nsg_admin_rule *rule = &p->admin_rules[i];

		if (rule->is_inbound)
			*ret_inbound = *ret_inbound ? *ret_inbound : rule;
		else if (!n++)
			*ret_first = rule;
	}
	return n;
}

int nsg_build_admin_rules(struct nsg_build *b)
{
	const struct nsg_policy *p = b->policy;
	const struct nsg_admin_rule *first = NULL, *inbound = NULL;
	struct nsg_effective *e = b->e;
	size_t n = count_outbound(p, &first, &inbound);
	int r;

	if (inbound)
		(void)nsg_diag_add(b->diag, NSG_NOTICE, &inbound->rule.place, NULL,
				   "%zu inbound security admin rule%s without effect: the "
				   "integration carries outbound traffic only",
				   p->n_admin_rules - n, p->n_admin_rules - n == 1 ? "" : "s");
	if (n && !e->profile->admin_rules) {
		(void)nsg_diag_add(b->diag, NSG_WARNING, &first->rule.place, NULL,
				   "%zu security admin rule%s ignored: profile %s has none", n,
				   n == 1 ? "" : "s", e->profile->name);
		return 0;
	}
	if (n > NSG_MAX_ADMIN_RULES) {
		(void)nsg_diag_add(b->diag, NSG_ERROR, &first->rule.place, NULL,
				   "%zu outbound security admin rules: at most %u are supported", n,
				   NSG_MAX_ADMIN_RULES);
		return 0;
	}
	e->admin_rules = nsg_arena_array(&e->arena, n + 1, sizeof(*e->admin_rules));
	if (!e->admin_rules)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_admin_rules; i++) {
		if (p->admin_rules[i].is_inbound)
			continue;
		r = add_rule(b, &p->admin_rules[i].rule);
		if (r < 0)
			return r;
	}
	qsort(e->admin_rules, e->n_admin_rules, sizeof(*e->admin_rules), by_priority);
	check_priorities(b);
	return 0;
}
