/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "explain/explain.h"
#include "nsgd/daemon.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/limits.h"
#include "util/macro.h"

#define SILENCE_NS 60000000000u

static json_t *strings(const struct nsg_conf_strings *s)
{
	json_t *array = json_array();

	for (size_t i = 0; i < s->n; i++)
		(void)json_array_append_new(array, json_string(s->v[i]));
	return array;
}

static json_t *excludes(const struct nsg_conf *c)
{
	json_t *array = json_array();
	char text[NSG_PREFIX_TEXT];

	for (size_t i = 0; i < c->n_excludes; i++) {
		nsg_prefix_format(c->excludes[i], text);
		(void)json_array_append_new(array, json_string(text));
	}
	return array;
}

static const char *hook_name(const struct nsg_conf *c)
{
	if (c->hook_output && c->hook_prerouting)
		return "both";
	return c->hook_output ? "output" : "prerouting";
}

static json_t *capture(const struct nsg_conf *c)
{
	return json_pack("{ss so so so so ss}", "hook", hook_name(c), "interfaces",
			 strings(&c->interfaces), "users", strings(&c->users), "cgroups",
			 strings(&c->cgroups), "exclude", excludes(c), "ipv6", "not captured");
}

static json_t *queue(const struct daemon *d, const struct nsg_engine_stats *s)
{
	return json_pack("{si sI sI sI sb sb sI}", "first", (int)d->conf_start->queue_first,
			 "workers", (json_int_t)nsg_engine_n_rings(d->engine), "length",
			 (json_int_t)d->conf_start->queue_length, "receiveBufferBytes",
			 (json_int_t)s->receive_buffer_bytes, "gso", s->gso, "failOpen",
			 s->fail_open, "queued", (json_int_t)s->queued);
}

/* Every packet that came to our table, whoever decided it. */
static uint64_t packets_seen(struct daemon *d)
{
	cleanup_json json_t *kernel = nsg_kernel_status(d->kernel);
	struct nsg_engine_stats stats;
	const char *key;
	json_t *value;
	uint64_t n;

	nsg_engine_stats(d->engine, &stats);
	n = stats.packets;
	json_object_foreach(json_object_get(kernel, "packets"), key, value) n +=
	    (uint64_t)json_integer_value(value);
	return n;
}

void daemon_watch_capture(struct daemon *d)
{
	uint64_t n = packets_seen(d);

	if (n == d->captured_packets)
		return;
	d->captured_packets = n;
	d->captured_ns = nsg_clock_ns(CLOCK_MONOTONIC);
}

static void warn_of_silence(struct daemon *d, struct nsg_diag *diag)
{
	const struct nsg_conf *c = d->conf_start;
	uint64_t silence_ns;

	daemon_watch_capture(d);
	silence_ns = nsg_clock_ns(CLOCK_MONOTONIC) - d->captured_ns;
	if (silence_ns < SILENCE_NS)
		return;
	(void)nsg_diag_add(diag, NSG_WARNING, NULL, NULL,
			   "nothing was captured for %" PRIu64 " seconds: look at [capture] hook = "
			   "%s%s%s%s%s",
			   silence_ns / NSG_NS_PER_SEC, hook_name(c),
			   c->interfaces.n ? ", interfaces" : "", c->users.n ? ", users" : "",
			   c->cgroups.n ? ", cgroups" : "", c->n_excludes ? ", exclude" : "");
}

json_t *daemon_status(struct daemon *d, struct nsg_diag *diag)
{
	char address[NSG_IP4_TEXT];
	struct nsg_engine_stats stats;

	nsg_engine_stats(d->engine, &stats);
	nsg_ip4_format(d->policy->engine.src_host, address);
	warn_of_silence(d, diag);
	return json_pack(
	    "{ss ss si sI ss sI so so so so s{sI sI sI sI} so}", "instance",
	    d->conf_start->instance, "mode", d->conf_start->audit ? "audit" : "enforce", "pid",
	    (int)getpid(), "uptimeSeconds",
	    (json_int_t)((nsg_clock_ns(CLOCK_MONOTONIC) - d->started_ns) / NSG_NS_PER_SEC),
	    "address", address, "generation", (json_int_t)d->policy->engine.generation,
	    "policyDirectory", json_string(d->conf->policy), "policy",
	    nsg_explain_policy(d->policy->snapshot->effective, d->policy->engine.image), "capture",
	    capture(d->conf_start), "queue", queue(d, &stats), "reloads", "loadedTimeNs",
	    (json_int_t)d->loaded_time_ns, "done", (json_int_t)d->reloads, "failed",
	    (json_int_t)d->reloads_failed, "repairs", (json_int_t)d->repairs, "kernel",
	    nsg_kernel_status(d->kernel));
}

/* ---- stats ----------------------------------------------------------------------------------- */

