/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/effective_priv.h"
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

static void all_entries_of_a_resource_are_found(void **state)
{
	static struct nsg_id_entry e[] = {
	    {"/subscriptions/S/x/asg/web", 0},
	    {"asg/db", 1},
	    {"ASG/WEB", 2},
	    {"other/web", 3},
	    {"web", 4},
	};
	const struct nsg_id_entry *x = NULL;
	unsigned int found = 0;

	(void)state;
	nsg_ids_sort(e, NSG_ARRAY_SIZE(e));
	while ((x = nsg_ids_next(e, NSG_ARRAY_SIZE(e), "asg/Web", x)))
		found |= 1u << x->i;
	assert_int_equal(found, 1u << 0 | 1u << 2 | 1u << 4);
	assert_null(nsg_ids_next(e, NSG_ARRAY_SIZE(e), "asg/zzz", NULL));
	assert_null(nsg_ids_next(e, 0, "asg/web", NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(questions_are_answered_as_value_by_value),
	    cmocka_unit_test(an_address_stays_at_its_first_place),
	    cmocka_unit_test(all_entries_of_a_resource_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
