/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nsgd/alarms.h"
#include "nsgd/log.h"
#include "nsgd/metrics_file.h"
#include "nsgd/status.h"
#include "util/cleanup.h"
#include "util/json_object.h"
#include "util/macro.h"
#include "util/text.h"

enum type {
	COUNTER,
	GAUGE,
	INFO,
	HISTOGRAM, /* of an array of {below, packets}, in nanoseconds */
};

#define MAX_LABELS 4

struct label {
	const char *name, *key; /* key "": the key of the member itself; "x.0": an array's first */
};

struct metric {
	const char *name;
	enum type type;
	const char *help;
	const char *path;		/* "stats." or "status." and its members */
	const char *value;		/* of an array's elements; NULL: see put_samples() */
	double divisor;			/* of the value's unit; 0: 1 */
	struct label label[MAX_LABELS]; /* ends with a NULL name */
};

/* In the order of the output. clang-format would give each member a line. */
/* clang-format off */
static const struct metric metrics[] = {
	{"nsgd", INFO, "The instance.",
	 "status", NULL, 0, {{"instance", "instance"}, {"mode", "mode"}, {"version", "version"}}},
	{"nsgd_policy", INFO, "The policy in force.",
	 "status.policy", NULL, 0, {{"vnet", "vnet"}, {"subnet", "subnet"},
				    {"profile", "profile"}, {"platform", "platform"}}},
	{"nsgd_route_all", GAUGE, "1 while route-all is on.",
	 "status.policy.routeAll", NULL, 0, {{0}}},
	{"nsgd_policy_rules", GAUGE, "Rules of the network security group in force.",
	 "status.policy.image.rules", NULL, 0, {{0}}},
	{"nsgd_policy_routes", GAUGE, "Routes in force.",
	 "status.policy.image.routes", NULL, 0, {{0}}},
	{"nsgd_uptime_seconds", GAUGE, "Time since the start.",
	 "status.uptimeSeconds", NULL, 0, {{0}}},
	{"nsgd_policy_loaded_timestamp_seconds", GAUGE, "When the policy in force was loaded.",
	 "status.reloads.loadedTimeNs", NULL, 1e9, {{0}}},
	{"nsgd_reloads", COUNTER, "Reloads that took effect.",
	 "status.reloads.done", NULL, 0, {{0}}},
	{"nsgd_reloads_failed", COUNTER, "Reloads that failed and changed nothing.",
	 "status.reloads.failed", NULL, 0, {{0}}},
	{"nsgd_repairs", COUNTER, "Objects of nsgd that were restored in the kernel.",
	 "status.reloads.repairs", NULL, 0, {{0}}},

	{"nsgd_live_routes", GAUGE, "Live gateway routes in force.",
	 "status.bgp.inForce", NULL, 0, {{0}}},
	{"nsgd_live_routes_announced", COUNTER, "Live routes that were announced.",
	 "status.bgp.announced", NULL, 0, {{0}}},
	{"nsgd_live_routes_withdrawn", COUNTER, "Live routes that were withdrawn.",
	 "status.bgp.withdrawn", NULL, 0, {{0}}},
	{"nsgd_live_routes_changed", COUNTER, "Live routes whose next hops changed.",
	 "status.bgp.changed", NULL, 0, {{0}}},
	{"nsgd_live_change_to_decision_seconds", GAUGE,
	 "Time from the last change of live routes until it affected decisions.",
	 "status.bgp.lastChangeToDecisionNs", NULL, 1e9, {{0}}},

	{"nsgd_packets", COUNTER, "Packets that nsgd decided.",
	 "stats.packets", NULL, 0, {{0}}},
	{"nsgd_bytes", COUNTER, "Bytes of the packets that nsgd decided.",
	 "stats.bytes", NULL, 0, {{0}}},
	{"nsgd_verdicts", COUNTER, "Packets that nsgd decided, by verdict.",
	 "stats.verdicts", "packets", 0, {{"verdict", "verdict"}}},
	{"nsgd_reasons", COUNTER, "Packets that nsgd decided, by reason.",
	 "stats.reasons", "packets", 0, {{"reason", "reason"}}},
	{"nsgd_gates", COUNTER, "Packets that nsgd decided, by gate.",
	 "stats.gates", "packets", 0, {{"gate", "gate"}}},
	{"nsgd_flows", COUNTER, "Flows that nsgd decided.",
	 "stats.flows.decided", NULL, 0, {{0}}},
	{"nsgd_flows_dropped", COUNTER, "Flows that nsgd denied.",
	 "stats.flows.dropped", NULL, 0, {{0}}},
	{"nsgd_would_drop", COUNTER, "Packets that mode = enforce would have dropped.",
	 "stats.wouldDrop", NULL, 0, {{0}}},
	{"nsgd_rule_packets", COUNTER,
	 "Packets that nsgd decided since the last reload, by rule of the network security group.",
	 "stats.rules", "packets", 0,
	 {{"rule", "rule"}, {"priority", "priority"}, {"access", "access"}}},
	{"nsgd_admin_rule_packets", COUNTER,
	 "Packets that nsgd decided since the last reload, by security admin rule.",
	 "stats.adminRules", "packets", 0,
	 {{"rule", "rule"}, {"priority", "priority"}, {"access", "access"}}},
	{"nsgd_route_packets", COUNTER,
	 "Packets that nsgd decided since the last reload, by route; unused routes are left out.",
	 "stats.routes", "packets", 0, {{"prefix", "prefix"}, {"source", "source"},
					{"name", "name"}, {"next_hop_type", "nextHopType"}}},
	{"nsgd_latency_seconds", HISTOGRAM, "Time from receiving packets to sending their verdicts.",
	 "stats.latencyNs", NULL, 0, {{0}}},

	{"nsgd_queue_packets", GAUGE, "Packets that are waiting in the kernel's queues.",
	 "stats.queue.queued", NULL, 0, {{0}}},
	{"nsgd_queue_length", GAUGE, "The number of packets that each queue can hold.",
	 "status.queue.length", NULL, 0, {{0}}},
	{"nsgd_queue_dropped_full", COUNTER, "Packets dropped by the kernel: the queue was full.",
	 "stats.queue.droppedFull", NULL, 0, {{0}}},
	{"nsgd_queue_dropped_buffer", COUNTER,
	 "Packets dropped by the kernel: the buffer of the socket was full.",
	 "stats.queue.droppedBuffer", NULL, 0, {{0}}},
	{"nsgd_queue_malformed_messages", COUNTER, "Invalid messages from the kernel.",
	 "stats.queue.malformedMessages", NULL, 0, {{0}}},
	{"nsgd_queue_verdict_errors", COUNTER, "Verdicts that the kernel refused.",
	 "stats.queue.verdictErrors", NULL, 0, {{0}}},
	{"nsgd_flow_log_flows", GAUGE, "Open flows in the flow log.",
	 "status.flowLog.flows", NULL, 0, {{0}}},
	{"nsgd_flow_log_lost", COUNTER, "Tuples that are missing from the flow log.",
	 "status.flowLog.lost", NULL, 0, {{0}}},
	{"nsgd_flow_log_blocks_lost", COUNTER, "Minutes that could not be written to the flow log.",
	 "status.flowLog.blocksLost", NULL, 0, {{0}}},
	{"nsgd_trace_records_lost", COUNTER, "Trace records that were lost.",
	 "stats.traceRecordsLost", NULL, 0, {{0}}},

	{"nsgd_kernel_packets", COUNTER, "Packets that the kernel handled by itself, by kind.",
	 "status.kernel.packets", NULL, 0, {{"kind", ""}}},
	{"nsgd_kernel_ipv6_packets", COUNTER, "IPv6 packets that the kernel handled, by kind.",
	 "status.kernel.ipv6.packets", NULL, 0, {{"kind", ""}}},
	{"nsgd_cgroup_packets", COUNTER, "Captured packets, by cgroup.",
	 "status.kernel.cgroups", "packets", 0, {{"path", "path"}}},
	{"nsgd_next_hop_up", GAUGE, "1 while the next hop is up.",
	 "status.kernel.hops", "up", 0, {{"type", "type"}, {"address", "addresses.0"}}},
	{"nsgd_next_hop_packets", COUNTER, "Packets sent to the next hop.",
	 "status.kernel.hops", "packets", 0, {{"type", "type"}, {"address", "addresses.0"}}},
	{"nsgd_next_hop_lost", COUNTER, "Packets dropped because the next hop was down.",
	 "status.kernel.hops", "lost", 0, {{"type", "type"}, {"address", "addresses.0"}}},
	{"nsgd_rules_before", GAUGE, "ip rules of other programs before those of nsgd.",
	 "status.kernel.rulesBefore", NULL, 0, {{0}}},
	{"nsgd_alarm", GAUGE, "1 while nsgctl status prints the warning with that code.",
	 "alarms", "on", 0, {{"code", "code"}}},
};
/* clang-format on */

