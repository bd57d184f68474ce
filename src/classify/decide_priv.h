/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of a decision that are the same for one packet and for a batch, on every processor. */
#ifndef NSG_CLASSIFY_DECIDE_PRIV_H
#define NSG_CLASSIFY_DECIDE_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "classify/simd_priv.h"
#include "util/names.h"

static inline uint32_t match_of(const struct nsg_image *image, uint32_t bit)
{
	return bit | ((image->denies[bit / 64] >> (bit % 64) & 1) ? NSG_MATCH_DENIES : 0);
}

/* ---- memo ---- */

#define MEMO_KEY_BITS (NSG_LEAF_CLASS_BITS + NSG_SRC_CLASS_BITS + NSG_L4_CLASS_BITS)
#define MEMO_TAG_BITS (MEMO_KEY_BITS - NSG_MEMO_INDEX_BITS)
#define MEMO_MATCH_BITS 11
#define MEMO_VALID (1u << MEMO_MATCH_BITS)

_Static_assert(MEMO_TAG_BITS + 1 + MEMO_MATCH_BITS <= 64,
	       "an entry holds tag, valid bit and match");

/* Multiplication by an odd number, modulo a power of two, loses nothing: equal hashes are equal
 * triples, and the bits that are not the index need no more room than the entry has. */
static inline uint64_t memo_hash(uint32_t dst, uint32_t src, uint32_t l4)
{
	uint64_t key = (uint64_t)dst | (uint64_t)src << NSG_LEAF_CLASS_BITS |
		       (uint64_t)l4 << (NSG_LEAF_CLASS_BITS + NSG_SRC_CLASS_BITS);

	return key * 0x9e3779b97f4a7c15u & (((uint64_t)1 << MEMO_KEY_BITS) - 1);
}

static inline uint32_t memo_index(uint64_t hash)
{
	return (uint32_t)(hash >> MEMO_TAG_BITS);
}

static inline uint64_t memo_tag(uint64_t hash)
{
	return hash & (((uint64_t)1 << MEMO_TAG_BITS) - 1);
}

static inline uint64_t memo_entry(uint64_t hash, uint32_t match)
{
	return memo_tag(hash) << (MEMO_MATCH_BITS + 1) | MEMO_VALID | match;
}

static inline bool memo_holds(uint64_t entry, uint64_t hash)
{
	return entry >> MEMO_MATCH_BITS == (memo_tag(hash) << 1 | 1);
}

/*
 * A memo that contains most packets saves reading their rows; otherwise it costs more than it
 * saves. It is therefore used for a while, and skipped for a longer while if it missed too often.
 */
#define MEMO_TRIAL 8192u
#define MEMO_REST (16 * MEMO_TRIAL)

static inline bool memo_is_worth_it(struct nsg_memo *memo, uint32_t n)
{
	if (memo->asked >= MEMO_TRIAL) {
		memo->left_out = memo->missed > MEMO_TRIAL / 4 ? MEMO_REST : 0;
		memo->asked = memo->missed = 0;
	}
	if (memo->left_out) {
		memo->left_out -= memo->left_out < n ? memo->left_out : n;
		return false;
	}
	memo->asked += n;
	return true;
}

/* ---- layer 4 where the cross table would be too large ---- */

static inline uint32_t match_wide(const struct nsg_image *image, uint32_t dst, uint32_t src,
				  const struct nsg_key *key)
{
	const uint64_t *dst_row = nsg_image_at(image, image->dst_rows_off);
	const uint64_t *src_row = nsg_image_at(image, image->src_rows_off);
	const uint64_t *rows = nsg_image_at(image, image->l4_rows_off);
	const struct nsg_layout_protocol *protocols = nsg_image_at(image, image->protocols_off);
	const uint16_t *sports = nsg_image_at(image, image->sports_off);
	const uint16_t *dports = nsg_image_at(image, image->dports_off);
	struct nsg_layout_protocol p = protocols[key->protocol];
	const uint64_t *l4[3];

	l4[0] = rows + (size_t)p.first * NSG_ROW_WORDS;
	l4[1] = l4[2] = l4[0];
	if (p.ports_mask) {
		l4[1] =
		    rows + (size_t)(image->wide_sports + sports[key->sport_host]) * NSG_ROW_WORDS;
		l4[2] =
		    rows + (size_t)(image->wide_dports + dports[key->dport_host]) * NSG_ROW_WORDS;
	}
	dst_row += (size_t)dst * NSG_ROW_WORDS;
	src_row += (size_t)src * NSG_ROW_WORDS;
	for (uint32_t w = 0; w < NSG_ROW_WORDS; w++) {
		uint64_t common = dst_row[w] & src_row[w] & l4[0][w] & l4[1][w] & l4[2][w];

		if (common)
			return match_of(image, w * 64 + (uint32_t)__builtin_ctzll(common));
	}
	return NSG_BIT_NOTHING;
}

