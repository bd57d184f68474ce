/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a policy means on the integration subnet: the switches in force, the tags' addresses, the
 * rules in order of priority, the rows of the route table with their states. Derived once at load;
 * the compiler turns it into an image, explain reports on it.
 *
 * Memory: points into the policy and into an arena of its own; the policy must outlive it.
 */
#ifndef NSG_MODEL_EFFECTIVE_H
#define NSG_MODEL_EFFECTIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/policy.h"
#include "model/profile.h"
#include "util/diag.h"
#include "util/route_set.h"

enum nsg_platform {
	NSG_PLATFORM_FROM_SITE,
	NSG_PLATFORM_WINDOWS,
	NSG_PLATFORM_LINUX,
};

/* Set on the command line or in nsgd.conf. */
struct nsg_options {
	const char *subnet; /* NAME, VNET/NAME or an id; NULL: from the policy */
	const struct nsg_profile *profile;
	enum nsg_platform platform;
	enum nsg_tristate route_all;
	bool endpoint_lab;	    /* endpoint-precedence = lab */
	struct nsg_route_set *live; /* gateway routes of a routing daemon; NULL: none */
};

/* The origin of an address of a tag. */
enum nsg_origin {
	NSG_ORIGIN_VNET,
	NSG_ORIGIN_PEER,
	NSG_ORIGIN_BGP,
	NSG_ORIGIN_UDR,
	NSG_ORIGIN_PLATFORM,
};

struct nsg_tag_member {
	struct nsg_prefix prefix;
	enum nsg_origin origin;
	const char *name; /* peering, route; "" none */
};

/* A destination or source as addresses. Two fields with the same addresses from one tag share one
 * `ranges`: equal pointers are equal sets (not the other way round). */
struct nsg_effective_address {
	const struct nsg_ranges *ranges; /* never NULL; empty: matches nothing */
	enum {
		NSG_MATCH_RANGES,
		NSG_MATCH_PLATFORM_DNS,	 /* AzurePlatformDNS: its own address and port only */
		NSG_MATCH_PLATFORM_IMDS, /* AzurePlatformIMDS */
	} kind;				 /* with a platform kind `ranges` is empty */
};

struct nsg_effective_rule {
	const struct nsg_rule *rule; /* synthesised defaults too */
	struct nsg_effective_address src, dst;
	/* Merged: ascending, disjoint, not adjacent. A packet without ports matches none. */
	const struct nsg_port_range *src_ports, *dst_ports;
	size_t n_src_ports, n_dst_ports;
};

enum nsg_row_state {
	NSG_ROW_ACTIVE,
	NSG_ROW_INVALID, /* never selected, but listed */
	NSG_ROW_HIDDEN,	 /* never selected, and not listed: a BGP route inside a network's range */
	NSG_ROW_GONE,	 /* None or Internet, replaced by another route: not listed, not used */
};

/*
 * One row of the route table: one prefix and its next hop. A UDR or endpoint of a service tag makes
 * one row per prefix. User rows come last, in the table's order. Live routes are rows too, but there
 * may be a million: each is made when it is looked at.
 */
struct nsg_row {
	struct nsg_prefix prefix;
	enum nsg_route_source source;
	enum nsg_hop_type hop_type;
	enum nsg_row_state state;
	/* Among rows of one length and source: smaller is better (for UDRs explicit, regional tag,
	 * top-level tag, AzureCloud.region, AzureCloud; for Default the hop type; then document
	 * order). Unique within (source). */
	uint32_t rank;
	bool unreachable; /* a global peering in 2020-04, a subnet outside a subnet peering */
	/* InterfaceEndpoint: which UDRs it beats: those shorter than this. 32: all but a /32; 16:
	 * UDRs shorter than /16 only. */
	uint8_t beats_udr_shorter_than;
	/* The same according to the other profile's rule. */
	uint8_t beats_udr_otherwise;
	const char *name;	   /* UDR's name; NULL else */
	const char *tag;	   /* its service tag, when the prefix came from one; NULL else */
	const char *detail;	   /* peering's name, service, private endpoint's; NULL none */
	const uint32_t *hops_host; /* next hop addresses, distinct, in order */
	size_t n_hops;
	const struct nsg_route *route; /* UDR; NULL else */
	uint32_t live; /* 1 + its number in e->live; 0: one of e->rows. Its state is not known. */
};

