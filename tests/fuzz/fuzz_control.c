/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's side of the control socket: bytes to frames, frames to answers, answers to lines and
 * to text. The first byte is how many bytes come at a time; whatever it is, the frames are the
 * same.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/control.h"
#include "explain/explain.h"
#include "explain/render.h"
#include "unit/explain/sample.h"
#include "util/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sample sample;
static FILE *null;

struct asked {
	const char *verb;
	size_t n_items;
};

/* A line of ours is one that our own frames read. */
static void check_line(const char *line, size_t n)
{
	struct nsg_frames frames = {0};
	cleanup_json json_t *object = NULL;

	if (nsg_frames_push(&frames, line, n) < 0 || nsg_frames_pop(&frames, &object) != 1)
		abort();
	nsg_frames_done(&frames);
}

static int take_item(void *closure, json_t *item)
{
	struct asked *asked = closure;
	cleanup_free char *line = NULL;
	size_t n;

	asked->n_items++;
	if (nsg_control_data_line(item, &line, &n) < 0)
		abort();
	check_line(line, n);
	nsg_render(asked->verb, item, &(struct nsg_term){.color = true, .columns = 80}, null);
	return 0;
}

static void answer(const json_t *request)
{
	struct asked asked = {.verb = json_string_value(json_object_get(request, "verb"))};
	cleanup_free char *line = NULL;
	struct nsg_diag diag = {0};
	size_t n;
	int r;

	if (!asked.verb)
		return;
	if (!strcmp(asked.verb, "status")) {
		cleanup_json json_t *policy = nsg_explain_policy(sample.effective, sample.image);

		(void)take_item(&asked, policy);
		return;
	}
	r = nsg_explain_answer(sample.effective, sample.image, asked.verb,
			       json_object_get(request, "args"), take_item, &asked, &diag);
	/* The story and the classifier agree on whatever flow is asked about. */
	if (r == -EBADE || (r == -EINVAL && !diag.n_errors) || (r == -ENOENT && asked.n_items))
		abort();
	if (nsg_control_exit_line(r < 0 ? NSG_EXIT_FAILED : NSG_EXIT_DONE, &diag, &line, &n) < 0)
		abort();
	check_line(line, n);
	nsg_diag_done(&diag);
}

/* Whole objects before the bytes end or are refused, and how it ended. */
static size_t take_frames(const uint8_t *data, size_t size, size_t piece, bool answers, int *ret_r)
{
	struct nsg_frames frames = {0};
	size_t n_objects = 0;
	int r = 0;

	for (size_t at = 0; at < size && r >= 0; at += piece) {
		r = nsg_frames_push(&frames, data + at, size - at < piece ? size - at : piece);
		while (r >= 0) {
			cleanup_json json_t *object = NULL;

			r = nsg_frames_pop(&frames, &object);
			if (r <= 0)
				break;
			n_objects++;
			if (answers)
				answer(object);
		}
	}
	nsg_frames_done(&frames);
	*ret_r = r;
	return n_objects;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t pieces, whole;
	int pieces_r, whole_r;

	if (!null) {
		null = fopen("/dev/null", "we");
		if (!null)
			abort();
		sample = sample_new(false);
	}
	if (size < 2)
		return 0;
	whole = take_frames(data + 1, size - 1, size, true, &whole_r);
	pieces = take_frames(data + 1, size - 1, (size_t)data[0] + 1, false, &pieces_r);
	if (whole != pieces || whole_r != pieces_r)
		abort();
	return 0;
}
