/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions: arrays and objects. */
#include <errno.h>
#include <string.h>

#include "template/func_priv.h"
#include "template/text_priv.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/json_object.h"

int nsg_func_array(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	(void)ev;
	return nsg_eval_give(json_is_array(c->args[0]) ? json_incref(c->args[0])
						       : json_pack("[O]", c->args[0]),
			     ret);
}

static int append_all(struct nsg_eval *ev, json_t *list, json_t *more)
{
	int r = nsg_eval_pay(ev, json_array_size(more));

	if (r < 0)
		return r;
	return json_array_extend(list, more) ? -ENOMEM : 0;
}

/* Either arrays or texts. */
int nsg_func_concat(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	cleanup_json json_t *list = json_array();
	cleanup_text struct nsg_text t = {0};
	bool lists = json_is_array(c->args[0]);

	for (size_t i = 0; i < c->n; i++) {
		int r;

		if (json_is_array(c->args[i]) != lists || json_is_object(c->args[i]))
			return nsg_func_refuse(ev, c, i, "either arrays or strings");
		r = lists ? append_all(ev, list, c->args[i])
			  : nsg_text_add_value(ev, &t, c->args[i]);
		if (r < 0)
			return r;
	}
	return lists ? nsg_eval_give(TAKE_PTR(list), ret) : nsg_text_give(&t, ret);
}

static int list_has(struct nsg_eval *ev, json_t *list, json_t *item, bool *ret)
{
	bool found = false;
	json_t *each;
	size_t i;

	json_array_foreach(list, i, each)
	{
		int r = nsg_func_equal(ev, item, each, &found);

		if (r < 0)
			return r;
		if (found)
			break;
	}
	*ret = found;
	return 0;
}

/* An array has an element, an object a member, a text a part. */
int nsg_func_contains(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	json_t *in = c->args[0], *item = c->args[1];
	cleanup_text struct nsg_text t = {0};
	bool found = false;
	int r;

	if (json_is_array(in)) {
		r = list_has(ev, in, item, &found);
		if (r < 0)
			return r;
		return nsg_eval_give(json_boolean(found), ret);
	}
	if (!json_is_object(in) && !json_is_string(in))
		return nsg_func_refuse(ev, c, 0, "an array, an object or a string");
	r = nsg_text_add_value(ev, &t, item);
	if (r < 0)
		return r;
	found = json_is_object(in) ? nsg_eval_member(in, nsg_text_get(&t)) != NULL
				   : strstr(json_string_value(in), nsg_text_get(&t)) != NULL;
	return nsg_eval_give(json_boolean(found), ret);
}

int nsg_func_createarray(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	(void)ev;
	return nsg_eval_give(json_incref(c->list), ret);
}

int nsg_func_createobject(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	cleanup_json json_t *object = json_object();

	if (c->n % 2)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID,
				     "createObject() takes pairs of a key and a value");
	for (size_t i = 0; i < c->n; i += 2) {
		int r;

		if (!json_is_string(c->args[i]))
			return nsg_func_refuse(ev, c, i, "a string");
		r = nsg_eval_set(object, json_string_value(c->args[i]),
				 json_incref(c->args[i + 1]));
		if (r < 0)
			return r;
	}
	return nsg_eval_give(TAKE_PTR(object), ret);
}

/* The number of parts of argument 0. A null has none. */
static int size(struct nsg_eval *ev, const struct nsg_call *c, int64_t *ret)
{
	json_t *a = c->args[0];

	if (json_is_array(a))
		*ret = (int64_t)json_array_size(a);
	else if (json_is_object(a))
		*ret = (int64_t)json_object_size(a);
	else if (json_is_string(a))
		*ret = nsg_text_characters(json_string_value(a));
	else if (json_is_null(a))
		*ret = 0;
	else
		return nsg_func_refuse(ev, c, 0, "an array, an object or a string");
	return 0;
}

int nsg_func_empty(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	int64_t n = 0;
	int r = size(ev, c, &n);

	if (r < 0)
		return r;
	return nsg_eval_give(json_boolean(!n), ret);
}

int nsg_func_length(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	int64_t n = 0;
	int r = size(ev, c, &n);

	if (r < 0)
		return r;
	return nsg_eval_give(json_integer(n), ret);
}

