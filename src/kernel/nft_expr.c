/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nft_expr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <linux/netfilter/xt_bpf.h>
#include <linux/netfilter/xt_connmark.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>

#include "kernel/nft_expr_priv.h"
#include "util/macro.h"

/* The skuid of a packet without a socket. */
#define SKUID_NONE 0xffffffffu

void nsg_nft_rule(struct nsg_nft_batch *b, const char *chain)
{
	if (b->error)
		return;
	b->rule = nftnl_rule_alloc();
	if (!b->rule) {
		nsg_nft_fail(b, -ENOMEM);
		return;
	}
	nsg_nft_check(b, nftnl_rule_set_str(b->rule, NFTNL_RULE_TABLE, b->table));
	nsg_nft_check(b, nftnl_rule_set_str(b->rule, NFTNL_RULE_CHAIN, chain));
	nftnl_rule_set_u32(b->rule, NFTNL_RULE_FAMILY, nsg_nft_batch_family(b));
}

void nsg_nft_rule_end(struct nsg_nft_batch *b)
{
	struct nlmsghdr *nlh;

	if (!b->rule)
		return;
	nlh = nsg_nft_message(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, "a rule of chain %s",
			      nftnl_rule_get_str(b->rule, NFTNL_RULE_CHAIN));
	if (nlh) {
		nftnl_rule_nlmsg_build_payload(nlh, b->rule);
		nsg_nft_message_end(b, nlh);
	}
	nftnl_rule_free(b->rule);
	b->rule = NULL;
}

void nft_mark_is(struct nsg_nft_batch *b, enum nft_mark mark, uint32_t mask, uint32_t value)
{
	load_mark(b, mark, mask);
	compare(b, REG(0), NFT_CMP_EQ, &value, sizeof(value));
}

void nft_mark_is_not(struct nsg_nft_batch *b, enum nft_mark mark, uint32_t mask, uint32_t value)
{
	load_mark(b, mark, mask);
	compare(b, REG(0), NFT_CMP_NEQ, &value, sizeof(value));
}

void nft_mark_in(struct nsg_nft_batch *b, enum nft_mark mark, uint32_t mask, const char *set)
{
	load_mark(b, mark, mask);
	lookup(b, REG(0), set, false);
}

void nft_mark_not_in(struct nsg_nft_batch *b, enum nft_mark mark, uint32_t mask, const char *set)
{
	load_mark(b, mark, mask);
	lookup(b, REG(0), set, true);
}

void nft_mark_oif_in(struct nsg_nft_batch *b, uint32_t mask, const char *set)
{
	load_mark(b, NFT_MARK_PACKET, mask);
	load_meta(b, NFT_META_OIF, REG(1));
	lookup(b, REG(0), set, false);
}

void nft_count_by_mark(struct nsg_nft_batch *b, enum nft_mark mark, uint32_t mask, const char *map)
{
	load_mark(b, mark, mask);
	set_name(b, ADD(b, "objref", {NFTNL_EXPR_OBJREF_SET_SREG, REG(0)}),
		 NFTNL_EXPR_OBJREF_SET_NAME, map);
}

void nft_ct_direction(struct nsg_nft_batch *b, uint8_t direction)
{
	load_ct(b, NFT_CT_DIRECTION, REG(0));
	compare(b, REG(0), NFT_CMP_EQ, &direction, sizeof(direction));
}

void nft_ct_state(struct nsg_nft_batch *b, uint32_t states)
{
	const uint32_t none = 0;

	load_ct(b, NFT_CT_STATE, REG(0));
	mask_u32(b, REG(0), states, 0);
	compare(b, REG(0), NFT_CMP_NEQ, &none, sizeof(none));
}

void nft_ct_state_is_not(struct nsg_nft_batch *b, uint32_t state)
{
	load_ct(b, NFT_CT_STATE, REG(0));
	compare(b, REG(0), NFT_CMP_NEQ, &state, sizeof(state));
}

void nft_l4proto(struct nsg_nft_batch *b, uint8_t protocol)
{
	load_meta(b, NFT_META_L4PROTO, REG(0));
	compare(b, REG(0), NFT_CMP_EQ, &protocol, sizeof(protocol));
}

void nft_l4proto_in(struct nsg_nft_batch *b, const char *set, bool inverted)
{
	load_meta(b, NFT_META_L4PROTO, REG(0));
	lookup(b, REG(0), set, inverted);
}

static void bare_syn(struct nsg_nft_batch *b, uint32_t op)
{
	const uint8_t openers = TH_FIN | TH_SYN | TH_RST | TH_ACK, none = 0, syn = TH_SYN;

	/* the flags are the 14th byte of the header */
	load_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, 13, sizeof(openers), REG(0));
	bitwise(b, REG(0), &openers, &none, sizeof(openers));
	compare(b, REG(0), op, &syn, sizeof(syn));
}

