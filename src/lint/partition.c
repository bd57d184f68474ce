/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets to classes: one sweep over all boundaries; equal signatures are found by hash and compared.
 */
#include "lint/lint_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

struct event {
	uint64_t at; /* the first value with the change */
	uint32_t set;
};

/* Signatures seen so far: one bit row over the sets for each class. */
struct classes {
	uint64_t *signatures;
	size_t n, room, n_words;
	uint32_t *slots; /* class + 1, 0 free */
	uint64_t *hashes;
	size_t mask;
};

static void classes_done(struct classes *c)
{
	free(c->signatures);
	free(c->slots);
	free(c->hashes);
}

#define cleanup_classes __attribute__((cleanup(classes_done)))

/* splitmix64's finisher: sets get unrelated words, whose sum by xor is the active sets' hash. */
static uint64_t word_of(uint64_t set)
{
	uint64_t x = (set + 1) * 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static int compare_event(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

static int grow_slots(struct classes *c)
{
	size_t n = c->mask ? 2 * (c->mask + 1) : 256;
	uint32_t *slots = calloc(n, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t k = 0; k < c->n; k++) {
		size_t i = c->hashes[k] & (n - 1);

		while (slots[i])
			i = (i + 1) & (n - 1);
		slots[i] = (uint32_t)k + 1;
	}
	free(c->slots);
	c->slots = slots;
	c->mask = n - 1;
	return 0;
}

static int grow_classes(struct classes *c)
{
	size_t room = c->room ? 2 * c->room : 128;
	uint64_t *s = reallocarray(c->signatures, room, c->n_words * sizeof(*s)), *h;

	if (!s)
		return -ENOMEM;
	c->signatures = s;
	h = reallocarray(c->hashes, room, sizeof(*h));
	if (!h)
		return -ENOMEM;
	c->hashes = h;
	c->room = room;
	return 0;
}

/* Notes the class of that signature when it is new. */
static int note(struct classes *c, const uint64_t *signature, uint64_t hash, size_t max)
{
	const size_t bytes = c->n_words * sizeof(*signature);
	size_t i;

	if (2 * (c->n + 1) > c->mask && grow_slots(c))
		return -ENOMEM;
	for (i = hash & c->mask; c->slots[i]; i = (i + 1) & c->mask) {
		size_t k = c->slots[i] - 1;

		if (c->hashes[k] == hash &&
		    !memcmp(c->signatures + k * c->n_words, signature, bytes))
			return 0;
	}
	if (c->n == max)
		return -E2BIG;
	if (c->n == c->room && grow_classes(c))
		return -ENOMEM;
	memcpy(c->signatures + c->n * c->n_words, signature, bytes);
	c->hashes[c->n] = hash;
	c->slots[i] = (uint32_t)++c->n;
	return 0;
}

/* Signatures, transposed: a row of classes for each set. */
static int transpose(const struct classes *c, size_t n_sets, struct nsg_cover_sets *ret)
{
	size_t n_words = (c->n + 63) / 64 ? (c->n + 63) / 64 : 1;
	uint64_t *rows = calloc(n_sets * n_words, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	for (size_t k = 0; k < c->n; k++)
		for (size_t s = 0; s < n_sets; s++)
			if (nsg_bit(c->signatures + k * c->n_words, s))
				rows[s * n_words + k / 64] |= (uint64_t)1 << k % 64;
	*ret = (struct nsg_cover_sets){n_sets, c->n, n_words, rows};
	return 0;
}

static struct event *events_of(const struct nsg_ranges *const *sets, size_t n_sets, size_t *ret_n)
{
	struct event *v;
	size_t n = 0;

	for (size_t s = 0; s < n_sets; s++)
		n += 2 * sets[s]->n;
	v = calloc(n + 1, sizeof(*v));
	if (!v)
		return NULL;
	n = 0;
	for (size_t s = 0; s < n_sets; s++)
		for (size_t i = 0; i < sets[s]->n; i++) {
			v[n++] = (struct event){sets[s]->v[i].lo, (uint32_t)s};
			v[n++] = (struct event){(uint64_t)sets[s]->v[i].hi + 1, (uint32_t)s};
		}
	qsort(v, n, sizeof(*v), compare_event);
	*ret_n = n;
	return v;
}

int nsg_cover_sets_make(const struct nsg_ranges *const *sets, size_t n_sets, size_t max_classes,
			struct nsg_cover_sets *ret)
{
	struct classes c cleanup_classes = {.n_words = (n_sets + 63) / 64};
	uint64_t *active cleanup_free = calloc(c.n_words + 1, sizeof(*active));
	struct event *v cleanup_free = NULL;
	uint64_t hash = 0;
	size_t n = 0;

	v = events_of(sets, n_sets, &n);
	if (!active || !v)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int r;

		/* A set's ranges do not touch, so each boundary flips it. */
		active[v[i].set / 64] ^= (uint64_t)1 << v[i].set % 64;
		hash ^= word_of(v[i].set);
		if ((i + 1 < n && v[i + 1].at == v[i].at) || !nsg_bit(active, 0))
			continue;
		r = note(&c, active, hash, max_classes);
		if (r)
			return r;
	}
	return transpose(&c, n_sets, ret);
}

void nsg_cover_sets_done(struct nsg_cover_sets *p)
{
	free(p->rows);
	*p = (struct nsg_cover_sets){0};
}
