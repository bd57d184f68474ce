/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Policies made by hand, as the readers of documents would fill them: for tests. Strings are kept
 * as given. Addresses are written as people do; lists are separated by blanks. Everything aborts
 * when memory is out or a text is wrong.
 */
#ifndef NSG_TESTS_POLICY_BUILD_H
#define NSG_TESTS_POLICY_BUILD_H

#include <stdbool.h>
#include <stddef.h>

#include "model/effective.h"
#include "model/policy.h"
#include "util/diag.h"

struct policy_build {
	struct nsg_policy *p;
	struct nsg_options options; /* 2020-04 and nothing else chosen */
	struct nsg_diag diag;
	struct nsg_effective *e; /* of the last policy_build_make(); freed with the build */
};

/* The start of ids: subscription S, resource group g. */
#define TEST_NETWORK "/subscriptions/S/resourceGroups/g/providers/Microsoft.Network/"
#define TEST_WEB "/subscriptions/S/resourceGroups/g/providers/Microsoft.Web/"

struct policy_build *policy_build_new(void);
void policy_build_free(struct policy_build *b);

/* vnet-app 10.0.0.0/16 in westeurope with the delegated subnet snet-int 10.0.1.0/26. */
struct nsg_vnet *policy_build_usual(struct policy_build *b);

struct nsg_vnet *policy_build_vnet(struct policy_build *b, const char *name, const char *space);
struct nsg_subnet *policy_build_subnet(struct policy_build *b, struct nsg_vnet *v, const char *name,
				       const char *prefixes);
void policy_build_delegate(struct policy_build *b, struct nsg_subnet *s, const char *service);
void policy_build_endpoint(struct policy_build *b, struct nsg_subnet *s, const char *service,
			   const char *locations);
struct nsg_peering *policy_build_peering(struct policy_build *b, struct nsg_vnet *v,
					 const char *name, const char *remote, const char *space);

struct nsg_nsg *policy_build_nsg(struct policy_build *b, const char *name);
/* Addresses: `*`, a tag, `asg:NAME`, or prefixes. Ports: `*` or ranges as 80 or 80-90. */
struct nsg_rule *policy_build_rule(struct policy_build *b, struct nsg_nsg *g, const char *name,
				   unsigned int priority, enum nsg_access access,
				   const char *protocol, const char *src, const char *dst,
				   const char *dst_ports);

struct nsg_route_table *policy_build_table(struct policy_build *b, const char *name);
/* `to` is a prefix or a tag. */
struct nsg_route *policy_build_route(struct policy_build *b, struct nsg_route_table *t,
				     const char *name, const char *to, enum nsg_hop_type type,
				     const char *hops);
void policy_build_bgp(struct policy_build *b, const char *prefix, const char *hops);
/* A row of a learned list; addresses may be "". */
struct nsg_bgp_route *policy_build_learned(struct policy_build *b, const char *prefix,
					   const char *local, const char *next_hop);
/* A gateway with static ranges. */
void policy_build_gateway(struct policy_build *b, const char *name, const char *prefixes);

struct nsg_tag_document *policy_build_tags(struct policy_build *b);
void policy_build_tag(struct policy_build *b, struct nsg_tag_document *d, const char *name,
		      const char *region, const char *prefixes);

struct nsg_site *policy_build_site(struct policy_build *b, const char *name, const char *subnet_id);
struct nsg_integration *policy_build_integration(struct policy_build *b, const char *subnet_id);
struct nsg_plan *policy_build_plan(struct policy_build *b, const char *name, const char *tier,
				   const char *sku);
struct nsg_app_setting *policy_build_setting(struct policy_build *b, const char *site_id,
					     int value);
void policy_build_dns_server(struct policy_build *b, const char *site_id, const char *server);

struct nsg_private_endpoint *policy_build_private(struct policy_build *b, const char *name,
						  const char *subnet_id, const char *addrs);
struct nsg_nic *policy_build_nic(struct policy_build *b, const char *name, const char *subnet_id,
				 const char *addr, const char *asgs);
void policy_build_asg(struct policy_build *b, const char *name);

struct nsg_strings policy_build_strings(struct policy_build *b, const char *list);
const char *policy_build_printf(struct policy_build *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* nsg_effective_new() on it, after forgetting earlier diagnostics. */
int policy_build_make(struct policy_build *b);
/* Whether a record of that severity has the code (NULL: any) and the text in it. */
bool policy_build_told(const struct policy_build *b, enum nsg_severity severity, const char *code,
		       const char *text);
size_t policy_build_count(const struct policy_build *b, enum nsg_severity severity);

#endif
