/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compile/parts.h"

#include <errno.h>
#include <string.h>

#define FIRST_ROOM 64

uint64_t nsg_row_hash(const struct nsg_row_bits *row)
{
	uint64_t h = 0;

	for (unsigned int w = 0; w < NSG_ROW_WORDS; w++)
		h = nsg_mix(h, row->w[w]);
	return h;
}

static void table_put(struct nsg_rowset *s, uint32_t id)
{
	size_t at = s->hashes[id] & (s->table_size - 1);

	while (s->table[at])
		at = (at + 1) & (s->table_size - 1);
	s->table[at] = id + 1;
}

/* Doubles rows and table; the table is never more than half full. Rows are cache lines of their
 * own, which realloc would not keep. */
static int grow(struct nsg_rowset *s)
{
	size_t room = s->room ? s->room * 2 : FIRST_ROOM;
	struct nsg_row_bits *rows = aligned_alloc(NSG_IMAGE_ALIGN, room * sizeof(*rows));
	uint64_t *hashes = realloc(s->hashes, room * sizeof(*hashes));
	uint32_t *table = calloc(room * 2, sizeof(*table));

	if (hashes)
		s->hashes = hashes;
	if (!rows || !hashes || !table) {
		free(rows);
		free(table);
		return -ENOMEM;
	}
	if (s->n)
		memcpy(rows, s->rows, s->n * sizeof(*rows));
	free(s->rows);
	free(s->table);
	s->rows = rows;
	s->table = table;
	s->room = room;
	s->table_size = room * 2;
	for (size_t i = 0; i < s->n; i++)
		table_put(s, (uint32_t)i);
	return 0;
}

int nsg_rowset_add(struct nsg_rowset *s, const struct nsg_row_bits *row, uint64_t hash,
		   uint32_t *ret_id)
{
	size_t at;
	int r;

	if (s->n == s->room) {
		r = grow(s);
		if (r)
			return r;
	}
	for (at = hash & (s->table_size - 1); s->table[at]; at = (at + 1) & (s->table_size - 1)) {
		uint32_t id = s->table[at] - 1;

		if (s->hashes[id] == hash && !memcmp(&s->rows[id], row, sizeof(*row))) {
			*ret_id = id;
			return 0;
		}
	}
	s->rows[s->n] = *row;
	s->hashes[s->n] = hash;
	s->table[at] = (uint32_t)++s->n;
	*ret_id = (uint32_t)s->n - 1;
	return 0;
}

int nsg_rowset_append(struct nsg_rowset *s, const struct nsg_row_bits *row)
{
	if (s->n == s->room) {
		int r = grow(s);

		if (r)
			return r;
	}
	s->rows[s->n] = *row;
	s->hashes[s->n++] = nsg_row_hash(row);
	return 0;
}

void nsg_rowset_done(struct nsg_rowset *s)
{
	free(s->rows);
	free(s->hashes);
	free(s->table);
	*s = (struct nsg_rowset){0};
}
