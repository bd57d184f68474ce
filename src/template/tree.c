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
	NSG_VEC(char) path; /* of the part in hand, when reporting */
};

static void tree_done(struct tree *t)
{
	nsg_vec_done(&t->path);
}

#define cleanup_tree __attribute__((cleanup(tree_done)))

/* ---- pointers ------------------------------------------------------------------------------ */

/* RFC 6901: ~ and / are written ~0 and ~1. */
static int path_key(struct tree *t, const char *key)
{
	int r = t->report ? nsg_vec_push(&t->path, '/') : 0;

	for (; t->report && !r && *key; key++) {
		if (*key == '~' || *key == '/') {
			r = nsg_vec_push(&t->path, '~');
			if (!r)
				r = nsg_vec_push(&t->path, *key == '~' ? '0' : '1');
		} else {
			r = nsg_vec_push(&t->path, *key);
		}
	}
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

	if (r)
		return r;
	t->path.n--;
	nsg_tree_blame(t->ev, raw, t->path.v);
	return 0;
}

/* Each copy of a loop fails alike: once is enough. */
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
	/* an expression as long as a page tells less than its start */
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
	if (r)
		return r;
	if (!json_is_integer(count) || json_integer_value(count) < 0)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID,
				     "the count of a copy loop is a number from 0");
	if (json_integer_value(count) > (json_int_t)NSG_MAX_TEMPLATE_COPIES)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID,
				     "a copy loop of %" JSON_INTEGER_FORMAT
				     ": Azure makes at most %u copies",
				     json_integer_value(count), NSG_MAX_TEMPLATE_COPIES);
	*ret = json_integer_value(count);
	return 0;
}

static int tree(struct tree *t, json_t *raw, const char *key, json_t **ret);

static int copy_inputs(struct tree *t, const char *name, int64_t count, json_t *input,
		       json_t *result)
{
	struct nsg_loop loop = {.name = name, .outer = t->ev->frame.loop};
	const struct nsg_loop *before = t->ev->frame.loop;
	int r = 0;

	t->ev->frame.loop = &loop;
	for (; loop.index < count && !r; loop.index++) {
		json_t *item = NULL;

		r = tree(t, input, "", &item);
		if (!r)
			r = nsg_eval_append(result, item);
	}
	t->ev->frame.loop = before;
	return r;
}

/* One element of a "copy" list: its name becomes a member of `object`. */
static int copy_loop(struct tree *t, json_t *loop, json_t *object)
{
	cleanup_json json_t *name = NULL;
	cleanup_json json_t *result = json_array();
	size_t path = t->path.n;
	int64_t count = 0;
	int r;

	if (!result)
		return -ENOMEM;
	r = nsg_tree_value(t->ev, nsg_eval_member(loop, "name"), &name);
	if (!r && !json_is_string(name))
		r = nsg_eval_fail(t->ev, NSG_FAIL_INVALID, "the name of a copy loop is a string");
	if (!r)
		r = nsg_tree_copies(t->ev, nsg_eval_member(loop, "count"), &count);
	if (r) {
		if (!t->report || r == -ENOMEM)
			return r;
		if (path_key(t, "count") || tree_blame(t, nsg_eval_member(loop, "count")))
			return -ENOMEM;
		t->path.n = path;
		return t->ev->fail == NSG_FAIL_LIMIT ? r : 0;
	}
	r = path_key(t, "input");
	if (!r)
		r = copy_inputs(t, json_string_value(name), count, nsg_eval_member(loop, "input"),
				result);
	t->path.n = path;
	return r ? r : nsg_eval_set(object, json_string_value(name), TAKE_PTR(result));
}

static int copy_loops(struct tree *t, json_t *loops, json_t *object)
{
	size_t i, path = t->path.n;
	json_t *each;
	int r = 0;

	json_array_foreach(loops, i, each)
	{
		r = path_index(t, i);
		if (!r)
			r = copy_loop(t, each, object);
		if (r)
			break;
		t->path.n = path;
	}
	return r;
}

/* ---- values -------------------------------------------------------------------------------- */

/* Members that decide nothing: they may be left out. */
static bool is_soft(const char *key)
{
	return !strcasecmp(key, "location") || !strcasecmp(key, "tags");
}

