/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NSG_AZURE_SAME_PRIV_H
#define NSG_AZURE_SAME_PRIV_H

#include <stdbool.h>

enum nsg_resource {
	NSG_RESOURCE_VNET,
	NSG_RESOURCE_NSG,
	NSG_RESOURCE_ROUTE_TABLE,
	NSG_RESOURCE_SITE,
	NSG_RESOURCE_INTEGRATION,
	NSG_RESOURCE_PLAN,
	NSG_RESOURCE_PRIVATE_ENDPOINT,
	NSG_RESOURCE_NIC,
	NSG_RESOURCE_ASG,
	NSG_RESOURCE_RULE,
	NSG_RESOURCE_ROUTE,
	NSG_RESOURCE_SUBNET,
	NSG_RESOURCE_PEERING,
};

struct nsg_sink;

/* Whether two structs of that resource say the same; what only says where it was read, what Azure
 * adds by itself (default rules as they always are) and an order without a meaning do not count. */
bool nsg_same(struct nsg_sink *s, enum nsg_resource what, const void *a, const void *b);

#endif
