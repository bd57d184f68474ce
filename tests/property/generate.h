/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random policies, written as Azure's documents, and flows drawn from their boundaries. */
#ifndef NSG_TESTS_PROPERTY_GENERATE_H
#define NSG_TESTS_PROPERTY_GENERATE_H

#include <stddef.h>
#include <stdint.h>

#include "model/effective.h"
#include "packet/key.h"

#define GENERATED_SUBNET "snet-int"

/* A seeded generator of numbers: the same everywhere. */
struct rng {
	uint64_t state;
};

uint32_t rng_next(struct rng *r);
/* 0 to n - 1 */
uint32_t rng_below(struct rng *r, uint32_t n);
/* true in so many of 100 */
int rng_percent(struct rng *r, uint32_t percent);

/* Writes a policy into the directory, whose *.json it removes first, and draws the options. */
void generate_policy(struct rng *r, const char *directory, struct nsg_options *ret_options);

/* Removes what generate_policy wrote. */
void generate_remove(const char *directory);

/* Fills n keys: addresses and ports from every boundary in the policy and one step to each side. */
void generate_flows(struct rng *r, const struct nsg_policy *policy, struct nsg_key *keys, size_t n);

#endif
