/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every word of the vocabulary is put into a rule and read back by nft, which knows nothing of us.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <netinet/in.h> /* before the kernel's, which then gives way */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>

#include "kernel/nft_expr.h"
#include "kernel/nft_set.h"
#include "support/netns.h"
#include "util/ip.h"

static void put_sets(struct nsg_nft_batch *b)
{
	const struct nft_set sets[] = {
	    {.name = "marks", .key_type = NFT_TYPE_MARK, .key_bytes = 4, .host_order = true},
	    {.name = "paths",
	     .key_type = NFT_TYPE_CONCAT2(NFT_TYPE_MARK, NFT_TYPE_IFINDEX),
	     .key_bytes = 8,
	     .host_order = true},
	    {.name = "counters",
	     .key_type = NFT_TYPE_MARK,
	     .key_bytes = 4,
	     .flags = 64,
	     .object_type = 1,
	     .host_order = true},
	    {.name = "protocols", .key_type = NFT_TYPE_INET_PROTO, .key_bytes = 1},
	    {.name = "addresses", .key_type = NFT_TYPE_IPV4_ADDR, .key_bytes = 4},
	    {.name = "sources",
	     .key_type = NFT_TYPE_MARK,
	     .key_bytes = 4,
	     .flags = 8,
	     .data_type = NFT_TYPE_IPV4_ADDR,
	     .data_bytes = 4,
	     .host_order = true},
	    {.name = "names", .key_type = NFT_TYPE_IFNAME, .key_bytes = 16, .host_order = true},
	    {.name = "users", .key_type = NFT_TYPE_UID, .key_bytes = 4, .host_order = true},
	    {.name = "groups", .key_type = NFT_TYPE_CGROUPSV2, .key_bytes = 8, .host_order = true},
	    {.name = "flows",
	     .key_type =
		 NFT_TYPE_CONCAT5(NFT_TYPE_INET_PROTO, NFT_TYPE_IPV4_ADDR, NFT_TYPE_INET_SERVICE,
				  NFT_TYPE_IPV4_ADDR, NFT_TYPE_INET_SERVICE),
	     .key_bytes = 20,
	     .flags = 0x10 | 0x20,
	     .size = 100},
	    {.name = "answers",
	     .key_type =
		 NFT_TYPE_CONCAT3(NFT_TYPE_INET_PROTO, NFT_TYPE_IPV4_ADDR, NFT_TYPE_INET_SERVICE),
	     .key_bytes = 12,
	     .flags = 0x10 | 0x20 | 8,
	     .data_type = NFT_TYPE_MARK,
	     .data_bytes = 4,
	     .size = 100,
	     .counted = true},
	};

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		nsg_nft_set(b, &sets[i]);
	nsg_nft_counter(b, "hits");
	nsg_nft_ct_timeout(b, "slow", IPPROTO_TCP, 600);
}

static void packet_mark_is(struct nsg_nft_batch *b)
{
	nft_mark_is(b, NFT_MARK_PACKET, 0xff0, 0x10);
}

static void ct_mark_is_not(struct nsg_nft_batch *b)
{
	nft_mark_is_not(b, NFT_MARK_CONNECTION, 0xff0, 0);
}

static void ct_mark_in(struct nsg_nft_batch *b)
{
	nft_mark_in(b, NFT_MARK_CONNECTION, 0xff0, "marks");
}

static void mark_oif_in(struct nsg_nft_batch *b)
{
	nft_mark_oif_in(b, 0xff0, "paths");
}

static void count_by_mark(struct nsg_nft_batch *b)
{
	nft_count_by_mark(b, NFT_MARK_PACKET, 0xff0, "counters");
}

static void direction(struct nsg_nft_batch *b)
{
	nft_ct_direction(b, 1);
}

static void state_new(struct nsg_nft_batch *b)
{
	nft_ct_state(b, 8);
}

static void state_not_related(struct nsg_nft_batch *b)
{
	nft_ct_state_is_not(b, 4);
}

static void protocol(struct nsg_nft_batch *b)
{
	nft_l4proto(b, IPPROTO_ESP);
}

static void protocol_not_in(struct nsg_nft_batch *b)
{
	nft_l4proto_in(b, "protocols", true);
}

static void not_bare_syn(struct nsg_nft_batch *b)
{
	nft_l4proto(b, IPPROTO_TCP);
	nft_tcp_not_bare_syn(b);
}

static void bare_syn(struct nsg_nft_batch *b)
{
	nft_l4proto(b, IPPROTO_TCP);
	nft_tcp_bare_syn(b);
}

static void source_not_in(struct nsg_nft_batch *b)
{
	nft_saddr_not_in(b, "addresses");
}

static void dhcp(struct nsg_nft_batch *b)
{
	nft_l4proto(b, IPPROTO_UDP);
	nft_ports(b, 68, 67);
}

