/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "template/func_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "template/scope_priv.h"
#include "util/cleanup.h"
#include "util/macro.h"

#define ANY SIZE_MAX

static int live(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	(void)ret;
	return nsg_eval_fail(ev, NSG_FAIL_LIVE, "%s() is known only after deployment", c->name);
}

/*
 * Sorted by name, in lower case. `types` has a letter per argument, the last one for all that
 * follow: (s)tring, (i)nteger, (a)rray, (o)bject, l: array or string, *: checked by the function
 * itself. NULL marks a lazy function.
 */
static const struct function {
	const char *name;
	size_t min, max;
	const char *types;
	nsg_func *run;
	enum nsg_op op;
} functions[] = {
    {"add", 2, 2, "ii", nsg_func_arithmetic, NSG_OP_ADD},
    {"and", 2, ANY, NULL, nsg_func_andor, NSG_OP_AND},
    {"array", 1, 1, "*", nsg_func_array, NSG_OP_NONE},
    {"bool", 1, 1, "*", nsg_func_bool, NSG_OP_NONE},
    {"cidrhost", 2, 2, "si", nsg_func_cidrhost, NSG_OP_NONE},
    {"cidrsubnet", 3, 3, "sii", nsg_func_cidrsubnet, NSG_OP_NONE},
    {"coalesce", 1, ANY, NULL, nsg_func_coalesce, NSG_OP_NONE},
    {"concat", 1, ANY, "*", nsg_func_concat, NSG_OP_NONE},
    {"contains", 2, 2, "*", nsg_func_contains, NSG_OP_NONE},
    {"copyindex", 0, 2, "*", nsg_func_copyindex, NSG_OP_NONE},
    {"createarray", 0, ANY, "*", nsg_func_createarray, NSG_OP_NONE},
    {"createobject", 0, ANY, "*", nsg_func_createobject, NSG_OP_NONE},
    {"deployment", 0, 0, "", nsg_func_deployment, NSG_OP_NONE},
    {"div", 2, 2, "ii", nsg_func_arithmetic, NSG_OP_DIV},
    {"empty", 1, 1, "*", nsg_func_empty, NSG_OP_NONE},
    {"endswith", 2, 2, "s", nsg_func_affix, NSG_OP_ENDS},
    {"environment", 0, 0, "", live, NSG_OP_NONE},
    {"equals", 2, 2, "*", nsg_func_equals, NSG_OP_NONE},
    {"extensionresourceid", 3, ANY, "s", nsg_func_extensionresourceid, NSG_OP_NONE},
    {"false", 0, 0, "", nsg_func_constant, NSG_OP_FALSE},
    {"filter", 2, 2, NULL, nsg_func_filter, NSG_OP_NONE},
    {"first", 1, 1, "l", nsg_func_end, NSG_OP_FIRST},
    {"flatten", 1, 1, "*", nsg_func_flatten, NSG_OP_NONE},
    {"format", 1, ANY, "s*", nsg_func_format, NSG_OP_NONE},
    {"greater", 2, 2, "*", nsg_func_compare, NSG_OP_GREATER},
    {"greaterorequals", 2, 2, "*", nsg_func_compare, NSG_OP_GREATER_EQUAL},
    {"guid", 1, ANY, "s", nsg_func_guid, NSG_OP_NONE},
    {"if", 3, 3, NULL, nsg_func_if, NSG_OP_NONE},
    {"indexof", 2, 2, "s", nsg_func_index, NSG_OP_FIRST},
    {"int", 1, 1, "*", nsg_func_int, NSG_OP_NONE},
    {"intersection", 2, ANY, "*", nsg_func_intersection, NSG_OP_NONE},
    {"items", 1, 1, "o", nsg_func_members, NSG_OP_ITEMS},
    {"join", 2, 2, "as", nsg_func_join, NSG_OP_NONE},
    {"json", 1, 1, "s", nsg_func_json, NSG_OP_NONE},
    {"lambdavariables", 1, 1, "s", nsg_func_lambdavariables, NSG_OP_NONE},
    {"last", 1, 1, "l", nsg_func_end, NSG_OP_LAST},
    {"lastindexof", 2, 2, "s", nsg_func_index, NSG_OP_LAST},
    {"length", 1, 1, "*", nsg_func_length, NSG_OP_NONE},
    {"less", 2, 2, "*", nsg_func_compare, NSG_OP_LESS},
    {"lessorequals", 2, 2, "*", nsg_func_compare, NSG_OP_LESS_EQUAL},
    {"map", 2, 2, NULL, nsg_func_map, NSG_OP_NONE},
    {"max", 1, ANY, "*", nsg_func_extreme, NSG_OP_MAX},
    {"min", 1, ANY, "*", nsg_func_extreme, NSG_OP_MIN},
    {"mod", 2, 2, "ii", nsg_func_arithmetic, NSG_OP_MOD},
    {"mul", 2, 2, "ii", nsg_func_arithmetic, NSG_OP_MUL},
    {"newguid", 0, 0, "", live, NSG_OP_NONE},
    {"not", 1, 1, NULL, nsg_func_not, NSG_OP_NONE},
    {"null", 0, 0, "", nsg_func_constant, NSG_OP_NULL},
    {"objectkeys", 1, 1, "o", nsg_func_members, NSG_OP_KEYS},
    {"or", 2, ANY, NULL, nsg_func_andor, NSG_OP_OR},
    {"padleft", 2, 3, "*is", nsg_func_padleft, NSG_OP_NONE},
    {"parameters", 1, 1, "s", nsg_func_parameters, NSG_OP_NONE},
    {"parsecidr", 1, 1, "s", nsg_func_parsecidr, NSG_OP_NONE},
    {"pickzones", 3, 5, "*", live, NSG_OP_NONE},
    {"providers", 1, 2, "*", live, NSG_OP_NONE},
    {"range", 2, 2, "ii", nsg_func_range, NSG_OP_NONE},
    {"reduce", 3, 3, NULL, nsg_func_reduce, NSG_OP_NONE},
    {"reference", 1, 3, "s*", nsg_func_reference, NSG_OP_NONE},
    {"references", 1, 3, "*", live, NSG_OP_NONE},
    {"replace", 3, 3, "s", nsg_func_replace, NSG_OP_NONE},
    {"resourcegroup", 0, 0, "", nsg_func_resourcegroup, NSG_OP_NONE},
    {"resourceid", 2, ANY, "s", nsg_func_resourceid, NSG_OP_NONE},
    {"resourceinfo", 1, 1, "s", nsg_func_resourceinfo, NSG_OP_NONE},
    {"shallowmerge", 1, 1, "a", nsg_func_shallowmerge, NSG_OP_NONE},
    {"skip", 2, 2, "li", nsg_func_part, NSG_OP_SKIP},
    {"split", 2, 2, "s*", nsg_func_split, NSG_OP_NONE},
    {"startswith", 2, 2, "s", nsg_func_affix, NSG_OP_STARTS},
    {"string", 1, 1, "*", nsg_func_string, NSG_OP_NONE},
    {"sub", 2, 2, "ii", nsg_func_arithmetic, NSG_OP_SUB},
    {"subscription", 0, 0, "", nsg_func_subscription, NSG_OP_NONE},
    {"subscriptionresourceid", 2, ANY, "s", nsg_func_subscriptionresourceid, NSG_OP_NONE},
    {"substring", 2, 3, "sii", nsg_func_substring, NSG_OP_NONE},
    {"take", 2, 2, "li", nsg_func_part, NSG_OP_TAKE},
    {"tenant", 0, 0, "", nsg_func_tenant, NSG_OP_NONE},
    {"tenantresourceid", 2, ANY, "s", nsg_func_tenantresourceid, NSG_OP_NONE},
    {"tolower", 1, 1, "s", nsg_func_case, NSG_OP_LOWER},
    {"toobject", 2, 3, NULL, nsg_func_toobject, NSG_OP_NONE},
    {"toupper", 1, 1, "s", nsg_func_case, NSG_OP_UPPER},
    {"trim", 1, 1, "s", nsg_func_trim, NSG_OP_NONE},
    {"true", 0, 0, "", nsg_func_constant, NSG_OP_TRUE},
    {"tryget", 2, ANY, NULL, nsg_func_tryget, NSG_OP_NONE},
    {"union", 1, ANY, "*", nsg_func_union, NSG_OP_NONE},
    {"uniquestring", 1, ANY, "s", nsg_func_uniquestring, NSG_OP_NONE},
    {"utcnow", 0, 1, "*", live, NSG_OP_NONE},
    {"variables", 1, 1, "s", nsg_func_variables, NSG_OP_NONE},
};

