/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The routing tables of next hops: desired, read, apply, clear. Table table-base + number has a
 * default route by the paths of the next hop that are up and, at the highest metric, a blackhole,
 * so that a marked packet is never routed by the host. Routes are ours when their protocol is
 * NSG_RTPROT and their table lies in our range.
 */
#ifndef NSG_KERNEL_ROUTES_H
#define NSG_KERNEL_ROUTES_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/hops.h"
#include "kernel/netlink.h"
#include "util/diag.h"
#include "util/vec.h"

/*
 * Applies the routes of all numbers in use, with the paths as last resolved, and removes all other
 * routes from their tables. A hop whose route the kernel refuses is set down. Sets applied_change
 * of each hop. `all`: also removes our routes from the other tables of the range, which reads all
 * routes of the host.
 */
int nsg_routes_apply(struct nsg_nl *nl, struct nsg_hops *h, bool all, struct nsg_diag *diag);
/* Removes all our routes. */
int nsg_routes_clear(struct nsg_nl *nl, const struct nsg_conf *conf, uint32_t max_hop,
		     struct nsg_diag *diag);
/* -EEXIST, with a diagnostic, when the table of a number in use has routes of another program. */
int nsg_routes_check_foreign(struct nsg_nl *nl, const struct nsg_hops *h, struct nsg_diag *diag);

struct nsg_gateways {
	NSG_VEC(uint32_t) hosts;
};

/* Replaces *ret by the gateways of the default routes in table main. -errno: *ret is empty. */
int nsg_routes_gateways(struct nsg_nl *nl, struct nsg_gateways *ret);
void nsg_gateways_done(struct nsg_gateways *g);

#endif
