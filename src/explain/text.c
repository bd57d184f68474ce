/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "explain/text.h"

#include <string.h>

void nsg_color(FILE *out, bool on, enum nsg_color color)
{
	static const char *const codes[] = {
	    [NSG_COLOR_NONE] = "\033[0m",  [NSG_COLOR_GOOD] = "\033[32m",
	    [NSG_COLOR_BAD] = "\033[31m",  [NSG_COLOR_STRONG] = "\033[1m",
	    [NSG_COLOR_FAINT] = "\033[2m",
	};

	if (on)
		fputs(codes[color], out);
}

/* The length in bytes of a control character at s: C0, DEL or C1 in UTF-8. 0: s is printable. */
static size_t control_bytes(const unsigned char *s)
{
	if (s[0] < 0x20 || s[0] == 0x7f)
		return 1;
	return s[0] == 0xc2 && s[1] >= 0x80 && s[1] <= 0x9f ? 2 : 0;
}

/* One character, escaped when it is a control character: moves *s past it and returns its columns;
 * writes it unless out is NULL. */
static size_t put_character(FILE *out, const unsigned char **s)
{
	size_t control = control_bytes(*s);

	if (control) {
		if (out)
			fprintf(out, "\\x%02x", (*s)[control - 1]);
		*s += control;
		return 4;
	}
	do {
		if (out)
			fputc(**s, out);
		(*s)++;
	} while ((**s & 0xc0) == 0x80);
	return 1;
}

/* Returns the width in columns; writes the text unless out is NULL. */
static size_t put_escaped(FILE *out, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t columns = 0;

	while (*s)
		columns += put_character(out, &s);
	return columns;
}

size_t nsg_text_columns(const char *s)
{
	return put_escaped(NULL, s);
}

size_t nsg_text_cut(FILE *out, const char *text, size_t width)
{
	static const char mark[] = "..";
	const unsigned char *s = (const unsigned char *)text;
	size_t left = put_escaped(NULL, text), used = 0, head, tail;

	if (!width || left <= width || width <= sizeof(mark))
		return put_escaped(out, text);
	tail = (width - (sizeof(mark) - 1)) / 2;
	head = width - (sizeof(mark) - 1) - tail;
	for (;;) {
		const unsigned char *next = s;
		size_t columns = put_character(NULL, &next);

		if (used + columns > head)
			break;
		used += put_character(out, &s);
		left -= columns;
	}
	fputs(mark, out);
	while (left > tail)
		left -= put_character(NULL, &s);
	return used + sizeof(mark) - 1 + put_escaped(out, (const char *)s);
}

void nsg_text(FILE *out, const char *s, size_t width)
{
	size_t columns = put_escaped(out, s);

	for (; columns < width; columns++)
		fputc(' ', out);
}

/* The length of a colour sequence at s, or 0. */
static size_t color_bytes(const char *s)
{
	return strncmp(s, "\033[", 2) == 0 ? strcspn(s, "m") + 1 : 0;
}

/* The bytes up to the next blank or end of line. */
static size_t word_bytes(const char *s, size_t *ret_columns)
{
	size_t n = 0, columns = 0;

	while (s[n] && s[n] != ' ' && s[n] != '\n') {
		size_t color = color_bytes(s + n);

		columns += !color && ((unsigned char)s[n] & 0xc0) != 0x80;
		n += color ? color : 1;
	}
	*ret_columns = columns;
	return n;
}

/* Returns the end of the line. */
static const char *wrap_line(FILE *out, const char *s, size_t hang, size_t columns)
{
	size_t at = strspn(s, " "), word, n;

	hang = at ? at + 4 : hang;
	for (bool first = true;; first = false) {
		size_t blanks = strspn(s, " ");

		s += blanks;
		n = word_bytes(s, &word);
		if (!n)
			break;
		if (columns && !first && at + blanks + word > columns && at > hang) {
			fprintf(out, "\n%*s", (int)hang, "");
			at = hang;
		} else {
			fprintf(out, "%*s", (int)blanks, "");
			at = first ? blanks : at + blanks;
		}
		(void)fwrite(s, 1, n, out);
		at += word;
		s += n;
	}
	fputc('\n', out);
	return s;
}

void nsg_wrap(FILE *out, const char *text, size_t hang, size_t columns)
{
	while (*text) {
		text = wrap_line(out, text, hang, columns);
		text += *text == '\n';
	}
}
