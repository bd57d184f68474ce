/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "conf/marks.h"

static void the_default_mask_is_the_documented_layout(void **state)
{
	struct nsg_marks m;

	(void)state;
	assert_int_equal(nsg_marks_init(0x0fff0000, &m), 0);
	assert_int_equal(m.decided, 0x08000000);
	assert_int_equal(m.generation, 0x06000000);
	assert_int_equal(m.hop, 0x01ff0000);
	assert_int_equal(m.denied, 0x01ff0000);
	assert_int_equal(m.max_hop, 510);
	assert_int_equal(nsg_marks_accept(&m, 2, 5), 0x0c050000);
}

static void every_run_of_6_to_19_bits_splits_without_a_gap(void **state)
{
	(void)state;
	for (unsigned int low = 0; low < 32; low++)
		for (unsigned int width = 1; low + width <= 32; width++) {
			uint32_t mask = (uint32_t)((((uint64_t)1 << width) - 1) << low);
			struct nsg_marks m;
			int r = nsg_marks_init(mask, &m);

			assert_int_equal(r, width >= 6 && width <= 19 ? 0 : -EINVAL);
			if (r)
				continue;
			assert_int_equal(m.decided | m.generation | m.hop, mask);
			assert_int_equal(m.decided + m.generation + m.hop, mask);
			assert_true(m.max_hop <= 510);
			assert_int_equal(nsg_marks_accept(&m, 3, m.max_hop) & ~mask, 0);
			assert_int_not_equal(nsg_marks_accept(&m, 0, m.max_hop) & m.hop, m.denied);
		}
}

static void broken_masks_are_refused(void **state)
{
	struct nsg_marks m;

	(void)state;
	assert_int_equal(nsg_marks_init(0, &m), -EINVAL);
	assert_int_equal(nsg_marks_init(0x0f0f0000, &m), -EINVAL);
	assert_int_equal(nsg_marks_init(0xffffffff, &m), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_default_mask_is_the_documented_layout),
	    cmocka_unit_test(every_run_of_6_to_19_bits_splits_without_a_gap),
	    cmocka_unit_test(broken_masks_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
