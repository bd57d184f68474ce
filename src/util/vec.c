/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/vec.h"

#include <errno.h>
#include <stdlib.h>

int nsg_vec_grow(void **v, size_t *room, size_t n, size_t size)
{
	size_t want = *room ? *room : 8, bytes;
	void *p;

	if (n <= *room)
		return 0;
	while (want < n)
		if (__builtin_mul_overflow(want, (size_t)2, &want))
			return -ENOMEM;
	if (__builtin_mul_overflow(want, size, &bytes))
		return -ENOMEM;
	p = realloc(*v, bytes);
	if (!p)
		return -ENOMEM;
	*v = p;
	*room = want;
	return 0;
}
