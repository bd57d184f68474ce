/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files built byte by byte, whole, cut at every byte, and with every number changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "flow/capture.h"
#include "util/limits.h"

static uint8_t file[4096];
static size_t size;
static bool swapped; /* the file's byte order is not the host's */

static void put8(unsigned int value)
{
	file[size++] = (uint8_t)value;
}

static void put16(uint16_t value)
{
	value = swapped ? __builtin_bswap16(value) : value;
	memcpy(file + size, &value, 2);
	size += 2;
}

static void put32(uint32_t value)
{
	value = swapped ? __builtin_bswap32(value) : value;
	memcpy(file + size, &value, 4);
	size += 4;
}

static void put_bytes(const char *text)
{
	memcpy(file + size, text, strlen(text));
	size += strlen(text);
	while (size % 4)
		put8(0);
}

static struct nsg_capture *open_bytes(const uint8_t *bytes, size_t n, int *ret_error)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);
	struct nsg_capture *c = NULL;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	*ret_error = nsg_capture_open(fd, &c);
	assert_non_null(c);
	return c;
}

static struct nsg_capture *open_file(void)
{
	int error;
	struct nsg_capture *c = open_bytes(file, size, &error);

	if (error < 0)
		fail_msg("%s", nsg_capture_error(c));
	return c;
}

/* Reads all packets; returns their number, *ret_end what ended it. */
static size_t count(const uint8_t *bytes, size_t n, int *ret_end, char error[static 160])
{
	struct nsg_capture *c = open_bytes(bytes, n, ret_end);
	struct nsg_frame frame;
	size_t packets = 0;

	while (*ret_end >= 0 && (*ret_end = nsg_capture_next(c, &frame)) == 1) {
		uint8_t sum = 0;

		packets++;
		for (uint32_t i = 0; i < frame.captured; i++)
			sum ^= frame.data[i];
		for (size_t i = 0; i < frame.comment_n; i++)
			sum ^= (uint8_t)frame.comment[i];
		(void)nsg_capture_interface(c, frame.interface)->name[sum % 2];
	}
	(void)snprintf(error, 160, "%s", nsg_capture_error(c));
	assert_int_equal(*ret_end < 0, error[0] != '\0');
	nsg_capture_free(c);
	return packets;
}

/* ---- pcap ----------------------------------------------------------------------------------- */

static void write_pcap(uint32_t magic)
{
	size = 0;
	put32(magic);
	put16(2);
	put16(4);
	put32(0);
	put32(0);
	put32(65535);
	put32(0x30000000 | 101); /* with the length of a frame check sequence */
	for (uint32_t i = 0; i < 2; i++) {
		put32(1586908800 + i);
		put32(123456);
		put32(4);
		put32(i ? 4 : 1500);
		if (magic == 0xa1b2cd34) {
			put32(7);
			put32(7);
		}
		put_bytes(i ? "efgh" : "abcd");
	}
}

static void the_magics_of_pcap(void **state)
{
	static const uint32_t magics[] = {0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34};

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		struct nsg_capture *c;
		struct nsg_frame f;

		swapped = i % 2;
		write_pcap(magics[i / 2]);
		c = open_file();
		assert_int_equal(nsg_capture_next(c, &f), 1);
		assert_int_equal(f.number, 1);
		assert_int_equal(f.time_ns,
				 1586908800000000000 + (i / 2 == 1 ? 123456 : 123456000));
		assert_int_equal(f.captured, 4);
		assert_int_equal(f.length, 1500);
		assert_int_equal(f.link_type, 101);
		assert_memory_equal(f.data, "abcd", 4);
		assert_int_equal(nsg_capture_next(c, &f), 1);
		assert_int_equal(f.number, 2);
		assert_memory_equal(f.data, "efgh", 4);
		assert_int_equal(nsg_capture_next(c, &f), 0);
		nsg_capture_free(c);
	}
	swapped = false;
}

/* ---- pcapng --------------------------------------------------------------------------------- */

static size_t begin_block(uint32_t type)
{
	size_t at = size;

	put32(type);
	put32(0);
	return at;
}

static void end_block(size_t at)
{
	uint32_t total = (uint32_t)(size - at + 4);
	size_t end;

	put32(total);
	end = size;
	size = at + 4;
	put32(total);
	size = end;
}

