/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Declared resources become plain documents. */
#ifndef NSG_TEMPLATE_EMIT_PRIV_H
#define NSG_TEMPLATE_EMIT_PRIV_H

#include "template/decl_priv.h"
#include "util/flat_resource.h"
#include "util/json.h"
#include "util/vec.h"

/* A type that is left out, and where it comes first; both in the evaluation's arena. */
struct nsg_skipped {
	const char *type, *pointer;
};

/* A resource: its declaration and what its members came to. */
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
 * All resources of a scope and of the deployments in it. Problems are diagnostics; fails for the
 * limits and when memory is out.
 */
int nsg_emit_scope(struct nsg_emit *em, struct nsg_scope *s);
/* Plain documents of all that were emitted; *ret is malloc'ed. -ENOMEM, or the limits. */
int nsg_emit_finish(struct nsg_emit *em, struct nsg_flat_resource **ret, size_t *ret_n);
void nsg_emit_done(struct nsg_emit *em);

#endif
