/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "explain/rows.h"
#include "nsgctl/filter.h"
#include "nsgctl/nsgctl.h"
#include "nsgctl/outfile.h"
#include "nsgctl/packets.h"
#include "observe/pcapng.h"
#include "observe/ring.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/json_object.h"
#include "util/limits.h"
#include "util/macro.h"

/* Not an exit status: all has been printed. */
#define ENOUGH 64
#define MAX_SECONDS (365u * 86400u)

#define SECTION_COMMENT 256

struct trace {
	const struct nsgctl *ctl;
	struct nsgctl_filter filter;
	struct nsgctl_outfile file; /* -w */
	struct nsg_rows rows;
	struct nsgctl_packets packets; /* the expression */
	unsigned long count;	       /* decisions left to print; 0: no limit */
	unsigned int seconds;	       /* 0: no limit */
	/* --last: a ring of what passed. */
	unsigned long last, n_kept;
	json_t **kept;
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
	char comment[2 * NSGCTL_COMMENT];
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
	packet.comment_n = strlen(comment);
	r = nsg_pcapng_write(t->file.out, &packet);
	/* at once, so that a reader never finds part of a packet */
	if (r == 0 && fflush(t->file.out) != 0)
		r = -errno;
	return r < 0 ? nsgctl_outfile_fail(&t->file, r) : 0;
}

static int describe_policy(void *closure, json_t *item)
{
	nsgctl_section_comment(json_object_get(item, "policy"), closure, SECTION_COMMENT);
	return 0;
}

/* The file has its name from the beginning, so that a reader can follow it. */
static int begin_file(struct trace *t, struct nsgctl_session *session)
{
	cleanup_json json_t *args = json_object();
	char comment[SECTION_COMMENT] = "";
	int status = nsgctl_session_ask(session, "status", args, describe_policy, comment);
	int r;

	if (!status)
		status = nsgctl_outfile_open(&t->file, t->ctl, -1);
	if (status)
		return status;
	r = nsg_pcapng_section(t->file.out, nsgctl_application, comment);
	if (r == 0)
		r = nsg_pcapng_interface(t->file.out, NSG_PCAPNG_LINK_RAW, "");
	return r < 0 ? nsgctl_outfile_fail(&t->file, r) : nsgctl_outfile_commit(&t->file);
}

/* ---- which decisions ------------------------------------------------------------------------- */

static bool passes(const struct trace *t, const json_t *item)
{
	uint8_t payload[NSG_RECORD_PAYLOAD_BYTES];

	if (!nsgctl_filter_passes(&t->filter, item))
		return false;
	if (!t->ctl->n_operands)
		return true;
	return nsgctl_packets_match(&t->packets, item, payload, read_payload(item, payload));
}

static bool report_missed(const json_t *item)
{
	const json_t *lost = json_object_get(item, "lost");

	if (lost)
		nsgctl_report_missed((unsigned long long)json_integer_value(lost));
	return lost;
}

static int print_decision(struct trace *t, json_t *item)
{
	int status;

	if (t->file.out) {
		status = write_decision(t, item);
		if (status || t->file.out == stdout)
			return status;
	}
	(void)json_object_del(item, "payload");
	if (t->ctl->form == NSGCTL_TABLE)
		nsg_rows_put(&t->rows, item);
	else if (nsgctl_print_line(item) < 0)
		return NSG_EXIT_FAILED;
	return fflush(stdout) == 0 ? 0 : NSG_EXIT_FAILED;
}

static int take_live(void *closure, json_t *item)
{
	struct trace *t = closure;
	int status;

	if (report_missed(item) || !passes(t, item))
		return 0;
	status = print_decision(t, item);
	if (status || !t->count)
		return status;
	return --t->count ? 0 : ENOUGH;
}

static int take_kept(void *closure, json_t *item)
{
	struct trace *t = closure;
	json_t **place = &t->kept[t->n_kept % t->last];

	if (!passes(t, item))
		return 0;
	json_decref(*place);
	*place = json_incref(item);
	t->n_kept++;
	return 0;
}

/* ---- the verb -------------------------------------------------------------------------------- */

static void trace_done(struct trace *t)
{
	for (unsigned long i = 0; t->kept && i < t->last; i++)
		json_decref(t->kept[i]);
	free(t->kept);
	nsgctl_packets_done(&t->packets);
	nsgctl_outfile_done(&t->file);
}

/* "30", "30s", "5m", "2h", "1d". */
static int read_seconds(const char *text, unsigned int *ret)
{
	static const struct {
		const char *unit;
		unsigned int seconds;
	} units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	for (size_t i = 0; i < NSG_ARRAY_SIZE(units); i++) {
		if (text[0] < '0' || text[0] > '9' || strcmp(end, units[i].unit) != 0 || !n ||
		    n > MAX_SECONDS / units[i].seconds)
			continue;
		*ret = (unsigned int)n * units[i].seconds;
		return 0;
	}
	return nsgctl_fail(NSG_EXIT_USAGE,
			   "--for: \"%s\" is not a time such as 30s, 5m or 2h, up to 365d", text);
}

