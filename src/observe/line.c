/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/line.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "util/cleanup.h"
#include "util/clock.h"
#include "util/json_object.h"
#include "util/macro.h"
#include "util/names.h"

/* Longest text of a number: 2^64 - 1. */
#define MAX_DIGITS 20
/* Longest members of nsg_line_put_packet() and nsg_line_put_flow(), but for names. */
#define MAX_PACKET 128
#define MAX_FLOW 128

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

/* ---- numbers, addresses and times: into room that was reserved ------------------------------- */

/* The end of what has been written. */
#define WRITE(out, literal)                                                                        \
	((char *)memcpy(out, literal, sizeof(literal) - 1) + sizeof(literal) - 1)

static char *write_number(char *out, uint64_t n)
{
	uint64_t left = n;
	size_t digits = 1;
	char *end, *at;

	for (; left >= 10000; left /= 10000)
		digits += 4;
	digits += (size_t)(left > 9) + (left > 99) + (left > 999);
	end = at = out + digits;
	for (; n > 9; n /= 100)
		memcpy(at -= 2, two_digits + 2 * (n % 100), 2);
	if (at > out)
		*--at = (char)('0' + n);
	return end;
}

/* The numbers of a byte, each followed by a dot, in four bytes. */
/* clang-format off */
#define OCTETS(tens, end) \
	tens "0" end tens "1" end tens "2" end tens "3" end tens "4" end \
	tens "5" end tens "6" end tens "7" end tens "8" end tens "9" end
#define TENS(hundreds, end) \
	OCTETS(hundreds "1", end) OCTETS(hundreds "2", end) OCTETS(hundreds "3", end) \
	OCTETS(hundreds "4", end) OCTETS(hundreds "5", end) OCTETS(hundreds "6", end) \
	OCTETS(hundreds "7", end) OCTETS(hundreds "8", end) OCTETS(hundreds "9", end)

static const char octets[] =
	OCTETS("", ".  ") TENS("", ". ")
	OCTETS("10", ".") TENS("1", ".")
	OCTETS("20", ".") TENS("2", ".");
/* clang-format on */

static char *write_octet(char *out, unsigned int octet)
{
	memcpy(out, octets + (size_t)4 * octet, 4);
	return out + 2 + (octet > 9) + (octet > 99);
}

/* At most 16 bytes. */
static char *write_address(char *out, uint32_t addr_host)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		out = write_octet(out, addr_host >> shift & 255);
	return out - 1;
}

/* Whether l->clock is the text of this second. */
static bool set_clock(struct nsg_line *l, int64_t second)
{
	time_t t = (time_t)second;
	struct tm tm;

	if (l->has_second && l->second == second)
		return true;
	l->has_second = gmtime_r(&t, &tm) && strftime(l->clock, sizeof(l->clock),
						      "%Y-%m-%dT%H:%M:%S", &tm) == NSG_LINE_CLOCK;
	l->second = second;
	return l->has_second;
}

static char *write_time(struct nsg_line *l, char *out, uint64_t time_ns)
{
	uint32_t ns = (uint32_t)(time_ns % NSG_NS_PER_SEC);

	if (time_ns == UINT64_MAX || !set_clock(l, (int64_t)(time_ns / NSG_NS_PER_SEC)))
		return WRITE(out, "null");
	out = WRITE(out, "\"");
	memcpy(out, l->clock, NSG_LINE_CLOCK);
	out += NSG_LINE_CLOCK;
	*out++ = '.';
	for (size_t i = 9; i > 1; ns /= 100)
		memcpy(out + (i -= 2), two_digits + (size_t)2 * (ns % 100), 2);
	out[0] = (char)('0' + ns);
	return WRITE(out + 9, "Z\"");
}

/* ---- parts ----------------------------------------------------------------------------------- */

/* The end of the text, with this much room after it. NULL when out of memory. */
static char *reserve(struct nsg_line *l, size_t n)
{
	if (l->text.room - l->text.n >= n || nsg_vec_reserve(&l->text, n) == 0)
		return l->text.v + l->text.n;
	l->error = -ENOMEM;
	return NULL;
}

static void set_end(struct nsg_line *l, const char *end)
{
	l->text.n = (size_t)(end - l->text.v);
}

