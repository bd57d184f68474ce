/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tags and rules. */
#include "naive_priv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/macro.h"

/* ---- tags ----------------------------------------------------------------------------------- */

/* The ranges of a peer without access have rows, but are not in the tag. */
static bool in_peer(const struct naive *n, uint32_t a, uint64_t *events)
{
	for (size_t i = 0; i < n->peers.n; i++) {
		const struct naive_peer *peer = &n->peers.v[i];

		if (peer->only_ip6 || !naive_in(peer->ranges.v, peer->ranges.n, a))
			continue;
		if (peer->has_access && !(n->table && n->table->disable_peering &&
					  n->bug == BUG_PEERING_ROUTES_TAKE_TAG))
			return true;
		events[EVENT_PEER_WITHOUT_ACCESS]++;
	}
	return false;
}

static bool in_virtual_network(const struct naive *n, uint32_t a, uint64_t *events)
{
	if (a == NSG_IP_PLATFORM_DNS || naive_in(n->vnet->space.v, n->vnet->space.n, a) ||
	    in_peer(n, a, events))
		return true;
	for (size_t i = 0; i < n->rows.n; i++) {
		const struct row *r = &n->rows.v[i];

		if (!nsg_prefix_contains(r->prefix, a))
			continue;
		if (r->source == NSG_SOURCE_GATEWAY)
			return true;
		if (r->source == NSG_SOURCE_USER && n->bug != BUG_UDR_NOT_IN_TAG &&
		    (r->type == NSG_HOP_APPLIANCE || r->type == NSG_HOP_GATEWAY))
			return true;
	}
	return false;
}

static bool in_internet(const struct naive *n, uint32_t a, uint64_t *events)
{
	if (naive_is_hole(n, a, events) || naive_in_networks(n, a))
		return false;
	for (size_t i = 0; i < n->rows.n; i++)
		if (n->bug == BUG_INTERNET_WITHOUT_PUBLIC_BGP &&
		    n->rows.v[i].source == NSG_SOURCE_GATEWAY &&
		    nsg_prefix_contains(n->rows.v[i].prefix, a))
			return false;
	return true;
}

static bool in_tag(const struct naive *n, const char *tag, uint32_t a, uint64_t *events)
{
	const struct nsg_tag *t;

	if (!strcasecmp(tag, "VirtualNetwork"))
		return in_virtual_network(n, a, events);
	if (!strcasecmp(tag, "Internet"))
		return in_internet(n, a, events);
	if (!strcasecmp(tag, "AzureLoadBalancer"))
		return a == NSG_IP_PLATFORM_DNS;
	if (!strncasecmp(tag, "AzurePlatform", strlen("AzurePlatform")))
		return false;
	t = naive_find_tag(n, tag);
	if (!naive_in(t->prefixes.v, t->prefixes.n, a))
		return false;
	events[EVENT_TAG_MATCH]++;
	return true;
}

/* ---- rules ---------------------------------------------------------------------------------- */

static bool asg_holds(const struct naive *n, const char *asg, uint32_t a)
{
	for (size_t i = 0; i < n->policy->n_nics; i++)
		for (size_t k = 0; k < n->policy->nics[i].n_configurations; k++) {
			const struct nsg_ip_configuration *c =
			    &n->policy->nics[i].configurations[k];

			for (size_t m = 0; m < c->asgs.n; m++)
				if (c->has_addr && c->addr_host == a &&
				    !strcasecmp(c->asgs.v[m], asg))
					return true;
		}
	return false;
}

static bool address_matches(const struct naive *n, const struct nsg_address *f, uint32_t a,
			    bool is_source, uint64_t *events)
{
	switch (f->kind) {
	case NSG_ADDRESS_ANY:
		return true;
	case NSG_ADDRESS_PREFIXES:
		return naive_in(f->prefixes.v, f->prefixes.n, a);
	case NSG_ADDRESS_TAG:
		return in_tag(n, f->tag, a, events);
	case NSG_ADDRESS_MIXED:
		for (size_t i = 0; n->bug != BUG_ADMIN_TAGS_IGNORED && i < f->tags.n; i++)
			if (in_tag(n, f->tags.v[i], a, events))
				return true;
		return naive_in(f->prefixes.v, f->prefixes.n, a);
	case NSG_ADDRESS_ASGS:
		for (size_t i = 0; !is_source && i < f->asgs.n; i++)
			if (asg_holds(n, f->asgs.v[i], a)) {
				events[EVENT_ASG_MATCH]++;
				return true;
			}
		return false;
	}
	return false;
}

