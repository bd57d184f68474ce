/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/effective_priv.h"
#include "support/policy_build.h"
#include "util/macro.h"

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

static struct nsg_tag_document *add(struct policy_build *b, uint64_t number)
{
	struct nsg_tag_document *d = policy_build_tags(b);

	d->has_change_number = number != 0;
	d->change_number = number;
	policy_build_tag(b, d, "Storage", "", "20.0.0.0/24 20.0.1.0/24");
	return d;
}

static void the_higher_change_number_counts(void **state)
{
	struct policy_build *b = *state;
	struct nsg_tag_document *d = add(b, 7);

	add(b, 5);
	add(b, 6);
	assert_int_equal(policy_build_make(b), 0);
	assert_ptr_equal(b->e->tags, d);
	assert_int_equal(policy_build_count(b, NSG_WARNING), 0);
	assert_true(policy_build_told(b, NSG_NOTICE, NULL, "changeNumber 7"));
}

static void equal_or_missing_numbers_let_the_later_count(void **state)
{
	struct policy_build *b = *state;
	struct nsg_tag_document *d;

	add(b, 5);
	d = add(b, 5);
	assert_int_equal(policy_build_make(b), 0);
	assert_ptr_equal(b->e->tags, d);
	assert_int_equal(policy_build_count(b, NSG_WARNING), 1);
	d = add(b, 0);
	assert_int_equal(policy_build_make(b), 0);
	assert_ptr_equal(b->e->tags, d);
	assert_int_equal(policy_build_count(b, NSG_WARNING), 2);
}

static void two_clouds_are_an_error(void **state)
{
	struct policy_build *b = *state;
	struct nsg_tag_document *d = add(b, 5), *f = add(b, 6);

	d->cloud = "Public";
	f->cloud = "AzureGovernment";
	assert_int_equal(policy_build_make(b), -EINVAL);
	f->cloud = "public";
	assert_int_equal(policy_build_make(b), 0);
}

static void names_are_found_in_any_case(void **state)
{
	struct policy_build *b = *state;
	struct nsg_tag_document *d = add(b, 1);
	static char names[900][24];

	for (int i = 0; i < 900; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "Tag%d.WestEurope", i);
		policy_build_tag(b, d, names[i], "westeurope", "");
	}
	assert_int_equal(policy_build_make(b), 0);
	for (int i = 0; i < 900; i++) {
		char upper[24];

		(void)snprintf(upper, sizeof(upper), "TAG%d.westEUROPE", i);
		assert_string_equal(nsg_effective_tag_find(b->e, upper)->name, names[i]);
	}
	assert_null(nsg_effective_tag_find(b->e, "Tag900.WestEurope"));
	assert_null(nsg_effective_tag_find(b->e, ""));
}

static void azures_own_tags_are_not_the_documents(void **state)
{
	struct policy_build *b = *state;
	struct nsg_tag_document *d = add(b, 1);

	policy_build_tag(b, d, "Internet", "", "10.0.0.0/8");
	policy_build_tag(b, d, "VirtualNetwork", "", "10.0.0.0/8");
	assert_int_equal(policy_build_make(b), 0);
	assert_null(nsg_effective_tag_find(b->e, "Internet"));
	assert_false(nsg_ranges_contain(&b->e->internet_ranges, NSG_IP4(10, 0, 0, 0)));
}

static void a_name_twice_has_the_addresses_of_both(void **state)
{
	struct policy_build *b = *state;

	policy_build_tag(b, add(b, 1), "STORAGE", "", "30.0.0.0/24");
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(nsg_effective_tag_find(b->e, "storage")->prefixes.n, 3);
	assert_int_equal(policy_build_count(b, NSG_WARNING), 1);
}

static void a_tag_is_expanded_once(void **state)
{
	struct policy_build *b = *state;
	const struct nsg_ranges *one, *two;

	add(b, 1);
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(nsg_tag_ranges(b->e, nsg_effective_tag_find(b->e, "Storage"), &one), 0);
	assert_int_equal(nsg_tag_ranges(b->e, nsg_effective_tag_find(b->e, "STORAGE"), &two), 0);
	assert_ptr_equal(one, two);
	assert_int_equal(one->n, 1);
	assert_int_equal(one->v[0].lo, NSG_IP4(20, 0, 0, 0));
	assert_int_equal(one->v[0].hi, NSG_IP4(20, 0, 1, 255));
}

static int collect(void *data, const char *tag, struct nsg_prefix by)
{
	char prefix[NSG_PREFIX_TEXT], *text = data;

	nsg_prefix_format(by, prefix);
	(void)sprintf(text + strlen(text), "%s=%s ", tag, prefix);
	return 0;
}

static int stop_at_once(void *data, const char *tag, struct nsg_prefix by)
{
	(void)tag;
	(void)by;
	++*(int *)data;
	return 5;
}

