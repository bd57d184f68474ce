/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/flows_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "kernel/attr.h"
#include "kernel/netlink.h"
#include "util/macro.h"

struct nsg_flow_dump {
	struct nsg_nl nl;
	struct nsg_marks marks;
	int (*each)(const struct nsg_kernel_flow *flow, void *arg);
	void *arg;
};

struct flow_attrs {
	struct nsg_bytes tuple, protoinfo, out, in, timestamp;
	uint32_t mark, status, timeout, id;
};

struct tuple_attrs {
	struct nsg_bytes ip, proto;
};

static bool read_tuple(struct nsg_bytes tuple, struct nsg_kernel_flow *ret)
{
	static const struct nsg_attr tuple_policy[] = {
	    NSG_ATTR_REQUIRED(CTA_TUPLE_IP, BYTES, struct tuple_attrs, ip),
	    NSG_ATTR_REQUIRED(CTA_TUPLE_PROTO, BYTES, struct tuple_attrs, proto),
	};
	static const struct nsg_attr ip_policy[] = {
	    NSG_ATTR_REQUIRED(CTA_IP_V4_SRC, BE32, struct nsg_kernel_flow, src_host),
	    NSG_ATTR_REQUIRED(CTA_IP_V4_DST, BE32, struct nsg_kernel_flow, dst_host),
	};
	static const struct nsg_attr proto_policy[] = {
	    NSG_ATTR_REQUIRED(CTA_PROTO_NUM, U8, struct nsg_kernel_flow, protocol),
	    NSG_ATTR(CTA_PROTO_SRC_PORT, BE16, struct nsg_kernel_flow, sport_host),
	    NSG_ATTR(CTA_PROTO_DST_PORT, BE16, struct nsg_kernel_flow, dport_host),
	};
	struct tuple_attrs t = {0};

	return nsg_attr_parse_bytes(tuple, tuple_policy, NSG_ARRAY_SIZE(tuple_policy), &t) == 0 &&
	       nsg_attr_parse_bytes(t.ip, ip_policy, NSG_ARRAY_SIZE(ip_policy), ret) == 0 &&
	       nsg_attr_parse_bytes(t.proto, proto_policy, NSG_ARRAY_SIZE(proto_policy), ret) == 0;
}

/* Only TCP's state matters; names as in nf_conntrack_proto_tcp.c. */
static const char *read_state(struct nsg_bytes protoinfo)
{
	static const char *const names[] = {
	    "NONE",	  "SYN_SENT", "SYN_RECV",  "ESTABLISHED", "FIN_WAIT",
	    "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",	  "SYN_SENT2",
	};
	static const struct nsg_attr info_policy[] = {{CTA_PROTOINFO_TCP, true, NSG_ATTR_BYTES, 0}};
	static const struct nsg_attr tcp_policy[] = {
	    {CTA_PROTOINFO_TCP_STATE, true, NSG_ATTR_U8, 0}};
	struct nsg_bytes tcp;
	uint8_t state;

	if (nsg_attr_parse_bytes(protoinfo, info_policy, 1, &tcp) < 0 ||
	    nsg_attr_parse_bytes(tcp, tcp_policy, 1, &state) < 0 || state >= NSG_ARRAY_SIZE(names))
		return NULL;
	return names[state];
}

struct counters {
	uint64_t packets, bytes;
};

static bool read_counters(struct nsg_bytes attr, uint64_t *ret_packets, uint64_t *ret_bytes)
{
	static const struct nsg_attr policy[] = {
	    NSG_ATTR_REQUIRED(CTA_COUNTERS_PACKETS, BE64, struct counters, packets),
	    NSG_ATTR_REQUIRED(CTA_COUNTERS_BYTES, BE64, struct counters, bytes),
	};
	struct counters c;

	if (nsg_attr_parse_bytes(attr, policy, NSG_ARRAY_SIZE(policy), &c) < 0)
		return false;
	*ret_packets = c.packets;
	*ret_bytes = c.bytes;
	return true;
}

bool nsg_kernel_flow_read(const struct nlmsghdr *nlh, uint32_t decided, struct nsg_kernel_flow *ret)
{
	static const struct nsg_attr policy[] = {
	    NSG_ATTR_REQUIRED(CTA_TUPLE_ORIG, BYTES, struct flow_attrs, tuple),
	    NSG_ATTR(CTA_PROTOINFO, BYTES, struct flow_attrs, protoinfo),
	    NSG_ATTR(CTA_COUNTERS_ORIG, BYTES, struct flow_attrs, out),
	    NSG_ATTR(CTA_COUNTERS_REPLY, BYTES, struct flow_attrs, in),
	    NSG_ATTR(CTA_TIMESTAMP, BYTES, struct flow_attrs, timestamp),
	    NSG_ATTR(CTA_MARK, BE32, struct flow_attrs, mark),
	    NSG_ATTR(CTA_STATUS, BE32, struct flow_attrs, status),
	    NSG_ATTR(CTA_TIMEOUT, BE32, struct flow_attrs, timeout),
	    NSG_ATTR(CTA_ID, BE32, struct flow_attrs, id),
	};
	static const struct nsg_attr time_policy[] = {
	    {CTA_TIMESTAMP_START, true, NSG_ATTR_BE64, 0}};
	struct nsg_kernel_flow flow = {0};
	struct flow_attrs a = {0};

	if (nsg_attr_parse(nlh, sizeof(struct nfgenmsg), policy, NSG_ARRAY_SIZE(policy), &a) < 0 ||
	    !(a.mark & decided) || !read_tuple(a.tuple, &flow))
		return false;
	flow.id = a.id;
	flow.mark = a.mark;
	flow.answered = a.status & IPS_SEEN_REPLY;
	flow.expires_seconds = a.timeout;
	flow.state = read_state(a.protoinfo);
	flow.counted = read_counters(a.out, &flow.packets[0], &flow.bytes[0]) &&
		       read_counters(a.in, &flow.packets[1], &flow.bytes[1]);
	(void)nsg_attr_parse_bytes(a.timestamp, time_policy, 1, &flow.start_ns);
	*ret = flow;
	return true;
}

