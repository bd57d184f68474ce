/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/profile.h"

/* The table of switches, row by row. */
static void the_eras_differ_as_documented(void **state)
{
	const struct nsg_profile *old = nsg_profile_find("2020-04");
	const struct nsg_profile *now = nsg_profile_find("current");

	(void)state;
	assert_non_null(old);
	assert_non_null(now);
	assert_false(old->global_peering_reachable);
	assert_true(now->global_peering_reachable);
	assert_true(old->linux_only_rfc1918);
	assert_false(now->linux_only_rfc1918);
	assert_false(old->endpoint_traffic_nsg);
	assert_true(now->endpoint_traffic_nsg);
	assert_false(old->endpoint_traffic_routes);
	assert_true(now->endpoint_traffic_routes);
	assert_int_equal(old->n_none_rows, 3);
	assert_int_equal(now->n_none_rows, 21);
	assert_int_equal(old->n_internet_holes, 9);
	assert_int_equal(now->n_internet_holes, 61);
	assert_false(old->subnet_peering);
	assert_true(now->subnet_peering);
	assert_false(old->disable_peering_route);
	assert_true(now->disable_peering_route);
	assert_false(old->gateway_udr_is_vpn_only);
	assert_true(now->gateway_udr_is_vpn_only);
	assert_false(old->endpoint_policies);
	assert_true(now->endpoint_policies);
	assert_int_equal(old->smallest_subnet_len, 27);
	assert_int_equal(now->smallest_subnet_len, 28);
	assert_int_equal(old->reserved_addresses, 0);
	assert_int_equal(now->reserved_addresses, 5);
	assert_false(old->basic_can_integrate);
	assert_true(now->basic_can_integrate);
	assert_int_equal(old->plan_integrations_windows, 1);
	assert_int_equal(now->plan_integrations_windows, 2);
	assert_int_equal(old->plan_integrations_linux, 1);
	assert_int_equal(now->plan_integrations_linux, 1);
	assert_false(old->other_subscription);
	assert_true(now->other_subscription);
}

/* No prefix has host bits, so that a row and a route of the same prefix are equal. */
static void the_lists_of_prefixes_are_masked(void **state)
{
	const struct nsg_profile *p = nsg_profile_find("current");

	(void)state;
	for (size_t i = 0; i < p->n_none_rows; i++)
		assert_int_equal(p->none_rows[i].addr_host & ~nsg_prefix_mask(p->none_rows[i].len),
				 0);
	for (size_t i = 0; i < p->n_internet_holes; i++)
		assert_int_equal(
		    p->internet_holes[i].addr_host & ~nsg_prefix_mask(p->internet_holes[i].len), 0);
}

static void another_name_is_no_profile(void **state)
{
	(void)state;
	assert_null(nsg_profile_find("2020"));
	assert_null(nsg_profile_find(""));
	assert_null(nsg_profile_find("Current"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_eras_differ_as_documented),
	    cmocka_unit_test(the_lists_of_prefixes_are_masked),
	    cmocka_unit_test(another_name_is_no_profile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
