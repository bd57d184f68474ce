/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "template/template.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "template/emit_priv.h"
#include "util/cleanup.h"
#include "util/limits.h"

static void eval_done(struct nsg_eval *ev)
{
	nsg_bindings_done(ev->bindings);
	nsg_arena_done(&ev->arena);
}

#define cleanup_eval __attribute__((cleanup(eval_done)))
#define cleanup_emit __attribute__((cleanup(nsg_emit_done)))

/* The name of the schema has the level of deployment. */
static enum nsg_level find_level(json_t *template)
{
	const char *schema = json_string_value(nsg_eval_member(template, "$schema"));

	if (schema && strcasestr(schema, "/subscriptionDeploymentTemplate"))
		return NSG_LEVEL_SUBSCRIPTION;
	if (schema && (strcasestr(schema, "/tenantDeploymentTemplate") ||
		       strcasestr(schema, "/managementGroupDeploymentTemplate")))
		return NSG_LEVEL_TENANT;
	return NSG_LEVEL_GROUP;
}

/* Like az: main.json is deployed as main. */
static const char *deployment_name(struct nsg_eval *ev)
{
	const char *path = ev->where && ev->where->source ? ev->where->source->path : NULL;
	const char *slash = path ? strrchr(path, '/') : NULL;
	char *name = nsg_arena_strdup(&ev->arena, slash ? slash + 1 : path ? path : "deployment");
	char *dot = name ? strrchr(name, '.') : NULL;

	if (dot && dot != name)
		*dot = '\0';
	return name;
}

static void notice_skipped(struct nsg_emit *em)
{
	struct nsg_place place = {0};

	for (size_t i = 0; i < em->skipped.n; i++) {
		const struct nsg_skipped *s = &em->skipped.v[i];
		cleanup_free char *pointer = NULL;

		if (em->ev->where)
			place = *em->ev->where;
		if (asprintf(&pointer, "%s%s", place.pointer ? place.pointer : "", s->pointer) < 0)
			pointer = NULL;
		place.pointer = pointer;
		(void)nsg_diag_add(em->ev->diag, NSG_NOTICE, &place, NULL,
				   s->not_deployed
				       ? "resources of type '%s' have a false condition: skipped"
				       : "resources of type '%s' are not used: skipped",
				   s->type);
	}
}

static void notice_made_up(const struct nsg_eval *ev)
{
	if (ev->made_up)
		(void)nsg_diag_add(
		    ev->diag, NSG_NOTICE, ev->where, NULL,
		    "uniqueString() and guid() return constant placeholders: Azure's "
		    "algorithm is not public");
}

/* Like az, accepts a parameters document, or the parameters alone. */
static json_t *find_given(json_t *parameters)
{
	json_t *given = nsg_eval_member(parameters, "parameters");

	return given ? given : parameters;
}

static int evaluate(struct nsg_emit *em, struct nsg_scope *scope, json_t *parameters,
		    struct nsg_flat_resource **ret, size_t *ret_n)
{
	size_t errors = em->ev->diag->n_errors;
	int r = nsg_scope_open(em->ev, scope, find_given(parameters), &(struct nsg_frame){0});

	if (r < 0)
		return r;
	r = nsg_emit_scope(em, scope);
	if (r < 0)
		return r;
	if (em->ev->diag->n_errors != errors)
		return -EINVAL;
	r = nsg_emit_finish(em, ret, ret_n);
	if (r < 0)
		return r;
	notice_skipped(em);
	notice_made_up(em->ev);
	return 0;
}

int nsg_template_evaluate(json_t *template, json_t *parameters, const struct nsg_place *where,
			  struct nsg_diag *diag, struct nsg_flat_resource **ret, size_t *ret_n)
{
	cleanup_eval struct nsg_eval ev = {
	    .where = where,
	    .diag = diag,
	    .first_record = diag->n,
	    .work = NSG_MAX_TEMPLATE_WORK,
	};
	cleanup_emit struct nsg_emit em = {.ev = &ev};
	struct nsg_scope scope = {
	    .template = template,
	    .pointer = "",
	    .eval = &scope,
	    .level = find_level(template),
	    .subscription = NSG_STAND_IN_SUBSCRIPTION,
	    .group = NSG_STAND_IN_GROUP,
	    .name = deployment_name(&ev),
	};
	int r;

	ev.frame.scope = ev.frame.home = &scope;
	r = evaluate(&em, &scope, parameters, ret, ret_n);
	/* the work may also run out between expressions */
	if (r == -EINVAL && ev.fail == NSG_FAIL_LIMIT)
		nsg_tree_blame(&ev, NULL, "");
	return r;
}
