/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "template/decl_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "azure/kinds.h"
#include "util/cleanup.h"
#include "util/macro.h"

/* The price of a declaration: the limit of work bounds memory too. */
#define DECL_WORK 64u

enum nsg_decl_class nsg_decl_classify(const char *type)
{
#define TYPES(name, ...) {__VA_ARGS__},
	static const char *const read[][NSG_MAX_TYPES_OF_KIND] = {NSG_KINDS(TYPES)};
#undef TYPES

	if (!strcasecmp(type, "Microsoft.Resources/deployments"))
		return NSG_DECL_DEPLOYMENT;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(read); i++) {
		for (size_t j = 0; j < NSG_MAX_TYPES_OF_KIND && read[i][j]; j++) {
			if (!strcasecmp(type, read[i][j]))
				return NSG_DECL_READ;
		}
	}
	return NSG_DECL_OTHER;
}

struct nsg_id_prefix nsg_scope_prefix(const struct nsg_scope *s)
{
	struct nsg_id_prefix p = {""};

	if (s->level == NSG_LEVEL_SUBSCRIPTION)
		(void)snprintf(p.text, sizeof(p.text), "/subscriptions/%.100s", s->subscription);
	else if (s->level == NSG_LEVEL_GROUP)
		(void)snprintf(p.text, sizeof(p.text),
			       "/subscriptions/%.100s/resourceGroups/%.200s", s->subscription,
			       s->group);
	return p;
}

struct nsg_frame nsg_decl_frame(const struct nsg_decl *d, const struct nsg_frame *from)
{
	struct nsg_frame f = nsg_scope_frame(d->scope, from);

	f.decl = d;
	f.loop = d->loop;
	return f;
}

/* Reports the failure at a part of the declaration, "" for all of it; raw is its text. */
static int decl_fail(struct nsg_eval *ev, struct nsg_decl *d, const char *at, const json_t *raw)
{
	cleanup_free char *pointer = NULL;

	if (asprintf(&pointer, "%s%s", d->pointer, at) < 0) {
		pointer = NULL;
		return -ENOMEM;
	}
	nsg_tree_blame(ev, raw, pointer);
	d->failed = true;
	return ev->fail == NSG_FAIL_LIMIT ? -EINVAL : 0;
}

/* ---- type, name, condition ----------------------------------------------------------------- */

static size_t segments(const char *s)
{
	size_t n = 1;

	for (; *s; s++)
		n += *s == '/';
	return n;
}

/* The type and name of a child may be complete, or the last segment only. */
static const char *below(struct nsg_eval *ev, const char *parent, const char *own)
{
	return nsg_arena_printf(&ev->arena, "%s/%s", parent, own);
}

/* The type or the name of a resource, which is a string. */
static int string_member(struct nsg_eval *ev, json_t *raw, const char *what, json_t **ret)
{
	cleanup_json json_t *value = NULL;
	int r;

	if (!raw)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID, "the resource has no %s", what);
	r = nsg_tree_value(ev, raw, &value);
	if (r < 0)
		return r;
	if (!json_is_string(value))
		return nsg_eval_fail(ev, NSG_FAIL_INVALID, "the %s of a resource must be a string",
				     what);
	*ret = TAKE_PTR(value);
	return 0;
}

static int decl_type(struct nsg_eval *ev, struct nsg_decl *d, const struct nsg_decl *parent)
{
	cleanup_json json_t *type = NULL;
	json_t *raw = nsg_eval_member(d->body, "type");
	int r = string_member(ev, raw, "type", &type);

	if (r < 0)
		return r == -ENOMEM ? r : decl_fail(ev, d, "/type", raw);
	d->type = parent && !strchr(json_string_value(type), '.')
		      ? below(ev, parent->type, json_string_value(type))
		      : nsg_arena_strdup(&ev->arena, json_string_value(type));
	if (!d->type)
		return -ENOMEM;
	d->class = nsg_decl_classify(d->type);
	return 0;
}

