/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of switches. 2020-04 is the feature as described on Microsoft's page on regional VNet
 * Integration of 15 April 2020; current is the documentation and measurements of 2023 to 2026. No
 * other code tests for a profile's name.
 */
#include "model/profile.h"

#include <stddef.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/macro.h"

/* virtual-networks-udr-overview of 2017, live until 2021; azure-docs issues 77083 and 78689 show
 * tables without 172.16.0.0/12. */
static const struct nsg_prefix none_rows_2020[] = {
    {NSG_IP4(10, 0, 0, 0), 8},
    {NSG_IP4(192, 168, 0, 0), 16},
    {NSG_IP4(100, 64, 0, 0), 10},
};

/* The effective routes of virtual machines of August 2026 (public captures of
 * erjosito/net-lab-builder). It may vary by region and day. */
static const struct nsg_prefix none_rows_current[] = {
    {NSG_IP4(10, 0, 0, 0), 8},	   {NSG_IP4(20, 35, 252, 0), 22}, {NSG_IP4(23, 103, 0, 0), 18},
    {NSG_IP4(25, 4, 0, 0), 14},	   {NSG_IP4(25, 148, 0, 0), 15},  {NSG_IP4(25, 150, 0, 0), 16},
    {NSG_IP4(25, 152, 0, 0), 14},  {NSG_IP4(25, 156, 0, 0), 16},  {NSG_IP4(25, 159, 0, 0), 16},
    {NSG_IP4(25, 176, 0, 0), 13},  {NSG_IP4(25, 184, 0, 0), 14},  {NSG_IP4(40, 108, 0, 0), 17},
    {NSG_IP4(40, 109, 0, 0), 16},  {NSG_IP4(100, 64, 0, 0), 10},  {NSG_IP4(104, 146, 0, 0), 17},
    {NSG_IP4(104, 147, 0, 0), 16}, {NSG_IP4(127, 0, 0, 0), 8},	  {NSG_IP4(157, 59, 0, 0), 16},
    {NSG_IP4(172, 16, 0, 0), 12},  {NSG_IP4(192, 168, 0, 0), 16}, {NSG_IP4(198, 18, 0, 0), 15},
};

/* Published expansions of the tag have holes at 0/8 and 10/8; the others are the address space that
 * is not publicly reachable. */
static const struct nsg_prefix holes_2020[] = {
    {NSG_IP4(0, 0, 0, 0), 8},	   {NSG_IP4(10, 0, 0, 0), 8},	  {NSG_IP4(100, 64, 0, 0), 10},
    {NSG_IP4(127, 0, 0, 0), 8},	   {NSG_IP4(169, 254, 0, 0), 16}, {NSG_IP4(172, 16, 0, 0), 12},
    {NSG_IP4(192, 168, 0, 0), 16}, {NSG_IP4(224, 0, 0, 0), 4},	  {NSG_IP4(240, 0, 0, 0), 4},
};

/* The tag in the effective security rules of the same machines of 2026. */
static const struct nsg_prefix holes_current[] = {
    {NSG_IP4(0, 0, 0, 0), 8},	    {NSG_IP4(4, 128, 0, 0), 12},    {NSG_IP4(10, 0, 0, 0), 8},
    {NSG_IP4(13, 96, 0, 0), 13},    {NSG_IP4(20, 35, 252, 0), 22},  {NSG_IP4(20, 128, 0, 0), 16},
    {NSG_IP4(20, 130, 0, 0), 16},   {NSG_IP4(20, 144, 0, 0), 14},   {NSG_IP4(20, 176, 0, 0), 13},
    {NSG_IP4(21, 0, 0, 0), 8},	    {NSG_IP4(22, 0, 0, 0), 8},	    {NSG_IP4(23, 103, 0, 0), 18},
    {NSG_IP4(25, 0, 0, 0), 16},	    {NSG_IP4(25, 4, 0, 0), 14},	    {NSG_IP4(25, 64, 0, 0), 10},
    {NSG_IP4(25, 142, 0, 0), 15},   {NSG_IP4(25, 144, 0, 0), 15},   {NSG_IP4(25, 148, 0, 0), 15},
    {NSG_IP4(25, 150, 0, 0), 16},   {NSG_IP4(25, 152, 0, 0), 14},   {NSG_IP4(25, 156, 0, 0), 16},
    {NSG_IP4(25, 159, 0, 0), 16},   {NSG_IP4(25, 160, 0, 0), 12},   {NSG_IP4(25, 176, 0, 0), 13},
    {NSG_IP4(25, 184, 0, 0), 14},   {NSG_IP4(25, 192, 0, 0), 15},   {NSG_IP4(25, 248, 0, 0), 16},
    {NSG_IP4(25, 250, 0, 0), 18},   {NSG_IP4(25, 250, 64, 0), 20},  {NSG_IP4(25, 250, 84, 0), 23},
    {NSG_IP4(25, 252, 0, 0), 16},   {NSG_IP4(25, 254, 0, 0), 21},   {NSG_IP4(25, 254, 8, 0), 24},
    {NSG_IP4(25, 254, 64, 0), 18},  {NSG_IP4(25, 254, 128, 0), 17}, {NSG_IP4(40, 66, 128, 0), 17},
    {NSG_IP4(40, 108, 0, 0), 17},   {NSG_IP4(40, 109, 0, 0), 16},   {NSG_IP4(52, 132, 0, 0), 14},
    {NSG_IP4(52, 145, 0, 0), 16},   {NSG_IP4(68, 18, 0, 0), 15},    {NSG_IP4(100, 64, 0, 0), 10},
    {NSG_IP4(104, 146, 0, 0), 17},  {NSG_IP4(104, 147, 0, 0), 16},  {NSG_IP4(104, 212, 36, 0), 22},
    {NSG_IP4(104, 212, 52, 0), 22}, {NSG_IP4(127, 0, 0, 0), 8},	    {NSG_IP4(129, 75, 0, 0), 16},
    {NSG_IP4(134, 177, 0, 0), 16},  {NSG_IP4(138, 196, 0, 0), 16},  {NSG_IP4(141, 251, 0, 0), 16},
    {NSG_IP4(146, 147, 0, 0), 16},  {NSG_IP4(157, 59, 0, 0), 16},   {NSG_IP4(169, 254, 0, 0), 16},
    {NSG_IP4(172, 16, 0, 0), 12},   {NSG_IP4(192, 0, 2, 0), 24},    {NSG_IP4(192, 32, 0, 0), 16},
    {NSG_IP4(192, 168, 0, 0), 16},  {NSG_IP4(198, 18, 0, 0), 15},   {NSG_IP4(224, 0, 0, 0), 4},
    {NSG_IP4(240, 0, 0, 0), 4},
};

