/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A growing array. `NSG_VEC(struct x) v = { 0 };`, then v.v[0 .. v.n-1]; free with nsg_vec_done. */
#ifndef NSG_UTIL_VEC_H
#define NSG_UTIL_VEC_H

#include <stddef.h>

#define NSG_VEC(type)                                                                              \
	struct {                                                                                   \
		type *v;                                                                           \
		size_t n, room;                                                                    \
	}

/* 0, or -ENOMEM with the vector as it was. */
#define nsg_vec_push(vec, element)                                                                 \
	({                                                                                         \
		int nsg_vec_r = nsg_vec_grow((void **)&(vec)->v, &(vec)->room, (vec)->n + 1,       \
					     sizeof(*(vec)->v));                                   \
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

/* Makes room for n elements of that size. -ENOMEM, with *v untouched. */
int nsg_vec_grow(void **v, size_t *room, size_t n, size_t size);

#endif
