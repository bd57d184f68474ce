/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/naive.h"

#include <string.h>

/* ---- section 1: the gate ---- */

static enum nsg_gate gate_of(const struct nsg_effective *e, const struct nsg_key *k)
{
	bool only_rfc1918 = e->is_linux && e->profile->linux_only_rfc1918;
	uint32_t d = k->dst_host;
	enum nsg_gate gate;

	if (d == 0xa83f8110 || d == 0xa9fea9fe)
		return NSG_GATE_PLATFORM;
	if (d >= 0x7f000000 && d <= 0x7fffffff)
		return NSG_GATE_BYPASS;
	if ((d & 0xff000000) == 0x0a000000 || (d & 0xfff00000) == 0xac100000 ||
	    (d & 0xffff0000) == 0xc0a80000)
		gate = NSG_GATE_RFC1918;
	else if (e->route_all && !only_rfc1918)
		gate = NSG_GATE_ROUTE_ALL;
	else if (!only_rfc1918 && nsg_ranges_contain(&e->endpoints, d))
		gate = NSG_GATE_SERVICE_ENDPOINT;
	else
		return NSG_GATE_BYPASS;
	if (k->protocol != 6 && k->protocol != 17 && k->protocol != 1 && k->protocol != 50 &&
	    k->protocol != 51)
		return NSG_GATE_NOT_CARRIED;
	if ((d & 0xf0000000) == 0xe0000000 || d == 0xffffffff)
		return NSG_GATE_NOT_CARRIED;
	if (k->protocol == 17 && k->sport_host == 65330)
		return NSG_GATE_NOT_CARRIED;
	return gate;
}

/* ---- section 2: rules ---- */

static bool port_matches(const struct nsg_port_range *ports, size_t n, const struct nsg_key *k,
			 uint16_t port)
{
	uint32_t covered = 0;

	for (size_t i = 0; i < n; i++) {
		covered += (uint32_t)ports[i].hi - ports[i].lo + 1;
		if ((k->protocol == 6 || k->protocol == 17) && port >= ports[i].lo &&
		    port <= ports[i].hi)
			return true;
	}
	return k->protocol != 6 && k->protocol != 17 && covered == 65536;
}

static bool dst_matches(const struct nsg_effective_address *a, const struct nsg_key *k,
			bool platform)
{
	if (!platform)
		return a->kind == NSG_MATCH_RANGES && nsg_ranges_contain(a->ranges, k->dst_host);
	if (a->kind == NSG_MATCH_PLATFORM_DNS)
		return k->dst_host == 0xa83f8110 && (k->protocol == 6 || k->protocol == 17) &&
		       k->dport_host == 53;
	return a->kind == NSG_MATCH_PLATFORM_IMDS && k->dst_host == 0xa9fea9fe;
}

static const struct nsg_effective_rule *first_rule(const struct nsg_effective *e,
						   const struct nsg_key *k, bool platform)
{
	for (size_t i = 0; i < e->n_rules; i++) {
		const struct nsg_effective_rule *r = &e->rules[i];

		if ((r->rule->protocol == NSG_PROTOCOL_ANY || r->rule->protocol == k->protocol) &&
		    dst_matches(&r->dst, k, platform) && r->src.kind == NSG_MATCH_RANGES &&
		    nsg_ranges_contain(r->src.ranges, k->src_host) &&
		    port_matches(r->src_ports, r->n_src_ports, k, k->sport_host) &&
		    port_matches(r->dst_ports, r->n_dst_ports, k, k->dport_host))
			return r;
	}
	return NULL;
}

/* ---- section 3: routes ---- */

static bool covers(const struct nsg_row *r, uint32_t dst)
{
	return r->state != NSG_ROW_GONE && nsg_prefix_contains(r->prefix, dst);
}

static bool is_default(const struct nsg_row *r, enum nsg_hop_type t)
{
	return r->source == NSG_SOURCE_DEFAULT && r->hop_type == t;
}

