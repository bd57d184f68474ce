/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A trace record as the text of its JSON object, without the object: where hundreds of thousands a
 * second are to be told. The text is nsg_json_line(nsg_record_json()) to the byte; a test holds the
 * two together.
 */
#ifndef NSG_OBSERVE_LINE_H
#define NSG_OBSERVE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "classify/image.h"
#include "observe/ring.h"

#define NSG_LINE_BYTES 8192

/* Zero-initialise to begin; use for one record after another. One thread at a time. */
struct nsg_line {
	char text[NSG_LINE_BYTES]; /* n bytes, no NUL */
	size_t n;
	int64_t second; /* `clock` is this second's text; valid if has_second */
	bool has_second;
	char clock[32];
};

/* Writes the record behind `prefix`, and `suffix` behind it; with the packet's first bytes when
 * `payload`. -EMSGSIZE when it does not fit (names of any length may stand in a policy). */
int nsg_line_record(struct nsg_line *l, const struct nsg_image *image,
		    const struct nsg_trace_record *record, bool payload, const char *prefix,
		    const char *suffix);

#endif
