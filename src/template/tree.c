/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON with expressions in it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "template/eval_priv.h"
#include "template/scope_priv.h"
#include "util/cleanup.h"
#include "util/limits.h"
#include "util/vec.h"

struct tree {
	struct nsg_eval *ev;
	bool report;
	NSG_VEC(char) path; /* of the current part, when reporting */
};

static void tree_done(struct tree *t)
{
	nsg_vec_done(&t->path);
}

#define cleanup_tree __attribute__((cleanup(tree_done)))

/* ---- pointers ------------------------------------------------------------------------------ */

static int path_add(struct tree *t, const char *s)
{
	for (; *s; s++) {
		int r = nsg_vec_push(&t->path, *s);

		if (r < 0)
			return r;
	}
	return 0;
}

/* RFC 6901: ~ and / are written ~0 and ~1. */
static int path_key(struct tree *t, const char *key)
{
	int r;

	if (!t->report)
		return 0;
	r = path_add(t, "/");
	for (; r >= 0 && *key; key++)
		r = path_add(t, *key == '~' ? "~0" : *key == '/' ? "~1" : (char[]){*key, '\0'});
	return r;
}

static int path_index(struct tree *t, size_t i)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%zu", i);
	return path_key(t, text);
}

static int tree_blame(struct tree *t, const json_t *raw)
{
	int r = nsg_vec_push(&t->path, '\0');

	if (r < 0)
		return r;
	t->path.n--;
	nsg_tree_blame(t->ev, raw, t->path.v);
	return 0;
}

/* Every copy of a loop fails in the same way; it is reported once. */
static bool is_known(const struct nsg_eval *ev, const char *pointer, const char *text)
{
	for (size_t i = ev->first_record; i < ev->diag->n; i++) {
		const struct nsg_diag_record *d = &ev->diag->v[i];

		if (d->pointer && !strcmp(d->pointer, pointer) && strstr(d->text, text))
			return true;
	}
	return false;
}

void nsg_tree_blame(struct nsg_eval *ev, const json_t *raw, const char *pointer)
{
	const char *text = json_is_string(raw) ? json_string_value(raw) : NULL;
	struct nsg_place place = {0};
	cleanup_free char *full = NULL;
	int quoted = 0;

	if (ev->fail == NSG_FAIL_LIMIT) {
		if (ev->stopped)
			return;
		ev->stopped = true;
	}
	if (ev->fail == NSG_FAIL_MISSING && ev->missing) {
		if (ev->missing->blamed)
			return;
		ev->missing->blamed = true;
	}
	if (ev->where)
		place = *ev->where;
	if (asprintf(&full, "%s%s", place.pointer ? place.pointer : "", pointer) < 0)
		full = NULL;
	place.pointer = full;
	if (full && is_known(ev, full, ev->why))
		return;
	/* long expressions are truncated at a character */
	if (text && nsg_expr_is(text) && !ev->frame.secret) {
		quoted = (int)strnlen(text, 160);
		while (quoted && ((unsigned char)text[quoted] & 0xc0) == 0x80)
			quoted--;
	}
	(void)nsg_diag_add(
	    ev->diag, NSG_ERROR, &place,
	    ev->fail == NSG_FAIL_INVALID || ev->fail == NSG_FAIL_MISSING ? "InvalidTemplate" : NULL,
	    "cannot evaluate%s%.*s%s: %s", quoted ? " " : "", quoted, quoted ? text : "",
	    quoted && text[quoted] ? "…" : "", ev->why);
}

/* ---- copy loops ---------------------------------------------------------------------------- */

bool nsg_tree_is_copy(const char *key, json_t *value)
{
	json_t *each;
	size_t i;

	if (strcasecmp(key, "copy") != 0 || !json_array_size(value))
		return false;
	json_array_foreach(value, i, each)
	{
		if (!nsg_eval_member(each, "name") || !nsg_eval_member(each, "input"))
			return false;
	}
	return true;
}

int nsg_tree_copies(struct nsg_eval *ev, json_t *raw_count, int64_t *ret)
{
	cleanup_json json_t *count = NULL;
	int r;

	if (!raw_count)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID, "the copy loop has no count");
	r = nsg_tree_value(ev, raw_count, &count);
	if (r < 0)
		return r;
	if (!json_is_integer(count) || json_integer_value(count) < 0)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID,
				     "the count of a copy loop must be an integer from 0");
	if (json_integer_value(count) > (json_int_t)NSG_MAX_TEMPLATE_COPIES)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID,
				     "a copy loop makes %" JSON_INTEGER_FORMAT
				     " copies; Azure allows at most %u",
				     json_integer_value(count), NSG_MAX_TEMPLATE_COPIES);
	*ret = json_integer_value(count);
	return 0;
}

static int tree(struct tree *t, json_t *raw, const char *key, json_t **ret);

