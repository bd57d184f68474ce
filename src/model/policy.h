/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy as plain data: what Azure's documents say, one struct per resource, in document order
 * (files in byte order of their names). Each value is typed and valid by itself; what they mean
 * together is in model/effective.h.
 *
 * Memory: everything belongs to `arena`. Strings are not NULL unless noted. Resource ids are kept
 * as written and compared without regard to case.
 */
#ifndef NSG_MODEL_POLICY_H
#define NSG_MODEL_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/app.h"
#include "model/endpoint.h"
#include "model/value.h"
#include "util/arena.h"
#include "util/ip.h"
#include "util/names.h"
#include "util/shared.h"
#include "util/source.h"

/* ---- NSG ---------------------------------------------------------------------------------- */

struct nsg_port_range {
	uint16_t lo, hi;
};

enum nsg_address_kind {
	NSG_ADDRESS_ANY,      /* `*`, Any, 0.0.0.0/0 */
	NSG_ADDRESS_PREFIXES, /* n may be 0 with IPv6 prefixes only: matches nothing */
	NSG_ADDRESS_TAG,
	NSG_ADDRESS_ASGS,
	NSG_ADDRESS_MIXED, /* of admin rules: prefixes and tags, together several */
};

/* A rule's source or destination. */
struct nsg_address {
	enum nsg_address_kind kind;
	struct nsg_prefixes prefixes;
	const char *tag;	 /* as written, except old spellings (VIRTUAL_NETWORK) */
	struct nsg_strings asgs; /* resource ids */
	struct nsg_strings tags; /* NSG_ADDRESS_MIXED */
	struct nsg_place place;
};

struct nsg_rule {
	const char *name;
	uint16_t priority; /* 100-4096; of a default rule 65000-65500 */
	enum nsg_access access;
	bool is_default;
	bool is_admin; /* a security admin rule: priority 1-4096, AlwaysAllow, mixed addresses */
	uint16_t protocol; /* 0-255 or NSG_PROTOCOL_ANY */
	struct nsg_address src, dst;
	struct nsg_port_range *src_ports, *dst_ports; /* as written, may overlap; `*` is 0-65535 */
	size_t n_src_ports, n_dst_ports;
	struct nsg_place place;		 /* the rule */
	struct nsg_place priority_place; /* its priority */
};

struct nsg_nsg {
	const char *id, *name; /* id "": none (a bare rule list) */
	bool flush_connection;
	struct nsg_rule *rules; /* outbound, user and default, in document order */
	size_t n_rules;
	const char **inbound; /* names of the inbound user rules, which have no effect */
	size_t n_inbound;
	struct nsg_place inbound_place; /* the first inbound rule */
	struct nsg_strings subnets;	/* ids of the subnets it is associated with */
	struct nsg_place place;
};

/* A rule of a virtual network manager; an inbound one has no more than name and place. */
struct nsg_admin_rule {
	struct nsg_rule rule; /* first: readers of a rule's field read these too */
	const char *id;	      /* "" unknown */
	bool is_inbound;
};

/* ---- routes ------------------------------------------------------------------------------- */

struct nsg_route {
	const char *name;
	const char *tag; /* NULL: by prefix */
	struct nsg_prefix prefix;
	bool is_ip6; /* read, but not used */
	enum nsg_hop_type hop_type;
	bool ecmp;	     /* written as VirtualApplianceEcmp */
	uint32_t *hops_host; /* appliance addresses in order, distinct */
	size_t n_hops;
	struct nsg_place place, prefix_place;
};

struct nsg_route_table {
	const char *id, *name; /* id "": none (a bare route list) */
	bool disable_bgp;      /* disableBgpRoutePropagation */
	bool disable_peering;  /* disablePeeringRoute: All */
	struct nsg_route *routes;
	size_t n_routes;
	struct nsg_strings subnets;
	struct nsg_place place;
};

/* A `User` row of an effective route table: routes as Azure uses them. Each such document has an
 * element at least. */
struct nsg_user_row {
	bool is_row; /* false: only stands for a document */
	bool disable_bgp;
	struct nsg_route route;
};

/* What kind of list a gateway route is in. */
enum nsg_gateway_list {
	NSG_LIST_EFFECTIVE,    /* an effective route table */
	NSG_LIST_LEARNED,      /* {"value": [...]}, of a gateway or a route server */
	NSG_LIST_ROUTE_SERVER, /* RouteServiceRole_IN_* */
};

enum nsg_bgp_origin {
	NSG_BGP_OTHER,
	NSG_BGP_NETWORK, /* the network's own ranges, static connections, P2S pools */
	NSG_BGP_IBGP,	 /* from the other instance of the gateway */
};

/* A row of such a list; rows with the same prefix are merged later. */
struct nsg_bgp_route {
	struct nsg_prefix prefix;
	enum nsg_gateway_list list;
	/* effective: its next hops, may be empty */
	uint32_t *hops_host;
	size_t n_hops;
	/* learned: */
	uint32_t next_hop_host, local_host; /* 0: absent */
	enum nsg_bgp_origin origin;
	uint32_t path_length; /* numbers in asPath */
	struct nsg_place place;
};

/* Ranges of the networks in a mesh with this one; none in a connectivity configuration. */
struct nsg_mesh {
	struct nsg_prefixes ranges;
	struct nsg_place place;
};

/* A local network gateway, or a virtual network gateway with its pool of P2S addresses: static
 * gateway routes. */
