/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "template/emit_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "template/keep_priv.h"
#include "util/cleanup.h"
#include "util/macro.h"

/* ---- resources ----------------------------------------------------------------------------- */

/* Members that control the deployment, or that are written anew. */
static bool is_of_deployment(const char *key)
{
	static const char *const keys[] = {
	    "apiVersion", "comments", "condition", "copy",  "dependsOn", "existing", "id",
	    "import",	  "metadata", "name",	   "scope", "resources", "type",
	};

	for (size_t i = 0; i < NSG_ARRAY_SIZE(keys); i++) {
		if (!strcasecmp(key, keys[i]))
			return true;
	}
	return false;
}

/* The members of the body that belong to the resource, not evaluated. */
static int select_members(struct nsg_eval *ev, const struct nsg_decl *d,
			  const struct nsg_keep *keep, json_t **ret)
{
	cleanup_json json_t *raw = json_object();
	const char *key;
	json_t *each;

	json_object_foreach(d->body, key, each)
	{
		/* What siteConfig's route-all means depends on the version. */
		if (is_of_deployment(key) && !(keep && !strcasecmp(key, "apiVersion")))
			continue;
		if (nsg_eval_set(raw, key, json_incref(each)) < 0)
			return -ENOMEM;
	}
	if (keep)
		return nsg_keep_apply(ev, keep, raw, ret);
	return nsg_eval_give(TAKE_PTR(raw), ret);
}

/* `keep` is applied before evaluation, and after it to what the expressions made. */
static int evaluate(struct nsg_eval *ev, const struct nsg_decl *d, json_t **ret)
{
	const struct nsg_keep *keep = nsg_keep_find(d->type, d->name);
	cleanup_json json_t *raw = NULL;
	cleanup_json json_t *value = NULL;
	cleanup_json json_t *kept = NULL;
	int r = select_members(ev, d, keep, &raw);

	if (r < 0)
		return r;
	r = nsg_tree_report(ev, raw, "", d->pointer, &value);
	if (r < 0)
		return r;
	r = keep ? nsg_keep_apply(ev, keep, value, &kept)
		 : nsg_eval_give(json_incref(value), &kept);
	if (r < 0)
		return r;
	r = nsg_eval_walk(ev, kept);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(kept);
	return 0;
}

static int emit_resource(struct nsg_emit *em, const struct nsg_decl *d)
{
	struct nsg_frame before = em->ev->frame;
	struct nsg_emitted new = {.decl = d};
	int r;

	em->ev->frame = nsg_decl_frame(d, &(struct nsg_frame){0});
	/* all of a configuration document is settings; tree.c recognises those of an app */
	em->ev->frame.secret = nsg_keep_is_config(d->type);
	r = evaluate(em->ev, d, &new.members);
	em->ev->frame = before;
	if (r < 0)
		return r;
	r = nsg_vec_push(&em->emitted, new);
	if (r < 0)
		json_decref(new.members);
	return r;
}

static int skip(struct nsg_emit *em, const struct nsg_decl *d)
{
	struct nsg_skipped new = {
	    .type = d->type, .pointer = d->pointer, .not_deployed = !d->deployed};

	for (size_t i = 0; i < em->skipped.n; i++) {
		int r = nsg_eval_pay(em->ev, 1);

		if (r < 0)
			return r;
		if (em->skipped.v[i].not_deployed == new.not_deployed &&
		    !strcasecmp(em->skipped.v[i].type, d->type))
			return 0;
	}
	return nsg_vec_push(&em->skipped, new);
}

static int emit(struct nsg_emit *em, const struct nsg_decl *d)
{
	if (d->failed || d->existing)
		return 0;
	if (!d->deployed)
		return skip(em, d);
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

	if (r < 0)
		return r;
	r = nsg_decls_make(em->ev, s);
	for (const struct nsg_decl *d = s->decls; d && r >= 0; d = d->next)
		r = emit(em, d);
	nsg_eval_leave(em->ev);
	return r;
}

/* ---- removing stand-ins --------------------------------------------------------- */

/* The known part of an id: from the provider on when subscription or group are stand-ins. */
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
	struct nsg_eval *ev;
	bool whole_ids;
};

static int finish(const struct finish *f, json_t *value, json_t **ret);

static int finish_string(const struct finish *f, json_t *value, json_t **ret)
{
	const char *s = json_string_value(value), *known = f->whole_ids ? s : known_part(s);

	if (known == s)
		return nsg_eval_give(json_incref(value), ret);
	return nsg_eval_give_text(f->ev, known, strlen(known), ret);
}