/* ---- dumps ----------------------------------------------------------------------------------- */

static int take_flow(const struct nlmsghdr *nlh, void *arg)
{
	const struct nsg_flow_dump *dump = arg;
	struct nsg_kernel_flow flow;

	return nsg_kernel_flow_read(nlh, dump->marks.decided, &flow) ? dump->each(&flow, dump->arg)
								     : 0;
}

int nsg_flow_dump_new(const struct nsg_marks *marks, struct nsg_flow_dump **ret)
{
	struct nsg_flow_dump *dump = calloc(1, sizeof(*dump));
	struct nlmsghdr *nlh;
	struct nfgenmsg *nfg;
	char buffer[128];
	int r;

	if (!dump)
		return -ENOMEM;
	dump->marks = *marks;
	r = nsg_nl_open(NETLINK_NETFILTER, &dump->nl);
	if (r < 0) {
		free(dump);
		return r;
	}
	nlh = mnl_nlmsg_put_header(buffer);
	nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = AF_INET;
	nfg->version = NFNETLINK_V0;
	mnl_attr_put_u32(nlh, CTA_MARK, htonl(marks->decided));
	mnl_attr_put_u32(nlh, CTA_MARK_MASK, htonl(marks->decided));
	r = nsg_nl_dump_begin(&dump->nl, nlh);
	if (r < 0) {
		nsg_flow_dump_free(dump);
		return r;
	}
	*ret = dump;
	return 0;
}

int nsg_flow_dump_next(struct nsg_flow_dump *dump,
		       int (*each)(const struct nsg_kernel_flow *flow, void *arg), void *arg)
{
	dump->each = each;
	dump->arg = arg;
	return nsg_nl_dump_more(&dump->nl, take_flow, dump);
}

struct nsg_flow_dump *nsg_flow_dump_free(struct nsg_flow_dump *dump)
{
	if (dump)
		nsg_nl_close(&dump->nl);
	free(dump);
	return NULL;
}

/* ---- notifications --------------------------------------------------------------------------- */

struct nsg_flow_watch {
	struct nsg_nl nl;
	uint32_t decided;
	void (*each)(const struct nsg_kernel_flow *flow, bool has_ended, void *arg);
	void *arg;
};

int nsg_flow_watch_new(const struct nsg_marks *marks, struct nsg_flow_watch **ret)
{
	static const unsigned int groups[] = {NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_DESTROY};
	struct nsg_flow_watch *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->decided = marks->decided;
	r = nsg_nl_open(NETLINK_NETFILTER, &w->nl);
	if (r < 0) {
		free(w);
		return r;
	}
	for (size_t i = 0; i < NSG_ARRAY_SIZE(groups); i++) {
		r = nsg_nl_subscribe(&w->nl, groups[i]);
		if (r < 0) {
			nsg_flow_watch_free(w);
			return r;
		}
	}
	*ret = w;
	return 0;
}

int nsg_flow_watch_fd(const struct nsg_flow_watch *w)
{
	return w->nl.fd;
}

static int take_notification(const struct nlmsghdr *nlh, void *arg)
{
	const struct nsg_flow_watch *w = arg;
	struct nsg_kernel_flow flow;

	if (nlh->nlmsg_type >> 8 == NFNL_SUBSYS_CTNETLINK &&
	    nsg_kernel_flow_read(nlh, w->decided, &flow))
		w->each(&flow, (nlh->nlmsg_type & 0xff) == IPCTNL_MSG_CT_DELETE, w->arg);
	return 0;
}

int nsg_flow_watch_read(struct nsg_flow_watch *w,
			void (*each)(const struct nsg_kernel_flow *flow, bool has_ended, void *arg),
			void *arg)
{
	w->each = each;
	w->arg = arg;
	return nsg_nl_drain(&w->nl, take_notification, w);
}

struct nsg_flow_watch *nsg_flow_watch_free(struct nsg_flow_watch *w)
{
	if (w)
		nsg_nl_close(&w->nl);
	free(w);
	return NULL;
}
