/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads and the kernel's own queues, in a network namespace of its own: needs the right to make
 * one. No packet flows here. */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/engine.h"
#include "engine/queue.h"
#include "support/fake_classify.h"

#define SKIPPED 77

static const struct nsg_image images[2] = {
    {.info = {.n_rules = 1, .n_routes = 1}},
    {.info = {.n_rules = 20, .n_routes = 300}},
};
static const uint16_t hop_numbers[] = {0};
static unsigned int n_freed;

static void free_policy(struct nsg_engine_policy *p)
{
	n_freed++;
	free(p);
}

static struct nsg_engine_policy *policy(unsigned int i)
{
	struct nsg_engine_policy *p = malloc(sizeof(*p));

	assert_non_null(p);
	*p = (struct nsg_engine_policy){
	    .image = &images[i % 2],
	    .hop_numbers = hop_numbers,
	    .generation = i % 4,
	    .src_host = 1,
	    .references = 1,
	    .free = free_policy,
	};
	return p;
}

static struct nsg_engine_options options(uint16_t first, uint32_t n)
{
	return (struct nsg_engine_options){
	    .queue_first = first,
	    .n_workers = n,
	    .queue_length = 1024,
	    .overflow_accept = true,
	    .marks = {.mask = 0x0fff0000,
		      .decided = 0x08000000,
		      .generation = 0x06000000,
		      .hop = 0x01ff0000,
		      .denied = 0x01ff0000,
		      .generation_shift = 25,
		      .hop_shift = 16,
		      .max_hop = 510},
	};
}

static struct nsg_engine *start(uint16_t first, uint32_t n)
{
	struct nsg_engine_options o = options(first, n);
	struct nsg_engine_policy *p = policy(0);
	struct nsg_diag diag = {0};
	struct nsg_engine *e = NULL;
	int r = nsg_engine_bind(&o, p, NULL, 0, &diag, &e);

	if (!r)
		r = nsg_engine_start(e, &diag);

	nsg_engine_policy_unref(p);
	for (size_t i = 0; i < diag.n; i++)
		nsg_diag_print(&diag.v[i], stderr);
	nsg_diag_done(&diag);
	assert_int_equal(r, 0);
	return e;
}