/* One row a name, as for rules and routes. */
static json_t *rows(const char *key, const uint64_t *counts, int n, const char *(*name)(int))
{
	json_t *array = json_array();

	for (int i = 0; i < n; i++)
		(void)json_array_append_new(
		    array, json_pack("{ss sI}", key, name(i), "packets", (json_int_t)counts[i]));
	return array;
}

static const char *verdict_name(int i)
{
	return nsg_verdict_name((enum nsg_verdict)i);
}

static const char *reason_name(int i)
{
	return nsg_reason_name((enum nsg_reason)i);
}

static const char *gate_name(int i)
{
	const char *name = nsg_gate_name((enum nsg_gate)i);

	return name ? name : "none";
}

static json_t *rules(const struct daemon *d)
{
	struct nsg_image_info info = nsg_image_info(d->policy->engine.image);
	cleanup_free uint64_t *counts = calloc(info.n_rules + 2, sizeof(*counts));
	json_t *array;

	if (!counts)
		return NULL;
	nsg_engine_rule_counts(d->engine, counts, info.n_rules + 2);
	array = json_array();
	for (uint32_t i = 0; i < info.n_rules; i++) {
		struct nsg_image_rule r = nsg_image_rule(d->policy->engine.image, (uint16_t)i);

		(void)json_array_append_new(array, json_pack("{ss si ss sI}", "rule", r.name,
							     "priority", (int)r.priority, "access",
							     nsg_access_name(r.access), "packets",
							     (json_int_t)counts[i]));
	}
	if (!info.has_nsg)
		(void)json_array_append_new(array,
					    json_pack("{sn sn ss sI}", "rule", "priority", "access",
						      nsg_access_name(NSG_ALLOW), "packets",
						      (json_int_t)counts[info.n_rules]));
	return array;
}

/* Only those that packets took: there may be as many as the frame has bytes. */
static json_t *routes(const struct daemon *d)
{
	struct nsg_image_info info = nsg_image_info(d->policy->engine.image);
	cleanup_free uint64_t *counts = calloc(info.n_routes + 1, sizeof(*counts));
	json_t *array;

	if (!counts)
		return NULL;
	nsg_engine_route_counts(d->engine, counts, info.n_routes);
	array = json_array();
	for (uint32_t i = 0; i < info.n_routes; i++) {
		struct nsg_image_route r;
		char prefix[NSG_PREFIX_TEXT];

		if (!counts[i])
			continue;
		r = nsg_image_route(d->policy->engine.image, i);
		nsg_prefix_format(r.prefix, prefix);
		(void)json_array_append_new(
		    array,
		    json_pack("{ss ss ss? ss sI}", "prefix", prefix, "source",
			      nsg_route_source_name(r.source), "name", r.name, "nextHopType",
			      nsg_hop_type_name(r.hop_type), "packets", (json_int_t)counts[i]));
	}
	return array;
}

/* Non-empty buckets: packets whose verdict left within so many nanoseconds of the receive. */
static json_t *latency(const struct nsg_engine_stats *s)
{
	json_t *array = json_array();

	for (size_t i = 0; i < NSG_ARRAY_SIZE(s->latency_ns_log2); i++)
		if (s->latency_ns_log2[i])
			(void)json_array_append_new(
			    array, json_pack("{sI sI}", "below", (json_int_t)2 << i, "packets",
					     (json_int_t)s->latency_ns_log2[i]));
	return array;
}

static uint64_t records_lost(const struct daemon *d)
{
	uint64_t n = d->trace_lost;

	for (uint32_t i = 0; i < nsg_engine_n_rings(d->engine); i++)
		n += nsg_ring_lost(nsg_engine_ring(d->engine, i));
	return n;
}

json_t *daemon_stats(struct daemon *d)
{
	cleanup_json json_t *kernel = nsg_kernel_status(d->kernel);
	json_t *packets = json_object_get(kernel, "packets");
	struct nsg_engine_stats s;

	nsg_engine_stats(d->engine, &s);
	return json_pack(
	    "{sI sI sI so so so sI sI so so so s{sI sI sI sI sI sI} sI sO*}", "packets",
	    (json_int_t)s.packets, "bytes", (json_int_t)s.bytes, "batches", (json_int_t)s.batches,
	    "verdicts", rows("verdict", s.verdicts, 2, verdict_name), "reasons",
	    rows("reason", s.reasons, NSG_REASON_MAX, reason_name), "gates",
	    rows("gate", s.gates, NSG_GATE_MAX, gate_name), "wouldDrop", (json_int_t)s.would_drop,
	    "routeOnly", (json_int_t)s.route_only, "rules", rules(d), "routes", routes(d),
	    "latencyNs", latency(&s), "queue", "queued", (json_int_t)s.queued, "droppedFull",
	    (json_int_t)s.dropped_full, "droppedBuffer", (json_int_t)s.dropped_buffer, "overruns",
	    (json_int_t)s.overruns, "malformedMessages", (json_int_t)s.messages_bad,
	    "verdictErrors", (json_int_t)s.verdict_errors, "traceRecordsLost",
	    (json_int_t)records_lost(d), "kernel", packets);
}