struct writer {
	FILE *out;
	bool openmetrics;
	const struct metric *metric;
};

/* ---- text ------------------------------------------------------------------------------------ */

static void put_label_value(FILE *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '\\' || *s == '"')
			fprintf(out, "\\%c", *s);
		else if (*s == '\n')
			fputs("\\n", out);
		else
			fputc(*s, out);
	}
}

/* An info has the suffix in both formats; only OpenMetrics knows its type. */
static void put_head(const struct writer *w)
{
	static const char *const names[] = {"counter", "gauge", "info", "histogram"};
	const struct metric *m = w->metric;
	const char *suffix = "", *type = names[m->type];

	if (!w->openmetrics && m->type == COUNTER)
		suffix = "_total";
	if (!w->openmetrics && m->type == INFO) {
		suffix = "_info";
		type = "gauge";
	}
	fprintf(w->out, "# TYPE %s%s %s\n# HELP %s%s %s\n", m->name, suffix, type, m->name, suffix,
		m->help);
}

static void put_number(FILE *out, double value)
{
	/* whole ones exactly; of a time the milliseconds */
	fprintf(out, value == (double)(uint64_t)value ? " %.17g\n" : " %.13g\n", value);
}

static void put_sample(const struct writer *w, const char *suffix, const char *labels, double value)
{
	fprintf(w->out, "%s%s", w->metric->name, suffix);
	if (*labels)
		fprintf(w->out, "{%s}", labels);
	put_number(w->out, value);
}