static int read_options(struct trace *t)
{
	const struct nsgctl *ctl = t->ctl;
	char error[NSGCTL_FILTER_ERROR];
	int status = 0;

	if (ctl->filter && nsgctl_filter_parse(ctl->filter, &t->filter, error) < 0)
		return nsgctl_fail(NSG_EXIT_USAGE, "--filter: %s", error);
	if (ctl->last && (ctl->write || ctl->count || ctl->duration || ctl->all_packets))
		return nsgctl_fail(NSG_EXIT_USAGE,
				   "--last prints remembered decisions: it cannot "
				   "be used with -w, --count, --for or --all-packets");
	if (ctl->count)
		status = nsgctl_number("count", ctl->count, 1, ULONG_MAX, &t->count);
	if (!status && ctl->last)
		status = nsgctl_number("last", ctl->last, 1, 2ul * NSG_MAX_HISTORY, &t->last);
	if (!status && ctl->duration)
		status = read_seconds(ctl->duration, &t->seconds);
	if (!status && ctl->n_operands)
		status = nsgctl_packets_compile(&t->packets, ctl->operands, ctl->n_operands);
	return status;
}

static int print_last(struct trace *t, struct nsgctl_session *session)
{
	cleanup_json json_t *args = NSG_JSON_OBJECT(PAIR_B("dropped", t->ctl->dropped_only));
	unsigned long first;
	int status;

	t->kept = calloc(t->last, sizeof(*t->kept));
	if (!t->kept)
		return nsgctl_out_of_memory();
	status = nsgctl_session_ask(session, "history", args, take_kept, t);
	first = t->n_kept > t->last ? t->n_kept - t->last : 0;
	for (unsigned long i = first; !status && i < t->n_kept; i++)
		status = print_decision(t, t->kept[i % t->last]);
	return status;
}

static bool to_standard_output(const struct nsgctl *ctl)
{
	return ctl->write && strcmp(ctl->write, "-") == 0;
}

/* The first line of a table; with other forms, whose lines are records, for a person who watches. */
static void print_cost(const struct trace *t)
{
	static const char text[] = "# While a trace runs, every new flow waits for the daemon: the "
				   "kernel answers none by itself.\n"
				   "# The first round trip takes 1.1 times as long on an idle "
				   "host, and up to 9 times on a busy one.\n";

	if (t->ctl->form == NSGCTL_TABLE && !to_standard_output(t->ctl))
		(void)fputs(text, stdout);
	else if (isatty(STDERR_FILENO))
		(void)fputs(text, stderr);
}

/* --all-packets: the expression and the conditions as one program, which the kernel runs. None: every
 * packet matches. 0 or an exit status. */
static int add_program(const struct trace *t, json_t *args)
{
	__attribute__((cleanup(nsgctl_packets_done))) struct nsgctl_packets packets = {0};
	const struct nsgctl *ctl = t->ctl;
	cleanup_free char *text = NULL;
	const char *word;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int status;

	if (!out)
		return nsgctl_out_of_memory();
	fputs("ip", out);
	for (size_t i = 0; i < ctl->n_operands; i++)
		fprintf(out, "%s%s%s", i ? " " : " and (", ctl->operands[i],
			i + 1 == ctl->n_operands ? ")" : "");
	nsgctl_filter_put_expression(&t->filter, out);
	if (fclose(out) != 0)
		return nsgctl_out_of_memory();
	if (strcmp(text, "ip") == 0)
		return 0;
	word = text;
	status = nsgctl_packets_compile(&packets, &word, 1);
	if (status)
		return status;
	if (!nsgctl_packets_fit(&packets))
		return nsgctl_fail(NSG_EXIT_USAGE,
				   "--all-packets: EXPRESSION and the conditions take %u "
				   "instructions, the kernel's limit is %u: make them shorter",
				   packets.program.bf_len, NSG_MAX_FILTER_PROGRAM);
	return NSG_JSON_ADD(args, PAIR_J("program", nsgctl_packets_json(&packets))) < 0
		   ? nsgctl_out_of_memory()
		   : 0;
}

static int follow(struct trace *t, struct nsgctl_session *session)
{
	const struct nsgctl *ctl = t->ctl;
	cleanup_json json_t *args = NSG_JSON_OBJECT(
	    PAIR_B("payload", ctl->write || ctl->n_operands), PAIR_B("dropped", ctl->dropped_only),
	    PAIR_B("allPackets", ctl->all_packets));
	int status = ctl->all_packets ? add_program(t, args) : 0;

	if (status)
		return status;
	if (ctl->write) {
		status = begin_file(t, session);
		if (status)
			return status;
	}
	if (t->seconds)
		(void)alarm(t->seconds);
	if (ctl->form != NSGCTL_TABLE && !ctl->write && !ctl->filter && !ctl->n_operands &&
	    !t->count)
		return nsgctl_session_pass(session, "trace", args, stdout);
	status = nsgctl_session_ask(session, "trace", args, take_live, t);
	return status == ENOUGH ? NSG_EXIT_DONE : status;
}

int nsgctl_trace(struct nsgctl *ctl)
{
	__attribute__((cleanup(nsgctl_session_close))) struct nsgctl_session session = {.fd = -1};
	__attribute__((cleanup(trace_done))) struct trace trace = {.ctl = ctl};
	int status = read_options(&trace);

	if (!status)
		status = nsgctl_session_open(ctl, &session);
	if (status)
		return status;
	nsgctl_interruptible(&session);
	if (!ctl->last)
		print_cost(&trace);
	if (ctl->form == NSGCTL_TABLE && !to_standard_output(ctl))
		nsg_rows_begin(&trace.rows, NSG_ROWS_TRACE, &ctl->term, stdout);
	return ctl->last ? print_last(&trace, &session) : follow(&trace, &session);
}