void nft_tcp_bare_syn(struct nsg_nft_batch *b)
{
	bare_syn(b, NFT_CMP_EQ);
}

void nft_tcp_not_bare_syn(struct nsg_nft_batch *b)
{
	bare_syn(b, NFT_CMP_NEQ);
}

void nft_ports(struct nsg_nft_batch *b, uint16_t source, uint16_t destination)
{
	const uint16_t ports[2] = {htons(source), htons(destination)};

	load_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, 0, sizeof(ports), REG(0));
	compare(b, REG(0), NFT_CMP_EQ, ports, sizeof(ports));
}

void nft_destination_port(struct nsg_nft_batch *b, uint16_t port)
{
	const uint16_t port_be = htons(port);

	load_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, offsetof(struct udphdr, dest),
		     sizeof(port_be), REG(0));
	compare(b, REG(0), NFT_CMP_EQ, &port_be, sizeof(port_be));
}

void nft_header_not_plain(struct nsg_nft_batch *b)
{
	const uint8_t plain = 0x45;

	load_payload(b, NFT_PAYLOAD_NETWORK_HEADER, 0, sizeof(plain), REG(0));
	compare(b, REG(0), NFT_CMP_NEQ, &plain, sizeof(plain));
}

void nft_daddr(struct nsg_nft_batch *b, uint32_t addr_host, uint8_t prefix_length)
{
	const uint32_t mask = htonl(prefix_length ? UINT32_MAX << (32 - prefix_length) : 0);
	const uint32_t addr = htonl(addr_host);

	load_daddr(b, REG(0));
	if (prefix_length < 32)
		mask_u32(b, REG(0), mask, 0);
	compare(b, REG(0), NFT_CMP_EQ, &addr, sizeof(addr));
}

/* Of either family. */
static void load_address(struct nsg_nft_batch *b, bool source, uint32_t reg)
{
	const size_t ip = source ? offsetof(struct iphdr, saddr) : offsetof(struct iphdr, daddr);
	const size_t ip6 =
	    source ? offsetof(struct ip6_hdr, ip6_src) : offsetof(struct ip6_hdr, ip6_dst);

	load_payload(b, NFT_PAYLOAD_NETWORK_HEADER, b->ip6 ? ip6 : ip, b->ip6 ? 16 : 4, reg);
}

void nft_daddr_in(struct nsg_nft_batch *b, const char *set)
{
	load_address(b, false, REG(0));
	lookup(b, REG(0), set, false);
}

void nft_saddr_not_in(struct nsg_nft_batch *b, const char *set)
{
	load_address(b, true, REG(0));
	lookup(b, REG(0), set, true);
}

static void load_fib(struct nsg_nft_batch *b, uint32_t flags, uint32_t result)
{
	(void)ADD(b, "fib", {NFTNL_EXPR_FIB_FLAGS, flags}, {NFTNL_EXPR_FIB_RESULT, result},
		  {NFTNL_EXPR_FIB_DREG, REG(0)});
}

void nft_daddr_local(struct nsg_nft_batch *b)
{
	const uint32_t local = RTN_LOCAL;

	load_fib(b, NFTA_FIB_F_DADDR, NFT_FIB_RESULT_ADDRTYPE);
	compare(b, REG(0), NFT_CMP_EQ, &local, sizeof(local));
}

void nft_saddr_not_local(struct nsg_nft_batch *b)
{
	const uint32_t local = RTN_LOCAL;

	load_fib(b, NFTA_FIB_F_SADDR, NFT_FIB_RESULT_ADDRTYPE);
	compare(b, REG(0), NFT_CMP_NEQ, &local, sizeof(local));
}

void nft_saddr_without_route(struct nsg_nft_batch *b)
{
	const uint32_t missing = 0;

	load_fib(b, NFTA_FIB_F_SADDR | NFTA_FIB_F_IIF | NFTA_FIB_F_PRESENT, NFT_FIB_RESULT_OIF);
	compare(b, REG(0), NFT_CMP_EQ, &missing, sizeof(missing));
}

void nft_routing_header(struct nsg_nft_batch *b)
{
	const uint8_t exists = 1;
	struct nftnl_expr *e =
	    ADD(b, "exthdr", {NFTNL_EXPR_EXTHDR_OFFSET, 0}, {NFTNL_EXPR_EXTHDR_LEN, 1},
		{NFTNL_EXPR_EXTHDR_DREG, REG(0)}, {NFTNL_EXPR_EXTHDR_FLAGS, NFT_EXTHDR_F_PRESENT});

	if (e)
		nftnl_expr_set_u8(e, NFTNL_EXPR_EXTHDR_TYPE, IPPROTO_ROUTING);
	compare(b, REG(0), NFT_CMP_EQ, &exists, sizeof(exists));
}

