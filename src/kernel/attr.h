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
 * Values are stored in host order: the type says which order the message has. An attribute that is
 * absent, or that has not the size of its type, leaves its field as the caller set it: a default.
 * Of an attribute that is there twice the last one is used. Unknown attributes are skipped.
 *
 * Not libmnl's mnl_attr_parse, which leaves size and order to each caller, nor libnftnl and
 * libnetfilter_conntrack, which end the process at an attribute of another size than they expect.
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

/* The type of the field follows from it. */
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
/* The same of attributes nested in another. */
int nsg_attr_parse_bytes(struct nsg_bytes bytes, const struct nsg_attr *policy, size_t n,
			 void *ret);

/* Takes the first attribute off *bytes. False when none is left, or the rest is not one. */
bool nsg_attr_next(struct nsg_bytes *bytes, uint16_t *ret_number, struct nsg_bytes *ret_payload);

#endif
