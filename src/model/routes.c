/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conflicts between routes of a table; gateway routes, merged by prefix. */
#include "model/effective_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/cleanup.h"
#include "util/limits.h"
#include "util/macro.h"

/* Azure's limit of routes with a service tag in a table (virtual-networks-udr-overview, 2023). */
#define MAX_TAG_ROUTES 25u

/* ---- route tables ------------------------------------------------------------------------- */

/* Which prefix or tag a route is for. */
static int compare_key(const struct nsg_route *a, const struct nsg_route *b)
{
	if (!a->tag != !b->tag)
		return a->tag ? 1 : -1;
	return a->tag ? strcasecmp(a->tag, b->tag) : nsg_prefix_compare(&a->prefix, &b->prefix);
}

/* By key, equal ones in the table's order. */
static int compare_routes(const void *a, const void *b)
{
	const struct nsg_route *x = *(const struct nsg_route *const *)a;
	const struct nsg_route *y = *(const struct nsg_route *const *)b;
	int r = compare_key(x, y);

	return r ? r : NSG_CMP(x, y);
}

static int check_conflicts(struct nsg_build *b, const struct nsg_route_table *t)
{
	cleanup_free const struct nsg_route **sorted = calloc(t->n_routes + 1, sizeof(*sorted));
	const struct nsg_route *first = NULL;
	size_t n = 0;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < t->n_routes; i++)
		if (!t->routes[i].is_ip6)
			sorted[n++] = &t->routes[i];
	qsort(sorted, n, sizeof(*sorted), compare_routes);
	for (size_t i = 0; i < n; i++) {
		char prefix[NSG_PREFIX_TEXT];

		if (!first || compare_key(first, sorted[i])) {
			first = sorted[i];
			continue;
		}
		nsg_prefix_format(first->prefix, prefix);
		(void)nsg_diag_add(b->diag, NSG_ERROR, &sorted[i]->prefix_place, "RouteConflict",
				   "routes %s and %s of table %s both have %s", first->name,
				   sorted[i]->name, t->name, first->tag ? first->tag : prefix);
	}
	return 0;
}

static void check_tag(struct nsg_build *b, const struct nsg_route *r)
{
	if (nsg_tag_kind_of(r->tag) != NSG_TAG_OF_DOCUMENT)
		(void)nsg_diag_add(b->diag, NSG_ERROR, &r->prefix_place, NULL,
				   "route %s: a user-defined route may not name %s", r->name,
				   r->tag);
	else if (!nsg_effective_tag_find(b->e, r->tag))
		(void)nsg_tag_unknown(b, &r->prefix_place, NULL, "addressPrefix", r->tag);
}

static int check_table(struct nsg_build *b, const struct nsg_route_table *t)
{
	size_t n_tags = 0;

	if (t->n_routes > NSG_MAX_UDRS)
		(void)nsg_diag_add(b->diag, NSG_ERROR, &t->place, NULL,
				   "route table %s has %zu routes, Azure allows %u", t->name,
				   t->n_routes, NSG_MAX_UDRS);
	for (size_t i = 0; i < t->n_routes; i++) {
		if (!t->routes[i].tag || t->routes[i].is_ip6)
			continue;
		n_tags++;
		check_tag(b, &t->routes[i]);
	}
	if (n_tags > MAX_TAG_ROUTES)
		(void)nsg_diag_add(
		    b->diag, NSG_WARNING, &t->place, NULL,
		    "route table %s has %zu routes with a service tag, Azure allows %u", t->name,
		    n_tags, MAX_TAG_ROUTES);
	return check_conflicts(b, t);
}

/* ---- gateway routes ----------------------------------------------------------------------- */

static int compare_bgp(const void *a, const void *b)
{
	const struct nsg_bgp_route *x = *(const struct nsg_bgp_route *const *)a;
	const struct nsg_bgp_route *y = *(const struct nsg_bgp_route *const *)b;
	int r = nsg_prefix_compare(&x->prefix, &y->prefix);

	return r ? r : NSG_CMP(x, y);
}

static int compare_order(const void *a, const void *b)
{
	const struct nsg_bgp_merged *x = a, *y = b;

	return NSG_CMP(x->order, y->order);
}

/* The distinct next hops of routes of one prefix, each at its first appearance. */
static int merge_hops(struct nsg_arena *a, const struct nsg_bgp_route *const *routes, size_t n,
		      struct nsg_bgp_merged *m)
{
	size_t n_hops = 0;

	for (size_t i = 0; i < n; i++)
		n_hops += routes[i]->n_hops;
	m->hops_host = nsg_arena_array(a, n_hops + 1, sizeof(*m->hops_host));
	if (!m->hops_host)
		return -ENOMEM;
	n_hops = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < routes[i]->n_hops; j++)
			m->hops_host[n_hops++] = routes[i]->hops_host[j];
	m->n_hops = n_hops;
	return nsg_addresses_distinct(m->hops_host, &m->n_hops);
}

/* Paths are not ranked: route server labs show one effective route per next hop, here they are one.
 */
static int merge_bgp(struct nsg_build *b)
{
	const struct nsg_policy *p = b->policy;
	cleanup_free const struct nsg_bgp_route **sorted =
	    calloc(p->n_bgp_routes + 1, sizeof(*sorted));
	int r;

	b->bgp = nsg_arena_array(&b->e->arena, p->n_bgp_routes + 1, sizeof(*b->bgp));
	if (!sorted || !b->bgp)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_bgp_routes; i++)
		sorted[i] = &p->bgp_routes[i];
	qsort(sorted, p->n_bgp_routes, sizeof(*sorted), compare_bgp);
	for (size_t i = 0, next; i < p->n_bgp_routes; i = next) {
		struct nsg_bgp_merged *m = &b->bgp[b->n_bgp++];

		for (next = i + 1; next < p->n_bgp_routes; next++)
			if (!nsg_prefix_equal(sorted[i]->prefix, sorted[next]->prefix))
				break;
		m->prefix = sorted[i]->prefix;
		m->order = (size_t)(sorted[i] - p->bgp_routes);
		r = merge_hops(&b->e->arena, sorted + i, next - i, m);
		if (r < 0)
			return r;
	}
	qsort(b->bgp, b->n_bgp, sizeof(*b->bgp), compare_order);
	if (b->n_bgp > NSG_MAX_BGP_ROUTES)
		(void)nsg_diag_add(b->diag, NSG_ERROR, &p->bgp_routes[0].place, NULL,
				   "%zu gateway routes, nsgd supports at most %u", b->n_bgp,
				   NSG_MAX_BGP_ROUTES);
	return 0;
}

int nsg_build_routes(struct nsg_build *b)
{
	const struct nsg_policy *p = b->policy;
	int r;

	for (size_t i = 0; i < p->n_route_tables; i++) {
		r = check_table(b, &p->route_tables[i]);
		if (r < 0)
			return r;
	}
	if (b->e->route_table && b->e->route_table->disable_bgp)
		return 0;
	return merge_bgp(b);
}
