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

static void many_routes_are_a_warning_or_an_error(void **state)
{
	static const struct {
		const char *profile;
		unsigned int n;
		bool warned;
	} t[] = {
	    {"2020-04", 400, false}, {"2020-04", 401, true},  {"current", 600, false},
	    {"current", 601, true},  {"current", 1000, true},
	};
	struct policy_build *b = *state;
	struct nsg_route_table *table = policy_build_table(b, "rt");

	for (unsigned int i = 0; i < 1001; i++)
		policy_build_route(b, table, "r",
				   policy_build_printf(b, "10.%u.%u.0/24", i / 200, i % 200),
				   NSG_HOP_NONE, "");
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		table->n_routes = t[i].n;
		b->options.profile = nsg_profile_find(t[i].profile);
		assert_int_equal(policy_build_make(b), 0);
		assert_int_equal(policy_build_told(b, NSG_WARNING, NULL, "routes"), t[i].warned);
	}
	table->n_routes = 1001;
	assert_int_equal(policy_build_make(b), -EINVAL);
	assert_int_equal(b->diag.n_errors, 1);
}

static void a_gateway_as_next_hop_is_noted_today(void **state)
{
	struct policy_build *b = *state;

	policy_build_route(b, policy_build_table(b, "rt"), "r", "10.9.0.0/16", NSG_HOP_GATEWAY, "");
	assert_int_equal(policy_build_make(b), 0);
	assert_false(policy_build_told(b, NSG_NOTICE, NULL, "ExpressRoute"));
	b->options.profile = nsg_profile_find("current");
	assert_int_equal(policy_build_make(b), 0);
	assert_true(policy_build_told(b, NSG_NOTICE, NULL, "ExpressRoute"));
}

static void disabled_peering_routes_are_of_today(void **state)
{
	struct policy_build *b = *state;

	policy_build_peering(b, &b->p->vnets[0], "p", "far", "10.1.0.0/16");
	policy_build_table(b, "rt")->disable_peering = true;
	assert_int_equal(policy_build_make(b), 0);
	assert_true(policy_build_told(b, NSG_WARNING, NULL, "disablePeeringRoute is ignored"));
	assert_int_equal(b->e->rows[1].hop_type, NSG_HOP_VNET_PEERING);
	b->options.profile = nsg_profile_find("current");
	assert_int_equal(policy_build_make(b), 0);
	assert_false(policy_build_told(b, NSG_WARNING, NULL, "disablePeeringRoute"));
	assert_int_equal(b->e->rows[1].hop_type, NSG_HOP_INTERNET);
	assert_true(nsg_ranges_contain(&b->e->virtual_network_ranges, NSG_IP4(10, 1, 0, 1)));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(one_prefix_twice_is_a_conflict),	 TEST(azures_own_tags_are_no_destinations),
	    TEST(many_routes_are_a_warning_or_an_error), TEST(a_gateway_as_next_hop_is_noted_today),
	    TEST(disabled_peering_routes_are_of_today),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
