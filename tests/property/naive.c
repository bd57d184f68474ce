/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "naive_priv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *const naive_event_names[EVENT_MAX] = {
    [EVENT_PLATFORM_RULE] = "a rule with a platform tag decided",
    [EVENT_NSG_SKIPPED] = "NSG not evaluated for endpoint traffic",
    [EVENT_NO_NSG] = "subnet without NSG",
    [EVENT_DEFAULT_RULE] = "default rule decided",
    [EVENT_ASG_MATCH] = "application security group matched",
    [EVENT_TAG_MATCH] = "service tag matched",
    [EVENT_PORTLESS] = "only the missing ports kept a rule from matching",
    [EVENT_BGP_STRUCK] = "BGP struck by a VNet, peering or endpoint row",
    [EVENT_UDR_STRUCK_BY_ENDPOINT] = "UDR struck by a service endpoint",
    [EVENT_ENDPOINT_ONLY_ROW] = "endpoint's row is the answer",
    [EVENT_PRIVATE_ENDPOINT_BEATS_UDR] = "private endpoint beats a UDR",
    [EVENT_UDR_BEATS_PRIVATE_ENDPOINT] = "UDR beats a private endpoint",
    [EVENT_LAB_UDR_OVER_ENDPOINT] = "lab: UDR over endpoint",
    [EVENT_LAB_INTERNET_LOSES] = "lab: Internet UDR of equal length loses",
    [EVENT_TIE_USER_GATEWAY] = "tie: User over VirtualNetworkGateway",
    [EVENT_TIE_USER_DEFAULT] = "tie: User over Default",
    [EVENT_TIE_GATEWAY_DEFAULT] = "tie: VirtualNetworkGateway over Default",
    [EVENT_TIE_EXPLICIT_TAG] = "tie: explicit prefix over tag",
    [EVENT_TIE_REGIONAL_TOP] = "tie: regional tag over top-level tag",
    [EVENT_TIE_TOP_AZURECLOUD] = "tie: tag over AzureCloud",
    [EVENT_TIE_AZURECLOUD_REGION] = "tie: AzureCloud.region over AzureCloud",
    [EVENT_TIE_TABLE_ORDER] = "tie: of one kind the earlier in the table",
    [EVENT_TIE_NETWORK_ENDPOINT] = "tie: VNet or peering over service endpoint",
    [EVENT_TIE_PEERING_NONE] = "tie: peering over None",
    [EVENT_NONE_ROW_KEPT] = "default None row decided",
    [EVENT_NONE_GONE_BY_VNET] = "None row gone: VNet range",
    [EVENT_NONE_GONE_BY_PREFIX] = "None row gone: same prefix in UDR or BGP",
    [EVENT_NONE_GONE_BY_UDR_DEFAULT] = "None rows gone: 0/0 UDR",
    [EVENT_NONE_GONE_BY_BGP_DEFAULT] = "None rows gone: 0/0 BGP",
    [EVENT_NONE_KEPT_UNDER_INTERNET] = "None row kept under a 0/0 UDR to the Internet",
    [EVENT_NONE_UDR] = "None of a UDR decided",
    [EVENT_ECMP] = "several next hop addresses",
    [EVENT_LINK_LOCAL] = "link-local bypasses the network with route-all on",
    [EVENT_HOLE_OF_CURRENT] = "an address that Internet of current leaves out",
    [EVENT_NONE_OF_CURRENT] = "a None row of current decided",
    [EVENT_NONE_KEPT_UNDER_NONE] = "None row kept under a 0/0 UDR to None",
    [EVENT_SYSTEM_ROW_OF_STRUCK_UDR] = "the system row of a struck UDR's prefix decided",
    [EVENT_EXACT_UDR_BEATS_ENDPOINT] = "a /32 UDR beats an endpoint without policies",
    [EVENT_TIE_VNET_PEERING] = "tie: VNet over peering",
    [EVENT_PEER_WITHOUT_ACCESS] = "a peer without access is not in VirtualNetwork",
    [EVENT_PEERING_ROWS_REMOVED] = "peering row removed by the route table",
    [EVENT_SUBNET_PEERING] = "subnet peering's row decided",
    [EVENT_LOCAL_SUBNET_NOT_NAMED] = "subnet peering without the integration subnet",
    [EVENT_REMOTE_SUBNET_NOT_NAMED] = "no row: not among the remote subnets",
    [EVENT_ONLY_IP6_PEERING] = "no row: IPv6 peering only",
    [EVENT_ENDPOINT_OUTSIDE_SUBNET_PEERING] = "no row: private endpoint outside a subnet peering",
    [EVENT_MESH] = "a mesh's row decided",
    [EVENT_GATEWAY_VPN] = "a VPN gateway's learned route decided",
    [EVENT_GATEWAY_IBGP] = "a learned route of origin IBgp decided",
    [EVENT_GATEWAY_SERVER] = "a route server's learned route decided",
    [EVENT_GATEWAY_NETWORK] = "a learned route of origin Network decided",
    [EVENT_GATEWAY_EFFECTIVE] = "an effective route table's gateway row decided",
    [EVENT_GATEWAY_STATIC] = "a local network gateway's or P2S route decided",
    [EVENT_GATEWAY_SEVERAL_HOPS] = "gateway route with several addresses decided",
    [EVENT_GATEWAY_NONE] = "no row: no gateway to learn from",
    [EVENT_GATEWAY_IBGP_UNUSED] = "no row: IBgp, and another origin has the prefix",
    [EVENT_GATEWAY_NETWORK_KNOWN] = "no row: Network, inside a known range",
    [EVENT_GATEWAY_NETWORK_UNKNOWN] = "no row: Network, no document of the gateway's VNet",
    [EVENT_GATEWAY_LONGER_PATH] = "a longer path is not used",
    [EVENT_GATEWAY_PROPAGATION_OFF] = "no row: propagation is off",
    [EVENT_FINAL_ROUTE_ALL] = "route-all is on by a perimeter or Flex alone",
    [EVENT_ADMIN_DENY] = "an admin rule's Deny decided",
    [EVENT_ADMIN_DENY_OVER_ROUTE] = "admin-deny outranks the route's reason",
    [EVENT_ADMIN_ALWAYS_ALLOW] = "AlwaysAllow: the NSG is not asked",
    [EVENT_ADMIN_ALLOW] = "an admin rule's Allow: the NSG decides",
    [EVENT_ADMIN_NO_MATCH] = "no admin rule matches",
    [EVENT_ADMIN_WITHOUT_NSG] = "admin rule on a subnet without NSG",
    [EVENT_ADMIN_2020] = "2020-04 has no admin rules",
};

