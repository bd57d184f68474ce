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
	return nsg_eval_fail(ev, NSG_FAIL_LIVE, "%s() is known only when it is deployed", c->name);
}

/* Sorted by name, in lower case. */
static const struct function {
	const char *name;
	size_t min, max;
	bool lazy;
	nsg_func *call;
} functions[] = {
    {"add", 2, 2, false, nsg_func_add},
    {"and", 2, ANY, true, nsg_func_and},
    {"array", 1, 1, false, nsg_func_array},
    {"bool", 1, 1, false, nsg_func_bool},
    {"cidrhost", 2, 2, false, nsg_func_cidrhost},
    {"cidrsubnet", 3, 3, false, nsg_func_cidrsubnet},
    {"coalesce", 1, ANY, true, nsg_func_coalesce},
    {"concat", 1, ANY, false, nsg_func_concat},
    {"contains", 2, 2, false, nsg_func_contains},
    {"copyindex", 0, 2, false, nsg_func_copyindex},
    {"createarray", 0, ANY, false, nsg_func_createarray},
    {"createobject", 0, ANY, false, nsg_func_createobject},
    {"deployment", 0, 0, false, nsg_func_deployment},
    {"div", 2, 2, false, nsg_func_add},
    {"empty", 1, 1, false, nsg_func_empty},
    {"endswith", 2, 2, false, nsg_func_ends},
    {"environment", 0, 0, false, live},
    {"equals", 2, 2, false, nsg_func_equals},
    {"extensionresourceid", 3, ANY, false, nsg_func_extensionresourceid},
    {"false", 0, 0, false, nsg_func_false},
    {"filter", 2, 2, true, nsg_func_filter},
    {"first", 1, 1, false, nsg_func_first},
    {"flatten", 1, 1, false, nsg_func_flatten},
    {"format", 1, ANY, false, nsg_func_format},
    {"greater", 2, 2, false, nsg_func_greater},
    {"greaterorequals", 2, 2, false, nsg_func_greater},
    {"guid", 1, ANY, false, nsg_func_guid},
    {"if", 3, 3, true, nsg_func_if},
    {"indexof", 2, 2, false, nsg_func_indexof},
    {"int", 1, 1, false, nsg_func_int},
    {"intersection", 2, ANY, false, nsg_func_intersection},
    {"items", 1, 1, false, nsg_func_items},
    {"join", 2, 2, false, nsg_func_join},
    {"json", 1, 1, false, nsg_func_json},
    {"lambdavariables", 1, 1, false, nsg_func_lambdavariables},
    {"last", 1, 1, false, nsg_func_first},
    {"lastindexof", 2, 2, false, nsg_func_indexof},
    {"length", 1, 1, false, nsg_func_length},
    {"less", 2, 2, false, nsg_func_greater},
    {"lessorequals", 2, 2, false, nsg_func_greater},
    {"map", 2, 2, true, nsg_func_map},
    {"max", 1, ANY, false, nsg_func_max},
    {"min", 1, ANY, false, nsg_func_max},
    {"mod", 2, 2, false, nsg_func_add},
    {"mul", 2, 2, false, nsg_func_add},
    {"newguid", 0, 0, false, live},
    {"not", 1, 1, true, nsg_func_not},
    {"null", 0, 0, false, nsg_func_null},
    {"objectkeys", 1, 1, false, nsg_func_objectkeys},
    {"or", 2, ANY, true, nsg_func_or},
    {"padleft", 2, 3, false, nsg_func_padleft},
    {"parameters", 1, 1, false, nsg_func_parameters},
    {"parsecidr", 1, 1, false, nsg_func_parsecidr},
    {"pickzones", 3, 5, false, live},
    {"providers", 1, 2, false, live},
    {"range", 2, 2, false, nsg_func_range},
    {"reduce", 3, 3, true, nsg_func_reduce},
    {"reference", 1, 3, false, nsg_func_reference},
    {"references", 1, 3, false, live},
    {"replace", 3, 3, false, nsg_func_replace},
    {"resourcegroup", 0, 0, false, nsg_func_resourcegroup},
    {"resourceid", 2, ANY, false, nsg_func_resourceid},
    {"resourceinfo", 1, 1, false, nsg_func_resourceinfo},
    {"shallowmerge", 1, 1, false, nsg_func_union},
    {"skip", 2, 2, false, nsg_func_take},
    {"split", 2, 2, false, nsg_func_split},
    {"startswith", 2, 2, false, nsg_func_ends},
    {"string", 1, 1, false, nsg_func_string},
    {"sub", 2, 2, false, nsg_func_add},
    {"subscription", 0, 0, false, nsg_func_subscription},
    {"subscriptionresourceid", 2, ANY, false, nsg_func_subscriptionresourceid},
    {"substring", 2, 3, false, nsg_func_substring},
    {"take", 2, 2, false, nsg_func_take},
    {"tenant", 0, 0, false, nsg_func_tenant},
    {"tenantresourceid", 2, ANY, false, nsg_func_tenantresourceid},
    {"tolower", 1, 1, false, nsg_func_case},
    {"toobject", 2, 3, true, nsg_func_toobject},
    {"toupper", 1, 1, false, nsg_func_case},
    {"trim", 1, 1, false, nsg_func_trim},
    {"true", 0, 0, false, nsg_func_true},
    {"tryget", 2, ANY, true, nsg_func_tryget},
    {"union", 1, ANY, false, nsg_func_union},
    {"uniquestring", 1, ANY, false, nsg_func_uniquestring},
    {"utcnow", 0, 1, false, live},
    {"variables", 1, 1, false, nsg_func_variables},
};

