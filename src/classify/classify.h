/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An image and packet keys become decisions. Pure, allocation-free, lock-free, safe on any key.
 * This code decides everywhere: in the daemon, offline, in replay.
 */
#ifndef NSG_CLASSIFY_CLASSIFY_H
#define NSG_CLASSIFY_CLASSIFY_H

#include <stddef.h>
#include <stdint.h>

#include "classify/image.h"
#include "packet/key.h"
#include "util/names.h"

#define NSG_RULE_NONE 0xffff	   /* no NSG was evaluated: JSON null */
#define NSG_RULE_NO_NSG 0xfffe	   /* the subnet has no NSG: Allow without a rule */
#define NSG_ROUTE_NONE 0xffffffffu /* no route was looked up */

struct nsg_decision {
	uint32_t route; /* index into the image's routes, or NSG_ROUTE_NONE */
	uint16_t rule;	/* index into the image's rules, or one of the two above */
	uint16_t hop;	/* index into the image's hops; 0 is the host's own routing; 0 for a drop */
	uint8_t gate : 4;    /* enum nsg_gate */
	uint8_t verdict : 4; /* enum nsg_verdict */
	uint8_t reason;	     /* enum nsg_reason */
	uint16_t admin;	     /* 1 + index into the rules of nsg_image_admin(); 0: none matched */
};

/* A worker's own memory of class triples: speed only, never a different answer. It forgets them
 * when it is used with another image. One thread at a time. */
struct nsg_memo;

/* NULL when memory is out. */
struct nsg_memo *nsg_memo_new(void);
struct nsg_memo *nsg_memo_free(struct nsg_memo *memo);

/* memo may be NULL. decisions[i] belongs to keys[i]. */
void nsg_classify_batch(const struct nsg_image *image, struct nsg_memo *memo,
			const struct nsg_key *keys, size_t n, struct nsg_decision *decisions);
struct nsg_decision nsg_classify(const struct nsg_image *image, const struct nsg_key *key);

/* The same as if the NSG had allowed the packet and there were no admin rules, with rule
 * NSG_RULE_NONE: for a flow that was allowed before and whose route alone is looked up again. */
struct nsg_decision nsg_classify_route(const struct nsg_image *image, const struct nsg_key *key);

#endif