static int compare(const void *key, const void *function)
{
	return strcasecmp(key, ((const struct function *)function)->name);
}

/* Bicep writes sys.concat() and az.resourceGroup() where a name in the template shadows them. */
static const char *without_namespace(const char *name)
{
	if (!strncasecmp(name, "sys.", 4))
		return name + 4;
	return strncasecmp(name, "az.", 3) ? name : name + 3;
}

bool nsg_func_is(const struct nsg_expr *e, const char *name)
{
	return e->kind == NSG_EXPR_CALL && !strcasecmp(without_namespace(e->text), name);
}

static int unknown(struct nsg_eval *ev, const struct nsg_call *c)
{
	if (!strncasecmp(c->name, "list", 4))
		return live(ev, c, NULL);
	return nsg_eval_fail(ev, NSG_FAIL_INVALID, "unknown function %.60s()", c->name);
}

/* A function that the template defines. */
static int run_own(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	bool known = false;
	int r = nsg_scope_call(ev, c->name, c->args, c->n, &known, ret);

	return known || r < 0 ? r : unknown(ev, c);
}

static int evaluate_arguments(struct nsg_eval *ev, struct nsg_call *c)
{
	c->list = json_array();
	c->args = calloc(c->n + 1, sizeof(json_t *));
	if (!c->list || !c->args)
		return -ENOMEM;
	for (size_t i = 0; i < c->n; i++) {
		int r = nsg_eval_node(ev, c->e->args[i], &c->args[i]);

		if (r < 0)
			return r;
		r = nsg_eval_append(c->list, c->args[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_types(struct nsg_eval *ev, const struct nsg_call *c, const char *types)
{
	for (size_t i = 0; i < c->n; i++) {
		const json_t *a = c->args[i];

		switch (*types) {
		case 's':
			if (!json_is_string(a))
				return nsg_func_refuse(ev, c, i, "a string");
			break;
		case 'i':
			if (!json_is_integer(a))
				return nsg_func_refuse(ev, c, i, "an integer");
			break;
		case 'a':
			if (!json_is_array(a))
				return nsg_func_refuse(ev, c, i, "an array");
			break;
		case 'o':
			if (!json_is_object(a))
				return nsg_func_refuse(ev, c, i, "an object");
			break;
		case 'l':
			if (!json_is_array(a) && !json_is_string(a))
				return nsg_func_refuse(ev, c, i, "an array or a string");
			break;
		default:
			break;
		}
		if (types[1])
			types++;
	}
	return 0;
}

int nsg_call_prepare(struct nsg_eval *ev, const struct nsg_expr *e, struct nsg_call *c)
{
	const char *name = without_namespace(e->text);
	const struct function *f =
	    bsearch(name, functions, NSG_ARRAY_SIZE(functions), sizeof(functions[0]), compare);
	int r;

	*c = (struct nsg_call){.e = e, .name = e->text, .n = e->n_args, .run = run_own};
	if (f && (e->n_args < f->min || e->n_args > f->max))
		return nsg_eval_fail(ev, NSG_FAIL_INVALID, "too %s arguments for %s(): %zu",
				     e->n_args < f->min ? "few" : "many", e->text, e->n_args);
	/* the template's own have a namespace */
	if (!f && !strchr(name, '.'))
		return unknown(ev, c);
	if (f) {
		c->name = name;
		c->run = f->run;
		c->op = f->op;
	}
	if (f && !f->types)
		return 0;
	r = evaluate_arguments(ev, c);
	if (r < 0)
		return r;
	return f ? check_types(ev, c, f->types) : 0;
}

void nsg_call_done(struct nsg_call *c)
{
	json_decref(c->list);
	free(c->args);
}

int nsg_func_call(struct nsg_eval *ev, const struct nsg_expr *e, json_t **ret)
{
	cleanup_call struct nsg_call c = {0};
	int r = nsg_call_prepare(ev, e, &c);

	if (r < 0)
		return r;
	return c.run(ev, &c, ret);
}

int nsg_func_refuse(struct nsg_eval *ev, const struct nsg_call *c, size_t i, const char *takes)
{
	return nsg_eval_fail(ev, NSG_FAIL_INVALID, "%s() takes %s, not %s", c->name, takes,
			     nsg_eval_type(c->args[i]));
}

int nsg_func_equal(struct nsg_eval *ev, json_t *a, json_t *b, bool *ret)
{
	int r = nsg_eval_walk(ev, a);

	if (r < 0)
		return r;
	*ret = json_equal(a, b) == 1;
	return 0;
}
