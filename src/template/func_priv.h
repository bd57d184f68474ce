/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions of the language, by topic. Names compare without regard to case; each function gets
 * its arguments evaluated, except the lazy ones, which evaluate what they need of c->e->args.
 */
#ifndef NSG_TEMPLATE_FUNC_PRIV_H
#define NSG_TEMPLATE_FUNC_PRIV_H

#include <stdlib.h>

#include "template/eval_priv.h"

struct nsg_call {
	const struct nsg_expr *e;
	const char *name;
	json_t **args; /* n of them, borrowed; NULL of a lazy function */
	size_t n;
};

typedef int nsg_func(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret);

int nsg_func_call(struct nsg_eval *ev, const struct nsg_expr *e, json_t **ret);
/* Whether the call is of the function of that name, with or without its namespace. */
bool nsg_func_is(const struct nsg_expr *e, const char *name);

/* A text that grows; each byte is paid for. Zero-initialise to begin. */
struct nsg_text {
	char *v;
	size_t n, room;
};

int nsg_text_add(struct nsg_eval *ev, struct nsg_text *t, const char *s, size_t n);
int nsg_text_give(const struct nsg_text *t, json_t **ret);
static inline void nsg_text_done(struct nsg_text *t)
{
	free(t->v);
}

#define cleanup_text __attribute__((cleanup(nsg_text_done)))

/* An argument of the type, or the failure that names the function. The text is borrowed. */
int nsg_func_text(struct nsg_eval *ev, const struct nsg_call *c, size_t i, const char **ret);
int nsg_func_integer(struct nsg_eval *ev, const struct nsg_call *c, size_t i, int64_t *ret);
/* The failure "name() takes …, not …" for argument i. */
int nsg_func_refuse(struct nsg_eval *ev, const struct nsg_call *c, size_t i, const char *takes);
/* A node's value, which must be a boolean. */
int nsg_func_boolean(struct nsg_eval *ev, const struct nsg_call *c, size_t i, bool *ret);
/* Deep equality, paid for. */
int nsg_func_equal(struct nsg_eval *ev, json_t *a, json_t *b, bool *ret);
/* What string() makes of a value, behind a text. */
int nsg_func_to_text(struct nsg_eval *ev, json_t *value, struct nsg_text *t);

/* func_logic.c */
nsg_func nsg_func_and, nsg_func_bool, nsg_func_coalesce, nsg_func_equals, nsg_func_false,
    nsg_func_greater, nsg_func_if, nsg_func_not, nsg_func_null, nsg_func_or, nsg_func_true,
    nsg_func_tryget;
/* func_number.c */
nsg_func nsg_func_add, nsg_func_int, nsg_func_max, nsg_func_range;
/* func_string.c */
nsg_func nsg_func_case, nsg_func_ends, nsg_func_indexof, nsg_func_join, nsg_func_padleft,
    nsg_func_replace, nsg_func_split, nsg_func_string, nsg_func_substring, nsg_func_trim;
/* The bytes of the first `characters` of a text, or of all it has. */
size_t nsg_func_prefix(const char *text, int64_t characters);
int64_t nsg_func_characters(const char *text);
/* func_format.c */
nsg_func nsg_func_format;
/* func_list.c */
nsg_func nsg_func_array, nsg_func_concat, nsg_func_contains, nsg_func_createarray,
    nsg_func_createobject, nsg_func_empty, nsg_func_first, nsg_func_flatten, nsg_func_intersection,
    nsg_func_items, nsg_func_json, nsg_func_length, nsg_func_objectkeys, nsg_func_take,
    nsg_func_union;
/* func_lambda.c */
nsg_func nsg_func_filter, nsg_func_lambdavariables, nsg_func_map, nsg_func_reduce,
    nsg_func_toobject;
/* func_cidr.c */
nsg_func nsg_func_cidrhost, nsg_func_cidrsubnet, nsg_func_parsecidr;
/* func_scope.c */
nsg_func nsg_func_copyindex, nsg_func_deployment, nsg_func_parameters, nsg_func_resourcegroup,
    nsg_func_subscription, nsg_func_tenant, nsg_func_variables;
/* func_id.c */
nsg_func nsg_func_extensionresourceid, nsg_func_guid, nsg_func_resourceid,
    nsg_func_subscriptionresourceid, nsg_func_tenantresourceid, nsg_func_uniquestring;
/* reference.c */
nsg_func nsg_func_reference, nsg_func_resourceinfo;

#endif
