/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "control/control.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/json_object.h"
#include "util/limits.h"
#include "util/vec.h"

/* -EMSGSIZE when appending the bytes would make a line longer than the cap. *ret_line is the length
 * of the last line. */
static int check_lines(size_t line, const char *data, size_t n, size_t *ret_line)
{
	const char *end = data + n;
	const char *newline;

	while ((newline = memchr(data, '\n', (size_t)(end - data)))) {
		if (line + (size_t)(newline - data) > NSG_MAX_CONTROL_FRAME_BYTES)
			return -EMSGSIZE;
		line = 0;
		data = newline + 1;
	}
	line += (size_t)(end - data);
	if (line > NSG_MAX_CONTROL_FRAME_BYTES)
		return -EMSGSIZE;
	*ret_line = line;
	return 0;
}

int nsg_frames_push(struct nsg_frames *f, const void *data, size_t n)
{
	size_t line;
	int r;

	if (!n)
		return 0;
	r = check_lines(f->line, data, n, &line);
	if (r < 0)
		return r;
	if (f->start) {
		memmove(f->v, f->v + f->start, f->n - f->start);
		f->n -= f->start;
		f->scanned -= f->start;
		f->start = 0;
	}
	r = nsg_vec_reserve(f, n);
	if (r < 0)
		return r;
	memcpy(f->v + f->n, data, n);
	f->n += n;
	f->line = line;
	return 0;
}

int nsg_frames_pop_text(struct nsg_frames *f, const char **ret, size_t *ret_n)
{
	const char *newline;

	if (f->scanned == f->n)
		return 0;
	newline = memchr(f->v + f->scanned, '\n', f->n - f->scanned);
	if (!newline) {
		f->scanned = f->n;
		return 0;
	}
	*ret = f->v + f->start;
	*ret_n = (size_t)(newline - *ret);
	f->start = f->scanned = (size_t)(newline - f->v) + 1;
	return 1;
}

int nsg_frames_pop(struct nsg_frames *f, json_t **ret)
{
	const char *line;
	json_t *value;
	size_t n;

	if (!nsg_frames_pop_text(f, &line, &n))
		return 0;
	value = nsg_json_load(line, n, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(value)) {
		json_decref(value);
		return -EBADMSG;
	}
	*ret = value;
	return 1;
}

void nsg_frames_done(struct nsg_frames *f)
{
	free(f->v);
	*f = (struct nsg_frames){0};
}

/* Takes `value`. */
static int line_of(json_t *value, char **ret, size_t *ret_n)
{
	cleanup_json json_t *object = value;
	cleanup_free char *text = NULL;
	size_t n;

	if (!object)
		return -ENOMEM;
	text = nsg_json_line(object);
	if (!text)
		return -ENOMEM;
	n = strlen(text);
	if (n > NSG_MAX_CONTROL_FRAME_BYTES)
		return -EMSGSIZE;
	text[n] = '\n'; /* replaces the terminator: the length is returned */
	*ret = TAKE_PTR(text);
	*ret_n = n + 1;
	return 0;
}

int nsg_control_data_line(const json_t *item, char **ret, size_t *ret_n)
{
	json_t *shared = json_incref((json_t *)(uintptr_t)item);

	return line_of(NSG_JSON_OBJECT(PAIR_J("data", shared)), ret, ret_n);
}

int nsg_control_exit_line(enum nsg_exit status, const struct nsg_diag *diag, char **ret,
			  size_t *ret_n)
{
	cleanup_json json_t *records = json_array();
	size_t budget = NSG_MAX_CONTROL_FRAME_BYTES / 2;

	for (size_t i = 0; diag && i < diag->n; i++) {
		json_t *record = nsg_diag_json(&diag->v[i]);
		size_t size = record ? json_dumpb(record, NULL, 0, JSON_COMPACT) : 0;

		/* The rest is left out, so that the reply fits a frame. */
		if (size >= budget) {
			json_decref(record);
			break;
		}
		budget -= size;
		if (json_array_append_new(records, record) < 0)
			return -ENOMEM;
	}
	return line_of(
	    NSG_JSON_OBJECT(PAIR_I("exit", status), PAIR_J("diagnostics", json_incref(records))),
	    ret, ret_n);
}
