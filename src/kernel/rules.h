/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ip rules: desired, read, apply, clear. They form a tree of two levels, since each rule costs
 * every packet of the host about 3 ns and there may be 510 next hops. Preferences, P being
 * rule-priority:
 *
 *      P              our hop bits are 0: goto E            most packets pass only this one
 *      P + 1          hop is the gateway's: lookup [bgp] table; what it has no route for goes on,
 *                     to the blackhole in the hop's own table
 *      P + 2 + b      hop's high bits are b: goto B(b)      for each block of 32 hops in use
 *      B(b)           nothing: the goto's target            B(b) = P + 20 + 34 b
 *      B(b) + 1 + i   hop is 32 b + i: lookup its table     (always ends there: a blackhole is last)
 *      B(b) + 33      goto E
 *      E              nothing                               E = P + 564
 *
 * Rules are ours when their protocol is NSG_RTPROT, their preference is from P to E, and they match
 * only bits of mark-mask.
 */
#ifndef NSG_KERNEL_RULES_H
#define NSG_KERNEL_RULES_H

#include <stdint.h>

#include "kernel/hops.h"
#include "kernel/netlink.h"
#include "util/diag.h"
#include "util/vec.h"

/* The protocol of our rules and routes: a number that neither rtnetlink.h nor a routing daemon
 * uses. */
#define NSG_RTPROT 110

#define NSG_RULES_BLOCK 32u
#define NSG_RULES_SPAN 565u /* preferences used, from rule-priority */

struct nsg_rule {
	uint32_t pref;
	uint8_t action; /* FR_ACT_* */
	uint32_t mark, mask;
	uint32_t target;  /* FR_ACT_GOTO */
	uint32_t table;	  /* FR_ACT_TO_TBL */
	uint8_t protocol; /* as read; 0: NSG_RTPROT */
};

struct nsg_rules {
	NSG_VEC(struct nsg_rule) rules;
};

/* Rules for every number in use that has a table; no rule without such a number. In descending
 * order of preference, so that targets come before their gotos. -ENOMEM. */
int nsg_rules_desired(const struct nsg_hops *h, struct nsg_rules *ret);

/* The kernel's rules that are ours. `ret_foreign` (may be NULL): rules of other programs from P to
 * E. */
int nsg_rules_read(struct nsg_nl *nl, const struct nsg_conf *conf, struct nsg_rules *ret,
		   struct nsg_rules *ret_foreign);
void nsg_rules_done(struct nsg_rules *r);

/* Adds and removes what differs from the desired rules, *ret_changed in number, and removes rules of
 * other programs from P to E while there are any of ours. A failure is a
 * diagnostic. */
int nsg_rules_apply(struct nsg_nl *nl, const struct nsg_hops *h, struct nsg_diag *diag,
		    uint32_t *ret_changed);
/* The ip rules of other programs that come before ours and may route a marked packet: *ret_n in
 * number, *ret_pref the first. -errno. */
int nsg_rules_before(struct nsg_nl *nl, const struct nsg_conf *conf, const struct nsg_marks *marks,
		     uint32_t *ret_n, uint32_t *ret_pref);
/* Removes all our rules. */
int nsg_rules_clear(struct nsg_nl *nl, const struct nsg_conf *conf, struct nsg_diag *diag);

#endif
