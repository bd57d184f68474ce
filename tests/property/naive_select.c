/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Selection among the rows (semantics.md section 3, a to d). */
#include "naive_priv.h"

#include <string.h>
#include <strings.h>

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
	} else if (lose->type == NSG_HOP_NONE) {
		events[EVENT_TIE_PEERING_NONE]++;
	}
}

/* Whether the covering rows strike the row: steps a, b and c. */
struct strikes {
	bool bgp, udr, private_endpoint;
};

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

/* The table's best UDR speaks for all of them against the others. */
static const struct row *longest(const struct naive *n, uint32_t dst, struct strikes s,
				 bool endpoints_only, uint64_t *events)
{
	const struct row *udr = NULL, *other = NULL;

	for (size_t i = 0; i < n->rows.n; i++) {
		const struct row *r = &n->rows.v[i];

		if (r->gone || !nsg_prefix_contains(r->prefix, dst) ||
		    (s.bgp && r->source == NSG_SOURCE_GATEWAY) ||
		    (s.udr && r->source == NSG_SOURCE_USER) ||
		    (s.private_endpoint && r->type == NSG_HOP_INTERFACE_ENDPOINT) ||
		    (endpoints_only && r->type != NSG_HOP_SERVICE_ENDPOINT))
			continue;
		if (r->source == NSG_SOURCE_USER)
			udr = contest(n, udr, r, events);
		else
			other = contest(n, other, r, events);
	}
	return contest(n, other, udr, events);
}

const struct row *naive_select_row(const struct naive *n, const struct nsg_key *key,
				   enum nsg_gate gate, uint64_t *events)
{
	const struct row *private_endpoint = NULL, *none = NULL, *win;
	struct strikes s = {0};
	const struct row *udr = NULL, *endpoint = NULL;
	bool system = false;
	int longest_udr = -1;

	for (size_t i = 0; i < n->rows.n; i++) {
		const struct row *r = &n->rows.v[i];

		if (!nsg_prefix_contains(r->prefix, key->dst_host))
			continue;
		if (r->gone) {
			none = r;
			continue;
		}
		if (r->source == NSG_SOURCE_DEFAULT &&
		    (r->type == NSG_HOP_VNET_LOCAL || r->type == NSG_HOP_VNET_PEERING ||
		     r->type == NSG_HOP_VNET_GLOBAL_PEERING || r->type == NSG_HOP_SERVICE_ENDPOINT))
			system = true;
		if (r->type == NSG_HOP_SERVICE_ENDPOINT)
			endpoint = contest(n, endpoint, r, NULL);
		if (r->source == NSG_SOURCE_USER)
			udr = contest(n, udr, r, NULL);
		if (r->type == NSG_HOP_INTERFACE_ENDPOINT && !private_endpoint)
			private_endpoint = r;
		if (r->source == NSG_SOURCE_USER && r->prefix.len > longest_udr)
			longest_udr = r->prefix.len;
	}
	s.bgp = system && n->bug != BUG_BGP_BEATS_PEERING;
	if (endpoint && gate == NSG_GATE_SERVICE_ENDPOINT && !n->current) {
		events[EVENT_ENDPOINT_ONLY_ROW]++;
		return longest(n, key->dst_host, s, true, NULL);
	}
	if (endpoint && !n->options->endpoint_lab && n->bug != BUG_UDR_BEATS_ENDPOINT) {
		s.udr = true;
		events[EVENT_UDR_STRUCK_BY_ENDPOINT] += longest_udr >= 0;
	}
	/* lab settles the same contest in the same place: what loses it meets no private endpoint.
	 */
	if (endpoint && udr && n->options->endpoint_lab &&
	    contest(n, endpoint, udr, events) == endpoint)
		s.udr = true;
	if (private_endpoint && !s.udr) {
		bool udr_wins =
		    longest_udr == 32 || (n->current && private_endpoint->policies_on &&
					  longest_udr >= (int)private_endpoint->vnet_len);

		if (longest_udr >= 0)
			events[udr_wins ? EVENT_UDR_BEATS_PRIVATE_ENDPOINT
					: EVENT_PRIVATE_ENDPOINT_BEATS_UDR]++;
		s.private_endpoint = udr_wins;
		s.udr = !udr_wins;
	}
	win = longest(n, key->dst_host, s, false, events);
	if (s.bgp && longest(n, key->dst_host, (struct strikes){0}, false, NULL)->source ==
			 NSG_SOURCE_GATEWAY)
		events[EVENT_BGP_STRUCK]++;
	if (win->type == NSG_HOP_NONE && win->source == NSG_SOURCE_DEFAULT) {
		events[EVENT_NONE_ROW_KEPT]++;
		events[EVENT_NONE_KEPT_UNDER_INTERNET] += longest_udr == 0;
	}
	events[EVENT_NONE_UDR] += win->type == NSG_HOP_NONE && win->source == NSG_SOURCE_USER;
	if (none && none->prefix.len > win->prefix.len)
		events[none->gone_by]++;
	else if (none && nsg_prefix_equal(none->prefix, win->prefix))
		events[none->gone_by]++;
	if (win->n_hops > 1)
		events[EVENT_ECMP]++;
	return win;
}
