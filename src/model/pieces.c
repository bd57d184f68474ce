/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sweep over the rows in order of address and length. Prefixes nest, so the rows that cover the
 * present address are a stack.
 */
#include "model/pieces.h"

#include <errno.h>
#include <stdlib.h>

#include "util/cleanup.h"
#include "util/sort.h"

/* The sweep visits the many rows in random order. */
#define PREFETCH_ROWS 8

struct sweep {
	const struct nsg_effective *e;
	nsg_visit_piece *visit;
	void *data;
	const struct nsg_gate_piece *gate; /* of the address `at` */
	const struct nsg_row **stack;
	size_t depth;
	uint64_t at; /* the first address that was not visited */
};

/* Visits the addresses before `end`, which the rows on the stack cover. */
static int emit(struct sweep *s, uint64_t end)
{
	while (s->at < end) {
		struct nsg_range piece = {(uint32_t)s->at, (uint32_t)(end - 1)};
		int r;

		while (s->gate->last < piece.lo)
			s->gate++;
		if (s->gate->last < piece.hi)
			piece.hi = s->gate->last;
		s->at = (uint64_t)piece.hi + 1;
		if (!nsg_gate_enters(s->gate->gate))
			continue;
		r = s->visit(s->data, piece, s->gate->gate, s->stack, s->depth);
		if (r)
			return r;
	}
	return 0;
}

/* Rows by address, then length, then place: a row comes after all that cover it. */
static size_t order_rows(const struct nsg_effective *e, uint64_t *v)
{
	size_t starts[34] = {0}, n = 0;

	for (size_t i = 0; i < e->n_rows; i++)
		if (e->rows[i].state != NSG_ROW_GONE)
			starts[e->rows[i].prefix.len + 1]++;
	for (size_t len = 1; len < 34; len++)
		starts[len] += starts[len - 1];
	for (size_t i = 0; i < e->n_rows; i++) {
		if (e->rows[i].state == NSG_ROW_GONE)
			continue;
		v[starts[e->rows[i].prefix.len]++] =
		    (uint64_t)e->rows[i].prefix.addr_host << 32 | i;
		n++;
	}
	nsg_sort_upper(v, v + e->n_rows, n);
	return n;
}

/* Visits what is left of the rows that end before `addr`, innermost first. */
static int leave_rows(struct sweep *s, uint64_t addr)
{
	while (s->depth) {
		uint64_t end = (uint64_t)nsg_prefix_last(s->stack[s->depth - 1]->prefix) + 1;
		int r;

		if (end > addr)
			return 0;
		r = emit(s, end);
		if (r)
			return r;
		s->depth--;
	}
	return 0;
}

static int sweep_rows(struct sweep *s, const uint64_t *v, size_t n)
{
	int r;

	for (size_t i = 0; i < n; i++) {
		const struct nsg_row *row = &s->e->rows[(uint32_t)v[i]];

		if (i + PREFETCH_ROWS < n)
			__builtin_prefetch(&s->e->rows[(uint32_t)v[i + PREFETCH_ROWS]]);
		r = leave_rows(s, row->prefix.addr_host);
		if (r)
			return r;
		r = emit(s, row->prefix.addr_host);
		if (r)
			return r;
		s->stack[s->depth++] = row;
	}
	r = leave_rows(s, (uint64_t)UINT32_MAX + 1);
	if (r)
		return r;
	return emit(s, (uint64_t)UINT32_MAX + 1);
}

int nsg_rows_walk(const struct nsg_effective *e, const struct nsg_gates *gates,
		  nsg_visit_piece *visit, void *data)
{
	cleanup_free uint64_t *v = malloc((2 * e->n_rows + 1) * sizeof(*v));
	cleanup_free const struct nsg_row **stack = malloc((e->n_rows + 1) * sizeof(*stack));
	struct sweep s = {.e = e, .visit = visit, .data = data, .gate = gates->v, .stack = stack};

	if (!v || !stack)
		return -ENOMEM;
	return sweep_rows(&s, v, order_rows(e, v));
}
