/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A batch as nft text: what a transaction leaves in an empty kernel, rendered from its messages.
 * nft reads the text back, except for two statements that it cannot write and often misprints:
 *
 *   xt CONNMARK save|restore MASK     bits of one mark into the other
 *   xt NFQUEUE num FIRST[-LAST]       `queue`, on a kernel without that expression
 */
#ifndef NSG_TESTS_SUPPORT_NFT_TEXT_H
#define NSG_TESTS_SUPPORT_NFT_TEXT_H

#include "kernel/nft_batch.h"

/* Of the table ip, or ip6. malloc'ed. Aborts at an expression that it does not know. */
char *nft_text(const struct nsg_nft_batch *b, bool ip6);

#endif
