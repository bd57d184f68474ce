/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What nft_table.c (sets, elements, the whole) and nft_rules.c (chains, rules) share. */
#ifndef NSG_KERNEL_NFT_TABLE_PRIV_H
#define NSG_KERNEL_NFT_TABLE_PRIV_H

#include <stdio.h>

#include "kernel/nft_table.h"

#define NSG_TABLE_NAME_BYTES 24

static inline bool nsg_table_offloads(const struct nsg_kernel *k)
{
	return k->conf->offload && !k->conf->audit;
}

static inline bool nsg_table_remembers_denied(const struct nsg_kernel *k)
{
	return nsg_table_offloads(k) && k->conf->denied_seconds;
}

static inline bool nsg_table_has_snat(const struct nsg_kernel *k)
{
	return !k->conf->audit && (k->conf->has_snat_vnet || k->conf->has_snat_internet);
}

/* The mark of a connection that is older than nsgd: not decided, hop 0, and generation bits that
 * nothing else of ours has without `decided`. */
static inline uint32_t nsg_table_preexisting(const struct nsg_marks *marks)
{
	return marks->generation;
}

static inline void nsg_table_timeout_name(const char *protocol, uint32_t minutes,
					  char name[NSG_TABLE_NAME_BYTES])
{
	(void)snprintf(name, NSG_TABLE_NAME_BYTES, "%s_%um", protocol, minutes);
}

/* Chains, all empty afterwards; the rules of all of them; or of one. */
void nsg_table_put_chains(struct nsg_nft_batch *b, const struct nsg_kernel *k);
void nsg_table_put_rules(struct nsg_nft_batch *b, const struct nsg_kernel *k);
void nsg_table_put_multicast(struct nsg_nft_batch *b, const struct nsg_kernel *k);
void nsg_table_put_timeouts(struct nsg_nft_batch *b, const struct nsg_kernel *k);
void nsg_table_put_tunnels(struct nsg_nft_batch *b, const struct nsg_kernel *k);

#endif
