/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether two loaded structs say the same. Each struct is described once, by a table of its fields;
 * places are in none of them. The order of a list counts only where Azure gives it a meaning: next
 * hops, and routes, the earlier of which wins a tie.
 */
#include "azure/same_priv.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "azure/reader_priv.h"
#include "util/cleanup.h"
#include "util/macro.h"

enum field_kind {
	FIELD_TEXT,	/* any case */
	FIELD_LOCATION, /* "West Europe" is westeurope */
	FIELD_ID,
	FIELD_IDS,
	FIELD_TEXTS,
	FIELD_PREFIXES,
	FIELD_BYTES,   /* numbers, flags, enums */
	FIELD_ARRAY,   /* of structs with a table */
	FIELD_PORTS,   /* array of port ranges */
	FIELD_NUMBERS, /* array of numbers, element by element */
};

struct fields;

struct field {
	enum field_kind kind;
	size_t at;   /* offset of the value, or of the array */
	size_t at_n; /* arrays: offset of the count */
	size_t size; /* FIELD_BYTES: its size; arrays: an element's */
	const struct fields *of;
};

#define IN_ORDER SIZE_MAX

struct fields {
	const struct field *v;
	size_t n;
	size_t
	    key; /* offset of the name that tells the elements of an array; IN_ORDER: their order */
};

