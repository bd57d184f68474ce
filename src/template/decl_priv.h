/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The resources that a template declares, with copies, conditions and names evaluated. */
#ifndef NSG_TEMPLATE_DECL_PRIV_H
#define NSG_TEMPLATE_DECL_PRIV_H

#include "template/scope_priv.h"

enum nsg_decl_class {
	NSG_DECL_OTHER, /* a type that nsgd does not use */
	NSG_DECL_READ,
	NSG_DECL_DEPLOYMENT,
};

struct nsg_decl {
	struct nsg_scope *scope;
	json_t *body;	     /* borrowed from the template */
	const char *pointer; /* of the body in the main template */
	const char *symbol;  /* its symbolic name, NULL: none */
	int64_t copy;	     /* the index of the copy; -1: no loop */
	const struct nsg_loop *loop;
	const char *type, *name; /* complete; name NULL: unknown */
	char *id;		 /* NULL without a name */
	enum nsg_decl_class class;
	bool existing, deployed; /* deployed false: its condition is false */
	bool failed;		 /* and was reported */
	struct nsg_scope *child; /* of a deployment */
	struct nsg_decl *next;
};

/*
 * Fills scope->decls. An invalid declaration is reported and marked as failed. -ENOMEM, or -EINVAL
 * at a limit and when called while the list is being made.
 */
int nsg_decls_make(struct nsg_eval *ev, struct nsg_scope *scope);
/* The frame for expressions in the body of a declaration. */
struct nsg_frame nsg_decl_frame(const struct nsg_decl *d, const struct nsg_frame *from);
/* Types are compared without regard to case. */
enum nsg_decl_class nsg_decl_classify(const char *type);

/* The part of an id before "/providers/". */
struct nsg_id_prefix {
	char text[400];
};
struct nsg_id_prefix nsg_scope_prefix(const struct nsg_scope *s);

#endif