static int copy_inputs(struct tree *t, const char *name, int64_t count, json_t *input,
		       json_t *result)
{
	struct nsg_loop loop = {.name = name, .outer = t->ev->frame.loop};
	int r = 0;

	t->ev->frame.loop = &loop;
	for (; loop.index < count; loop.index++) {
		json_t *item = NULL;

		r = tree(t, input, "", &item);
		if (r < 0)
			break;
		r = nsg_eval_append(result, item);
		if (r < 0)
			break;
	}
	t->ev->frame.loop = loop.outer;
	return r;
}

static int copy_head(struct nsg_eval *ev, json_t *loop, json_t **ret_name, int64_t *ret_count)
{
	cleanup_json json_t *name = NULL;
	int r = nsg_tree_value(ev, nsg_eval_member(loop, "name"), &name);

	if (r < 0)
		return r;
	if (!json_is_string(name))
		return nsg_eval_fail(ev, NSG_FAIL_INVALID,
				     "the name of a copy loop must be a string");
	r = nsg_tree_copies(ev, nsg_eval_member(loop, "count"), ret_count);
	if (r < 0)
		return r;
	*ret_name = TAKE_PTR(name);
	return 0;
}

/* One element of a "copy" list: its name becomes a member of `object`. */
static int copy_loop(struct tree *t, json_t *loop, json_t *object)
{
	cleanup_json json_t *name = NULL;
	cleanup_json json_t *result = json_array();
	int64_t count = 0;
	int r = copy_head(t->ev, loop, &name, &count);

	if (r < 0) {
		if (!t->report || r == -ENOMEM)
			return r;
		if (path_key(t, "count") || tree_blame(t, nsg_eval_member(loop, "count")))
			return -ENOMEM;
		return t->ev->fail == NSG_FAIL_LIMIT ? r : 0;
	}
	r = path_key(t, "input");
	if (r < 0)
		return r;
	r = copy_inputs(t, json_string_value(name), count, nsg_eval_member(loop, "input"), result);
	if (r < 0)
		return r;
	return nsg_eval_set(object, json_string_value(name), TAKE_PTR(result));
}

static int copy_loops(struct tree *t, json_t *loops, json_t *object)
{
	size_t i, path = t->path.n;
	json_t *each;

	json_array_foreach(loops, i, each)
	{
		int r = path_index(t, i);

		if (r < 0)
			return r;
		r = copy_loop(t, each, object);
		if (r < 0)
			return r;
		t->path.n = path;
	}
	return 0;
}

/* ---- values -------------------------------------------------------------------------------- */

/* Members that decide nothing and may be left out. */
static bool is_soft(const char *key)
{
	return !strcasecmp(key, "location") || !strcasecmp(key, "tags");
}

/*
 * Whether the stand-in location is in a value that decides. It does no harm in names and ids: both
 * sides of a comparison have it.
 */
static bool has_made_up(json_t *value, const char *key)
{
	const char *s = json_string_value(value);
	json_t *each;
	size_t i;

	if (s)
		return s[0] != '/' && strcasecmp(key, "name") != 0 &&
		       strstr(s, NSG_STAND_IN_LOCATION);
	json_array_foreach(value, i, each)
	{
		if (has_made_up(each, key))
			return true;
	}
	json_object_foreach(value, key, each)
	{
		if (!is_soft(key) && has_made_up(each, key))
			return true;
	}
	return false;
}

static int known_string(struct nsg_eval *ev, json_t *raw, const char *key, json_t **ret)
{
	cleanup_json json_t *value = NULL;
	int r = nsg_eval_string(ev, raw, &value);

	if (r < 0)
		return r;
	r = nsg_eval_walk(ev, value);
	if (r < 0)
		return r;
	if (has_made_up(value, key))
		return nsg_eval_fail(ev, NSG_FAIL_LIVE,
				     "it contains the location of the resource group, which a "
				     "template does not define; use a location parameter");
	*ret = TAKE_PTR(value);
	return 0;
}

static int string(struct tree *t, json_t *raw, const char *key, json_t **ret)
{
	struct nsg_eval *ev = t->ev;
	int r;

	if (!t->report)
		return nsg_eval_string(ev, raw, ret);
	ev->secure = false;
	r = known_string(ev, raw, key, ret);
	if (r < 0 && !nsg_eval_is_final(ev, r) && !strcasecmp(key, "name")) {
		bool before = ev->frame.lenient;

		ev->frame.lenient = true;
		r = nsg_eval_string(ev, raw, ret);
		ev->frame.lenient = before;
	}
	if (r >= 0 || r == -ENOMEM)
		return r;
	if (tree_blame(t, raw) < 0)
		return -ENOMEM;
	if (ev->fail == NSG_FAIL_LIMIT)
		return r;
	return nsg_eval_give(json_null(), ret);
}

