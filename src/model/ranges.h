/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of addresses. */
#ifndef NSG_MODEL_RANGES_H
#define NSG_MODEL_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/arena.h"
#include "util/ip.h"

extern const struct nsg_ranges nsg_ranges_everything, nsg_ranges_nothing;

#define cleanup_ranges __attribute__((cleanup(nsg_ranges_done)))

/* Moves the ranges into the arena; r is empty afterwards. -ENOMEM. */
int nsg_ranges_take(struct nsg_arena *a, struct nsg_ranges *r, struct nsg_ranges *ret);
bool nsg_ranges_equal(const struct nsg_ranges *a, const struct nsg_ranges *b);
/* The first range that ends at or after the address; r->n when there is none. */
size_t nsg_ranges_from(const struct nsg_ranges *r, uint32_t addr_host);
bool nsg_ranges_overlap(const struct nsg_ranges *r, struct nsg_range piece);
/* Whether one range of r contains the whole piece. */
bool nsg_ranges_hold(const struct nsg_ranges *r, struct nsg_range piece);
bool nsg_ranges_disjoint(const struct nsg_ranges *a, const struct nsg_ranges *b);
/* Removes duplicates, keeping the first. -ENOMEM. */
int nsg_addresses_distinct(uint32_t *v_host, size_t *n);

#endif
