/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "flow/track.h"
#include "util/names.h"

#define FRAGMENT_MORE 0x2000u
#define TCP_FLAGS 13 /* RFC 9293, 3.1 */

/* RFC 792 */
#define ICMP_HEADER 8u
#define ICMP_ECHO_REPLY 0
#define ICMP_UNREACHABLE 3
#define ICMP_QUENCH 4
#define ICMP_REDIRECT 5
#define ICMP_ECHO 8
#define ICMP_EXCEEDED 11
#define ICMP_PARAMETER 12
#define ICMP_TIMESTAMP 13
#define ICMP_ADDRESS_REPLY 18
#define ICMP_ID 4

#define IP6_HEADER 40u
#define IP6_NEXT_HEADER 6
#define IP6_SOURCE 8
#define IP6_DESTINATION 24

#define PROTOCOL_ICMP6 58
#define ICMP6_ECHO 128 /* RFC 4443, 4 */
#define ICMP6_ECHO_REPLY 129

static uint16_t read16(const uint8_t *p)
{
	return (uint16_t)((unsigned int)p[0] << 8 | p[1]);
}

static uint32_t read32(const uint8_t *p)
{
	return (uint32_t)read16(p) << 16 | read16(p + 2);
}

static bool has_id(uint8_t type)
{
	return type == ICMP_ECHO_REPLY || type == ICMP_ECHO ||
	       (type >= ICMP_TIMESTAMP && type <= ICMP_ADDRESS_REPLY);
}

static bool is_error(uint8_t type)
{
	return type == ICMP_UNREACHABLE || type == ICMP_QUENCH || type == ICMP_REDIRECT ||
	       type == ICMP_EXCEEDED || type == ICMP_PARAMETER;
}

/* An ICMP error quotes at least the IP header and 8 bytes of the packet (RFC 792). */
static bool read_inner(const uint8_t *p, size_t n, struct nsg_track_view *v)
{
	size_t header = n ? (size_t)(p[0] & 15) * 4 : 0;
	struct nsg_key *key = &v->inner;

	if (n < 20 || p[0] >> 4 != 4 || header < 20 || n < header + 8)
		return false;
	*key = (struct nsg_key){
	    .src_host = read32(p + 12),
	    .dst_host = read32(p + 16),
	    .protocol = p[9],
	};
	p += header;
	if (nsg_protocol_has_ports(key->protocol)) {
		key->sport_host = read16(p);
		key->dport_host = read16(p + 2);
	} else if (key->protocol == NSG_PROTOCOL_ICMP && has_id(p[0])) {
		v->inner_icmp_id = read16(p + ICMP_ID);
	}
	return true;
}

static void read_icmp(const uint8_t *p, size_t n, struct nsg_track_view *v)
{
	if (n < ICMP_HEADER)
		return;
	if (has_id(p[0]))
		v->icmp_id = read16(p + ICMP_ID);
	else if (is_error(p[0]))
		v->icmp_error = read_inner(p + ICMP_HEADER, n - ICMP_HEADER, v);
}

/* The fixed header (RFC 8200, 3), and what follows when it is a transport header. */
static void read_ip6(const uint8_t *p, size_t n, struct nsg_track_view *v)
{
	v->is_ip6 = true;
	v->key.protocol = p[IP6_NEXT_HEADER];
	memcpy(v->src6, p + IP6_SOURCE, sizeof(v->src6));
	memcpy(v->dst6, p + IP6_DESTINATION, sizeof(v->dst6));
	p += IP6_HEADER;
	n -= IP6_HEADER;
	if (nsg_protocol_has_ports(v->key.protocol) && n >= 4) {
		v->key.sport_host = read16(p);
		v->key.dport_host = read16(p + 2);
	}
	if (v->key.protocol == NSG_PROTOCOL_TCP && n > TCP_FLAGS)
		v->tcp_flags = p[TCP_FLAGS];
	if (v->key.protocol == PROTOCOL_ICMP6 && n >= ICMP_HEADER &&
	    (p[0] == ICMP6_ECHO || p[0] == ICMP6_ECHO_REPLY))
		v->icmp_id = read16(p + ICMP_ID);
}

enum nsg_key_status nsg_track_view(const uint8_t *packet, size_t captured, size_t length,
				   struct nsg_track_view *ret)
{
	enum nsg_key_status status = nsg_key_extract(packet, captured, length, &ret->key);
	size_t header;

	if (captured > length)
		captured = length;
	if (status == NSG_KEY_MALFORMED || (status == NSG_KEY_IP6 && captured < IP6_HEADER))
		return NSG_KEY_MALFORMED;
	memset(&ret->ip_id, 0, sizeof(*ret) - offsetof(struct nsg_track_view, ip_id));
	if (status == NSG_KEY_IP6) {
		ret->key = (struct nsg_key){0};
		read_ip6(packet, captured, ret);
		return status;
	}
	/* nsg_key_extract has checked the IP and transport headers */
	header = (size_t)(packet[0] & 15) * 4;
	ret->ip_id = read16(packet + 4);
	ret->later_fragment = status == NSG_KEY_LATER_FRAGMENT;
	ret->first_fragment = !ret->later_fragment && (read16(packet + 6) & FRAGMENT_MORE);
	if (!ret->later_fragment && ret->key.protocol == NSG_PROTOCOL_TCP)
		ret->tcp_flags = packet[header + TCP_FLAGS];
	if (!ret->later_fragment && ret->key.protocol == NSG_PROTOCOL_ICMP)
		read_icmp(packet + header, captured - header, ret);
	return status;
}
