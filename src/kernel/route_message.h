/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RTM_NEWROUTE and RTM_DELROUTE of IPv4. */
#ifndef NSG_KERNEL_ROUTE_MESSAGE_H
#define NSG_KERNEL_ROUTE_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/rtnetlink.h>

#include "kernel/attr.h"

/* Absent attributes are 0. Valid as long as the message. */
struct nsg_route_message {
	const struct rtmsg *rtm;
	uint32_t table, metric, dst_host, ifindex, gateway_host;
	uint32_t object; /* the number of a next hop object */
	struct nsg_bytes multipath;
};

struct nsg_route_path {
	uint32_t ifindex, gateway_host; /* gateway 0: none, or one of IPv6 */
	bool dead;			/* its link is down: the kernel uses the other paths */
};

/* -ENOENT: of another family, or an entry of a cache; -EBADMSG: not a valid message. */
int nsg_route_message_read(const struct nlmsghdr *nlh, struct nsg_route_message *ret);

/* Takes the next path off a list `multipath`. 0; -ENOENT at its end; -EBADMSG. */
int nsg_route_path_next(struct nsg_bytes *list, struct nsg_route_path *ret);

#endif
