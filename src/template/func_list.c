/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions: arrays and objects. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "template/func_priv.h"
#include "util/cleanup.h"
#include "util/limits.h"

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

	return r ? r : json_array_extend(list, more) ? -ENOMEM : 0;
}

/* concat(): arrays with arrays, else texts */
int nsg_func_concat(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	cleanup_json json_t *list = json_array();
	cleanup_text struct nsg_text t = {0};
	bool lists = json_is_array(c->args[0]);
	int r = list ? 0 : -ENOMEM;

	for (size_t i = 0; i < c->n && !r; i++) {
		if (json_is_array(c->args[i]) != lists || json_is_object(c->args[i]))
			r = nsg_func_refuse(ev, c, i, "either arrays or strings");
		else
			r = lists ? append_all(ev, list, c->args[i])
				  : nsg_func_to_text(ev, c->args[i], &t);
	}
	if (r)
		return r;
	return lists ? nsg_eval_give(TAKE_PTR(list), ret) : nsg_text_give(&t, ret);
}

static int list_has(struct nsg_eval *ev, json_t *list, json_t *item, bool *ret)
{
	json_t *each;
	size_t i;
	int r;

	*ret = false;
	json_array_foreach(list, i, each)
	{
		r = nsg_func_equal(ev, item, each, ret);
		if (r || *ret)
			return r;
	}
	return 0;
}

int nsg_func_contains(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	json_t *in = c->args[0], *item = c->args[1];
	cleanup_text struct nsg_text t = {0};
	bool found = false;
	int r = 0;

	if (json_is_array(in)) {
		r = list_has(ev, in, item, &found);
	} else if (json_is_object(in) || json_is_string(in)) {
		r = nsg_func_to_text(ev, item, &t);
		if (!r)
			r = nsg_text_add(ev, &t, "", 1);
		if (!r)
			found = json_is_object(in) ? nsg_eval_member(in, t.v) != NULL
						   : strstr(json_string_value(in), t.v) != NULL;
	} else {
		r = nsg_func_refuse(ev, c, 0, "an array, an object or a string");
	}
	return r ? r : nsg_eval_give(json_boolean(found), ret);
}

int nsg_func_createarray(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	cleanup_json json_t *list = json_array();
	int r = list ? 0 : -ENOMEM;

	(void)ev;
	for (size_t i = 0; i < c->n && !r; i++)
		r = nsg_eval_append(list, json_incref(c->args[i]));
	if (!r)
		*ret = TAKE_PTR(list);
	return r;
}

int nsg_func_createobject(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	cleanup_json json_t *object = json_object();
	const char *key = NULL;
	int r = object ? 0 : -ENOMEM;

	if (c->n % 2)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID,
				     "createObject() takes pairs of a name and a value");
	for (size_t i = 0; i < c->n && !r; i += 2) {
		r = nsg_func_text(ev, c, i, &key);
		if (!r)
			r = nsg_eval_set(object, key, json_incref(c->args[i + 1]));
	}
	if (!r)
		*ret = TAKE_PTR(object);
	return r;
}

/* The number of parts of an argument, or the failure. A null has none. */
static int size(struct nsg_eval *ev, const struct nsg_call *c, size_t i, int64_t *ret)
{
	json_t *a = c->args[i];

	if (json_is_array(a))
		*ret = (int64_t)json_array_size(a);
	else if (json_is_object(a))
		*ret = (int64_t)json_object_size(a);
	else if (json_is_string(a))
		*ret = nsg_func_characters(json_string_value(a));
	else if (json_is_null(a))
		*ret = 0;
	else
		return nsg_func_refuse(ev, c, i, "an array, an object or a string");
	return 0;
}

int nsg_func_empty(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	int64_t n = 0;
	int r = size(ev, c, 0, &n);

	return r ? r : nsg_eval_give(json_boolean(!n), ret);
}

int nsg_func_length(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	int64_t n = 0;
	int r = size(ev, c, 0, &n);

	return r ? r : nsg_eval_give(json_integer(n), ret);
}

