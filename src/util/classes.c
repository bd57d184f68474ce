/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sweep over the boundaries of all sets. Which sets hold the present number is a row of bits; its
 * hash is the exclusive or of one random number a set, so a boundary costs one operation and not a
 * whole row. Rows are compared only when hashes are equal.
 */
#include "util/classes.h"

#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/sort.h"

#define FIRST_ROOM 64

/* ---- rows of bits ------------------------------------------------------------------------- */

uint64_t nsg_bits_hash(const struct nsg_bits *b)
{
	uint64_t h = 0;

	for (unsigned int i = 0; i < NSG_BITS / 64; i++)
		h = nsg_mix(h, b->w[i]);
	return h;
}

/* Rows are cache lines of their own, which realloc would not keep. */
static int grow(struct nsg_rowset *s)
{
	size_t room = s->room ? s->room * 2 : FIRST_ROOM;
	struct nsg_bits *rows = aligned_alloc(NSG_BITS_ALIGN, room * sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	if (s->n)
		memcpy(rows, s->rows, s->n * sizeof(*rows));
	free(s->rows);
	s->rows = rows;
	s->room = room;
	return 0;
}

static bool is_row(const void *rows, uint32_t i, const void *row)
{
	return !memcmp((const struct nsg_bits *)rows + i, row, sizeof(struct nsg_bits));
}

int nsg_rowset_add(struct nsg_rowset *s, const struct nsg_bits *row, uint64_t hash,
		   uint32_t *ret_id)
{
	uint32_t id = nsg_hash_find(&s->index, hash, is_row, s->rows, row);
	int r;

	if (id == NSG_HASH_NONE) {
		id = (uint32_t)s->n;
		r = nsg_rowset_append(s, row);
		if (r < 0)
			return r;
		r = nsg_hash_add(&s->index, hash, id);
		if (r < 0)
			return r;
	}
	*ret_id = id;
	return 0;
}

int nsg_rowset_append(struct nsg_rowset *s, const struct nsg_bits *row)
{
	if (s->n == s->room) {
		int r = grow(s);

		if (r < 0)
			return r;
	}
	s->rows[s->n++] = *row;
	return 0;
}

void nsg_rowset_done(struct nsg_rowset *s)
{
	free(s->rows);
	nsg_hash_done(&s->index);
	*s = (struct nsg_rowset){0};
}

/* ---- pieces ------------------------------------------------------------------------------- */

int nsg_partition_reserve(struct nsg_partition *p, size_t n)
{
	size_t room = p->room ? p->room : FIRST_ROOM;
	uint32_t *lasts, *ids;

	while (room < n)
		room *= 2;
	lasts = reallocarray(p->lasts, room, sizeof(*lasts));
	if (!lasts)
		return -ENOMEM;
	p->lasts = lasts;
	ids = reallocarray(p->ids, room, sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	p->ids = ids;
	p->room = room;
	return 0;
}

void nsg_partition_done(struct nsg_partition *p)
{
	free(p->lasts);
	free(p->ids);
	*p = (struct nsg_partition){0};
}

/* ---- classes ------------------------------------------------------------------------------ */

static uint64_t number_of_set(uint32_t set)
{
	return nsg_hash_u64((set + 1) * 0x9e3779b97f4a7c15u);
}

/* A range's first number and the one after its last each flip the set's bit: ranges do not
 * touch. */
static size_t boundaries(const struct nsg_ranges *sets, size_t n_sets, uint64_t *events)
{
	size_t n = 0;

	for (size_t s = 0; s < n_sets; s++) {
		for (size_t i = 0; i < sets[s].n; i++) {
			struct nsg_range r = sets[s].v[i];

			events[n++] = (uint64_t)r.lo << 32 | s;
			if (r.hi != UINT32_MAX)
				events[n++] = (uint64_t)(r.hi + 1) << 32 | s;
		}
	}
	return n;
}

static int sweep(const uint64_t *events, size_t n, struct nsg_classes *c)
{
	struct nsg_bits row = {{0}};
	uint64_t hash = 0;
	uint32_t start = 0, id;
	size_t i = 0;
	int r;

	for (;;) {
		for (; i < n && events[i] >> 32 == start; i++) {
			uint32_t set = (uint32_t)events[i];

			row.w[set / 64] ^= (uint64_t)1 << (set % 64);
			hash ^= number_of_set(set);
		}
		r = nsg_rowset_add(&c->sets, &row, hash, &id);
		if (r < 0)
			return r;
		r = nsg_partition_push(&c->pieces,
				       i < n ? (uint32_t)(events[i] >> 32) - 1 : UINT32_MAX, id);
		if (r < 0 || i == n)
			return r;
		start = (uint32_t)(events[i] >> 32);
	}
}

int nsg_classes_new(const struct nsg_ranges *sets, size_t n_sets, struct nsg_classes *ret)
{
	cleanup_classes struct nsg_classes c = {0};
	cleanup_free uint64_t *events = NULL;
	size_t n = 0;
	int r;

	for (size_t s = 0; s < n_sets; s++)
		n += 2 * sets[s].n;
	events = malloc((2 * n + 1) * sizeof(*events));
	if (!events)
		return -ENOMEM;
	n = boundaries(sets, n_sets, events);
	nsg_sort_upper(events, events + n, n);
	r = sweep(events, n, &c);
	if (r < 0)
		return r;
	*ret = c;
	c = (struct nsg_classes){0};
	return 0;
}

void nsg_classes_done(struct nsg_classes *c)
{
	nsg_partition_done(&c->pieces);
	nsg_rowset_done(&c->sets);
}
