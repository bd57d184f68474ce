/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/routes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "kernel/route_message.h"
#include "kernel/rules.h"
#include "util/macro.h"
#include "util/vec.h"

#define METRIC_LAST 0xffffffffu

struct path {
	uint32_t gateway_host; /* 0: none */
	uint32_t ifindex;
	bool onlink; /* of a desired one: the gateway need not be in a network of the interface */
};

struct route {
	uint32_t table, metric;
	uint8_t type, dst_len, protocol;
	uint32_t dst_host;
	uint32_t n_paths;
	struct path paths[NSG_MAX_ECMP_NEXT_HOPS];
};

struct reading {
	uint32_t first, last; /* tables */
	enum { OURS, FOREIGN, ALL } of;
	NSG_VEC(struct route) routes;
};

static void reading_done(struct reading *reading)
{
	nsg_vec_done(&reading->routes);
}

#define cleanup_reading __attribute__((cleanup(reading_done)))

/* --- read ------------------------------------------------------------------------------------ */

/* Paths beyond the limit, and those after one that is not valid, are ignored. */
static void take_paths(struct nsg_bytes list, struct route *route)
{
	struct nsg_route_path path;

	while (route->n_paths < NSG_MAX_ECMP_NEXT_HOPS && nsg_route_path_next(&list, &path) == 0)
		route->paths[route->n_paths++] =
		    (struct path){.ifindex = path.ifindex, .gateway_host = path.gateway_host};
}

static int take_route(const struct nlmsghdr *nlh, void *arg)
{
	struct reading *reading = arg;
	struct nsg_route_message m;
	struct route route;
	bool ours;

	if (nlh->nlmsg_type != RTM_NEWROUTE || nsg_route_message_read(nlh, &m) < 0)
		return 0;
	ours = m.rtm->rtm_protocol == NSG_RTPROT;
	if (reading->of == (ours ? FOREIGN : OURS) || m.table < reading->first ||
	    m.table > reading->last)
		return 0;
	route = (struct route){
	    .table = m.table,
	    .metric = m.metric,
	    .type = m.rtm->rtm_type,
	    .dst_len = m.rtm->rtm_dst_len,
	    .protocol = m.rtm->rtm_protocol,
	    .dst_host = m.dst_host,
	};
	if (m.multipath.size) {
		take_paths(m.multipath, &route);
	} else if (m.ifindex) {
		route.n_paths = 1;
		route.paths[0] =
		    (struct path){.gateway_host = m.gateway_host, .ifindex = m.ifindex};
	}
	return nsg_vec_push(&reading->routes, route);
}

static void reset_reading(void *arg)
{
	((struct reading *)arg)->routes.n = 0;
}

/* table 0: all. Older kernels ignore the filters, which take_route repeats. */
static int read_routes(struct nsg_nl *nl, uint32_t table, struct reading *reading)
{
	char buffer[64];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct rtmsg *rtm;
	int r;

	nlh->nlmsg_type = RTM_GETROUTE;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = AF_INET;
	if (reading->of == OURS)
		rtm->rtm_protocol = NSG_RTPROT;
	if (table)
		mnl_attr_put_u32(nlh, RTA_TABLE, table);
	r = nsg_nl_dump(nl, nlh, take_route, reset_reading, reading);
	/* the answer for a table that does not exist yet */
	return r == -ENOENT ? 0 : r;
}

/* --- desired --------------------------------------------------------------------------------- */

#define MAX_DESIRED 2

/* The routes of a next hop's table: a blackhole, and a default by its paths that are up. */
static uint32_t desired_routes(const struct nsg_hop *hop, uint32_t table,
			       struct route ret[MAX_DESIRED])
{
	struct route *route = &ret[1];

	ret[0] = (struct route){
	    .table = table, .type = RTN_BLACKHOLE, .metric = METRIC_LAST, .protocol = NSG_RTPROT};
	if (!hop->up || hop->lookup)
		return 1;
	*route = (struct route){.table = table, .type = RTN_UNICAST, .protocol = NSG_RTPROT};
	for (uint32_t i = 0; i < hop->n_paths; i++) {
		const struct nsg_path *path = &hop->paths[i];

		if (path->up)
			route->paths[route->n_paths++] = (struct path){
			    .gateway_host = path->has_via ? path->via_host : 0,
			    .ifindex = path->ifindex,
			    .onlink = path->dev[0] && path->has_via,
			};
	}
	return 2;
}

/* A new route takes the place of one with the same key, of whatever protocol. */
static bool same_key(const struct route *a, const struct route *b)
{
	return a->table == b->table && a->dst_len == b->dst_len && a->dst_host == b->dst_host &&
	       a->metric == b->metric && a->protocol == b->protocol;
}

