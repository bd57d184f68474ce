/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/policy_build.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

/* Documents of one kind a test needs; arrays do not move, so that pointers into them stay good. */
#define ROOM 1024

static void *need(void *p)
{
	if (!p)
		abort();
	return p;
}

static void *room(struct policy_build *b, size_t size)
{
	return need(nsg_arena_array(&b->p->arena, ROOM, size));
}

#define NEXT(array, n)                                                                             \
	({                                                                                         \
		if ((n) == ROOM)                                                                   \
			abort();                                                                   \
		&(array)[(n)++];                                                                   \
	})

const char *policy_build_printf(struct policy_build *b, const char *format, ...)
{
	char *text = NULL, *kept;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		abort();
	va_end(args);
	kept = need(nsg_arena_strdup(&b->p->arena, text));
	free(text);
	return kept;
}

struct nsg_strings policy_build_strings(struct policy_build *b, const char *list)
{
	struct nsg_strings s = {.v = room(b, sizeof(*s.v))};
	char *copy = need(nsg_arena_strdup(&b->p->arena, list)), *save = NULL;

	for (char *t = strtok_r(copy, " ", &save); t; t = strtok_r(NULL, " ", &save))
		*NEXT(s.v, s.n) = t;
	return s;
}

static struct nsg_prefix prefix_of(const char *text, bool *ret_ip6)
{
	struct nsg_prefix p = {0};
	bool masked;

	switch (nsg_prefix_parse(text, &p, &masked)) {
	case NSG_PREFIX_IP4:
		*ret_ip6 = false;
		return p;
	case NSG_PREFIX_IP6:
		*ret_ip6 = true;
		return p;
	case NSG_PREFIX_INVALID:
		break;
	}
	abort();
}

static struct nsg_prefixes prefixes_of(struct policy_build *b, const char *list)
{
	struct nsg_strings s = policy_build_strings(b, list);
	struct nsg_prefixes p = {.v = room(b, sizeof(*p.v))};

	for (size_t i = 0; i < s.n; i++) {
		bool ip6;
		struct nsg_prefix x = prefix_of(s.v[i], &ip6);

		if (ip6)
			p.n_ip6++;
		else
			*NEXT(p.v, p.n) = x;
	}
	return p;
}

static uint32_t *addrs_of(struct policy_build *b, const char *list, size_t *ret_n)
{
	struct nsg_strings s = policy_build_strings(b, list);
	uint32_t *v = room(b, sizeof(*v));

	for (size_t i = 0; i < s.n; i++)
		if (nsg_ip4_parse(s.v[i], &v[i]))
			abort();
	*ret_n = s.n;
	return v;
}

struct policy_build *policy_build_new(void)
{
	struct policy_build *b = need(calloc(1, sizeof(*b)));
	struct nsg_policy *p = b->p = need(calloc(1, sizeof(*p)));

	b->options =
	    (struct nsg_options){.profile = nsg_profile_find("2020-04"), .route_all = NSG_UNSET};
	p->directory = "policy";
	p->vnets = room(b, sizeof(*p->vnets));
	p->nsgs = room(b, sizeof(*p->nsgs));
	p->route_tables = room(b, sizeof(*p->route_tables));
	p->bgp_routes = room(b, sizeof(*p->bgp_routes));
	p->gateways = room(b, sizeof(*p->gateways));
	p->tag_documents = room(b, sizeof(*p->tag_documents));
	p->app_settings = room(b, sizeof(*p->app_settings));
	p->sites = room(b, sizeof(*p->sites));
	p->integrations = room(b, sizeof(*p->integrations));
	p->plans = room(b, sizeof(*p->plans));
	p->private_endpoints = room(b, sizeof(*p->private_endpoints));
	p->nics = room(b, sizeof(*p->nics));
	p->asgs = room(b, sizeof(*p->asgs));
	return b;
}

void policy_build_free(struct policy_build *b)
{
	nsg_effective_free(b->e);
	nsg_policy_free(b->p);
	nsg_diag_done(&b->diag);
	free(b);
}

struct nsg_vnet *policy_build_vnet(struct policy_build *b, const char *name, const char *space)
{
	struct nsg_vnet *v = NEXT(b->p->vnets, b->p->n_vnets);

