/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/sort.h"

#include <string.h>

#define DIGIT_BITS 11
#define DIGITS 3 /* 33 bits, one more than there are */
#define BUCKETS (1u << DIGIT_BITS)
#define FEW 64 /* below this the histograms cost more than the sort */

static unsigned int digit(uint64_t v, unsigned int d)
{
	return (unsigned int)(v >> (32 + d * DIGIT_BITS)) & (BUCKETS - 1);
}

static void insertion(uint64_t *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		uint64_t x = v[i];
		size_t j = i;

		for (; j && v[j - 1] >> 32 > x >> 32; j--)
			v[j] = v[j - 1];
		v[j] = x;
	}
}

void nsg_sort_upper(uint64_t *v, uint64_t *scratch, size_t n)
{
	size_t counts[DIGITS][BUCKETS];
	uint64_t *from = v, *to = scratch;

	if (n < FEW) {
		insertion(v, n);
		return;
	}
	memset(counts, 0, sizeof(counts));
	for (size_t i = 0; i < n; i++)
		for (unsigned int d = 0; d < DIGITS; d++)
			counts[d][digit(v[i], d)]++;
	for (unsigned int d = 0; d < DIGITS; d++) {
		size_t at = 0;
		uint64_t *swap;

		for (unsigned int b = 0; b < BUCKETS; b++) {
			size_t here = counts[d][b];

			counts[d][b] = at;
			at += here;
		}
		for (size_t i = 0; i < n; i++)
			to[counts[d][digit(from[i], d)]++] = from[i];
		swap = from;
		from = to;
		to = swap;
	}
	if (from != v)
		memcpy(v, from, n * sizeof(*v));
}
