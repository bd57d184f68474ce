/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts on which Microsoft's pages contradict each other or measurements, reported where they
 * matter for the policy. */
#include "lint/lint_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "model/gate.h"
#include "model/ranges.h"

static void tell(const struct nsg_effective *e, struct nsg_diag *diag,
		 const struct nsg_place *place, const char *text)
{
	(void)nsg_diag_lint(diag, NSG_NOTICE, nsg_place_of(e->policy, place), "Contested", "%s",
			    text);
}

/* Whether rules and routes apply to endpoint traffic with route-all off. */
static void endpoint_traffic(const struct nsg_effective *e, struct nsg_diag *diag)
{
	if (e->route_all || !e->endpoints.n)
		return;
	if (e->nsg)
		tell(
		    e, diag, &e->subnet->place,
		    e->profile->endpoint_traffic_nsg
			? "service endpoints without route-all: the NSG is evaluated for their "
			  "traffic (current documentation); the 2020 page applies NSGs to RFC 1918 "
			  "destinations only"
			: "service endpoints without route-all: the NSG is not evaluated for their "
			  "traffic (the 2020 page applies NSGs to RFC 1918 destinations only); "
			  "current documentation evaluates it");
	if (e->route_table)
		tell(e, diag, &e->subnet->place,
		     e->profile->endpoint_traffic_routes
			 ? "service endpoints without route-all: user and BGP routes apply to "
			   "their traffic (current documentation); on the 2020 page they affect "
			   "RFC 1918 destinations only"
			 : "service endpoints without route-all: the endpoint's own route is used "
			   "(on the 2020 page user and BGP routes affect RFC 1918 destinations "
			   "only); current documentation applies them");
}

/* The first member of VirtualNetwork from BGP or a UDR that is in Internet too. */
static const struct nsg_tag_member *in_both(const struct nsg_effective *e)
{
	for (size_t i = 0; i < e->n_virtual_network; i++) {
		const struct nsg_tag_member *m = &e->virtual_network[i];
		const struct nsg_range range = {m->prefix.addr_host, nsg_prefix_last(m->prefix)};

		if (nsg_gate_of(e, m->prefix.addr_host) != NSG_GATE_PLATFORM &&
		    (m->origin == NSG_ORIGIN_BGP || m->origin == NSG_ORIGIN_UDR) && m->prefix.len &&
		    nsg_ranges_overlap(&e->internet_ranges, range))
			return m;
	}
	return NULL;
}

static void both_tags(const struct nsg_effective *e, struct nsg_diag *diag)
{
	const struct nsg_tag_member *m = e->nsg ? in_both(e) : NULL;
	char prefix[NSG_PREFIX_TEXT];

	if (!m)
		return;
	nsg_prefix_format(m->prefix, prefix);
	(void)nsg_diag_lint(
	    diag, NSG_NOTICE, nsg_place_of(e->policy, &e->nsg->place), "Contested",
	    "%s, %s%s, is public: it is in both VirtualNetwork and Internet (as users report); on "
	    "the service tag page Internet ends where the virtual network begins",
	    prefix, m->origin == NSG_ORIGIN_BGP ? "a BGP route" : "of route ", m->name);
}

/* Which UDRs are in VirtualNetwork. */
static void udrs_in_tag(const struct nsg_effective *e, struct nsg_diag *diag)
{
	const struct nsg_route_table *t = e->route_table;

	for (size_t i = 0; e->nsg && t && i < t->n_routes; i++) {
		const struct nsg_route *r = &t->routes[i];
		const struct nsg_range range = {r->prefix.addr_host, nsg_prefix_last(r->prefix)};

		if (r->is_ip6 || r->tag || r->hop_type == NSG_HOP_APPLIANCE ||
		    r->hop_type == NSG_HOP_GATEWAY ||
		    nsg_ranges_hold(&e->virtual_network_ranges, range))
			continue;
		(void)nsg_diag_lint(
		    diag, NSG_NOTICE, nsg_place_of(e->policy, &r->place), "Contested",
		    "route %s is not in VirtualNetwork, because its next hop is %s: only prefixes "
		    "of routes to an appliance or the gateway were observed there; the service tag "
		    "page includes every prefix of a user route",
		    r->name, nsg_hop_type_name(r->hop_type));
		return;
	}
}

static const struct nsg_row *default_udr(const struct nsg_effective *e)
{
	for (size_t i = 0; i < e->n_rows; i++)
		if (e->rows[i].source == NSG_SOURCE_USER && !e->rows[i].prefix.len)
			return &e->rows[i];
	return NULL;
}

/* What a 0.0.0.0/0 route does to the None routes. */
static void none_rows(const struct nsg_effective *e, struct nsg_diag *diag)
{
	const struct nsg_row *udr = default_udr(e);

	if (!udr)
		return;
	tell(e, diag, &udr->route->place,
	     udr->hop_type == NSG_HOP_INTERNET || udr->hop_type == NSG_HOP_NONE
		 ? "the next hop of the 0.0.0.0/0 user route is Internet or None: the None routes "
		   "of private space are kept, as measured; according to the routing page any "
		   "0.0.0.0/0 route removes them"
		 : "the 0.0.0.0/0 user route also applies to private space that is not announced: "
		   "according to measurements and the end of the routing page the None routes "
		   "disappear; its main text still lists them");
}

static void propagation(const struct nsg_effective *e, struct nsg_diag *diag)
{
	if (e->route_table && e->route_table->disable_bgp && e->policy->n_bgp_routes)
		tell(e, diag, &e->route_table->place,
		     "disableBgpRoutePropagation: all gateway routes are ignored, as in the 2023 "
		     "page; according to the 2017 page only BGP routes are ignored, not static "
		     "routes of the gateway");
}

/* A rule for the platform's DNS address itself. */
static void platform_address(const struct nsg_effective *e, struct nsg_diag *diag)
{
	for (size_t i = 0; i < e->n_rules; i++) {
		const struct nsg_rule *r = e->rules[i].rule;

		for (size_t j = 0; j < r->dst.prefixes.n && r->dst.kind == NSG_ADDRESS_PREFIXES;
		     j++) {
			struct nsg_prefix p = r->dst.prefixes.v[j];

			if (p.len < 32 || p.addr_host != NSG_IP_PLATFORM_DNS)
				continue;
			(void)nsg_diag_lint(
			    diag, NSG_NOTICE, nsg_place_of(e->policy, &r->place), "Contested",
			    "rule %s contains 168.63.129.16: platform traffic is not subject to "
			    "NSGs (current page; only AzurePlatformDNS applies to it); according "
			    "to the 2019 page a default rule allows it",
			    r->name);
			return;
		}
	}
}

int nsg_lint_contested(const struct nsg_effective *e, struct nsg_diag *diag)
{
	endpoint_traffic(e, diag);
	both_tags(e, diag);
	udrs_in_tag(e, diag);
	none_rows(e, diag);
	propagation(e, diag);
	platform_address(e, diag);
	return 0;
}
