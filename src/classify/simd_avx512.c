/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "classify/decide_priv.h"

#ifdef __x86_64__

#include <immintrin.h>

#define BATCH_NAME nsg_simd_avx512
#define BATCH_TARGET __attribute__((target("avx512f,popcnt,bmi")))

BATCH_TARGET static inline uint32_t node_rank(const int32_t *node, int32_t key)
{
	__mmask16 below = _mm512_cmpgt_epi32_mask(_mm512_set1_epi32(key), _mm512_load_si512(node));

	return (uint32_t)__builtin_popcount((unsigned int)below);
}

BATCH_TARGET static inline uint32_t first_word(const uint64_t *a, const uint64_t *b,
					       const uint64_t *c)
{
	uint32_t words = 0;

	for (uint32_t w = 0; w < NSG_ROW_WORDS; w += 8) {
		__m512i common =
		    _mm512_and_si512(_mm512_load_si512(b + w), _mm512_load_si512(c + w));

		words |= (uint32_t)_mm512_test_epi64_mask(common, _mm512_load_si512(a + w)) << w;
	}
	return (uint32_t)__builtin_ctz(words);
}

#include "classify/batch_priv.h"

#endif