static bool ports_match(const struct naive *n, const struct nsg_port_range *v, size_t count,
			const struct nsg_key *key, uint16_t port, uint64_t *events)
{
	if (key->protocol != NSG_PROTOCOL_TCP && key->protocol != NSG_PROTOCOL_UDP) {
		events[EVENT_PORTLESS]++;
		return n->bug == BUG_PORTLESS_MATCH;
	}
	for (size_t i = 0; i < count; i++)
		if (v[i].lo <= port && port <= v[i].hi)
			return true;
	return false;
}

bool naive_rule_matches(const struct naive *n, const struct nsg_rule *r, const struct nsg_key *key,
			bool skip_dst, uint64_t *events)
{
	return (r->protocol == NSG_PROTOCOL_ANY || r->protocol == key->protocol) &&
	       address_matches(n, &r->src, key->src_host, true, events) &&
	       (skip_dst || address_matches(n, &r->dst, key->dst_host, false, events)) &&
	       ports_match(n, r->src_ports, r->n_src_ports, key, key->sport_host, events) &&
	       ports_match(n, r->dst_ports, r->n_dst_ports, key, key->dport_host, events);
}

static int by_priority(const void *a, const void *b)
{
	const struct nsg_rule *const *x = a, *const *y = b;

	return (int)(*x)->priority - (int)(*y)->priority;
}

static struct nsg_address tag_address(const char *tag)
{
	return (struct nsg_address){.kind = tag ? NSG_ADDRESS_TAG : NSG_ADDRESS_ANY, .tag = tag};
}

void naive_build_rules(struct naive *n)
{
	static const struct {
		const char *name, *src, *dst;
		uint16_t priority;
		enum nsg_access access;
	} defaults[] = {
	    {"AllowVnetOutBound", "VirtualNetwork", "VirtualNetwork", 65000, NSG_ALLOW},
	    {"AllowInternetOutBound", NULL, "Internet", 65001, NSG_ALLOW},
	    {"DenyAllOutBound", NULL, NULL, 65500, NSG_DENY},
	};

	if (!n->nsg)
		return;
	n->all_ports = (struct nsg_port_range){0, 65535};
	n->rules = calloc(n->nsg->n_rules + 3, sizeof(*n->rules));
	if (!n->rules)
		abort();
	for (size_t i = 0; i < n->nsg->n_rules; i++)
		n->rules[n->n_rules++] = &n->nsg->rules[i];
	for (size_t i = 0; i < NSG_ARRAY_SIZE(defaults); i++) {
		bool there = false;

		for (size_t k = 0; k < n->nsg->n_rules; k++)
			there |= n->nsg->rules[k].is_default &&
				 !strcasecmp(n->nsg->rules[k].name, defaults[i].name);
		if (there)
			continue;
		n->defaults[i] = (struct nsg_rule){.name = defaults[i].name,
						   .priority = defaults[i].priority,
						   .access = defaults[i].access,
						   .is_default = true,
						   .protocol = NSG_PROTOCOL_ANY,
						   .src = tag_address(defaults[i].src),
						   .dst = tag_address(defaults[i].dst),
						   .src_ports = &n->all_ports,
						   .n_src_ports = 1,
						   .dst_ports = &n->all_ports,
						   .n_dst_ports = 1};
		n->rules[n->n_rules++] = &n->defaults[i];
	}
	if (n->bug != BUG_FIRST_IN_DOCUMENT)
		qsort(n->rules, n->n_rules, sizeof(*n->rules), by_priority);
}
