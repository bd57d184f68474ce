/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "observe/ring.h"

static void records_come_out_in_order_and_a_full_ring_counts(void **state)
{
	struct nsg_ring *r = nsg_ring_new(3); /* four */

	(void)state;
	assert_non_null(r);
	assert_null(nsg_ring_peek(r));
	for (uint32_t lap = 0; lap < 3; lap++) {
		for (uint64_t i = 0; i < 4; i++) {
			struct nsg_trace_record *slot = nsg_ring_claim(r);

			assert_non_null(slot);
			slot->packet = i;
			nsg_ring_commit(r);
		}
		assert_null(nsg_ring_claim(r));
		assert_int_equal(nsg_ring_lost(r), lap + 1);
		for (uint64_t i = 0; i < 4; i++) {
			assert_int_equal(nsg_ring_peek(r)->packet, i);
			nsg_ring_release(r);
		}
		assert_null(nsg_ring_peek(r));
	}
	assert_null(nsg_ring_free(r));
	assert_null(nsg_ring_free(NULL));
}

static void a_claim_without_commit_is_nothing(void **state)
{
	struct nsg_ring *r = nsg_ring_new(4);

	(void)state;
	assert_non_null(nsg_ring_claim(r));
	assert_null(nsg_ring_peek(r));
	nsg_ring_free(r);
}

static void a_position_is_passed_when_the_records_before_it_are_released(void **state)
{
	struct nsg_ring *r = nsg_ring_new(4);
	uint32_t end = nsg_ring_end(r);

	(void)state;
	assert_true(nsg_ring_released(r, end));
	for (int i = 0; i < 2; i++) {
		assert_non_null(nsg_ring_claim(r));
		nsg_ring_commit(r);
		end = i ? end : nsg_ring_end(r);
	}
	assert_false(nsg_ring_released(r, end));
	nsg_ring_release(r);
	assert_true(nsg_ring_released(r, end));
	assert_false(nsg_ring_released(r, nsg_ring_end(r)));
	nsg_ring_free(r);
}

#define RECORDS 200000u

static void *write_records(void *data)
{
	struct nsg_ring *r = data;

	for (uint64_t i = 1; i <= RECORDS; i++) {
		struct nsg_trace_record *slot;

		while (!(slot = nsg_ring_claim(r)))
			;
		slot->packet = i;
		slot->time_ns = ~i;
		nsg_ring_commit(r);
	}
	return NULL;
}

static void two_threads_see_whole_records_in_order(void **state)
{
	struct nsg_ring *r = nsg_ring_new(64);
	pthread_t writer;

	(void)state;
	assert_int_equal(pthread_create(&writer, NULL, write_records, r), 0);
	for (uint64_t i = 1; i <= RECORDS; i++) {
		const struct nsg_trace_record *record;

		while (!(record = nsg_ring_peek(r)))
			;
		assert_int_equal(record->packet, i);
		assert_int_equal(record->time_ns, ~i);
		nsg_ring_release(r);
	}
	assert_int_equal(pthread_join(writer, NULL), 0);
	nsg_ring_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(records_come_out_in_order_and_a_full_ring_counts),
	    cmocka_unit_test(a_claim_without_commit_is_nothing),
	    cmocka_unit_test(a_position_is_passed_when_the_records_before_it_are_released),
	    cmocka_unit_test(two_threads_see_whole_records_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
