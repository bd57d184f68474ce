/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A growing array. `NSG_VEC(struct x) v = { 0 };`, then v.v[0 .. v.n-1]; free with nsg_vec_done. */
#ifndef NSG_UTIL_VEC_H
#define NSG_UTIL_VEC_H

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#define NSG_VEC(type)                                                                              \
	struct {                                                                                   \
		type *v;                                                                           \
		size_t n, room;                                                                    \
	}

/* Makes room for this many more elements: 0, or -ENOMEM with the vector unchanged. */
#define nsg_vec_reserve(vec, more)                                                                 \
	({                                                                                         \
		size_t nsg_vec_n = (vec)->n + (more);                                              \
		void *nsg_vec_v = (vec)->v;                                                        \
                                                                                                   \
		if (nsg_vec_n > (vec)->room)                                                       \
			nsg_vec_v =                                                                \
			    nsg_vec_grow((vec)->v, &(vec)->room, nsg_vec_n, sizeof(*(vec)->v));    \
		if (nsg_vec_v)                                                                     \
			(vec)->v = nsg_vec_v;                                                      \
		nsg_vec_n <= (vec)->room ? 0 : -ENOMEM;                                            \
	})

/* 0, or -ENOMEM with the vector unchanged. */
#define nsg_vec_push(vec, element)                                                                 \
	({                                                                                         \
		int nsg_vec_r = nsg_vec_reserve(vec, 1);                                           \
                                                                                                   \
		if (!nsg_vec_r)                                                                    \
			(vec)->v[(vec)->n++] = (element);                                          \
		nsg_vec_r;                                                                         \
	})

#define nsg_vec_done(vec)                                                                          \
	do {                                                                                       \
		free((vec)->v);                                                                    \
		(vec)->v = NULL;                                                                   \
		(vec)->n = (vec)->room = 0;                                                        \
	} while (0)

/* Reallocates v for at least n elements of that size and stores their number in *room. NULL, with
 * both untouched, when out of memory. */
void *nsg_vec_grow(void *v, size_t *room, size_t n, size_t size);

#endif
