/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/policy_build.h"

#define SUBNET(S) TEST_NETWORK "virtualNetworks/vnet-app/subnets/" S

static int setup(void **state)
{
	struct policy_build *b = policy_build_new();

	policy_build_subnet(b, policy_build_usual(b), "snet-b", "10.0.2.0/26");
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	policy_build_free(*state);
	return 0;
}

static void any_input_turns_route_all_on(void **state)
{
	struct policy_build *b = *state;
	struct nsg_site *s = policy_build_site(b, "app", SUBNET("snet-int"));

	for (size_t i = 0; i < NSG_ROUTE_ALL_KEYS; i++) {
		for (size_t j = 0; j < NSG_ROUTE_ALL_KEYS; j++)
			s->route_all[j].value = NSG_FALSE;
		assert_int_equal(policy_build_make(b), 0);
		assert_false(b->e->route_all);
		assert_int_equal(policy_build_count(b, NSG_WARNING), 0);
		s->route_all[i].value = NSG_TRUE;
		assert_int_equal(policy_build_make(b), 0);
		assert_true(b->e->route_all);
		assert_true(policy_build_told(b, NSG_WARNING, "Contested", "--route-all"));
		for (size_t j = 0; j < NSG_ROUTE_ALL_KEYS; j++)
			s->route_all[j].value = i == j ? NSG_TRUE : NSG_UNSET;
		assert_int_equal(policy_build_make(b), 0);
		assert_true(b->e->route_all);
		assert_int_equal(policy_build_count(b, NSG_WARNING), 0);
	}
}

static void the_app_setting_counts_beside_a_site_that_says_no(void **state)
{
	struct policy_build *b = *state;
	struct nsg_site *s = policy_build_site(b, "app", SUBNET("snet-int"));

	s->route_all[NSG_SITE_ROUTE_ALL].value = NSG_FALSE;
	policy_build_setting(b, "", NSG_ROUTE_ALL_ON);
	assert_int_equal(policy_build_make(b), 0);
	assert_true(b->e->route_all);
	assert_true(policy_build_told(b, NSG_WARNING, "Contested", "vnetRouteAllEnabled of app"));
	assert_true(policy_build_told(b, NSG_WARNING, "Contested", "WEBSITE_VNET_ROUTE_ALL"));
	b->options.route_all = NSG_FALSE;
	assert_int_equal(policy_build_make(b), 0);
	assert_false(b->e->route_all);
	assert_int_equal(policy_build_count(b, NSG_WARNING), 0);
}

static void only_one_is_on(void **state)
{
	struct policy_build *b = *state;
	struct nsg_app_setting *s = policy_build_setting(b, "", NSG_ROUTE_ALL_OTHER);

	assert_int_equal(policy_build_make(b), 0);
	assert_false(b->e->route_all);
	s->value = NSG_ROUTE_ALL_EMPTY;
	assert_int_equal(policy_build_make(b), 0);
	assert_false(b->e->route_all);
	assert_int_equal(policy_build_count(b, NSG_WARNING), 0);
	s->value = NSG_ROUTE_ALL_OFF;
	assert_int_equal(policy_build_make(b), 0);
	assert_false(b->e->route_all);
	assert_int_equal(policy_build_count(b, NSG_WARNING), 0);
}

static void sites_elsewhere_do_not_count(void **state)
{
	struct policy_build *b = *state;

	b->options.subnet = "snet-int";
	policy_build_site(b, "far", SUBNET("snet-b"))->route_all[NSG_SITE_ROUTE_ALL].value =
	    NSG_TRUE;
	policy_build_setting(b, TEST_WEB "sites/far", NSG_ROUTE_ALL_ON);
	assert_int_equal(policy_build_make(b), 0);
	assert_false(b->e->route_all);
	assert_int_equal(b->e->n_sites, 0);
	policy_build_site(b, "here", SUBNET("snet-int"));
	policy_build_setting(b, TEST_WEB "sites/here", NSG_ROUTE_ALL_ON);
	assert_int_equal(policy_build_make(b), 0);
	assert_true(b->e->route_all);
	assert_int_equal(b->e->n_sites, 1);
}

static void all_sites_count_when_none_says_where_it_is(void **state)
{
	struct policy_build *b = *state;

	policy_build_site(b, "one", "");
	policy_build_site(b, "two", "")->route_all[NSG_SITE_ROUTE_ALL].value = NSG_TRUE;
	assert_int_equal(policy_build_make(b), 0);
	assert_true(b->e->route_all);
	assert_int_equal(b->e->n_sites, 2);
}