static void interface_is_loopback(struct nsg_nft_batch *b, uint32_t key)
{
	const uint16_t loopback = ARPHRD_LOOPBACK;

	load_meta(b, key, REG(0));
	compare(b, REG(0), NFT_CMP_EQ, &loopback, sizeof(loopback));
}

void nft_oif_loopback(struct nsg_nft_batch *b)
{
	interface_is_loopback(b, NFT_META_OIFTYPE);
}

void nft_iif_loopback(struct nsg_nft_batch *b)
{
	interface_is_loopback(b, NFT_META_IIFTYPE);
}

void nft_iifname_in(struct nsg_nft_batch *b, const char *set, bool inverted)
{
	load_meta(b, NFT_META_IIFNAME, REG(0));
	lookup(b, REG(0), set, inverted);
}

void nft_skuid_known(struct nsg_nft_batch *b)
{
	const uint32_t none = SKUID_NONE;

	load_meta(b, NFT_META_SKUID, REG(0));
	compare(b, REG(0), NFT_CMP_NEQ, &none, sizeof(none));
}

void nft_skuid_in(struct nsg_nft_batch *b, const char *set)
{
	load_meta(b, NFT_META_SKUID, REG(0));
	lookup(b, REG(0), set, false);
}

static void load_cgroup(struct nsg_nft_batch *b, uint32_t level)
{
	(void)ADD(b, "socket", {NFTNL_EXPR_SOCKET_KEY, NFT_SOCKET_CGROUPV2},
		  {NFTNL_EXPR_SOCKET_LEVEL, level}, {NFTNL_EXPR_SOCKET_DREG, REG(0)});
}

void nft_cgroup_in(struct nsg_nft_batch *b, uint32_t level, const char *set)
{
	load_cgroup(b, level);
	lookup(b, REG(0), set, false);
}

void nft_cgroup_known(struct nsg_nft_batch *b)
{
	const uint64_t none = 0;

	load_cgroup(b, 1);
	compare(b, REG(0), NFT_CMP_NEQ, &none, sizeof(none));
}

static void object(struct nsg_nft_batch *b, uint32_t type, const char *name)
{
	set_name(b, ADD(b, "objref", {NFTNL_EXPR_OBJREF_IMM_TYPE, type}),
		 NFTNL_EXPR_OBJREF_IMM_NAME, name);
}

void nft_count(struct nsg_nft_batch *b, const char *counter)
{
	object(b, NFT_OBJECT_COUNTER, counter);
}

void nft_ct_timeout_set(struct nsg_nft_batch *b, const char *name)
{
	object(b, NFT_OBJECT_CT_TIMEOUT, name);
}

void nft_mark_keep(struct nsg_nft_batch *b, uint32_t keep)
{
	load_mark(b, NFT_MARK_PACKET, keep);
	(void)ADD(b, "meta", {NFTNL_EXPR_META_KEY, NFT_META_MARK}, {NFTNL_EXPR_META_SREG, REG(0)});
}

void nft_ct_mark_put(struct nsg_nft_batch *b, uint32_t mask, uint32_t value)
{
	load_ct(b, NFT_CT_MARK, REG(0));
	mask_u32(b, REG(0), ~mask, value);
	(void)ADD(b, "ct", {NFTNL_EXPR_CT_KEY, NFT_CT_MARK}, {NFTNL_EXPR_CT_SREG, REG(0)});
}

/* A match or a target of xt; their attributes have the same numbers. The expression frees the copy of
 * the info. */
static void xt(struct nsg_nft_batch *b, const char *kind, const char *name, uint32_t revision,
	       const void *info, size_t size)
{
	size_t aligned = XT_ALIGN(size);
	struct nftnl_expr *e;
	void *copy;

	_Static_assert((int)NFTNL_EXPR_TG_NAME == (int)NFTNL_EXPR_MT_NAME &&
			   (int)NFTNL_EXPR_TG_REV == (int)NFTNL_EXPR_MT_REV &&
			   (int)NFTNL_EXPR_TG_INFO == (int)NFTNL_EXPR_MT_INFO,
		       "match and target differ");
	if (b->error || !b->rule)
		return;
	copy = calloc(1, aligned);
	e = copy ? ADD(b, kind, {NFTNL_EXPR_TG_REV, revision}) : NULL;
	if (!e) {
		free(copy);
		nsg_nft_fail(b, -ENOMEM);
		return;
	}
	memcpy(copy, info, size);
	nsg_nft_check(b, nftnl_expr_set_str(e, NFTNL_EXPR_TG_NAME, name));
	nsg_nft_check(b, nftnl_expr_set(e, NFTNL_EXPR_TG_INFO, copy, (uint32_t)aligned));
}

