/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One resource of what stands in several places: first the same id twice, then what belongs to a
 * site, then children to their parents (children.c), last what Azure bounds.
 */
#include <stdlib.h>
#include <string.h>

#include "azure/index_priv.h"
#include "azure/join_priv.h"
#include "util/limits.h"

/* ---- one id twice --------------------------------------------------------------------------- */

/* A kind of resource: its vector's elements, where id, name and place stand in one. */
struct shelf {
	enum nsg_resource what;
	const char *word;
	char *v;
	size_t *n;
	size_t size, id, place;
};

static const char *id_of(const struct shelf *shelf, size_t i)
{
	return *(const char **)(void *)(shelf->v + i * shelf->size + shelf->id);
}

static const struct nsg_place *place_of(const struct shelf *shelf, size_t i)
{
	return (const struct nsg_place *)(const void *)(shelf->v + i * shelf->size + shelf->place);
}

void nsg_say_twice(struct nsg_sink *s, const char *word, const char *name,
		   const struct nsg_place *second, const struct nsg_place *first)
{
	uint32_t line, column;

	nsg_place_locate(*first, &line, &column);
	(void)nsg_diag_add(s->diag, NSG_ERROR, second, NULL,
			   "%s '" NSG_QUOTE "' stands at %s:%u:%u too, with other content", word,
			   name, first->source ? first->source->path : "", line, column);
}

/* What only says where an NSG or route table is used may be missing in one of the two. */
static void take_subnets(struct nsg_strings *to, const struct nsg_strings *from)
{
	if (!to->n)
		*to = *from;
}

static void unite(const struct shelf *shelf, size_t kept, size_t dropped)
{
	void *a = shelf->v + kept * shelf->size, *b = shelf->v + dropped * shelf->size;

	if (shelf->what == NSG_RESOURCE_NSG)
		take_subnets(&((struct nsg_nsg *)a)->subnets, &((struct nsg_nsg *)b)->subnets);
	if (shelf->what == NSG_RESOURCE_ROUTE_TABLE)
		take_subnets(&((struct nsg_route_table *)a)->subnets,
			     &((struct nsg_route_table *)b)->subnets);
}

/* The first stays; one that differs is an error and goes too, so that it shows once. */
static void drop_twins(struct nsg_sink *s, const struct shelf *shelf)
{
	struct nsg_index index;
	size_t n = *shelf->n, kept = 0;
	bool *drop = calloc(n ? n : 1, sizeof(*drop));

	if (nsg_index_new(&index, shelf->v, n, shelf->size, shelf->id) < 0 || !drop)
		s->no_memory = true;
	for (size_t i = 0; i < n && !s->no_memory; i++) {
		size_t first = nsg_index_find(&index, id_of(shelf, i));

		if (first >= i)
			continue;
		drop[i] = true;
		if (nsg_same(s, shelf->what, shelf->v + first * shelf->size,
			     shelf->v + i * shelf->size))
			unite(shelf, first, i);
		else
			nsg_say_twice(s, shelf->word, nsg_id_name(id_of(shelf, i)),
				      place_of(shelf, i), place_of(shelf, first));
	}
	nsg_index_done(&index);
	for (size_t i = 0; i < n && !s->no_memory; i++) {
		if (drop[i])
			continue;
		if (kept != i)
			memcpy(shelf->v + kept * shelf->size, shelf->v + i * shelf->size,
			       shelf->size);
		kept++;
	}
	if (!s->no_memory)
		*shelf->n = kept;
	free(drop);
}

/* Integrations without an id are one when they say the same. There are two an app at most. */
static void drop_equal_integrations(struct nsg_reader *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->integrations.n; i++) {
		bool known = false;

		for (size_t j = 0; j < kept && !known; j++)
			known = nsg_same(&r->sink, NSG_RESOURCE_INTEGRATION, &r->integrations.v[j],
					 &r->integrations.v[i]);
		if (!known)
			r->integrations.v[kept++] = r->integrations.v[i];
	}
	r->integrations.n = kept;
}

#define SHELF(what, word, vec, type, id, place)                                                    \
	{                                                                                          \
		what, word, (char *)(vec).v, &(vec).n, sizeof(type), offsetof(type, id),           \
		    offsetof(type, place)                                                          \
	}

/* Whether there are more than are read. */
static bool too_many(struct nsg_reader *r, const struct shelf *shelf)
{
	if (*shelf->n <= NSG_MAX_RESOURCES)
		return false;
	(void)nsg_diag_add(r->sink.diag, NSG_ERROR, &r->policy->place, NULL,
			   "%zu times %s: at most %u are read", *shelf->n, shelf->word,
			   NSG_MAX_RESOURCES);
	*shelf->n = 0;
	return true;
}

static void drop_all_twins(struct nsg_reader *r)
{
	struct shelf shelves[] = {
	    SHELF(NSG_RESOURCE_VNET, "virtual network", r->vnets, struct nsg_vnet, id, place),
	    SHELF(NSG_RESOURCE_NSG, "NSG", r->nsgs, struct nsg_nsg, id, place),
	    SHELF(NSG_RESOURCE_ROUTE_TABLE, "route table", r->route_tables, struct nsg_route_table,
		  id, place),
	    SHELF(NSG_RESOURCE_SITE, "site", r->sites, struct nsg_site, id, place),
	    SHELF(NSG_RESOURCE_INTEGRATION, "integration", r->integrations,
		  struct nsg_loose_integration, id, integration.place),
	    SHELF(NSG_RESOURCE_PLAN, "plan", r->plans, struct nsg_plan, id, place),
	    SHELF(NSG_RESOURCE_PRIVATE_ENDPOINT, "private endpoint", r->private_endpoints,
		  struct nsg_private_endpoint, id, place),
	    SHELF(NSG_RESOURCE_NIC, "network interface", r->nics, struct nsg_nic, id, place),
	    SHELF(NSG_RESOURCE_ASG, "application security group", r->asgs, struct nsg_asg, id,
		  place),
	};

	for (size_t i = 0; i < sizeof(shelves) / sizeof(shelves[0]); i++) {
		if (!too_many(r, &shelves[i]))
			drop_twins(&r->sink, &shelves[i]);
	}
	if (r->integrations.n <= NSG_MAX_INTEGRATIONS)
		drop_equal_integrations(r);
	else
		(void)nsg_diag_add(r->sink.diag, NSG_ERROR, &r->integrations.v[0].integration.place,
				   NULL, "%zu integrations: at most %u are read", r->integrations.n,
				   NSG_MAX_INTEGRATIONS);
}

