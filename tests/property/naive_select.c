/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Selection among the rows, steps a to d. */
#include "naive_priv.h"

#include <string.h>
#include <strings.h>

#include "util/macro.h"

static int tag_kind(const struct row *r)
{
	if (!r->tag)
		return 0;
	if (!strcasecmp(r->tag, "AzureCloud"))
		return 4;
	if (!strncasecmp(r->tag, "AzureCloud.", strlen("AzureCloud.")))
		return 3;
	return strchr(r->tag, '.') ? 1 : 2;
}

/* The better of two rows of one length; the first one stood earlier. */
static const struct row *better(const struct naive *n, const struct row *x, const struct row *y)
{
	if (x->source != y->source) {
		const struct row *udr = x->source == NSG_SOURCE_USER ? x : y;
		const struct row *other = udr == x ? y : x;

		/* lab: on equal length the UDR wins unless its next hop is Internet */
		if (udr->source == NSG_SOURCE_USER && n->options->endpoint_lab &&
		    other->type == NSG_HOP_SERVICE_ENDPOINT && udr->type == NSG_HOP_INTERNET)
			return other;
		if (n->bug == BUG_SHORTEST_PREFIX_ON_TIE)
			return x->source < y->source ? x : y;
		return x->source > y->source ? x : y;
	}
	if (x->source == NSG_SOURCE_USER)
		return tag_kind(y) < tag_kind(x) ||
			       (n->bug == BUG_LATER_IN_TABLE && tag_kind(y) == tag_kind(x))
			   ? y
			   : x;
	if (x->source == NSG_SOURCE_DEFAULT)
		return y->type < x->type ? y : x;
	return x;
}

static void count_tie(const struct row *win, const struct row *lose, uint64_t *events)
{
	if (win->source != lose->source) {
		if (win->source == NSG_SOURCE_USER)
			events[lose->source == NSG_SOURCE_GATEWAY ? EVENT_TIE_USER_GATEWAY
								  : EVENT_TIE_USER_DEFAULT]++;
		else if (win->source == NSG_SOURCE_GATEWAY)
			events[EVENT_TIE_GATEWAY_DEFAULT]++;
		else
			events[EVENT_LAB_INTERNET_LOSES]++;
		if (win->source == NSG_SOURCE_USER && lose->type == NSG_HOP_SERVICE_ENDPOINT)
			events[EVENT_LAB_UDR_OVER_ENDPOINT]++;
	} else if (win->source == NSG_SOURCE_USER && tag_kind(win) != tag_kind(lose)) {
		if (!tag_kind(win))
			events[EVENT_TIE_EXPLICIT_TAG]++;
		else if (tag_kind(win) == 1 && tag_kind(lose) == 2)
			events[EVENT_TIE_REGIONAL_TOP]++;
		else if (tag_kind(win) == 3)
			events[EVENT_TIE_AZURECLOUD_REGION]++;
		else if (tag_kind(lose) >= 3)
			events[EVENT_TIE_TOP_AZURECLOUD]++;
	} else if (win->source == NSG_SOURCE_USER) {
		events[EVENT_TIE_TABLE_ORDER]++;
	} else if (lose->type == NSG_HOP_SERVICE_ENDPOINT && win->type != lose->type) {
		events[EVENT_TIE_NETWORK_ENDPOINT]++;
	} else if (win->type == NSG_HOP_VNET_LOCAL && lose->peer) {
		events[EVENT_TIE_VNET_PEERING]++;
	} else if (lose->type == NSG_HOP_NONE) {
		events[EVENT_TIE_PEERING_NONE]++;
	}
}

/* The longer of two, or the better of two of one length. */
static const struct row *contest(const struct naive *n, const struct row *best, const struct row *r,
				 uint64_t *events)
{
	const struct row *win;

	if (!best || !r)
		return best ? best : r;
	if (r->prefix.len != best->prefix.len)
		return r->prefix.len > best->prefix.len ? r : best;
	win = better(n, best, r);
	if (events)
		count_tie(win, win == r ? best : r, events);
	return win;
}

bool naive_is_struck(const struct row *r, struct strikes s)
{
	return r->gone || (s.bgp && r->source == NSG_SOURCE_GATEWAY) ||
	       (s.udr && r->source == NSG_SOURCE_USER) ||
	       (s.private_endpoint && r->type == NSG_HOP_INTERFACE_ENDPOINT) ||
	       (s.all_but_endpoints && r->type != NSG_HOP_SERVICE_ENDPOINT);
}

