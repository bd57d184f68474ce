/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reference decision: gate, rule and route of one packet, straight from the policy and with
 * every intermediate result. Linear and allocating: explain reports it, and tests compare the
 * compiled image with it.
 */
#ifndef NSG_MODEL_DECIDE_H
#define NSG_MODEL_DECIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "model/effective.h"
#include "model/select.h"
#include "packet/key.h"

/* Which fields of a rule a packet matches. */
struct nsg_rule_match {
	bool protocol, source, source_ports, destination, destination_ports;
};

struct nsg_tried_rule {
	const struct nsg_effective_rule *rule;
	struct nsg_rule_match match;
	bool matched;
};

/* A packet's decision with the steps that led to it; free with nsg_trial_done. */
struct nsg_trial {
	enum nsg_gate gate;
	enum nsg_gate enters_by; /* gate not-carried: what would have let it in */
	const char *not_carried; /* why, in words; NULL unless gate not-carried */

	/* Security admin rules, in order, up to the one that matched. */
	struct nsg_tried_rule *admin_rules;
	size_t n_admin_rules;
	const struct nsg_effective_rule *admin; /* NULL: none matched, or none applies */

	bool nsg_evaluated, has_nsg;  /* an admin rule's Deny or AlwaysAllow leaves no NSG to ask */
	struct nsg_tried_rule *rules; /* in order, up to the one that matched */
	size_t n_rules;
	const struct nsg_effective_rule *rule; /* NULL: none matched, or there is no NSG */

	const struct nsg_row *
	    *rows; /* all that cover the destination; n_rows is 0 when no route is looked up */
	enum nsg_row_fate *fates;
	size_t n_rows;
	struct nsg_row *live_rows; /* those of `rows` that are live routes, by length */
	const struct nsg_row *row;

	enum nsg_verdict verdict;
	enum nsg_reason reason;
};

/* -ENOMEM. */
int nsg_trial_run(const struct nsg_effective *e, const struct nsg_key *key, struct nsg_trial *ret);
void nsg_trial_done(struct nsg_trial *trial);

#define cleanup_trial __attribute__((cleanup(nsg_trial_done)))

#endif