/* ---- what belongs to a site ----------------------------------------------------------------- */

static enum nsg_tristate either(enum nsg_tristate a, enum nsg_tristate b)
{
	if (a == NSG_TRUE || b == NSG_TRUE)
		return NSG_TRUE;
	return a == NSG_UNSET ? b : a;
}

static void take_switches(struct nsg_site *site, const struct nsg_site *config)
{
	if (config->route_all == NSG_TRUE && site->route_all != NSG_TRUE)
		site->route_all_place = config->route_all_place;
	site->route_all = either(site->route_all, config->route_all);
	site->all_traffic = either(site->all_traffic, config->all_traffic);
	site->application_traffic = either(site->application_traffic, config->application_traffic);
}

/* sites/config speaks for its site, and where that has no document for one of which no more is
 * known. Settings whose site has none count for every site. */
static void join_site_configs(struct nsg_reader *r)
{
	struct nsg_index index;
	size_t n_orphans = 0;

	if (nsg_index_new(&index, r->sites.v, r->sites.n, sizeof(*r->sites.v),
			  offsetof(struct nsg_site, id)) < 0)
		r->sink.no_memory = true;
	for (size_t i = 0; i < r->site_configs.n && !r->sink.no_memory; i++) {
		size_t at = nsg_index_find(&index, r->site_configs.v[i].id);

		if (at < index.n)
			take_switches(&r->sites.v[at], &r->site_configs.v[i]);
		else
			r->site_configs.v[n_orphans++] = r->site_configs.v[i];
	}
	for (size_t i = 0; i < r->route_all_settings.n && !r->sink.no_memory; i++) {
		struct nsg_route_all_setting *setting = &r->route_all_settings.v[i];

		if (nsg_index_find(&index, setting->site_id) >= index.n)
			setting->site_id = "";
	}
	nsg_index_done(&index);
	for (size_t i = 0; i < n_orphans; i++)
		nsg_sink_push(&r->sink, &r->sites, r->site_configs.v[i]);
}

/* ---- bounds --------------------------------------------------------------------------------- */

static void check_nsg(struct nsg_sink *s, const struct nsg_nsg *nsg)
{
	size_t n_default = 0;

	for (size_t i = 0; i < nsg->n_rules; i++)
		n_default += nsg->rules[i].is_default;
	if (nsg->n_rules - n_default > NSG_MAX_RULES || nsg->n_inbound > NSG_MAX_RULES)
		(void)nsg_diag_add(s->diag, NSG_ERROR, &nsg->place, NULL,
				   "NSG '" NSG_QUOTE
				   "' has more than the %u rules a direction that "
				   "Azure allows",
				   nsg->name, NSG_MAX_RULES);
	if (n_default > NSG_MAX_DEFAULT_RULES)
		(void)nsg_diag_add(s->diag, NSG_ERROR, &nsg->place, NULL,
				   "NSG '" NSG_QUOTE "' has more than %u outbound default rules",
				   nsg->name, NSG_MAX_DEFAULT_RULES);
}

static int by_prefix(const void *a, const void *b)
{
	const struct nsg_bgp_route *x = a, *y = b;

	return nsg_prefix_compare(&x->prefix, &y->prefix);
}

static void check_bgp(struct nsg_reader *r)
{
	size_t n = r->bgp_routes.n, different = 0;
	struct nsg_bgp_route *copy;

	if (n <= NSG_MAX_BGP_ROUTES)
		return;
	copy = nsg_sink_array(&r->sink, n, sizeof(*copy));
	if (!copy)
		return;
	memcpy(copy, r->bgp_routes.v, n * sizeof(*copy));
	qsort(copy, n, sizeof(*copy), by_prefix);
	for (size_t i = 0; i < n; i++)
		different += !i || by_prefix(&copy[i - 1], &copy[i]);
	if (different > NSG_MAX_BGP_ROUTES)
		(void)nsg_diag_add(r->sink.diag, NSG_ERROR, &r->bgp_routes.v[0].place, NULL,
				   "%zu gateway routes: at most %u are read", different,
				   NSG_MAX_BGP_ROUTES);
}

void nsg_reader_join(struct nsg_reader *r)
{
	drop_all_twins(r);
	join_site_configs(r);
	nsg_reader_join_children(r);
	for (size_t i = 0; i < r->nsgs.n; i++)
		check_nsg(&r->sink, &r->nsgs.v[i]);
	for (size_t i = 0; i < r->route_tables.n; i++) {
		const struct nsg_route_table *table = &r->route_tables.v[i];

		if (table->n_routes > NSG_MAX_UDRS)
			(void)nsg_diag_add(r->sink.diag, NSG_ERROR, &table->place, NULL,
					   "route table '" NSG_QUOTE
					   "' has %zu routes; Azure allows %u",
					   table->name, table->n_routes, NSG_MAX_UDRS);
	}
	check_bgp(r);
}
