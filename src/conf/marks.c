/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/marks.h"

#include <errno.h>

#include "util/limits.h"

#define DECIDED_BITS 1
#define GENERATION_BITS 2
#define SMALLEST_RUN 6u
#define LARGEST_RUN 19u

int nsg_marks_init(uint32_t mask, struct nsg_marks *ret)
{
	unsigned int low, width, hop_bits;
	struct nsg_marks m = {.mask = mask};

	if (!mask)
		return -EINVAL;
	low = (unsigned int)__builtin_ctz(mask);
	width = (unsigned int)__builtin_popcount(mask);
	if (width < SMALLEST_RUN || width > LARGEST_RUN ||
	    mask >> low != (uint32_t)(((uint64_t)1 << width) - 1))
		return -EINVAL;
	hop_bits = width - DECIDED_BITS - GENERATION_BITS;
	m.hop_shift = (uint8_t)low;
	m.generation_shift = (uint8_t)(low + hop_bits);
	m.hop = ((1u << hop_bits) - 1) << low;
	m.generation = 3u << m.generation_shift;
	m.decided = 1u << (low + width - 1);
	m.denied = m.hop;
	m.max_hop = (1u << hop_bits) - 2;
	if (m.max_hop > NSG_MAX_HOPS)
		m.max_hop = NSG_MAX_HOPS;
	*ret = m;
	return 0;
}
