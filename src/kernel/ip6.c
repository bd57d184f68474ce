/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/ip6.h"

#include <netinet/in.h> /* before the kernel's headers, which then leave out what it defines */
#include <stdio.h>
#include <stdlib.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv6.h>
#include <netinet/icmp6.h>

#include "kernel/shared_rules.h"
#include "kernel/nft_expr.h"
#include "kernel/nft_set.h"
#include "kernel/ruleset.h"
#include "kernel/sets.h"
#include "util/cleanup.h"
#include "util/macro.h"

bool nsg_ip6_has_table(const struct nsg_kernel *k)
{
	return k->table.has_ip6 && k->conf->ip6 != NSG_IP6_PASS;
}

bool nsg_ip6_is_refused(const struct nsg_kernel *k)
{
	return k->conf->ip6 == NSG_IP6_REFUSE || k->table.policy_refuses_ip6;
}

bool nsg_ip6_host_has_address(void)
{
	cleanup_fclose FILE *f = fopen("/proc/self/net/if_inet6", "re");
	unsigned int first, scope;

	/* address, index, prefix length, scope (0: global or unique local), flags, name */
	while (f && fscanf(f, "%2x%*s %*x %*x %x %*x %*s", &first, &scope) == 2)
		if (!scope && (first & 0xfe) != 0xfc) /* fc00::/7, RFC 4193 */
			return true;
	return false;
}

/* --- sets ------------------------------------------------------------------------------------ */

static void create_sets(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const struct nsg_wanted_set all[] = {
	    {true,
	     {.name = "link",
	      .key_type = NFT_TYPE_IPV6_ADDR,
	      .key_bytes = 16,
	      .flags = NFT_SET_INTERVAL}},
	    {!k->conf->audit,
	     {.name = "young",
	      .key_type = NFT_TYPE_INET_PROTO,
	      .key_bytes = 1,
	      .flags = NFT_SET_TIMEOUT}},
	    {k->conf->n_excludes6 > 0,
	     {.name = "excluded",
	      .key_type = NFT_TYPE_IPV6_ADDR,
	      .key_bytes = 16,
	      .flags = NFT_SET_INTERVAL}},
	};

	nsg_sets_create_wanted(b, all, NSG_ARRAY_SIZE(all));
	nsg_sets_create_selectors(b, k);
}

static bool covers(const struct nsg_prefix6 *p, const struct nsg_prefix6 *q)
{
	if (p->len > q->len)
		return false;
	for (size_t bit = 0; bit < p->len; bit++)
		if ((p->addr[bit / 8] ^ q->addr[bit / 8]) & 0x80u >> bit % 8)
			return false;
	return true;
}

/* The kernel refuses elements that overlap. */
static bool is_repeated(const struct nsg_conf *conf, size_t n)
{
	for (size_t i = 0; i < conf->n_excludes6; i++)
		if (i != n && covers(&conf->excludes6[i], &conf->excludes6[n]) &&
		    (i < n || conf->excludes6[i].len < conf->excludes6[n].len))
			return true;
	return false;
}

static void fill_sets(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	static const struct nsg_prefix6 link[] = {{{0}, 128}, {{0xfe, 0x80}, 10}, {{0xff}, 8}};

	nsg_nft_elements(b, "link", false);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(link); i++)
		nsg_nft_element_prefix6(b, &link[i]);
	nsg_nft_elements_end(b);
	if (k->conf->n_excludes6) {
		nsg_nft_elements(b, "excluded", false);
		for (size_t i = 0; i < k->conf->n_excludes6; i++)
			if (!is_repeated(k->conf, i))
				nsg_nft_element_prefix6(b, &k->conf->excludes6[i]);
		nsg_nft_elements_end(b);
	}
	if (!k->conf->audit)
		nsg_sets_put_young(b, k);
	nsg_sets_fill_selectors(b, k);
}

/* --- chains ---------------------------------------------------------------------------------- */

static const char *const regular[] = {"replies", "owners", "refuse", "refused"};

struct base {
	const char *name;
	uint32_t hook;
	bool wanted;
};

#define BASES(k)                                                                                   \
	{                                                                                          \
		{"output", NF_INET_LOCAL_OUT, (k)->conf->hook_output},                             \
		    {"prerouting", NF_INET_PRE_ROUTING, true},                                     \
		{                                                                                  \
			"forward", NF_INET_FORWARD, (k)->conf->hook_prerouting                     \
		}                                                                                  \
	}

static void put_output_forged(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	nsg_shared_sanitise(b, k, "output");
	/* ct state new [ip6 saddr != @excluded] fib daddr type local fib saddr type != local
	 * counter name forged drop */
	RULE(b, "output", nsg_shared_match_new(b, k->conf->n_excludes6); nft_daddr_local(b);
	     nft_saddr_not_local(b); nsg_shared_drop_forged(b, k, NSG_COUNTER_FORGED));
}

static void put_output(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	if (nsg_ip6_is_refused(k))
		put_output_forged(b, k);
	/* meta oiftype loopback accept */
	RULE(b, "output", nft_oif_loopback(b); nft_accept(b));
	RULE(b, "output", nft_jump(b, "replies"));
	RULE(b, "output", nft_goto(b, "owners"));
	nsg_shared_owners(b, k, "refuse");
}

