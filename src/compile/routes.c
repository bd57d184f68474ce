/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The route table becomes a partition: a sweep over the rows in order of address and length, with
 * the rows that cover the present address on a stack. model/select.h says which of them wins.
 */
#include "compile/parts.h"

#include <errno.h>
#include <string.h>

#include "model/select.h"
#include "util/limits.h"

/* Rows are many and stand in another order than they are swept in. */
#define PREFETCH_ROWS 8

struct sweep {
	const struct nsg_effective *e;
	const struct nsg_row **stack;
	size_t depth;
	uint64_t at; /* first address without a winner yet */
	bool endpoints_differ;
	struct nsg_routes_part *part;
};

static uint32_t winner(const struct sweep *s, enum nsg_gate gate)
{
	const struct nsg_row *row = nsg_rows_select(s->e, gate, s->stack, s->depth);

	return row ? (uint32_t)(row - s->e->rows) : NSG_ROW_NONE;
}

/* The piece up to last belongs to the winner of what is on the stack. */
static int emit(struct sweep *s, uint32_t last)
{
	int r;

	if (s->at > last)
		return 0;
	s->at = (uint64_t)last + 1;
	r = nsg_partition_push(&s->part->winners, last, winner(s, NSG_GATE_ROUTE_ALL));
	if (!r && s->endpoints_differ)
		r = nsg_partition_push(&s->part->endpoints, last,
				       winner(s, NSG_GATE_SERVICE_ENDPOINT));
	return r;
}

/* Rows by address, then length: a row comes after all that cover it. */
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

static int sweep_rows(struct sweep *s, const uint64_t *v, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && !r; i++) {
		const struct nsg_row *row = &s->e->rows[(uint32_t)v[i]];

		if (i + PREFETCH_ROWS < n)
			__builtin_prefetch(&s->e->rows[(uint32_t)v[i + PREFETCH_ROWS]]);
		while (!r && s->depth &&
		       nsg_prefix_last(s->stack[s->depth - 1]->prefix) < row->prefix.addr_host) {
			r = emit(s, nsg_prefix_last(s->stack[s->depth - 1]->prefix));
			s->depth--;
		}
		if (!r && row->prefix.addr_host)
			r = emit(s, row->prefix.addr_host - 1);
		s->stack[s->depth++] = row;
	}
	for (; s->depth && !r; s->depth--)
		r = emit(s, nsg_prefix_last(s->stack[s->depth - 1]->prefix));
	return r ? r : emit(s, UINT32_MAX);
}

static int partition_rows(const struct nsg_effective *e, struct nsg_routes_part *part)
{
	struct sweep s = {
	    .e = e,
	    .endpoints_differ = !e->profile->endpoint_traffic_routes && e->endpoints.n,
	    .part = part,
	};
	uint64_t *v = malloc((2 * e->n_rows + 1) * sizeof(*v));
	int r = -ENOMEM;

	s.stack = malloc((e->n_rows + 1) * sizeof(*s.stack));
	if (v && s.stack)
		r = sweep_rows(&s, v, order_rows(e, v));
	free(s.stack);
	free(v);
	return r;
}

/* ---- which rows the image needs ---- */

const struct nsg_partition *nsg_routes_of_gate(const struct nsg_routes_part *part,
					       enum nsg_gate gate)
{
	return gate == NSG_GATE_SERVICE_ENDPOINT && part->endpoints.n ? &part->endpoints
								      : &part->winners;
}

/* Marks the rows that win where the gate lets packets in. */
static void mark_used(struct nsg_routes_part *part, const struct nsg_partition *routes,
		      const struct nsg_gates *gates)
{
	for (size_t i = 0, g = 0; i < routes->n && g < gates->n;) {
		enum nsg_gate gate = gates->v[g].gate;

		if (nsg_gate_enters(gate) && nsg_routes_of_gate(part, gate) == routes &&
		    routes->ids[i] != NSG_ROW_NONE)
			part->route_of_row[routes->ids[i]] = 0;
		if (routes->lasts[i] == gates->v[g].last) {
			i++;
			g++;
		} else if (routes->lasts[i] < gates->v[g].last) {
			i++;
		} else {
			g++;
		}
	}
}

static int number_routes(const struct nsg_effective *e, struct nsg_routes_part *part)
{
	size_t room = e->n_rows + 1;

	part->route_of_row = malloc(room * sizeof(*part->route_of_row));
	part->rows = malloc(room * sizeof(*part->rows));
	part->hop_of_route = calloc(room, sizeof(*part->hop_of_route));
	return part->route_of_row && part->rows && part->hop_of_route ? 0 : -ENOMEM;
}

