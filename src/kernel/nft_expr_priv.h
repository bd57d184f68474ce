/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The expressions that matches and statements consist of. Each match starts at register 0
 * (NFT_REG32_00); no function relies on a register of an earlier one.
 */
#ifndef NSG_KERNEL_NFT_EXPR_PRIV_H
#define NSG_KERNEL_NFT_EXPR_PRIV_H

#include <errno.h>
#include <stddef.h>

#include <libnftnl/expr.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/ip.h>

#include "kernel/nft_expr.h"
#include "util/macro.h"

#define REG(n) ((uint32_t)NFT_REG32_00 + (n))

struct field {
	uint16_t attr; /* NFTNL_EXPR_* */
	uint32_t value;
};

/* An expression of the rule being built, which owns it; NULL after an error. */
static inline struct nftnl_expr *add(struct nsg_nft_batch *b, const char *name,
				     const struct field *fields, size_t n)
{
	struct nftnl_expr *e;

	if (b->error || !b->rule)
		return NULL;
	e = nftnl_expr_alloc(name);
	if (!e) {
		nsg_nft_fail(b, -ENOMEM);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		nftnl_expr_set_u32(e, fields[i].attr, fields[i].value);
	nftnl_rule_add_expr(b->rule, e);
	return e;
}

/* add(), with the numbers of the expression: ADD(b, "meta", {NFTNL_EXPR_META_KEY, key}, ...) */
#define ADD(b, name, ...)                                                                          \
	add(b, name, (const struct field[]){__VA_ARGS__},                                          \
	    NSG_ARRAY_SIZE(((const struct field[]){__VA_ARGS__})))

static inline void set_name(struct nsg_nft_batch *b, struct nftnl_expr *e, uint16_t attr,
			    const char *name)
{
	if (e)
		nsg_nft_check(b, nftnl_expr_set_str(e, attr, name));
}

static inline void set_data(struct nsg_nft_batch *b, struct nftnl_expr *e, uint16_t attr,
			    const void *data, uint32_t len)
{
	if (e)
		nsg_nft_check(b, nftnl_expr_set(e, attr, data, len));
}

static inline void load_meta(struct nsg_nft_batch *b, uint32_t key, uint32_t reg)
{
	(void)ADD(b, "meta", {NFTNL_EXPR_META_KEY, key}, {NFTNL_EXPR_META_DREG, reg});
}

static inline void load_ct(struct nsg_nft_batch *b, uint32_t key, uint32_t reg)
{
	(void)ADD(b, "ct", {NFTNL_EXPR_CT_KEY, key}, {NFTNL_EXPR_CT_DREG, reg});
}

static inline void load_payload(struct nsg_nft_batch *b, uint32_t base, size_t offset, size_t len,
				uint32_t reg)
{
	(void)ADD(b, "payload", {NFTNL_EXPR_PAYLOAD_BASE, base},
		  {NFTNL_EXPR_PAYLOAD_OFFSET, (uint32_t)offset},
		  {NFTNL_EXPR_PAYLOAD_LEN, (uint32_t)len}, {NFTNL_EXPR_PAYLOAD_DREG, reg});
}

/* register = (register & mask) ^ xor */
static inline void bitwise(struct nsg_nft_batch *b, uint32_t reg, const void *mask,
			   const void * xor, uint32_t len)
{
	struct nftnl_expr *e =
	    ADD(b, "bitwise", {NFTNL_EXPR_BITWISE_SREG, reg}, {NFTNL_EXPR_BITWISE_DREG, reg},
		{NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL}, {NFTNL_EXPR_BITWISE_LEN, len});

	set_data(b, e, NFTNL_EXPR_BITWISE_MASK, mask, len);
	set_data(b, e, NFTNL_EXPR_BITWISE_XOR, xor, len);
}

static inline void mask_u32(struct nsg_nft_batch *b, uint32_t reg, uint32_t mask, uint32_t xor)
{
	bitwise(b, reg, &mask, &xor, sizeof(mask));
}

static inline void compare(struct nsg_nft_batch *b, uint32_t reg, uint32_t op, const void *data,
			   uint32_t len)
{
	struct nftnl_expr *e = ADD(b, "cmp", {NFTNL_EXPR_CMP_SREG, reg}, {NFTNL_EXPR_CMP_OP, op});

	set_data(b, e, NFTNL_EXPR_CMP_DATA, data, len);
}

static inline void lookup(struct nsg_nft_batch *b, uint32_t reg, const char *set, bool inverted)
{
	struct nftnl_expr *e = ADD(b, "lookup", {NFTNL_EXPR_LOOKUP_SREG, reg});

	set_name(b, e, NFTNL_EXPR_LOOKUP_SET, set);
	if (e && inverted)
		nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
}

static inline void load_mark(struct nsg_nft_batch *b, enum nft_mark mark, uint32_t mask)
{
	if (mark == NFT_MARK_PACKET)
		load_meta(b, NFT_META_MARK, REG(0));
	else
		load_ct(b, NFT_CT_MARK, REG(0));
	if (mask != UINT32_MAX)
		mask_u32(b, REG(0), mask, 0);
}

static inline void load_daddr(struct nsg_nft_batch *b, uint32_t reg)
{
	load_payload(b, NFT_PAYLOAD_NETWORK_HEADER, offsetof(struct iphdr, daddr), 4, reg);
}

#endif
