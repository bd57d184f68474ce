/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose word a connection lives by, when nsgd comes and goes.
 *
 * Older than nsgd: an established TCP connection that conntrack knows and nsgd never decided. It
 * lives on unjudged, by a mark of its own (see nsg_table_preexisting).
 *
 * Decided by an earlier life of nsgd: judged anew. A stop takes all marks away, so the ids of such
 * connections are kept in /run/nsgd/INSTANCE.flows until they end. Without that directory
 * they count as older.
 */
#ifndef NSG_KERNEL_PREEXISTING_H
#define NSG_KERNEL_PREEXISTING_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/marks.h"
#include "kernel/netlink.h"
#include "util/diag.h"

#define NSG_PREEXISTING_DIRECTORY "/run/nsgd"

struct nsg_preexisting {
	struct nsg_nl *dump, *update;
	const struct nsg_marks *marks;
	const char *directory, *instance;
};

/* Before the table is loaded: decided ones lose their bits; older ones are marked, if `mark`. */
int nsg_preexisting_apply(const struct nsg_preexisting *o, bool mark, struct nsg_diag *diag);
/* After the table is gone: no connection keeps a bit of ours. */
int nsg_preexisting_clear(const struct nsg_preexisting *o, struct nsg_diag *diag);

#endif
