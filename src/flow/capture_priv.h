/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reader's buffer, and what the two formats share. */
#ifndef NSG_FLOW_CAPTURE_PRIV_H
#define NSG_FLOW_CAPTURE_PRIV_H

#include <stdbool.h>
#include <string.h>

#include "flow/capture.h"
#include "util/vec.h"

struct interface {
	struct nsg_capture_interface shown;
	uint32_t snap_length;	   /* 0: no limit */
	uint64_t units_per_second; /* of times */
	int64_t offset_seconds;	   /* added to times */
};

struct nsg_capture {
	int fd;
	uint8_t *buffer;
	size_t room, begin, end; /* unread bytes are buffer[begin] to buffer[end - 1] */
	uint64_t position;	 /* bytes read from fd */
	bool at_end;		 /* of fd */
	bool keeps_buffer;	 /* nothing is read, -EAGAIN instead */
	char error[160];

	int (*next)(struct nsg_capture *c, struct nsg_frame *ret);
	bool swapped;	    /* the file's (section's) byte order is not the host's */
	uint64_t n_packets; /* returned, or being read */

	/* pcap */
	uint32_t record_header;
	bool lengths_swapped, lengths_maybe_swapped; /* files of versions before 2.4 */

	/* pcapng; pcap has one */
	NSG_VEC(struct interface) interfaces; /* of all sections */
	size_t section_first;		      /* interface of this section */
};

/* Makes n bytes available at buffer[begin]: 1, 0 if fewer are left, or an error. */
int nsg_capture_need(struct nsg_capture *c, size_t n);
int nsg_capture_fail(struct nsg_capture *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The section header block has been recognised, and is not yet read. */
int nsg_pcapng_reader_next(struct nsg_capture *c, struct nsg_frame *ret);

static inline uint32_t capture_read32(const struct nsg_capture *c, const uint8_t *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return c->swapped ? __builtin_bswap32(value) : value;
}

static inline uint16_t capture_read16(const struct nsg_capture *c, const uint8_t *p)
{
	uint16_t value;

	memcpy(&value, p, sizeof(value));
	return c->swapped ? __builtin_bswap16(value) : value;
}

#endif
