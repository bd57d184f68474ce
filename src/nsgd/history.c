/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/limits.h"

/* Texts differ by some bytes. A text is allocated in steps and not made smaller, since otherwise the
 * heap would be full of holes that are too small for the next one. */
#define STEP 256u

struct entry {
	uint64_t number;
	char *text;
	size_t n, size;
};

/* A ring: the entry of count i is at i modulo the size. */
struct kept {
	struct entry v[NSG_MAX_HISTORY];
	uint64_t n; /* ever added */
};

struct history {
	uint64_t n;
	struct kept dropped, accepted;
};

struct history *history_new(void)
{
	return calloc(1, sizeof(struct history));
}

void history_add(struct history *h, bool dropped, const char *text, size_t n)
{
	struct kept *k = dropped ? &h->dropped : &h->accepted;
	struct entry *e = &k->v[k->n % NSG_MAX_HISTORY];

	if (n > e->size) {
		size_t size = (n + STEP - 1) / STEP * STEP;
		char *larger = realloc(e->text, size);

		if (!larger)
			return;
		e->text = larger;
		e->size = size;
	}
	memcpy(e->text, text, n);
	e->number = h->n++;
	e->n = n;
	k->n++;
}

/* The oldest entry from that number on; NULL: none. */
static const struct entry *find(const struct kept *k, uint64_t number)
{
	uint64_t low = k->n > NSG_MAX_HISTORY ? k->n - NSG_MAX_HISTORY : 0, high = k->n;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (k->v[middle % NSG_MAX_HISTORY].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < k->n ? &k->v[low % NSG_MAX_HISTORY] : NULL;
}

bool history_next(const struct history *h, bool dropped_only, uint64_t *number, const char **ret,
		  size_t *ret_n)
{
	const struct entry *e = find(&h->dropped, *number);
	const struct entry *accepted = dropped_only ? NULL : find(&h->accepted, *number);

	if (!e || (accepted && accepted->number < e->number))
		e = accepted;
	if (!e)
		return false;
	*number = e->number + 1;
	*ret = e->text;
	*ret_n = e->n;
	return true;
}

uint64_t history_end(const struct history *h)
{
	return h->n;
}

struct history *history_free(struct history *h)
{
	if (!h)
		return NULL;
	for (size_t i = 0; i < NSG_MAX_HISTORY; i++) {
		free(h->dropped.v[i].text);
		free(h->accepted.v[i].text);
	}
	free(h);
	return NULL;
}