static const struct nsg_row *better(const struct nsg_row *a, const struct nsg_row *b)
{
	static const int by_source[] = {
	    [NSG_SOURCE_USER] = 0, [NSG_SOURCE_GATEWAY] = 1, [NSG_SOURCE_DEFAULT] = 2};

	if (!a || !b)
		return a ? a : b;
	if (a->prefix.len != b->prefix.len)
		return a->prefix.len > b->prefix.len ? a : b;
	if (a->source != b->source)
		return by_source[a->source] < by_source[b->source] ? a : b;
	return a->rank < b->rank ? a : b;
}

static const struct nsg_row *route_of(const struct nsg_effective *e, uint32_t dst,
				      enum nsg_gate gate)
{
	const struct nsg_row *endpoint = NULL, *user = NULL, *best = NULL;
	bool system = false, strike_users = false, strike_private = false;
	int private_beats = -1;

	for (size_t i = 0; i < e->n_rows; i++) {
		const struct nsg_row *r = &e->rows[i];

		if (!covers(r, dst))
			continue;
		if (is_default(r, NSG_HOP_VNET_LOCAL) || is_default(r, NSG_HOP_VNET_PEERING) ||
		    is_default(r, NSG_HOP_VNET_GLOBAL_PEERING) ||
		    is_default(r, NSG_HOP_SERVICE_ENDPOINT))
			system = true;
		if (is_default(r, NSG_HOP_SERVICE_ENDPOINT))
			endpoint = better(endpoint, r);
		if (r->source == NSG_SOURCE_USER)
			user = better(user, r);
		if (is_default(r, NSG_HOP_INTERFACE_ENDPOINT) && r->state == NSG_ROW_ACTIVE &&
		    r->beats_udr_shorter_than > private_beats)
			private_beats = r->beats_udr_shorter_than;
	}
	if (endpoint && gate == NSG_GATE_SERVICE_ENDPOINT && !e->profile->endpoint_traffic_routes)
		return endpoint;
	if (endpoint && user)
		strike_users = !e->endpoint_lab || endpoint->prefix.len > user->prefix.len ||
			       (endpoint->prefix.len == user->prefix.len &&
				user->hop_type == NSG_HOP_INTERNET);
	if (private_beats >= 0 && user && !strike_users) {
		strike_private = user->prefix.len >= private_beats;
		strike_users = !strike_private;
	}
	for (size_t i = 0; i < e->n_rows; i++) {
		const struct nsg_row *r = &e->rows[i];

		if (!covers(r, dst) || r->state != NSG_ROW_ACTIVE)
			continue;
		if (r->source == NSG_SOURCE_GATEWAY && system)
			continue;
		if (r->source == NSG_SOURCE_USER && strike_users)
			continue;
		if (is_default(r, NSG_HOP_INTERFACE_ENDPOINT) && strike_private)
			continue;
		best = better(best, r);
	}
	return best;
}

/* ---- together ---- */

static struct nsg_decision platform_decision(const struct nsg_effective *e, const struct nsg_key *k)
{
	const struct nsg_effective_rule *rule = first_rule(e, k, /* platform = */ true);
	struct nsg_decision d = {
	    .route = NSG_ROUTE_NONE,
	    .rule = rule ? (uint16_t)(rule - e->rules) : NSG_RULE_NONE,
	    .gate = NSG_GATE_PLATFORM,
	    .verdict = NSG_VERDICT_ACCEPT,
	    .reason = NSG_REASON_PLATFORM,
	};

	if (rule && rule->rule->access == NSG_DENY) {
		d.verdict = NSG_VERDICT_DROP;
		d.reason = NSG_REASON_NSG_DENY;
	}
	return d;
}

static struct nsg_decision inside(const struct nsg_effective *e, const struct nsg_key *k,
				  enum nsg_gate gate)
{
	bool looked_at = gate != NSG_GATE_SERVICE_ENDPOINT || e->profile->endpoint_traffic_nsg;
	const struct nsg_row *row = route_of(e, k->dst_host, gate);
	const struct nsg_effective_rule *rule = NULL;
	struct nsg_decision d = {
	    .route = row ? (uint32_t)(row - e->rows) : NSG_ROUTE_NONE,
	    .rule = NSG_RULE_NONE,
	    .gate = (uint8_t)gate,
	    .verdict = NSG_VERDICT_DROP,
	};
	bool allowed = true;