static void an_integration_says_where_its_site_is(void **state)
{
	struct policy_build *b = *state;

	policy_build_site(b, "one", "")->route_all[NSG_SITE_ROUTE_ALL].value = NSG_TRUE;
	policy_build_site(b, "two", "");
	policy_build_integration(b, SUBNET("snet-int"))->site_id = TEST_WEB "sites/two";
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(b->e->n_sites, 1);
	assert_false(b->e->route_all);
}

static void two_that_disagree_are_told(void **state)
{
	struct policy_build *b = *state;
	struct nsg_site *s = policy_build_site(b, "one", SUBNET("snet-int"));

	s->route_all[NSG_SITE_ROUTE_ALL].value = NSG_TRUE;
	policy_build_site(b, "two", SUBNET("snet-int"))->route_all[NSG_SITE_ROUTE_ALL].value =
	    NSG_FALSE;
	assert_int_equal(policy_build_make(b), 0);
	assert_true(b->e->route_all);
	assert_int_equal(policy_build_count(b, NSG_WARNING), 1);
	s->route_all[NSG_SITE_ROUTE_ALL].value = NSG_UNSET;
	policy_build_setting(b, "", NSG_ROUTE_ALL_ON);
	policy_build_setting(b, "", NSG_ROUTE_ALL_OFF);
	assert_int_equal(policy_build_make(b), 0);
	assert_true(b->e->route_all);
	assert_int_equal(policy_build_count(b, NSG_WARNING), 1);
}

static void the_option_outranks_the_documents(void **state)
{
	struct policy_build *b = *state;

	policy_build_setting(b, "", NSG_ROUTE_ALL_ON);
	b->options.route_all = NSG_FALSE;
	assert_int_equal(policy_build_make(b), 0);
	assert_false(b->e->route_all);
	b->options.route_all = NSG_TRUE;
	b->p->n_app_settings = 0;
	assert_int_equal(policy_build_make(b), 0);
	assert_true(b->e->route_all);
}

static void a_perimeter_and_flex_yield_only_to_the_option(void **state)
{
	struct policy_build *b = *state;
	struct nsg_site *s = policy_build_site(b, "app", SUBNET("snet-int"));

	s->route_all[NSG_SITE_ROUTE_ALL].value = NSG_FALSE;
	s->by_perimeter = true;
	assert_int_equal(policy_build_make(b), 0);
	assert_false(b->e->route_all);
	b->options.profile = nsg_profile_find("current");
	assert_int_equal(policy_build_make(b), 0);
	assert_true(b->e->route_all);
	assert_int_equal(policy_build_count(b, NSG_WARNING), 0);
	b->options.route_all = NSG_FALSE;
	assert_int_equal(policy_build_make(b), 0);
	assert_false(b->e->route_all);

	b->options.route_all = NSG_UNSET;
	s->by_perimeter = false;
	s->sku = "FlexConsumption";
	assert_int_equal(policy_build_make(b), 0);
	assert_false(b->e->route_all);
	b->p->vnets[0].subnets[0].delegations.v[0] = "Microsoft.App/environments";
	assert_int_equal(policy_build_make(b), 0);
	assert_true(b->e->route_all);
}

static void a_newer_templates_configuration_has_no_effect_today(void **state)
{
	struct policy_build *b = *state;
	struct nsg_site *s = policy_build_site(b, "app", SUBNET("snet-int"));

	s->route_all[NSG_CONFIG_ROUTE_ALL].value = NSG_TRUE;
	s->config_is_newer = true;
	assert_int_equal(policy_build_make(b), 0);
	assert_true(b->e->route_all);
	b->options.profile = nsg_profile_find("current");
	assert_int_equal(policy_build_make(b), 0);
	assert_false(b->e->route_all);
	assert_true(policy_build_told(b, NSG_WARNING, NULL, "2024-11-01"));
	s->route_all[NSG_CONFIG_ROUTING].value = NSG_TRUE;
	assert_int_equal(policy_build_make(b), 0);
	assert_true(b->e->route_all);
}

