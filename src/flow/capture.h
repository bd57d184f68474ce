/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads capture files: pcap in its four magics, and pcapng in either byte order with any number of
 * sections and interfaces. One pass through a buffer, so that a pipe will do and memory does not
 * depend on the file's size. Nothing in a file is trusted: a block that contradicts itself ends the
 * reading with an error that names the packet; what came before has been returned.
 */
#ifndef NSG_FLOW_CAPTURE_H
#define NSG_FLOW_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#include "flow/link.h"

/* A time that the file does not state, as in a simple packet block. */
#define NSG_FRAME_NO_TIME UINT64_MAX

#define NSG_MAX_INTERFACE_NAME 32

/* Valid until the next call of nsg_capture_next(), its data too. */
struct nsg_frame {
	uint64_t number; /* of the packet in the file, from 1 */
	uint64_t time_ns;
	const uint8_t *data;
	uint32_t captured; /* bytes of data */
	uint32_t length;   /* on the wire */
	uint32_t interface;
	uint32_t link_type;		   /* LINKTYPE_ number of tcpdump.org */
	enum nsg_link_direction direction; /* of pcapng's flags */
	const char *comment;		   /* not terminated; NULL: none */
	size_t comment_n;
};

struct nsg_capture_interface {
	uint32_t link_type;
	char name[NSG_MAX_INTERFACE_NAME]; /* "": unknown */
};

struct nsg_capture;

/* Takes the descriptor. -EBADMSG when it is not a capture, -ENOMEM, or an error of read(); the first
 * with a text in nsg_capture_error() of *ret, which is set always but for -ENOMEM. */
int nsg_capture_open(int fd, struct nsg_capture **ret);
/* 1 with a frame, 0 at the end, or as above. */
int nsg_capture_next(struct nsg_capture *c, struct nsg_frame *ret);
/* The same of what is in the buffer, so that frames before it stay valid; -EAGAIN when the next one
 * is not wholly there. */
int nsg_capture_next_buffered(struct nsg_capture *c, struct nsg_frame *ret);
const char *nsg_capture_error(const struct nsg_capture *c);
/* `interface` of a frame that was returned. Numbers run on over sections. */
const struct nsg_capture_interface *nsg_capture_interface(const struct nsg_capture *c,
							  uint32_t interface);
/* Bytes read so far. */
uint64_t nsg_capture_position(const struct nsg_capture *c);
/* Accepts NULL; returns NULL. */
struct nsg_capture *nsg_capture_free(struct nsg_capture *c);

#endif
