/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow/link.h"

static void finds_the_packet_in_every_frame(void **state)
{
	static const struct {
		uint32_t link_type;
		const char *frame; /* two hexadecimal digits a byte */
		int offset;	   /* -1: no IP packet */
		enum nsg_link_direction direction;
	} cases[] = {
	    {1, "020202020202040404040404080045", 14, NSG_LINK_UNKNOWN},
	    {1, "02020202020204040404040486dd60", 14, NSG_LINK_UNKNOWN},
	    {1, "020202020202040404040404080600", -1, NSG_LINK_UNKNOWN},
	    {1, "0202020202020404040404040800", -1, NSG_LINK_UNKNOWN},
	    {1, "0202020202020404040404048100000508004500", 18, NSG_LINK_UNKNOWN},
	    {1, "02020202020204040404040488a8000181000005080045", 22, NSG_LINK_UNKNOWN},
	    {1, "0202020202020404040404049100000181000005080045", 22, NSG_LINK_UNKNOWN},
	    {1, "02020202020204040404040481000005", -1, NSG_LINK_UNKNOWN},
	    {1,
	     "020202020202040404040404"
	     "81000001810000018100000181000001810000010800"
	     "45",
	     -1, NSG_LINK_UNKNOWN},
	    {1, "0202", -1, NSG_LINK_UNKNOWN},
	    {101, "45", 0, NSG_LINK_UNKNOWN},
	    {12, "60", 0, NSG_LINK_UNKNOWN},
	    {101, "10", -1, NSG_LINK_UNKNOWN},
	    {101, "", -1, NSG_LINK_UNKNOWN},
	    {228, "45", 0, NSG_LINK_UNKNOWN},
	    {229, "60", 0, NSG_LINK_UNKNOWN},
	    /* families in either byte order */
	    {0, "0200000045", 4, NSG_LINK_UNKNOWN},
	    {0, "0000000245", 4, NSG_LINK_UNKNOWN},
	    {0, "1e00000060", 4, NSG_LINK_UNKNOWN},
	    {0, "0000001860", 4, NSG_LINK_UNKNOWN},
	    {108, "0000000245", 4, NSG_LINK_UNKNOWN},
	    {0, "0200000060", -1, NSG_LINK_UNKNOWN},
	    {0, "0700000045", -1, NSG_LINK_UNKNOWN},
	    {113, "0004000100060202020202020000080045", 16, NSG_LINK_OUT},
	    {113, "0000000100060202020202020000080045", 16, NSG_LINK_IN},
	    {113, "0004000100060202020202020000080645", -1, NSG_LINK_UNKNOWN},
	    {276,
	     "0800000000000002000104060202020202020000"
	     "45",
	     20, NSG_LINK_OUT},
	    {276,
	     "86dd000000000002000103060202020202020000"
	     "60",
	     20, NSG_LINK_UNKNOWN},
	    {105, "080045", -1, NSG_LINK_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = strlen(cases[i].frame) / 2, offset = 99;
		enum nsg_link_direction direction = NSG_LINK_UNKNOWN;
		uint8_t *frame = malloc(n + !n); /* just its size: the sanitizer watches */

		assert_non_null(frame);
		for (size_t j = 0; j < n; j++) {
			const char hex[3] = {cases[i].frame[2 * j], cases[i].frame[2 * j + 1], 0};

			frame[j] = (uint8_t)strtoul(hex, NULL, 16);
		}
		if (nsg_link_ip(cases[i].link_type, frame, n, &offset, &direction) !=
			(cases[i].offset >= 0) ||
		    direction != cases[i].direction)
			fail_msg("case %d", (int)i);
		if (cases[i].offset >= 0)
			assert_int_equal(offset, cases[i].offset);
		free(frame);
	}
}

static void other_links_are_not_supported(void **state)
{
	(void)state;
	assert_true(nsg_link_is_supported(1));
	assert_true(nsg_link_is_supported(NSG_LINK_RAW));
	assert_false(nsg_link_is_supported(105)); /* IEEE 802.11 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_the_packet_in_every_frame),
	    cmocka_unit_test(other_links_are_not_supported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
