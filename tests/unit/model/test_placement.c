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

#define HERE TEST_NETWORK "virtualNetworks/vnet-app/subnets/snet-int"
#define THERE TEST_NETWORK "virtualNetworks/vnet-app/subnets/snet-b"

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

#define OTHER_SUBSCRIPTION                                                                         \
	"/subscriptions/other/resourceGroups/g/providers/Microsoft.Web/serverfarms/"

static struct nsg_subnet *subnet(struct policy_build *b)
{
	return &b->p->vnets[0].subnets[0];
}

static void expect(struct policy_build *b, const char *profile, int severity, const char *text)
{
	b->options.profile = nsg_profile_find(profile);
	assert_int_equal(policy_build_make(b), severity == NSG_ERROR ? -EINVAL : 0);
	if (severity < 0)
		assert_int_equal(b->diag.n, 0);
	else
		assert_true(policy_build_told(b, (enum nsg_severity)severity, NULL, text));
}

static void the_usual_place_is_good(void **state)
{
	expect(*state, "2020-04", -1, "");
	expect(*state, "current", -1, "");
}

static void the_largest_prefix_counts(void **state)
{
	static const struct {
		uint8_t first, second;
		int old, now;
	} t[] = {
	    {26, 30, -1, -1},
	    {30, 26, -1, -1},
	    {27, 30, NSG_NOTICE, NSG_NOTICE},
	    {28, 30, NSG_ERROR, NSG_NOTICE},
	    {29, 29, NSG_ERROR, NSG_ERROR},
	};
	struct policy_build *b = *state;
	struct nsg_prefix v[2] = {{NSG_IP4(10, 0, 1, 0), 0}, {NSG_IP4(10, 0, 3, 0), 0}};

	subnet(b)->prefixes = (struct nsg_prefixes){.v = v, .n = 2};
	for (size_t i = 0; i < NSG_ARRAY_SIZE(t); i++) {
		v[0].len = t[i].first;
		v[1].len = t[i].second;
		expect(b, "2020-04", t[i].old, "subnet snet-int is a /");
		expect(b, "current", t[i].now, "subnet snet-int is a /");
	}
}

static void ip6_and_classic_networks_cannot_integrate(void **state)
{
	struct policy_build *b = *state;
	struct nsg_vnet *v = &b->p->vnets[0];

	v->is_classic = true;
	expect(b, "current", NSG_ERROR, "classic");
	v->is_classic = false;
	v->space.n_ip6 = 1;
	expect(b, "current", NSG_ERROR, "IPv6");
	v->space.n_ip6 = 0;
	policy_build_subnet(b, v, "other", "10.0.4.0/24 2001:db8::/64");
	expect(b, "current", NSG_ERROR, "IPv6");
}

static void the_subnet_must_be_for_the_integration_alone(void **state)
{
	struct policy_build *b = *state;
	struct nsg_subnet *s = subnet(b);
	struct nsg_nic *nic;

	policy_build_delegate(b, s, "Microsoft.Sql/managedInstances");
	expect(b, "current", NSG_ERROR, "Microsoft.Sql/managedInstances");
	policy_build_delegate(b, s, "");
	expect(b, "current", NSG_WARNING, "not delegated");
	policy_build_delegate(b, s, "microsoft.web/SERVERFARMS");
	expect(b, "current", -1, "");
	s->n_ip_configurations = 1;
	expect(b, "current", NSG_ERROR, "unused");
	s->n_ip_configurations = 0;
	s->n_private_endpoints = 1;
	expect(b, "current", NSG_ERROR, "unused");
	s->n_private_endpoints = 0;
	nic = policy_build_nic(b, "nic", HERE, "10.0.1.9", "");
	expect(b, "current", NSG_ERROR, "nic");
	nic->configurations[0].subnet_id = THERE;
	expect(b, "current", -1, "");
	policy_build_private(b, "pe", HERE, "10.0.1.10");
	expect(b, "current", NSG_ERROR, "pe");
}

