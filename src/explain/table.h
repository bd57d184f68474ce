/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables in the layout of az -o table. */
#ifndef NSG_EXPLAIN_TABLE_H
#define NSG_EXPLAIN_TABLE_H

#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

#include "explain/text.h"

/* Any JSON value on one line: strings unquoted, null as "-", arrays joined by blanks. malloc'ed. */
char *nsg_cell(const json_t *value);

#define NSG_MAX_COLUMNS 16

struct nsg_column {
	const char *title;
	const char *path; /* member, or member.member */
};

/* Prints a header, a line of dashes, and the rows, which are objects: at most NSG_MAX_COLUMNS. On a
 * terminal that is too narrow, cells are cut in the middle, then rows continue on further lines. */
void nsg_table(FILE *out, const json_t *rows, const struct nsg_column *columns, size_t n,
	       size_t indent, const struct nsg_term *term);

/* The value at member.member; NULL when there is none. */
const json_t *nsg_at(const json_t *value, const char *path);
/* Its string, or "". */
const char *nsg_string_at(const json_t *value, const char *path);

#endif
