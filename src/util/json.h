/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads JSON from a file or from memory. Problems are diagnostics with their places. */
#ifndef NSG_UTIL_JSON_H
#define NSG_UTIL_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "util/diag.h"
#include "util/source.h"

/*
 * Reads a regular file of at most NSG_MAX_FILE_BYTES into the sources as UTF-8: a UTF-8 BOM is
 * dropped, UTF-16 with a BOM is converted. Errors are diagnostics: -EINVAL, or -errno of the
 * system.
 */
int nsg_json_read(struct nsg_sources *sources, const char *path, struct nsg_diag *diag,
		  const struct nsg_source **ret);

/* The same for bytes in memory; diagnostics show them under `path`. */
int nsg_json_text(struct nsg_sources *sources, const char *path, const void *data,
		  size_t size_bytes, struct nsg_diag *diag, const struct nsg_source **ret);

/* json_loadb(), which does not always notice that it ran out of memory. */
json_t *nsg_json_load(const char *text, size_t size, size_t flags, json_error_t *ret_error);

/*
 * The JSON values of a text, one after another, as a JSON array of them (new reference). Each of
 * these is an error with a place: not JSON, invalid UTF-8, a duplicate key in an object, more than
 * NSG_MAX_JSON_DEPTH levels, an empty text. -EINVAL, -ENOMEM. No message quotes the text.
 */
int nsg_json_parse(const struct nsg_source *source, struct nsg_diag *diag, json_t **ret);

/* How many values and keys a text has, at most, without parsing it. */
size_t nsg_json_count(const struct nsg_source *source);

/* One compact line, keys in insertion order, no newline; malloc'ed; NULL when out of memory. */
char *nsg_json_line(const json_t *value);

#endif
