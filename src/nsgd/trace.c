/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "kernel/senders.h"
#include "nsgd/decision_log.h"
#include "nsgd/flow_log.h"
#include "nsgd/log.h"
#include "util/clock.h"

/* Records per turn of the event loop, so that signals and clients are served too. */
#define RECORDS_A_TURN 2048

/* After a turn the reader rests this many times as long as the turn took, so that reporting
 * decisions never takes more than a ninth of a processor from making them. Records that do not fit
 * the rings meanwhile are counted. */
#define REST_FACTOR 8
/* Five milliseconds of delay are not noticed; waking up for each single decision costs ten times as
 * much as reporting it. */
#define REST_LEAST_USEC 5000u

struct trace {
	struct nsg_engine *engine;
	struct nsg_kernel *kernel;
	struct server *server;
	enum nsg_conf_log_decisions log;
	struct flow_log *flow_log;
	struct nsg_senders *senders; /* NULL: not known of any packet */
	uint64_t missed; /* records that did not fit the rings, of which tracers were told */
	sd_event_source *records, *rest;
};

static struct nsg_line_origin origin_of(struct trace *t, const struct nsg_trace_record *r)
{
	const struct nsg_sender_key key = {
	    .protocol = r->key.protocol,
	    .src_host = r->host_src,
	    .dst_host = r->key.dst_host,
	    .sport_host = r->key.sport_host,
	    .dport_host = r->key.dport_host,
	    .uid = r->uid,
	};
	struct nsg_sender sender = {0};

	if (r->has_uid && t->senders)
		nsg_senders_find(t->senders, &key, &sender);
	return (struct nsg_line_origin){
	    .interface = nsg_kernel_link_name(t->kernel, r->ifindex),
	    .cgroup = sender.cgroup,
	    .socket = sender.inode,
	};
}

static void take_record(struct trace *t, const struct nsg_trace_record *r)
{
	struct nsg_line_origin origin;

	if (t->log == NSG_LOG_ALL)
		decision_log(r);
	else if (t->log == NSG_LOG_DENIED && r->decision.verdict == NSG_VERDICT_DROP)
		decision_log_denied(r);
	flow_log_take(t->flow_log, r);
	origin = origin_of(t, r);
	server_trace(t->server, r, &origin);
}

static uint64_t missed(const struct trace *t)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < nsg_engine_n_rings(t->engine); i++)
		n += nsg_ring_lost(nsg_engine_ring(t->engine, i));
	return n;
}

static void tell_missed(struct trace *t)
{
	uint64_t n = missed(t);

	if (n != t->missed)
		server_trace_missed(t->server, n - t->missed);
	t->missed = n;
}

/* The rings in turn, at most this many records in all. */
static void drain(struct trace *t, uint64_t most)
{
	uint32_t n_rings = nsg_engine_n_rings(t->engine);
	bool more = true;

	while (more && most) {
		more = false;
		for (uint32_t i = 0; i < n_rings && most; i++) {
			struct nsg_ring *ring = nsg_engine_ring(t->engine, i);
			const struct nsg_trace_record *r = nsg_ring_peek(ring);

			if (!r)
				continue;
			take_record(t, r);
			nsg_ring_release(ring);
			more = true;
			most--;
		}
	}
	tell_missed(t);
	server_flush_trace(t->server);
}

void trace_drain(struct trace *t)
{
	drain(t, UINT64_MAX);
}

static int on_records(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct trace *t = data;
	uint64_t start_ns = nsg_clock_ns(CLOCK_THREAD_CPUTIME_ID), rest_usec;

	(void)fd;
	(void)revents;
	drain(t, RECORDS_A_TURN);
	rest_usec = REST_FACTOR * (nsg_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns) / 1000u;
	if (rest_usec < REST_LEAST_USEC)
		rest_usec = REST_LEAST_USEC;
	(void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
	(void)sd_event_source_set_time_relative(t->rest, rest_usec);
	return sd_event_source_set_enabled(t->rest, SD_EVENT_ONESHOT);
}

static int on_rested(sd_event_source *source, uint64_t usec, void *data)
{
	struct trace *t = data;

	(void)source;
	(void)usec;
	if (!nsg_engine_trace_arm(t->engine))
		(void)eventfd_write(nsg_engine_trace_fd(t->engine), 1);
	return sd_event_source_set_enabled(t->records, SD_EVENT_ON);
}

static int add_sources(struct trace *t, sd_event *event)
{
	int fd = nsg_engine_trace_fd(t->engine);
	int r;

	r = sd_event_add_io(event, &t->records, fd, EPOLLIN, on_records, t);
	if (r < 0)
		return r;
	r = sd_event_source_set_priority(t->records, SD_EVENT_PRIORITY_IDLE);
	if (r < 0)
		return r;
	r = sd_event_add_time(event, &t->rest, CLOCK_MONOTONIC, UINT64_MAX, 1, on_rested, t);
	if (r < 0)
		return r;
	r = sd_event_source_set_enabled(t->rest, SD_EVENT_OFF);
	if (r < 0)
		return r;
	(void)eventfd_write(fd, 1);
	return 0;
}

int trace_new(sd_event *event, struct nsg_engine *engine, struct nsg_kernel *kernel,
	      struct server *server, enum nsg_conf_log_decisions log, struct trace **ret)
{
	struct trace *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	*t = (struct trace){.engine = engine,
			    .kernel = kernel,
			    .server = server,
			    .senders = nsg_senders_new("/proc/self/mountinfo"),
			    .log = log};
	r = add_sources(t, event);
	if (r < 0) {
		trace_free(t);
		return r;
	}
	trace_update(t);
	*ret = t;
	return 0;
}

void trace_set_flow_log(struct trace *t, struct flow_log *flow_log)
{
	t->flow_log = flow_log;
	trace_update(t);
}

void trace_set_log(struct trace *t, enum nsg_conf_log_decisions log)
{
	t->log = log;
	trace_update(t);
}

void trace_update(struct trace *t)
{
	enum nsg_conf_log_decisions level;
	struct nsg_diag diag = {0};

	if (!t)
		return;
	/* denials are always remembered: see history.h */
	level = server_wants_trace(t->server) ? NSG_LOG_ALL
		: t->log == NSG_LOG_NONE      ? NSG_LOG_DENIED
					      : t->log;
	nsg_engine_trace(t->engine, level,
			 server_wants_payload(t->server) ? NSG_RECORD_PAYLOAD_BYTES : 0);
	(void)nsg_kernel_answer(t->kernel,
				level == NSG_LOG_ALL ? NSG_ANSWERS_NONE
				: t->flow_log	     ? NSG_ANSWERS_ALLOWED
						     : NSG_ANSWERS_ALL,
				&diag);
	log_diag(&diag);
	nsg_diag_done(&diag);
}

int trace_filter_packets(struct trace *t, struct nsg_diag *diag)
{
	struct nsg_packet_filters filters;
	struct nsg_diag logged = {0};
	int r;

	if (!t)
		return 0;
	server_packet_filters(t->server, &filters);
	r = nsg_kernel_filter_packets(t->kernel, &filters, diag ? diag : &logged);
	log_diag(&logged);
	nsg_diag_done(&logged);
	return r;
}

uint64_t trace_lost(const struct trace *t)
{
	return server_trace_lost(t->server) + missed(t);
}

struct trace *trace_free(struct trace *t)
{
	if (!t)
		return NULL;
	sd_event_source_disable_unref(t->records);
	sd_event_source_disable_unref(t->rest);
	nsg_senders_free(t->senders);
	free(t);
	return NULL;
}
