/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions: what the template holds and where it is deployed. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "template/decl_priv.h"
#include "template/func_priv.h"
#include "util/cleanup.h"
#include "util/json_object.h"

static int bound(struct nsg_eval *ev, const struct nsg_call *c, const struct nsg_bindings *in,
		 const char *what, json_t **ret)
{
	const char *name = json_string_value(c->args[0]);
	struct nsg_binding *b = nsg_bindings_find(in, name);

	if (!b)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID, "the template has no %s '%.100s'", what,
				     nsg_eval_quote(ev, name));
	return nsg_binding_value(ev, b, ret);
}

int nsg_func_parameters(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	return bound(ev, c, &ev->frame.scope->parameters, "parameter", ret);
}

int nsg_func_variables(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	return bound(ev, c, &ev->frame.scope->variables, "variable", ret);
}

/* A loop by its name; without a name the resource's, else the innermost. */
static const struct nsg_loop *find_loop(const struct nsg_loop *loops, const char *name)
{
	const struct nsg_loop *l;

	for (l = loops; l; l = l->outer) {
		if (name ? !strcasecmp(l->name, name) : l->of_resource)
			return l;
	}
	return name ? NULL : loops;
}

/* copyIndex([loop], [offset]) */
int nsg_func_copyindex(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	const char *name = c->n ? json_string_value(c->args[0]) : NULL;
	const struct nsg_loop *loop = find_loop(ev->frame.loop, name);
	size_t i = name ? 1 : 0; /* of the offset */
	int64_t offset = 0, n = 0;

	if (!name && c->n > 1)
		return nsg_func_refuse(ev, c, 0, "the name of a loop as the first argument");
	if (c->n > i && !json_is_integer(c->args[i]))
		return nsg_func_refuse(ev, c, i, "an integer");
	if (c->n > i)
		offset = json_integer_value(c->args[i]);
	if (!loop)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID,
				     "copyIndex() is not inside a copy loop%s%.100s",
				     name ? " named " : "", name ? nsg_eval_quote(ev, name) : "");
	if (__builtin_add_overflow(loop->index, offset, &n))
		return nsg_eval_fail(ev, NSG_FAIL_INVALID,
				     "copyIndex(): the result does not fit in 64 bits");
	return nsg_eval_give(json_integer(n), ret);
}

int nsg_func_resourcegroup(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	const struct nsg_scope *s = ev->frame.scope;
	cleanup_json json_t *id = NULL;
	int r = nsg_eval_give_format(ev, &id, "/subscriptions/%s/resourceGroups/%s",
				     s->subscription, s->group);

	(void)c;
	if (r < 0)
		return r;
	return nsg_eval_give(
	    NSG_JSON_OBJECT(
		PAIR_J("id", TAKE_PTR(id)), PAIR_S("name", s->group),
		PAIR_S("type", "Microsoft.Resources/resourceGroups"),
		PAIR_S("location", NSG_STAND_IN_LOCATION), PAIR_J("tags", json_object()),
		PAIR_J("properties", NSG_JSON_OBJECT(PAIR_S("provisioningState", "Succeeded")))),
	    ret);
}

int nsg_func_subscription(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	const struct nsg_scope *s = ev->frame.scope;
	cleanup_json json_t *id = NULL;
	int r = nsg_eval_give_format(ev, &id, "/subscriptions/%s", s->subscription);

	(void)c;
	if (r < 0)
		return r;
	return nsg_eval_give(NSG_JSON_OBJECT(PAIR_J("id", TAKE_PTR(id)),
					     PAIR_S("subscriptionId", s->subscription),
					     PAIR_S("tenantId", NSG_STAND_IN_SUBSCRIPTION),
					     PAIR_S("displayName", "subscription")),
			     ret);
}

int nsg_func_tenant(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	(void)ev, (void)c;
	return nsg_eval_give(NSG_JSON_OBJECT(PAIR_S("tenantId", NSG_STAND_IN_SUBSCRIPTION),
					     PAIR_S("displayName", "tenant")),
			     ret);
}

int nsg_func_deployment(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	const char *name = ev->frame.scope->name;

	(void)c;
	return nsg_eval_give(
	    NSG_JSON_OBJECT(
		PAIR_S("name", name ? name : "deployment"),
		PAIR_S("location", NSG_STAND_IN_LOCATION),
		PAIR_J("properties", NSG_JSON_OBJECT(PAIR_S("mode", "Incremental"),
						     PAIR_S("provisioningState", "Accepted")))),
	    ret);
}
