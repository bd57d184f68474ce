/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy rules: a two-level tree, since every rule costs each packet of the host some 3 ns and
 * there may be 510 next hops. Preferences, P being rule-priority:
 *
 *      P              our hop bits are 0: goto E            most packets see only this one
 *      P + 1 + b      hop's high bits are b: goto B(b)      for each block of 32 hops in use
 *      B(b)           nothing: the goto's target            B(b) = P + 20 + 34 b
 *      B(b) + 1 + i   hop is 32 b + i: lookup its table     (always ends there: a blackhole is last)
 *      B(b) + 33      goto E
 *      E              nothing                               E = P + 564
 *
 * Rules are ours when their protocol is NSG_RTPROT, their preference lies in P to E, and they ask
 * for no other bits than mark-mask's.
 */
#ifndef NSG_KERNEL_RULES_H
#define NSG_KERNEL_RULES_H

#include <stdint.h>

#include "kernel/hops.h"
#include "kernel/netlink.h"
#include "util/diag.h"
#include "util/vec.h"

/* Who made a rule or a route; not one of the numbers that rtnetlink.h or a routing daemon has. */
#define NSG_RTPROT 110

#define NSG_RULES_BLOCK 32u
#define NSG_RULES_SPAN 565u /* preferences used, from rule-priority */

struct nsg_rule {
	uint32_t pref;
	uint8_t action; /* FR_ACT_* */
	uint32_t mark, mask;
	uint32_t target; /* FR_ACT_GOTO */
	uint32_t table;	 /* FR_ACT_TO_TBL */
};

struct nsg_rules {
	NSG_VEC(struct nsg_rule) rules;
};

/* What should be there: rules for every number in use that has a table, none when there is none.
 * Descending by preference: targets come before what goes to them. -ENOMEM. */
int nsg_rules_desired(const struct nsg_hops *h, struct nsg_rules *ret);

/* Ours that are there. `ret_foreign` (may be NULL): rules of others between ours. */
int nsg_rules_read(struct nsg_nl *nl, const struct nsg_conf *conf, struct nsg_rules *ret,
		   struct nsg_rules *ret_foreign);
void nsg_rules_done(struct nsg_rules *r);

/* Makes the kernel's rules the desired ones. *ret_changed: how many were added or removed. A
 * failure is a diagnostic. */
int nsg_rules_apply(struct nsg_nl *nl, const struct nsg_hops *h, struct nsg_diag *diag,
		    uint32_t *ret_changed);
/* Removes all of ours. */
int nsg_rules_clear(struct nsg_nl *nl, const struct nsg_conf *conf, struct nsg_diag *diag);

#endif