bool naive_in(const struct nsg_prefix *v, size_t n, uint32_t a)
{
	for (size_t i = 0; i < n; i++)
		if (nsg_prefix_contains(v[i], a))
			return true;
	return false;
}

const struct nsg_tag *naive_find_tag(const struct naive *n, const char *name)
{
	for (size_t i = 0; n->tags && i < n->tags->n_tags; i++)
		if (!strcasecmp(n->tags->tags[i].name, name))
			return &n->tags->tags[i];
	return NULL;
}

/* ---- the decision --------------------------------------------------------------------------- */

static void show_rule(struct naive_answer *a, const struct nsg_rule *r)
{
	a->has_nsg = true;
	a->access = r->access;
	a->rule = r->name;
	a->rule_is_default = r->is_default;
	a->priority = r->priority;
}

static void decide_platform(struct naive *n, const struct nsg_key *key, struct naive_answer *a,
			    uint64_t *events)
{
	const bool dns = key->dst_host == NSG_IP_PLATFORM_DNS;
	const bool port53 = key->dport_host == 53;

	a->verdict = NSG_VERDICT_ACCEPT;
	a->reason = NSG_REASON_PLATFORM;
	for (size_t i = 0; i < n->n_rules; i++) {
		const struct nsg_rule *r = n->rules[i];

		if (r->dst.kind != NSG_ADDRESS_TAG ||
		    strcasecmp(r->dst.tag, dns ? "AzurePlatformDNS" : "AzurePlatformIMDS") ||
		    (dns && !port53) || !naive_rule_matches(n, r, key, true, events))
			continue;
		events[EVENT_PLATFORM_RULE]++;
		show_rule(a, r);
		if (r->access == NSG_DENY) {
			a->verdict = NSG_VERDICT_DROP;
			a->reason = NSG_REASON_NSG_DENY;
		}
		return;
	}
}

