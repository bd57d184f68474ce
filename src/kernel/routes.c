/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/routes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "kernel/attr.h"
#include "kernel/rules.h"
#include "util/macro.h"
#include "util/vec.h"

#define METRIC_LAST 0xffffffffu

struct path {
	uint32_t gateway_host; /* 0: none */
	uint32_t ifindex;
};

/* A route of ours, as it is in the kernel. */
struct route {
	uint32_t table, metric;
	uint8_t type, dst_len;
	uint32_t dst_host;
	uint32_t n_paths;
	struct path paths[NSG_MAX_ECMP_NEXT_HOPS];
};

struct reading {
	uint32_t first, last; /* tables */
	bool foreign;	      /* others' routes, not ours */
	NSG_VEC(struct route) routes;
};

struct route_attrs {
	uint32_t table, metric, dst_host, ifindex, gateway_host;
	struct nsg_bytes multipath;
};

/* RTA_MULTIPATH is a list of struct rtnexthop with attributes behind each. */
static void take_paths(struct nsg_bytes list, struct route *route)
{
	static const struct nsg_attr policy[] = {
	    NSG_ATTR(RTA_GATEWAY, BE32, struct path, gateway_host),
	};

	while (list.size >= sizeof(struct rtnexthop) && route->n_paths < NSG_MAX_ECMP_NEXT_HOPS) {
		struct path *path = &route->paths[route->n_paths];
		const char *at = list.data;
		struct rtnexthop nh;
		size_t step;

		memcpy(&nh, at, sizeof(nh));
		if (nh.rtnh_len < sizeof(nh) || nh.rtnh_len > list.size)
			return;
		*path = (struct path){.ifindex = (uint32_t)nh.rtnh_ifindex};
		(void)nsg_attr_parse_bytes(
		    (struct nsg_bytes){at + sizeof(nh), nh.rtnh_len - sizeof(nh)}, policy,
		    NSG_ARRAY_SIZE(policy), path);
		route->n_paths++;
		step = RTNH_ALIGN(nh.rtnh_len);
		if (step > list.size)
			return;
		list = (struct nsg_bytes){at + step, list.size - step};
	}
}

static int take_route(const struct nlmsghdr *nlh, void *arg)
{
	static const struct nsg_attr policy[] = {
	    NSG_ATTR(RTA_TABLE, U32, struct route_attrs, table),
	    NSG_ATTR(RTA_PRIORITY, U32, struct route_attrs, metric),
	    NSG_ATTR(RTA_DST, BE32, struct route_attrs, dst_host),
	    NSG_ATTR(RTA_OIF, U32, struct route_attrs, ifindex),
	    NSG_ATTR(RTA_GATEWAY, BE32, struct route_attrs, gateway_host),
	    NSG_ATTR(RTA_MULTIPATH, BYTES, struct route_attrs, multipath),
	};
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct reading *reading = arg;
	struct route_attrs a = {0};
	struct route route;

	if (nlh->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(nlh) < sizeof(*rtm) ||
	    rtm->rtm_family != AF_INET || (rtm->rtm_flags & RTM_F_CLONED) ||
	    (rtm->rtm_protocol == NSG_RTPROT) == reading->foreign)
		return 0;
	a.table = rtm->rtm_table;
	if (nsg_attr_parse(nlh, sizeof(*rtm), policy, NSG_ARRAY_SIZE(policy), &a) < 0 ||
	    a.table < reading->first || a.table > reading->last)
		return 0;
	route = (struct route){
	    .table = a.table,
	    .metric = a.metric,
	    .type = rtm->rtm_type,
	    .dst_len = rtm->rtm_dst_len,
	    .dst_host = a.dst_host,
	};
	if (a.multipath.size) {
		take_paths(a.multipath, &route);
	} else if (a.ifindex) {
		route.n_paths = 1;
		route.paths[0] = (struct path){a.gateway_host, a.ifindex};
	}
	return nsg_vec_push(&reading->routes, route);
}

static void reset_reading(void *arg)
{
	((struct reading *)arg)->routes.n = 0;
}

