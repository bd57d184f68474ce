/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "template/scope_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "template/parameter_priv.h"
#include "util/cleanup.h"

/* ---- bindings ------------------------------------------------------------------------------ */

static int compare_bindings(const void *a, const void *b)
{
	const struct nsg_binding *const *x = a, *const *y = b;

	return strcasecmp((*x)->name, (*y)->name);
}

struct nsg_binding *nsg_bindings_find(const struct nsg_bindings *b, const char *name)
{
	struct nsg_binding key = {.name = name}, *wanted = &key, **found;

	if (!b->n)
		return NULL;
	found = bsearch(&wanted, b->v, b->n, sizeof(*b->v), compare_bindings);
	return found ? *found : NULL;
}

/* The price of a binding: the limit of work bounds memory too. */
#define BINDING_WORK 16u

/* Allocates n bindings, for binding_add; the caller sorts them. */
static int bindings_new(struct nsg_eval *ev, size_t n, struct nsg_bindings *ret)
{
	int r = nsg_eval_pay(ev, (uint64_t)n * BINDING_WORK);

	if (r < 0)
		return r;
	ret->n = 0;
	ret->v = nsg_arena_array(&ev->arena, n + 1, sizeof(*ret->v));
	return ret->v ? 0 : -ENOMEM;
}

static struct nsg_binding *binding_add(struct nsg_eval *ev, struct nsg_bindings *b,
				       enum nsg_binding_kind kind, struct nsg_scope *scope,
				       const char *name, json_t *decl)
{
	struct nsg_binding *new = nsg_arena_alloc(&ev->arena, sizeof(*new));

	if (!new)
		return NULL;
	new->kind = kind;
	new->name = name;
	new->decl = decl;
	new->scope = scope;
	new->next = ev->bindings;
	ev->bindings = new;
	b->v[b->n++] = new;
	return new;
}

static void bindings_sort(struct nsg_bindings *b)
{
	if (b->n)
		qsort(b->v, b->n, sizeof(*b->v), compare_bindings);
}

void nsg_bindings_done(struct nsg_binding *all)
{
	for (; all; all = all->next)
		json_decref(all->value);
}

struct nsg_frame nsg_scope_frame(struct nsg_scope *s, const struct nsg_frame *from)
{
	return (struct nsg_frame){
	    .scope = s->eval,
	    .home = s,
	    .loop = s->loop,
	    .lenient = from->lenient,
	    .secret = from->secret,
	};
}

/* ---- evaluation ---------------------------------------------------------------------------- */

static int value_of_copy(struct nsg_eval *ev, const struct nsg_binding *b, json_t **ret)
{
	/* evaluated as the only member of an object */
	cleanup_json json_t *object = json_pack("{s:[O]}", "copy", b->decl);
	cleanup_json json_t *result = NULL;
	int r;

	if (!object)
		return -ENOMEM;
	r = nsg_tree_value(ev, object, &result);
	if (r < 0)
		return r;
	return nsg_eval_give(json_incref(nsg_eval_member(result, b->name)), ret);
}

/* An output has a value, or a loop without a name. */
static int value_of_output(struct nsg_eval *ev, const struct nsg_binding *b, json_t **ret)
{
	json_t *copy = nsg_eval_member(b->decl, "copy");
	json_t *value = nsg_eval_member(b->decl, "value");
	cleanup_json json_t *object = NULL;
	cleanup_json json_t *result = NULL;
	int r;

	if (value)
		return nsg_tree_value(ev, value, ret);
	if (!json_is_object(copy) || !nsg_eval_member(copy, "input"))
		return nsg_eval_fail(ev, NSG_FAIL_INVALID, "output '%.100s' has no value", b->name);
	object = json_pack("{s:[{s:s, s:O, s:O*}]}", "copy", "name", "output", "input",
			   nsg_eval_member(copy, "input"), "count", nsg_eval_member(copy, "count"));
	if (!object)
		return -ENOMEM;
	r = nsg_tree_value(ev, object, &result);
	if (r < 0)
		return r;
	return nsg_eval_give(json_incref(json_object_get(result, "output")), ret);
}

static int compute_kind(struct nsg_eval *ev, struct nsg_binding *b, json_t **ret)
{
	switch (b->kind) {
	case NSG_BINDING_PARAMETER:
		return nsg_parameter_value(ev, b, ret);
	case NSG_BINDING_VARIABLE:
		return nsg_tree_value(ev, b->decl, ret);
	case NSG_BINDING_VARIABLE_COPY:
		return value_of_copy(ev, b, ret);
	case NSG_BINDING_OUTPUT:
		break;
	}
	return value_of_output(ev, b, ret);
}

