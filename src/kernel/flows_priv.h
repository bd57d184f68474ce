/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the dump and the notifications of flows share, and the fuzz target reads. */
#ifndef NSG_KERNEL_FLOWS_PRIV_H
#define NSG_KERNEL_FLOWS_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/netlink.h>

#include "kernel/flows.h"

/* A connection of a message of ctnetlink. False when its mark has no bit of `decided`, or it is not
 * of IPv4. */
bool nsg_kernel_flow_read(const struct nlmsghdr *nlh, uint32_t decided,
			  struct nsg_kernel_flow *ret);

#endif
