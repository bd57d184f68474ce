/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/ip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/macro.h"
#include "util/vec.h"

/* A decimal number up to max without leading zeros; the end of it, or NULL. */
static const char *parse_number(const char *s, unsigned int max, unsigned int *ret)
{
	unsigned int n = 0;
	const char *p = s;

	while (*p >= '0' && *p <= '9') {
		n = n * 10 + (unsigned int)(*p++ - '0');
		if (n > max)
			return NULL;
	}
	if (p == s || (*s == '0' && p != s + 1))
		return NULL;
	*ret = n;
	return p;
}

/* The end of the address, or NULL. */
static const char *parse_ip4(const char *s, uint32_t *ret_host)
{
	uint32_t addr = 0;
	unsigned int byte;

	for (int i = 0; i < 4; i++) {
		if (i && *s++ != '.')
			return NULL;
		s = parse_number(s, 255, &byte);
		if (!s)
			return NULL;
		addr = addr << 8 | byte;
	}
	*ret_host = addr;
	return s;
}

int nsg_ip4_parse(const char *s, uint32_t *ret_host)
{
	uint32_t addr;

	s = parse_ip4(s, &addr);
	if (!s || *s)
		return -EINVAL;
	*ret_host = addr;
	return 0;
}

void nsg_ip4_format(uint32_t a, char out[NSG_IP4_TEXT])
{
	(void)snprintf(out, NSG_IP4_TEXT, "%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255,
		       a & 255);
}

int nsg_prefix6_parse(const char *s, struct nsg_prefix6 *ret, bool *ret_masked)
{
	const char *slash = strchr(s, '/');
	size_t n = slash ? (size_t)(slash - s) : strlen(s);
	struct nsg_prefix6 p;
	char text[INET6_ADDRSTRLEN];
	unsigned int len = 128;
	bool masked = false;

	if (n >= sizeof(text))
		return -EINVAL;
	memcpy(text, s, n);
	text[n] = '\0';
	if (inet_pton(AF_INET6, text, p.addr) != 1)
		return -EINVAL;
	if (slash) {
		slash = parse_number(slash + 1, 128, &len);
		if (!slash || *slash)
			return -EINVAL;
	}
	p.len = (uint8_t)len;
	for (unsigned int i = 0; i < sizeof(p.addr); i++) {
		const unsigned int bits = len > 8 * i ? len - 8 * i : 0;
		const uint8_t mask = bits >= 8 ? 0xff : (uint8_t)(0xff00 >> bits);

		masked |= (p.addr[i] & mask) != p.addr[i];
		p.addr[i] &= mask;
	}
	*ret = p;
	*ret_masked = masked;
	return 0;
}

void nsg_prefix6_format(const struct nsg_prefix6 *p, char out[NSG_PREFIX6_TEXT])
{
	char addr[INET6_ADDRSTRLEN];

	(void)inet_ntop(AF_INET6, p->addr, addr, sizeof(addr));
	(void)snprintf(out, NSG_PREFIX6_TEXT, "%s/%u", addr, p->len);
}

enum nsg_prefix_kind nsg_prefix_parse(const char *s, struct nsg_prefix *ret, bool *ret_masked)
{
	struct nsg_prefix6 ignored;
	uint32_t addr, masked;
	unsigned int len = 32;
	const char *p = parse_ip4(s, &addr);
	bool ip6_masked;

	if (!p)
		return nsg_prefix6_parse(s, &ignored, &ip6_masked) < 0 ? NSG_PREFIX_INVALID
								       : NSG_PREFIX_IP6;
	if (*p == '/')
		p = parse_number(p + 1, 32, &len);
	if (!p || *p)
		return NSG_PREFIX_INVALID;
	masked = addr & nsg_prefix_mask((uint8_t)len);
	*ret = (struct nsg_prefix){.addr_host = masked, .len = (uint8_t)len};
	*ret_masked = masked != addr;
	return NSG_PREFIX_IP4;
}

void nsg_prefix_format(struct nsg_prefix p, char out[NSG_PREFIX_TEXT])
{
	char addr[NSG_IP4_TEXT];

	nsg_ip4_format(p.addr_host, addr);
	(void)snprintf(out, NSG_PREFIX_TEXT, "%s/%u", addr, p.len);
}

int nsg_prefix_compare(const void *a, const void *b)
{
	const struct nsg_prefix *x = a, *y = b;

	if (x->addr_host != y->addr_host)
		return NSG_CMP(x->addr_host, y->addr_host);
	return NSG_CMP(x->len, y->len);
}

