/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pcapng (draft-ietf-opsawg-pcapng). A block: type, total length, body, total length again; an
 * option: code, length, value padded to four bytes.
 */
#include <errno.h>
#include <string.h>

#include "flow/capture_priv.h"
#include "util/clock.h"
#include "util/limits.h"

#define BLOCK_SECTION 0x0a0d0d0au
#define BLOCK_INTERFACE 1u
#define BLOCK_OLD_PACKET 2u
#define BLOCK_SIMPLE_PACKET 3u
#define BLOCK_PACKET 6u

#define BYTE_ORDER_MAGIC 0x1a2b3c4du

#define OPTION_END 0
#define OPTION_COMMENT 1
#define OPTION_NAME 2  /* of an interface */
#define OPTION_FLAGS 2 /* of a packet */
#define OPTION_RESOLUTION 9
#define OPTION_OFFSET 14

#define FRAMING 12u /* type, length, length */

/* A block, its framing checked. */
struct block {
	uint32_t type;
	const uint8_t *body;
	size_t n; /* bytes of body */
};

static int fail_block(struct nsg_capture *c, const struct block *b, const char *why)
{
	return nsg_capture_fail(c, "%s %llu: block of type 0x%x: %s",
				b->type == BLOCK_PACKET || b->type == BLOCK_OLD_PACKET ||
					b->type == BLOCK_SIMPLE_PACKET
				    ? "packet"
				    : "after packet",
				(unsigned long long)c->n_packets, b->type, why);
}

static uint32_t padded(uint32_t n)
{
	return (n + 3) & ~3u;
}

/* ---- options -------------------------------------------------------------------------------- */

struct option {
	uint16_t code, n;
	const uint8_t *value;
};

/* The option at *at: false at the end, or when the rest is not an option. */
static bool next_option(const struct nsg_capture *c, const struct block *b, size_t *at,
			struct option *ret)
{
	const uint8_t *p = b->body + *at;

	if (*at > b->n || b->n - *at < 4)
		return false;
	ret->code = capture_read16(c, p);
	ret->n = capture_read16(c, p + 2);
	ret->value = p + 4;
	if (ret->code == OPTION_END || padded(ret->n) > b->n - *at - 4)
		return false;
	*at += 4 + padded(ret->n);
	return true;
}

/* ---- sections and interfaces ---------------------------------------------------------------- */

/* The byte order is known only after this block has been looked at. */
static int read_section(struct nsg_capture *c, const struct block *b)
{
	unsigned int major;

	if (b->n < 16)
		return fail_block(c, b, "too short");
	major = capture_read16(c, b->body + 4);
	if (major != 1)
		return nsg_capture_fail(c,
					"after packet %llu: unsupported version %u of the pcapng "
					"format",
					(unsigned long long)c->n_packets, major);
	c->section_first = c->interfaces.n;
	return 0;
}

/* 10^-n, or with the top bit 2^-n seconds. 0: not representable. */
static uint64_t units_per_second(uint8_t resolution)
{
	unsigned int n = resolution & 0x7f;
	uint64_t units = 1;

	if (resolution & 0x80)
		return n < 64 ? (uint64_t)1 << n : 0;
	if (n > 19)
		return 0;
	while (n--)
		units *= 10;
	return units;
}

static int read_interface(struct nsg_capture *c, const struct block *b)
{
	struct interface i = {.units_per_second = 1000000};
	struct option o;
	size_t at = 8;

	if (b->n < 8)
		return fail_block(c, b, "too short");
	if (c->interfaces.n == NSG_MAX_CAPTURE_INTERFACES)
		return fail_block(c, b, "too many interfaces");
	i.shown.link_type = capture_read16(c, b->body);
	i.snap_length = capture_read32(c, b->body + 4);
	while (next_option(c, b, &at, &o)) {
		uint64_t seconds;

		if (o.code == OPTION_NAME && o.n < sizeof(i.shown.name)) {
			memcpy(i.shown.name, o.value, o.n);
			i.shown.name[o.n] = '\0';
		} else if (o.code == OPTION_RESOLUTION && o.n == 1) {
			i.units_per_second = units_per_second(o.value[0]);
		} else if (o.code == OPTION_OFFSET && o.n == 8) {
			memcpy(&seconds, o.value, 8);
			i.offset_seconds =
			    (int64_t)(c->swapped ? __builtin_bswap64(seconds) : seconds);
		}
	}
	if (!i.units_per_second)
		return fail_block(c, b, "invalid time resolution");
	return nsg_vec_push(&c->interfaces, i);
}

/* ---- packets -------------------------------------------------------------------------------- */

static uint64_t to_ns(const struct interface *i, uint64_t time)
{
	uint64_t seconds = time / i->units_per_second, rest = time % i->units_per_second;

	seconds += (uint64_t)i->offset_seconds;
	if (seconds > (NSG_FRAME_NO_TIME - NSG_NS_PER_SEC) / NSG_NS_PER_SEC)
		return NSG_FRAME_NO_TIME;
	return seconds * NSG_NS_PER_SEC +
	       (uint64_t)((unsigned __int128)rest * NSG_NS_PER_SEC / i->units_per_second);
}

static void read_packet_options(const struct nsg_capture *c, const struct block *b, size_t at,
				struct nsg_frame *f)
{
	struct option o;

	while (next_option(c, b, &at, &o)) {
		if (o.code == OPTION_COMMENT && !f->comment) {
			f->comment = (const char *)o.value;
			f->comment_n = o.n;
		} else if (o.code == OPTION_FLAGS && o.n == 4) {
			uint32_t direction = capture_read32(c, o.value) & 3;

			f->direction = direction == 1	? NSG_LINK_IN
				       : direction == 2 ? NSG_LINK_OUT
							: NSG_LINK_UNKNOWN;
		}
	}
}

