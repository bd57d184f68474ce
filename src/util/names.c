/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/names.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "util/cleanup.h"
#include "util/macro.h"

static const char *const gate_names[NSG_GATE_MAX] = {
    [NSG_GATE_NONE] = NULL,
    [NSG_GATE_BYPASS] = "bypass",
    [NSG_GATE_PLATFORM] = "platform",
    [NSG_GATE_RFC1918] = "rfc1918",
    [NSG_GATE_ROUTE_ALL] = "route-all",
    [NSG_GATE_SERVICE_ENDPOINT] = "service-endpoint",
    [NSG_GATE_NOT_CARRIED] = "not-carried",
};

static const char *const reason_names[NSG_REASON_MAX] = {
    [NSG_REASON_ALLOWED] = "allowed",
    [NSG_REASON_BYPASS] = "bypass",
    [NSG_REASON_PLATFORM] = "platform",
    [NSG_REASON_NSG_DENY] = "nsg-deny",
    [NSG_REASON_ADMIN_DENY] = "admin-deny",
    [NSG_REASON_ROUTE_NONE] = "route-none",
    [NSG_REASON_ROUTE_UNREACHABLE] = "route-unreachable",
    [NSG_REASON_NOT_CARRIED] = "not-carried",
    [NSG_REASON_ESTABLISHED] = "established",
    [NSG_REASON_REPLY] = "reply",
    [NSG_REASON_PREEXISTING] = "preexisting",
    [NSG_REASON_FRAGMENT] = "fragment",
    [NSG_REASON_MALFORMED] = "malformed",
};

static const char *const access_names[] = {
    [NSG_DENY] = "Deny",
    [NSG_ALLOW] = "Allow",
    [NSG_ALWAYS_ALLOW] = "AlwaysAllow",
};

static const char *const source_names[NSG_SOURCE_MAX] = {
    [NSG_SOURCE_DEFAULT] = "Default",
    [NSG_SOURCE_GATEWAY] = "VirtualNetworkGateway",
    [NSG_SOURCE_USER] = "User",
};

static const char *const hop_names[NSG_HOP_MAX] = {
    [NSG_HOP_INTERFACE_ENDPOINT] = "InterfaceEndpoint",
    [NSG_HOP_VNET_LOCAL] = "VnetLocal",
    [NSG_HOP_VNET_PEERING] = "VNetPeering",
    [NSG_HOP_VNET_GLOBAL_PEERING] = "VNetGlobalPeering",
    [NSG_HOP_SERVICE_ENDPOINT] = "VirtualNetworkServiceEndpoint",
    [NSG_HOP_INTERNET] = "Internet",
    [NSG_HOP_NONE] = "None",
    [NSG_HOP_GATEWAY] = "VirtualNetworkGateway",
    [NSG_HOP_APPLIANCE] = "VirtualAppliance",
};

static const struct {
	const char *name;
	uint8_t number;
} protocols[] = {
    {"TCP", NSG_PROTOCOL_TCP}, {"UDP", NSG_PROTOCOL_UDP}, {"ICMP", NSG_PROTOCOL_ICMP},
    {"ESP", NSG_PROTOCOL_ESP}, {"AH", NSG_PROTOCOL_AH},
};

static const char *name_of(const char *const *names, size_t n, size_t i)
{
	return i < n ? names[i] : NULL;
}

const char *nsg_gate_name(enum nsg_gate g)
{
	return name_of(gate_names, NSG_GATE_MAX, g);
}

const char *nsg_access_name(enum nsg_access a)
{
	return name_of(access_names, NSG_ARRAY_SIZE(access_names), a);
}

const char *nsg_verdict_name(enum nsg_verdict v)
{
	return v == NSG_VERDICT_ACCEPT ? "accept" : "drop";
}

const char *nsg_reason_name(enum nsg_reason r)
{
	return name_of(reason_names, NSG_REASON_MAX, r);
}

enum nsg_verdict nsg_reason_verdict(enum nsg_reason r)
{
	switch (r) {
	case NSG_REASON_ALLOWED:
	case NSG_REASON_BYPASS:
	case NSG_REASON_PLATFORM:
	case NSG_REASON_ESTABLISHED:
	case NSG_REASON_REPLY:
	case NSG_REASON_PREEXISTING:
		return NSG_VERDICT_ACCEPT;
	default:
		return NSG_VERDICT_DROP;
	}
}

const char *nsg_route_source_name(enum nsg_route_source s)
{
	return name_of(source_names, NSG_SOURCE_MAX, s);
}

const char *nsg_hop_type_name(enum nsg_hop_type t)
{
	return name_of(hop_names, NSG_HOP_MAX, t);
}

int nsg_hop_type_parse(const char *s, enum nsg_hop_type *ret)
{
	for (size_t i = 0; i < NSG_HOP_MAX; i++)
		if (!strcasecmp(s, hop_names[i])) {
			*ret = (enum nsg_hop_type)i;
			return 0;
		}
	if (!strcasecmp(s, "VirtualApplianceEcmp")) {
		*ret = NSG_HOP_APPLIANCE;
		return 0;
	}
	return -EINVAL;
}

const char *nsg_protocol_name(unsigned int protocol)
{
	for (size_t i = 0; i < NSG_ARRAY_SIZE(protocols); i++)
		if (protocols[i].number == protocol)
			return protocols[i].name;
	return NULL;
}

int nsg_protocol_parse(const char *s, uint8_t *ret)
{
	unsigned int number = 0;

	for (size_t i = 0; i < NSG_ARRAY_SIZE(protocols); i++)
		if (!strcasecmp(s, protocols[i].name)) {
			*ret = protocols[i].number;
			return 0;
		}
	if (!*s)
		return -EINVAL;
	for (const char *p = s; *p; p++) {
		if (*p < '0' || *p > '9')
			return -EINVAL;
		number = number * 10 + (unsigned int)(*p - '0');
		if (number > 255)
			return -EINVAL;
	}
	*ret = (uint8_t)number;
	return 0;
}
