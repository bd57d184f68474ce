/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chains of the table and what is in them; the map of them is in nft_table.h. */
#include <netinet/in.h> /* before the kernel's, which then gives way */

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter_ipv4.h>

#include "kernel/nft_expr.h"
#include "kernel/nft_table_priv.h"
#include "util/cleanup.h"
#include "util/macro.h"

/* linux/netfilter/nf_conntrack_common.h gives them to the kernel only. */
#define STATE_NEW (1u << (IP_CT_NEW + 1))
#define STATE_RELATED (1u << (IP_CT_RELATED + 1))

static void silence(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const struct nft_queue nobody = {
	    .native = k->table.native_queue,
	    .first = k->table.silent_queue,
	    .total = 1,
	};

	nft_queue_to(b, &nobody);
}

void nsg_table_put_chains(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	static const char *const regular[] = {"replies", "decided",   "tunnels",
					      "capture", "multicast", "timeouts",
					      "queue",	 "save",      "keep"};
	/* Right behind the chains that everybody has at `mangle`. One that copies whole marks from
	 * connections to packets (CONNMARK --restore-mark, wg-quick's premangle) would wipe a
	 * verdict's mark out between ours, and what was denied would pass. */
	const int ours = NF_IP_PRI_MANGLE + 1, srcnat = NF_IP_PRI_NAT_SRC;
	const struct {
		bool wanted;
		const char *name, *type;
		uint32_t hook;
		int priority;
	} bases[] = {
	    {k->conf->hook_output, "output", "route", NF_INET_LOCAL_OUT, ours},
	    {k->conf->hook_prerouting, "prerouting", "filter", NF_INET_PRE_ROUTING, ours},
	    {k->conf->hook_output && !k->conf->audit, "remember", "route", NF_INET_LOCAL_OUT,
	     ours + 1},
	    {k->conf->hook_prerouting && !k->conf->audit, "remember_pre", "filter",
	     NF_INET_PRE_ROUTING, ours + 1},
	    {nsg_table_has_snat(k), "source_nat", "nat", NF_INET_POST_ROUTING, srcnat},
	    {!k->conf->audit, "guard", "filter", NF_INET_POST_ROUTING, srcnat + 1},
	};

	for (size_t i = 0; i < NSG_ARRAY_SIZE(regular); i++)
		nsg_nft_chain(b, regular[i]);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(bases); i++)
		if (bases[i].wanted)
			nsg_nft_base_chain(b, bases[i].name, bases[i].type, bases[i].hook,
					   bases[i].priority);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(regular); i++)
		nsg_nft_chain_flush(b, regular[i]);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(bases); i++)
		if (bases[i].wanted)
			nsg_nft_chain_flush(b, bases[i].name);
}

/* SO_MARK must not forge a decision, nor whoever copies whole marks from connections to packets. */
static void put_sanitise(struct nsg_nft_batch *b, const struct nsg_kernel *k, const char *chain)
{
	if (k->conf->audit)
		return;
	nsg_nft_rule(b, chain);
	nft_mark_is_not(b, NFT_MARK_PACKET, k->marks.mask, 0);
	nft_mark_keep(b, ~k->marks.mask);
	nsg_nft_rule_end(b);
}

/* Packets of decided flows pass here, and see nothing of what comes after. */
static void put_fast(struct nsg_nft_batch *b, const struct nsg_kernel *k, const char *chain)
{
	const struct nsg_marks *m = &k->marks;

	if (k->conf->audit)
		return;
	nsg_nft_rule(b, chain);
	nft_mark_in(b, NFT_MARK_CONNECTION, m->mask, "gen");
	nft_ct_direction(b, IP_CT_DIR_ORIGINAL);
	nft_count(b, NSG_COUNTER_OFFLOADED);
	nft_accept(b);
	nsg_nft_rule_end(b);

	if (!nsg_table_offloads(k))
		return;
	/* a hop that is not among ours any more ends the rule: the flow is queued */
	nsg_nft_rule(b, chain);
	nft_mark_in(b, NFT_MARK_CONNECTION, m->decided | m->generation, "gen");
	nft_ct_direction(b, IP_CT_DIR_ORIGINAL);
	nft_count_by_mark(b, NFT_MARK_CONNECTION, m->hop, "hops");
	nft_mark_restore(b, m->hop);
	nft_count(b, NSG_COUNTER_OFFLOADED);
	nft_accept(b);
	nsg_nft_rule_end(b);
}