static void put_section(void)
{
	size_t at = begin_block(0x0a0d0d0a);

	put32(0x1a2b3c4d);
	put16(1);
	put16(0);
	put32(UINT32_MAX);
	put32(UINT32_MAX);
	end_block(at);
}

static void put_interface(uint16_t link, uint32_t snap, const char *name, int resolution)
{
	size_t at = begin_block(1);

	put16(link);
	put16(0);
	put32(snap);
	if (*name) {
		put16(2);
		put16((uint16_t)strlen(name));
		put_bytes(name);
	}
	if (resolution >= 0) {
		put16(9);
		put16(1);
		put8((unsigned int)resolution);
		put_bytes("");
	}
	put32(0);
	end_block(at);
}

static void put_packet(uint32_t interface, uint64_t time, const char *data, uint32_t flags,
		       const char *comment)
{
	size_t at = begin_block(6);

	put32(interface);
	put32((uint32_t)(time >> 32));
	put32((uint32_t)time);
	put32((uint32_t)strlen(data));
	put32((uint32_t)strlen(data));
	put_bytes(data);
	if (*comment) {
		put16(1);
		put16((uint16_t)strlen(comment));
		put_bytes(comment);
	}
	put16(2);
	put16(4);
	put32(flags);
	put32(0);
	end_block(at);
}

static void put_simple(uint32_t length, const char *data)
{
	size_t at = begin_block(3);

	put32(length);
	put_bytes(data);
	end_block(at);
}

/* Two sections in both byte orders, three interfaces, all kinds of packets, a block to skip. */
static void write_pcapng(bool first_swapped)
{
	size_t at;

	size = 0;
	swapped = first_swapped;
	put_section();
	put_interface(1, 4, "eth0", -1);
	put_interface(101, 0, "", 9);
	put_packet(1, 1586908800123456789, "abc", 2, "drop, nsg-deny");
	at = begin_block(0x0bad);
	put_bytes("of another program");
	end_block(at);
	put_packet(0, 1586908800123456, "defg", 1, "");
	put_simple(9, "hijk");
	swapped = !swapped;
	put_section();
	put_interface(113, 0, "wlan0", 0x80 | 20);
	put_packet(0, (uint64_t)5 << 20 | 1 << 19, "lmnop", 0, "");
	at = begin_block(2);
	put16(0);
	put16(0);
	put32(0);
	put32(7 << 20);
	put32(2);
	put32(60);
	put_bytes("qr");
	end_block(at);
	swapped = false;
}

static void pcapng_in_both_byte_orders(void **state)
{
	static const struct {
		uint64_t time_ns;
		const char *data;
		uint32_t length, interface, link_type;
		enum nsg_link_direction direction;
		const char *comment, *name;
	} expected[] = {
	    {1586908800123456789, "abc", 3, 1, 101, NSG_LINK_OUT, "drop, nsg-deny", ""},
	    {1586908800123456000, "defg", 4, 0, 1, NSG_LINK_IN, "", "eth0"},
	    {NSG_FRAME_NO_TIME, "hijk", 9, 0, 1, NSG_LINK_UNKNOWN, "", "eth0"},
	    {5500000000, "lmnop", 5, 2, 113, NSG_LINK_UNKNOWN, "", "wlan0"},
	    {7000000000, "qr", 60, 2, 113, NSG_LINK_UNKNOWN, "", "wlan0"},
	};

	(void)state;
	for (int order = 0; order < 2; order++) {
		struct nsg_capture *c;
		struct nsg_frame f;

		write_pcapng(order);
		c = open_file();
		for (size_t i = 0; i < 5; i++) {
			assert_int_equal(nsg_capture_next(c, &f), 1);
			assert_int_equal(f.number, i + 1);
			assert_int_equal(f.time_ns, expected[i].time_ns);
			assert_int_equal(f.captured, strlen(expected[i].data));
			assert_memory_equal(f.data, expected[i].data, f.captured);
			assert_int_equal(f.length, expected[i].length);
			assert_int_equal(f.interface, expected[i].interface);
			assert_int_equal(f.link_type, expected[i].link_type);
			assert_int_equal(f.direction, expected[i].direction);
			assert_int_equal(f.comment_n, strlen(expected[i].comment));
			if (f.comment_n)
				assert_memory_equal(f.comment, expected[i].comment, f.comment_n);
			assert_string_equal(nsg_capture_interface(c, f.interface)->name,
					    expected[i].name);
		}
		assert_int_equal(nsg_capture_next(c, &f), 0);
		nsg_capture_free(c);
	}
}

