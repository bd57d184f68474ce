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
#define OPTION_TSRESOL 9
#define OPTION_FLAGS 2
#define OPTION_VERDICT 7

#define VERDICT_TC 1 /* what follows is a TC_ACT_ number of eight bytes */
#define TC_ACT_OK 0
#define TC_ACT_SHOT 2

/* Bits 0-1 of epb_flags. */
#define FLAGS_INBOUND 1u
#define FLAGS_OUTBOUND 2u

#define MAX_COMMENT 1024

static uint32_t padded(size_t n)
{
	return (uint32_t)((n + 3) & ~(size_t)3);
}

static uint32_t option_size(size_t n)
{
	return 4 + padded(n);
}

static void put(FILE *out, const void *data, size_t n)
{
	static const uint8_t zero[4];

	(void)fwrite(data, 1, n, out);
	(void)fwrite(zero, 1, padded(n) - n, out);
}

static void put32(FILE *out, uint32_t value)
{
	put(out, &value, sizeof(value));
}

static void put_option(FILE *out, uint16_t code, const void *data, size_t n)
{
	const uint16_t head[2] = {code, (uint16_t)n};

	put(out, head, sizeof(head));
	put(out, data, n);
}

static int flushed(FILE *out)
{
	if (fflush(out) != 0)
		return errno ? -errno : -EIO;
	return ferror(out) ? -EIO : 0;
}

int nsg_pcapng_begin(FILE *out, uint16_t link_type)
{
	const uint16_t version[2] = {1, 0};
	const uint16_t link[2] = {link_type, 0};
	const uint64_t unknown_length = UINT64_MAX;
	const uint8_t nanoseconds = 9;
	const uint32_t section = 28;
	const uint32_t interface = 20 + option_size(1) + option_size(0);

	put32(out, BLOCK_SECTION);
	put32(out, section);
	put32(out, BYTE_ORDER_MAGIC);
	put(out, version, sizeof(version));
	put(out, &unknown_length, sizeof(unknown_length));
	put32(out, section);

	put32(out, BLOCK_INTERFACE);
	put32(out, interface);
	put(out, link, sizeof(link));
	put32(out, 0); /* no limit of the captured length */
	put_option(out, OPTION_TSRESOL, &nanoseconds, sizeof(nanoseconds));
	put_option(out, OPTION_END, "", 0);
	put32(out, interface);
	return flushed(out);
}

int nsg_pcapng_write(FILE *out, const struct nsg_pcapng_packet *p)
{
	size_t comment = p->comment ? strnlen(p->comment, MAX_COMMENT) : 0;
	uint32_t flags = p->outbound ? FLAGS_OUTBOUND : FLAGS_INBOUND;
	uint64_t action = p->verdict == NSG_VERDICT_ACCEPT ? TC_ACT_OK : TC_ACT_SHOT;
	uint8_t verdict[1 + sizeof(action)] = {VERDICT_TC};
	uint32_t total = 32 + padded(p->captured) + option_size(sizeof(flags)) +
			 option_size(sizeof(verdict)) + (comment ? option_size(comment) : 0) +
			 option_size(0);

	memcpy(verdict + 1, &action, sizeof(action));
	put32(out, BLOCK_PACKET);
	put32(out, total);
	put32(out, 0); /* the interface */
	put32(out, (uint32_t)(p->time_ns >> 32));
	put32(out, (uint32_t)p->time_ns);
	put32(out, p->captured);
	put32(out, p->length);
	put(out, p->data, p->captured);
	if (comment)
		put_option(out, OPTION_COMMENT, p->comment, comment);
	put_option(out, OPTION_FLAGS, &flags, sizeof(flags));
	put_option(out, OPTION_VERDICT, verdict, sizeof(verdict));
	put_option(out, OPTION_END, "", 0);
	put32(out, total);
	return flushed(out);
}
