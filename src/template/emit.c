/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "template/emit_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "template/keep_priv.h"
#include "util/cleanup.h"

/* ---- what a stand-in leaves behind --------------------------------------------------------- */

/* The part of an id that is known: behind the provider where subscription or group is made up. */
static const char *known_part(const char *id)
{
	static const char subscription[] = "/subscriptions/" NSG_STAND_IN_SUBSCRIPTION "/";
	static const char group[] = "/resourceGroups/" NSG_STAND_IN_GROUP "/";
	static const char providers[] = "/providers/";
	const char *tail;

	if (strncasecmp(id, "/subscriptions/", 15) != 0 ||
	    (strncasecmp(id, subscription, sizeof(subscription) - 1) != 0 &&
	     !strcasestr(id, group)))
		return id;
	tail = strcasestr(id, providers);
	return tail ? tail + sizeof(providers) - 1 : id;
}

struct finish {
	struct nsg_emit *em;
	const struct nsg_decl *decl;
};

static int finish(struct finish *f, json_t *value, const char *key, json_t **ret);

/* The group's location in a value that decides: nobody can know that value. */
static int refuse_location(struct finish *f, json_t **ret)
{
	struct nsg_eval *ev = f->em->ev;

	(void)nsg_eval_fail(ev, NSG_FAIL_LIVE,
			    "a value of this resource contains the location of its resource group, "
			    "which a template does not tell");
	nsg_tree_blame(ev, NULL, f->decl->pointer);
	return nsg_eval_give(json_null(), ret);
}

static int finish_string(struct finish *f, json_t *value, const char *key, json_t **ret)
{
	const char *s = json_string_value(value), *known = known_part(s);

	if (known != s)
		return nsg_eval_give_text(f->em->ev, known, strlen(known), ret);
	/* in names and ids it stands on both sides of a comparison */
	if (s[0] != '/' && strcasecmp(key, "name") != 0 && strstr(s, NSG_STAND_IN_LOCATION))
		return refuse_location(f, ret);
	return nsg_eval_give(json_incref(value), ret);
}

static int finish_object(struct finish *f, json_t *value, json_t **ret)
{
	cleanup_json json_t *result = json_object();
	const char *key;
	json_t *each;
	int r = result ? 0 : -ENOMEM;

	json_object_foreach (value, key, each) {
		bool soft = !strcasecmp(key, "location") || !strcasecmp(key, "tags");
		json_t *done = NULL;

		if (r)
			break;
		if (soft && json_is_string(each) &&
		    strstr(json_string_value(each), NSG_STAND_IN_LOCATION))
			continue;
		r = soft ? nsg_eval_give(json_incref(each), &done) : finish(f, each, key, &done);
		if (!r)
			r = nsg_eval_set(result, key, done);
	}
	if (!r)
		*ret = TAKE_PTR(result);
	return r;
}

static int finish_array(struct finish *f, json_t *value, const char *key, json_t **ret)
{
	cleanup_json json_t *result = json_array();
	json_t *each;
	size_t i;
	int r = result ? 0 : -ENOMEM;

	json_array_foreach (value, i, each) {
		json_t *done = NULL;

		if (!r)
			r = finish(f, each, key, &done);
		if (!r)
			r = nsg_eval_append(result, done);
	}
	if (!r)
		*ret = TAKE_PTR(result);
	return r;
}

/* A copy in which nothing made up is left where it could decide. `value` was walked before. */
static int finish(struct finish *f, json_t *value, const char *key, json_t **ret)
{
	int r = nsg_eval_pay(f->em->ev, 1);

	if (r)
		return r;
	if (json_is_string(value))
		return finish_string(f, value, key, ret);
	if (json_is_object(value))
		return finish_object(f, value, ret);
	if (json_is_array(value))
		return finish_array(f, value, key, ret);
	return nsg_eval_give(json_incref(value), ret);
}

/* ---- resources ----------------------------------------------------------------------------- */

/* Members that are about the deployment, or that are made anew. */
static bool is_of_deployment(const char *key)
{
	static const char *const keys[] = {
		"apiVersion", "comments", "condition", "copy",	"dependsOn", "existing", "id",
		"import",     "metadata", "name",      "scope", "resources", "type",
	};

	for (size_t i = 0; i < NSG_ARRAY_SIZE(keys); i++) {
		if (!strcasecmp(key, keys[i]))
			return true;
	}
	return false;
}

