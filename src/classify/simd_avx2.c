/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "classify/decide_priv.h"

#ifdef __x86_64__

#include <immintrin.h>

#define BATCH_NAME nsg_simd_avx2
#define BATCH_TARGET __attribute__((target("avx2,popcnt,bmi")))

BATCH_TARGET static inline uint32_t node_rank(const int32_t *node, int32_t key)
{
	__m256i k = _mm256_set1_epi32(key);
	__m256i low = _mm256_cmpgt_epi32(k, _mm256_load_si256((const __m256i *)node));
	__m256i high = _mm256_cmpgt_epi32(k, _mm256_load_si256((const __m256i *)(node + 8)));

	/* Packed to 16 bits, each key that is below has two bits in the mask. */
	return (uint32_t)__builtin_popcount(
		   (unsigned int)_mm256_movemask_epi8(_mm256_packs_epi32(low, high))) /
	       2;
}

BATCH_TARGET static inline uint32_t first_word(const uint64_t *a, const uint64_t *b,
					       const uint64_t *c)
{
	uint32_t empty = 0;

#pragma GCC unroll 4
	for (uint32_t w = 0; w < NSG_ROW_WORDS; w += 4) {
		__m256i common =
		    _mm256_and_si256(_mm256_and_si256(_mm256_load_si256((const __m256i *)(b + w)),
						      _mm256_load_si256((const __m256i *)(c + w))),
				     _mm256_load_si256((const __m256i *)(a + w)));
		__m256i zero = _mm256_cmpeq_epi64(common, _mm256_setzero_si256());

		empty |= (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(zero)) << w;
	}
	return (uint32_t)__builtin_ctz(~empty);
}

#include "classify/batch_priv.h"

#endif
