/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checks of route tables. */
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

static void check_size(struct nsg_build *b, const struct nsg_route_table *t)
{
	const size_t usual = b->e->profile->usual_routes;

	if (t->n_routes > NSG_MAX_UDRS)
		(void)nsg_diag_add(b->diag, NSG_ERROR, &t->place, NULL,
				   "route table %s has %zu routes, Azure allows %u", t->name,
				   t->n_routes, NSG_MAX_UDRS);
	else if (t->n_routes > usual)
		(void)nsg_diag_add(
		    b->diag, NSG_WARNING, &t->place, NULL,
		    "route table %s has %zu routes; more than %zu need a raised limit", t->name,
		    t->n_routes, usual);
}

/* A route table may name the next hop, but only a VPN gateway takes the traffic
 * (virtual-networks-udr-overview). */
static void note_gateway_routes(struct nsg_build *b, const struct nsg_route_table *t)
{
	for (size_t i = 0; i < t->n_routes; i++)
		if (t->routes[i].hop_type == NSG_HOP_GATEWAY)
			(void)nsg_diag_add(b->diag, NSG_NOTICE, &t->routes[i].place, NULL,
					   "route %s: its next hop VirtualNetworkGateway is a VPN "
					   "gateway; ExpressRoute gateways are not supported",
					   t->routes[i].name);
}

static int check_table(struct nsg_build *b, const struct nsg_route_table *t)
{
	size_t n_tags = 0;

	check_size(b, t);
	if (t->disable_peering && !b->e->profile->disable_peering_route)
		(void)nsg_diag_add(b->diag, NSG_WARNING, &t->place, NULL,
				   "route table %s: disablePeeringRoute is ignored in profile %s",
				   t->name, b->e->profile->name);
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
	if (t == b->e->route_table && b->e->profile->gateway_udr_is_vpn_only)
		note_gateway_routes(b, t);
	return check_conflicts(b, t);
}

int nsg_build_routes(struct nsg_build *b)
{
	const struct nsg_policy *p = b->policy;
	const struct nsg_route_table *table = b->e->route_table;
	bool is_document = false;
	int r;

	for (size_t i = 0; i < p->n_route_tables; i++) {
		r = check_table(b, &p->route_tables[i]);
		if (r < 0)
			return r;
		is_document |= &p->route_tables[i] == table;
	}
	if (is_document)
		nsg_user_rows_compare(b);
	else if (table)
		return check_table(b, table);
	return 0;
}