static void put_prerouting(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	nsg_shared_sanitise(b, k, "prerouting");
	/* meta iiftype loopback ct state new [ip6 saddr != @excluded] fib saddr type != local
	 * counter name forged drop */
	RULE(b, "prerouting", nft_iif_loopback(b); nsg_shared_match_new(b, k->conf->n_excludes6);
	     nft_saddr_not_local(b); nsg_shared_drop_forged(b, k, NSG_COUNTER_FORGED));
	if (!k->conf->hook_prerouting)
		return;
	/* iifname != @interfaces accept */
	RULE(b, "prerouting", nft_iifname_in(b, "interfaces", true); nft_accept(b));
	/* ip6 saddr != @link ct state new [ip6 saddr != @excluded] fib saddr . iif oif missing
	 * counter name forged_interface drop */
	RULE(b, "prerouting", nft_saddr_not_in(b, "link");
	     nsg_shared_match_new(b, k->conf->n_excludes6); nft_saddr_without_route(b);
	     nsg_shared_drop_forged(b, k, NSG_COUNTER_FORGED_INTERFACE));
}

static void put_forward(struct nsg_nft_batch *b)
{
	/* iifname != @interfaces accept */
	RULE(b, "forward", nft_iifname_in(b, "interfaces", true); nft_accept(b));
	RULE(b, "forward", nft_jump(b, "replies"));
	RULE(b, "forward", nft_goto(b, "refuse"));
}

static void put_replies(struct nsg_nft_batch *b)
{
	/* One goes elsewhere than to its destination.
	 * exthdr rt exists return */
	RULE(b, "replies", nft_routing_header(b); nft_return(b));
	/* meta l4proto tcp @th,104,8 & 0x17 == 0x02 return */
	RULE(b, "replies", nft_l4proto(b, IPPROTO_TCP); nft_tcp_bare_syn(b); nft_return(b));
	/* The kernel's own errors have no owner; the app's, from a raw socket, have one. An error
	 * about an inbound connection has the direction of a reply.
	 * ct state related meta l4proto ipv6-icmp meta skuid != 4294967295 return */
	RULE(b, "replies", nft_ct_state(b, STATE_RELATED); nft_l4proto(b, IPPROTO_ICMPV6);
	     nft_skuid_known(b); nft_return(b));
	/* ct direction reply accept */
	RULE(b, "replies", nft_ct_direction(b, IP_CT_DIR_REPLY); nft_accept(b));
	/* ct state related meta l4proto ipv6-icmp accept */
	RULE(b, "replies", nft_ct_state(b, STATE_RELATED); nft_l4proto(b, IPPROTO_ICMPV6);
	     nft_accept(b));
}

static void put_refuse(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	if (nsg_ip6_is_refused(k))
		/* exthdr rt exists goto refused */
		RULE(b, "refuse", nft_routing_header(b); nft_goto(b, "refused"));
	if (k->conf->n_excludes6)
		/* ip6 daddr @excluded counter name excluded accept */
		RULE(b, "refuse", nft_daddr_in(b, "excluded"); nft_count(b, NSG_COUNTER_EXCLUDED);
		     nft_accept(b));
	if (!nsg_ip6_is_refused(k)) {
		/* counter name passed accept */
		RULE(b, "refuse", nft_count(b, NSG_COUNTER_PASSED); nft_accept(b));
		return;
	}
	/* Neighbour discovery is among these or, with a unicast address, the kernel's, which has no
	 * owner: another network would be reached by its messages too.
	 * ip6 daddr @link counter name passed accept */
	RULE(b, "refuse", nft_daddr_in(b, "link"); nft_count(b, NSG_COUNTER_PASSED); nft_accept(b));
	/* meta l4proto tcp @th,104,8 & 0x17 == 0x02 goto refused */
	RULE(b, "refuse", nft_l4proto(b, IPPROTO_TCP); nft_tcp_bare_syn(b); nft_goto(b, "refused"));
	if (!k->conf->audit)
		/* The kernel may not have tracked connections before these rules: one of before
		 * the start is seen in the middle, in either direction.
		 * meta l4proto @young ct state new counter name preexisting accept */
		RULE(b, "refuse", nft_l4proto_in(b, "young", false); nft_ct_state(b, STATE_NEW);
		     nft_count(b, NSG_COUNTER_PREEXISTING); nft_accept(b));
	/* ct state established counter name passed accept */
	RULE(b, "refuse", nft_ct_state(b, STATE_ESTABLISHED); nft_count(b, NSG_COUNTER_PASSED);
	     nft_accept(b));
	RULE(b, "refuse", nft_goto(b, "refused"));
}

