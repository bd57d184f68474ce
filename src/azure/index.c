/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "azure/index_priv.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/policy.h"

/* FNV-1a over the last segment, without case: equal ids, whole or not, have equal ones. */
static uint32_t hash_name(const char *id)
{
	uint32_t hash = 2166136261u;

	for (const char *p = nsg_id_name(id); *p; p++)
		hash = (hash ^ (uint32_t)tolower((unsigned char)*p)) * 16777619u;
	return hash;
}

static int by_hash(const void *a, const void *b)
{
	const struct nsg_index_entry *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

int nsg_index_new(struct nsg_index *x, const void *v, size_t n, size_t size, size_t id_offset)
{
	*x = (struct nsg_index){.v = v, .n = n, .size = size, .id_offset = id_offset};
	x->entries = calloc(n ? n : 1, sizeof(*x->entries));
	if (!x->entries)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		x->entries[i] = (struct nsg_index_entry){hash_name(nsg_index_id(x, i)), i};
	qsort(x->entries, n, sizeof(*x->entries), by_hash);
	return 0;
}

void nsg_index_done(struct nsg_index *x)
{
	free(x->entries);
	x->entries = NULL;
}

const char *nsg_index_id(const struct nsg_index *x, size_t i)
{
	return *(const char *const *)(const void *)((const char *)x->v + i * x->size +
						    x->id_offset);
}

size_t nsg_index_find(const struct nsg_index *x, const char *id)
{
	struct nsg_index_entry want = {.hash = hash_name(id)};
	size_t lo = 0, hi = x->n;

	if (!*id)
		return x->n;
	while (lo < hi) {
		size_t middle = lo + (hi - lo) / 2;

		if (x->entries[middle].hash < want.hash)
			lo = middle + 1;
		else
			hi = middle;
	}
	for (; lo < x->n && x->entries[lo].hash == want.hash; lo++) {
		if (nsg_id_equal(nsg_index_id(x, x->entries[lo].at), id))
			return x->entries[lo].at;
	}
	return x->n;
}
