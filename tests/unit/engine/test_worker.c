/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A worker on a socket pair: the other end is the kernel's queue as support/fake_queue tells it. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/netlink.h>

#include "engine/worker.h"
#include "support/fake_classify.h"
#include "support/fake_queue.h"

#define QUEUE 12
#define SRC NSG_IP4(10, 0, 1, 4)
#define ALLOWED NSG_IP4(10, 0, 2, 1)
#define DENIED NSG_IP4(10, 0, 2, 2)

static const struct fake_decision decisions[] = {
    {ALLOWED,
     {.route = 1,
      .rule = 1,
      .hop = 0,
      .gate = NSG_GATE_RFC1918,
      .verdict = NSG_VERDICT_ACCEPT,
      .reason = NSG_REASON_ALLOWED}},
};
static const struct nsg_image image = {
    .info = {.n_rules = 2, .n_routes = 2},
    .decisions = decisions,
    .n_decisions = 1,
};
static const uint16_t hop_numbers[] = {0};

struct fixture {
	struct nsg_worker_shared shared;
	struct nsg_worker *worker;
	struct nsg_engine_policy policy;
	struct nsg_slot slot;
	struct fake_queue queue;
	int fd; /* the kernel's end */
};

static int set_up(void **state)
{
	struct fixture *f = aligned_alloc(NSG_CACHE_LINE, (sizeof(*f) + 63) & ~(size_t)63);
	struct nsg_queue queue = {0};
	int fds[2];

	if (!f || socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) < 0)
		return -1;
	memset(f, 0, sizeof(*f));
	f->queue.number = QUEUE;
	f->shared.options = (struct nsg_engine_options){
	    .n_workers = 1,
	    .marks = {.mask = 0x0fff0000,
		      .decided = 0x08000000,
		      .generation = 0x06000000,
		      .hop = 0x01ff0000,
		      .denied = 0x01ff0000,
		      .generation_shift = 25,
		      .hop_shift = 16,
		      .max_hop = 510},
	};
	f->shared.ack_fd = eventfd(0, EFD_NONBLOCK);
	f->shared.trace_fd = eventfd(0, EFD_NONBLOCK);
	f->policy = (struct nsg_engine_policy){
	    .image = &image,
	    .hop_numbers = hop_numbers,
	    .src_host = SRC,
	};
	f->slot = (struct nsg_slot){
	    .policy = &f->policy,
	    .n_rules = 4,
	    .n_routes = 2,
	    .counts = calloc(6, sizeof(nsg_count)),
	};
	queue.fd = fds[0];
	f->fd = fds[1];
	*state = f;
	return nsg_worker_new(&f->shared, &queue, QUEUE, &f->slot, &f->worker);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	nsg_worker_free(f->worker);
	(void)close(f->fd);
	(void)close(f->shared.ack_fd);
	(void)close(f->shared.trace_fd);
	free(f->slot.counts);
	free(f);
	return 0;
}

/* What queue_packet sends: headers 20, NFQA_PACKET_HDR 12, device 8, payload 4 + 28. */
#define MESSAGE_BYTES 72

/* `cut` bytes are missing at the end of the message. */
static void queue_packet(struct fixture *f, uint32_t dst_host, size_t cut)
{
	uint32_t message[FAKE_MESSAGE_BYTES / 4];
	uint8_t packet[28];
	size_t n = fake_queue_packet(&f->queue, AF_INET, 0, packet,
				     fake_udp(packet, 1, dst_host, 4000, 53), 0, message);

	assert_int_equal(n, MESSAGE_BYTES);
	assert_int_equal(send(f->fd, message, n - cut, 0), n - cut);
}

