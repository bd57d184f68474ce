/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include "engine/message.h"
#include "support/fake_queue.h"
#include "util/cleanup.h"
#include "util/limits.h"
#include "util/macro.h"

#define MARK 0x8000beefu

static uint32_t aligned[FAKE_MESSAGE_BYTES / 4];

/* Moves the first `size` bytes to the end of a heap block, where a sanitizer guards what follows.
 */
static enum nsg_message_kind read_guarded(const void *bytes, size_t size, struct nsg_message *m)
{
	cleanup_free uint8_t *copy = malloc(size ? size : 1);
	const uint8_t *data = copy;
	enum nsg_message_kind kind;

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	kind = nsg_message_next(&data, &size, m);
	if (kind == NSG_MESSAGE_PACKET && m->captured) {
		/* What it points at must be readable. */
		uint8_t last = m->payload[m->captured - 1];

		(void)last;
		m->payload = NULL;
	}
	return kind;
}

static void a_packet_is_read_whole(void **state)
{
	struct fake_queue q = {.number = 3, .last_id = 41};
	uint8_t packet[28];
	size_t n =
	    fake_queue_packet(&q, AF_INET, MARK, packet, fake_udp(packet, 1, 2, 3, 4), 0, aligned);
	const uint8_t *data = (const uint8_t *)aligned;
	struct nsg_message m;

	(void)state;
	assert_int_equal(nsg_message_next(&data, &n, &m), NSG_MESSAGE_PACKET);
	assert_int_equal(m.id, 42);
	assert_int_equal(m.mark, MARK);
	assert_int_equal(m.family, AF_INET);
	assert_int_equal(m.captured, 28);
	assert_int_equal(m.length, 28);
	assert_memory_equal(m.payload, packet, 28);
	assert_int_equal(nsg_message_next(&data, &n, &m), NSG_MESSAGE_END);
}

static void an_absent_mark_is_zero_and_a_cut_copy_keeps_its_length(void **state)
{
	struct fake_queue q = {0};
	uint8_t packet[28];
	size_t n =
	    fake_queue_packet(&q, AF_INET, 0, packet, fake_udp(packet, 1, 2, 3, 4), 65536, aligned);
	struct nsg_message m;

	(void)state;
	assert_int_equal(read_guarded(aligned, n, &m), NSG_MESSAGE_PACKET);
	assert_int_equal(m.mark, 0);
	assert_int_equal(m.captured, 28);
	assert_int_equal(m.length, 65536);
}

static void a_message_cut_at_any_byte_is_never_a_packet(void **state)
{
	struct fake_queue q = {.last_id = 6};
	uint8_t packet[28];
	size_t n =
	    fake_queue_packet(&q, AF_INET, MARK, packet, fake_udp(packet, 1, 2, 3, 4), 0, aligned);
	/* nlmsghdr 16, nfgenmsg 4, attribute header 4, the id and what belongs to it 7 */
	size_t id_known = 16 + 4 + 4 + 7;

	(void)state;
	for (size_t cut = 0; cut < n; cut++) {
		struct nsg_message m;
		enum nsg_message_kind kind = read_guarded(aligned, cut, &m);

		if (!cut)
			assert_int_equal(kind, NSG_MESSAGE_END);
		else if (cut < id_known)
			assert_int_equal(kind, NSG_MESSAGE_UNREADABLE);
		else
			assert_int_equal(kind, NSG_MESSAGE_BAD);
		if (kind == NSG_MESSAGE_BAD)
			assert_int_equal(m.id, 7);
	}
}

static void attribute_lengths_that_lie_are_bad(void **state)
{
	struct fake_queue q = {0};
	uint8_t packet[28];
	size_t n =
	    fake_queue_packet(&q, AF_INET, MARK, packet, fake_udp(packet, 1, 2, 3, 4), 0, aligned);
	size_t mark_at = 16 + 4 + 12;
	static const struct {
		size_t at;
		uint16_t length;
		enum nsg_message_kind kind;
	} cases[] = {
	    {20, 0, NSG_MESSAGE_UNREADABLE},
	    {20, 3, NSG_MESSAGE_UNREADABLE},
	    {20, 4, NSG_MESSAGE_UNREADABLE},
	    {20, 10, NSG_MESSAGE_UNREADABLE},
	    {20, 0xffff, NSG_MESSAGE_UNREADABLE},
	    {32, 0, NSG_MESSAGE_BAD},
	    {32, 3, NSG_MESSAGE_BAD},
	    {32, 7, NSG_MESSAGE_BAD},
	    {32, 0xfff0, NSG_MESSAGE_BAD},
	};

	(void)state;
	assert_int_equal(mark_at, 32);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(cases); i++) {
		uint32_t copy[FAKE_MESSAGE_BYTES / 4];
		struct nsg_message m;

		memcpy(copy, aligned, n);
		memcpy((uint8_t *)copy + cases[i].at, &cases[i].length, sizeof(uint16_t));
		assert_int_equal(read_guarded(copy, n, &m), cases[i].kind);
	}
}

static void a_message_length_that_lies_ends_the_datagram(void **state)
{
	static const uint32_t lengths[] = {0, 1, 15, 0x7fffffff, 0xffffffff};
	struct fake_queue q = {0};
	uint8_t packet[28];
	size_t n =
	    fake_queue_packet(&q, AF_INET, 0, packet, fake_udp(packet, 1, 2, 3, 4), 0, aligned);

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(lengths); i++) {
		const uint8_t *data = (const uint8_t *)aligned;
		size_t size = n;
		struct nsg_message m;

		aligned[0] = lengths[i];
		assert_int_equal(nsg_message_next(&data, &size, &m), NSG_MESSAGE_BAD);
		assert_int_equal(m.id, 1);
		assert_int_equal(size, 0);
	}
}

