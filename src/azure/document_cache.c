/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parsing large documents, above all the service tags, is most of the time of a load, and they
 * seldom change. What such a document held is kept in an arena of its own, which the policies of
 * successive loads share.
 */
#include <string.h>

#include "azure/reader_priv.h"

/* Below it parsing costs less than an arena of its own. */
#define WORTH_BYTES 65536u

struct kept {
	struct nsg_resource *resources;
	struct nsg_bgp_route *bgp_routes;
	size_t n_resources, n_bgp_routes; /* until the end: how many there were before */
	size_t first_list, n_lists;	  /* the numbers of its lists */
	size_t n_values;		  /* nsg_json_count() */
	size_t n_diagnostics;		  /* before it was read */
	struct nsg_arena *outer;	  /* while it is read */
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

struct nsg_shared *nsg_cache_find(struct nsg_reader *r, const struct nsg_policy *before,
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

size_t nsg_cache_n_values(const struct nsg_shared *shared)
{
	const struct kept *kept = shared->data;

	return kept->n_values;
}

/* A resource that several policies hold does not change: the reader joins a copy. */
static void give_copy(struct nsg_reader *r, struct nsg_resource *resource)
{
	resource->data =
	    nsg_arena_copy(r->sink.arena, resource->data, resource->kind->fields->size);
	if (!resource->data)
		r->sink.no_memory = true;
}

void nsg_cache_give(struct nsg_reader *r, const struct nsg_shared *shared)
{
	const struct kept *kept = shared->data;
	size_t shift = r->n_lists - kept->first_list; /* may wrap: the sum is right */

	for (size_t i = 0; i < kept->n_resources; i++) {
		struct nsg_resource resource = kept->resources[i];

		resource.list += shift;
		give_copy(r, &resource);
		nsg_sink_push(&r->sink, &r->resources, resource);
	}
	for (size_t i = 0; i < kept->n_bgp_routes; i++)
		nsg_sink_push(&r->sink, &r->bgp_routes, kept->bgp_routes[i]);
	r->n_lists += kept->n_lists;
}

struct nsg_shared *nsg_cache_begin(struct nsg_reader *r, const struct nsg_source *source,
				   size_t n_values)
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
	kept->n_values = n_values;
	kept->first_list = r->n_lists;
	kept->n_diagnostics = count_diagnostics(r);
	kept->outer = r->sink.arena;
	kept->n_resources = r->resources.n;
	kept->n_bgp_routes = r->bgp_routes.n;
	r->sink.arena = &s->arena;
	return s;
}

/* The elements of a vector from `from` on, in the arena. */
#define TAKE_FROM(s, vec, from)                                                                    \
	((vec)->n > (from) ? nsg_arena_copy((s)->arena, (vec)->v + (from),                         \
					    ((vec)->n - (from)) * sizeof(*(vec)->v))               \
			   : NULL)

/* What it gave is copied as it is now, before anything is joined. */
void nsg_cache_end(struct nsg_reader *r, struct nsg_shared *shared)
{
	struct kept *kept = shared->data;
	size_t n_resources = r->resources.n - kept->n_resources;
	size_t n_bgp_routes = r->bgp_routes.n - kept->n_bgp_routes;

	kept->n_lists = r->n_lists - kept->first_list;
	kept->resources = TAKE_FROM(&r->sink, &r->resources, kept->n_resources);
	kept->bgp_routes = TAKE_FROM(&r->sink, &r->bgp_routes, kept->n_bgp_routes);
	if ((n_resources && !kept->resources) || (n_bgp_routes && !kept->bgp_routes))
		r->sink.no_memory = true;
	kept->n_resources = n_resources;
	kept->n_bgp_routes = n_bgp_routes;
	r->sink.arena = kept->outer;
	for (size_t i = 0; i < n_resources && kept->resources; i++)
		give_copy(r, &r->resources.v[r->resources.n - n_resources + i]);
	if (r->sink.no_memory || count_diagnostics(r) != kept->n_diagnostics)
		shared->data = NULL;
}
