/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lint/lint_priv.h"
#include "support/policy_build.h"

static int setup(void **state)
{
	struct policy_build *b = policy_build_new();

	policy_build_usual(b);
	policy_build_nsg(b, "nsg");
	policy_build_table(b, "rt");
	policy_build_tag(b, policy_build_tags(b), "Storage", "", "20.0.0.0/24");
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	policy_build_free(*state);
	return 0;
}

static bool told(struct policy_build *b, const char *text)
{
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(nsg_lint_contested(b->e, &b->diag), 0);
	return policy_build_told(b, NSG_NOTICE, "Contested", text);
}

static void a_plain_policy_is_not_contested(void **state)
{
	struct policy_build *b = *state;

	assert_false(told(b, ""));
}

static void endpoint_traffic_without_route_all(void **state)
{
	struct policy_build *b = *state;

	policy_build_endpoint(b, &b->p->vnets[0].subnets[0], "Microsoft.Storage", "");
	assert_true(told(b, "the NSG is not evaluated for their traffic"));
	assert_true(told(b, "the endpoint's own route is used"));
	b->options.profile = nsg_profile_find("current");
	assert_true(told(b, "the NSG is evaluated for their traffic"));
	assert_true(told(b, "user and BGP routes apply to their traffic"));
	b->options.route_all = NSG_TRUE;
	assert_false(told(b, "service endpoints without route-all"));
}

static void a_public_prefix_in_both_tags(void **state)
{
	struct policy_build *b = *state;

	policy_build_bgp(b, "10.20.0.0/16", "");
	assert_false(told(b, "is public"));
	policy_build_bgp(b, "30.0.0.0/16", "");
	assert_true(told(b, "30.0.0.0/16, a BGP route, is public"));
}

static void a_user_route_outside_the_tag(void **state)
{
	struct policy_build *b = *state;

	policy_build_route(b, &b->p->route_tables[0], "in", "10.0.5.0/24", NSG_HOP_NONE, "");
	assert_false(told(b, "is not in VirtualNetwork"));
	policy_build_route(b, &b->p->route_tables[0], "out", "10.9.0.0/16", NSG_HOP_NONE, "");
	assert_true(told(b, "route out is not in VirtualNetwork, because its next hop is None"));
}

static void none_rows_under_a_default_route(void **state)
{
	struct policy_build *b = *state;
	struct nsg_route *r = policy_build_route(b, &b->p->route_tables[0], "d", "0.0.0.0/0",
						 NSG_HOP_APPLIANCE, "10.0.0.4");

	assert_true(told(b, "applies to private space that is not announced"));
	r->hop_type = NSG_HOP_INTERNET;
	assert_true(told(b, "the None routes of private space are kept"));
}

static void propagation_off_with_gateway_routes(void **state)
{
	struct policy_build *b = *state;

	b->p->route_tables[0].disable_bgp = true;
	assert_false(told(b, "disableBgpRoutePropagation"));
	policy_build_bgp(b, "10.20.0.0/16", "");
	assert_true(told(b, "disableBgpRoutePropagation"));
}

static void a_rule_for_the_platforms_address(void **state)
{
	struct policy_build *b = *state;

	policy_build_rule(b, &b->p->nsgs[0], "dns", 100, NSG_DENY, "*", "*", "168.63.129.16", "*");
	assert_true(told(b, "rule dns contains 168.63.129.16"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_plain_policy_is_not_contested),  TEST(endpoint_traffic_without_route_all),
	    TEST(a_public_prefix_in_both_tags),	    TEST(a_user_route_outside_the_tag),
	    TEST(none_rows_under_a_default_route),  TEST(propagation_off_with_gateway_routes),
	    TEST(a_rule_for_the_platforms_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
