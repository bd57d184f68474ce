/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The image's layout: what the compiler writes and the classifier reads. Only these two include it;
 * image.h draws it. Every `_off` is a byte offset from the start of the image.
 */
#ifndef NSG_CLASSIFY_IMAGE_LAYOUT_H
#define NSG_CLASSIFY_IMAGE_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "classify/image.h"

#define NSG_IMAGE_ALIGN 64

/* ---- rows: which rules a class can match ---- */

#define NSG_ROW_BITS 1024
#define NSG_ROW_WORDS (NSG_ROW_BITS / 64)
#define NSG_ROW_BYTES (NSG_ROW_BITS / 8)

/* Bits are in order of priority, so the first bit that three rows share decides. Two are not rules:
 * the first, for a packet that the integration does not carry, and the last, for a packet that
 * nothing matched. */
#define NSG_BIT_NOT_CARRIED 0u
#define NSG_BIT_RULES 1u
#define NSG_BIT_NOTHING (NSG_ROW_BITS - 1u)

/* The result of the rows: the first common bit, and whether its rule denies. */
#define NSG_MATCH_BIT 0x3ffu
#define NSG_MATCH_DENIES 0x400u

/* ---- search tree: address to segment ---- */

/* A node is one cache line: 16 keys, 17 children, ascending. A key is the last address of a segment
 * (or of a child's segments) with its top bit turned, so that signed comparison orders addresses.
 * Child and segment are the number of keys below the address. Keys that fill a node up are
 * INT32_MAX: below nothing. The last level holds all segments' keys one after another. */
#define NSG_NODE_KEYS 16u
#define NSG_NODE_CHILDREN 17u
#define NSG_TREE_LEVELS 6u /* 16 x 17^5 is 22.7 million segments */

struct nsg_tree {
	uint32_t depth;
	uint32_t n; /* segments */
	uint32_t level_off[NSG_TREE_LEVELS];
};

static inline int32_t nsg_tree_key(uint32_t addr_host)
{
	return (int32_t)(addr_host ^ 0x80000000u);
}

static inline uint32_t nsg_tree_addr(int32_t key)
{
	return (uint32_t)key ^ 0x80000000u;
}

/* ---- leaf of a destination segment ---- */

/*
 *  63..42  41..39  38    37      36..33  32..30  29..21  20..0
 *  route   unused  deny  no NSG  reason  gate    hop     class
 *
 * reason, route and hop are the outcome when no rule denies. All ones: no route. `no NSG`:
 * when nothing matched the rule is NSG_RULE_NO_NSG, else NSG_RULE_NONE. `deny`: when nothing
 * matched the packet is denied.
 */
#define NSG_LEAF_CLASS_BITS 21
#define NSG_LEAF_HOP_BITS 9
#define NSG_LEAF_GATE_BITS 3
#define NSG_LEAF_REASON_BITS 4
#define NSG_LEAF_ROUTE_BITS 22

#define NSG_LEAF_HOP_SHIFT NSG_LEAF_CLASS_BITS
#define NSG_LEAF_GATE_SHIFT (NSG_LEAF_HOP_SHIFT + NSG_LEAF_HOP_BITS)
#define NSG_LEAF_REASON_SHIFT (NSG_LEAF_GATE_SHIFT + NSG_LEAF_GATE_BITS)
#define NSG_LEAF_NO_NSG_SHIFT (NSG_LEAF_REASON_SHIFT + NSG_LEAF_REASON_BITS)
#define NSG_LEAF_DENY_SHIFT (NSG_LEAF_NO_NSG_SHIFT + 1)
#define NSG_LEAF_ROUTE_SHIFT (64 - NSG_LEAF_ROUTE_BITS)

#define NSG_LEAF_ROUTE_NONE ((1u << NSG_LEAF_ROUTE_BITS) - 1)

#define NSG_LEAF_FIELD(leaf, shift, bits)                                                          \
	((uint32_t)((leaf) >> (shift)) & (uint32_t)((1u << (bits)) - 1))
