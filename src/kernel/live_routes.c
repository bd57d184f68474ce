/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel reports a route that is added, replaced or removed, but not those that disappear with
 * their link, their preferred source or their next hop object: then the table is read again, as
 * after lost notifications. Subscribed before it is read, so that what changes meanwhile is applied
 * to the result.
 */
#include "kernel/live_routes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "kernel/route_message.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/limits.h"
#include "util/macro.h"

/* Linux 5.3; absent from older headers. */
#ifndef RTNLGRP_NEXTHOP
#define RTNLGRP_NEXTHOP 32
#endif

/* A burst of some 40,000 notifications; the default holds 200. */
#define RECEIVE_BUFFER_BYTES (32 << 20)
/* Notifications taken before the caller can do something else. */
#define DRAIN 8192u
/* Next hops of a route, and interfaces, that are recorded; further ones of a route are only used. */
#define HOPS_MAX 256u
#define LINKS_MAX 256u
/* Lists of next hops beyond the number of routes, most of which no route has any more. */
#define IDLE_LISTS_MAX 4096u

struct nsg_live {
	const struct nsg_conf *conf;
	struct nsg_nl watch, dump;
	struct nsg_route_set *set; /* the last one; NULL: none */
	struct nsg_hop_lists lists;
	struct nsg_route_changes pending;
	/* Those of routes that are gone too: a route that returns over one of them loses no packet. */
	uint32_t links[LINKS_MAX];
	size_t n_links;
	uint64_t ignored[NSG_LIVE_IGNORED_MAX], losses;
	uint32_t drained;
	bool must_read;
	bool in_dump; /* messages are routes of a reading */
	bool
	    ambiguous; /* several routes with equal prefix and metric: only a reading tells them apart */
	bool uses_objects; /* some routes have next hop objects */
};

/* ---- one message ---------------------------------------------------------------------------- */

struct hops {
	uint32_t addrs_host[HOPS_MAX];
	uint32_t n;
};

static void use_link(struct nsg_live *l, uint32_t ifindex)
{
	for (size_t i = 0; i < l->n_links; i++)
		if (l->links[i] == ifindex)
			return;
	if (ifindex && l->n_links < LINKS_MAX)
		l->links[l->n_links++] = ifindex;
}

static void add_hop(struct hops *hops, uint32_t gateway_host)
{
	if (gateway_host && hops->n < HOPS_MAX)
		hops->addrs_host[hops->n++] = gateway_host;
}

/* The gateways of paths that are in use. -EBADMSG. */
static int take_multipath(struct nsg_live *l, struct nsg_bytes list, struct hops *hops)
{
	struct nsg_route_path path;
	int r;

	while ((r = nsg_route_path_next(&list, &path)) == 0) {
		if (!path.dead)
			add_hop(hops, path.gateway_host);
		use_link(l, path.ifindex);
	}
	return r == -ENOENT ? 0 : r;
}

static int push(struct nsg_live *l, const struct nsg_live_route *route, bool removed)
{
	const struct nsg_route_change c = {.route = *route, .removed = removed};

	/* also when a program adds and removes routes faster than sets are made */
	if (l->pending.changes.n > NSG_MAX_BGP_ROUTES)
		return -E2BIG;
	return nsg_vec_push(&l->pending.changes, c);
}

static int add(struct nsg_live *l, struct nsg_live_route *route, const struct nsg_route_message *m)
{
	struct hops hops = {.n = 0};
	int r;

	if (m->multipath.size) {
		if (take_multipath(l, m->multipath, &hops) < 0) {
			l->ignored[NSG_LIVE_MALFORMED]++;
			return 0;
		}
	} else {
		add_hop(&hops, m->gateway_host);
		use_link(l, m->ifindex);
	}
	l->uses_objects |= m->object != 0;
	r = nsg_hop_lists_add(&l->lists, hops.addrs_host, hops.n, &route->list);
	if (r < 0)
		return r;
	return push(l, route, false);
}

