/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/kernel_priv.h"
#include "support/kernel_conf.h"
#include "support/netns.h"

static void why_a_way_is_down(void **state)
{
	static const struct {
		uint8_t type;
		struct nsg_path path;
		const char *want;
	} rows[] = {
	    {NSG_HOP_APPLIANCE, {.dev = "wg0", .reach = NSG_REACH_NO_DEVICE}, "no device wg0"},
	    {NSG_HOP_APPLIANCE,
	     {.dev = "wg0", .reach = NSG_REACH_DOWN},
	     "device wg0 is down or has no carrier"},
	    {NSG_HOP_APPLIANCE,
	     {.has_via = true, .via_host = NSG_IP4(10, 0, 1, 9), .reach = NSG_REACH_DOWN},
	     "the link to 10.0.1.9 is down or has no carrier"},
	    {NSG_HOP_APPLIANCE,
	     {.has_via = true, .via_host = NSG_IP4(10, 0, 1, 9), .reach = NSG_REACH_NO_ROUTE},
	     "this host has no route to 10.0.1.9"},
	    {NSG_HOP_APPLIANCE,
	     {.has_via = true, .via_host = NSG_IP4(10, 0, 1, 9), .reach = NSG_REACH_LOCAL},
	     "10.0.1.9 is an address of this host"},
	    {NSG_HOP_APPLIANCE,
	     {.has_via = true,
	      .via_host = NSG_IP4(10, 0, 1, 9),
	      .reach = NSG_REACH_BEHIND,
	      .behind_host = NSG_IP4(10, 0, 2, 1)},
	     "10.0.1.9 is not on a link of this host but behind 10.0.2.1; set via and dev in "
	     "a [nexthop \"10.0.1.9\"] section"},
	    {NSG_HOP_GATEWAY,
	     {.has_via = true,
	      .via_host = NSG_IP4(10, 0, 1, 9),
	      .reach = NSG_REACH_BEHIND,
	      .behind_host = NSG_IP4(10, 0, 2, 1)},
	     "10.0.1.9 is not on a link of this host but behind 10.0.2.1; set via and dev in "
	     "a [nexthop \"VirtualNetworkGateway\"] section"},
	    {NSG_HOP_APPLIANCE, {.reach = NSG_REACH_OK}, "up"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct nsg_hop hop = {.type = rows[i].type};
		char why[160];

		nsg_kernel_explain_path(&hop, &rows[i].path, why, sizeof(why));
		assert_string_equal(why, rows[i].want);
	}
}

static void names_of_hops_fit(void **state)
{
	uint32_t addrs[64];
	struct nsg_hop hop = {.type = NSG_HOP_APPLIANCE, .addrs_host = addrs, .n_addrs = 1};
	char name[32];

	(void)state;
	for (size_t i = 0; i < 64; i++)
		addrs[i] = NSG_IP4(255, 255, 255, 255);
	addrs[0] = NSG_IP4(10, 0, 1, 9);
	nsg_kernel_name_hop(&hop, name, sizeof(name));
	assert_string_equal(name, "VirtualAppliance 10.0.1.9");
	hop.n_addrs = 64;
	nsg_kernel_name_hop(&hop, name, sizeof(name));
	assert_int_equal(strlen(name), sizeof(name) - 1);
}

static void strict_reverse_path_filtering_is_told(void **state)
{
	static const struct {
		int all, own;
		bool reported;
	} rows[] = {{0, 0, false}, {0, 1, true}, {1, 0, true}, {1, 2, false}, {2, 1, false}};
	struct nsg_path path = {.up = true};
	const struct nsg_hop hop = {.type = NSG_HOP_APPLIANCE, .paths = &path, .n_paths = 1};
	const char *interfaces[] = {"a0"};
	struct nsg_conf conf = KERNEL_CONF;
	struct nsg_kernel k = {.conf = &conf};
	struct nsg_nl nl;

	(void)state;
	if (!netns_enter() || netns_run("ip link add a0 type veth peer name a1"))
		skip();
	assert_int_equal(nsg_nl_open(NETLINK_ROUTE, &nl), 0);
	assert_int_equal(nsg_links_read(&nl, &k.links), 0);
	path.ifindex = nsg_links_by_name(&k.links, "a0")->ifindex;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nsg_diag diag = {0};

		assert_int_equal(netns_run("echo %d >/proc/sys/net/ipv4/conf/all/rp_filter;"
					   "echo %d >/proc/sys/net/ipv4/conf/a0/rp_filter",
					   rows[i].all, rows[i].own),
				 0);
		nsg_kernel_check_host(&k, &hop, 1, &diag);
		assert_int_equal(diag.n, rows[i].reported);
		if (diag.n)
			assert_non_null(strstr(diag.v[0].text, "net.ipv4.conf.a0.rp_filter=2"));
		nsg_diag_done(&diag);
	}
	/* forwarding, where packets are to be forwarded */
	conf.hook_prerouting = true;
	conf.interfaces = (struct nsg_conf_strings){interfaces, 1};
	for (int on = 0; on < 2; on++) {
		struct nsg_diag diag = {0};

		assert_int_equal(netns_run("echo %d >/proc/sys/net/ipv4/conf/a0/forwarding", on),
				 0);
		nsg_kernel_check_host(&k, &hop, 0, &diag);
		assert_int_equal(diag.n, !on);
		if (diag.n)
			assert_non_null(strstr(diag.v[0].text, "net.ipv4.conf.a0.forwarding=1"));
		nsg_diag_done(&diag);
	}
	nsg_links_done(&k.links);
	nsg_nl_close(&nl);
}