#define NSG_LEAF_CLASS(leaf) NSG_LEAF_FIELD(leaf, 0, NSG_LEAF_CLASS_BITS)
#define NSG_LEAF_HOP(leaf) NSG_LEAF_FIELD(leaf, NSG_LEAF_HOP_SHIFT, NSG_LEAF_HOP_BITS)
#define NSG_LEAF_GATE(leaf) NSG_LEAF_FIELD(leaf, NSG_LEAF_GATE_SHIFT, NSG_LEAF_GATE_BITS)
#define NSG_LEAF_REASON(leaf) NSG_LEAF_FIELD(leaf, NSG_LEAF_REASON_SHIFT, NSG_LEAF_REASON_BITS)
#define NSG_LEAF_NO_NSG(leaf) NSG_LEAF_FIELD(leaf, NSG_LEAF_NO_NSG_SHIFT, 1)
#define NSG_LEAF_DENY(leaf) NSG_LEAF_FIELD(leaf, NSG_LEAF_DENY_SHIFT, 1)
/* The sign spreads: none becomes NSG_ROUTE_NONE by itself. There are fewer routes than segments. */
#define NSG_LEAF_ROUTE(leaf) ((uint32_t)((int64_t)(leaf) >> NSG_LEAF_ROUTE_SHIFT))

/* What follows from the route alone; the rest follows from the gate and the NSG. */
#define NSG_LEAF_ROUTE_PART                                                                        \
	(((uint64_t)NSG_LEAF_ROUTE_NONE << NSG_LEAF_ROUTE_SHIFT) |                                 \
	 ((uint64_t)((1u << NSG_LEAF_HOP_BITS) - 1) << NSG_LEAF_HOP_SHIFT) |                       \
	 ((uint64_t)((1u << NSG_LEAF_REASON_BITS) - 1) << NSG_LEAF_REASON_SHIFT))

/* ---- layer 4 ---- */

#define NSG_PORTS 65536u

/*
 * Where a protocol's classes are in the cross table. A protocol with ports has one for each
 * [source port class][destination port class], one without ports a single one. (In a wide image
 * `first` is a row instead.)
 */
struct nsg_layout_protocol {
	uint32_t first;
	uint32_t ports_mask; /* ones, or 0 */
};

/* Classes of one triple in 62 bits: the memo's key. */
#define NSG_L4_CLASS_BITS 20
#define NSG_SRC_CLASS_BITS 21

/* ---- records for people ---- */

struct nsg_layout_rule {
	uint32_t name_off;
	uint16_t priority;
	uint8_t access;
	uint8_t is_default;
};

struct nsg_layout_route {
	uint32_t addr_host;
	uint8_t len, source, hop_type, unreachable;
	uint32_t name_off; /* 0: none */
	uint32_t hops_off, n_hops;
	uint32_t hop;
	uint32_t row; /* of the effective policy, when the route is a document's */
};

/* There may be a million; all else of them is alike. */
struct nsg_layout_live {
	uint32_t addr_host;
	uint32_t hops_off; /* to their number and addresses */
	uint32_t len;
};

struct nsg_layout_hop {
	uint32_t type;
	uint32_t addrs_off, n_addrs;
};

/* ---- the image ---- */

struct nsg_image {
	_Alignas(NSG_IMAGE_ALIGN) uint64_t
	    id; /* unique in this process: a memo notices that its triples are another image's */
	struct nsg_image_info info;

	/* Bit i: rule i - NSG_BIT_RULES denies. */
	uint64_t denies[NSG_ROW_WORDS];

	struct nsg_tree dst, src;
	uint32_t dst_leaves_off; /* uint64_t each segment */
	uint32_t src_leaves_off; /* uint32_t class each segment */

	/* Sources of the integration subnet, without a search: uint32_t class each address. One
	 * entry at least, so that it may be read before the address is known to be in it. */
	uint32_t src_table_off, src_table_host, src_table_n;

	uint32_t protocols_off;		 /* struct nsg_layout_protocol[256] */
	uint32_t cross_off, n_cross;	 /* uint32_t layer-4 class */
	uint32_t sports_off, dports_off; /* uint16_t[65536]: port class */
	uint32_t sport_classes, dport_classes;
	/* Only the reserved source port has a class of its own (almost every policy): it is class 1
	 * and the table is not read. */
	uint32_t sport_trivial;
	/* The cross table would be too large: protocols, sports and dports name rows, and five rows
	 * are ANDed instead of three. */
	uint32_t wide;
	uint32_t wide_sports, wide_dports; /* the first row of each */

	uint32_t dst_rows_off, src_rows_off, l4_rows_off;

	uint32_t rules_off, routes_off, hops_off;

	/* Routes of documents come first, in the order of their rows; then each route of the set of
	 * live ones, in its order: struct nsg_layout_live. Their next hop; 0: none of them is used. */
	uint32_t n_document_routes, live_off, live_hop;

	/* The image of the security admin rules; 0: none. Only the rule that matches is used of it. */
	uint32_t admin_off;
};

static inline const void *nsg_image_at(const struct nsg_image *image, uint32_t off)
{
	return (const char *)image + off;
}

#endif
