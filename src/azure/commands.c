/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "azure/commands.h"

#include <stddef.h>

/* The settings that are read; the others may be secrets. */
#define SETTINGS "[?name=='WEBSITE_VNET_ROUTE_ALL' || starts_with(name, 'WEBSITE_DNS_')]"
#define SITE "az webapp show -g \"$GROUP\" -n \"$APP\""
#define SUBNET "az network vnet subnet show --ids \"$SUBNET\""
#define VNET "az network vnet show --ids \"${SUBNET%/subnets/*}\""

const char *const nsg_commands[] = {
    "SUBSCRIPTION=... GROUP=... APP=...",
    "umask 027; az account set --subscription \"$SUBSCRIPTION\"",
    SITE " > site.json",
    "az webapp config appsettings list -g \"$GROUP\" -n \"$APP\" --query \"" SETTINGS
    "\" > settings.json",
    "PLAN=$(" SITE " --query 'appServicePlanId || serverFarmId' -o tsv)",
    "az appservice plan show --ids \"$PLAN\" > plan.json",
    "SUBNET=$(" SITE " --query virtualNetworkSubnetId -o tsv)",
    VNET " > vnet.json",
    "NSG=$(" SUBNET " --query networkSecurityGroup.id -o tsv)",
    "[ -z \"$NSG\" ] || az network nsg show --ids \"$NSG\" > nsg.json",
    "TABLE=$(" SUBNET " --query routeTable.id -o tsv)",
    "[ -z \"$TABLE\" ] || az network route-table show --ids \"$TABLE\" > routes.json",
    "for PEER in $(" VNET " --query 'virtualNetworkPeerings[].remoteVirtualNetwork.id' -o tsv); do"
    " az network vnet show --ids \"$PEER\" > \"peer-${PEER##*/}.json\"; done",
    "az network private-endpoint list > endpoints.json",
    "az network list-service-tags -l \"$(" VNET " --query location -o tsv)\" > service-tags.json",
    NULL,
};
