/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes to values, and places in a text whether it is JSON or not. The first line is a JSON pointer. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
	size_t n = end ? (size_t)(end - data) : size;
	struct nsg_sources sources = {0};
	const struct nsg_source *source;
	struct nsg_diag diag = {0};
	char *pointer = strndup((const char *)data, n);
	size_t skip = end ? n + 1 : n;
	json_t *values = NULL;
	int r;

	if (!pointer)
		return 0;
	r = nsg_json_text(&sources, "x.json", data + skip, size - skip, &diag, &source);
	if (!r) {
		r = nsg_json_parse(source, &diag, &values);
		locate(source, pointer);
	}
	if (r != -ENOMEM && (!r != !diag.n_errors || (!r && !json_array_size(values))))
		abort();
	json_decref(values);
	nsg_diag_done(&diag);
	nsg_sources_done(&sources);
	free(pointer);
	return 0;
}
