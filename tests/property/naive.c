/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "naive.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/cleanup.h"
#include "util/macro.h"
#include "util/vec.h"

struct row {
	struct nsg_prefix prefix;
	enum nsg_route_source source;
	enum nsg_hop_type type;
	const char *name;
	const char *tag; /* of a UDR; NULL: explicit */
	uint32_t hops[64];
	size_t n_hops;
	bool gone; /* a None row that is not there */
	int gone_by;
	bool global;
	/* private endpoints */
	bool policies_on;
	unsigned int vnet_len;
};

struct naive {
	const struct nsg_policy *policy;
	const struct nsg_options *options;
	enum naive_bug bug;
	bool current, is_linux, route_all;
	const struct nsg_vnet *vnet;
	const struct nsg_subnet *subnet;
	const struct nsg_nsg *nsg;
	const struct nsg_route_table *table;
	const struct nsg_tag_document *tags;
	NSG_VEC(struct row) rows;
	NSG_VEC(struct nsg_prefix) peers; /* connected */
	NSG_VEC(struct nsg_prefix) endpoints;
	const struct nsg_rule **rules; /* in the order they are tried */
	size_t n_rules;
	struct nsg_rule defaults[3];
	struct nsg_port_range all_ports;
};

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

#define PUSH(vec, element)                                                                         \
	do {                                                                                       \
		if (nsg_vec_push(vec, element))                                                    \
			abort();                                                                   \
	} while (0)

static bool in(const struct nsg_prefix *v, size_t n, uint32_t a)
{
	for (size_t i = 0; i < n; i++)
		if (nsg_prefix_contains(v[i], a))
			return true;
	return false;
}

static bool same_blankless(const char *a, const char *b)
{
	for (;; a++, b++) {
		while (*a == ' ')
			a++;
		while (*b == ' ')
			b++;
		if (!*a || strncasecmp(a, b, 1))
			return !*a && !*b;
	}
}

static const struct nsg_tag *find_tag(const struct naive *n, const char *name)
{
	for (size_t i = 0; n->tags && i < n->tags->n_tags; i++)
		if (!strcasecmp(n->tags->tags[i].name, name))
			return &n->tags->tags[i];
	return NULL;
}

/* ---- peers ---------------------------------------------------------------------------------- */

static bool connected(const struct nsg_peering *p)
{
	return (!*p->state || !strcasecmp(p->state, "Connected")) && p->allow_access != NSG_FALSE;
}

static const struct nsg_vnet *vnet_of_id(const struct naive *n, const char *id)
{
	for (size_t i = 0; i < n->policy->n_vnets; i++)
		if (!strcasecmp(n->policy->vnets[i].id, id))
			return &n->policy->vnets[i];
	return NULL;
}

static bool is_global(const struct naive *n, const struct nsg_peering *p)
{
	const struct nsg_vnet *remote = vnet_of_id(n, p->remote_id);

	return remote && *remote->location && *n->vnet->location &&
	       !same_blankless(remote->location, n->vnet->location);
}

static const struct nsg_prefixes *peer_ranges(const struct naive *n, const struct nsg_peering *p)
{
	const struct nsg_vnet *remote = vnet_of_id(n, p->remote_id);

	if (p->remote_space.n)
		return &p->remote_space;
	if (p->remote_vnet_space.n)
		return &p->remote_vnet_space;
	return remote ? &remote->space : &p->remote_space;
}

/* ---- rows ----------------------------------------------------------------------------------- */

static struct row *add_row(struct naive *n, struct nsg_prefix prefix, enum nsg_route_source source,
			   enum nsg_hop_type type)
{
	struct row r = {.prefix = prefix, .source = source, .type = type};

	PUSH(&n->rows, r);
	return &n->rows.v[n->rows.n - 1];
}

static void add_endpoint_tag(struct naive *n, const struct nsg_tag *tag)
{
	for (size_t i = 0; i < tag->prefixes.n; i++) {
		PUSH(&n->endpoints, tag->prefixes.v[i]);
		add_row(n, tag->prefixes.v[i], NSG_SOURCE_DEFAULT, NSG_HOP_SERVICE_ENDPOINT);
	}
}

