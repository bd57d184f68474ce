/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which rows exist, and which of them Azure lists as Active. A row is Active if, for some address,
 * selection does not exclude it and no row of the same prefix is preferred to it. The row that is
 * selected for an address is therefore always Active.
 */
#include "model/effective_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/pieces.h"
#include "model/select.h"
#include "util/cleanup.h"
#include "util/macro.h"

/* ---- None and Internet ----------------------------------------------------------------------- */

static bool is_default(const struct nsg_row *r, enum nsg_hop_type type)
{
	return r->source == NSG_SOURCE_DEFAULT && r->hop_type == type;
}

/* What decides about the None rows. */
struct takers {
	const struct nsg_row *udr; /* the preferred one of 0.0.0.0/0; NULL: none */
	bool bgp;		   /* a gateway row holds 0.0.0.0/0 */
};

static struct takers find_takers(const struct nsg_effective *e)
{
	static const struct nsg_prefix everything = {0, 0};
	struct takers t = {.bgp = nsg_route_set_find(e->live, everything)};

	for (size_t i = 0; i < e->n_rows; i++) {
		const struct nsg_row *r = &e->rows[i];

		if (r->prefix.len)
			continue;
		t.bgp |= r->source == NSG_SOURCE_GATEWAY;
		if (r->source == NSG_SOURCE_USER && nsg_row_goes_before(r, t.udr))
			t.udr = r;
	}
	return t;
}

/* Traffic no longer leaves for the Internet by default: the None rows go. Under a UDR to None they
 * stay (recorded). */
static bool default_is_taken(const struct takers *t)
{
	if (t->udr)
		return t->udr->hop_type != NSG_HOP_INTERNET && t->udr->hop_type != NSG_HOP_NONE;
	return t->bgp;
}

static bool vnet_covers(const struct nsg_vnet *v, struct nsg_prefix p)
{
	for (size_t i = 0; i < v->space.n; i++)
		if (nsg_prefix_covers(v->space.v[i], p))
			return true;
	return false;
}

/* A profile's None rows are few; user and gateway rows may be many. */
static void remove_taken(struct nsg_effective *e)
{
	const struct takers takers = find_takers(e);
	const bool taken = default_is_taken(&takers);
	struct nsg_row *none = NULL;
	size_t n = 0;

	for (size_t i = 0; i < e->n_rows; i++) {
		struct nsg_row *r = &e->rows[i];

		r->state = NSG_ROW_INVALID;
		if (is_default(r, NSG_HOP_INTERNET) && takers.bgp)
			r->state = NSG_ROW_GONE;
		if (!is_default(r, NSG_HOP_NONE))
			continue;
		none = none ? none : r;
		n++;
		if (taken || vnet_covers(e->vnet, r->prefix) ||
		    nsg_route_set_find(e->live, r->prefix))
			r->state = NSG_ROW_GONE;
	}
	for (size_t i = 0; i < e->n_rows; i++) {
		const struct nsg_row *r = &e->rows[i];

		for (size_t k = 0; r->source != NSG_SOURCE_DEFAULT && k < n; k++)
			if (nsg_prefix_equal(r->prefix, none[k].prefix))
				none[k].state = NSG_ROW_GONE;
	}
}

/* ---- Active ---------------------------------------------------------------------------------- */

struct marker {
	const struct nsg_effective *e;
	struct nsg_row *rows;	  /* e->rows, or NULL: live rows are marked */
	enum nsg_row_state *live; /* NULL: e->rows are marked, and no live row is visited */
	enum nsg_row_fate *fates;
};

static bool is_struck(enum nsg_row_fate f)
{
	return f != NSG_FATE_SELECTED && f != NSG_FATE_SHORTER && f != NSG_FATE_TIE;
}

static bool is_network(const struct nsg_row *r)
{
	return is_default(r, NSG_HOP_VNET_LOCAL) || is_default(r, NSG_HOP_VNET_PEERING) ||
	       is_default(r, NSG_HOP_VNET_GLOBAL_PEERING);
}

static void mark(const struct marker *m, const struct nsg_row *r, enum nsg_row_state state)
{
	if (r->live)
		m->live[r->live - 1] = state;
	else if (m->rows)
		m->rows[r - m->e->rows].state = state;
}

/* Of the best user route and the best other row of one prefix the preferred one: with `lab`, a
 * service endpoint is preferred to a user route to the Internet. */
static const struct nsg_row *preferred(const struct nsg_effective *e, const struct nsg_row *user,
				       const struct nsg_row *other)
{
	if (user && other && e->endpoint_lab && is_default(other, NSG_HOP_SERVICE_ENDPOINT) &&
	    user->hop_type == NSG_HOP_INTERNET)
		return other;
	return user ? user : other;
}

