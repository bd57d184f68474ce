/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file of `explain --batch`: its lines cut, each read and decided. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explain/flow.h"
#include "explain/rows.h"
#include "nsgctl/lines.h"
#include "unit/explain/sample.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sample sample;
static FILE *null;

/* The decision of a flow in canonical form. */
static json_t *decide(const json_t *object)
{
	json_t *decision = NULL;
	struct nsg_flow flow;
	const char *why;

	if (nsg_flow_read(object, &flow, &why) < 0 ||
	    nsg_flow_decide(sample.effective, sample.image, &flow, json_object_get(object, "id"),
			    &decision) < 0)
		abort();
	return decision;
}

/* A decision is a flow too: read as a line, it is decided alike. */
static void check_again(const json_t *decision)
{
	cleanup_json json_t *object = NULL;
	cleanup_json json_t *again = NULL;
	cleanup_free char *line = nsg_json_line(decision);

	if (!line || nsg_flow_line(line, strlen(line), &object) != 1)
		abort();
	again = decide(object);
	if (!json_equal(decision, again))
		abort();
}

static void check_error(const json_t *object)
{
	const json_t *id = json_object_get(object, "id");

	if (json_object_size(object) != 2 || !(json_is_string(id) || json_is_null(id)) ||
	    !json_is_string(json_object_get(object, "error")))
		abort();
}

static void put_row(const json_t *item)
{
	static const struct nsg_term term = {.color = true, .columns = 80};
	struct nsg_rows rows;

	nsg_rows_begin(&rows, NSG_ROWS_BATCH, &term, null);
	nsg_rows_put(&rows, item);
}

static void take_line(const char *line, size_t size)
{
	cleanup_json json_t *object = NULL;
	cleanup_json json_t *decision = NULL;
	int r = nsg_flow_line(line, size, &object);

	if (r == 0)
		return;
	if (r == -EINVAL) {
		check_error(object);
		put_row(object);
		return;
	}
	if (r != 1)
		abort();
	decision = decide(object);
	check_again(decision);
	put_row(decision);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nsgctl_lines lines;
	FILE *in;

	if (!null) {
		null = fopen("/dev/null", "we");
		if (!null)
			abort();
		sample = sample_new(true);
	}
	in = size ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;
	if (!in)
		return 0;
	if (!nsgctl_lines_begin(&lines, in, 1024)) {
		while (nsgctl_lines_next(&lines)) {
			if (lines.n > lines.cap + 1)
				abort();
			take_line(lines.line, lines.n);
		}
		nsgctl_lines_done(&lines);
	}
	(void)fclose(in);
	return 0;
}