/* One location: Tag.location, else the regional tag whose region it is, else the whole tag. */
static void add_endpoint_location(struct naive *n, const char *tag, const char *location)
{
	for (size_t i = 0; i < n->tags->n_tags; i++) {
		const struct nsg_tag *t = &n->tags->tags[i];
		const size_t len = strlen(tag);

		if (!strncasecmp(t->name, tag, len) && t->name[len] == '.' &&
		    same_blankless(t->name + len + 1, location)) {
			add_endpoint_tag(n, t);
			return;
		}
	}
	for (size_t i = 0; i < n->tags->n_tags; i++) {
		const struct nsg_tag *t = &n->tags->tags[i];
		const size_t len = strlen(tag);

		if (!strncasecmp(t->name, tag, len) && t->name[len] == '.' && *t->region &&
		    same_blankless(t->region, location)) {
			add_endpoint_tag(n, t);
			return;
		}
	}
	add_endpoint_tag(n, find_tag(n, tag));
}

static void add_endpoints(struct naive *n)
{
	static const char *const services[][2] = {
	    {"Microsoft.Storage", "Storage"},
	    {"Microsoft.Storage.Global", "Storage"},
	    {"Microsoft.Sql", "Sql"},
	    {"Microsoft.AzureCosmosDB", "AzureCosmosDB"},
	    {"Microsoft.KeyVault", "AzureKeyVault"},
	    {"Microsoft.ServiceBus", "ServiceBus"},
	    {"Microsoft.EventHub", "EventHub"},
	    {"Microsoft.Web", "AppService"},
	    {"Microsoft.CognitiveServices", "CognitiveServicesManagement"},
	    {"Microsoft.ContainerRegistry", "AzureContainerRegistry"},
	    {"Microsoft.AzureActiveDirectory", "AzureActiveDirectory"},
	};

	for (size_t i = 0; i < n->subnet->n_endpoints; i++) {
		const struct nsg_service_endpoint *e = &n->subnet->endpoints[i];
		const char *tag = NULL;
		bool everywhere = !e->locations.n;

		for (size_t k = 0; k < NSG_ARRAY_SIZE(services); k++)
			if (!strcasecmp(e->service, services[k][0]))
				tag = services[k][1];
		if (!tag)
			continue;
		for (size_t k = 0; k < e->locations.n; k++)
			everywhere |= !strcmp(e->locations.v[k], "*");
		if (everywhere)
			add_endpoint_tag(n, find_tag(n, tag));
		else
			for (size_t k = 0; k < e->locations.n; k++)
				add_endpoint_location(n, tag, e->locations.v[k]);
	}
}

static void add_hop(struct row *r, uint32_t hop)
{
	for (size_t i = 0; i < r->n_hops; i++)
		if (r->hops[i] == hop)
			return;
	if (r->n_hops < NSG_ARRAY_SIZE(r->hops))
		r->hops[r->n_hops++] = hop;
}

static void add_bgp(struct naive *n)
{
	if (n->table && n->table->disable_bgp)
		return;
	for (size_t i = 0; i < n->policy->n_bgp_routes; i++) {
		const struct nsg_bgp_route *b = &n->policy->bgp_routes[i];
		struct row *r = NULL;

		for (size_t k = 0; k < n->rows.n; k++)
			if (n->rows.v[k].source == NSG_SOURCE_GATEWAY &&
			    nsg_prefix_equal(n->rows.v[k].prefix, b->prefix))
				r = &n->rows.v[k];
		if (!r)
			r = add_row(n, b->prefix, NSG_SOURCE_GATEWAY, NSG_HOP_GATEWAY);
		for (size_t k = 0; k < b->n_hops; k++)
			add_hop(r, b->hops_host[k]);
	}
}

static void add_udr(struct naive *n, const struct nsg_route *u, struct nsg_prefix prefix)
{
	struct row *r = add_row(n, prefix, NSG_SOURCE_USER, u->hop_type);

	r->name = u->name;
	r->tag = u->tag;
	for (size_t i = 0; i < u->n_hops; i++)
		add_hop(r, u->hops_host[i]);
}

static void add_udrs(struct naive *n)
{
	for (size_t i = 0; n->table && i < n->table->n_routes; i++) {
		const struct nsg_route *u = &n->table->routes[i];

		if (u->is_ip6)
			continue;
		if (!u->tag) {
			add_udr(n, u, u->prefix);
		} else {
			const struct nsg_tag *t = find_tag(n, u->tag);

			for (size_t k = 0; k < t->prefixes.n; k++)
				add_udr(n, u, t->prefixes.v[k]);
		}
	}
}