static void decide_nsg(struct naive *n, const struct nsg_key *key, struct naive_answer *a,
		       uint64_t *events)
{
	if (a->gate == NSG_GATE_SERVICE_ENDPOINT && !n->current) {
		events[EVENT_NSG_SKIPPED]++;
		return;
	}
	a->has_nsg = true;
	if (!n->nsg) {
		a->access = NSG_ALLOW;
		events[EVENT_NO_NSG]++;
		return;
	}
	for (size_t i = 0; i < n->n_rules; i++)
		if (naive_rule_matches(n, n->rules[i], key, false, events)) {
			show_rule(a, n->rules[i]);
			events[EVENT_DEFAULT_RULE] += n->rules[i]->is_default;
			return;
		}
	/* A document may carry a DenyAllOutBound of its own that does not match everything. */
	a->access = NSG_DENY;
	a->rule = "?";
}

static bool is_carried(const struct naive *n, const struct nsg_key *key)
{
	const uint32_t d = key->dst_host;

	switch (key->protocol) {
	case NSG_PROTOCOL_TCP:
	case NSG_PROTOCOL_UDP:
		break;
	case NSG_PROTOCOL_ICMP:
	case NSG_PROTOCOL_ESP:
	case NSG_PROTOCOL_AH:
		if (n->bug != BUG_ICMP_CARRIED)
			return false;
		break;
	default:
		if (n->bug != BUG_PROTOCOLS_CARRIED)
			return false;
	}
	return (d >> 28 != 14 || n->bug == BUG_MULTICAST_CARRIED) &&
	       (d != UINT32_MAX || n->bug == BUG_BROADCAST_CARRIED) &&
	       (key->protocol != NSG_PROTOCOL_UDP || key->sport_host != 65330 ||
		n->bug == BUG_RESERVED_PORT_CARRIED);
}

enum nsg_gate naive_entrance(const struct naive *n, uint32_t d)
{
	const bool only_private = n->is_linux && !n->current;
	const bool route_all = n->route_all && (!only_private || n->bug == BUG_LINUX_ROUTE_ALL);
	const bool endpoint = (!only_private || n->bug == BUG_LINUX_ENDPOINTS) &&
			      n->bug != BUG_ENDPOINTS_DO_NOT_ENTER &&
			      naive_in(n->endpoints.v, n->endpoints.n, d);

	if ((d == NSG_IP_PLATFORM_DNS && n->bug != BUG_DNS_ENTERS) ||
	    (d == NSG_IP_PLATFORM_IMDS && n->bug != BUG_IMDS_ENTERS))
		return NSG_GATE_PLATFORM;
	if ((d >> 24 == 127 && n->bug != BUG_LOOPBACK_ENTERS) ||
	    (d >> 16 == 0xa9fe && n->bug != BUG_LINK_LOCAL_ENTERS))
		return NSG_GATE_BYPASS;
	if (d >> 24 == 10 ||
	    (d >> 16 >= 0xac10 && d >> 16 <= (n->bug == BUG_172_16_ONLY ? 0xac10 : 0xac1f)) ||
	    (d >> 16 == 0xc0a8 && n->bug != BUG_192_168_BYPASSES))
		return NSG_GATE_RFC1918;
	if (route_all && !(endpoint && n->bug == BUG_ENDPOINT_FIRST))
		return NSG_GATE_ROUTE_ALL;
	return endpoint ? NSG_GATE_SERVICE_ENDPOINT : NSG_GATE_BYPASS;
}

static enum nsg_gate gate_of(const struct naive *n, const struct nsg_key *key)
{
	const enum nsg_gate gate = naive_entrance(n, key->dst_host);
	const bool enters = gate != NSG_GATE_PLATFORM && gate != NSG_GATE_BYPASS;

	if (gate == NSG_GATE_BYPASS && n->bug == BUG_BYPASS_NOT_CARRIED && !is_carried(n, key))
		return NSG_GATE_NOT_CARRIED;
	return enters && !is_carried(n, key) ? NSG_GATE_NOT_CARRIED : gate;
}

static void decide_admin(struct naive *n, const struct nsg_key *key, struct naive_answer *a,
			 uint64_t *events)
{
	const struct nsg_rule *r = naive_admin_rule(n, key, events);

	if (!r)
		return;
	a->admin = r->name;
	a->admin_access = r->access;
	a->admin_priority = r->priority;
	events[r->access == NSG_DENY	? EVENT_ADMIN_DENY
	       : r->access == NSG_ALLOW ? EVENT_ADMIN_ALLOW
					: EVENT_ADMIN_ALWAYS_ALLOW]++;
	events[EVENT_ADMIN_WITHOUT_NSG] += !n->nsg;
}

