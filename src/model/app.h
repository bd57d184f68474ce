/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The app's part of a policy (model/policy.h): settings, sites, integrations and plans. */
#ifndef NSG_MODEL_APP_H
#define NSG_MODEL_APP_H

#include <stddef.h>
#include <stdint.h>

#include "model/value.h"
#include "util/source.h"

/* The app settings that are kept. The values of all others may be secrets. */
enum nsg_app_setting_key {
	NSG_SETTING_ROUTE_ALL,
	NSG_SETTING_DNS_SERVER,
	NSG_SETTING_DNS_ALT_SERVER,
};

/* One such setting in one document. */
struct nsg_app_setting {
	enum nsg_app_setting_key key;
	const char *name;    /* e.g. WEBSITE_DNS_SERVER */
	const char *site_id; /* "": a separate app settings document, for every site */
	/* of WEBSITE_VNET_ROUTE_ALL: */
	enum {
		NSG_ROUTE_ALL_EMPTY,
		NSG_ROUTE_ALL_ON,    /* the string 1 */
		NSG_ROUTE_ALL_OFF,   /* 0 */
		NSG_ROUTE_ALL_OTHER, /* off; reported by its reader, without its value */
	} value;
	/* of the DNS servers: an IPv4 or IPv6 address in canonical form */
	const char *server;
	struct nsg_place place;
};

/* Where a site turns route-all on or off; siteConfig's also in a sites/config document. */
enum nsg_route_all_key {
	NSG_SITE_ROUTE_ALL, /* vnetRouteAllEnabled */
	NSG_SITE_ROUTING,   /* outboundVnetRouting.allTraffic or .applicationTraffic */
	NSG_CONFIG_ROUTE_ALL,
	NSG_CONFIG_ROUTING,
	NSG_ROUTE_ALL_KEYS,
};

struct nsg_switch {
	enum nsg_tristate value;
	struct nsg_place place;
};

struct nsg_site {
	const char *id, *name, *location, *plan_id; /* each "" unknown */
	const char *subnet_id;			    /* virtualNetworkSubnetId, "" none */
	const char *sku;			    /* "" unknown */
	enum nsg_tristate is_linux;		    /* `reserved`, else `kind` */
	bool windows_container;			    /* isXenon or hyperV */
	bool by_perimeter;			    /* publicNetworkAccess is SecuredByPerimeter */
	struct nsg_switch route_all[NSG_ROUTE_ALL_KEYS];
	bool config_is_newer;	 /* of a template of apiVersion 2024-11-01 or later */
	uint32_t *outbound_host; /* its outbound addresses */
	size_t n_outbound;
	struct nsg_place place, subnet_place;
};

struct nsg_integration {
	const char *name;
	const char *subnet_id; /* "" when only the VNet is named */
	const char *vnet_id;   /* "" when the subnet is named */
	const char *site_id;   /* "" unknown */
	enum nsg_tristate is_swift;
	struct nsg_place place;
};

struct nsg_plan {
	const char *id, *name, *location, *tier, *sku; /* each "" unknown */
	const char *subnet_id;			       /* of a Managed Instance; "" none */
	uint32_t instances;			       /* 0 unknown */
	enum nsg_tristate is_linux;		       /* `reserved`, else `kind` */
	bool windows_container;			       /* isXenon or hyperV */
	bool is_listed; /* an element of a list, which may be of other apps */
	struct nsg_place place, sku_place, subnet_place;
};

#endif
