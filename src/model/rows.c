/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The subnet's route table as rows. */
#include "model/effective_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/cleanup.h"
#include "util/macro.h"
#include "util/vec.h"

struct table {
	struct nsg_build *b;
	NSG_VEC(struct nsg_row) rows;
	bool full;
};

static void table_done(struct table *t)
{
	nsg_vec_done(&t->rows);
}

#define cleanup_table __attribute__((cleanup(table_done)))

/* The rank is the number within the row's class; classes of a source do not overlap. */
static int push(struct table *t, struct nsg_row row, uint32_t class)
{
	row.rank = class * NSG_MAX_ROWS + (uint32_t)t->rows.n;
	if (t->rows.n < NSG_MAX_ROWS)
		return nsg_vec_push(&t->rows, row);
	if (!t->full)
		(void)nsg_diag_add(t->b->diag, NSG_ERROR, &t->b->policy->place, NULL,
				   "the routes have more than %u prefixes", NSG_MAX_ROWS);
	t->full = true;
	return 0;
}

static int push_default(struct table *t, struct nsg_prefix prefix, enum nsg_hop_type type,
			const char *detail)
{
	return push(
	    t,
	    (struct nsg_row){
		.prefix = prefix, .source = NSG_SOURCE_DEFAULT, .hop_type = type, .detail = detail},
	    type);
}

/* ---- default rows ------------------------------------------------------------------------- */

