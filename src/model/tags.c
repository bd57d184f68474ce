/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Service tags: which document counts, its index by name, a tag's addresses. The public document
 * has some 3,000 tags with 92,000 prefixes; only the tags in use are ever expanded.
 */
#include "model/effective_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/cleanup.h"
#include "util/hash.h"
#include "util/macro.h"

/* ---- names of their own ------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum nsg_tag_kind kind;
} special[] = {
    {"VirtualNetwork", NSG_TAG_VIRTUAL_NETWORK},
    {"Internet", NSG_TAG_INTERNET},
    {"AzureLoadBalancer", NSG_TAG_LOAD_BALANCER},
    {"AzurePlatformDNS", NSG_TAG_PLATFORM_DNS},
    {"AzurePlatformIMDS", NSG_TAG_PLATFORM_IMDS},
    {"AzurePlatformLKM", NSG_TAG_PLATFORM_LKM},
    /* The classic deployment model's spellings (service-tags-overview). */
    {"VIRTUAL_NETWORK", NSG_TAG_VIRTUAL_NETWORK},
    {"AZURE_LOADBALANCER", NSG_TAG_LOAD_BALANCER},
};

enum nsg_tag_kind nsg_tag_kind_of(const char *name)
{
	for (size_t i = 0; i < NSG_ARRAY_SIZE(special); i++)
		if (!strcasecmp(name, special[i].name))
			return special[i].kind;
	return NSG_TAG_OF_DOCUMENT;
}

const char *nsg_tag_kind_name(enum nsg_tag_kind k)
{
	for (size_t i = 0; i < NSG_ARRAY_SIZE(special); i++)
		if (special[i].kind == k)
			return special[i].name;
	return NULL;
}

/* ---- the document that counts ------------------------------------------------------------- */

static bool clouds_differ(const struct nsg_tag_document *a, const struct nsg_tag_document *b)
{
	return *a->cloud && *b->cloud && strcasecmp(a->cloud, b->cloud);
}

static const struct nsg_tag_document *newer(struct nsg_build *b, const struct nsg_tag_document *old,
					    const struct nsg_tag_document *later)
{
	const struct nsg_tag_document *one;

	if (clouds_differ(old, later)) {
		(void)nsg_diag_add(
		    b->diag, NSG_ERROR, &later->place, NULL,
		    "service tags of two clouds, %s and %s: keep the document of one", old->cloud,
		    later->cloud);
		return old;
	}
	if (!old->has_change_number || !later->has_change_number ||
	    old->change_number == later->change_number) {
		(void)nsg_diag_add(b->diag, NSG_WARNING, &later->place, NULL,
				   "two service tag documents and their changeNumber does not tell "
				   "which is newer: this one, the later in order, counts");
		return later;
	}
	one = old->change_number > later->change_number ? old : later;
	(void)nsg_diag_add(b->diag, NSG_NOTICE, &one->place, NULL,
			   "of the service tag documents this one counts, changeNumber %llu is the "
			   "highest so far",
			   (unsigned long long)one->change_number);
	return one;
}

/* ---- the index ---------------------------------------------------------------------------- */

struct entry {
	const struct nsg_tag *tag;
	struct nsg_ranges *ranges; /* made when they are first asked for */
};

struct nsg_tag_index {
	struct nsg_hash names;
	struct entry *v;
	uint32_t n;
};

static bool has_name(const void *entries, uint32_t i, const void *name)
{
	return !strcasecmp(((const struct entry *)entries)[i].tag->name, name);
}

/* NULL when the document has no such tag. */
static struct entry *find(const struct nsg_tag_index *x, const char *name)
{
	uint32_t i = nsg_hash_find(&x->names, nsg_hash_name(name), has_name, x->v, name);

	return i == NSG_HASH_NONE ? NULL : &x->v[i];
}