	*v = (struct nsg_vnet){
	    .id = policy_build_printf(b, TEST_NETWORK "virtualNetworks/%s", name),
	    .name = name,
	    .location = "",
	    .space = prefixes_of(b, space),
	    .subnets = room(b, sizeof(*v->subnets)),
	    .peerings = room(b, sizeof(*v->peerings)),
	};
	return v;
}

struct nsg_subnet *policy_build_subnet(struct policy_build *b, struct nsg_vnet *v, const char *name,
				       const char *prefixes)
{
	struct nsg_subnet *s = NEXT(v->subnets, v->n_subnets);

	*s = (struct nsg_subnet){
	    .id = policy_build_printf(b, "%s/subnets/%s", v->id, name),
	    .name = name,
	    .prefixes = prefixes_of(b, prefixes),
	    .nsg_id = "",
	    .route_table_id = "",
	    .endpoints = room(b, sizeof(*s->endpoints)),
	    .endpoint_policies = "",
	};
	return s;
}

void policy_build_delegate(struct policy_build *b, struct nsg_subnet *s, const char *service)
{
	s->delegations = policy_build_strings(b, service);
}

void policy_build_endpoint(struct policy_build *b, struct nsg_subnet *s, const char *service,
			   const char *locations)
{
	*NEXT(s->endpoints, s->n_endpoints) = (struct nsg_service_endpoint){
	    .service = service, .locations = policy_build_strings(b, locations)};
}

struct nsg_vnet *policy_build_usual(struct policy_build *b)
{
	struct nsg_vnet *v = policy_build_vnet(b, "vnet-app", "10.0.0.0/16");

	v->location = "westeurope";
	policy_build_delegate(b, policy_build_subnet(b, v, "snet-int", "10.0.1.0/26"),
			      "Microsoft.Web/serverFarms");
	return v;
}

struct nsg_peering *policy_build_peering(struct policy_build *b, struct nsg_vnet *v,
					 const char *name, const char *remote, const char *space)
{
	struct nsg_peering *p = NEXT(v->peerings, v->n_peerings);

	*p = (struct nsg_peering){
	    .name = name,
	    .remote_id = policy_build_printf(b, TEST_NETWORK "virtualNetworks/%s", remote),
	    .state = "Connected",
	    .allow_access = NSG_TRUE,
	    .use_remote_gateways = NSG_UNSET,
	    .complete = NSG_UNSET,
	    .only_ip6 = NSG_UNSET,
	    .remote_space = prefixes_of(b, space),
	};
	return p;
}

struct nsg_nsg *policy_build_nsg(struct policy_build *b, const char *name)
{
	struct nsg_nsg *g = NEXT(b->p->nsgs, b->p->n_nsgs);

	*g = (struct nsg_nsg){
	    .id =
		*name ? policy_build_printf(b, TEST_NETWORK "networkSecurityGroups/%s", name) : "",
	    .name = name,
	    .rules = room(b, sizeof(*g->rules)),
	};
	return g;
}

static struct nsg_address address_of(struct policy_build *b, const char *text)
{
	struct nsg_address a = {.kind = NSG_ADDRESS_ANY, .tag = ""};

	if (!strcmp(text, "*"))
		return a;
	if (!strncmp(text, "asg:", 4)) {
		a.kind = NSG_ADDRESS_ASGS;
		a.asgs = policy_build_strings(
		    b,
		    policy_build_printf(b, TEST_NETWORK "applicationSecurityGroups/%s", text + 4));
		return a;
	}
	if (text[0] >= '0' && text[0] <= '9') {
		a.kind = NSG_ADDRESS_PREFIXES;
		a.prefixes = prefixes_of(b, text);
		return a;
	}
	a.kind = NSG_ADDRESS_TAG;
	a.tag = text;
	return a;
}

static struct nsg_port_range *ports_of(struct policy_build *b, const char *text, size_t *ret_n)
{
	struct nsg_strings s = policy_build_strings(b, strcmp(text, "*") ? text : "0-65535");
	struct nsg_port_range *v = room(b, sizeof(*v));

	for (size_t i = 0; i < s.n; i++) {
		unsigned int lo, hi;

		if (sscanf(s.v[i], "%u-%u", &lo, &hi) == 1)
			hi = lo;
		v[i] = (struct nsg_port_range){(uint16_t)lo, (uint16_t)hi};
	}
	*ret_n = s.n;
	return v;
}