/* With a strict kernel the filters are its own, else take_route's. table 0: all. */
static int read_routes(struct nsg_nl *nl, uint32_t table, struct reading *reading)
{
	char buffer[64];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct rtmsg *rtm;
	int r;

	nlh->nlmsg_type = RTM_GETROUTE;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = AF_INET;
	if (!reading->foreign)
		rtm->rtm_protocol = NSG_RTPROT;
	if (table)
		mnl_attr_put_u32(nlh, RTA_TABLE, table);
	r = nsg_nl_dump(nl, nlh, take_route, reset_reading, reading);
	/* the answer for a table that does not exist yet */
	return r == -ENOENT ? 0 : r;
}

/* One path's part of a message: inside a struct rtnexthop, or plain when there is one path. */
static void put_path(struct nlmsghdr *nlh, const struct nsg_path *path)
{
	if (path->has_via)
		mnl_attr_put_u32(nlh, RTA_GATEWAY, htonl(path->via_host));
}

static void put_paths(struct nlmsghdr *nlh, const struct nsg_hop *hop)
{
	struct nlattr *multipath = mnl_attr_nest_start(nlh, RTA_MULTIPATH);

	for (uint32_t i = 0; i < hop->n_paths; i++) {
		const struct nsg_path *path = &hop->paths[i];
		uint32_t before = nlh->nlmsg_len;
		struct rtnexthop *nh = mnl_nlmsg_get_payload_tail(nlh);

		if (!path->up)
			continue;
		*nh = (struct rtnexthop){
		    .rtnh_ifindex = (int)path->ifindex,
		    .rtnh_flags = path->dev[0] && path->has_via ? RTNH_F_ONLINK : 0,
		};
		nlh->nlmsg_len += MNL_ALIGN(sizeof(*nh));
		put_path(nlh, path);
		nh->rtnh_len = (unsigned short)(nlh->nlmsg_len - before);
	}
	mnl_attr_nest_end(nlh, multipath);
}

static uint32_t n_up(const struct nsg_hop *hop, const struct nsg_path **ret_one)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < hop->n_paths; i++) {
		if (!hop->paths[i].up)
			continue;
		*ret_one = &hop->paths[i];
		n++;
	}
	return n;
}

/* ECMP paths of 64 paths take 64 * 16 bytes and the header. */
#define ROUTE_MESSAGE_BYTES 4096

static struct nlmsghdr *route_message(char *buffer, uint16_t type, uint16_t flags, uint32_t table,
				      uint8_t route_type, uint32_t metric)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct rtmsg *rtm;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = AF_INET;
	rtm->rtm_protocol = NSG_RTPROT;
	rtm->rtm_type = route_type;
	rtm->rtm_scope = type == RTM_DELROUTE ? RT_SCOPE_NOWHERE : RT_SCOPE_UNIVERSE;
	mnl_attr_put_u32(nlh, RTA_TABLE, table);
	if (metric)
		mnl_attr_put_u32(nlh, RTA_PRIORITY, metric);
	return nlh;
}

static int add_blackhole(struct nsg_nl *nl, uint32_t table)
{
	char buffer[256];
	struct nlmsghdr *nlh = route_message(buffer, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, table,
					     RTN_BLACKHOLE, METRIC_LAST);
	int r = nsg_nl_request(nl, nlh, NULL, NULL);

	return r == -EEXIST ? 0 : r;
}

static int add_default(struct nsg_nl *nl, uint32_t table, const struct nsg_hop *hop)
{
	char buffer[ROUTE_MESSAGE_BYTES];
	struct nlmsghdr *nlh = route_message(buffer, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE,
					     table, RTN_UNICAST, 0);
	struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nsg_path *path = NULL;

	if (n_up(hop, &path) > 1) {
		put_paths(nlh, hop);
	} else {
		put_path(nlh, path);
		mnl_attr_put_u32(nlh, RTA_OIF, path->ifindex);
		if (path->dev[0] && path->has_via)
			rtm->rtm_flags |= RTNH_F_ONLINK;
		/* the kernel refuses a route of universe scope without a gateway in a few cases */
		if (!path->has_via)
			rtm->rtm_scope = RT_SCOPE_LINK;
	}
	return nsg_nl_request(nl, nlh, NULL, NULL);
}

