/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/kernel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include "kernel/kernel_priv.h"
#include "kernel/chains.h"
#include "kernel/ip6.h"
#include "kernel/preexisting.h"
#include "kernel/routes.h"
#include "kernel/rules.h"
#include "kernel/ruleset.h"
#include "kernel/table.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/macro.h"

/* --- hops ------------------------------------------------------------------------------------ */

static int read_links(struct nsg_kernel *k, struct nsg_diag *diag)
{
	int r = nsg_links_read(&k->rt, &k->links);

	return r < 0 ? nsg_kernel_complain(diag, r, "cannot read the host's links") : 0;
}

/* A diagnostic for each path that is down. False when none is. */
static bool report_unreachable(const struct nsg_hop *hop, enum nsg_severity severity,
			       struct nsg_diag *diag)
{
	char name[128], why[160];
	bool any = false;

	for (uint32_t i = 0; i < hop->n_paths; i++) {
		if (hop->paths[i].up)
			continue;
		any = true;
		nsg_kernel_name_hop(hop, name, sizeof(name));
		nsg_kernel_explain_path(hop, &hop->paths[i], why, sizeof(why));
		(void)nsg_diag_add(diag, severity, NULL, NULL, "next hop %s cannot be reached: %s",
				   name, why);
	}
	return any;
}

/* As this host reaches it now. */
static int resolve(struct nsg_kernel *k, struct nsg_hop *hop)
{
	int r = 0;

	if (hop->lookup)
		r = nsg_hop_set_links(hop, &k->links, k->live_links.v, k->live_links.n);
	if (r >= 0)
		nsg_hop_resolve(hop, &k->rt, &k->links);
	return r;
}

struct image_hops {
	struct nsg_hop *v; /* by image hop index */
	uint32_t n;
};

static void image_hops_done(struct image_hops *hops)
{
	for (uint32_t i = 0; hops->v && i < hops->n; i++)
		nsg_hop_done(&hops->v[i]);
	free(hops->v);
}

#define cleanup_image_hops __attribute__((cleanup(image_hops_done)))

/* The image's hops as this host reaches them. */
static int resolve_image(struct nsg_kernel *k, const struct nsg_image *image, struct nsg_diag *diag,
			 struct image_hops *hops)
{
	int r;

