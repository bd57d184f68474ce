/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Turns declared resources into plain documents. */
#ifndef NSG_TEMPLATE_EMIT_PRIV_H
#define NSG_TEMPLATE_EMIT_PRIV_H

#include "template/decl_priv.h"
#include "util/flat_resource.h"
#include "util/json.h"
#include "util/vec.h"

/* A skipped type and its first place, both in the evaluation's arena; not deployed: by a false condition. */
struct nsg_skipped {
	const char *type, *pointer;
	bool not_deployed;
};

/* A resource: its declaration and its evaluated members. */
struct nsg_emitted {
	const struct nsg_decl *decl;
	json_t *members; /* owned */
};

struct nsg_emit {
	struct nsg_eval *ev;
	NSG_VEC(struct nsg_emitted) emitted;
	NSG_VEC(struct nsg_skipped) skipped;
};

/*
 * Emits the resources of a scope and of its nested deployments. Problems are diagnostics; fails at
 * a limit and when out of memory.
 */
int nsg_emit_scope(struct nsg_emit *em, struct nsg_scope *s);
/* The plain documents of the emitted resources; *ret is malloc'ed. -ENOMEM, or -EINVAL at a
 * limit. */
int nsg_emit_finish(struct nsg_emit *em, struct nsg_flat_resource **ret, size_t *ret_n);
void nsg_emit_done(struct nsg_emit *em);

#endif
