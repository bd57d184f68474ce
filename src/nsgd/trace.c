/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/eventfd.h>

#include "nsgd/daemon.h"
#include "nsgd/log.h"
#include "nsgd/serve.h"

/* Records a turn of the event loop; signals and clients want theirs too. */
#define RECORDS_A_TURN 2048

static const struct nsg_image *image_of(const struct daemon *d, uint32_t generation)
{
	if (d->live->generation == generation)
		return d->live->image;
	if (d->parked && d->parked->generation == generation)
		return d->parked->image;
	return NULL;
}

static void take_record(struct daemon *d, const struct nsg_trace_record *r)
{
	const struct nsg_image *image = image_of(d, r->generation);
	enum nsg_conf_log_decisions level = d->conf->log_decisions;

	if (!image)
		return;
	if (level == NSG_LOG_ALL ||
	    (level == NSG_LOG_DENIED && r->decision.verdict == NSG_VERDICT_DROP))
		log_decision(image, r);
	server_trace(d->server, image, r);
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
}

static int on_records(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct daemon *d = data;

	(void)source;
	(void)revents;
	drain(d, RECORDS_A_TURN);
	if (!nsg_engine_trace_arm(d->engine))
		(void)eventfd_write(fd, 1);
	return 0;
}

int daemon_trace_start(struct daemon *d)
{
	int fd = nsg_engine_trace_fd(d->engine);
	int r = sd_event_add_io(d->event, &d->trace_source, fd, EPOLLIN, on_records, d);

	if (r < 0)
		return r;
	(void)sd_event_source_set_priority(d->trace_source, SD_EVENT_PRIORITY_IDLE);
	(void)eventfd_write(fd, 1);
	daemon_trace_update(d);
	return 0;
}

void daemon_trace_update(struct daemon *d)
{
	enum nsg_conf_log_decisions level = d->conf->log_decisions;

	if (server_wants_trace(d->server))
		level = NSG_LOG_ALL;
	nsg_engine_trace(d->engine, level,
			 server_wants_payload(d->server) ? NSG_RECORD_PAYLOAD_BYTES : 0);
}
