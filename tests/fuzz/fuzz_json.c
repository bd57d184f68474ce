/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes to values, and places in a text whether it is JSON or not. The first line is a JSON
 * pointer. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void locate(const struct nsg_source *source, const char *pointer)
{
	struct nsg_place place = {.source = source, .pointer = pointer};
	uint32_t line, column;

	for (place.value = 0; place.value < 3; place.value++) {
		nsg_place_locate(place, &line, &column);
		if (!line || !column || column > source->size_bytes + 1)
			abort();
	}
}

/* A file of these bytes is the same text. */
static void check_file(const struct nsg_source *source, const uint8_t *data, size_t size)
{
	cleanup_close int fd = memfd_create("x.json", MFD_CLOEXEC);
	struct nsg_sources sources = {0};
	const struct nsg_source *of_file = NULL;
	struct nsg_diag diag = {0};
	char path[64];
	int r;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = nsg_json_read(&sources, path, &diag, &of_file);
	if (!r != !!source || (!r && (of_file->size_bytes != source->size_bytes ||
				      memcmp(of_file->text, source->text, source->size_bytes))))
		abort();
	nsg_diag_done(&diag);
	nsg_sources_done(&sources);
}

/* What was read, written: the same values. */
static void check_written(json_t *values)
{
	cleanup_free char *line = nsg_json_line(values);
	cleanup_json json_t *again = line ? json_loads(line, JSON_ALLOW_NUL, NULL) : NULL;

	if (!again || !json_equal(values, again))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
	size_t n = end ? (size_t)(end - data) : size;
	struct nsg_sources sources = {0};
	const struct nsg_source *source = NULL;
	struct nsg_diag diag = {0};
	char *pointer = strndup((const char *)data, n);
	size_t skip = end ? n + 1 : n;
	json_t *values = NULL;
	int r;

	if (!pointer)
		return 0;
	r = nsg_json_text(&sources, "x.json", data + skip, size - skip, &diag, &source);
	if (!r) {
		(void)nsg_json_count(source);
		r = nsg_json_parse(source, &diag, &values);
		locate(source, pointer);
	}
	check_file(source, data + skip, size - skip);
	if (!r)
		check_written(values);
	if (r != -ENOMEM && (!r != !diag.n_errors || (!r && !json_array_size(values))))
		abort();
	json_decref(values);
	nsg_diag_done(&diag);
	nsg_sources_done(&sources);
	free(pointer);
	return 0;
}