/* A new route replaces the one of equal prefix and metric, whatever its protocol and type. */
static int take(struct nsg_live *l, const struct nlmsghdr *nlh, const struct nsg_route_message *m)
{
	const struct rtmsg *rtm = m->rtm;
	struct nsg_live_route route = {
	    .addr_host = m->dst_host & nsg_prefix_mask(rtm->rtm_dst_len),
	    .len = rtm->rtm_dst_len,
	    .metric = m->metric,
	};
	const bool is_new = nlh->nlmsg_type == RTM_NEWROUTE;
	const bool listed = nsg_conf_takes_protocol(l->conf, rtm->rtm_protocol);
	const bool unknown = m->object && !m->ifindex && !m->multipath.size;
	const bool used = listed && rtm->rtm_type == RTN_UNICAST && !rtm->rtm_tos && !unknown;

	/* added before or after an equal one ("ip route prepend", "append") */
	if (!l->in_dump && is_new && !(nlh->nlmsg_flags & (NLM_F_EXCL | NLM_F_REPLACE)))
		l->ambiguous = true;
	if (!l->in_dump && l->ambiguous) {
		l->must_read = true;
		return 0;
	}
	if (!listed && is_new)
		l->ignored[NSG_LIVE_PROTOCOL]++;
	else if (listed && is_new && rtm->rtm_type != RTN_UNICAST)
		l->ignored[NSG_LIVE_TYPE]++;
	else if (listed && is_new && rtm->rtm_tos)
		l->ignored[NSG_LIVE_TOS]++;
	else if (listed && is_new && unknown)
		l->ignored[NSG_LIVE_OBJECT]++;
	if (used)
		return is_new ? add(l, &route, m) : push(l, &route, true);
	return is_new && !l->in_dump && !rtm->rtm_tos ? push(l, &route, true) : 0;
}

static int take_route(struct nsg_live *l, const struct nlmsghdr *nlh)
{
	struct nsg_route_message m;
	int r = nsg_route_message_read(nlh, &m);

	if (r == -EBADMSG)
		l->ignored[NSG_LIVE_MALFORMED]++;
	return r < 0 || m.table != l->conf->bgp_table ? 0 : take(l, nlh, &m);
}

/* The routes over a link that goes down disappear. */
static void take_link(struct nsg_live *l, const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifi))
		return;
	for (size_t i = 0; i < l->n_links; i++)
		l->must_read |= l->links[i] == (uint32_t)ifi->ifi_index;
	l->must_read |= l->n_links == LINKS_MAX;
}

static int take_message(const struct nlmsghdr *nlh, void *arg)
{
	struct nsg_live *l = arg;
	int r = 0;

	switch (nlh->nlmsg_type) {
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		r = take_route(l, nlh);
		break;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		take_link(l, nlh);
		break;
	case RTM_DELADDR:
		l->must_read = true;
		break;
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
		l->must_read |= l->uses_objects;
		break;
	default:
		break;
	}
	if (r < 0)
		return r;
	return l->in_dump || ++l->drained < DRAIN ? 0 : -EINTR;
}

/* ---- the whole table ------------------------------------------------------------------------ */

static void reset(void *arg)
{
	struct nsg_live *l = arg;

	l->pending.changes.n = 0;
	nsg_hop_lists_done(&l->lists);
	l->uses_objects = false;
	memset(l->ignored, 0, sizeof(l->ignored));
}

static int dump(struct nsg_live *l)
{
	char buffer[64];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct rtmsg *rtm;
	int r;

	nlh->nlmsg_type = RTM_GETROUTE;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = AF_INET;
	/* kernels before 4.20 ignore it and send every table */
	mnl_attr_put_u32(nlh, RTA_TABLE, l->conf->bgp_table);
	l->in_dump = true;
	r = nsg_nl_dump(&l->dump, nlh, take_message, reset, l);
	l->in_dump = false;
	/* the table does not exist yet */
	return r == -ENOENT ? 0 : r;
}

static int compare_keys(const void *a, const void *b)
{
	const struct nsg_live_route *x = a, *y = b;

	if (x->addr_host != y->addr_host || x->len != y->len)
		return 1;
	return NSG_CMP(x->metric, y->metric);
}

/* The routes of a dump that have equal prefixes are adjacent. */
static bool has_equal_routes(const struct nsg_route_changes *c)
{
	for (size_t i = 1; i < c->changes.n; i++)
		if (!compare_keys(&c->changes.v[i - 1].route, &c->changes.v[i].route))
			return true;
	return false;
}

/* What was reported before the dump is in it. */
static int read_table(struct nsg_live *l)
{
	int r;

	do
		r = nsg_live_drain(l);
	while (r == -EINTR);
	if (r < 0)
		return r;
	reset(l);
	r = dump(l);
	if (r < 0)
		return r;
	l->ambiguous = has_equal_routes(&l->pending);
	l->must_read = false;
	return 0;
}

/* ---- what the caller uses ------------------------------------------------------------------- */

