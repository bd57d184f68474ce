/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/engine.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "engine/worker.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/macro.h"
#include "util/thread.h"

/* A worker ends between two batches. */
#define STOP_TIMEOUT_NS (2 * (uint64_t)NSG_NS_PER_SEC)

struct nsg_engine {
	struct nsg_worker_shared shared;
	struct nsg_worker *workers[NSG_MAX_WORKERS];
	struct nsg_slot *slots[NSG_MAX_WORKERS]; /* in force */
	bool running[NSG_MAX_WORKERS];
	uint32_t beats_seen[NSG_MAX_WORKERS];
	uint32_t n_workers;
	uint32_t idle_asked;
	bool line_drawn;
	uint32_t line[NSG_MAX_WORKERS]; /* ids */
	/* Of a policy that is published and not in force yet; NULL: none. */
	struct nsg_slot *offered[NSG_MAX_WORKERS];
	/* Workers may use any slot that is retired, until they have all taken one that is offered.
	 * Taking the one in force again is not seen, so a withdrawal offers new ones. */
	bool unsettled;
	struct nsg_slot *retired[NSG_MAX_WORKERS]; /* replaced, some with unread records */
};

/* ---- policies and slots ---------------------------------------------------------------------- */

struct nsg_engine_policy *nsg_engine_policy_ref(struct nsg_engine_policy *p)
{
	p->references++;
	return p;
}

struct nsg_engine_policy *nsg_engine_policy_unref(struct nsg_engine_policy *p)
{
	if (p && --p->references == 0)
		p->free(p);
	return NULL;
}

static struct nsg_slot *slot_free(struct nsg_slot *s)
{
	if (s) {
		nsg_engine_policy_unref(s->policy);
		free(s->counts);
		free(s);
	}
	return NULL;
}

static struct nsg_slot *slot_new(struct nsg_engine_policy *policy)
{
	const struct nsg_image *admin = nsg_image_admin(policy->image);
	struct nsg_image_info info = nsg_image_info(policy->image);
	struct nsg_slot *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->policy = nsg_engine_policy_ref(policy);
	s->n_rules = info.n_rules + 2;
	s->n_routes = info.n_routes;
	s->n_admin_rules = admin ? nsg_image_info(admin).n_rules : 0;
	s->counts = calloc((size_t)s->n_rules + s->n_routes + s->n_admin_rules, sizeof(*s->counts));
	return s->counts ? s : slot_free(s);
}

static void slots_free(struct nsg_slot **slots, size_t n)
{
	for (size_t i = 0; i < n; i++)
		slots[i] = slot_free(slots[i]);
}

/* One for every worker, or none. */
static int slots_new(uint32_t n, struct nsg_engine_policy *policy, struct nsg_slot **ret)
{
	for (uint32_t i = 0; i < n; i++) {
		ret[i] = slot_new(policy);
		if (!ret[i]) {
			slots_free(ret, i);
			return -ENOMEM;
		}
	}
	return 0;
}

static void retire(struct nsg_engine *e, struct nsg_slot **slots)
{
	for (uint32_t i = 0; i < e->n_workers; i++) {
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): slots_new() filled it */
		slots[i]->next = e->retired[i];
		e->retired[i] = slots[i];
	}
}

/* No worker uses a retired slot any more: all its records are in the ring. */
static void close_retired(struct nsg_engine *e)
{
	for (uint32_t i = 0; i < e->n_workers; i++)
		for (struct nsg_slot *s = e->retired[i]; s; s = s->next)
			s->records_end = nsg_ring_end(e->workers[i]->ring);
	e->unsettled = false;
}

static void free_read(struct nsg_engine *e)
{
	for (uint32_t i = 0; i < e->n_workers && !e->unsettled; i++) {
		struct nsg_slot **p = &e->retired[i];

		while (*p) {
			struct nsg_slot *s = *p;

			if (nsg_ring_released(e->workers[i]->ring, s->records_end)) {
				*p = s->next;
				slot_free(s);
			} else {
				p = &s->next;
			}
		}
	}
}

/* ---- questions to all workers ---------------------------------------------------------------- */

