/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "explain/rows.h"
#include "explain/text.h"
#include "nsgctl/command.h"
#include "nsgctl/filter.h"
#include "nsgctl/nsgctl.h"
#include "nsgctl/packets.h"
#include "nsgctl/trace_file.h"
#include "observe/ring.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/json_object.h"
#include "util/limits.h"
#include "util/macro.h"
#include "util/text.h"

/* Not an exit status: all has been printed. */
#define ENOUGH 64
#define MAX_SECONDS (365u * 86400u)

struct trace {
	const struct nsgctl *ctl;
	struct nsgctl_filter filter;
	struct nsgctl_trace_file file; /* -w */
	struct nsg_rows rows;
	struct nsgctl_packets packets;	     /* the expression */
	unsigned long count;		     /* decisions left to print; 0: no limit */
	unsigned int seconds;		     /* 0: no limit */
	char policy[NSGCTL_SECTION_COMMENT]; /* that decides now; "": not known */
	/* --last: a ring of what passed. */
	unsigned long last, n_kept;
	json_t **kept;
};

/* ---- which decisions ------------------------------------------------------------------------- */

static bool passes(const struct trace *t, const json_t *item)
{
	uint8_t payload[NSG_RECORD_PAYLOAD_BYTES];

	if (!nsgctl_filter_passes(&t->filter, item))
		return false;
	if (!t->ctl->n_operands)
		return true;
	return nsgctl_packets_match(&t->packets, item, payload,
				    nsgctl_packets_payload(item, payload));
}

static bool report_missed(const json_t *item)
{
	const json_t *lost = json_object_get(item, "lost");

	if (lost)
		nsgctl_report_missed((unsigned long long)json_integer_value(lost));
	return lost;
}

static bool to_standard_output(const struct nsgctl *ctl)
{
	return ctl->write && strcmp(ctl->write, "-") == 0;
}

static int print_decision(struct trace *t, json_t *item)
{
	int status;

	if (t->ctl->write) {
		status = nsgctl_trace_file_write(&t->file, item);
		if (status || to_standard_output(t->ctl))
			return status;
	}
	(void)json_object_del(item, "payload");
	if (t->ctl->form == NSGCTL_TABLE)
		nsg_rows_put(&t->rows, item);
	else if (nsgctl_print_line(item) < 0)
		return NSG_EXIT_FAILED;
	return fflush(stdout) == 0 ? 0 : NSG_EXIT_FAILED;
}

/* The first one is no news. */
static int take_policy(struct trace *t, const json_t *policy)
{
	char name[NSGCTL_SECTION_COMMENT];
	bool changed;

	nsgctl_section_comment(policy, name, sizeof(name));
	changed = *t->policy && strcmp(name, t->policy) != 0;
	(void)snprintf(t->policy, sizeof(t->policy), "%s", name);
	if (changed && t->ctl->form == NSGCTL_TABLE && !to_standard_output(t->ctl)) {
		fputs("# ", stdout);
		nsg_text(stdout, name, 0);
		putchar('\n');
	}
	return t->ctl->write ? nsgctl_trace_file_section(&t->file, name) : 0;
}

static int take_live(void *closure, json_t *item)
{
	const json_t *policy = json_object_get(item, "policy");
	struct trace *t = closure;
	int status;

	if (policy)
		return take_policy(t, policy);
	if (report_missed(item))
		return 0;
	if (nsgctl_command_add(item) < 0)
		return nsgctl_out_of_memory();
	if (!passes(t, item))
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
	nsgctl_trace_file_done(&t->file);
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
	if (!status && ctl->last && nsgctl_packets_need_payload(&t->packets))
		return nsgctl_fail(NSG_EXIT_USAGE,
				   "--last: packets are not remembered: EXPRESSION can only use "
				   "addresses, protocol, ports and length");
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

/* The first line of a table; with other forms, whose lines are records, for a person who watches. */
static void print_cost(const struct trace *t)
{
	static const char text[] = "# While a trace runs, every new flow waits for the daemon: the "
				   "kernel answers none by itself.\n"
				   "# The first round trip takes 1.1 times as long on an idle "
				   "host, and up to 9 times on a busy one.\n";

	static const char all[] = "# So does every packet that --all-packets selects.\n";
	FILE *out = t->ctl->form == NSGCTL_TABLE && !to_standard_output(t->ctl) ? stdout : stderr;

	if (out == stderr && !isatty(STDERR_FILENO))
		return;
	(void)fputs(text, out);
	if (t->ctl->all_packets)
		(void)fputs(all, out);
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
	if (!nsg_text_end(out, &text))
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

static int describe_policy(void *closure, json_t *item)
{
	return take_policy(closure, json_object_get(item, "policy"));
}

static int begin_file(struct trace *t, struct nsgctl_session *session)
{
	cleanup_json json_t *args = json_object();
	int status = nsgctl_trace_file_open(&t->file, t->ctl);

	if (!status)
		status = nsgctl_session_ask(session, "status", args, describe_policy, t);
	return status ? status : nsgctl_trace_file_commit(&t->file);
}

/* Until the daemon's end of the connection, or the trace's. */
static int follow_daemon(struct trace *t, struct nsgctl_session *session, json_t *args)
{
	const struct nsgctl *ctl = t->ctl;

	if (ctl->form != NSGCTL_TABLE && !ctl->write && !ctl->filter && !ctl->n_operands &&
	    !t->count)
		return nsgctl_session_pass(session, "trace", args);
	return nsgctl_session_ask(session, "trace", args, take_live, t);
}

static bool next_daemon(struct nsgctl_session *session)
{
	bool found;

	fprintf(stderr, "nsgctl: nsgd closed the connection: waiting for it to start again\n");
	found = nsgctl_session_follow(session);
	nsgctl_interruptible(session);
	if (found)
		fprintf(stderr, "nsgctl: nsgd is running again; decisions may have been missed\n");
	return found && !*session->interrupted;
}

static int follow(struct trace *t, struct nsgctl_session *session)
{
	const struct nsgctl *ctl = t->ctl;
	cleanup_json json_t *args = NSG_JSON_OBJECT(
	    PAIR_B("payload", ctl->write || ctl->n_operands), PAIR_B("dropped", ctl->dropped_only),
	    PAIR_B("policy", ctl->write || ctl->form == NSGCTL_TABLE),
	    PAIR_B("allPackets", ctl->all_packets));
	int status = ctl->all_packets ? add_program(t, args) : 0;

	if (!status && ctl->write)
		status = begin_file(t, session);
	if (status)
		return status;
	if (t->seconds)
		(void)alarm(t->seconds);
	session->follows = true;
	do
		status = follow_daemon(t, session, args);
	while (status == NSGCTL_SESSION_ENDED && next_daemon(session));
	if (status == NSGCTL_SESSION_ENDED && !*session->interrupted)
		return nsgctl_fail(NSG_EXIT_NO_DAEMON, "no nsgd is running at %s", session->path);
	if (status == ENOUGH || status == NSGCTL_SESSION_ENDED)
		status = NSG_EXIT_DONE;
	return status || !ctl->write ? status : nsgctl_trace_file_end(&t->file);
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
