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

static struct nsg_route *route(struct policy_build *b, const char *name, const char *to)
{
	return policy_build_route(b, &b->p->route_tables[0], name, to, NSG_HOP_APPLIANCE,
				  "10.0.0.4");
}

static void lint(struct policy_build *b)
{
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(nsg_lint_routes(b->e, &b->diag), 0);
}

static void a_public_route_is_behind_the_gate(void **state)
{
	struct policy_build *b = *state;

	route(b, "public", "50.0.0.0/8");
	route(b, "private", "10.9.0.0/16");
	route(b, "default", "0.0.0.0/0");
	lint(b);
	assert_true(policy_build_told(b, NSG_WARNING, "GateClosed", "route public is never used"));
	assert_false(policy_build_told(b, NSG_WARNING, NULL, "private"));
	assert_true(policy_build_told(b, NSG_NOTICE, "GateClosed",
				      "route default applies to RFC 1918 destinations only"));
	b->options.route_all = NSG_TRUE;
	lint(b);
	assert_false(policy_build_told(b, NSG_WARNING, NULL, "is never used"));
	assert_false(policy_build_told(b, NSG_NOTICE, NULL, "RFC 1918 destinations only"));
}

static void a_route_that_others_hide_is_told(void **state)
{
	struct policy_build *b = *state;

	route(b, "whole", "10.128.0.0/9");
	route(b, "low", "10.128.0.0/10");
	route(b, "high", "10.192.0.0/10");
	lint(b);
	assert_true(policy_build_told(
	    b, NSG_WARNING, "RouteNeverUsed",
	    "route whole is never used: wherever it applies another "
	    "route is preferred, e.g. VirtualAppliance 10.128.0.0/10 of low (a longer prefix"));
	assert_int_equal(policy_build_count(b, NSG_WARNING), 1);
}

static void platform_addresses_follow_no_route(void **state)
{
	struct policy_build *b = *state;

	b->options.route_all = NSG_TRUE;
	route(b, "wire", "168.63.129.16/32");
	lint(b);
	assert_true(
	    policy_build_told(b, NSG_WARNING, "RouteNeverUsed", "so no route is looked up"));
}

static void a_tag_without_addresses_is_told(void **state)
{
	struct policy_build *b = *state;

	policy_build_tag(b, &b->p->tag_documents[0], "Six", "", "2001:db8::/32");
	route(b, "six", "Six");
	lint(b);
	assert_true(policy_build_told(b, NSG_WARNING, "RouteNeverUsed", "Six has no IPv4 address"));
}

static void endpoint_against_route_shows_both_answers(void **state)
{
	struct policy_build *b = *state;

	b->options.route_all = NSG_TRUE;
	policy_build_endpoint(b, &b->p->vnets[0].subnets[0], "Microsoft.Storage", "");
	route(b, "storage", "20.0.0.0/25");
	lint(b);
	assert_true(policy_build_told(b, NSG_NOTICE, "Contested",
				      "20.0.0.0 takes VirtualNetworkServiceEndpoint 20.0.0.0/24"));
	assert_true(policy_build_told(b, NSG_NOTICE, "Contested",
				      "VirtualAppliance 20.0.0.0/25 of storage"));
	assert_true(policy_build_told(b, NSG_WARNING, "RouteNeverUsed", "route storage"));
	b->options.endpoint_lab = true;
	lint(b);
	assert_true(policy_build_told(b, NSG_NOTICE, "Contested",
				      "20.0.0.0 takes VirtualAppliance 20.0.0.0/25 of storage"));
	assert_false(policy_build_told(b, NSG_WARNING, "RouteNeverUsed", "route storage"));
	b->p->route_tables[0].n_routes = 0;
	lint(b);
	assert_false(policy_build_told(b, NSG_NOTICE, "Contested", "service endpoint against"));
}

/* Where the two readings differ for this policy, and with both answers. */
static void private_endpoint_against_route_is_told(void **state)
{
	static const struct {
		const char *profile, *policies, *route, *told;
	} t[] = {
	    {"2020-04", "Enabled", "0.0.0.0/0", NULL},
	    {"2020-04", "Disabled", "10.0.0.0/16", NULL},
	    {"2020-04", "Enabled", "10.0.0.0/16",
	     "10.0.2.5 takes InterfaceEndpoint 10.0.2.5/32 of pe (2020-04: only a /32 route is "
	     "preferred to the endpoint); today this depends on the network policies of the "
	     "endpoint's subnet: VirtualAppliance 10.0.0.0/16 of r"},
	    {"current", "RouteTableEnabled", "10.0.2.0/24",
	     "10.0.2.5 takes VirtualAppliance 10.0.2.0/24 of r (today: a route at least as long as "
	     "the "
	     "network's range is preferred where the endpoint's subnet has network policies); in "
	     "2020 only a /32 route was preferred to the endpoint: InterfaceEndpoint 10.0.2.5/32 "
	     "of "
	     "pe"},
	    {"2020-04", "Enabled", "10.0.2.5/32", NULL},
	    {"2020-04", "", "10.0.2.5/32", NULL},
	    {"current", "", "10.0.2.5/32", NULL},
	};
	struct policy_build *b = *state;
	struct nsg_subnet *s = policy_build_subnet(b, &b->p->vnets[0], "snet-pe", "10.0.2.0/24");

	policy_build_private(b, "pe", s->id, "10.0.2.5");
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		s->endpoint_policies = t[i].policies;
		b->options.profile = nsg_profile_find(t[i].profile);
		b->p->route_tables[0].n_routes = 0;
		route(b, "r", t[i].route);
		lint(b);
		assert_int_equal(policy_build_told(b, NSG_NOTICE, "Contested", "private endpoint"),
				 t[i].told != NULL);
		if (t[i].told)
			assert_true(policy_build_told(b, NSG_NOTICE, "Contested", t[i].told));
	}
}

static void unallocated_172_is_told_where_it_may_be_allowed(void **state)
{
	struct policy_build *b = *state;
	struct nsg_nsg *g;

	lint(b);
	assert_true(policy_build_told(b, NSG_NOTICE, "Contested", "172.16.0.0/12"));
	g = policy_build_nsg(b, "nsg");
	lint(b);
	assert_false(policy_build_told(b, NSG_NOTICE, "Contested", "172.16.0.0/12"));
	policy_build_rule(b, g, "r", 100, NSG_ALLOW, "tcp", "*", "172.20.0.0/16", "443");
	lint(b);
	assert_true(policy_build_told(b, NSG_NOTICE, "Contested", "172.16.0.0/12"));
	b->options.profile = nsg_profile_find("current");
	lint(b);
	assert_false(policy_build_told(b, NSG_NOTICE, "Contested", "172.16.0.0/12"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_public_route_is_behind_the_gate),
	    TEST(a_route_that_others_hide_is_told),
	    TEST(platform_addresses_follow_no_route),
	    TEST(a_tag_without_addresses_is_told),
	    TEST(endpoint_against_route_shows_both_answers),
	    TEST(private_endpoint_against_route_is_told),
	    TEST(unallocated_172_is_told_where_it_may_be_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
