/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * explain --batch: flows in, decisions out, line by line. A daemon gets many flows per request;
 * invalid lines are not sent.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "explain/flow.h"
#include "explain/rows.h"
#include "nsgctl/lines.h"
#include "nsgctl/nsgctl.h"
#include "util/cleanup.h"
#include "util/limits.h"

/* Flows per request. */
#define CHUNK 256
/* A request must fit a frame: ids may be as long as lines. */
#define CHUNK_BYTES (NSG_MAX_CONTROL_FRAME_BYTES / 4)

struct batch {
	const struct nsgctl *ctl;
	struct nsgctl_session session;
	struct nsgctl_lines lines;
	struct nsg_rows rows;
	json_t *items; /* of this chunk, in order: flows, and errors for invalid lines */
	size_t next;   /* the first item not yet printed */
	bool had_error, unexpected;
};

static void batch_done(struct batch *b)
{
	nsgctl_lines_done(&b->lines);
	json_decref(b->items);
	nsgctl_session_close(&b->session);
}

static int print(struct batch *b, const json_t *item)
{
	if (b->ctl->form == NSGCTL_TABLE) {
		nsg_rows_put(&b->rows, item);
		return 0;
	}
	return nsgctl_print_line(item) < 0 ? NSG_EXIT_FAILED : 0;
}

static bool is_error(const json_t *item)
{
	return json_object_get(item, "error") != NULL;
}

/* Prints the errors before the next flow. */
static int print_errors(struct batch *b)
{
	const json_t *item;
	int status = 0;

	while (!status && (item = json_array_get(b->items, b->next)) && is_error(item)) {
		status = print(b, item);
		b->next++;
	}
	return status;
}

/* Decisions arrive in the order of the flows. */
static int print_decision(void *closure, json_t *item)
{
	struct batch *b = closure;
	const char *verdict = json_string_value(json_object_get(item, "verdict"));
	int status = print_errors(b);

	if (b->ctl->expect && (!verdict || strcmp(verdict, b->ctl->expect) != 0))
		b->unexpected = true;
	b->next++;
	return status ? status : print(b, item);
}

static int flush(struct batch *b)
{
	cleanup_json json_t *flows = json_array();
	cleanup_json json_t *args = json_pack("{sO}", "flows", flows);
	json_t *item;
	int status = 0;
	size_t i;

	if (!args)
		return nsgctl_out_of_memory();
	json_array_foreach(b->items, i, item)
	{
		if (!is_error(item) && json_array_append(flows, item) < 0)
			return nsgctl_out_of_memory();
	}
	b->next = 0;
	if (json_array_size(flows))
		status = nsgctl_session_ask(&b->session, "explain", args, print_decision, b);
	if (!status)
		status = print_errors(b);
	if (!status && b->next != json_array_size(b->items))
		status = nsgctl_fail(NSG_EXIT_FAILED, "not all flows were decided");
	(void)json_array_clear(b->items);
	return status;
}

/* A program that writes to a pipe may wait for each answer. */
static bool answers_at_once(FILE *in)
{
	struct stat st;

	return fstat(fileno(in), &st) == 0 && !S_ISREG(st.st_mode);
}

static int run(struct batch *b, FILE *in)
{
	bool at_once = answers_at_once(in);
	size_t chunk = at_once ? 1 : CHUNK;
	size_t bytes = 0;
	int status = 0;

	while (!status && nsgctl_lines_next(&b->lines)) {
		json_t *item = NULL;
		int r = nsg_flow_line(b->lines.line, b->lines.n, &item);

		if (r == 0)
			continue;
		b->had_error |= r == -EINVAL;
		if (r == -ENOMEM || json_array_append_new(b->items, item) < 0)
			return nsgctl_out_of_memory();
		bytes += b->lines.n;
		if (json_array_size(b->items) < chunk && bytes < CHUNK_BYTES)
			continue;
		bytes = 0;
		status = flush(b);
		if (at_once && fflush(stdout) != 0)
			break; /* nsgctl_finish() reports it */
	}
	if (!status)
		status = flush(b);
	if (!status && ferror(in))
		status = nsgctl_fail(NSG_EXIT_FAILED, "cannot read: %s", strerror(errno));
	return status;
}

int nsgctl_explain_batch(struct nsgctl *ctl)
{
	__attribute__((cleanup(batch_done))) struct batch b = {
	    .ctl = ctl,
	    .session = {.fd = -1},
	    .items = json_array(),
	};
	bool is_stdin = strcmp(ctl->batch, "-") == 0;
	cleanup_fclose FILE *file = is_stdin ? NULL : fopen(ctl->batch, "re");
	FILE *in = is_stdin ? stdin : file;
	int status;

	if (!in)
		return nsgctl_fail((int)nsg_exit_from(-errno), "%s: %s", ctl->batch,
				   strerror(errno));
	if (!b.items || nsgctl_lines_begin(&b.lines, in, NSG_MAX_FLOW_LINE_BYTES) < 0)
		return nsgctl_out_of_memory();
	status = nsgctl_session_open(ctl, &b.session);
	if (status)
		return status;
	if (ctl->form == NSGCTL_TABLE)
		nsg_rows_begin(&b.rows, NSG_ROWS_BATCH, &ctl->term, stdout);
	status = run(&b, in);
	if (!status && b.had_error)
		status = nsgctl_fail(NSG_EXIT_FAILED, "some lines are not valid flows");
	if (!status && b.unexpected)
		status = nsgctl_fail(NSG_EXIT_FAILED, "not all verdicts are %s", ctl->expect);
	return status;
}
