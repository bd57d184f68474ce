/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The route table becomes a partition: for each piece of the address space that enters, the row
 * that model/select.h selects.
 */
#include "compile/compile_priv.h"

#include <errno.h>
#include <string.h>

#include "model/pieces.h"
#include "model/select.h"
#include "util/limits.h"

/* ---- which row is selected where ---- */

struct sweep {
	const struct nsg_effective *e;
	struct nsg_routes_part *part;
	uint64_t at; /* the first address without a row yet */
};

/* The addresses before `end` do not enter: no row is selected for them. */
static int fill_gap(struct sweep *s, uint64_t end)
{
	if (s->at == end)
		return 0;
	s->at = end;
	return nsg_partition_push(&s->part->winners, (uint32_t)(end - 1), NSG_ROW_NONE);
}

static int add_winner(void *data, struct nsg_range piece, enum nsg_gate gate,
		      const struct nsg_row *const *covering, size_t n)
{
	struct sweep *s = data;
	const struct nsg_row *row = nsg_rows_select(s->e, gate, covering, n);
	uint32_t id = NSG_ROW_NONE;
	int r;

	r = fill_gap(s, piece.lo);
	if (r < 0)
		return r;
	if (row)
		id = nsg_row_id(s->e, row);
	if (row && row->live)
		s->part->uses_live = true;
	else if (row)
		s->part->route_of_row[id] = 0; /* numbered later */
	s->at = (uint64_t)piece.hi + 1;
	return nsg_partition_push(&s->part->winners, piece.hi, id);
}

static int partition_rows(const struct nsg_effective *e, const struct nsg_gates *gates,
			  const struct nsg_ranges *windows, struct nsg_routes_part *part)
{
	struct sweep s = {.e = e, .part = part};
	int r;

	r = nsg_rows_walk_in(e, gates, windows, add_winner, &s);
	if (r < 0)
		return r;
	return fill_gap(&s, (uint64_t)UINT32_MAX + 1);
}

/* ---- which rows the image needs ---- */

static int reserve_routes(const struct nsg_effective *e, struct nsg_routes_part *part)
{
	size_t room = e->n_rows + 1;

	part->route_of_row = malloc(room * sizeof(*part->route_of_row));
	part->rows = malloc(room * sizeof(*part->rows));
	part->hop_of_route = calloc(room, sizeof(*part->hop_of_route));
	if (!part->route_of_row || !part->rows || !part->hop_of_route)
		return -ENOMEM;
	memset(part->route_of_row, 0xff, room * sizeof(*part->route_of_row));
	return 0;
}

