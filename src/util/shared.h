/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What several policies hold together: a document that did not change between two loads. */
#ifndef NSG_UTIL_SHARED_H
#define NSG_UTIL_SHARED_H

#include <stddef.h>

#include "util/arena.h"
#include "util/source.h"

/* Counted; for one thread. What is in it changes no more once two hold it, but for its text. */
struct nsg_shared {
	unsigned int n_holders;
	struct nsg_arena arena;
	struct nsg_source
	    source; /* its path is of the arena; the text comes and goes with a load */
	void *data; /* of the arena; the loader's */
};

struct nsg_shared_list {
	struct nsg_shared **v;
	size_t n, room;
};

/* With one holder. NULL when memory is out. */
struct nsg_shared *nsg_shared_new(const char *path);
struct nsg_shared *nsg_shared_hold(struct nsg_shared *s);
/* The last holder frees it. NULL is fine; returns NULL. */
struct nsg_shared *nsg_shared_drop(struct nsg_shared *s);
/* Wipes the text. */
void nsg_shared_wipe(struct nsg_shared *s);
/* Drops each and frees the list. */
void nsg_shared_list_done(struct nsg_shared_list *l);

#endif
