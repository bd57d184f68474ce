/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocations that are freed together, such as a policy's strings and arrays. */
#ifndef NSG_UTIL_ARENA_H
#define NSG_UTIL_ARENA_H

#include <stddef.h>

struct nsg_arena_block;

/* Zero-initialise to begin. Not thread-safe. */
struct nsg_arena {
	struct nsg_arena_block *head;
};

/* size bytes, zeroed, aligned for any type; NULL when out of memory. */
void *nsg_arena_alloc(struct nsg_arena *a, size_t size);
/* n elements; NULL on overflow too. */
void *nsg_arena_array(struct nsg_arena *a, size_t n, size_t size);
/* A copy of the n bytes of data; NULL when out of memory. */
void *nsg_arena_copy(struct nsg_arena *a, const void *data, size_t size);
char *nsg_arena_strdup(struct nsg_arena *a, const char *s);
char *nsg_arena_printf(struct nsg_arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Frees everything; the arena may be used again. */
void nsg_arena_done(struct nsg_arena *a);

#endif
