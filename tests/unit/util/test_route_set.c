/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/route_set.h"

struct fixture {
	struct nsg_route_changes changes;
	struct nsg_hop_lists lists;
	struct nsg_route_set *set;
	struct nsg_route_diff diff;
	uint32_t now_s;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->now_s = 100;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	nsg_route_changes_done(&f->changes);
	nsg_hop_lists_done(&f->lists);
	nsg_route_set_unref(f->set);
	free(f);
	return 0;
}

static void change(struct fixture *f, const char *text, uint32_t metric, uint32_t hop, bool removed)
{
	struct nsg_route_change c = {.removed = removed, .route.metric = metric};
	struct nsg_prefix p;
	bool masked;

	assert_int_equal(nsg_prefix_parse(text, &p, &masked), NSG_PREFIX_IP4);
	c.route.addr_host = p.addr_host;
	c.route.len = p.len;
	assert_int_equal(nsg_hop_lists_add(&f->lists, &hop, hop ? 1 : 0, &c.route.list), 0);
	assert_int_equal(nsg_vec_push(&f->changes.changes, c), 0);
}

static void add(struct fixture *f, const char *text, uint32_t hop)
{
	change(f, text, 0, hop, false);
}

static void apply(struct fixture *f, bool whole)
{
	struct nsg_route_set *next;

	assert_int_equal(nsg_route_set_new(f->set, &f->changes, whole, &f->lists, f->now_s, 1000,
					   &f->diff, &next),
			 0);
	nsg_route_set_unref(f->set);
	f->set = next;
	f->changes.changes.n = 0;
}

static const struct nsg_live_route *find(const struct fixture *f, const char *text)
{
	struct nsg_prefix p;
	bool masked;

	assert_int_equal(nsg_prefix_parse(text, &p, &masked), NSG_PREFIX_IP4);
	return nsg_route_set_find(f->set, p);
}

static uint32_t hop_of(const struct fixture *f, const char *text)
{
	const struct nsg_live_route *r = find(f, text);
	uint32_t n;
	const uint32_t *addrs_host;

	assert_non_null(r);
	addrs_host = nsg_live_hops(f->set, r, &n);
	return n ? addrs_host[0] : 0;
}

static void assert_diff(const struct fixture *f, uint64_t added, uint64_t removed, uint64_t changed)
{
	assert_int_equal(f->diff.added, added);
	assert_int_equal(f->diff.removed, removed);
	assert_int_equal(f->diff.changed, changed);
}

static void routes_are_in_order_whatever_the_order_of_arrival(void **state)
{
	struct fixture *f = *state;

	add(f, "10.9.0.0/16", 1);
	add(f, "10.1.0.0/24", 2);
	add(f, "10.1.0.0/16", 3);
	add(f, "0.0.0.0/0", 4);
	add(f, "10.1.0.0/32", 0);
	apply(f, false);
	assert_int_equal(f->set->n, 5);
	assert_int_equal(f->set->n_prefixes, 5);
	for (size_t i = 1; i < f->set->n; i++) {
		struct nsg_prefix a = nsg_live_prefix(&f->set->v[i - 1]),
				  b = nsg_live_prefix(&f->set->v[i]);

		assert_true(nsg_prefix_compare(&a, &b) < 0);
	}
	assert_int_equal(hop_of(f, "0.0.0.0/0"), 4);
	assert_int_equal(hop_of(f, "10.1.0.0/24"), 2);
	assert_int_equal(hop_of(f, "10.1.0.0/32"), 0);
	assert_null(find(f, "10.1.0.0/25"));
	assert_diff(f, 5, 0, 0);
}

static void the_last_change_of_a_route_is_used(void **state)
{
	struct fixture *f = *state;

	add(f, "10.1.0.0/16", 1);
	apply(f, false);
	f->now_s = 200;
	change(f, "10.1.0.0/16", 0, 0, true);
	add(f, "10.1.0.0/16", 1);
	add(f, "10.2.0.0/16", 1);
	change(f, "10.2.0.0/16", 0, 0, true);
	apply(f, false);
	assert_diff(f, 0, 0, 0);
	assert_int_equal(f->set->n, 1);
	assert_int_equal(find(f, "10.1.0.0/16")->since_s, 100);
	add(f, "10.1.0.0/16", 7);
	apply(f, false);
	assert_diff(f, 0, 0, 1);
	assert_int_equal(hop_of(f, "10.1.0.0/16"), 7);
	change(f, "10.1.0.0/16", 0, 0, true);
	apply(f, false);
	assert_diff(f, 0, 1, 0);
	assert_int_equal(f->set->n, 0);
	add(f, "10.1.0.0/16", 7);
	apply(f, false);
	assert_int_equal(find(f, "10.1.0.0/16")->since_s, 200);
}

