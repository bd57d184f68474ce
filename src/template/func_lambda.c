/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that take lambda('x', expression), in which lambdaVariables('x') is the element. */
#include <errno.h>
#include <strings.h>

#include "template/func_priv.h"
#include "util/cleanup.h"

#define MAX_PARAMETERS 3

struct lambda {
	const struct nsg_expr *body;
	const char *names[MAX_PARAMETERS];
	size_t n;
};

static int parse_lambda(struct nsg_eval *ev, const struct nsg_call *c, size_t i, size_t min,
			struct lambda *ret)
{
	const struct nsg_expr *e = c->e->args[i];

	if (!nsg_func_is(e, "lambda") || e->n_args < min + 1 || e->n_args > MAX_PARAMETERS + 1)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID,
				     "%s() takes a lambda with %zu variable%s", c->name, min,
				     min == 1 ? "" : "s");
	ret->n = e->n_args - 1;
	ret->body = e->args[ret->n];
	for (size_t j = 0; j < ret->n; j++) {
		if (e->args[j]->kind != NSG_EXPR_STRING)
			return nsg_eval_fail(ev, NSG_FAIL_INVALID,
					     "the variables of lambda() must be strings");
		ret->names[j] = e->args[j]->text;
	}
	return 0;
}

/* The body with its variables set to the values, as many as it names. */
static int call_lambda(struct nsg_eval *ev, const struct lambda *l, json_t **values, json_t **ret)
{
	const struct nsg_local *before = ev->frame.local;
	struct nsg_local locals[MAX_PARAMETERS];
	int r;

	for (size_t i = 0; i < l->n; i++) {
		locals[i] = (struct nsg_local){l->names[i], values[i], ev->frame.local};
		ev->frame.local = &locals[i];
	}
	r = nsg_eval_node(ev, l->body, ret);
	ev->frame.local = before;
	return r;
}

int nsg_func_lambdavariables(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	const char *name = json_string_value(c->args[0]);

	for (const struct nsg_local *l = ev->frame.local; l; l = l->outer) {
		if (!strcasecmp(l->name, name))
			return nsg_eval_give(json_incref(l->value), ret);
	}
	return nsg_eval_fail(ev, NSG_FAIL_INVALID, "undefined lambda variable '%.100s'",
			     nsg_eval_quote(ev, name));
}

/* The array in argument 0 and the lambda in argument i. */
static int prepare(struct nsg_eval *ev, const struct nsg_call *c, size_t i, size_t min,
		   json_t **ret_list, struct lambda *ret)
{
	int r = parse_lambda(ev, c, i, min, ret);

	if (r < 0)
		return r;
	r = nsg_eval_node(ev, c->e->args[0], ret_list);
	if (r < 0)
		return r;
	if (!json_is_array(*ret_list))
		return nsg_eval_fail(ev, NSG_FAIL_INVALID, "%s() takes an array, not %s", c->name,
				     nsg_eval_type(*ret_list));
	return 0;
}

/* With element i, and its index as the second variable of map and filter. */
static int call_indexed(struct nsg_eval *ev, const struct lambda *l, json_t *item, size_t i,
			json_t **ret)
{
	cleanup_json json_t *index = json_integer((json_int_t)i);
	json_t *values[MAX_PARAMETERS] = {item, index, index};

	return index ? call_lambda(ev, l, values, ret) : -ENOMEM;
}

int nsg_func_map(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	cleanup_json json_t *list = NULL;
	cleanup_json json_t *result = json_array();
	struct lambda l = {0};
	int r = prepare(ev, c, 1, 1, &list, &l);

	if (r < 0)
		return r;
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *value = NULL;

		r = call_indexed(ev, &l, json_array_get(list, i), i, &value);
		if (r < 0)
			return r;
		r = nsg_eval_append(result, value);
		if (r < 0)
			return r;
	}
	return nsg_eval_give(TAKE_PTR(result), ret);
}

int nsg_func_filter(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	cleanup_json json_t *list = NULL;
	cleanup_json json_t *result = json_array();
	struct lambda l = {0};
	int r = prepare(ev, c, 1, 1, &list, &l);

	if (r < 0)
		return r;
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *item = json_array_get(list, i);
		cleanup_json json_t *keep = NULL;

		r = call_indexed(ev, &l, item, i, &keep);
		if (r < 0)
			return r;
		if (!json_is_boolean(keep))
			return nsg_eval_fail(ev, NSG_FAIL_INVALID,
					     "the lambda of filter() must return a boolean");
		if (json_is_false(keep))
			continue;
		r = nsg_eval_append(result, json_incref(item));
		if (r < 0)
			return r;
	}
	return nsg_eval_give(TAKE_PTR(result), ret);
}

/* reduce(array, initial, lambda(current, next)) */
int nsg_func_reduce(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	cleanup_json json_t *list = NULL;
	cleanup_json json_t *current = NULL;
	struct lambda l = {0};
	int r = prepare(ev, c, 2, 2, &list, &l);

	if (r < 0)
		return r;
	r = nsg_eval_node(ev, c->e->args[1], &current);
	if (r < 0)
		return r;
	for (size_t i = 0; i < json_array_size(list); i++) {
		cleanup_json json_t *index = json_integer((json_int_t)i);
		cleanup_json json_t *before = TAKE_PTR(current);
		json_t *values[MAX_PARAMETERS] = {before, json_array_get(list, i), index};

		if (!index)
			return -ENOMEM;
		r = call_lambda(ev, &l, values, &current);
		if (r < 0)
			return r;
		r = nsg_eval_walk(ev, current);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(current);
	return 0;
}

/* toObject(array, lambda for the key, lambda for the value) */
int nsg_func_toobject(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	cleanup_json json_t *list = NULL;
	cleanup_json json_t *result = json_object();
	struct lambda key = {0}, value = {0};
	int r = prepare(ev, c, 1, 1, &list, &key);

	if (r < 0)
		return r;
	if (c->n > 2) {
		r = parse_lambda(ev, c, 2, 1, &value);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *item = json_array_get(list, i), *made = NULL;
		cleanup_json json_t *name = NULL;

		r = call_indexed(ev, &key, item, i, &name);
		if (r < 0)
			return r;
		if (!json_is_string(name))
			return nsg_eval_fail(ev, NSG_FAIL_INVALID,
					     "the first lambda of toObject() must return a string");
		r = value.body ? call_indexed(ev, &value, item, i, &made)
			       : nsg_eval_give(json_incref(item), &made);
		if (r < 0)
			return r;
		r = nsg_eval_set(result, json_string_value(name), made);
		if (r < 0)
			return r;
	}
	return nsg_eval_give(TAKE_PTR(result), ret);
}
