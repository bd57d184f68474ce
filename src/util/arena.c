/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Small blocks first, so that a small policy stays small; larger requests get a block of their own.
 */
#define BLOCK_BYTES 65536u

struct nsg_arena_block {
	struct nsg_arena_block *next;
	size_t used, size;
	_Alignas(max_align_t) unsigned char data[];
};

static struct nsg_arena_block *block_new(size_t size)
{
	struct nsg_arena_block *b = malloc(sizeof(*b) + size);

	if (!b)
		return NULL;
	b->next = NULL;
	b->used = 0;
	b->size = size;
	return b;
}

void *nsg_arena_alloc(struct nsg_arena *a, size_t size)
{
	struct nsg_arena_block *b = a->head;
	void *p;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + _Alignof(max_align_t) - 1) / _Alignof(max_align_t) * _Alignof(max_align_t);
	if (!b || b->size - b->used < size) {
		b = block_new(size > BLOCK_BYTES ? size : BLOCK_BYTES);
		if (!b)
			return NULL;
		/* A large block goes after the head, which still has room. */
		if (a->head && size > BLOCK_BYTES) {
			b->next = a->head->next;
			a->head->next = b;
		} else {
			b->next = a->head;
			a->head = b;
		}
	}
	p = b->data + b->used;
	b->used += size;
	return memset(p, 0, size);
}

void *nsg_arena_array(struct nsg_arena *a, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return nsg_arena_alloc(a, bytes);
}

void *nsg_arena_copy(struct nsg_arena *a, const void *data, size_t size)
{
	void *p = nsg_arena_alloc(a, size);

	if (p && size)
		memcpy(p, data, size);
	return p;
}

char *nsg_arena_strdup(struct nsg_arena *a, const char *s)
{
	return nsg_arena_copy(a, s, strlen(s) + 1);
}

char *nsg_arena_printf(struct nsg_arena *a, const char *format, ...)
{
	va_list args, again;
	char *p = NULL;
	int n;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	if (n >= 0)
		p = nsg_arena_alloc(a, (size_t)n + 1);
	if (p)
		(void)vsnprintf(p, (size_t)n + 1, format, again);
	va_end(again);
	va_end(args);
	return p;
}

void nsg_arena_done(struct nsg_arena *a)
{
	while (a->head) {
		struct nsg_arena_block *b = a->head;

		a->head = b->next;
		free(b);
	}
}
