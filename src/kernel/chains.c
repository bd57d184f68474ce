/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/chains.h"

#include <netinet/in.h> /* before the kernel's headers, which then leave out what it defines */

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter_ipv4.h>

#include "kernel/answer_rules.h"
#include "kernel/nft_expr.h"
#include "kernel/packet_filters.h"
#include "kernel/ruleset.h"
#include "kernel/shared_rules.h"
#include "util/macro.h"

void nsg_chains_create(struct nsg_nft_batch *b, const struct nsg_kernel *k, bool hooks)
{
	static const char *const regular[] = {
	    "related_output", "output_rest", "prerouting_rest", "related", "replies",
	    "decided",	      "tunnels",     "owners",		"capture", "dhcp",
	    "multicast",      "timeouts",    "queue",		"save",	   "keep",
	    "leave",
	};
	/* After the chains of other programs at `mangle`, which may copy whole marks from
	 * connections to packets (CONNMARK --restore-mark, wg-quick's premangle). The two chains of
	 * a hook have one priority, the later first: the kernel puts a new chain before those of
	 * its priority, so that none can come between the two and wipe the mark of a verdict. */
	const int ours = NF_IP_PRI_MANGLE + 1, srcnat = NF_IP_PRI_NAT_SRC;
	const struct {
		bool wanted;
		const char *name, *type;
		uint32_t hook;
		int priority;
	} bases[] = {
	    {k->conf->hook_output && !k->conf->audit, "remember", "route", NF_INET_LOCAL_OUT, ours},
	    {k->conf->hook_prerouting && !k->conf->audit, "remember_pre", "filter",
	     NF_INET_PRE_ROUTING, ours},
	    {k->conf->hook_output, "output", "route", NF_INET_LOCAL_OUT, ours},
	    {true, "prerouting", "filter", NF_INET_PRE_ROUTING, ours},
	    {true, "forward", "filter", NF_INET_FORWARD, ours},
	    {nsg_ruleset_has_snat(k), "source_nat", "nat", NF_INET_POST_ROUTING, srcnat},
	    {!k->conf->audit, "guard", "filter", NF_INET_POST_ROUTING, srcnat + 1},
	};

	for (size_t i = 0; i < NSG_ARRAY_SIZE(regular); i++)
		nsg_nft_chain(b, regular[i]);
	nsg_answer_chains_create(b, k);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(bases); i++)
		if (hooks && bases[i].wanted)
			nsg_nft_base_chain(b, bases[i].name, bases[i].type, bases[i].hook,
					   bases[i].priority);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(regular); i++)
		nsg_nft_chain_flush(b, regular[i]);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(bases); i++)
		if (bases[i].wanted)
			nsg_nft_chain_flush(b, bases[i].name);
}

/* --- what output and prerouting share -------------------------------------------------------- */

/* A bare SYN begins a flow, in either direction and whatever was decided on its tuple before: a
 * port is used again after a reset or a timeout. The mark is cleared, not only skipped: the SYN|ACK
 * of a simultaneous open would use it. */
static void put_syn(struct nsg_nft_batch *b, const struct nsg_kernel *k, const char *chain)
{
	const uint32_t mask = k->marks.mask;

	if (k->conf->audit)
		return;
	/* meta l4proto tcp @th,104,8 & 0x17 == 0x02 ct mark & MASK != 0
	 * ct mark set ct mark & ~MASK */
	RULE(b, chain, nft_l4proto(b, IPPROTO_TCP); nft_tcp_bare_syn(b);
	     nft_mark_is_not(b, NFT_MARK_CONNECTION, mask, 0); nft_ct_mark_put(b, mask, 0));
}

/* The fast rules go by the addresses of a packet: one with a source route goes elsewhere, and is
 * judged like a first packet. */
static void put_plain(struct nsg_nft_batch *b, const struct nsg_kernel *k, const char *chain,
		      const char *rest)
{
	if (k->conf->audit)
		return;
	/* @nh,0,8 != 0x45 goto REST */
	RULE(b, chain, nft_header_not_plain(b); nft_goto(b, rest));
}

