/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "nsgd/status.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "explain/explain.h"
#include "nsgd/alarms.h"
#include "nsgd/flow_log.h"
#include "nsgd/reload.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/json_object.h"
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
	char text[NSG_PREFIX_TEXT], text6[NSG_PREFIX6_TEXT];

	for (size_t i = 0; i < c->n_excludes; i++) {
		nsg_prefix_format(c->excludes[i], text);
		(void)json_array_append_new(array, json_string(text));
	}
	for (size_t i = 0; i < c->n_excludes6; i++) {
		nsg_prefix6_format(&c->excludes6[i], text6);
		(void)json_array_append_new(array, json_string(text6));
	}
	return array;
}

static const char *hook_name(const struct nsg_conf *c)
{
	if (c->hook_output && c->hook_prerouting)
		return "both";
	return c->hook_output ? "output" : "prerouting";
}

static const char *ip6_name(const struct nsg_conf *c)
{
	return c->ip6 == NSG_IP6_PROFILE ? "profile" : c->ip6 == NSG_IP6_REFUSE ? "refuse" : "pass";
}

static json_t *capture(const struct nsg_conf *c)
{
	return NSG_JSON_OBJECT(
	    PAIR_S("hook", hook_name(c)), PAIR_J("interfaces", strings(&c->interfaces)),
	    PAIR_J("users", strings(&c->users)), PAIR_J("cgroups", strings(&c->cgroups)),
	    PAIR_J("exclude", excludes(c)), PAIR_S("ipv6", ip6_name(c)));
}

static json_t *queue(const struct instance *in, const struct nsg_engine_stats *s)
{
	return NSG_JSON_OBJECT(PAIR_I("first", in->conf_start->queue_first),
			       PAIR_I("workers", nsg_engine_n_rings(in->engine)),
			       PAIR_I("length", in->conf_start->queue_length),
			       PAIR_I("receiveBufferBytes", s->receive_buffer_bytes),
			       PAIR_B("gso", s->gso), PAIR_B("failOpen", s->fail_open),
			       PAIR_I("queued", s->queued));
}

static json_t *reloads(const struct instance *in)
{
	return NSG_JSON_OBJECT(PAIR_I("loadedTimeNs", in->loaded_time_ns),
			       PAIR_B("running", reload_runs(in->reloader)),
			       PAIR_I("done", in->reloads), PAIR_I("failed", in->reloads_failed),
			       PAIR_I("repairs", in->repairs));
}

/* All packets that reached the table, decided by a worker or by the kernel. */
static uint64_t packets_seen(const struct instance *in, const json_t *kernel)
{
	struct nsg_engine_stats stats;
	const char *key;
	json_t *value;
	uint64_t n;

	nsg_engine_stats(in->engine, &stats);
	n = stats.packets;
	json_object_foreach(json_object_get(kernel, "packets"), key, value) n +=
	    (uint64_t)json_integer_value(value);
	return n;
}

static void watch_capture(struct instance *in, const json_t *kernel)
{
	uint64_t n = packets_seen(in, kernel);

	if (n == in->captured_packets)
		return;
	in->captured_packets = n;
	in->captured_ns = nsg_clock_ns(CLOCK_MONOTONIC);
}

void status_begin(struct instance *in)
{
	cleanup_json json_t *kernel = nsg_kernel_status(in->kernel);

	in->started_ns = in->captured_ns = nsg_clock_ns(CLOCK_MONOTONIC);
	in->captured_packets = packets_seen(in, kernel);
	alarms_begin(in, kernel);
}

void status_watch(struct instance *in)
{
	cleanup_json json_t *kernel = nsg_kernel_status(in->kernel);

	watch_capture(in, kernel);
	alarms_watch(in, kernel);
	live_flush_log(in->live);
}

