/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "azure/commands.h"

#include <stddef.h>

const char *const nsg_commands[] = {
    AZ_VNET " > vnet.json",
    "az network vnet show --ids PEER > peer.json",
    AZ_NSG " > nsg.json",
    AZ_TABLE " > routes.json",
    "az network vnet-gateway list-learned-routes -g GROUP -n GATEWAY > learned.json",
    AZ_SITE " > site.json",
    "az appservice plan show -g GROUP -n PLAN > plan.json",
    /* only the settings that are read: the others may be secrets */
    AZ_SETTINGS
    " --query \"[?name=='WEBSITE_VNET_ROUTE_ALL' || starts_with(name, 'WEBSITE_DNS_')]\""
    " > settings.json",
    "az network private-endpoint list -g GROUP > endpoints.json",
    AZ_TAGS " > service-tags.json",
    NULL,
};