static void put_fast_decided(struct nsg_nft_batch *b, const struct nsg_kernel *k, const char *chain)
{
	const struct nsg_marks *m = &k->marks;

	/* ct mark & MASK @gen ct direction original counter name offloaded accept */
	RULE(b, chain, nft_mark_in(b, NFT_MARK_CONNECTION, m->mask, "gen");
	     nft_ct_direction(b, IP_CT_DIR_ORIGINAL); nft_count(b, NSG_COUNTER_OFFLOADED);
	     nft_accept(b));
	/* A hop that is not in the map any more ends the rule: the flow is queued.
	 * ct mark & (DECIDED | GENERATION) @gen ct direction original
	 * counter name ct mark & HOP map @hops xt CONNMARK restore HOP
	 * counter name offloaded accept */
	RULE(b, chain, nft_mark_in(b, NFT_MARK_CONNECTION, m->decided | m->generation, "gen");
	     nft_ct_direction(b, IP_CT_DIR_ORIGINAL);
	     nft_count_by_mark(b, NFT_MARK_CONNECTION, m->hop, "hops"); nft_mark_restore(b, m->hop);
	     nft_count(b, NSG_COUNTER_OFFLOADED); nft_accept(b));
}

/* Packets of decided flows are accepted here and skip all rules below. */
static void put_fast(struct nsg_nft_batch *b, const struct nsg_kernel *k, const char *chain)
{
	const struct nsg_marks *m = &k->marks;

	if (k->conf->audit)
		return;
	if (nsg_ruleset_offloads(k)) {
		nsg_packet_filters_put_allowed(b, k, chain);
		put_fast_decided(b, k, chain);
	}
	/* ct mark & MASK == PREEXISTING ct direction original counter name offloaded accept */
	RULE(b, chain, nft_mark_is(b, NFT_MARK_CONNECTION, m->mask, nsg_ruleset_preexisting(m));
	     nft_ct_direction(b, IP_CT_DIR_ORIGINAL); nft_count(b, NSG_COUNTER_OFFLOADED);
	     nft_accept(b));
}

/* --- output ---------------------------------------------------------------------------------- */

/* Before the fast rules: an error has the mark of its flow. One rule, which every packet passes. */
static void put_related_output(struct nsg_nft_batch *b)
{
	/* ct state related jump related_output */
	RULE(b, "output", nft_ct_state(b, STATE_RELATED); nft_jump(b, "related_output"));
	/* meta oiftype loopback accept */
	RULE(b, "related_output", nft_oif_loopback(b); nft_accept(b));
	/* The kernel's own errors have no owner; the app's, from a raw socket, have one.
	 * meta l4proto icmp meta skuid != 4294967295 jump owners */
	RULE(b, "related_output", nft_l4proto(b, IPPROTO_ICMP); nft_skuid_known(b);
	     nft_jump(b, "owners"));
	RULE(b, "related_output", nft_goto(b, "related"));
}

static void put_output(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	nsg_shared_sanitise(b, k, "output");
	put_syn(b, k, "output");
	put_related_output(b);
	put_plain(b, k, "output", "output_rest");
	put_fast(b, k, "output");
	RULE(b, "output", nft_goto(b, "output_rest"));
	/* A local proxy and the addresses of this host have local sources.
	 * ct state new [ip saddr != @excluded] fib daddr type local fib saddr type != local
	 * counter name forged drop */
	RULE(b, "output_rest", nsg_shared_match_new(b, k->conf->n_excludes); nft_daddr_local(b);
	     nft_saddr_not_local(b); nsg_shared_drop_forged(b, k, NSG_COUNTER_FORGED));
	/* meta oiftype loopback accept */
	RULE(b, "output_rest", nft_oif_loopback(b); nft_accept(b));
	RULE(b, "output_rest", nft_jump(b, "replies"));
	RULE(b, "output_rest", nft_jump(b, "tunnels"));
	RULE(b, "output_rest", nft_goto(b, "owners"));
}

