/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NSG_AZURE_COMMANDS_H
#define NSG_AZURE_COMMANDS_H

/* The az commands that print documents. */
#define AZ_VNET "az network vnet show -g GROUP -n VNET"
#define AZ_NSG "az network nsg show -g GROUP -n NSG"
#define AZ_TABLE "az network route-table show -g GROUP -n TABLE"
#define AZ_SITE "az webapp show -g GROUP -n APP"
#define AZ_SETTINGS "az webapp config appsettings list -g GROUP -n APP"
#define AZ_TAGS "az network list-service-tags -l REGION"
#define AZ_ROUTES "az network nic show-effective-route-table -g GROUP -n NIC"

/* The lines of a shell script that fills the directory of a policy; only the first one is edited. The
 * last is NULL. */
extern const char *const nsg_commands[];

#endif