static int read_packet(struct nsg_capture *c, const struct block *b, struct nsg_frame *ret)
{
	uint32_t interface, captured, length;
	const struct interface *i;
	struct nsg_frame f;

	c->n_packets++;
	if (b->n < 20)
		return fail_block(c, b, "too short");
	interface =
	    b->type == BLOCK_PACKET ? capture_read32(c, b->body) : capture_read16(c, b->body);
	captured = capture_read32(c, b->body + 12);
	length = capture_read32(c, b->body + 16);
	if (captured > b->n - 20)
		return fail_block(c, b, "the packet is longer than its block");
	if (interface >= c->interfaces.n - c->section_first)
		return fail_block(c, b, "the interface is not defined");
	interface += (uint32_t)c->section_first;
	i = &c->interfaces.v[interface];
	f = (struct nsg_frame){
	    .number = c->n_packets,
	    .time_ns = to_ns(i, (uint64_t)capture_read32(c, b->body + 4) << 32 |
				    capture_read32(c, b->body + 8)),
	    .data = b->body + 20,
	    .captured = captured,
	    .length = length > captured ? length : captured,
	    .interface = interface,
	    .link_type = i->shown.link_type,
	};
	if (captured < b->n - 20)
		read_packet_options(c, b, 20 + (size_t)padded(captured), &f);
	*ret = f;
	return 1;
}

/* Of the section's first interface, without a time. */
static int read_simple_packet(struct nsg_capture *c, const struct block *b, struct nsg_frame *ret)
{
	const struct interface *i;
	uint32_t captured;

	c->n_packets++;
	if (b->n < 4)
		return fail_block(c, b, "too short");
	if (c->section_first == c->interfaces.n)
		return fail_block(c, b, "the interface is not defined");
	i = &c->interfaces.v[c->section_first];
	captured = capture_read32(c, b->body);
	*ret = (struct nsg_frame){
	    .number = c->n_packets,
	    .time_ns = NSG_FRAME_NO_TIME,
	    .data = b->body + 4,
	    .length = captured,
	    .interface = (uint32_t)c->section_first,
	    .link_type = i->shown.link_type,
	};
	if (i->snap_length && captured > i->snap_length)
		captured = i->snap_length;
	if (captured > b->n - 4)
		return fail_block(c, b, "the packet is longer than its block");
	ret->captured = captured;
	return 1;
}

/* ---- blocks --------------------------------------------------------------------------------- */

/* A section header says in which byte order it and what follows is. */
static int take_byte_order(struct nsg_capture *c)
{
	uint32_t magic;
	int r = nsg_capture_need(c, 12);

	if (r <= 0)
		return r;
	memcpy(&magic, c->buffer + c->begin + 8, sizeof(magic));
	if (magic != BYTE_ORDER_MAGIC && magic != __builtin_bswap32(BYTE_ORDER_MAGIC))
		return nsg_capture_fail(c, "after packet %llu: invalid byte order of a section",
					(unsigned long long)c->n_packets);
	c->swapped = magic != BYTE_ORDER_MAGIC;
	return 1;
}

static int block_is_cut(struct nsg_capture *c, size_t n)
{
	return nsg_capture_fail(c,
				"after packet %llu: the file ends after %zu of the %zu bytes "
				"of a block",
				(unsigned long long)c->n_packets, c->end - c->begin, n);
}

/* 1, 0 at the end of the file, or an error. Moves past the block. */
static int next_block(struct nsg_capture *c, struct block *ret)
{
	uint32_t total;
	int r = nsg_capture_need(c, 8);

	if (r < 0 || (r == 0 && c->begin == c->end))
		return r;
	if (r == 0)
		return block_is_cut(c, FRAMING);
	ret->type = capture_read32(c, c->buffer + c->begin);
	if (ret->type == BLOCK_SECTION) {
		r = take_byte_order(c);
		if (r <= 0)
			return r < 0 ? r : block_is_cut(c, 28);
	}
	total = capture_read32(c, c->buffer + c->begin + 4);
	if (total < FRAMING || total % 4 || total > NSG_MAX_CAPTURE_BLOCK_BYTES)
		return nsg_capture_fail(c,
					"after packet %llu: block of type 0x%x: invalid "
					"length of %u bytes",
					(unsigned long long)c->n_packets, ret->type, total);
	r = nsg_capture_need(c, total);
	if (r <= 0)
		return r < 0 ? r : block_is_cut(c, total);
	ret->body = c->buffer + c->begin + 8;
	ret->n = total - FRAMING;
	if (capture_read32(c, ret->body + ret->n) != total)
		return nsg_capture_fail(c,
					"after packet %llu: block of type 0x%x: the two "
					"lengths differ",
					(unsigned long long)c->n_packets, ret->type);
	c->begin += total;
	return 1;
}

int nsg_pcapng_reader_next(struct nsg_capture *c, struct nsg_frame *ret)
{
	for (;;) {
		struct block b = {0};
		int r = next_block(c, &b);

		if (r <= 0)
			return r;
		switch (b.type) {
		case BLOCK_SECTION:
			r = read_section(c, &b);
			break;
		case BLOCK_INTERFACE:
			r = read_interface(c, &b);
			break;
		case BLOCK_PACKET:
		case BLOCK_OLD_PACKET:
			return read_packet(c, &b, ret);
		case BLOCK_SIMPLE_PACKET:
			return read_simple_packet(c, &b, ret);
		default:
			continue; /* names, statistics, blocks of other programs */
		}
		if (r < 0)
			return r;
	}
}
