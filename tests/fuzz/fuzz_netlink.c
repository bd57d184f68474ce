/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel says, as each part of src/kernel reads it. The first byte chooses the
 * conversation; then come datagrams, each behind its length (16 bits, the host's order; 0: nothing
 * waits, 65535: one too large). A message's sequence number 0 stands for the last request's; a
 * notification of port 7 is about ourselves.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netlink.h>

#include <libmnl/libmnl.h>

#include "kernel/conntrack.h"
#include "kernel/flows_priv.h"
#include "kernel/kernel_priv.h"
#include "kernel/live_routes.h"
#include "kernel/routes.h"
#include "kernel/rules.h"
#include "util/cleanup.h"
#include "util/macro.h"
#include "util/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PORT_ID 7

struct script {
	const uint8_t *data;
	size_t size;
	uint32_t seq; /* of what the kernel would answer */
};

static ssize_t script_send(void *ctx, const void *data, size_t size)
{
	struct script *s = ctx;
	bool answered = false;
	struct nlmsghdr h;

	/* Every message that we send is whole: its kernel would refuse it otherwise. */
	for (size_t at = 0; at < size; at += NLMSG_ALIGN(h.nlmsg_len)) {
		if (size - at < sizeof(h))
			abort();
		memcpy(&h, (const char *)data + at, sizeof(h));
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > size - at)
			abort();
		if (!answered)
			s->seq = h.nlmsg_seq;
		answered |= h.nlmsg_flags & NLM_F_ACK;
	}
	return (ssize_t)size;
}

static void set_sequence(char *data, size_t size, uint32_t seq)
{
	struct nlmsghdr h;

	for (size_t at = 0; size - at >= sizeof(h); at += NLMSG_ALIGN(h.nlmsg_len)) {
		memcpy(&h, data + at, sizeof(h));
		if (!h.nlmsg_seq) {
			h.nlmsg_seq = seq;
			memcpy(data + at, &h, sizeof(h));
		}
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > size - at ||
		    NLMSG_ALIGN(h.nlmsg_len) > size - at)
			return;
	}
}

/* Every message as one about a connection, whatever was asked. */
static void read_flows(const void *data, size_t size)
{
	const struct nlmsghdr *nlh = data;
	struct nsg_kernel_flow flow;

	/* mnl_nlmsg_ok takes a length beyond INT_MAX for a negative one */
	for (int left = (int)size; mnl_nlmsg_ok(nlh, left) && nlh->nlmsg_len <= (uint32_t)left;
	     nlh = mnl_nlmsg_next(nlh, &left))
		if (nsg_kernel_flow_read(nlh, UINT32_MAX, &flow) && !flow.mark)
			abort();
}

static ssize_t script_recv(void *ctx, void *data, size_t size, int flags)
{
	struct script *s = ctx;
	uint16_t n;

	(void)flags;
	if (s->size < sizeof(n)) {
		errno = EAGAIN;
		return -1;
	}
	memcpy(&n, s->data, sizeof(n));
	s->data += sizeof(n);
	s->size -= sizeof(n);
	if (!n) {
		errno = EAGAIN;
		return -1;
	}
	/* so recv(2) tells of it with MSG_TRUNC */
	if (n == UINT16_MAX)
		return (ssize_t)size + 1;
	n = n < s->size ? n : (uint16_t)s->size;
	memcpy(data, s->data, n);
	s->data += n;
	s->size -= n;
	set_sequence(data, n, s->seq);
	read_flows(data, n);
	return n;
}

/* Number 1: an appliance reached by the kernel's routes; 2: two ways, one of them by device; 3: the
 * host's own routing; 4: free. */
