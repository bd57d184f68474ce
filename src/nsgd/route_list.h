/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb `effective-routes`: the routes of the policy in force, in pages. */
#ifndef NSG_NSGD_ROUTE_LIST_H
#define NSG_NSGD_ROUTE_LIST_H

#include "nsgd/instance.h"
#include "nsgd/server.h"

/* A list keeps its policy in memory: at most NSG_MAX_ROUTE_LISTS at a time. -EBUSY, -ENOMEM, with a
 * diagnostic. The instance must outlive the stream. */
int route_list_begin(struct instance *in, struct nsg_diag *diag, struct server_stream **ret);

#endif
