/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/worker.h"

#include "util/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Records that the main thread may lag behind: most of a second at 20,000 a second. */
#define TRACE_RECORDS 16384

/* ---- what is counted and traced of a batch, after its verdicts went out ---------------------- */

static uint32_t rule_index(const struct nsg_slot *slot, uint16_t rule)
{
	if (rule == NSG_RULE_NO_NSG)
		return slot->n_rules - 2;
	if (rule == NSG_RULE_NONE)
		return slot->n_rules - 1;
	return rule;
}

static void count_batch(struct nsg_worker *w, uint64_t received_ns)
{
	const struct nsg_batch *b = &w->batch;
	uint64_t took_ns = nsg_clock_ns(CLOCK_MONOTONIC) - received_ns, bytes = 0, route_only = 0;
	bool dropped = false;
	int log2 = took_ns ? 63 - __builtin_clzll(took_ns) : 0;

	for (uint32_t i = 0; i < b->n; i++) {
		const struct nsg_decision *d = &b->decisions[i];
		uint16_t rule = b->route_only[i] ? NSG_RULE_NONE : d->rule;

		bytes += b->messages[i].length;
		route_only += b->route_only[i];
		dropped |= d->verdict == NSG_VERDICT_DROP;
		nsg_count_add(&w->counts[NSG_COUNT_REASONS + d->reason], 1);
		nsg_count_add(&w->counts[NSG_COUNT_GATES + d->gate], 1);
		nsg_count_add(&w->slot->counts[rule_index(w->slot, rule)], 1);
		if (d->route != NSG_ROUTE_NONE)
			nsg_count_add(&w->slot->counts[w->slot->n_rules + d->route], 1);
		if (d->admin && !b->route_only[i])
			nsg_count_add(
			    &w->slot->counts[w->slot->n_rules + w->slot->n_routes + d->admin - 1],
			    1);
	}
	if (dropped)
		atomic_store_explicit(&w->counts[NSG_COUNT_LAST_DROP], received_ns,
				      memory_order_relaxed);
	nsg_count_add(&w->counts[NSG_COUNT_ROUTE_ONLY], route_only);
	nsg_count_add(&w->counts[NSG_COUNT_PACKETS], b->n);
	nsg_count_add(&w->counts[NSG_COUNT_BYTES], bytes);
	nsg_count_add(&w->counts[NSG_COUNT_BATCHES], 1);
	nsg_count_add(&w->counts[NSG_COUNT_LATENCY + (log2 < 32 ? log2 : 31)], b->n);
}

static void trace_packet(struct nsg_worker *w, uint32_t i, uint64_t time_ns, uint32_t max_bytes)
{
	const struct nsg_batch *b = &w->batch;
	const struct nsg_message *m = &b->messages[i];
	const struct nsg_queue_verdict *o = &b->verdicts[i];
	struct nsg_trace_record *r = nsg_ring_claim(w->ring);

	w->n_traced++;
	if (!r)
		return;
	r->time_ns = time_ns;
	r->packet = w->n_traced;
	r->key = b->keys[i];
	r->host_src = b->hosts_src[i];
	r->length = m->length;
	r->decision = b->decisions[i];
	r->image = w->slot->policy->image;
	r->mark = b->decisions[i].verdict == NSG_VERDICT_ACCEPT && o->has_mark
		      ? o->mark & w->shared->options.marks.hop
		      : 0;
	r->captured = (uint16_t)(m->captured < max_bytes ? m->captured : max_bytes);
	r->direction = NSG_DIRECTION_EGRESS;
	r->enforced = !w->shared->options.audit;
	r->has_uid = m->has_uid;
	r->uid = m->uid;
	r->ifindex = m->ifindex;
	if (r->captured)
		memcpy(r->payload, m->payload, r->captured);
	nsg_ring_commit(w->ring);
}