void nsg_line_put_number(struct nsg_line *l, uint64_t n)
{
	char *out = reserve(l, MAX_DIGITS);

	if (out)
		set_end(l, write_number(out, n));
}

void nsg_line_put_address(struct nsg_line *l, uint32_t addr_host)
{
	char *out = reserve(l, NSG_IP4_TEXT);

	if (out)
		set_end(l, write_address(out, addr_host));
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

void nsg_line_put_string(struct nsg_line *l, const char *text)
{
	if (!text) {
		PUT(l, "null");
		return;
	}
	PUT(l, "\"");
	put_escaped(l, text);
	PUT(l, "\"");
}

void nsg_line_put_flow(struct nsg_line *l, const struct nsg_key *key)
{
	const char *protocol = nsg_protocol_name(key->protocol);
	size_t n = protocol ? strlen(protocol) : 0;
	char *out = reserve(l, MAX_FLOW + n);

	if (!out)
		return;
	out = WRITE(out, "\"protocol\":");
	if (protocol) {
		*out++ = '"';
		out = mempcpy(out, protocol, n);
		*out++ = '"';
	} else {
		out = write_number(out, key->protocol);
	}
	out = WRITE(out, ",\"src\":\"");
	out = write_address(out, key->src_host);
	out = WRITE(out, "\",\"srcPort\":");
	out = write_number(out, key->sport_host);
	out = WRITE(out, ",\"dst\":\"");
	out = write_address(out, key->dst_host);
	out = WRITE(out, "\",\"dstPort\":");
	set_end(l, write_number(out, key->dport_host));
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
	nsg_line_put_number(l, rule.priority);
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
	nsg_line_put_number(l, rule.priority);
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
	nsg_line_put_number(l, route.prefix.len);
	PUT(l, "\",\"source\":\"");
	put_text(l, nsg_route_source_name((enum nsg_route_source)route.source));
	PUT(l, "\",\"name\":");
	nsg_line_put_string(l, route.name);
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
	char *out = reserve(l, MAX_PACKET);

	if (!out)
		return;
	out = WRITE(out, "\"packet\":");
	out = write_number(out, packet);
	out = WRITE(out, ",\"time\":");
	out = write_time(l, out, time_ns);
	out = WRITE(out, ",\"length\":");
	out = write_number(out, length);
	out = WRITE(out, ",\"direction\":\"");
	set_end(l, out);
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
	nsg_line_put_string(l, nsg_gate_name((enum nsg_gate)d->gate));
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

static bool is_ascii(const char *text)
{
	while ((signed char)*text > 0)
		text++;
	return !*text;
}

/* Any user of the host can name a cgroup, in bytes that are not UTF-8, and JSON cannot hold those. */
static void put_host_name(struct nsg_line *l, const char *name)
{
	cleanup_json json_t *text = is_ascii(name) ? NULL : nsg_json_string(name);

	if (!text && !is_ascii(name))
		l->error = -ENOMEM;
	nsg_line_put_string(l, text ? json_string_value(text) : name);
}

static void put_origin(struct nsg_line *l, const struct nsg_trace_record *r,
		       const struct nsg_line_origin *origin)
{
	if (origin->interface) {
		PUT(l, ",\"interface\":");
		put_host_name(l, origin->interface);
	}
	if (r->has_uid) {
		PUT(l, ",\"uid\":");
		nsg_line_put_number(l, r->uid);
	}
	if (origin->cgroup) {
		PUT(l, ",\"cgroup\":");
		put_host_name(l, origin->cgroup);
	}
	if (origin->socket) {
		PUT(l, ",\"socket\":");
		nsg_line_put_number(l, origin->socket);
	}
}

int nsg_line_record(struct nsg_line *l, const struct nsg_trace_record *r,
		    const struct nsg_line_origin *origin, bool payload, const char *prefix,
		    const char *suffix)
{
	begin(l, prefix);
	nsg_line_put_packet(l, r->packet, r->time_ns, r->length, (enum nsg_direction)r->direction);
	PUT(l, ",");
	put_decision(l, r->image, &r->key, &r->decision);
	PUT(l, ",\"hostSrc\":");
	put_quoted_address(l, r->host_src);
	PUT(l, ",\"mark\":");
	nsg_line_put_number(l, r->mark);
	put_text(l, r->enforced ? ",\"enforced\":true" : ",\"enforced\":false");
	put_origin(l, r, origin);
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
