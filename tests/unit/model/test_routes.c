/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/policy_build.h"
#include "util/cleanup.h"
#include "util/macro.h"

static int setup(void **state)
{
	struct policy_build *b = policy_build_new();

	policy_build_usual(b);
	policy_build_tag(b, policy_build_tags(b), "Storage", "", "20.0.0.0/24");
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	policy_build_free(*state);
	return 0;
}

/* In every table, the subnet's or not. */
static void one_prefix_twice_is_a_conflict(void **state)
{
	struct policy_build *b = *state;
	struct nsg_route_table *t = policy_build_table(b, "rt"),
			       *u = policy_build_table(b, "other");

	policy_build_route(b, t, "one", "10.0.0.0/8", NSG_HOP_NONE, "");
	policy_build_route(b, t, "two", "10.0.0.0/16", NSG_HOP_NONE, "");
	policy_build_route(b, t, "three", "Storage", NSG_HOP_NONE, "");
	assert_int_equal(policy_build_make(b), 0);
	policy_build_route(b, u, "four", "STORAGE", NSG_HOP_NONE, "");
	policy_build_route(b, u, "five", "storage", NSG_HOP_NONE, "");
	policy_build_route(b, t, "six", "10.0.0.7/8", NSG_HOP_NONE, "");
	assert_int_equal(policy_build_make(b), -EINVAL);
	assert_int_equal(policy_build_count(b, NSG_ERROR), 2);
	assert_true(policy_build_told(b, NSG_ERROR, "RouteConflict", "one and six"));
	assert_true(policy_build_told(b, NSG_ERROR, "RouteConflict", "four and five"));
}

static void azures_own_tags_are_no_destinations(void **state)
{
	static const char *const tags[] = {
	    "Internet",		 "VirtualNetwork",   "AzureLoadBalancer", "azureplatformdns",
	    "AzurePlatformIMDS", "AzurePlatformLKM", "VIRTUAL_NETWORK"};
	struct policy_build *b = *state;
	struct nsg_route *r =
	    policy_build_route(b, policy_build_table(b, "rt"), "r", "Storage", NSG_HOP_NONE, "");

	for (size_t i = 0; i < NSG_ARRAY_SIZE(tags); i++) {
		r->tag = tags[i];
		assert_int_equal(policy_build_make(b), -EINVAL);
		assert_true(policy_build_told(b, NSG_ERROR, NULL, "may not name"));
	}
	r->tag = "Strage";
	assert_int_equal(policy_build_make(b), -EINVAL);
	assert_true(policy_build_told(b, NSG_ERROR, NULL, "Strage"));
	assert_true(policy_build_told(b, NSG_ERROR, NULL, "Storage"));
}

static void too_many_routes_are_an_error(void **state)
{
	struct policy_build *b = *state;
	struct nsg_route_table *t = policy_build_table(b, "rt");

	for (unsigned int i = 0; i < 400; i++)
		policy_build_route(b, t, "r",
				   policy_build_printf(b, "10.%u.%u.0/24", i / 200, i % 200),
				   NSG_HOP_NONE, "");
	assert_int_equal(policy_build_make(b), 0);
	policy_build_route(b, t, "r", "11.0.0.0/8", NSG_HOP_NONE, "");
	assert_int_equal(policy_build_make(b), -EINVAL);
}

static const struct nsg_row *gateway_row(const struct policy_build *b, size_t k)
{
	for (size_t i = 0; i < b->e->n_rows; i++)
		if (b->e->rows[i].source == NSG_SOURCE_GATEWAY && !k--)
			return &b->e->rows[i];
	return NULL;
}

static void gateway_routes_of_a_prefix_are_one(void **state)
{
	struct policy_build *b = *state;

	policy_build_bgp(b, "10.20.0.0/16", "10.0.0.5 10.0.0.4");
	policy_build_bgp(b, "10.10.0.0/16", "10.0.0.9");
	policy_build_bgp(b, "10.20.0.0/16", "10.0.0.4 10.0.0.3 10.0.0.5");
	assert_int_equal(policy_build_make(b), 0);
	assert_null(gateway_row(b, 2));
	assert_int_equal(gateway_row(b, 0)->prefix.addr_host, NSG_IP4(10, 20, 0, 0));
	assert_int_equal(gateway_row(b, 1)->prefix.addr_host, NSG_IP4(10, 10, 0, 0));
	assert_int_equal(gateway_row(b, 0)->n_hops, 3);
	assert_int_equal(gateway_row(b, 0)->hops_host[0], NSG_IP4(10, 0, 0, 5));
	assert_int_equal(gateway_row(b, 0)->hops_host[1], NSG_IP4(10, 0, 0, 4));
	assert_int_equal(gateway_row(b, 0)->hops_host[2], NSG_IP4(10, 0, 0, 3));
}

static void propagation_off_leaves_none(void **state)
{
	struct policy_build *b = *state;

	policy_build_bgp(b, "10.20.0.0/16", "10.0.0.5");
	policy_build_table(b, "rt")->disable_bgp = true;
	assert_int_equal(policy_build_make(b), 0);
	assert_null(gateway_row(b, 0));
	assert_false(nsg_ranges_contain(&b->e->virtual_network_ranges, NSG_IP4(10, 20, 0, 1)));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(one_prefix_twice_is_a_conflict), TEST(azures_own_tags_are_no_destinations),
	    TEST(too_many_routes_are_an_error),	  TEST(gateway_routes_of_a_prefix_are_one),
	    TEST(propagation_off_leaves_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
