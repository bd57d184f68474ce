/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nfnetlink_queue's messages. Incoming ones are read within the bounds of the datagram, whatever
 * lengths they claim; outgoing ones are built in a buffer that is large enough by construction.
 * libmnl's parser is not used: it calls back for every attribute.
 *
 *   in    nlmsghdr 16 | nfgenmsg 4 | NFQA_PACKET_HDR {id, protocol, hook} | NFQA_MARK (when not 0)
 *         | ... | NFQA_CAP_LEN (when the copy is shorter than the packet) | NFQA_PAYLOAD
 *   out   nlmsghdr 16 | nfgenmsg 4 | NFQA_VERDICT_HDR {verdict, id} | NFQA_MARK
 */
#ifndef NSG_ENGINE_MESSAGE_H
#define NSG_ENGINE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum nsg_message_kind {
	NSG_MESSAGE_END,    /* nothing more in the datagram */
	NSG_MESSAGE_PACKET, /* all fields valid */
	NSG_MESSAGE_BAD,    /* an inconsistent message about a queued packet: only `id` is valid */
	NSG_MESSAGE_UNREADABLE, /* perhaps a queued packet, but its id cannot be read */
	NSG_MESSAGE_ERROR,	/* the kernel's answer to something we sent: only `error` */
	NSG_MESSAGE_OTHER,	/* nothing to do with packets */
};

/* A queued packet. The payload points into the datagram. */
struct nsg_message {
	uint32_t id, mark;
	uint32_t length;   /* on the wire, bytes; at least captured */
	uint32_t captured; /* bytes at payload */
	const uint8_t *payload;
	uint8_t family; /* AF_INET, AF_INET6, ... */
	bool has_uid;	/* of the socket that sent it */
	uint32_t uid;
	uint32_t
	    ifindex; /* on which it arrived or, of this host's own, to which it was routed; 0: none */
	int error;   /* -errno */
};

/*
 * Takes the next message off a datagram: *data and *size move on. Reads nothing beyond *size.
 * Fields of *ret that are not valid for the kind are undefined. The caller starts with 4-byte
 * aligned data (netlink keeps the alignment).
 */
enum nsg_message_kind nsg_message_next(const uint8_t **data, size_t *size, struct nsg_message *ret);

/* What the kernel is to do with one queued packet. */
struct nsg_queue_verdict {
	uint32_t id;
	uint32_t mark; /* the packet's whole new mark; valid if has_mark */
	bool has_mark;
	bool accept;
};

/* Largest verdict message; a batch of n packets needs at most n + 1 of them. */
#define NSG_VERDICT_BYTES 40

/* Appends one verdict, or with `up_to` the same for every queued id up to this one. `out` has room
 * for NSG_VERDICT_BYTES. Returns the bytes written. */
size_t nsg_verdict_put(uint8_t *out, uint16_t queue, const struct nsg_queue_verdict *o, bool up_to);

/*
 * The verdicts of a whole batch, one for each packet: the most frequent one is sent last, as a
 * verdict "up to" its last packet, after single ones for all others. With `orphans` (the queue has
 * packets below the last id whose messages could not be read) every packet gets a single one and
 * the rest below the last id is dropped. `out` has room for (n + 1) * NSG_VERDICT_BYTES. Returns
 * the bytes written.
 */
size_t nsg_verdicts_put(uint8_t *out, uint16_t queue, const struct nsg_queue_verdict *verdicts,
			size_t n, bool orphans);

#endif
