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
	assert_true(policy_build_told(b, NSG_ERROR, NULL, "close to it: Internet"));
	b->p->n_tag_documents = 0;
	r->dst.tag = "Nowhere";
	assert_int_equal(policy_build_make(b), -EINVAL);
	assert_true(policy_build_told(b, NSG_ERROR, NULL, "az network list-service-tags"));
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
