/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Passes decisions from a worker to the main thread: one writer, one reader, no lock. */
#ifndef NSG_OBSERVE_RING_H
#define NSG_OBSERVE_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "classify/classify.h"
#include "packet/key.h"

#define NSG_RECORD_PAYLOAD_BYTES 256

enum nsg_direction {
	NSG_DIRECTION_EGRESS,
	NSG_DIRECTION_REPLY,
	NSG_DIRECTION_INBOUND,
};

/* One decided packet. */
struct nsg_trace_record {
	const struct nsg_image *image; /* that decided it; valid until the record is released */
	uint64_t time_ns;	       /* wall clock */
	uint64_t packet;	       /* number of this worker's, from 1 */
	struct nsg_key key;	       /* as classified */
	uint32_t host_src;	       /* in the packet */
	uint32_t length;	       /* on the wire, bytes */
	struct nsg_decision decision;
	uint32_t mark;	   /* hop bits that leave */
	uint16_t captured; /* bytes of payload */
	uint8_t direction; /* enum nsg_direction */
	bool enforced;	   /* false: audit */
	bool has_uid;	   /* of the socket that sent the packet */
	uint32_t uid;
	uint32_t ifindex;			   /* as in struct nsg_message */
	uint8_t payload[NSG_RECORD_PAYLOAD_BYTES]; /* the packet's first bytes */
};

struct nsg_ring;

/* `n` is rounded up to a power of two. NULL when out of memory. */
struct nsg_ring *nsg_ring_new(uint32_t n);
/* Writer: a slot to fill, then commit; NULL when full (counted). */
struct nsg_trace_record *nsg_ring_claim(struct nsg_ring *r);
void nsg_ring_commit(struct nsg_ring *r);
/* Reader: the oldest record, or NULL; then release it. */
const struct nsg_trace_record *nsg_ring_peek(struct nsg_ring *r);
void nsg_ring_release(struct nsg_ring *r);
/* The position after the newest record (it wraps), and whether all records before one were
 * released. */
uint32_t nsg_ring_end(const struct nsg_ring *r);
bool nsg_ring_released(const struct nsg_ring *r, uint32_t end);
/* The number of records that did not fit. */
uint64_t nsg_ring_lost(const struct nsg_ring *r);
struct nsg_ring *nsg_ring_free(struct nsg_ring *r);

#endif