static int array(struct tree *t, json_t *raw, json_t **ret)
{
	cleanup_json json_t *result = json_array();
	size_t i, path = t->path.n;
	json_t *each;

	json_array_foreach(raw, i, each)
	{
		json_t *item = NULL;
		int r = path_index(t, i);

		if (r < 0)
			return r;
		r = tree(t, each, "", &item);
		if (r < 0)
			return r;
		r = nsg_eval_append(result, item);
		if (r < 0)
			return r;
		t->path.n = path;
	}
	return nsg_eval_give(TAKE_PTR(result), ret);
}

/* App settings may be secrets and are never quoted. */
static bool is_secret(const char *key)
{
	return !strcasecmp(key, "siteConfig") || !strcasecmp(key, "appSettings");
}

/* Members that decide nothing are left out when they fail or would show a secret. */
static int soft_member(struct nsg_eval *ev, const char *key, json_t *value, json_t *object)
{
	cleanup_json json_t *result = NULL;
	struct tree quiet = {.ev = ev};
	int r;

	ev->secure = false;
	r = tree(&quiet, value, key, &result);
	if (r < 0)
		return nsg_eval_is_final(ev, r) ? r : 0;
	return ev->secure ? 0 : nsg_eval_set(object, key, TAKE_PTR(result));
}

static int member(struct tree *t, const char *key, json_t *value, json_t *object)
{
	json_t *result = NULL;
	int r;

	if (t->report && is_soft(key))
		return soft_member(t->ev, key, value, object);
	r = tree(t, value, key, &result);
	if (r < 0)
		return r;
	return nsg_eval_set(object, key, result);
}

static int secret_member(struct tree *t, const char *key, json_t *value, json_t *object)
{
	bool before = t->ev->frame.secret;
	int r;

	t->ev->frame.secret = before || is_secret(key);
	r = member(t, key, value, object);
	t->ev->frame.secret = before;
	return r;
}

/* A member's name may be an expression too. */
static int member_name(struct tree *t, const char *key, json_t **ret)
{
	cleanup_json json_t *raw = json_string(key);
	cleanup_json json_t *name = NULL;
	int r;

	if (!raw)
		return -ENOMEM;
	r = nsg_eval_string(t->ev, raw, &name);
	if (r < 0)
		return r;
	if (!json_is_string(name))
		return nsg_eval_fail(t->ev, NSG_FAIL_INVALID,
				     "the name of a property must be a string");
	*ret = TAKE_PTR(name);
	return 0;
}

static int object_member(struct tree *t, const char *key, json_t *value, json_t *object)
{
	cleanup_json json_t *name = NULL;
	int r;

	if (nsg_tree_is_copy(key, value))
		return copy_loops(t, value, object);
	if (!nsg_expr_is(key) && nsg_expr_unescape(key) == key)
		return secret_member(t, key, value, object);
	r = member_name(t, key, &name);
	if (r < 0)
		return t->report && !nsg_eval_is_final(t->ev, r) ? tree_blame(t, NULL) : r;
	return secret_member(t, json_string_value(name), value, object);
}

static int object(struct tree *t, json_t *raw, json_t **ret)
{
	cleanup_json json_t *result = json_object();
	size_t path = t->path.n;
	json_t *each;
	const char *key;

	json_object_foreach(raw, key, each)
	{
		int r = path_key(t, key);

		if (r < 0)
			return r;
		r = object_member(t, key, each, result);
		if (r < 0)
			return r;
		t->path.n = path;
	}
	return nsg_eval_give(TAKE_PTR(result), ret);
}

static int value(struct tree *t, json_t *raw, const char *key, json_t **ret)
{
	if (json_is_string(raw))
		return string(t, raw, key, ret);
	if (json_is_array(raw))
		return array(t, raw, ret);
	if (json_is_object(raw))
		return object(t, raw, ret);
	return nsg_eval_give(json_incref(raw), ret);
}

static int tree(struct tree *t, json_t *raw, const char *key, json_t **ret)
{
	int r = nsg_eval_pay(t->ev, 1);

	if (r < 0)
		return r;
	r = nsg_eval_enter(t->ev);
	if (r < 0)
		return r;
	r = value(t, raw, key, ret);
	nsg_eval_leave(t->ev);
	return r;
}

int nsg_tree_value(struct nsg_eval *ev, json_t *raw, json_t **ret)
{
	struct tree t = {.ev = ev};

	return tree(&t, raw, "", ret);
}

int nsg_tree_report(struct nsg_eval *ev, json_t *raw, const char *key, const char *pointer,
		    json_t **ret)
{
	cleanup_tree struct tree t = {.ev = ev, .report = true};
	int r = path_add(&t, pointer);

	if (r < 0)
		return r;
	r = tree(&t, raw, key, ret);
	/* the work may also run out between strings */
	if (r < 0 && r != -ENOMEM && tree_blame(&t, NULL) < 0)
		return -ENOMEM;
	return r;
}