static void wake_all(struct nsg_engine *e)
{
	for (uint32_t i = 0; i < e->n_workers; i++)
		nsg_worker_wake(e->workers[i]);
}

/* When `done` of a worker may have changed, it writes to ack_fd. */
static int wait_for_all(struct nsg_engine *e, uint64_t timeout_ns,
			bool (*done)(const struct nsg_engine *e, uint32_t worker))
{
	uint64_t start_ns = nsg_clock_ns(CLOCK_MONOTONIC);

	for (uint32_t i = 0; i < e->n_workers;) {
		struct pollfd p = {.fd = e->shared.ack_fd, .events = POLLIN};
		uint64_t spent_ns;
		eventfd_t rings;

		if (done(e, i)) {
			i++;
			continue;
		}
		spent_ns = nsg_clock_ns(CLOCK_MONOTONIC) - start_ns;
		if (spent_ns >= timeout_ns)
			return -ETIMEDOUT;
		(void)poll(&p, 1, (int)((timeout_ns - spent_ns) / 1000000u) + 1);
		(void)eventfd_read(e->shared.ack_fd, &rings);
	}
	return 0;
}

/* ---- start and stop -------------------------------------------------------------------------- */

static int start_thread(struct nsg_worker *w)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "nsgd-q%u", w->queue_number);
	return nsg_thread_start(&w->thread, name, nsg_worker_run, w);
}

static int make_workers(struct nsg_engine *e, struct nsg_engine_socket *sockets, uint32_t n,
			struct nsg_diag *diag)
{
	const struct nsg_engine_options *o = &e->shared.options;
	int r;