	if (looked_at && !e->nsg)
		d.rule = NSG_RULE_NO_NSG;
	if (looked_at && e->nsg) {
		rule = first_rule(e, k, /* platform = */ false);
		allowed = rule && rule->rule->access == NSG_ALLOW;
		if (rule)
			d.rule = (uint16_t)(rule - e->rules);
	}
	if (!allowed) {
		d.reason = NSG_REASON_NSG_DENY;
	} else if (!row || row->hop_type == NSG_HOP_NONE) {
		d.reason = NSG_REASON_ROUTE_NONE;
	} else if (row->unreachable) {
		d.reason = NSG_REASON_ROUTE_UNREACHABLE;
	} else {
		d.reason = NSG_REASON_ALLOWED;
		d.verdict = NSG_VERDICT_ACCEPT;
	}
	return d;
}

struct nsg_decision naive_classify(const struct nsg_effective *e, const struct nsg_key *key)
{
	enum nsg_gate gate = gate_of(e, key);
	struct nsg_decision d = {
	    .route = NSG_ROUTE_NONE,
	    .rule = NSG_RULE_NONE,
	    .gate = (uint8_t)gate,
	};

	if (gate == NSG_GATE_PLATFORM)
		return platform_decision(e, key);
	if (gate != NSG_GATE_BYPASS && gate != NSG_GATE_NOT_CARRIED)
		return inside(e, key, gate);
	d.verdict = gate == NSG_GATE_BYPASS ? NSG_VERDICT_ACCEPT : NSG_VERDICT_DROP;
	d.reason = gate == NSG_GATE_BYPASS ? NSG_REASON_BYPASS : NSG_REASON_NOT_CARRIED;
	return d;
}

/* ---- comparison ---- */

static bool same_addrs(const uint32_t *a, size_t n_a, const uint32_t *b, size_t n_b, bool in_order)
{
	if (n_a != n_b)
		return false;
	for (size_t i = 0; i < n_a; i++) {
		bool found = false;

		for (size_t j = 0; j < n_b; j++)
			found |= a[i] == b[j] && (!in_order || i == j);
		if (!found)
			return false;
	}
	return true;
}

static bool same_route(const struct nsg_row *row, const struct nsg_image_route *route)
{
	return nsg_prefix_equal(row->prefix, route->prefix) && row->source == route->source &&
	       row->hop_type == route->hop_type && row->unreachable == route->unreachable &&
	       !row->name == !route->name && (!row->name || !strcmp(row->name, route->name)) &&
	       same_addrs(row->hops_host, row->n_hops, route->hops_host, route->n_hops, true);
}

static bool right_hop(const struct nsg_row *row, const struct nsg_image *image, uint16_t hop)
{
	struct nsg_image_hop h;

	if (!hop || hop >= nsg_image_info(image).n_hops)
		return false;
	h = nsg_image_hop(image, hop);
	return h.type == row->hop_type &&
	       (row->hop_type == NSG_HOP_APPLIANCE
		    ? same_addrs(row->hops_host, row->n_hops, h.addrs_host, h.n_addrs, false)
		    : h.n_addrs == 0);
}

bool naive_agrees(const struct nsg_effective *e, const struct nsg_image *image,
		  const struct nsg_decision *naive, const struct nsg_decision *d)
{
	struct nsg_image_route route;

	if (naive->rule != d->rule || naive->gate != d->gate || naive->verdict != d->verdict ||
	    naive->reason != d->reason || d->reserved)
		return false;
	if (naive->route == NSG_ROUTE_NONE)
		return d->route == NSG_ROUTE_NONE && !d->hop;
	if (d->route >= nsg_image_info(image).n_routes)
		return false;
	route = nsg_image_route(image, d->route);
	if (!same_route(&e->rows[naive->route], &route))
		return false;
	if (d->reason != NSG_REASON_ALLOWED)
		return !d->hop;
	return d->hop == route.hop && right_hop(&e->rows[naive->route], image, d->hop);
}
