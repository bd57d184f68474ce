/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/line.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "util/clock.h"
#include "util/macro.h"
#include "util/names.h"

/* Longest text of a number: 2^64 - 1. */
#define MAX_DIGITS 20

/* Inlined so that the copy of a literal is a few moves. */
static inline __attribute__((always_inline)) void put(struct nsg_line *l, const char *text,
						      size_t n)
{
	if (!n)
		return;
	if (l->text.room - l->text.n < n && nsg_vec_reserve(&l->text, n) < 0) {
		l->error = -ENOMEM;
		return;
	}
	memcpy(l->text.v + l->text.n, text, n);
	l->text.n += n;
}

void nsg_line_begin(struct nsg_line *l)
{
	l->text.n = 0;
	l->error = 0;
}

void nsg_line_put(struct nsg_line *l, const char *text, size_t n)
{
	put(l, text, n);
}

static void put_text(struct nsg_line *l, const char *text)
{
	put(l, text, strlen(text));
}

/* A key or anything else that is known at compile time. */
#define PUT(l, literal) put(l, literal, sizeof(literal) - 1)

/* Two digits a step: half the divisions. */
static const char two_digits[] =
    "00010203040506070809101112131415161718192021222324252627282930313233"
    "34353637383940414243444546474849505152535455565758596061626364656667"
    "6869707172737475767778798081828384858687888990919293949596979899";

static void put_number(struct nsg_line *l, uint64_t n)
{
	char text[MAX_DIGITS];
	size_t i = sizeof(text);

	for (; n > 9; n /= 100)
		memcpy(text + (i -= 2), two_digits + 2 * (n % 100), 2);
	if (n || i == sizeof(text))
		text[--i] = (char)('0' + n);
	put(l, text + i, sizeof(text) - i);
}

static size_t write_octet(char *out, unsigned int octet)
{
	size_t n = octet > 99 ? 3 : octet > 9 ? 2 : 1;

	for (size_t i = n; i-- > 0; octet /= 10)
		out[i] = (char)('0' + octet % 10);
	return n;
}

void nsg_line_put_address(struct nsg_line *l, uint32_t addr_host)
{
	char text[NSG_IP4_TEXT];
	size_t n = 0;

	for (int shift = 24; shift >= 0; shift -= 8) {
		n += write_octet(text + n, addr_host >> shift & 255);
		text[n++] = '.';
	}
	put(l, text, n - 1);
}

static void put_quoted_address(struct nsg_line *l, uint32_t addr_host)
{
	PUT(l, "\"");
	nsg_line_put_address(l, addr_host);
	PUT(l, "\"");
}

static void put_escape(struct nsg_line *l, unsigned char c)
{
	static const char upper[] = "0123456789ABCDEF", letters[] = "btn?fr"; /* from 8 on */
	char escape[] = {'\\', 'u', '0', '0', upper[c >> 4], upper[c & 15]};
	size_t n = sizeof(escape);

	if (c == '"' || c == '\\' || (c >= 8 && c <= 13 && c != 11)) {
		escape[1] = c > 13 ? (char)c : letters[c - 8];
		n = 2;
	}
	put(l, escape, n);
}

static void put_escaped(struct nsg_line *l, const char *s)
{
	for (;;) {
		size_t plain = 0;

		while ((unsigned char)s[plain] >= 0x20 && s[plain] != '"' && s[plain] != '\\')
			plain++;
		put(l, s, plain);
		s += plain;
		if (!*s)
			return;
		put_escape(l, (unsigned char)*s++);
	}
}

static void put_name_or_null(struct nsg_line *l, const char *name)
{
	if (!name) {
		PUT(l, "null");
		return;
	}
	PUT(l, "\"");
	put_escaped(l, name);
	PUT(l, "\"");
}

