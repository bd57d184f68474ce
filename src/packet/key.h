/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The key of a packet: what the classifier needs. */
#ifndef NSG_PACKET_KEY_H
#define NSG_PACKET_KEY_H

#include <stddef.h>
#include <stdint.h>

/* Ports are 0 where the protocol has none (only TCP and UDP have). 16 bytes, no padding. */
struct nsg_key {
	uint32_t src_host, dst_host;
	uint16_t sport_host, dport_host;
	uint8_t protocol;
	uint8_t reserved[3]; /* zero */
};

enum nsg_key_status {
	NSG_KEY_OK,
	NSG_KEY_IP6,		/* never classified */
	NSG_KEY_LATER_FRAGMENT, /* addresses and protocol set, ports unknown */
	NSG_KEY_MALFORMED,
};

/*
 * Extracts the key from the captured bytes of an IP packet. `length` is the packet's length on the
 * wire, which may exceed `captured` (copy range, GSO). A total length of 0 means a big GSO packet.
 * Reads nothing beyond `captured`; an inconsistent header or a source route option is
 * NSG_KEY_MALFORMED. *ret is not written
 * for NSG_KEY_MALFORMED and NSG_KEY_IP6.
 */
enum nsg_key_status nsg_key_extract(const uint8_t *packet, size_t captured, size_t length,
				    struct nsg_key *ret);

#endif
