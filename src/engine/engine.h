/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NFQUEUE messages become verdict batches: one worker thread, queue, socket and buffer each. The
 * main thread hands policies over through mailboxes; workers take them between batches and
 * acknowledge. Workers allocate, lock and log nothing.
 */
#ifndef NSG_ENGINE_ENGINE_H
#define NSG_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "classify/classify.h"
#include "conf/conf.h"
#include "conf/marks.h"
#include "observe/ring.h"
#include "util/diag.h"

struct nsg_engine;

/*
 * What workers decide with. Immutable and reference-counted. Its maker holds the first reference;
 * each worker's slot holds one until the worker has acknowledged another policy and the records
 * that it wrote under this one have been read. References are taken and dropped on the main thread
 * only.
 */
struct nsg_engine_policy {
	const struct nsg_image *image;
	const uint16_t *hop_numbers; /* mark's hop number by image hop index */
	uint32_t generation;
	uint32_t src_host; /* the source address to decide packets with */
	/* Bit g: flows that a policy of generation g allowed stay allowed. Others are decided again
	 * (the kernel forgets them too; this is for packets that were queued before). */
	uint8_t standing;
	uint32_t references;
	void (*free)(struct nsg_engine_policy *p); /* when the last reference is dropped */
};

/* Returns p. */
struct nsg_engine_policy *nsg_engine_policy_ref(struct nsg_engine_policy *p);
/* NULL is fine; returns NULL. */
struct nsg_engine_policy *nsg_engine_policy_unref(struct nsg_engine_policy *p);

struct nsg_engine_options {
	uint16_t queue_first;
	uint32_t n_workers;
	uint32_t queue_length;
	bool audit;
	bool overflow_accept; /* NFQA_CFG_F_FAIL_OPEN */
	/* a denial is a mark: the kernel drops the packet and remembers its flow or destination */
	bool remember_denied;
	/* What happens to packets that a process which has died had received (nsg_queue_get). */
	bool down_accept;
	struct nsg_marks marks;
};

/* Counters summed over the workers; see nsg_engine_stats. Each of the arrays adds up
 * to `packets`. A denied packet is counted as dropped even if the kernel drops it. */
struct nsg_engine_stats {
	uint64_t packets, bytes, batches, messages_bad, verdict_errors, overruns;
	/* Packets in the kernel's queues, and dropped there since they were bound: because the
	 * queue or the socket's buffer was full. */
	uint64_t queued, queued_longest /* in one of them */, dropped_full, dropped_buffer;
	uint64_t verdicts[2]; /* by enum nsg_verdict, as enforced */
	uint64_t reasons[NSG_REASON_MAX];
	uint64_t gates[NSG_GATE_MAX];
	uint64_t would_drop;   /* audit */
	uint64_t route_only;   /* decided flows whose route was looked up again */
	uint64_t last_drop_ns; /* CLOCK_MONOTONIC; of audit, the last would-be one; 0: none */
	uint64_t latency_ns_log2[32];  /* batch receive to verdict sent, log2 buckets */
	uint32_t receive_buffer_bytes; /* as the kernel granted, smallest of the workers */
	bool gso, fail_open;
};

/* A socket of a process that has died, which owns that queue; fd -1: none. */
struct nsg_engine_socket {
	int fd;
	uint16_t queue;
};

/*
 * Binds the queues, in which packets wait from then on, or takes them over with their sockets (n of them;
 * NULL: none). Those taken over are the engine's, with -1 in their place, also on failure. Errors are
 * diagnostics: a queue in use, no permission, no NFQUEUE in the kernel. -errno, with nothing left.
 */
int nsg_engine_bind(const struct nsg_engine_options *options, struct nsg_engine_policy *policy,
		    struct nsg_engine_socket *sockets, uint32_t n, struct nsg_diag *diag,
		    struct nsg_engine **ret);
/* Starts the workers. The policy of nsg_engine_bind() is in force when it returns. -errno: nsg_engine_stop() must
 * follow. */
int nsg_engine_start(struct nsg_engine *e, struct nsg_diag *diag);
/* The socket of a worker's queue, which is the engine's. */
int nsg_engine_queue_socket(const struct nsg_engine *e, uint32_t worker);

/*
 * Hands a policy to every worker, which takes it between two batches (micro- to milliseconds), and
 * does not wait for that. An earlier policy that was published and is not in force yet is given up.
 * -ENOMEM.
 */
int nsg_engine_publish(struct nsg_engine *e, struct nsg_engine_policy *policy);
/* Whether every worker has acknowledged the published policy, which is then either put in force or
 * withdrawn. The descriptor is readable when this may have become true. */
bool nsg_engine_is_acknowledged(struct nsg_engine *e);
int nsg_engine_ack_fd(const struct nsg_engine *e);
/* The acknowledged policy is in force. */
void nsg_engine_settle(struct nsg_engine *e);
/* Gives up a policy that is published and not in force yet: the one in force is published again, and must
 * be settled like a new one. Without memory for that, the workers return to it, but the engine stays
 * unsettled until the next policy is settled. */
void nsg_engine_withdraw(struct nsg_engine *e);
/* Whether all workers use this policy: none may still use one that was given up. */
bool nsg_engine_is_settled(const struct nsg_engine *e, const struct nsg_engine_policy *policy);

/* Waits until every queue is empty and every verdict is sent. -ETIMEDOUT. */
int nsg_engine_drain(struct nsg_engine *e, uint64_t timeout_ns);

/* Draws a line behind all packets that are queued now; then, whether each of them has its verdict. */
void nsg_engine_line(struct nsg_engine *e);
bool nsg_engine_passed_line(const struct nsg_engine *e);

/* Trace: each worker writes a record for every decision that passes the filter into its ring, and
 * counts what does not fit. level as in [log] decisions. The main thread reads the rings. */
void nsg_engine_trace(struct nsg_engine *e, enum nsg_conf_log_decisions level,
		      uint32_t payload_bytes);
/* Readable when records wait in some ring. nsg_engine_trace_arm() returns false if records
 * wait already, true if the descriptor will become readable for the next one. */
int nsg_engine_trace_fd(const struct nsg_engine *e);
bool nsg_engine_trace_arm(struct nsg_engine *e);
uint32_t nsg_engine_n_rings(const struct nsg_engine *e);
struct nsg_ring *nsg_engine_ring(struct nsg_engine *e, uint32_t worker);

void nsg_engine_stats(const struct nsg_engine *e, struct nsg_engine_stats *ret);
/* Decisions by rule and by route of the image in force; arrays of the image's n_rules + 2 (no NSG,
 * not evaluated, in this order at the end) and n_routes. Reset at publish. */
void nsg_engine_rule_counts(const struct nsg_engine *e, uint64_t *ret, uint32_t n);
void nsg_engine_route_counts(const struct nsg_engine *e, uint64_t *ret, uint32_t n);
/* The same by security admin rule; an array of the n_rules of nsg_image_admin(). */
void nsg_engine_admin_counts(const struct nsg_engine *e, uint64_t *ret, uint32_t n);

/* Whether every worker has run since the last call. Each call wakes them all, so leave time in
 * between. For the watchdog. */
bool nsg_engine_alive(struct nsg_engine *e);

/* 0, or the errno that ended a worker: its socket failed and its queue is without a reader. */
int nsg_engine_failed(const struct nsg_engine *e);

/* Stops the workers, unbinds, frees. False if a worker does not end within two seconds: nothing is freed
 * then, since the worker still uses it, and the process should exit. NULL is fine. */
bool nsg_engine_stop(struct nsg_engine *e);

#endif
