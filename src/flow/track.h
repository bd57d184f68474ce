/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which flow a captured packet belongs to, for replay: the part of conntrack that semantics.md
 * needs. First packets, later ones, replies, fragments, ICMP errors, TCP packets of flows that
 * began before the capture. Bounded: the flow seen longest ago gives way.
 */
#ifndef NSG_FLOW_TRACK_H
#define NSG_FLOW_TRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/key.h"

/* What a tracker has to know of a packet beyond its key. */
struct nsg_track_view {
	struct nsg_key key;
	uint16_t ip_id;
	uint16_t icmp_id; /* of an echo or its like */
	uint8_t tcp_flags;
	bool is_ip4;
	bool first_fragment; /* more follow */
	bool later_fragment;
	bool icmp_error; /* inner is the packet it speaks of */
	struct nsg_key inner;
	uint16_t inner_icmp_id;
};

/* nsg_key_extract with all of that; *ret is whole only for NSG_KEY_OK and NSG_KEY_LATER_FRAGMENT.
 */
enum nsg_key_status nsg_track_view(const uint8_t *packet, size_t captured, size_t length,
				   struct nsg_track_view *ret);

enum nsg_track_role {
	NSG_TRACK_FIRST,     /* begins a flow: to be decided */
	NSG_TRACK_LATER,     /* in the direction of the flow's first packet */
	NSG_TRACK_REPLY,     /* in the other one, or an ICMP error about the flow */
	NSG_TRACK_FRAGMENT,  /* a later one: takes its first fragment's decision */
	NSG_TRACK_ORPHAN,    /* a later fragment whose first was not seen */
	NSG_TRACK_MIDSTREAM, /* TCP that opens nothing, of no known flow */
};

struct nsg_tracker;

/* Flows idle for longer than the timeout are forgotten. NULL when memory is out. */
struct nsg_tracker *nsg_tracker_new(uint32_t flow_timeout_minutes);

/*
 * Finds the packet's role. *ret_data is where the caller keeps what it decided: of the flow for
 * FIRST (NULL there, to be set), LATER and REPLY, of the first fragment for FRAGMENT; NULL for the
 * other roles. It is valid until the next call. -ENOMEM, else the role.
 */
int nsg_tracker_see(struct nsg_tracker *t, const struct nsg_track_view *v, uint64_t time_ns,
		    void ***ret_data);
/* After FIRST: the flow is not remembered (it was denied): its next packet is a first one again. */
void nsg_tracker_forget(struct nsg_tracker *t, const struct nsg_track_view *v);
/* After the decision on a first fragment: later ones find `data`. -ENOMEM. */
int nsg_tracker_remember_fragment(struct nsg_tracker *t, const struct nsg_track_view *v,
				  uint64_t time_ns, void *data);

/* NULL is fine; returns NULL. */
struct nsg_tracker *nsg_tracker_free(struct nsg_tracker *t);

#endif
