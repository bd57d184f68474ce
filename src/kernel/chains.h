/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chains of the table and their rules. The map of them is in ruleset.h. */
#ifndef NSG_KERNEL_CHAINS_H
#define NSG_KERNEL_CHAINS_H

#include "kernel/kernel_priv.h"
#include "kernel/nft_batch.h"

/* All chains, empty. Comes before any rules, since they may refer to every chain. Without `hooks` the
 * base chains must exist (else -ENOENT): one that was created later than the others would be in the
 * wrong place. */
void nsg_chains_create(struct nsg_nft_batch *b, const struct nsg_kernel *k, bool hooks);
/* The rules of all chains, which must be empty and whose sets must exist. */
void nsg_chains_fill(struct nsg_nft_batch *b, const struct nsg_kernel *k);

/* The chains that a reload or a change of links rewrites: emptied and filled. */
void nsg_chains_put_multicast(struct nsg_nft_batch *b, const struct nsg_kernel *k);
void nsg_chains_put_timeouts(struct nsg_nft_batch *b, const struct nsg_kernel *k);
void nsg_chains_put_tunnels(struct nsg_nft_batch *b, const struct nsg_kernel *k);
/* Those that a change of the packet filters rewrites. */
void nsg_chains_put_filtered(struct nsg_nft_batch *b, const struct nsg_kernel *k);

/* No packet is captured any more. Queued packets stay queued and their verdicts are remembered. */
void nsg_chains_neutralise(struct nsg_nft_batch *b, const struct nsg_kernel *k);

/* A rule of each kind that some kernels lack. */
void nsg_chains_probe(struct nsg_nft_batch *b, const struct nsg_marks *marks, bool native_queue);
void nsg_chains_probe_sockets(struct nsg_nft_batch *b);

#endif