static void collect_used(const struct nsg_effective *e, const struct nsg_gates *gates,
			 struct nsg_routes_part *part)
{
	memset(part->route_of_row, 0xff, (e->n_rows + 1) * sizeof(*part->route_of_row));
	mark_used(part, &part->winners, gates);
	if (part->endpoints.n)
		mark_used(part, &part->endpoints, gates);
	for (size_t i = 0; i < e->n_rows; i++) {
		if (part->route_of_row[i] == NSG_ROW_NONE)
			continue;
		part->route_of_row[i] = (uint32_t)part->n_routes;
		part->rows[part->n_routes++] = (uint32_t)i;
	}
}

/* ---- next hops ---- */

static bool holds_addr(const struct nsg_row *row, uint32_t addr_host)
{
	for (size_t i = 0; i < row->n_hops; i++)
		if (row->hops_host[i] == addr_host)
			return true;
	return false;
}

/* One next hop: the same type and, of appliances, the same set of addresses (distinct in each). */
static bool same_hop(const struct nsg_row *a, const struct nsg_row *b)
{
	if (a->hop_type != b->hop_type)
		return false;
	if (a->hop_type != NSG_HOP_APPLIANCE || a->hops_host == b->hops_host)
		return true;
	if (a->n_hops != b->n_hops)
		return false;
	for (size_t i = 0; i < a->n_hops; i++)
		if (!holds_addr(b, a->hops_host[i]))
			return false;
	return true;
}

static int number_hops(const struct nsg_effective *e, struct nsg_diag *diag,
		       struct nsg_routes_part *part)
{
	size_t of_type[NSG_HOP_MAX] = {0}; /* all but appliances have one */
	size_t last = 0;

	part->n_hops = 1;
	part->hops = calloc(NSG_MAX_HOPS + 1, sizeof(*part->hops));
	if (!part->hops)
		return -ENOMEM;
	for (size_t i = 0; i < part->n_routes; i++) {
		const struct nsg_row *row = &e->rows[part->rows[i]];
		size_t h = of_type[row->hop_type];

		if (row->hop_type == NSG_HOP_NONE || row->unreachable)
			continue;
		if (row->hop_type == NSG_HOP_APPLIANCE) {
			h = last && same_hop(&e->rows[part->hops[last]], row) ? last : 1;
			while (h < part->n_hops && !same_hop(&e->rows[part->hops[h]], row))
				h++;
		} else if (!h) {
			h = part->n_hops;
		}
		if (h > NSG_MAX_HOPS)
			return nsg_diag_add(diag, NSG_ERROR, NULL, "TooManyNextHops",
					    "the routes need more than %u different next hops",
					    NSG_MAX_HOPS);
		if (h == part->n_hops)
			part->hops[part->n_hops++] = part->rows[i];
		if (row->hop_type == NSG_HOP_APPLIANCE)
			last = h;
		else
			of_type[row->hop_type] = h;
		part->hop_of_route[i] = (uint16_t)h;
	}
	return 0;
}

/* ---- all of it ---- */

static uint64_t routes_hash(const struct nsg_effective *e)
{
	uint64_t h = e->endpoint_lab;

	for (size_t i = 0; i < e->n_rows; i++) {
		const struct nsg_row *row = &e->rows[i];

		if (row->state == NSG_ROW_GONE)
			continue;
		h = nsg_mix(h, (uint64_t)row->prefix.addr_host << 32 |
				   (uint64_t)row->prefix.len << 24 | (uint64_t)row->source << 16 |
				   (uint64_t)row->hop_type << 8 | (uint64_t)row->state << 1 |
				   (uint64_t)row->unreachable);
		h = nsg_mix(h, (uint64_t)row->rank << 8 | row->beats_udr_shorter_than);
		for (size_t a = 0; a < row->n_hops; a++)
			h = nsg_mix(h, row->hops_host[a]);
	}
	return h;
}

int nsg_routes_new(const struct nsg_effective *e, const struct nsg_gates *gates,
		   struct nsg_diag *diag, struct nsg_routes_part *ret)
{
	struct nsg_routes_part part = {.hash = routes_hash(e)};
	int r = partition_rows(e, &part);

	r = r ? r : number_routes(e, &part);
	if (!r) {
		collect_used(e, gates, &part);
		r = number_hops(e, diag, &part);
	}
	if (r) {
		nsg_routes_done(&part);
		return r;
	}
	*ret = part;
	return 0;
}

void nsg_routes_done(struct nsg_routes_part *part)
{
	nsg_partition_done(&part->winners);
	nsg_partition_done(&part->endpoints);
	free(part->route_of_row);
	free(part->rows);
	free(part->hop_of_route);
	free(part->hops);
	*part = (struct nsg_routes_part){0};
}
