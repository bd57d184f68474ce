/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions: parseCidr, cidrSubnet, cidrHost, for IPv4 and IPv6. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "template/func_priv.h"
#include "util/cleanup.h"
#include "util/ip.h"

/* An address is its bytes in network order, so that both families take one arithmetic. */
struct network {
	int family;
	unsigned int bits; /* of an address */
	unsigned int len;  /* of the prefix */
	unsigned char addr[16];
};

static bool bit(const struct network *n, unsigned int i)
{
	return n->addr[i / 8] >> (7 - i % 8) & 1;
}

/* Bits from `from` on are set to `value`. */
static struct network with_tail(struct network n, unsigned int from, bool value)
{
	for (unsigned int i = from; i < n.bits; i++) {
		unsigned char mask = (unsigned char)(0x80 >> i % 8);

		n.addr[i / 8] =
		    (unsigned char)(value ? n.addr[i / 8] | mask : n.addr[i / 8] & ~mask);
	}
	return n;
}

/* Adds value << (bits - end): value counts in the bits before `end`. False: it does not fit. */
static bool add_at(struct network *n, unsigned int end, uint64_t value)
{
	unsigned int i = end;
	unsigned int carry = 0;

	while (i && (value || carry)) {
		unsigned int sum;
		unsigned char mask;

		i--;
		sum = (unsigned int)bit(n, i) + (unsigned int)(value & 1) + carry;
		mask = (unsigned char)(0x80 >> i % 8);
		n->addr[i / 8] =
		    (unsigned char)(sum & 1 ? n->addr[i / 8] | mask : n->addr[i / 8] & ~mask);
		carry = sum >> 1;
		value >>= 1;
	}
	return !value && !carry;
}

static int parse_network(struct nsg_eval *ev, const struct nsg_call *c, struct network *ret)
{
	char text[INET6_ADDRSTRLEN + 8] = "";
	struct network n = {.family = AF_INET, .bits = 32};
	const char *s = NULL, *slash;
	uint32_t ip4;
	size_t digits;
	int r = nsg_func_text(ev, c, 0, &s);

	if (r)
		return r;
	slash = strchr(s, '/');
	digits = slash ? strspn(slash + 1, "0123456789") : 0;
	if (!digits || digits > 3 || slash[1 + digits] || (size_t)(slash - s) >= sizeof(text))
		goto refuse;
	memcpy(text, s, (size_t)(slash - s));
	for (size_t i = 0; i < digits; i++)
		n.len = n.len * 10 + (unsigned int)(slash[1 + i] - '0');
	if (!nsg_ip4_parse(text, &ip4)) {
		for (unsigned int i = 0; i < 4; i++)
			n.addr[i] = (unsigned char)(ip4 >> (24 - 8 * i));
	} else if (inet_pton(AF_INET6, text, n.addr) == 1) {
		n.family = AF_INET6;
		n.bits = 128;
	} else {
		goto refuse;
	}
	if (n.len > n.bits)
		goto refuse;
	*ret = with_tail(n, n.len, false);
	return 0;
refuse:
	return nsg_eval_fail(ev, NSG_FAIL_INVALID,
			     "%s(): '%.100s' is not an address with a prefix length", c->name,
			     nsg_eval_quote(ev, s));
}

/* The text of the address; s must hold INET6_ADDRSTRLEN. */
static const char *print(const struct network *n, char *s)
{
	return inet_ntop(n->family, n->addr, s, INET6_ADDRSTRLEN) ? s : "";
}

/* IPv4 keeps a network's first and last address for itself, where it has more than two. */
static bool keeps_ends(const struct network *n)
{
	return n->family == AF_INET && n->len < 31;
}

int nsg_func_parsecidr(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	char text[INET6_ADDRSTRLEN];
	struct network n = {0}, first, last, mask;
	cleanup_json json_t *o = json_object();
	int r = parse_network(ev, c, &n);

	if (r)
		return r;
	first = n;
	last = with_tail(n, n.len, true);
	mask = with_tail(with_tail(n, 0, true), n.len, false);
	r = nsg_eval_set(o, "network", json_string(print(&n, text)));
	if (!r)
		r = nsg_eval_set(o, "netmask", json_string(print(&mask, text)));
	if (!r && n.family == AF_INET)
		r = nsg_eval_set(o, "broadcast", json_string(print(&last, text)));
	if (keeps_ends(&n)) {
		/* neither carries: the first ends in 0, the last in 1 */
		first.addr[3] |= 1;
		last.addr[3] &= 0xfe;
	}
	if (!r)
		r = nsg_eval_set(o, "firstUsable", json_string(print(&first, text)));
	if (!r)
		r = nsg_eval_set(o, "lastUsable", json_string(print(&last, text)));
	if (!r)
		r = nsg_eval_set(o, "cidr", json_integer(n.len));
	if (!r)
		*ret = TAKE_PTR(o);
	return r;
}

/* cidrSubnet(network, length, index) */
int nsg_func_cidrsubnet(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	char text[INET6_ADDRSTRLEN];
	struct network n = {0}, sub;
	int64_t len = 0, index = 0;
	int r = parse_network(ev, c, &n);

	if (!r)
		r = nsg_func_integer(ev, c, 1, &len);
	if (!r)
		r = nsg_func_integer(ev, c, 2, &index);
	if (r)
		return r;
	sub = n;
	if (len < n.len || len > n.bits || index < 0 ||
	    (len - n.len < 63 && index >> (len - n.len)) ||
	    !add_at(&sub, (unsigned int)len, (uint64_t)index))
		return nsg_eval_fail(ev, NSG_FAIL_INVALID,
				     "cidrSubnet(): %s/%u has no /%" PRId64 " number %" PRId64,
				     print(&n, text), n.len, len, index);
	return nsg_eval_give_format(ev, ret, "%s/%" PRId64, print(&sub, text), len);
}

/* cidrHost(network, index): index 0 is the first address a host may have */
int nsg_func_cidrhost(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	char text[INET6_ADDRSTRLEN];
	struct network n = {0}, host, last;
	int64_t index = 0;
	int r = parse_network(ev, c, &n);

	if (!r)
		r = nsg_func_integer(ev, c, 1, &index);
	if (r)
		return r;
	host = n;
	last = with_tail(n, n.len, true);
	if (keeps_ends(&n))
		last.addr[3] &= 0xfe;
	if (index < 0 || !add_at(&host, n.bits, (uint64_t)index + (n.bits - n.len > 1)) ||
	    memcmp(host.addr, last.addr, sizeof(host.addr)) > 0)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID,
				     "cidrHost(): %s/%u has no host number %" PRId64,
				     print(&n, text), n.len, index);
	return nsg_eval_give_format(ev, ret, "%s", print(&host, text));
}