static int finish_object(const struct finish *f, json_t *value, json_t **ret)
{
	cleanup_json json_t *result = json_object();
	const char *key;
	json_t *each;

	json_object_foreach(value, key, each)
	{
		const char *s = json_string_value(each);
		json_t *done = NULL;
		int r;

		if (s && !strcasecmp(key, "location") && strstr(s, NSG_STAND_IN_LOCATION))
			continue;
		r = finish(f, each, &done);
		if (r < 0)
			return r;
		r = nsg_eval_set(result, key, done);
		if (r < 0)
			return r;
	}
	return nsg_eval_give(TAKE_PTR(result), ret);
}

static int finish_array(const struct finish *f, json_t *value, json_t **ret)
{
	cleanup_json json_t *result = json_array();
	size_t i;
	json_t *each;

	json_array_foreach(value, i, each)
	{
		json_t *done = NULL;
		int r = finish(f, each, &done);

		if (r < 0)
			return r;
		r = nsg_eval_append(result, done);
		if (r < 0)
			return r;
	}
	return nsg_eval_give(TAKE_PTR(result), ret);
}

/* A copy without stand-ins. `value` was walked before: its depth is bounded. */
static int finish(const struct finish *f, json_t *value, json_t **ret)
{
	int r = nsg_eval_pay(f->ev, 1);

	if (r < 0)
		return r;
	if (json_is_string(value))
		return finish_string(f, value, ret);
	if (json_is_object(value))
		return finish_object(f, value, ret);
	if (json_is_array(value))
		return finish_array(f, value, ret);
	return nsg_eval_give(json_incref(value), ret);
}

/* Only a completely known id is written; otherwise type and name identify the resource. */
static int with_identity(const struct finish *f, const struct nsg_decl *d, json_t *members,
			 json_t **ret)
{
	bool whole = f->whole_ids || known_part(d->id) == d->id;
	cleanup_json json_t *resource = json_pack("{s:s*, s:s, s:s}", "id", whole ? d->id : NULL,
						  "name", d->name, "type", d->type);

	if (json_object_update_missing(resource, members))
		return -ENOMEM;
	*ret = TAKE_PTR(resource);
	return 0;
}

static int compare_tails(const void *a, const void *b)
{
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;
	int order = strcasecmp(strcasestr(x, "/providers/"), strcasestr(y, "/providers/"));

	return order ? order : strcasecmp(x, y);
}

/* Whether resources in different groups have the same type and name: only complete ids, stand-ins
 * included, distinguish them. */
static int need_whole_ids(const struct nsg_emit *em, bool *ret)
{
	cleanup_free const char **ids = calloc(em->emitted.n + 1, sizeof(*ids));

	if (!ids)
		return -ENOMEM;
	for (size_t i = 0; i < em->emitted.n; i++)
		ids[i] = em->emitted.v[i].decl->id;
	qsort(ids, em->emitted.n, sizeof(*ids), compare_tails);
	*ret = false;
	for (size_t i = 1; i < em->emitted.n && !*ret; i++)
		*ret = strcasecmp(ids[i - 1], ids[i]) != 0 &&
		       strcasecmp(strcasestr(ids[i - 1], "/providers/"),
				  strcasestr(ids[i], "/providers/")) == 0;
	return 0;
}

static int finish_one(const struct finish *f, const struct nsg_emitted *e,
		      struct nsg_flat_resource *ret)
{
	cleanup_json json_t *members = NULL;
	int r = finish(f, e->members, &members);

	if (r < 0)
		return r;
	ret->pointer = strdup(e->decl->pointer);
	if (!ret->pointer)
		return -ENOMEM;
	return with_identity(f, e->decl, members, &ret->resource);
}

int nsg_emit_finish(struct nsg_emit *em, struct nsg_flat_resource **ret, size_t *ret_n)
{
	struct nsg_flat_resource *v = calloc(em->emitted.n + 1, sizeof(*v));
	struct finish f = {.ev = em->ev};
	int r = v ? need_whole_ids(em, &f.whole_ids) : -ENOMEM;

	for (size_t i = 0; i < em->emitted.n && r >= 0; i++)
		r = finish_one(&f, &em->emitted.v[i], &v[i]);
	if (r < 0) {
		for (size_t i = 0; v && i < em->emitted.n; i++) {
			json_decref(v[i].resource);
			free(v[i].pointer);
		}
		free(v);
		return r;
	}
	*ret = v;
	*ret_n = em->emitted.n;
	return 0;
}

void nsg_emit_done(struct nsg_emit *em)
{
	for (size_t i = 0; i < em->emitted.n; i++)
		json_decref(em->emitted.v[i].members);
	nsg_vec_done(&em->emitted);
	nsg_vec_done(&em->skipped);
}
