/* SPDX-License-Identifier: GPL-2.0-or-later */
/* User rows of effective route tables: they stand for the route table that the subnet names where no
 * document is that table, else they are compared with it. */
#include "model/effective_priv.h"

#include <errno.h>
#include <strings.h>

#include "util/limits.h"

static bool is_same_destination(const struct nsg_route *a, const struct nsg_route *b)
{
	if (a->is_ip6 || b->is_ip6 || !a->tag != !b->tag)
		return false;
	return a->tag ? !strcasecmp(a->tag, b->tag) : nsg_prefix_equal(a->prefix, b->prefix);
}

static const struct nsg_route *find(const struct nsg_route *v, size_t n, const struct nsg_route *r)
{
	for (size_t i = 0; i < n; i++)
		if (is_same_destination(&v[i], r))
			return &v[i];
	return NULL;
}

/* ---- in place of a document --------------------------------------------------------------- */

int nsg_user_rows_table(struct nsg_build *b)
{
	const struct nsg_policy *p = b->policy;
	struct nsg_route_table *t = nsg_arena_alloc(&b->e->arena, sizeof(*t));
	/* one more than is allowed: that is reported */
	const size_t room = p->n_user_rows < NSG_MAX_UDRS ? p->n_user_rows : NSG_MAX_UDRS + 1;

	if (!t)
		return -ENOMEM;
	*t = (struct nsg_route_table){
	    .id = b->e->subnet->route_table_id,
	    .name = nsg_id_name(b->e->subnet->route_table_id),
	    .routes = nsg_arena_array(&b->e->arena, room + 1, sizeof(*t->routes)),
	    .place = p->user_rows[0].route.place,
	};
	if (!t->routes)
		return -ENOMEM;
	/* several network interfaces of the subnet have the same rows */
	for (size_t i = 0; i < p->n_user_rows && t->n_routes < room; i++) {
		const struct nsg_user_row *row = &p->user_rows[i];

		if (!row->is_row || row->route.is_ip6 || find(t->routes, t->n_routes, &row->route))
			continue;
		t->disable_bgp |= row->disable_bgp;
		t->routes[t->n_routes++] = row->route;
	}
	b->e->route_table = t;
	b->e->route_table_by = "the user rows of an effective route table";
	return 0;
}

/* ---- beside a document -------------------------------------------------------------------- */

static bool has_hop(const struct nsg_route *r, uint32_t hop_host)
{
	for (size_t i = 0; i < r->n_hops; i++)
		if (r->hops_host[i] == hop_host)
			return true;
	return false;
}

static bool is_same_hop(const struct nsg_route *a, const struct nsg_route *b)
{
	if (a->hop_type != b->hop_type || a->n_hops != b->n_hops)
		return false;
	for (size_t i = 0; i < a->n_hops; i++)
		if (!has_hop(b, a->hops_host[i]))
			return false;
	return true;
}

static void compare_row(struct nsg_build *b, const struct nsg_route *row)
{
	const struct nsg_route_table *t = b->e->route_table;
	const struct nsg_route *route = find(t->routes, t->n_routes, row);

	if (!route)
		(void)nsg_diag_add(b->diag, NSG_WARNING, &row->place, NULL,
				   "the effective route %s is not in route table %s, which is used",
				   row->name, t->name);
	else if (!is_same_hop(route, row))
		(void)nsg_diag_add(b->diag, NSG_WARNING, &row->place, NULL,
				   "the effective route %s has another next hop than route %s of "
				   "table %s, which is used",
				   row->name, route->name, t->name);
}

static bool is_effective(const struct nsg_policy *p, const struct nsg_route *route)
{
	for (size_t i = 0; i < p->n_user_rows; i++)
		if (p->user_rows[i].is_row && is_same_destination(&p->user_rows[i].route, route))
			return true;
	return false;
}

void nsg_user_rows_compare(struct nsg_build *b)
{
	const struct nsg_policy *p = b->policy;
	const struct nsg_route_table *t = b->e->route_table;

	for (size_t i = 0; i < p->n_user_rows; i++)
		if (p->user_rows[i].is_row && !p->user_rows[i].route.is_ip6)
			compare_row(b, &p->user_rows[i].route);
	for (size_t i = 0; p->n_user_rows && i < t->n_routes; i++)
		if (!t->routes[i].is_ip6 && !is_effective(p, &t->routes[i]))
			(void)nsg_diag_add(b->diag, NSG_WARNING, &t->routes[i].place, NULL,
					   "route %s of table %s is not in the effective route "
					   "table; the route table is used",
					   t->routes[i].name, t->name);
}

void nsg_user_rows_unused(struct nsg_build *b)
{
	const struct nsg_policy *p = b->policy;

	for (size_t i = 0; i < p->n_user_rows; i++) {
		if (!p->user_rows[i].is_row)
			continue;
		(void)nsg_diag_add(b->diag, NSG_WARNING, &p->user_rows[i].route.place, NULL,
				   "the user routes of the effective route table are not used: "
				   "subnet %s names no route table",
				   b->e->subnet->name);
		return;
	}
}