static void port(struct nsg_nft_batch *b)
{
	nft_l4proto(b, IPPROTO_UDP);
	nft_destination_port(b, 4789);
}

static void prefix(struct nsg_nft_batch *b)
{
	nft_daddr(b, NSG_IP4(224, 0, 0, 0), 4);
}

static void address(struct nsg_nft_batch *b)
{
	nft_daddr(b, NSG_IP4(10, 0, 0, 1), 32);
}

static void address_in(struct nsg_nft_batch *b)
{
	nft_daddr_in(b, "addresses");
}

static void iif_not_in(struct nsg_nft_batch *b)
{
	nft_iifname_in(b, "names", true);
}

static void users(struct nsg_nft_batch *b)
{
	nft_skuid_in(b, "users");
}

static void groups(struct nsg_nft_batch *b)
{
	nft_cgroup_in(b, 3, "groups");
}

static void flow_in(struct nsg_nft_batch *b)
{
	nft_flow_in(b, "flows");
}

static void flow_add(struct nsg_nft_batch *b)
{
	nft_flow_add(b, "flows", 7000);
}

static void answer_get(struct nsg_nft_batch *b)
{
	nft_answer_get(b, true, "answers");
}

static void answer_add(struct nsg_nft_batch *b)
{
	nft_answer_add(b, true, "answers", 0xff0, 7000);
}

static void answer_delete(struct nsg_nft_batch *b)
{
	nft_answer_delete(b, true, "answers");
}

static void source_port(struct nsg_nft_batch *b)
{
	nft_l4proto(b, IPPROTO_UDP);
	nft_source_port(b, 65330);
}

static void count(struct nsg_nft_batch *b)
{
	nft_count(b, "hits");
}

static void timeout(struct nsg_nft_batch *b)
{
	nft_l4proto(b, IPPROTO_TCP);
	nft_ct_timeout_set(b, "slow");
}

static void keep(struct nsg_nft_batch *b)
{
	nft_mark_keep(b, 0xfffff00f);
}

static void ct_put(struct nsg_nft_batch *b)
{
	nft_ct_mark_put(b, 0xff0, 0x120);
}

static void silent(struct nsg_nft_batch *b)
{
	const struct nft_queue queue = {.first = 65535, .total = 1};

	nft_queue_to(b, &queue);
}

static void queues(struct nsg_nft_batch *b)
{
	const struct nft_queue queue = {.first = 4, .total = 3, .bypass = true};

	nft_queue_to(b, &queue);
}

static void jump(struct nsg_nft_batch *b)
{
	nft_jump(b, "other");
}

static void go_to(struct nsg_nft_batch *b)
{
	nft_goto(b, "other");
}

static const struct {
	const char *chain;
	void (*put)(struct nsg_nft_batch *b);
	const char *want;
} rows[] = {
    {"plain", packet_mark_is, "meta mark & 0x00000ff0 == 0x00000010"},
    {"plain", ct_mark_is_not, "ct mark & 0x00000ff0 != 0x00000000"},
    {"plain", ct_mark_in, "ct mark & 0x00000ff0 == @marks"},
    {"out", mark_oif_in, "meta mark & 0x00000ff0 . oif @paths"},
    {"plain", count_by_mark, "counter name meta mark & 0x00000ff0 map @counters"},
    {"plain", direction, "ct direction reply"},
    {"plain", state_new, "ct state new"},
    {"plain", state_not_related, "ct state != related"},
    {"plain", protocol, "meta l4proto esp"},
    {"plain", protocol_not_in, "meta l4proto != @protocols"},
    {"plain", not_bare_syn, "tcp flags != syn / fin,syn,rst,ack"},
    {"plain", bare_syn, "tcp flags syn / fin,syn,rst,ack"},
    {"plain", source_not_in, "ip saddr != @addresses"},
    {"plain", dhcp, "udp sport 68 udp dport 67"},
    {"plain", port, "udp dport 4789"},
    {"plain", prefix, "ip daddr 224.0.0.0/4"},
    {"plain", address, "ip daddr 10.0.0.1"},
    {"plain", address_in, "ip daddr @addresses"},
    {"in", nft_daddr_local, "fib daddr type local"},
    {"in", nft_saddr_not_local, "fib saddr type != local"},
    {"in", nft_saddr_without_route, "fib saddr . iif oif missing"},
    {"out", nft_oif_loopback, "meta oiftype loopback"},
    {"plain", nft_header_not_plain, "ip version != 4 ip hdrlength != 5"},
    {"in", nft_iif_loopback, "meta iiftype loopback"},
    {"out", nft_cgroup_known, "socket cgroupv2 level 1 != 0"},
    {"in", iif_not_in, "iifname != @names"},
    {"plain", nft_skuid_known, "meta skuid != 4294967295"},
    {"plain", users, "meta skuid @users"},
    {"out", groups, "socket cgroupv2 level 3 @groups"},
    {"plain", flow_in, "meta l4proto . ip saddr . th sport . ip daddr . th dport @flows"},
    {"plain", flow_add,
     "add @flows { meta l4proto . ip saddr . th sport . ip daddr . th dport "
     "timeout 7s }"},
    {"plain", answer_get, "meta mark set meta l4proto . ip daddr . th dport map @answers"},
    {"plain", answer_add,
     "add @answers { meta l4proto . ip daddr . th dport timeout 7s : meta mark & 0x00000ff0 }"},
    {"plain", answer_delete, "delete @answers { meta l4proto . ip daddr . th dport : 0x00000000 }"},
    {"plain", source_port, "udp sport 65330"},
    /* @nh,0,8 != 0x45: nft takes the two halves apart */
    {"plain", nft_header_not_plain, "ip version != 4 ip hdrlength != 5"},
    {"plain", nft_fragment, "ip frag-off & 16383 != 0"},
    {"plain", count, "counter name \"hits\""},
    {"plain", timeout, "meta l4proto tcp ct timeout set \"slow\""},
    {"plain", keep, "meta mark set meta mark & 0xfffff00f"},
    {"plain", ct_put, "ct mark set ct mark & 0xfffff12f | 0x00000120"},
    {"plain", silent, "queue num 65535"},
    {"plain", queues, "queue num 4-6 bypass"},
    {"plain", nft_accept, "accept"},
    {"plain", nft_drop, "drop"},
    {"plain", nft_return, "return"},
    {"plain", jump, "jump other"},
    {"plain", go_to, "goto other"},
};