/* A name that cannot be evaluated becomes a stand-in: names decide nothing. */
static int decl_name(struct nsg_eval *ev, struct nsg_decl *d, const struct nsg_decl *parent)
{
	cleanup_json json_t *name = NULL;
	json_t *raw = nsg_eval_member(d->body, "name");
	bool quiet = d->class == NSG_DECL_OTHER;
	const char *text;
	int r = string_member(ev, raw, "name", &name);

	if (r < 0 && !nsg_eval_is_final(ev, r)) {
		ev->frame.lenient = true;
		r = string_member(ev, raw, "name", &name);
		ev->frame.lenient = false;
	}
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return quiet && !nsg_eval_is_final(ev, r) ? 0 : decl_fail(ev, d, "/name", raw);
	text = json_string_value(name);
	/* a child inside its parent: one segment, unless it is complete already */
	d->name = parent && parent->name && segments(text) < segments(d->type) - 1
		      ? below(ev, parent->name, text)
		      : nsg_arena_strdup(&ev->arena, text);
	if (!d->name)
		return -ENOMEM;
	if (!quiet && segments(d->name) + 1 != segments(d->type)) {
		(void)nsg_eval_fail(ev, NSG_FAIL_INVALID,
				    "the name of a resource of type %.100s must have %zu "
				    "segment%s, not %zu",
				    d->type, segments(d->type) - 1,
				    segments(d->type) == 2 ? "" : "s (parent/child)",
				    segments(d->name));
		return decl_fail(ev, d, "/name", raw);
	}
	return 0;
}

/* A boolean, or one as a string. */
static bool is_condition(const json_t *value, bool *ret)
{
	const char *text = json_string_value(value);

	if (!json_is_boolean(value) &&
	    (!text || (strcasecmp(text, "true") != 0 && strcasecmp(text, "false") != 0)))
		return false;
	*ret = text ? !strcasecmp(text, "true") : json_is_true(value);
	return true;
}

static int decl_condition(struct nsg_eval *ev, struct nsg_decl *d)
{
	cleanup_json json_t *value = NULL;
	json_t *raw = nsg_eval_member(d->body, "condition");
	int r;

	d->deployed = true;
	if (!raw)
		return 0;
	r = nsg_tree_value(ev, raw, &value);
	if (r >= 0 && !is_condition(value, &d->deployed))
		r = nsg_eval_fail(ev, NSG_FAIL_INVALID, "a condition must be true or false");
	if (r >= 0 || r == -ENOMEM)
		return r;
	if (d->class != NSG_DECL_OTHER || nsg_eval_is_final(ev, r))
		return decl_fail(ev, d, "/condition", raw);
	return 0;
}

/* The provider, then types and names alternately. A deployment is in the group it deploys to. */
static int decl_id(struct nsg_eval *ev, struct nsg_decl *d)
{
	struct nsg_id_prefix prefix = nsg_scope_prefix(d->child ? d->child : d->scope);
	const char *type = d->type + strcspn(d->type, "/"), *name = d->name;

	if (!name)
		return 0;
	d->id = nsg_arena_printf(&ev->arena, "%s/providers/%.*s", prefix.text,
				 (int)(type - d->type), d->type);
	while (d->id && *type && *name) {
		size_t type_len = 1 + strcspn(type + 1, "/"), name_len = strcspn(name, "/");

		d->id = nsg_arena_printf(&ev->arena, "%s%.*s/%.*s", d->id, (int)type_len, type,
					 (int)name_len, name);
		type += type_len;
		name += name_len + (name[name_len] == '/');
	}
	return d->id ? 0 : -ENOMEM;
}

/* ---- nested deployments -------------------------------------------------------------------- */

/* A group, subscription or scope: a stand-in when unknown, like names. *ret NULL: not set. */
static int where_text(struct nsg_eval *ev, json_t *raw, const char **ret)
{
	cleanup_json json_t *value = NULL;
	int r;

	*ret = NULL;
	if (!raw || json_is_null(raw))
		return 0;
	ev->frame.lenient = true;
	r = nsg_tree_value(ev, raw, &value);
	ev->frame.lenient = false;
	if (r < 0 || !json_is_string(value))
		return nsg_eval_is_final(ev, r) ? r : 0;
	*ret = nsg_arena_strdup(&ev->arena, json_string_value(value));
	return *ret ? 0 : -ENOMEM;
}