static void add_hops(struct nsg_hops *h)
{
	static const uint32_t appliance = NSG_IP4(10, 0, 9, 4);

	for (uint32_t n = 1; n < 4; n++) {
		struct nsg_hop *hop = &h->v[n];

		*hop = (struct nsg_hop){.used = true, .live = true, .type = NSG_HOP_APPLIANCE};
		hop->addrs_host = malloc(sizeof(appliance));
		hop->paths = n < 3 ? calloc(n, sizeof(*hop->paths)) : NULL;
		if (!hop->addrs_host || (n < 3 && !hop->paths))
			abort();
		hop->addrs_host[0] = appliance + n;
		hop->n_addrs = 1;
		hop->n_paths = n < 3 ? n : 0;
		for (uint32_t i = 0; i < hop->n_paths; i++)
			hop->paths[i] =
			    (struct nsg_path){.has_via = true, .via_host = appliance + i};
		if (n == 2)
			memcpy(hop->paths[1].dev, "eth0", sizeof("eth0"));
	}
}

static uint32_t every_other(const struct nsg_connection *c, void *arg)
{
	(void)arg;
	return c->tcp_established ? c->id << 20 : 0;
}

static void rewrite_marks(struct nsg_kernel *k)
{
	const struct nsg_conntrack_sweep sweep = {
	    .match_mask = k->marks.decided,
	    .match = k->marks.decided,
	    .mask = k->marks.mask,
	    .desired = every_other,
	};
	uint32_t n;

	(void)nsg_conntrack_apply(&k->ct_dump, &k->ct_update, &sweep, &n);
}

static void resolve(struct nsg_kernel *k)
{
	static const struct nsg_prefix prefixes[] = {{NSG_IP4(10, 0, 0, 0), 8}};
	uint32_t addr, index = 0, behind;

	if (nsg_links_read(&k->rt, &k->links) < 0)
		return;
	for (size_t i = 0; i < k->links.links.n; i++) {
		const struct nsg_link *link = &k->links.links.v[i];

		if (!memchr(link->name, '\0', sizeof(link->name)) ||
		    !nsg_links_by_index(&k->links, link->ifindex) ||
		    !nsg_links_by_name(&k->links, link->name))
			abort();
	}
	for (uint32_t n = 1; n <= k->hops.max; n++)
		nsg_hop_resolve(&k->hops.v[n], &k->rt, &k->links);
	if (nsg_links_reach(&k->rt, &k->links, NSG_IP4(10, 9, 9, 9), &index, &behind) ==
		NSG_REACH_OK &&
	    !nsg_links_by_index(&k->links, index))
		abort();
	if (!nsg_links_address(&k->rt, prefixes, 1, &addr) &&
	    !nsg_prefix_contains(prefixes[0], addr))
		abort();
}

static void repair_rules(struct nsg_kernel *k, struct nsg_diag *diag)
{
	struct nsg_rules ours = {0}, foreign = {0};
	uint32_t changed;

	if (!nsg_rules_read(&k->rt, k->conf, &ours, &foreign)) {
		for (size_t i = 0; i < ours.rules.n; i++)
			if (ours.rules.v[i].mask & ~k->conf->mark_mask)
				abort();
		nsg_rules_done(&ours);
		nsg_rules_done(&foreign);
	}
	(void)nsg_rules_apply(&k->rt, &k->hops, diag, &changed);
}

static void repair_routes(struct nsg_kernel *k, struct nsg_diag *diag)
{
	for (uint32_t i = 1; i < 3; i++) {
		k->hops.v[i].up = true;
		k->hops.v[i].paths[0].up = true;
		k->hops.v[i].paths[0].ifindex = 2;
	}
	(void)nsg_routes_apply(&k->rt, &k->hops, true, diag);
	(void)nsg_routes_check_foreign(&k->rt, &k->hops, diag);
	(void)nsg_routes_clear(&k->rt, k->conf, k->marks.max_hop, diag);
}

static void send_batch(struct nsg_kernel *k, struct nsg_diag *diag)
{
	struct nsg_nft_batch b;
	const size_t errors = diag->n_errors;
	int r;

	nsg_nft_batch_begin(&b, k->conf->instance);
	nsg_nft_table_add(&b, 0);
	nsg_nft_counter(&b, "counter");
	nsg_nft_chain(&b, "chain");
	r = nsg_nft_batch_send(&b, &k->nft, "cannot make the table", diag);
	if ((r < 0) != (diag->n_errors > errors))
		abort();
	nsg_nft_batch_done(&b);
}

