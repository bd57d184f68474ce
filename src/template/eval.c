/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "template/eval_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "template/func_priv.h"
#include "template/reference_priv.h"
#include "template/scope_priv.h"
#include "util/cleanup.h"
#include "util/limits.h"

#define cleanup_arena __attribute__((cleanup(nsg_arena_done)))

/* ---- failing and paying -------------------------------------------------------------------- */

/* Removes a truncated UTF-8 character from the end. */
static void trim_character(char *s, size_t n)
{
	size_t i = n;

	while (i && ((unsigned char)s[i - 1] & 0xc0) == 0x80)
		i--;
	if (i && (unsigned char)s[i - 1] >= 0xc0)
		s[i - 1] = '\0';
}

int nsg_eval_fail(struct nsg_eval *ev, enum nsg_fail fail, const char *format, ...)
{
	char text[NSG_EVAL_WHY_BYTES];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n >= (int)sizeof(text))
		trim_character(text, sizeof(text) - 1);
	memcpy(ev->why, text, sizeof(text));
	ev->fail = fail;
	return -EINVAL;
}

int nsg_eval_pay(struct nsg_eval *ev, uint64_t work)
{
	if (work > ev->work) {
		ev->work = 0;
		return nsg_eval_fail(ev, NSG_FAIL_LIMIT, "evaluation takes more than %u steps",
				     NSG_MAX_TEMPLATE_WORK);
	}
	ev->work -= work;
	return 0;
}

int nsg_eval_enter(struct nsg_eval *ev)
{
	if (ev->depth >= NSG_MAX_TEMPLATE_DEPTH)
		return nsg_eval_fail(ev, NSG_FAIL_LIMIT,
				     "references are nested more than %u levels deep",
				     NSG_MAX_TEMPLATE_DEPTH);
	ev->depth++;
	return 0;
}

static int walk(struct nsg_eval *ev, json_t *value, unsigned int depth)
{
	json_t *each;
	const char *key;
	size_t i;
	int r = nsg_eval_pay(ev, 1);

	if (r < 0)
		return r;
	if (depth > NSG_MAX_JSON_DEPTH)
		return nsg_eval_fail(ev, NSG_FAIL_LIMIT, "a value has more than %u levels",
				     NSG_MAX_JSON_DEPTH);
	if (json_is_array(value)) {
		json_array_foreach(value, i, each)
		{
			r = walk(ev, each, depth + 1);
			if (r < 0)
				return r;
		}
	} else if (json_is_object(value)) {
		json_object_foreach(value, key, each)
		{
			r = walk(ev, each, depth + 1);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int nsg_eval_walk(struct nsg_eval *ev, json_t *value)
{
	return walk(ev, value, 1);
}

/* ---- values -------------------------------------------------------------------------------- */

json_t *nsg_eval_member(json_t *object, const char *key)
{
	json_t *exact = json_object_get(object, key), *each;
	const char *name;

	if (exact || !json_is_object(object))
		return exact;
	json_object_foreach(object, name, each)
	{
		if (!strcasecmp(name, key))
			return each;
	}
	return NULL;
}

int nsg_eval_give(json_t *value, json_t **ret)
{
	if (!value)
		return -ENOMEM;
	*ret = value;
	return 0;
}

int nsg_eval_give_text(struct nsg_eval *ev, const char *text, size_t len, json_t **ret)
{
	int r = nsg_eval_pay(ev, len);

	if (r < 0)
		return r;
	return nsg_eval_give(json_stringn(text, len), ret);
}

int nsg_eval_give_format(struct nsg_eval *ev, json_t **ret, const char *format, ...)
{
	cleanup_free char *text = NULL;
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0) {
		text = NULL;
		return -ENOMEM;
	}
	return nsg_eval_give_text(ev, text, (size_t)n, ret);
}

int nsg_eval_set(json_t *object, const char *key, json_t *value)
{
	return value && !json_object_set_new(object, key, value) ? 0 : -ENOMEM;
}

int nsg_eval_append(json_t *array, json_t *value)
{
	return value && !json_array_append_new(array, value) ? 0 : -ENOMEM;
}

const char *nsg_eval_type(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
	case JSON_REAL:
		return "a number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "a boolean";
	case JSON_NULL:
		break;
	}
	return "null";
}

/* ---- stand-ins ----------------------------------------------------------------------------- */

static uint64_t hash_byte(uint64_t h, unsigned char c)
{
	return (h ^ c) * 0x100000001b3u; /* FNV-1a */
}

/*
 * The same expression in the same scope and copy gives the same text, so the names of a child and
 * its parent still match.
 */
static int stand_in(struct nsg_eval *ev, const struct nsg_expr *e, json_t **ret)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < e->source_len; i++) {
		unsigned char c = (unsigned char)e->source[i];

		if (c > ' ')
			h = hash_byte(h, c >= 'A' && c <= 'Z' ? c | 0x20 : c);
	}
	for (const char *p = ev->frame.scope->pointer; *p; p++)
		h = hash_byte(h, (unsigned char)*p);
	for (const struct nsg_loop *l = ev->frame.loop; l; l = l->outer)
		h = hash_byte(hash_byte(h, (unsigned char)l->index),
			      (unsigned char)(l->index >> 8));
	return nsg_eval_give_format(ev, ret, "unknown-%08" PRIx32, (uint32_t)(h ^ h >> 32));
}

