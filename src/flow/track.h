/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flow of a captured packet, for replay: a small conntrack. It distinguishes first and later
 * packets, replies, fragments, ICMP errors, and TCP packets of flows that began before the capture.
 * Bounded: when there are too many flows, one that was not seen for a while is evicted.
 */
#ifndef NSG_FLOW_TRACK_H
#define NSG_FLOW_TRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/key.h"

/* The ends of a flow, the smaller (address, port) first, so that both directions have one tuple. An IPv4
 * address is the first word. Whole words: a word that was stored in parts is slow to read. */
struct nsg_track_tuple {
	uint64_t addr[2][2];
	uint64_t
	    rest; /* from the low bits: two ports, protocol, ID of ICMP or a fragment; 16 bits each */
};

/* Where a tracker looks for the flow of a packet. */
struct nsg_track_place {
	uint64_t hash; /* 0: not known */
	struct nsg_track_tuple tuple;
	bool swapped; /* the packet goes from end 1 to end 0 */
};

/* The parts of a packet that a tracker uses. */
struct nsg_track_view {
	struct nsg_key key; /* addresses 0 when is_ip6 */
	uint16_t ip_id;
	uint16_t icmp_id; /* of a query such as echo */
	uint8_t tcp_flags;
	bool is_ip6;
	bool first_fragment; /* more follow */
	bool later_fragment;
	bool icmp_error; /* inner is the quoted packet */
	struct nsg_key inner;
	uint16_t inner_icmp_id;
	uint8_t src6[16], dst6[16];
	struct nsg_track_place place; /* of nsg_tracker_prefetch() */
};

/* Like nsg_key_extract, but *ret is set for NSG_KEY_IP6, too. The ports of an IPv6 packet are those
 * after its fixed header: extension headers are not read. */
enum nsg_key_status nsg_track_view(const uint8_t *packet, size_t captured, size_t length,
				   struct nsg_track_view *ret);

enum nsg_track_role {
	NSG_TRACK_FIRST,     /* begins a flow, to be decided */
	NSG_TRACK_LATER,     /* in the direction of the flow's first packet */
	NSG_TRACK_REPLY,     /* in the other direction, or an ICMP error about the flow */
	NSG_TRACK_FRAGMENT,  /* not the first one: takes the decision of the first */
	NSG_TRACK_ORPHAN,    /* the same, but the first was not seen */
	NSG_TRACK_MIDSTREAM, /* TCP of an unknown flow, and not a SYN: it began before the capture */
};

/* What the caller keeps on a flow or a first fragment. Zero at first; a retransmitted SYN, which is
 * FIRST again, leaves it. */
struct nsg_track_data {
	uint64_t first_packet;
	uint64_t packets, bytes;
	uint32_t outcome;
	uint32_t src_host; /* that was judged */
	uint8_t kind;
};

/* A flow that is over: replaced by a new one, or evicted. */
struct nsg_track_flow {
	struct nsg_key key; /* of its first packet; addresses 0 when is_ip6 */
	bool is_ip6;
	uint8_t src6[16], dst6[16];
	const struct nsg_track_data *data;
};

struct nsg_tracker;

/*
 * A flow that is idle for longer than the timeout begins again with its next packet. `ended`, which
 * may be NULL, is called with each flow that is over. NULL when out of memory.
 */
struct nsg_tracker *nsg_tracker_new(uint32_t flow_timeout_minutes, uint32_t max_flows,
				    void (*ended)(void *closure, const struct nsg_track_flow *flow),
				    void *closure);

/*
 * Returns the packet's role, or -ENOMEM. *ret_data is on the flow for FIRST and MIDSTREAM (zero: the
 * caller fills it in), LATER and REPLY; on the first fragment for FRAGMENT; NULL for ORPHAN. Valid
 * until the next call. After an eviction no flow is MIDSTREAM, because it may have been evicted: it
 * is FIRST.
 */
int nsg_tracker_see(struct nsg_tracker *t, const struct nsg_track_view *v, uint64_t time_ns,
		    struct nsg_track_data **ret_data);
/* Where packets are known in advance: the first, then for each the second bring near what
 * nsg_tracker_see() will look at. Not needed for its result. */
void nsg_tracker_prefetch(const struct nsg_tracker *t, struct nsg_track_view *v);
void nsg_tracker_prefetch_entry(const struct nsg_tracker *t, const struct nsg_track_view *v);
/* Keeps `data`, the decision on a first fragment, for later ones. -ENOMEM. */
int nsg_tracker_remember_fragment(struct nsg_tracker *t, const struct nsg_track_view *v,
				  uint64_t time_ns, const struct nsg_track_data *data);
/* Calls `ended` with the flows that are left. */
void nsg_tracker_end(struct nsg_tracker *t);
/* Flows that were forgotten because the table was full. */
uint64_t nsg_tracker_evicted(const struct nsg_tracker *t);

/* Accepts NULL; returns NULL. */
struct nsg_tracker *nsg_tracker_free(struct nsg_tracker *t);

#endif