struct nsg_rule *policy_build_rule(struct policy_build *b, struct nsg_nsg *g, const char *name,
				   unsigned int priority, enum nsg_access access,
				   const char *protocol, const char *src, const char *dst,
				   const char *dst_ports)
{
	struct nsg_rule *r = NEXT(g->rules, g->n_rules);
	uint8_t number = 0;

	if (strcmp(protocol, "*") && nsg_protocol_parse(protocol, &number))
		abort();
	*r = (struct nsg_rule){
	    .name = name,
	    .priority = (uint16_t)priority,
	    .access = access,
	    .protocol = strcmp(protocol, "*") ? number : NSG_PROTOCOL_ANY,
	    .src = address_of(b, src),
	    .dst = address_of(b, dst),
	};
	r->src_ports = ports_of(b, "*", &r->n_src_ports);
	r->dst_ports = ports_of(b, dst_ports, &r->n_dst_ports);
	return r;
}

struct nsg_route_table *policy_build_table(struct policy_build *b, const char *name)
{
	struct nsg_route_table *t = NEXT(b->p->route_tables, b->p->n_route_tables);

	*t = (struct nsg_route_table){
	    .id = *name ? policy_build_printf(b, TEST_NETWORK "routeTables/%s", name) : "",
	    .name = name,
	    .routes = room(b, sizeof(*t->routes)),
	};
	return t;
}

struct nsg_route *policy_build_route(struct policy_build *b, struct nsg_route_table *t,
				     const char *name, const char *to, enum nsg_hop_type type,
				     const char *hops)
{
	struct nsg_route *r = NEXT(t->routes, t->n_routes);

	*r = (struct nsg_route){.name = name, .hop_type = type};
	if (to[0] >= '0' && to[0] <= '9')
		r->prefix = prefix_of(to, &r->is_ip6);
	else
		r->tag = to;
	r->hops_host = addrs_of(b, hops, &r->n_hops);
	return r;
}

void policy_build_bgp(struct policy_build *b, const char *prefix, const char *hops)
{
	struct nsg_bgp_route *r = NEXT(b->p->bgp_routes, b->p->n_bgp_routes);
	bool ip6;

	r->prefix = prefix_of(prefix, &ip6);
	r->hops_host = addrs_of(b, hops, &r->n_hops);
}

struct nsg_bgp_route *policy_build_learned(struct policy_build *b, const char *prefix,
					   const char *local, const char *next_hop)
{
	struct nsg_bgp_route *r = NEXT(b->p->bgp_routes, b->p->n_bgp_routes);
	bool ip6;

	*r = (struct nsg_bgp_route){.prefix = prefix_of(prefix, &ip6), .list = NSG_LIST_LEARNED};
	if (*local)
		(void)nsg_ip4_parse(local, &r->local_host);
	if (*next_hop)
		(void)nsg_ip4_parse(next_hop, &r->next_hop_host);
	return r;
}

void policy_build_gateway(struct policy_build *b, const char *name, const char *prefixes)
{
	*NEXT(b->p->gateways, b->p->n_gateways) =
	    (struct nsg_gateway){.id = "", .name = name, .prefixes = prefixes_of(b, prefixes)};
}

struct nsg_tag_document *policy_build_tags(struct policy_build *b)
{
	struct nsg_tag_document *d = NEXT(b->p->tag_documents, b->p->n_tag_documents);

	*d = (struct nsg_tag_document){.cloud = "", .tags = room(b, sizeof(*d->tags))};
	return d;
}

void policy_build_tag(struct policy_build *b, struct nsg_tag_document *d, const char *name,
		      const char *region, const char *prefixes)
{
	*NEXT(d->tags, d->n_tags) =
	    (struct nsg_tag){.name = name, .region = region, .prefixes = prefixes_of(b, prefixes)};
}

struct nsg_site *policy_build_site(struct policy_build *b, const char *name, const char *subnet_id)
{
	struct nsg_site *s = NEXT(b->p->sites, b->p->n_sites);

	*s = (struct nsg_site){
	    .id = policy_build_printf(b, TEST_WEB "sites/%s", name),
	    .name = name,
	    .location = "",
	    .plan_id = "",
	    .subnet_id = subnet_id,
	    .is_linux = NSG_UNSET,
	    .sku = "",
	    .route_all = {{NSG_UNSET}, {NSG_UNSET}, {NSG_UNSET}, {NSG_UNSET}},
	};
	return s;
}

struct nsg_integration *policy_build_integration(struct policy_build *b, const char *subnet_id)
{
	struct nsg_integration *i = NEXT(b->p->integrations, b->p->n_integrations);

