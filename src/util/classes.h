/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Divides numbers into classes: two numbers are in one class if they are in the same of several
 * sets. The compiler and the remarks on rules use it for the rules' addresses and ports.
 */
#ifndef NSG_UTIL_CLASSES_H
#define NSG_UTIL_CLASSES_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/hash.h"
#include "util/ip.h"
#include "util/limits.h"

/* ---- rows of bits, aligned to cache lines ---- */

#define NSG_BITS 1024u
#define NSG_BITS_ALIGN 64

struct nsg_bits {
	_Alignas(NSG_BITS_ALIGN) uint64_t w[NSG_BITS / 64];
};

static inline void nsg_bits_set(struct nsg_bits *b, unsigned int i)
{
	b->w[i / 64] |= (uint64_t)1 << (i % 64);
}

static inline bool nsg_bits_has(const struct nsg_bits *b, size_t i)
{
	return b->w[i / 64] >> (i % 64) & 1;
}

static inline void nsg_bits_or(struct nsg_bits *b, const struct nsg_bits *other)
{
	for (unsigned int i = 0; i < NSG_BITS / 64; i++)
		b->w[i] |= other->w[i];
}

static inline void nsg_bits_and(struct nsg_bits *b, const struct nsg_bits *other)
{
	for (unsigned int i = 0; i < NSG_BITS / 64; i++)
		b->w[i] &= other->w[i];
}

static inline uint64_t nsg_mix(uint64_t h, uint64_t value)
{
	h = (h ^ value) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

uint64_t nsg_bits_hash(const struct nsg_bits *b);

/* Distinct rows, numbered from 0. Zero-initialise to begin. */
struct nsg_rowset {
	struct nsg_bits *rows;
	size_t n, room;
	struct nsg_hash index;
};

/* The number of an equal row, or a new one. hash must be a function of the row. -ENOMEM. */
int nsg_rowset_add(struct nsg_rowset *s, const struct nsg_bits *row, uint64_t hash,
		   uint32_t *ret_id);
/* Adds a row without looking for an equal one; nsg_rowset_add() will not find it. -ENOMEM. */
int nsg_rowset_append(struct nsg_rowset *s, const struct nsg_bits *row);
void nsg_rowset_done(struct nsg_rowset *s);

/* ---- the numbers 0 to 2^32 - 1, divided into pieces ---- */

/* Piece i ends with lasts[i]; neighbours have different ids. Zero-initialise to begin. */
struct nsg_partition {
	uint32_t *lasts, *ids;
	size_t n, room;
};

/* Makes room for n pieces in all. -ENOMEM. */
int nsg_partition_reserve(struct nsg_partition *p, size_t n);
void nsg_partition_done(struct nsg_partition *p);

/* Appends the piece up to `last`, joined to the one before it when the ids are equal. -ENOMEM,
 * -E2BIG beyond NSG_MAX_IMAGE_SEGMENTS. */
static inline int nsg_partition_push(struct nsg_partition *p, uint32_t last, uint32_t id)
{
	if (p->n && p->ids[p->n - 1] == id) {
		p->lasts[p->n - 1] = last;
		return 0;
	}
	if (p->n == NSG_MAX_IMAGE_SEGMENTS)
		return -E2BIG;
	if (p->n == p->room) {
		int r = nsg_partition_reserve(p, p->n + 1);

		if (r < 0)
			return r;
	}
	p->lasts[p->n] = last;
	p->ids[p->n++] = id;
	return 0;
}

/* ---- classes ---- */

struct nsg_classes {
	struct nsg_partition pieces; /* ids: the class */
	struct nsg_rowset sets;	     /* of each class: the sets that contain it */
};

/* At most NSG_BITS sets. -ENOMEM, -E2BIG beyond NSG_MAX_IMAGE_SEGMENTS pieces. */
int nsg_classes_new(const struct nsg_ranges *sets, size_t n_sets, struct nsg_classes *ret);
void nsg_classes_done(struct nsg_classes *c);

#define cleanup_rowset __attribute__((cleanup(nsg_rowset_done)))
#define cleanup_partition __attribute__((cleanup(nsg_partition_done)))
#define cleanup_classes __attribute__((cleanup(nsg_classes_done)))

#endif