/* The NSG is not asked. */
static bool admin_is_final(const struct naive *n, const struct naive_answer *a)
{
	if (!a->admin)
		return false;
	switch (a->admin_access) {
	case NSG_ALLOW:
		return n->bug == BUG_ADMIN_ALLOW_IS_FINAL;
	case NSG_ALWAYS_ALLOW:
		return n->bug != BUG_ADMIN_ALWAYS_ALLOW_GOES_ON;
	default:
		return n->bug != BUG_ADMIN_KEEPS_NSG;
	}
}

static void decide_verdict(const struct naive *n, struct naive_answer *a, bool unreachable,
			   uint64_t *events)
{
	const bool denied = a->has_nsg && a->access == NSG_DENY, none = a->hop_type == NSG_HOP_NONE,
		   admin = a->admin && a->admin_access == NSG_DENY;

	events[EVENT_ADMIN_DENY_OVER_ROUTE] += admin && (none || unreachable);
	if (admin && !(none && n->bug == BUG_ADMIN_DENY_AFTER_ROUTE))
		a->reason = NSG_REASON_ADMIN_DENY;
	else if (denied && !(none && n->bug == BUG_ROUTE_NONE_FIRST))
		a->reason = NSG_REASON_NSG_DENY;
	else if (none)
		a->reason = NSG_REASON_ROUTE_NONE;
	else if (unreachable)
		a->reason = NSG_REASON_ROUTE_UNREACHABLE;
	if (admin || denied || none || unreachable)
		a->verdict = NSG_VERDICT_DROP;
}

struct naive_answer naive_decide(struct naive *n, const struct nsg_key *key,
				 uint64_t events[EVENT_MAX])
{
	struct naive_answer a = {
	    .gate = gate_of(n, key), .verdict = NSG_VERDICT_ACCEPT, .reason = NSG_REASON_ALLOWED};
	const struct row *r;

	switch (a.gate) {
	case NSG_GATE_PLATFORM:
		decide_platform(n, key, &a, events);
		if (n->bug == BUG_ADMIN_ON_PLATFORM)
			decide_admin(n, key, &a, events);
		return a;
	case NSG_GATE_BYPASS:
		a.reason = NSG_REASON_BYPASS;
		events[EVENT_LINK_LOCAL] += key->dst_host >> 16 == 0xa9fe && n->route_all;
		return a;
	case NSG_GATE_NOT_CARRIED:
		a.verdict = NSG_VERDICT_DROP;
		a.reason = NSG_REASON_NOT_CARRIED;
		return a;
	default:
		break;
	}
	events[EVENT_FINAL_ROUTE_ALL] += a.gate == NSG_GATE_ROUTE_ALL && n->final_on;
	decide_admin(n, key, &a, events);
	if (!admin_is_final(n, &a))
		decide_nsg(n, key, &a, events);
	r = naive_select_row(n, key, a.gate, events);
	a.has_route = true;
	a.prefix = r->prefix;
	a.source = r->source;
	a.hop_type = r->type;
	a.route_name = r->name;
	a.n_hops = r->n_hops;
	memcpy(a.hops, r->hops, sizeof(a.hops));
	decide_verdict(n, &a, r->unreachable, events);
	return a;
}

/* ---- the switches --------------------------------------------------------------------------- */

static const struct nsg_plan *plan_of(const struct nsg_policy *p, const struct nsg_site *s)
{
	for (size_t i = 0; i < p->n_plans; i++)
		if (!strcasecmp(p->plans[i].id, s->plan_id))
			return &p->plans[i];
	return NULL;
}

/* Its own, else its plan's (Managed Instance). */
static const char *subnet_of(const struct naive *n, const struct nsg_site *s)
{
	const struct nsg_plan *plan = plan_of(n->policy, s);
	const bool has_plans =
	    n->bug == BUG_MANAGED_2020 || (n->current && n->bug != BUG_MANAGED_IGNORED);

	return !*s->subnet_id && plan && has_plans ? plan->subnet_id : s->subnet_id;
}

/* All traffic of Flex Consumption enters. */
static bool is_flex(const struct naive *n, const struct nsg_site *s)
{
	const struct nsg_plan *plan = plan_of(n->policy, s);

	for (size_t i = 0; i < n->subnet->delegations.n; i++)
		if (!strcasecmp(n->subnet->delegations.v[i], "Microsoft.App/environments"))
			return n->bug != BUG_FLEX_IGNORED &&
			       (!strcasecmp(s->sku, "FlexConsumption") ||
				(plan && !strcasecmp(plan->tier, "FlexConsumption")));
	return false;
}

