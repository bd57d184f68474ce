/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/packet_filters.h"

#include <linux/netfilter/nf_conntrack_tuple_common.h>

#include "kernel/nft_expr.h"
#include "kernel/ruleset.h"
#include "kernel/shared_rules.h"

static void put_match(struct nsg_nft_batch *b, const struct nsg_packet_filter *f)
{
	if (f->n)
		nft_program(b, f->program, f->n);
}

/* The packet gets the mark of its connection before it is queued. If no process reads the queue, e.g.
 * after a crash, the packet is accepted with that mark. */
void nsg_packet_filters_put_allowed(struct nsg_nft_batch *b, const struct nsg_kernel *k,
				    const char *chain)
{
	const struct nsg_marks *m = &k->marks;
	const struct nft_queue workers = {
	    .native = k->table.native_queue,
	    .first = k->conf->queue_first,
	    .total = k->table.n_queues,
	    .bypass = true,
	};

	/* ct mark & (DECIDED | GENERATION) @gen ct direction original [xt bpf PROGRAM]
	 * counter name queued xt CONNMARK restore MASK queue num FIRST-LAST bypass */
	for (size_t i = 0; i < k->filters.n; i++)
		RULE(b, chain,
		     nft_mark_in(b, NFT_MARK_CONNECTION, m->decided | m->generation, "gen");
		     nft_ct_direction(b, IP_CT_DIR_ORIGINAL); put_match(b, &k->filters.v[i]);
		     nft_count(b, NSG_COUNTER_QUEUED); nft_mark_restore(b, m->mask);
		     nft_queue_to(b, &workers));
}

/* If no process reads the queue, the packet is dropped. */
void nsg_packet_filters_put_denied(struct nsg_nft_batch *b, const struct nsg_kernel *k,
				   const char *chain)
{
	/* meta l4proto @ported meta l4proto . ip saddr . th sport . ip daddr . th dport @denied
	 * [xt bpf PROGRAM] goto queue */
	for (size_t i = 0; i < k->filters.n; i++)
		RULE(b, chain, nft_l4proto_in(b, "ported", false); nft_flow_in(b, "denied");
		     put_match(b, &k->filters.v[i]); nft_goto(b, "queue"));
}
