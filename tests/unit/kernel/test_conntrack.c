/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel/conntrack.h"
#include "support/connections.h"
#include "support/fake_netlink.h"
#include "support/netns.h"

#define DECIDED 0x08000000u
#define GENERATION 0x06000000u
#define OURS 0x0fff0000u
#define FOREIGN 0x7000beefu

static uint32_t constant(const struct nsg_connection *c, void *arg)
{
	(void)c;
	return *(const uint32_t *)arg;
}

/* One value for all entries that match. */
static int set(struct nsg_nl *dump, struct nsg_nl *update, uint32_t match_mask, uint32_t match,
	       uint32_t mask, uint32_t value, uint32_t *ret_n)
{
	const struct nsg_conntrack_sweep sweep = {
	    .match_mask = match_mask,
	    .match = match,
	    .mask = mask,
	    .desired = constant,
	    .arg = &value,
	};

	return nsg_conntrack_apply(dump, update, &sweep, ret_n);
}

struct fixture {
	struct nsg_nl dump, update;
	uint32_t n;
	uint32_t *marks;
};

/* NSG_TEST_CONNECTIONS=200000 tells the time that many take. */
static bool begin(struct fixture *f)
{
	const char *wish = getenv("NSG_TEST_CONNECTIONS");

	*f = (struct fixture){.n = wish ? (uint32_t)atoi(wish) : 3000};
	if (f->n > CONNECTIONS_MAX)
		f->n = CONNECTIONS_MAX;
	if (!netns_enter() || connections_add(0, false, FOREIGN) < 0)
		return false;
	assert_int_equal(nsg_nl_open(NETLINK_NETFILTER, &f->dump), 0);
	assert_int_equal(nsg_nl_open(NETLINK_NETFILTER, &f->update), 0);
	f->marks = calloc(f->n, sizeof(*f->marks));
	assert_non_null(f->marks);
	return true;
}

static void end(struct fixture *f)
{
	nsg_nl_close(&f->dump);
	nsg_nl_close(&f->update);
	free(f->marks);
}

static double ms_since(const struct timespec *t)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - t->tv_sec) * 1e3 + (double)(now.tv_nsec - t->tv_nsec) / 1e6;
}

static void only_matching_entries_and_only_our_bits_change(void **state)
{
	struct timespec start;
	struct fixture f;
	uint32_t n, want = 0;

	(void)state;
	if (!begin(&f))
		skip();
	/* generations 0 to 3, hop i; half of them decided */
	for (uint32_t i = 1; i < f.n; i++) {
		uint32_t ours = (i & 3) << 25 | (i % 511) << 16 | (i & 4 ? DECIDED : 0);

		assert_int_equal(connections_add(i, false, FOREIGN | ours), 0);
		want += (i & 7) == 6;
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	assert_int_equal(set(&f.dump, &f.update, DECIDED | GENERATION, DECIDED | 2u << 25,
			     GENERATION, 3u << 25, &n),
			 0);
	print_message("%u of %u entries rewritten in %.1f ms\n", n, f.n, ms_since(&start));
	assert_int_equal(n, want);
	connections_marks(f.marks, f.n);
	for (uint32_t i = 1; i < f.n; i++) {
		uint32_t generation = (i & 7) == 6 ? 3 : i & 3;

		assert_int_equal(f.marks[i], FOREIGN | generation << 25 | (i % 511) << 16 |
						 (i & 4 ? DECIDED : 0));
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	assert_int_equal(set(&f.dump, &f.update, 0, 0, OURS, 0, &n), 0);
	print_message("%u of %u entries cleared in %.1f ms\n", n, f.n, ms_since(&start));
	connections_marks(f.marks, f.n);
	for (uint32_t i = 0; i < f.n; i++)
		assert_int_equal(f.marks[i], FOREIGN);
	/* nothing left to do */
	assert_int_equal(set(&f.dump, &f.update, 0, 0, OURS, 0, &n), 0);
	assert_int_equal(n, 0);
	end(&f);
}

static uint32_t by_state(const struct nsg_connection *c, void *arg)
{
	uint32_t *ids = arg;

	assert_int_not_equal(c->id, 0);
	(*ids)++;
	return c->tcp_established ? GENERATION : DECIDED;
}

static void the_callback_sees_mark_id_and_state(void **state)
{
	uint32_t seen = 0, n;
	const struct nsg_conntrack_sweep sweep = {.mask = OURS, .desired = by_state, .arg = &seen};
	struct fixture f;

	(void)state;
	if (!begin(&f))
		skip();
	assert_int_equal(connections_add(1, true, 5), 0);
	assert_int_equal(nsg_conntrack_apply(&f.dump, &f.update, &sweep, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(seen, 4); /* and once more, to find nothing left */
	connections_marks(f.marks, 2);
	assert_int_equal(f.marks[0], FOREIGN | DECIDED);
	assert_int_equal(f.marks[1], GENERATION | 5);
	end(&f);
}

static void an_entry_that_ends_meanwhile_is_no_error(void **state)
{
	struct fake_netlink kernel = {0};
	struct nsg_nl update;
	struct fixture f;
	uint32_t n;

	(void)state;
	if (!begin(&f))
		skip();
	fake_datagram(&kernel);
	fake_error(&kernel, 0, -ENOENT, NULL);
	fake_netlink_open(&kernel, &update);
	assert_int_equal(set(&f.dump, &update, 0, 0, OURS, DECIDED, &n), 0);
	assert_true(n >= 1);
	nsg_nl_close(&update);
	end(&f);
}

static void an_error_of_the_kernel_is_told(void **state)
{
	struct fake_netlink kernel = {0};
	struct nsg_nl update;
	struct fixture f;

	(void)state;
	if (!begin(&f))
		skip();
	fake_datagram(&kernel);
	fake_error(&kernel, 0, -EPERM, NULL);
	fake_netlink_open(&kernel, &update);
	assert_int_equal(set(&f.dump, &update, 0, 0, OURS, DECIDED, NULL), -EPERM);
	nsg_nl_close(&update);
	end(&f);
}

static void malformed_entries_are_passed_over(void **state)
{
	struct fake_netlink dump_kernel = {0}, update_kernel = {0};
	struct nsg_nl dump, update;
	char payload[64] = {2, 0};
	uint32_t n;

	(void)state;
	fake_datagram(&dump_kernel);
	fake_message(&dump_kernel, 0x100, 0, FAKE_PORTID, 0, payload, 2); /* half a header */
	fake_message(&dump_kernel, 0x100, 0, FAKE_PORTID, 0, payload, 4); /* no attributes */
	memset(payload + 4, 0xff, 60);
	fake_message(&dump_kernel, 0x100, 0, FAKE_PORTID, 0, payload, 64);
	fake_done(&dump_kernel, 0, 0);
	fake_netlink_open(&dump_kernel, &dump);
	fake_netlink_open(&update_kernel, &update);
	assert_int_equal(set(&dump, &update, 0, 0, OURS, DECIDED, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(update_kernel.n_sends, 0);
	nsg_nl_close(&dump);
	nsg_nl_close(&update);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_matching_entries_and_only_our_bits_change),
	    cmocka_unit_test(the_callback_sees_mark_id_and_state),
	    cmocka_unit_test(an_entry_that_ends_meanwhile_is_no_error),
	    cmocka_unit_test(an_error_of_the_kernel_is_told),
	    cmocka_unit_test(malformed_entries_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