static void a_plan_says_where_its_sites_are_and_on_what(void **state)
{
	struct policy_build *b = *state;
	struct nsg_plan *p = policy_build_plan(b, "plan", "PremiumV4", "P1v4");

	policy_build_site(b, "far", SUBNET("snet-b"))->route_all[NSG_SITE_ROUTE_ALL].value =
	    NSG_TRUE;
	policy_build_site(b, "app", "")->plan_id = p->id;
	p->subnet_id = SUBNET("snet-int");
	p->is_linux = NSG_TRUE;
	b->options.profile = nsg_profile_find("current");
	b->options.subnet = "snet-int";
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(b->e->n_sites, 1);
	assert_true(b->e->is_linux);
	assert_false(b->e->route_all);
}

static void linux_in_2020_has_no_route_all(void **state)
{
	struct policy_build *b = *state;
	struct nsg_site *s = policy_build_site(b, "app", SUBNET("snet-int"));

	s->route_all[NSG_SITE_ROUTE_ALL].value = NSG_TRUE;
	s->is_linux = NSG_TRUE;
	assert_int_equal(policy_build_make(b), 0);
	assert_true(b->e->is_linux);
	assert_false(b->e->route_all);
	b->options.profile = nsg_profile_find("current");
	assert_int_equal(policy_build_make(b), 0);
	assert_true(b->e->route_all);
}

static void the_platform_option_contradicts_with_a_warning(void **state)
{
	struct policy_build *b = *state;

	assert_int_equal(policy_build_make(b), 0);
	assert_false(b->e->is_linux);
	policy_build_site(b, "app", SUBNET("snet-int"))->is_linux = NSG_TRUE;
	b->options.platform = NSG_PLATFORM_LINUX;
	assert_int_equal(policy_build_make(b), 0);
	assert_true(b->e->is_linux);
	assert_int_equal(policy_build_count(b, NSG_WARNING), 0);
	b->options.platform = NSG_PLATFORM_WINDOWS;
	assert_int_equal(policy_build_make(b), 0);
	assert_false(b->e->is_linux);
	assert_int_equal(policy_build_count(b, NSG_WARNING), 1);
	b->options.platform = NSG_PLATFORM_FROM_SITE;
	policy_build_site(b, "app2", SUBNET("snet-int"))->is_linux = NSG_FALSE;
	assert_int_equal(policy_build_make(b), 0);
	assert_true(b->e->is_linux);
	assert_int_equal(policy_build_count(b, NSG_WARNING), 1);
}

static void the_dns_servers_of_these_sites_are_used(void **state)
{
	struct policy_build *b = *state;

	policy_build_site(b, "app", SUBNET("snet-int"));
	policy_build_site(b, "far", SUBNET("snet-other"));
	policy_build_dns_server(b, "Microsoft.Web/sites/app", "10.0.0.4");
	policy_build_dns_server(b, "Microsoft.Web/sites/far", "10.0.0.5");
	policy_build_dns_server(b, "", "10.0.0.6");
	policy_build_dns_server(b, "Microsoft.Web/sites/app", "10.0.0.4");
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(policy_build_count(b, NSG_WARNING), 0);
	assert_int_equal(b->e->n_dns_servers, 3);
	assert_string_equal(b->e->dns_servers[0]->server, "10.0.0.4");
	assert_string_equal(b->e->dns_servers[1]->server, "10.0.0.6");

	policy_build_dns_server(b, "Microsoft.Web/sites/app", "10.0.0.7");
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(b->e->n_dns_servers, 4);
	assert_true(policy_build_told(b, NSG_WARNING, "Contested",
				      "WEBSITE_DNS_SERVER is 10.0.0.7 here and 10.0.0.4 at"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(any_input_turns_route_all_on),
	    TEST(the_dns_servers_of_these_sites_are_used),
	    TEST(the_app_setting_counts_beside_a_site_that_says_no),
	    TEST(only_one_is_on),
	    TEST(sites_elsewhere_do_not_count),
	    TEST(all_sites_count_when_none_says_where_it_is),
	    TEST(an_integration_says_where_its_site_is),
	    TEST(two_that_disagree_are_told),
	    TEST(the_option_outranks_the_documents),
	    TEST(a_perimeter_and_flex_yield_only_to_the_option),
	    TEST(a_newer_templates_configuration_has_no_effect_today),
	    TEST(a_plan_says_where_its_sites_are_and_on_what),
	    TEST(linux_in_2020_has_no_route_all),
	    TEST(the_platform_option_contradicts_with_a_warning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