struct nsg_effective {
	struct nsg_arena arena;
	const struct nsg_policy *policy;
	/* The live routes that are used; a reference. NULL: none. One that a document has too is the
	 * document's row, with the next hops of both. */
	struct nsg_route_set *live;

	const struct nsg_profile *profile;
	bool is_linux;
	bool endpoint_lab;
	const char *platform_by; /* which input set it, in words; likewise the other `_by` */
	bool route_all;		 /* in force: false where Linux ignores it */
	const char *route_all_by;

	const struct nsg_vnet *vnet;
	const struct nsg_subnet *subnet;
	const char *subnet_by, *nsg_by, *route_table_by;
	const struct nsg_nsg *nsg;		   /* NULL: none, all allowed */
	const struct nsg_route_table *route_table; /* NULL: none */
	const struct nsg_site **sites;		   /* those that are used */
	size_t n_sites;
	const struct nsg_app_setting **dns_servers; /* those of these sites, or of none */
	size_t n_dns_servers;
	bool flush_connection;
	uint32_t flow_timeout_minutes; /* 4 when absent */

	struct nsg_effective_rule
	    *rules; /* by priority; with an NSG the defaults are always there */
	size_t n_rules;
	/* Security admin rules, outbound, by priority: evaluated before the NSG. */
	struct nsg_effective_rule *admin_rules;
	size_t n_admin_rules;
	struct nsg_row *rows;
	size_t n_rows;

	/* The gate: prefixes of the enabled service endpoints; empty where linux ignores them. */
	struct nsg_ranges endpoints;
	/* The ranges of the virtual network and of its connected peers. */
	struct nsg_ranges networks;
	/* The computed tags. The prefixes of live routes are in VirtualNetwork and its ranges, but
	 * not among its members here. */
	struct nsg_tag_member *virtual_network;
	size_t n_virtual_network;
	struct nsg_ranges virtual_network_ranges, internet_ranges;
	/* The service tag document that is used; NULL: none. */
	const struct nsg_tag_document *tags;
	struct nsg_tag_index *tag_index; /* of nsg_effective_tag_find() */
	/* Some traffic that enters is routed to the gateway: it needs a next hop on this host. */
	bool uses_gateway;
};

/*
 * Chooses the subnet, its NSG and route table, validates all NSGs and route tables, checks the
 * placement, expands tags, derives rows. All problems become diagnostics.
 * -EINVAL when one of them is an error, -ENOMEM.
 */
int nsg_effective_new(const struct nsg_policy *policy, const struct nsg_options *options,
		      struct nsg_diag *diag, struct nsg_effective **ret);

/* Whether a reload may replace one by the other. -EINVAL with an error record when not. */
int nsg_effective_may_follow(const struct nsg_effective *before, const struct nsg_effective *after,
			     struct nsg_diag *diag);

/* Calls `found` for every service tag, computed ones included, that contains the address, with the
 * most specific prefix that does, in document order. Stops at its first non-zero return. */
int nsg_effective_tags_of(const struct nsg_effective *e, uint32_t addr_host,
			  int (*found)(void *data, const char *tag, struct nsg_prefix by),
			  void *data);

/* The service tag of a resource's service, such as Sql for .../providers/Microsoft.Sql/servers/s. NULL:
 * not known. */
const char *nsg_service_tag_of(const char *resource_id);
/* The prefixes of a service tag, any case; NULL: unknown. Not for the computed tags. */
const struct nsg_tag *nsg_effective_tag_find(const struct nsg_effective *e, const char *name);

/* The row of a live route, which points into e->live. False: the route before it has the same prefix,
 * so this one is not used. */
bool nsg_effective_live_row(const struct nsg_effective *e, size_t i, struct nsg_row *ret);
/* The states of the rows of e->live, to be freed; NSG_ROW_GONE: it is not a row of its own. Takes time
 * that is linear in the number of all rows. -ENOMEM. */
int nsg_effective_live_states(const struct nsg_effective *e, enum nsg_row_state **ret);

/* NULL is allowed. Returns NULL. */
struct nsg_effective *nsg_effective_free(struct nsg_effective *e);

#endif
