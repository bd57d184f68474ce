/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The next hops' tables: table-base + number holds a default route out of the hop's paths that are
 * up and, behind it at the highest metric, a blackhole: a marked packet never goes on to the host's
 * own routes. Routes are ours when their protocol is NSG_RTPROT and their table lies in our range.
 */
#ifndef NSG_KERNEL_ROUTES_H
#define NSG_KERNEL_ROUTES_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/hops.h"
#include "kernel/netlink.h"
#include "util/diag.h"

/*
 * Makes the tables of all numbers in use what they should be (paths as last resolved). A hop that
 * the kernel refuses becomes down. Sets each hop's `changed`. `all`: removes our routes from the
 * other tables of the range too; that walks every table of the host once.
 */
int nsg_routes_apply(struct nsg_nl *nl, struct nsg_hops *h, bool all, struct nsg_diag *diag);
/* Removes all of ours. */
int nsg_routes_clear(struct nsg_nl *nl, const struct nsg_conf *conf, uint32_t max_hop,
		     struct nsg_diag *diag);
/* A table of a number in use that holds somebody else's routes: an error. -EEXIST. */
int nsg_routes_check_foreign(struct nsg_nl *nl, const struct nsg_hops *h, struct nsg_diag *diag);

#endif