static bool has_path(const struct route *route, const struct path *path)
{
	for (uint32_t i = 0; i < route->n_paths; i++)
		if (route->paths[i].ifindex == path->ifindex &&
		    route->paths[i].gateway_host == path->gateway_host)
			return true;
	return false;
}

static bool same_route(const struct route *a, const struct route *b)
{
	if (!same_key(a, b) || a->type != b->type || a->n_paths != b->n_paths)
		return false;
	for (uint32_t i = 0; i < a->n_paths; i++)
		if (!has_path(b, &a->paths[i]))
			return false;
	return true;
}

/* --- apply ----------------------------------------------------------------------------------- */

/* ECMP routes of 64 paths take 64 * 16 bytes and the header. */
#define ROUTE_MESSAGE_BYTES 4096

static struct nlmsghdr *route_message(char *buffer, uint16_t type, uint16_t flags,
				      const struct route *route)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct rtmsg *rtm;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = AF_INET;
	rtm->rtm_protocol = route->protocol;
	rtm->rtm_type = route->type;
	rtm->rtm_dst_len = route->dst_len;
	rtm->rtm_scope = type == RTM_DELROUTE ? RT_SCOPE_NOWHERE : RT_SCOPE_UNIVERSE;
	mnl_attr_put_u32(nlh, RTA_TABLE, route->table);
	if (route->metric)
		mnl_attr_put_u32(nlh, RTA_PRIORITY, route->metric);
	if (route->dst_len)
		mnl_attr_put_u32(nlh, RTA_DST, htonl(route->dst_host));
	return nlh;
}

static void put_gateway(struct nlmsghdr *nlh, const struct path *path)
{
	if (path->gateway_host)
		mnl_attr_put_u32(nlh, RTA_GATEWAY, htonl(path->gateway_host));
}

static void put_multipath(struct nlmsghdr *nlh, const struct route *route)
{
	struct nlattr *multipath = mnl_attr_nest_start(nlh, RTA_MULTIPATH);

	for (uint32_t i = 0; i < route->n_paths; i++) {
		const struct path *path = &route->paths[i];
		uint32_t before = nlh->nlmsg_len;
		struct rtnexthop *nh = mnl_nlmsg_get_payload_tail(nlh);

		*nh = (struct rtnexthop){
		    .rtnh_ifindex = (int)path->ifindex,
		    .rtnh_flags = path->onlink ? RTNH_F_ONLINK : 0,
		};
		nlh->nlmsg_len += MNL_ALIGN(sizeof(*nh));
		put_gateway(nlh, path);
		nh->rtnh_len = (unsigned short)(nlh->nlmsg_len - before);
	}
	mnl_attr_nest_end(nlh, multipath);
}

static int add_route(struct nsg_nl *nl, const struct route *route)
{
	char buffer[ROUTE_MESSAGE_BYTES];
	struct nlmsghdr *nlh =
	    route_message(buffer, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route);
	struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);

	if (route->n_paths > 1)
		put_multipath(nlh, route);
	if (route->n_paths == 1) {
		put_gateway(nlh, &route->paths[0]);
		mnl_attr_put_u32(nlh, RTA_OIF, route->paths[0].ifindex);
		if (route->paths[0].onlink)
			rtm->rtm_flags |= RTNH_F_ONLINK;
		/* the kernel refuses some routes of universe scope that have no gateway */
		if (!route->paths[0].gateway_host)
			rtm->rtm_scope = RT_SCOPE_LINK;
	}
	return nsg_nl_request(nl, nlh, NULL, NULL);
}

static int remove_route(struct nsg_nl *nl, const struct route *route)
{
	char buffer[256];
	int r = nsg_nl_request(nl, route_message(buffer, RTM_DELROUTE, 0, route), NULL, NULL);

	return r == -ESRCH || r == -ENOENT ? 0 : r;
}

static int failed(struct nsg_nl *nl, const char *what, uint32_t table, int error,
		  struct nsg_diag *diag)
{
	(void)nsg_diag_add(diag, NSG_ERROR, NULL, NULL, "table %u: cannot %s: %s%s%s", table, what,
			   strerror(-error), nl->message[0] ? ": " : "", nl->message);
	return error;
}

/* A link may have disappeared since it was read: the hop is down, and a notification follows. */
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