static int add_networks(struct table *t)
{
	const struct nsg_build *b = t->b;
	const struct nsg_vnet *v = b->e->vnet;
	int r;

	for (size_t i = 0; i < v->space.n; i++) {
		r = push_default(t, v->space.v[i], NSG_HOP_VNET_LOCAL, v->name);
		if (r < 0)
			return r;
	}
	if (b->e->route_table && b->e->route_table->disable_peering &&
	    b->e->profile->disable_peering_route)
		return 0;
	for (size_t i = 0; i < b->n_peers; i++) {
		const struct nsg_peer *p = &b->peers[i];
		enum nsg_hop_type type =
		    p->global ? NSG_HOP_VNET_GLOBAL_PEERING : NSG_HOP_VNET_PEERING;

		for (size_t j = 0; j < p->space->n && !p->only_ip6; j++) {
			r = push(t,
				 (struct nsg_row){.prefix = p->space->v[j],
						  .source = NSG_SOURCE_DEFAULT,
						  .hop_type = type,
						  .unreachable = !p->reachable,
						  .detail = p->peering->name},
				 type);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

struct endpoint_prefix {
	struct nsg_prefix prefix;
	const struct nsg_endpoint_tag *tag;
	size_t order;
};

static int compare_endpoint(const void *a, const void *b)
{
	const struct endpoint_prefix *x = a, *y = b;
	int r = nsg_prefix_compare(&x->prefix, &y->prefix);

	if (!r)
		r = strcmp(x->tag->base, y->tag->base);
	return r ? r : NSG_CMP(x->order, y->order);
}

static int compare_endpoint_order(const void *a, const void *b)
{
	const struct endpoint_prefix *x = a, *y = b;

	return NSG_CMP(x->order, y->order);
}

/* A prefix in several tags of a service (Storage, Storage.WestEurope) is one row. */
static int add_service_endpoints(struct table *t)
{
	const struct nsg_build *b = t->b;
	cleanup_free struct endpoint_prefix *v = NULL;
	size_t n = 0, m = 0;
	int r;

	for (size_t i = 0; i < b->n_endpoint_tags; i++)
		n += b->endpoint_tags[i].tag->prefixes.n;
	v = calloc(n + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	n = 0;
	for (size_t i = 0; i < b->n_endpoint_tags; i++) {
		const struct nsg_prefixes *p = &b->endpoint_tags[i].tag->prefixes;

		for (size_t j = 0; j < p->n; j++, n++)
			v[n] = (struct endpoint_prefix){p->v[j], &b->endpoint_tags[i], n};
	}
	qsort(v, n, sizeof(*v), compare_endpoint);
	for (size_t i = 0; i < n; i++)
		if (!m || !nsg_prefix_equal(v[m - 1].prefix, v[i].prefix) ||
		    strcmp(v[m - 1].tag->base, v[i].tag->base))
			v[m++] = v[i];
	qsort(v, m, sizeof(*v), compare_endpoint_order);
	for (size_t i = 0; i < m; i++) {
		r = push(t,
			 (struct nsg_row){.prefix = v[i].prefix,
					  .source = NSG_SOURCE_DEFAULT,
					  .hop_type = NSG_HOP_SERVICE_ENDPOINT,
					  .tag = v[i].tag->tag->name,
					  .detail = v[i].tag->service},
			 NSG_HOP_SERVICE_ENDPOINT);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_gateway(struct table *t)
{
	const struct nsg_build *b = t->b;
	int r;

	for (size_t i = 0; i < b->n_bgp; i++) {
		r = push(t,
			 (struct nsg_row){.prefix = b->bgp[i].prefix,
					  .source = NSG_SOURCE_GATEWAY,
					  .hop_type = NSG_HOP_GATEWAY,
					  .hops_host = b->bgp[i].hops_host,
					  .n_hops = b->bgp[i].n_hops},
			 0);
		if (r < 0)
			return r;
	}
	return 0;
}

/* virtual-networks-udr-overview: the Internet row, and None rows for private space. */
static int add_fixed(struct table *t)
{
	static const struct nsg_prefix everything = {0, 0};
	const struct nsg_profile *profile = t->b->e->profile;
	int r;

	r = push_default(t, everything, NSG_HOP_INTERNET, NULL);
	if (r < 0)
		return r;
	for (size_t i = 0; i < profile->n_none_rows; i++) {
		r = push_default(t, profile->none_rows[i], NSG_HOP_NONE, NULL);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_private_endpoints(struct table *t)
{
	struct nsg_private_row *v;
	size_t n;
	int r;

	r = nsg_private_rows(t->b, &v, &n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		r = push(t,
			 (struct nsg_row){.prefix = {v[i].addr_host, 32},
					  .source = NSG_SOURCE_DEFAULT,
					  .hop_type = NSG_HOP_INTERFACE_ENDPOINT,
					  .beats_udr_shorter_than = v[i].beats_udr_shorter_than,
					  .beats_udr_otherwise = v[i].beats_udr_otherwise,
					  .detail = v[i].endpoint->name},
			 NSG_HOP_INTERFACE_ENDPOINT);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- UDRs --------------------------------------------------------------------------------- */

/* Among equal prefixes: explicit, regional tag, top-level tag, AzureCloud.region, AzureCloud
 * (virtual-networks-udr-overview, 2023). */
static uint32_t class_of(const struct nsg_route *r)
{
	static const char cloud[] = "AzureCloud";

	if (!r->tag)
		return 0;
	if (!strcasecmp(r->tag, cloud))
		return 4;
	if (!strncasecmp(r->tag, cloud, sizeof(cloud) - 1) && r->tag[sizeof(cloud) - 1] == '.')
		return 3;
	return strchr(r->tag, '.') ? 1 : 2;
}

static int add_user(struct table *t)
{
	const struct nsg_effective *e = t->b->e;

	for (size_t i = 0; e->route_table && i < e->route_table->n_routes; i++) {
		const struct nsg_route *route = &e->route_table->routes[i];
		const struct nsg_tag *tag =
		    route->tag ? nsg_effective_tag_find(e, route->tag) : NULL;
		const struct nsg_prefix *v = route->tag ? NULL : &route->prefix;
		size_t n = !route->tag;
		struct nsg_row row = {
		    .source = NSG_SOURCE_USER,
		    .hop_type = route->hop_type,
		    .name = route->name,
		    .tag = tag ? tag->name : NULL,
		    .hops_host = route->hops_host,
		    .n_hops = route->n_hops,
		    .route = route,
		};

		if (tag) {
			v = tag->prefixes.v;
			n = tag->prefixes.n;
		}
		for (size_t j = 0; j < n && !route->is_ip6; j++) {
			int r;

			row.prefix = v[j];
			r = push(t, row, class_of(route));
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* ---- all of it ---------------------------------------------------------------------------- */

int nsg_build_rows(struct nsg_build *b)
{
	cleanup_table struct table t = {.b = b};
	int r;

	/* a full table of learned routes must not be copied as the vector grows */
	r = nsg_vec_reserve(&t.rows, b->n_bgp);
	if (r < 0)
		return r;
	r = add_networks(&t);
	if (r < 0)
		return r;
	r = add_service_endpoints(&t);
	if (r < 0)
		return r;
	r = add_gateway(&t);
	if (r < 0)
		return r;
	r = add_fixed(&t);
	if (r < 0)
		return r;
	r = add_private_endpoints(&t);
	if (r < 0)
		return r;
	r = add_user(&t);
	if (r < 0)
		return r;
	b->e->rows = TAKE_PTR(t.rows.v);
	b->e->n_rows = t.rows.n;
	return nsg_build_row_states(b);
}