/* The path of a file with this text, which is gone at the end. */
static const char *temporary(const char *text)
{
	static char path[32];
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return path;
}

static void families_of_kernel_sockets_are_reported(void **state)
{
	static const struct {
		bool output, cgroups;
		const char *protocols;
		size_t n;
		const char *first;
	} rows[] = {
	    {true, true, "TCP 1 2\nMPTCP 1 2\nPACKET 1 2\n", 0, NULL},
	    {true, true, "RXRPC     1\n", 1, "rxrpc"},
	    {true, true, "TCP 1\nSMC6 1\nSMC  1\nRDS  1\n", 2, "smc"},
	    {true, false, "TCP 1\n", 1, "nft_socket"},
	    {false, false, "RXRPC 1\n", 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct nsg_conf conf = {.hook_output = rows[i].output};
		const struct nsg_kernel k = {.conf = &conf,
					     .table.kernel_sockets = rows[i].cgroups};
		struct nsg_diag diag = {0};

		nsg_kernel_check_families(&k, temporary(rows[i].protocols), &diag);
		assert_int_equal(diag.n, rows[i].n);
		if (diag.n)
			assert_non_null(strstr(diag.v[0].text, rows[i].first));
		nsg_diag_done(&diag);
	}
}

static void a_small_connection_table_is_reported_with_what_to_set(void **state)
{
	struct nsg_diag diag = {0};

	(void)state;
	nsg_kernel_check_connections(temporary("240000\n"), 4, &diag);
	nsg_kernel_check_connections("/nonexistent", 4, &diag);
	assert_int_equal(diag.n, 0);
	nsg_kernel_check_connections(temporary("65536\n"), 4, &diag);
	assert_int_equal(diag.n, 1);
	assert_non_null(strstr(diag.v[0].text, "full at 273 new flows"));
	assert_non_null(strstr(diag.v[0].text, "nf_conntrack_max to 240000"));
	nsg_diag_done(&diag);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(families_of_kernel_sockets_are_reported),
	    cmocka_unit_test(a_small_connection_table_is_reported_with_what_to_set),
	    cmocka_unit_test(why_a_way_is_down),
	    cmocka_unit_test(names_of_hops_fit),
	    cmocka_unit_test(strict_reverse_path_filtering_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
