/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A document that several policies share because it did not change between two loads. */
#ifndef NSG_UTIL_SHARED_H
#define NSG_UTIL_SHARED_H

#include <stdatomic.h>
#include <stddef.h>

#include "util/arena.h"
#include "util/source.h"

/* Reference-counted: policies of several threads may hold it. Immutable once shared, except for the
 * text, which only a load uses; no two loads run at a time. */
struct nsg_shared {
	atomic_uint n_holders;
	struct nsg_arena arena;
	struct nsg_source source; /* the path is in the arena; the text is dropped after a load */
	void *data;		  /* in the arena; set by the loader */
};

struct nsg_shared_list {
	struct nsg_shared **v;
	size_t n, room;
};

/* With one reference. NULL when out of memory. */
struct nsg_shared *nsg_shared_new(const char *path);
struct nsg_shared *nsg_shared_hold(struct nsg_shared *s);
/* Drops a reference; the last one frees it. NULL is fine; returns NULL. */
struct nsg_shared *nsg_shared_drop(struct nsg_shared *s);
/* Wipes the text. */
void nsg_shared_wipe(struct nsg_shared *s);
/* Drops each and frees the list. */
void nsg_shared_list_done(struct nsg_shared_list *l);

#endif
