/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench/classifier_linear.h"

#include <stdlib.h>
#include <string.h>

#include "util/macro.h"
#include "util/names.h"

struct linear_rule {
	uint16_t protocol;
	bool every_sport, every_dport;
	const struct nsg_port_range *sports, *dports;
	size_t n_sports, n_dports;
	struct nsg_ranges src, dst;
};

/* Disjoint pieces of the address space with the row that wins. */
struct piece {
	uint32_t first, row;
};

struct linear {
	struct linear_rule *rules;
	size_t n_rules;
	struct piece *pieces;
	size_t n_pieces;
};

static bool every_port(struct nsg_port_range r)
{
	return r.lo == 0 && r.hi == 65535;
}

/* ---- routes: longest prefix, User before gateway ---- */

struct ordered_row {
	struct nsg_prefix prefix;
	uint32_t row;
	enum nsg_route_source source;
};

static int by_prefix(const void *a, const void *b)
{
	const struct ordered_row *x = a, *y = b;
	int c = nsg_prefix_compare(&x->prefix, &y->prefix);

	if (c)
		return c;
	/* The better one comes later: the last of equals stays on top. */
	if (x->source != y->source)
		return NSG_CMP(x->source, y->source);
	return x->row < y->row ? 1 : -1;
}

static void add_piece(struct linear *l, uint32_t first, uint32_t row)
{
	if (l->n_pieces && l->pieces[l->n_pieces - 1].first == first)
		l->pieces[l->n_pieces - 1].row = row;
	else
		l->pieces[l->n_pieces++] = (struct piece){first, row};
}

static void cut_pieces(struct linear *l, const struct nsg_effective *e)
{
	struct ordered_row *v = calloc(e->n_rows + 1, sizeof(*v));
	uint32_t stack[34 * 8];
	size_t depth = 0;

	l->pieces = calloc(2 * e->n_rows + 2, sizeof(*l->pieces));
	if (!v || !l->pieces)
		abort();
	for (size_t i = 0; i < e->n_rows; i++)
		v[i] = (struct ordered_row){e->rows[i].prefix, (uint32_t)i, e->rows[i].source};
	qsort(v, e->n_rows, sizeof(*v), by_prefix);
	for (size_t i = 0; i <= e->n_rows; i++) {
		while (depth &&
		       (i == e->n_rows ||
			!nsg_prefix_covers(e->rows[stack[depth - 1]].prefix, v[i].prefix))) {
			uint32_t last = nsg_prefix_last(e->rows[stack[--depth]].prefix);

			if (depth && last != UINT32_MAX)
				add_piece(l, last + 1, stack[depth - 1]);
		}
		if (i < e->n_rows) {
			if (depth &&
			    nsg_prefix_equal(e->rows[stack[depth - 1]].prefix, v[i].prefix))
				depth--;
			stack[depth++] = v[i].row;
			add_piece(l, v[i].prefix.addr_host, v[i].row);
		}
	}
	free(v);
}

static uint32_t row_of(const struct linear *l, uint32_t dst)
{
	size_t lo = 0, hi = l->n_pieces - 1;

	while (lo < hi) {
		size_t mid = (lo + hi + 1) / 2;

		if (l->pieces[mid].first <= dst)
			lo = mid;
		else
			hi = mid - 1;
	}
	return l->pieces[lo].row;
}

/* ---- rules ---- */

struct linear *linear_new(const struct bench_case *c)
{
	const struct nsg_effective *e = &c->b->e;
	struct linear *l = calloc(1, sizeof(*l));

	if (!l)
		abort();
	l->n_rules = e->n_rules;
	l->rules = calloc(e->n_rules, sizeof(*l->rules));
	if (!l->rules)
		abort();
	for (size_t i = 0; i < e->n_rules; i++)
		l->rules[i] = (struct linear_rule){
		    .protocol = e->rules[i].rule->protocol,
		    .every_sport = every_port(e->rules[i].src_ports[0]),
		    .every_dport = every_port(e->rules[i].dst_ports[0]),
		    .sports = e->rules[i].src_ports,
		    .dports = e->rules[i].dst_ports,
		    .n_sports = e->rules[i].n_src_ports,
		    .n_dports = e->rules[i].n_dst_ports,
		    .src = *e->rules[i].src.ranges,
		    .dst = *e->rules[i].dst.ranges,
		};
	cut_pieces(l, e);
	return l;
}

static inline bool in_ranges(const struct nsg_ranges *r, uint32_t addr)
{
	size_t lo = 0, hi = r->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (r->v[mid].hi < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < r->n && r->v[lo].lo <= addr;
}

static inline bool in_ports(const struct nsg_port_range *v, size_t n, uint16_t port)
{
	for (size_t i = 0; i < n; i++)
		if (port >= v[i].lo && port <= v[i].hi)
			return true;
	return false;
}

static uint32_t first_rule(const struct linear *l, const struct nsg_key *k)
{
	if (!nsg_protocol_has_ports(k->protocol) ||
	    (k->protocol == NSG_PROTOCOL_UDP && k->sport_host == 65330))
		return LINEAR_NOT_CARRIED;
	for (size_t i = 0; i < l->n_rules; i++) {
		const struct linear_rule *r = &l->rules[i];

		if ((r->protocol == NSG_PROTOCOL_ANY || r->protocol == k->protocol) &&
		    (r->every_dport || in_ports(r->dports, r->n_dports, k->dport_host)) &&
		    (r->every_sport || in_ports(r->sports, r->n_sports, k->sport_host)) &&
		    in_ranges(&r->src, k->src_host) && in_ranges(&r->dst, k->dst_host))
			return (uint32_t)i;
	}
	return (uint32_t)l->n_rules;
}

void linear_run(const struct linear *l, const struct nsg_key *keys, size_t n,
		struct linear_answer *answers)
{
	for (size_t i = 0; i < n; i++)
		answers[i] =
		    (struct linear_answer){first_rule(l, &keys[i]), row_of(l, keys[i].dst_host)};
}

void linear_free(struct linear *l)
{
	free(l->rules);
	free(l->pieces);
	free(l);
}