static bool holds_subnet(const struct nsg_vnet *v, const char *subnet_id)
{
	const size_t len = strlen(v->id);

	return !strncasecmp(v->id, subnet_id, len) && subnet_id[len] == '/';
}

static void add_private_endpoint(struct naive *n, const struct nsg_private_endpoint *pe,
				 uint32_t addr)
{
	bool reachable = holds_subnet(n->vnet, pe->subnet_id);
	const struct nsg_vnet *home = NULL;
	struct row *r;

	for (size_t i = 0; i < n->vnet->n_peerings; i++) {
		const struct nsg_peering *p = &n->vnet->peerings[i];
		const struct nsg_vnet *remote = vnet_of_id(n, p->remote_id);

		if (remote && connected(p) && holds_subnet(remote, pe->subnet_id) &&
		    (n->current || n->bug == BUG_GLOBAL_REACHABLE || !is_global(n, p)))
			reachable = true;
	}
	if (!reachable)
		return;
	for (size_t i = 0; i < n->policy->n_vnets; i++)
		if (holds_subnet(&n->policy->vnets[i], pe->subnet_id))
			home = &n->policy->vnets[i];
	r = add_row(n, (struct nsg_prefix){addr, 32}, NSG_SOURCE_DEFAULT,
		    NSG_HOP_INTERFACE_ENDPOINT);
	for (size_t i = 0; home && i < home->space.n; i++)
		if (nsg_prefix_contains(home->space.v[i], addr))
			r->vnet_len = home->space.v[i].len;
	for (size_t i = 0; home && i < home->n_subnets; i++)
		if (!strcasecmp(home->subnets[i].id, pe->subnet_id))
			r->policies_on =
			    !strcasecmp(home->subnets[i].endpoint_policies, "Enabled") ||
			    !strcasecmp(home->subnets[i].endpoint_policies, "RouteTableEnabled");
}

static void add_private_endpoints(struct naive *n)
{
	for (size_t i = 0; i < n->policy->n_private_endpoints; i++) {
		const struct nsg_private_endpoint *pe = &n->policy->private_endpoints[i];

		for (size_t k = 0; k < pe->n_addrs; k++)
			add_private_endpoint(n, pe, pe->addrs_host[k]);
		for (size_t k = 0; k < n->policy->n_nics; k++) {
			const struct nsg_nic *nic = &n->policy->nics[k];
			bool its = *nic->private_endpoint_id &&
				   !strcasecmp(nic->private_endpoint_id, pe->id);

			for (size_t m = 0; m < pe->nic_ids.n; m++)
				its |= !strcasecmp(pe->nic_ids.v[m], nic->id);
			for (size_t m = 0; its && m < nic->n_configurations; m++)
				if (nic->configurations[m].has_addr)
					add_private_endpoint(n, pe,
							     nic->configurations[m].addr_host);
		}
	}
}

/* The rules about None rows: three ways to go. */
static int none_gone(const struct naive *n, struct nsg_prefix none)
{
	bool udr_default = false, udr_elsewhere = false, bgp_default = false;

	for (size_t i = 0; i < n->vnet->space.n; i++)
		if (nsg_prefix_covers(n->vnet->space.v[i], none))
			return EVENT_NONE_GONE_BY_VNET;
	for (size_t i = 0; i < n->rows.n; i++) {
		const struct row *r = &n->rows.v[i];

		if (r->source == NSG_SOURCE_DEFAULT)
			continue;
		if (nsg_prefix_equal(r->prefix, none))
			return EVENT_NONE_GONE_BY_PREFIX;
		if (r->prefix.len)
			continue;
		if (r->source == NSG_SOURCE_GATEWAY) {
			bgp_default = true;
		} else {
			udr_default = true;
			udr_elsewhere |= r->type != NSG_HOP_INTERNET && r->type != NSG_HOP_NONE;
		}
	}
	if (udr_elsewhere && n->bug != BUG_NONE_ROWS_STAY)
		return EVENT_NONE_GONE_BY_UDR_DEFAULT;
	return bgp_default && !udr_default ? EVENT_NONE_GONE_BY_BGP_DEFAULT : -1;
}