static void queues_are_bound_while_it_runs(void **state)
{
	struct nsg_queue_state queues[3];
	struct nsg_engine_stats stats;
	struct nsg_engine *e;
	char line[128];
	int bound = 0;
	FILE *f;

	(void)state;
	e = start(7, 3);
	f = fopen("/proc/self/net/netfilter/nfnetlink_queue", "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		bound++;
	(void)fclose(f);
	assert_int_equal(bound, 3);
	assert_int_equal(nsg_queue_read_proc(7, 3, queues), 0);
	assert_int_equal(queues[2].queued + queues[2].dropped_full + queues[2].dropped_buffer, 0);
	nsg_engine_line(e);
	while (!nsg_engine_passed_line(e))
		(void)usleep(1000);
	nsg_engine_stats(e, &stats);
	assert_int_equal(stats.packets, 0);
	assert_true(stats.gso);
	assert_true(stats.fail_open);
	assert_true(stats.receive_buffer_bytes > 0);
	assert_true(nsg_engine_stop(e));
	e = start(7, 3); /* it was unbound */
	assert_true(nsg_engine_stop(e));
	assert_true(nsg_engine_stop(NULL));
}

static void a_queue_that_is_taken_is_named_and_nothing_is_left(void **state)
{
	struct nsg_engine *holder = start(12, 1), *e = NULL;
	struct nsg_engine_options o = options(10, 4);
	struct nsg_engine_policy *p = policy(0);
	struct nsg_diag diag = {0};

	(void)state;
	assert_int_equal(nsg_engine_bind(&o, p, NULL, 0, &diag, &e), -EADDRINUSE);
	assert_null(e);
	assert_int_equal(p->references, 1);
	nsg_engine_policy_unref(p);
	assert_int_equal(diag.n_errors, 1);
	assert_non_null(strstr(diag.v[diag.n - 1].text, "queue 12"));
	nsg_diag_done(&diag);
	e = start(10, 2);
	assert_true(nsg_engine_stop(e));
	assert_true(nsg_engine_stop(holder));
}

static uint32_t owner(uint16_t number)
{
	struct nsg_queue_state state;

	assert_int_equal(nsg_queue_read_proc(number, 1, &state), 0);
	return state.portid;
}

static void a_queue_outlives_its_engine_in_its_socket(void **state)
{
	struct nsg_engine_options o = options(20, 2);
	struct nsg_engine_policy *p = policy(0);
	struct nsg_engine *e = start(20, 2);
	/* the first is of the other queue: it is not used */
	struct nsg_engine_socket sockets[2] = {{dup(nsg_engine_queue_socket(e, 0)), 21},
					       {dup(nsg_engine_queue_socket(e, 0)), 20}};
	const uint32_t before = owner(20);
	struct nsg_diag diag = {0};

	(void)state;
	assert_true(nsg_engine_stop(e));
	assert_int_equal(owner(20), before);
	assert_int_equal(owner(21), 0);
	e = NULL;
	assert_int_equal(nsg_engine_bind(&o, p, sockets, 2, &diag, &e), 0);
	assert_int_equal(nsg_engine_start(e, &diag), 0);
	nsg_engine_policy_unref(p);
	nsg_diag_done(&diag);
	assert_true(sockets[0].fd >= 0);
	assert_int_equal(sockets[1].fd, -1);
	assert_int_equal(owner(20), before);
	assert_int_not_equal(owner(21), 0);
	(void)close(sockets[0].fd);
	assert_true(nsg_engine_stop(e));
	assert_int_equal(owner(20), 0);
}

static void wait_until_acknowledged(struct nsg_engine *e)
{
	struct pollfd ack = {.fd = nsg_engine_ack_fd(e), .events = POLLIN};

	while (!nsg_engine_is_acknowledged(e))
		assert_int_equal(poll(&ack, 1, 10000), 1);
}

static void wait_until_in_force(struct nsg_engine *e)
{
	wait_until_acknowledged(e);
	nsg_engine_settle(e);
	assert_false(nsg_engine_is_acknowledged(e));
}

static void put_in_force(struct nsg_engine *e, struct nsg_engine_policy *p)
{
	assert_int_equal(nsg_engine_publish(e, p), 0);
	wait_until_in_force(e);
}

static void every_policy_is_acknowledged_by_every_worker(void **state)
{
	struct nsg_engine *e = start(0, 2);

	(void)state;
	for (unsigned int i = 1; i <= 200; i++) {
		struct nsg_engine_policy *p = policy(i);
		uint64_t counts[400];

		put_in_force(e, p);
		nsg_engine_policy_unref(p);
		memset(counts, 0xff, sizeof(counts));
		nsg_engine_rule_counts(e, counts, 30);
		nsg_engine_route_counts(e, counts + 30, 370);
		for (size_t j = 0; j < 400; j++)
			assert_int_equal(counts[j], 0);
	}
	assert_true(nsg_engine_stop(e));
}

/* Two workers and the test hold each policy; without records the workers let go when they take the
 * next one. */
static void a_policy_is_freed_when_the_last_holder_lets_go(void **state)
{
	struct nsg_engine *e = start(0, 2);
	struct nsg_engine_policy *first = policy(1), *second = policy(2);

	(void)state;
	n_freed = 0;
	put_in_force(e, first);
	assert_int_equal(n_freed, 1); /* that of the start */
	assert_int_equal(first->references, 3);
	put_in_force(e, second);
	assert_int_equal(first->references, 1);
	assert_null(nsg_engine_policy_unref(first));
	assert_int_equal(n_freed, 2);
	assert_null(nsg_engine_policy_unref(second));
	assert_int_equal(n_freed, 2);
	assert_true(nsg_engine_stop(e));
	assert_int_equal(n_freed, 3);
	assert_null(nsg_engine_policy_unref(NULL));
}

/* Whether or not a worker took it, until all have taken another one. */
static void a_policy_that_is_given_up_is_kept(void **state)
{
	struct nsg_engine *e = start(0, 2);
	struct nsg_engine_policy *withdrawn = policy(1), *replaced = policy(2), *last = policy(3);

	(void)state;
	n_freed = 0;
	assert_int_equal(nsg_engine_publish(e, withdrawn), 0);
	assert_int_equal(nsg_engine_publish(e, replaced), 0);
	assert_int_equal(nsg_engine_publish(e, last), 0);
	nsg_engine_policy_unref(withdrawn);
	nsg_engine_policy_unref(replaced);
	assert_true(nsg_engine_trace_arm(e)); /* frees what it may */
	assert_int_equal(n_freed, 0);
	assert_false(nsg_engine_is_settled(e, last));
	put_in_force(e, last);
	assert_true(nsg_engine_is_settled(e, last));
	nsg_engine_policy_unref(last);
	assert_int_equal(n_freed, 3); /* with that of the start */
	assert_true(nsg_engine_stop(e));
	assert_int_equal(n_freed, 4);
}

/* Without another reload: the workers acknowledge the policy in force, which is published again. */
static void a_withdrawal_ends(void **state)
{
	struct nsg_engine *e = start(0, 2);
	struct nsg_engine_policy *first = policy(1), *withdrawn = policy(2);

	(void)state;
	put_in_force(e, first);
	n_freed = 0;
	nsg_engine_withdraw(e); /* there is none */
	assert_true(nsg_engine_is_settled(e, first));
	assert_int_equal(nsg_engine_publish(e, withdrawn), 0);
	nsg_engine_policy_unref(withdrawn);
	wait_until_acknowledged(e); /* and may be withdrawn nevertheless */
	nsg_engine_withdraw(e);
	assert_false(nsg_engine_is_settled(e, first));
	wait_until_in_force(e);
	assert_true(nsg_engine_is_settled(e, first));
	assert_int_equal(n_freed, 1);
	nsg_engine_policy_unref(first);
	assert_true(nsg_engine_stop(e));
	assert_int_equal(n_freed, 2);
}

/* The ring's writer is the worker, which has nothing to do: a record in its place. */
static void a_policy_with_unread_records_is_kept(void **state)
{
	struct nsg_engine *e = start(0, 1);
	struct nsg_engine_policy *p = policy(1);
	struct nsg_ring *ring = nsg_engine_ring(e, 0);

	(void)state;
	n_freed = 0;
	assert_non_null(nsg_ring_claim(ring));
	nsg_ring_commit(ring);
	put_in_force(e, p);
	nsg_engine_policy_unref(p);
	assert_false(nsg_engine_trace_arm(e));
	assert_int_equal(n_freed, 0);
	nsg_ring_release(ring);
	assert_true(nsg_engine_trace_arm(e));
	assert_int_equal(n_freed, 1);
	assert_true(nsg_engine_stop(e));
}

/* A worker answers when it gets a processor; asked again before, it seems not to be alive. */
static bool comes_alive(struct nsg_engine *e)
{
	static const struct timespec moment = {.tv_nsec = 20000000};

	for (int i = 0; i < 500; i++) {
		(void)nanosleep(&moment, NULL);
		if (nsg_engine_alive(e))
			return true;
	}
	return false;
}

static void an_idle_queue_is_drained_and_its_workers_are_alive(void **state)
{
	struct nsg_engine *e = start(0, 2);

	(void)state;
	assert_int_equal(nsg_engine_drain(e, 10000000000u), 0);
	(void)nsg_engine_alive(e);
	for (int i = 0; i < 5; i++)
		assert_true(comes_alive(e));
	assert_true(nsg_engine_trace_arm(e));
	nsg_engine_trace(e, NSG_LOG_ALL, 256);
	assert_int_equal(nsg_engine_n_rings(e), 2);
	assert_null(nsg_ring_peek(nsg_engine_ring(e, 1)));
	assert_true(nsg_engine_stop(e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(queues_are_bound_while_it_runs),
	    cmocka_unit_test(a_queue_that_is_taken_is_named_and_nothing_is_left),
	    cmocka_unit_test(a_queue_outlives_its_engine_in_its_socket),
	    cmocka_unit_test(every_policy_is_acknowledged_by_every_worker),
	    cmocka_unit_test(a_policy_is_freed_when_the_last_holder_lets_go),
	    cmocka_unit_test(a_policy_that_is_given_up_is_kept),
	    cmocka_unit_test(a_withdrawal_ends),
	    cmocka_unit_test(a_policy_with_unread_records_is_kept),
	    cmocka_unit_test(an_idle_queue_is_drained_and_its_workers_are_alive),
	};

	if (unshare(CLONE_NEWNET) < 0 &&
	    (errno != EPERM || unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)) {
		perror("unshare");
		return SKIPPED;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
