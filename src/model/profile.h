/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two versions of the feature as a table of switches. */
#ifndef NSG_MODEL_PROFILE_H
#define NSG_MODEL_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/ip.h"

struct nsg_profile {
	const char *name;
	bool global_peering_reachable;
	bool linux_only_rfc1918;
	bool endpoint_traffic_nsg;	    /* NSG evaluated for gate service-endpoint */
	bool endpoint_traffic_routes;	    /* UDR and BGP apply to gate service-endpoint */
	bool admin_rules;		    /* security admin rules apply */
	const struct nsg_prefix *none_rows; /* default rows None */
	size_t n_none_rows;
	const struct nsg_prefix *internet_holes; /* of the tag Internet, besides all networks */
	size_t n_internet_holes;
	bool subnet_peering;	      /* its fields are honoured */
	bool disable_peering_route;   /* of a route table: honoured */
	uint16_t usual_routes;	      /* of a route table; more: warning */
	bool gateway_udr_is_vpn_only; /* worth a notice */
	bool ip6_always_refused;      /* else only while route-all is on */
	bool endpoint_policies; /* private endpoint against UDR: by network policies, not /32 */
	uint8_t smallest_subnet_len; /* 27: a /27 or larger */
	uint8_t reserved_addresses;  /* added to 2 x instances */
	bool basic_can_integrate;
	uint8_t plan_integrations_windows, plan_integrations_linux;
	uint8_t plans_share_len; /* 26: several plans share a subnet of a /26 or larger; 0: never */
	bool other_subscription;
	bool endpoint_policies_are_errors; /* service endpoint policies on the subnet */
	bool flex_consumption; /* may integrate, with a subnet delegated to its environments */
	bool perimeter;	       /* SecuredByPerimeter turns route-all on */
	bool managed_instance; /* a plan may name the subnet */
	bool newer_config_has_no_route_all; /* siteConfig's, from apiVersion 2024-11-01 on */
	uint32_t routes_worth_a_warning;    /* of one table */
};

/* "2020-04" or "current"; NULL for any other name. */
const struct nsg_profile *nsg_profile_find(const char *name);

#endif
