/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions: parseCidr, cidrSubnet, cidrHost, for IPv4 and IPv6. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "template/func_priv.h"
#include "util/cleanup.h"
#include "util/json_object.h"
#include "util/ip.h"

/* An address as bytes in network order, so that one arithmetic serves both families. */
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

/* With the bits from `from` on set to `value`. */
static struct network with_tail(struct network n, unsigned int from, bool value)
{
	for (unsigned int i = from; i < n.bits; i++) {
		unsigned char mask = (unsigned char)(0x80 >> i % 8);

		n.addr[i / 8] =
		    (unsigned char)(value ? n.addr[i / 8] | mask : n.addr[i / 8] & ~mask);
	}
	return n;
}

/* Adds value << (bits - end). False when it does not fit. */
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
	const char *s = json_string_value(c->args[0]), *slash = strchr(s, '/');
	size_t digits = slash ? strspn(slash + 1, "0123456789") : 0;
	uint32_t ip4;

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
	return nsg_eval_fail(ev, NSG_FAIL_INVALID, "%s(): '%.100s' is not a valid address prefix",
			     c->name, nsg_eval_quote(ev, s));
}

/* The text of the address; s must hold INET6_ADDRSTRLEN. */
static const char *print(const struct network *n, char *s)
{
	return inet_ntop(n->family, n->addr, s, INET6_ADDRSTRLEN) ? s : "";
}

/* IPv4 reserves the first and last address of a network that has more than two. */
static bool keeps_ends(const struct network *n)
{
	return n->family == AF_INET && n->len < 31;
}

static json_t *address(const struct network *n)
{
	char text[INET6_ADDRSTRLEN];

	return json_string(print(n, text));
}

int nsg_func_parsecidr(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	cleanup_json json_t *object = NULL;
	struct network n = {0}, first, last, mask;
	int r = parse_network(ev, c, &n);

	if (r < 0)
		return r;
	first = n;
	last = with_tail(n, n.len, true);
	mask = with_tail(with_tail(n, 0, true), n.len, false);
	object = NSG_JSON_OBJECT(PAIR_J("network", address(&n)), PAIR_J("netmask", address(&mask)));
	if (n.family == AF_INET && NSG_JSON_ADD(object, PAIR_J("broadcast", address(&last))) < 0)
		return -ENOMEM;
	if (keeps_ends(&n)) {
		/* neither carries: the first ends in 0, the last in 1 */
		first.addr[3] |= 1;
		last.addr[3] &= 0xfe;
	}
	r = NSG_JSON_ADD(object, PAIR_J("firstUsable", address(&first)),
			 PAIR_J("lastUsable", address(&last)), PAIR_I("cidr", n.len));
	if (r < 0)
		return r;
	*ret = TAKE_PTR(object);
	return 0;
}

/* cidrSubnet(network, length, index) */
int nsg_func_cidrsubnet(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	int64_t len = json_integer_value(c->args[1]), index = json_integer_value(c->args[2]);
	char text[INET6_ADDRSTRLEN];
	struct network n = {0}, sub;
	int r = parse_network(ev, c, &n);

	if (r < 0)
		return r;
	sub = n;
	if (len < n.len || len > n.bits || index < 0 ||
	    (len - n.len < 63 && index >> (len - n.len)) ||
	    !add_at(&sub, (unsigned int)len, (uint64_t)index))
		return nsg_eval_fail(ev, NSG_FAIL_INVALID,
				     "cidrSubnet(): %s/%u has no /%" PRId64
				     " subnet with index %" PRId64,
				     print(&n, text), n.len, len, index);
	return nsg_eval_give_format(ev, ret, "%s/%" PRId64, print(&sub, text), len);
}

/* cidrHost(network, index): index 0 is the first usable address */
int nsg_func_cidrhost(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	int64_t index = json_integer_value(c->args[1]);
	char text[INET6_ADDRSTRLEN];
	struct network n = {0}, host, last;
	int r = parse_network(ev, c, &n);

	if (r < 0)
		return r;
	host = n;
	last = with_tail(n, n.len, true);
	if (keeps_ends(&n))
		last.addr[3] &= 0xfe;
	if (index < 0 || !add_at(&host, n.bits, (uint64_t)index + (n.bits - n.len > 1)) ||
	    memcmp(host.addr, last.addr, sizeof(host.addr)) > 0)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID,
				     "cidrHost(): %s/%u has no host with index %" PRId64,
				     print(&n, text), n.len, index);
	return nsg_eval_give_format(ev, ret, "%s", print(&host, text));
}
