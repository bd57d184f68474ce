/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lint/lint_priv.h"
#include "model/ranges.h"

#define N_SETS 70
#define N_VALUES 400

static uint64_t seed = 4;

static uint32_t below(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

/* Equal signatures are one class, and a set's row holds exactly the classes of its values. */
static void classes_are_the_distinct_signatures(void **state)
{
	static bool in[N_SETS][N_VALUES];
	struct nsg_ranges sets[N_SETS];
	const struct nsg_ranges *pointers[N_SETS];
	struct nsg_cover_sets p;
	size_t n_classes = 0;

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
		pointers[s] = &sets[s];
	}
	assert_int_equal(nsg_cover_sets_make(pointers, N_SETS, SIZE_MAX, &p), 0);
	for (size_t x = 0; x < N_VALUES; x++) {
		bool is_first = in[0][x];
		size_t n_fit = 0;

		for (size_t y = 0; y < x && is_first; y++) {
			bool equal = true;

			for (size_t s = 0; s < N_SETS; s++)
				equal &= in[s][x] == in[s][y];
			is_first = !equal;
		}
		n_classes += is_first;
		for (size_t k = 0; k < p.n_classes; k++) {
			bool fits = true;

			for (size_t s = 0; s < N_SETS; s++)
				fits &= nsg_bit(nsg_cover_sets_row(&p, s), k) == in[s][x];
			n_fit += fits;
		}
		assert_int_equal(n_fit, in[0][x]);
	}
	assert_int_equal(p.n_classes, n_classes);
	assert_true(n_classes > 64);
	nsg_cover_sets_done(&p);
	assert_int_equal(nsg_cover_sets_make(pointers, N_SETS, n_classes - 1, &p), -E2BIG);
	for (size_t s = 0; s < N_SETS; s++)
		nsg_ranges_done(&sets[s]);
}

static void an_empty_universe_has_no_class(void **state)
{
	const struct nsg_ranges *const sets[] = {&nsg_ranges_nothing, &nsg_ranges_everything};
	struct nsg_cover_sets p;

	(void)state;
	assert_int_equal(nsg_cover_sets_make(sets, 2, 10, &p), 0);
	assert_int_equal(p.n_classes, 0);
	nsg_cover_sets_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(classes_are_the_distinct_signatures),
	    cmocka_unit_test(an_empty_universe_has_no_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
