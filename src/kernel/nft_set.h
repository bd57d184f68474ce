/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets, maps and their elements. Errors are those of the batch. */
#ifndef NSG_KERNEL_NFT_SET_H
#define NSG_KERNEL_NFT_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/nft_batch.h"
#include "util/ip.h"

/* Elements in one message; an attribute's length has 16 bits. */
#define NSG_NFT_ELEMENTS 256u

/* Types of keys, by the numbers of nft (its datatype.h), which `nft list` prints them by. In a
 * concatenation each has six bits. */
enum nft_type {
	NFT_TYPE_IPV4_ADDR = 7,
	NFT_TYPE_IPV6_ADDR = 8,
	NFT_TYPE_INET_PROTO = 12,
	NFT_TYPE_INET_SERVICE = 13,
	NFT_TYPE_MARK = 19,
	NFT_TYPE_IFINDEX = 20,
	NFT_TYPE_UID = 24,
	NFT_TYPE_IFNAME = 41,
	NFT_TYPE_CGROUPSV2 = 46,
};
#define NFT_TYPE_CONCAT2(a, b) ((uint32_t)(a) << 6 | (uint32_t)(b))
#define NFT_TYPE_CONCAT3(a, b, c) (NFT_TYPE_CONCAT2(a, b) << 6 | (uint32_t)(c))
#define NFT_TYPE_CONCAT5(a, b, c, d, e) (NFT_TYPE_CONCAT3(a, b, c) << 12 | NFT_TYPE_CONCAT2(d, e))

struct nft_set {
	const char *name;
	uint32_t key_type, key_bytes;
	uint32_t flags;			/* NFT_SET_* */
	uint32_t data_type, data_bytes; /* maps to data */
	uint32_t object_type;		/* maps to objects */
	uint32_t size;			/* 0: without limit */
	bool host_order;		/* of the key's number */
	bool counted;			/* each element has a counter */
};

/* Adds a set; an existing one must be the same. */
void nsg_nft_set(struct nsg_nft_batch *b, const struct nft_set *set);
/* Removes all elements. */
void nsg_nft_set_flush(struct nsg_nft_batch *b, const char *name);

/* Elements are added, or deleted, between nsg_nft_elements and nsg_nft_elements_end. */
void nsg_nft_elements(struct nsg_nft_batch *b, const char *set, bool delete);
void nsg_nft_elements_end(struct nsg_nft_batch *b);
void nsg_nft_element(struct nsg_nft_batch *b, const void *key, uint32_t size);
void nsg_nft_element_u32(struct nsg_nft_batch *b, uint32_t key);
void nsg_nft_element_timeout(struct nsg_nft_batch *b, const void *key, uint32_t size,
			     uint64_t timeout_ms);
/* With a counter of its own. */
void nsg_nft_element_counted(struct nsg_nft_batch *b, const void *key, uint32_t size);
void nsg_nft_element_object(struct nsg_nft_batch *b, uint32_t key, const char *object);
void nsg_nft_element_addr(struct nsg_nft_batch *b, uint32_t key, uint32_t addr_host);
/* Of a set with NFT_SET_INTERVAL; ranges in ascending order. */
void nsg_nft_element_range(struct nsg_nft_batch *b, const struct nsg_range *range);
/* The same of an IPv6 set. */
void nsg_nft_element_prefix6(struct nsg_nft_batch *b, const struct nsg_prefix6 *prefix);

#endif