/* The parts from `start`, n of them, of an array or a string. */
static int slice(struct nsg_eval *ev, json_t *of, int64_t start, int64_t n, json_t **ret)
{
	cleanup_json json_t *list = NULL;
	int r;

	if (json_is_string(of)) {
		const char *s = json_string_value(of);

		s += nsg_func_prefix(s, start);
		return nsg_eval_give_text(ev, s, nsg_func_prefix(s, n), ret);
	}
	list = json_array();
	r = list ? nsg_eval_pay(ev, (uint64_t)n) : -ENOMEM;
	for (int64_t i = start; i < start + n && !r; i++)
		r = nsg_eval_append(list, json_incref(json_array_get(of, (size_t)i)));
	if (!r)
		*ret = TAKE_PTR(list);
	return r;
}

/* first, last: an element (null of an empty array), or a character */
int nsg_func_first(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	json_t *a = c->args[0], *found;
	int64_t n = 0;
	bool last = !strcasecmp(c->name, "last");
	int r;

	if (!json_is_array(a) && !json_is_string(a))
		return nsg_func_refuse(ev, c, 0, "an array or a string");
	r = size(ev, c, 0, &n);
	if (r)
		return r;
	if (json_is_string(a))
		return slice(ev, a, last && n ? n - 1 : 0, 1, ret);
	found = n ? json_array_get(a, last ? (size_t)n - 1 : 0) : json_null();
	return nsg_eval_give(json_incref(found), ret);
}

/* take, skip: a number below 0 is 0, one beyond the end is the end */
int nsg_func_take(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	int64_t all = 0, n = 0;
	int r;

	if (!json_is_array(c->args[0]) && !json_is_string(c->args[0]))
		return nsg_func_refuse(ev, c, 0, "an array or a string");
	r = size(ev, c, 0, &all);
	if (!r)
		r = nsg_func_integer(ev, c, 1, &n);
	if (r)
		return r;
	n = n < 0 ? 0 : n > all ? all : n;
	return strcasecmp(c->name, "skip") ? slice(ev, c->args[0], 0, n, ret)
					   : slice(ev, c->args[0], n, all - n, ret);
}

/* ---- sets ---------------------------------------------------------------------------------- */

static int add_missing(struct nsg_eval *ev, json_t *list, json_t *more)
{
	json_t *each;
	size_t i;
	int r = 0;

	json_array_foreach(more, i, each)
	{
		bool there = false;

		r = list_has(ev, list, each, &there);
		if (!r && !there)
			r = nsg_eval_append(list, json_incref(each));
		if (r)
			break;
	}
	return r;
}

/* `more` into `object`, which nobody else holds; objects in both are merged, deeply or not. */
static int merge(struct nsg_eval *ev, json_t *object, json_t *more, bool deep)
{
	const char *key;
	json_t *each;
	int r = nsg_eval_enter(ev);

	if (r)
		return r;
	json_object_foreach(more, key, each)
	{
		json_t *before = json_object_get(object, key);
		json_t *value;

		r = nsg_eval_pay(ev, 1);
		if (r)
			break;
		if (!deep || !json_is_object(before) || !json_is_object(each)) {
			r = nsg_eval_set(object, key, json_incref(each));
		} else {
			r = nsg_eval_pay(ev, json_object_size(before));
			value = r ? NULL : json_copy(before);
			if (!r)
				r = value ? merge(ev, value, each, true) : -ENOMEM;
			if (!r)
				r = nsg_eval_set(object, key, value);
			else
				json_decref(value);
		}
		if (r)
			break;
	}
	nsg_eval_leave(ev);
	return r;
}

/* union(values…), shallowMerge(array of objects) */
int nsg_func_union(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	bool shallow = !strcasecmp(c->name, "shallowmerge");
	size_t n = shallow ? json_array_size(c->args[0]) : c->n;
	cleanup_json json_t *result = NULL;
	bool lists = !shallow && json_is_array(c->args[0]);
	int r = 0;

	if (shallow && !json_is_array(c->args[0]))
		return nsg_func_refuse(ev, c, 0, "an array of objects");
	result = lists ? json_array() : json_object();
	if (!result)
		return -ENOMEM;
	for (size_t i = 0; i < n && !r; i++) {
		json_t *each = shallow ? json_array_get(c->args[0], i) : c->args[i];

		if (json_is_null(each) && !lists)
			continue;
		if (lists ? !json_is_array(each) : !json_is_object(each))
			return nsg_eval_fail(ev, NSG_FAIL_INVALID,
					     "%s() takes either arrays or objects, not %s", c->name,
					     nsg_eval_type(each));
		r = lists ? add_missing(ev, result, each) : merge(ev, result, each, !shallow);
	}
	if (!r)
		*ret = TAKE_PTR(result);
	return r;
}