static int range_compare(const void *a, const void *b)
{
	const struct nsg_range *x = a, *y = b;

	return NSG_CMP(x->lo, y->lo);
}

static bool is_ascending(const struct nsg_range *v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (v[i - 1].lo > v[i].lo)
			return false;
	return true;
}

int nsg_ranges_from_ranges(struct nsg_range *v, size_t n, struct nsg_ranges *ret)
{
	struct nsg_range *out = malloc((n ? n : 1) * sizeof(*out));
	size_t m = 0;

	if (!out)
		return -ENOMEM;
	if (!is_ascending(v, n))
		qsort(v, n, sizeof(*v), range_compare);
	for (size_t i = 0; i < n; i++) {
		if (m && (out[m - 1].hi == UINT32_MAX || v[i].lo <= out[m - 1].hi + 1)) {
			if (v[i].hi > out[m - 1].hi)
				out[m - 1].hi = v[i].hi;
		} else {
			out[m++] = v[i];
		}
	}
	*ret = (struct nsg_ranges){.v = out, .n = m};
	return 0;
}

int nsg_ranges_from_prefixes(const struct nsg_prefix *v, size_t n, struct nsg_ranges *ret)
{
	struct nsg_range *r = malloc((n ? n : 1) * sizeof(*r));
	int status;

	if (!r)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		r[i] = (struct nsg_range){v[i].addr_host, nsg_prefix_last(v[i])};
	status = nsg_ranges_from_ranges(r, n, ret);
	free(r);
	return status;
}

int nsg_ranges_union(const struct nsg_ranges *a, const struct nsg_ranges *b, struct nsg_ranges *ret)
{
	struct nsg_range *r = malloc((a->n + b->n + 1) * sizeof(*r));
	int status;

	if (!r)
		return -ENOMEM;
	for (size_t i = 0, j = 0; i < a->n || j < b->n;) {
		const bool first = j == b->n || (i < a->n && a->v[i].lo <= b->v[j].lo);

		r[i + j] = first ? a->v[i] : b->v[j];
		*(first ? &i : &j) += 1;
	}
	status = nsg_ranges_from_ranges(r, a->n + b->n, ret);
	free(r);
	return status;
}

int nsg_ranges_subtract(const struct nsg_ranges *a, const struct nsg_ranges *b,
			struct nsg_ranges *ret)
{
	/* Each range of b splits at most one of a's in two. */
	struct nsg_range *out = malloc((a->n + b->n + 1) * sizeof(*out));
	size_t m = 0, j = 0;

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < a->n; i++) {
		uint64_t lo = a->v[i].lo;
		const uint64_t hi = a->v[i].hi;

		while (j < b->n && b->v[j].hi < lo)
			j++;
		for (size_t k = j; k < b->n && b->v[k].lo <= hi; k++) {
			if (b->v[k].lo > lo)
				out[m++] = (struct nsg_range){(uint32_t)lo, b->v[k].lo - 1};
			lo = (uint64_t)b->v[k].hi + 1;
		}
		if (lo <= hi)
			out[m++] = (struct nsg_range){(uint32_t)lo, (uint32_t)hi};
	}
	*ret = (struct nsg_ranges){.v = out, .n = m};
	return 0;
}

bool nsg_ranges_contain(const struct nsg_ranges *r, uint32_t addr_host)
{
	size_t lo = 0, hi = r->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->v[mid].hi < addr_host)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < r->n && r->v[lo].lo <= addr_host;
}

int nsg_ranges_to_prefixes(const struct nsg_ranges *r, struct nsg_prefix **ret, size_t *ret_n)
{
	NSG_VEC(struct nsg_prefix) out = {0};

	for (size_t i = 0; i < r->n; i++) {
		uint64_t lo = r->v[i].lo, end = (uint64_t)r->v[i].hi + 1;

		while (lo < end) {
			/* The largest aligned block that starts here and fits. */
			unsigned int bits = lo ? (unsigned int)__builtin_ctzll(lo) : 32;

			while (((uint64_t)1 << bits) > end - lo)
				bits--;
			if (nsg_vec_push(
				&out, ((struct nsg_prefix){(uint32_t)lo, (uint8_t)(32 - bits)}))) {
				nsg_vec_done(&out);
				return -ENOMEM;
			}
			lo += (uint64_t)1 << bits;
		}
	}
	*ret = out.v;
	*ret_n = out.n;
	return 0;
}

void nsg_ranges_done(struct nsg_ranges *r)
{
	free(r->v);
	*r = (struct nsg_ranges){0};
}