static int compare(const void *key, const void *function)
{
	return strcasecmp(key, ((const struct function *)function)->name);
}

/* Bicep writes sys.concat() and az.resourceGroup() where a name of the template's hides them. */
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

static int call_unknown(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	if (!strncasecmp(c->name, "list", 4))
		return live(ev, c, ret);
	return nsg_eval_fail(ev, NSG_FAIL_INVALID, "the function %.60s() is not known here",
			     c->name);
}

static int call_own(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	bool known = false;
	int r = nsg_scope_call(ev, c->name, c->args, c->n, &known, ret);

	return known || r ? r : call_unknown(ev, c, ret);
}

static int call_eager(struct nsg_eval *ev, const struct function *f, struct nsg_call *c,
		      json_t **ret)
{
	/* an array as owner of the arguments: one thing to give up, however far it gets */
	cleanup_json json_t *owner = json_array();
	cleanup_free json_t **args = calloc(c->e->n_args + 1, sizeof(json_t *));
	int r = owner && args ? 0 : -ENOMEM;

	for (size_t i = 0; i < c->e->n_args && !r; i++) {
		r = nsg_eval_node(ev, c->e->args[i], &args[i]);
		if (!r)
			r = nsg_eval_append(owner, args[i]);
	}
	if (r)
		return r;
	c->args = args;
	c->n = c->e->n_args;
	return f ? f->call(ev, c, ret) : call_own(ev, c, ret);
}

int nsg_func_call(struct nsg_eval *ev, const struct nsg_expr *e, json_t **ret)
{
	struct nsg_call c = {.e = e, .name = e->text, .n = e->n_args};
	const struct function *f =
	    bsearch(without_namespace(e->text), functions, NSG_ARRAY_SIZE(functions),
		    sizeof(functions[0]), compare);

	if (f && (e->n_args < f->min || e->n_args > f->max))
		return nsg_eval_fail(ev, NSG_FAIL_INVALID, "%s() has %zu arguments: too %s",
				     e->text, e->n_args, e->n_args < f->min ? "few" : "many");
	/* a template's own have a namespace; what an unknown one is given tells nothing */
	if (!f && !strchr(without_namespace(e->text), '.'))
		return call_unknown(ev, &c, ret);
	if (f)
		c.name = without_namespace(e->text);
	return f && f->lazy ? f->call(ev, &c, ret) : call_eager(ev, f, &c, ret);
}

/* ---- arguments ----------------------------------------------------------------------------- */

int nsg_func_refuse(struct nsg_eval *ev, const struct nsg_call *c, size_t i, const char *takes)
{
	return nsg_eval_fail(ev, NSG_FAIL_INVALID, "%s() takes %s, not %s", c->name, takes,
			     nsg_eval_type(c->args[i]));
}

int nsg_func_text(struct nsg_eval *ev, const struct nsg_call *c, size_t i, const char **ret)
{
	if (!json_is_string(c->args[i]))
		return nsg_func_refuse(ev, c, i, "a string");
	*ret = json_string_value(c->args[i]);
	return 0;
}

int nsg_func_integer(struct nsg_eval *ev, const struct nsg_call *c, size_t i, int64_t *ret)
{
	if (!json_is_integer(c->args[i]))
		return nsg_func_refuse(ev, c, i, "a whole number");
	*ret = json_integer_value(c->args[i]);
	return 0;
}

int nsg_func_boolean(struct nsg_eval *ev, const struct nsg_call *c, size_t i, bool *ret)
{
	cleanup_json json_t *value = NULL;
	int r = nsg_eval_node(ev, c->e->args[i], &value);

	if (r)
		return r;
	if (!json_is_boolean(value))
		return nsg_eval_fail(ev, NSG_FAIL_INVALID, "%s() takes a boolean, not %s", c->name,
				     nsg_eval_type(value));
	*ret = json_is_true(value);
	return 0;
}

int nsg_func_equal(struct nsg_eval *ev, json_t *a, json_t *b, bool *ret)
{
	int r = nsg_eval_walk(ev, a);

	if (!r)
		*ret = json_equal(a, b) == 1;
	return r;
}