/* there: the routes of the kernel, of any table. */
static int apply_table(struct nsg_nl *nl, uint32_t table, struct nsg_hop *hop,
		       const struct reading *there, struct nsg_diag *diag)
{
	struct route desired[MAX_DESIRED];
	uint32_t n = desired_routes(hop, table, desired);
	int r;

	for (uint32_t i = 0; i < n; i++) {
		bool found = false;

		for (size_t j = 0; j < there->routes.n; j++)
			found |= same_route(&desired[i], &there->routes.v[j]);
		if (found)
			continue;
		hop->applied_change = true;
		r = add_route(nl, &desired[i]);
		if (desired[i].type == RTN_UNICAST && means_down(r))
			take_down(hop);
		else if (r < 0)
			return failed(nl, "add a route", table, r, diag);
	}
	/* without the default of a next hop that is down */
	n = desired_routes(hop, table, desired);
	for (size_t i = 0; i < there->routes.n; i++) {
		const struct route *route = &there->routes.v[i];
		bool wanted = route->table != table;

		for (uint32_t j = 0; j < n; j++)
			wanted |= same_key(route, &desired[j]);
		if (wanted)
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
	int r;

	for (size_t i = 0; i < there->routes.n; i++) {
		const struct route *route = &there->routes.v[i];
		const struct nsg_hop *hop = &h->v[route->table - h->conf->table_base];

		if ((hop->used && nsg_hop_has_table(hop)) || route->protocol != NSG_RTPROT)
			continue;
		r = remove_route(nl, route);
		if (r < 0)
			return failed(nl, "remove a route", route->table, r, diag);
	}
	return 0;
}

int nsg_routes_apply(struct nsg_nl *nl, struct nsg_hops *h, bool all, struct nsg_diag *diag)
{
	const uint32_t base = h->conf->table_base;
	cleanup_reading struct reading there = {
	    .first = base + 1, .last = base + h->max, .of = ALL};
	int r;

	if (all) {
		r = read_routes(nl, 0, &there);
		if (r < 0)
			return failed(nl, "read the routes", base, r, diag);
	}
	for (uint32_t n = 1; n <= h->max; n++) {
		h->v[n].applied_change = false;
		if (!h->v[n].used || !nsg_hop_has_table(&h->v[n]))
			continue;
		if (!all) {
			r = read_routes(nl, base + n, &there);
			if (r < 0)
				return failed(nl, "read the routes", base + n, r, diag);
		}
		r = apply_table(nl, base + n, &h->v[n], &there, diag);
		if (r < 0)
			return r;
	}
	return all ? remove_others(nl, h, &there, diag) : 0;
}

int nsg_routes_clear(struct nsg_nl *nl, const struct nsg_conf *conf, uint32_t max_hop,
		     struct nsg_diag *diag)
{
	cleanup_reading struct reading there = {.first = conf->table_base + 1,
						.last = conf->table_base + max_hop};
	int error = 0, r;

	r = read_routes(nl, 0, &there);
	if (r < 0)
		return failed(nl, "read the routes", conf->table_base, r, diag);
	for (size_t i = 0; i < there.routes.n; i++) {
		r = remove_route(nl, &there.routes.v[i]);
		if (r < 0)
			error = failed(nl, "remove a route", there.routes.v[i].table, r, diag);
	}
	return error;
}

int nsg_routes_check_foreign(struct nsg_nl *nl, const struct nsg_hops *h, struct nsg_diag *diag)
{
	int r;

	for (uint32_t n = 1; n <= h->max; n++) {
		const uint32_t table = h->conf->table_base + n;
		cleanup_reading struct reading there = {
		    .first = table, .last = table, .of = FOREIGN};

		if (!h->v[n].used || !nsg_hop_has_table(&h->v[n]))
			continue;
		r = read_routes(nl, table, &there);
		if (r < 0)
			return failed(nl, "read the routes", table, r, diag);
		if (!there.routes.n)
			continue;
		(void)nsg_diag_line(diag, NSG_ERROR, h->conf->path,
				    nsg_conf_line(h->conf, "route", "table-base"), NULL,
				    "routing table %u has routes of another program; choose "
				    "another table-base",
				    table);
		return -EEXIST;
	}
	return 0;
}

void nsg_gateways_done(struct nsg_gateways *g)
{
	nsg_vec_done(&g->hosts);
}

int nsg_routes_gateways(struct nsg_nl *nl, struct nsg_gateways *ret)
{
	cleanup_reading struct reading there = {
	    .first = RT_TABLE_MAIN, .last = RT_TABLE_MAIN, .of = FOREIGN};
	int r;

	ret->hosts.n = 0;
	r = read_routes(nl, RT_TABLE_MAIN, &there);
	for (size_t i = 0; r >= 0 && i < there.routes.n; i++) {
		const struct route *route = &there.routes.v[i];

		for (uint32_t j = 0; r >= 0 && !route->dst_len && j < route->n_paths; j++)
			if (route->paths[j].gateway_host)
				r = nsg_vec_push(&ret->hosts, route->paths[j].gateway_host);
	}
	if (r < 0)
		ret->hosts.n = 0;
	return r;
}
