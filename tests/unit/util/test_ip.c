/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/cleanup.h"
#include "util/ip.h"
#include "util/macro.h"

static void addresses_are_four_plain_decimals(void **state)
{
	static const char *const bad[] = {"",	      "1.2.3",	  "1.2.3.4.5", "256.1.1.1",
					  "01.2.3.4", "1.2.3.4 ", " 1.2.3.4",  "1..3.4",
					  "a.b.c.d",  "1.2.3.-4", "1.2.3.4/8", "0x1.2.3.4"};
	uint32_t addr = 7;
	char text[NSG_IP4_TEXT];

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(bad); i++) {
		assert_int_not_equal(nsg_ip4_parse(bad[i], &addr), 0);
		assert_int_equal(addr, 7);
	}
	assert_int_equal(nsg_ip4_parse("255.0.10.1", &addr), 0);
	assert_int_equal(addr, 0xff000a01);
	nsg_ip4_format(addr, text);
	assert_string_equal(text, "255.0.10.1");
}

static void prefixes_are_masked_and_said_so(void **state)
{
	static const struct {
		const char *text;
		enum nsg_prefix_kind kind;
		uint32_t addr;
		uint8_t len;
		bool masked;
	} cases[] = {
	    {"10.0.0.0/8", NSG_PREFIX_IP4, 0x0a000000, 8, false},
	    {"10.1.2.3/8", NSG_PREFIX_IP4, 0x0a000000, 8, true},
	    {"1.2.3.4", NSG_PREFIX_IP4, 0x01020304, 32, false},
	    {"0.0.0.0/0", NSG_PREFIX_IP4, 0, 0, false},
	    {"255.255.255.255/32", NSG_PREFIX_IP4, 0xffffffff, 32, false},
	    {"::/0", NSG_PREFIX_IP6, 0, 0, false},
	    {"2001:db8::1", NSG_PREFIX_IP6, 0, 0, false},
	    {"2001:db8::/129", NSG_PREFIX_INVALID, 0, 0, false},
	    {"10.0.0.0/33", NSG_PREFIX_INVALID, 0, 0, false},
	    {"10.0.0.0/", NSG_PREFIX_INVALID, 0, 0, false},
	    {"10.0.0.0/08", NSG_PREFIX_INVALID, 0, 0, false},
	    {"10.0.0.0/8 ", NSG_PREFIX_INVALID, 0, 0, false},
	    {"10.0.0.0-10.0.0.9", NSG_PREFIX_INVALID, 0, 0, false},
	    {"Internet", NSG_PREFIX_INVALID, 0, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(cases); i++) {
		struct nsg_prefix p = {0};
		bool masked = false;

		assert_int_equal(nsg_prefix_parse(cases[i].text, &p, &masked), cases[i].kind);
		assert_int_equal(p.addr_host, cases[i].addr);
		assert_int_equal(p.len, cases[i].len);
		assert_int_equal(masked, cases[i].masked);
	}
}

static void ip6_prefixes_are_masked_bit_by_bit(void **state)
{
	static const struct {
		const char *text, *formatted; /* NULL: invalid */
		bool masked;
	} cases[] = {
	    {"::/0", "::/0", false},
	    {"2001:db8::1", "2001:db8::1/128", false},
	    {"2001:DB8:0:0::/64", "2001:db8::/64", false},
	    {"2001:db8:ffff::/35", "2001:db8:e000::/35", true},
	    {"fe80::1/10", "fe80::/10", true},
	    {"ff00::/8", "ff00::/8", false},
	    {"2001:db8::/129", NULL, false},
	    {"2001:db8::/", NULL, false},
	    {"fe80::1%eth0", NULL, false},
	    {"10.0.0.0/8", NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(cases); i++) {
		char text[NSG_PREFIX6_TEXT];
		struct nsg_prefix6 p;
		bool masked;

		if (!cases[i].formatted) {
			assert_int_equal(nsg_prefix6_parse(cases[i].text, &p, &masked), -EINVAL);
			continue;
		}
		assert_int_equal(nsg_prefix6_parse(cases[i].text, &p, &masked), 0);
		nsg_prefix6_format(&p, text);
		assert_string_equal(text, cases[i].formatted);
		assert_int_equal(masked, cases[i].masked);
	}
}

/* A 12-bit world, spread over the address space so that both ends are in it: every set operation is
 * compared with a bitmap. */
#define WORLD 4096u

static uint32_t spread(uint32_t i)
{
	return i < WORLD / 2 ? i : 0u - (WORLD - i);
}

static void fill(bool *map, const struct nsg_ranges *r)
{
	for (uint32_t i = 0; i < WORLD; i++)
		map[i] = nsg_ranges_contain(r, spread(i));
	for (size_t i = 0; i < r->n; i++) {
		assert_true(r->v[i].lo <= r->v[i].hi);
		if (i)
			assert_true((uint64_t)r->v[i - 1].hi + 1 < r->v[i].lo);
	}
}

static void random_set(struct nsg_ranges *ret, bool *naive)
{
	struct nsg_range v[12];
	size_t n = (size_t)(rand() % 12);

	memset(naive, 0, WORLD * sizeof(*naive));
	for (size_t i = 0; i < n; i++) {
		uint32_t a = (uint32_t)rand() % WORLD, b = a + (uint32_t)rand() % (WORLD / 8);

		if (a < WORLD / 2 && b >= WORLD / 2)
			b = WORLD / 2 - 1;
		if (b >= WORLD)
			b = WORLD - 1;
		v[i] = (struct nsg_range){spread(a), spread(b)};
		for (uint32_t k = a; k <= b; k++)
			naive[k] = true;
	}
	assert_int_equal(nsg_ranges_from_ranges(v, n, ret), 0);
}

static void sets_of_addresses_agree_with_a_bitmap(void **state)
{
	static bool a[WORLD], b[WORLD], got[WORLD];

	(void)state;
	srand(1);
	for (int round = 0; round < 300; round++) {
		struct nsg_ranges x, y, sum, rest, again;
		cleanup_free struct nsg_prefix *prefixes = NULL;
		size_t n;

		random_set(&x, a);
		random_set(&y, b);
		fill(got, &x);
		assert_memory_equal(got, a, sizeof(a));
		assert_int_equal(nsg_ranges_union(&x, &y, &sum), 0);
		fill(got, &sum);
		for (uint32_t i = 0; i < WORLD; i++)
			assert_int_equal(got[i], a[i] || b[i]);
		assert_int_equal(nsg_ranges_subtract(&x, &y, &rest), 0);
		fill(got, &rest);
		for (uint32_t i = 0; i < WORLD; i++)
			assert_int_equal(got[i], a[i] && !b[i]);
		assert_int_equal(nsg_ranges_to_prefixes(&sum, &prefixes, &n), 0);
		assert_int_equal(nsg_ranges_from_prefixes(prefixes, n, &again), 0);
		assert_int_equal(again.n, sum.n);
		if (sum.n)
			assert_memory_equal(again.v, sum.v, sum.n * sizeof(*sum.v));
		nsg_ranges_done(&x);
		nsg_ranges_done(&y);
		nsg_ranges_done(&sum);
		nsg_ranges_done(&rest);
		nsg_ranges_done(&again);
	}
}

static void everything_is_one_range_and_one_prefix(void **state)
{
	struct nsg_prefix all = {0, 0}, half[2] = {{0, 1}, {0x80000000, 1}}, *out;
	struct nsg_ranges r;
	size_t n;

	(void)state;
	assert_int_equal(nsg_ranges_from_prefixes(half, 2, &r), 0);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.v[0].hi, 0xffffffff);
	assert_int_equal(nsg_ranges_to_prefixes(&r, &out, &n), 0);
	assert_int_equal(n, 1);
	assert_true(nsg_prefix_equal(out[0], all));
	free(out);
	nsg_ranges_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(addresses_are_four_plain_decimals),
	    cmocka_unit_test(prefixes_are_masked_and_said_so),
	    cmocka_unit_test(ip6_prefixes_are_masked_bit_by_bit),
	    cmocka_unit_test(sets_of_addresses_agree_with_a_bitmap),
	    cmocka_unit_test(everything_is_one_range_and_one_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
