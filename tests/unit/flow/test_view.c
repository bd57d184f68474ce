/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow/track.h"
#include "util/ip.h"

/* 10.0.1.4 to 10.0.2.7, id 0x1234, 20 + payload bytes. */
static size_t ip4(uint8_t *out, uint8_t protocol, uint16_t fragment, const uint8_t *payload,
		  size_t n)
{
	const uint8_t header[20] = {
	    0x45,
	    0,
	    (uint8_t)((20 + n) >> 8),
	    (uint8_t)(20 + n),
	    0x12,
	    0x34,
	    (uint8_t)(fragment >> 8),
	    (uint8_t)fragment,
	    64,
	    protocol,
	    0,
	    0,
	    10,
	    0,
	    1,
	    4,
	    10,
	    0,
	    2,
	    7,
	};

	memcpy(out, header, 20);
	memcpy(out + 20, payload, n);
	return 20 + n;
}

static void reads_flags_ids_and_fragments(void **state)
{
	static const uint8_t tcp[20] = {0xc3, 0x50, 1, 0xbb, [12] = 0x50, [13] = 0x12};
	static const uint8_t udp[8] = {0, 1, 0, 53, 0, 8};
	static const uint8_t ping[8] = {8, 0, 0, 0, 0xab, 0xcd, 0, 1};
	struct nsg_track_view v;
	uint8_t p[128];
	size_t n;

	(void)state;
	n = ip4(p, 6, 0, tcp, sizeof(tcp));
	assert_int_equal(nsg_track_view(p, n, n, &v), NSG_KEY_OK);
	assert_int_equal(v.tcp_flags, 0x12);
	assert_int_equal(v.key.dport_host, 443);
	assert_int_equal(v.ip_id, 0x1234);
	assert_false(v.first_fragment || v.later_fragment || v.icmp_error);

	n = ip4(p, 17, 0x2000, udp, sizeof(udp));
	assert_int_equal(nsg_track_view(p, n, n, &v), NSG_KEY_OK);
	assert_true(v.first_fragment);
	n = ip4(p, 17, 0x2003, udp, sizeof(udp));
	assert_int_equal(nsg_track_view(p, n, n, &v), NSG_KEY_LATER_FRAGMENT);
	assert_true(v.later_fragment && !v.first_fragment);
	assert_int_equal(v.key.sport_host, 0);

	n = ip4(p, 1, 0, ping, sizeof(ping));
	assert_int_equal(nsg_track_view(p, n, n, &v), NSG_KEY_OK);
	assert_int_equal(v.icmp_id, 0xabcd);
	assert_false(v.icmp_error);
}

static void reads_the_packet_quoted_by_an_error(void **state)
{
	static const uint8_t udp[8] = {0xc3, 0x50, 0, 53, 0, 8};
	uint8_t error[8 + 28] = {3, 3};
	struct nsg_track_view v;
	uint8_t p[128];
	size_t n;

	(void)state;
	ip4(error + 8, 17, 0, udp, sizeof(udp));
	n = ip4(p, 1, 0, error, sizeof(error));
	assert_int_equal(nsg_track_view(p, n, n, &v), NSG_KEY_OK);
	assert_true(v.icmp_error);
	assert_int_equal(v.inner.protocol, 17);
	assert_int_equal(v.inner.src_host, NSG_IP4(10, 0, 1, 4));
	assert_int_equal(v.inner.sport_host, 50000);
	assert_int_equal(v.inner.dport_host, 53);
}

/* Every shorter packet in memory of exactly its size, so that the sanitizer detects overreads. */
static void reads_nothing_beyond_the_captured_bytes(void **state)
{
	static const uint8_t udp[8] = {0xc3, 0x50, 0, 53, 0, 8};
	uint8_t error[8 + 28] = {11};
	uint8_t p[128];
	size_t n;

	(void)state;
	ip4(error + 8, 17, 0, udp, sizeof(udp));
	n = ip4(p, 1, 0, error, sizeof(error));
	for (size_t captured = 0; captured <= n; captured++) {
		uint8_t *copy = malloc(captured ? captured : 1);
		struct nsg_track_view v = {0};

		assert_non_null(copy);
		memcpy(copy, p, captured);
		(void)nsg_track_view(copy, captured, n, &v);
		assert_int_equal(v.icmp_error, captured == n);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_flags_ids_and_fragments),
	    cmocka_unit_test(reads_the_packet_quoted_by_an_error),
	    cmocka_unit_test(reads_nothing_beyond_the_captured_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