/* ---- values ---------------------------------------------------------------------------------- */

/* "a.b.0": the member, or NULL. */
static json_t *member(json_t *object, const char *path)
{
	while (object && *path) {
		size_t n = strcspn(path, ".");
		char key[32];

		(void)snprintf(key, sizeof(key), "%.*s", (int)n, path);
		object = json_is_array(object) ? json_array_get(object, strtoul(key, NULL, 10))
					       : json_object_get(object, key);
		path += n + (path[n] == '.');
	}
	return object;
}

static double number(const struct metric *m, const json_t *value)
{
	double v = json_is_true(value) ? 1 : json_number_value(value);

	return m->divisor > 0 ? v / m->divisor : v;
}

static void put_label(FILE *out, const struct label *l, const char *key, json_t *element)
{
	json_t *value = *l->key ? member(element, l->key) : NULL;
	const char *text = *l->key ? json_string_value(value) : key;

	fprintf(out, "%s=\"", l->name);
	if (json_is_integer(value))
		fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (text)
		put_label_value(out, text);
	fputc('"', out);
}

/* `a="x",b="y"`, to be freed; NULL: out of memory. */
static char *labels_of(const struct metric *m, const char *key, json_t *element)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < MAX_LABELS && m->label[i].name; i++) {
		if (i)
			fputc(',', out);
		put_label(out, &m->label[i], key, element);
	}
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

/* Adds to the sample with the same labels: a series occurs once. */
static int add_sample(const struct metric *m, json_t *samples, const char *key, json_t *element,
		      const json_t *value)
{
	cleanup_free char *labels = labels_of(m, key, element);
	double sum;

	if (!labels)
		return -ENOMEM;
	sum = number(m, value) + json_real_value(json_object_get(samples, labels));
	return json_object_set_new_nocheck(samples, labels, json_real(sum)) ? -ENOMEM : 0;
}

/* The samples of a metric: of an array one an element, its member `value`; with the label "" one a
 * member of the object; else the value itself. */
