/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resources by id, whole or not (nsg_id_equal), in logarithmic time. */
#ifndef NSG_AZURE_INDEX_PRIV_H
#define NSG_AZURE_INDEX_PRIV_H

#include <stddef.h>
#include <stdint.h>

struct nsg_index_entry {
	uint32_t hash;
	size_t at;
};

/* Over an array of structs that each have an id (const char *). The array must stay as it is. */
struct nsg_index {
	const void *v;
	size_t n, size, id_offset;
	struct nsg_index_entry *entries;
};

/* -ENOMEM, with x fit for nsg_index_done. */
int nsg_index_new(struct nsg_index *x, const void *v, size_t n, size_t size, size_t id_offset);
void nsg_index_done(struct nsg_index *x);
/* The id of the i-th. */
const char *nsg_index_id(const struct nsg_index *x, size_t i);
/* The first in the array with an equal id; n: none. */
size_t nsg_index_find(const struct nsg_index *x, const char *id);

#endif
