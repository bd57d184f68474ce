/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/eventfd.h>
#include <time.h>

#include "nsgd/daemon.h"
#include "nsgd/log.h"
#include "nsgd/serve.h"
#include "util/clock.h"

/* Records a turn of the event loop; signals and clients want theirs too. */
#define RECORDS_A_TURN 2048

/* Then a rest of so many times what the turn took: telling decisions never takes more than a ninth
 * of a processor from those who make them. What the rings cannot hold meanwhile is counted. */
#define TRACE_REST 8
/* Nobody sees five milliseconds; waking up for each decision by itself costs ten times its telling.
 */
#define TRACE_REST_LEAST_USEC 5000u

static void take_record(struct daemon *d, const struct nsg_trace_record *r)
{
	enum nsg_conf_log_decisions level = d->conf->log_decisions;

	if (level == NSG_LOG_ALL ||
	    (level == NSG_LOG_DENIED && r->decision.verdict == NSG_VERDICT_DROP))
		log_decision(r);
	server_trace(d->server, r);
}

/* The rings in turn, at most so many records in all. */
static void drain(struct daemon *d, uint64_t most)
{
	uint32_t n_rings = nsg_engine_n_rings(d->engine);
	bool more = true;

	while (more && most) {
		more = false;
		for (uint32_t i = 0; i < n_rings && most; i++) {
			struct nsg_ring *ring = nsg_engine_ring(d->engine, i);
			const struct nsg_trace_record *r = nsg_ring_peek(ring);

			if (!r)
				continue;
			take_record(d, r);
			nsg_ring_release(ring);
			more = true;
			most--;
		}
	}
}

void daemon_trace_drain(struct daemon *d)
{
	drain(d, UINT64_MAX);
	server_flush_trace(d->server);
}

static uint64_t cpu_usec(void)
{
	return nsg_clock_ns(CLOCK_THREAD_CPUTIME_ID) / 1000u;
}

static int on_records(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct daemon *d = data;
	uint64_t start_usec = cpu_usec(), rest_usec;

	(void)fd;
	(void)revents;
	drain(d, RECORDS_A_TURN);
	server_flush_trace(d->server);
	rest_usec = TRACE_REST * (cpu_usec() - start_usec);
	if (rest_usec < TRACE_REST_LEAST_USEC)
		rest_usec = TRACE_REST_LEAST_USEC;
	(void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
	(void)sd_event_source_set_time_relative(d->trace_timer, rest_usec);
	return sd_event_source_set_enabled(d->trace_timer, SD_EVENT_ONESHOT);
}

static int on_rested(sd_event_source *source, uint64_t usec, void *data)
{
	struct daemon *d = data;

	(void)source;
	(void)usec;
	if (!nsg_engine_trace_arm(d->engine))
		(void)eventfd_write(nsg_engine_trace_fd(d->engine), 1);
	return sd_event_source_set_enabled(d->trace_source, SD_EVENT_ON);
}

int daemon_trace_start(struct daemon *d)
{
	int fd = nsg_engine_trace_fd(d->engine);
	int r = sd_event_add_io(d->event, &d->trace_source, fd, EPOLLIN, on_records, d);

	if (r >= 0)
		r = sd_event_add_time(d->event, &d->trace_timer, CLOCK_MONOTONIC, UINT64_MAX, 1,
				      on_rested, d);
	if (r >= 0)
		r = sd_event_source_set_enabled(d->trace_timer, SD_EVENT_OFF);
	if (r < 0)
		return r;
	(void)sd_event_source_set_priority(d->trace_source, SD_EVENT_PRIORITY_IDLE);
	(void)eventfd_write(fd, 1);
	daemon_trace_update(d);
	return 0;
}

void daemon_trace_update(struct daemon *d)
{
	enum nsg_conf_log_decisions level;

	/* Clients may leave after the workers did. */
	if (!d->engine)
		return;
	level = d->conf->log_decisions;
	if (server_wants_trace(d->server))
		level = NSG_LOG_ALL;
	nsg_engine_trace(d->engine, level,
			 server_wants_payload(d->server) ? NSG_RECORD_PAYLOAD_BYTES : 0);
}