static void build_rows(struct naive *n)
{
	const struct nsg_profile *profile = n->options->profile;

	for (size_t i = 0; i < n->vnet->space.n; i++)
		add_row(n, n->vnet->space.v[i], NSG_SOURCE_DEFAULT, NSG_HOP_VNET_LOCAL);
	for (size_t i = 0; i < n->vnet->n_peerings; i++) {
		const struct nsg_peering *p = &n->vnet->peerings[i];
		const struct nsg_prefixes *ranges = peer_ranges(n, p);

		for (size_t k = 0; connected(p) && k < ranges->n; k++) {
			bool global = is_global(n, p);

			PUSH(&n->peers, ranges->v[k]);
			add_row(n, ranges->v[k], NSG_SOURCE_DEFAULT,
				global ? NSG_HOP_VNET_GLOBAL_PEERING : NSG_HOP_VNET_PEERING)
			    ->global = global;
		}
	}
	add_row(n, (struct nsg_prefix){0, 0}, NSG_SOURCE_DEFAULT, NSG_HOP_INTERNET);
	add_bgp(n);
	add_endpoints(n);
	add_private_endpoints(n);
	add_udrs(n);
	for (size_t i = 0; i < profile->n_none_rows; i++) {
		const struct nsg_prefix none = profile->none_rows[i];
		int by = none_gone(n, none);

		add_row(n, none, NSG_SOURCE_DEFAULT, NSG_HOP_NONE);
		n->rows.v[n->rows.n - 1].gone = by >= 0;
		n->rows.v[n->rows.n - 1].gone_by = by;
	}
}

/* ---- tags ----------------------------------------------------------------------------------- */

static bool in_virtual_network(const struct naive *n, uint32_t a)
{
	if (a == NSG_IP_PLATFORM_DNS || in(n->vnet->space.v, n->vnet->space.n, a) ||
	    in(n->peers.v, n->peers.n, a))
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

static bool in_internet(const struct naive *n, uint32_t a)
{
	const struct nsg_profile *p = n->options->profile;

	if (in(p->internet_holes, p->n_internet_holes, a) ||
	    in(n->vnet->space.v, n->vnet->space.n, a) || in(n->peers.v, n->peers.n, a))
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
		return in_virtual_network(n, a);
	if (!strcasecmp(tag, "Internet"))
		return in_internet(n, a);
	if (!strcasecmp(tag, "AzureLoadBalancer"))
		return a == NSG_IP_PLATFORM_DNS;
	if (!strncasecmp(tag, "AzurePlatform", strlen("AzurePlatform")))
		return false;
	t = find_tag(n, tag);
	if (!in(t->prefixes.v, t->prefixes.n, a))
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
		return in(f->prefixes.v, f->prefixes.n, a);
	case NSG_ADDRESS_TAG:
		return in_tag(n, f->tag, a, events);
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

static bool rule_matches(const struct naive *n, const struct nsg_rule *r, const struct nsg_key *key,
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

static void build_rules(struct naive *n)
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

static void show_rule(struct naive_answer *a, const struct nsg_rule *r)
{
	a->has_nsg = true;
	a->access = r->access;
	a->rule = r->name;
	a->rule_is_default = r->is_default;
	a->priority = r->priority;
}

/* ---- the decision --------------------------------------------------------------------------- */

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
		    (dns && !port53) || !rule_matches(n, r, key, true, events))
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
		if (rule_matches(n, n->rules[i], key, false, events)) {
			show_rule(a, n->rules[i]);
			events[EVENT_DEFAULT_RULE] += n->rules[i]->is_default;
			return;
		}
	/* A document may carry a DenyAllOutBound of its own that does not match everything. */
	a->access = NSG_DENY;
	a->rule = "?";
}

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

static const struct row *select_row(const struct naive *n, const struct nsg_key *key,
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
			      in(n->endpoints.v, n->endpoints.n, d);
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
	r = select_row(n, key, a.gate, events);
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
		n->route_all |= s->route_all == NSG_TRUE || s->all_traffic == NSG_TRUE ||
				s->application_traffic == NSG_TRUE;
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
	build_rows(n);
	build_rules(n);
	return n;
}

void naive_free(struct naive *n)
{
	nsg_vec_done(&n->rows);
	nsg_vec_done(&n->peers);
	nsg_vec_done(&n->endpoints);
	free(n->rules);
	free(n);
}
