/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy with all that was made of it. Live verbs answer from it; only the image is shared with
 * the workers. */
#ifndef NSG_NSGD_LIVE_H
#define NSG_NSGD_LIVE_H

#include "classify/image.h"
#include "conf/conf.h"
#include "kernel/kernel.h"
#include "model/effective.h"
#include "util/diag.h"

struct live {
	struct nsg_policy *policy;
	struct nsg_effective *effective;
	struct nsg_image *image;
	struct nsg_hop_numbers numbers; /* empty until live_place */
	uint32_t src_host;		/* 0 until live_place */
	uint32_t generation;
	/* Bit g: what generation g allowed stands; its own, and since flows were last forgotten. */
	uint8_t standing;
	struct live *limbo; /* one that had the same fate earlier, see struct daemon */
};

/* conf's policy, loaded, validated, compiled. `before` (or NULL) is the one in force: what did not
 * change is taken from it, and Azure's word on what may follow it counts. Every problem is a
 * diagnostic. -EINVAL: the policy has errors; -ENOMEM, -errno. */
int live_load(const struct nsg_conf *conf, const struct live *before, struct nsg_diag *diag,
	      struct live **ret);

/* What the host makes of it: the next hops' numbers and the source packets are judged with. With
 * `strict` a next hop that cannot be reached is an error. -EINVAL, -ENOMEM, -errno. */
int live_place(struct live *l, const struct nsg_conf *conf, struct nsg_kernel *kernel, bool strict,
	       struct nsg_diag *diag);

/* What going from one to the other means for decided flows (semantics.md section 2, Stateful). */
enum nsg_forget live_forget(const struct live *before, const struct live *after);

/* With all that are in limbo behind it. NULL is fine; returns NULL. */
struct live *live_free(struct live *l);

#endif