static void begin(struct nsg_nft_batch *b)
{
	nsg_nft_batch_begin(b, "words");
	nsg_nft_table_add(b, 0);
	nsg_nft_base_chain(b, "in", "filter", NF_INET_PRE_ROUTING, 0);
	nsg_nft_base_chain(b, "out", "filter", NF_INET_LOCAL_OUT, 0);
	nsg_nft_base_chain(b, "nat", "nat", NF_INET_POST_ROUTING, 100);
	nsg_nft_chain(b, "plain");
	nsg_nft_chain(b, "other");
	put_sets(b);
}

static bool put_one(struct nsg_nl *nl, const char *chain, void (*put)(struct nsg_nft_batch *b))
{
	struct nsg_diag diag = {0};
	struct nsg_nft_batch b;
	int r;

	begin(&b);
	nsg_nft_chain_flush(&b, chain);
	nsg_nft_rule(&b, chain);
	put(&b);
	nsg_nft_rule_end(&b);
	r = nsg_nft_batch_send(&b, nl, "test", &diag);
	if (r < 0)
		print_message("%s\n", diag.n ? diag.v[0].text : "?");
	nsg_diag_done(&diag);
	nsg_nft_batch_done(&b);
	return r >= 0;
}

/* The only rule of the chain, as nft prints it. */
static void listed(const char *chain, char *out, size_t size)
{
	char *text = netns_output("nft list chain ip words %s 2>/dev/null | sed '/ hook /d' | "
				  "sed -n '3s/^[ \\t]*//p'",
				  chain);

	(void)snprintf(out, size, "%.*s", (int)strcspn(text, "\n"), text);
	free(text);
}

static void nft_reads_every_word_as_it_was_meant(void **state)
{
	struct nsg_nl nl;
	char is[512];

	(void)state;
	if (!netns_enter())
		skip();
	assert_int_equal(nsg_nl_open(NETLINK_NETFILTER, &nl), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(put_one(&nl, rows[i].chain, rows[i].put));
		listed(rows[i].chain, is, sizeof(is));
		assert_string_equal(is, rows[i].want);
	}
	nsg_nl_close(&nl);
}

static void snat_by_mark(struct nsg_nft_batch *b)
{
	nft_snat_by_mark(b, 0xff0, "sources");
}

static void snat(struct nsg_nft_batch *b)
{
	nft_snat(b, NSG_IP4(10, 1, 1, 1));
}

static void nat_is_read_as_it_was_meant(void **state)
{
	struct nsg_nl nl;
	char is[512];

	(void)state;
	if (!netns_enter())
		skip();
	assert_int_equal(nsg_nl_open(NETLINK_NETFILTER, &nl), 0);
	if (!put_one(&nl, "nat", snat)) {
		nsg_nl_close(&nl);
		skip();
	}
	listed("nat", is, sizeof(is));
	assert_string_equal(is, "snat to 10.1.1.1");
	assert_true(put_one(&nl, "nat", snat_by_mark));
	listed("nat", is, sizeof(is));
	assert_string_equal(is, "snat to meta mark & 0x00000ff0 map @sources");
	nsg_nl_close(&nl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nft_reads_every_word_as_it_was_meant),
	    cmocka_unit_test(nat_is_read_as_it_was_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
