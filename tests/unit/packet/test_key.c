/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "packet/key.h"
#include "util/ip.h"
#include "util/names.h"

struct packet {
	uint8_t bytes[128];
	size_t size;
};

static void put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

/* A valid packet; each test overwrites a part of it. */
static struct packet ip4(unsigned int protocol, size_t options, size_t transport)
{
	struct packet p = {.size = 20 + options + transport};

	p.bytes[0] = (uint8_t)(0x40 | (20 + options) / 4);
	put16(p.bytes + 2, (unsigned int)p.size);
	p.bytes[8] = 64;
	p.bytes[9] = (uint8_t)protocol;
	put32(p.bytes + 12, NSG_IP4(10, 0, 1, 4));
	put32(p.bytes + 16, NSG_IP4(20, 60, 1, 2));
	return p;
}

static struct packet tcp(size_t options, size_t payload)
{
	struct packet p = ip4(NSG_PROTOCOL_TCP, options, 20 + payload);
	uint8_t *t = p.bytes + 20 + options;

	put16(t, 50000);
	put16(t + 2, 443);
	t[12] = 0x50;
	return p;
}

static struct packet udp(size_t payload)
{
	struct packet p = ip4(NSG_PROTOCOL_UDP, 0, 8 + payload);

	put16(p.bytes + 20, 65330);
	put16(p.bytes + 22, 53);
	put16(p.bytes + 24, (unsigned int)(8 + payload));
	return p;
}

/* Memory that ends with the captured bytes, so that overreads are detected. */
static enum nsg_key_status extract(const struct packet *p, size_t captured, size_t length,
				   struct nsg_key *ret)
{
	uint8_t *exact = malloc(captured ? captured : 1);
	enum nsg_key_status s;

	assert_non_null(exact);
	memcpy(exact, p->bytes, captured);
	s = nsg_key_extract(exact, captured, length, ret);
	free(exact);
	return s;
}

static void assert_status(const struct packet *p, size_t captured, size_t length,
			  enum nsg_key_status want)
{
	struct nsg_key key, untouched;

	memset(&key, 0xa5, sizeof(key));
	untouched = key;
	assert_int_equal(extract(p, captured, length, &key), want);
	if (want == NSG_KEY_MALFORMED || want == NSG_KEY_IP6)
		assert_memory_equal(&key, &untouched, sizeof(key));
}

static void assert_key(const struct packet *p, size_t length, enum nsg_key_status status,
		       uint8_t protocol, uint16_t sport, uint16_t dport)
{
	struct nsg_key want = {
	    .src_host = NSG_IP4(10, 0, 1, 4),
	    .dst_host = NSG_IP4(20, 60, 1, 2),
	    .sport_host = sport,
	    .dport_host = dport,
	    .protocol = protocol,
	};
	struct nsg_key key;

	memset(&key, 0xa5, sizeof(key));
	assert_int_equal(extract(p, p->size < length ? p->size : length, length, &key), status);
	assert_memory_equal(&key, &want, sizeof(key));
}

static void a_key_has_no_padding(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct nsg_key), 16);
}

static void keys_of_valid_packets(void **state)
{
	struct packet t = tcp(0, 12), o = tcp(40, 0), u = udp(5), e = udp(0);
	struct packet icmp = ip4(NSG_PROTOCOL_ICMP, 0, 8), gre = ip4(47, 4, 16),
		      bare = ip4(99, 0, 0);

	(void)state;
	assert_key(&t, t.size, NSG_KEY_OK, 6, 50000, 443);
	assert_key(&o, o.size, NSG_KEY_OK, 6, 50000, 443);
	assert_key(&u, u.size, NSG_KEY_OK, 17, 65330, 53);
	assert_key(&e, e.size, NSG_KEY_OK, 17, 65330, 53);
	assert_key(&icmp, icmp.size, NSG_KEY_OK, 1, 0, 0);
	assert_key(&gre, gre.size, NSG_KEY_OK, 47, 0, 0);
	assert_key(&bare, bare.size, NSG_KEY_OK, 99, 0, 0);
	/* Ethernet pads short frames. */
	assert_key(&t, t.size + 6, NSG_KEY_OK, 6, 50000, 443);
}

