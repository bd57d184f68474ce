/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status, stats and reload: the daemon's answers, in short for a person. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "explain/render.h"
#include "nsgctl/nsgctl.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/json_object.h"
#include "util/macro.h"
#include "util/text.h"

#define MAX_TOP 65535

static int keep(void *closure, json_t *item)
{
	json_t **kept = closure;

	json_decref(*kept);
	*kept = json_incref(item);
	return 0;
}

static json_int_t number_at(const json_t *value, const char *path)
{
	return json_integer_value(nsg_at(value, path));
}

/* A sentence about the item, over as many lines as it takes. */
static int print_sentence(const struct nsgctl *ctl, const json_t *item,
			  void (*put)(FILE *out, const json_t *item))
{
	cleanup_free char *buffer = NULL;
	size_t size;
	FILE *text = open_memstream(&buffer, &size);

	if (!text)
		return nsgctl_out_of_memory();
	put(text, item);
	if (!nsg_text_end(text, &buffer))
		return nsgctl_out_of_memory();
	nsg_wrap(stdout, buffer, 2, ctl->term.columns);
	return 0;
}

/* "42 s", "35 min", "2 h", "3 days". */
static void put_duration(FILE *out, json_int_t seconds)
{
	if (seconds < 120)
		fprintf(out, "%" JSON_INTEGER_FORMAT " s", seconds);
	else if (seconds < 7200)
		fprintf(out, "%" JSON_INTEGER_FORMAT " min", seconds / 60);
	else if (seconds < 48 * 3600)
		fprintf(out, "%" JSON_INTEGER_FORMAT " h", seconds / 3600);
	else
		fprintf(out, "%" JSON_INTEGER_FORMAT " days", seconds / 86400);
}

/* The local time, with the date when it is not today's. */
static void put_when(FILE *out, json_int_t time_ns)
{
	time_t then = (time_t)(time_ns / (json_int_t)NSG_NS_PER_SEC), now = time(NULL);
	struct tm tm, today;
	char text[32];

	if (!localtime_r(&then, &tm) || !localtime_r(&now, &today))
		return;
	if (strftime(text, sizeof(text),
		     tm.tm_year == today.tm_year && tm.tm_yday == today.tm_yday ? "%H:%M"
										: "%-d %b %H:%M",
		     &tm))
		fputs(text, out);
}

/* "214 flows decided, 207 dropped, the last 3 s ago". Audit mode decides each packet. */
static void put_flows(FILE *out, const json_t *flows, bool audit)
{
	json_int_t decided = number_at(flows, "decided"), dropped = number_at(flows, "dropped");
	const json_t *ago = nsg_at(flows, "lastDropSecondsAgo");
	const char *what = audit ? "packet" : "flow";

	if (!decided) {
		fprintf(out, "no %s decided yet", what);
		return;
	}
	fprintf(out, "%" JSON_INTEGER_FORMAT " %s%s decided, %" JSON_INTEGER_FORMAT " %s", decided,
		what, nsg_text_plural((uint64_t)decided), dropped,
		audit ? "would be dropped" : "dropped");
	if (dropped && json_is_integer(ago)) {
		fputs(", the last ", out);
		put_duration(out, json_integer_value(ago));
		fputs(" ago", out);
	}
}

/* ---- status --------------------------------------------------------------------------------- */

/* "; 12 live routes in table 100, the last changed at 14:07 within 61 ms" */
static void put_live(FILE *out, const json_t *bgp)
{
	json_int_t routes = number_at(bgp, "inForce"),
		   changed_ns = number_at(bgp, "lastChangeTimeNs");

	if (!json_is_object(bgp))
		return;
	fprintf(out, "; %" JSON_INTEGER_FORMAT " live route%s in table %" JSON_INTEGER_FORMAT,
		routes, nsg_text_plural((uint64_t)routes), number_at(bgp, "table"));
	if (!changed_ns)
		return;
	fputs(", the last changed at ", out);
	put_when(out, changed_ns);
	fprintf(out, " within %" JSON_INTEGER_FORMAT " ms",
		number_at(bgp, "lastChangeToDecisionNs") / (json_int_t)NSG_NS_PER_MSEC);
}

static void put_status(FILE *out, const json_t *status)
{
	bool audit = strcmp(nsg_string_at(status, "mode"), "audit") == 0;
	json_int_t rules = number_at(status, "policy.image.rules");
	json_int_t routes = number_at(status, "policy.image.routes");

	fputs(audit ? "auditing for " : "enforcing for ", out);
	put_duration(out, number_at(status, "uptimeSeconds"));
	fputs(": policy of ", out);
	put_when(out, number_at(status, "reloads.loadedTimeNs"));
	fprintf(out,
		" (%" JSON_INTEGER_FORMAT " rule%s, %" JSON_INTEGER_FORMAT
		" route%s), route-all %s; ",
		rules, nsg_text_plural((uint64_t)rules), routes, nsg_text_plural((uint64_t)routes),
		json_is_true(nsg_at(status, "policy.routeAll")) ? "on" : "off");
	put_flows(out, nsg_at(status, "flows"), audit);
	put_live(out, nsg_at(status, "bgp"));
	fputc('\n', out);
}