static void some_skus_cannot_integrate(void **state)
{
	static const struct {
		const char *tier, *sku;
		int old, now;
	} t[] = {
	    {"Free", "F1", NSG_ERROR, NSG_ERROR},
	    {"shared", "D1", NSG_ERROR, NSG_ERROR},
	    {"Dynamic", "Y1", NSG_ERROR, NSG_ERROR},
	    {"Basic", "B1", NSG_ERROR, -1},
	    {"Isolated", "I1", NSG_ERROR, NSG_ERROR},
	    {"IsolatedV2", "I1v2", NSG_ERROR, NSG_ERROR},
	    {"Standard", "S1", -1, -1},
	    {"Premium", "P1", -1, -1},
	    {"PremiumV2", "P1v2", -1, -1},
	    {"PremiumV3", "P1v3", -1, -1},
	    {"Premium0V3", "P0v3", -1, -1},
	    {"PremiumMV4", "P1mv4", -1, -1},
	    {"WorkflowStandard", "WS1", -1, -1},
	    {"FlexConsumption", "FC1", -1, -1},
	    {"ElasticPremium", "EP1", -1, -1},
	    {"Gold", "S1", NSG_WARNING, NSG_WARNING},
	    {"", "F1", NSG_ERROR, NSG_ERROR},
	    {"", "D1", NSG_ERROR, NSG_ERROR},
	    {"", "B3", NSG_ERROR, -1},
	    {"", "S2", -1, -1},
	    {"", "P1mv3", -1, -1},
	    {"", "ep2", -1, -1},
	    {"", "Y1", NSG_ERROR, NSG_ERROR},
	    {"", "I2v2", NSG_ERROR, NSG_ERROR},
	    {"", "WS1", -1, -1},
	    {"", "FC1", -1, -1},
	    {"", "Dynamic", NSG_ERROR, NSG_ERROR}, /* a string for tier or name */
	    {"", "Standard", -1, -1},
	    {"", "Q1", NSG_WARNING, NSG_WARNING},
	    {"", "", -1, -1},
	};
	struct policy_build *b = *state;
	struct nsg_plan *p = policy_build_plan(b, "plan-a", "", "");

	for (size_t i = 0; i < NSG_ARRAY_SIZE(t); i++) {
		p->tier = t[i].tier;
		p->sku = t[i].sku;
		expect(b, "2020-04", t[i].old, "plan-a");
		expect(b, "current", t[i].now, "plan-a");
	}
}

static void only_the_sites_plan_counts(void **state)
{
	struct policy_build *b = *state;

	policy_build_plan(b, "free", "Free", "");
	policy_build_plan(b, "good", "Standard", "");
	policy_build_site(b, "app", HERE)->plan_id = TEST_WEB "serverfarms/good";
	expect(b, "2020-04", -1, "");
	b->p->sites[0].plan_id = TEST_WEB "serverfarms/FREE";
	expect(b, "2020-04", NSG_ERROR, "free");
}

static void instances_need_twice_their_number(void **state)
{
	struct policy_build *b = *state;
	struct nsg_plan *p = policy_build_plan(b, "plan", "Standard", "");

	p->instances = 30;
	expect(b, "2020-04", -1, "");
	expect(b, "current", NSG_WARNING, "65 addresses");
	p->instances = 29;
	expect(b, "current", -1, "");
	p->instances = 33;
	expect(b, "2020-04", NSG_WARNING, "66 addresses");
}

static void all_are_in_one_region(void **state)
{
	struct policy_build *b = *state;
	struct nsg_plan *p = policy_build_plan(b, "plan", "Standard", "");
	struct nsg_site *s = policy_build_site(b, "app", HERE);

	s->location = "West Europe";
	p->location = "WESTEUROPE";
	expect(b, "current", -1, "");
	s->location = "North Europe";
	expect(b, "current", NSG_ERROR, "app is in North Europe");
	s->location = "";
	p->location = "North Europe";
	expect(b, "current", NSG_ERROR, "plan plan is in North Europe");
	b->p->vnets[0].location = "";
	expect(b, "current", -1, "");
	s->location = "westeurope";
	expect(b, "current", NSG_ERROR, "app app is in westeurope and plan plan in North Europe");
}

