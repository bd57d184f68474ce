/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The chains that answer new flows to destinations that were decided before, and that learn the
 * answers. They exist if nsg_ruleset_answers().
 *
 *   answer          what a destination alone does not decide returns; a known destination: found
 *   answer_ports    the same of TCP and UDP
 *   answer_found    allowed: accept; denied: silence; of another generation: stale; else return
 *   answer_accept   our bits into the connection's mark, timeouts, leave
 *   answer_stale    deleted; returns
 *   learn           after a verdict of both gates: learn_add
 *   learn_add       into the map, unless it was learned just now
 *   learn_ports     the same of TCP and UDP
 */
#ifndef NSG_KERNEL_ANSWER_RULES_H
#define NSG_KERNEL_ANSWER_RULES_H

#include "kernel/kernel_priv.h"
#include "kernel/nft_batch.h"

/* Chains, empty; comes before any rules. */
void nsg_answer_chains_create(struct nsg_nft_batch *b, const struct nsg_kernel *k);
/* Their rules. The chains of ruleset.h and the sets must exist. */
void nsg_answer_chains_fill(struct nsg_nft_batch *b, const struct nsg_kernel *k);

#endif
