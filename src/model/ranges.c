/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/macro.h"

static struct nsg_range whole[] = {{0, UINT32_MAX}};

const struct nsg_ranges nsg_ranges_everything = {.v = whole, .n = 1};
const struct nsg_ranges nsg_ranges_nothing = {0};

int nsg_ranges_take(struct nsg_arena *a, struct nsg_ranges *r, struct nsg_ranges *ret)
{
	struct nsg_range *v = nsg_arena_copy(a, r->v, r->n * sizeof(*v));

	if (!v && r->n)
		return -ENOMEM;
	*ret = (struct nsg_ranges){.v = v, .n = r->n};
	nsg_ranges_done(r);
	return 0;
}

bool nsg_ranges_equal(const struct nsg_ranges *a, const struct nsg_ranges *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].lo != b->v[i].lo || a->v[i].hi != b->v[i].hi)
			return false;
	return true;
}

size_t nsg_ranges_from(const struct nsg_ranges *r, uint32_t addr_host)
{
	size_t lo = 0, hi = r->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->v[mid].hi < addr_host)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool nsg_ranges_overlap(const struct nsg_ranges *r, struct nsg_range piece)
{
	size_t i = nsg_ranges_from(r, piece.lo);

	return i < r->n && r->v[i].lo <= piece.hi;
}

bool nsg_ranges_hold(const struct nsg_ranges *r, struct nsg_range piece)
{
	size_t i = nsg_ranges_from(r, piece.lo);

	return i < r->n && r->v[i].lo <= piece.lo && r->v[i].hi >= piece.hi;
}

bool nsg_ranges_disjoint(const struct nsg_ranges *a, const struct nsg_ranges *b)
{
	const struct nsg_ranges *few = a->n <= b->n ? a : b, *many = few == a ? b : a;

	for (size_t i = 0; i < few->n; i++)
		if (nsg_ranges_overlap(many, few->v[i]))
			return false;
	return true;
}

struct numbered {
	uint32_t addr_host;
	size_t order;
};

static int compare_numbered(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	if (x->addr_host != y->addr_host)
		return NSG_CMP(x->addr_host, y->addr_host);
	return NSG_CMP(x->order, y->order);
}

static int compare_order(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	return NSG_CMP(x->order, y->order);
}

int nsg_addresses_distinct(uint32_t *v_host, size_t *n)
{
	cleanup_free struct numbered *w = NULL;
	size_t m = 0;

	if (*n < 2)
		return 0;
	w = calloc(*n, sizeof(*w));
	if (!w)
		return -ENOMEM;
	for (size_t i = 0; i < *n; i++)
		w[i] = (struct numbered){v_host[i], i};
	qsort(w, *n, sizeof(*w), compare_numbered);
	for (size_t i = 0; i < *n; i++)
		if (!m || w[m - 1].addr_host != w[i].addr_host)
			w[m++] = w[i];
	qsort(w, m, sizeof(*w), compare_order);
	for (size_t i = 0; i < m; i++)
		v_host[i] = w[i].addr_host;
	*n = m;
	return 0;
}