/* ---- bad files ------------------------------------------------------------------------------ */

/* The packets before a cut are returned; the message names where it is. */
static void files_that_are_cut(void **state)
{
	char error[160];
	int end;

	(void)state;
	for (int i = 0; i < 4; i++) {
		size_t whole, last = 0;

		if (i < 2)
			write_pcapng(i);
		else
			write_pcap(i == 2 ? 0xa1b2c3d4 : 0xa1b2cd34);
		whole = count(file, size, &end, error);
		assert_int_equal(end, 0);
		assert_int_equal(whole, i < 2 ? 5 : 2);
		for (size_t n = 0; n < size; n++) {
			size_t got = count(file, n, &end, error);

			assert_in_range(got, last, whole - 1);
			last = got;
			if (end < 0 && n >= 28 && !strstr(error, "packet"))
				fail_msg("cut after %zu bytes: %s", n, error);
		}
	}
	count(file, 0, &end, error);
	assert_string_equal(error, "the file is empty");
	count((const uint8_t *)"no capture", 10, &end, error);
	assert_string_equal(error, "not a capture: it must be pcap or pcapng");
}

/* Every 32-bit number in turn is one that lies. */
static void numbers_that_lie(void **state)
{
	static const uint32_t lies[] = {0,	    1,		3,	    11,		12,
					0x7fffffff, 0x80000000, 0xfffffff0, 0xfffffffc, UINT32_MAX};
	uint8_t bytes[sizeof(file)];
	char error[160];
	int end;

	(void)state;
	for (int i = 0; i < 3; i++) {
		if (i < 2)
			write_pcapng(i);
		else
			write_pcap(0xa1b2c3d4);
		for (size_t at = 0; at + 4 <= size; at += 2)
			for (size_t l = 0; l < sizeof(lies) / sizeof(lies[0]); l++) {
				memcpy(bytes, file, size);
				memcpy(bytes + at, &lies[l], 4);
				assert_in_range(count(bytes, size, &end, error), 0, 100);
			}
	}
}

static void packets_of_unknown_interfaces(void **state)
{
	char error[160];
	int end;

	(void)state;
	size = 0;
	put_section();
	put_simple(4, "abcd");
	assert_int_equal(count(file, size, &end, error), 0);
	assert_string_equal(error, "packet 1: block of type 0x3: the interface is not defined");
	size = 0;
	put_section();
	put_interface(1, 0, "", -1);
	put_packet(0, 0, "abcd", 0, "");
	put_section(); /* the first section's interfaces end with it */
	put_packet(0, 0, "efgh", 0, "");
	assert_int_equal(count(file, size, &end, error), 1);
	assert_string_equal(error, "packet 2: block of type 0x6: the interface is not defined");
}

/* Each takes memory until the end: a file of nothing else is refused in time. */
static void interfaces_are_bounded(void **state)
{
	size_t header, block, n;
	char error[160];
	uint8_t *bytes;
	int end;

	(void)state;
	size = 0;
	put_section();
	header = size;
	put_interface(1, 0, "", -1);
	block = size - header;
	bytes = malloc(header + (NSG_MAX_CAPTURE_INTERFACES + 1) * block);
	assert_non_null(bytes);
	memcpy(bytes, file, header);
	for (n = 0; n <= NSG_MAX_CAPTURE_INTERFACES; n++)
		memcpy(bytes + header + n * block, file + header, block);
	assert_int_equal(count(bytes, header + (n - 1) * block, &end, error), 0);
	assert_int_equal(end, 0);
	assert_int_equal(count(bytes, header + n * block, &end, error), 0);
	assert_string_equal(error, "after packet 0: block of type 0x1: too many interfaces");
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_magics_of_pcap),
	    cmocka_unit_test(pcapng_in_both_byte_orders),
	    cmocka_unit_test(files_that_are_cut),
	    cmocka_unit_test(numbers_that_lie),
	    cmocka_unit_test(packets_of_unknown_interfaces),
	    cmocka_unit_test(interfaces_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
