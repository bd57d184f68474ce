/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which format a file has, and pcap (draft-ietf-opsawg-pcap). */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "flow/capture_priv.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/limits.h"

#define BUFFER_BYTES (256u << 10)

#define MAGIC_MICROSECONDS 0xa1b2c3d4u
#define MAGIC_NANOSECONDS 0xa1b23c4du
#define MAGIC_KUZNETZOV 0xa1b2cd34u /* eight more bytes a record */
#define MAGIC_PCAPNG 0x0a0d0d0au    /* the same in both byte orders */

#define FILE_HEADER 24u
#define RECORD_HEADER 16u
#define KUZNETZOV_RECORD_HEADER 24u
/* The upper bits of the link type: the length of the frame check sequence. */
#define LINK_TYPE_MASK 0x03ffffffu

/* ---- pcap ----------------------------------------------------------------------------------- */

static int record_is_cut(struct nsg_capture *c, size_t n)
{
	return nsg_capture_fail(c, "packet %llu: the file ends after %zu of %zu bytes",
				(unsigned long long)c->n_packets, c->end - c->begin, n);
}

static int pcap_next(struct nsg_capture *c, struct nsg_frame *ret)
{
	const struct interface *i = &c->interfaces.v[0];
	const uint8_t *p;
	uint32_t captured, length;
	int r = nsg_capture_need(c, c->record_header);

	if (r == -EAGAIN || (r <= 0 && c->begin == c->end))
		return r;
	c->n_packets++;
	if (r <= 0)
		return r < 0 ? r : record_is_cut(c, c->record_header);
	p = c->buffer + c->begin;
	captured = capture_read32(c, p + 8);
	length = capture_read32(c, p + 12);
	if (c->lengths_swapped || (c->lengths_maybe_swapped && captured > length)) {
		length = captured;
		captured = capture_read32(c, p + 12);
	}
	if (captured > NSG_MAX_FRAME_BYTES)
		return nsg_capture_fail(c, "packet %llu: invalid length of %u bytes",
					(unsigned long long)c->n_packets, captured);
	r = nsg_capture_need(c, c->record_header + captured);
	if (r == -EAGAIN)
		c->n_packets--;
	if (r <= 0)
		return r < 0 ? r : record_is_cut(c, c->record_header + captured);
	p = c->buffer + c->begin;
	*ret = (struct nsg_frame){
	    .number = c->n_packets,
	    .time_ns = capture_read32(c, p) * (uint64_t)NSG_NS_PER_SEC +
		       capture_read32(c, p + 4) * (NSG_NS_PER_SEC / i->units_per_second),
	    .data = p + c->record_header,
	    .captured = captured,
	    .length = length > captured ? length : captured,
	    .link_type = i->shown.link_type,
	};
	c->begin += c->record_header + captured;
	return 1;
}

static bool is_pcap(uint32_t magic)
{
	return magic == MAGIC_MICROSECONDS || magic == MAGIC_NANOSECONDS ||
	       magic == MAGIC_KUZNETZOV;
}

static int begin_pcap(struct nsg_capture *c, uint32_t magic)
{
	const uint8_t *p;
	struct interface interface = {
	    .units_per_second = magic == MAGIC_NANOSECONDS ? NSG_NS_PER_SEC : 1000000u,
	};
	unsigned int major, minor;
	int r = nsg_capture_need(c, FILE_HEADER);

	if (r <= 0)
		return r < 0 ? r
			     : nsg_capture_fail(c,
						"the file ends after %zu of the %u bytes of its "
						"header",
						c->end - c->begin, FILE_HEADER);
	p = c->buffer + c->begin;
	major = capture_read16(c, p + 4);
	minor = capture_read16(c, p + 6);
	if (major < 2)
		return nsg_capture_fail(c, "unsupported version %u.%u of the pcap format", major,
					minor);
	/* As libpcap does: 2.3 was written both ways, DG/UX wrote 543.0. */
	c->lengths_swapped = (major == 2 && minor < 3) || major == 543;
	c->lengths_maybe_swapped = major == 2 && minor == 3;
	c->record_header = magic == MAGIC_KUZNETZOV ? KUZNETZOV_RECORD_HEADER : RECORD_HEADER;
	interface.shown.link_type = capture_read32(c, p + 20) & LINK_TYPE_MASK;
	c->begin += FILE_HEADER;
	c->next = pcap_next;
	return nsg_vec_push(&c->interfaces, interface);
}

/* ---- either --------------------------------------------------------------------------------- */

static int begin(struct nsg_capture *c)
{
	uint32_t magic;
	int r = nsg_capture_need(c, sizeof(magic));

	if (r < 0)
		return r;
	if (r == 0)
		return nsg_capture_fail(c, c->end ? "not a capture: it must be pcap or pcapng"
						  : "the file is empty");
	memcpy(&magic, c->buffer, sizeof(magic));
	if (magic == MAGIC_PCAPNG) {
		c->next = nsg_pcapng_reader_next;
		return 0;
	}
	c->swapped = is_pcap(__builtin_bswap32(magic));
	magic = capture_read32(c, c->buffer);
	if (is_pcap(magic))
		return begin_pcap(c, magic);
	return nsg_capture_fail(c, "not a capture: it must be pcap or pcapng");
}

int nsg_capture_open(int fd, struct nsg_capture **ret)
{
	struct nsg_capture *c = calloc(1, sizeof(*c));

	if (!c) {
		(void)close(fd);
		return -ENOMEM;
	}
	c->fd = fd;
	c->room = BUFFER_BYTES;
	c->buffer = malloc(c->room);
	if (!c->buffer) {
		nsg_capture_free(c);
		return -ENOMEM;
	}
	*ret = c;
	return begin(c);
}

int nsg_capture_next(struct nsg_capture *c, struct nsg_frame *ret)
{
	return c->next(c, ret);
}

int nsg_capture_next_buffered(struct nsg_capture *c, struct nsg_frame *ret)
{
	int r;

	c->keeps_buffer = true;
	r = c->next(c, ret);
	c->keeps_buffer = false;
	return r;
}

const char *nsg_capture_error(const struct nsg_capture *c)
{
	return c->error;
}

const struct nsg_capture_interface *nsg_capture_interface(const struct nsg_capture *c,
							  uint32_t interface)
{
	return &c->interfaces.v[interface].shown;
}

uint64_t nsg_capture_position(const struct nsg_capture *c)
{
	return c->position;
}

struct nsg_capture *nsg_capture_free(struct nsg_capture *c)
{
	if (!c)
		return NULL;
	(void)close(c->fd);
	nsg_vec_done(&c->interfaces);
	free(c->buffer);
	free(c);
	return NULL;
}