static void tell_status(struct nsg_kernel *k)
{
	static char path[] = "app.slice";
	struct nsg_cgroup cgroup = {.path = path, .id = 1};
	json_t *status;
	char *text;

	k->cgroups.v = &cgroup;
	k->cgroups.n = 1;
	status = nsg_kernel_status(k);
	text = status ? json_dumps(status, JSON_COMPACT) : NULL;
	if (!text)
		abort();
	free(text);
	json_decref(status);
	k->cgroups = (struct nsg_cgroups){.inotify_fd = -1};
}

/* A routing table, read and followed: what the datagrams do not answer is a notification. */
static void follow_routes(const struct nl_transport *transport)
{
	struct nsg_conf conf = {.bgp_table = 100, .bgp_any_protocol = true};
	struct nsg_diag diag = {0};
	struct nsg_live *live;

	if (nsg_live_open(&conf, transport, &diag, &live) < 0)
		abort();
	for (int i = 0; i < 4; i++) {
		struct nsg_route_set *set = NULL;
		struct nsg_route_diff diff;

		if (nsg_live_publish(live, &diff, &set) < 0)
			break;
		for (size_t j = 0; j < set->n; j++) {
			uint32_t n;

			(void)nsg_live_hops(set, &set->v[j], &n);
			if (set->v[j].len > 32 ||
			    (j && set->v[j - 1].addr_host > set->v[j].addr_host) ||
			    !nsg_route_set_find(set, nsg_live_prefix(&set->v[j])))
				abort();
		}
		nsg_route_set_unref(set);
		(void)nsg_live_drain(live);
	}
	nsg_live_free(live);
}

static void talk(struct nsg_kernel *k, uint8_t about, const struct nl_transport *transport,
		 struct nsg_diag *diag)
{
	switch (about % 9) {
	case 0:
		resolve(k);
		break;
	case 1:
		repair_rules(k, diag);
		break;
	case 2:
		repair_routes(k, diag);
		break;
	case 3:
		rewrite_marks(k);
		break;
	case 4:
		send_batch(k, diag);
		break;
	case 5:
		tell_status(k);
		break;
	case 6: /* notifications, of which nothing is repaired: links */
		(void)nsg_kernel_process(k, diag);
		break;
	case 7: /* and all that they lead to */
		k->running = true;
		(void)nsg_kernel_process(k, diag);
		break;
	default:
		follow_routes(transport);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct nsg_conf conf = {
	    .path = "nsgd.conf",
	    .instance = "nsgd",
	    .mark_mask = 0x0fff0000,
	    .table_base = 21000,
	    .rule_priority = 21000,
	    .queue_length = 1024,
	    .hook_output = true,
	    .offload = true,
	};
	struct script script = {.data = data + 1, .size = size - 1};
	const struct nl_transport transport = {script_send, script_recv, &script};
	struct nsg_kernel k = {
	    .conf = &conf,
	    .epoll_fd = -1,
	    .retry_fd = -1,
	    .cgroups.inotify_fd = -1,
	    .table = {.n_queues = 1, .silent_queue = 65535, .flow_minutes = 4},
	};
	struct nsg_nl *const sockets[] = {&k.nft,	&k.rt,	     &k.ct_dump,
					  &k.ct_update, &k.rt_watch, &k.nft_watch};
	struct nsg_diag diag = {0};

	if (!size)
		return 0;
	if (nsg_marks_init(conf.mark_mask, &k.marks) < 0 ||
	    nsg_hops_init(&k.hops, &conf, &k.marks) < 0)
		abort();
	add_hops(&k.hops);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(sockets); i++)
		if (nsg_nl_open_transport(&transport, PORT_ID, sockets[i]) < 0)
			abort();
	talk(&k, data[0], &transport, &diag);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(sockets); i++)
		nsg_nl_close(sockets[i]);
	nsg_links_done(&k.links);
	nsg_hops_done(&k.hops);
	nsg_diag_done(&diag);
	return 0;
}