static int remove_route(struct nsg_nl *nl, const struct route *route)
{
	char buffer[256];
	struct nlmsghdr *nlh =
	    route_message(buffer, RTM_DELROUTE, 0, route->table, route->type, route->metric);
	struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	int r;

	rtm->rtm_dst_len = route->dst_len;
	if (route->dst_len)
		mnl_attr_put_u32(nlh, RTA_DST, htonl(route->dst_host));
	r = nsg_nl_request(nl, nlh, NULL, NULL);
	return r == -ESRCH || r == -ENOENT ? 0 : r;
}

static bool has_path(const struct route *route, const struct nsg_path *path)
{
	const uint32_t gateway = path->has_via ? path->via_host : 0;

	for (uint32_t i = 0; i < route->n_paths; i++)
		if (route->paths[i].ifindex == path->ifindex &&
		    route->paths[i].gateway_host == gateway)
			return true;
	return false;
}

static bool is_blackhole(const struct route *route)
{
	return !route->dst_len && route->type == RTN_BLACKHOLE && route->metric == METRIC_LAST;
}

static bool is_default(const struct route *route, const struct nsg_hop *hop)
{
	const struct nsg_path *one = NULL;

	if (route->dst_len || route->type != RTN_UNICAST || route->metric ||
	    route->n_paths != n_up(hop, &one))
		return false;
	for (uint32_t i = 0; i < hop->n_paths; i++)
		if (hop->paths[i].up && !has_path(route, &hop->paths[i]))
			return false;
	return true;
}

void nsg_routes_resolve(struct nsg_nl *nl, const struct nsg_links *links, struct nsg_hop *hop)
{
	hop->up = false;
	for (uint32_t i = 0; i < hop->n_paths; i++) {
		struct nsg_path *path = &hop->paths[i];
		const struct nsg_link *link;

		if (path->dev[0]) {
			link = nsg_links_by_name(links, path->dev);
			path->reach = !link	 ? NSG_REACH_NO_DEVICE
				      : link->up ? NSG_REACH_OK
						 : NSG_REACH_DOWN;
			path->ifindex = link ? link->ifindex : 0;
		} else {
			path->reach = nsg_links_reach(nl, links, path->via_host, &path->ifindex,
						      &path->behind_host);
		}
		path->up = path->reach == NSG_REACH_OK;
		hop->up |= path->up;
	}
	hop->up |= !hop->n_paths;
}

static int failed(struct nsg_nl *nl, const char *what, uint32_t table, int error,
		  struct nsg_diag *diag)
{
	(void)nsg_diag_add(diag, NSG_ERROR, NULL, NULL, "table %u: cannot %s: %s%s%s", table, what,
			   strerror(-error), nl->message[0] ? ": " : "", nl->message);
	return error;
}

/* A link may have gone since it was asked about: then the hop is down, the blackhole is there, and
 * the notification comes. */
static bool means_down(int error)
{
	return error == -ENETUNREACH || error == -ENETDOWN || error == -ENODEV ||
	       error == -EHOSTUNREACH || error == -EINVAL;
}

static void take_down(struct nsg_hop *hop)
{
	hop->up = false;
	for (uint32_t i = 0; i < hop->n_paths; i++) {
		hop->paths[i].up = false;
		if (hop->paths[i].reach == NSG_REACH_OK)
			hop->paths[i].reach = NSG_REACH_NO_ROUTE;
	}
}