/* --- prerouting ------------------------------------------------------------------------------ */

static void put_prerouting(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	/* Of all interfaces: a reply with the hop of its flow would take the path of the flow. */
	nsg_shared_sanitise(b, k, "prerouting");
	/* What hook output cannot see: packets that AF_PACKET sends through the loopback device.
	 * meta iiftype loopback ct state new [ip saddr != @excluded] fib saddr type != local
	 * counter name forged drop */
	RULE(b, "prerouting", nft_iif_loopback(b); nsg_shared_match_new(b, k->conf->n_excludes);
	     nft_saddr_not_local(b); nsg_shared_drop_forged(b, k, NSG_COUNTER_FORGED));
	if (!k->conf->hook_prerouting)
		return;
	/* iifname != @interfaces accept */
	RULE(b, "prerouting", nft_iifname_in(b, "interfaces", true); nft_accept(b));
	put_syn(b, k, "prerouting");
	/* Forwarded errors cannot be told from forged ones.
	 * ct state related jump related */
	RULE(b, "prerouting", nft_ct_state(b, STATE_RELATED); nft_jump(b, "related"));
	put_plain(b, k, "prerouting", "prerouting_rest");
	put_fast(b, k, "prerouting");
	RULE(b, "prerouting", nft_goto(b, "prerouting_rest"));
	/* ct state new [ip saddr != @excluded] fib saddr . iif oif missing
	 * counter name forged_interface drop */
	RULE(b, "prerouting_rest", nsg_shared_match_new(b, k->conf->n_excludes);
	     nft_saddr_without_route(b);
	     nsg_shared_drop_forged(b, k, NSG_COUNTER_FORGED_INTERFACE));
	/* fib daddr type local accept */
	RULE(b, "prerouting_rest", nft_daddr_local(b); nft_accept(b));
	RULE(b, "prerouting_rest", nft_jump(b, "replies"));
	RULE(b, "prerouting_rest", nft_goto(b, "capture"));
}

/* Only the source route option makes the host forward a packet that is addressed to it. The
 * option itself cannot be matched: `ip option lsrr` misses one whose first addresses are used up. */
static void put_forward(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	/* @nh,0,8 != 0x45 meta iiftype loopback fib daddr type local
	 * counter name source_routed drop */
	RULE(b, "forward", nft_header_not_plain(b); nft_iif_loopback(b); nft_daddr_local(b);
	     nsg_shared_drop_forged(b, k, NSG_COUNTER_SOURCE_ROUTED));
	if (!k->conf->hook_prerouting)
		return;
	/* @nh,0,8 != 0x45 iifname @interfaces fib daddr type local
	 * counter name source_routed drop */
	RULE(b, "forward", nft_header_not_plain(b); nft_iifname_in(b, "interfaces", false);
	     nft_daddr_local(b); nsg_shared_drop_forged(b, k, NSG_COUNTER_SOURCE_ROUTED));
}

/* --- related, replies, decided --------------------------------------------------------------- */

static void put_related(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const uint32_t mask = k->marks.mask;

	/* An error of the kernel belongs to the flow that it is about.
	 * meta l4proto icmp accept */
	RULE(b, "related", nft_l4proto(b, IPPROTO_ICMP); nft_accept(b));
	if (k->conf->audit)
		return;
	/* A connection that a conntrack helper expects inherits the mark of the one that announced
	 * it, and is a flow of its own.
	 * ct mark & MASK != 0 ct mark set ct mark & ~MASK */
	RULE(b, "related", nft_mark_is_not(b, NFT_MARK_CONNECTION, mask, 0);
	     nft_ct_mark_put(b, mask, 0));
}

