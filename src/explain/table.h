/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text for terminals: escaped strings, and tables in the layout of az -o table. */
#ifndef NSG_EXPLAIN_TABLE_H
#define NSG_EXPLAIN_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

/* What the text is written to. */
struct nsg_term {
	bool color;
	size_t columns; /* 0: not limited */
};

enum nsg_color {
	NSG_COLOR_NONE,
	NSG_COLOR_GOOD,
	NSG_COLOR_BAD,
	NSG_COLOR_STRONG,
	NSG_COLOR_FAINT,
};

/* Starts or, with NSG_COLOR_NONE, ends a colour; nothing when !on. */
void nsg_color(FILE *out, bool on, enum nsg_color color);

/* Writes the string with control characters as \xNN, then blanks up to `width` columns; 0: none. */
void nsg_text(FILE *out, const char *s, size_t width);

/* The columns of the string as nsg_text() writes it. */
size_t nsg_text_columns(const char *s);
/* Writes the same, cut in the middle when it has more than `width` columns; 0: not limited. Returns
 * the columns written. */
size_t nsg_text_cut(FILE *out, const char *s, size_t width);

/* Writes lines of text, broken at blanks where they are longer than `columns` (0: not limited), and
 * without blanks at their ends. What continues a line is indented: by four columns more than the
 * line, or by `hang` where the line is not indented. */
void nsg_wrap(FILE *out, const char *text, size_t hang, size_t columns);

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
