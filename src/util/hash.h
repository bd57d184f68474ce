/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hash table over the elements of an array that its user keeps: it stores their indices. Open
 * addressing, at most half full, nothing is ever removed.
 *
 *	static bool is_named(const void *names, uint32_t i, const void *key)
 *	{
 *		return !strcmp(((char *const *)names)[i], key);
 *	}
 *
 *	i = nsg_hash_find(&h, nsg_hash_name(s), is_named, names, s);
 *	if (i == NSG_HASH_NONE) {
 *		names[n] = s;
 *		r = nsg_hash_add(&h, nsg_hash_name(s), n++);
 *	}
 */
#ifndef NSG_UTIL_HASH_H
#define NSG_UTIL_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NSG_HASH_NONE UINT32_MAX

struct nsg_hash_slot {
	uint32_t hash; /* its low half */
	uint32_t used; /* index + 1; 0: a free slot */
};

/* Zero-initialise to begin. */
struct nsg_hash {
	struct nsg_hash_slot *slots;
	size_t n, n_slots; /* n_slots is 0 or a power of two */
};

/* Is element i of the user's array the one with that key? */
typedef bool nsg_hash_match(const void *array, uint32_t i, const void *key);

/* The index of the element with that key, or NSG_HASH_NONE. Inline, so that match is too. */
static inline uint32_t nsg_hash_find(const struct nsg_hash *h, uint64_t hash, nsg_hash_match *match,
				     const void *array, const void *key)
{
	if (!h->n)
		return NSG_HASH_NONE;
	for (size_t at = hash & (h->n_slots - 1); h->slots[at].used;
	     at = (at + 1) & (h->n_slots - 1)) {
		if (h->slots[at].hash == (uint32_t)hash && match(array, h->slots[at].used - 1, key))
			return h->slots[at].used - 1;
	}
	return NSG_HASH_NONE;
}

/* Adds an element that is not there yet. -ENOMEM, with the table unchanged. */
int nsg_hash_add(struct nsg_hash *h, uint64_t hash, uint32_t i);
void nsg_hash_done(struct nsg_hash *h);

/* splitmix64's finisher (Steele, Lea, Flood: Fast splittable pseudorandom number generators):
 * each bit of the result depends on every bit of x. */
static inline uint64_t nsg_hash_u64(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/* Of a name in any ASCII case (FNV-1a). */
uint64_t nsg_hash_name(const char *name);

#endif