/* The table's best UDR speaks for all of them against the others. */
struct best {
	const struct row *udr, *other;
};

static void weigh(const struct naive *n, struct best *b, const struct row *r, uint64_t *events)
{
	if (r->source == NSG_SOURCE_USER)
		b->udr = contest(n, b->udr, r, events);
	else
		b->other = contest(n, b->other, r, events);
}

static const struct row *longest(const struct naive *n, uint32_t dst, struct strikes s,
				 uint64_t *events)
{
	struct best b = {0};

	for (size_t i = 0; i < n->rows.n; i++)
		if (nsg_prefix_contains(n->rows.v[i].prefix, dst) &&
		    !naive_is_struck(&n->rows.v[i], s))
			weigh(n, &b, &n->rows.v[i], events);
	return contest(n, b.other, b.udr, events);
}

const struct row *naive_best_of(const struct naive *n, struct nsg_prefix prefix, struct strikes s)
{
	struct best b = {0};

	for (size_t i = 0; i < n->rows.n; i++)
		if (nsg_prefix_equal(n->rows.v[i].prefix, prefix) &&
		    !naive_is_struck(&n->rows.v[i], s))
			weigh(n, &b, &n->rows.v[i], NULL);
	return contest(n, b.other, b.udr, NULL);
}

/* Step c; longest_udr is -1 without one. */
static bool udr_beats(const struct naive *n, const struct row *endpoint, int longest_udr)
{
	const bool exact = longest_udr == 32;

	if (exact && (!n->current || n->bug != BUG_POLICIES_FOR_EXACT_UDR))
		return true;
	return n->current && endpoint->policies_on && longest_udr >= (int)endpoint->vnet_len;
}

/* A default None row decided; udr is that of 0.0.0.0/0. */
static void count_none(const struct row *win, const struct row *udr, uint64_t *events)
{
	events[EVENT_NONE_ROW_KEPT]++;
	events[EVENT_NONE_OF_CURRENT] += win->of_current;
	if (udr)
		events[udr->type == NSG_HOP_NONE ? EVENT_NONE_KEPT_UNDER_NONE
						 : EVENT_NONE_KEPT_UNDER_INTERNET]++;
}

static void count_winner(const struct row *win, uint64_t *events)
{
	static const enum naive_event lists[] = {
	    EVENT_GATEWAY_VPN,	   EVENT_GATEWAY_IBGP,	    EVENT_GATEWAY_SERVER,
	    EVENT_GATEWAY_NETWORK, EVENT_GATEWAY_EFFECTIVE, EVENT_GATEWAY_STATIC,
	};

	events[EVENT_NONE_UDR] += win->type == NSG_HOP_NONE && win->source == NSG_SOURCE_USER;
	events[EVENT_ECMP] += win->n_hops > 1;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(lists); i++)
		events[lists[i]] += win->made_of >> i & 1;
	events[EVENT_MESH] += win->peer && win->peer->is_mesh;
	if (win->peer && win->peer->is_subnet_peering)
		events[win->peer->is_named ? EVENT_SUBNET_PEERING : EVENT_LOCAL_SUBNET_NOT_NAMED]++;
	events[EVENT_GATEWAY_SEVERAL_HOPS] += win->made_of && win->n_hops > 1;
}

/* A row that is not there would have been at least as long. */
static void count_unused(const struct naive *n, uint32_t dst, const struct row *win,
			 uint64_t *events)
{
	for (size_t i = 0; i < n->unused.n; i++) {
		const struct naive_unused *u = &n->unused.v[i];

		if (nsg_prefix_contains(u->prefix, dst) && u->prefix.len >= win->prefix.len)
			events[u->because]++;
	}
}

/* What covers a destination, as far as steps a to c ask. */
struct covering {
	const struct row *udr, *endpoint, *private_endpoint, *gone;
	bool system; /* a VNet, peering or service endpoint row */
	int longest_udr;
};

static bool is_system(const struct row *r)
{
	return r->source == NSG_SOURCE_DEFAULT &&
	       (r->type == NSG_HOP_VNET_LOCAL || r->type == NSG_HOP_VNET_PEERING ||
		r->type == NSG_HOP_VNET_GLOBAL_PEERING || r->type == NSG_HOP_SERVICE_ENDPOINT);
}

