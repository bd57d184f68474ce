/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "kernel/attr.h"
#include "util/macro.h"

#define BLOCKS_FIRST 20u
#define BLOCK_SPAN (NSG_RULES_BLOCK + 2)
#define END (NSG_RULES_SPAN - 1)

_Static_assert(BLOCKS_FIRST + (NSG_MAX_HOPS / NSG_RULES_BLOCK + 1) * BLOCK_SPAN == END,
	       "the blocks fill the span");

void nsg_rules_done(struct nsg_rules *r)
{
	nsg_vec_done(&r->rules);
}

#define cleanup_rules __attribute__((cleanup(nsg_rules_done)))

static bool has_table(const struct nsg_hop *hop)
{
	return hop->used && nsg_hop_has_table(hop);
}

static int add(struct nsg_rules *r, struct nsg_rule rule)
{
	return nsg_vec_push(&r->rules, rule);
}

static int add_block(const struct nsg_hops *h, uint32_t block, struct nsg_rules *r)
{
	const uint32_t base = h->conf->rule_priority, shift = h->marks->hop_shift;
	const uint32_t start = base + BLOCKS_FIRST + block * BLOCK_SPAN;
	const uint32_t first = block * NSG_RULES_BLOCK;
	int e;

	e = add(r, (struct nsg_rule){.pref = start + 1 + NSG_RULES_BLOCK,
				     .action = FR_ACT_GOTO,
				     .target = base + END});
	if (e < 0)
		return e;
	for (uint32_t n = first + NSG_RULES_BLOCK; n-- > first;) {
		if (n > h->max || !has_table(&h->v[n]))
			continue;
		e = add(r, (struct nsg_rule){.pref = start + 1 + n - first,
					     .action = FR_ACT_TO_TBL,
					     .mark = n << shift,
					     .mask = h->marks->hop,
					     .table = h->conf->table_base + n});
		if (e < 0)
			return e;
	}
	return add(r, (struct nsg_rule){.pref = start, .action = FR_ACT_NOP});
}

static bool block_used(const struct nsg_hops *h, uint32_t block)
{
	for (uint32_t n = block * NSG_RULES_BLOCK; n < (block + 1) * NSG_RULES_BLOCK; n++)
		if (n <= h->max && has_table(&h->v[n]))
			return true;
	return false;
}

int nsg_rules_desired(const struct nsg_hops *h, struct nsg_rules *ret)
{
	const uint32_t base = h->conf->rule_priority, shift = h->marks->hop_shift;
	const uint32_t blocks = h->max / NSG_RULES_BLOCK + 1;
	cleanup_rules struct nsg_rules r = {0};
	bool any = false;
	int e;

	e = add(&r, (struct nsg_rule){.pref = base + END, .action = FR_ACT_NOP});
	if (e < 0)
		return e;
	for (uint32_t block = blocks; block-- > 0;) {
		if (!block_used(h, block))
			continue;
		any = true;
		e = add_block(h, block, &r);
		if (e < 0)
			return e;
	}
	for (uint32_t block = blocks; block-- > 0;) {
		if (!block_used(h, block))
			continue;
		e = add(&r, (struct nsg_rule){
				.pref = base + 2 + block,
				.action = FR_ACT_GOTO,
				.mark = (block * NSG_RULES_BLOCK) << shift,
				/* hop bits above the block's; none when one block holds all hops */
				.mask = ~((NSG_RULES_BLOCK << shift) - 1) & h->marks->hop,
				.target = base + BLOCKS_FIRST + block * BLOCK_SPAN,
			    });
		if (e < 0)
			return e;
	}
	for (uint32_t n = 1; n <= h->max; n++) {
		if (!h->v[n].used || !h->v[n].lookup)
			continue;
		e = add(&r, (struct nsg_rule){.pref = base + 1,
					      .action = FR_ACT_TO_TBL,
					      .mark = n << shift,
					      .mask = h->marks->hop,
					      .table = h->v[n].lookup});
		if (e < 0)
			return e;
	}
	e = add(&r, (struct nsg_rule){.pref = base,
				      .action = FR_ACT_GOTO,
				      .mask = h->marks->hop,
				      .target = base + END});
	if (e < 0)
		return e;
	if (!any)
		r.rules.n = 0;
	*ret = r;
	r = (struct nsg_rules){0};
	return 0;
}

struct reading {
	const struct nsg_conf *conf;
	struct nsg_rules ours, foreign;
};

struct rule_attrs {
	struct nsg_rule rule;
	uint8_t l3mdev;
};

