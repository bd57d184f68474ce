/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of switches. 2020-04 is the feature as described on Microsoft's page on regional VNet
 * Integration of 15 April 2020; current is the documentation of 2023 to 2025. No other code tests
 * for a profile's name.
 */
#include "model/profile.h"

#include <stddef.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/macro.h"

static const struct nsg_profile profiles[] = {
    {
	.name = "2020-04",
	/* "You can't reach resources across global peering connections." */
	.global_peering_reachable = false,
	/* "The Linux form of the feature only supports making calls to RFC 1918 addresses",
	 * while in preview. */
	.linux_only_rfc1918 = true,
	/* "If WEBSITE_VNET_ROUTE_ALL isn't set, NSGs are only applied to RFC1918 traffic." */
	.endpoint_traffic_nsg = false,
	/* "By default, route tables only affect your RFC1918 destination traffic", and BGP
	 * routes likewise. */
	.endpoint_traffic_routes = false,
	/* virtual-networks-udr-overview of 2017, live until 2021, lists no such row;
	 * azure-docs issues 77083 and 78689 show tables without it. */
	.none_row_172 = false,
	/* private-endpoint-overview of 2020: only a /32 route overrides an endpoint. */
	.endpoint_policies = false,
	/* "The feature requires an unused subnet that's a /27 with 32 addresses or larger." */
	.smallest_subnet_len = 27,
	/* "When you scale a plan up or down, you need twice as many addresses"; the page
	 * says a /26 takes 30 instances and counts no reserved addresses. */
	.reserved_addresses = 0,
	/* "The feature is available only from newer Azure App Service scale units that
	 * support PremiumV2 App Service plans"; Standard and up, not Basic. */
	.basic_can_integrate = false,
	/* "You can have only one regional VNet Integration per App Service plan." */
	.plan_integrations_windows = 1,
	.plan_integrations_linux = 1,
	/* "You can only integrate with VNets in the same subscription as the app." */
	.other_subscription = false,
    },
    {
	.name = "current",
	/* overview-vnet-integration, 2021 on: peered networks in any region. */
	.global_peering_reachable = true,
	/* The same page: Windows and Linux apps have one feature. */
	.linux_only_rfc1918 = false,
	/* The same page, 2023: NSGs and route tables apply to all traffic that is routed
	 * into the integration, service endpoints' included. */
	.endpoint_traffic_nsg = true,
	.endpoint_traffic_routes = true,
	/* virtual-networks-udr-overview, 2023. */
	.none_row_172 = true,
	/* disable-private-endpoint-network-policy, 2023: a route whose prefix is at least as
	 * long as the virtual network's range invalidates the /32. */
	.endpoint_policies = true,
	/* overview-vnet-integration, 2023: a /28 is the smallest, five addresses of a subnet
	 * are Azure's own. */
	.smallest_subnet_len = 28,
	.reserved_addresses = 5,
	/* The same page: Basic is among the supported tiers. */
	.basic_can_integrate = true,
	/* The same page: two virtual networks a Windows plan, one a Linux plan. */
	.plan_integrations_windows = 2,
	.plan_integrations_linux = 1,
	/* The same page: the network may be in another subscription. */
	.other_subscription = true,
    },
};

const struct nsg_profile *nsg_profile_find(const char *name)
{
	for (size_t i = 0; i < NSG_ARRAY_SIZE(profiles); i++)
		if (!strcmp(profiles[i].name, name))
			return &profiles[i];
	return NULL;
}