static void an_error_answer_is_told_apart(void **state)
{
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
	} error = {
	    .h = {.nlmsg_len = sizeof(error), .nlmsg_type = NLMSG_ERROR},
	    .e = {.error = -ENOENT},
	};
	struct nsg_message m;

	(void)state;
	assert_int_equal(read_guarded(&error, sizeof(error), &m), NSG_MESSAGE_ERROR);
	assert_int_equal(m.error, -ENOENT);
	error.h.nlmsg_type = NLMSG_NOOP;
	assert_int_equal(read_guarded(&error, sizeof(error), &m), NSG_MESSAGE_OTHER);
}

/* ---- verdicts ------------------------------------------------------------------------------ */

static void fill(struct fake_queue *q, uint32_t first, size_t n)
{
	*q = (struct fake_queue){.number = 9, .last_id = first + (uint32_t)n - 1};
	for (size_t i = 0; i < n; i++)
		q->packets[q->n++] = (struct fake_packet){.id = first + (uint32_t)i, .mark = MARK};
}

static void check_verdicts(const struct fake_queue *q, const struct nsg_queue_verdict *o, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct fake_packet *p = fake_queue_find(q, o[i].id);

		assert_non_null(p);
		assert_int_equal(p->verdicts, 1);
		assert_int_equal(p->accepted, o[i].accept);
		assert_int_equal(p->mark, o[i].has_mark ? o[i].mark : MARK);
	}
	assert_int_equal(q->garbage, 0);
	assert_int_equal(q->not_found, 0);
}

/* Also across the wrap of the ids. */
static void every_packet_gets_its_own_verdict_once(void **state)
{
	static struct fake_queue q;
	static uint8_t out[(NSG_BATCH + 1) * NSG_VERDICT_BYTES] __attribute__((aligned(4)));

	(void)state;
	srand(7);
	for (int round = 0; round < 2000; round++) {
		size_t n = 1 + (size_t)rand() % NSG_BATCH;
		uint32_t first = round % 2 ? 1 : UINT32_MAX - (uint32_t)rand() % NSG_BATCH;
		unsigned int kinds = 1 + (unsigned int)rand() % 5;
		struct nsg_queue_verdict o[NSG_BATCH];
		size_t size;

		fill(&q, first, n);
		for (size_t i = 0; i < n; i++) {
			unsigned int kind = (unsigned int)rand() % kinds;

			o[i] = (struct nsg_queue_verdict){
			    .id = first + (uint32_t)i,
			    .accept = kind != 1,
			    .has_mark = kind > 1,
			    .mark = kind > 1 ? kind << 16 : (uint32_t)rand(),
			};
		}
		size = nsg_verdicts_put(out, 9, o, n, false);
		assert_true(size <= (n + 1) * NSG_VERDICT_BYTES);
		fake_queue_apply(&q, out, size);
		check_verdicts(&q, o, n);
	}
}

static void the_usual_verdict_is_one_message(void **state)
{
	static struct fake_queue q;
	uint8_t out[(NSG_BATCH + 1) * NSG_VERDICT_BYTES] __attribute__((aligned(4)));
	struct nsg_queue_verdict o[NSG_BATCH];

	(void)state;
	fill(&q, 1, NSG_BATCH);
	for (uint32_t i = 0; i < NSG_BATCH; i++)
		o[i] =
		    (struct nsg_queue_verdict){.id = i + 1, .accept = i != 5 && i != NSG_BATCH - 1};
	fake_queue_apply(&q, out, nsg_verdicts_put(out, 9, o, NSG_BATCH, false));
	check_verdicts(&q, o, NSG_BATCH);
	assert_int_equal(q.answers, 3);
}

static void an_unreadable_packet_is_dropped_with_the_batch_that_follows(void **state)
{
	static struct fake_queue q;
	uint8_t out[(NSG_BATCH + 1) * NSG_VERDICT_BYTES] __attribute__((aligned(4)));
	struct nsg_queue_verdict o[2] = {{.id = 2, .accept = true}, {.id = 4, .accept = true}};

	(void)state;
	fill(&q, 1, 5);
	fake_queue_apply(&q, out, nsg_verdicts_put(out, 9, o, 2, true));
	for (uint32_t id = 1; id <= 4; id++) {
		assert_int_equal(fake_queue_find(&q, id)->verdicts, 1);
		assert_int_equal(fake_queue_find(&q, id)->accepted, id % 2 == 0);
	}
	assert_int_equal(fake_queue_find(&q, 5)->verdicts, 0);
}

static void no_packets_need_no_bytes(void **state)
{
	(void)state;
	assert_int_equal(nsg_verdicts_put(NULL, 0, NULL, 0, true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_packet_is_read_whole),
	    cmocka_unit_test(an_absent_mark_is_zero_and_a_cut_copy_keeps_its_length),
	    cmocka_unit_test(a_message_cut_at_any_byte_is_never_a_packet),
	    cmocka_unit_test(attribute_lengths_that_lie_are_bad),
	    cmocka_unit_test(a_message_length_that_lies_ends_the_datagram),
	    cmocka_unit_test(an_error_answer_is_told_apart),
	    cmocka_unit_test(every_packet_gets_its_own_verdict_once),
	    cmocka_unit_test(the_usual_verdict_is_one_message),
	    cmocka_unit_test(an_unreadable_packet_is_dropped_with_the_batch_that_follows),
	    cmocka_unit_test(no_packets_need_no_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
