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

static enum nsg_gate gate_of(const struct naive *n, const struct nsg_key *key)
{
	const uint32_t d = key->dst_host;
	const bool only_private = n->is_linux && !n->current;
	const bool route_all = n->route_all && (!only_private || n->bug == BUG_LINUX_ROUTE_ALL);
	const bool endpoint = (!only_private || n->bug == BUG_LINUX_ENDPOINTS) &&
			      n->bug != BUG_ENDPOINTS_DO_NOT_ENTER &&
			      naive_in(n->endpoints.v, n->endpoints.n, d);
	enum nsg_gate gate = NSG_GATE_BYPASS;

	if ((d == NSG_IP_PLATFORM_DNS && n->bug != BUG_DNS_ENTERS) ||
	    (d == NSG_IP_PLATFORM_IMDS && n->bug != BUG_IMDS_ENTERS))
		return NSG_GATE_PLATFORM;
	if ((d >> 24 == 127 && n->bug != BUG_LOOPBACK_ENTERS) ||
	    (d >> 16 == 0xa9fe && n->bug != BUG_LINK_LOCAL_ENTERS))
		return NSG_GATE_BYPASS;
	if (d >> 24 == 10 ||
	    (d >> 16 >= 0xac10 && d >> 16 <= (n->bug == BUG_172_16_ONLY ? 0xac10 : 0xac1f)) ||
	    (d >> 16 == 0xc0a8 && n->bug != BUG_192_168_BYPASSES))
		gate = NSG_GATE_RFC1918;
	else if (route_all && !(endpoint && n->bug == BUG_ENDPOINT_FIRST))
		gate = NSG_GATE_ROUTE_ALL;
	else if (endpoint)
		gate = NSG_GATE_SERVICE_ENDPOINT;
	if (gate == NSG_GATE_BYPASS && n->bug != BUG_BYPASS_NOT_CARRIED)
		return gate;
	return is_carried(n, key) ? gate : NSG_GATE_NOT_CARRIED;
}

struct naive_answer naive_decide(struct naive *n, const struct nsg_key *key,
				 uint64_t events[EVENT_MAX])
{
	struct naive_answer a = {
	    .gate = gate_of(n, key), .verdict = NSG_VERDICT_ACCEPT, .reason = NSG_REASON_ALLOWED};
	const struct row *r;
	bool drop_none, drop_global, denied;

	switch (a.gate) {
	case NSG_GATE_PLATFORM:
		decide_platform(n, key, &a, events);
		return a;
	case NSG_GATE_BYPASS:
		a.reason = NSG_REASON_BYPASS;
		return a;
	case NSG_GATE_NOT_CARRIED:
		a.verdict = NSG_VERDICT_DROP;
		a.reason = NSG_REASON_NOT_CARRIED;
		return a;
	default:
		break;
	}
	decide_nsg(n, key, &a, events);
	r = naive_select_row(n, key, a.gate, events);
	a.has_route = true;
	a.prefix = r->prefix;
	a.source = r->source;
	a.hop_type = r->type;
	a.route_name = r->name;
	a.n_hops = r->n_hops;
	memcpy(a.hops, r->hops, sizeof(a.hops));
	denied = a.has_nsg && a.access == NSG_DENY;
	drop_none = r->type == NSG_HOP_NONE;
	drop_global =
	    r->type == NSG_HOP_VNET_GLOBAL_PEERING && !n->current && n->bug != BUG_GLOBAL_REACHABLE;
	if (denied && !(drop_none && n->bug == BUG_ROUTE_NONE_FIRST))
		a.reason = NSG_REASON_NSG_DENY;
	else if (drop_none)
		a.reason = NSG_REASON_ROUTE_NONE;
	else if (drop_global)
		a.reason = NSG_REASON_ROUTE_UNREACHABLE;
	if (denied || drop_none || drop_global)
		a.verdict = NSG_VERDICT_DROP;
	return a;
}

/* ---- the switches --------------------------------------------------------------------------- */

static void resolve_site(struct naive *n)
{
	const struct nsg_policy *p = n->policy;
	bool some_named = false;

	for (size_t i = 0; i < p->n_sites; i++)
		some_named |= *p->sites[i].subnet_id != '\0';
	for (size_t i = 0; i < p->n_sites; i++) {
		const struct nsg_site *s = &p->sites[i];

		if (some_named && strcasecmp(s->subnet_id, n->subnet->id))
			continue;
		n->is_linux |= s->is_linux == NSG_TRUE;
		for (size_t k = 0; k < NSG_ROUTE_ALL_KEYS; k++)
			n->route_all |= s->route_all[k].value == NSG_TRUE;
		for (size_t k = 0; k < p->n_route_all_settings; k++)
			n->route_all |= *p->route_all_settings[k].site_id &&
					!strcasecmp(p->route_all_settings[k].site_id, s->id) &&
					p->route_all_settings[k].value == NSG_ROUTE_ALL_ON;
	}
	for (size_t k = 0; k < p->n_route_all_settings; k++)
		n->route_all |= !*p->route_all_settings[k].site_id &&
				p->route_all_settings[k].value == NSG_ROUTE_ALL_ON;
	if (n->options->route_all != NSG_UNSET)
		n->route_all = n->options->route_all == NSG_TRUE;
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
	return n;
}

void naive_free(struct naive *n)
{
	nsg_vec_done(&n->rows);
	nsg_vec_done(&n->peers);
	nsg_vec_done(&n->peers_with_access);
	nsg_vec_done(&n->endpoints);
	free(n->rules);
	free(n);
}
