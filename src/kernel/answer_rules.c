/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/answer_rules.h"

#include <netinet/in.h> /* before the kernel's headers, which then leave out what it defines */

#include "kernel/nft_expr.h"
#include "kernel/ruleset.h"
#include "kernel/shared_rules.h"
#include "util/macro.h"

/* Longer than a packet waits in the queue, and not longer than any answer is used. */
#define LEARNED_MS 1000u

static const char *const chains[] = {
    "answer",	    "answer_ports", "answer_found", "answer_accept",
    "answer_stale", "learn",	    "learn_add",    "learn_ports",
};

void nsg_answer_chains_create(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	if (!nsg_ruleset_answers(k))
		return;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(chains); i++)
		nsg_nft_chain(b, chains[i]);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(chains); i++)
		nsg_nft_chain_flush(b, chains[i]);
}

/* --- using answers --------------------------------------------------------------------------- */

/* The mark of the answer becomes the packet's. Most packets have no mark of another program, and
 * need no merging. */
static void put_find(struct nsg_nft_batch *b, const struct nsg_kernel *k, const char *chain,
		     bool ports)
{
	/* meta mark != 0 meta mark set MERGED(meta l4proto . ip daddr . th dport map @answers) */
	RULE(b, chain, nft_mark_is_not(b, NFT_MARK_PACKET, UINT32_MAX, 0);
	     nft_answer_merge(b, ports, NSG_MAP_ANSWERS, k->marks.mask));
	/* meta mark == 0 meta mark set meta l4proto . ip daddr . th dport map @answers */
	RULE(b, chain, nft_mark_is(b, NFT_MARK_PACKET, UINT32_MAX, 0);
	     nft_answer_get(b, ports, NSG_MAP_ANSWERS));
	/* goto answer_found */
	RULE(b, chain, nft_goto(b, "answer_found"));
}

static void put_answer(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	/* meta mark & 0 != @answering return */
	RULE(b, "answer", nft_mark_not_in(b, NFT_MARK_PACKET, 0, NSG_SET_ANSWERING); nft_return(b));
	/* What the worker may refuse whatever its destination is.
	 * @nh,0,8 != 0x45 return */
	RULE(b, "answer", nft_header_not_plain(b); nft_return(b));
	/* ip frag-off & 0x3fff != 0 return */
	RULE(b, "answer", nft_fragment(b); nft_return(b));
	/* udp sport 65330 return */
	RULE(b, "answer", nft_l4proto(b, IPPROTO_UDP); nft_source_port(b, NSG_SPORT_NOT_CARRIED);
	     nft_return(b));
	/* meta l4proto @ported goto answer_ports */
	RULE(b, "answer", nft_l4proto_in(b, "ported", false); nft_goto(b, "answer_ports"));
	put_find(b, k, "answer", false);
	put_find(b, k, "answer_ports", true);
}

static void put_found(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const struct nsg_marks *m = &k->marks;

	/* meta mark & (DECIDED | GENERATION) @gen goto answer_accept */
	RULE(b, "answer_found", nft_mark_in(b, NFT_MARK_PACKET, m->decided | m->generation, "gen");
	     nft_goto(b, "answer_accept"));
	/* meta mark & MASK @gone meta mark & 0 @answering_denied
	 * counter name answered_denied queue num SILENT */
	RULE(b, "answer_found", nft_mark_in(b, NFT_MARK_PACKET, m->mask, "gone");
	     nft_mark_in(b, NFT_MARK_PACKET, 0, NSG_SET_ANSWERING_DENIED);
	     nft_count(b, NSG_COUNTER_ANSWERED_DENIED); nsg_shared_silence(b, k));
	/* counter name unanswered */
	RULE(b, "answer_found", nft_count(b, NSG_COUNTER_UNANSWERED));
	/* Of another generation, or denied while denials are not answered.
	 * meta mark & MASK != 0 goto answer_stale */
	RULE(b, "answer_found", nft_mark_is_not(b, NFT_MARK_PACKET, m->mask, 0);
	     nft_goto(b, "answer_stale"));
}