/* A value made from a secure parameter is secure too. */
static int compute(struct nsg_eval *ev, struct nsg_binding *b, json_t **ret)
{
	bool before = ev->secure;
	int r;

	ev->secure = b->kind == NSG_BINDING_PARAMETER && nsg_parameter_is_secure(b);
	r = compute_kind(ev, b, ret);
	b->secure = ev->secure;
	ev->secure |= before;
	return r;
}

static const char *kind_name(enum nsg_binding_kind kind)
{
	switch (kind) {
	case NSG_BINDING_PARAMETER:
		return "parameter";
	case NSG_BINDING_OUTPUT:
		return "output";
	case NSG_BINDING_VARIABLE:
	case NSG_BINDING_VARIABLE_COPY:
		break;
	}
	return "variable";
}

/* Adds the name of the binding to the reason and stores it for later uses. */
static void keep_failure(struct nsg_eval *ev, struct nsg_binding *b)
{
	char inner[NSG_EVAL_WHY_BYTES];

	if (ev->fail != NSG_FAIL_MISSING) {
		memcpy(inner, ev->why, sizeof(inner));
		(void)nsg_eval_fail(ev, ev->fail, "%s '%.100s': %s", kind_name(b->kind), b->name,
				    inner);
	}
	if (ev->frame.lenient)
		return;
	b->why = nsg_arena_strdup(&ev->arena, ev->why);
	if (!b->why)
		return;
	b->fail = ev->fail;
	b->missing = ev->missing;
	b->state = NSG_BINDING_FAILED;
}

/* Evaluates the binding in the frame of its scope; `from` is the current frame. */
static int evaluate(struct nsg_eval *ev, struct nsg_binding *b, const struct nsg_frame *from,
		    json_t **ret)
{
	cleanup_json json_t *value = NULL;
	int r;

	ev->frame = nsg_scope_frame(b->scope, from);
	r = compute(ev, b, &value);
	if (r < 0)
		return r;
	r = nsg_eval_walk(ev, value);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(value);
	return 0;
}

int nsg_binding_value(struct nsg_eval *ev, struct nsg_binding *b, json_t **ret)
{
	struct nsg_frame before = ev->frame;
	json_t *value = NULL;
	int r;

	ev->secure |= b->secure;
	if (b->state == NSG_BINDING_DONE)
		return nsg_eval_give(json_incref(b->value), ret);
	if (b->state == NSG_BINDING_BUSY)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID, "%s '%.100s' refers to itself",
				     kind_name(b->kind), b->name);
	if (b->state == NSG_BINDING_FAILED && !ev->frame.lenient) {
		ev->missing = b->missing;
		return nsg_eval_fail(ev, b->fail, "%s", b->why);
	}
	r = nsg_eval_enter(ev);
	if (r < 0)
		return r;
	b->state = NSG_BINDING_BUSY;
	r = evaluate(ev, b, &before, &value);
	ev->frame = before;
	b->state = NSG_BINDING_NEW;
	nsg_eval_leave(ev);
	if (r < 0) {
		if (!nsg_eval_is_final(ev, r))
			keep_failure(ev, b);
		return r;
	}
	/* a value with stand-ins is for names only */
	if (!ev->frame.lenient) {
		b->value = json_incref(value);
		b->state = NSG_BINDING_DONE;
	}
	*ret = value;
	return 0;
}

/* ---- opening ------------------------------------------------------------------------------- */

static int open_parameters(struct nsg_eval *ev, struct nsg_scope *s, json_t *given,
			   const struct nsg_frame *frame)
{
	json_t *decls = nsg_eval_member(s->template, "parameters"), *each;
	const char *name;
	int r = bindings_new(ev, json_object_size(decls), &s->parameters);

	if (r < 0)
		return r;
	json_object_foreach(decls, name, each)
	{
		struct nsg_binding *b =
		    binding_add(ev, &s->parameters, NSG_BINDING_PARAMETER, s, name, each);

		if (!b)
			return -ENOMEM;
		/* another spelling is searched among all given parameters */
		r = json_object_get(given, name) ? 0 : nsg_eval_pay(ev, json_object_size(given));
		if (r < 0)
			return r;
		b->given = nsg_eval_member(given, name);
		b->given_frame = *frame;
	}
	bindings_sort(&s->parameters);
	return 0;
}

