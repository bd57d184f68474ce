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

#define SUBNET(V, S) TEST_NETWORK "virtualNetworks/" V "/subnets/" S
#define NSG(N) TEST_NETWORK "networkSecurityGroups/" N
#define DELEGATION "Microsoft.Web/serverFarms"

static int setup(void **state)
{
	*state = policy_build_new();
	return 0;
}

static int teardown(void **state)
{
	policy_build_free(*state);
	return 0;
}

/* ---- the subnet --------------------------------------------------------------------------- */

static void nothing_to_choose_from_names_the_command(void **state)
{
	struct policy_build *b = *state;

	assert_int_equal(policy_build_make(b), -EINVAL);
	assert_true(policy_build_told(b, NSG_ERROR, NULL, "az network vnet show"));
}

static void two_delegated_subnets_are_listed(void **state)
{
	struct policy_build *b = *state;
	struct nsg_vnet *v = policy_build_usual(b);

	policy_build_delegate(b, policy_build_subnet(b, v, "snet-b", "10.0.2.0/26"), DELEGATION);
	assert_int_equal(policy_build_make(b), -EINVAL);
	assert_true(policy_build_told(b, NSG_ERROR, NULL, "vnet-app/snet-int, vnet-app/snet-b"));
}

static void the_only_delegated_subnet_is_it(void **state)
{
	struct policy_build *b = *state;

	policy_build_subnet(b, policy_build_usual(b), "snet-b", "10.0.2.0/26");
	assert_int_equal(policy_build_make(b), 0);
	assert_string_equal(b->e->subnet->name, "snet-int");
}

static void the_only_subnet_is_it(void **state)
{
	struct policy_build *b = *state;

	policy_build_subnet(b, policy_build_vnet(b, "v", "10.0.0.0/16"), "only", "10.0.0.0/24");
	assert_int_equal(policy_build_make(b), 0);
	assert_string_equal(b->e->subnet->name, "only");
	assert_true(policy_build_told(b, NSG_WARNING, NULL, "not delegated"));
}

static void two_undelegated_subnets_are_no_choice(void **state)
{
	struct policy_build *b = *state;
	struct nsg_vnet *v = policy_build_vnet(b, "v", "10.0.0.0/16");

	policy_build_subnet(b, v, "one", "10.0.0.0/24");
	policy_build_subnet(b, v, "two", "10.0.1.0/24");
	assert_int_equal(policy_build_make(b), -EINVAL);
	assert_true(policy_build_told(b, NSG_ERROR, NULL, "v/one, v/two"));
}

static void an_option_names_it_in_three_ways(void **state)
{
	static const char *const names[] = {"snet-b", "SNET-B", "vnet-app/snet-b",
					    SUBNET("vnet-app", "snet-b"),
					    "virtualNetworks/vnet-app/subnets/snet-b"};
	static const char *const wrong[] = {"snet-c", "vnet-x/snet-b", SUBNET("vnet-x", "snet-b")};
	struct policy_build *b = *state;

	policy_build_subnet(b, policy_build_usual(b), "snet-b", "10.0.2.0/26");
	for (size_t i = 0; i < NSG_ARRAY_SIZE(names); i++) {
		b->options.subnet = names[i];
		assert_int_equal(policy_build_make(b), 0);
		assert_string_equal(b->e->subnet->name, "snet-b");
	}
	for (size_t i = 0; i < NSG_ARRAY_SIZE(wrong); i++) {
		b->options.subnet = wrong[i];
		assert_int_equal(policy_build_make(b), -EINVAL);
		assert_true(policy_build_told(b, NSG_ERROR, NULL, "vnet-app/snet-int"));
	}
}

static void one_name_in_two_networks_needs_the_network(void **state)
{
	struct policy_build *b = *state;

	policy_build_usual(b);
	policy_build_subnet(b, policy_build_vnet(b, "other", "10.9.0.0/16"), "snet-int",
			    "10.9.0.0/24");
	b->options.subnet = "snet-int";
	assert_int_equal(policy_build_make(b), -EINVAL);
	b->options.subnet = "other/snet-int";
	assert_int_equal(policy_build_make(b), 0);
	assert_string_equal(b->e->vnet->name, "other");
}

static void candidates_with_equal_names_are_listed_by_id(void **state)
{
	struct policy_build *b = *state;
	struct nsg_vnet *v;

	policy_build_usual(b);
	v = policy_build_usual(b);
	v->id = "/subscriptions/T/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/"
		"vnet-app";
	v->subnets[0].id = "";
	policy_build_delegate(b, policy_build_subnet(b, v, "snet-b", "10.0.2.0/26"), DELEGATION);
	assert_int_equal(policy_build_make(b), -EINVAL);
	assert_true(policy_build_told(
	    b, NSG_NOTICE, NULL, "candidate vnet-app/snet-int: " SUBNET("vnet-app", "snet-int")));
	assert_true(
	    policy_build_told(b, NSG_NOTICE, NULL,
			      "candidate vnet-app/snet-int: /subscriptions/T/resourceGroups/g/"
			      "providers/Microsoft.Network/virtualNetworks/vnet-app/subnets/"
			      "snet-int"));
	assert_int_equal(policy_build_count(b, NSG_NOTICE), 2);
	b->options.subnet = SUBNET("vnet-app", "snet-int");
	assert_int_equal(policy_build_make(b), 0);
	assert_ptr_equal(b->e->vnet, &b->p->vnets[0]);
}

