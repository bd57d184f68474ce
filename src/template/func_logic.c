/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions: logic and comparison. */
#include <string.h>
#include <strings.h>

#include "template/func_priv.h"
#include "util/cleanup.h"
#include "util/macro.h"

int nsg_func_constant(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	(void)ev;
	return nsg_eval_give(
	    c->op == NSG_OP_NULL ? json_null() : json_boolean(c->op == NSG_OP_TRUE), ret);
}

/* The value of argument i, which must be a boolean. */
static int condition(struct nsg_eval *ev, const struct nsg_call *c, size_t i, bool *ret)
{
	cleanup_json json_t *value = NULL;
	int r = nsg_eval_node(ev, c->e->args[i], &value);

	if (r < 0)
		return r;
	if (!json_is_boolean(value))
		return nsg_eval_fail(ev, NSG_FAIL_INVALID, "%s() takes a boolean, not %s", c->name,
				     nsg_eval_type(value));
	*ret = json_is_true(value);
	return 0;
}

/* Azure evaluates only the branch that is taken, since it allows reference() in one. */
int nsg_func_if(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	bool taken = false;
	int r = condition(ev, c, 0, &taken);

	if (r < 0)
		return r;
	return nsg_eval_node(ev, c->e->args[taken ? 1 : 2], ret);
}

/* Stops at the first argument that decides the result. */
int nsg_func_andor(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	bool settles = c->op == NSG_OP_OR, value = false;

	for (size_t i = 0; i < c->n; i++) {
		int r = condition(ev, c, i, &value);

		if (r < 0)
			return r;
		if (value == settles)
			break;
	}
	return nsg_eval_give(json_boolean(value), ret);
}

int nsg_func_not(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	bool value = false;
	int r = condition(ev, c, 0, &value);

	if (r < 0)
		return r;
	return nsg_eval_give(json_boolean(!value), ret);
}

int nsg_func_bool(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	json_t *a = c->args[0];
	const char *s = json_string_value(a);

	if (json_is_boolean(a))
		return nsg_eval_give(json_incref(a), ret);
	if (json_is_integer(a))
		return nsg_eval_give(json_boolean(json_integer_value(a) != 0), ret);
	if (s && (!strcasecmp(s, "true") || !strcmp(s, "1")))
		return nsg_eval_give(json_true(), ret);
	if (s && (!strcasecmp(s, "false") || !strcmp(s, "0")))
		return nsg_eval_give(json_false(), ret);
	return nsg_func_refuse(ev, c, 0, "a number, a boolean or the text of one");
}

/* Case-sensitive: Bicep's =~ lowers both sides first. */
int nsg_func_equals(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	bool equal = false;
	int r = nsg_func_equal(ev, c->args[0], c->args[1], &equal);

	if (r < 0)
		return r;
	return nsg_eval_give(json_boolean(equal), ret);
}

int nsg_func_compare(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	bool result;
	int order;

	if (json_is_integer(c->args[0]) && json_is_integer(c->args[1])) {
		json_int_t a = json_integer_value(c->args[0]), b = json_integer_value(c->args[1]);

		order = NSG_CMP(a, b);
	} else if (json_is_string(c->args[0]) && json_is_string(c->args[1])) {
		order = strcmp(json_string_value(c->args[0]), json_string_value(c->args[1]));
	} else {
		return nsg_func_refuse(ev, c, json_is_integer(c->args[0]) ? 1 : 0,
				       "two numbers or two strings");
	}
	switch (c->op) {
	case NSG_OP_GREATER:
		result = order > 0;
		break;
	case NSG_OP_GREATER_EQUAL:
		result = order >= 0;
		break;
	case NSG_OP_LESS:
		result = order < 0;
		break;
	default:
		result = order <= 0;
		break;
	}
	return nsg_eval_give(json_boolean(result), ret);
}

int nsg_func_coalesce(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	for (size_t i = 0; i < c->n; i++) {
		cleanup_json json_t *value = NULL;
		int r = nsg_eval_node(ev, c->e->args[i], &value);

		if (r < 0)
			return r;
		if (!json_is_null(value) || i + 1 == c->n) {
			*ret = TAKE_PTR(value);
			break;
		}
	}
	return 0;
}

/* tryGet(container, key, …): null where a key or index leads nowhere */
int nsg_func_tryget(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	cleanup_json json_t *at = NULL;
	int r = nsg_eval_node(ev, c->e->args[0], &at);

	if (r < 0)
		return r;
	for (size_t i = 1; i < c->n; i++) {
		cleanup_json json_t *from = TAKE_PTR(at);
		cleanup_json json_t *key = NULL;

		r = nsg_eval_node(ev, c->e->args[i], &key);
		if (r < 0)
			return r;
		if (nsg_eval_get(ev, from, key, &at) < 0)
			return nsg_eval_give(json_null(), ret);
	}
	*ret = TAKE_PTR(at);
	return 0;
}