/* ---- expressions --------------------------------------------------------------------------- */

int nsg_eval_get(struct nsg_eval *ev, json_t *container, const json_t *key, json_t **ret)
{
	json_t *found;

	if (json_is_object(container) && json_is_string(key)) {
		found = nsg_eval_member(container, json_string_value(key));
		if (!found)
			return nsg_eval_fail(ev, NSG_FAIL_INVALID,
					     "the property '%.100s' does not exist",
					     nsg_eval_quote(ev, json_string_value(key)));
	} else if (json_is_array(container) && json_is_integer(key)) {
		json_int_t i = json_integer_value(key);

		found = i >= 0 ? json_array_get(container, (size_t)i) : NULL;
		if (!found)
			return nsg_eval_fail(ev, NSG_FAIL_INVALID,
					     "an array of %zu elements has no element "
					     "%" JSON_INTEGER_FORMAT,
					     json_array_size(container), i);
	} else {
		return nsg_eval_fail(ev, NSG_FAIL_INVALID, "cannot index %s with %s",
				     nsg_eval_type(container), nsg_eval_type(key));
	}
	*ret = json_incref(found);
	return 0;
}

static int eval_get(struct nsg_eval *ev, const struct nsg_expr *e, json_t **ret)
{
	cleanup_json json_t *container = NULL;
	cleanup_json json_t *key = NULL;
	int r;

	if (nsg_reference_is(e))
		return nsg_reference_node(ev, e, ret);
	r = nsg_eval_node(ev, e->args[0], &container);
	if (r < 0)
		return r;
	r = nsg_eval_node(ev, e->args[1], &key);
	if (r < 0)
		return r;
	return nsg_eval_get(ev, container, key, ret);
}

static int node(struct nsg_eval *ev, const struct nsg_expr *e, json_t **ret)
{
	switch (e->kind) {
	case NSG_EXPR_STRING:
		return nsg_eval_give_text(ev, e->text, strlen(e->text), ret);
	case NSG_EXPR_INTEGER:
		return nsg_eval_give(json_integer(e->number), ret);
	case NSG_EXPR_CALL:
		return nsg_func_call(ev, e, ret);
	case NSG_EXPR_GET:
		break;
	}
	return eval_get(ev, e, ret);
}

int nsg_eval_node(struct nsg_eval *ev, const struct nsg_expr *e, json_t **ret)
{
	int r = nsg_eval_pay(ev, 1);

	if (r < 0)
		return r;
	r = nsg_eval_enter(ev);
	if (r < 0)
		return r;
	r = node(ev, e, ret);
	nsg_eval_leave(ev);
	if (r < 0 && ev->frame.lenient && !nsg_eval_is_final(ev, r))
		return stand_in(ev, e, ret);
	return r;
}

int nsg_eval_string(struct nsg_eval *ev, json_t *string, json_t **ret)
{
	const char *s = json_string_value(string), *problem = NULL;
	cleanup_arena struct nsg_arena arena = {0};
	struct nsg_expr *e = NULL;
	size_t at = 0;
	int r;

	if (!nsg_expr_is(s)) {
		const char *text = nsg_expr_unescape(s);

		if (text == s)
			return nsg_eval_give(json_incref(string), ret);
		return nsg_eval_give_text(ev, text, strlen(text), ret);
	}
	r = nsg_eval_pay(ev, strlen(s));
	if (r < 0)
		return r;
	r = nsg_expr_parse(&arena, s, &e, &problem, &at);
	if (r == -EINVAL)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID, "%s at character %zu", problem, at + 1);
	if (r < 0)
		return r;
	return nsg_eval_node(ev, e, ret);
}
