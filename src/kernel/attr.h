/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Netlink attributes, read by a declared policy, as the kernel itself reads them (struct
 * nla_policy):
 *
 *	struct route_attrs { uint32_t table, gateway_host; };
 *	static const struct nsg_attr route_policy[] = {
 *	    NSG_ATTR(RTA_TABLE, U32, struct route_attrs, table),
 *	    NSG_ATTR(RTA_GATEWAY, BE32, struct route_attrs, gateway_host),
 *	};
 *
 * Values are stored in host order: the type says which order the message has. If an attribute is
 * absent or does not have the size of its type, its field keeps the value that the caller set: a
 * default. If an attribute occurs twice, the last one is used. Unknown attributes are skipped.
 *
 * mnl_attr_parse of libmnl leaves size and order to each caller; libnftnl and
 * libnetfilter_conntrack end the process if an attribute has an unexpected size.
 */
#ifndef NSG_KERNEL_ATTR_H
#define NSG_KERNEL_ATTR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/netlink.h>

/* A part of a message; size 0: there is none. Valid as long as the message. */
struct nsg_bytes {
	const void *data;
	size_t size;
};

/* Determines the type of the field. */
enum nsg_attr_type {
	NSG_ATTR_U8,	 /* uint8_t */
	NSG_ATTR_U32,	 /* uint32_t, in host order (rtnetlink) */
	NSG_ATTR_U64,	 /* uint64_t, in host order */
	NSG_ATTR_BE16,	 /* uint16_t, in network order (netfilter, addresses, ports) */
	NSG_ATTR_BE32,	 /* uint32_t */
	NSG_ATTR_BE64,	 /* uint64_t */
	NSG_ATTR_STRING, /* const char *, with its NUL in the message */
	NSG_ATTR_BYTES,	 /* struct nsg_bytes: nested attributes, or anything else */
};

struct nsg_attr {
	uint16_t number; /* 0 matches nothing */
	bool required;
	enum nsg_attr_type type;
	size_t offset;
};

#define NSG_ATTR(number, type, into, field)                                                        \
	{                                                                                          \
		number, false, NSG_ATTR_##type, offsetof(into, field)                              \
	}
#define NSG_ATTR_REQUIRED(number, type, into, field)                                               \
	{                                                                                          \
		number, true, NSG_ATTR_##type, offsetof(into, field)                               \
	}

/* Reads n attributes of the message into the struct *ret; header: the size of the struct between
 * nlmsghdr and attributes. -EBADMSG when the header does not fit or a required attribute is absent
 * or of another size. */
int nsg_attr_parse(const struct nlmsghdr *nlh, size_t header, const struct nsg_attr *policy,
		   size_t n, void *ret);
/* The same for attributes that are nested in another one. */
int nsg_attr_parse_bytes(struct nsg_bytes bytes, const struct nsg_attr *policy, size_t n,
			 void *ret);

/* Removes the first attribute from *bytes. False if none is left or the rest is not a valid
 * attribute. */
bool nsg_attr_next(struct nsg_bytes *bytes, uint16_t *ret_number, struct nsg_bytes *ret_payload);

#endif