	for (uint32_t i = 0; i < e->n_workers; i++) {
		uint16_t number = (uint16_t)(o->queue_first + i);
		struct nsg_queue queue;

		r = nsg_queue_get(o, number, sockets, n, diag, &queue);
		if (r < 0)
			return r;
		r = nsg_worker_new(&e->shared, &queue, number, e->slots[i], &e->workers[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

int nsg_engine_start(struct nsg_engine *e, struct nsg_diag *diag)
{
	int r;

	for (uint32_t i = 0; i < e->n_workers; i++) {
		r = start_thread(e->workers[i]);
		if (r < 0) {
			(void)nsg_diag_add(diag, NSG_ERROR, NULL, NULL,
					   "cannot start a worker thread: %s", strerror(-r));
			return r;
		}
		e->running[i] = true;
	}
	return 0;
}

int nsg_engine_bind(const struct nsg_engine_options *options, struct nsg_engine_policy *policy,
		    struct nsg_engine_socket *sockets, uint32_t n, struct nsg_diag *diag,
		    struct nsg_engine **ret)
{
	struct nsg_engine *e;
	int r;

	if (!options->n_workers || options->n_workers > NSG_MAX_WORKERS)
		return -EINVAL;
	e = aligned_alloc(NSG_CACHE_LINE,
			  (sizeof(*e) + NSG_CACHE_LINE - 1) & ~(size_t)(NSG_CACHE_LINE - 1));
	if (!e)
		return -ENOMEM;
	memset(e, 0, sizeof(*e));
	e->shared.options = *options;
	e->shared.ack_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	e->shared.trace_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (e->shared.ack_fd < 0 || e->shared.trace_fd < 0) {
		r = -errno;
		(void)nsg_engine_stop(e);
		return r;
	}
	r = slots_new(options->n_workers, policy, e->slots);
	if (!r) {
		e->n_workers = options->n_workers;
		r = make_workers(e, sockets, n, diag);
	}
	if (r < 0) {
		(void)nsg_engine_stop(e);
		return r;
	}
	*ret = e;
	return 0;
}

static bool has_ended(const struct nsg_engine *e, uint32_t i)
{
	return !e->running[i] || atomic_load_explicit(&e->workers[i]->ended, memory_order_acquire);
}

bool nsg_engine_stop(struct nsg_engine *e)
{
	if (!e)
		return true;
	for (uint32_t i = 0; i < e->n_workers; i++) {
		if (!e->running[i])
			continue;
		atomic_store_explicit(&e->workers[i]->stop, true, memory_order_release);
		nsg_worker_wake(e->workers[i]);
	}
	if (wait_for_all(e, STOP_TIMEOUT_NS, has_ended) < 0)
		return false;
	for (uint32_t i = 0; i < e->n_workers; i++) {
		if (e->running[i])
			(void)pthread_join(e->workers[i]->thread, NULL);
		nsg_worker_free(e->workers[i]);
		while (e->retired[i]) {
			struct nsg_slot *s = e->retired[i];

			e->retired[i] = s->next;
			slot_free(s);
		}
	}
	slots_free(e->slots, e->n_workers);
	slots_free(e->offered, e->n_workers);
	if (e->shared.ack_fd >= 0)
		(void)close(e->shared.ack_fd);
	if (e->shared.trace_fd >= 0)
		(void)close(e->shared.trace_fd);
	free(e);
	return true;
}

/* ---- publishing a policy ---------------------------------------------------------------------- */

static bool took_inbox(const struct nsg_engine *e, uint32_t i)
{
	const struct nsg_worker *w = e->workers[i];

	return atomic_load_explicit(&w->taken, memory_order_acquire) ==
	       atomic_load_explicit(&w->inbox, memory_order_relaxed);
}

static void offer(struct nsg_engine *e, struct nsg_slot **slots)
{
	e->unsettled = true;
	for (uint32_t i = 0; i < e->n_workers; i++)
		atomic_store_explicit(&e->workers[i]->inbox, slots[i], memory_order_release);
	wake_all(e);
}

static void retire_offered(struct nsg_engine *e)
{
	if (e->offered[0])
		retire(e, e->offered);
	memset(e->offered, 0, sizeof(e->offered));
}

int nsg_engine_publish(struct nsg_engine *e, struct nsg_engine_policy *policy)
{
	struct nsg_slot *slots[NSG_MAX_WORKERS];
	int r;

	r = slots_new(e->n_workers, policy, slots);
	if (r < 0)
		return r;
	retire_offered(e);
	memcpy(e->offered, slots, e->n_workers * sizeof(struct nsg_slot *));
	offer(e, slots);
	return 0;
}

void nsg_engine_withdraw(struct nsg_engine *e)
{
	if (!e->offered[0] || nsg_engine_publish(e, e->slots[0]->policy) >= 0)
		return;
	/* no memory: without new slots the engine is unsettled until the next policy is in force */
	retire_offered(e);
	offer(e, e->slots);
}

bool nsg_engine_is_acknowledged(struct nsg_engine *e)
{
	eventfd_t rings;

	(void)eventfd_read(e->shared.ack_fd, &rings);
	if (!e->offered[0])
		return false;
	for (uint32_t i = 0; i < e->n_workers; i++)
		if (!took_inbox(e, i))
			return false;
	return true;
}

void nsg_engine_settle(struct nsg_engine *e)
{
	retire(e, e->slots);
	memcpy(e->slots, e->offered, sizeof(e->slots));
	memset(e->offered, 0, sizeof(e->offered));
	close_retired(e);
	free_read(e);
}

bool nsg_engine_is_settled(const struct nsg_engine *e, const struct nsg_engine_policy *policy)
{
	return !e->unsettled && e->slots[0]->policy == policy;
}

int nsg_engine_ack_fd(const struct nsg_engine *e)
{
	return e->shared.ack_fd;
}

static bool was_idle(const struct nsg_engine *e, uint32_t i)
{
	return atomic_load_explicit(&e->workers[i]->idle_seen, memory_order_acquire) ==
	       e->idle_asked;
}

static void ask_whether_idle(struct nsg_engine *e)
{
	e->idle_asked++;
	for (uint32_t i = 0; i < e->n_workers; i++)
		atomic_store_explicit(&e->workers[i]->idle_asked, e->idle_asked,
				      memory_order_release);
	wake_all(e);
}

void nsg_engine_line(struct nsg_engine *e)
{
	struct nsg_queue_state queues[NSG_MAX_WORKERS];

	e->line_drawn =
	    nsg_queue_read_proc(e->shared.options.queue_first, e->n_workers, queues) >= 0;
	for (uint32_t i = 0; e->line_drawn && i < e->n_workers; i++)
		e->line[i] = queues[i].last_id;
	ask_whether_idle(e);
}

/* Ids wrap around. */
static bool passed_line(const struct nsg_engine *e, uint32_t i)
{
	uint32_t done = atomic_load_explicit(&e->workers[i]->last_id, memory_order_acquire);

	return was_idle(e, i) || (e->line_drawn && (int32_t)(done - e->line[i]) >= 0);
}

bool nsg_engine_passed_line(const struct nsg_engine *e)
{
	for (uint32_t i = 0; i < e->n_workers; i++)
		if (!passed_line(e, i))
			return false;
	return true;
}

int nsg_engine_drain(struct nsg_engine *e, uint64_t timeout_ns)
{
	static const struct timespec grace = {.tv_nsec = 5000000};
	uint64_t start_ns = nsg_clock_ns(CLOCK_MONOTONIC), spent_ns = 0;
	int r = 0;

	/* Twice: another processor may still have been queueing a packet by the old rules when the
	 * queue was first found empty. */
	for (int round = 0; round < 2 && !r; round++) {
		if (round)
			(void)nanosleep(&grace, NULL);
		ask_whether_idle(e);
		spent_ns = nsg_clock_ns(CLOCK_MONOTONIC) - start_ns;
		if (spent_ns > timeout_ns)
			spent_ns = timeout_ns;
		r = wait_for_all(e, timeout_ns - spent_ns, was_idle);
	}
	return r;
}

bool nsg_engine_alive(struct nsg_engine *e)
{
	bool alive = true;

	for (uint32_t i = 0; i < e->n_workers; i++) {
		const struct nsg_worker *w = e->workers[i];
		uint32_t beats = atomic_load_explicit(&w->beats, memory_order_relaxed);

		alive &= beats != e->beats_seen[i];
		e->beats_seen[i] = beats;
	}
	wake_all(e);
	return alive;
}

int nsg_engine_failed(const struct nsg_engine *e)
{
	int failed = 0;

	for (uint32_t i = 0; i < e->n_workers && !failed; i++)
		failed = atomic_load_explicit(&e->workers[i]->failed, memory_order_acquire);
	return failed;
}

/* ---- trace ----------------------------------------------------------------------------------- */

void nsg_engine_trace(struct nsg_engine *e, enum nsg_conf_log_decisions level,
		      uint32_t payload_bytes)
{
	atomic_store_explicit(&e->shared.trace_bytes, payload_bytes, memory_order_relaxed);
	atomic_store_explicit(&e->shared.trace_level, (int)level, memory_order_relaxed);
}

int nsg_engine_trace_fd(const struct nsg_engine *e)
{
	return e->shared.trace_fd;
}

bool nsg_engine_trace_arm(struct nsg_engine *e)
{
	eventfd_t rings;

	free_read(e);
	(void)eventfd_read(e->shared.trace_fd, &rings);
	(void)atomic_exchange_explicit(&e->shared.trace_armed, true, memory_order_acq_rel);
	for (uint32_t i = 0; i < e->n_workers; i++)
		if (nsg_ring_peek(e->workers[i]->ring))
			return false;
	return true;
}

uint32_t nsg_engine_n_rings(const struct nsg_engine *e)
{
	return e->n_workers;
}

int nsg_engine_queue_socket(const struct nsg_engine *e, uint32_t worker)
{
	return e->workers[worker]->queue.fd;
}

struct nsg_ring *nsg_engine_ring(struct nsg_engine *e, uint32_t worker)
{
	return e->workers[worker]->ring;
}

/* ---- counters -------------------------------------------------------------------------------- */

static uint64_t sum(const struct nsg_engine *e, size_t index)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < e->n_workers; i++)
		n += nsg_count_read(&e->workers[i]->counts[index]);
	return n;
}

static void sum_array(const struct nsg_engine *e, size_t first, uint64_t *ret, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ret[i] = sum(e, first + i);
}

/* Every reason has one verdict, so the workers do not count verdicts as well. */
static void count_verdicts(struct nsg_engine_stats *s, bool audit)
{
	for (int i = 0; i < NSG_REASON_MAX; i++) {
		bool drops = nsg_reason_verdict((enum nsg_reason)i) == NSG_VERDICT_DROP;

		s->verdicts[drops && !audit ? NSG_VERDICT_DROP : NSG_VERDICT_ACCEPT] +=
		    s->reasons[i];
		if (drops && audit)
			s->would_drop += s->reasons[i];
	}
}

void nsg_engine_stats(const struct nsg_engine *e, struct nsg_engine_stats *ret)
{
	const struct nsg_engine_options *o = &e->shared.options;
	struct nsg_queue_state queues[NSG_MAX_WORKERS];
	struct nsg_engine_stats s = {
	    .packets = sum(e, NSG_COUNT_PACKETS),
	    .bytes = sum(e, NSG_COUNT_BYTES),
	    .batches = sum(e, NSG_COUNT_BATCHES),
	    .messages_bad = sum(e, NSG_COUNT_BAD),
	    .verdict_errors = sum(e, NSG_COUNT_VERDICT_ERRORS),
	    .overruns = sum(e, NSG_COUNT_OVERRUNS),
	    .route_only = sum(e, NSG_COUNT_ROUTE_ONLY),
	    .gso = true,
	    .fail_open = true,
	    .receive_buffer_bytes = UINT32_MAX,
	};

	sum_array(e, NSG_COUNT_REASONS, s.reasons, NSG_ARRAY_SIZE(s.reasons));
	sum_array(e, NSG_COUNT_GATES, s.gates, NSG_ARRAY_SIZE(s.gates));
	count_verdicts(&s, o->audit);
	sum_array(e, NSG_COUNT_LATENCY, s.latency_ns_log2, NSG_ARRAY_SIZE(s.latency_ns_log2));
	for (uint32_t i = 0; i < e->n_workers; i++) {
		const struct nsg_queue *q = &e->workers[i]->queue;
		uint64_t dropped_ns = nsg_count_read(&e->workers[i]->counts[NSG_COUNT_LAST_DROP]);

		if (dropped_ns > s.last_drop_ns)
			s.last_drop_ns = dropped_ns;
		s.gso &= q->gso;
		s.fail_open &= q->fail_open;
		if (q->receive_buffer_bytes < s.receive_buffer_bytes)
			s.receive_buffer_bytes = q->receive_buffer_bytes;
	}
	/* Without /proc these four stay 0. */
	if (nsg_queue_read_proc(o->queue_first, e->n_workers, queues) < 0)
		memset(queues, 0, sizeof(queues));
	for (uint32_t i = 0; i < e->n_workers; i++) {
		s.queued += queues[i].queued;
		if (queues[i].queued > s.queued_longest)
			s.queued_longest = queues[i].queued;
		s.dropped_full += queues[i].dropped_full;
		s.dropped_buffer += queues[i].dropped_buffer;
	}
	*ret = s;
}

/* Of the policy in force: `room` counters from `first` on; the rest of the caller's are 0. */
static void sum_counts(const struct nsg_engine *e, uint32_t first, uint32_t room, uint64_t *ret,
		       uint32_t n)
{
	memset(ret, 0, n * sizeof(*ret));
	for (uint32_t i = 0; i < e->n_workers; i++)
		for (uint32_t j = 0; j < n && j < room; j++)
			ret[j] += nsg_count_read(&e->slots[i]->counts[first + j]);
}

void nsg_engine_rule_counts(const struct nsg_engine *e, uint64_t *ret, uint32_t n)
{
	sum_counts(e, 0, e->slots[0]->n_rules, ret, n);
}

void nsg_engine_route_counts(const struct nsg_engine *e, uint64_t *ret, uint32_t n)
{
	sum_counts(e, e->slots[0]->n_rules, e->slots[0]->n_routes, ret, n);
}

void nsg_engine_admin_counts(const struct nsg_engine *e, uint64_t *ret, uint32_t n)
{
	const struct nsg_slot *s = e->slots[0];

	sum_counts(e, s->n_rules + s->n_routes, s->n_admin_rules, ret, n);
}
