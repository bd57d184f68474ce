/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/key.h"

#include <stdbool.h>

#include "util/names.h"

/* RFC 791, 9293, 768: the fixed parts, in bytes. */
#define IP4_HEADER 20u
#define TCP_HEADER 20u
#define UDP_HEADER 8u

#define IP4_TOTAL_LENGTH 2
#define IP4_FRAGMENT 6
#define IP4_PROTOCOL 9
#define IP4_SOURCE 12
#define IP4_DESTINATION 16

#define FRAGMENT_MORE 0x2000u
#define FRAGMENT_OFFSET 0x1fffu /* in units of eight bytes */

#define IP4_MAX_DATAGRAM 65535u

/* RFC 791, 3.1: options. With a source route a packet's destination is not where it goes. */
#define OPTION_END 0
#define OPTION_NOP 1
#define OPTION_LSRR 131
#define OPTION_SSRR 137

static uint16_t read16(const uint8_t *p)
{
	return (uint16_t)((unsigned int)p[0] << 8 | p[1]);
}

static uint32_t read32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/*
 * Whether the TCP or UDP header is complete in the captured bytes and in the packet, and its length
 * field fits the packet's length. `payload` is the number of bytes after the IP header on the wire.
 */
static bool transport_is_sound(const uint8_t *t, size_t captured, size_t payload,
			       unsigned int protocol, bool more_fragments)
{
	size_t header = protocol == NSG_PROTOCOL_TCP ? TCP_HEADER : UDP_HEADER;
	size_t stated;

	/* A first fragment that cuts the header short is RFC 1858's tiny fragment attack. */
	if (captured < header || payload < header)
		return false;
	if (protocol == NSG_PROTOCOL_TCP) {
		stated = (size_t)(t[12] >> 4) * 4;
		return stated >= header && (stated <= payload || more_fragments);
	}
	stated = read16(t + 4);
	/* The length of a GSO packet beyond 64 KiB does not fit the field. */
	if (payload > IP4_MAX_DATAGRAM)
		return stated == 0 || stated >= header;
	return stated >= header && (stated <= payload || more_fragments);
}

static bool options_are_sound(const uint8_t *p, size_t n)
{
	for (size_t i = 0, length; i < n && p[i] != OPTION_END; i += length) {
		length = 1;
		if (p[i] == OPTION_NOP)
			continue;
		if (p[i] == OPTION_LSRR || p[i] == OPTION_SSRR || i + 1 == n)
			return false;
		length = p[i + 1];
		if (length < 2 || length > n - i)
			return false;
	}
	return true;
}

enum nsg_key_status nsg_key_extract(const uint8_t *packet, size_t captured, size_t length,
				    struct nsg_key *ret)
{
	struct nsg_key key = {0};
	size_t header, total;
	unsigned int fragment;

	if (captured > length)
		captured = length;
	if (!captured)
		return NSG_KEY_MALFORMED;
	if (packet[0] >> 4 == 6)
		return NSG_KEY_IP6;
	if (packet[0] >> 4 != 4 || captured < IP4_HEADER)
		return NSG_KEY_MALFORMED;

	header = (size_t)(packet[0] & 15) * 4;
	total = read16(packet + IP4_TOTAL_LENGTH);
	if (!total)
		total = length;
	if (header < IP4_HEADER || header > captured || total < header || total > length ||
	    !options_are_sound(packet + IP4_HEADER, header - IP4_HEADER))
		return NSG_KEY_MALFORMED;
	if (captured > total)
		captured = total;

	key.src_host = read32(packet + IP4_SOURCE);
	key.dst_host = read32(packet + IP4_DESTINATION);
	key.protocol = packet[IP4_PROTOCOL];

	fragment = read16(packet + IP4_FRAGMENT);
	if (fragment & FRAGMENT_OFFSET) {
		/* A reassembled datagram has at most 65,535 bytes. */
		if ((size_t)(fragment & FRAGMENT_OFFSET) * 8 + total > IP4_MAX_DATAGRAM)
			return NSG_KEY_MALFORMED;
		*ret = key;
		return NSG_KEY_LATER_FRAGMENT;
	}
	if (nsg_protocol_has_ports(key.protocol)) {
		const uint8_t *transport = packet + header;

		if (!transport_is_sound(transport, captured - header, total - header, key.protocol,
					fragment & FRAGMENT_MORE))
			return NSG_KEY_MALFORMED;
		key.sport_host = read16(transport);
		key.dport_host = read16(transport + 2);
	}
	*ret = key;
	return NSG_KEY_OK;
}
