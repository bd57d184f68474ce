/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terms that every layer uses, each an enum with its strings as Azure and the JSON output spell
 * them. No other file spells these names.
 */
#ifndef NSG_UTIL_NAMES_H
#define NSG_UTIL_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether a packet enters the virtual network, and why. */
enum nsg_gate {
	NSG_GATE_NONE, /* malformed packets only: JSON null */
	NSG_GATE_BYPASS,
	NSG_GATE_PLATFORM,
	NSG_GATE_RFC1918,
	NSG_GATE_ROUTE_ALL,
	NSG_GATE_SERVICE_ENDPOINT,
	NSG_GATE_NOT_CARRIED,
	NSG_GATE_MAX,
};

enum nsg_access {
	NSG_DENY,
	NSG_ALLOW,
	NSG_ALWAYS_ALLOW, /* security admin rules only: the NSG is not asked */
};

enum nsg_verdict {
	NSG_VERDICT_DROP,
	NSG_VERDICT_ACCEPT,
};

enum nsg_reason {
	NSG_REASON_ALLOWED,
	NSG_REASON_BYPASS,
	NSG_REASON_PLATFORM,
	NSG_REASON_NSG_DENY,
	NSG_REASON_ADMIN_DENY,
	NSG_REASON_ROUTE_NONE,
	NSG_REASON_ROUTE_UNREACHABLE,
	NSG_REASON_NOT_CARRIED,
	NSG_REASON_ESTABLISHED,
	NSG_REASON_REPLY,
	NSG_REASON_PREEXISTING,
	NSG_REASON_FRAGMENT,
	NSG_REASON_MALFORMED,
	NSG_REASON_MAX,
};

enum nsg_route_source {
	NSG_SOURCE_DEFAULT,
	NSG_SOURCE_GATEWAY, /* VirtualNetworkGateway */
	NSG_SOURCE_USER,
	NSG_SOURCE_MAX,
};

/* Order matters: of two Default rows with the same length, the one with the smaller value is
 * selected. */
enum nsg_hop_type {
	NSG_HOP_INTERFACE_ENDPOINT,
	NSG_HOP_VNET_LOCAL,
	NSG_HOP_VNET_PEERING,
	NSG_HOP_VNET_GLOBAL_PEERING,
	NSG_HOP_SERVICE_ENDPOINT,
	NSG_HOP_INTERNET,
	NSG_HOP_NONE,
	NSG_HOP_GATEWAY,
	NSG_HOP_APPLIANCE,
	NSG_HOP_MAX,
};

/* Strings as the JSON contract spells them; NULL for NSG_GATE_NONE. */
const char *nsg_gate_name(enum nsg_gate g);
const char *nsg_access_name(enum nsg_access a);
const char *nsg_verdict_name(enum nsg_verdict v);
const char *nsg_reason_name(enum nsg_reason r);
enum nsg_verdict nsg_reason_verdict(enum nsg_reason r);
const char *nsg_route_source_name(enum nsg_route_source s);
const char *nsg_hop_type_name(enum nsg_hop_type t);

/* The next-hop type of that name in any case; VirtualApplianceEcmp is NSG_HOP_APPLIANCE. -EINVAL.
 */
int nsg_hop_type_parse(const char *s, enum nsg_hop_type *ret);

#define NSG_PROTOCOL_ICMP 1
#define NSG_PROTOCOL_TCP 6
#define NSG_PROTOCOL_UDP 17
#define NSG_PROTOCOL_ESP 50
#define NSG_PROTOCOL_AH 51
#define NSG_PROTOCOL_ANY 256 /* a rule's `*` */

/* Azure's hosts reserve this UDP source port: the integration does not carry it
 * (virtual-networks-faq). */
#define NSG_SPORT_NOT_CARRIED 65330u

/* "TCP", "UDP", "ICMP", "ESP", "AH"; NULL for any other number. */
const char *nsg_protocol_name(unsigned int protocol);
/* A name in any case or 0-255 in digits. -EINVAL. */
int nsg_protocol_parse(const char *s, uint8_t *ret);

static inline bool nsg_protocol_has_ports(unsigned int protocol)
{
	return protocol == NSG_PROTOCOL_TCP || protocol == NSG_PROTOCOL_UDP;
}

#endif