static int child_where(struct nsg_eval *ev, const struct nsg_decl *d, struct nsg_scope *s)
{
	const char *group = NULL, *subscription = NULL, *scope = NULL;
	int r = where_text(ev, nsg_eval_member(d->body, "resourceGroup"), &group);

	if (r < 0)
		return r;
	r = where_text(ev, nsg_eval_member(d->body, "subscriptionId"), &subscription);
	if (r < 0)
		return r;
	r = where_text(ev, nsg_eval_member(d->body, "scope"), &scope);
	if (r < 0)
		return r;
	s->level = group	  ? NSG_LEVEL_GROUP
		   : subscription ? NSG_LEVEL_SUBSCRIPTION
		   : scope	  ? NSG_LEVEL_TENANT
				  : d->scope->level;
	s->group = group ? group : d->scope->group;
	s->subscription = subscription ? subscription : d->scope->subscription;
	return 0;
}

/* Azure's default is outer: expressions in the nested template use the parent's parameters. */
static bool is_inner(json_t *properties)
{
	json_t *options = nsg_eval_member(properties, "expressionEvaluationOptions");
	const char *scope = json_string_value(nsg_eval_member(options, "scope"));

	return scope && !strcasecmp(scope, "inner");
}

static int refuse_link(struct nsg_eval *ev, struct nsg_decl *d, json_t *link)
{
	json_t *uri = nsg_eval_member(link, "uri");

	(void)nsg_eval_fail(ev, NSG_FAIL_LIVE,
			    "linked templates are not read; build one template that contains it");
	return decl_fail(ev, d, uri ? "/properties/templateLink/uri" : "/properties/templateLink",
			 uri);
}

