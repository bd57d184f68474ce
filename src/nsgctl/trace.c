/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "explain/rows.h"
#include "nsgctl/filter.h"
#include "nsgctl/nsgctl.h"
#include "nsgctl/outfile.h"
#include "observe/pcapng.h"
#include "observe/ring.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/json_object.h"

struct trace {
	const struct nsgctl *ctl;
	struct nsgctl_filter filter;
	struct nsgctl_outfile file; /* -w */
	struct nsg_rows rows;
};

static int from_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The packet's first bytes; returns their number. */
static size_t read_payload(const json_t *item, uint8_t out[static NSG_RECORD_PAYLOAD_BYTES])
{
	const char *text = json_string_value(json_object_get(item, "payload"));
	size_t n = 0;

	for (; text && text[0] && text[1] && n < NSG_RECORD_PAYLOAD_BYTES; text += 2, n++) {
		int high = from_hex(text[0]), low = from_hex(text[1]);

		if (high < 0 || low < 0)
			break;
		out[n] = (uint8_t)(high << 4 | low);
	}
	return n;
}

/* Nanoseconds since the epoch of e.g. "2020-04-15T12:00:00.000000042Z"; 0 when it is invalid. */
static uint64_t read_time(const json_t *item)
{
	const char *text = json_string_value(json_object_get(item, "time"));
	struct tm tm = {0};
	const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	uint64_t ns = 0;

	if (!rest)
		return 0;
	if (*rest == '.')
		ns = strtoull(rest + 1, NULL, 10);
	return (uint64_t)timegm(&tm) * NSG_NS_PER_SEC + ns;
}

static int write_decision(const struct trace *t, const json_t *item)
{
	const char *verdict = json_string_value(json_object_get(item, "verdict"));
	const char *direction = json_string_value(json_object_get(item, "direction"));
	uint8_t payload[NSG_RECORD_PAYLOAD_BYTES];
	char comment[640];
	struct nsg_pcapng_packet packet = {
	    .time_ns = read_time(item),
	    .data = payload,
	    .captured = (uint32_t)read_payload(item, payload),
	    .length = (uint32_t)json_integer_value(json_object_get(item, "length")),
	    .outbound = direction && strcmp(direction, "egress") == 0,
	    .verdict =
		verdict && strcmp(verdict, "accept") == 0 ? NSG_VERDICT_ACCEPT : NSG_VERDICT_DROP,
	    .comment = comment,
	};
	int r;

	nsgctl_comment(item, comment, sizeof(comment));
	r = nsg_pcapng_write(t->file.out, &packet);
	return r < 0 ? nsgctl_outfile_fail(&t->file, r) : 0;
}

/* The file has its name from the beginning, so that a reader can follow it. */
static int begin_file(struct trace *t)
{
	int status = nsgctl_outfile_open(&t->file, t->ctl, -1);
	int r;

	if (status)
		return status;
	r = nsg_pcapng_begin(t->file.out, NSG_PCAPNG_LINK_RAW);
	return r < 0 ? nsgctl_outfile_fail(&t->file, r) : nsgctl_outfile_commit(&t->file);
}

static void trace_done(struct trace *t)
{
	nsgctl_outfile_done(&t->file);
}

static int print_decision(void *closure, json_t *item)
{
	struct trace *t = closure;
	int status;

	if (!nsgctl_filter_passes(&t->filter, item))
		return 0;
	if (t->file.out) {
		status = write_decision(t, item);
		if (status || t->file.out == stdout)
			return status;
		(void)json_object_del(item, "payload");
	}
	if (t->ctl->form == NSGCTL_TABLE)
		nsg_rows_put(&t->rows, item);
	else if (nsgctl_print_line(item) < 0)
		return NSG_EXIT_FAILED;
	return fflush(stdout) == 0 ? 0 : NSG_EXIT_FAILED;
}

int nsgctl_trace(struct nsgctl *ctl)
{
	__attribute__((cleanup(nsgctl_session_close))) struct nsgctl_session session = {.fd = -1};
	cleanup_json json_t *args = NSG_JSON_OBJECT(PAIR_B("payload", ctl->write));
	__attribute__((cleanup(trace_done))) struct trace trace = {.ctl = ctl};
	char error[NSGCTL_FILTER_ERROR];
	int status;

	if (ctl->filter && nsgctl_filter_parse(ctl->filter, &trace.filter, error) < 0)
		return nsgctl_fail(NSG_EXIT_USAGE, "--filter: %s", error);
	status = nsgctl_session_open(ctl, &session);
	if (status)
		return status;
	if (ctl->write) {
		status = begin_file(&trace);
		if (status)
			return status;
	}
	nsgctl_interruptible(&session);
	if (ctl->form == NSGCTL_TABLE && trace.file.out != stdout)
		nsg_rows_begin(&trace.rows, NSG_ROWS_TRACE, &ctl->term, stdout);
	else if (!ctl->write && !ctl->filter)
		return nsgctl_session_pass(&session, "trace", args, stdout);
	return nsgctl_session_ask(&session, "trace", args, print_decision, &trace);
}
