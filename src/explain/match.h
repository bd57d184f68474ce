/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decision once more, from the model instead of the image: linear, with every intermediate
 * result kept, because they are what the story tells. nsg_classify() has the last word.
 */
#ifndef NSG_EXPLAIN_MATCH_H
#define NSG_EXPLAIN_MATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "classify/classify.h"
#include "model/effective.h"
#include "model/select.h"
#include "packet/key.h"
#include "util/diag.h"

/* Which fields of a rule a packet matches. */
struct nsg_rule_match {
	bool protocol, source, source_ports, destination, destination_ports;
};

struct nsg_tried_rule {
	const struct nsg_effective_rule *rule;
	struct nsg_rule_match match;
	bool matched;
};

/* A packet's way through the policy; free with nsg_way_done. */
struct nsg_way {
	enum nsg_gate gate;
	enum nsg_gate enters_by; /* gate not-carried: what would have let it in */
	const char *not_carried; /* why, for people; NULL unless gate not-carried */

	bool nsg_evaluated, has_nsg;
	struct nsg_tried_rule *rules; /* in order, up to the one that matched */
	size_t n_rules;
	const struct nsg_effective_rule *rule; /* NULL: none matched, or there is no NSG */

	const struct nsg_row **rows; /* all that cover the destination; none were looked up: n 0 */
	enum nsg_row_fate *fates;
	size_t n_rows;
	const struct nsg_row *row;

	enum nsg_verdict verdict;
	enum nsg_reason reason;
};

/* -ENOMEM. */
int nsg_way_find(const struct nsg_effective *e, const struct nsg_key *key, struct nsg_way *ret);
void nsg_way_done(struct nsg_way *way);

/* Whether the classifier came to the same; else *ret_what says in what they differ. */
bool nsg_way_agrees(const struct nsg_way *way, const struct nsg_image *image,
		    const struct nsg_decision *decision, const char **ret_what);
/* The diagnostic for that. -EBADE. */
int nsg_way_contradiction(const char *what, struct nsg_diag *diag);

#endif