static int open_variables(struct nsg_eval *ev, struct nsg_scope *s)
{
	json_t *decls = nsg_eval_member(s->template, "variables"), *each, *loop;
	const char *name;
	size_t i, n = json_object_size(decls);
	int r;

	json_object_foreach(decls, name, each) n +=
	    nsg_tree_is_copy(name, each) ? json_array_size(each) : 0;
	r = bindings_new(ev, n, &s->variables);
	if (r < 0)
		return r;
	json_object_foreach(decls, name, each)
	{
		if (!nsg_tree_is_copy(name, each)) {
			if (!binding_add(ev, &s->variables, NSG_BINDING_VARIABLE, s, name, each))
				return -ENOMEM;
			continue;
		}
		json_array_foreach(each, i, loop)
		{
			const char *of = json_string_value(nsg_eval_member(loop, "name"));

			if (of &&
			    !binding_add(ev, &s->variables, NSG_BINDING_VARIABLE_COPY, s, of, loop))
				return -ENOMEM;
		}
	}
	bindings_sort(&s->variables);
	return 0;
}

static int open_outputs(struct nsg_eval *ev, struct nsg_scope *s)
{
	json_t *decls = nsg_eval_member(s->template, "outputs"), *each;
	const char *name;
	int r = bindings_new(ev, json_object_size(decls), &s->outputs);

	if (r < 0)
		return r;
	json_object_foreach(decls, name, each)
	{
		if (!binding_add(ev, &s->outputs, NSG_BINDING_OUTPUT, s, name, each))
			return -ENOMEM;
	}
	bindings_sort(&s->outputs);
	return 0;
}

int nsg_scope_open(struct nsg_eval *ev, struct nsg_scope *s, json_t *given,
		   const struct nsg_frame *frame)
{
	int r = open_outputs(ev, s);

	/* with outer scope, nothing sees the template's own parameters and variables */
	if (r < 0 || s->eval != s)
		return r;
	r = open_parameters(ev, s, given, frame);
	if (r < 0)
		return r;
	return open_variables(ev, s);
}

/* ---- user functions ------------------------------------------------------------------------ */

static json_t *find_function(json_t *template, const char *name)
{
	json_t *spaces = nsg_eval_member(template, "functions"), *space;
	const char *dot = strrchr(name, '.');
	size_t i;

	if (!dot)
		return NULL;
	json_array_foreach(spaces, i, space)
	{
		const char *prefix = json_string_value(nsg_eval_member(space, "namespace"));

		if (prefix && strlen(prefix) == (size_t)(dot - name) &&
		    !strncasecmp(prefix, name, (size_t)(dot - name)))
			return nsg_eval_member(nsg_eval_member(space, "members"), dot + 1);
	}
	return NULL;
}

static int bind_arguments(struct nsg_eval *ev, struct nsg_scope *s, json_t *function, json_t **args,
			  size_t n)
{
	json_t *decls = nsg_eval_member(function, "parameters");
	int r = bindings_new(ev, n, &s->parameters);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		const char *name =
		    json_string_value(nsg_eval_member(json_array_get(decls, i), "name"));
		struct nsg_binding *b;

		if (!name)
			return nsg_eval_fail(ev, NSG_FAIL_INVALID,
					     "a parameter of a user function has no name");
		b = binding_add(ev, &s->parameters, NSG_BINDING_PARAMETER, s, name, NULL);
		if (!b)
			return -ENOMEM;
		b->value = json_incref(args[i]);
		b->state = NSG_BINDING_DONE;
	}
	bindings_sort(&s->parameters);
	return 0;
}

int nsg_scope_call(struct nsg_eval *ev, const char *name, json_t **args, size_t n, bool *ret_known,
		   json_t **ret)
{
	struct nsg_frame before = ev->frame;
	json_t *function = find_function(before.scope->template, name);
	json_t *output = nsg_eval_member(function, "output");
	struct nsg_scope *s;
	int r;

	*ret_known = json_is_object(function);
	if (!*ret_known)
		return 0;
	if (json_array_size(nsg_eval_member(function, "parameters")) != n ||
	    !nsg_eval_member(output, "value"))
		return nsg_eval_fail(ev, NSG_FAIL_INVALID, "%s() takes %zu arguments, not %zu",
				     name, json_array_size(nsg_eval_member(function, "parameters")),
				     n);
	s = nsg_arena_copy(&ev->arena, before.scope, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->eval = s;
	s->variables = s->outputs = (struct nsg_bindings){0};
	r = bind_arguments(ev, s, function, args, n);
	if (r < 0)
		return r;
	ev->frame.scope = s;
	ev->frame.loop = NULL;
	ev->frame.local = NULL;
	r = nsg_tree_value(ev, nsg_eval_member(output, "value"), ret);
	ev->frame = before;
	return r;
}
