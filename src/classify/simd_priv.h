/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The three ways to run a batch, of which classify.c picks one. Private to this layer. */
#ifndef NSG_CLASSIFY_SIMD_PRIV_H
#define NSG_CLASSIFY_SIMD_PRIV_H

#include <string.h>

#include "classify/classify.h"
#include "classify/image_layout.h"

#define NSG_CHUNK 32u /* packets whose searches overlap */

/* Direct-mapped by the triple's hash. An entry: 50 bits of the hash that the index does not hold,
 * one that says it is valid, 11 of the match. Entry 0 of an empty memo is not valid. */
#define NSG_MEMO_INDEX_BITS 12
#define NSG_MEMO_ENTRIES (1u << NSG_MEMO_INDEX_BITS)

struct nsg_memo {
	uint64_t image_id;
	/* What decides whether the memo is asked: see memo_is_worth_it(). */
	uint32_t asked, missed, left_out;
	_Alignas(NSG_IMAGE_ALIGN) uint64_t entries[NSG_MEMO_ENTRIES];
};

/* Forgets all. nsg_classify_batch() does so when the image is another one. */
static inline void nsg_memo_reset(struct nsg_memo *memo)
{
	memset(memo, 0, sizeof(*memo));
}

/* memo may be NULL. */
typedef void (*nsg_simd_batch)(const struct nsg_image *image, struct nsg_memo *memo,
			       const struct nsg_key *keys, size_t n,
			       struct nsg_decision *decisions);

void nsg_simd_portable(const struct nsg_image *image, struct nsg_memo *memo,
		       const struct nsg_key *keys, size_t n, struct nsg_decision *decisions);
#ifdef __x86_64__
void nsg_simd_avx2(const struct nsg_image *image, struct nsg_memo *memo, const struct nsg_key *keys,
		   size_t n, struct nsg_decision *decisions);
void nsg_simd_avx512(const struct nsg_image *image, struct nsg_memo *memo,
		     const struct nsg_key *keys, size_t n, struct nsg_decision *decisions);
#endif

/* "portable", "avx2" or "avx512": what runs here; NSGD_SIMD forces one (an unsupported or unknown
 * value falls back to the best). */
const char *nsg_classify_simd(void);

#endif
