/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/ranges.h"
#include "util/cleanup.h"
#include "util/macro.h"

static struct nsg_range v[] = {{10, 20}, {30, 30}, {40, UINT32_MAX}};
static const struct nsg_ranges set = {v, 3};

/* Against looking at each value. */
static void questions_are_answered_as_value_by_value(void **state)
{
	(void)state;
	for (uint32_t lo = 0; lo < 50; lo++)
		for (uint32_t hi = lo; hi < 50; hi++) {
			bool any = false, all = true;
			struct nsg_range one[] = {{lo, hi}};
			const struct nsg_ranges other = {one, 1};

			for (uint32_t x = lo; x <= hi; x++) {
				any |= nsg_ranges_contain(&set, x);
				all &= nsg_ranges_contain(&set, x);
			}
			assert_int_equal(nsg_ranges_overlap(&set, one[0]), any);
			assert_int_equal(nsg_ranges_hold(&set, one[0]), all);
			assert_int_equal(nsg_ranges_disjoint(&set, &other), !any);
			assert_int_equal(nsg_ranges_disjoint(&other, &set), !any);
		}
	assert_true(nsg_ranges_disjoint(&set, &nsg_ranges_nothing));
	assert_false(nsg_ranges_disjoint(&nsg_ranges_everything, &set));
	assert_true(nsg_ranges_equal(&set, &set));
	assert_false(nsg_ranges_equal(&set, &nsg_ranges_everything));
	assert_false(nsg_ranges_equal(&nsg_ranges_nothing, &nsg_ranges_everything));
}

static void an_address_stays_at_its_first_place(void **state)
{
	uint32_t a[] = {5, 3, 5, 9, 3, 1, 9};
	const uint32_t expected[] = {5, 3, 9, 1};
	size_t n = 7;

	(void)state;
	assert_int_equal(nsg_addresses_distinct(a, &n), 0);
	assert_int_equal(n, 4);
	assert_memory_equal(a, expected, sizeof(expected));
	n = 0;
	assert_int_equal(nsg_addresses_distinct(a, &n), 0);
	assert_int_equal(n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(questions_are_answered_as_value_by_value),
	    cmocka_unit_test(an_address_stays_at_its_first_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