static void tcp_cut_at_every_byte(void **state)
{
	struct packet t = tcp(40, 0), short_one = tcp(0, 0);

	(void)state;
	for (size_t n = 0; n < t.size; n++)
		assert_status(&t, n, t.size, NSG_KEY_MALFORMED);
	for (size_t n = 0; n < short_one.size; n++)
		assert_status(&short_one, n, n, NSG_KEY_MALFORMED);
	assert_status(&t, t.size, t.size, NSG_KEY_OK);
	assert_status(&short_one, short_one.size, short_one.size, NSG_KEY_OK);
}

static void udp_cut_at_every_byte(void **state)
{
	struct packet u = udp(0);

	(void)state;
	for (size_t n = 0; n < u.size; n++) {
		assert_status(&u, n, u.size, NSG_KEY_MALFORMED);
		assert_status(&u, n, n, NSG_KEY_MALFORMED);
	}
	assert_status(&u, u.size, u.size, NSG_KEY_OK);
}

static void portless_cut_at_every_byte(void **state)
{
	struct packet p = ip4(NSG_PROTOCOL_ESP, 12, 0);

	(void)state;
	for (size_t n = 0; n < p.size; n++) {
		assert_status(&p, n, p.size, NSG_KEY_MALFORMED);
		assert_status(&p, n, n, NSG_KEY_MALFORMED);
	}
}

static void inconsistent_header_lengths(void **state)
{
	(void)state;
	for (unsigned int words = 0; words < 16; words++) {
		struct packet t = tcp(0, 0);

		t.bytes[0] = (uint8_t)(0x40 | words);
		if (words != 5) /* longer than five: the TCP header is no longer whole */
			assert_status(&t, t.size, t.size, NSG_KEY_MALFORMED);
	}
	for (unsigned int words = 0; words < 16; words++) {
		struct packet t = tcp(0, 8);

		t.bytes[20 + 12] = (uint8_t)(words << 4);
		assert_status(&t, t.size, t.size,
			      words >= 5 && words <= 7 ? NSG_KEY_OK : NSG_KEY_MALFORMED);
	}
	for (unsigned int length = 0; length < 80; length++) {
		struct packet u = udp(16);

		put16(u.bytes + 24, length);
		assert_status(&u, u.size, u.size,
			      length >= 8 && length <= 24 ? NSG_KEY_OK : NSG_KEY_MALFORMED);
	}
}

static void inconsistent_total_lengths(void **state)
{
	(void)state;
	for (unsigned int total = 1; total < 100; total++) {
		struct packet t = tcp(0, 4);

		put16(t.bytes + 2, total);
		assert_status(&t, t.size, t.size,
			      total >= 40 && total <= t.size ? NSG_KEY_OK : NSG_KEY_MALFORMED);
	}
}

static void versions(void **state)
{
	(void)state;
	for (unsigned int version = 0; version < 16; version++) {
		struct packet t = tcp(0, 0);

		t.bytes[0] = (uint8_t)(version << 4 | 5);
		assert_status(&t, t.size, t.size,
			      version == 4   ? NSG_KEY_OK
			      : version == 6 ? NSG_KEY_IP6
					     : NSG_KEY_MALFORMED);
	}
}

static void first_fragments_hold_the_ports(void **state)
{
	struct packet t = tcp(0, 4), u = udp(8);

	(void)state;
	put16(t.bytes + 6, 0x2000);
	assert_key(&t, t.size, NSG_KEY_OK, 6, 50000, 443);
	/* The length of the datagram exceeds that of the fragment. */
	put16(u.bytes + 6, 0x2000);
	put16(u.bytes + 24, 4000);
	assert_key(&u, u.size, NSG_KEY_OK, 17, 65330, 53);
	put16(u.bytes + 24, 7);
	assert_status(&u, u.size, u.size, NSG_KEY_MALFORMED);
	/* TCP options continue in the next fragment. */
	t.bytes[20 + 12] = 0xf0;
	assert_key(&t, t.size, NSG_KEY_OK, 6, 50000, 443);
	/* A tiny fragment. */
	put16(t.bytes + 2, 20 + 16);
	assert_status(&t, 20 + 16, 20 + 16, NSG_KEY_MALFORMED);
	/* Don't Fragment is ignored. */
	t = tcp(0, 0);
	put16(t.bytes + 6, 0x4000);
	assert_key(&t, t.size, NSG_KEY_OK, 6, 50000, 443);
}

