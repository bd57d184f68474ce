/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "kernel/links.h"
#include "support/netns.h"

static bool begin(struct nsg_nl *nl, struct nsg_links *links)
{
	*links = (struct nsg_links){{NULL, 0, 0}};
	if (!netns_enter())
		return false;
	assert_int_equal(nsg_nl_open(NETLINK_ROUTE, nl), 0);
	assert_int_equal(netns_run("ip link add a0 type veth peer name a1;"
				   "ip address add 10.0.1.4/24 dev a0;"
				   "ip link set a0 up; ip link set a1 up"),
			 0);
	return true;
}

static void end(struct nsg_nl *nl, struct nsg_links *links)
{
	nsg_links_done(links);
	nsg_nl_close(nl);
}

static void links_are_found_by_name_and_by_index(void **state)
{
	struct nsg_links links;
	struct nsg_nl nl;
	const struct nsg_link *a0;

	(void)state;
	if (!begin(&nl, &links))
		skip();
	assert_int_equal(nsg_links_read(&nl, &links), 0);
	a0 = nsg_links_by_name(&links, "a0");
	assert_non_null(a0);
	assert_true(a0->up);
	assert_int_equal(a0->tunnel.protocol, 0);
	assert_ptr_equal(nsg_links_by_index(&links, a0->ifindex), a0);
	assert_null(nsg_links_by_name(&links, "a"));
	assert_null(nsg_links_by_index(&links, 999999));
	/* the list is read again */
	assert_int_equal(netns_run("ip link set a1 down"), 0);
	assert_int_equal(nsg_links_read(&nl, &links), 0);
	assert_false(nsg_links_by_name(&links, "a0")->up);
	end(&nl, &links);
}

static void tunnels_are_known_by_their_outer_packets(void **state)
{
	static const struct {
		const char *options;
		struct nsg_tunnel want;
	} rows[] = {
	    {"vxlan id 7 remote 10.0.1.9 dstport 4789 dev a0",
	     {IPPROTO_UDP, 4789, true, NSG_IP4(10, 0, 1, 9)}},
	    {"vxlan id 8 dstport 8472 dev a0", {IPPROTO_UDP, 8472, false, 0}},
	    {"geneve id 7 remote 10.0.1.9", {IPPROTO_UDP, 6081, true, NSG_IP4(10, 0, 1, 9)}},
	    {"gre remote 10.0.1.9 local 10.0.1.4", {IPPROTO_GRE, 0, true, NSG_IP4(10, 0, 1, 9)}},
	    {"ipip remote 10.0.1.9 local 10.0.1.4", {IPPROTO_IPIP, 0, true, NSG_IP4(10, 0, 1, 9)}},
	};
	struct nsg_links links;
	struct nsg_nl nl;
	int known = 0;

	(void)state;
	if (!begin(&nl, &links))
		skip();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct nsg_link *t;

		if (netns_run("ip link add t0 type %s 2>/dev/null", rows[i].options))
			continue;
		known++;
		assert_int_equal(nsg_links_read(&nl, &links), 0);
		t = nsg_links_by_name(&links, "t0");
		assert_non_null(t);
		assert_int_equal(t->tunnel.protocol, rows[i].want.protocol);
		assert_int_equal(t->tunnel.port, rows[i].want.port);
		assert_int_equal(t->tunnel.has_remote, rows[i].want.has_remote);
		assert_int_equal(t->tunnel.remote_host, rows[i].want.remote_host);
		assert_int_equal(netns_run("ip link del t0"), 0);
	}
	print_message("%d of 5 kinds are in this kernel\n", known);
	end(&nl, &links);
	if (!known)
		skip();
}

static void reach_tells_why_not(void **state)
{
	struct nsg_links links;
	struct nsg_nl nl;
	uint32_t ifindex = 0, behind = 0;

	(void)state;
	if (!begin(&nl, &links))
		skip();
	assert_int_equal(nsg_links_read(&nl, &links), 0);
	assert_int_equal(nsg_links_reach(&nl, &links, NSG_IP4(10, 0, 1, 9), &ifindex, &behind),
			 NSG_REACH_OK);
	assert_int_equal(ifindex, nsg_links_by_name(&links, "a0")->ifindex);
	assert_int_equal(nsg_links_reach(&nl, &links, NSG_IP4(10, 0, 1, 4), &ifindex, &behind),
			 NSG_REACH_LOCAL);
	assert_int_equal(nsg_links_reach(&nl, &links, NSG_IP4(10, 9, 9, 9), &ifindex, &behind),
			 NSG_REACH_NO_ROUTE);
	assert_int_equal(netns_run("ip route add 10.9.0.0/16 via 10.0.1.1;"
				   "ip route add blackhole 10.8.0.0/16;"
				   "ip route add unreachable 10.7.0.0/16"),
			 0);
	assert_int_equal(nsg_links_reach(&nl, &links, NSG_IP4(10, 9, 9, 9), &ifindex, &behind),
			 NSG_REACH_BEHIND);
	assert_int_equal(behind, NSG_IP4(10, 0, 1, 1));
	assert_int_equal(nsg_links_reach(&nl, &links, NSG_IP4(10, 8, 9, 9), &ifindex, &behind),
			 NSG_REACH_NO_ROUTE);
	assert_int_equal(nsg_links_reach(&nl, &links, NSG_IP4(10, 7, 9, 9), &ifindex, &behind),
			 NSG_REACH_NO_ROUTE);
	end(&nl, &links);
}

static void the_hosts_address_inside_a_prefix(void **state)
{
	const struct nsg_prefix none[] = {{NSG_IP4(192, 168, 0, 0), 16}};
	const struct nsg_prefix some[] = {{NSG_IP4(192, 168, 0, 0), 16},
					  {NSG_IP4(10, 0, 1, 0), 26}};
	struct nsg_links links;
	struct nsg_nl nl;
	uint32_t addr = 7;

	(void)state;
	if (!begin(&nl, &links))
		skip();
	assert_int_equal(nsg_links_address(&nl, none, 1, &addr), -ENOENT);
	assert_int_equal(addr, 7);
	assert_int_equal(nsg_links_address(&nl, some, 2, &addr), 0);
	assert_int_equal(addr, NSG_IP4(10, 0, 1, 4));
	/* ours, not the far end's, on a point-to-point link */
	assert_int_equal(netns_run("ip address flush dev a0;"
				   "ip address add 10.0.1.5 peer 10.0.1.6 dev a0"),
			 0);
	assert_int_equal(nsg_links_address(&nl, some, 2, &addr), 0);
	assert_int_equal(addr, NSG_IP4(10, 0, 1, 5));
	end(&nl, &links);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(links_are_found_by_name_and_by_index),
	    cmocka_unit_test(tunnels_are_known_by_their_outer_packets),
	    cmocka_unit_test(reach_tells_why_not),
	    cmocka_unit_test(the_hosts_address_inside_a_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
