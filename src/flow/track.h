/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flow of a captured packet, for replay: a small conntrack. It distinguishes first and later
 * packets, replies, fragments, ICMP errors, and TCP packets of flows that began before the capture.
 * Bounded: the least recently seen flow is evicted.
 */
#ifndef NSG_FLOW_TRACK_H
#define NSG_FLOW_TRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/key.h"

/* The parts of a packet that a tracker uses. */
struct nsg_track_view {
	struct nsg_key key;
	uint16_t ip_id;
	uint16_t icmp_id; /* of a query such as echo */
	uint8_t tcp_flags;
	bool is_ip4;
	bool first_fragment; /* more follow */
	bool later_fragment;
	bool icmp_error; /* inner is the quoted packet */
	struct nsg_key inner;
	uint16_t inner_icmp_id;
};

/* Like nsg_key_extract. *ret is set only for NSG_KEY_OK and NSG_KEY_LATER_FRAGMENT. */
enum nsg_key_status nsg_track_view(const uint8_t *packet, size_t captured, size_t length,
				   struct nsg_track_view *ret);

enum nsg_track_role {
	NSG_TRACK_FIRST,     /* begins a flow, to be decided */
	NSG_TRACK_LATER,     /* in the direction of the flow's first packet */
	NSG_TRACK_REPLY,     /* in the other direction, or an ICMP error about the flow */
	NSG_TRACK_FRAGMENT,  /* not the first one: takes the decision of the first */
	NSG_TRACK_ORPHAN,    /* the same, but the first was not seen */
	NSG_TRACK_MIDSTREAM, /* TCP of an unknown flow, and not a SYN */
};

struct nsg_tracker;

/* Flows that are idle for longer than the timeout are removed. NULL when out of memory. */
struct nsg_tracker *nsg_tracker_new(uint32_t flow_timeout_minutes);

/*
 * Returns the packet's role, or -ENOMEM. *ret_data is where the caller keeps its decision: on the
 * flow for FIRST (which the caller sets), LATER and REPLY, on the first fragment for FRAGMENT; NULL
 * for the other roles. Valid until the next call.
 */
int nsg_tracker_see(struct nsg_tracker *t, const struct nsg_track_view *v, uint64_t time_ns,
		    void ***ret_data);
/* Removes the flow after FIRST, when it was denied: its next packet is FIRST again. */
void nsg_tracker_forget(struct nsg_tracker *t, const struct nsg_track_view *v);
/* Keeps `data`, the decision on a first fragment, for later ones. -ENOMEM. */
int nsg_tracker_remember_fragment(struct nsg_tracker *t, const struct nsg_track_view *v,
				  uint64_t time_ns, void *data);

/* Accepts NULL; returns NULL. */
struct nsg_tracker *nsg_tracker_free(struct nsg_tracker *t);

#endif