static const struct nsg_attr rule_policy[] = {
    NSG_ATTR(FRA_PRIORITY, U32, struct rule_attrs, rule.pref),
    NSG_ATTR(FRA_FWMARK, U32, struct rule_attrs, rule.mark),
    NSG_ATTR(FRA_FWMASK, U32, struct rule_attrs, rule.mask),
    NSG_ATTR(FRA_GOTO, U32, struct rule_attrs, rule.target),
    NSG_ATTR(FRA_TABLE, U32, struct rule_attrs, rule.table),
    NSG_ATTR(FRA_L3MDEV, U8, struct rule_attrs, l3mdev),
    NSG_ATTR(FRA_PROTOCOL, U8, struct rule_attrs, rule.protocol),
};

static int take_rule(const struct nlmsghdr *nlh, void *arg)
{
	const struct fib_rule_hdr *frh = mnl_nlmsg_get_payload(nlh);
	struct reading *reading = arg;
	const uint32_t base = reading->conf->rule_priority;
	struct rule_attrs a = {0};

	if (nlh->nlmsg_type != RTM_NEWRULE ||
	    nsg_attr_parse(nlh, sizeof(*frh), rule_policy, NSG_ARRAY_SIZE(rule_policy), &a) < 0 ||
	    a.rule.pref < base || a.rule.pref > base + END)
		return 0;
	a.rule.action = frh->action;
	/* the kernel reports a table with every action */
	if (frh->action != FR_ACT_TO_TBL)
		a.rule.table = 0;
	if (a.rule.protocol == NSG_RTPROT && !(a.rule.mask & ~reading->conf->mark_mask))
		return nsg_vec_push(&reading->ours.rules, a.rule);
	return nsg_vec_push(&reading->foreign.rules, a.rule);
}

static void reset_reading(void *arg)
{
	struct reading *reading = arg;

	reading->ours.rules.n = 0;
	reading->foreign.rules.n = 0;
}

int nsg_rules_read(struct nsg_nl *nl, const struct nsg_conf *conf, struct nsg_rules *ret,
		   struct nsg_rules *ret_foreign)
{
	char buffer[64];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct reading reading = {.conf = conf};
	struct fib_rule_hdr *frh;
	int r;

	nlh->nlmsg_type = RTM_GETRULE;
	frh = mnl_nlmsg_put_extra_header(nlh, sizeof(*frh));
	frh->family = AF_INET;
	r = nsg_nl_dump(nl, nlh, take_rule, reset_reading, &reading);
	if (r < 0) {
		nsg_rules_done(&reading.ours);
		nsg_rules_done(&reading.foreign);
		return r;
	}
	*ret = reading.ours;
	if (ret_foreign)
		*ret_foreign = reading.foreign;
	else
		nsg_rules_done(&reading.foreign);
	return 0;
}

