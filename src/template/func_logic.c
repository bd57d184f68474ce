/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions: logic and comparison. */
#include <strings.h>

#include <string.h>

#include "template/func_priv.h"
#include "util/cleanup.h"

int nsg_func_true(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	(void)ev, (void)c;
	return nsg_eval_give(json_true(), ret);
}

int nsg_func_false(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	(void)ev, (void)c;
	return nsg_eval_give(json_false(), ret);
}

int nsg_func_null(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	(void)ev, (void)c;
	return nsg_eval_give(json_null(), ret);
}

/* Only the branch that is taken is evaluated, as Azure does since it allows reference() in one. */
int nsg_func_if(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	bool condition = false;
	int r = nsg_func_boolean(ev, c, 0, &condition);

	return r ? r : nsg_eval_node(ev, c->e->args[condition ? 1 : 2], ret);
}

/* Stops at the first argument that settles it: `settles` of an or, not of an and. */
static int any(struct nsg_eval *ev, const struct nsg_call *c, bool settles, json_t **ret)
{
	bool value = false;
	int r;

	for (size_t i = 0; i < c->e->n_args; i++) {
		r = nsg_func_boolean(ev, c, i, &value);
		if (r)
			return r;
		if (value == settles)
			break;
	}
	return nsg_eval_give(json_boolean(value), ret);
}

int nsg_func_and(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	return any(ev, c, false, ret);
}

int nsg_func_or(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	return any(ev, c, true, ret);
}

int nsg_func_not(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	bool value = false;
	int r = nsg_func_boolean(ev, c, 0, &value);

	return r ? r : nsg_eval_give(json_boolean(!value), ret);
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

/* Case counts: Bicep's =~ lowers both sides first. */
int nsg_func_equals(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	bool equal = false;
	int r = nsg_func_equal(ev, c->args[0], c->args[1], &equal);

	return r ? r : nsg_eval_give(json_boolean(equal), ret);
}

/* greater, greaterOrEquals, less, lessOrEquals */
int nsg_func_greater(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	bool or_equals = strcasestr(c->name, "orequals") != NULL;
	bool less = !strncasecmp(c->name, "less", 4);
	int order;

	if (json_is_integer(c->args[0]) && json_is_integer(c->args[1])) {
		json_int_t a = json_integer_value(c->args[0]), b = json_integer_value(c->args[1]);

		order = (a > b) - (a < b);
	} else if (json_is_string(c->args[0]) && json_is_string(c->args[1])) {
		order = strcmp(json_string_value(c->args[0]), json_string_value(c->args[1]));
	} else {
		return nsg_func_refuse(ev, c, json_is_integer(c->args[0]) ? 1 : 0,
				       "two numbers or two strings");
	}
	if (less)
		order = -order;
	return nsg_eval_give(json_boolean(order > 0 || (or_equals && !order)), ret);
}

int nsg_func_coalesce(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	for (size_t i = 0; i < c->e->n_args; i++) {
		cleanup_json json_t *value = NULL;
		int r = nsg_eval_node(ev, c->e->args[i], &value);

		if (r)
			return r;
		if (!json_is_null(value) || i + 1 == c->e->n_args) {
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

	for (size_t i = 1; i < c->e->n_args && !r; i++) {
		cleanup_json json_t *key = NULL;
		json_t *next = NULL;

		r = nsg_eval_node(ev, c->e->args[i], &key);
		if (r)
			break;
		if (nsg_eval_get(ev, at, key, &next)) {
			json_decref(TAKE_PTR(at));
			return nsg_eval_give(json_null(), ret);
		}
		json_decref(at);
		at = next;
	}
	if (!r)
		*ret = TAKE_PTR(at);
	return r;
}
