/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pcap/pcap.h>

#include "nsgctl/link.h"

static void finds_the_packet_in_every_frame(void **state)
{
	static const struct {
		int data_link;
		const char *frame; /* two hexadecimal digits a byte */
		int offset;	   /* -1: no IP packet */
	} cases[] = {
	    {DLT_EN10MB, "020202020202040404040404080045", 14},
	    {DLT_EN10MB, "02020202020204040404040486dd60", 14},
	    {DLT_EN10MB, "020202020202040404040404080600", -1},
	    {DLT_EN10MB, "0202020202020404040404040800", -1},
	    {DLT_EN10MB, "0202020202020404040404048100000508004500", 18},
	    {DLT_EN10MB, "02020202020204040404040488a8000181000005080045", 22},
	    {DLT_EN10MB, "02020202020204040404040481000005", -1},
	    {DLT_EN10MB,
	     "020202020202040404040404"
	     "81000001810000018100000181000001810000010800"
	     "45",
	     -1},
	    {DLT_EN10MB, "0202", -1},
	    {DLT_RAW, "45", 0},
	    {DLT_RAW, "60", 0},
	    {DLT_RAW, "10", -1},
	    {DLT_RAW, "", -1},
	    {DLT_IPV4, "45", 0},
	    {DLT_NULL, "0200000045", 4},
	    {DLT_NULL, "0700000010", -1},
	    {DLT_LINUX_SLL, "0004000100060202020202020000080045", 16},
	    {DLT_LINUX_SLL, "0004000100060202020202020000080645", -1},
	    {DLT_IEEE802_11, "080045", -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = strlen(cases[i].frame) / 2, offset = 99;
		uint8_t *frame = malloc(n + !n); /* just its size: the sanitizer watches */

		assert_non_null(frame);
		for (size_t j = 0; j < n; j++) {
			const char hex[3] = {cases[i].frame[2 * j], cases[i].frame[2 * j + 1], 0};

			frame[j] = (uint8_t)strtoul(hex, NULL, 16);
		}
		if (nsgctl_link_ip(cases[i].data_link, frame, n, &offset) != (cases[i].offset >= 0))
			fail_msg("case %d", (int)i);
		if (cases[i].offset >= 0)
			assert_int_equal(offset, cases[i].offset);
		free(frame);
	}
}

static void raw_packets_have_another_number_in_files(void **state)
{
	uint16_t link_type = 0;

	(void)state;
	assert_true(nsgctl_link_known(DLT_RAW, &link_type));
	assert_int_equal(link_type, 101);
	assert_true(nsgctl_link_known(DLT_EN10MB, &link_type));
	assert_int_equal(link_type, 1);
	assert_false(nsgctl_link_known(DLT_IEEE802_11, &link_type));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_the_packet_in_every_frame),
	    cmocka_unit_test(raw_packets_have_another_number_in_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
