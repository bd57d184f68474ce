/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Marks of connections at start and stop.
 *
 * A preexisting connection is an established TCP connection in conntrack that nsgd has never
 * decided. It is marked as such (nsg_ruleset_preexisting) and never decided.
 *
 * A connection that an earlier run of nsgd decided is decided again. Since a stop clears all marks,
 * the ids of these connections are kept in /run/nsgd/INSTANCE.flows until they end. Without that
 * directory they are treated as preexisting.
 *
 * A connection that began in a gap, while nsgd was started but not running (after a crash), is
 * decided too: /run/nsgd/INSTANCE.started exists from a start to the next stop.
 */
#ifndef NSG_KERNEL_PREEXISTING_H
#define NSG_KERNEL_PREEXISTING_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/marks.h"
#include "kernel/netlink.h"
#include "util/diag.h"
#include "util/vec.h"

#define NSG_PREEXISTING_DIRECTORY "/run/nsgd"

/* Of connections; nsg_vec_done() frees them. */
struct nsg_ids {
	uint32_t *v;
	size_t n, room;
};

struct nsg_preexisting {
	struct nsg_nl *dump, *update;
	const struct nsg_marks *marks;
	const char *directory, *instance;
	/* nsg_preexisting_clear adds those that were marked as preexisting, nsg_preexisting_apply marks them
	 * again, whether or not it marks others; NULL: neither. */
	struct nsg_ids *preexisting;
};

/* Before the table is loaded: clears the marks of decided connections and, if `mark`, marks the
 * preexisting ones. */
int nsg_preexisting_apply(const struct nsg_preexisting *o, bool mark, struct nsg_diag *diag);
/* Whether the last start was not followed by a stop. */
bool nsg_preexisting_is_gap(const struct nsg_preexisting *o);
/* An instance has been renamed: its files get the present name. -errno. */
int nsg_preexisting_rename(const struct nsg_preexisting *o, const char *former,
			   struct nsg_diag *diag);
/* From now on a start without a stop before it ends a gap. */
void nsg_preexisting_started(const struct nsg_preexisting *o, struct nsg_diag *diag);
/* After the table is deleted: clears our bits of all connections. */
int nsg_preexisting_clear(const struct nsg_preexisting *o, struct nsg_diag *diag);

#endif