static void warn_of_silence(struct instance *in, const json_t *kernel, struct nsg_diag *diag)
{
	const struct nsg_conf *c = in->conf_start;
	uint64_t silence_ns;

	watch_capture(in, kernel);
	silence_ns = nsg_clock_ns(CLOCK_MONOTONIC) - in->captured_ns;
	if (silence_ns < SILENCE_NS)
		return;
	(void)nsg_diag_add(diag, NSG_WARNING, NULL, ALARM_NOTHING_CAPTURED,
			   "no packet was captured for %" PRIu64 " seconds: check [capture] hook = "
			   "%s%s%s%s%s",
			   silence_ns / NSG_NS_PER_SEC, hook_name(c),
			   c->interfaces.n ? ", interfaces" : "", c->users.n ? ", users" : "",
			   c->cgroups.n ? ", cgroups" : "",
			   c->n_excludes || c->n_excludes6 ? ", exclude" : "");
}

/* Flows whose first packet was decided, more than once where it was sent again; what an NSG decided
 * before and fragments are not among them. */
static json_t *flows(const struct nsg_engine_stats *s, const struct answered *a)
{
	uint64_t established = s->reasons[NSG_REASON_ESTABLISHED], decided = 0, dropped = 0;
	/* the counters are read one after another */
	uint64_t again = s->route_only > established ? s->route_only - established : 0;

	for (int i = NSG_REASON_ALLOWED; i <= NSG_REASON_NOT_CARRIED; i++) {
		decided += s->reasons[i];
		if (nsg_reason_verdict((enum nsg_reason)i) == NSG_VERDICT_DROP)
			dropped += s->reasons[i];
	}
	decided += a->allowed + a->denied;
	dropped += a->denied;
	return NSG_JSON_OBJECT(
	    PAIR_I("decided", decided - again), PAIR_I("dropped", dropped - again),
	    PAIR_J("lastDropSecondsAgo",
		   s->last_drop_ns ? json_integer((json_int_t)((nsg_clock_ns(CLOCK_MONOTONIC) -
								s->last_drop_ns) /
							       NSG_NS_PER_SEC))
				   : json_null()));
}

/* How many destinations the kernel answers for, and how often it did and could not. */
static json_t *answers(struct instance *in)
{
	static const char *const used[] = {
	    [NSG_ANSWERS_ALL] = "all",
	    [NSG_ANSWERS_ALLOWED] = "allowed",
	    [NSG_ANSWERS_NONE] = "none",
	};
	struct nsg_answer_counts counts = {0};
	const char *why, *now = used[nsg_kernel_answering(in->kernel, &why)];

	(void)nsg_kernel_count_answers(in->kernel, &counts);
	return NSG_JSON_OBJECT(
	    PAIR_S("used", now), PAIR_S("why", why), PAIR_I("size", answers_size(in->answers)),
	    PAIR_I("most", NSG_MAX_ANSWERS), PAIR_I("hits", counts.allowed + counts.denied),
	    PAIR_I("misses", counts.unanswered));
}

json_t *status_json(struct instance *in, struct nsg_diag *diag)
{
	const struct nsg_snapshot *snapshot = in->policy->snapshot;
	cleanup_json json_t *kernel = nsg_kernel_status(in->kernel);
	uint64_t up_ns = nsg_clock_ns(CLOCK_MONOTONIC) - in->started_ns;
	char address[NSG_IP4_TEXT];
	const struct answered *answered = answers_read(in->answers);
	struct nsg_engine_stats stats;

	nsg_engine_stats(in->engine, &stats);
	nsg_ip4_format(in->policy->engine.src_host, address);
	alarms_report(in, kernel, diag);
	warn_of_silence(in, kernel, diag);
	(void)json_object_set_new(kernel, "answers", answers(in));
	return NSG_JSON_OBJECT(
	    PAIR_S("instance", in->conf_start->instance), PAIR_S("version", PACKAGE_VERSION),
	    PAIR_S("mode", in->conf_start->audit ? "audit" : "enforce"), PAIR_I("pid", getpid()),
	    PAIR_I("uptimeSeconds", up_ns / NSG_NS_PER_SEC), PAIR_S("address", address),
	    PAIR_I("generation", in->policy->engine.generation),
	    PAIR_S("policyDirectory", in->conf->policy),
	    PAIR_J("policy", nsg_explain_policy(snapshot->effective, snapshot->image)),
	    PAIR_J("capture", capture(in->conf_start)), PAIR_J("queue", queue(in, &stats)),
	    PAIR_J("flows", flows(&stats, answered)),
	    PAIR_J("flowLog", flow_log_json(in->flow_log)), PAIR_J("reloads", reloads(in)),
	    PAIR_J("bgp", live_status(in->live)), PAIR_J("kernel", json_incref(kernel)));
}