#define LIST(name, prefixes) .name = (prefixes), .n_##name = NSG_ARRAY_SIZE(prefixes)

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
	/* Virtual network manager was first shown in November 2021. */
	.admin_rules = false,
	LIST(none_rows, none_rows_2020),
	LIST(internet_holes, holes_2020),
	/* azure-subscription-service-limits, 2020. */
	.usual_routes = 400,
	/* Subnet peering is of 2024, disablePeeringRoute of 2025. */
	.subnet_peering = false,
	.disable_peering_route = false,
	/* private-endpoint-overview of 2020: only a /32 route overrides an endpoint. */
	.endpoint_policies = false,
	/* There was no outbound IPv6 before 2023 (techcommunity 4423368). */
	.ip6_always_refused = true,
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
	/* "The subnet can be used by only one App Service plan." */
	.plans_share_len = 0,
	/* Not mentioned; they filter what a service endpoint reaches. */
	.endpoint_policies_are_errors = false,
	/* None of these existed. */
	.flex_consumption = false,
	.perimeter = false,
	.managed_instance = false,
	.newer_config_has_no_route_all = false,
	/* azure-subscription-service-limits, 2020: 400 routes a table. */
	.routes_worth_a_warning = 400,
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
	/* virtual-network-manager, concept-security-admins: evaluated before NSGs. */
	.admin_rules = true,
	LIST(none_rows, none_rows_current),
	LIST(internet_holes, holes_current),
	/* virtual-networks-udr-overview, 2024. */
	.usual_routes = 600,
	/* how-to-configure-subnet-peering, 2025. */
	.subnet_peering = true,
	/* Route table API 2025-07-01. */
	.disable_peering_route = true,
	/* vpn-gateway-vpn-faq: a user route to the gateway works with a VPN gateway only. */
	.gateway_udr_is_vpn_only = true,
	/* disable-private-endpoint-network-policy, 2023: a route whose prefix is at least as
	 * long as the virtual network's range invalidates the /32. */
	.endpoint_policies = true,
	/* techcommunity 4423368: an app has outbound IPv6, past the integration. It would evade the
	 * NSG of an app whose traffic is all routed into the network. */
	.ip6_always_refused = false,
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
	/* The same page, multi-plan subnet join: plans of one subscription, a /26 or larger. */
	.plans_share_len = 26,
	/* The same page: service endpoint policies are not supported. */
	.endpoint_policies_are_errors = true,
	/* flex-consumption-plan: delegated to Microsoft.App/environments, all traffic enters. */
	.flex_consumption = true,
	/* Microsoft's announcement of network security perimeters for App Service (preview). */
	.perimeter = true,
	/* overview-managed-instance (preview): ServerFarmNetworkSettings names the subnet. */
	.managed_instance = true,
	/* azure-cli pull request 32634 of January 2026. */
	.newer_config_has_no_route_all = true,
	/* azure-subscription-service-limits, 2025: 600 routes a table. */
	.routes_worth_a_warning = 600,
    },
};

const struct nsg_profile *nsg_profile_find(const char *name)
{
	for (size_t i = 0; i < NSG_ARRAY_SIZE(profiles); i++)
		if (!strcmp(profiles[i].name, name))
			return &profiles[i];
	return NULL;
}