static void put_replies(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	/* meta l4proto tcp @th,104,8 & 0x17 == 0x02 return */
	RULE(b, "replies", nft_l4proto(b, IPPROTO_TCP); nft_tcp_bare_syn(b); nft_return(b));
	/* ct direction reply accept */
	RULE(b, "replies", nft_ct_direction(b, IP_CT_DIR_REPLY); nft_accept(b));
	if (k->conf->audit)
		return;
	/* The NSG has allowed this flow; only its route is looked up again. It is of another
	 * generation, or of any where the kernel does not decide by itself.
	 * ct mark & DECIDED != 0 xt CONNMARK restore MASK goto decided */
	RULE(b, "replies", nft_mark_is_not(b, NFT_MARK_CONNECTION, k->marks.decided, 0);
	     nft_mark_restore(b, k->marks.mask); nft_goto(b, "decided"));
}

/* A denied flow is dropped again. */
static void put_denied(struct nsg_nft_batch *b, const struct nsg_kernel *k, const char *chain)
{
	nsg_packet_filters_put_denied(b, k, chain);
	/* meta l4proto @ported meta l4proto . ip saddr . th sport . ip daddr . th dport @denied
	 * counter name denied_again queue num SILENT */
	RULE(b, chain, nft_l4proto_in(b, "ported", false); nft_flow_in(b, "denied");
	     nft_count(b, NSG_COUNTER_DENIED_AGAIN); nsg_shared_silence(b, k));
}

/* A flow that was allowed may have no route now and is denied like any other. Not by the answer for
 * its destination, which is about new flows. */
static void put_decided(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	if (k->conf->audit)
		return;
	if (nsg_ruleset_remembers_denied(k))
		put_denied(b, k, "decided");
	RULE(b, "decided", nft_goto(b, "queue"));
}

/* --- capture --------------------------------------------------------------------------------- */

static void put_preexisting(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	if (k->conf->audit) {
		/* meta l4proto tcp ct state new @th,104,8 & 0x17 != 0x02
		 * counter name preexisting accept */
		RULE(b, "capture", nft_l4proto(b, IPPROTO_TCP); nft_ct_state(b, STATE_NEW);
		     nft_tcp_not_bare_syn(b); nft_count(b, NSG_COUNTER_PREEXISTING); nft_accept(b));
		return;
	}
	/* meta l4proto @young ct state new @th,104,8 & 0x17 != 0x02
	 * counter name preexisting ct mark set ct mark & ~MASK | PREEXISTING accept */
	RULE(b, "capture", nft_l4proto_in(b, "young", false); nft_ct_state(b, STATE_NEW);
	     nft_tcp_not_bare_syn(b); nft_count(b, NSG_COUNTER_PREEXISTING);
	     nft_ct_mark_put(b, k->marks.mask, nsg_ruleset_preexisting(&k->marks)); nft_accept(b));
}

/* The host's own leases. A client that gets no answer from its server asks all of them. */
static void put_dhcp(struct nsg_nft_batch *b)
{
	/* ip daddr 255.255.255.255 accept */
	RULE(b, "dhcp", nft_daddr(b, INADDR_BROADCAST, 32); nft_accept(b));
	/* ip daddr @gateways accept */
	RULE(b, "dhcp", nft_daddr_in(b, "gateways"); nft_accept(b));
}

static void put_capture(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	if (k->conf->n_excludes)
		/* ip daddr @excluded counter name excluded accept */
		RULE(b, "capture", nft_daddr_in(b, "excluded"); nft_count(b, NSG_COUNTER_EXCLUDED);
		     nft_accept(b));
	/* udp sport 68 udp dport 67 jump dhcp */
	RULE(b, "capture", nft_l4proto(b, IPPROTO_UDP); nft_ports(b, 68, 67); nft_jump(b, "dhcp"));
	put_preexisting(b, k);
	/* ip daddr 224.0.0.0/4 goto multicast */
	RULE(b, "capture", nft_daddr(b, INADDR_UNSPEC_GROUP, 4); nft_goto(b, "multicast"));
	/* ip daddr 255.255.255.255 goto multicast */
	RULE(b, "capture", nft_daddr(b, INADDR_BROADCAST, 32); nft_goto(b, "multicast"));
	if (nsg_ruleset_answers(k))
		/* An entry that is revived after a reset keeps its source address, which the
		 * answer's next hop may not have.
		 * ct state new jump answer */
		RULE(b, "capture", nft_ct_state(b, STATE_NEW); nft_jump(b, "answer"));
	if (nsg_ruleset_remembers_denied(k))
		put_denied(b, k, "capture");
	RULE(b, "capture", nft_jump(b, "timeouts"));
	RULE(b, "capture", nft_goto(b, "queue"));
}