static void number_routes(const struct nsg_effective *e, struct nsg_routes_part *part)
{
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

/* Next hops are equal by type and, for appliances, by the set of their (distinct) addresses. */
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

/* The number of the row's hop: one that exists, or the next one. of_type: all but appliances have
 * one; last: the last appliance's. */
static size_t find_hop(const struct nsg_effective *e, const struct nsg_routes_part *part,
		       const struct nsg_row *row, const size_t *of_type, size_t last)
{
	size_t h = 1;

	if (row->hop_type != NSG_HOP_APPLIANCE)
		return of_type[row->hop_type] ? of_type[row->hop_type] : part->n_hops;
	if (last && same_hop(&e->rows[part->hops[last]], row))
		return last;
	while (h < part->n_hops && !same_hop(&e->rows[part->hops[h]], row))
		h++;
	return h;
}

static int number_hops(const struct nsg_effective *e, struct nsg_diag *diag,
		       struct nsg_routes_part *part)
{
	size_t of_type[NSG_HOP_MAX] = {0};
	size_t last = 0;

	part->n_hops = 1;
	part->hops = calloc(NSG_MAX_HOPS + 2, sizeof(*part->hops));
	if (!part->hops)
		return -ENOMEM;
	for (size_t i = 0; i < part->n_routes; i++) {
		const struct nsg_row *row = &e->rows[part->rows[i]];
		size_t h;

		if (row->hop_type == NSG_HOP_NONE || row->unreachable)
			continue;
		h = find_hop(e, part, row, of_type, last);
		if (h == part->n_hops)
			part->hops[part->n_hops++] = part->rows[i];
		if (h > NSG_MAX_HOPS)
			break;
		if (row->hop_type == NSG_HOP_APPLIANCE)
			last = h;
		else
			of_type[row->hop_type] = h;
		part->hop_of_route[i] = (uint16_t)h;
	}
	if (part->uses_live && !of_type[NSG_HOP_GATEWAY]) {
		of_type[NSG_HOP_GATEWAY] = part->n_hops;
		part->hops[part->n_hops++] = NSG_ROW_NONE;
	}
	part->live_hop = (uint16_t)of_type[NSG_HOP_GATEWAY];
	if (part->n_hops > NSG_MAX_HOPS + 1)
		return nsg_diag_add(diag, NSG_ERROR, NULL, "TooManyNextHops",
				    "the routes need more than %u different next hops",
				    NSG_MAX_HOPS);
	return 0;
}

/* ---- all of it ---- */

/* A sum, since a chain of a million multiplications takes longer. */
static uint64_t live_hash(const struct nsg_route_set *live)
{
	uint64_t sum = 0;

	for (size_t i = 0; live && i < live->n; i++) {
		const struct nsg_live_route *route = &live->v[i];
		uint32_t n;
		const uint32_t *hops_host = nsg_live_hops(live, route, &n);
		uint64_t h = nsg_mix(n, (uint64_t)route->addr_host << 32 | route->len);

		for (uint32_t a = 0; a < n; a++)
			h = nsg_mix(h, hops_host[a]);
		sum += h;
	}
	return sum;
}

static uint64_t routes_hash(const struct nsg_effective *e)
{
	uint64_t h = nsg_mix(live_hash(e->live), e->endpoint_lab);

	for (size_t i = 0; i < e->n_rows; i++) {
		const struct nsg_row *row = &e->rows[i];

		if (row->state == NSG_ROW_GONE)
			continue;
		h = nsg_mix(h, (uint64_t)row->prefix.addr_host << 32 |
				   (uint64_t)row->prefix.len << 24 | (uint64_t)row->source << 16 |
				   (uint64_t)row->hop_type << 8 | (uint64_t)row->unreachable);
		h = nsg_mix(h, (uint64_t)row->rank << 8 | row->beats_udr_shorter_than);
		for (size_t a = 0; a < row->n_hops; a++)
			h = nsg_mix(h, row->hops_host[a]);
	}
	return h;
}

int nsg_routes_new(const struct nsg_effective *e, const struct nsg_gates *gates,
		   struct nsg_diag *diag, struct nsg_routes_part *ret)
{
	cleanup_routes_part struct nsg_routes_part part = {.hash = routes_hash(e)};
	int r;

	r = reserve_routes(e, &part);
	if (r < 0)
		return r;
	r = partition_rows(e, gates, NULL, &part);
	if (r < 0)
		return r;
	number_routes(e, &part);
	r = number_hops(e, diag, &part);
	if (r < 0)
		return r;
	*ret = part;
	part = (struct nsg_routes_part){0};
	return 0;
}

/* ---- windows ---- */

/* Numbers of the rows that win, and of those that have won in the image before. */
static int number_as_before(const struct nsg_effective *e, const struct nsg_image *before,
			    struct nsg_routes_part *part)
{
	const struct nsg_layout_route *routes = nsg_image_at(before, before->routes_off);

	part->n_routes = before->n_document_routes;
	part->n_hops = before->info.n_hops;
	part->live_hop = (uint16_t)before->live_hop;
	part->hops = malloc(part->n_hops * sizeof(*part->hops));
	if (!part->hops)
		return -ENOMEM;
	memset(part->hops, 0xff, part->n_hops * sizeof(*part->hops));
	for (size_t i = part->n_routes; i-- > 0;) {
		part->rows[i] = routes[i].row;
		part->hop_of_route[i] = (uint16_t)routes[i].hop;
		part->hops[routes[i].hop] = routes[i].row;
	}
	for (size_t i = 0, k = 0; i < e->n_rows; i++) {
		const bool known = k < part->n_routes && part->rows[k] == i;

		if (part->route_of_row[i] != NSG_ROW_NONE && !known)
			return -ENOENT;
		part->route_of_row[i] = known ? (uint32_t)k++ : NSG_ROW_NONE;
	}
	return part->uses_live && !part->live_hop ? -ENOENT : 0;
}

int nsg_routes_new_windows(const struct nsg_effective *e, const struct nsg_gates *gates,
			   const struct nsg_ranges *windows, const struct nsg_image *before,
			   struct nsg_routes_part *ret)
{
	cleanup_routes_part struct nsg_routes_part part = {.hash = routes_hash(e)};
	int r;

	r = reserve_routes(e, &part);
	if (r < 0)
		return r;
	r = partition_rows(e, gates, windows, &part);
	if (r < 0)
		return r;
	r = number_as_before(e, before, &part);
	if (r < 0)
		return r;
	*ret = part;
	part = (struct nsg_routes_part){0};
	return 0;
}

void nsg_routes_done(struct nsg_routes_part *part)
{
	nsg_partition_done(&part->winners);
	free(part->route_of_row);
	free(part->rows);
	free(part->hop_of_route);
	free(part->hops);
	*part = (struct nsg_routes_part){0};
}
