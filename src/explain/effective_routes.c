/* SPDX-License-Identifier: GPL-2.0-or-later */
/* az network nic show-effective-route-table. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "explain/explain.h"
#include "explain/words_priv.h"
#include "util/cleanup.h"
#include "util/json_object.h"
#include "util/macro.h"

/* Whether two rows are one entry of Azure's list: the prefixes of one tag's route or endpoint. */
static bool same_entry(const struct nsg_row *a, const struct nsg_row *b)
{
	return a->tag && b->tag && strcmp(a->tag, b->tag) == 0 && a->source == b->source &&
	       a->hop_type == b->hop_type && a->state == b->state && a->route == b->route;
}

static json_t *route_entry(const struct nsg_effective *e, const struct nsg_row *rows, size_t n)
{
	bool user_tag = rows[0].source == NSG_SOURCE_USER && rows[0].tag;
	cleanup_json json_t *prefixes = json_array();

	for (size_t i = 0; i < n; i++)
		if (json_array_append_new(prefixes, nsg_prefix_json(rows[i].prefix)) < 0)
			return NULL;
	return NSG_JSON_OBJECT(
	    PAIR_J("addressPrefix", TAKE_PTR(prefixes)),
	    PAIR_J("destinationServiceTags",
		   user_tag ? json_pack("[s]", rows[0].tag) : json_array()),
	    PAIR_B("disableBgpRoutePropagation", e->route_table && e->route_table->disable_bgp),
	    PAIR_B("hasBgpOverride", false), PAIR_S("name", rows[0].name),
	    PAIR_J("nextHopIpAddress", nsg_addresses_json(rows[0].hops_host, rows[0].n_hops)),
	    PAIR_S("nextHopType", nsg_hop_type_name(rows[0].hop_type)),
	    PAIR_S("source", nsg_route_source_name(rows[0].source)),
	    PAIR_S("state", rows[0].state == NSG_ROW_ACTIVE ? "Active" : "Invalid"),
	    PAIR_J("tagMap", json_object()));
}

static bool is_listed(const struct nsg_row *r)
{
	return r->state == NSG_ROW_ACTIVE || r->state == NSG_ROW_INVALID;
}

/* Azure's order: 37 of 37 tables recorded in 2026 */
static const enum nsg_hop_type order[] = {
    NSG_HOP_VNET_LOCAL,
    NSG_HOP_VNET_PEERING,
    NSG_HOP_GATEWAY,
    NSG_HOP_INTERNET,
    NSG_HOP_NONE,
    NSG_HOP_SERVICE_ENDPOINT,
    NSG_HOP_APPLIANCE,
    NSG_HOP_INTERFACE_ENDPOINT,
    NSG_HOP_VNET_GLOBAL_PEERING,
};

/* The next entries of one type, user rows or the others. Whether there are more. */
static int add_rows(struct nsg_route_cursor *c, size_t *left, json_t *entries)
{
	const struct nsg_effective *e = c->e;
	const bool user = c->part == NSG_ROUTES_USER;

	for (size_t n; c->at < e->n_rows && *left; c->at += n) {
		const struct nsg_row *row = &e->rows[c->at];

		n = 1;
		if (row->hop_type != order[c->type] || !is_listed(row) ||
		    (row->source == NSG_SOURCE_USER) != user)
			continue;
		while (c->at + n < e->n_rows && same_entry(row, row + n))
			n++;
		if (json_array_append_new(entries, route_entry(e, row, n)) < 0)
			return -ENOMEM;
		*left -= n < *left ? n : *left;
	}
	return c->at < e->n_rows;
}

static int add_live(struct nsg_route_cursor *c, size_t *left, json_t *entries)
{
	const struct nsg_effective *e = c->e;
	int r;

	if (!e->live || order[c->type] != NSG_HOP_GATEWAY)
		return 0;
	if (!c->live_states) {
		r = nsg_effective_live_states(e, &c->live_states);
		if (r < 0)
			return r;
	}
	for (; c->at < e->live->n && *left; c->at++) {
		struct nsg_row row;

		if (!nsg_effective_live_row(e, c->at, &row))
			continue;
		row.state = c->live_states[c->at];
		if (!is_listed(&row))
			continue;
		if (json_array_append_new(entries, route_entry(e, &row, 1)) < 0)
			return -ENOMEM;
		--*left;
	}
	return c->at < e->live->n;
}

int nsg_explain_routes_next(struct nsg_route_cursor *c, size_t most, json_t **ret)
{
	cleanup_json json_t *entries = json_array();
	json_t *page;

	while (!nsg_explain_routes_ended(c) && most) {
		int r = c->part == NSG_ROUTES_LIVE ? add_live(c, &most, entries)
						   : add_rows(c, &most, entries);

		if (r < 0)
			return r;
		if (r > 0)
			break;
		c->at = 0;
		if (++c->part == NSG_ROUTES_PARTS) {
			c->part = 0;
			c->type++;
		}
	}
	page = NSG_JSON_OBJECT(PAIR_N("nextLink"), PAIR_J("value", TAKE_PTR(entries)));
	if (!page)
		return -ENOMEM;
	*ret = page;
	return 0;
}

bool nsg_explain_routes_ended(const struct nsg_route_cursor *c)
{
	return c->type == NSG_ARRAY_SIZE(order);
}

void nsg_route_cursor_done(struct nsg_route_cursor *c)
{
	free(c->live_states);
	c->live_states = NULL;
}
