/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes and rows in portable C: the reference for the wide instruction sets. */
#ifndef NSG_CLASSIFY_SEARCH_PRIV_H
#define NSG_CLASSIFY_SEARCH_PRIV_H

#include <stdint.h>

#include "classify/image_layout.h"

_Static_assert(NSG_NODE_KEYS == 16, "four halvings and one key");

/* Binary search without branches: a misprediction costs more than all comparisons. */
static inline uint32_t node_rank(const int32_t *node, int32_t key)
{
	uint32_t r = (uint32_t)(key > node[7]) << 3;

	r += (uint32_t)(key > node[r + 3]) << 2;
	r += (uint32_t)(key > node[r + 1]) << 1;
	r += key > node[r];
	return r + (key > node[r]);
}

static inline uint32_t first_word(const uint64_t *a, const uint64_t *b, const uint64_t *c)
{
	uint32_t words = 0;

	for (uint32_t w = 0; w < NSG_ROW_WORDS; w++)
		words |= (uint32_t)((a[w] & b[w] & c[w]) != 0) << w;
	return (uint32_t)__builtin_ctz(words);
}

#endif
