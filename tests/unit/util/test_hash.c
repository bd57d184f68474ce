/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/hash.h"

#define MANY 10000u

static bool is_number(const void *numbers, uint32_t i, const void *key)
{
	return ((const uint32_t *)numbers)[i] == *(const uint32_t *)key;
}

/* Of one hash in four: elements share hashes, and slots. */
static uint64_t bad_hash(uint32_t number)
{
	return nsg_hash_u64(number / 4);
}

static void finds_what_was_added_and_nothing_else(void **state)
{
	struct nsg_hash h = {0};
	static uint32_t numbers[MANY];

	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		numbers[i] = 2 * i;
		assert_int_equal(
		    nsg_hash_find(&h, bad_hash(2 * i), is_number, numbers, &numbers[i]),
		    NSG_HASH_NONE);
		assert_int_equal(nsg_hash_add(&h, bad_hash(2 * i), i), 0);
	}
	for (uint32_t n = 0; n < 2 * MANY; n++)
		assert_int_equal(nsg_hash_find(&h, bad_hash(n), is_number, numbers, &n),
				 n % 2 ? NSG_HASH_NONE : n / 2);
	nsg_hash_done(&h);
}

static void names_hash_alike_in_any_case(void **state)
{
	(void)state;
	assert_int_equal(nsg_hash_name("Storage.WestEurope"), nsg_hash_name("storage.westeurope"));
	assert_int_not_equal(nsg_hash_name("Storage"), nsg_hash_name("Storagf"));
	/* only letters have a case: '@' and '`' differ in the same bit */
	assert_int_not_equal(nsg_hash_name("@"), nsg_hash_name("`"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_what_was_added_and_nothing_else),
	    cmocka_unit_test(names_hash_alike_in_any_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