static void a_document_outranks_delegation(void **state)
{
	struct policy_build *b = *state;

	policy_build_subnet(b, policy_build_usual(b), "snet-b", "10.0.2.0/26");
	policy_build_site(b, "app", SUBNET("vnet-app", "snet-b"));
	assert_int_equal(policy_build_make(b), 0);
	assert_string_equal(b->e->subnet->name, "snet-b");
	policy_build_integration(b, SUBNET("VNET-APP", "SNET-B"));
	assert_int_equal(policy_build_make(b), 0);
	assert_string_equal(b->e->subnet->name, "snet-b");
	policy_build_site(b, "app2", SUBNET("vnet-app", "snet-int"));
	assert_int_equal(policy_build_make(b), -EINVAL);
	assert_true(policy_build_told(b, NSG_ERROR, NULL, "name several subnets"));
}

static void a_named_subnet_must_be_there(void **state)
{
	struct policy_build *b = *state;

	policy_build_usual(b);
	policy_build_integration(b, SUBNET("vnet-far", "snet-int"));
	assert_int_equal(policy_build_make(b), -EINVAL);
	assert_true(policy_build_told(b, NSG_ERROR, NULL, "vnet-far"));
	b->p->incomplete = true;
	assert_int_equal(policy_build_make(b), -EINVAL);
	assert_int_equal(policy_build_count(b, NSG_ERROR), 0);
}

/* ---- NSG and route table ------------------------------------------------------------------ */

static void the_subnet_names_its_nsg(void **state)
{
	struct policy_build *b = *state;
	struct nsg_vnet *v = policy_build_usual(b);

	policy_build_nsg(b, "one");
	policy_build_nsg(b, "two");
	v->subnets[0].nsg_id = NSG("TWO");
	assert_int_equal(policy_build_make(b), 0);
	assert_string_equal(b->e->nsg->name, "two");
	assert_int_equal(policy_build_count(b, NSG_WARNING), 0);
	v->subnets[0].nsg_id = NSG("three");
	assert_int_equal(policy_build_make(b), -EINVAL);
	assert_true(policy_build_told(b, NSG_ERROR, NULL, "three"));
	/* what could not be read may be it */
	b->p->incomplete = true;
	assert_int_equal(policy_build_make(b), 0);
	assert_null(b->e->nsg);
}

static void one_bare_list_stands_for_the_named_one(void **state)
{
	struct policy_build *b = *state;
	struct nsg_vnet *v = policy_build_usual(b);

	policy_build_nsg(b, "");
	v->subnets[0].nsg_id = NSG("absent");
	assert_int_equal(policy_build_make(b), 0);
	assert_non_null(b->e->nsg);
	policy_build_nsg(b, "");
	assert_int_equal(policy_build_make(b), -EINVAL);
}

static void the_only_nsg_is_used_with_a_notice(void **state)
{
	struct policy_build *b = *state;

	policy_build_usual(b);
	policy_build_nsg(b, "one");
	assert_int_equal(policy_build_make(b), 0);
	assert_string_equal(b->e->nsg->name, "one");
	assert_true(policy_build_told(b, NSG_NOTICE, NULL, "names no NSG: one"));
	policy_build_nsg(b, "two");
	assert_int_equal(policy_build_make(b), 0);
	assert_null(b->e->nsg);
	assert_true(policy_build_told(b, NSG_WARNING, NULL, "none is used"));
}

static void the_only_nsg_may_be_another_subnets(void **state)
{
	struct policy_build *b = *state;
	struct nsg_nsg *g;

	policy_build_usual(b);
	g = policy_build_nsg(b, "one");
	g->subnets =
	    policy_build_strings(b, SUBNET("vnet-app", "x") " " SUBNET("vnet-y", "snet-int"));
	assert_int_equal(policy_build_make(b), 0);
	assert_null(b->e->nsg);
	assert_true(policy_build_told(b, NSG_WARNING, NULL, "another subnet"));
	g->subnets =
	    policy_build_strings(b, SUBNET("vnet-app", "x") " " SUBNET("vnet-app", "snet-int"));
	assert_int_equal(policy_build_make(b), 0);
	assert_non_null(b->e->nsg);
}

static void route_tables_are_chosen_alike(void **state)
{
	struct policy_build *b = *state;
	struct nsg_vnet *v = policy_build_usual(b);

	assert_int_equal(policy_build_make(b), 0);
	assert_null(b->e->route_table);
	policy_build_table(b, "rt");
	assert_int_equal(policy_build_make(b), 0);
	assert_string_equal(b->e->route_table->name, "rt");
	policy_build_table(b, "rt2");
	assert_int_equal(policy_build_make(b), 0);
	assert_null(b->e->route_table);
	v->subnets[0].route_table_id = TEST_NETWORK "routeTables/rt2";
	assert_int_equal(policy_build_make(b), 0);
	assert_string_equal(b->e->route_table->name, "rt2");
	v->subnets[0].route_table_id = TEST_NETWORK "routeTables/rt3";
	assert_int_equal(policy_build_make(b), -EINVAL);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(nothing_to_choose_from_names_the_command),
	    TEST(two_delegated_subnets_are_listed),
	    TEST(the_only_delegated_subnet_is_it),
	    TEST(the_only_subnet_is_it),
	    TEST(two_undelegated_subnets_are_no_choice),
	    TEST(an_option_names_it_in_three_ways),
	    TEST(one_name_in_two_networks_needs_the_network),
	    TEST(candidates_with_equal_names_are_listed_by_id),
	    TEST(a_document_outranks_delegation),
	    TEST(a_named_subnet_must_be_there),
	    TEST(the_subnet_names_its_nsg),
	    TEST(one_bare_list_stands_for_the_named_one),
	    TEST(the_only_nsg_is_used_with_a_notice),
	    TEST(the_only_nsg_may_be_another_subnets),
	    TEST(route_tables_are_chosen_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
