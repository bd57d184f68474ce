/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets with their decisions, as pcapng (draft-ietf-opsawg-pcapng): per packet the direction
 * (epb_flags), the verdict (epb_verdict, in traffic control's numbers, which Wireshark knows) and a
 * comment. One section, nanoseconds, the host's byte order. nsgd-formats(5) documents the file.
 */
#ifndef NSG_OBSERVE_PCAPNG_H
#define NSG_OBSERVE_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "util/names.h"

struct nsg_pcapng_packet {
	uint32_t interface; /* in the order in which they were written, from 0 */
	uint64_t time_ns;
	const void *data;
	uint32_t captured; /* bytes of data */
	uint32_t length;   /* on the wire */
	bool outbound;
	enum nsg_verdict verdict;
	const char *comment; /* UTF-8; NULL: none */
	size_t comment_n;
};

#define NSG_PCAPNG_MAX_OPTIONS 1152

/* LINKTYPE_IPV4: the packets begin with their IPv4 header. With LINKTYPE_RAW, whose DLT_ has another
 * number, libpcap (1.10) reads no file that has a second interface after a packet. */
#define NSG_PCAPNG_LINK_IPV4 228

/* The stream is not flushed; each returns 0, or -errno once a write has failed. */

/* `application` is the program that writes, `comment` what a reader should know of the section. */
int nsg_pcapng_section(FILE *out, const char *application, const char *comment);
/* link_type is tcpdump.org's number; `name` "" is unknown. */
int nsg_pcapng_interface(FILE *out, uint16_t link_type, const char *name);
int nsg_pcapng_write(FILE *out, const struct nsg_pcapng_packet *packet);

/* The options of a packet (direction, verdict and comment) in the file's form, for many packets that
 * have the same. Returns their length. */
size_t nsg_pcapng_options(const struct nsg_pcapng_packet *packet,
			  uint8_t ret[NSG_PCAPNG_MAX_OPTIONS]);
int nsg_pcapng_write_with(FILE *out, const struct nsg_pcapng_packet *packet, const void *options,
			  size_t n);

#endif
