/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/pieces.h"

#include <errno.h>
#include <stdlib.h>

#include "model/gate.h"
#include "util/cleanup.h"
#include "util/macro.h"
#include "util/vec.h"

struct walker {
	NSG_VEC(uint64_t) starts; /* of pieces; sorted, with repetitions */
	const struct nsg_row **sorted, **stack;
	size_t n_stack;
};

static void walker_done(struct walker *w)
{
	nsg_vec_done(&w->starts);
	free(w->sorted);
	free(w->stack);
}

#define cleanup_walker __attribute__((cleanup(walker_done)))

static int add_piece(struct walker *w, uint32_t lo, uint32_t hi)
{
	if (nsg_vec_push(&w->starts, lo))
		return -ENOMEM;
	return nsg_vec_push(&w->starts, (uint64_t)hi + 1);
}

static int compare_start(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int compare_row(const void *a, const void *b)
{
	const struct nsg_row *x = *(const struct nsg_row *const *)a;
	const struct nsg_row *y = *(const struct nsg_row *const *)b;
	int r = nsg_prefix_compare(&x->prefix, &y->prefix);

	return r ? r : (x > y) - (x < y);
}

static int walker_init(struct walker *w, const struct nsg_effective *e)
{
	cleanup_free struct nsg_gate_piece *gates = NULL;
	size_t n_gates;
	int r;

	r = nsg_gate_boundaries(e, &gates, &n_gates);
	if (r < 0)
		return r;
	w->sorted = calloc(e->n_rows + 1, sizeof(*w->sorted));
	w->stack = calloc(e->n_rows + 1, sizeof(*w->stack));
	if (!w->sorted || !w->stack)
		return -ENOMEM;
	for (size_t i = 0; i < n_gates; i++)
		if (add_piece(w, i ? gates[i - 1].last + 1 : 0, gates[i].last))
			return -ENOMEM;
	for (size_t i = 0; i < e->n_rows; i++) {
		const struct nsg_prefix p = e->rows[i].prefix;

		w->sorted[i] = &e->rows[i];
		if (add_piece(w, p.addr_host, nsg_prefix_last(p)))
			return -ENOMEM;
	}
	qsort(w->starts.v, w->starts.n, sizeof(*w->starts.v), compare_start);
	if (e->n_rows)
		qsort(w->sorted, e->n_rows, sizeof(*w->sorted), compare_row);
	return 0;
}

int nsg_rows_walk(const struct nsg_effective *e,
		  int (*visit)(void *data, struct nsg_range piece, enum nsg_gate gate,
			       const struct nsg_row *const *covering, size_t n),
		  void *data)
{
	struct walker w cleanup_walker = {0};
	size_t next_row = 0;

	if (walker_init(&w, e))
		return -ENOMEM;
	for (size_t i = 0; i + 1 < w.starts.n; i++) {
		const struct nsg_range piece = {(uint32_t)w.starts.v[i],
						(uint32_t)(w.starts.v[i + 1] - 1)};
		enum nsg_gate gate;
		int r;

		if (w.starts.v[i] == w.starts.v[i + 1])
			continue;
		/* Prefixes nest, so those that end are the last that began. */
		while (w.n_stack && nsg_prefix_last(w.stack[w.n_stack - 1]->prefix) < piece.lo)
			w.n_stack--;
		while (next_row < e->n_rows && w.sorted[next_row]->prefix.addr_host == piece.lo)
			w.stack[w.n_stack++] = w.sorted[next_row++];
		gate = nsg_gate_of(e, piece.lo);
		if (!nsg_gate_enters(gate))
			continue;
		r = visit(data, piece, gate, w.stack, w.n_stack);
		if (r)
			return r;
	}
	return 0;
}
