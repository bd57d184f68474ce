/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "nsgd/log_writer.h"
#include "util/cleanup.h"
#include "util/ip.h"
#include "util/limits.h"
#include "util/macro.h"
#include "util/names.h"

/* Decisions per second; more would hide the other messages in the journal. */
#define DECISIONS_A_SECOND 1000

static struct {
	char instance[NSG_MAX_INSTANCE_LENGTH + 1];
	int level;
	bool journal;
} state = {.level = LOG_INFO};

/* $JOURNAL_STREAM names the file that was standard error when systemd started the service; it may
 * have been redirected since (systemd.exec(5)). */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_open(const char *instance, int level)
{
	(void)snprintf(state.instance, sizeof(state.instance), "%s", instance);
	state.level = level;
	state.journal = stderr_is_journal();
}

void log_close(void)
{
	log_writer_flush();
}

static void put_line(int level, const char *text, bool is_minor)
{
	const struct log_line line = {
	    .level = level,
	    .journal = state.journal,
	    .is_minor = is_minor,
	    .instance = state.instance,
	    .text = text,
	};

	if (level <= state.level)
		log_writer_put(&line);
}

static void put(int level, const char *text)
{
	put_line(level, text, false);
}

void log_message(int level, const char *format, ...)
{
	static const char *const prefix[] = {
	    [LOG_ERR] = "error: ",
	    [LOG_WARNING] = "warning: ",
	    [LOG_NOTICE] = "notice: ",
	};
	cleanup_free char *text = NULL, *line = NULL;
	va_list args;

	if (level > state.level)
		return;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	if (!text)
		return;
	if (state.journal || level >= (int)NSG_ARRAY_SIZE(prefix) || !prefix[level])
		put(level, text);
	else if (asprintf(&line, "%s%s", prefix[level], text) >= 0)
		put(level, line);
}

void log_diag(const struct nsg_diag *diag)
{
	static const int levels[] = {
	    [NSG_NOTICE] = LOG_NOTICE,
	    [NSG_WARNING] = LOG_WARNING,
	    [NSG_ERROR] = LOG_ERR,
	};

	for (size_t i = 0; i < diag->n; i++) {
		cleanup_free char *text = NULL;
		size_t size;
		FILE *f = open_memstream(&text, &size);

		if (!f)
			continue;
		nsg_diag_print(&diag->v[i], f);
		if (fclose(f) == 0)
			put(levels[diag->v[i].severity], text);
	}
	if (diag->n_dropped)
		log_warning("%zu more diagnostics are not shown", diag->n_dropped);
}

static bool admit_decision(void)
{
	static time_t second;
	static uint64_t n, cut;
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec != second) {
		second = now.tv_sec;
		if (cut)
			log_notice("%" PRIu64 " more decisions were not logged", cut);
		n = cut = 0;
	}
	if (n < DECISIONS_A_SECOND) {
		n++;
		return true;
	}
	cut++;
	return false;
}

static void put_rule(FILE *f, const struct nsg_image *image, uint16_t index)
{
	struct nsg_image_rule rule;

	if (index == NSG_RULE_NONE || index == NSG_RULE_NO_NSG)
		return;
	rule = nsg_image_rule(image, index);
	(void)fprintf(f, ", rule %s (%u)", rule.name, rule.priority);
}

static void put_admin_rule(FILE *f, const struct nsg_image *image, uint16_t number)
{
	struct nsg_image_rule rule;

	if (!number)
		return;
	rule = nsg_image_rule(nsg_image_admin(image), number - 1);
	(void)fprintf(f, ", admin rule %s (%u)", rule.name, rule.priority);
}

static void put_route(FILE *f, const struct nsg_image *image, uint32_t index)
{
	char prefix[NSG_PREFIX_TEXT];
	struct nsg_image_route route;

	if (index == NSG_ROUTE_NONE)
		return;
	route = nsg_image_route(image, index);
	nsg_prefix_format(route.prefix, prefix);
	(void)fprintf(f, ", route %s %s%s%s", prefix, nsg_hop_type_name(route.hop_type),
		      route.name ? " " : "", route.name ? route.name : "");
}

static void put_outcome(FILE *f, const struct nsg_trace_record *r)
{
	const char *protocol = nsg_protocol_name(r->key.protocol);
	bool drop = r->decision.verdict == NSG_VERDICT_DROP;

	(void)fprintf(f, "%s: %s ", drop ? (r->enforced ? "drop" : "would drop") : "accept",
		      nsg_reason_name(r->decision.reason));
	if (protocol)
		(void)fputs(protocol, f);
	else
		(void)fprintf(f, "%u", r->key.protocol);
}

static void put_why(FILE *f, const struct nsg_trace_record *r)
{
	put_admin_rule(f, r->image, r->decision.admin);
	put_rule(f, r->image, r->decision.rule);
	put_route(f, r->image, r->decision.route);
}

void log_decision(const struct nsg_trace_record *r)
{
	char src[NSG_IP4_TEXT], dst[NSG_IP4_TEXT];
	cleanup_free char *text = NULL;
	size_t size;
	FILE *f;

	if (LOG_INFO > state.level || !admit_decision())
		return;
	f = open_memstream(&text, &size);
	if (!f)
		return;
	nsg_ip4_format(r->key.src_host, src);
	nsg_ip4_format(r->key.dst_host, dst);
	put_outcome(f, r);
	if (nsg_protocol_has_ports(r->key.protocol))
		(void)fprintf(f, " %s:%u -> %s:%u", src, r->key.sport_host, dst, r->key.dport_host);
	else
		(void)fprintf(f, " %s -> %s", src, dst);
	put_why(f, r);
	if (fclose(f) == 0)
		put(LOG_INFO, text);
}

void log_repeats(const struct nsg_trace_record *r, uint64_t n)
{
	char dst[NSG_IP4_TEXT];
	cleanup_free char *text = NULL;
	size_t size;
	FILE *f;

	if (LOG_INFO > state.level || !admit_decision())
		return;
	f = open_memstream(&text, &size);
	if (!f)
		return;
	nsg_ip4_format(r->key.dst_host, dst);
	put_outcome(f, r);
	if (nsg_protocol_has_ports(r->key.protocol))
		(void)fprintf(f, " -> %s:%u", dst, r->key.dport_host);
	else
		(void)fprintf(f, " -> %s", dst);
	put_why(f, r);
	(void)fprintf(f, ": %" PRIu64 " more %s answered by the kernel", n,
		      n == 1 ? "packet was" : "packets were");
	if (fclose(f) == 0)
		put_line(LOG_INFO, text, true);
}
