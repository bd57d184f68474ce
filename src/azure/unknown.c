/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>
#include <strings.h>

#include "azure/commands.h"
#include "azure/unknown_priv.h"
#include "util/cleanup.h"
#include "util/macro.h"

/* What a document with these keys (up to two) looks like, and the command that prints the useful
 * one. */
static const struct look {
	const char *keys[2];
	const char *what, *az;
} looks[] = {
    {{"effectiveSecurityRules"}, "the effective rules of a network interface", AZ_NSG},
    {{"networkInterfaces"}, "the rules of network interfaces", AZ_NSG},
    {{"nextHopType", "routeTableId"}, "an answer of Network Watcher about a next hop", AZ_TABLE},
    {{"nextHopType"}, "an answer of Network Watcher about a next hop", AZ_TABLE},
    {{"access", "ruleName"}, "an answer of Network Watcher about a flow", AZ_NSG},
    {{"records"}, "a flow log", AZ_NSG},
    {{"privateLinkServiceConnectionState"},
     "a service's side of a private endpoint",
     "az network private-endpoint list -g GROUP"},
    {{"deployment", "version"}, "an export of Pulumi", AZ_VNET},
    {{"checkpoint", "version"}, "a state file of Pulumi", AZ_VNET},
    {{"terraform_version"}, "a Terraform plan", AZ_VNET},
    {{"IsEncrypted", "Values"}, "local settings of a function app", AZ_SETTINGS},
    {{"WEBSITE_VNET_ROUTE_ALL"}, "app settings without their names as values", AZ_SETTINGS},
    {{"WEBSITE_DNS_SERVER"}, "app settings without their names as values", AZ_SETTINGS},
    {{"ipRules", "virtualNetworkRules"}, "a firewall of a service", AZ_VNET},
    {{"error"}, "an error message of Azure", AZ_VNET},
    {{"code", "message"}, "an error message of Azure", AZ_VNET},
    {{"addressPrefix", "id"}, "a subnet that does not name its virtual network", AZ_VNET},
    {{"addressPrefix"}, "a subnet or a route without its next hop", AZ_VNET},
    {{"prefixes", "tag"}, "a service tag in a form that no Azure tool prints", AZ_TAGS},
    {{"ipConfigurations"},
     "something with IP configurations",
     "az network nic show -g GROUP -n NIC"},
    {{"name", "value"}, "settings", AZ_SETTINGS},
    {{"$schema"}, "a document for another tool", AZ_VNET},
};

static const struct look *find_look(const struct nsg_node *n)
{
	for (size_t i = 0; i < NSG_ARRAY_SIZE(looks); i++) {
		if (nsg_node_has(n, looks[i].keys[0]) &&
		    (!looks[i].keys[1] || nsg_node_has(n, looks[i].keys[1])))
			return &looks[i];
	}
	return NULL;
}

bool nsg_is_azure_type(const char *type)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789./";

	return type && !strncasecmp(type, "Microsoft.", strlen("Microsoft.")) &&
	       strlen(type) < 128 && type[strspn(type, letters)] == '\0' && strchr(type, '/');
}

void nsg_report_unknown(struct nsg_sink *s, const struct nsg_node *n)
{
	const struct look *look;

	if (!json_is_object(n->value)) {
		nsg_node_report(
		    s, n, NSG_ERROR, NULL,
		    "unknown document: a bare value, not a resource of Azure; run: " AZ_VNET);
		return;
	}
	look = find_look(n);
	nsg_node_report(s, n, NSG_ERROR, NULL, "unknown document: %s%s; run: %s",
			look ? "it looks like " : "",
			look ? look->what : "nothing in it describes a virtual network or an app",
			look ? look->az : AZ_VNET);
}