static int collect(const struct metric *m, json_t *from, json_t *samples)
{
	const char *key;
	json_t *each;
	size_t i;
	int r = 0;

	if (m->value) {
		json_array_foreach(from, i, each) if (!r) r =
		    add_sample(m, samples, "", each, json_object_get(each, m->value));
	} else if (m->label[0].name && !*m->label[0].key) {
		json_object_foreach(from, key, each) if (!r) r =
		    add_sample(m, samples, key, each, each);
	} else if (m->type == INFO) {
		r = add_sample(m, samples, "", from, json_true());
	} else {
		r = add_sample(m, samples, "", from, from);
	}
	return r;
}

/* Cumulative; the elements are ascending and only those with packets. */
static void put_histogram(const struct writer *w, const json_t *buckets)
{
	const json_t *each;
	double sum = 0;
	size_t i;

	json_array_foreach(buckets, i, each)
	{
		char label[48];

		sum += json_number_value(json_object_get(each, "packets"));
		(void)snprintf(label, sizeof(label), "le=\"%.9g\"",
			       json_number_value(json_object_get(each, "below")) / 1e9);
		put_sample(w, "_bucket", label, sum);
	}
	put_sample(w, "_bucket", "le=\"+Inf\"", sum);
}

static int put_samples(const struct writer *w, json_t *from)
{
	static const char *const suffixes[] = {
	    [COUNTER] = "_total", [GAUGE] = "", [INFO] = "_info"};
	cleanup_json json_t *samples = NULL;
	const char *labels;
	json_t *value;
	int r;

	put_head(w);
	if (w->metric->type == HISTOGRAM) {
		put_histogram(w, from);
		return 0;
	}
	samples = json_object();
	if (!samples)
		return -ENOMEM;
	r = collect(w->metric, from, samples);
	if (r < 0)
		return r;
	json_object_foreach(samples, labels, value)
	    put_sample(w, suffixes[w->metric->type], labels, json_real_value(value));
	return 0;
}

/* ---- all of it -------------------------------------------------------------------------------- */

static bool is_on(const struct nsg_diag *warnings, const char *code)
{
	for (size_t i = 0; i < warnings->n; i++)
		if (warnings->v[i].code && !strcmp(warnings->v[i].code, code))
			return true;
	return false;
}

static json_t *alarms_of(const struct nsg_diag *warnings)
{
	json_t *alarms = json_array();
	const char *code;

	for (size_t i = 0; (code = alarms_code(i)); i++)
		(void)json_array_append_new(
		    alarms,
		    NSG_JSON_OBJECT(PAIR_S("code", code), PAIR_B("on", is_on(warnings, code))));
	return alarms;
}

int metrics_put(FILE *out, bool openmetrics, json_t *status, json_t *stats,
		const struct nsg_diag *warnings)
{
	cleanup_json json_t *all = NSG_JSON_OBJECT(PAIR_J("status", json_incref(status)),
						   PAIR_J("stats", json_incref(stats)),
						   PAIR_J("alarms", alarms_of(warnings)));

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(metrics); i++) {
		const struct writer w = {out, openmetrics, &metrics[i]};
		int r = put_samples(&w, member(all, metrics[i].path));

		if (r < 0)
			return r;
	}
	if (openmetrics)
		fputs("# EOF\n", out);
	return 0;
}

int metrics_text(struct instance *in, bool openmetrics, char **ret)
{
	struct nsg_diag warnings = {0};
	cleanup_json json_t *status = status_json(in, &warnings);
	cleanup_json json_t *stats = stats_json(in);
	cleanup_free char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int r = -ENOMEM;

	if (status && stats && out)
		r = metrics_put(out, openmetrics, status, stats, &warnings);
	nsg_diag_done(&warnings);
	if (out && !nsg_text_end(out, &text))
		r = -ENOMEM;
	if (r < 0)
		return r;
	*ret = TAKE_PTR(text);
	return 0;
}

/* ---- the file --------------------------------------------------------------------------------- */

void metrics_write_file(struct instance *in)
{
	const char *path = in->conf_start->metrics_textfile;
	char *text = NULL;
	int r = 0;

	if (!path)
		return;
	if (!in->metrics_file)
		r = metrics_file_new(path, &in->metrics_file);
	if (r < 0) {
		log_warning("%s: cannot be written: %s", path, strerror(-r));
		return;
	}
	(void)metrics_text(in, false, &text);
	metrics_file_put(in->metrics_file, text);
}
