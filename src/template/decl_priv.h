/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The resources that a template declares: copies made, conditions decided, names known. */
#ifndef NSG_TEMPLATE_DECL_PRIV_H
#define NSG_TEMPLATE_DECL_PRIV_H

#include "template/scope_priv.h"

enum nsg_decl_class {
	NSG_DECL_OTHER, /* a type nsgd has no use for */
	NSG_DECL_READ,
	NSG_DECL_DEPLOYMENT,
};

struct nsg_decl {
	struct nsg_scope *scope;
	json_t *body;	     /* borrowed from the template */
	const char *pointer; /* of the body in the main template */
	const char *symbol;  /* its symbolic name, NULL: none */
	int64_t copy;	     /* which of its copies; -1: it has no loop */
	const struct nsg_loop *loop;
	const char *type, *name; /* whole ones; name NULL: not known */
	char *id;		 /* NULL without a name */
	enum nsg_decl_class class;
	bool existing, deployed; /* deployed false: its condition is false */
	bool failed;		 /* and reported */
	struct nsg_scope *child; /* of a deployment */
	struct nsg_decl *next;
};

/*
 * Fills scope->decls. What is wrong with one is reported and marked in it; fails for the limits,
 * and when a declaration needs the list that is being made.
 */
int nsg_decls_make(struct nsg_eval *ev, struct nsg_scope *scope);
/* Where expressions in the body of a declaration are evaluated. */
struct nsg_frame nsg_decl_frame(const struct nsg_decl *d, const struct nsg_frame *from);
/* What nsgd does with a type, in any case. */
enum nsg_decl_class nsg_decl_classify(const char *type);

/* The part of an id before "/providers/". */
struct nsg_id_prefix {
	char text[400];
};
struct nsg_id_prefix nsg_scope_prefix(const struct nsg_scope *s);

#endif