static void take_verdicts(struct fixture *f)
{
	uint8_t bytes[8192] __attribute__((aligned(4)));
	ssize_t n;

	while ((n = recv(f->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		fake_queue_apply(&f->queue, bytes, (size_t)n);
}

static uint64_t count(const struct fixture *f, size_t index)
{
	return nsg_count_read(&f->worker->counts[index]);
}

static void an_empty_queue_says_so(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(nsg_worker_turn(f->worker), -EAGAIN);
	assert_int_equal(count(f, NSG_COUNT_BATCHES), 0);
}

static void a_batch_is_answered_and_counted(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 9; i++)
		queue_packet(f, i % 3 ? ALLOWED : DENIED, 0);
	assert_int_equal(nsg_worker_turn(f->worker), 9);
	take_verdicts(f);
	for (uint32_t id = 1; id <= 9; id++) {
		assert_int_equal(fake_queue_find(&f->queue, id)->verdicts, 1);
		assert_int_equal(fake_queue_find(&f->queue, id)->accepted, (id - 1) % 3 != 0);
	}
	assert_int_equal(f->queue.answers, 4);
	assert_int_equal(count(f, NSG_COUNT_PACKETS), 9);
	assert_int_equal(count(f, NSG_COUNT_BYTES), 9 * 28);
	assert_int_equal(count(f, NSG_COUNT_BATCHES), 1);
	assert_int_equal(count(f, NSG_COUNT_REASONS + NSG_REASON_ALLOWED), 6);
	assert_int_equal(count(f, NSG_COUNT_REASONS + NSG_REASON_NSG_DENY), 3);
	assert_int_equal(nsg_count_read(&f->slot.counts[0]), 3);     /* rule 0 */
	assert_int_equal(nsg_count_read(&f->slot.counts[1]), 6);     /* rule 1 */
	assert_int_equal(nsg_count_read(&f->slot.counts[4 + 0]), 3); /* route 0 */
	assert_int_equal(nsg_count_read(&f->slot.counts[4 + 1]), 6); /* route 1 */
}

static void audit_counts_the_denial_and_accepts(void **state)
{
	struct fixture *f = *state;

	f->shared.options.audit = true;
	queue_packet(f, DENIED, 0);
	queue_packet(f, ALLOWED, 0);
	assert_int_equal(nsg_worker_turn(f->worker), 2);
	take_verdicts(f);
	assert_true(fake_queue_find(&f->queue, 1)->accepted);
	assert_int_equal(count(f, NSG_COUNT_REASONS + NSG_REASON_NSG_DENY), 1);
}

/* Every length to which a message can be cut: the packet is dropped at the latest with the next
 * readable one, and nobody else's verdict changes. */
static void a_malformed_message_is_dropped_whatever_is_left_of_it(void **state)
{
	struct fixture *f = *state;
	uint32_t id = 0;

	for (size_t cut = 1; cut < MESSAGE_BYTES; cut++) {
		queue_packet(f, ALLOWED, 0);
		queue_packet(f, ALLOWED, cut);
		assert_true(nsg_worker_turn(f->worker) > 0);
		queue_packet(f, ALLOWED, 0);
		assert_true(nsg_worker_turn(f->worker) > 0);
		take_verdicts(f);
		for (uint32_t i = 1; i <= 3; i++) {
			const struct fake_packet *p = fake_queue_find(&f->queue, id + i);

			assert_int_equal(p->verdicts, 1);
			assert_int_equal(p->accepted, i != 2);
		}
		id += 3;
	}
	assert_int_equal(count(f, NSG_COUNT_BAD), MESSAGE_BYTES - 1);
}

static void a_datagram_larger_than_the_buffer_is_dropped(void **state)
{
	struct fixture *f = *state;
	uint32_t message[FAKE_MESSAGE_BYTES / 4];
	uint8_t payload[1500] = {0x45};
	size_t n = fake_queue_packet(&f->queue, AF_INET, 0, payload, sizeof(payload), 0, message);

	assert_int_equal(send(f->fd, message, n, 0), n);
	assert_int_equal(nsg_worker_turn(f->worker), 1);
	take_verdicts(f);
	assert_int_equal(fake_queue_find(&f->queue, 1)->verdicts, 1);
	assert_false(fake_queue_find(&f->queue, 1)->accepted);
	assert_int_equal(count(f, NSG_COUNT_REASONS + NSG_REASON_MALFORMED), 1);
}

static void an_error_answer_is_counted_and_harmless(void **state)
{
	struct fixture *f = *state;
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
	} error = {
	    .h = {.nlmsg_len = sizeof(error), .nlmsg_type = NLMSG_ERROR},
	    .e = {.error = -ENOENT},
	};

	assert_int_equal(send(f->fd, &error, sizeof(error), 0), sizeof(error));
	queue_packet(f, ALLOWED, 0);
	assert_int_equal(nsg_worker_turn(f->worker), 2);
	take_verdicts(f);
	assert_int_equal(fake_queue_find(&f->queue, 1)->verdicts, 1);
	assert_int_equal(count(f, NSG_COUNT_VERDICT_ERRORS), 1);
}

/* Verdicts that cannot be sent: what they were for is dropped with the next batch, and nothing else
 * is. */
static void what_a_failing_send_leaves_behind_is_dropped_with_the_next_batch(void **state)
{
	struct fixture *f = *state;
	const char filling = 0;
	char bytes[64];

	assert_int_equal(fcntl(f->worker->queue.fd, F_SETFL, O_NONBLOCK), 0);
	while (send(f->worker->queue.fd, &filling, sizeof(filling), 0) > 0)
		continue;
	assert_int_equal(errno, EAGAIN);
	queue_packet(f, ALLOWED, 0);
	queue_packet(f, DENIED, 0);
	queue_packet(f, ALLOWED, 0);
	assert_int_equal(nsg_worker_turn(f->worker), 3);
	assert_int_equal(count(f, NSG_COUNT_VERDICT_ERRORS), 3);
	assert_int_equal(nsg_worker_turn(f->worker), -EAGAIN);

	while (recv(f->fd, bytes, sizeof(bytes), MSG_DONTWAIT) == sizeof(filling))
		continue;
	queue_packet(f, ALLOWED, 0);
	queue_packet(f, DENIED, 0);
	assert_int_equal(nsg_worker_turn(f->worker), 2);
	queue_packet(f, ALLOWED, 0);
	assert_int_equal(nsg_worker_turn(f->worker), 1);
	take_verdicts(f);
	for (uint32_t id = 1; id <= 6; id++) {
		assert_int_equal(fake_queue_find(&f->queue, id)->verdicts, 1);
		assert_int_equal(fake_queue_find(&f->queue, id)->accepted, id == 4 || id == 6);
	}
	/* the first batch after it has singles and a drop for what is left, the next one is as ever
	 */
	assert_int_equal(f->queue.answers, 3 + 1);
	assert_int_equal(f->queue.garbage, 0);
	assert_int_equal(count(f, NSG_COUNT_VERDICT_ERRORS), 3);
}

/* A full batch of which every packet has a fate of its own, and one more. */
static void more_than_a_batch_is_answered_whole(void **state)
{
	struct fixture *f = *state;

	for (uint32_t i = 0; i < NSG_BATCH + 1; i++)
		queue_packet(f, i % 2 ? ALLOWED : DENIED, 0);
	assert_int_equal(nsg_worker_turn(f->worker), NSG_BATCH);
	assert_int_equal(nsg_worker_turn(f->worker), 1);
	assert_int_equal(nsg_worker_turn(f->worker), -EAGAIN);
	take_verdicts(f);
	for (uint32_t id = 1; id <= NSG_BATCH + 1; id++) {
		assert_int_equal(fake_queue_find(&f->queue, id)->verdicts, 1);
		assert_int_equal(fake_queue_find(&f->queue, id)->accepted, id % 2 == 0);
	}
}

static void a_dead_socket_is_an_error(void **state)
{
	struct fixture *f = *state;
	int saved = f->worker->queue.fd;

	f->worker->queue.fd = -1;
	assert_int_equal(nsg_worker_turn(f->worker), -EBADF);
	f->worker->queue.fd = saved;
}

static void denied_decisions_are_traced_with_what_the_host_sent(void **state)
{
	struct fixture *f = *state;
	const struct nsg_trace_record *r;

	f->shared.trace_level = NSG_LOG_DENIED;
	f->shared.trace_bytes = 20;
	f->shared.trace_armed = true;
	queue_packet(f, ALLOWED, 0);
	queue_packet(f, DENIED, 0);
	assert_int_equal(nsg_worker_turn(f->worker), 2);
	r = nsg_ring_peek(f->worker->ring);
	assert_non_null(r);
	assert_int_equal(r->packet, 1);
	assert_int_equal(r->key.dst_host, DENIED);
	assert_int_equal(r->key.src_host, SRC);
	assert_int_equal(r->host_src, 1);
	assert_int_equal(r->length, 28);
	assert_int_equal(r->captured, 20);
	assert_int_equal(r->payload[0], 0x45);
	assert_true(r->enforced);
	assert_int_equal(r->decision.reason, NSG_REASON_NSG_DENY);
	nsg_ring_release(f->worker->ring);
	assert_null(nsg_ring_peek(f->worker->ring));
	assert_false(f->shared.trace_armed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_empty_queue_says_so),
	    TEST(a_batch_is_answered_and_counted),
	    TEST(audit_counts_the_denial_and_accepts),
	    TEST(a_malformed_message_is_dropped_whatever_is_left_of_it),
	    TEST(a_datagram_larger_than_the_buffer_is_dropped),
	    TEST(an_error_answer_is_counted_and_harmless),
	    TEST(what_a_failing_send_leaves_behind_is_dropped_with_the_next_batch),
	    TEST(more_than_a_batch_is_answered_whole),
	    TEST(a_dead_socket_is_an_error),
	    TEST(denied_decisions_are_traced_with_what_the_host_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
