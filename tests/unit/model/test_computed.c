/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/policy_build.h"

static int setup(void **state)
{
	struct policy_build *b = policy_build_new();

	policy_build_usual(b);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	policy_build_free(*state);
	return 0;
}

static void check(const struct policy_build *b, const char *addr, bool in_vnet, bool in_internet)
{
	uint32_t a = 0;

	assert_int_equal(nsg_ip4_parse(addr, &a), 0);
	assert_int_equal(nsg_ranges_contain(&b->e->virtual_network_ranges, a), in_vnet);
	assert_int_equal(nsg_ranges_contain(&b->e->internet_ranges, a), in_internet);
}

static void by_default_they_are_ranges_and_holes(void **state)
{
	static const char *const neither[] = {"0.0.0.1",	 "10.1.0.0",	   "100.64.0.0",
					      "100.127.255.255", "127.0.0.1",	   "169.254.0.1",
					      "172.16.0.0",	 "172.31.255.255", "192.168.0.1",
					      "224.0.0.1",	 "255.255.255.255"};
	static const char *const internet[] = {
	    "1.0.0.0",	   "9.255.255.255", "11.0.0.0",	   "100.63.0.0", "100.128.0.0",
	    "126.0.0.1",   "128.0.0.0",	    "169.253.0.1", "172.15.0.0", "172.32.0.0",
	    "192.167.0.1", "192.169.0.0",   "223.0.0.255", "8.8.8.8"};
	struct policy_build *b = *state;

	assert_int_equal(policy_build_make(b), 0);
	for (size_t i = 0; i < sizeof(neither) / sizeof(neither[0]); i++)
		check(b, neither[i], false, false);
	for (size_t i = 0; i < sizeof(internet) / sizeof(internet[0]); i++)
		check(b, internet[i], false, true);
	check(b, "10.0.0.0", true, false);
	check(b, "10.0.255.255", true, false);
	check(b, "168.63.129.16", true, true);
}

static void public_ranges_of_networks_leave_the_internet(void **state)
{
	struct policy_build *b = *state;

	policy_build_peering(b, &b->p->vnets[0], "p", "far", "30.0.0.0/16");
	b->p->vnets[0].space =
	    (struct nsg_prefixes){.v = &(struct nsg_prefix){NSG_IP4(20, 0, 0, 0), 16}, .n = 1};
	assert_int_equal(policy_build_make(b), 0);
	check(b, "20.0.0.1", true, false);
	check(b, "30.0.0.1", true, false);
	check(b, "10.0.0.1", false, false);
}

static void bgp_and_user_routes_stay_in_both(void **state)
{
	struct policy_build *b = *state;
	struct nsg_route_table *t = policy_build_table(b, "rt");

	policy_build_tag(b, policy_build_tags(b), "Storage", "", "60.0.0.0/24 61.0.0.0/24");
	policy_build_bgp(b, "30.0.0.0/16", "");
	policy_build_route(b, t, "nva", "40.0.0.0/16", NSG_HOP_APPLIANCE, "10.0.0.4");
	policy_build_route(b, t, "gw", "50.0.0.0/16", NSG_HOP_GATEWAY, "");
	policy_build_route(b, t, "tag", "Storage", NSG_HOP_APPLIANCE, "10.0.0.4");
	policy_build_route(b, t, "net", "70.0.0.0/16", NSG_HOP_INTERNET, "");
	policy_build_route(b, t, "none", "71.0.0.0/16", NSG_HOP_NONE, "");
	policy_build_route(b, t, "local", "72.0.0.0/16", NSG_HOP_VNET_LOCAL, "");
	assert_int_equal(policy_build_make(b), 0);
	check(b, "30.0.0.1", true, true);
	check(b, "40.0.0.1", true, true);
	check(b, "50.0.0.1", true, true);
	check(b, "60.0.0.1", true, true);
	check(b, "61.0.0.1", true, true);
	check(b, "70.0.0.1", false, true);
	check(b, "71.0.0.1", false, true);
	check(b, "72.0.0.1", false, true);
	assert_int_equal(b->e->n_virtual_network, 7);
	assert_int_equal(b->e->virtual_network[0].origin, NSG_ORIGIN_VNET);
	assert_int_equal(b->e->virtual_network[1].origin, NSG_ORIGIN_BGP);
	assert_int_equal(b->e->virtual_network[2].origin, NSG_ORIGIN_PLATFORM);
	assert_int_equal(b->e->virtual_network[5].origin, NSG_ORIGIN_UDR);
	assert_string_equal(b->e->virtual_network[5].name, "tag");
}

static void a_default_route_makes_virtual_network_everything(void **state)
{
	struct policy_build *b = *state;

	policy_build_route(b, policy_build_table(b, "rt"), "d", "0.0.0.0/0", NSG_HOP_APPLIANCE,
			   "10.0.0.4");
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(b->e->virtual_network_ranges.n, 1);
	check(b, "0.0.0.0", true, false);
	check(b, "255.255.255.255", true, false);
	check(b, "8.8.8.8", true, true);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(by_default_they_are_ranges_and_holes),
	    TEST(public_ranges_of_networks_leave_the_internet),
	    TEST(bgp_and_user_routes_stay_in_both),
	    TEST(a_default_route_makes_virtual_network_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
