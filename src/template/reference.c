/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "template/reference_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "template/decl_priv.h"
#include "template/func_priv.h"
#include "util/cleanup.h"
#include "util/json_object.h"
#include "util/macro.h"

/* The state of a chain of accessors. */
struct lazy {
	enum {
		LAZY_DEPLOYMENT,
		LAZY_OUTPUTS,
		LAZY_OUTPUT,
		LAZY_VALUE,    /* json, evaluated, of an output */
		LAZY_DECLARED, /* json, part of a declaration */
	} stage;
	const struct nsg_decl *decl;
	struct nsg_binding *output;
	json_t *json;  /* owned */
	bool raw;      /* json has expressions, for the declaration's frame */
	char last[64]; /* the last member name */
};

static void lazy_done(struct lazy *l)
{
	json_decref(l->json);
}

#define cleanup_lazy __attribute__((cleanup(lazy_done)))

/* Takes json. */
static void lazy_set(struct lazy *l, json_t *json)
{
	json_decref(l->json);
	l->json = json;
}

bool nsg_reference_is(const struct nsg_expr *e)
{
	while (e->kind == NSG_EXPR_GET)
		e = e->args[0];
	return nsg_func_is(e, "reference");
}

/* ---- finding ------------------------------------------------------------------------------- */

/* "symbol", or "symbol[2]" for a copy */
static bool has_symbol(const struct nsg_decl *d, const char *what)
{
	size_t n = d->symbol ? strlen(d->symbol) : 0;
	char *end;

	if (!n || strncasecmp(what, d->symbol, n) != 0)
		return false;
	if (!what[n])
		return d->copy < 0;
	return what[n] == '[' && strtoll(what + n + 1, &end, 10) == d->copy && !strcmp(end, "]");
}

static bool has_id(const struct nsg_decl *d, const char *what, size_t len)
{
	const char *id = d->id;

	if (!id)
		return false;
	/* older templates use ids without the beginning: Microsoft.Network/…/name */
	if (*what != '/') {
		id = strstr(id, "/providers/");
		id = id ? id + strlen("/providers/") : "";
	}
	return strlen(id) == len && !strncasecmp(id, what, len);
}

/* By symbolic name or name, which are valid in the same template only. */
static struct nsg_decl *find_name(struct nsg_scope *s, const char *what)
{
	struct nsg_decl *d;

	for (d = s->decls; d; d = d->next) {
		if (has_symbol(d, what))
			return d;
	}
	for (d = s->decls; d; d = d->next) {
		if (d->name && !strcasecmp(d->name, what))
			return d;
	}
	return NULL;
}

/* A resource does not refer to itself but to another declaration of the same resource. */
static struct nsg_decl *find_id(struct nsg_scope *s, const char *what, size_t len,
				const struct nsg_decl *self)
{
	for (struct nsg_decl *d = s->decls; d && len; d = d->next) {
		if (d != self && has_id(d, what, len))
			return d;
	}
	return NULL;
}

/* The length of an id without its last type and name; 0: not the id of a child. */
static size_t parent_length(const char *id)
{
	size_t n = strlen(id);

	for (int i = 0; i < 2; i++) {
		while (n && id[n - 1] != '/')
			n--;
		n -= n > 0;
	}
	return n;
}

static int make_decls(struct nsg_eval *ev, struct nsg_scope *s)
{
	int r = nsg_decls_make(ev, s);

	for (const struct nsg_decl *d = s->decls; d && r >= 0; d = d->next)
		r = nsg_eval_pay(ev, 1);
	return r;
}

/* Searches one template. *ret_parent: the resource is an element of the one found. */
static struct nsg_decl *find_in(struct nsg_eval *ev, struct nsg_scope *s, const char *what,
				bool by_name, bool *ret_parent)
{
	struct nsg_decl *d = by_name ? find_name(s, what) : NULL;

	*ret_parent = false;
	if (!d || d == ev->frame.decl)
		d = find_id(s, what, strlen(what), ev->frame.decl);
	if (d)
		return d;
	*ret_parent = true;
	return find_id(s, what, parent_length(what), NULL);
}

/*
 * Searches the template that contains the expression and the one it is evaluated in (outer scope),
 * then, by id, the enclosing ones. *ret NULL: not found.
 */
static int find(struct nsg_eval *ev, const char *what, struct nsg_decl **ret, bool *ret_parent)
{
	*ret = NULL;
	for (struct nsg_scope *s = ev->frame.home; s && !*ret; s = s->parent) {
		bool is_near = s == ev->frame.home || s == ev->frame.scope;
		int r;

		/* the list is still being made */
		if (!is_near && s->decls_state == NSG_DECLS_BUSY)
			continue;
		r = make_decls(ev, s);
		if (r < 0)
			return r;
		*ret = find_in(ev, s, what, is_near, ret_parent);
	}
	return 0;
}

