/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/vec.h"

void *nsg_vec_grow(void *v, size_t *room, size_t n, size_t size)
{
	size_t want = *room ? *room : 8, bytes;

	while (want < n)
		if (__builtin_mul_overflow(want, (size_t)2, &want))
			return NULL;
	if (__builtin_mul_overflow(want, size, &bytes))
		return NULL;
	v = realloc(v, bytes);
	if (v)
		*room = want;
	return v;
}
