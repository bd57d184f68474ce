/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libpcap reads what was written; the options, which it skips, are walked here by the draft's
 * rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pcap/pcap.h>

#include "observe/pcapng.h"

static char *text;
static size_t size;

static void write_sample(void)
{
	static const uint8_t bytes[] = {0x45, 1, 2, 3, 4};
	const struct nsg_pcapng_packet packets[] = {
	    {.time_ns = 1586908800123456789,
	     .data = bytes,
	     .captured = 5,
	     .length = 1500,
	     .outbound = true,
	     .verdict = NSG_VERDICT_DROP,
	     .comment = "drop, nsg-deny, and what is cut off",
	     .comment_n = 14},
	    {.time_ns = 1586908801000000000,
	     .data = bytes,
	     .captured = 4,
	     .length = 4,
	     .verdict = NSG_VERDICT_ACCEPT},
	    {.time_ns = 1586908802000000000,
	     .data = bytes,
	     .captured = 0,
	     .length = 9,
	     .outbound = true,
	     .verdict = NSG_VERDICT_ACCEPT,
	     .interface = 1,
	     .comment = "abcd",
	     .comment_n = 4},
	};
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(nsg_pcapng_section(out, "program 1.0", "policy 12"), 0);
	assert_int_equal(nsg_pcapng_interface(out, 1, "eth0"), 0);
	assert_int_equal(nsg_pcapng_interface(out, 1, ""), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(nsg_pcapng_write(out, &packets[i]), 0);
	assert_int_equal(fclose(out), 0);
}

static void libpcap_reads_it(void **state)
{
	char error[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *header;
	const uint8_t *data;
	pcap_t *capture;
	FILE *in;

	(void)state;
	write_sample();
	in = fmemopen(text, size, "r");
	capture = pcap_fopen_offline_with_tstamp_precision(in, PCAP_TSTAMP_PRECISION_NANO, error);
	assert_non_null(capture);
	assert_int_equal(pcap_datalink(capture), DLT_EN10MB);
	if (pcap_next_ex(capture, &header, &data) != 1)
		fail_msg("%s", pcap_geterr(capture));
	assert_int_equal(header->ts.tv_sec, 1586908800);
	assert_int_equal(header->ts.tv_usec, 123456789);
	assert_int_equal(header->caplen, 5);
	assert_int_equal(header->len, 1500);
	assert_int_equal(data[0], 0x45);
	assert_int_equal(data[4], 4);
	assert_int_equal(pcap_next_ex(capture, &header, &data), 1);
	assert_int_equal(header->caplen, 4);
	assert_int_equal(pcap_next_ex(capture, &header, &data), 1);
	assert_int_equal(header->caplen, 0);
	assert_int_equal(pcap_next_ex(capture, &header, &data), PCAP_ERROR_BREAK);
	pcap_close(capture);
	free(text);
}

static uint32_t at32(size_t at)
{
	uint32_t value;

	assert_true(at + 4 <= size);
	memcpy(&value, text + at, 4);
	return value;
}

/* The option's value in the block; NULL none. */
static const char *option(size_t block, size_t options, uint16_t code, size_t *ret_n)
{
	size_t end = block + at32(block + 4) - 4;

	for (size_t at = options; at < end;) {
		uint32_t head = at32(at);
		uint16_t this = (uint16_t)(head & 0xffff);

		*ret_n = head >> 16;
		if (this == code)
			return text + at + 4;
		if (!this)
			break;
		at += 4 + ((*ret_n + 3) & ~(size_t)3);
	}
	return NULL;
}

static void packets_carry_direction_verdict_and_comment(void **state)
{
	static const struct {
		uint32_t flags;
		uint64_t action;
		const char *comment;
	} expected[] = {
	    {2, 2, "drop, nsg-deny"},
	    {1, 0, NULL},
	    {2, 0, "abcd"},
	};
	size_t packets = 0, n;

	(void)state;
	write_sample();
	for (size_t at = 0; at < size; at += at32(at + 4)) {
		uint32_t total = at32(at + 4), flags;
		const char *value;
		uint64_t action;
		size_t options;

		assert_int_equal(total % 4, 0);
		assert_int_equal(at32(at + total - 4), total);
		if (at32(at) != 6)
			continue;
		assert_true(packets < 3);
		options = at + 28 + ((at32(at + 20) + 3) & ~(size_t)3);
		value = option(at, options, 2, &n);
		assert_non_null(value);
		memcpy(&flags, value, 4);
		assert_int_equal(flags, expected[packets].flags);
		value = option(at, options, 7, &n);
		assert_non_null(value);
		assert_int_equal(n, 9);
		assert_int_equal(value[0], 1);
		memcpy(&action, value + 1, 8);
		assert_int_equal(action, expected[packets].action);
		value = option(at, options, 1, &n);
		assert_int_equal(!value, !expected[packets].comment);
		if (value)
			assert_memory_equal(value, expected[packets].comment, n);
		packets++;
	}
	assert_int_equal(packets, 3);
	free(text);
}

static void assert_option(size_t block, size_t options, uint16_t code, const char *expected)
{
	size_t n = 0;
	const char *value = option(block, options, code, &n);

	assert_int_equal(!value, !expected);
	if (!value)
		return;
	assert_int_equal(n, strlen(expected));
	assert_memory_equal(value, expected, n);
}

static void the_section_and_the_interfaces_are_described(void **state)
{
	size_t first, second;

	(void)state;
	write_sample();
	assert_int_equal(at32(0), 0x0a0d0d0a);
	assert_option(0, 24, 4, "program 1.0");
	assert_option(0, 24, 1, "policy 12");
	first = at32(4);
	assert_int_equal(at32(first), 1);
	assert_option(first, first + 16, 2, "eth0");
	second = first + at32(first + 4);
	assert_int_equal(at32(second), 1);
	assert_option(second, second + 16, 2, NULL);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(libpcap_reads_it),
	    cmocka_unit_test(packets_carry_direction_verdict_and_comment),
	    cmocka_unit_test(the_section_and_the_interfaces_are_described),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
