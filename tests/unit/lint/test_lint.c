/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lint/lint.h"
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

static void lint(struct policy_build *b)
{
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(nsg_lint(b->e, &b->diag), 0);
}

static void what_was_chosen_is_told(void **state)
{
	struct policy_build *b = *state;

	lint(b);
	assert_true(policy_build_told(b, NSG_NOTICE, "Chosen",
				      "integration subnet vnet-app/snet-int: it is the only one"));
	assert_true(policy_build_told(b, NSG_NOTICE, "Chosen", "no NSG"));
	assert_true(policy_build_told(b, NSG_NOTICE, "Chosen", "no route table"));
	assert_true(policy_build_told(b, NSG_NOTICE, "Chosen", "route-all off: nothing"));
	policy_build_nsg(b, "nsg");
	policy_build_table(b, "rt");
	policy_build_site(b, "app", "")->route_all[NSG_SITE_ROUTE_ALL].value = NSG_TRUE;
	lint(b);
	assert_true(policy_build_told(b, NSG_NOTICE, "Chosen", "NSG nsg: it is the only one"));
	assert_true(policy_build_told(b, NSG_NOTICE, "Chosen", "route table rt"));
	assert_true(
	    policy_build_told(b, NSG_NOTICE, "Chosen", "route-all on: vnetRouteAllEnabled of app"));
}

static void lints_are_not_warnings_of_loading(void **state)
{
	struct policy_build *b = *state;

	policy_build_route(b, policy_build_table(b, "rt"), "p", "50.0.0.0/8", NSG_HOP_APPLIANCE,
			   "10.0.0.4");
	lint(b);
	assert_int_equal(b->diag.n_warnings, 0);
	assert_int_equal(b->diag.n_lint_warnings, 1);
}

static void a_collapsed_tag_is_told_with_its_cause(void **state)
{
	struct policy_build *b = *state;
	struct nsg_route_table *t = policy_build_table(b, "rt");

	policy_build_nsg(b, "nsg");
	policy_build_route(b, t, "low", "0.0.0.0/1", NSG_HOP_APPLIANCE, "10.0.0.4");
	lint(b);
	assert_false(policy_build_told(b, NSG_WARNING, "VirtualNetworkTagCollapsed", ""));
	policy_build_route(b, t, "high", "128.0.0.0/1", NSG_HOP_APPLIANCE, "10.0.0.4");
	lint(b);
	assert_true(policy_build_told(b, NSG_WARNING, "VirtualNetworkTagCollapsed", "together"));
	t->n_routes = 0;
	policy_build_route(b, t, "d", "0.0.0.0/0", NSG_HOP_APPLIANCE, "10.0.0.4");
	lint(b);
	assert_true(policy_build_told(b, NSG_WARNING, "VirtualNetworkTagCollapsed", "route d"));
	t->n_routes = 0;
	policy_build_bgp(b, "0.0.0.0/0", "");
	lint(b);
	assert_true(policy_build_told(b, NSG_WARNING, "VirtualNetworkTagCollapsed", "BGP"));
}

static void inbound_rules_are_said_to_be_ignored(void **state)
{
	struct policy_build *b = *state;
	struct nsg_nsg *g = policy_build_nsg(b, "nsg");

	lint(b);
	assert_false(policy_build_told(b, NSG_NOTICE, "InboundRulesIgnored", ""));
	g->n_inbound = 3;
	lint(b);
	assert_true(policy_build_told(b, NSG_NOTICE, "InboundRulesIgnored", "3 inbound rules"));
}

static void a_dns_server_out_of_reach_is_a_warning(void **state)
{
	struct policy_build *b = *state;
	struct nsg_nsg *g = policy_build_nsg(b, "nsg");
	struct nsg_route_table *t = policy_build_table(b, "rt");

	policy_build_dns_server(b, "", "10.0.2.4");
	policy_build_dns_server(b, "", "fd00::4");
	b->options.profile = nsg_profile_find("current");
	policy_build_rule(b, g, "no-web", 100, NSG_DENY, "*", "*", "10.0.0.0/16", "80");
	lint(b);
	assert_true(
	    policy_build_told(b, NSG_NOTICE, "Chosen", "DNS server 10.0.2.4: WEBSITE_DNS_SERVER"));
	assert_int_equal(b->diag.n_lint_warnings, 0);

	policy_build_rule(b, g, "no-names", 200, NSG_DENY, "Udp", "*", "10.0.2.0/24", "53");
	lint(b);
	assert_true(policy_build_told(b, NSG_WARNING, "DnsServerUnreachable",
				      "DNS server 10.0.2.4 (WEBSITE_DNS_SERVER): rule no-names "
				      "(200) denies UDP port 53"));

	g->n_rules = 0;
	policy_build_route(b, t, "none", "10.0.2.0/24", NSG_HOP_NONE, "");
	lint(b);
	assert_true(policy_build_told(b, NSG_WARNING, "DnsServerUnreachable",
				      "(WEBSITE_DNS_SERVER): route-none"));

	t->n_routes = 0;
	b->options.route_all = NSG_TRUE;
	lint(b);
	assert_true(policy_build_told(b, NSG_WARNING, "DnsServerUnreachable",
				      "DNS server fd00::4 (WEBSITE_DNS_SERVER): not-carried"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(what_was_chosen_is_told),
	    TEST(lints_are_not_warnings_of_loading),
	    TEST(a_collapsed_tag_is_told_with_its_cause),
	    TEST(inbound_rules_are_said_to_be_ignored),
	    TEST(a_dns_server_out_of_reach_is_a_warning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
