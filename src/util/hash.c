/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/hash.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_SLOTS 64

static void put(struct nsg_hash_slot *slots, size_t n_slots, struct nsg_hash_slot slot)
{
	size_t at = slot.hash & (n_slots - 1);

	while (slots[at].used)
		at = (at + 1) & (n_slots - 1);
	slots[at] = slot;
}

static int grow(struct nsg_hash *h)
{
	size_t n_slots = h->n_slots ? 2 * h->n_slots : FIRST_SLOTS;
	struct nsg_hash_slot *slots = calloc(n_slots, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t at = 0; at < h->n_slots; at++)
		if (h->slots[at].used)
			put(slots, n_slots, h->slots[at]);
	free(h->slots);
	h->slots = slots;
	h->n_slots = n_slots;
	return 0;
}

int nsg_hash_add(struct nsg_hash *h, uint64_t hash, uint32_t i)
{
	if (2 * (h->n + 1) > h->n_slots) {
		int r = grow(h);

		if (r < 0)
			return r;
	}
	put(h->slots, h->n_slots, (struct nsg_hash_slot){(uint32_t)hash, i + 1});
	h->n++;
	return 0;
}

void nsg_hash_done(struct nsg_hash *h)
{
	free(h->slots);
	*h = (struct nsg_hash){0};
}

uint64_t nsg_hash_name(const char *name)
{
	uint64_t h = 14695981039346656037u;

	for (; *name; name++) {
		unsigned char c = (unsigned char)*name;

		h = (h ^ (c >= 'A' && c <= 'Z' ? c | 0x20 : c)) * 1099511628211u;
	}
	return h ^ h >> 32;
}