static void put_refused(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	if (k->conf->audit) {
		/* meta l4proto tcp counter name refused_tcp accept */
		RULE(b, "refused", nft_l4proto(b, IPPROTO_TCP);
		     nft_count(b, NSG_COUNTER_REFUSED_TCP); nft_accept(b));
		RULE(b, "refused", nft_count(b, NSG_COUNTER_REFUSED));
		return;
	}
	if (!k->table.ip6_reject) {
		/* meta l4proto tcp counter name refused_tcp drop */
		RULE(b, "refused", nft_l4proto(b, IPPROTO_TCP);
		     nft_count(b, NSG_COUNTER_REFUSED_TCP); nft_drop(b));
		/* counter name refused drop */
		RULE(b, "refused", nft_count(b, NSG_COUNTER_REFUSED); nft_drop(b));
		return;
	}
	/* connect() fails at once; with an ICMPv6 error it would wait for a second.
	 * meta l4proto tcp counter name refused_tcp reject with tcp reset */
	RULE(b, "refused", nft_l4proto(b, IPPROTO_TCP); nft_count(b, NSG_COUNTER_REFUSED_TCP);
	     nft_reject(b, NFT_REJECT_TCP_RST, 0));
	/* A connected UDP socket sees port-unreachable, and nothing of no-route.
	 * counter name refused reject with icmpv6 port-unreachable */
	RULE(b, "refused", nft_count(b, NSG_COUNTER_REFUSED);
	     nft_reject(b, NFT_REJECT_ICMP_UNREACH, ICMP6_DST_UNREACH_NOPORT));
}

static void put_rules(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	put_replies(b);
	put_refuse(b, k);
	put_refused(b, k);
	if (k->conf->hook_output)
		put_output(b, k);
	if (nsg_ip6_is_refused(k))
		put_prerouting(b, k);
	if (k->conf->hook_prerouting)
		put_forward(b);
}

static void flush_chains(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const struct base bases[] = BASES(k);

	for (size_t i = 0; i < NSG_ARRAY_SIZE(bases); i++)
		if (bases[i].wanted)
			nsg_nft_chain_flush(b, bases[i].name);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(regular); i++)
		nsg_nft_chain_flush(b, regular[i]);
}

/* --- the table ------------------------------------------------------------------------------- */

void nsg_ip6_desired(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	static const char *const counters[] = {NSG_COUNTER_REFUSED_TCP,	    NSG_COUNTER_REFUSED,
					       NSG_COUNTER_PASSED,	    NSG_COUNTER_PREEXISTING,
					       NSG_COUNTER_EXCLUDED,	    NSG_COUNTER_FORGED,
					       NSG_COUNTER_FORGED_INTERFACE};
	const struct base bases[] = BASES(k);

	if (!nsg_ip6_has_table(k))
		return;
	nsg_nft_batch_ip6(b, true);
	nsg_nft_table_add(b, k->conf->down_accept ? NFT_TABLE_F_OWNER : 0);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(counters); i++)
		nsg_nft_counter(b, counters[i]);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(regular); i++)
		nsg_nft_chain(b, regular[i]);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(bases); i++)
		if (bases[i].wanted)
			nsg_nft_base_chain(b, bases[i].name, "filter", bases[i].hook,
					   NF_IP6_PRI_MANGLE + 1);
	flush_chains(b, k);
	create_sets(b, k);
	fill_sets(b, k);
	put_rules(b, k);
	nsg_nft_batch_ip6(b, false);
}

void nsg_ip6_delete(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	if (!k->table.has_ip6)
		return;
	nsg_nft_batch_ip6(b, true);
	/* created first: deleting a table that is not there fails the transaction */
	nsg_nft_table_add(b, NSG_NFT_TABLE_AS_IT_IS);
	nsg_nft_table_delete(b);
	nsg_nft_batch_ip6(b, false);
}

void nsg_ip6_put_policy(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	if (!nsg_ip6_has_table(k))
		return;
	nsg_nft_batch_ip6(b, true);
	flush_chains(b, k);
	put_rules(b, k);
	nsg_nft_batch_ip6(b, false);
}

void nsg_ip6_neutralise(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	if (!nsg_ip6_has_table(k))
		return;
	nsg_nft_batch_ip6(b, true);
	flush_chains(b, k);
	nsg_nft_batch_ip6(b, false);
}

void nsg_ip6_change_cgroups(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	if (!nsg_ip6_has_table(k))
		return;
	nsg_nft_batch_ip6(b, true);
	nsg_sets_change_cgroups(b, k);
	nsg_nft_batch_ip6(b, false);
}

void nsg_ip6_probe(struct nsg_nft_batch *b, bool reject)
{
	nsg_nft_batch_ip6(b, true);
	nsg_nft_table_add(b, NFT_TABLE_F_DORMANT);
	nsg_nft_base_chain(b, "probe", "filter", NF_INET_LOCAL_OUT, NF_IP6_PRI_MANGLE + 1);
	/* ct state established fib daddr type local [reject with icmpv6 port-unreachable] */
	nsg_nft_rule(b, "probe");
	nft_ct_state(b, STATE_ESTABLISHED);
	nft_daddr_local(b);
	if (reject)
		nft_reject(b, NFT_REJECT_ICMP_UNREACH, ICMP6_DST_UNREACH_NOPORT);
	nsg_nft_rule_end(b);
	nsg_nft_table_delete(b);
	nsg_nft_batch_ip6(b, false);
}