static void every_tag_of_an_address_is_told(void **state)
{
	struct policy_build *b = *state;
	struct nsg_tag_document *d = add(b, 1);
	char text[512] = "";
	int n = 0;

	policy_build_tag(b, d, "AzureCloud", "", "20.0.0.0/8 20.0.0.128/25");
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(nsg_effective_tags_of(b->e, NSG_IP4(20, 0, 0, 200), collect, text), 0);
	assert_string_equal(text,
			    "Internet=16.0.0.0/4 Storage=20.0.0.0/24 AzureCloud=20.0.0.128/25 ");
	text[0] = '\0';
	nsg_effective_tags_of(b->e, NSG_IP4(10, 0, 1, 4), collect, text);
	assert_string_equal(text, "VirtualNetwork=10.0.0.0/16 ");
	text[0] = '\0';
	nsg_effective_tags_of(b->e, NSG_IP_PLATFORM_DNS, collect, text);
	assert_string_equal(text, "VirtualNetwork=168.63.129.16/32 Internet=168.0.0.0/8 "
				  "AzureLoadBalancer=168.63.129.16/32 "
				  "AzurePlatformDNS=168.63.129.16/32 ");
	text[0] = '\0';
	nsg_effective_tags_of(b->e, NSG_IP4(172, 31, 0, 100), collect, text);
	assert_string_equal(text, "");
	assert_int_equal(nsg_effective_tags_of(b->e, NSG_IP4(20, 0, 0, 1), stop_at_once, &n), 5);
	assert_int_equal(n, 1);
}

static void an_unknown_tag_names_close_spellings(void **state)
{
	struct policy_build *b = *state;
	struct nsg_tag_document *d = add(b, 1);
	struct nsg_nsg *g = policy_build_nsg(b, "nsg");
	struct nsg_rule *r;

	policy_build_tag(b, d, "Storage.WestEurope", "westeurope", "20.0.0.0/24");
	r = policy_build_rule(b, g, "r", 100, NSG_ALLOW, "*", "*", "Storage.WestEuorpe", "*");
	assert_int_equal(policy_build_make(b), -EINVAL);
	assert_true(policy_build_told(b, NSG_ERROR, "SecurityRuleInvalidAddressPrefix",
				      "Storage.WestEurope"));
	r->dst.tag = "Intenet";
	assert_int_equal(policy_build_make(b), -EINVAL);
	assert_true(policy_build_told(b, NSG_ERROR, NULL, "similar: Internet"));
	b->p->n_tag_documents = 0;
	r->dst.tag = "Nowhere";
	assert_int_equal(policy_build_make(b), -EINVAL);
	assert_true(policy_build_told(b, NSG_ERROR, NULL, "az network list-service-tags"));
}

/* ---- VirtualNetwork and Internet ---- */

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

/* ---- close spellings ---- */

static struct nsg_tag tags[] = {
    {.name = "Storage", .region = ""},
    {.name = "Storage.WestEurope", .region = "westeurope"},
    {.name = "Storage.NorthEurope", .region = "northeurope"},
    {.name = "Sql", .region = ""},
    {.name = "Sql.WestEurope", .region = "westeurope"},
    {.name = "AzureKeyVault", .region = ""},
};
static const struct nsg_tag_document document = {.cloud = "", .tags = tags, .n_tags = 6};

static void the_closest_comes_first(void **state)
{
	static const struct {
		const char *name, *first; /* NULL: nothing is close */
	} t[] = {
	    {"Strage", "Storage"},
	    {"Storage.WestEuorpe", "Storage.WestEurope"},
	    {"storage.west europe", "Storage.WestEurope"},
	    {"Storage-WestEurope", "Storage.WestEurope"},
	    {"Storage.NorthEurop", "Storage.NorthEurope"},
	    {"KeyVault", NULL},
	    {"AzureKeyVaults", "AzureKeyVault"},
	    {"Sq", "Sql"},
	    {"VirtualNetwrok", "VirtualNetwork"},
	    {"Azure Load Balancer", "AzureLoadBalancer"},
	    {"Storage.Mars", "Storage"},
	    {"Qwertyuiop", NULL},
	    {"", NULL},
	    {"...", NULL},
	};

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(t); i++) {
		const char *found[NSG_MAX_SUGGESTIONS];
		size_t n = nsg_suggest(t[i].name, &document, found);

		assert_int_equal(n > 0, t[i].first != NULL);
		if (n)
			assert_string_equal(found[0], t[i].first);
	}
}

static void a_name_without_end_is_close_to_nothing(void **state)
{
	char name[5000];
	const char *found[NSG_MAX_SUGGESTIONS];

	(void)state;
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(nsg_suggest(name, &document, found), 0);
	assert_int_equal(nsg_suggest("Strage", NULL, found), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(the_higher_change_number_counts),
	    TEST(equal_or_missing_numbers_let_the_later_count),
	    TEST(two_clouds_are_an_error),
	    TEST(names_are_found_in_any_case),
	    TEST(azures_own_tags_are_not_the_documents),
	    TEST(a_name_twice_has_the_addresses_of_both),
	    TEST(a_tag_is_expanded_once),
	    TEST(every_tag_of_an_address_is_told),
	    TEST(an_unknown_tag_names_close_spellings),
	    TEST(by_default_they_are_ranges_and_holes),
	    TEST(public_ranges_of_networks_leave_the_internet),
	    TEST(bgp_and_user_routes_stay_in_both),
	    TEST(a_default_route_makes_virtual_network_everything),
	    cmocka_unit_test(the_closest_comes_first),
	    cmocka_unit_test(a_name_without_end_is_close_to_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
