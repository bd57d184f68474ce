/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flow/link.h"

#include "util/macro.h"

#define ETHERTYPE_IP4 0x0800u
#define ETHERTYPE_IP6 0x86ddu
#define ETHERTYPE_VLAN 0x8100u
#define ETHERTYPE_SERVICE_VLAN 0x88a8u
#define ETHERTYPE_OLD_SERVICE_VLAN 0x9100u
#define MAX_VLANS 4

#define SLL_TO_HOST 0
#define SLL_OUTGOING 4

/* AF_INET is 2 everywhere. */
#define FAMILY_IP4 2u

enum header {
	HEADER_NONE,
	HEADER_ETHERTYPE, /* at type_at */
	HEADER_FAMILY,	  /* four bytes in the capturing host's byte order, or in network order */
};

/* Offsets of a frame's protocol, of its payload, and of its packet type (0: it has none). */
static const struct link {
	uint16_t link_type;
	uint8_t header;
	uint8_t type_at, payload_at;
	bool has_packet_type;
	uint8_t packet_type_at; /* its low byte */
} links[] = {
    {1, HEADER_ETHERTYPE, 12, 14, false, 0},  /* Ethernet */
    {113, HEADER_ETHERTYPE, 14, 16, true, 1}, /* Linux cooked */
    {276, HEADER_ETHERTYPE, 0, 20, true, 10}, /* Linux cooked, version 2 */
    {0, HEADER_FAMILY, 0, 4, false, 0},	      /* BSD loopback */
    {108, HEADER_FAMILY, 0, 4, false, 0},     /* OpenBSD loopback */
    {NSG_LINK_RAW, HEADER_NONE, 0, 0, false, 0},
    {12, HEADER_NONE, 0, 0, false, 0},	/* raw, as some systems' DLT_RAW was written */
    {14, HEADER_NONE, 0, 0, false, 0},	/* the same of OpenBSD */
    {228, HEADER_NONE, 0, 0, false, 0}, /* IPv4 */
    {229, HEADER_NONE, 0, 0, false, 0}, /* IPv6 */
};

static const struct link *find(uint32_t link_type)
{
	for (size_t i = 0; i < NSG_ARRAY_SIZE(links); i++)
		if (links[i].link_type == link_type)
			return &links[i];
	return NULL;
}

bool nsg_link_is_supported(uint32_t link_type)
{
	return find(link_type) != NULL;
}

static unsigned int read16(const uint8_t *p)
{
	return (unsigned int)p[0] << 8 | p[1];
}

static bool is_version(const uint8_t *frame, size_t payload, unsigned int version)
{
	return frame[payload] >> 4 == version;
}

/* AF_INET6 is 10 on Linux, 23 on Windows, 24, 28 or 30 on the BSDs. */
static bool is_family(const uint8_t *frame, size_t payload)
{
	unsigned int big = read16(frame) << 16 | read16(frame + 2);
	unsigned int family = big < 0x10000u ? big : __builtin_bswap32(big);

	if (family == FAMILY_IP4)
		return is_version(frame, payload, 4);
	return (family == 10 || family == 23 || family == 24 || family == 28 || family == 30) &&
	       is_version(frame, payload, 6);
}

static bool skip_vlans(const uint8_t *frame, size_t captured, unsigned int type, size_t *payload)
{
	/* A VLAN tag is four bytes, the last two of which are the next type. */
	for (int i = 0;
	     i < MAX_VLANS && (type == ETHERTYPE_VLAN || type == ETHERTYPE_SERVICE_VLAN ||
			       type == ETHERTYPE_OLD_SERVICE_VLAN);
	     i++) {
		if (captured < *payload + 5)
			return false;
		type = read16(frame + *payload + 2);
		*payload += 4;
	}
	return captured > *payload && (type == ETHERTYPE_IP4 || type == ETHERTYPE_IP6);
}

bool nsg_link_ip(uint32_t link_type, const uint8_t *frame, size_t captured, size_t *ret_offset,
		 enum nsg_link_direction *ret_direction)
{
	const struct link *link = find(link_type);
	size_t payload = link ? link->payload_at : 0;

	if (!link || captured <= payload)
		return false;
	if (link->header == HEADER_ETHERTYPE) {
		if (!skip_vlans(frame, captured, read16(frame + link->type_at), &payload))
			return false;
	} else if (link->header == HEADER_FAMILY) {
		if (!is_family(frame, payload))
			return false;
	} else if (!is_version(frame, payload, 4) && !is_version(frame, payload, 6)) {
		return false;
	}
	*ret_offset = payload;
	if (link->has_packet_type && frame[link->packet_type_at] == SLL_TO_HOST)
		*ret_direction = NSG_LINK_IN;
	else if (link->has_packet_type && frame[link->packet_type_at] == SLL_OUTGOING)
		*ret_direction = NSG_LINK_OUT;
	return true;
}
