/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys of flows and of destinations. Each field of a concatenation has a 32-bit register.
 */
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>

#include "kernel/nft_expr.h"
#include "kernel/nft_expr_priv.h"

/* Registers of an answer: the key has three. */
#define ANSWER REG(3)
#define PACKET_MARK REG(4)
#define CONNECTION_MARK REG(5)

static void load_flow(struct nsg_nft_batch *b)
{
	load_meta(b, NFT_META_L4PROTO, REG(0));
	load_payload(b, NFT_PAYLOAD_NETWORK_HEADER, offsetof(struct iphdr, saddr), 4, REG(1));
	load_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, offsetof(struct udphdr, source), 2, REG(2));
	load_daddr(b, REG(3));
	load_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, offsetof(struct udphdr, dest), 2, REG(4));
}

static struct nftnl_expr *change(struct nsg_nft_batch *b, uint32_t operation, const char *set)
{
	struct nftnl_expr *e = ADD(b, "dynset", {NFTNL_EXPR_DYNSET_SREG_KEY, REG(0)},
				   {NFTNL_EXPR_DYNSET_OP, operation});

	set_name(b, e, NFTNL_EXPR_DYNSET_SET_NAME, set);
	return e;
}

void nft_flow_in(struct nsg_nft_batch *b, const char *set)
{
	load_flow(b);
	lookup(b, REG(0), set, false);
}

void nft_flow_add(struct nsg_nft_batch *b, const char *set, uint64_t timeout_ms)
{
	struct nftnl_expr *e;

	load_flow(b);
	e = change(b, NFT_DYNSET_OP_ADD, set);
	if (e)
		nftnl_expr_set_u64(e, NFTNL_EXPR_DYNSET_TIMEOUT, timeout_ms);
}

static void load_immediate(struct nsg_nft_batch *b, uint32_t value, uint32_t reg)
{
	set_data(b, ADD(b, "immediate", {NFTNL_EXPR_IMM_DREG, reg}), NFTNL_EXPR_IMM_DATA, &value,
		 sizeof(value));
}

static void load_destination(struct nsg_nft_batch *b, bool ports)
{
	load_meta(b, NFT_META_L4PROTO, REG(0));
	load_daddr(b, REG(1));
	if (ports)
		load_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, offsetof(struct udphdr, dest), 2,
			     REG(2));
	else
		load_immediate(b, 0, REG(2));
}

void nft_destination_in(struct nsg_nft_batch *b, bool ports, const char *set)
{
	load_destination(b, ports);
	lookup(b, REG(0), set, false);
}

void nft_destination_add(struct nsg_nft_batch *b, bool ports, const char *set, uint64_t timeout_ms)
{
	struct nftnl_expr *e;

	load_destination(b, ports);
	e = change(b, NFT_DYNSET_OP_ADD, set);
	if (e)
		nftnl_expr_set_u64(e, NFTNL_EXPR_DYNSET_TIMEOUT, timeout_ms);
}

static void load_answer(struct nsg_nft_batch *b, bool ports, const char *map)
{
	load_destination(b, ports);
	set_name(
	    b, ADD(b, "lookup", {NFTNL_EXPR_LOOKUP_SREG, REG(0)}, {NFTNL_EXPR_LOOKUP_DREG, ANSWER}),
	    NFTNL_EXPR_LOOKUP_SET, map);
}

static void set_packet_mark(struct nsg_nft_batch *b, uint32_t reg)
{
	(void)ADD(b, "meta", {NFTNL_EXPR_META_KEY, NFT_META_MARK}, {NFTNL_EXPR_META_SREG, reg});
}

void nft_answer_get(struct nsg_nft_batch *b, bool ports, const char *map)
{
	load_answer(b, ports, map);
	set_packet_mark(b, ANSWER);
}

void nft_answer_merge(struct nsg_nft_batch *b, bool ports, const char *map, uint32_t mask)
{
	load_answer(b, ports, map);
	load_meta(b, NFT_META_MARK, PACKET_MARK);
	load_ct(b, NFT_CT_MARK, CONNECTION_MARK);
	set_packet_mark(b, ANSWER);
	nft_mark_save(b, mask);
	set_packet_mark(b, PACKET_MARK);
	nft_mark_restore(b, mask);
	(void)ADD(b, "ct", {NFTNL_EXPR_CT_KEY, NFT_CT_MARK}, {NFTNL_EXPR_CT_SREG, CONNECTION_MARK});
}

void nft_answer_add(struct nsg_nft_batch *b, bool ports, const char *map, uint32_t mask,
		    uint64_t timeout_ms)
{
	struct nftnl_expr *e;

	load_destination(b, ports);
	load_meta(b, NFT_META_MARK, ANSWER);
	mask_u32(b, ANSWER, mask, 0);
	e = change(b, NFT_DYNSET_OP_ADD, map);
	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SREG_DATA, ANSWER);
	nftnl_expr_set_u64(e, NFTNL_EXPR_DYNSET_TIMEOUT, timeout_ms);
}

void nft_answer_delete(struct nsg_nft_batch *b, bool ports, const char *map)
{
	struct nftnl_expr *e;

	load_destination(b, ports);
	/* the kernel refuses an element of a map without data */
	load_immediate(b, 0, ANSWER);
	e = change(b, NFT_DYNSET_OP_DELETE, map);
	if (e)
		nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SREG_DATA, ANSWER);
}

void nft_source_port(struct nsg_nft_batch *b, uint16_t port)
{
	const uint16_t port_be = htons(port);

	load_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, offsetof(struct udphdr, source),
		     sizeof(port_be), REG(0));
	compare(b, REG(0), NFT_CMP_EQ, &port_be, sizeof(port_be));
}

void nft_fragment(struct nsg_nft_batch *b)
{
	const uint16_t bits = htons(IP_MF | IP_OFFMASK), none = 0;

	load_payload(b, NFT_PAYLOAD_NETWORK_HEADER, offsetof(struct iphdr, frag_off), sizeof(bits),
		     REG(0));
	bitwise(b, REG(0), &bits, &none, sizeof(bits));
	compare(b, REG(0), NFT_CMP_NEQ, &none, sizeof(none));
}
