/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "explain/match.h"
#include "util/cleanup.h"

#define UDP_PORT_NOT_CARRIED                                                                       \
	65330 /* azure-reference.md section 2: reserved by the host network                        \
	       */

static bool is_multicast(uint32_t a)
{
	return a >> 28 == 0xe;
}

static bool is_loopback(uint32_t a)
{
	return a >> 24 == 127;
}

/* By what the packet would enter, were a VNet to carry everything; bypass: it would not. */
static enum nsg_gate entrance(const struct nsg_effective *e, uint32_t dst_host)
{
	bool linux_only_private = e->is_linux && e->profile->linux_only_rfc1918;

	if (is_loopback(dst_host))
		return NSG_GATE_BYPASS;
	if (nsg_ip_is_rfc1918(dst_host))
		return NSG_GATE_RFC1918;
	if (e->route_all && !linux_only_private)
		return NSG_GATE_ROUTE_ALL;
	if (!linux_only_private && nsg_ranges_contain(&e->endpoints, dst_host))
		return NSG_GATE_SERVICE_ENDPOINT;
	return NSG_GATE_BYPASS;
}

static const char *not_carried(const struct nsg_key *key)
{
	switch (key->protocol) {
	case NSG_PROTOCOL_TCP:
	case NSG_PROTOCOL_UDP:
	case NSG_PROTOCOL_ICMP:
	case NSG_PROTOCOL_ESP:
	case NSG_PROTOCOL_AH:
		break;
	default:
		return "a VNet carries TCP, UDP, ICMP, ESP and AH only";
	}
	if (is_multicast(key->dst_host))
		return "a VNet carries no multicast";
	if (key->dst_host == UINT32_MAX)
		return "a VNet carries no broadcast";
	if (key->protocol == NSG_PROTOCOL_UDP && key->sport_host == UDP_PORT_NOT_CARRIED)
		return "a VNet does not carry UDP from source port 65330, which Azure keeps for "
		       "itself";
	return NULL;
}

static void find_gate(const struct nsg_effective *e, const struct nsg_key *key, struct nsg_way *way)
{
	if (key->dst_host == NSG_IP_PLATFORM_DNS || key->dst_host == NSG_IP_PLATFORM_IMDS) {
		way->gate = NSG_GATE_PLATFORM;
		return;
	}
	way->gate = way->enters_by = entrance(e, key->dst_host);
	if (way->gate == NSG_GATE_BYPASS)
		return;
	way->not_carried = not_carried(key);
	if (way->not_carried)
		way->gate = NSG_GATE_NOT_CARRIED;
}

static bool ports_match(const struct nsg_port_range *v, size_t n, const struct nsg_key *key,
			uint16_t port)
{
	if (!nsg_protocol_has_ports(key->protocol))
		return n == 1 && v[0].lo == 0 && v[0].hi == 65535;
	for (size_t i = 0; i < n; i++)
		if (v[i].lo <= port && port <= v[i].hi)
			return true;
	return false;
}

/* Platform tags match their own address and nothing else; nothing else matches it. */
static bool destination_matches(const struct nsg_effective_address *dst, const struct nsg_key *key,
				enum nsg_gate gate)
{
	bool dns = key->dst_host == NSG_IP_PLATFORM_DNS;

	if (gate != NSG_GATE_PLATFORM)
		return dst->kind == NSG_MATCH_RANGES &&
		       nsg_ranges_contain(dst->ranges, key->dst_host);
	if (!dns)
		return dst->kind == NSG_MATCH_PLATFORM_IMDS;
	return dst->kind == NSG_MATCH_PLATFORM_DNS && nsg_protocol_has_ports(key->protocol) &&
	       key->dport_host == 53;
}

static struct nsg_tried_rule try_rule(const struct nsg_effective_rule *rule,
				      const struct nsg_key *key, enum nsg_gate gate)
{
	uint16_t protocol = rule->rule->protocol;
	struct nsg_rule_match m = {
	    .protocol = protocol == NSG_PROTOCOL_ANY || protocol == key->protocol,
	    .source = rule->src.kind == NSG_MATCH_RANGES &&
		      nsg_ranges_contain(rule->src.ranges, key->src_host),
	    .source_ports = ports_match(rule->src_ports, rule->n_src_ports, key, key->sport_host),
	    .destination = destination_matches(&rule->dst, key, gate),
	    .destination_ports =
		ports_match(rule->dst_ports, rule->n_dst_ports, key, key->dport_host),
	};

	return (struct nsg_tried_rule){
	    .rule = rule,
	    .match = m,
	    .matched =
		m.protocol && m.source && m.source_ports && m.destination && m.destination_ports,
	};
}

/* semantics.md sections 1 and 2: where the NSG is asked. */
static bool asks_nsg(const struct nsg_effective *e, enum nsg_gate gate)
{
	switch (gate) {
	case NSG_GATE_RFC1918:
	case NSG_GATE_ROUTE_ALL:
		return true;
	case NSG_GATE_SERVICE_ENDPOINT:
		return e->profile->endpoint_traffic_nsg;
	case NSG_GATE_PLATFORM:
		return e->nsg != NULL;
	default:
		return false;
	}
}

static int find_rule(const struct nsg_effective *e, const struct nsg_key *key, struct nsg_way *way)
{
	way->nsg_evaluated = asks_nsg(e, way->gate);
	way->has_nsg = e->nsg != NULL;
	if (!way->nsg_evaluated || !e->n_rules)
		return 0;
	way->rules = calloc(e->n_rules, sizeof(*way->rules));
	if (!way->rules)
		return -ENOMEM;
	for (size_t i = 0; i < e->n_rules && !way->rule; i++) {
		const struct nsg_effective_rule *rule = &e->rules[i];

		/* only platform tags ever touch platform addresses: the rest is not tried */
		if (way->gate == NSG_GATE_PLATFORM && rule->dst.kind == NSG_MATCH_RANGES)
			continue;
		way->rules[way->n_rules] = try_rule(rule, key, way->gate);
		if (way->rules[way->n_rules++].matched)
			way->rule = rule;
	}
	return 0;
}

