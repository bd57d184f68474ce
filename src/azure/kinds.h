/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registry of the kinds of documents, one line each: the suffix of its struct nsg_kind, and its
 * full resource types, the first of which is used in ids; none where Azure has no type. Documents
 * without a type are recognised by their keys in this order, the most specific kinds first.
 * src/template keeps the resources of a template whose types are in NSG_KINDS; those of
 * NSG_DOCUMENT_KINDS are read in documents only.
 */
#ifndef NSG_AZURE_KINDS_H
#define NSG_AZURE_KINDS_H

#define NSG_NETWORK "Microsoft.Network/"
#define NSG_WEB "Microsoft.Web/"

/* clang-format off */
#define NSG_DOCUMENT_KINDS(X) \
	X(admin_rule, NSG_NETWORK "networkManagers/securityAdminConfigurations/ruleCollections/rules") \
	X(mesh, NSG_NETWORK "networkManagers/connectivityConfigurations")

#define NSG_KINDS(X) \
	X(tags, NSG_NETWORK "serviceTags") \
	X(route_server) \
	X(setting) \
	X(private_endpoint, NSG_NETWORK "privateEndpoints") \
	X(nic, NSG_NETWORK "networkInterfaces") \
	X(vnet, NSG_NETWORK "virtualNetworks") \
	X(classic_vnet, "Microsoft.ClassicNetwork/virtualNetworks") \
	X(peering, NSG_NETWORK "virtualNetworks/virtualNetworkPeerings") \
	X(nsg, NSG_NETWORK "networkSecurityGroups") \
	X(rule, NSG_NETWORK "networkSecurityGroups/securityRules") \
	X(default_rule, NSG_NETWORK "networkSecurityGroups/defaultSecurityRules") \
	X(integration, NSG_WEB "sites/virtualNetworkConnections", \
	  NSG_WEB "sites/slots/virtualNetworkConnections", \
	  NSG_WEB "sites/networkConfig", NSG_WEB "sites/slots/networkConfig") \
	X(effective_route) \
	X(user_row) \
	X(route, NSG_NETWORK "routeTables/routes") \
	X(route_table, NSG_NETWORK "routeTables") \
	X(learned_route) \
	X(local_gateway, NSG_NETWORK "localNetworkGateways") \
	X(gateway, NSG_NETWORK "virtualNetworkGateways") \
	X(plan, NSG_WEB "serverfarms") \
	X(site, NSG_WEB "sites", NSG_WEB "sites/slots") \
	X(site_config, NSG_WEB "sites/config", NSG_WEB "sites/slots/config") \
	X(subnet, NSG_NETWORK "virtualNetworks/subnets") \
	X(asg, NSG_NETWORK "applicationSecurityGroups")

#define NSG_MAX_TYPES_OF_KIND 4

/* The app settings that are kept, in the order of enum nsg_app_setting_key. */
#define NSG_APP_SETTINGS(X) \
	X("WEBSITE_VNET_ROUTE_ALL") \
	X("WEBSITE_DNS_SERVER") \
	X("WEBSITE_DNS_ALT_SERVER")

/* clang-format on */

#endif