/* The daemon's warnings follow on standard error. */
static int print_status(void *closure, json_t *item)
{
	const struct nsgctl *ctl = closure;
	int status;

	if (ctl->form != NSGCTL_TABLE)
		return nsgctl_print(ctl, "status", item);
	status = print_sentence(ctl, item, put_status);
	if (status)
		return status;
	if (ctl->verbose)
		nsg_render("status", item, &ctl->term, stdout);
	return fflush(stdout) == 0 ? 0 : NSG_EXIT_FAILED;
}

int nsgctl_status(struct nsgctl *ctl)
{
	cleanup_session struct nsgctl_session session = {.fd = -1};
	cleanup_json json_t *args = json_object();
	int status = nsgctl_session_open(ctl, &session);

	return status ? status : nsgctl_session_ask(&session, "status", args, print_status, ctl);
}

/* ---- stats ---------------------------------------------------------------------------------- */

static json_int_t packets_of(const json_t *row)
{
	return number_at(row, "packets");
}

static int by_packets(const void *a, const void *b)
{
	json_int_t x = packets_of(*(json_t *const *)a), y = packets_of(*(json_t *const *)b);

	return NSG_CMP(y, x);
}

/* The rows with packets: in their order, or the `top` ones with the most. NULL: none. */
static json_t *busy_rows(const json_t *rows, size_t top)
{
	cleanup_free const json_t **v = calloc(json_array_size(rows) + 1, sizeof(*v));
	json_t *busy = json_array();
	const json_t *row;
	size_t i, n = 0;

	json_array_foreach(rows, i, row) if (v && packets_of(row)) v[n++] = row;
	if (top && n)
		qsort(v, n, sizeof(*v), by_packets);
	for (i = 0; i < n && (!top || i < top); i++)
		(void)json_array_append(busy, (json_t *)(uintptr_t)v[i]);
	if (n)
		return busy;
	json_decref(busy);
	return NULL;
}

/* Its members that are not 0; NULL: none. */
static json_t *busy_members(const json_t *object)
{
	json_t *busy = json_object();
	const json_t *value;
	const char *key;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		if (json_is_integer(value) && json_integer_value(value))
			(void)json_object_set(busy, key, (json_t *)(uintptr_t)value);
	}
	if (json_object_size(busy))
		return busy;
	json_decref(busy);
	return NULL;
}

static void put_time(FILE *out, double ns)
{
	if (ns < 1e6)
		fprintf(out, "%.0f us", ns / 1e3);
	else
		fprintf(out, "%.0f ms", ns / 1e6);
}

/* The bound of the bucket that holds the packet at that share. */
static double quantile_ns(const json_t *buckets, double share)
{
	json_int_t total = 0, seen = 0, below = 0;
	const json_t *bucket;
	size_t i;

	json_array_foreach(buckets, i, bucket) total += packets_of(bucket);
	json_array_foreach(buckets, i, bucket)
	{
		below = number_at(bucket, "below");
		seen += packets_of(bucket);
		if ((double)seen >= share * (double)total)
			break;
	}
	return (double)below;
}

static json_t *latency(const json_t *buckets)
{
	char *text = NULL;
	json_t *value;
	size_t size;
	FILE *out;

	if (!json_array_size(buckets))
		return NULL;
	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	fputs("p50 below ", out);
	put_time(out, quantile_ns(buckets, 0.5));
	fputs(", p99 below ", out);
	put_time(out, quantile_ns(buckets, 0.99));
	value = fclose(out) == 0 ? json_string(text) : NULL;
	free(text);
	return value;
}

struct stats {
	const struct nsgctl *ctl;
	size_t top;
	/* --watch: those of a second before */
	bool watches, has_before;
	json_int_t flows, packets;
};

/* "214 decided, 207 dropped" with, while watching, how many of them in the last second. */
static json_t *decided_text(struct stats *s, const json_t *item)
{
	json_int_t flows = number_at(item, "flows.decided"), packets = number_at(item, "packets");
	char text[192], rate[64] = "";
	json_t *value;

	if (s->has_before)
		(void)snprintf(rate, sizeof(rate),
			       "; last second: %" JSON_INTEGER_FORMAT
			       " flows, %" JSON_INTEGER_FORMAT " packets",
			       flows - s->flows, packets - s->packets);
	(void)snprintf(text, sizeof(text),
		       "%" JSON_INTEGER_FORMAT " decided, %" JSON_INTEGER_FORMAT
		       " dropped, with %" JSON_INTEGER_FORMAT " packets%s",
		       flows, number_at(item, "flows.dropped"), packets, rate);
	value = json_string(text);
	s->has_before = s->watches;
	s->flows = flows;
	s->packets = packets;
	return value;
}

