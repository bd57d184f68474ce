/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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

static size_t count(const struct policy_build *b, enum nsg_hop_type type)
{
	size_t n = 0;

	for (size_t i = 0; i < b->e->n_rows; i++)
		n += b->e->rows[i].hop_type == type && b->e->rows[i].source == NSG_SOURCE_DEFAULT;
	return n;
}

static void only_a_connected_peering_with_access_counts(void **state)
{
	static const struct {
		const char *state;
		enum nsg_tristate access;
		size_t n;
	} t[] = {
	    {"Connected", NSG_TRUE, 1}, {"connected", NSG_UNSET, 1},	{"", NSG_TRUE, 1},
	    {"Initiated", NSG_TRUE, 0}, {"Disconnected", NSG_UNSET, 0}, {"Connected", NSG_FALSE, 0},
	};
	struct policy_build *b = *state;
	struct nsg_peering *p = policy_build_peering(b, &b->p->vnets[0], "p", "far", "10.1.0.0/16");

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		p->state = t[i].state;
		p->allow_access = t[i].access;
		assert_int_equal(policy_build_make(b), 0);
		assert_int_equal(count(b, NSG_HOP_VNET_PEERING), t[i].n);
		assert_int_equal(
		    nsg_ranges_contain(&b->e->virtual_network_ranges, NSG_IP4(10, 1, 0, 1)),
		    t[i].n);
	}
}

static void ranges_come_from_the_first_that_has_them(void **state)
{
	struct policy_build *b = *state;
	struct nsg_vnet *v = &b->p->vnets[0];
	struct nsg_peering *p = policy_build_peering(b, v, "p", "far", "10.1.0.0/16");

	p->remote_vnet_space = p->remote_space;
	assert_int_equal(policy_build_make(b), 0);
	assert_false(policy_build_told(b, NSG_WARNING, NULL, "differ"));
	p->remote_vnet_space = v->space;
	assert_int_equal(policy_build_make(b), 0);
	assert_true(policy_build_told(b, NSG_WARNING, NULL, "differ"));
	assert_int_equal(b->e->rows[1].prefix.addr_host, NSG_IP4(10, 1, 0, 0));
	p->remote_space.n = 0;
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(b->e->rows[1].prefix.addr_host, NSG_IP4(10, 0, 0, 0));
	p->remote_vnet_space.n = 0;
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(count(b, NSG_HOP_VNET_PEERING), 0);
	assert_true(policy_build_told(b, NSG_WARNING, NULL, "the peer's ranges are unknown"));
	policy_build_vnet(b, "far", "10.7.0.0/16");
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(b->e->rows[1].prefix.addr_host, NSG_IP4(10, 7, 0, 0));
}

static void other_regions_make_it_global(void **state)
{
	struct policy_build *b = *state;
	struct nsg_vnet *far;

	policy_build_peering(b, &b->p->vnets[0], "p", "far", "10.1.0.0/16");
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(count(b, NSG_HOP_VNET_PEERING), 1);
	assert_true(policy_build_told(b, NSG_WARNING, NULL, "regions"));
	far = policy_build_vnet(b, "far", "10.1.0.0/16");
	assert_int_equal(policy_build_make(b), 0);
	assert_true(policy_build_told(b, NSG_WARNING, NULL, "regions"));
	far->location = "West Europe";
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(count(b, NSG_HOP_VNET_PEERING), 1);
	assert_int_equal(policy_build_count(b, NSG_WARNING), 0);
	far->location = "northeurope";
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(count(b, NSG_HOP_VNET_GLOBAL_PEERING), 1);
	assert_int_equal(policy_build_count(b, NSG_WARNING), 0);
	far->location = "";
	b->options.profile = nsg_profile_find("current");
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(policy_build_count(b, NSG_WARNING), 0);
}

static void peering_is_not_transitive(void **state)
{
	struct policy_build *b = *state;
	struct nsg_vnet *hub;

	policy_build_peering(b, &b->p->vnets[0], "p", "hub", "10.1.0.0/16");
	hub = policy_build_vnet(b, "hub", "10.1.0.0/16");
	policy_build_peering(b, hub, "q", "spoke", "10.2.0.0/16");
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(count(b, NSG_HOP_VNET_PEERING), 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(only_a_connected_peering_with_access_counts),
	    TEST(ranges_come_from_the_first_that_has_them),
	    TEST(other_regions_make_it_global),
	    TEST(peering_is_not_transitive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