static void later_fragments_have_no_ports(void **state)
{
	struct packet t = tcp(0, 0), last = tcp(0, 0), tiny = ip4(NSG_PROTOCOL_UDP, 0, 1);

	(void)state;
	put16(t.bytes + 6, 0x2000 | 185);
	assert_key(&t, t.size, NSG_KEY_LATER_FRAGMENT, 6, 0, 0);
	put16(last.bytes + 6, 1);
	assert_key(&last, last.size, NSG_KEY_LATER_FRAGMENT, 6, 0, 0);
	put16(tiny.bytes + 6, 1);
	assert_key(&tiny, tiny.size, NSG_KEY_LATER_FRAGMENT, 17, 0, 0);
	/* Beyond the size of a datagram: the ping of death. */
	put16(last.bytes + 6, 0x1fff);
	assert_status(&last, last.size, last.size, NSG_KEY_MALFORMED);
}

static void gso_packets_are_longer_than_their_copy(void **state)
{
	struct packet t = tcp(0, 60), u = udp(60);

	(void)state;
	put16(t.bytes + 2, 65535);
	assert_key(&t, 65535, NSG_KEY_OK, 6, 50000, 443);
	assert_status(&t, t.size, 65534, NSG_KEY_MALFORMED);
	/* The length of bigger packets does not fit the field. */
	put16(t.bytes + 2, 0);
	assert_key(&t, 65536, NSG_KEY_OK, 6, 50000, 443);
	assert_key(&t, 180000, NSG_KEY_OK, 6, 50000, 443);
	put16(u.bytes + 2, 0);
	put16(u.bytes + 24, 0);
	assert_key(&u, 180000, NSG_KEY_OK, 17, 65330, 53);
	put16(u.bytes + 24, 7);
	assert_status(&u, u.size, 180000, NSG_KEY_MALFORMED);
}

static void options_with_a_source_route_or_a_wrong_length_are_malformed(void **state)
{
	static const struct {
		uint8_t options[8];
		enum nsg_key_status status;
	} t[] = {
	    {{1, 1, 1, 1, 1, 1, 1, 1}, NSG_KEY_OK},	      /* no operation */
	    {{0, 131, 7, 0, 0, 0, 0, 0}, NSG_KEY_OK},	      /* after the end */
	    {{7, 7, 4, 0, 0, 0, 0, 0}, NSG_KEY_OK},	      /* record route */
	    {{148, 4, 0, 0, 0}, NSG_KEY_OK},		      /* router alert */
	    {{131, 7, 4, 10, 0, 0, 1, 0}, NSG_KEY_MALFORMED}, /* LSRR */
	    {{137, 7, 4, 10, 0, 0, 1, 0}, NSG_KEY_MALFORMED}, /* SSRR */
	    {{1, 131, 3, 4, 0}, NSG_KEY_MALFORMED},
	    {{148, 4, 0, 0, 137, 3, 4, 0}, NSG_KEY_MALFORMED},
	    {{7, 9, 4, 0, 0, 0, 0, 0}, NSG_KEY_MALFORMED}, /* longer than the header */
	    {{7, 1, 4, 0, 0, 0, 0, 0}, NSG_KEY_MALFORMED},
	    {{7, 0, 4, 0, 0, 0, 0, 0}, NSG_KEY_MALFORMED},
	    {{1, 1, 1, 1, 1, 1, 1, 7}, NSG_KEY_MALFORMED}, /* without a length */
	};
	struct nsg_key key;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct packet p = tcp(8, 0);

		memcpy(p.bytes + 20, t[i].options, 8);
		assert_int_equal(extract(&p, p.size, p.size, &key), t[i].status);
		put16(p.bytes + 6, 1); /* a later fragment */
		assert_int_equal(extract(&p, p.size, p.size, &key), t[i].status == NSG_KEY_OK
									? NSG_KEY_LATER_FRAGMENT
									: NSG_KEY_MALFORMED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_key_has_no_padding),
	    cmocka_unit_test(keys_of_valid_packets),
	    cmocka_unit_test(tcp_cut_at_every_byte),
	    cmocka_unit_test(udp_cut_at_every_byte),
	    cmocka_unit_test(portless_cut_at_every_byte),
	    cmocka_unit_test(inconsistent_header_lengths),
	    cmocka_unit_test(inconsistent_total_lengths),
	    cmocka_unit_test(versions),
	    cmocka_unit_test(first_fragments_hold_the_ports),
	    cmocka_unit_test(later_fragments_have_no_ports),
	    cmocka_unit_test(gso_packets_are_longer_than_their_copy),
	    cmocka_unit_test(options_with_a_source_route_or_a_wrong_length_are_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