/* Whose sockets are captured; everybody else's packets leave the chain, accepted. */
static void put_owners(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const struct nsg_cgroups *c = &k->cgroups;

	for (uint32_t level = 1; c->n && level <= nsg_cgroups_deepest(c); level++) {
		if (!nsg_cgroups_has_level(c, level))
			continue;
		nsg_nft_rule(b, "output");
		if (k->n_users)
			nft_skuid_in(b, "users");
		nft_cgroup_in(b, level, NSG_SET_CGROUPS);
		nft_goto(b, "capture");
		nsg_nft_rule_end(b);
	}
	if (c->n)
		return;
	nsg_nft_rule(b, "output");
	if (k->n_users)
		nft_skuid_in(b, "users");
	else
		nft_skuid_known(b);
	nft_goto(b, "capture");
	nsg_nft_rule_end(b);
}

static void put_output(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	put_sanitise(b, k, "output");
	put_fast(b, k, "output");

	nsg_nft_rule(b, "output");
	nft_oif_loopback(b);
	nft_accept(b);
	nsg_nft_rule_end(b);

	nsg_nft_rule(b, "output");
	nft_jump(b, "replies");
	nsg_nft_rule_end(b);

	nsg_nft_rule(b, "output");
	nft_jump(b, "tunnels");
	nsg_nft_rule_end(b);

	put_owners(b, k);
}

static void put_prerouting(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	/* of packets from elsewhere too: an answer with its flow's hop would go the flow's way */
	put_sanitise(b, k, "prerouting");

	nsg_nft_rule(b, "prerouting");
	nft_iifname_in(b, "interfaces", true);
	nft_accept(b);
	nsg_nft_rule_end(b);

	put_fast(b, k, "prerouting");

	nsg_nft_rule(b, "prerouting");
	nft_daddr_local(b);
	nft_accept(b);
	nsg_nft_rule_end(b);

	nsg_nft_rule(b, "prerouting");
	nft_jump(b, "replies");
	nsg_nft_rule_end(b);

	nsg_nft_rule(b, "prerouting");
	nft_goto(b, "capture");
	nsg_nft_rule_end(b);
}

static void put_replies(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	nsg_nft_rule(b, "replies");
	nft_ct_direction(b, IP_CT_DIR_REPLY);
	nft_accept(b);
	nsg_nft_rule_end(b);

	/* Our own error about a packet of a reply is `original, related` and carries the flow's
	 * mark: queued, its verdict would overwrite the flow's. */
	nsg_nft_rule(b, "replies");
	nft_l4proto(b, IPPROTO_ICMP);
	nft_ct_state(b, STATE_RELATED);
	nft_accept(b);
	nsg_nft_rule_end(b);

	if (k->conf->audit)
		return;
	/* The NSG has allowed it, only its route is looked up again: a flow of another generation,
	 * or of any where the kernel does not decide by itself. */
	nsg_nft_rule(b, "replies");
	nft_mark_is_not(b, NFT_MARK_CONNECTION, k->marks.decided, 0);
	nft_mark_restore(b, k->marks.mask);
	nft_goto(b, "decided");
	nsg_nft_rule_end(b);
}

static void put_preexisting(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	nsg_nft_rule(b, "capture");
	if (k->conf->audit)
		nft_l4proto(b, IPPROTO_TCP);
	else
		nft_l4proto_in(b, "preexisting_tcp", false);
	nft_ct_state(b, STATE_NEW);
	nft_tcp_not_bare_syn(b);
	nft_count(b, NSG_COUNTER_PREEXISTING);
	if (!k->conf->audit)
		nft_ct_mark_put(b, k->marks.mask, nsg_table_preexisting(&k->marks));
	nft_accept(b);
	nsg_nft_rule_end(b);
}

static void put_denied(struct nsg_nft_batch *b, const struct nsg_kernel *k, const char *chain,
		       bool ports)
{
	nsg_nft_rule(b, chain);
	nft_l4proto_in(b, "ported", !ports);
	nft_flow_in(b, ports, ports ? "denied" : "denied_portless");
	nft_count(b, NSG_COUNTER_DENIED_AGAIN);
	silence(b, k);
	nsg_nft_rule_end(b);
}

/* Allowed before, without a route now: such a flow is denied as any. Only where its ports tell it
 * from another one that the NSG denies: a ping may have been allowed and a later one not. */
static void put_decided(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	if (k->conf->audit)
		return;
	if (nsg_table_remembers_denied(k))
		put_denied(b, k, "decided", true);
	nsg_nft_rule(b, "decided");
	nft_goto(b, "queue");
	nsg_nft_rule_end(b);
}

