/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/shared.h"

#include <stdlib.h>

#include "util/vec.h"

struct nsg_shared *nsg_shared_new(const char *path)
{
	struct nsg_shared *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	atomic_init(&s->n_holders, 1);
	s->source.path = nsg_arena_strdup(&s->arena, path);
	if (!s->source.path)
		return nsg_shared_drop(s);
	return s;
}

struct nsg_shared *nsg_shared_hold(struct nsg_shared *s)
{
	(void)atomic_fetch_add_explicit(&s->n_holders, 1, memory_order_relaxed);
	return s;
}

struct nsg_shared *nsg_shared_drop(struct nsg_shared *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->n_holders, 1, memory_order_acq_rel) != 1)
		return NULL;
	nsg_shared_wipe(s);
	nsg_arena_done(&s->arena);
	free(s);
	return NULL;
}

void nsg_shared_wipe(struct nsg_shared *s)
{
	nsg_source_wipe(&s->source);
}

void nsg_shared_list_done(struct nsg_shared_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		(void)nsg_shared_drop(l->v[i]);
	nsg_vec_done(l);
}
