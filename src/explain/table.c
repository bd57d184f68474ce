/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "explain/layout.h"
#include "explain/table.h"
#include "util/cleanup.h"

/* As many as fit a line; JSON has the whole list. */
#define MAX_JOINED 8

/* A cell that was cut to less would say nothing. */
#define LEAST_COLUMNS 12

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

static void free_strings(char **v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(v[i]);
}

static void free_cells(char **cells, size_t n)
{
	if (cells)
		free_strings(cells, n);
	free(cells);
}

/* Numbers, addresses and prefixes are not cut. */
static bool is_number(const char *cell)
{
	return cell[strcspn(cell, "ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ")] == '\0';
}

static void put_title(const struct nsg_layout *layout, const struct nsg_column *columns,
		      struct nsg_layout_cell *row, FILE *out)
{
	char *dashes[NSG_MAX_COLUMNS] = {NULL};

	for (size_t c = 0; c < layout->n; c++)
		row[c] = (struct nsg_layout_cell){.text = columns[c].title};
	nsg_layout_put(layout, row, false, out);
	for (size_t c = 0; c < layout->n; c++) {
		dashes[c] = calloc(1, layout->fields[c].width + 1);
		if (dashes[c])
			memset(dashes[c], '-', layout->fields[c].width);
		row[c].text = dashes[c];
	}
	nsg_layout_put(layout, row, false, out);
	free_strings(dashes, layout->n);
}

static void measure(struct nsg_field *fields, const struct nsg_column *columns, size_t n,
		    char *const *cells, size_t n_rows)
{
	for (size_t c = 0; c < n; c++) {
		size_t width = nsg_text_columns(columns[c].title);
		bool numbers = true;

		fields[c].least = width > LEAST_COLUMNS ? width : LEAST_COLUMNS;
		for (size_t i = 0; i < n_rows; i++) {
			const char *cell = cells[i * n + c] ? cells[i * n + c] : "";
			size_t columns_used = nsg_text_columns(cell);

			numbers &= is_number(cell);
			if (columns_used > width)
				width = columns_used;
		}
		fields[c].width = width;
		fields[c].whole = numbers;
	}
}

void nsg_table(FILE *out, const json_t *rows, const struct nsg_column *columns, size_t n,
	       size_t indent, const struct nsg_term *term)
{
	size_t n_rows = json_array_size(rows);
	char **cells = calloc(n_rows * n + 1, sizeof(*cells));
	struct nsg_field fields[NSG_MAX_COLUMNS] = {0};
	struct nsg_layout_cell row[NSG_MAX_COLUMNS] = {0};
	struct nsg_layout layout = {
	    .fields = fields, .n = n, .gap = 2, .indent = indent, .hang = indent + 4};

	if (!cells || n > NSG_MAX_COLUMNS)
		return free_cells(cells, 0);
	for (size_t i = 0; i < n_rows * n; i++)
		cells[i] = nsg_cell(nsg_at(json_array_get(rows, i / n), columns[i % n].path));
	measure(fields, columns, n, cells, n_rows);
	nsg_layout_fit(&layout, term->columns);
	put_title(&layout, columns, row, out);
	for (size_t i = 0; i < n_rows; i++) {
		for (size_t c = 0; c < n; c++)
			row[c].text = cells[i * n + c];
		nsg_layout_put(&layout, row, false, out);
	}
	free_cells(cells, n_rows * n);
}