void nft_program(struct nsg_nft_batch *b, const struct sock_filter *program, uint16_t n)
{
	struct xt_bpf_info info = {.bpf_program_num_elem = n};

	memcpy(info.bpf_program, program, n * sizeof(*program));
	xt(b, "match", "bpf", 0, &info, sizeof(info));
}

static void connmark(struct nsg_nft_batch *b, uint8_t mode, uint32_t mask)
{
	struct xt_connmark_tginfo1 info;

	/* the kernel also gets the padding */
	memset(&info, 0, sizeof(info));
	info.ctmask = mask;
	info.nfmask = mask;
	info.mode = mode;
	xt(b, "target", "CONNMARK", 1, &info, sizeof(info));
}

void nft_mark_save(struct nsg_nft_batch *b, uint32_t mask)
{
	connmark(b, XT_CONNMARK_SAVE, mask);
}

void nft_mark_restore(struct nsg_nft_batch *b, uint32_t mask)
{
	connmark(b, XT_CONNMARK_RESTORE, mask);
}

void nft_queue_to(struct nsg_nft_batch *b, const struct nft_queue *queue)
{
	const struct xt_NFQ_info_v3 info = {
	    .queuenum = queue->first,
	    .queues_total = queue->total,
	    .flags = queue->bypass ? NFQ_FLAG_BYPASS : 0,
	};
	struct nftnl_expr *e;

	if (!queue->native) {
		xt(b, "target", "NFQUEUE", 3, &info, sizeof(info));
		return;
	}
	e = add(b, "queue", NULL, 0);
	if (!e)
		return;
	nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_NUM, queue->first);
	nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_TOTAL, queue->total);
	nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_FLAGS, queue->bypass ? NFT_QUEUE_FLAG_BYPASS : 0);
}

static void snat_register(struct nsg_nft_batch *b, uint32_t reg)
{
	(void)ADD(b, "nat", {NFTNL_EXPR_NAT_TYPE, NFT_NAT_SNAT},
		  {NFTNL_EXPR_NAT_FAMILY, NFPROTO_IPV4}, {NFTNL_EXPR_NAT_REG_ADDR_MIN, reg});
}

void nft_snat_by_mark(struct nsg_nft_batch *b, uint32_t mask, const char *map)
{
	load_mark(b, NFT_MARK_PACKET, mask);
	set_name(
	    b, ADD(b, "lookup", {NFTNL_EXPR_LOOKUP_SREG, REG(0)}, {NFTNL_EXPR_LOOKUP_DREG, REG(0)}),
	    NFTNL_EXPR_LOOKUP_SET, map);
	snat_register(b, REG(0));
}

void nft_snat(struct nsg_nft_batch *b, uint32_t addr_host)
{
	const uint32_t addr = htonl(addr_host);

	set_data(b, ADD(b, "immediate", {NFTNL_EXPR_IMM_DREG, REG(0)}), NFTNL_EXPR_IMM_DATA, &addr,
		 sizeof(addr));
	snat_register(b, REG(0));
}

static void verdict(struct nsg_nft_batch *b, int code, const char *chain)
{
	struct nftnl_expr *e = ADD(b, "immediate", {NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT},
				   {NFTNL_EXPR_IMM_VERDICT, (uint32_t)code});

	if (chain)
		set_name(b, e, NFTNL_EXPR_IMM_CHAIN, chain);
}

void nft_accept(struct nsg_nft_batch *b)
{
	verdict(b, NF_ACCEPT, NULL);
}

void nft_reject(struct nsg_nft_batch *b, uint32_t type, uint8_t code)
{
	struct nftnl_expr *e = ADD(b, "reject", {NFTNL_EXPR_REJECT_TYPE, type});

	if (e)
		nftnl_expr_set_u8(e, NFTNL_EXPR_REJECT_CODE, code);
}

void nft_drop(struct nsg_nft_batch *b)
{
	verdict(b, NF_DROP, NULL);
}

void nft_return(struct nsg_nft_batch *b)
{
	verdict(b, NFT_RETURN, NULL);
}

void nft_jump(struct nsg_nft_batch *b, const char *chain)
{
	verdict(b, NFT_JUMP, chain);
}

void nft_goto(struct nsg_nft_batch *b, const char *chain)
{
	verdict(b, NFT_GOTO, chain);
}