	*i = (struct nsg_integration){.name = "integration",
				      .subnet_id = subnet_id,
				      .vnet_id = "",
				      .site_id = "",
				      .is_swift = NSG_UNSET};
	return i;
}

struct nsg_plan *policy_build_plan(struct policy_build *b, const char *name, const char *tier,
				   const char *sku)
{
	struct nsg_plan *p = NEXT(b->p->plans, b->p->n_plans);

	*p = (struct nsg_plan){.id = policy_build_printf(b, TEST_WEB "serverfarms/%s", name),
			       .name = name,
			       .location = "",
			       .tier = tier,
			       .sku = sku,
			       .subnet_id = "",
			       .is_linux = NSG_UNSET};
	return p;
}

struct nsg_app_setting *policy_build_setting(struct policy_build *b, const char *site_id, int value)
{
	struct nsg_app_setting *s = NEXT(b->p->app_settings, b->p->n_app_settings);

	*s = (struct nsg_app_setting){
	    .name = "WEBSITE_VNET_ROUTE_ALL", .site_id = site_id, .server = ""};
	s->value = value;
	return s;
}

void policy_build_dns_server(struct policy_build *b, const char *site_id, const char *server)
{
	struct nsg_app_setting *s = policy_build_setting(b, site_id, NSG_ROUTE_ALL_EMPTY);

	s->key = NSG_SETTING_DNS_SERVER;
	s->name = "WEBSITE_DNS_SERVER";
	s->server = server;
}

struct nsg_private_endpoint *policy_build_private(struct policy_build *b, const char *name,
						  const char *subnet_id, const char *addrs)
{
	struct nsg_private_endpoint *p = NEXT(b->p->private_endpoints, b->p->n_private_endpoints);

	*p = (struct nsg_private_endpoint){
	    .id = policy_build_printf(b, TEST_NETWORK "privateEndpoints/%s", name),
	    .name = name,
	    .subnet_id = subnet_id,
	};
	p->addrs_host = addrs_of(b, addrs, &p->n_addrs);
	return p;
}

struct nsg_nic *policy_build_nic(struct policy_build *b, const char *name, const char *subnet_id,
				 const char *addr, const char *asgs)
{
	struct nsg_nic *n = NEXT(b->p->nics, b->p->n_nics);
	struct nsg_ip_configuration *c = room(b, sizeof(*c));

	*n = (struct nsg_nic){
	    .id = policy_build_printf(b, TEST_NETWORK "networkInterfaces/%s", name),
	    .name = name,
	    .private_endpoint_id = "",
	    .configurations = c,
	    .n_configurations = 1,
	};
	*c = (struct nsg_ip_configuration){.subnet_id = subnet_id,
					   .asgs = policy_build_strings(b, asgs)};
	for (size_t i = 0; i < c->asgs.n; i++)
		c->asgs.v[i] = policy_build_printf(b, TEST_NETWORK "applicationSecurityGroups/%s",
						   c->asgs.v[i]);
	c->has_addr = *addr && !nsg_ip4_parse(addr, &c->addr_host);
	return n;
}

void policy_build_asg(struct policy_build *b, const char *name)
{
	*NEXT(b->p->asgs, b->p->n_asgs) = (struct nsg_asg){
	    .id = policy_build_printf(b, TEST_NETWORK "applicationSecurityGroups/%s", name),
	    .name = name,
	};
}

int policy_build_make(struct policy_build *b)
{
	b->e = nsg_effective_free(b->e);
	nsg_diag_done(&b->diag);
	memset(&b->diag, 0, sizeof(b->diag));
	return nsg_effective_new(b->p, &b->options, &b->diag, &b->e);
}

bool policy_build_told(const struct policy_build *b, enum nsg_severity severity, const char *code,
		       const char *text)
{
	for (size_t i = 0; i < b->diag.n; i++) {
		const struct nsg_diag_record *r = &b->diag.v[i];

		if (r->severity == severity && strstr(r->text, text) &&
		    (!code || (r->code && !strcmp(r->code, code))))
			return true;
	}
	return false;
}

size_t policy_build_count(const struct policy_build *b, enum nsg_severity severity)
{
	size_t n = 0;

	for (size_t i = 0; i < b->diag.n; i++)
		n += b->diag.v[i].severity == severity;
	return n;
}