static struct covering cover(const struct naive *n, uint32_t dst)
{
	struct covering c = {.longest_udr = -1};

	for (size_t i = 0; i < n->rows.n; i++) {
		const struct row *r = &n->rows.v[i];

		if (!nsg_prefix_contains(r->prefix, dst))
			continue;
		if (r->gone) {
			c.gone = r;
			continue;
		}
		c.system |= is_system(r);
		if (r->type == NSG_HOP_SERVICE_ENDPOINT)
			c.endpoint = contest(n, c.endpoint, r, NULL);
		if (r->type == NSG_HOP_INTERFACE_ENDPOINT && !c.private_endpoint)
			c.private_endpoint = r;
		if (r->source != NSG_SOURCE_USER)
			continue;
		c.udr = contest(n, c.udr, r, NULL);
		if (r->prefix.len > c.longest_udr)
			c.longest_udr = r->prefix.len;
	}
	return c;
}

static struct strikes strike(const struct naive *n, enum nsg_gate gate, const struct covering *c,
			     uint64_t *events)
{
	struct strikes s = {.bgp = c->system && n->bug != BUG_BGP_BEATS_PEERING};

	if (c->endpoint && gate == NSG_GATE_SERVICE_ENDPOINT && !n->current) {
		events[EVENT_ENDPOINT_ONLY_ROW]++;
		s.all_but_endpoints = true;
		return s;
	}
	if (c->endpoint && !n->options->endpoint_lab && n->bug != BUG_UDR_BEATS_ENDPOINT) {
		s.udr = true;
		events[EVENT_UDR_STRUCK_BY_ENDPOINT] += c->longest_udr >= 0;
	}
	/* lab settles the same contest in the same place: what loses it meets no private endpoint.
	 */
	if (c->endpoint && c->udr && n->options->endpoint_lab &&
	    contest(n, c->endpoint, c->udr, events) == c->endpoint)
		s.udr = true;
	if (c->private_endpoint && !s.udr) {
		s.private_endpoint = udr_beats(n, c->private_endpoint, c->longest_udr);
		s.udr = !s.private_endpoint;
		if (c->longest_udr >= 0)
			events[s.udr ? EVENT_PRIVATE_ENDPOINT_BEATS_UDR
				     : EVENT_UDR_BEATS_PRIVATE_ENDPOINT]++;
		events[EVENT_EXACT_UDR_BEATS_ENDPOINT] +=
		    !s.udr && n->current && !c->private_endpoint->policies_on;
	}
	return s;
}

struct strikes naive_strikes(const struct naive *n, uint32_t dst, enum nsg_gate gate)
{
	const struct covering c = cover(n, dst);
	uint64_t ignored[EVENT_MAX] = {0};

	return strike(n, gate, &c, ignored);
}

static void count_selection(const struct naive *n, uint32_t dst, const struct covering *c,
			    struct strikes s, const struct row *win, uint64_t *events)
{
	if (s.bgp && longest(n, dst, (struct strikes){0}, NULL)->source == NSG_SOURCE_GATEWAY)
		events[EVENT_BGP_STRUCK]++;
	events[EVENT_SYSTEM_ROW_OF_STRUCK_UDR] +=
	    s.udr && c->udr && nsg_prefix_equal(c->udr->prefix, win->prefix) &&
	    win->type != NSG_HOP_SERVICE_ENDPOINT && win->type != NSG_HOP_INTERFACE_ENDPOINT;
	if (win->type == NSG_HOP_NONE && win->source == NSG_SOURCE_DEFAULT)
		count_none(win, c->longest_udr ? NULL : c->udr, events);
	if (c->gone && (c->gone->prefix.len > win->prefix.len ||
			nsg_prefix_equal(c->gone->prefix, win->prefix)))
		events[c->gone->gone_by]++;
	count_winner(win, events);
	count_unused(n, dst, win, events);
}

const struct row *naive_select_row(const struct naive *n, const struct nsg_key *key,
				   enum nsg_gate gate, uint64_t *events)
{
	const struct covering c = cover(n, key->dst_host);
	const struct strikes s = strike(n, gate, &c, events);
	const struct row *win = longest(n, key->dst_host, s, events);

	if (!s.all_but_endpoints)
		count_selection(n, key->dst_host, &c, s, win, events);
	return win;
}
