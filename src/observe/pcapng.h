/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets with their decisions, as pcapng (draft-ietf-opsawg-pcapng): per packet the direction
 * (epb_flags), the verdict (epb_verdict, in traffic control's numbers, which Wireshark knows) and a
 * comment. One section, one interface, nanoseconds, the host's byte order.
 */
#ifndef NSG_OBSERVE_PCAPNG_H
#define NSG_OBSERVE_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "util/names.h"

struct nsg_pcapng_packet {
	uint64_t time_ns;
	const void *data;
	uint32_t captured; /* bytes of data */
	uint32_t length;   /* on the wire */
	bool outbound;
	enum nsg_verdict verdict;
	const char *comment; /* UTF-8; NULL: none */
};

/* LINKTYPE_RAW: the packets begin with their IP header. */
#define NSG_PCAPNG_LINK_RAW 101

/* Section and interface; link_type is tcpdump.org's number. -errno. */
int nsg_pcapng_begin(FILE *out, uint16_t link_type);
/* Flushed, so that a reader never finds part of a packet. -errno. */
int nsg_pcapng_write(FILE *out, const struct nsg_pcapng_packet *packet);

#endif
