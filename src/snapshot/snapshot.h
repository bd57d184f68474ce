/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy directory as it was read at one moment: its documents, what they mean on the integration
 * subnet, and the image compiled from that. Immutable and freed as a whole. The daemon and the
 * command line both load it here.
 */
#ifndef NSG_SNAPSHOT_SNAPSHOT_H
#define NSG_SNAPSHOT_SNAPSHOT_H

#include "azure/load.h"
#include "classify/image.h"
#include "model/effective.h"
#include "util/diag.h"

struct nsg_snapshot {
	struct nsg_policy *policy;
	struct nsg_effective *effective;
	struct nsg_image *image;
};

struct nsg_snapshot_options {
	struct nsg_load_options load; /* `partial` is always set */
	struct nsg_options effective;
};

/*
 * Loads, validates and compiles. `before` (or NULL) is the snapshot to be replaced: unchanged parts
 * are taken from it, and a change that Azure does not allow on a live integration is an error.
 * Every problem is a diagnostic. -EINVAL: the policy has errors; -ENOMEM, -errno.
 */
int nsg_snapshot_load(const char *directory, const struct nsg_snapshot_options *options,
		      const struct nsg_snapshot *before, struct nsg_diag *diag,
		      struct nsg_snapshot **ret);

/*
 * The same documents with other options, usually other live routes: they are not read again. Shares
 * the policy of `before`, and does not look at a running thread's data: any thread may call it.
 * Errors like nsg_snapshot_load().
 */
int nsg_snapshot_update(const struct nsg_snapshot *before, const struct nsg_options *options,
			struct nsg_diag *diag, struct nsg_snapshot **ret);

/* NULL is fine; returns NULL. */
struct nsg_snapshot *nsg_snapshot_free(struct nsg_snapshot *s);

#endif
