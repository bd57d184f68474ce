/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two versions of the feature as a table of switches (semantics.md, Profiles). */
#ifndef NSG_MODEL_PROFILE_H
#define NSG_MODEL_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

struct nsg_profile {
	const char *name;
	bool global_peering_reachable;
	bool linux_only_rfc1918;
	bool endpoint_traffic_nsg;    /* NSG evaluated for gate service-endpoint */
	bool endpoint_traffic_routes; /* UDR and BGP apply to gate service-endpoint */
	bool none_row_172;	      /* default row None for 172.16.0.0/12 */
	bool endpoint_policies; /* private endpoint against UDR: by network policies, not /32 */
	uint8_t smallest_subnet_len; /* 27: a /27 or larger */
	uint8_t reserved_addresses;  /* added to 2 x instances */
	bool basic_can_integrate;
	uint8_t plan_integrations_windows, plan_integrations_linux;
	bool other_subscription;
};

/* "2020-04" or "current"; NULL for any other name. */
const struct nsg_profile *nsg_profile_find(const char *name);

#endif
