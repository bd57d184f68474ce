/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "observe/pcapng.h"

#define BLOCK_SECTION 0x0a0d0d0au
#define BLOCK_INTERFACE 1u
#define BLOCK_PACKET 6u
#define BYTE_ORDER_MAGIC 0x1a2b3c4du

#define OPTION_END 0
#define OPTION_COMMENT 1
#define OPTION_APPLICATION 4 /* of a section */
#define OPTION_NAME 2	     /* of an interface */
#define OPTION_TSRESOL 9
#define OPTION_FLAGS 2 /* of a packet */
#define OPTION_VERDICT 7

#define VERDICT_TC 1 /* what follows is a TC_ACT_ number of eight bytes */
#define TC_ACT_OK 0
#define TC_ACT_SHOT 2

/* Bits 0-1 of epb_flags. */
#define FLAGS_INBOUND 1u
#define FLAGS_OUTBOUND 2u

#define MAX_TEXT 1024 /* bytes of a comment or a name */

/* The parts of a block before and after a packet's data: its numbers, up to two texts and some
 * options of a few bytes. */
struct part {
	uint8_t v[2 * MAX_TEXT + 128];
	size_t n;
};

static size_t padding(size_t n)
{
	return (4 - (n & 3)) & 3;
}

static void put(struct part *p, const void *data, size_t n)
{
	memcpy(p->v + p->n, data, n);
	p->n += n;
	memset(p->v + p->n, 0, padding(n));
	p->n += padding(n);
}

static void put16(struct part *p, uint16_t a, uint16_t b)
{
	const uint16_t both[2] = {a, b};

	put(p, both, sizeof(both));
}

static void put32(struct part *p, uint32_t value)
{
	put(p, &value, sizeof(value));
}

static void put_option(struct part *p, uint16_t code, const void *data, size_t n)
{
	put16(p, code, (uint16_t)n);
	put(p, data, n);
}

static void put_text(struct part *p, uint16_t code, const char *text)
{
	size_t n = strnlen(text, MAX_TEXT);

	if (n)
		put_option(p, code, text, n);
}

/* Ends the options, writes the total length at the beginning and at the end. */
static void end_block(struct part *p)
{
	uint32_t total;

	put16(p, OPTION_END, 0);
	total = (uint32_t)p->n + 4;
	put32(p, total);
	memcpy(p->v + 4, &total, sizeof(total));
}

static int write_out(FILE *out, const void *data, size_t n)
{
	if (n && fwrite_unlocked(data, n, 1, out) != 1)
		return errno ? -errno : -EIO;
	return 0;
}

int nsg_pcapng_section(FILE *out, const char *application, const char *comment)
{
	const uint64_t unknown_length = UINT64_MAX;
	struct part p;

	p.n = 0;
	put32(&p, BLOCK_SECTION);
	put32(&p, 0);
	put32(&p, BYTE_ORDER_MAGIC);
	put16(&p, 1, 0); /* the version */
	put(&p, &unknown_length, sizeof(unknown_length));
	put_text(&p, OPTION_APPLICATION, application);
	put_text(&p, OPTION_COMMENT, comment);
	end_block(&p);
	return write_out(out, p.v, p.n);
}

int nsg_pcapng_interface(FILE *out, uint16_t link_type, const char *name)
{
	const uint8_t nanoseconds = 9;
	struct part p;

	p.n = 0;
	put32(&p, BLOCK_INTERFACE);
	put32(&p, 0);
	put16(&p, link_type, 0);
	put32(&p, 0); /* no limit of the captured length */
	put_text(&p, OPTION_NAME, name);
	put_option(&p, OPTION_TSRESOL, &nanoseconds, sizeof(nanoseconds));
	end_block(&p);
	return write_out(out, p.v, p.n);
}

size_t nsg_pcapng_options(const struct nsg_pcapng_packet *packet,
			  uint8_t ret[NSG_PCAPNG_MAX_OPTIONS])
{
	size_t comment_n = packet->comment_n < MAX_TEXT ? packet->comment_n : MAX_TEXT;
	uint32_t flags = packet->outbound ? FLAGS_OUTBOUND : FLAGS_INBOUND;
	uint64_t action = packet->verdict == NSG_VERDICT_ACCEPT ? TC_ACT_OK : TC_ACT_SHOT;
	uint8_t verdict[1 + sizeof(action)] = {VERDICT_TC};
	struct part p;

	p.n = 0;
	memcpy(verdict + 1, &action, sizeof(action));
	if (packet->comment && comment_n)
		put_option(&p, OPTION_COMMENT, packet->comment, comment_n);
	put_option(&p, OPTION_FLAGS, &flags, sizeof(flags));
	put_option(&p, OPTION_VERDICT, verdict, sizeof(verdict));
	put16(&p, OPTION_END, 0);
	memcpy(ret, p.v, p.n);
	return p.n;
}

int nsg_pcapng_write_with(FILE *out, const struct nsg_pcapng_packet *packet, const void *options,
			  size_t n)
{
	static const uint8_t zeros[4];
	size_t pad = padding(packet->captured);
	uint32_t total = 28 + packet->captured + (uint32_t)(pad + n) + 4;
	const uint32_t head[] = {
	    BLOCK_PACKET,
	    total,
	    packet->interface,
	    (uint32_t)(packet->time_ns >> 32),
	    (uint32_t)packet->time_ns,
	    packet->captured,
	    packet->length,
	};
	int r = write_out(out, head, sizeof(head));

	if (!r)
		r = write_out(out, packet->data, packet->captured);
	if (!r)
		r = write_out(out, zeros, pad);
	if (!r)
		r = write_out(out, options, n);
	return r ? r : write_out(out, &total, sizeof(total));
}

int nsg_pcapng_write(FILE *out, const struct nsg_pcapng_packet *packet)
{
	uint8_t options[NSG_PCAPNG_MAX_OPTIONS];

	return nsg_pcapng_write_with(out, packet, options, nsg_pcapng_options(packet, options));
}