struct nsg_gateway {
	const char *id, *name;
	struct nsg_prefixes prefixes;
	struct nsg_place place;
};

/* ---- virtual network ---------------------------------------------------------------------- */

struct nsg_service_endpoint {
	const char *service;
	struct nsg_strings locations; /* empty or "*": everywhere */
	struct nsg_place place;
};

struct nsg_subnet {
	const char *id, *name;
	struct nsg_prefixes prefixes;
	const char *nsg_id, *route_table_id; /* "": none */
	struct nsg_place nsg_place, route_table_place;
	struct nsg_service_endpoint *endpoints;
	size_t n_endpoints;
	struct nsg_strings delegations; /* serviceName, e.g. Microsoft.Web/serverFarms */
	struct nsg_strings plan_links;	/* ids of plans in serviceAssociationLinks; "" unknown */
	size_t n_endpoint_policies;	/* serviceEndpointPolicies */
	const char *endpoint_policies;	/* privateEndpointNetworkPolicies; "" unknown */
	size_t n_ip_configurations;	/* NICs in it, without the integration's own */
	size_t n_private_endpoints;
	struct nsg_place place;
};

struct nsg_peering {
	const char *name, *remote_id; /* remote virtual network; "" unknown */
	const char *state;	      /* "" absent */
	enum nsg_tristate allow_access, use_remote_gateways;
	/* subnet peering: `complete` is false; no names: all subnets */
	enum nsg_tristate complete, only_ip6;
	struct nsg_strings local_subnets, remote_subnets;
	struct nsg_prefixes remote_space, remote_vnet_space;
	struct nsg_place place;
};

struct nsg_vnet {
	const char *id, *name, *location; /* location "" unknown */
	bool is_classic;
	struct nsg_prefixes space;
	struct nsg_subnet *subnets;
	size_t n_subnets;
	struct nsg_peering *peerings;
	size_t n_peerings;
	uint32_t flow_timeout_minutes; /* 0: absent */
	struct nsg_place place;
};

/* ---- service tags ------------------------------------------------------------------------- */

struct nsg_tag {
	const char *name;   /* e.g. Storage.WestEurope */
	const char *region; /* "" the whole cloud */
	struct nsg_prefixes prefixes;
};

struct nsg_tag_document {
	const char *cloud; /* "" absent */
	bool has_change_number;
	uint64_t change_number;
	struct nsg_tag *tags;
	size_t n_tags;
	struct nsg_place place;
};

/* ---- all of it ---------------------------------------------------------------------------- */

struct nsg_policy {
	struct nsg_arena arena;
	_Atomic unsigned int more_holders; /* than the first */
	const char *directory;

	struct nsg_vnet *vnets;
	struct nsg_nsg *nsgs;
	struct nsg_admin_rule *admin_rules;
	struct nsg_route_table *route_tables;
	struct nsg_user_row *user_rows;
	struct nsg_bgp_route *bgp_routes;
	struct nsg_gateway *gateways;
	struct nsg_mesh *meshes;
	struct nsg_tag_document *tag_documents;
	struct nsg_app_setting *app_settings;
	struct nsg_site *sites;
	struct nsg_integration *integrations;
	struct nsg_plan *plans;
	struct nsg_private_endpoint *private_endpoints;
	struct nsg_nic *nics;
	struct nsg_asg *asgs;
	size_t n_vnets, n_nsgs, n_admin_rules, n_route_tables, n_user_rows, n_bgp_routes,
	    n_gateways, n_meshes, n_tag_documents, n_app_settings, n_sites, n_integrations, n_plans,
	    n_private_endpoints, n_nics, n_asgs;

	/* A document could not be read, so what is missing here may be in it. Set only while a
	 * policy is checked for further errors (nsg_load_options.partial). */
	bool incomplete;

	/* The texts that the places refer to; wiped by nsg_policy_forget_sources() once all
	 * diagnostics are made. Places have no line after that. */
	struct nsg_sources sources;
	/* Documents shared with the policies loaded before and after this one; used by the loader.
	 */
	struct nsg_shared_list shared;
	struct nsg_place place; /* the directory */
};

/* Whether two resource ids name the same resource: two full ids must be equal, otherwise the last
 * type and name. Case is ignored. */
bool nsg_id_equal(const char *a, const char *b);
/* The last segment of an id, or all of it. */
const char *nsg_id_name(const char *id);
/* The subscription of a full id; "" when it has none. *ret_len is its length. */
const char *nsg_id_subscription(const char *id, size_t *ret_len);

/* Resource ids to look up: sorted by last segment. */
struct nsg_id_entry {
	const char *id;
	size_t i; /* the caller's */
};

void nsg_ids_sort(struct nsg_id_entry *v, size_t n);
/* The next entry after `last` (NULL: the first) that is the same resource as id, or NULL. */
const struct nsg_id_entry *nsg_ids_next(const struct nsg_id_entry *v, size_t n, const char *id,
					const struct nsg_id_entry *last);

/* The place, or NULL when the policy's texts were wiped. */
const struct nsg_place *nsg_place_of(const struct nsg_policy *p, const struct nsg_place *place);

void nsg_policy_forget_sources(struct nsg_policy *p);
/* Another reference to it. Thread-safe. */
struct nsg_policy *nsg_policy_hold(struct nsg_policy *p);
/* Drops a reference; the last one frees it. NULL is allowed. Returns NULL. */
struct nsg_policy *nsg_policy_free(struct nsg_policy *p);

#endif
