/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "explain/layout.h"

static size_t least_width(const struct nsg_field *f)
{
	return f->whole || f->least > f->width ? f->width : f->least;
}

/* The widest fields first. */
static void shrink(struct nsg_field *fields, size_t n, size_t gap, size_t room)
{
	size_t total = (n - 1) * gap;

	for (size_t i = 0; i < n; i++)
		total += fields[i].width;
	while (total > room) {
		struct nsg_field *widest = NULL;

		for (size_t i = 0; i < n; i++)
			if (fields[i].width > least_width(&fields[i]) &&
			    (!widest || fields[i].width > widest->width))
				widest = &fields[i];
		if (!widest)
			return;
		widest->width--;
		total--;
	}
}

void nsg_layout_fit(struct nsg_layout *layout, size_t columns)
{
	struct nsg_field *f = layout->fields;

	for (size_t from = 0, to; from < layout->n; from = to) {
		size_t indent = from ? layout->hang : layout->indent;
		size_t room = columns > indent ? columns - indent : 0;
		size_t used = least_width(&f[from]);

		f[from].starts_line = from > 0;
		for (to = from + 1; to < layout->n; to++) {
			used += layout->gap + least_width(&f[to]);
			if (columns && used > room)
				break;
			f[to].starts_line = false;
		}
		if (columns)
			shrink(f + from, to - from, layout->gap, room);
	}
}

void nsg_layout_put(const struct nsg_layout *layout, const struct nsg_layout_cell *cells,
		    bool color, FILE *out)
{
	size_t blanks = layout->indent;
	bool newline = false;

	/* Blanks and line ends are written before the next text only. */
	for (size_t i = 0; i < layout->n; i++) {
		const struct nsg_field *f = &layout->fields[i];
		const char *text = cells[i].text ? cells[i].text : "";
		size_t used = 0;

		if (f->starts_line) {
			newline = true;
			blanks = layout->hang;
		}
		if (*text) {
			fprintf(out, "%s%*s", newline ? "\n" : "", (int)blanks, "");
			newline = false;
			blanks = 0;
			nsg_color(out, color && cells[i].color, cells[i].color);
			used = nsg_text_cut(out, text, f->whole ? 0 : f->width);
			nsg_color(out, color && cells[i].color, NSG_COLOR_NONE);
		}
		blanks += layout->gap + (used < f->width ? f->width - used : 0);
	}
	fputc('\n', out);
}