/* The parts from `start`, n of them, of an array or a string. */
static int slice(struct nsg_eval *ev, json_t *of, int64_t start, int64_t n, json_t **ret)
{
	cleanup_json json_t *list = NULL;
	int r;

	if (json_is_string(of)) {
		const char *s = json_string_value(of);

		s += nsg_text_prefix(s, start);
		return nsg_eval_give_text(ev, s, nsg_text_prefix(s, n), ret);
	}
	r = nsg_eval_pay(ev, (uint64_t)n);
	if (r < 0)
		return r;
	list = json_array();
	for (int64_t i = start; i < start + n; i++) {
		r = nsg_eval_append(list, json_incref(json_array_get(of, (size_t)i)));
		if (r < 0)
			return r;
	}
	return nsg_eval_give(TAKE_PTR(list), ret);
}

/* An element (null of an empty array) or a character. */
int nsg_func_end(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	bool last = c->op == NSG_OP_LAST;
	json_t *a = c->args[0], *found;
	int64_t n = 0;
	int r = size(ev, c, &n);

	if (r < 0)
		return r;
	if (json_is_string(a))
		return slice(ev, a, last && n ? n - 1 : 0, 1, ret);
	found = n ? json_array_get(a, last ? (size_t)n - 1 : 0) : json_null();
	return nsg_eval_give(json_incref(found), ret);
}

/* A number below 0 is 0, one beyond the end is the end. */
int nsg_func_part(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	int64_t all = 0, n = json_integer_value(c->args[1]);
	int r = size(ev, c, &all);

	if (r < 0)
		return r;
	n = n < 0 ? 0 : n > all ? all : n;
	return c->op == NSG_OP_TAKE ? slice(ev, c->args[0], 0, n, ret)
				    : slice(ev, c->args[0], n, all - n, ret);
}

/* ---- sets ---------------------------------------------------------------------------------- */

static int add_missing(struct nsg_eval *ev, json_t *list, json_t *item)
{
	bool there = false;
	int r = list_has(ev, list, item, &there);

	if (r < 0)
		return r;
	return there ? 0 : nsg_eval_append(list, json_incref(item));
}

static int unite_lists(struct nsg_eval *ev, json_t *list, json_t *more)
{
	json_t *each;
	size_t i;

	json_array_foreach(more, i, each)
	{
		int r = add_missing(ev, list, each);

		if (r < 0)
			return r;
	}
	return 0;
}

static int merge(struct nsg_eval *ev, json_t *object, json_t *more, bool deep);

/* Objects on both sides are merged in a copy: values are shared. */
static int merge_member(struct nsg_eval *ev, json_t *object, const char *key, json_t *value,
			bool deep)
{
	json_t *before = json_object_get(object, key);
	cleanup_json json_t *copy = NULL;
	int r = nsg_eval_pay(ev, 1);

	if (r < 0)
		return r;
	if (!deep || !json_is_object(before) || !json_is_object(value))
		return nsg_eval_set(object, key, json_incref(value));
	r = nsg_eval_pay(ev, json_object_size(before));
	if (r < 0)
		return r;
	copy = json_copy(before);
	if (!copy)
		return -ENOMEM;
	r = merge(ev, copy, value, true);
	if (r < 0)
		return r;
	return nsg_eval_set(object, key, TAKE_PTR(copy));
}

/* Merges `more` into `object`, which is not shared. */
static int merge(struct nsg_eval *ev, json_t *object, json_t *more, bool deep)
{
	const char *key;
	json_t *each;
	int r = nsg_eval_enter(ev);

	if (r < 0)
		return r;
	json_object_foreach(more, key, each)
	{
		r = merge_member(ev, object, key, each, deep);
		if (r < 0)
			break;
	}
	nsg_eval_leave(ev);
	return r;
}

/* union(values…), either arrays or objects; nulls among objects are skipped. */
int nsg_func_union(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	bool lists = json_is_array(c->args[0]);
	cleanup_json json_t *result = lists ? json_array() : json_object();

	for (size_t i = 0; i < c->n; i++) {
		int r;

		if (json_is_null(c->args[i]) && !lists)
			continue;
		if (lists ? !json_is_array(c->args[i]) : !json_is_object(c->args[i]))
			return nsg_func_refuse(ev, c, i, "either arrays or objects");
		r = lists ? unite_lists(ev, result, c->args[i])
			  : merge(ev, result, c->args[i], true);
		if (r < 0)
			return r;
	}
	return nsg_eval_give(TAKE_PTR(result), ret);
}