static void put_accept(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	/* counter name answered xt CONNMARK save MASK jump timeouts */
	RULE(b, "answer_accept", nft_count(b, NSG_COUNTER_ANSWERED);
	     nft_mark_save(b, k->marks.mask); nft_jump(b, "timeouts"));
	/* goto leave: without the mark of a verdict, so that the packet teaches nothing */
	RULE(b, "answer_accept", nft_goto(b, "leave"));
}

/* Deleted, not updated: `add` changes nothing of an element that exists. */
static void put_stale(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	/* meta l4proto @ported delete @answers { meta l4proto . ip daddr . th dport : 0 } */
	RULE(b, "answer_stale", nft_l4proto_in(b, "ported", false);
	     nft_answer_delete(b, true, NSG_MAP_ANSWERS));
	/* meta l4proto != @ported delete @answers { meta l4proto . ip daddr . 0 : 0 } */
	RULE(b, "answer_stale", nft_l4proto_in(b, "ported", true);
	     nft_answer_delete(b, false, NSG_MAP_ANSWERS));
	/* meta mark set meta mark & ~MASK */
	RULE(b, "answer_stale", nft_mark_keep(b, ~k->marks.mask));
}

/* --- learning answers ------------------------------------------------------------------------ */

static void put_learn(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const struct nsg_marks *m = &k->marks;

	/* meta mark & 0 != @learning return */
	RULE(b, "learn", nft_mark_not_in(b, NFT_MARK_PACKET, 0, NSG_SET_LEARNING); nft_return(b));
	/* A bare SYN clears the connection's mark and may overtake a queued packet, whose verdict
	 * is about its route alone.
	 * meta l4proto tcp @th,104,8 & 0x17 != 0x02 return */
	RULE(b, "learn", nft_l4proto(b, IPPROTO_TCP); nft_tcp_not_bare_syn(b); nft_return(b));
	/* meta mark & (DECIDED | GENERATION) @gen goto learn_add */
	RULE(b, "learn", nft_mark_in(b, NFT_MARK_PACKET, m->decided | m->generation, "gen");
	     nft_goto(b, "learn_add"));
	/* meta mark & MASK @gone meta mark & 0 @answering_denied goto learn_add */
	RULE(b, "learn", nft_mark_in(b, NFT_MARK_PACKET, m->mask, "gone");
	     nft_mark_in(b, NFT_MARK_PACKET, 0, NSG_SET_ANSWERING_DENIED);
	     nft_goto(b, "learn_add"));
}

/* Packets that were in the queue together teach the same. Only the first one may: `add` of an element
 * that exists counts as a use of it. */
static void put_learn_add(struct nsg_nft_batch *b, const struct nsg_kernel *k, const char *chain,
			  bool ports)
{
	/* meta l4proto . ip daddr . th dport @learned return */
	RULE(b, chain, nft_destination_in(b, ports, NSG_SET_LEARNED); nft_return(b));
	/* add @learned { meta l4proto . ip daddr . th dport timeout 1s } */
	RULE(b, chain, nft_destination_add(b, ports, NSG_SET_LEARNED, LEARNED_MS));
	/* add @answers { meta l4proto . ip daddr . th dport timeout SECONDS : meta mark & MASK } */
	RULE(b, chain,
	     nft_answer_add(b, ports, NSG_MAP_ANSWERS, k->marks.mask,
			    (uint64_t)k->conf->answers_seconds * 1000));
}

static void put_learn_all(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	/* meta l4proto @ported goto learn_ports */
	RULE(b, "learn_add", nft_l4proto_in(b, "ported", false); nft_goto(b, "learn_ports"));
	put_learn_add(b, k, "learn_add", false);
	put_learn_add(b, k, "learn_ports", true);
}

void nsg_answer_chains_fill(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	if (!nsg_ruleset_answers(k))
		return;
	put_answer(b, k);
	put_found(b, k);
	put_accept(b, k);
	put_stale(b, k);
	put_learn(b, k);
	put_learn_all(b, k);
}
