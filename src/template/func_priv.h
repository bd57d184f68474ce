/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions of the language, by topic. func.c holds their table and checks the number and types
 * of the arguments before the call. Lazy functions get no arguments and evaluate c->e->args
 * themselves.
 */
#ifndef NSG_TEMPLATE_FUNC_PRIV_H
#define NSG_TEMPLATE_FUNC_PRIV_H

#include <stdlib.h>

#include "template/eval_priv.h"

/* Which of several functions is called, where one routine serves them. */
enum nsg_op {
	NSG_OP_NONE,
	NSG_OP_ADD,
	NSG_OP_AND,
	NSG_OP_DIV,
	NSG_OP_ENDS,
	NSG_OP_FALSE,
	NSG_OP_FIRST,
	NSG_OP_GREATER,
	NSG_OP_GREATER_EQUAL,
	NSG_OP_ITEMS,
	NSG_OP_KEYS,
	NSG_OP_LAST,
	NSG_OP_LESS,
	NSG_OP_LESS_EQUAL,
	NSG_OP_LOWER,
	NSG_OP_MAX,
	NSG_OP_MIN,
	NSG_OP_MOD,
	NSG_OP_MUL,
	NSG_OP_NULL,
	NSG_OP_OR,
	NSG_OP_SKIP,
	NSG_OP_STARTS,
	NSG_OP_SUB,
	NSG_OP_TAKE,
	NSG_OP_TRUE,
	NSG_OP_UPPER,
};

struct nsg_call;
typedef int nsg_func(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret);

struct nsg_call {
	const struct nsg_expr *e;
	const char *name; /* as written, without its namespace */
	enum nsg_op op;
	nsg_func *run;
	size_t n;
	json_t *list;  /* the arguments, owned; NULL of a lazy function */
	json_t **args; /* the same, owned except for its elements */
};

/* Finds the function and evaluates its arguments. nsg_call_done frees *c in every case. */
int nsg_call_prepare(struct nsg_eval *ev, const struct nsg_expr *e, struct nsg_call *c);
void nsg_call_done(struct nsg_call *c);

#define cleanup_call __attribute__((cleanup(nsg_call_done)))

int nsg_func_call(struct nsg_eval *ev, const struct nsg_expr *e, json_t **ret);
/* Whether the call is of the function of that name, with or without its namespace. */
bool nsg_func_is(const struct nsg_expr *e, const char *name);

/* The failure "name() takes …, not …" for argument i. */
int nsg_func_refuse(struct nsg_eval *ev, const struct nsg_call *c, size_t i, const char *takes);
/* Deep equality, paid for. */
int nsg_func_equal(struct nsg_eval *ev, json_t *a, json_t *b, bool *ret);

/* func_logic.c */
nsg_func nsg_func_andor, nsg_func_bool, nsg_func_coalesce, nsg_func_compare, nsg_func_constant,
    nsg_func_equals, nsg_func_if, nsg_func_not, nsg_func_tryget;
/* func_number.c */
nsg_func nsg_func_arithmetic, nsg_func_extreme, nsg_func_int, nsg_func_range;
/* func_string.c */
nsg_func nsg_func_affix, nsg_func_case, nsg_func_index, nsg_func_join, nsg_func_padleft,
    nsg_func_replace, nsg_func_split, nsg_func_string, nsg_func_substring, nsg_func_trim;
/* func_format.c */
nsg_func nsg_func_format;
/* func_list.c */
nsg_func nsg_func_array, nsg_func_concat, nsg_func_contains, nsg_func_createarray,
    nsg_func_createobject, nsg_func_empty, nsg_func_end, nsg_func_flatten, nsg_func_intersection,
    nsg_func_json, nsg_func_length, nsg_func_members, nsg_func_part, nsg_func_shallowmerge,
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