static void put_time(struct nsg_line *l, uint64_t time_ns)
{
	int64_t second = (int64_t)(time_ns / NSG_NS_PER_SEC);
	uint32_t ns = (uint32_t)(time_ns % NSG_NS_PER_SEC);
	char fraction[9];

	if (time_ns == UINT64_MAX) {
		PUT(l, "null");
		return;
	}
	if (!l->has_second || l->second != second) {
		time_t t = (time_t)second;
		struct tm tm;

		l->has_second = gmtime_r(&t, &tm) &&
				strftime(l->clock, sizeof(l->clock), "%Y-%m-%dT%H:%M:%S", &tm);
		l->second = second;
	}
	if (!l->has_second) {
		PUT(l, "null");
		return;
	}
	for (size_t i = sizeof(fraction); i > 1; ns /= 100)
		memcpy(fraction + (i -= 2), two_digits + (size_t)2 * (ns % 100), 2);
	fraction[0] = (char)('0' + ns);
	PUT(l, "\"");
	put_text(l, l->clock);
	PUT(l, ".");
	put(l, fraction, sizeof(fraction));
	PUT(l, "Z\"");
}

void nsg_line_put_flow(struct nsg_line *l, const struct nsg_key *key)
{
	const char *protocol = nsg_protocol_name(key->protocol);

	PUT(l, "\"protocol\":");
	if (protocol)
		put_name_or_null(l, protocol);
	else
		put_number(l, key->protocol);
	PUT(l, ",\"src\":");
	put_quoted_address(l, key->src_host);
	PUT(l, ",\"srcPort\":");
	put_number(l, key->sport_host);
	PUT(l, ",\"dst\":");
	put_quoted_address(l, key->dst_host);
	PUT(l, ",\"dstPort\":");
	put_number(l, key->dport_host);
}

/* Only policies with admin rules have the key. */
static void put_admin(struct nsg_line *l, const struct nsg_image *image, uint16_t number)
{
	const struct nsg_image *admin = nsg_image_admin(image);
	struct nsg_image_rule rule;

	if (!admin)
		return;
	if (!number) {
		PUT(l, ",\"admin\":null");
		return;
	}
	rule = nsg_image_rule(admin, number - 1);
	PUT(l, ",\"admin\":{\"access\":\"");
	put_text(l, nsg_access_name((enum nsg_access)rule.access));
	PUT(l, "\",\"rule\":\"");
	put_escaped(l, rule.name);
	PUT(l, "\",\"priority\":");
	put_number(l, rule.priority);
	PUT(l, "}");
}

static void put_nsg(struct nsg_line *l, const struct nsg_image *image, uint16_t index)
{
	struct nsg_image_rule rule;

	if (index == NSG_RULE_NONE) {
		PUT(l, ",\"nsg\":null");
		return;
	}
	if (index == NSG_RULE_NO_NSG) {
		PUT(l, ",\"nsg\":{\"access\":\"Allow\",\"rule\":null,\"priority\":null}");
		return;
	}
	rule = nsg_image_rule(image, index);
	PUT(l, ",\"nsg\":{\"access\":\"");
	put_text(l, nsg_access_name((enum nsg_access)rule.access));
	PUT(l, "\",\"rule\":\"");
	put_text(l, rule.is_default ? "defaultSecurityRules/" : "securityRules/");
	put_escaped(l, rule.name);
	PUT(l, "\",\"priority\":");
	put_number(l, rule.priority);
	PUT(l, "}");
}

static void put_route(struct nsg_line *l, const struct nsg_image *image, uint32_t index)
{
	struct nsg_image_route route;

	if (index == NSG_ROUTE_NONE) {
		PUT(l, ",\"route\":null");
		return;
	}
	route = nsg_image_route(image, index);
	PUT(l, ",\"route\":{\"prefix\":\"");
	nsg_line_put_address(l, route.prefix.addr_host);
	PUT(l, "/");
	put_number(l, route.prefix.len);
	PUT(l, "\",\"source\":\"");
	put_text(l, nsg_route_source_name((enum nsg_route_source)route.source));
	PUT(l, "\",\"name\":");
	put_name_or_null(l, route.name);
	PUT(l, ",\"nextHopType\":\"");
	put_text(l, nsg_hop_type_name((enum nsg_hop_type)route.hop_type));
	PUT(l, "\",\"nextHopIpAddress\":[");
	for (uint32_t i = 0; i < route.n_hops; i++) {
		if (i)
			PUT(l, ",");
		put_quoted_address(l, route.hops_host[i]);
	}
	PUT(l, "]}");
}