static void of_several_metrics_the_lowest_is_found(void **state)
{
	struct fixture *f = *state;

	change(f, "10.1.0.0/16", 32, 5, false);
	change(f, "10.1.0.0/16", 20, 6, false);
	apply(f, false);
	assert_int_equal(f->set->n, 2);
	assert_int_equal(f->set->n_prefixes, 1);
	assert_int_equal(hop_of(f, "10.1.0.0/16"), 6);
	change(f, "10.1.0.0/16", 20, 6, true);
	apply(f, false);
	assert_int_equal(hop_of(f, "10.1.0.0/16"), 5);
}

static void a_whole_reading_removes_what_it_does_not_have(void **state)
{
	struct fixture *f = *state;

	add(f, "10.1.0.0/16", 1);
	add(f, "10.2.0.0/16", 2);
	add(f, "10.3.0.0/16", 3);
	apply(f, true);
	/* a reading numbers the lists anew */
	nsg_hop_lists_done(&f->lists);
	add(f, "10.3.0.0/16", 3);
	add(f, "10.2.0.0/16", 9);
	apply(f, true);
	assert_diff(f, 0, 1, 1);
	assert_null(find(f, "10.1.0.0/16"));
	assert_int_equal(hop_of(f, "10.2.0.0/16"), 9);
	assert_int_equal(hop_of(f, "10.3.0.0/16"), 3);
	assert_int_equal(f->diff.n_samples, 2);
}

static void too_many_routes_leave_the_set_before(void **state)
{
	struct fixture *f = *state;
	struct nsg_route_set *next = NULL;

	add(f, "10.1.0.0/16", 1);
	add(f, "10.2.0.0/16", 1);
	assert_int_equal(
	    nsg_route_set_new(NULL, &f->changes, true, &f->lists, 1, 1, &f->diff, &next), -E2BIG);
	assert_null(next);
	assert_int_equal(f->diff.added, 0);
}

static void a_random_history_equals_its_end(void **state)
{
	struct fixture *f = *state;
	uint32_t hops[64] = {0}, seed = 7;

	for (int round = 0; round < 200; round++) {
		for (int i = 0; i < 10; i++) {
			char text[32];
			uint32_t n;

			seed = seed * 1103515245 + 12345;
			n = seed >> 16 & 63;
			hops[n] = seed >> 24 & 3;
			(void)snprintf(text, sizeof(text), "10.%u.0.0/%u", n / 2, n % 2 ? 16 : 20);
			change(f, text, 0, hops[n], !hops[n]);
		}
		apply(f, false);
		for (uint32_t n = 0; n < 64; n++) {
			char text[32];

			(void)snprintf(text, sizeof(text), "10.%u.0.0/%u", n / 2, n % 2 ? 16 : 20);
			if (hops[n])
				assert_int_equal(hop_of(f, text), hops[n]);
			else
				assert_null(find(f, text));
		}
	}
	assert_true(f->lists.lists.n <= 4);
}

static void addresses_with_a_route_are_ranges(void **state)
{
	struct fixture *f = *state;
	struct nsg_ranges r;

	add(f, "10.0.0.0/8", 1);
	add(f, "10.1.0.0/16", 1);
	add(f, "11.0.0.0/24", 1);
	add(f, "11.0.2.0/24", 1);
	change(f, "11.0.2.0/24", 7, 2, false);
	add(f, "255.255.255.0/24", 1);
	apply(f, true);
	assert_int_equal(f->set->n_prefixes, 5);
	assert_int_equal(nsg_route_set_ranges(f->set, &r), 0);
	assert_int_equal(r.n, 3);
	assert_int_equal(r.v[0].lo, NSG_IP4(10, 0, 0, 0));
	assert_int_equal(r.v[0].hi, NSG_IP4(11, 0, 0, 255));
	assert_int_equal(r.v[1].lo, NSG_IP4(11, 0, 2, 0));
	assert_int_equal(r.v[2].hi, UINT32_MAX);
	nsg_ranges_done(&r);
	/* the first route at an address or after it */
	assert_int_equal(nsg_route_set_from(f->set, 0), 0);
	assert_int_equal(nsg_route_set_from(f->set, NSG_IP4(10, 1, 0, 0)), 1);
	assert_int_equal(nsg_route_set_from(f->set, NSG_IP4(10, 1, 0, 1)), 2);
	assert_int_equal(nsg_route_set_from(f->set, UINT32_MAX), f->set->n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	    TEST(routes_are_in_order_whatever_the_order_of_arrival),
	    TEST(the_last_change_of_a_route_is_used),
	    TEST(of_several_metrics_the_lowest_is_found),
	    TEST(a_whole_reading_removes_what_it_does_not_have),
	    TEST(too_many_routes_leave_the_set_before),
	    TEST(addresses_with_a_route_are_ranges),
	    TEST(a_random_history_equals_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