static bool is_by_perimeter(const struct naive *n, const struct nsg_site *s)
{
	return s->by_perimeter &&
	       (n->bug == BUG_PERIMETER_2020 || (n->current && n->bug != BUG_PERIMETER_IGNORED));
}

/* Any input that says on turns it on. */
static bool turns_on(const struct naive *n, const struct nsg_site *s)
{
	const struct nsg_policy *p = n->policy;

	for (size_t k = 0; k < NSG_ROUTE_ALL_KEYS; k++)
		if (s->route_all[k].value == NSG_TRUE)
			return true;
	for (size_t k = 0; k < p->n_app_settings; k++)
		if (*p->app_settings[k].site_id && !strcasecmp(p->app_settings[k].site_id, s->id) &&
		    p->app_settings[k].value == NSG_ROUTE_ALL_ON)
			return true;
	return false;
}

static void resolve_site(struct naive *n)
{
	const struct nsg_policy *p = n->policy;
	bool some_named = false, final = false;

	for (size_t i = 0; i < p->n_sites; i++)
		some_named |= *subnet_of(n, &p->sites[i]) != '\0';
	for (size_t i = 0; i < p->n_sites; i++) {
		const struct nsg_site *s = &p->sites[i];

		if (some_named && strcasecmp(subnet_of(n, s), n->subnet->id))
			continue;
		n->is_linux |= s->is_linux == NSG_TRUE;
		n->route_all |= turns_on(n, s);
		final |= is_flex(n, s) || is_by_perimeter(n, s);
	}
	for (size_t k = 0; k < p->n_app_settings; k++)
		n->route_all |=
		    !*p->app_settings[k].site_id && p->app_settings[k].value == NSG_ROUTE_ALL_ON;
	n->final_on = final && !n->route_all;
	n->route_all |= final;
	if (n->options->route_all != NSG_UNSET && !(final && n->bug == BUG_PERIMETER_OVER_OPTION))
		n->route_all = n->options->route_all == NSG_TRUE;
	n->final_on &= n->options->route_all == NSG_UNSET;
	if (n->options->platform != NSG_PLATFORM_FROM_SITE)
		n->is_linux = n->options->platform == NSG_PLATFORM_LINUX;
}

struct naive *naive_new(const struct nsg_policy *p, const struct nsg_options *options,
			const char *subnet, enum naive_bug bug)
{
	struct naive *n = calloc(1, sizeof(*n));

	if (!n)
		abort();
	n->policy = p;
	n->options = options;
	n->bug = bug;
	n->current = !strcmp(options->profile->name, "current");
	for (size_t i = 0; i < p->n_vnets; i++)
		for (size_t k = 0; k < p->vnets[i].n_subnets; k++)
			if (!strcmp(p->vnets[i].subnets[k].name, subnet)) {
				n->vnet = &p->vnets[i];
				n->subnet = &p->vnets[i].subnets[k];
			}
	for (size_t i = 0; i < p->n_nsgs; i++)
		if (!strcasecmp(p->nsgs[i].id, n->subnet->nsg_id))
			n->nsg = &p->nsgs[i];
	for (size_t i = 0; i < p->n_route_tables; i++)
		if (!strcasecmp(p->route_tables[i].id, n->subnet->route_table_id))
			n->table = &p->route_tables[i];
	for (size_t i = 0; i < p->n_tag_documents; i++) {
		const struct nsg_tag_document *d = &p->tag_documents[i];

		if (!n->tags || !d->has_change_number || !n->tags->has_change_number ||
		    d->change_number >= n->tags->change_number)
			n->tags = d;
	}
	resolve_site(n);
	naive_build_rows(n);
	naive_build_rules(n);
	naive_build_admin(n);
	return n;
}

void naive_free(struct naive *n)
{
	nsg_vec_done(&n->rows);
	for (size_t i = 0; i < n->peers.n; i++)
		nsg_vec_done(&n->peers.v[i].ranges);
	nsg_vec_done(&n->peers);
	nsg_vec_done(&n->unused);
	nsg_vec_done(&n->endpoints);
	free(n->rules);
	free(n->admin);
	free(n);
}