/* shallowMerge(array of objects) */
int nsg_func_shallowmerge(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	cleanup_json json_t *result = json_object();
	json_t *each;
	size_t i;

	json_array_foreach(c->args[0], i, each)
	{
		int r;

		if (json_is_null(each))
			continue;
		if (!json_is_object(each))
			return nsg_eval_fail(ev, NSG_FAIL_INVALID,
					     "shallowMerge() takes objects, not %s",
					     nsg_eval_type(each));
		r = merge(ev, result, each, false);
		if (r < 0)
			return r;
	}
	return nsg_eval_give(TAKE_PTR(result), ret);
}

static int common_items(struct nsg_eval *ev, json_t *a, json_t *b, json_t *result)
{
	json_t *each;
	size_t i;

	json_array_foreach(a, i, each)
	{
		bool in_b = false;
		int r = list_has(ev, b, each, &in_b);

		if (r < 0)
			return r;
		r = in_b ? add_missing(ev, result, each) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static int common_members(struct nsg_eval *ev, json_t *a, json_t *b, json_t *result)
{
	const char *key;
	json_t *each;

	json_object_foreach(a, key, each)
	{
		json_t *other = json_object_get(b, key);
		bool equal = false;
		int r = other ? nsg_func_equal(ev, each, other, &equal) : 0;

		if (r < 0)
			return r;
		r = equal ? nsg_eval_set(result, key, json_incref(each)) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

int nsg_func_intersection(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	cleanup_json json_t *result = json_incref(c->args[0]);

	for (size_t i = 0; i < c->n; i++) {
		bool lists = json_is_array(result) && json_is_array(c->args[i]);
		cleanup_json json_t *before = TAKE_PTR(result);
		int r;

		if (!lists && !(json_is_object(before) && json_is_object(c->args[i])))
			return nsg_func_refuse(ev, c, i, "either arrays or objects");
		result = lists ? json_array() : json_object();
		r = lists ? common_items(ev, before, c->args[i], result)
			  : common_members(ev, before, c->args[i], result);
		if (r < 0)
			return r;
	}
	return nsg_eval_give(TAKE_PTR(result), ret);
}

/* ---- objects ------------------------------------------------------------------------------- */

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* items: [{key, value}…], objectKeys: [key…], both sorted by key */
int nsg_func_members(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	cleanup_json json_t *list = json_array();
	size_t n = json_object_size(c->args[0]), i = 0;
	cleanup_free const char **keys = calloc(n + 1, sizeof(*keys));
	const char *key;
	json_t *each;
	int r = nsg_eval_pay(ev, 3 * n);

	if (r < 0)
		return r;
	if (!keys)
		return -ENOMEM;
	json_object_foreach(c->args[0], key, each) keys[i++] = key;
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (i = 0; i < n; i++) {
		json_t *value = json_object_get(c->args[0], keys[i]);

		r = nsg_eval_append(list,
				    c->op == NSG_OP_KEYS
					? json_string(keys[i])
					: NSG_JSON_OBJECT(PAIR_S("key", keys[i]),
							  PAIR_J("value", json_incref(value))));
		if (r < 0)
			return r;
	}
	return nsg_eval_give(TAKE_PTR(list), ret);
}

/* The elements of the arrays in an array. */
int nsg_func_flatten(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	cleanup_json json_t *list = json_array();
	json_t *each;
	size_t i;

	if (!json_is_array(c->args[0]))
		return nsg_func_refuse(ev, c, 0, "an array of arrays");
	json_array_foreach(c->args[0], i, each)
	{
		int r;

		if (!json_is_array(each))
			return nsg_func_refuse(ev, c, 0, "an array of arrays");
		r = append_all(ev, list, each);
		if (r < 0)
			return r;
	}
	return nsg_eval_give(TAKE_PTR(list), ret);
}

int nsg_func_json(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	const char *s = json_string_value(c->args[0]);
	cleanup_json json_t *value = NULL;
	json_error_t error;
	int r = nsg_eval_pay(ev, strlen(s));

	if (r < 0)
		return r;
	value = nsg_json_load(s, strlen(s), JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
	if (!value && json_error_code(&error) == json_error_out_of_memory)
		return -ENOMEM;
	if (!value)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID, "json(): the text is not valid JSON");
	r = nsg_eval_walk(ev, value);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(value);
	return 0;
}
