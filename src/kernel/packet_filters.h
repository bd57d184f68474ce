/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules that queue the packets of decided flows that a trace requests, which the kernel would otherwise
 * accept or drop by itself. Other packets, and the marks, are not affected.
 */
#ifndef NSG_KERNEL_PACKET_FILTERS_H
#define NSG_KERNEL_PACKET_FILTERS_H

#include "kernel/kernel_priv.h"
#include "kernel/nft_batch.h"

/* Before the rules that accept packets of allowed flows. */
void nsg_packet_filters_put_allowed(struct nsg_nft_batch *b, const struct nsg_kernel *k,
				    const char *chain);
/* Before the rule that drops packets of denied flows again. */
void nsg_packet_filters_put_denied(struct nsg_nft_batch *b, const struct nsg_kernel *k,
				   const char *chain);

#endif