/* ---- steps --------------------------------------------------------------------------------- */

static int fail_live(struct nsg_eval *ev, const struct nsg_decl *d, const char *what)
{
	return nsg_eval_fail(ev, NSG_FAIL_LIVE,
			     "reference() to '%.100s': %.100s is known only after deployment",
			     d->symbol ? d->symbol
			     : d->name ? d->name
				       : d->type,
			     nsg_eval_quote(ev, what));
}

/* Evaluates all of l->json in the frame of its declaration. */
static int settle(struct nsg_eval *ev, struct lazy *l)
{
	struct nsg_frame before = ev->frame;
	json_t *value = NULL;
	int r;

	if (!l->raw)
		return 0;
	ev->frame = nsg_decl_frame(l->decl, &before);
	r = nsg_tree_value(ev, l->json, &value);
	ev->frame = before;
	if (r < 0)
		return r;
	lazy_set(l, value);
	l->raw = false;
	return nsg_eval_walk(ev, value);
}

static bool is_expression(const json_t *value)
{
	const char *s = json_string_value(value);

	return s && nsg_expr_is(s);
}

static bool has_copy(json_t *object)
{
	json_t *copy = nsg_eval_member(object, "copy");

	return copy && nsg_tree_is_copy("copy", copy);
}

/* The id of an element that is a child resource: …/virtualNetworks/v/subnets/s. */
static int element_id(struct nsg_eval *ev, struct lazy *l)
{
	json_t *name = nsg_eval_member(l->json, "name");
	json_t *id = NULL;
	int r;

	if (!l->last[0] || !l->decl->id || !name)
		return fail_live(ev, l->decl, "id");
	r = settle(ev, l);
	if (r < 0)
		return r;
	name = nsg_eval_member(l->json, "name");
	if (!json_is_string(name))
		return fail_live(ev, l->decl, "id");
	r = nsg_eval_give_format(ev, &id, "%s/%s/%s", l->decl->id, l->last,
				 json_string_value(name));
	if (r < 0)
		return r;
	lazy_set(l, id);
	return 0;
}

/* Azure chooses the address unless the allocation method is static. */
static int check_address(struct nsg_eval *ev, struct lazy *l, const char *name)
{
	json_t *method = nsg_eval_member(l->json, "privateIPAllocationMethod");
	cleanup_lazy struct lazy how = {.decl = l->decl, .raw = l->raw};
	int r;

	if (strcasecmp(name, "privateIPAddress") != 0)
		return 0;
	if (!method)
		return fail_live(ev, l->decl, name);
	how.json = json_incref(method);
	r = settle(ev, &how);
	if (r < 0)
		return r;
	if (!json_is_string(how.json) || strcasecmp(json_string_value(how.json), "Static") != 0)
		return fail_live(ev, l->decl, name);
	return 0;
}

/* One accessor into a declaration. */
static int step_declared(struct nsg_eval *ev, struct lazy *l, json_t *key)
{
	const char *name = json_string_value(key);
	json_t *found = NULL;
	int r;

	if (l->raw && (is_expression(l->json) ||
		       (name && !nsg_eval_member(l->json, name) && has_copy(l->json)))) {
		r = settle(ev, l);
		if (r < 0)
			return r;
	}
	if (name)
		found = nsg_eval_member(l->json, name);
	else if (json_is_integer(key) && json_integer_value(key) >= 0)
		found = json_array_get(l->json, (size_t)json_integer_value(key));
	if (!found && name && !strcasecmp(name, "id"))
		return element_id(ev, l);
	if (!found)
		return fail_live(ev, l->decl, name ? name : "an element");
	r = name ? check_address(ev, l, name) : 0;
	if (r < 0)
		return r;
	if (name && strlen(name) < sizeof(l->last))
		memcpy(l->last, name, strlen(name) + 1);
	else if (name)
		l->last[0] = '\0';
	lazy_set(l, json_incref(found));
	return 0;
}

static int step_outputs(struct nsg_eval *ev, struct lazy *l, const char *name)
{
	l->output = nsg_bindings_find(&l->decl->child->outputs, name);
	if (!l->output)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID,
				     "the deployment '%.100s' has no output '%.100s'",
				     l->decl->name ? l->decl->name : "", nsg_eval_quote(ev, name));
	l->stage = LAZY_OUTPUT;
	return 0;
}