static void trace_batch(struct nsg_worker *w)
{
	struct nsg_worker_shared *s = w->shared;
	int level = atomic_load_explicit(&s->trace_level, memory_order_relaxed);
	uint32_t max_bytes = atomic_load_explicit(&s->trace_bytes, memory_order_relaxed);
	uint64_t before = w->n_traced, time_ns;

	if (level == NSG_LOG_NONE)
		return;
	if (max_bytes > NSG_RECORD_PAYLOAD_BYTES)
		max_bytes = NSG_RECORD_PAYLOAD_BYTES;
	time_ns = nsg_clock_ns(CLOCK_REALTIME);
	for (uint32_t i = 0; i < w->batch.n; i++) {
		bool drop = w->batch.decisions[i].verdict == NSG_VERDICT_DROP;

		/* IPv6 packets have no key and are not decided. */
		if (drop || (level == NSG_LOG_ALL && w->batch.messages[i].family == AF_INET))
			trace_packet(w, i, time_ns, max_bytes);
	}
	/* Pairs with nsg_engine_trace_arm(): the later of the two exchanges sees what the other
	 * thread did before its own. */
	if (w->n_traced != before &&
	    atomic_exchange_explicit(&s->trace_armed, false, memory_order_acq_rel))
		(void)eventfd_write(s->trace_fd, 1);
}

/* ---- one batch ------------------------------------------------------------------------------- */

/* The kernel processes every verdict before send() returns. Packets that a failing send() leaves in
 * the queue are dropped with the next batch. */
static void send_verdicts(struct nsg_worker *w, size_t size)
{
	for (int tries = 0; tries < 5; tries++) {
		if (send(w->queue.fd, w->verdicts, size, 0) >= 0) {
			w->orphans = w->orphans_above;
			return;
		}
		if (errno != EINTR && errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM)
			break;
	}
	nsg_count_add(&w->counts[NSG_COUNT_VERDICT_ERRORS], w->batch.n);
	w->orphans = true;
	w->orphans_above = true;
}

static void finish_batch(struct nsg_worker *w, uint64_t received_ns)
{
	struct nsg_batch *b = &w->batch;
	size_t size;

	if (!b->n)
		return;
	nsg_judge(&w->shared->options, w->slot->policy, w->memo, b);
	size = nsg_verdicts_put(w->verdicts, w->queue_number, b->verdicts, b->n, w->orphans);
	send_verdicts(w, size);
	atomic_store_explicit(&w->last_id, b->messages[b->n - 1].id, memory_order_release);
	count_batch(w, received_ns);
	trace_batch(w);
	b->n = 0;
}

static void take_datagram(struct nsg_worker *w, const uint8_t *data, size_t size,
			  uint64_t received_ns)
{
	struct nsg_batch *b = &w->batch;
	enum nsg_message_kind kind;

	while ((kind = nsg_message_next(&data, &size, &b->messages[b->n])) != NSG_MESSAGE_END) {
		switch (kind) {
		case NSG_MESSAGE_PACKET:
		case NSG_MESSAGE_BAD:
			b->bad[b->n++] = kind == NSG_MESSAGE_BAD;
			nsg_count_add(&w->counts[NSG_COUNT_BAD], kind == NSG_MESSAGE_BAD);
			w->orphans_above = false;
			if (b->n == NSG_BATCH)
				finish_batch(w, received_ns);
			break;
		case NSG_MESSAGE_UNREADABLE:
			nsg_count_add(&w->counts[NSG_COUNT_BAD], 1);
			w->orphans = true;
			w->orphans_above = true;
			break;
		case NSG_MESSAGE_ERROR:
			/* E.g. ENOENT when the packet's device disappeared, and the packet with
			 * it. */
			nsg_count_add(&w->counts[NSG_COUNT_VERDICT_ERRORS],
				      b->messages[b->n].error != 0);
			break;
		case NSG_MESSAGE_END:
		case NSG_MESSAGE_OTHER:
			break;
		}
	}
}

