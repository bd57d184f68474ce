/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Columns that fit a terminal: cells are cut in the middle, then rows continue on further lines. */
#ifndef NSG_EXPLAIN_LAYOUT_H
#define NSG_EXPLAIN_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "explain/text.h"

struct nsg_field {
	size_t width; /* wanted; after nsg_layout_fit() what it has */
	size_t least; /* what its cells may be cut to */
	bool whole;   /* its cells are not cut; longer ones push the rest of the line */
	bool starts_line;
};

struct nsg_layout {
	struct nsg_field *fields;
	size_t n;
	size_t gap;    /* blanks between two columns */
	size_t indent; /* of the first line */
	size_t hang;   /* of the further lines */
};

/* Narrows the fields until they fit, then breaks lines. columns: of the terminal; 0: not limited. */
void nsg_layout_fit(struct nsg_layout *layout, size_t columns);

struct nsg_layout_cell {
	const char *text; /* NULL: empty */
	enum nsg_color color;
};

/* One row, of layout->n cells. Ends with a newline; no line ends with a blank. */
void nsg_layout_put(const struct nsg_layout *layout, const struct nsg_layout_cell *cells,
		    bool color, FILE *out);

#endif