static void put_payload(struct nsg_line *l, const struct nsg_trace_record *r)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = r->captured < NSG_RECORD_PAYLOAD_BYTES ? r->captured : NSG_RECORD_PAYLOAD_BYTES;
	char text[2 * NSG_RECORD_PAYLOAD_BYTES];

	for (size_t i = 0; i < n; i++) {
		text[2 * i] = hex[r->payload[i] >> 4];
		text[2 * i + 1] = hex[r->payload[i] & 15];
	}
	PUT(l, ",\"payload\":\"");
	put(l, text, 2 * n);
	PUT(l, "\"");
}

const char *nsg_direction_name(enum nsg_direction direction)
{
	static const char *const names[] = {
	    [NSG_DIRECTION_EGRESS] = "egress",
	    [NSG_DIRECTION_REPLY] = "reply",
	    [NSG_DIRECTION_INBOUND] = "inbound",
	};

	return (size_t)direction < NSG_ARRAY_SIZE(names) ? names[direction] : NULL;
}

void nsg_line_put_packet(struct nsg_line *l, uint64_t packet, uint64_t time_ns, uint32_t length,
			 enum nsg_direction direction)
{
	PUT(l, "\"packet\":");
	put_number(l, packet);
	PUT(l, ",\"time\":");
	put_time(l, time_ns);
	PUT(l, ",\"length\":");
	put_number(l, length);
	PUT(l, ",\"direction\":\"");
	put_text(l, nsg_direction_name(direction));
	PUT(l, "\"");
}

static void put_decision(struct nsg_line *l, const struct nsg_image *image,
			 const struct nsg_key *key, const struct nsg_decision *d)
{
	if (d->reason == NSG_REASON_MALFORMED)
		PUT(l, "\"protocol\":null,\"src\":null,\"srcPort\":null,\"dst\":null,"
		       "\"dstPort\":null");
	else
		nsg_line_put_flow(l, key);
	PUT(l, ",\"gate\":");
	put_name_or_null(l, nsg_gate_name((enum nsg_gate)d->gate));
	put_admin(l, image, d->admin);
	put_nsg(l, image, d->rule);
	put_route(l, image, d->route);
	PUT(l, ",\"verdict\":\"");
	put_text(l, nsg_verdict_name((enum nsg_verdict)d->verdict));
	PUT(l, "\",\"reason\":\"");
	put_text(l, nsg_reason_name((enum nsg_reason)d->reason));
	PUT(l, "\"");
}

static void begin(struct nsg_line *l, const char *prefix)
{
	nsg_line_begin(l);
	put_text(l, prefix);
	PUT(l, "{");
}

int nsg_line_decision(struct nsg_line *l, const struct nsg_image *image, const struct nsg_key *key,
		      const struct nsg_decision *decision)
{
	begin(l, "");
	put_decision(l, image, key, decision);
	PUT(l, "}");
	return l->error;
}

int nsg_line_record(struct nsg_line *l, const struct nsg_trace_record *r, bool payload,
		    const char *prefix, const char *suffix)
{
	begin(l, prefix);
	nsg_line_put_packet(l, r->packet, r->time_ns, r->length, (enum nsg_direction)r->direction);
	PUT(l, ",");
	put_decision(l, r->image, &r->key, &r->decision);
	PUT(l, ",\"hostSrc\":");
	put_quoted_address(l, r->host_src);
	PUT(l, ",\"mark\":");
	put_number(l, r->mark);
	put_text(l, r->enforced ? ",\"enforced\":true" : ",\"enforced\":false");
	if (r->has_uid) {
		PUT(l, ",\"uid\":");
		put_number(l, r->uid);
	}
	if (payload)
		put_payload(l, r);
	PUT(l, "}");
	put_text(l, suffix);
	return l->error;
}

void nsg_line_done(struct nsg_line *l)
{
	nsg_vec_done(&l->text);
}
