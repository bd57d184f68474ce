/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decisions as rows of a table, printed as they come: explain --batch, replay, trace. */
#ifndef NSG_EXPLAIN_ROWS_H
#define NSG_EXPLAIN_ROWS_H

#include <stdio.h>

#include <jansson.h>

#include "explain/layout.h"

/* Which columns there are. */
enum nsg_rows_kind {
	NSG_ROWS_BATCH = 1,
	NSG_ROWS_REPLAY = 2,
	NSG_ROWS_TRACE = 4,
	NSG_ROWS_FLOWS = 8, /* connections of the kernel */
};

#define NSG_ROWS_COLUMNS 16

struct nsg_rows {
	FILE *out;
	const struct nsg_term *term;
	struct nsg_field fields[NSG_ROWS_COLUMNS];
	const struct nsg_rows_column *columns[NSG_ROWS_COLUMNS];
	struct nsg_layout layout;
	int year, day; /* of the row before */
};

/* Prints the header. `term` must stay valid. */
void nsg_rows_begin(struct nsg_rows *rows, enum nsg_rows_kind kind, const struct nsg_term *term,
		    FILE *out);
/* A decision, or an object {id, error}. Times are local; the date is a line of its own before the
 * first row of each day. */
void nsg_rows_put(struct nsg_rows *rows, const json_t *item);

#endif