/* The members of the body that make the resource, not evaluated. */
static int select_members(struct nsg_eval *ev, const struct nsg_decl *d,
			  const struct nsg_keep *keep, json_t **ret)
{
	cleanup_json json_t *raw = json_object();
	const char *key;
	json_t *each;
	int r = raw ? 0 : -ENOMEM;

	json_object_foreach (d->body, key, each) {
		if (!r && !is_of_deployment(key))
			r = nsg_eval_set(raw, key, json_incref(each));
	}
	if (r)
		return r;
	if (keep)
		return nsg_keep_apply(ev, keep, raw, ret);
	*ret = TAKE_PTR(raw);
	return 0;
}

static int evaluate(struct nsg_eval *ev, const struct nsg_decl *d, json_t **ret)
{
	const struct nsg_keep *keep = nsg_keep_find(d->type, d->name);
	cleanup_json json_t *raw = NULL;
	json_t *value = NULL;
	int r;

	ev->frame.secret = keep != NULL;
	r = select_members(ev, d, keep, &raw);
	if (!r)
		r = nsg_tree_report(ev, raw, "", d->pointer, &value);
	if (!r && keep) {
		json_t *kept = NULL;

		r = nsg_keep_apply(ev, keep, value, &kept);
		json_decref(value);
		value = kept;
	}
	if (!r)
		r = nsg_eval_walk(ev, value);
	ev->frame.secret = false;
	if (r)
		json_decref(value);
	else
		*ret = value;
	return r;
}

/* An id leaves only when all of it is known: else type and name tell the resource. */
static int add_identity(const struct nsg_decl *d, json_t *members, json_t **ret)
{
	cleanup_json json_t *resource = json_object();
	int r;

	if (!resource)
		return -ENOMEM;
	r = known_part(d->id) == d->id ? nsg_eval_set(resource, "id", json_string(d->id)) : 0;
	if (!r)
		r = nsg_eval_set(resource, "name", json_string(d->name));
	if (!r)
		r = nsg_eval_set(resource, "type", json_string(d->type));
	if (!r && json_object_update_missing(resource, members))
		r = -ENOMEM;
	if (!r)
		*ret = TAKE_PTR(resource);
	return r;
}

static int emit_resource(struct nsg_emit *em, const struct nsg_decl *d)
{
	struct finish f = {.em = em, .decl = d};
	struct nsg_frame before = em->ev->frame;
	cleanup_json json_t *members = NULL;
	cleanup_json json_t *finished = NULL;
	cleanup_json json_t *resource = NULL;
	struct nsg_flat_resource flat;
	int r;

	em->ev->frame = nsg_decl_frame(d, &(struct nsg_frame){0});
	r = evaluate(em->ev, d, &members);
	em->ev->frame = before;
	if (!r)
		r = finish(&f, members, "", &finished);
	if (!r)
		r = add_identity(d, finished, &resource);
	if (r)
		return r;
	flat.pointer = strdup(d->pointer);
	if (!flat.pointer)
		return -ENOMEM;
	flat.resource = resource;
	r = nsg_vec_push(&em->out, flat);
	if (r) {
		free(flat.pointer);
		return r;
	}
	resource = NULL;
	return 0;
}

static int skip(struct nsg_emit *em, const struct nsg_decl *d)
{
	struct nsg_skipped new = {.type = d->type, .pointer = d->pointer, .n = 1};

	for (size_t i = 0; i < em->skipped.n; i++) {
		int r = nsg_eval_pay(em->ev, 1);

		if (r)
			return r;
		if (!strcasecmp(em->skipped.v[i].type, d->type)) {
			em->skipped.v[i].n++;
			return 0;
		}
	}
	return nsg_vec_push(&em->skipped, new);
}

static int emit(struct nsg_emit *em, const struct nsg_decl *d)
{
	if (d->failed || d->existing || !d->deployed)
		return 0;
	switch (d->class) {
	case NSG_DECL_DEPLOYMENT:
		return nsg_emit_scope(em, d->child);
	case NSG_DECL_READ:
		if (!nsg_keep_nothing(d->type, d->name))
			return emit_resource(em, d);
		break;
	case NSG_DECL_OTHER:
		break;
	}
	return skip(em, d);
}

int nsg_emit_scope(struct nsg_emit *em, struct nsg_scope *s)
{
	int r = nsg_eval_enter(em->ev);

	if (r)
		return r;
	r = nsg_decls_make(em->ev, s);
	for (const struct nsg_decl *d = s->decls; d && !r; d = d->next)
		r = emit(em, d);
	nsg_eval_leave(em->ev);
	return r;
}

void nsg_emit_done(struct nsg_emit *em)
{
	for (size_t i = 0; i < em->out.n; i++) {
		json_decref(em->out.v[i].resource);
		free(em->out.v[i].pointer);
	}
	nsg_vec_done(&em->out);
	nsg_vec_done(&em->skipped);
}
