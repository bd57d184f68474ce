/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Routes that a routing daemon has installed, ordered by prefix: an immutable set that is shared by
 * reference, and how the next one is made from it and what has changed. A route takes 20 bytes;
 * equal lists of next hops are stored once.
 */
#ifndef NSG_UTIL_ROUTE_SET_H
#define NSG_UTIL_ROUTE_SET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/hash.h"
#include "util/ip.h"
#include "util/vec.h"

/* One kernel route. Several of one prefix differ in metric; the kernel uses the first. */
struct nsg_live_route {
	uint32_t addr_host, metric;
	uint32_t list;	  /* of its next hop addresses, in the set's lists */
	uint32_t since_s; /* wall clock: when it was first seen */
	uint8_t len;
};

/* Part of the set's addresses; n 0: a route without IPv4 gateways. */
struct nsg_live_hops {
	uint32_t first, n;
};

struct nsg_route_set {
	_Atomic uint32_t references;
	struct nsg_live_route *v; /* by address, length, metric */
	size_t n, n_prefixes;
	uint32_t *addrs_host;
	size_t n_addrs;
	struct nsg_live_hops *lists;
	uint32_t n_lists;
};

/* Lists of next hop addresses, each stored once. Zero-initialise to begin. */
struct nsg_hop_lists {
	NSG_VEC(uint32_t) addrs_host;
	NSG_VEC(struct nsg_live_hops) lists;
	struct nsg_hash index;
};

/* The number of the list. -ENOMEM. */
int nsg_hop_lists_add(struct nsg_hop_lists *l, const uint32_t *addrs_host, uint32_t n,
		      uint32_t *ret);
void nsg_hop_lists_done(struct nsg_hop_lists *l);

struct nsg_route_change {
	struct nsg_live_route route; /* its list is one of the nsg_hop_lists; since_s is not used */
	bool removed;
};

struct nsg_route_changes {
	NSG_VEC(struct nsg_route_change) changes; /* in order of arrival */
};

void nsg_route_changes_done(struct nsg_route_changes *c);

#define NSG_ROUTE_SAMPLES 8u

/* How a set differs from the one before. */
struct nsg_route_diff {
	uint64_t added, removed, changed;
	struct {
		enum { NSG_ROUTE_ADDED, NSG_ROUTE_REMOVED, NSG_ROUTE_CHANGED } how;
		struct nsg_prefix prefix;
	} samples[NSG_ROUTE_SAMPLES]; /* the first ones */
	size_t n_samples;
};

/*
 * The set after the changes, which are sorted in place; of several changes of one route the last is
 * used. before: NULL for none. With `whole`, the changes are the whole table: routes that no change
 * adds are removed, and of several routes with equal prefix and metric the first is used, as the
 * kernel does. -ENOMEM; -E2BIG with more than `max` routes.
 */
int nsg_route_set_new(const struct nsg_route_set *before, struct nsg_route_changes *changes,
		      bool whole, const struct nsg_hop_lists *lists, uint32_t now_s, size_t max,
		      struct nsg_route_diff *ret_diff, struct nsg_route_set **ret);

/* Thread-safe. NULL is fine for both. */
struct nsg_route_set *nsg_route_set_ref(struct nsg_route_set *s);
struct nsg_route_set *nsg_route_set_unref(struct nsg_route_set *s);

/* The route of that prefix with the lowest metric; NULL: none. */
const struct nsg_live_route *nsg_route_set_find(const struct nsg_route_set *s,
						struct nsg_prefix prefix);

/* The number of the first route at or after the address. */
size_t nsg_route_set_from(const struct nsg_route_set *s, uint32_t addr_host);
/* All addresses that have a route. -ENOMEM. */
int nsg_route_set_ranges(const struct nsg_route_set *s, struct nsg_ranges *ret);

static inline struct nsg_prefix nsg_live_prefix(const struct nsg_live_route *r)
{
	return (struct nsg_prefix){r->addr_host, r->len};
}

/* Its next hop addresses; *ret_n in number. */
static inline const uint32_t *nsg_live_hops(const struct nsg_route_set *s,
					    const struct nsg_live_route *r, uint32_t *ret_n)
{
	*ret_n = s->lists[r->list].n;
	return s->addrs_host + s->lists[r->list].first;
}

static inline void cleanup_route_set_p(struct nsg_route_set **s)
{
	nsg_route_set_unref(*s);
}
#define cleanup_route_set __attribute__((cleanup(cleanup_route_set_p)))

#endif