static int common_items(struct nsg_eval *ev, json_t *a, json_t *b, json_t *result)
{
	json_t *each;
	size_t i;
	int r = 0;

	json_array_foreach(a, i, each)
	{
		bool in_b = false, already = false;

		r = list_has(ev, b, each, &in_b);
		if (!r && in_b)
			r = list_has(ev, result, each, &already);
		if (!r && in_b && !already)
			r = nsg_eval_append(result, json_incref(each));
		if (r)
			break;
	}
	return r;
}

static int common_members(struct nsg_eval *ev, json_t *a, json_t *b, json_t *result)
{
	const char *key;
	json_t *each;
	int r = 0;

	json_object_foreach(a, key, each)
	{
		json_t *other = json_object_get(b, key);
		bool equal = false;

		if (other)
			r = nsg_func_equal(ev, each, other, &equal);
		if (!r && equal)
			r = nsg_eval_set(result, key, json_incref(each));
		if (r)
			break;
	}
	return r;
}

int nsg_func_intersection(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	cleanup_json json_t *result = json_incref(c->args[0]);
	int r = 0;

	for (size_t i = 0; i < c->n && !r; i++) {
		bool lists = json_is_array(result) && json_is_array(c->args[i]);
		cleanup_json json_t *next = lists ? json_array() : json_object();

		if (!lists && !(json_is_object(result) && json_is_object(c->args[i])))
			return nsg_func_refuse(ev, c, i, "either arrays or objects");
		if (!next)
			return -ENOMEM;
		r = lists ? common_items(ev, result, c->args[i], next)
			  : common_members(ev, result, c->args[i], next);
		json_decref(result);
		result = TAKE_PTR(next);
	}
	if (!r)
		*ret = TAKE_PTR(result);
	return r;
}

/* ---- objects ------------------------------------------------------------------------------- */

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* items: [{key, value}…], objectKeys: [key…], both in the order of the keys */
static int list_object(struct nsg_eval *ev, const struct nsg_call *c, bool pairs, json_t **ret)
{
	cleanup_json json_t *list = json_array();
	size_t n = json_object_size(c->args[0]), i = 0;
	cleanup_free const char **keys = calloc(n + 1, sizeof(*keys));
	const char *key;
	json_t *each;
	int r;

	if (!json_is_object(c->args[0]))
		return nsg_func_refuse(ev, c, 0, "an object");
	if (!list || !keys)
		return -ENOMEM;
	r = nsg_eval_pay(ev, 3 * n);
	if (r)
		return r;
	json_object_foreach(c->args[0], key, each) keys[i++] = key;
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (i = 0; i < n && !r; i++)
		r = nsg_eval_append(list, pairs ? json_pack("{s:s, s:O}", "key", keys[i], "value",
							    json_object_get(c->args[0], keys[i]))
						: json_string(keys[i]));
	if (!r)
		*ret = TAKE_PTR(list);
	return r;
}

int nsg_func_items(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	return list_object(ev, c, true, ret);
}

int nsg_func_objectkeys(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	return list_object(ev, c, false, ret);
}

int nsg_func_flatten(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	cleanup_json json_t *list = json_array();
	json_t *each;
	size_t i;
	int r = list ? 0 : -ENOMEM;

	if (!json_is_array(c->args[0]))
		return nsg_func_refuse(ev, c, 0, "an array of arrays");
	json_array_foreach(c->args[0], i, each)
	{
		if (!json_is_array(each))
			return nsg_func_refuse(ev, c, 0, "an array of arrays");
		if (!r)
			r = append_all(ev, list, each);
	}
	if (!r)
		*ret = TAKE_PTR(list);
	return r;
}

int nsg_func_json(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	const char *s = NULL;
	json_t *value;
	int r = nsg_func_text(ev, c, 0, &s);

	if (!r)
		r = nsg_eval_pay(ev, strlen(s));
	if (r)
		return r;
	value = json_loads(s, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	if (!value)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID, "json(): the text is not JSON");
	r = nsg_eval_walk(ev, value);
	if (r) {
		json_decref(value);
		return r;
	}
	*ret = value;
	return 0;
}