void nsg_chains_put_multicast(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	nsg_nft_chain_flush(b, "multicast");
	/* With route-all the packet enters the VNet, which does not carry multicast. */
	if (k->table.route_all && !k->conf->audit)
		/* counter name multicast queue num SILENT */
		RULE(b, "multicast", nft_count(b, NSG_COUNTER_MULTICAST); nsg_shared_silence(b, k));
	else
		/* counter name multicast accept */
		RULE(b, "multicast", nft_count(b, NSG_COUNTER_MULTICAST); nft_accept(b));
}

/* An idle flow is forgotten after the flow timeout, as in Azure. */
void nsg_chains_put_timeouts(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const struct {
		const char *name;
		uint8_t protocol;
	} all[] = {{"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}};

	nsg_nft_chain_flush(b, "timeouts");
	for (size_t i = 0; !k->conf->audit && i < NSG_ARRAY_SIZE(all); i++) {
		char name[NSG_RULESET_NAME_BYTES];

		nsg_ruleset_timeout(all[i].name, k->table.flow_minutes, name);
		nsg_nft_ct_timeout(b, name, all[i].protocol, k->table.flow_minutes * 60);
		/* meta l4proto tcp ct timeout set tcp_4m */
		RULE(b, "timeouts", nft_l4proto(b, all[i].protocol); nft_ct_timeout_set(b, name));
	}
}

static void put_queue(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const struct nft_queue workers = {
	    .native = k->table.native_queue,
	    .first = k->conf->queue_first,
	    .total = k->table.n_queues,
	    /* audit drops nothing, not even when no process reads the queue */
	    .bypass = k->conf->down_accept || k->conf->audit,
	};

	/* counter name queued queue num FIRST-LAST */
	RULE(b, "queue", nft_count(b, NSG_COUNTER_QUEUED); nft_queue_to(b, &workers));
}

/* --- after the verdict ----------------------------------------------------------------------- */

/* Adds a denied flow to its set. The drop is a rule of its own: a full set ends this one. */
static void put_deny(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const struct nsg_marks *m = &k->marks;

	/* A verdict of an older generation that comes late is only silent.
	 * meta l4proto @ported meta mark & MASK @gone
	 * add @denied { meta l4proto . ip saddr . th sport . ip daddr . th dport timeout SECONDS }
	 */
	RULE(b, "save", nft_l4proto_in(b, "ported", false);
	     nft_mark_in(b, NFT_MARK_PACKET, m->mask, "gone");
	     nft_flow_add(b, "denied", (uint64_t)k->conf->denied_seconds * 1000));
}

static void put_save(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const struct nsg_marks *m = &k->marks;

	/* Most packets: no verdict, or the hop bits of the fast rules.
	 * meta mark & DECIDED == 0 meta mark & HOP != DENIED accept */
	RULE(b, "save", nft_mark_is(b, NFT_MARK_PACKET, m->decided, 0);
	     nft_mark_is_not(b, NFT_MARK_PACKET, m->hop, m->denied); nft_accept(b));
	if (nsg_ruleset_answers(k))
		/* Of a flow that was decided before the verdict is about its route alone. Before the
		 * connection's mark is written.
		 * ct mark & DECIDED == 0 ct state new jump learn */
		RULE(b, "save", nft_mark_is(b, NFT_MARK_CONNECTION, m->decided, 0);
		     nft_ct_state(b, STATE_NEW); nft_jump(b, "learn"));
	/* meta mark & DECIDED != 0 goto keep */
	RULE(b, "save", nft_mark_is_not(b, NFT_MARK_PACKET, m->decided, 0); nft_goto(b, "keep"));
	if (nsg_ruleset_remembers_denied(k))
		put_deny(b, k);
	/* counter name denied queue num SILENT */
	RULE(b, "save", nft_count(b, NSG_COUNTER_DENIED); nsg_shared_silence(b, k));
}

static void put_keep(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const struct nsg_marks *m = &k->marks;

	/* A flow from outside never has a hop, and an error does not change the mark of its flow. A
	 * rule of its own: packets without a connection end it.
	 * ct direction original ct state != related xt CONNMARK save MASK */
	RULE(b, "keep", nft_ct_direction(b, IP_CT_DIR_ORIGINAL);
	     nft_ct_state_is_not(b, STATE_RELATED); nft_mark_save(b, m->mask));
	RULE(b, "keep", nft_goto(b, "leave"));
}

static void put_leave(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const struct nsg_marks *m = &k->marks;

	/* counter name meta mark & HOP map @hops */
	RULE(b, "leave", nft_count_by_mark(b, NFT_MARK_PACKET, m->hop, "hops"));
	/* `remember` is a route chain: the kernel routes the packet again because its mark changes
	 * here, even one without a new verdict (daemon-down, overflow), which keeps its old path.
	 * meta mark set meta mark & ~(DECIDED | GENERATION) accept */
	RULE(b, "leave", nft_mark_keep(b, ~(m->decided | m->generation)); nft_accept(b));
}

/* --- postrouting ----------------------------------------------------------------------------- */

static void put_source_nat(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const struct nsg_marks *m = &k->marks;

	/* snat to meta mark & HOP map @sources */
	RULE(b, "source_nat", nft_snat_by_mark(b, m->hop, "sources"));
	if (k->conf->has_snat_internet)
		/* The gates bypass and platform: decided, and routed by the host.
		 * ct mark & (DECIDED | HOP) == DECIDED snat to ADDRESS */
		RULE(b, "source_nat",
		     nft_mark_is(b, NFT_MARK_CONNECTION, m->decided | m->hop, m->decided);
		     nft_snat(b, k->conf->snat_internet_host));
}

/* Another program has cleared the mark of a packet after the fast rules or a verdict: it would leave
 * by the host's routes. */
static void put_vanished(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const struct nsg_marks *m = &k->marks;

	/* meta mark & HOP == 0 ct mark & DECIDED != 0 ct mark & HOP != 0 ct direction original
	 * ct state != related counter name vanished queue num SILENT */
	RULE(b, "guard", nft_mark_is(b, NFT_MARK_PACKET, m->hop, 0);
	     nft_mark_is_not(b, NFT_MARK_CONNECTION, m->decided, 0);
	     nft_mark_is_not(b, NFT_MARK_CONNECTION, m->hop, 0);
	     nft_ct_direction(b, IP_CT_DIR_ORIGINAL); nft_ct_state_is_not(b, STATE_RELATED);
	     nft_count(b, NSG_COUNTER_VANISHED); nsg_shared_silence(b, k));
}

/* A program that deletes our ip rules or routes must not send a marked packet along the host's. */
static void put_guard(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const struct nsg_marks *m = &k->marks;

	/* meta mark & HOP == 0 accept */
	RULE(b, "guard", nft_mark_is(b, NFT_MARK_PACKET, m->hop, 0); nft_accept(b));
	/* meta mark & HOP . oif @paths accept */
	RULE(b, "guard", nft_mark_oif_in(b, m->hop, "paths"); nft_accept(b));
	/* A tunnel routes its outer packet by the mark of the inner one, which leads into the
	 * tunnel again.
	 * meta mark & HOP . oif @tunnel_paths meta mark set meta mark & ~MASK accept */
	RULE(b, "guard", nft_mark_oif_in(b, m->hop, "tunnel_paths"); nft_mark_keep(b, ~m->mask);
	     nft_accept(b));
	if (nsg_ruleset_has_snat(k))
		/* meta mark & HOP @host_routed accept */
		RULE(b, "guard", nft_mark_in(b, NFT_MARK_PACKET, m->hop, "host_routed");
		     nft_accept(b));
	/* counter name strayed queue num SILENT */
	RULE(b, "guard", nft_count(b, NSG_COUNTER_STRAYED); nsg_shared_silence(b, k));
}

/* --- tunnels --------------------------------------------------------------------------------- */

/* Outer packets of the tunnel below a path look like the app's own and are the host's. */
static void put_tunnel(struct nsg_nft_batch *b, const struct nsg_tunnel *t)
{
	/* meta l4proto udp [ip daddr REMOTE] [udp dport PORT] accept */
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

void nsg_chains_put_tunnels(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	nsg_nft_chain_flush(b, "tunnels");
	for (size_t i = 0; i < k->links.links.n; i++) {
		const struct nsg_link *link = &k->links.links.v[i];

		if (link->tunnel.protocol && is_below_a_path(k, link))
			put_tunnel(b, &link->tunnel);
	}
}

/* --- all ------------------------------------------------------------------------------------- */

void nsg_chains_fill(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	if (k->conf->hook_output)
		put_output(b, k);
	put_prerouting(b, k);
	put_forward(b, k);
	put_related(b, k);
	put_replies(b, k);
	put_decided(b, k);
	if (k->conf->hook_output)
		nsg_shared_owners(b, k, "capture");
	put_capture(b, k);
	put_dhcp(b);
	nsg_chains_put_multicast(b, k);
	nsg_chains_put_timeouts(b, k);
	put_queue(b, k);
	if (k->conf->audit)
		return;
	if (k->conf->hook_output)
		RULE(b, "remember", nft_goto(b, "save"));
	if (k->conf->hook_prerouting)
		RULE(b, "remember_pre", nft_goto(b, "save"));
	put_save(b, k);
	put_keep(b, k);
	put_leave(b, k);
	nsg_answer_chains_fill(b, k);
	if (nsg_ruleset_has_snat(k))
		put_source_nat(b, k);
	put_vanished(b, k);
	put_guard(b, k);
	nsg_chains_put_tunnels(b, k);
}

void nsg_chains_put_filtered(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	static const char *const chains[] = {
	    "related_output", "output_rest", "prerouting", "prerouting_rest", "decided", "capture",
	};

	for (size_t i = 0; i < NSG_ARRAY_SIZE(chains); i++)
		nsg_nft_chain_flush(b, chains[i]);
	if (k->conf->hook_output) {
		nsg_nft_chain_flush(b, "output");
		put_output(b, k);
	}
	put_prerouting(b, k);
	put_decided(b, k);
	put_capture(b, k);
}

void nsg_chains_neutralise(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	if (k->conf->hook_output)
		nsg_nft_chain_flush(b, "output");
	nsg_nft_chain_flush(b, "prerouting");
	nsg_nft_chain_flush(b, "forward");
	if (k->conf->audit)
		return;
	/* packets of decided flows have no mark any more */
	nsg_nft_chain_flush(b, "guard");
	put_guard(b, k);
}

void nsg_chains_probe(struct nsg_nft_batch *b, const struct nsg_marks *marks, bool native_queue)
{
	const struct nft_queue queue = {.native = native_queue, .total = 1};

	nsg_nft_chain(b, "probe");
	/* xt CONNMARK restore MASK */
	RULE(b, "probe", nft_mark_restore(b, marks->mask));
	/* queue num 0, or xt NFQUEUE num 0 */
	RULE(b, "probe", nft_queue_to(b, &queue));
}

void nsg_chains_probe_sockets(struct nsg_nft_batch *b)
{
	nsg_nft_base_chain(b, "probe", "filter", NF_INET_LOCAL_OUT, 0);
	/* socket cgroupv2 level 1 != 0 */
	RULE(b, "probe", nft_cgroup_known(b));
}
