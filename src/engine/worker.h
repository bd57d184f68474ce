/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One queue's worker. Who writes what:
 *
 *   before the thread starts   everything, by the main thread
 *   while it runs              main: inbox, idle_asked, stop, then the eventfd;
 *                              worker: all the rest
 *
 * What both touch is atomic. Counters have one writer, so they need no atomic addition: relaxed
 * loads and stores that the main thread may read at any time.
 */
#ifndef NSG_ENGINE_WORKER_H
#define NSG_ENGINE_WORKER_H

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "engine/judge.h"
#include "engine/queue.h"

#define NSG_CACHE_LINE 64

/* One queued packet's message: headers and attributes are some 150 bytes, the copy
 * NSG_COPY_BYTES. Not a power of two, because the first lines of all datagrams would map to few
 * sets of the cache. */
#define NSG_DATAGRAM_BYTES 1088

/* Indices of a worker's counters. */
enum {
	NSG_COUNT_PACKETS,
	NSG_COUNT_BYTES,
	NSG_COUNT_BATCHES,
	NSG_COUNT_BAD,
	NSG_COUNT_VERDICT_ERRORS,
	NSG_COUNT_OVERRUNS,
	NSG_COUNT_ROUTE_ONLY,
	NSG_COUNT_LAST_DROP, /* not a number: when, CLOCK_MONOTONIC */
	NSG_COUNT_REASONS,
	NSG_COUNT_GATES = NSG_COUNT_REASONS + NSG_REASON_MAX,
	NSG_COUNT_LATENCY = NSG_COUNT_GATES + NSG_GATE_MAX,
	NSG_COUNT_MAX = NSG_COUNT_LATENCY + 32,
};

typedef _Atomic uint64_t nsg_count;

static inline void nsg_count_add(nsg_count *c, uint64_t n)
{
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

static inline uint64_t nsg_count_read(const nsg_count *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

/* A policy as one worker holds it, with that worker's counters for it. */
struct nsg_slot {
	struct nsg_engine_policy *policy; /* a reference */
	uint32_t n_rules;		  /* with the two for "no NSG" and "not evaluated" */
	uint32_t n_routes, n_admin_rules;
	nsg_count *counts; /* rules, routes, admin rules */

	/* After another slot has replaced it; main thread only. */
	struct nsg_slot *next;
	uint32_t records_end; /* its records are before this position of the ring */
};

/* What all workers share; written by the main thread (the last two: also by workers). */
struct nsg_worker_shared {
	struct nsg_engine_options options;
	int ack_fd;   /* eventfd: some worker took a slot, was idle when asked, or has ended */
	int trace_fd; /* eventfd: some ring has records */
	_Atomic int trace_level;
	_Atomic uint32_t trace_bytes;
	alignas(NSG_CACHE_LINE) _Atomic bool trace_armed; /* the reader waits for trace_fd */
};

struct nsg_worker {
	/* fixed */
	struct nsg_worker_shared *shared;
	struct nsg_queue queue;
	uint16_t queue_number;
	int wake_fd; /* eventfd */
	pthread_t thread;
	struct nsg_ring *ring;
	struct nsg_memo *memo;

	/* main to worker */
	alignas(NSG_CACHE_LINE) struct nsg_slot *_Atomic inbox;
	_Atomic uint32_t idle_asked;
	_Atomic bool stop;

	/* worker to main */
	alignas(NSG_CACHE_LINE) struct nsg_slot *_Atomic taken;
	_Atomic uint32_t idle_seen;
	_Atomic uint32_t last_id; /* it and all before it have their verdict */
	_Atomic uint32_t beats;
	_Atomic int failed; /* errno that ended the thread */
	_Atomic bool ended;

	/* worker only */
	alignas(NSG_CACHE_LINE) struct nsg_slot *slot;
	uint64_t n_traced;
	bool orphans;	    /* the queue holds packets whose messages could not be read ... */
	bool orphans_above; /* ... and perhaps above every id known */
	struct nsg_batch batch;
	struct mmsghdr headers[NSG_BATCH];
	struct iovec vectors[NSG_BATCH];
	uint8_t verdicts[(NSG_BATCH + 1) * NSG_VERDICT_BYTES];

	alignas(NSG_CACHE_LINE) nsg_count counts[NSG_COUNT_MAX];
	alignas(NSG_CACHE_LINE) uint8_t datagrams[NSG_BATCH][NSG_DATAGRAM_BYTES];
};

/* Takes ownership of the queue, also on failure. The slot is in force when it returns. -ENOMEM,
 * -errno. */
int nsg_worker_new(struct nsg_worker_shared *shared, struct nsg_queue *queue, uint16_t queue_number,
		   struct nsg_slot *slot, struct nsg_worker **ret);

/* Body of the thread; returns when `stop` is set or the socket is dead. */
void *nsg_worker_run(void *worker);

/* One receive without waiting, decided and answered: the number of datagrams; 0: try again;
 * -EAGAIN: the queue is empty; -errno: the socket is dead. */
int nsg_worker_turn(struct nsg_worker *w);

void nsg_worker_wake(struct nsg_worker *w);

/* The thread must not run. NULL is fine; returns NULL. The slot stays the caller's. */
struct nsg_worker *nsg_worker_free(struct nsg_worker *w);

#endif