static void in_2020_all_are_in_one_subscription(void **state)
{
	struct policy_build *b = *state;
	struct nsg_plan *p = policy_build_plan(b, "plan", "Standard", "");
	struct nsg_site *s = policy_build_site(b, "app", HERE);

	s->id = "/SUBSCRIPTIONS/s/resourceGroups/g/providers/Microsoft.Web/sites/app";
	expect(b, "2020-04", -1, "");
	s->id = "/subscriptions/T/resourceGroups/g/providers/Microsoft.Web/sites/app";
	expect(b, "2020-04", NSG_ERROR, "app is in another subscription");
	expect(b, "current", -1, "");
	s->id = "sites/app";
	p->id = "/subscriptions/T/resourceGroups/g/providers/Microsoft.Web/serverfarms/plan";
	expect(b, "2020-04", NSG_ERROR, "plan is in another subscription");
}

static void which_plans_a_subnet_serves(void **state)
{
	struct policy_build *b = *state;
	struct nsg_site *two;

	policy_build_site(b, "one", HERE)->plan_id = TEST_WEB "serverfarms/a";
	two = policy_build_site(b, "two", HERE);
	two->plan_id = TEST_WEB "serverfarms/A";
	expect(b, "current", -1, "");
	two->plan_id = TEST_WEB "serverfarms/b";
	expect(b, "2020-04", NSG_ERROR, "can serve only one plan");
	expect(b, "current", -1, "");
	two->plan_id = OTHER_SUBSCRIPTION "b";
	expect(b, "current", NSG_ERROR, "plans of one subscription only");
	two->plan_id = TEST_WEB "serverfarms/b";
	subnet(b)->prefixes.v[0].len = 27;
	expect(b, "current", NSG_ERROR, "a /26 or larger");
}

static void the_addresses_of_all_plans_are_added_up(void **state)
{
	struct policy_build *b = *state;
	struct nsg_plan *a = policy_build_plan(b, "a", "Standard", "");
	struct nsg_plan *c = policy_build_plan(b, "b", "Standard", "");

	a->instances = 14;
	c->instances = 15; /* 2 * 29 + 5 = 63 */
	expect(b, "current", -1, "");
	c->instances = 16;
	expect(b, "current", NSG_WARNING, "30 instances");
	c->is_listed = true;
	expect(b, "current", NSG_NOTICE, "1 plan of a list is not checked");
	a->windows_container = true; /* 3 * 20 + 5 = 65 */
	a->instances = 20;
	expect(b, "current", NSG_WARNING, "need 65 addresses");
	expect(b, "2020-04", NSG_NOTICE, "1 plan of a list is not checked");
}

static void a_plan_of_a_list_is_checked_where_the_subnet_links_to_it(void **state)
{
	struct policy_build *b = *state;
	struct nsg_plan *p = policy_build_plan(b, "a", "Free", "");
	const char *links[] = {TEST_WEB "serverfarms/A"};

	p->is_listed = true;
	expect(b, "current", NSG_NOTICE, "not linked to it");
	subnet(b)->plan_links = (struct nsg_strings){.v = links, .n = 1};
	expect(b, "current", NSG_ERROR, "plan a is Free");
	subnet(b)->plan_links.n = 0;
	p->subnet_id = HERE;
	expect(b, "2020-04", NSG_NOTICE, "not linked to it");
	expect(b, "current", NSG_ERROR, "plan a is Free");
}

static void service_endpoint_policies_are_not_supported(void **state)
{
	struct policy_build *b = *state;

	subnet(b)->n_endpoint_policies = 1;
	expect(b, "2020-04", NSG_WARNING, "service endpoint policies");
	expect(b, "current", NSG_ERROR, "service endpoint policies");
}

