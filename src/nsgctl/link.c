/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <pcap/pcap.h>

#include "nsgctl/link.h"
#include "util/cleanup.h"
#include "util/macro.h"

#define ETHERTYPE_IP4 0x0800
#define ETHERTYPE_IP6 0x86dd
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_SERVICE_VLAN 0x88a8
#define MAX_VLANS 4

#define LINKTYPE_RAW 101

/* Offsets of a frame's protocol and of its payload. */
struct link {
	int data_link;
	uint16_t link_type;
	uint8_t type_at, payload_at;
	bool has_type; /* else the first four bits of the payload are the IP version */
};

static const struct link links[] = {
    {DLT_EN10MB, DLT_EN10MB, 12, 14, true},
    {DLT_LINUX_SLL, DLT_LINUX_SLL, 14, 16, true},
#ifdef DLT_LINUX_SLL2
    {DLT_LINUX_SLL2, DLT_LINUX_SLL2, 0, 20, true},
#endif
    {DLT_NULL, DLT_NULL, 0, 4, false},
    {DLT_LOOP, DLT_LOOP, 0, 4, false},
    {DLT_RAW, LINKTYPE_RAW, 0, 0, false},
    {DLT_IPV4, DLT_IPV4, 0, 0, false},
    {DLT_IPV6, DLT_IPV6, 0, 0, false},
};

static const struct link *find(int data_link)
{
	for (size_t i = 0; i < NSG_ARRAY_SIZE(links); i++)
		if (links[i].data_link == data_link)
			return &links[i];
	return NULL;
}

bool nsgctl_link_known(int data_link, uint16_t *ret_link_type)
{
	const struct link *link = find(data_link);

	if (!link)
		return false;
	*ret_link_type = link->link_type;
	return true;
}

static unsigned int read16(const uint8_t *p)
{
	return (unsigned int)p[0] << 8 | p[1];
}

bool nsgctl_link_ip(int data_link, const uint8_t *frame, size_t captured, size_t *ret_offset)
{
	const struct link *link = find(data_link);
	size_t payload = link ? link->payload_at : 0;
	unsigned int type;

	if (!link || captured <= payload)
		return false;
	if (!link->has_type) {
		*ret_offset = payload;
		return frame[payload] >> 4 == 4 || frame[payload] >> 4 == 6;
	}
	type = read16(frame + link->type_at);
	/* A VLAN tag is four bytes, the last two of which are the next type. */
	for (int i = 0; i < MAX_VLANS && (type == ETHERTYPE_VLAN || type == ETHERTYPE_SERVICE_VLAN);
	     i++) {
		if (captured < payload + 5)
			return false;
		type = read16(frame + payload + 2);
		payload += 4;
	}
	*ret_offset = payload;
	return captured > payload && (type == ETHERTYPE_IP4 || type == ETHERTYPE_IP6);
}