/* clang-format off */
#define TABLE(fields) { fields, NSG_ARRAY_SIZE(fields), IN_ORDER }
#define TABLE_BY(fields, type, name) { fields, NSG_ARRAY_SIZE(fields), offsetof(type, name) }
#define SIZE(type, name) sizeof(((type *)0)->name)
#define TEXT(type, name) { FIELD_TEXT, offsetof(type, name), 0, 0, NULL }
#define LOCATION(type, name) { FIELD_LOCATION, offsetof(type, name), 0, 0, NULL }
#define ID(type, name) { FIELD_ID, offsetof(type, name), 0, 0, NULL }
#define IDS(type, name) { FIELD_IDS, offsetof(type, name), 0, 0, NULL }
#define TEXTS(type, name) { FIELD_TEXTS, offsetof(type, name), 0, 0, NULL }
#define PREFIXES(type, name) { FIELD_PREFIXES, offsetof(type, name), 0, 0, NULL }
#define BYTES(type, name) { FIELD_BYTES, offsetof(type, name), 0, SIZE(type, name), NULL }
#define ARRAY(type, name, element, table)                                                          \
	{ FIELD_ARRAY, offsetof(type, name), offsetof(type, n_##name), sizeof(element), table }
#define PORTS(type, name) { FIELD_PORTS, offsetof(type, name), offsetof(type, n_##name), 0, NULL }
#define NUMBERS(type, name, count, element)                                                        \
	{ FIELD_NUMBERS, offsetof(type, name), offsetof(type, count), sizeof(element), NULL }

/* clang-format on */

static const struct field rule_fields[] = {
    TEXT(struct nsg_rule, name),
    BYTES(struct nsg_rule, priority),
    BYTES(struct nsg_rule, access),
    BYTES(struct nsg_rule, is_default),
    BYTES(struct nsg_rule, protocol),
    BYTES(struct nsg_rule, src.kind),
    PREFIXES(struct nsg_rule, src.prefixes),
    TEXT(struct nsg_rule, src.tag),
    IDS(struct nsg_rule, src.asgs),
    BYTES(struct nsg_rule, dst.kind),
    PREFIXES(struct nsg_rule, dst.prefixes),
    TEXT(struct nsg_rule, dst.tag),
    IDS(struct nsg_rule, dst.asgs),
    PORTS(struct nsg_rule, src_ports),
    PORTS(struct nsg_rule, dst_ports),
};
static const struct fields rule_table = TABLE_BY(rule_fields, struct nsg_rule, name);

static const struct field route_fields[] = {
    TEXT(struct nsg_route, name),
    TEXT(struct nsg_route, tag),
    BYTES(struct nsg_route, prefix.addr_host),
    BYTES(struct nsg_route, prefix.len),
    BYTES(struct nsg_route, is_ip6),
    BYTES(struct nsg_route, hop_type),
    BYTES(struct nsg_route, ecmp),
    NUMBERS(struct nsg_route, hops_host, n_hops, uint32_t),
};
static const struct fields route_table = TABLE(route_fields);

static const struct field table_fields[] = {
    BYTES(struct nsg_route_table, disable_bgp),
    ARRAY(struct nsg_route_table, routes, struct nsg_route, &route_table),
};
static const struct fields table_table = TABLE(table_fields);

static const struct field endpoint_fields[] = {
    TEXT(struct nsg_service_endpoint, service),
    TEXTS(struct nsg_service_endpoint, locations),
};
static const struct fields endpoint_table =
    TABLE_BY(endpoint_fields, struct nsg_service_endpoint, service);

static const struct field subnet_fields[] = {
    TEXT(struct nsg_subnet, name),
    PREFIXES(struct nsg_subnet, prefixes),
    ID(struct nsg_subnet, nsg_id),
    ID(struct nsg_subnet, route_table_id),
    ARRAY(struct nsg_subnet, endpoints, struct nsg_service_endpoint, &endpoint_table),
    TEXTS(struct nsg_subnet, delegations),
    TEXT(struct nsg_subnet, endpoint_policies),
    BYTES(struct nsg_subnet, n_ip_configurations),
    BYTES(struct nsg_subnet, n_private_endpoints),
};
static const struct fields subnet_table = TABLE_BY(subnet_fields, struct nsg_subnet, name);

static const struct field peering_fields[] = {
    TEXT(struct nsg_peering, name),
    ID(struct nsg_peering, remote_id),
    TEXT(struct nsg_peering, state),
    BYTES(struct nsg_peering, allow_access),
    PREFIXES(struct nsg_peering, remote_space),
    PREFIXES(struct nsg_peering, remote_vnet_space),
};
static const struct fields peering_table = TABLE_BY(peering_fields, struct nsg_peering, name);

static const struct field vnet_fields[] = {
    LOCATION(struct nsg_vnet, location),
    BYTES(struct nsg_vnet, is_classic),
    PREFIXES(struct nsg_vnet, space),
    ARRAY(struct nsg_vnet, subnets, struct nsg_subnet, &subnet_table),
    ARRAY(struct nsg_vnet, peerings, struct nsg_peering, &peering_table),
    BYTES(struct nsg_vnet, flow_timeout_minutes),
};
static const struct fields vnet_table = TABLE(vnet_fields);

static const struct field site_fields[] = {
    LOCATION(struct nsg_site, location),
    ID(struct nsg_site, plan_id),
    ID(struct nsg_site, subnet_id),
    BYTES(struct nsg_site, is_linux),
    BYTES(struct nsg_site, route_all),
    BYTES(struct nsg_site, all_traffic),
    BYTES(struct nsg_site, application_traffic),
};
static const struct fields site_table = TABLE(site_fields);

static const struct field integration_fields[] = {
    TEXT(struct nsg_loose_integration, integration.name),
    ID(struct nsg_loose_integration, integration.subnet_id),
    ID(struct nsg_loose_integration, integration.vnet_id),
    ID(struct nsg_loose_integration, integration.site_id),
    BYTES(struct nsg_loose_integration, integration.is_swift),
};
static const struct fields integration_table = TABLE(integration_fields);

static const struct field plan_fields[] = {
    LOCATION(struct nsg_plan, location), TEXT(struct nsg_plan, tier),
    TEXT(struct nsg_plan, sku),		 BYTES(struct nsg_plan, instances),
    BYTES(struct nsg_plan, is_linux),
};
static const struct fields plan_table = TABLE(plan_fields);

static const struct field private_endpoint_fields[] = {
    ID(struct nsg_private_endpoint, subnet_id),
    IDS(struct nsg_private_endpoint, nic_ids),
    NUMBERS(struct nsg_private_endpoint, addrs_host, n_addrs, uint32_t),
};
static const struct fields private_endpoint_table = TABLE(private_endpoint_fields);

static const struct field configuration_fields[] = {
    BYTES(struct nsg_ip_configuration, has_addr),
    BYTES(struct nsg_ip_configuration, addr_host),
    ID(struct nsg_ip_configuration, subnet_id),
    IDS(struct nsg_ip_configuration, asgs),
};
static const struct fields configuration_table = TABLE(configuration_fields);

static const struct field nic_fields[] = {
    ID(struct nsg_nic, private_endpoint_id),
    ARRAY(struct nsg_nic, configurations, struct nsg_ip_configuration, &configuration_table),
};
static const struct fields nic_table = TABLE(nic_fields);

static const struct field nsg_fields[] = {
    BYTES(struct nsg_nsg, flush_connection),
};
static const struct fields nsg_table = TABLE(nsg_fields);

static const struct field asg_fields[] = {
    TEXT(struct nsg_asg, name),
};
static const struct fields asg_table = TABLE(asg_fields);

static const struct fields *const tables[] = {
    [NSG_RESOURCE_VNET] = &vnet_table,
    [NSG_RESOURCE_NSG] = &nsg_table,
    [NSG_RESOURCE_ROUTE_TABLE] = &table_table,
    [NSG_RESOURCE_SITE] = &site_table,
    [NSG_RESOURCE_INTEGRATION] = &integration_table,
    [NSG_RESOURCE_PLAN] = &plan_table,
    [NSG_RESOURCE_PRIVATE_ENDPOINT] = &private_endpoint_table,
    [NSG_RESOURCE_NIC] = &nic_table,
    [NSG_RESOURCE_ASG] = &asg_table,
    [NSG_RESOURCE_RULE] = &rule_table,
    [NSG_RESOURCE_ROUTE] = &route_table,
    [NSG_RESOURCE_SUBNET] = &subnet_table,
    [NSG_RESOURCE_PEERING] = &peering_table,
};

/* ---- comparing ------------------------------------------------------------------------------ */

static bool same_fields(struct nsg_sink *s, const struct fields *table, const void *a,
			const void *b);

static bool same_text(const char *a, const char *b)
{
	return !strcasecmp(a ? a : "", b ? b : "");
}

static bool same_location(const char *a, const char *b)
{
	for (;; a++, b++) {
		char x[2] = {0}, y[2] = {0};

		while (*a == ' ')
			a++;
		while (*b == ' ')
			b++;
		x[0] = *a;
		y[0] = *b;
		if (strcasecmp(x, y))
			return false;
		if (!*a)
			return true;
	}
}

static bool same_id(const char *a, const char *b)
{
	return (!*a && !*b) || nsg_id_equal(a, b);
}

static int by_text(const void *a, const void *b)
{
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_prefix(const void *a, const void *b)
{
	return nsg_prefix_compare(a, b);
}

static int by_port(const void *a, const void *b)
{
	const struct nsg_port_range *x = a, *y = b;

	return x->lo != y->lo ? (int)x->lo - (int)y->lo : (int)x->hi - (int)y->hi;
}

/* A copy in order, to be freed. */
static void *sorted(struct nsg_sink *s, const void *v, size_t n, size_t size,
		    int (*compare)(const void *a, const void *b))
{
	void *copy = malloc(n * size + 1);

	if (!copy) {
		s->no_memory = true;
		return NULL;
	}
	if (n)
		qsort(memcpy(copy, v, n * size), n, size, compare);
	return copy;
}

static bool same_list(const struct nsg_strings *a, const struct nsg_strings *b, bool ids)
{
	for (size_t i = 0; i < a->n; i++) {
		if (ids ? !same_id(a->v[i], b->v[i]) : !same_text(a->v[i], b->v[i]))
			return false;
	}
	return true;
}

static bool same_strings(struct nsg_sink *s, const struct nsg_strings *a,
			 const struct nsg_strings *b, bool ids)
{
	cleanup_free const char **va = NULL;
	cleanup_free const char **vb = NULL;

	if (a->n != b->n)
		return false;
	if (same_list(a, b, ids))
		return true;
	va = sorted(s, a->v, a->n, sizeof(*va), by_text);
	vb = sorted(s, b->v, b->n, sizeof(*vb), by_text);
	return va && vb &&
	       same_list(&(struct nsg_strings){.v = va, .n = a->n},
			 &(struct nsg_strings){.v = vb, .n = b->n}, ids);
}

static bool same_prefixes(struct nsg_sink *s, const struct nsg_prefixes *a,
			  const struct nsg_prefixes *b)
{
	cleanup_free struct nsg_prefix *va = NULL;
	cleanup_free struct nsg_prefix *vb = NULL;

	if (a->n != b->n || a->n_ip6 != b->n_ip6)
		return false;
	va = sorted(s, a->v, a->n, sizeof(*va), by_prefix);
	vb = sorted(s, b->v, b->n, sizeof(*vb), by_prefix);
	for (size_t i = 0; va && vb && i < a->n; i++) {
		if (!nsg_prefix_equal(va[i], vb[i]))
			return false;
	}
	return va && vb;
}

static bool same_ports(struct nsg_sink *s, const struct nsg_port_range *a,
		       const struct nsg_port_range *b, size_t n)
{
	cleanup_free struct nsg_port_range *va = sorted(s, a, n, sizeof(*va), by_port);
	cleanup_free struct nsg_port_range *vb = sorted(s, b, n, sizeof(*vb), by_port);

	return va && vb && !memcmp(va, vb, n * sizeof(*va));
}

static int by_name(const void *a, const void *b, void *key)
{
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;
	const size_t *at = key;

	return strcasecmp(*(const char *const *)(const void *)(x + *at),
			  *(const char *const *)(const void *)(y + *at));
}

static const char **sorted_elements(struct nsg_sink *s, const struct field *f, const char *v,
				    size_t n)
{
	const char **element = calloc(n ? n : 1, sizeof(*element));
	size_t key = f->of->key;

	if (!element) {
		s->no_memory = true;
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		element[i] = v + i * f->size;
	if (key != IN_ORDER)
		qsort_r(element, n, sizeof(*element), by_name, &key);
	return element;
}

static bool same_array(struct nsg_sink *s, const struct field *f, const void *a, const void *b)
{
	const char *va = *(const char *const *)((const char *)a + f->at);
	const char *vb = *(const char *const *)((const char *)b + f->at);
	size_t na = *(const size_t *)(const void *)((const char *)a + f->at_n);
	size_t nb = *(const size_t *)(const void *)((const char *)b + f->at_n);
	cleanup_free const char **ea = NULL;
	cleanup_free const char **eb = NULL;

	if (na != nb)
		return false;
	if (f->kind == FIELD_NUMBERS)
		return !na || !memcmp(va, vb, na * f->size);
	if (f->kind == FIELD_PORTS)
		return same_ports(s, (const void *)va, (const void *)vb, na);
	ea = sorted_elements(s, f, va, na);
	eb = sorted_elements(s, f, vb, na);
	for (size_t i = 0; ea && eb && i < na; i++) {
		if (!same_fields(s, f->of, ea[i], eb[i]))
			return false;
	}
	return ea && eb;
}

static bool same_field(struct nsg_sink *s, const struct field *f, const void *a, const void *b)
{
	const void *fa = (const char *)a + f->at, *fb = (const char *)b + f->at;

	switch (f->kind) {
	case FIELD_TEXT:
		return same_text(*(const char *const *)fa, *(const char *const *)fb);
	case FIELD_LOCATION:
		return same_location(*(const char *const *)fa, *(const char *const *)fb);
	case FIELD_ID:
		return same_id(*(const char *const *)fa, *(const char *const *)fb);
	case FIELD_IDS:
		return same_strings(s, fa, fb, true);
	case FIELD_TEXTS:
		return same_strings(s, fa, fb, false);
	case FIELD_PREFIXES:
		return same_prefixes(s, fa, fb);
	case FIELD_BYTES:
		return !memcmp(fa, fb, f->size);
	case FIELD_ARRAY:
	case FIELD_PORTS:
	case FIELD_NUMBERS:
		return same_array(s, f, a, b);
	}
	return false;
}

static bool same_fields(struct nsg_sink *s, const struct fields *table, const void *a,
			const void *b)
{
	for (size_t i = 0; i < table->n; i++) {
		if (!same_field(s, &table->v[i], a, b))
			return false;
	}
	return true;
}

/* ---- NSGs: Azure's own default rules are there whether written or not ----------------------- */

static bool is_tag(const struct nsg_address *a, const char *tag)
{
	return a->kind == NSG_ADDRESS_TAG && !strcasecmp(a->tag, tag);
}

static bool is_every_port(const struct nsg_port_range *v, size_t n)
{
	return n == 1 && v->lo == 0 && v->hi == 65535;
}

static bool is_azures_own(const struct nsg_rule *r)
{
	if (!r->is_default || r->protocol != NSG_PROTOCOL_ANY ||
	    !is_every_port(r->src_ports, r->n_src_ports) ||
	    !is_every_port(r->dst_ports, r->n_dst_ports))
		return false;
	if (r->priority == 65000)
		return r->access == NSG_ALLOW && !strcasecmp(r->name, "AllowVnetOutBound") &&
		       is_tag(&r->src, "VirtualNetwork") && is_tag(&r->dst, "VirtualNetwork");
	if (r->src.kind != NSG_ADDRESS_ANY)
		return false;
	if (r->priority == 65001)
		return r->access == NSG_ALLOW && !strcasecmp(r->name, "AllowInternetOutBound") &&
		       is_tag(&r->dst, "Internet");
	return r->priority == 65500 && r->access == NSG_DENY &&
	       !strcasecmp(r->name, "DenyAllOutBound") && r->dst.kind == NSG_ADDRESS_ANY;
}

/* By name, a default rule after a rule of the same name. */
static int by_rule(const void *a, const void *b)
{
	const struct nsg_rule *x = *(const struct nsg_rule *const *)a;
	const struct nsg_rule *y = *(const struct nsg_rule *const *)b;
	int r = strcasecmp(x->name, y->name);

	return r ? r : (int)x->is_default - (int)y->is_default;
}

/* Those that are not Azure's own, in order; to be freed. */
static const struct nsg_rule **own_rules(struct nsg_sink *s, const struct nsg_nsg *nsg,
					 size_t *ret_n)
{
	const struct nsg_rule **v = calloc(nsg->n_rules + 1, sizeof(*v));
	size_t n = 0;

	if (!v) {
		s->no_memory = true;
		return NULL;
	}
	for (size_t i = 0; i < nsg->n_rules; i++) {
		if (!is_azures_own(&nsg->rules[i]))
			v[n++] = &nsg->rules[i];
	}
	qsort(v, n, sizeof(*v), by_rule);
	*ret_n = n;
	return v;
}

static bool same_rules(struct nsg_sink *s, const struct nsg_nsg *a, const struct nsg_nsg *b)
{
	size_t na = 0, nb = 0;
	cleanup_free const struct nsg_rule **va = own_rules(s, a, &na);
	cleanup_free const struct nsg_rule **vb = own_rules(s, b, &nb);

	if (!va || !vb || na != nb)
		return false;
	for (size_t i = 0; i < na; i++) {
		if (!same_fields(s, &rule_table, va[i], vb[i]))
			return false;
	}
	return true;
}

bool nsg_same(struct nsg_sink *s, enum nsg_resource what, const void *a, const void *b)
{
	return same_fields(s, tables[what], a, b) &&
	       (what != NSG_RESOURCE_NSG || same_rules(s, a, b));
}