static int change(struct nsg_nl *nl, bool add, const struct nsg_rule *rule)
{
	char buffer[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct fib_rule_hdr *frh;

	nlh->nlmsg_type = add ? RTM_NEWRULE : RTM_DELRULE;
	nlh->nlmsg_flags = add ? NLM_F_CREATE | NLM_F_EXCL : 0;
	frh = mnl_nlmsg_put_extra_header(nlh, sizeof(*frh));
	frh->family = AF_INET;
	frh->action = rule->action;
	mnl_attr_put_u32(nlh, FRA_PRIORITY, rule->pref);
	mnl_attr_put_u8(nlh, FRA_PROTOCOL, rule->protocol ? rule->protocol : NSG_RTPROT);
	if (rule->mask) {
		mnl_attr_put_u32(nlh, FRA_FWMARK, rule->mark);
		mnl_attr_put_u32(nlh, FRA_FWMASK, rule->mask);
	}
	if (rule->action == FR_ACT_GOTO)
		mnl_attr_put_u32(nlh, FRA_GOTO, rule->target);
	if (rule->action == FR_ACT_TO_TBL)
		mnl_attr_put_u32(nlh, FRA_TABLE, rule->table);
	return nsg_nl_request(nl, nlh, NULL, NULL);
}

static bool same(const struct nsg_rule *a, const struct nsg_rule *b)
{
	return a->pref == b->pref && a->action == b->action && a->mark == b->mark &&
	       a->mask == b->mask && a->target == b->target && a->table == b->table;
}

static bool contains(const struct nsg_rules *r, const struct nsg_rule *rule)
{
	for (size_t i = 0; i < r->rules.n; i++)
		if (same(&r->rules.v[i], rule))
			return true;
	return false;
}

static int failed(struct nsg_nl *nl, const char *verb, uint32_t pref, int error,
		  struct nsg_diag *diag)
{
	(void)nsg_diag_add(diag, NSG_ERROR, NULL, NULL,
			   "cannot %s the ip rule with priority %u: %s%s%s", verb, pref,
			   strerror(-error), nl->message[0] ? ": " : "", nl->message);
	return error;
}

/* Makes the kernel's rules the desired ones. */
static int make_so(struct nsg_nl *nl, const struct nsg_conf *conf, const struct nsg_rules *desired,
		   struct nsg_diag *diag, uint32_t *ret_changed)
{
	cleanup_rules struct nsg_rules there = {0};
	uint32_t changed = 0;
	int r;

	r = nsg_rules_read(nl, conf, &there, NULL);
	if (r < 0)
		return failed(nl, "read", conf->rule_priority, r, diag);
	for (size_t i = 0; i < desired->rules.n; i++) {
		const struct nsg_rule *rule = &desired->rules.v[i];

		if (contains(&there, rule))
			continue;
		r = change(nl, true, rule);
		if (r < 0 && r != -EEXIST)
			return failed(nl, "add", rule->pref, r, diag);
		changed++;
	}
	for (size_t i = 0; i < there.rules.n; i++) {
		const struct nsg_rule *rule = &there.rules.v[i];

		if (contains(desired, rule))
			continue;
		r = change(nl, false, rule);
		if (r < 0 && r != -ENOENT)
			return failed(nl, "remove", rule->pref, r, diag);
		changed++;
	}
	*ret_changed = changed;
	return 0;
}

/* The rules of other programs in our range: they could route marked packets before ours do. */
static int remove_foreign(struct nsg_nl *nl, const struct nsg_conf *conf, struct nsg_diag *diag,
			  uint32_t *ret_removed)
{
	cleanup_rules struct nsg_rules ours = {0}, foreign = {0};
	int r;

	r = nsg_rules_read(nl, conf, &ours, &foreign);
	if (r < 0)
		return failed(nl, "read", conf->rule_priority, r, diag);
	for (size_t i = 0; i < foreign.rules.n; i++) {
		r = change(nl, false, &foreign.rules.v[i]);
		if (r < 0 && r != -ENOENT)
			return failed(nl, "remove", foreign.rules.v[i].pref, r, diag);
	}
	*ret_removed = (uint32_t)foreign.rules.n;
	return 0;
}

int nsg_rules_apply(struct nsg_nl *nl, const struct nsg_hops *h, struct nsg_diag *diag,
		    uint32_t *ret_changed)
{
	cleanup_rules struct nsg_rules desired = {0};
	uint32_t foreign = 0;
	int r;

	r = nsg_rules_desired(h, &desired);
	if (r < 0)
		return r;
	if (desired.rules.n) {
		r = remove_foreign(nl, h->conf, diag, &foreign);
		if (r < 0)
			return r;
	}
	r = make_so(nl, h->conf, &desired, diag, ret_changed);
	if (r < 0)
		return r;
	*ret_changed += foreign;
	return 0;
}

int nsg_rules_clear(struct nsg_nl *nl, const struct nsg_conf *conf, struct nsg_diag *diag)
{
	const struct nsg_rules none = {0};
	uint32_t changed;

	return make_so(nl, conf, &none, diag, &changed);
}

struct before {
	const struct nsg_conf *conf;
	const struct nsg_marks *marks;
	uint32_t n, pref;
};

static int take_before(const struct nlmsghdr *nlh, void *arg)
{
	const struct fib_rule_hdr *frh = mnl_nlmsg_get_payload(nlh);
	struct before *before = arg;
	struct rule_attrs a = {0};

	if (nlh->nlmsg_type != RTM_NEWRULE ||
	    nsg_attr_parse(nlh, sizeof(*frh), rule_policy, NSG_ARRAY_SIZE(rule_policy), &a) < 0)
		return 0;
	/* 0 is the rule for table local; VRFs (1000) only match their own devices */
	if (!a.rule.pref || a.rule.pref >= before->conf->rule_priority || a.l3mdev ||
	    a.rule.protocol == NSG_RTPROT || frh->action == FR_ACT_NOP ||
	    frh->action == FR_ACT_GOTO)
		return 0;
	/* matches only packets without a next hop */
	if ((a.rule.mask & before->marks->hop) == before->marks->hop &&
	    !(a.rule.mark & before->marks->hop))
		return 0;
	if (!before->n++)
		before->pref = a.rule.pref;
	return 0;
}

static void reset_before(void *arg)
{
	((struct before *)arg)->n = 0;
}

int nsg_rules_before(struct nsg_nl *nl, const struct nsg_conf *conf, const struct nsg_marks *marks,
		     uint32_t *ret_n, uint32_t *ret_pref)
{
	struct before before = {.conf = conf, .marks = marks};
	char buffer[64];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct fib_rule_hdr *frh;
	int r;

	nlh->nlmsg_type = RTM_GETRULE;
	frh = mnl_nlmsg_put_extra_header(nlh, sizeof(*frh));
	frh->family = AF_INET;
	r = nsg_nl_dump(nl, nlh, take_before, reset_before, &before);
	if (r < 0)
		return r;
	*ret_n = before.n;
	*ret_pref = before.pref;
	return 0;
}
