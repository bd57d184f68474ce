/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decisions as the text of the contract's JSON objects. It is written without an object in between:
 * a trace has hundreds of thousands of decisions a second.
 */
#ifndef NSG_OBSERVE_LINE_H
#define NSG_OBSERVE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "classify/image.h"
#include "observe/ring.h"
#include "util/vec.h"

#define NSG_LINE_CLOCK 19 /* the length of 2026-11-28T12:00:00 */

/* Zero-initialise to begin; use for one text after another. One thread at a time. */
struct nsg_line {
	NSG_VEC(char) text; /* no NUL */
	int error;
	int64_t second; /* `clock` is this second's text; valid if has_second */
	bool has_second;
	char clock[NSG_LINE_CLOCK + 1];
};

void nsg_line_done(struct nsg_line *l);

/* "egress", "reply", "inbound"; NULL for any other number. */
const char *nsg_direction_name(enum nsg_direction direction);

/* A text of parts: nsg_line_begin() empties it, the others append; `error` is -ENOMEM after one that
 * did not fit. Members are without braces and commas around them. */
void nsg_line_begin(struct nsg_line *l);
void nsg_line_put(struct nsg_line *l, const char *text, size_t n);
/* packet, time (null: UINT64_MAX), length, direction. */
void nsg_line_put_packet(struct nsg_line *l, uint64_t packet, uint64_t time_ns, uint32_t length,
			 enum nsg_direction direction);
void nsg_line_put_flow(struct nsg_line *l, const struct nsg_key *key);
void nsg_line_put_address(struct nsg_line *l, uint32_t addr_host);
void nsg_line_put_number(struct nsg_line *l, uint64_t n);
/* A JSON string, or null for NULL. */
void nsg_line_put_string(struct nsg_line *l, const char *text);

/* Each of these replaces the text: 0 or -ENOMEM. */

/* protocol, src, srcPort, dst, dstPort (null for a malformed packet), gate, admin, nsg, route, verdict,
 * reason. */
int nsg_line_decision(struct nsg_line *l, const struct nsg_image *image, const struct nsg_key *key,
		      const struct nsg_decision *decision);
/* Where a packet comes from, as far as it is known. */
struct nsg_line_origin {
	const char *interface; /* NULL: not known */
	const char *cgroup;    /* of its socket */
	uint32_t socket;       /* inode number */
};

/* Those of nsg_line_put_packet() and of nsg_line_decision(), hostSrc, mark, enforced, what is known of
 * interface, uid, cgroup and socket and, if asked for, payload: the packet's first bytes. `prefix` and
 * `suffix` enclose the object. */
int nsg_line_record(struct nsg_line *l, const struct nsg_trace_record *record,
		    const struct nsg_line_origin *origin, bool payload, const char *prefix,
		    const char *suffix);

#endif
