/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mark's bits under [route] mark-mask, highest first:
 *
 *      1 bit   decided     an NSG allowed this flow
 *      2 bits  generation  of the policy that routed it
 *      n bits  hop         0: the host's own routing; all ones without `decided`: denied
 *
 * The mask is one run of 6 to 19 bits (n = 3 to 16, of which at most nine are used). Only hop bits
 * ever leave the host's hooks; bits outside the mask are never read or written.
 */
#ifndef NSG_CONF_MARKS_H
#define NSG_CONF_MARKS_H

#include <stdint.h>

#define NSG_GENERATIONS 4u	/* two bits of the mark */
#define NSG_ALL_GENERATIONS 0xf /* a bit each */

struct nsg_marks {
	uint32_t mask;
	uint32_t decided, generation, hop; /* parts of the mask, disjoint */
	uint32_t denied;		   /* == hop: without decided, a denied flow */
	uint8_t generation_shift, hop_shift;
	uint32_t max_hop; /* largest usable hop number */
};

/* -EINVAL when the mask is not such a run. */
int nsg_marks_init(uint32_t mask, struct nsg_marks *ret);

static inline uint32_t nsg_marks_accept(const struct nsg_marks *m, uint32_t generation,
					uint32_t hop)
{
	return m->decided | (generation << m->generation_shift & m->generation) |
	       (hop << m->hop_shift & m->hop);
}

static inline uint32_t nsg_marks_deny(const struct nsg_marks *m, uint32_t generation)
{
	return m->denied | (generation << m->generation_shift & m->generation);
}

#endif