static void put_capture(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	if (k->conf->n_excludes) {
		nsg_nft_rule(b, "capture");
		nft_daddr_in(b, "excluded");
		nft_count(b, NSG_COUNTER_EXCLUDED);
		nft_accept(b);
		nsg_nft_rule_end(b);
	}
	nsg_nft_rule(b, "capture");
	nft_l4proto(b, IPPROTO_UDP);
	nft_ports(b, 68, 67);
	nft_accept(b);
	nsg_nft_rule_end(b);

	put_preexisting(b, k);

	nsg_nft_rule(b, "capture");
	nft_daddr(b, INADDR_UNSPEC_GROUP, 4);
	nft_goto(b, "multicast");
	nsg_nft_rule_end(b);
	nsg_nft_rule(b, "capture");
	nft_daddr(b, INADDR_BROADCAST, 32);
	nft_goto(b, "multicast");
	nsg_nft_rule_end(b);

	if (nsg_table_remembers_denied(k)) {
		put_denied(b, k, "capture", true);
		put_denied(b, k, "capture", false);
	}
	nsg_nft_rule(b, "capture");
	nft_jump(b, "timeouts");
	nsg_nft_rule_end(b);
	nsg_nft_rule(b, "capture");
	nft_goto(b, "queue");
	nsg_nft_rule_end(b);
}

void nsg_table_put_multicast(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	nsg_nft_rule(b, "multicast");
	nft_count(b, NSG_COUNTER_MULTICAST);
	/* route-all brings it into the VNet, and a VNet does not carry it */
	if (k->table.route_all && !k->conf->audit)
		silence(b, k);
	else
		nft_accept(b);
	nsg_nft_rule_end(b);
}

