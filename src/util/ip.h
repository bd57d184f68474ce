/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv4 addresses and prefixes in host order, sets of them as ranges; prefixes of IPv6 as bytes. */
#ifndef NSG_UTIL_IP_H
#define NSG_UTIL_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NSG_IP4(a, b, c, d)                                                                        \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

#define NSG_IP_PLATFORM_DNS NSG_IP4(168, 63, 129, 16)
#define NSG_IP_PLATFORM_IMDS NSG_IP4(169, 254, 169, 254)

#define NSG_IP4_TEXT 16	    /* "255.255.255.255" and its NUL */
#define NSG_PREFIX_TEXT 20  /* "255.255.255.255/255" and its NUL */
#define NSG_PREFIX6_TEXT 50 /* INET6_ADDRSTRLEN and "/128" */

/* An IPv4 prefix; the bits after len are zero. */
struct nsg_prefix {
	uint32_t addr_host;
	uint8_t len;
};

/* An IPv6 prefix, in network order; the bits after len are zero. */
struct nsg_prefix6 {
	uint8_t addr[16];
	uint8_t len;
};

/* Addresses lo to hi, both included. */
struct nsg_range {
	uint32_t lo, hi;
};

/* A set of addresses: ranges ascending, disjoint, not adjacent. Freed with nsg_ranges_done(). */
struct nsg_ranges {
	struct nsg_range *v;
	size_t n;
};

static inline uint32_t nsg_prefix_mask(uint8_t len)
{
	return len ? ~(uint32_t)0 << (32 - len) : 0;
}

static inline uint32_t nsg_prefix_last(struct nsg_prefix p)
{
	return p.addr_host | ~nsg_prefix_mask(p.len);
}

static inline bool nsg_prefix_contains(struct nsg_prefix p, uint32_t addr_host)
{
	return (addr_host & nsg_prefix_mask(p.len)) == p.addr_host;
}

/* p equals or contains q */
static inline bool nsg_prefix_covers(struct nsg_prefix p, struct nsg_prefix q)
{
	return p.len <= q.len && nsg_prefix_contains(p, q.addr_host);
}

static inline bool nsg_prefix_equal(struct nsg_prefix p, struct nsg_prefix q)
{
	return p.addr_host == q.addr_host && p.len == q.len;
}

static inline bool nsg_ip_is_rfc1918(uint32_t a)
{
	return a >> 24 == 10 || a >> 20 == 0xac1 || a >> 16 == 0xc0a8;
}

/* Four decimal numbers without leading zeros or blanks. -EINVAL. */
int nsg_ip4_parse(const char *s, uint32_t *ret_host);
void nsg_ip4_format(uint32_t addr_host, char out[NSG_IP4_TEXT]);

/* What a text is, as an address or prefix. */
enum nsg_prefix_kind {
	NSG_PREFIX_INVALID,
	NSG_PREFIX_IP4,
	NSG_PREFIX_IP6, /* well formed; *ret untouched */
};

/* "A.B.C.D" (a /32) or "A.B.C.D/N"; host bits are masked and reported in *ret_masked. */
enum nsg_prefix_kind nsg_prefix_parse(const char *s, struct nsg_prefix *ret, bool *ret_masked);
void nsg_prefix_format(struct nsg_prefix p, char out[NSG_PREFIX_TEXT]);
/* An IPv6 address (a /128) or prefix; host bits are masked and reported. -EINVAL. */
int nsg_prefix6_parse(const char *s, struct nsg_prefix6 *ret, bool *ret_masked);
void nsg_prefix6_format(const struct nsg_prefix6 *p, char out[NSG_PREFIX6_TEXT]);
/* Ascending by address, then by length: a prefix comes after all that cover it. For qsort. */
int nsg_prefix_compare(const void *a, const void *b);

/* The union of prefixes in any order, overlapping or not. -ENOMEM. */
int nsg_ranges_from_prefixes(const struct nsg_prefix *v, size_t n, struct nsg_ranges *ret);
/* The union of ranges in any order (sorts v in place). -ENOMEM. */
int nsg_ranges_from_ranges(struct nsg_range *v, size_t n, struct nsg_ranges *ret);
int nsg_ranges_union(const struct nsg_ranges *a, const struct nsg_ranges *b,
		     struct nsg_ranges *ret);
int nsg_ranges_subtract(const struct nsg_ranges *a, const struct nsg_ranges *b,
			struct nsg_ranges *ret);
bool nsg_ranges_contain(const struct nsg_ranges *r, uint32_t addr_host);
/* The fewest prefixes that cover exactly these ranges. *ret is malloc'ed. -ENOMEM. */
int nsg_ranges_to_prefixes(const struct nsg_ranges *r, struct nsg_prefix **ret, size_t *ret_n);
void nsg_ranges_done(struct nsg_ranges *r);

#endif
