/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Expressions of rules: one function for each match and statement, named after nft's. A rule is
 * built between nsg_nft_rule and nsg_nft_rule_end; errors are those of the batch.
 */
#ifndef NSG_KERNEL_NFT_EXPR_H
#define NSG_KERNEL_NFT_EXPR_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/filter.h>

#include "kernel/nft_batch.h"

void nsg_nft_rule(struct nsg_nft_batch *b, const char *chain);
/* Appends the rule to its chain. */
void nsg_nft_rule_end(struct nsg_nft_batch *b);

/* The mark of the packet or of its connection. */
enum nft_mark {
	NFT_MARK_PACKET,
	NFT_MARK_CONNECTION,
};

/* mark & mask == value, or != */
void nft_mark_is(struct nsg_nft_batch *b, enum nft_mark mark, uint32_t mask, uint32_t value);
void nft_mark_is_not(struct nsg_nft_batch *b, enum nft_mark mark, uint32_t mask, uint32_t value);
/* mark & mask @set */
void nft_mark_in(struct nsg_nft_batch *b, enum nft_mark mark, uint32_t mask, const char *set);
void nft_mark_not_in(struct nsg_nft_batch *b, enum nft_mark mark, uint32_t mask, const char *set);
/* meta mark & mask . oif @set */
void nft_mark_oif_in(struct nsg_nft_batch *b, uint32_t mask, const char *set);
/* counter name mark & mask map @map: without an element the rule ends */
void nft_count_by_mark(struct nsg_nft_batch *b, enum nft_mark mark, uint32_t mask, const char *map);

void nft_ct_direction(struct nsg_nft_batch *b, uint8_t direction); /* IP_CT_DIR_* */
void nft_ct_state(struct nsg_nft_batch *b, uint32_t states);	   /* any of these bits */
void nft_ct_state_is_not(struct nsg_nft_batch *b, uint32_t state); /* one bit */
void nft_l4proto(struct nsg_nft_batch *b, uint8_t protocol);
void nft_l4proto_in(struct nsg_nft_batch *b, const char *set, bool inverted);
/* Of TCP: the SYN of a new connection, whatever other bits than these it has: the kernel accepts it
 * with ECE, CWR, PSH and URG. */
void nft_tcp_bare_syn(struct nsg_nft_batch *b);
void nft_tcp_not_bare_syn(struct nsg_nft_batch *b);
void nft_ports(struct nsg_nft_batch *b, uint16_t source, uint16_t destination);
void nft_destination_port(struct nsg_nft_batch *b, uint16_t port);
void nft_source_port(struct nsg_nft_batch *b, uint16_t port);
/* @nh,0,8 != 0x45: another version than 4 in the header, or options in it */
void nft_header_not_plain(struct nsg_nft_batch *b);
/* ip frag-off & 0x3fff != 0: any fragment */
void nft_fragment(struct nsg_nft_batch *b);
void nft_daddr(struct nsg_nft_batch *b, uint32_t addr_host, uint8_t prefix_length);
void nft_daddr_in(struct nsg_nft_batch *b, const char *set);
void nft_saddr_not_in(struct nsg_nft_batch *b, const char *set);
void nft_daddr_local(struct nsg_nft_batch *b);
void nft_saddr_not_local(struct nsg_nft_batch *b);
/* fib saddr . iif oif missing: no route to the source leaves by the interface that it came by */
void nft_saddr_without_route(struct nsg_nft_batch *b);
/* exthdr rt exists: an IPv6 routing header */
void nft_routing_header(struct nsg_nft_batch *b);
void nft_iif_loopback(struct nsg_nft_batch *b);
void nft_oif_loopback(struct nsg_nft_batch *b);
void nft_iifname_in(struct nsg_nft_batch *b, const char *set, bool inverted);
/* Ends the rule when the packet has no socket of a process. */
void nft_skuid_known(struct nsg_nft_batch *b);
void nft_skuid_in(struct nsg_nft_batch *b, const char *set);
/* socket cgroupv2 level LEVEL @set */
void nft_cgroup_in(struct nsg_nft_batch *b, uint32_t level, const char *set);
/* socket cgroupv2 level 1 != 0: a socket, of a process or of the kernel, that was created in any
 * cgroup but the root. */