static void flex_consumption_has_a_delegation_of_its_own(void **state)
{
	struct policy_build *b = *state;

	subnet(b)->delegations.v[0] = "microsoft.app/environments";
	expect(b, "2020-04", NSG_ERROR, "is delegated to");
	expect(b, "current", NSG_ERROR, "no site or plan is of Flex Consumption");
	policy_build_plan(b, "flex", "", "FC1");
	expect(b, "2020-04", NSG_ERROR, "is delegated to");
	expect(b, "current", -1, "");
}

static void a_plan_has_so_many_integrations(void **state)
{
	struct policy_build *b = *state;
	struct nsg_site *two;

	b->options.subnet = "snet-int";
	policy_build_delegate(b, policy_build_subnet(b, &b->p->vnets[0], "snet-b", "10.0.2.0/26"),
			      "Microsoft.Web/serverFarms");
	policy_build_site(b, "one", HERE)->plan_id = TEST_WEB "serverfarms/a";
	two = policy_build_site(b, "two", THERE);
	two->plan_id = TEST_WEB "serverfarms/a";
	expect(b, "2020-04", NSG_ERROR, "it may have 1");
	expect(b, "current", -1, "");
	b->options.platform = NSG_PLATFORM_LINUX;
	expect(b, "current", NSG_ERROR, "it may have 1");
	b->options.platform = NSG_PLATFORM_FROM_SITE;
	policy_build_plan(b, "a", "Standard", "")->is_linux = NSG_TRUE;
	expect(b, "current", NSG_ERROR, "it may have 1");
	two->plan_id = TEST_WEB "serverfarms/c";
	expect(b, "current", -1, "");
}

static void one_apps_integrations_are_counted_without_its_document(void **state)
{
	static const char *const ids[] = {TEST_WEB "sites/app", TEST_WEB "sites/APP",
					  TEST_WEB "sites/other"};
	struct policy_build *b = *state;
	struct nsg_integration *two;

	b->options.subnet = "snet-int";
	policy_build_delegate(b, policy_build_subnet(b, &b->p->vnets[0], "snet-b", "10.0.2.0/26"),
			      "Microsoft.Web/serverFarms");
	policy_build_integration(b, HERE)->site_id = ids[0];
	two = policy_build_integration(b, THERE);
	two->site_id = ids[1];
	expect(b, "2020-04", NSG_ERROR, "may have 1");
	expect(b, "current", -1, "");
	b->options.platform = NSG_PLATFORM_LINUX;
	expect(b, "current", NSG_ERROR, "may have 1");
	two->site_id = ids[2];
	expect(b, "current", -1, "");
}

static void linux_has_no_gateway_required_integration(void **state)
{
	struct policy_build *b = *state;
	struct nsg_integration *i = policy_build_integration(b, HERE);

	b->options.platform = NSG_PLATFORM_LINUX;
	i->is_swift = NSG_TRUE;
	expect(b, "current", -1, "");
	i->is_swift = NSG_FALSE;
	expect(b, "current", NSG_ERROR, "gateway-required");
	b->options.platform = NSG_PLATFORM_WINDOWS;
	expect(b, "current", -1, "");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(the_usual_place_is_good),
	    TEST(the_largest_prefix_counts),
	    TEST(ip6_and_classic_networks_cannot_integrate),
	    TEST(the_subnet_must_be_for_the_integration_alone),
	    TEST(some_skus_cannot_integrate),
	    TEST(only_the_sites_plan_counts),
	    TEST(instances_need_twice_their_number),
	    TEST(all_are_in_one_region),
	    TEST(in_2020_all_are_in_one_subscription),
	    TEST(which_plans_a_subnet_serves),
	    TEST(the_addresses_of_all_plans_are_added_up),
	    TEST(a_plan_of_a_list_is_checked_where_the_subnet_links_to_it),
	    TEST(service_endpoint_policies_are_not_supported),
	    TEST(flex_consumption_has_a_delegation_of_its_own),
	    TEST(a_plan_has_so_many_integrations),
	    TEST(one_apps_integrations_are_counted_without_its_document),
	    TEST(linux_has_no_gateway_required_integration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
