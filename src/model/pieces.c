/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sweep over the rows in order of address and length. Prefixes nest, so the rows that cover the
 * present address are a stack. Live routes are in that order already; one of a length is on the
 * stack at a time, where it has its row.
 */
#include "model/pieces.h"

#include <errno.h>
#include <stdlib.h>

#include "model/ranges.h"
#include "util/cleanup.h"
#include "util/macro.h"
#include "util/sort.h"
#include "util/vec.h"

/* The sweep visits the many rows in random order. */
#define PREFETCH_ROWS 8

struct sweep {
	const struct nsg_effective *e;
	nsg_visit_piece *visit;
	void *data;
	const struct nsg_gate_piece *gate; /* of the address `at` */
	const struct nsg_row **stack;
	size_t depth;
	uint64_t at;			  /* the first address that was not visited */
	const struct nsg_ranges *windows; /* NULL: all addresses */
	size_t window;			  /* the first that does not end before `at` */
	struct nsg_row live[33];
};

/* Numbers of live routes, ascending; v NULL: the first n. */
struct numbers {
	uint32_t *v;
	size_t n, room;
};

static void numbers_done(struct numbers *n)
{
	free(n->v);
}

#define cleanup_numbers __attribute__((cleanup(numbers_done)))

/* Moves on to the next window, at most to `end`, and cuts the piece where it ends. False: there are no
 * addresses of a window before `end`. */
static bool enter_window(struct sweep *s, uint64_t end, struct nsg_range *piece)
{
	const struct nsg_ranges *w = s->windows;

	if (!w)
		return true;
	while (s->window < w->n && w->v[s->window].hi < s->at)
		s->window++;
	if (s->window == w->n || w->v[s->window].lo >= end) {
		s->at = end;
		return false;
	}
	if (w->v[s->window].lo > s->at)
		s->at = piece->lo = w->v[s->window].lo;
	if (w->v[s->window].hi < piece->hi)
		piece->hi = w->v[s->window].hi;
	return true;
}