/* there: what the kernel has, of any table. */
static int apply_table(struct nsg_nl *nl, uint32_t table, struct nsg_hop *hop,
		       const struct reading *there, struct nsg_diag *diag)
{
	bool blackhole = false, gateway = false;
	int r;

	for (size_t i = 0; i < there->routes.n; i++) {
		const struct route *route = &there->routes.v[i];

		if (route->table != table)
			continue;
		blackhole |= is_blackhole(route);
		gateway |= hop->up && is_default(route, hop);
	}
	if (!blackhole) {
		hop->applied_change = true;
		r = add_blackhole(nl, table);
		if (r < 0)
			return failed(nl, "add the blackhole route", table, r, diag);
	}
	if (hop->up && !gateway) {
		hop->applied_change = true;
		r = add_default(nl, table, hop);
		if (means_down(r))
			take_down(hop);
		else if (r < 0)
			return failed(nl, "add the route", table, r, diag);
	}
	for (size_t i = 0; i < there->routes.n; i++) {
		const struct route *route = &there->routes.v[i];

		/* a default that differs has been replaced, unless the hop is down */
		if (route->table != table || is_blackhole(route) ||
		    (hop->up && !route->dst_len && route->type == RTN_UNICAST && !route->metric))
			continue;
		hop->applied_change = true;
		r = remove_route(nl, route);
		if (r < 0)
			return failed(nl, "remove a route", table, r, diag);
	}
	return 0;
}

static int remove_others(struct nsg_nl *nl, const struct nsg_hops *h, const struct reading *there,
			 struct nsg_diag *diag)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < there->routes.n; i++) {
		const struct route *route = &there->routes.v[i];
		const struct nsg_hop *hop = &h->v[route->table - h->conf->table_base];

		if (hop->used && hop->n_paths)
			continue;
		r = remove_route(nl, route);
		if (r < 0)
			(void)failed(nl, "remove a route", route->table, r, diag);
	}
	return r;
}

int nsg_routes_apply(struct nsg_nl *nl, struct nsg_hops *h, bool all, struct nsg_diag *diag)
{
	const uint32_t base = h->conf->table_base;
	struct reading there = {.first = base + 1, .last = base + h->max};
	int r = 0;

	if (all)
		r = read_routes(nl, 0, &there);
	for (uint32_t n = 1; r >= 0 && n <= h->max; n++) {
		h->v[n].applied_change = false;
		if (!h->v[n].used || !h->v[n].n_paths)
			continue;
		if (!all)
			r = read_routes(nl, base + n, &there);
		if (r >= 0)
			r = apply_table(nl, base + n, &h->v[n], &there, diag);
		else
			(void)failed(nl, "read the routes", base + n, r, diag);
	}
	if (r >= 0 && all)
		r = remove_others(nl, h, &there, diag);
	nsg_vec_done(&there.routes);
	return r < 0 ? r : 0;
}

int nsg_routes_clear(struct nsg_nl *nl, const struct nsg_conf *conf, uint32_t max_hop,
		     struct nsg_diag *diag)
{
	struct reading there = {.first = conf->table_base + 1, .last = conf->table_base + max_hop};
	int error = 0, r;

	r = read_routes(nl, 0, &there);
	if (r < 0)
		error = failed(nl, "read the routes", conf->table_base, r, diag);
	for (size_t i = 0; r >= 0 && i < there.routes.n; i++) {
		int e = remove_route(nl, &there.routes.v[i]);

		if (e < 0)
			error = failed(nl, "remove a route", there.routes.v[i].table, e, diag);
	}
	nsg_vec_done(&there.routes);
	return error;
}

int nsg_routes_check_foreign(struct nsg_nl *nl, const struct nsg_hops *h, struct nsg_diag *diag)
{
	int r = 0;

	for (uint32_t n = 1; r >= 0 && n <= h->max; n++) {
		const uint32_t table = h->conf->table_base + n;
		struct reading there = {.first = table, .last = table, .foreign = true};

		if (!h->v[n].used || !h->v[n].n_paths)
			continue;
		r = read_routes(nl, table, &there);
		if (r < 0)
			(void)failed(nl, "read the routes", table, r, diag);
		else if (there.routes.n) {
			r = -EEXIST;
			(void)nsg_diag_line(
			    diag, NSG_ERROR, h->conf->path,
			    nsg_conf_line(h->conf, "route", "table-base"), NULL,
			    "routing table %u has routes that are not nsgd's: choose "
			    "another table-base",
			    table);
		}
		nsg_vec_done(&there.routes);
	}
	return r;
}
