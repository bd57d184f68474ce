/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sweep over the boundaries of many lists. Which lists hold the present address is a row of bits;
 * its hash is the sum (exclusive or) of one random number a list, so a boundary costs one operation
 * and not a whole row. Rows are compared only when hashes are equal.
 */
#include "compile/parts.h"

#include <errno.h>

#include "util/limits.h"

/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators). */
static uint64_t list_number(uint32_t list)
{
	uint64_t z = (list + 1) * 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

int nsg_partition_push(struct nsg_partition *p, uint32_t last, uint32_t id)
{
	if (p->n && p->ids[p->n - 1] == id) {
		p->lasts[p->n - 1] = last;
		return 0;
	}
	if (p->n == NSG_MAX_IMAGE_SEGMENTS)
		return -E2BIG;
	if (p->n == p->room) {
		size_t room = p->room ? p->room * 2 : 256;
		uint32_t *lasts = realloc(p->lasts, room * sizeof(*lasts));
		uint32_t *ids;

		if (!lasts)
			return -ENOMEM;
		p->lasts = lasts;
		ids = realloc(p->ids, room * sizeof(*ids));
		if (!ids)
			return -ENOMEM;
		p->ids = ids;
		p->room = room;
	}
	p->lasts[p->n] = last;
	p->ids[p->n++] = id;
	return 0;
}

void nsg_partition_done(struct nsg_partition *p)
{
	free(p->lasts);
	free(p->ids);
	nsg_rowset_done(&p->sets);
	*p = (struct nsg_partition){0};
}

/* Each range begins and ends a membership; both are a flip. */
static size_t boundaries(const struct nsg_ranges *lists, size_t n_lists, uint64_t *events)
{
	size_t n = 0;

	for (size_t l = 0; l < n_lists; l++) {
		for (size_t i = 0; i < lists[l].n; i++) {
			struct nsg_range r = lists[l].v[i];

			events[n++] = (uint64_t)r.lo << 32 | l;
			if (r.hi != UINT32_MAX)
				events[n++] = (uint64_t)(r.hi + 1) << 32 | l;
		}
	}
	return n;
}

static int sweep_events(const uint64_t *events, size_t n, struct nsg_partition *p)
{
	struct nsg_row_bits row = {{0}};
	uint64_t hash = 0;
	uint32_t start = 0, id;
	size_t i = 0;
	int r;

	for (;;) {
		for (; i < n && events[i] >> 32 == start; i++) {
			uint32_t list = (uint32_t)events[i];

			row.w[list / 64] ^= (uint64_t)1 << (list % 64);
			hash ^= list_number(list);
		}
		r = nsg_rowset_add(&p->sets, &row, hash, &id);
		if (!r)
			r = nsg_partition_push(
			    p, i < n ? (uint32_t)(events[i] >> 32) - 1 : UINT32_MAX, id);
		if (r || i == n)
			return r;
		start = (uint32_t)(events[i] >> 32);
	}
}

int nsg_sweep(const struct nsg_ranges *lists, size_t n_lists, struct nsg_partition *ret)
{
	struct nsg_partition p = {0};
	uint64_t *events;
	size_t n = 0;
	int r;

	for (size_t l = 0; l < n_lists; l++)
		n += 2 * lists[l].n;
	events = malloc((2 * n + 1) * sizeof(*events));
	if (!events)
		return -ENOMEM;
	n = boundaries(lists, n_lists, events);
	nsg_sort_upper(events, events + n, n);
	r = sweep_events(events, n, &p);
	free(events);
	if (r) {
		nsg_partition_done(&p);
		return r;
	}
	*ret = p;
	return 0;
}
