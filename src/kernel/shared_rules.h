/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules, and parts of rules, that the tables ip and ip6 share. */
#ifndef NSG_KERNEL_SHARED_RULES_H
#define NSG_KERNEL_SHARED_RULES_H

#include <linux/netfilter/nf_conntrack_common.h>

#include "kernel/kernel_priv.h"
#include "kernel/nft_batch.h"

/* linux/netfilter/nf_conntrack_common.h gives them to the kernel only. */
#define STATE_ESTABLISHED (1u << (IP_CT_ESTABLISHED + 1))
#define STATE_NEW (1u << (IP_CT_NEW + 1))
#define STATE_RELATED (1u << (IP_CT_RELATED + 1))

/* A rule of a chain, from the statements that make its expressions. The comment above each is the
 * rule as nft writes it, MASK being all of our bits; tests/unit/kernel/ruleset has the numbers. */
#define RULE(b, chain, ...)                                                                        \
	do {                                                                                       \
		nsg_nft_rule(b, chain);                                                            \
		__VA_ARGS__;                                                                       \
		nsg_nft_rule_end(b);                                                               \
	} while (0)

/* queue num SILENT: nsgd binds that queue without a copy mode, so the packet is freed and the sender
 * sees success. `drop` would give it EPERM. */
void nsg_shared_silence(struct nsg_nft_batch *b, const struct nsg_kernel *k);
/* SO_MARK must not forge a decision, nor must a program that copies whole marks from connections to
 * packets. */
void nsg_shared_sanitise(struct nsg_nft_batch *b, const struct nsg_kernel *k, const char *chain);
/* ct state new [ip saddr != @excluded] */
void nsg_shared_match_new(struct nsg_nft_batch *b, bool excludes);
/* The rest of a rule that matches a forged packet: one that would begin a flow of this host's, or of
 * a guest's, as if it came from outside. What the app then sends would be the replies of that flow,
 * which are not captured. */
void nsg_shared_drop_forged(struct nsg_nft_batch *b, const struct nsg_kernel *k,
			    const char *counter);
/* Chain owners: the captured sockets. Packets of all others reach its end. */
void nsg_shared_owners(struct nsg_nft_batch *b, const struct nsg_kernel *k, const char *captured);

#endif