static void set_if(json_t *object, const char *key, json_t *value)
{
	if (value)
		(void)json_object_set_new(object, key, value);
}

static json_t *digest(struct stats *s, const json_t *item)
{
	static const char *const tables[] = {"reasons", "gates", "adminRules", "rules", "routes"};
	json_t *shown = json_object();

	set_if(shown, "flows", decided_text(s, item));
	set_if(shown, "latency", latency(nsg_at(item, "latencyNs")));
	for (size_t i = 0; i < NSG_ARRAY_SIZE(tables); i++)
		set_if(shown, tables[i], busy_rows(nsg_at(item, tables[i]), s->top));
	set_if(shown, "kernel", busy_members(nsg_at(item, "kernel")));
	set_if(shown, "queue", busy_members(nsg_at(item, "queue")));
	if (number_at(item, "traceRecordsLost"))
		(void)json_object_set(shown, "traceRecordsLost",
				      json_object_get(item, "traceRecordsLost"));
	return shown;
}

static int print_stats(struct stats *s, const json_t *item)
{
	cleanup_json json_t *shown = NULL;

	if (s->ctl->form != NSGCTL_TABLE)
		return nsgctl_print(s->ctl, "stats", item);
	shown = s->ctl->verbose ? json_incref((json_t *)(uintptr_t)item) : digest(s, item);
	nsg_render("stats", shown, &s->ctl->term, stdout);
	return 0;
}

int nsgctl_stats(struct nsgctl *ctl)
{
	cleanup_session struct nsgctl_session session = {.fd = -1};
	cleanup_json json_t *args = json_object();
	cleanup_json json_t *item = NULL;
	struct stats stats = {.ctl = ctl, .watches = ctl->watch};
	unsigned long top = 0;
	int status;

	if (ctl->top && nsgctl_number("top", ctl->top, 1, MAX_TOP, &top))
		return NSG_EXIT_USAGE;
	stats.top = top;
	status = nsgctl_session_open(ctl, &session);
	if (status)
		return status;
	nsgctl_watch_begin(ctl, &session);
	do {
		status = nsgctl_session_ask(&session, "stats", args, keep, &item);
		if (!status && item && nsgctl_watch_clear(ctl))
			status = print_stats(&stats, item);
	} while (!status && nsgctl_watch_wait(ctl));
	return status;
}

/* ---- reload --------------------------------------------------------------------------------- */

static void put_part(FILE *out, const json_t *item, const char *part)
{
	const json_t *counts = nsg_at(item, part);
	json_int_t before = number_at(counts, "before"), after = number_at(counts, "after");

	fprintf(out, "%" JSON_INTEGER_FORMAT " %s", after, part);
	if (before != after)
		fprintf(out, " (before: %" JSON_INTEGER_FORMAT ")", before);
}

static void put_changes(FILE *out, const json_t *item)
{
	static const char *const parts[] = {"rules", "routes", "gate"};
	bool any = false;

	for (size_t i = 0; i < NSG_ARRAY_SIZE(parts); i++) {
		if (!json_is_true(nsg_at(nsg_at(item, parts[i]), "changed")))
			continue;
		fprintf(out, "%s%s", any ? ", " : "changed: ", parts[i]);
		any = true;
	}
	fputs(any ? "\n" : "decisions unchanged\n", out);
}

static void put_reload(FILE *out, const json_t *item)
{
	bool on = json_is_true(nsg_at(item, "gate.routeAll"));

	fputs("policy ", out);
	nsg_text(out, nsg_string_at(item, "policyDirectory"), 0);
	fprintf(out, " loaded in %.1f ms: ", (double)number_at(item, "microseconds") / 1e3);
	put_part(out, item, "rules");
	fputs(", ", out);
	put_part(out, item, "routes");
	fprintf(out, ", route-all %s", on ? "on" : "off");
	if (on != json_is_true(nsg_at(item, "gate.routeAllBefore")))
		fprintf(out, " (before: %s)", on ? "off" : "on");
	fputs("; ", out);
	put_changes(out, item);
}

static int print_reload(void *closure, json_t *item)
{
	const struct nsgctl *ctl = closure;

	if (ctl->form != NSGCTL_TABLE)
		return nsgctl_print(ctl, "reload", item);
	return print_sentence(ctl, item, put_reload);
}

int nsgctl_reload(struct nsgctl *ctl)
{
	cleanup_session struct nsgctl_session session = {.fd = -1};
	cleanup_json json_t *args = json_object();
	int status = nsgctl_session_open(ctl, &session);

	return status ? status : nsgctl_session_ask(&session, "reload", args, print_reload, ctl);
}
