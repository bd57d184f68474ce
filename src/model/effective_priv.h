/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How an effective policy is built: one phase a file, in the order of nsg_effective_new(). A phase
 * reports problems as diagnostics and continues where possible, so that all problems of a policy
 * are reported at once; it returns 0 or -ENOMEM. Memory belongs to the arena of `e`, except
 * e->rows.
 */
#ifndef NSG_MODEL_EFFECTIVE_PRIV_H
#define NSG_MODEL_EFFECTIVE_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/effective.h"
#include "model/phrase.h"
#include "model/ranges.h"
#include "model/tags.h"

/* A policy of Azure's own limits has at most some 300,000 rows (25 service tag routes of 10,000
 * prefixes, ten service endpoints); more is treated as an attack. */
#define NSG_MAX_ROWS 2000000u

/* A connected peering. */
struct nsg_peer {
	const struct nsg_peering *peering;
	const struct nsg_vnet *document; /* NULL: not in the directory */
	const struct nsg_prefixes *space;
	bool global;
	bool reachable;		/* by the profile, and the subnet is part of a subnet peering */
	bool is_subnet_peering; /* the profile honours its fields */
	bool only_ip6;		/* no IPv4 routes; the ranges are a peer's all the same */
	bool is_mesh;		/* the networks of all meshes, which bring no private endpoints */
};

/* A gateway route of documents with all its next hops, live ones included. */
struct nsg_bgp_merged {
	struct nsg_prefix prefix;
	const uint32_t *hops_host;
	size_t n_hops, order;
};

/* A service tag as the source of endpoint prefixes. */
struct nsg_endpoint_tag {
	const struct nsg_tag *tag;
	const char *base;    /* the service's tag, e.g. Storage */
	const char *service; /* e.g. Microsoft.Storage */
};

struct nsg_build {
	struct nsg_effective *e;
	const struct nsg_policy *policy;
	const struct nsg_options *options;
	struct nsg_diag *diag;
	unsigned int
	    n_suggested; /* unknown tags that got suggestions; each one compares all tags */

	struct nsg_peer *peers;
	struct nsg_bgp_merged *bgp; /* those that are propagated, in order of appearance */
	struct nsg_endpoint_tag *endpoint_tags;
	size_t n_peers, n_bgp, n_endpoint_tags;
};

/* integration_subnet.c: the subnet, its NSG and route table. e->subnet stays NULL on error. */
int nsg_build_integration_subnet(struct nsg_build *b);
/* site_settings.c: the sites that are used, platform, route-all. */
int nsg_build_site_settings(struct nsg_build *b);
/* tags.c: the service tag document that is used and its index. */
int nsg_build_tag_index(struct nsg_build *b);
void nsg_tag_index_done(struct nsg_tag_index *x);
/* routes.c: validates all route tables. */
int nsg_build_routes(struct nsg_build *b);
/* peers.c: e->networks too. */
int nsg_build_peers(struct nsg_build *b);
/* gateway_routes.c: the gateway routes that are used, merged by prefix. */
int nsg_build_gateway_routes(struct nsg_build *b);
/* endpoints.c: the tags of the subnet's service endpoints, the gate's set of addresses. */
int nsg_build_endpoints(struct nsg_build *b);
/* tags.c: VirtualNetwork and Internet. */
int nsg_build_computed_tags(struct nsg_build *b);
/* rows.c */
int nsg_build_rows(struct nsg_build *b);
/* row_states.c: of e->rows, for nsg_build_rows(); e->uses_gateway. */
int nsg_build_row_states(struct nsg_build *b);
/* rules.c: validates all NSGs; the subnet's rules with their addresses. */
int nsg_build_rules(struct nsg_build *b);
/* admin_rules.c: the outbound security admin rules, where the profile has them. */
int nsg_build_admin_rules(struct nsg_build *b);
/* placement.c */
int nsg_build_placement(struct nsg_build *b);
/* integrations.c: of nsg_build_placement() */
void nsg_check_integrations(struct nsg_build *b);

/* ---- integration_subnet.c ---- */

static inline const char *nsg_plan_ref(const struct nsg_plan *p)
{
	return *p->id ? p->id : p->name;
}

