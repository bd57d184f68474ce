/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A large document, above all the service tags, is most of the time that a load takes and seldom
 * changes. What it gave is kept in an arena of its own, which the policies loaded one after another
 * hold together. What the reader makes of it later is copied before it is changed: join.c changes
 * structs in the vectors and replaces their arrays.
 */
#include <string.h>

#include "azure/reader_priv.h"

/* Below it parsing costs less than an arena of its own. */
#define WORTH_BYTES 65536u

struct kept {
#define DECLARE(name, type)                                                                        \
	struct {                                                                                   \
		type *v;                                                                           \
		size_t n;                                                                          \
	} name;
	NSG_READER_VECTORS(DECLARE)
#undef DECLARE
	size_t first_list, n_lists; /* the numbers of its lists */
	size_t n_diagnostics;	    /* there were before it was read */
	struct nsg_arena *outer;    /* while it is read */
};

static size_t count_diagnostics(const struct nsg_reader *r)
{
	return r->sink.diag->n + r->sink.diag->n_dropped;
}

static bool is_unchanged(const struct nsg_file_identity *a, const struct nsg_file_identity *b)
{
	return a->is_settled && a->dev == b->dev && a->ino == b->ino &&
	       a->size_bytes == b->size_bytes && a->mtime_ns == b->mtime_ns &&
	       a->ctime_ns == b->ctime_ns && a->mode == b->mode;
}

struct nsg_shared *nsg_reuse_find(struct nsg_reader *r, const struct nsg_policy *before,
				  const struct nsg_source *source)
{
	for (size_t i = 0; before && i < before->shared.n; i++) {
		struct nsg_shared *s = before->shared.v[i];

		if (!s->data || strcmp(s->source.path, source->path) ||
		    !is_unchanged(&s->source.file, &source->file))
			continue;
		if (nsg_vec_push(&r->policy->shared, s)) {
			r->sink.no_memory = true;
			return NULL;
		}
		(void)nsg_shared_hold(s);
		nsg_shared_wipe(s);
		nsg_source_move(&s->source, &r->policy->sources, source);
		return s;
	}
	return NULL;
}

#define LOOSE(v, i) (&(v)[i].loose)

void nsg_reuse_give(struct nsg_reader *r, const struct nsg_shared *shared)
{
	const struct kept *kept = shared->data;
	size_t n_rules = r->rules.n, n_routes = r->routes.n;
	size_t shift = r->n_lists - kept->first_list; /* may wrap: added it is right */

#define GIVE(name, type)                                                                           \
	for (size_t i = 0; i < kept->name.n; i++)                                                  \
		nsg_sink_push(&r->sink, &r->name, kept->name.v[i]);
	NSG_READER_VECTORS(GIVE)
#undef GIVE
	for (size_t i = n_rules; i < r->rules.n; i++)
		LOOSE(r->rules.v, i)->list += shift;
	for (size_t i = n_routes; i < r->routes.n; i++)
		LOOSE(r->routes.v, i)->list += shift;
	r->n_lists += kept->n_lists;
}

struct nsg_shared *nsg_reuse_begin(struct nsg_reader *r, const struct nsg_source *source)
{
	struct nsg_shared *s;
	struct kept *kept;

	if (source->size_bytes < WORTH_BYTES || !source->file.mode)
		return NULL;
	s = nsg_shared_new(source->path);
	kept = s ? nsg_arena_alloc(&s->arena, sizeof(*kept)) : NULL;
	if (!kept || nsg_vec_push(&r->policy->shared, s)) {
		r->sink.no_memory = true;
		return nsg_shared_drop(s);
	}
	s->data = kept;
	nsg_source_move(&s->source, &r->policy->sources, source);
	kept->first_list = r->n_lists;
	kept->n_diagnostics = count_diagnostics(r);
	kept->outer = r->sink.arena;
	/* how many there are now: until end, which takes those that came */
#define MARK(name, type) kept->name.n = r->name.n;
	NSG_READER_VECTORS(MARK)
#undef MARK
	r->sink.arena = &s->arena;
	return s;
}

void nsg_reuse_end(struct nsg_reader *r, struct nsg_shared *shared)
{
	struct kept *kept = shared->data;

	kept->n_lists = r->n_lists - kept->first_list;
#define TAKE(name, type)                                                                           \
	kept->name.v = nsg_sink_array(&r->sink, r->name.n - kept->name.n, sizeof(type));           \
	if (kept->name.v)                                                                          \
		memcpy(kept->name.v, r->name.v + kept->name.n,                                     \
		       (r->name.n - kept->name.n) * sizeof(type));                                 \
	kept->name.n = r->name.n - kept->name.n;
	NSG_READER_VECTORS(TAKE)
#undef TAKE
	r->sink.arena = kept->outer;
	if (r->sink.no_memory || count_diagnostics(r) != kept->n_diagnostics)
		shared->data = NULL;
}