/*
 * The group's location, which is made up, in a value that decides. In names and ids it may be:
 * there it stands on both sides of a comparison.
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

static int check_known(struct nsg_eval *ev, json_t *value, const char *key)
{
	int r = nsg_eval_walk(ev, value);

	if (!r && has_made_up(value, key))
		r = nsg_eval_fail(ev, NSG_FAIL_LIVE,
				  "it holds the location of the resource group, which a template "
				  "does not tell; give the template a location parameter");
	return r;
}

static int string(struct tree *t, json_t *raw, const char *key, json_t **ret)
{
	struct nsg_eval *ev = t->ev;
	int r;

	if (t->report)
		ev->secure = false;
	r = nsg_eval_string(ev, raw, ret);
	if (!r && t->report) {
		r = check_known(ev, *ret, key);
		if (r)
			json_decref(*ret);
	}
	if (!r || !t->report || r == -ENOMEM)
		return r;
	if (!strcasecmp(key, "name") && !nsg_eval_is_final(ev, r)) {
		bool before = ev->frame.lenient;

		ev->frame.lenient = true;
		r = nsg_eval_string(ev, raw, ret);
		ev->frame.lenient = before;
		if (!r)
			return 0;
	}
	if (r == -ENOMEM || tree_blame(t, raw))
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
	int r = 0;

	if (!result)
		return -ENOMEM;
	json_array_foreach(raw, i, each)
	{
		json_t *item = NULL;

		r = path_index(t, i);
		if (!r)
			r = tree(t, each, "", &item);
		if (!r)
			r = nsg_eval_append(result, item);
		if (r)
			return r;
		t->path.n = path;
	}
	*ret = TAKE_PTR(result);
	return 0;
}

/* App settings may be secrets: nothing of them is quoted. */
static bool is_secret(const char *key)
{
	return !strcasecmp(key, "siteConfig") || !strcasecmp(key, "appSettings");
}

static int member(struct tree *t, const char *key, json_t *value, json_t *object)
{
	bool secret = t->ev->frame.secret;
	json_t *result = NULL;
	int r;

	t->ev->frame.secret = secret || is_secret(key);
	if (t->report && is_soft(key)) {
		struct tree quiet = {.ev = t->ev};

		t->ev->secure = false;
		r = tree(&quiet, value, key, &result);
		/* what decides nothing need not show a secret */
		if (r ? !nsg_eval_is_final(t->ev, r) : t->ev->secure) {
			json_decref(r ? NULL : result);
			t->ev->frame.secret = secret;
			return 0;
		}
	} else {
		r = tree(t, value, key, &result);
	}
	t->ev->frame.secret = secret;
	return r ? r : nsg_eval_set(object, key, result);
}

/* A member's name may be an expression too. */
static int member_name(struct tree *t, const char *key, json_t **ret)
{
	cleanup_json json_t *raw = json_string(key);
	int r;

	if (!raw)
		return -ENOMEM;
	r = nsg_eval_string(t->ev, raw, ret);
	if (!r && !json_is_string(*ret)) {
		r = nsg_eval_fail(t->ev, NSG_FAIL_INVALID, "a property's name is a string");
		json_decref(*ret);
		*ret = NULL;
	}
	return r;
}

static int object_member(struct tree *t, const char *key, json_t *value, json_t *object)
{
	cleanup_json json_t *name = NULL;
	size_t path = t->path.n;
	int r;

	r = path_key(t, key);
	if (r)
		return r;
	if (nsg_tree_is_copy(key, value)) {
		r = copy_loops(t, value, object);
	} else if (nsg_expr_is(key) || nsg_expr_unescape(key) != key) {
		r = member_name(t, key, &name);
		if (!r)
			r = member(t, json_string_value(name), value, object);
		else if (t->report && !nsg_eval_is_final(t->ev, r))
			r = tree_blame(t, NULL);
	} else {
		r = member(t, key, value, object);
	}
	t->path.n = path;
	return r;
}

static int object(struct tree *t, json_t *raw, json_t **ret)
{
	cleanup_json json_t *result = json_object();
	json_t *each;
	const char *key;
	int r = 0;

	if (!result)
		return -ENOMEM;
	json_object_foreach(raw, key, each)
	{
		r = object_member(t, key, each, result);
		if (r)
			return r;
	}
	*ret = TAKE_PTR(result);
	return 0;
}

static int tree(struct tree *t, json_t *raw, const char *key, json_t **ret)
{
	int r = nsg_eval_pay(t->ev, 1);

	if (!r)
		r = nsg_eval_enter(t->ev);
	if (r)
		return r;
	if (json_is_string(raw))
		r = string(t, raw, key, ret);
	else if (json_is_array(raw))
		r = array(t, raw, ret);
	else if (json_is_object(raw))
		r = object(t, raw, ret);
	else
		r = nsg_eval_give(json_incref(raw), ret);
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
	int r = 0;

	for (const char *p = pointer; *p && !r; p++)
		r = nsg_vec_push(&t.path, *p);
	if (!r)
		r = tree(&t, raw, key, ret);
	/* the steps may end between strings */
	if (r && r != -ENOMEM && tree_blame(&t, NULL))
		r = -ENOMEM;
	return r;
}