	r = read_links(k, diag);
	if (r < 0)
		return r;
	for (uint32_t i = 1; i < hops->n; i++) {
		r = nsg_hop_of(k->conf, image, i, &hops->v[i]);
		if (r < 0)
			return r;
		r = resolve(k, &hops->v[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* At a start it is an error. Later the routes to the gateway may be new, and a reload must not fail
 * for them. */
static int check_gateway(const struct nsg_kernel *k, const struct image_hops *hops,
			 struct nsg_diag *diag)
{
	for (uint32_t i = 0; i < hops->n; i++)
		if (hops->v[i].unknown)
			return nsg_diag_line(
			    diag, k->running ? NSG_WARNING : NSG_ERROR, k->conf->path, 0, NULL,
			    "the policy has routes to the VirtualNetworkGateway%s; add a "
			    "[nexthop \"VirtualNetworkGateway\"] section with the path to it, or "
			    "[bgp] table",
			    k->running ? ", whose packets are dropped" : "");
	return 0;
}

int nsg_kernel_plan(struct nsg_kernel *k, const struct nsg_image *image, bool strict,
		    struct nsg_diag *diag, struct nsg_hop_numbers *ret)
{
	const uint32_t n = nsg_image_info(image).n_hops;
	cleanup_free uint16_t *number = calloc((size_t)n + 1, sizeof(*number));
	cleanup_image_hops struct image_hops hops = {calloc((size_t)n + 1, sizeof(*hops.v)), n};
	bool unreachable = false;
	int r;

	if (!number || !hops.v)
		return -ENOMEM;
	r = nsg_hops_number(&k->hops, image, diag, number);
	if (r < 0)
		return r;
	r = resolve_image(k, image, diag, &hops);
	if (r < 0)
		return r;
	r = check_gateway(k, &hops, diag);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < n; i++)
		unreachable |=
		    report_unreachable(&hops.v[i], strict ? NSG_ERROR : NSG_WARNING, diag);
	nsg_kernel_check_host(k, hops.v, n, diag);
	if (strict && unreachable)
		return -EINVAL;
	ret->number = TAKE_PTR(number);
	ret->n = n;
	return 0;
}

int nsg_kernel_resolve(struct nsg_kernel *k, struct nsg_diag *diag)
{
	int r;

	r = read_links(k, diag);
	if (r < 0)
		return r;
	for (uint32_t n = 1; n <= k->hops.max; n++) {
		struct nsg_hop *hop = &k->hops.v[n];

		if (!hop->used)
			continue;
		r = resolve(k, hop);
		if (r < 0)
			return r;
		/* the plan has reported the first state of a new one */
		if (!hop->reported)
			hop->was_up = hop->up;
		hop->reported = true;
	}
	return 0;
}

int nsg_kernel_set_live_links(struct nsg_kernel *k, const uint32_t *ifindexes, size_t n,
			      struct nsg_diag *diag)
{
	int r = 0;

	if (n == k->live_links.n &&
	    (!n || !memcmp(ifindexes, k->live_links.v, n * sizeof(*ifindexes))))
		return 0;
	k->live_links.n = 0;
	for (size_t i = 0; r >= 0 && i < n; i++)
		r = nsg_vec_push(&k->live_links, ifindexes[i]);
	if (r < 0 || !k->running || k->conf->audit)
		return r;
	r = nsg_kernel_resolve(k, diag);
	return r < 0 ? r : nsg_table_apply_paths(k, diag);
}

int nsg_kernel_apply_routes_and_rules(struct nsg_kernel *k, bool all, struct nsg_diag *diag)
{
	uint32_t changed;
	int r;

	r = nsg_routes_apply(&k->rt, &k->hops, all, diag);
	if (r < 0)
		return r;
	return nsg_rules_apply(&k->rt, &k->hops, diag, &changed);
}

static int clear_routes_and_rules(struct nsg_kernel *k, const struct nsg_conf *conf,
				  const struct nsg_marks *marks, struct nsg_diag *diag)
{
	int rules, routes;

	rules = nsg_rules_clear(&k->rt, conf, diag);
	routes = nsg_routes_clear(&k->rt, conf, marks->max_hop, diag);
	return rules < 0 ? rules : routes;
}

static int check_foreign(struct nsg_kernel *k, struct nsg_diag *diag)
{
	struct nsg_rules ours = {0}, foreign = {0};
	int r;

	r = nsg_rules_read(&k->rt, k->conf, &ours, &foreign);
	if (r < 0)
		return nsg_kernel_complain(diag, r, "cannot read the ip rules");
	if (foreign.rules.n) {
		r = -EEXIST;
		(void)nsg_diag_line(diag, NSG_ERROR, k->conf->path,
				    nsg_conf_line(k->conf, "route", "rule-priority"), NULL,
				    "the ip rule with priority %u belongs to another program; "
				    "choose another rule-priority (%u priorities from it on are "
				    "used)",
				    foreign.rules.v[0].pref, NSG_RULES_SPAN);
	}
	nsg_rules_done(&ours);
	nsg_rules_done(&foreign);
	if (r < 0)
		return r;
	return nsg_routes_check_foreign(&k->rt, &k->hops, diag);
}

/* --- the table ------------------------------------------------------------------------------- */

struct nsg_preexisting nsg_kernel_preexisting(struct nsg_kernel *k)
{
	return (struct nsg_preexisting){
	    .dump = &k->ct_dump,
	    .update = &k->ct_update,
	    .marks = &k->marks,
	    .directory = NSG_PREEXISTING_DIRECTORY,
	    .instance = k->conf->instance,
	};
}

/* Notes the decided connections in the files of that instance. */
static int clear_former(struct nsg_kernel *k, const char *instance, struct nsg_diag *diag)
{
	struct nsg_preexisting preexisting = nsg_kernel_preexisting(k);
	int routes, marks;

	preexisting.instance = instance;
	preexisting.marks = &k->former->marks;
	preexisting.preexisting = &k->preexisting;
	routes = clear_routes_and_rules(k, &k->former->conf, &k->former->marks, diag);
	marks = nsg_preexisting_clear(&preexisting, diag);
	return routes < 0 ? routes : marks;
}

int nsg_kernel_clear_former(struct nsg_kernel *k, struct nsg_diag *diag)
{
	return k->former ? clear_former(k, k->conf->instance, diag) : 0;
}

int nsg_kernel_cleanup_former(struct nsg_kernel *k, struct nsg_diag *diag)
{
	int table, others;

	if (!k->former || strcmp(k->former->instance, k->conf->instance) == 0)
		return 0;
	table = nsg_table_change(k, "cannot remove the rules", nsg_table_delete_former, diag);
	others = clear_former(k, k->former->instance, diag);
	return table < 0 ? table : others;
}

int nsg_kernel_cleanup(struct nsg_kernel *k, struct nsg_diag *diag)
{
	const struct nsg_preexisting preexisting = nsg_kernel_preexisting(k);
	int table, former, routes, marks;

	k->running = false;
	nsg_generations_stop(k);
	table = nsg_table_clear(k, diag);
	/* without the table no packet is marked: routes and bits can go */
	former = nsg_kernel_clear_former(k, diag);
	routes = clear_routes_and_rules(k, k->conf, &k->marks, diag);
	marks = nsg_preexisting_clear(&preexisting, diag);
	if (marks >= 0)
		k->generations = (struct nsg_generations){0};
	for (uint32_t n = 1; n <= k->hops.max; n++)
		nsg_hops_free_number(&k->hops, n);
	return table < 0 ? table : former < 0 ? former : routes < 0 ? routes : marks;
}

void nsg_table_describe(struct nsg_table_state *table, const struct nsg_image_info *info)
{
	table->route_all = info->route_all;
	table->policy_refuses_ip6 = info->refuses_ip6;
	table->source_ports = info->source_ports;
	table->flow_minutes =
	    info->flow_timeout_minutes ? info->flow_timeout_minutes : NSG_FLOW_TIMEOUT_MINUTES;
}

static int bind_queue(struct nsg_nl *nl, uint16_t number)
{
	const struct nfqnl_msg_config_cmd cmd = {.command = NFQNL_CFG_CMD_BIND};
	char buffer[64];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_CONFIG;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(number);
	mnl_attr_put(nlh, NFQA_CFG_CMD, sizeof(cmd), &cmd);
	return nsg_nl_request(nl, nlh, NULL, NULL);
}

/* More than queues that other programs may have bound from the highest number down. */
#define SILENT_TRIES 256u

int nsg_kernel_bind_silent(struct nsg_kernel *k, struct nsg_diag *diag)
{
	const uint32_t first = k->conf->queue_first, n = NSG_MAX_WORKERS;
	uint32_t number = UINT16_MAX;
	int r;

	if (k->silent.fd >= 0)
		return 0;
	r = nsg_nl_open(NETLINK_NETFILTER, &k->silent);
	if (r < 0)
		return nsg_kernel_complain(diag, r, "cannot open a netfilter socket");
	for (uint32_t tries = 0; tries < SILENT_TRIES && number; tries++, number--) {
		if (number >= first && number - first < n)
			continue;
		r = bind_queue(&k->silent, (uint16_t)number);
		if (r != -EPERM && r != -EBUSY)
			break;
	}
	if (r < 0) {
		nsg_nl_close(&k->silent);
		k->silent.fd = -1;
		return nsg_kernel_complain(
		    diag, r, "cannot bind a packet queue for silent drops (nfnetlink_queue)");
	}
	k->table.silent_queue = (uint16_t)number;
	return 0;
}

int nsg_kernel_silence(struct nsg_kernel *k, struct nsg_diag *diag)
{
	int r;

	if (k->conf->audit || k->conf->down_accept)
		return nsg_kernel_cleanup(k, diag);
	r = nsg_kernel_bind_silent(k, diag);
	if (r < 0) {
		(void)nsg_kernel_cleanup(k, diag);
		return r;
	}
	return nsg_table_silence(k) < 0 ? nsg_kernel_cleanup(k, diag) : 0;
}

static int start(struct nsg_kernel *k, const struct nsg_image *image,
		 const struct nsg_hop_numbers *numbers, struct nsg_diag *diag)
{
	struct nsg_preexisting preexisting = nsg_kernel_preexisting(k);
	int r;

	if (!k->conf->audit)
		preexisting.preexisting = &k->preexisting;
	r = nsg_hops_commit(&k->hops, image, numbers->number, numbers->n);
	if (r < 0)
		return nsg_kernel_complain(diag, r, "cannot assign numbers to the next hops");
	nsg_hops_swap(&k->hops);
	r = nsg_kernel_bind_silent(k, diag);
	if (r < 0)
		return r;
	r = check_foreign(k, diag);
	if (r < 0)
		return r;
	r = nsg_routes_gateways(&k->rt, &k->gateways);
	if (r < 0)
		return nsg_kernel_complain(diag, r, "cannot read the host's default routes");
	r = nsg_kernel_resolve(k, diag);
	if (r < 0)
		return r;
	/* The bits that an earlier nsgd left; its table is replaced below in one transaction. */
	r = nsg_preexisting_apply(&preexisting, !k->conf->audit && !k->table.gap, diag);
	if (r < 0)
		return r;
	r = k->conf->audit ? clear_routes_and_rules(k, k->conf, &k->marks, diag)
			   : nsg_kernel_apply_routes_and_rules(k, true, diag);
	if (r < 0)
		return r;
	return nsg_table_replace(k, diag);
}

static void warn_of_ip6(const struct nsg_kernel *k, struct nsg_diag *diag)
{
	if (k->conf->audit || !nsg_ip6_has_table(k))
		return;
	if (!k->table.ip6_reject)
		(void)nsg_diag_add(diag, NSG_WARNING, NULL, NULL,
				   "the kernel cannot refuse IPv6 with an error (nft_reject_ipv6): "
				   "it is dropped, and clients that try IPv6 first have to wait");
	if (!nsg_ip6_is_refused(k) || !nsg_ip6_host_has_address())
		return;
	(void)nsg_diag_add(
	    diag, NSG_WARNING, NULL, NULL,
	    "IPv6 of the captured sockets and interfaces is refused, DNS included, and "
	    "this host has a global IPv6 address; set [capture] ipv6 = pass or "
	    "exclude to keep it");
}

void nsg_kernel_started(struct nsg_kernel *k, struct nsg_diag *diag)
{
	const struct nsg_preexisting preexisting = nsg_kernel_preexisting(k);

	k->running = true;
	if (!k->conf->audit)
		nsg_preexisting_started(&preexisting, diag);
	warn_of_ip6(k, diag);
	nsg_kernel_check_families(k, "/proc/self/net/protocols", diag);
	nsg_kernel_check_connections("/proc/sys/net/netfilter/nf_conntrack_max",
				     k->table.flow_minutes, diag);
}

int nsg_kernel_start(struct nsg_kernel *k, const struct nsg_image *image,
		     const struct nsg_hop_numbers *numbers, uint32_t generation, uint32_t n_queues,
		     struct nsg_diag *diag)
{
	struct nsg_image_info info = nsg_image_info(image);
	int r;

	k->table.started_ns = nsg_clock_ns(CLOCK_BOOTTIME);
	k->table.generation = generation % NSG_GENERATIONS;
	k->table.n_queues = (uint16_t)n_queues;
	nsg_table_describe(&k->table, &info);
	r = start(k, image, numbers, diag);
	if (r < 0) {
		struct nsg_diag ignored = {0};

		(void)nsg_kernel_cleanup(k, &ignored);
		nsg_diag_done(&ignored);
		return r;
	}
	nsg_kernel_started(k, diag);
	return 0;
}

static void neutralise(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	nsg_chains_neutralise(b, k);
	nsg_ip6_neutralise(b, k);
}

int nsg_kernel_neutralise(struct nsg_kernel *k, struct nsg_diag *diag)
{
	int r;

	k->running = false;
	r = nsg_table_change(k, "cannot stop capturing", neutralise, NULL);
	/* ENOENT: another program has removed the table, and nothing is captured */
	if (r < 0 && r != -ENOENT)
		return nsg_kernel_complain(diag, r, "cannot stop capturing");
	return 0;
}

int nsg_kernel_fd(const struct nsg_kernel *k)
{
	return k->epoll_fd;
}

int nsg_kernel_host_address(struct nsg_kernel *k, const struct nsg_prefix *prefixes, size_t n,
			    uint32_t *ret_host)
{
	return nsg_links_address(&k->rt, prefixes, n, ret_host);
}

const char *nsg_kernel_link_name(const struct nsg_kernel *k, uint32_t ifindex)
{
	const struct nsg_link *link = nsg_links_by_index(&k->links, ifindex);

	return link ? link->name : NULL;
}

/* --- packets of decided flows ----------------------------------------------------------------- */

static bool same_filters(const struct nsg_packet_filters *a, const struct nsg_packet_filters *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].n != b->v[i].n || memcmp(a->v[i].program, b->v[i].program,
						     a->v[i].n * sizeof(a->v[i].program[0])) != 0)
			return false;
	return true;
}

int nsg_kernel_filter_packets(struct nsg_kernel *k, const struct nsg_packet_filters *filters,
			      struct nsg_diag *diag)
{
	const struct nsg_packet_filters before = k->filters;
	int r;

	if (same_filters(&before, filters))
		return 0;
	k->filters = *filters;
	if (!k->running || !nsg_ruleset_offloads(k))
		return 0;
	r = nsg_table_change(k, "packet filters", nsg_chains_put_filtered, NULL);
	if (r == 0)
		return 0;
	/* another program has removed a part: what it should be is loaded */
	if (filters->n < before.n)
		return nsg_table_apply(k, false, diag);
	k->filters = before;
	return nsg_kernel_complain(diag, r,
				   r == -ENOENT
				       ? "cannot match packets in the kernel, which needs the "
					 "module xt_bpf (without a filter it is not needed)"
				       : "cannot queue the packets of decided flows");
}
