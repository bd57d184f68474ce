/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "explain/table.h"
#include "util/cleanup.h"

/* As many as fit a line; JSON has the whole list. */
#define MAX_JOINED 8

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

/* Returns the width in columns; writes the text unless out is NULL. */
static size_t put_escaped(FILE *out, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t columns = 0;

	while (*s) {
		size_t control = control_bytes(s);

		if (control) {
			if (out)
				fprintf(out, "\\x%02x", s[control - 1]);
			columns += 4;
			s += control;
			continue;
		}
		columns += (*s & 0xc0) != 0x80; /* one per code point */
		if (out)
			fputc(*s, out);
		s++;
	}
	return columns;
}

void nsg_text(FILE *out, const char *s, size_t width)
{
	size_t columns = put_escaped(out, s);

	for (; columns < width; columns++)
		fputc(' ', out);
}

static void put_cell(FILE *out, const json_t *value)
{
	cleanup_free char *text = NULL;
	const json_t *element;
	size_t i;

	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_NULL:
		fputc('-', out);
		break;
	case JSON_STRING:
		fputs(json_string_value(value), out);
		break;
	case JSON_TRUE:
		fputs("yes", out);
		break;
	case JSON_FALSE:
		fputs("no", out);
		break;
	case JSON_ARRAY:
		json_array_foreach(value, i, element)
		{
			if (i == MAX_JOINED) {
				fprintf(out, " and %zu more", json_array_size(value) - i);
				break;
			}
			if (i)
				fputc(' ', out);
			put_cell(out, element);
		}
		break;
	default:
		text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		fputs(text ? text : "", out);
	}
}

char *nsg_cell(const json_t *value)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	put_cell(out, value);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

const json_t *nsg_at(const json_t *value, const char *path)
{
	const char *dot = strchr(path, '.');
	char key[64];

	if (!dot)
		return json_object_get(value, path);
	if ((size_t)(dot - path) >= sizeof(key))
		return NULL;
	memcpy(key, path, (size_t)(dot - path));
	key[dot - path] = '\0';
	return nsg_at(json_object_get(value, key), dot + 1);
}

const char *nsg_string_at(const json_t *value, const char *path)
{
	const char *s = json_string_value(nsg_at(value, path));

	return s ? s : "";
}

static void free_cells(char **cells, size_t n)
{
	for (size_t i = 0; cells && i < n; i++)
		free(cells[i]);
	free(cells);
}

static void put_row(FILE *out, char *const *cells, const size_t *widths, size_t n, size_t indent)
{
	fprintf(out, "%*s", (int)indent, "");
	for (size_t c = 0; c < n; c++) {
		bool last = c + 1 == n;

		nsg_text(out, cells[c] ? cells[c] : "", last ? 0 : widths[c]);
		fputs(last ? "\n" : "  ", out);
	}
}

static void put_header(FILE *out, const struct nsg_column *columns, const size_t *widths, size_t n,
		       size_t indent)
{
	fprintf(out, "%*s", (int)indent, "");
	for (size_t c = 0; c < n; c++) {
		nsg_text(out, columns[c].title, c + 1 == n ? 0 : widths[c]);
		fputs(c + 1 == n ? "\n" : "  ", out);
	}
	fprintf(out, "%*s", (int)indent, "");
	for (size_t c = 0; c < n; c++) {
		for (size_t i = 0; i < widths[c]; i++)
			fputc('-', out);
		fputs(c + 1 == n ? "\n" : "  ", out);
	}
}

void nsg_table(FILE *out, const json_t *rows, const struct nsg_column *columns, size_t n,
	       size_t indent)
{
	size_t n_rows = json_array_size(rows);
	char **cells = calloc(n_rows * n + 1, sizeof(*cells));
	cleanup_free size_t *widths = calloc(n, sizeof(*widths));

	if (cells && widths) {
		for (size_t c = 0; c < n; c++)
			widths[c] = put_escaped(NULL, columns[c].title);
		for (size_t i = 0; i < n_rows * n; i++) {
			const json_t *row = json_array_get(rows, i / n);
			size_t width;

			cells[i] = nsg_cell(nsg_at(row, columns[i % n].path));
			width = put_escaped(NULL, cells[i] ? cells[i] : "");
			if (width > widths[i % n])
				widths[i % n] = width;
		}
		put_header(out, columns, widths, n, indent);
		for (size_t i = 0; i < n_rows; i++)
			put_row(out, cells + i * n, widths, n, indent);
	}
	free_cells(cells, n_rows * n);
}