/* One name twice in a document: its addresses are those of both. */
static int join(struct nsg_build *b, struct entry *s, const struct nsg_tag *more)
{
	struct nsg_arena *a = &b->e->arena;
	const struct nsg_tag *old = s->tag;
	struct nsg_tag *t = nsg_arena_copy(a, old, sizeof(*t));
	size_t n = old->prefixes.n + more->prefixes.n;

	if (!t)
		return -ENOMEM;
	t->prefixes.v = nsg_arena_array(a, n + 1, sizeof(*t->prefixes.v));
	if (!t->prefixes.v)
		return -ENOMEM;
	if (old->prefixes.n)
		memcpy(t->prefixes.v, old->prefixes.v, old->prefixes.n * sizeof(*t->prefixes.v));
	if (more->prefixes.n)
		memcpy(t->prefixes.v + old->prefixes.n, more->prefixes.v,
		       more->prefixes.n * sizeof(*t->prefixes.v));
	t->prefixes.n = n;
	t->prefixes.n_ip6 += more->prefixes.n_ip6;
	s->tag = t;
	(void)nsg_diag_add(
	    b->diag, NSG_WARNING, &b->e->tags->place, NULL,
	    "service tag %s stands twice in this document: the addresses of both count", old->name);
	return 0;
}

int nsg_build_tag_index(struct nsg_build *b)
{
	const struct nsg_policy *p = b->policy;
	struct nsg_effective *e = b->e;
	struct nsg_tag_index *x;

	for (size_t i = 0; i < p->n_tag_documents; i++)
		e->tags = e->tags ? newer(b, e->tags, &p->tag_documents[i]) : &p->tag_documents[i];
	x = nsg_arena_alloc(&e->arena, sizeof(*x));
	if (!x)
		return -ENOMEM;
	e->tag_index = x;
	x->v = nsg_arena_array(&e->arena, e->tags ? e->tags->n_tags + 1 : 1, sizeof(*x->v));
	if (!x->v)
		return -ENOMEM;
	for (size_t i = 0; e->tags && i < e->tags->n_tags; i++) {
		const struct nsg_tag *t = &e->tags->tags[i];
		struct entry *old;
		int r;

		/* The computed and the platform's tags are Azure's own, not the document's. */
		if (nsg_tag_kind_of(t->name) != NSG_TAG_OF_DOCUMENT)
			continue;
		old = find(x, t->name);
		if (old) {
			r = join(b, old, t);
		} else {
			x->v[x->n] = (struct entry){.tag = t};
			r = nsg_hash_add(&x->names, nsg_hash_name(t->name), x->n++);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

const struct nsg_tag *nsg_effective_tag_find(const struct nsg_effective *e, const char *name)
{
	const struct entry *found = find(e->tag_index, name);

	return found ? found->tag : NULL;
}

void nsg_tag_index_done(struct nsg_tag_index *x)
{
	if (x)
		nsg_hash_done(&x->names);
}

int nsg_tag_ranges(struct nsg_effective *e, const struct nsg_tag *tag,
		   const struct nsg_ranges **ret)
{
	struct entry *s = find(e->tag_index, tag->name);

	if (!s->ranges) {
		struct nsg_ranges made cleanup_ranges = {0}, *kept;

		kept = nsg_arena_alloc(&e->arena, sizeof(*kept));
		if (!kept ||
		    nsg_ranges_from_prefixes(s->tag->prefixes.v, s->tag->prefixes.n, &made) ||
		    nsg_ranges_take(&e->arena, &made, kept))
			return -ENOMEM;
		s->ranges = kept;
	}
	*ret = s->ranges;
	return 0;
}

/* ---- unknown tags ------------------------------------------------------------------------- */

/* A suggestion compares the name with every tag: a document full of wrong names gets some only. */
#define MAX_SUGGESTED 50

int nsg_tag_unknown(struct nsg_build *b, const struct nsg_place *place, const char *code,
		    const char *what, const char *name)
{
	const char *close[NSG_MAX_SUGGESTIONS];
	struct nsg_phrase_list text = {0};
	size_t n = 0;

	if (b->n_suggested++ < MAX_SUGGESTED)
		n = nsg_suggest(name, b->e->tags, close);
	for (size_t i = 0; i < n; i++)
		nsg_phrase_add(&text, "%s", close[i]);
	if (n)
		return nsg_diag_add(
		    b->diag, NSG_ERROR, place, code,
		    "%s %s is neither a prefix nor a known service tag; close to it: "
		    "%s",
		    what, name, nsg_phrase_end(&text));
	if (!b->e->tags && !b->policy->incomplete)
		return nsg_diag_add(b->diag, NSG_ERROR, place, code,
				    "%s %s is neither a prefix nor a known service tag, and no "
				    "service tag document is here: az network list-service-tags "
				    "--location LOCATION > tags.json",
				    what, name);
	return nsg_diag_add(b->diag, NSG_ERROR, place, code,
			    "%s %s is neither a prefix nor a known service tag", what, name);
}
