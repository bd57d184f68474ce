/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/route_message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

#include "util/macro.h"

int nsg_route_message_read(const struct nlmsghdr *nlh, struct nsg_route_message *ret)
{
	static const struct nsg_attr policy[] = {
	    NSG_ATTR(RTA_TABLE, U32, struct nsg_route_message, table),
	    NSG_ATTR(RTA_PRIORITY, U32, struct nsg_route_message, metric),
	    NSG_ATTR(RTA_DST, BE32, struct nsg_route_message, dst_host),
	    NSG_ATTR(RTA_OIF, U32, struct nsg_route_message, ifindex),
	    NSG_ATTR(RTA_GATEWAY, BE32, struct nsg_route_message, gateway_host),
	    NSG_ATTR(RTA_MULTIPATH, BYTES, struct nsg_route_message, multipath),
	    NSG_ATTR(RTA_NH_ID, U32, struct nsg_route_message, object),
	};
	static const struct nsg_attr with_dst[] = {
	    NSG_ATTR_REQUIRED(RTA_DST, BE32, struct nsg_route_message, dst_host),
	};
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct nsg_route_message m = {.rtm = rtm};
	int r;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*rtm))
		return -EBADMSG;
	if (rtm->rtm_family != AF_INET || (rtm->rtm_flags & RTM_F_CLONED))
		return -ENOENT;
	if (rtm->rtm_dst_len > 32)
		return -EBADMSG;
	m.table = rtm->rtm_table;
	r = nsg_attr_parse(nlh, sizeof(*rtm), policy, NSG_ARRAY_SIZE(policy), &m);
	if (r >= 0 && rtm->rtm_dst_len)
		r = nsg_attr_parse(nlh, sizeof(*rtm), with_dst, NSG_ARRAY_SIZE(with_dst), &m);
	if (r < 0)
		return r;
	*ret = m;
	return 0;
}

/* The list consists of struct rtnexthop, each followed by its attributes. */
int nsg_route_path_next(struct nsg_bytes *list, struct nsg_route_path *ret)
{
	static const struct nsg_attr policy[] = {
	    NSG_ATTR(RTA_GATEWAY, BE32, struct nsg_route_path, gateway_host),
	};
	const char *at = list->data;
	struct rtnexthop nh;
	size_t step;

	if (!list->size)
		return -ENOENT;
	if (list->size < sizeof(nh))
		return -EBADMSG;
	memcpy(&nh, at, sizeof(nh));
	if (nh.rtnh_len < sizeof(nh) || nh.rtnh_len > list->size)
		return -EBADMSG;
	*ret = (struct nsg_route_path){
	    .ifindex = (uint32_t)nh.rtnh_ifindex,
	    .dead = nh.rtnh_flags & RTNH_F_DEAD,
	};
	(void)nsg_attr_parse_bytes((struct nsg_bytes){at + sizeof(nh), nh.rtnh_len - sizeof(nh)},
				   policy, NSG_ARRAY_SIZE(policy), ret);
	step = RTNH_ALIGN(nh.rtnh_len);
	if (step > list->size)
		step = list->size;
	*list = (struct nsg_bytes){at + step, list->size - step};
	return 0;
}