/* Visits the addresses before `end`, which the rows on the stack cover. */
static int emit(struct sweep *s, uint64_t end)
{
	while (s->at < end) {
		struct nsg_range piece = {(uint32_t)s->at, (uint32_t)(end - 1)};
		int r;

		if (!enter_window(s, end, &piece))
			return 0;

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

static bool is_visited(const struct sweep *s, const struct nsg_row *r)
{
	return r->state != NSG_ROW_GONE &&
	       (!s->windows ||
		nsg_ranges_overlap(s->windows, (struct nsg_range){r->prefix.addr_host,
								  nsg_prefix_last(r->prefix)}));
}

/* Rows by address, then length, then place: a row comes after all that cover it. */
static size_t order_rows(const struct sweep *s, uint64_t *v)
{
	const struct nsg_effective *e = s->e;
	size_t starts[34] = {0}, n = 0;

	for (size_t i = 0; i < e->n_rows; i++)
		if (is_visited(s, &e->rows[i]))
			starts[e->rows[i].prefix.len + 1]++;
	for (size_t len = 1; len < 34; len++)
		starts[len] += starts[len - 1];
	for (size_t i = 0; i < e->n_rows; i++) {
		if (!is_visited(s, &e->rows[i]))
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

static int enter_row(struct sweep *s, const struct nsg_row *row)
{
	int r;

	r = leave_rows(s, row->prefix.addr_host);
	if (r)
		return r;
	r = emit(s, row->prefix.addr_host);
	if (r)
		return r;
	s->stack[s->depth++] = row;
	return 0;
}

/* A document's row of that prefix has the live route's next hops. */
static bool has_document(const struct sweep *s, struct nsg_prefix p)
{
	for (size_t i = s->depth; i && nsg_prefix_equal(s->stack[i - 1]->prefix, p); i--)
		if (s->stack[i - 1]->source == NSG_SOURCE_GATEWAY)
			return true;
	return false;
}

static int enter_live(struct sweep *s, size_t i)
{
	const struct nsg_prefix p = nsg_live_prefix(&s->e->live->v[i]);
	struct nsg_row row;
	int r;

	if (!nsg_effective_live_row(s->e, i, &row) || has_document(s, p))
		return 0;
	r = leave_rows(s, p.addr_host);
	if (r)
		return r;
	s->live[p.len] = row;
	return enter_row(s, &s->live[p.len]);
}

/* Documents' rows come before live ones of the same prefix. */
static int sweep_rows(struct sweep *s, const uint64_t *v, size_t n, const struct numbers *live)
{
	int r = 0;

	for (size_t i = 0, k = 0; !r && (i < n || k < live->n);) {
		const struct nsg_row *row = i < n ? &s->e->rows[(uint32_t)v[i]] : NULL;
		const size_t number = !live->v ? k : k < live->n ? live->v[k] : 0;
		struct nsg_prefix p = {0};

		if (i + PREFETCH_ROWS < n)
			__builtin_prefetch(&s->e->rows[(uint32_t)v[i + PREFETCH_ROWS]]);
		if (k < live->n)
			p = nsg_live_prefix(&s->e->live->v[number]);
		if (row && (k == live->n || nsg_prefix_compare(&row->prefix, &p) <= 0)) {
			r = enter_row(s, row);
			i++;
		} else {
			r = enter_live(s, number);
			k++;
		}
	}
	if (!r)
		r = leave_rows(s, (uint64_t)UINT32_MAX + 1);
	return r ? r : emit(s, (uint64_t)UINT32_MAX + 1);
}

static int compare_number(const void *a, const void *b)
{
	return NSG_CMP(*(const uint32_t *)a, *(const uint32_t *)b);
}

/* The live routes that overlap a window. */
static int add_live_in(const struct nsg_route_set *live, struct nsg_range window,
		       struct numbers *ret)
{
	int r = 0;

	for (uint8_t len = 0; !r && len < 32; len++) {
		const struct nsg_prefix p = {window.lo & nsg_prefix_mask(len), len};
		const struct nsg_live_route *route = nsg_route_set_find(live, p);

		if (route && p.addr_host < window.lo)
			r = nsg_vec_push(ret, (uint32_t)(route - live->v));
	}
	for (size_t i = nsg_route_set_from(live, window.lo);
	     !r && i < live->n && live->v[i].addr_host <= window.hi; i++)
		r = nsg_vec_push(ret, (uint32_t)i);
	return r;
}

/* Their numbers, ascending. */
static int find_live(const struct nsg_route_set *live, const struct nsg_ranges *windows,
		     struct numbers *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < windows->n; i++) {
		int r = add_live_in(live, windows->v[i], ret);

		if (r < 0)
			return r;
	}
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare_number);
	for (size_t i = 0; i < ret->n; i++)
		if (!n || ret->v[n - 1] != ret->v[i])
			ret->v[n++] = ret->v[i];
	ret->n = n;
	return 0;
}

int nsg_rows_walk_in(const struct nsg_effective *e, const struct nsg_gates *gates,
		     const struct nsg_ranges *windows, nsg_visit_piece *visit, void *data)
{
	cleanup_free uint64_t *v = malloc((2 * e->n_rows + 1) * sizeof(*v));
	struct sweep s = {
	    .e = e, .visit = visit, .data = data, .gate = gates->v, .windows = windows};
	cleanup_free const struct nsg_row **stack =
	    malloc((e->n_rows + NSG_ARRAY_SIZE(s.live)) * sizeof(*stack));
	cleanup_numbers struct numbers live = {.n = e->live ? e->live->n : 0};

	if (!v || !stack)
		return -ENOMEM;
	if (e->live && windows) {
		int r;

		live.n = 0;
		r = find_live(e->live, windows, &live);
		if (r < 0)
			return r;
	}
	s.stack = stack;
	return sweep_rows(&s, v, order_rows(&s, v), &live);
}

int nsg_rows_walk(const struct nsg_effective *e, const struct nsg_gates *gates,
		  nsg_visit_piece *visit, void *data)
{
	return nsg_rows_walk_in(e, gates, NULL, visit, data);
}