int nsg_live_drain(struct nsg_live *l)
{
	int r;

	l->drained = 0;
	r = nsg_nl_drain(&l->watch, take_message, l);
	if (r == -EINTR)
		return r;
	/* Lost notifications, or more changes than there can be routes; or one was received that could
	 * not be applied. */
	l->must_read |= r < 0;
	l->losses += r == -ENOBUFS;
	if (r == -E2BIG)
		l->pending.changes.n = 0;
	return r == -ENOBUFS || r == -E2BIG ? 0 : r;
}

bool nsg_live_must_read(const struct nsg_live *l)
{
	return l->must_read;
}

bool nsg_live_has_changed(const struct nsg_live *l)
{
	return l->must_read || l->pending.changes.n;
}

int nsg_live_publish(struct nsg_live *l, struct nsg_route_diff *ret_diff,
		     struct nsg_route_set **ret)
{
	const bool whole = l->must_read;
	struct nsg_route_set *set;
	int r = 0;

	if (whole)
		r = read_table(l);
	if (r >= 0)
		r = nsg_route_set_new(l->set, &l->pending, whole, &l->lists,
				      (uint32_t)(nsg_clock_ns(CLOCK_REALTIME) / NSG_NS_PER_SEC),
				      NSG_MAX_BGP_ROUTES, ret_diff, &set);
	nsg_route_changes_done(&l->pending);
	if (r < 0) {
		l->must_read = true;
		return r;
	}
	nsg_route_set_unref(l->set);
	l->set = set;
	/* only a reading forgets them */
	l->must_read |= !whole && l->lists.lists.n > set->n + IDLE_LISTS_MAX;
	*ret = nsg_route_set_ref(set);
	return 0;
}

const uint32_t *nsg_live_links(const struct nsg_live *l, size_t *ret_n)
{
	*ret_n = l->n_links;
	return l->links;
}

const uint64_t *nsg_live_ignored(const struct nsg_live *l)
{
	return l->ignored;
}

uint64_t nsg_live_losses(const struct nsg_live *l)
{
	return l->losses;
}

int nsg_live_fd(const struct nsg_live *l)
{
	return l->watch.fd;
}

/* ---- open and close ------------------------------------------------------------------------- */

static struct nsg_live *live_new(const struct nsg_conf *conf)
{
	struct nsg_live *l = calloc(1, sizeof(*l));

	if (l)
		*l = (struct nsg_live){
		    .conf = conf, .watch.fd = -1, .dump.fd = -1, .must_read = true};
	return l;
}

static void cleanup_live_p(struct nsg_live **l)
{
	nsg_live_free(*l);
}
#define cleanup_live __attribute__((cleanup(cleanup_live_p)))

static int open_sockets(struct nsg_live *l)
{
	static const unsigned int groups[] = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE,
					      RTNLGRP_NEXTHOP};
	int r;

	r = nsg_nl_open(NETLINK_ROUTE, &l->watch);
	if (r < 0)
		return r;
	nsg_nl_set_receive_buffer(&l->watch, RECEIVE_BUFFER_BYTES);
	nsg_nl_filter_routes(&l->watch, l->conf->bgp_table, true);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(groups); i++) {
		r = nsg_nl_subscribe(&l->watch, groups[i]);
		/* EINVAL: a kernel without next hop objects */
		if (r < 0 && !(groups[i] == RTNLGRP_NEXTHOP && r == -EINVAL))
			return r;
	}
	return nsg_nl_open(NETLINK_ROUTE, &l->dump);
}

static int open_transport(struct nsg_live *l, const struct nl_transport *transport)
{
	int r = nsg_nl_open_transport(transport, 0, &l->watch);

	return r < 0 ? r : nsg_nl_open_transport(transport, 0, &l->dump);
}

int nsg_live_open(const struct nsg_conf *conf, const struct nl_transport *transport,
		  struct nsg_diag *diag, struct nsg_live **ret)
{
	cleanup_live struct nsg_live *l = live_new(conf);
	int r;

	if (!l)
		return -ENOMEM;
	r = transport ? open_transport(l, transport) : open_sockets(l);
	if (r < 0) {
		(void)nsg_diag_add(diag, NSG_ERROR, NULL, NULL,
				   "cannot listen for changes to routing table %u: %s",
				   conf->bgp_table, strerror(-r));
		return r;
	}
	*ret = TAKE_PTR(l);
	return 0;
}

struct nsg_live *nsg_live_free(struct nsg_live *l)
{
	if (!l)
		return NULL;
	nsg_nl_close(&l->watch);
	nsg_nl_close(&l->dump);
	nsg_route_set_unref(l->set);
	nsg_hop_lists_done(&l->lists);
	nsg_route_changes_done(&l->pending);
	free(l);
	return NULL;
}