static int step(struct nsg_eval *ev, struct lazy *l, json_t *key)
{
	const char *name = json_string_value(key);
	json_t *value = NULL;
	int r;

	switch (l->stage) {
	case LAZY_DEPLOYMENT:
		if (!name || strcasecmp(name, "outputs") != 0)
			return fail_live(ev, l->decl, name ? name : "an element");
		l->stage = LAZY_OUTPUTS;
		return 0;
	case LAZY_OUTPUTS:
		return step_outputs(ev, l, name ? name : "");
	case LAZY_OUTPUT:
		if (!name || strcasecmp(name, "value") != 0)
			return fail_live(ev, l->decl, name ? name : "an element");
		l->stage = LAZY_VALUE;
		return nsg_binding_value(ev, l->output, &l->json);
	case LAZY_VALUE:
		r = nsg_eval_get(ev, l->json, key, &value);
		if (r < 0)
			return r;
		lazy_set(l, value);
		return 0;
	case LAZY_DECLARED:
		break;
	}
	return step_declared(ev, l, key);
}

/* ---- beginning and end --------------------------------------------------------------------- */

/* The properties of the element of that name, borrowed; NULL when there is none. */
static int find_element(struct nsg_eval *ev, const struct lazy *l, const char *name, json_t **ret)
{
	json_t *each, *raw;
	size_t i;

	*ret = NULL;
	json_array_foreach(l->json, i, each)
	{
		cleanup_lazy struct lazy element = {.decl = l->decl, .raw = l->raw};
		int r;

		raw = nsg_eval_member(each, "name");
		if (!raw)
			continue;
		element.json = json_incref(raw);
		r = settle(ev, &element);
		if (r < 0)
			return r;
		if (json_is_string(element.json) &&
		    !strcasecmp(json_string_value(element.json), name)) {
			*ret = nsg_eval_member(each, "properties");
			if (*ret)
				break;
		}
	}
	return 0;
}

/* From a parent to the element that `what` ends in: …/subnets/s is in "subnets". */
static int enter_element(struct nsg_eval *ev, struct lazy *l, const char *what)
{
	const char *tail = what + parent_length(what) + 1, *slash = strchr(tail, '/');
	cleanup_json json_t *collection = json_stringn(tail, (size_t)(slash - tail));
	json_t *found = NULL;
	int r;

	if (!collection)
		return -ENOMEM;
	r = step_declared(ev, l, collection);
	if (r < 0)
		return r;
	r = json_is_array(l->json) ? 0 : settle(ev, l);
	if (r < 0)
		return r;
	r = find_element(ev, l, slash + 1, &found);
	if (r < 0)
		return r;
	if (!found)
		return fail_live(ev, l->decl, slash + 1);
	lazy_set(l, json_incref(found));
	l->last[0] = '\0';
	return 0;
}

/* reference('x', version, 'Full') is the whole resource, otherwise its properties. */
static int begin(struct nsg_eval *ev, const struct nsg_call *c, struct lazy *ret)
{
	const char *what = json_string_value(c->args[0]);
	const char *mode = c->n > 2 ? json_string_value(c->args[2]) : NULL;
	bool full = mode && !strcasecmp(mode, "full");
	struct nsg_decl *d = NULL;
	bool is_parent = false;
	int r = find(ev, what, &d, &is_parent);

	if (r < 0)
		return r;
	if (!d || d->existing)
		return nsg_eval_fail(ev, NSG_FAIL_LIVE,
				     "reference() to '%.200s' is known only after deployment",
				     nsg_eval_quote(ev, what));
	if (!d->deployed)
		return nsg_eval_fail(
		    ev, NSG_FAIL_INVALID,
		    "reference() to '%.200s', which is not deployed: its condition is false",
		    nsg_eval_quote(ev, what));
	ret->decl = d;
	if (d->class == NSG_DECL_DEPLOYMENT && !full) {
		ret->stage = LAZY_DEPLOYMENT;
		return d->child ? 0 : fail_live(ev, d, "what it deploys");
	}
	ret->stage = LAZY_DECLARED;
	ret->raw = true;
	ret->json = full ? d->body : nsg_eval_member(d->body, "properties");
	if (!ret->json)
		return fail_live(ev, d, "its properties");
	json_incref(ret->json);
	return is_parent ? enter_element(ev, ret, what) : 0;
}