/* ---- stats ----------------------------------------------------------------------------------- */

/* One row for each name, as for rules and routes. */
static json_t *rows(const char *key, const uint64_t *counts, int n, const char *(*name)(int))
{
	json_t *array = json_array();

	for (int i = 0; i < n; i++)
		(void)json_array_append_new(
		    array, NSG_JSON_OBJECT(PAIR_S(key, name(i)), PAIR_I("packets", counts[i])));
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

/* What no rule, route or reason is known of. */
#define UNREAD "answered by the kernel"

static json_t *with_unread(json_t *array, const char *key, uint64_t unread)
{
	if (unread)
		(void)json_array_append_new(
		    array, NSG_JSON_OBJECT(PAIR_S(key, UNREAD), PAIR_I("packets", unread)));
	return array;
}

static void add_answered(uint64_t *counts, const uint64_t *answered, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		counts[i] += answered[i];
}

static json_t *rules(const struct instance *in, const struct answered *a)
{
	struct nsg_image_info info = nsg_image_info(in->policy->engine.image);
	cleanup_free uint64_t *counts = calloc(info.n_rules + 2, sizeof(*counts));
	json_t *array;

	if (!counts)
		return NULL;
	nsg_engine_rule_counts(in->engine, counts, info.n_rules + 2);
	add_answered(counts, a->rules, a->n_rules);
	array = json_array();
	for (uint32_t i = 0; i < info.n_rules; i++) {
		struct nsg_image_rule r = nsg_image_rule(in->policy->engine.image, (uint16_t)i);

		(void)json_array_append_new(
		    array, NSG_JSON_OBJECT(PAIR_S("rule", r.name), PAIR_I("priority", r.priority),
					   PAIR_S("access", nsg_access_name(r.access)),
					   PAIR_I("packets", counts[i])));
	}
	if (!info.has_nsg)
		(void)json_array_append_new(
		    array, NSG_JSON_OBJECT(PAIR_N("rule"), PAIR_N("priority"),
					   PAIR_S("access", nsg_access_name(NSG_ALLOW)),
					   PAIR_I("packets", counts[info.n_rules])));
	if (a->unread_policy)
		(void)json_array_append_new(
		    array, NSG_JSON_OBJECT(PAIR_S("rule", UNREAD), PAIR_N("priority"),
					   PAIR_N("access"), PAIR_I("packets", a->unread_policy)));
	return array;
}

static json_t *admin_rules(const struct instance *in, const struct answered *a)
{
	const struct nsg_image *admin = nsg_image_admin(in->policy->engine.image);
	uint32_t n = admin ? nsg_image_info(admin).n_rules : 0;
	cleanup_free uint64_t *counts = calloc(n + 1, sizeof(*counts));
	json_t *array;

	if (!counts)
		return NULL;
	nsg_engine_admin_counts(in->engine, counts, n);
	add_answered(counts, a->admin_rules, a->n_admin_rules);
	array = json_array();
	for (uint32_t i = 0; i < n; i++) {
		struct nsg_image_rule r = nsg_image_rule(admin, (uint16_t)i);

		(void)json_array_append_new(
		    array, NSG_JSON_OBJECT(PAIR_S("rule", r.name), PAIR_I("priority", r.priority),
					   PAIR_S("access", nsg_access_name(r.access)),
					   PAIR_I("packets", counts[i])));
	}
	return array;
}

/* Only routes that packets took: all of them may not fit a frame. */
static json_t *routes(const struct instance *in, const struct answered *a)
{
	struct nsg_image_info info = nsg_image_info(in->policy->engine.image);
	cleanup_free uint64_t *counts = calloc(info.n_routes + 1, sizeof(*counts));
	json_t *array;

	if (!counts)
		return NULL;
	nsg_engine_route_counts(in->engine, counts, info.n_routes);
	add_answered(counts, a->routes, a->n_routes);
	array = json_array();
	for (uint32_t i = 0; i < info.n_routes; i++) {
		struct nsg_image_route r;
		char prefix[NSG_PREFIX_TEXT];

		if (!counts[i])
			continue;
		r = nsg_image_route(in->policy->engine.image, i);
		nsg_prefix_format(r.prefix, prefix);
		(void)json_array_append_new(
		    array, NSG_JSON_OBJECT(PAIR_S("prefix", prefix),
					   PAIR_S("source", nsg_route_source_name(r.source)),
					   PAIR_S("name", r.name),
					   PAIR_S("nextHopType", nsg_hop_type_name(r.hop_type)),
					   PAIR_I("packets", counts[i])));
	}
	return array;
}

/* Non-empty buckets: packets whose verdict left less than `below` nanoseconds after they were
 * received. */
static json_t *latency(const struct nsg_engine_stats *s)
{
	json_t *array = json_array();

	for (size_t i = 0; i < NSG_ARRAY_SIZE(s->latency_ns_log2); i++)
		if (s->latency_ns_log2[i])
			(void)json_array_append_new(
			    array, NSG_JSON_OBJECT(PAIR_I("below", (json_int_t)2 << i),
						   PAIR_I("packets", s->latency_ns_log2[i])));
	return array;
}

static json_t *queue_counts(const struct nsg_engine_stats *s)
{
	return NSG_JSON_OBJECT(PAIR_I("queued", s->queued), PAIR_I("droppedFull", s->dropped_full),
			       PAIR_I("droppedBuffer", s->dropped_buffer),
			       PAIR_I("overruns", s->overruns),
			       PAIR_I("malformedMessages", s->messages_bad),
			       PAIR_I("verdictErrors", s->verdict_errors));
}

json_t *stats_json(const struct instance *in)
{
	cleanup_json json_t *kernel = nsg_kernel_status(in->kernel);
	const struct answered *a = answers_read(in->answers);
	struct nsg_engine_stats s;
	json_t *flow_counts;

	nsg_engine_stats(in->engine, &s);
	flow_counts = flows(&s, a);
	s.packets += a->allowed + a->denied;
	s.verdicts[NSG_VERDICT_ACCEPT] += a->allowed;
	s.verdicts[NSG_VERDICT_DROP] += a->denied;
	add_answered(s.reasons, a->reasons, NSG_REASON_MAX);
	add_answered(s.gates, a->gates, NSG_GATE_MAX);
	return NSG_JSON_OBJECT(
	    PAIR_J("flows", flow_counts), PAIR_I("packets", s.packets), PAIR_I("bytes", s.bytes),
	    PAIR_I("batches", s.batches),
	    PAIR_J("verdicts", rows("verdict", s.verdicts, 2, verdict_name)),
	    PAIR_J("reasons", with_unread(rows("reason", s.reasons, NSG_REASON_MAX, reason_name),
					  "reason", a->unread)),
	    PAIR_J("gates",
		   with_unread(rows("gate", s.gates, NSG_GATE_MAX, gate_name), "gate", a->unread)),
	    PAIR_I("wouldDrop", s.would_drop), PAIR_I("routeOnly", s.route_only),
	    PAIR_J("adminRules", admin_rules(in, a)), PAIR_J("rules", rules(in, a)),
	    PAIR_J("routes", routes(in, a)), PAIR_J("latencyNs", latency(&s)),
	    PAIR_J("queue", queue_counts(&s)), PAIR_I("traceRecordsLost", trace_lost(in->trace)),
	    PAIR_J("kernel", json_incref(json_object_get(kernel, "packets"))));
}