int nsg_worker_turn(struct nsg_worker *w)
{
	int n = recvmmsg(w->queue.fd, w->headers, NSG_BATCH, MSG_DONTWAIT, NULL);
	uint64_t received_ns;

	if (n < 0) {
		if (errno == ENOBUFS)
			nsg_count_add(&w->counts[NSG_COUNT_OVERRUNS], 1);
		return errno == ENOBUFS || errno == EINTR ? 0 : -errno;
	}
	received_ns = nsg_clock_ns(CLOCK_MONOTONIC);
	for (int i = 0; i < n; i++) {
		size_t size = w->headers[i].msg_len;

		take_datagram(w, w->datagrams[i],
			      size < NSG_DATAGRAM_BYTES ? size : NSG_DATAGRAM_BYTES, received_ns);
	}
	finish_batch(w, received_ns);
	return n;
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void take_slot(struct nsg_worker *w)
{
	struct nsg_slot *s = atomic_load_explicit(&w->inbox, memory_order_acquire);

	if (s == w->slot)
		return;
	w->slot = s;
	atomic_store_explicit(&w->taken, s, memory_order_release);
	(void)eventfd_write(w->shared->ack_fd, 1);
}

/* The queue was found empty after the request, and all earlier packets have their verdict. */
static void tell_idle(struct nsg_worker *w, uint32_t asked)
{
	if (asked == atomic_load_explicit(&w->idle_seen, memory_order_relaxed))
		return;
	atomic_store_explicit(&w->idle_seen, asked, memory_order_release);
	(void)eventfd_write(w->shared->ack_fd, 1);
}

static void wait_for_work(struct nsg_worker *w)
{
	struct pollfd fds[2] = {
	    {.fd = w->queue.fd, .events = POLLIN},
	    {.fd = w->wake_fd, .events = POLLIN},
	};
	eventfd_t rings;

	if (ppoll(fds, 2, NULL, NULL) > 0 && fds[1].revents)
		(void)eventfd_read(w->wake_fd, &rings);
}

void *nsg_worker_run(void *worker)
{
	struct nsg_worker *w = worker;

	while (!atomic_load_explicit(&w->stop, memory_order_acquire)) {
		uint32_t asked = atomic_load_explicit(&w->idle_asked, memory_order_acquire);
		int n;

		take_slot(w);
		atomic_store_explicit(&w->beats,
				      atomic_load_explicit(&w->beats, memory_order_relaxed) + 1,
				      memory_order_relaxed);
		n = nsg_worker_turn(w);
		if (n >= 0)
			continue;
		if (n != -EAGAIN) {
			atomic_store_explicit(&w->failed, -n, memory_order_release);
			break;
		}
		tell_idle(w, asked);
		wait_for_work(w);
	}
	atomic_store_explicit(&w->ended, true, memory_order_release);
	(void)eventfd_write(w->shared->ack_fd, 1);
	return NULL;
}

void nsg_worker_wake(struct nsg_worker *w)
{
	(void)eventfd_write(w->wake_fd, 1);
}

int nsg_worker_new(struct nsg_worker_shared *shared, struct nsg_queue *queue, uint16_t queue_number,
		   struct nsg_slot *slot, struct nsg_worker **ret)
{
	struct nsg_worker *w = aligned_alloc(NSG_CACHE_LINE, sizeof(*w));

	if (!w) {
		(void)close(queue->fd);
		queue->fd = -1;
		return -ENOMEM;
	}
	memset(w, 0, sizeof(*w));
	w->shared = shared;
	w->queue = *queue;
	queue->fd = -1;
	w->queue_number = queue_number;
	w->slot = slot;
	atomic_init(&w->inbox, slot);
	atomic_init(&w->taken, slot);
	for (size_t i = 0; i < NSG_BATCH; i++) {
		w->vectors[i] = (struct iovec){w->datagrams[i], NSG_DATAGRAM_BYTES};
		w->headers[i].msg_hdr.msg_iov = &w->vectors[i];
		w->headers[i].msg_hdr.msg_iovlen = 1;
	}
	w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->ring = nsg_ring_new(TRACE_RECORDS);
	w->memo = nsg_memo_new();
	if (w->wake_fd < 0 || !w->ring || !w->memo) {
		int r = w->wake_fd < 0 ? -errno : -ENOMEM;

		nsg_worker_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

struct nsg_worker *nsg_worker_free(struct nsg_worker *w)
{
	if (!w)
		return NULL;
	if (w->queue.fd >= 0)
		(void)close(w->queue.fd);
	if (w->wake_fd >= 0)
		(void)close(w->wake_fd);
	nsg_ring_free(w->ring);
	nsg_memo_free(w->memo);
	free(w);
	return NULL;
}