/* A flow that is idle for so long is forgotten, here as in Azure. */
void nsg_table_put_timeouts(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const struct {
		const char *name;
		uint8_t protocol;
	} all[] = {{"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}};

	for (size_t i = 0; !k->conf->audit && i < NSG_ARRAY_SIZE(all); i++) {
		char name[NSG_TABLE_NAME_BYTES];

		nsg_table_timeout_name(all[i].name, k->table.flow_minutes, name);
		nsg_nft_ct_timeout(b, name, all[i].protocol, k->table.flow_minutes * 60);
		nsg_nft_rule(b, "timeouts");
		nft_l4proto(b, all[i].protocol);
		nft_ct_timeout_set(b, name);
		nsg_nft_rule_end(b);
	}
}

static void put_queue(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const struct nft_queue workers = {
	    .native = k->table.native_queue,
	    .first = k->conf->queue_first,
	    .total = k->table.n_queues,
	    /* audit drops nothing, dead neither */
	    .bypass = k->conf->down_accept || k->conf->audit,
	};

	nsg_nft_rule(b, "queue");
	nft_count(b, NSG_COUNTER_QUEUED);
	nft_queue_to(b, &workers);
	nsg_nft_rule_end(b);
}

static void put_remember(struct nsg_nft_batch *b, const char *chain)
{
	nsg_nft_rule(b, chain);
	nft_goto(b, "save");
	nsg_nft_rule_end(b);
}

static void put_deny(struct nsg_nft_batch *b, const struct nsg_kernel *k, bool ports)
{
	nsg_nft_rule(b, "save");
	nft_l4proto_in(b, "ported", !ports);
	nft_flow_add(b, ports, ports ? "denied" : "denied_portless",
		     (uint64_t)k->conf->denied_seconds * 1000);
	nsg_nft_rule_end(b);
}

static void put_save(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const struct nsg_marks *m = &k->marks;

	nsg_nft_rule(b, "save");
	nft_mark_is(b, NFT_MARK_PACKET, m->mask, 0);
	nft_accept(b);
	nsg_nft_rule_end(b);

	nsg_nft_rule(b, "save");
	nft_mark_is_not(b, NFT_MARK_PACKET, m->decided, 0);
	nft_goto(b, "keep");
	nsg_nft_rule_end(b);

	nsg_nft_rule(b, "save");
	nft_mark_is_not(b, NFT_MARK_PACKET, m->hop, m->denied);
	nft_accept(b);
	nsg_nft_rule_end(b);

	/* Adding and dropping are rules of their own: a full set ends the rule. */
	if (nsg_table_remembers_denied(k)) {
		put_deny(b, k, true);
		put_deny(b, k, false);
	}
	nsg_nft_rule(b, "save");
	nft_count(b, NSG_COUNTER_DENIED);
	silence(b, k);
	nsg_nft_rule_end(b);
}

static void put_keep(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const struct nsg_marks *m = &k->marks;

	nsg_nft_rule(b, "keep");
	nft_mark_save(b, m->mask);
	nsg_nft_rule_end(b);

	nsg_nft_rule(b, "keep");
	nft_count_by_mark(b, NFT_MARK_PACKET, m->hop, "hops");
	nsg_nft_rule_end(b);

	/* `remember` is a route chain: the packet's way is found again when its mark changes here,
	 * also for packets that nobody decided (daemon-down, overflow) and that go as before */
	nsg_nft_rule(b, "keep");
	nft_mark_keep(b, ~(m->decided | m->generation));
	nft_accept(b);
	nsg_nft_rule_end(b);
}

static void put_snat(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const struct nsg_marks *m = &k->marks;

	nsg_nft_rule(b, "source_nat");
	nft_snat_by_mark(b, m->hop, "sources");
	nsg_nft_rule_end(b);
	/* bypass and platform: decided, and the host's own routing */
	if (k->conf->has_snat_internet) {
		nsg_nft_rule(b, "source_nat");
		nft_mark_is(b, NFT_MARK_CONNECTION, m->decided | m->hop, m->decided);
		nft_snat(b, k->conf->snat_internet_host);
		nsg_nft_rule_end(b);
	}
}

/* Whoever deletes our ip rules or routes cannot send a marked packet along the host's own. */
static void put_guard(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const struct nsg_marks *m = &k->marks;

	nsg_nft_rule(b, "guard");
	nft_mark_is(b, NFT_MARK_PACKET, m->hop, 0);
	nft_accept(b);
	nsg_nft_rule_end(b);

	nsg_nft_rule(b, "guard");
	nft_mark_oif_in(b, m->hop, "paths");
	nft_accept(b);
	nsg_nft_rule_end(b);

	/* A tunnel looks its own way up with the mark of what it carries: into itself. */
	nsg_nft_rule(b, "guard");
	nft_mark_oif_in(b, m->hop, "tunnel_paths");
	nft_mark_keep(b, ~m->mask);
	nft_accept(b);
	nsg_nft_rule_end(b);

	if (nsg_table_has_snat(k)) {
		nsg_nft_rule(b, "guard");
		nft_mark_in(b, NFT_MARK_PACKET, m->hop, "host_routed");
		nft_accept(b);
		nsg_nft_rule_end(b);
	}
	nsg_nft_rule(b, "guard");
	nft_count(b, NSG_COUNTER_STRAYED);
	silence(b, k);
	nsg_nft_rule_end(b);
}

/* Outer packets of a next hop's own tunnel: they look like the app's, and are the host's. */
static void put_tunnel(struct nsg_nft_batch *b, const struct nsg_tunnel *t)
{
	nsg_nft_rule(b, "tunnels");
	nft_l4proto(b, t->protocol);
	if (t->has_remote)
		nft_daddr(b, t->remote_host, 32);
	if (t->port)
		nft_destination_port(b, t->port);
	nft_accept(b);
	nsg_nft_rule_end(b);
}

static bool is_below_a_path(const struct nsg_kernel *k, const struct nsg_link *tunnel)
{
	for (uint32_t n = 1; n <= k->hops.max; n++)
		for (uint32_t i = 0; k->hops.v[n].used && i < k->hops.v[n].n_paths; i++)
			if (k->hops.v[n].paths[i].up &&
			    nsg_links_lead_into(&k->links, k->hops.v[n].paths[i].ifindex, tunnel))
				return true;
	return false;
}

void nsg_table_put_tunnels(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	for (size_t i = 0; i < k->links.links.n; i++) {
		const struct nsg_link *link = &k->links.links.v[i];

		if (link->tunnel.protocol && is_below_a_path(k, link))
			put_tunnel(b, &link->tunnel);
	}
}

void nsg_table_put_rules(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	if (k->conf->hook_output)
		put_output(b, k);
	if (k->conf->hook_prerouting)
		put_prerouting(b, k);
	put_replies(b, k);
	put_decided(b, k);
	put_capture(b, k);
	nsg_table_put_multicast(b, k);
	nsg_table_put_timeouts(b, k);
	put_queue(b, k);
	if (k->conf->audit)
		return;
	if (k->conf->hook_output)
		put_remember(b, "remember");
	if (k->conf->hook_prerouting)
		put_remember(b, "remember_pre");
	put_save(b, k);
	put_keep(b, k);
	if (nsg_table_has_snat(k))
		put_snat(b, k);
	put_guard(b, k);
}

void nsg_table_neutralise(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	if (k->conf->hook_output)
		nsg_nft_chain_flush(b, "output");
	if (k->conf->hook_prerouting)
		nsg_nft_chain_flush(b, "prerouting");
}

void nsg_table_probe(struct nsg_nft_batch *b, const struct nsg_marks *marks, bool native_queue)
{
	const struct nft_queue queue = {.native = native_queue, .total = 1};

	nsg_nft_table_add(b, 0);
	nsg_nft_chain(b, "probe");
	nsg_nft_rule(b, "probe");
	nft_mark_restore(b, marks->mask);
	nsg_nft_rule_end(b);
	nsg_nft_rule(b, "probe");
	nft_queue_to(b, &queue);
	nsg_nft_rule_end(b);
	nsg_nft_table_delete(b);
}