/* Whether the reference names this subnet. */
bool nsg_subnet_is(const struct nsg_vnet *vnet, const struct nsg_subnet *subnet, const char *ref);
/* Whether the subnet of that id is in this virtual network. */
bool nsg_vnet_holds(const struct nsg_vnet *vnet, const char *subnet_ref);
bool nsg_vnet_is(const struct nsg_vnet *vnet, const char *ref);
/* Whether an integration document names the chosen subnet. */
bool nsg_integration_is_here(const struct nsg_effective *e, const struct nsg_integration *i);
/* Whether a site document, or an integration document of that site, names the chosen subnet. */
bool nsg_site_is_here(const struct nsg_effective *e, const struct nsg_site *s);

#define NSG_DELEGATION_WEB "Microsoft.Web/serverFarms"
#define NSG_DELEGATION_FLEX "Microsoft.App/environments"
bool nsg_subnet_is_delegated(const struct nsg_subnet *subnet, const char *service);
/* The plan's document; NULL: none. */
const struct nsg_plan *nsg_plan_of(const struct nsg_policy *p, const struct nsg_site *s);
/* The subnet that the site's document, or its plan's, names; "" none. */
const char *nsg_site_subnet(const struct nsg_effective *e, const struct nsg_site *s);

/* ---- site_settings.c ---- */

/* Whether the subnet is delegated to Flex Consumption, and a site or plan is of that SKU. */
bool nsg_subnet_serves_flex(const struct nsg_effective *e);

/* ---- user_rows.c ---- */

/* Makes them the route table that the subnet names. -ENOMEM. */
int nsg_user_rows_table(struct nsg_build *b);
/* Reports how they differ from the route table that is used. */
void nsg_user_rows_compare(struct nsg_build *b);
/* Warns that they are not used, when there are any: the subnet names no route table. */
void nsg_user_rows_unused(struct nsg_build *b);

/* ---- peers.c ---- */

bool nsg_peering_is_connected(const struct nsg_peering *p);
/* The document of the peering's remote network, other than `own`; NULL: none. */
const struct nsg_vnet *nsg_peering_document(const struct nsg_policy *p, const struct nsg_vnet *own,
					    const struct nsg_peering *peering);
/* The remote network's ranges: remoteAddressSpace, else remoteVirtualNetworkAddressSpace, else those
 * of its document, which may be NULL. */
const struct nsg_prefixes *nsg_peering_space(const struct nsg_peering *p,
					     const struct nsg_vnet *document);

/* ---- tags.c ---- */

/* The addresses of a service tag, made once; equal tags give equal pointers. -ENOMEM. */
int nsg_tag_ranges(struct nsg_effective *e, const struct nsg_tag *tag,
		   const struct nsg_ranges **ret);
/* An error record for an unknown tag, with close spellings. Returns -EINVAL. */
int nsg_tag_unknown(struct nsg_build *b, const struct nsg_place *place, const char *code,
		    const char *what, const char *name);

#define NSG_MAX_SUGGESTIONS 3
/* The names closest to `name`, best first; at most NSG_MAX_SUGGESTIONS. Returns how many. */
size_t nsg_suggest(const char *name, const struct nsg_tag_document *document,
		   const char *ret[NSG_MAX_SUGGESTIONS]);

/* ---- rules.c ---- */

/* Reports an unknown tag, or one without addresses, of a rule's field. */
void nsg_check_rule_tag(struct nsg_build *b, const struct nsg_rule *r, const struct nsg_address *a,
			const char *tag, const char *side);
/* The rule with its addresses. -ENOMEM. */
int nsg_derive_admin_rule(struct nsg_build *b, const struct nsg_rule *rule,
			  struct nsg_effective_rule *ret);

/* ---- private.c ---- */

/* One address of a private endpoint that the subnet reaches. */
struct nsg_private_row {
	const struct nsg_private_endpoint *endpoint;
	uint32_t addr_host;
	uint8_t beats_udr_shorter_than, beats_udr_otherwise;
};
/* All of them, in document order, in the arena. */
int nsg_private_rows(struct nsg_build *b, struct nsg_private_row **ret, size_t *ret_n);

#endif
