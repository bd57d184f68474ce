/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables `ip INSTANCE` and `ip6 INSTANCE` as an object of the kernel: desired, apply, clear, and the changes of a
 * part of it. Nothing of it is read back but counters (status.c): it is put whole, in one
 * transaction. What is in them: ruleset.h and
 * ip6.h.
 */
#ifndef NSG_KERNEL_TABLE_H
#define NSG_KERNEL_TABLE_H

#include "kernel/kernel_priv.h"
#include "kernel/nft_batch.h"

/* The whole table; with or without creating its hooks. */
void nsg_table_put(struct nsg_nft_batch *b, const struct nsg_kernel *k, bool hooks);
/* The whole table, for a kernel that has all base chains and some or all of the rest. */
void nsg_table_desired(struct nsg_nft_batch *b, const struct nsg_kernel *k);
/* The same, deleted first. Packets queued by the old table are dropped. */
void nsg_table_desired_anew(struct nsg_nft_batch *b, const struct nsg_kernel *k);

/* Makes the table what it should be. `anew` deletes it first, in the same transaction; else that is
 * only done when it cannot be changed in place, e.g. since a base chain is missing or a set has
 * another type. -errno. */
int nsg_table_apply(struct nsg_kernel *k, bool anew, struct nsg_diag *diag);
/* The same for a table of any layout, e.g. of an earlier version or another conf: its rules, sets and
 * regular chains are replaced, its hooks stay, so that no queued packet is dropped. -errno. */
int nsg_table_replace(struct nsg_kernel *k, struct nsg_diag *diag);
/* Deletes it; a missing table is not an error. -errno. */
int nsg_table_clear(struct nsg_kernel *k, struct nsg_diag *diag);
/* A table of any layout drops all captured packets silently, also those of decided flows, and decides
 * nothing by itself; a missing table is not an error. -errno. */
int nsg_table_silence(struct nsg_kernel *k);

/* Of an instance that was renamed: the table of the other name, which nsg_table_clear and
 * nsg_table_silence are also about. */
void nsg_table_delete_former(struct nsg_nft_batch *b, const struct nsg_kernel *k);

/* One transaction that changes a part of the table. An error is a diagnostic that begins with
 * `purpose` (diag may be NULL). -ENOENT: the part is not there. -errno. */
typedef void (*nsg_table_fill)(struct nsg_nft_batch *b, const struct nsg_kernel *k);
int nsg_table_change(struct nsg_kernel *k, const char *purpose, nsg_table_fill fill,
		     struct nsg_diag *diag);

/* The parts. */
/* A reload's: the generation, no denied flows, multicast and timeouts. */
void nsg_table_put_policy(struct nsg_nft_batch *b, const struct nsg_kernel *k);
/* The next hops that only the image being prepared uses; and those that no image uses. */
void nsg_table_add_new_hops(struct nsg_nft_batch *b, const struct nsg_kernel *k);
void nsg_table_remove_idle_hops(struct nsg_nft_batch *b, const struct nsg_kernel *k);

/* The table has the present paths of the next hops. */
void nsg_table_note_paths(struct nsg_kernel *k);
/* The paths of the next hops, if the table has others. -errno. */
int nsg_table_apply_paths(struct nsg_kernel *k, struct nsg_diag *diag);

/* Which of nft's queue expression and the xt target the kernel has: by creating a table of its own
 * and deleting it in the same transaction. */
int nsg_table_probe(struct nsg_kernel *k, bool native_queue);
/* Whether it has `socket cgroupv2`. */
int nsg_table_probe_sockets(struct nsg_kernel *k);
/* Whether it has the family ip6, with `reject` also an error as the answer. */
int nsg_table_probe_ip6(struct nsg_kernel *k, bool reject);

#endif
