/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Row selection. Each step excludes rows by what the whole covering set contains, so one pass
 * collects the facts and a second one compares the rows that no fact excludes.
 */
#include "model/select.h"

#include <stdbool.h>

/* What the covering set contains. */
struct facts {
	bool system;			/* a VNet, peering or service endpoint row */
	const struct nsg_row *endpoint; /* the best service endpoint row */
	const struct nsg_row *user;	/* the best UDR */
	int private_threshold; /* UDRs shorter than this give way to a private endpoint; -1: none */
};

static bool is_system(const struct nsg_row *r)
{
	if (r->source != NSG_SOURCE_DEFAULT)
		return false;
	return r->hop_type == NSG_HOP_VNET_LOCAL || r->hop_type == NSG_HOP_VNET_PEERING ||
	       r->hop_type == NSG_HOP_VNET_GLOBAL_PEERING ||
	       r->hop_type == NSG_HOP_SERVICE_ENDPOINT;
}

static bool is_endpoint(const struct nsg_row *r)
{
	return r->source == NSG_SOURCE_DEFAULT && r->hop_type == NSG_HOP_SERVICE_ENDPOINT;
}

static bool is_private(const struct nsg_row *r)
{
	return r->source == NSG_SOURCE_DEFAULT && r->hop_type == NSG_HOP_INTERFACE_ENDPOINT;
}

bool nsg_row_goes_before(const struct nsg_row *a, const struct nsg_row *b)
{
	if (!b)
		return true;
	if (a->prefix.len != b->prefix.len)
		return a->prefix.len > b->prefix.len;
	if (a->source != b->source)
		return a->source > b->source;
	return a->rank < b->rank;
}

static void gather(const struct nsg_row *const *covering, size_t n, struct facts *f)
{
	*f = (struct facts){.private_threshold = -1};
	for (size_t i = 0; i < n; i++) {
		const struct nsg_row *r = covering[i];

		if (r->state == NSG_ROW_GONE)
			continue;
		f->system |= is_system(r);
		if (is_endpoint(r) && nsg_row_goes_before(r, f->endpoint))
			f->endpoint = r;
		if (r->source == NSG_SOURCE_USER && nsg_row_goes_before(r, f->user))
			f->user = r;
		if (is_private(r) && r->beats_udr_shorter_than > f->private_threshold)
			f->private_threshold = r->beats_udr_shorter_than;
	}
}

/*
 * Step b between the endpoint and all UDRs. With `lab` the longest of each is compared; the best
 * UDR stands for all of its length, so that the result does not depend on the order of the
 * comparisons.
 */
static bool endpoint_strikes_users(const struct nsg_effective *e, const struct facts *f)
{
	if (!f->endpoint || !f->user)
		return false;
	if (!e->endpoint_lab || f->endpoint->prefix.len > f->user->prefix.len)
		return true;
	return f->endpoint->prefix.len == f->user->prefix.len &&
	       f->user->hop_type == NSG_HOP_INTERNET;
}

const struct nsg_row *nsg_rows_judge(const struct nsg_effective *e, enum nsg_gate gate,
				     const struct nsg_row *const *covering, size_t n,
				     enum nsg_row_fate *ret_fates)
{
	const struct nsg_row *best = NULL;
	bool endpoint_only, no_users, private_wins = false, private_loses = false;
	struct facts f;

	gather(covering, n, &f);
	endpoint_only =
	    f.endpoint && gate == NSG_GATE_SERVICE_ENDPOINT && !e->profile->endpoint_traffic_routes;
	no_users = endpoint_strikes_users(e, &f);
	if (f.private_threshold >= 0 && f.user && !no_users) {
		private_loses = f.user->prefix.len >= f.private_threshold;
		private_wins = !private_loses;
	}

	for (size_t i = 0; i < n; i++) {
		const struct nsg_row *r = covering[i];
		enum nsg_row_fate fate = NSG_FATE_SELECTED;

		if (r->state == NSG_ROW_GONE)
			fate = NSG_FATE_GONE;
		else if (endpoint_only)
			fate = r == f.endpoint	? NSG_FATE_SELECTED
			       : is_endpoint(r) ? NSG_FATE_SHORTER
						: NSG_FATE_ENDPOINT_FIRST;
		else if (r->source == NSG_SOURCE_GATEWAY && f.system)
			fate = NSG_FATE_SYSTEM_FIRST;
		else if (r->source == NSG_SOURCE_USER && no_users)
			fate = NSG_FATE_ENDPOINT_FIRST;
		else if (r->source == NSG_SOURCE_USER && private_wins)
			fate = NSG_FATE_PRIVATE_FIRST;
		else if (is_private(r) && private_loses)
			fate = NSG_FATE_PRIVATE_LOST;
		if (ret_fates)
			ret_fates[i] = fate;
		if (fate == NSG_FATE_SELECTED && nsg_row_goes_before(r, best))
			best = r;
	}
	for (size_t i = 0; ret_fates && i < n; i++)
		if (ret_fates[i] == NSG_FATE_SELECTED && covering[i] != best)
			ret_fates[i] = covering[i]->prefix.len < best->prefix.len ? NSG_FATE_SHORTER
										  : NSG_FATE_TIE;
	return best;
}

const struct nsg_row *nsg_rows_select(const struct nsg_effective *e, enum nsg_gate gate,
				      const struct nsg_row *const *covering, size_t n)
{
	return nsg_rows_judge(e, gate, covering, n, NULL);
}

const char *nsg_row_fate_text(enum nsg_row_fate f)
{
	static const char *const texts[NSG_FATE_MAX] = {
	    [NSG_FATE_SELECTED] = "selected",
	    [NSG_FATE_GONE] = "removed: another route replaces it",
	    [NSG_FATE_SYSTEM_FIRST] =
		"a virtual network, peering or service endpoint route takes precedence over BGP",
	    [NSG_FATE_ENDPOINT_FIRST] = "a service endpoint takes precedence",
	    [NSG_FATE_PRIVATE_FIRST] = "a private endpoint takes precedence over this user route",
	    [NSG_FATE_PRIVATE_LOST] = "a user route takes precedence over the private endpoint",
	    [NSG_FATE_SHORTER] = "a longer prefix is preferred",
	    [NSG_FATE_TIE] = "a route with an equally long prefix is preferred",
	};

	return f < NSG_FATE_MAX ? texts[f] : "";
}