static int all_outputs(struct nsg_eval *ev, const struct nsg_decl *d, json_t **ret)
{
	cleanup_json json_t *all = json_object();

	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): begin() fails without a child */
	for (size_t i = 0; i < d->child->outputs.n; i++) {
		struct nsg_binding *b = d->child->outputs.v[i];
		json_t *value = NULL;
		int r = nsg_binding_value(ev, b, &value);

		if (r < 0)
			return r;
		r = nsg_eval_set(all, b->name, NSG_JSON_OBJECT(PAIR_J("value", value)));
		if (r < 0)
			return r;
	}
	return nsg_eval_give(TAKE_PTR(all), ret);
}

/* For an empty string, as for null, Azure chooses the value. */
static bool is_plain(const json_t *value)
{
	return json_string_length(value) || json_is_integer(value) || json_is_boolean(value);
}

/* Azure adds members to objects, so only plain values and arrays of them are known. */
static int end_declared(struct nsg_eval *ev, struct lazy *l, json_t **ret)
{
	json_t *each;
	size_t i;
	int r = settle(ev, l);

	if (r < 0)
		return r;
	if (!is_plain(l->json) && !json_is_array(l->json))
		return fail_live(ev, l->decl, l->last[0] ? l->last : "it");
	json_array_foreach(l->json, i, each)
	{
		if (!is_plain(each))
			return fail_live(ev, l->decl, l->last[0] ? l->last : "it");
	}
	*ret = TAKE_PTR(l->json);
	return 0;
}

static int end(struct nsg_eval *ev, struct lazy *l, json_t **ret)
{
	json_t *value = NULL;
	int r;

	switch (l->stage) {
	case LAZY_DEPLOYMENT:
		r = all_outputs(ev, l->decl, &value);
		if (r < 0)
			return r;
		return nsg_eval_give(NSG_JSON_OBJECT(PAIR_J("outputs", value)), ret);
	case LAZY_OUTPUTS:
		return all_outputs(ev, l->decl, ret);
	case LAZY_OUTPUT:
		r = nsg_binding_value(ev, l->output, &value);
		if (r < 0)
			return r;
		return nsg_eval_give(NSG_JSON_OBJECT(PAIR_J("value", value)), ret);
	case LAZY_VALUE:
		*ret = TAKE_PTR(l->json);
		return 0;
	case LAZY_DECLARED:
		break;
	}
	return end_declared(ev, l, ret);
}

static int walk_chain(struct nsg_eval *ev, const struct nsg_expr *e, struct lazy *l);

static int begin_chain(struct nsg_eval *ev, const struct nsg_expr *e, struct lazy *l)
{
	cleanup_call struct nsg_call c = {0};
	int r = nsg_call_prepare(ev, e, &c);

	if (r < 0)
		return r;
	return begin(ev, &c, l);
}

static int continue_chain(struct nsg_eval *ev, const struct nsg_expr *e, struct lazy *l)
{
	cleanup_json json_t *key = NULL;
	int r = walk_chain(ev, e->args[0], l);

	if (r < 0)
		return r;
	r = nsg_eval_node(ev, e->args[1], &key);
	if (r < 0)
		return r;
	return step(ev, l, key);
}

/* The reference() that a chain starts with, then each accessor in turn. */
static int walk_chain(struct nsg_eval *ev, const struct nsg_expr *e, struct lazy *l)
{
	int r = nsg_eval_enter(ev);

	if (r < 0)
		return r;
	r = e->kind == NSG_EXPR_GET ? continue_chain(ev, e, l) : begin_chain(ev, e, l);
	nsg_eval_leave(ev);
	return r;
}

int nsg_reference_node(struct nsg_eval *ev, const struct nsg_expr *e, json_t **ret)
{
	cleanup_lazy struct lazy l = {0};
	int r = walk_chain(ev, e, &l);

	if (r < 0)
		return r;
	return end(ev, &l, ret);
}

int nsg_func_reference(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	cleanup_lazy struct lazy l = {0};
	int r = begin(ev, c, &l);

	if (r < 0)
		return r;
	return end(ev, &l, ret);
}

/* resourceInfo('symbol'): id, name and type */
int nsg_func_resourceinfo(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	const char *what = json_string_value(c->args[0]);
	struct nsg_decl *d = NULL;
	bool is_parent = false;
	int r = find(ev, what, &d, &is_parent);

	if (r < 0)
		return r;
	if (!d || is_parent || !d->id)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID, "the template has no resource '%.200s'",
				     nsg_eval_quote(ev, what));
	return nsg_eval_give(
	    NSG_JSON_OBJECT(PAIR_S("id", d->id), PAIR_S("name", d->name), PAIR_S("type", d->type)),
	    ret);
}