/* ---- leaf and match become a decision ---- */

/* A decision's fields in three words: three stores instead of seven. A batch took 9 ns a packet
 * this way, 21 with the plain struct (gcc 12, AVX2, a small policy). */
static inline void put_decision(struct nsg_decision *d, uint32_t route, uint32_t rule, uint32_t hop,
				uint32_t gate, uint32_t verdict, uint32_t reason)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	uint32_t filters = rule | hop << 16, outcome = gate | verdict << 4 | reason << 8;

	_Static_assert(sizeof(*d) == 12 && offsetof(struct nsg_decision, rule) == 4 &&
			   offsetof(struct nsg_decision, hop) == 6 &&
			   offsetof(struct nsg_decision, reason) == 9 &&
			   offsetof(struct nsg_decision, admin) == 10,
		       "the words are the fields");
	memcpy(d, &route, 4);
	memcpy((char *)d + 4, &filters, 4);
	memcpy((char *)d + 8, &outcome, 4);
#else
	*d = (struct nsg_decision){
	    .route = route,
	    .rule = (uint16_t)rule,
	    .hop = (uint16_t)hop,
	    .gate = (uint8_t)gate & 15u,
	    .verdict = (uint8_t)verdict & 15u,
	    .reason = (uint8_t)reason,
	};
#endif
}

/* Masks instead of branches: whether a rule denies is unpredictable. */
static inline void decide(uint64_t leaf, uint32_t match, struct nsg_decision *ret)
{
	uint32_t bit = match & NSG_MATCH_BIT;
	uint32_t nothing = bit == NSG_BIT_NOTHING;
	uint32_t denied = match >> 10 | (nothing & NSG_LEAF_DENY(leaf));
	uint32_t kept = denied - 1; /* ones when allowed */
	uint32_t rule = nothing ? NSG_RULE_NONE - NSG_LEAF_NO_NSG(leaf) : bit - NSG_BIT_RULES;
	uint32_t reason = NSG_LEAF_REASON(leaf);
	uint32_t accepts = reason <= NSG_REASON_PLATFORM;

	put_decision(ret, NSG_LEAF_ROUTE(leaf), rule, NSG_LEAF_HOP(leaf) & kept,
		     NSG_LEAF_GATE(leaf), accepts & kept,
		     (reason & kept) | (NSG_REASON_NSG_DENY & ~kept));
	if (__builtin_expect(bit == NSG_BIT_NOT_CARRIED, 0))
		put_decision(ret, NSG_ROUTE_NONE, NSG_RULE_NONE, 0, NSG_GATE_NOT_CARRIED,
			     NSG_VERDICT_DROP, NSG_REASON_NOT_CARRIED);
}

_Static_assert(NSG_GATE_MAX <= 16, "a gate has four bits");
_Static_assert(NSG_VERDICT_DROP == 0 && NSG_VERDICT_ACCEPT == 1, "a verdict is a truth value");
_Static_assert(NSG_MATCH_DENIES == 1u << 10, "denied is the bit above the match");
_Static_assert(NSG_RULE_NO_NSG == NSG_RULE_NONE - 1, "the leaf's bit tells the two apart");
_Static_assert(NSG_REASON_ALLOWED < NSG_REASON_PLATFORM &&
		   NSG_REASON_BYPASS < NSG_REASON_PLATFORM &&
		   NSG_REASON_NSG_DENY > NSG_REASON_PLATFORM,
	       "reasons that accept come first");

#endif
