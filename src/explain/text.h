/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text for terminals: colours, escaped strings, lines that fit. */
#ifndef NSG_EXPLAIN_TEXT_H
#define NSG_EXPLAIN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

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

#endif
