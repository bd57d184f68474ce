/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notifications of links, addresses, routes, rules and nf_tables. Those that concern us mark a part
 * as dirty; dirty parts are compared with the desired state once, after all pending notifications.
 * The kernel does not report IPv4 routes that disappear with their link, but it reports the link.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>

#include "kernel/attr.h"
#include "kernel/ip6.h"
#include "kernel/kernel_priv.h"
#include "kernel/route_message.h"
#include "kernel/routes.h"
#include "kernel/rules.h"
#include "kernel/sets.h"
#include "kernel/table.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/macro.h"

#define RETRY_NS NSG_NS_PER_SEC
/* When another program keeps reverting repairs: this many within BURST_NS, then one every REST_NS,
 * to bound processor time and log. */
#define BURST 10u
#define BURST_NS NSG_NS_PER_SEC
#define REST_NS 200000000u

struct dirty {
	struct nsg_kernel *k;
	bool paths; /* links, addresses, routes to gateways, our tables */
	bool rules;
	bool gateways; /* of the default routes */
	bool table;    /* nf_tables */
	bool ip, ip6;  /* which of the tables */
	bool lost;     /* notifications were lost: everything may be dirty */
};

static int watch(struct nsg_kernel *k, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(k->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int watch_all(struct nsg_kernel *k)
{
	const int fds[] = {k->rt_watch.fd, k->nft_watch.fd, k->retry_fd, k->sweep.fd,
			   k->cgroups.inotify_fd};
	int r;

	for (size_t i = 0; i < NSG_ARRAY_SIZE(fds); i++) {
		if (fds[i] < 0) /* no cgroups are captured */
			continue;
		r = watch(k, fds[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int open_watch(struct nsg_kernel *k)
{
	static const unsigned int groups[] = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE,
					      RTNLGRP_IPV4_RULE};
	int r;

	k->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	k->retry_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	k->sweep.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	k->sweep.hurry_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (k->epoll_fd < 0 || k->retry_fd < 0 || k->sweep.fd < 0 || k->sweep.hurry_fd < 0)
		return -errno;
	r = nsg_nl_open(NETLINK_ROUTE, &k->rt_watch);
	if (r < 0)
		return r;
	/* a full table of BGP routes must not fill this socket */
	if (k->conf->bgp_table && k->conf->bgp_table != RT_TABLE_MAIN)
		nsg_nl_filter_routes(&k->rt_watch, k->conf->bgp_table, false);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(groups); i++) {
		r = nsg_nl_subscribe(&k->rt_watch, groups[i]);
		if (r < 0)
			return r;
	}
	r = nsg_nl_open(NETLINK_NETFILTER, &k->nft_watch);
	if (r < 0)
		return r;
	r = nsg_nl_subscribe(&k->nft_watch, NFNLGRP_NFTABLES);
	if (r < 0)
		return r;
	return watch_all(k);
}

int nsg_kernel_watch_open(struct nsg_kernel *k, struct nsg_diag *diag)
{
	int r = open_watch(k);

	if (r < 0)
		(void)nsg_diag_add(diag, NSG_ERROR, NULL, NULL,
				   "cannot listen to the kernel's notifications: %s", strerror(-r));
	return r;
}

/* A route in a table of ours, or one that leads to the gateway of a path. */
static void route_changed(struct dirty *dirty, const struct nlmsghdr *nlh)
{
	struct nsg_kernel *k = dirty->k;
	struct nsg_route_message m;
	struct nsg_prefix dst;

	if (nsg_route_message_read(nlh, &m) < 0)
		return;
	if (m.table > k->conf->table_base && m.table <= k->conf->table_base + k->hops.max) {
		k->hops.v[m.table - k->conf->table_base].foreign_change = true;
		dirty->paths = true;
		return;
	}
	dirty->gateways |= m.table == RT_TABLE_MAIN && !m.rtm->rtm_dst_len;
	dst = (struct nsg_prefix){m.dst_host, m.rtm->rtm_dst_len};
	for (uint32_t n = 1; n <= k->hops.max && !dirty->paths; n++) {
		const struct nsg_hop *hop = &k->hops.v[n];

		for (uint32_t i = 0; hop->used && i < hop->n_paths; i++)
			dirty->paths |= !hop->paths[i].dev[0] &&
					nsg_prefix_contains(dst, hop->paths[i].via_host);
	}
}

static void rule_changed(struct dirty *dirty, const struct nlmsghdr *nlh)
{
	static const struct nsg_attr policy[] = {{FRA_PRIORITY, false, NSG_ATTR_U32, 0}};
	const struct nsg_conf *conf = dirty->k->conf;
	uint32_t pref = 0;

	if (nsg_attr_parse(nlh, sizeof(struct fib_rule_hdr), policy, 1, &pref) < 0)
		return;
	if (pref >= conf->rule_priority && pref < conf->rule_priority + NSG_RULES_SPAN)
		dirty->rules = true;
	else
		dirty->paths = true;
}

static int take_rt(const struct nlmsghdr *nlh, void *arg)
{
	struct dirty *dirty = arg;

	if (nlh->nlmsg_pid && nlh->nlmsg_pid == dirty->k->rt.portid)
		return 0;
	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
	case RTM_NEWADDR:
	case RTM_DELADDR:
		dirty->paths = true;
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		route_changed(dirty, nlh);
		break;
	case RTM_NEWRULE:
	case RTM_DELRULE:
		rule_changed(dirty, nlh);
		break;
	default:
		break;
	}
	return 0;
}

/* Attribute 1 of every nf_tables message is the name of the table, except in NFT_MSG_NEWGEN. */
static int take_nft(const struct nlmsghdr *nlh, void *arg)
{
	static const struct nsg_attr policy[] = {{NFTA_TABLE_NAME, true, NSG_ATTR_STRING, 0}};
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	struct dirty *dirty = arg;
	const char *name = NULL;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*nfg) ||
	    (nfg->nfgen_family != NFPROTO_IPV4 && nfg->nfgen_family != NFPROTO_IPV6) ||
	    nlh->nlmsg_pid == dirty->k->nft.portid ||
	    nlh->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES ||
	    (nlh->nlmsg_type & 0xff) == NFT_MSG_NEWGEN ||
	    nsg_attr_parse(nlh, sizeof(*nfg), policy, 1, &name) < 0)
		return 0;
	if (strcmp(name, dirty->k->conf->instance) != 0)
		return 0;
	/* no table of ours: [capture] ipv6 = pass */
	if (nfg->nfgen_family == NFPROTO_IPV6 && !nsg_ip6_has_table(dirty->k))
		return 0;
	dirty->ip6 |= nfg->nfgen_family == NFPROTO_IPV6;
	dirty->ip |= nfg->nfgen_family == NFPROTO_IPV4;
	dirty->table = true;
	return 0;
}

static int drain(struct nsg_nl *nl, nsg_nl_each each, struct dirty *dirty)
{
	int r = nsg_nl_drain(nl, each, dirty);

	if (r == -ENOBUFS)
		dirty->lost = true;
	return r == -ENOBUFS ? 0 : r;
}

static void report_transitions(struct nsg_kernel *k, struct nsg_diag *diag)
{
	bool counted = false;

	for (uint32_t n = 1; n <= k->hops.max; n++) {
		struct nsg_hop *hop = &k->hops.v[n];
		char name[128], why[160] = "";

		if (!hop->used || hop->up == hop->was_up)
			continue;
		if (!counted)
			nsg_kernel_count_hops(k);
		counted = true;
		hop->was_up = hop->up;
		nsg_kernel_name_hop(hop, name, sizeof(name));
		if (hop->n_paths)
			nsg_kernel_explain_path(hop, &hop->paths[0], why, sizeof(why));
		else
			(void)snprintf(why, sizeof(why), "routing table %u has no routes",
				       hop->lookup);
		if (hop->up)
			(void)nsg_diag_add(diag, NSG_NOTICE, NULL, NULL, "next hop %s is up", name);
		else
			(void)nsg_diag_add(diag, NSG_WARNING, NULL, NULL,
					   "next hop %s is down, its packets are dropped: %s", name,
					   why);
	}
}

static int repair_paths(struct nsg_kernel *k, struct nsg_diag *diag, uint32_t *repairs)
{
	int r;

	r = nsg_kernel_resolve(k, diag);
	if (r < 0)
		return r;
	r = nsg_table_apply_paths(k, diag);
	if (r < 0)
		return r;
	r = nsg_routes_apply(&k->rt, &k->hops, false, diag);
	if (r < 0)
		return r;
	for (uint32_t n = 1; n <= k->hops.max; n++) {
		struct nsg_hop *hop = &k->hops.v[n];

		if (hop->foreign_change && hop->applied_change) {
			(*repairs)++;
			(void)nsg_diag_add(
			    diag, NSG_WARNING, NULL, NULL,
			    "routing table %u was modified by another program: restored",
			    k->conf->table_base + n);
		}
		hop->foreign_change = false;
	}
	report_transitions(k, diag);
	return 0;
}

static int repair_rules(struct nsg_kernel *k, struct nsg_diag *diag, uint32_t *repairs)
{
	uint32_t changed;
	int r;

	r = nsg_rules_apply(&k->rt, &k->hops, diag, &changed);
	if (r < 0 || !changed)
		return r;
	*repairs += changed;
	(void)nsg_diag_add(diag, NSG_WARNING, NULL, NULL,
			   "%u of nsgd's ip rules were modified by another program: restored",
			   changed);
	return 0;
}

static int repair_table(struct nsg_kernel *k, const struct dirty *dirty, struct nsg_diag *diag,
			uint32_t *repairs)
{
	const bool sure = dirty->table;
	int r;

	k->table.gap |= sure;
	r = nsg_table_apply(k, false, diag);
	if (r < 0 || !sure)
		return r;
	(*repairs)++;
	(void)nsg_diag_add(diag, NSG_WARNING, NULL, NULL,
			   "table %s %s was modified by another program: restored",
			   dirty->ip6 && !dirty->ip ? "ip6" : "ip", k->conf->instance);
	return 0;
}

static int change_gateways(struct nsg_kernel *k, struct nsg_diag *diag)
{
	int r = nsg_routes_gateways(&k->rt, &k->gateways);

	if (r < 0)
		return nsg_kernel_complain(diag, r, "cannot read the host's default routes");
	return nsg_table_change(k, "cannot change the gateways", nsg_sets_put_gateways, diag);
}

/* Table first: without it no packet is marked and routes are not used. */
static int repair(struct nsg_kernel *k, const struct dirty *dirty, struct nsg_diag *diag,
		  uint32_t *repairs)
{
	int error = 0, r;

	if (dirty->table || dirty->lost)
		error = repair_table(k, dirty, diag, repairs);
	if (dirty->gateways || dirty->lost) {
		r = change_gateways(k, diag);
		error = error < 0 ? error : r;
	}
	if (k->conf->audit)
		return error;
	if (dirty->rules || dirty->lost) {
		r = repair_rules(k, diag, repairs);
		error = error < 0 ? error : r;
	}
	if (dirty->paths || dirty->lost) {
		r = repair_paths(k, diag, repairs);
		error = error < 0 ? error : r;
	}
	return error;
}

static void change_cgroups(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	nsg_sets_change_cgroups(b, k);
	nsg_ip6_change_cgroups(b, k);
}

static int repair_cgroups(struct nsg_kernel *k, struct nsg_diag *diag)
{
	int r = nsg_table_change(k, "cannot change the captured cgroups", change_cgroups, NULL);

	/* the table was not as expected */
	return r < 0 ? nsg_table_apply(k, false, diag) : 0;
}

static void arm_retry(struct nsg_kernel *k, uint64_t after_ns)
{
	const struct itimerspec when = {
	    .it_value = nsg_ns_timespec(after_ns),
	};

	(void)timerfd_settime(k->retry_fd, 0, &when, NULL);
}

/* The number of rounds of repair in the current burst. */
static uint32_t burst(struct nsg_kernel *k)
{
	uint64_t now_ns = nsg_clock_ns(CLOCK_MONOTONIC);

	if (now_ns - k->burst_ns >= BURST_NS) {
		k->burst_ns = now_ns;
		k->burst = 0;
	}
	return k->burst;
}

/* True when this round is put off until the timer expires. */
static bool put_off(struct nsg_kernel *k, const struct dirty *dirty, bool expired,
		    struct nsg_diag *diag)
{
	if (expired) {
		k->waiting = false;
		return false;
	}
	if (!(dirty->table || dirty->rules || dirty->paths || dirty->lost))
		return k->waiting;
	if (!k->waiting && burst(k) < BURST)
		return false;
	k->waiting_for_table |= dirty->table;
	if (k->waiting)
		return true;
	k->waiting = true;
	arm_retry(k, REST_NS);
	if (k->burst == BURST)
		(void)nsg_diag_add(
		    diag, NSG_WARNING, NULL, NULL,
		    "another program keeps reverting repairs (another nsgd with the same "
		    "mark-mask, table-base or rule-priority?); repairs are now made "
		    "every %u ms",
		    REST_NS / 1000000u);
	return true;
}

int nsg_kernel_process(struct nsg_kernel *k, struct nsg_diag *diag)
{
	struct dirty dirty = {.k = k};
	uint32_t repairs = 0;
	uint64_t times;
	bool cgroups = false, expired;
	int r, e;

	r = drain(&k->rt_watch, take_rt, &dirty);
	e = drain(&k->nft_watch, take_nft, &dirty);
	if (r < 0 || e < 0)
		return r < 0 ? r : e;
	/* after a failure or a rest everything is repaired */
	expired = read(k->retry_fd, &times, sizeof(times)) == sizeof(times);
	dirty.lost |= expired;
	dirty.table |= expired && k->waiting_for_table;
	if (k->cgroups.inotify_fd >= 0)
		cgroups = nsg_cgroups_update(&k->cgroups);
	if (!k->running)
		return 0;
	nsg_generations_process(k, diag);
	if (cgroups && !dirty.table)
		r = repair_cgroups(k, diag);
	if (put_off(k, &dirty, expired, diag))
		return r;
	k->waiting_for_table = false;
	e = repair(k, &dirty, diag, &repairs);
	if (repairs)
		k->burst = burst(k) + 1;
	/* never disarmed: a later success may be of another part */
	if (r < 0 || e < 0)
		arm_retry(k, RETRY_NS);
	k->repairs += repairs;
	return e < 0 ? e : r < 0 ? r : (int)repairs;
}
