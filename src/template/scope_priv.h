/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A template with its given parameters: the main one, or that of a nested deployment. Parameters,
 * variables and outputs are bindings, each evaluated once, on first use.
 */
#ifndef NSG_TEMPLATE_SCOPE_PRIV_H
#define NSG_TEMPLATE_SCOPE_PRIV_H

#include "template/eval_priv.h"

/*
 * Stand-ins for the place of deployment, which a template does not define. They are removed from
 * the result: of an id in the stand-in subscription or group only the known tail is written, and
 * the stand-in location is left out.
 */
#define NSG_STAND_IN_SUBSCRIPTION "00000000-0000-0000-0000-000000000000"
#define NSG_STAND_IN_GROUP "resource-group"
#define NSG_STAND_IN_LOCATION "resourcegrouplocation"

enum nsg_level {
	NSG_LEVEL_GROUP,
	NSG_LEVEL_SUBSCRIPTION,
	NSG_LEVEL_TENANT, /* and management groups */
};

enum nsg_binding_kind {
	NSG_BINDING_PARAMETER,
	NSG_BINDING_VARIABLE,
	NSG_BINDING_VARIABLE_COPY, /* decl is an element of the "copy" list */
	NSG_BINDING_OUTPUT,
};

struct nsg_binding {
	enum nsg_binding_kind kind;
	const char *name;
	json_t *decl;  /* borrowed from the template; NULL for an argument of a user function */
	json_t *given; /* {"value":…} of a parameter, borrowed, or NULL */
	struct nsg_frame given_frame; /* scope NULL: `given` is plain JSON */
	struct nsg_scope *scope;
	enum { NSG_BINDING_NEW, NSG_BINDING_BUSY, NSG_BINDING_DONE, NSG_BINDING_FAILED } state;
	json_t *value; /* DONE; owned */
	enum nsg_fail fail;
	const char *why; /* FAILED */
	struct nsg_binding *missing;
	bool blamed; /* a parameter without a value is reported once */
	bool secure; /* a secure parameter, or made from one */
	struct nsg_binding *next;
};

/* Sorted by name without regard to case. */
struct nsg_bindings {
	struct nsg_binding **v;
	size_t n;
};

struct nsg_decl;

struct nsg_scope {
	json_t *template;	     /* borrowed */
	const char *pointer;	     /* of the template in the main one, which is "" */
	struct nsg_scope *parent;    /* of the deployment; NULL: the main template */
	struct nsg_scope *eval;	     /* evaluates its expressions: itself, or an outer one */
	const struct nsg_loop *loop; /* outer scope: the loops around it */
	enum nsg_level level;
	const char *subscription, *group, *name;
	struct nsg_bindings parameters, variables, outputs;
	enum { NSG_DECLS_NEW, NSG_DECLS_BUSY, NSG_DECLS_DONE } decls_state;
	struct nsg_decl *decls, **decls_end; /* in document order */
};

/*
 * Makes the bindings of s->template. `given` holds its parameters ({"x":{"value":…}}, or NULL),
 * evaluated in `frame`; frame->scope NULL: plain JSON.
 */
int nsg_scope_open(struct nsg_eval *ev, struct nsg_scope *s, json_t *given,
		   const struct nsg_frame *frame);
/* The frame for expressions of the scope's template. */
struct nsg_frame nsg_scope_frame(struct nsg_scope *s, const struct nsg_frame *from);

struct nsg_binding *nsg_bindings_find(const struct nsg_bindings *b, const char *name);
/* The binding's value, evaluated on first use. */
int nsg_binding_value(struct nsg_eval *ev, struct nsg_binding *b, json_t **ret);
void nsg_bindings_done(struct nsg_binding *all);

/* Calls namespace.function of the template's `functions`; *ret_known false: not defined. */
int nsg_scope_call(struct nsg_eval *ev, const char *name, json_t **args, size_t n, bool *ret_known,
		   json_t **ret);

#endif