void nft_cgroup_known(struct nsg_nft_batch *b);

/* meta l4proto . ip saddr . th sport . ip daddr . th dport, the key of a flow: in a set, or added to
 * it. */
#define NFT_FLOW_KEY_BYTES 20u
void nft_flow_in(struct nsg_nft_batch *b, const char *set);
void nft_flow_add(struct nsg_nft_batch *b, const char *set, uint64_t timeout_ms);

/*
 * meta l4proto . ip daddr . th dport, the key of a destination, in a set or in a map of marks; without
 * ports the last field is 0. Without an element the rule ends.
 */
#define NFT_DESTINATION_KEY_BYTES 12u
void nft_destination_in(struct nsg_nft_batch *b, bool ports, const char *set);
void nft_destination_add(struct nsg_nft_batch *b, bool ports, const char *set, uint64_t timeout_ms);
/* meta mark set DESTINATION map @map */
void nft_answer_get(struct nsg_nft_batch *b, bool ports, const char *map);
/* The same under a mask: other bits of the packet's mark stay, and the connection's mark too, in
 * which the two are joined. */
void nft_answer_merge(struct nsg_nft_batch *b, bool ports, const char *map, uint32_t mask);
/* add @map { DESTINATION timeout TIMEOUT : meta mark & mask }: a full map ends the rule */
void nft_answer_add(struct nsg_nft_batch *b, bool ports, const char *map, uint32_t mask,
		    uint64_t timeout_ms);
/* delete @map { DESTINATION } */
void nft_answer_delete(struct nsg_nft_batch *b, bool ports, const char *map);

void nft_count(struct nsg_nft_batch *b, const char *counter);
/* ct timeout set NAME */
void nft_ct_timeout_set(struct nsg_nft_batch *b, const char *name);
/* meta mark set meta mark & keep */
void nft_mark_keep(struct nsg_nft_batch *b, uint32_t keep);
/* ct mark set (ct mark & ~mask) | value */
void nft_ct_mark_put(struct nsg_nft_batch *b, uint32_t mask, uint32_t value);

/*
 * Copies the bits of the mask from one mark to the other, whose other bits stay. An xt target,
 * since before Linux 6.13 a bitwise expression has only one register operand. Unlike `ct mark` it
 * does not end the rule for a packet without a connection.
 */
void nft_mark_save(struct nsg_nft_batch *b, uint32_t mask);    /* packet to connection */
void nft_mark_restore(struct nsg_nft_batch *b, uint32_t mask); /* connection to packet */

/* xt bpf: the program returns not 0 for the packet */
void nft_program(struct nsg_nft_batch *b, const struct sock_filter *program, uint16_t n);

/* The queue expression of nft or, on a kernel without it, xt NFQUEUE. */
struct nft_queue {
	bool native;
	uint16_t first, total; /* more than one: by flow hash */
	bool bypass;	       /* without a bound queue: accept, not drop */
};
void nft_queue_to(struct nsg_nft_batch *b, const struct nft_queue *queue);

/* snat to mark & mask map @map; a constant address */
void nft_snat_by_mark(struct nsg_nft_batch *b, uint32_t mask, const char *map);
void nft_snat(struct nsg_nft_batch *b, uint32_t addr_host);

void nft_accept(struct nsg_nft_batch *b);
void nft_drop(struct nsg_nft_batch *b);
/* type: NFT_REJECT_*, code: of ICMPv6 */
void nft_reject(struct nsg_nft_batch *b, uint32_t type, uint8_t code);
void nft_return(struct nsg_nft_batch *b);
void nft_jump(struct nsg_nft_batch *b, const char *chain);
void nft_goto(struct nsg_nft_batch *b, const char *chain);

#endif
