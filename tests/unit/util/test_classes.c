/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/classes.h"
#include "util/macro.h"

#define N_SETS 70
#define N_VALUES 400

static uint64_t seed = 4;

static uint32_t below(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

/* Numbers are of one class exactly when the same sets hold them. */
static void a_class_is_what_the_same_sets_hold(void **state)
{
	static bool in[N_SETS][N_VALUES];
	struct nsg_ranges sets[N_SETS];
	struct nsg_classes c;
	size_t class[N_VALUES], piece = 0;

	(void)state;
	for (size_t s = 0; s < N_SETS; s++) {
		struct nsg_range v[3];

		for (size_t i = 0; i < 3; i++) {
			v[i].lo = below(N_VALUES);
			v[i].hi = v[i].lo + below(N_VALUES - v[i].lo);
			for (uint32_t x = v[i].lo; x <= v[i].hi; x++)
				in[s][x] = true;
		}
		assert_int_equal(nsg_ranges_from_ranges(v, 3, &sets[s]), 0);
	}
	assert_int_equal(nsg_classes_new(sets, N_SETS, &c), 0);
	assert_int_equal(c.pieces.lasts[c.pieces.n - 1], UINT32_MAX);
	for (size_t i = 1; i < c.pieces.n; i++)
		assert_int_not_equal(c.pieces.ids[i], c.pieces.ids[i - 1]);
	for (size_t x = 0; x < N_VALUES; x++) {
		while (c.pieces.lasts[piece] < x)
			piece++;
		class[x] = c.pieces.ids[piece];
		assert_true(class[x] < c.sets.n);
		for (size_t s = 0; s < N_SETS; s++)
			assert_int_equal(nsg_bits_has(&c.sets.rows[class[x]], s), in[s][x]);
		for (size_t y = 0; y < x; y++) {
			bool equal = true;

			for (size_t s = 0; s < N_SETS; s++)
				equal &= in[s][x] == in[s][y];
			assert_int_equal(class[x] == class[y], equal);
		}
	}
	assert_true(c.sets.n > 64);
	nsg_classes_done(&c);
	for (size_t s = 0; s < N_SETS; s++)
		nsg_ranges_done(&sets[s]);
}

static void the_ends_of_the_numbers(void **state)
{
	struct nsg_range all[] = {{0, UINT32_MAX}}, ends[] = {{0, 0}, {UINT32_MAX, UINT32_MAX}};
	const struct nsg_ranges sets[] = {{all, 1}, {ends, 2}, {NULL, 0}};
	struct nsg_classes c;

	(void)state;
	assert_int_equal(nsg_classes_new(sets, NSG_ARRAY_SIZE(sets), &c), 0);
	assert_int_equal(c.pieces.n, 3);
	assert_int_equal(c.pieces.ids[0], c.pieces.ids[2]);
	assert_int_equal(c.pieces.lasts[0], 0);
	assert_int_equal(c.pieces.lasts[1], UINT32_MAX - 1);
	assert_int_equal(c.sets.n, 2);
	nsg_classes_done(&c);
	assert_int_equal(nsg_classes_new(NULL, 0, &c), 0);
	assert_int_equal(c.pieces.n, 1);
	nsg_classes_done(&c);
}

static void equal_rows_have_one_number(void **state)
{
	struct nsg_rowset s = {0};
	struct nsg_bits row = {{0}};
	uint32_t id = 0, again = 0;

	(void)state;
	for (unsigned int i = 0; i < NSG_BITS; i++) {
		nsg_bits_set(&row, i);
		/* Few hashes, so that most rows share theirs. */
		assert_int_equal(nsg_rowset_add(&s, &row, i % 7, &id), 0);
		assert_int_equal(id, i);
		assert_int_equal(nsg_rowset_add(&s, &row, i % 7, &again), 0);
		assert_int_equal(again, id);
	}
	assert_int_equal(s.n, NSG_BITS);
	nsg_rowset_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_class_is_what_the_same_sets_hold),
	    cmocka_unit_test(the_ends_of_the_numbers),
	    cmocka_unit_test(equal_rows_have_one_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