/* Of a route and a private endpoint of one address, the route is preferred where it is not struck.
 * No other row that is selected depends on a live one, except those that are gone. */
static bool gives_way_to_live(const struct nsg_effective *e, const struct nsg_row *r, bool system)
{
	return is_default(r, NSG_HOP_INTERFACE_ENDPOINT) && !system &&
	       nsg_route_set_find(e->live, r->prefix);
}

/* The covering rows come by length, those of one length in the order of e->rows. */
static int mark_piece(void *data, struct nsg_range piece, enum nsg_gate gate,
		      const struct nsg_row *const *covering, size_t n)
{
	const struct marker *m = data;
	bool in_network = false, system = false;

	(void)piece;
	(void)nsg_rows_judge(m->e, gate, covering, n, m->fates);
	for (size_t i = 0; i < n; i++) {
		const struct nsg_row *r = covering[i];

		system |= is_network(r) || is_default(r, NSG_HOP_SERVICE_ENDPOINT);
		if (r->live && m->live[r->live - 1] == NSG_ROW_GONE)
			m->live[r->live - 1] = NSG_ROW_INVALID;
	}
	for (size_t i = 0, next; i < n; i = next) {
		const struct nsg_row *best, *user = NULL, *other = NULL;

		for (next = i; next < n && covering[next]->prefix.len == covering[i]->prefix.len;
		     next++) {
			const struct nsg_row *r = covering[next];

			in_network |= is_network(r);
			if (in_network && r->source == NSG_SOURCE_GATEWAY)
				mark(m, r, NSG_ROW_HIDDEN);
			else if (is_struck(m->fates[next]))
				continue;
			else if (r->source == NSG_SOURCE_USER)
				user = nsg_row_goes_before(r, user) ? r : user;
			else
				other = nsg_row_goes_before(r, other) ? r : other;
		}
		best = preferred(m->e, user, other);
		if (best && !gives_way_to_live(m->e, best, system))
			mark(m, best, NSG_ROW_ACTIVE);
	}
	return 0;
}

/* Azure's list does not depend on what enters from an app: addresses that do not are treated as
 * with route-all. */
static int copy_open_gates(const struct nsg_gates *gates, struct nsg_gates *ret)
{
	struct nsg_gate_piece *v = calloc(gates->n, sizeof(*v));

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < gates->n; i++) {
		v[i] = gates->v[i];
		if (!nsg_gate_enters(v[i].gate))
			v[i].gate = NSG_GATE_ROUTE_ALL;
	}
	*ret = (struct nsg_gates){v, gates->n};
	return 0;
}

static int walk_open_gates(const struct nsg_effective *e, const struct nsg_gates *gates,
			   struct marker *m)
{
	cleanup_gates struct nsg_gates open = {0};
	cleanup_free enum nsg_row_fate *fates = calloc(e->n_rows + 34, sizeof(*fates));
	int r;

	if (!fates)
		return -ENOMEM;
	m->fates = fates;
	r = copy_open_gates(gates, &open);
	return r < 0 ? r : nsg_rows_walk(e, &open, mark_piece, m);
}

static int find_gateway(void *data, struct nsg_range piece, enum nsg_gate gate,
			const struct nsg_row *const *covering, size_t n)
{
	const struct nsg_row *selected = nsg_rows_select(data, gate, covering, n);

	(void)piece;
	return selected && selected->hop_type == NSG_HOP_GATEWAY;
}

/* The states of documents' rows do not depend on live ones, which are many. */
int nsg_build_row_states(struct nsg_build *b)
{
	struct nsg_effective *e = b->e, documents;
	cleanup_gates struct nsg_gates gates = {0};
	struct marker m = {.e = e, .rows = e->rows};
	int r;

	remove_taken(e);
	r = nsg_gates_new(e, &gates);
	if (r < 0)
		return r;
	documents = *e;
	documents.live = NULL;
	r = walk_open_gates(&documents, &gates, &m);
	if (r < 0)
		return r;
	r = nsg_rows_walk(e, &gates, find_gateway, e);
	e->uses_gateway = r > 0;
	return r < 0 ? r : 0;
}

int nsg_effective_live_states(const struct nsg_effective *e, enum nsg_row_state **ret)
{
	cleanup_gates struct nsg_gates gates = {0};
	cleanup_free enum nsg_row_state *states =
	    calloc((e->live ? e->live->n : 0) + 1, sizeof(*states));
	struct marker m = {.e = e, .live = states};
	int r;

	if (!states)
		return -ENOMEM;
	for (size_t i = 0; e->live && i < e->live->n; i++)
		states[i] = NSG_ROW_GONE;
	r = nsg_gates_new(e, &gates);
	if (r < 0)
		return r;
	r = walk_open_gates(e, &gates, &m);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(states);
	return 0;
}