static int decl_deployment(struct nsg_eval *ev, struct nsg_decl *d)
{
	json_t *properties = nsg_eval_member(d->body, "properties");
	json_t *template = nsg_eval_member(properties, "template");
	json_t *link = nsg_eval_member(properties, "templateLink");
	struct nsg_scope *s;
	int r;

	if (!json_is_object(template) && link)
		return refuse_link(ev, d, link);
	if (!json_is_object(template)) {
		(void)nsg_eval_fail(ev, NSG_FAIL_INVALID, "the deployment has no template");
		return decl_fail(ev, d, "/properties", NULL);
	}
	s = nsg_arena_alloc(&ev->arena, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->template = template;
	s->parent = d->scope;
	s->pointer = nsg_arena_printf(&ev->arena, "%s/properties/template", d->pointer);
	s->name = d->name;
	if (!s->pointer)
		return -ENOMEM;
	s->eval = is_inner(properties) ? s : ev->frame.scope;
	s->loop = s->eval == s ? NULL : d->loop;
	d->child = s;
	r = child_where(ev, d, s);
	if (r < 0)
		return r;
	return nsg_scope_open(ev, s, nsg_eval_member(properties, "parameters"), &ev->frame);
}

/* ---- the list ------------------------------------------------------------------------------ */

static int resources(struct nsg_eval *ev, struct nsg_scope *scope, json_t *list,
		     const char *pointer, const struct nsg_decl *parent);

/* One copy of a resource whose type is known, with its children. */
static int instance(struct nsg_eval *ev, struct nsg_decl *d, const struct nsg_decl *parent)
{
	const char *pointer;
	json_t *children = nsg_eval_member(d->body, "resources");
	int r = decl_condition(ev, d);

	if (r < 0)
		return r;
	r = decl_name(ev, d, parent);
	if (r < 0)
		return r;
	if (d->class == NSG_DECL_DEPLOYMENT && d->deployed && !d->existing && !d->failed) {
		r = decl_deployment(ev, d);
		if (r < 0)
			return r;
	}
	r = decl_id(ev, d);
	if (r < 0)
		return r;
	*d->scope->decls_end = d;
	d->scope->decls_end = &d->next;
	if (d->failed || !d->deployed || d->child || !children)
		return 0;
	pointer = nsg_arena_printf(&ev->arena, "%s/resources", d->pointer);
	return pointer ? resources(ev, d->scope, children, pointer, d) : -ENOMEM;
}

static int copies(struct nsg_eval *ev, struct nsg_decl *d, json_t *copy,
		  const struct nsg_decl *parent)
{
	const char *name = json_string_value(nsg_eval_member(copy, "name"));
	int64_t n = 0;
	int r = nsg_tree_copies(ev, nsg_eval_member(copy, "count"), &n);

	if (r == -ENOMEM)
		return r;
	/* the number of copies of an unused resource does not matter */
	if (r < 0 && d->class == NSG_DECL_OTHER && ev->fail != NSG_FAIL_INVALID &&
	    ev->fail != NSG_FAIL_LIMIT)
		return 0;
	if (r < 0)
		return decl_fail(ev, d, "/copy/count", nsg_eval_member(copy, "count"));
	for (int64_t i = 0; i < n && r >= 0; i++) {
		struct nsg_loop *loop = nsg_arena_alloc(&ev->arena, sizeof(*loop));
		struct nsg_decl *each = nsg_arena_copy(&ev->arena, d, sizeof(*d));

		r = nsg_eval_pay(ev, DECL_WORK);
		if (r < 0)
			return r;
		if (!loop || !each)
			return -ENOMEM;
		*loop = (struct nsg_loop){name ? name : "", i, true, d->loop};
		each->loop = loop;
		each->copy = i;
		ev->frame.loop = loop;
		r = instance(ev, each, parent);
		ev->frame.loop = d->loop;
	}
	return r;
}

static int resource(struct nsg_eval *ev, struct nsg_scope *scope, json_t *body, const char *pointer,
		    const char *symbol, const struct nsg_decl *parent)
{
	struct nsg_decl *d = nsg_arena_alloc(&ev->arena, sizeof(*d));
	json_t *copy = nsg_eval_member(body, "copy");
	int r = nsg_eval_pay(ev, DECL_WORK);

	if (r < 0)
		return r;
	if (!d || !pointer)
		return -ENOMEM;
	ev->secure = false;
	d->scope = scope;
	d->body = body;
	d->pointer = pointer;
	d->symbol = symbol;
	d->copy = -1;
	d->loop = ev->frame.loop;
	d->existing = json_is_true(nsg_eval_member(body, "existing"));
	if (!json_is_object(body)) {
		(void)nsg_eval_fail(ev, NSG_FAIL_INVALID, "a resource must be an object");
		return decl_fail(ev, d, "", NULL);
	}
	r = decl_type(ev, d, parent);
	if (r < 0 || d->failed)
		return r;
	return json_is_object(copy) ? copies(ev, d, copy, parent) : instance(ev, d, parent);
}

static int resources(struct nsg_eval *ev, struct nsg_scope *scope, json_t *list,
		     const char *pointer, const struct nsg_decl *parent)
{
	const char *key;
	json_t *each;
	size_t i;
	int r = nsg_eval_enter(ev);

	if (r < 0)
		return r;
	json_array_foreach(list, i, each)
	{
		r = resource(ev, scope, each, nsg_arena_printf(&ev->arena, "%s/%zu", pointer, i),
			     NULL, parent);
		if (r < 0)
			break;
	}
	/* languageVersion 2.0: an object whose keys are symbolic names */
	json_object_foreach(list, key, each)
	{
		r = resource(ev, scope, each, nsg_arena_printf(&ev->arena, "%s/%s", pointer, key),
			     key, parent);
		if (r < 0)
			break;
	}
	nsg_eval_leave(ev);
	return r;
}

int nsg_decls_make(struct nsg_eval *ev, struct nsg_scope *scope)
{
	struct nsg_frame before = ev->frame;
	bool secure = ev->secure;
	json_t *list = nsg_eval_member(scope->template, "resources");
	const char *pointer;
	int r;

	if (scope->decls_state == NSG_DECLS_DONE)
		return 0;
	if (scope->decls_state == NSG_DECLS_BUSY)
		return nsg_eval_fail(ev, NSG_FAIL_LIVE,
				     "names, conditions and copy loops cannot refer to resources");
	pointer = nsg_arena_printf(&ev->arena, "%s/resources", scope->pointer);
	if (!pointer)
		return -ENOMEM;
	scope->decls_end = &scope->decls;
	if (list && !json_is_array(list) && !json_is_object(list)) {
		(void)nsg_eval_fail(ev, NSG_FAIL_INVALID,
				    "the resources of a template must be an array or an object");
		nsg_tree_blame(ev, list, pointer);
		scope->decls_state = NSG_DECLS_DONE;
		return 0;
	}
	scope->decls_state = NSG_DECLS_BUSY;
	ev->frame = nsg_scope_frame(scope, &(struct nsg_frame){0});
	r = resources(ev, scope, list, pointer, NULL);
	ev->frame = before;
	ev->secure = secure;
	scope->decls_state = NSG_DECLS_DONE;
	return r;
}