static bool looks_up_route(enum nsg_gate gate)
{
	return gate == NSG_GATE_RFC1918 || gate == NSG_GATE_ROUTE_ALL ||
	       gate == NSG_GATE_SERVICE_ENDPOINT;
}

static int find_row(const struct nsg_effective *e, uint32_t dst_host, struct nsg_way *way)
{
	size_t n = 0;

	if (!looks_up_route(way->gate))
		return 0;
	for (size_t i = 0; i < e->n_rows; i++)
		n += nsg_prefix_contains(e->rows[i].prefix, dst_host);
	if (!n)
		return 0;
	way->rows = calloc(n, sizeof(const struct nsg_row *));
	way->fates = calloc(n, sizeof(*way->fates));
	if (!way->rows || !way->fates)
		return -ENOMEM;
	for (size_t i = 0; i < e->n_rows; i++)
		if (nsg_prefix_contains(e->rows[i].prefix, dst_host))
			way->rows[way->n_rows++] = &e->rows[i];
	way->row = nsg_rows_judge(e, way->gate, way->rows, way->n_rows, way->fates);
	return 0;
}

static enum nsg_reason reason_of(const struct nsg_way *way)
{
	if (way->gate == NSG_GATE_BYPASS)
		return NSG_REASON_BYPASS;
	if (way->gate == NSG_GATE_NOT_CARRIED)
		return NSG_REASON_NOT_CARRIED;
	if (way->rule && way->rule->rule->access == NSG_DENY)
		return NSG_REASON_NSG_DENY;
	if (way->gate == NSG_GATE_PLATFORM)
		return NSG_REASON_PLATFORM;
	/* what no rule allows is denied, also by a document whose last rule is not Azure's */
	if (way->nsg_evaluated && way->has_nsg && !way->rule)
		return NSG_REASON_NSG_DENY;
	if (!way->row || way->row->hop_type == NSG_HOP_NONE)
		return NSG_REASON_ROUTE_NONE;
	return way->row->unreachable ? NSG_REASON_ROUTE_UNREACHABLE : NSG_REASON_ALLOWED;
}

int nsg_way_find(const struct nsg_effective *e, const struct nsg_key *key, struct nsg_way *ret)
{
	struct nsg_way way = {0};
	int r;

	find_gate(e, key, &way);
	r = find_rule(e, key, &way);
	if (!r)
		r = find_row(e, key->dst_host, &way);
	if (r < 0) {
		nsg_way_done(&way);
		return r;
	}
	way.reason = reason_of(&way);
	way.verdict = way.reason == NSG_REASON_ALLOWED || way.reason == NSG_REASON_BYPASS ||
			      way.reason == NSG_REASON_PLATFORM
			  ? NSG_VERDICT_ACCEPT
			  : NSG_VERDICT_DROP;
	*ret = way;
	return 0;
}

void nsg_way_done(struct nsg_way *way)
{
	free(way->rules);
	free(way->rows);
	free(way->fates);
	*way = (struct nsg_way){0};
}

static bool same_rule(const struct nsg_way *way, const struct nsg_image *image, uint16_t index)
{
	struct nsg_image_rule rule;

	if (!way->rule)
		return index ==
		       (way->nsg_evaluated && !way->has_nsg ? NSG_RULE_NO_NSG : NSG_RULE_NONE);
	if (index == NSG_RULE_NONE || index == NSG_RULE_NO_NSG)
		return false;
	rule = nsg_image_rule(image, index);
	return rule.priority == way->rule->rule->priority &&
	       rule.access == way->rule->rule->access &&
	       strcmp(rule.name, way->rule->rule->name) == 0;
}

static bool same_route(const struct nsg_row *row, const struct nsg_image *image, uint32_t index)
{
	struct nsg_image_route route;

	if (!row || index == NSG_ROUTE_NONE)
		return !row && index == NSG_ROUTE_NONE;
	route = nsg_image_route(image, index);
	return nsg_prefix_equal(route.prefix, row->prefix) && route.source == row->source &&
	       route.hop_type == row->hop_type && !route.name == !row->name &&
	       (!row->name || strcmp(route.name, row->name) == 0) && route.n_hops == row->n_hops &&
	       (!row->n_hops || memcmp(route.hops_host, row->hops_host,
				       row->n_hops * sizeof(*row->hops_host)) == 0);
}

bool nsg_way_agrees(const struct nsg_way *way, const struct nsg_image *image,
		    const struct nsg_decision *decision, const char **ret_what)
{
	if (decision->gate != way->gate)
		*ret_what = "the gate";
	else if (!same_rule(way, image, decision->rule))
		*ret_what = "the rule";
	else if (!same_route(way->row, image, decision->route))
		*ret_what = "the route";
	else if (decision->verdict != way->verdict || decision->reason != way->reason)
		*ret_what = "the verdict";
	else
		return true;
	return false;
}

int nsg_way_contradiction(const char *what, struct nsg_diag *diag)
{
	(void)nsg_diag_add(
	    diag, NSG_ERROR, NULL, NULL,
	    "internal error: the story told from the policy and the classifier disagree "
	    "in %s; please report this with the policy and the flow",
	    what);
	return -EBADE;
}
