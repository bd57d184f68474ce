/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Service tags: which document is used, its index by name, a tag's addresses. The public document
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
#include "util/vec.h"

/* ---- built-in names -------------------------------------------------------------------------- */

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

/* ---- the document that is used --------------------------------------------------------------- */

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
		    "service tags of two clouds, %s and %s: keep only one of the documents",
		    old->cloud, later->cloud);
		return old;
	}
	if (!old->has_change_number || !later->has_change_number ||
	    old->change_number == later->change_number) {
		(void)nsg_diag_add(b->diag, NSG_WARNING, &later->place, NULL,
				   "several service tag documents, and their changeNumber does not "
				   "show which is newer: the later document is used");
		return later;
	}
	one = old->change_number > later->change_number ? old : later;
	(void)nsg_diag_add(b->diag, NSG_NOTICE, &one->place, NULL,
			   "several service tag documents: this one is used, changeNumber %llu is "
			   "the highest so far",
			   (unsigned long long)one->change_number);
	return one;
}

/* ---- the index ------------------------------------------------------------------------------- */

struct entry {
	const struct nsg_tag *tag;
	struct nsg_ranges *ranges; /* made on first use */
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

/* A tag that is in a document twice has the addresses of both. */
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
	    "service tag %s is in this document twice: the addresses of both are used", old->name);
	return 0;
}

int nsg_build_tag_index(struct nsg_build *b)
{
	const struct nsg_policy *p = b->policy;
	struct nsg_effective *e = b->e;
	struct nsg_tag_index *x;
	struct entry *v;

	for (size_t i = 0; i < p->n_tag_documents; i++)
		e->tags = e->tags ? newer(b, e->tags, &p->tag_documents[i]) : &p->tag_documents[i];
	x = nsg_arena_alloc(&e->arena, sizeof(*x));
	if (!x)
		return -ENOMEM;
	e->tag_index = x;
	v = nsg_arena_array(&e->arena, e->tags ? e->tags->n_tags + 1 : 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	x->v = v;
	for (size_t i = 0; e->tags && i < e->tags->n_tags; i++) {
		const struct nsg_tag *t = &e->tags->tags[i];
		struct entry *old;
		int r;

		/* A document cannot redefine computed and platform tags. */
		if (nsg_tag_kind_of(t->name) != NSG_TAG_OF_DOCUMENT)
			continue;
		old = find(x, t->name);
		if (old) {
			r = join(b, old, t);
		} else {
			v[x->n] = (struct entry){.tag = t};
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
		cleanup_ranges struct nsg_ranges made = {0};
		struct nsg_ranges *kept;

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

/* ---- VirtualNetwork and Internet, as the integration subnet sees them ------------------------ */

struct members {
	struct nsg_tag_member *v;
	size_t n, room;
};

static void members_done(struct members *m)
{
	nsg_vec_done(m);
}

#define cleanup_members __attribute__((cleanup(members_done)))

static int add_all(struct members *m, const struct nsg_prefixes *p, enum nsg_origin origin,
		   const char *name)
{
	int r;

	for (size_t i = 0; i < p->n; i++) {
		r = nsg_vec_push(m, ((struct nsg_tag_member){p->v[i], origin, name}));
		if (r < 0)
			return r;
	}
	return 0;
}

/* service-tags-overview: "address prefixes used on user-defined routes"; azure-docs 22178 narrows
 * them to routes to an appliance. */
static int add_udrs(struct nsg_build *b, struct members *m)
{
	const struct nsg_route_table *t = b->e->route_table;

	for (size_t i = 0; t && i < t->n_routes; i++) {
		const struct nsg_route *route = &t->routes[i];
		struct nsg_prefixes one = {0};
		struct nsg_prefix prefix = route->prefix;
		const struct nsg_tag *tag;
		int r;

		if (route->is_ip6 ||
		    (route->hop_type != NSG_HOP_APPLIANCE && route->hop_type != NSG_HOP_GATEWAY))
			continue;
		tag = route->tag ? nsg_effective_tag_find(b->e, route->tag) : NULL;
		if (tag)
			one = tag->prefixes;
		else if (!route->tag)
			one = (struct nsg_prefixes){.v = &prefix, .n = 1};
		r = add_all(m, &one, NSG_ORIGIN_UDR, route->name);
		if (r < 0)
			return r;
	}
	return 0;
}

static int gather(struct nsg_build *b, struct members *m)
{
	static const struct nsg_prefix host = {NSG_IP_PLATFORM_DNS, 32};
	int r;

	r = add_all(m, &b->e->vnet->space, NSG_ORIGIN_VNET, b->e->vnet->name);
	if (r < 0)
		return r;
	for (size_t i = 0; i < b->n_peers; i++) {
		if (b->peers[i].peering->allow_access == NSG_FALSE || b->peers[i].only_ip6)
			continue;
		r = add_all(m, b->peers[i].space, NSG_ORIGIN_PEER, b->peers[i].peering->name);
		if (r < 0)
			return r;
	}
	r = nsg_vec_reserve(m, b->n_bgp);
	if (r < 0)
		return r;
	for (size_t i = 0; i < b->n_bgp; i++) {
		r = nsg_vec_push(m,
				 ((struct nsg_tag_member){b->bgp[i].prefix, NSG_ORIGIN_BGP, ""}));
		if (r < 0)
			return r;
	}
	r = nsg_vec_push(m, ((struct nsg_tag_member){host, NSG_ORIGIN_PLATFORM, ""}));
	if (r < 0)
		return r;
	return add_udrs(b, m);
}

static int make_ranges(struct nsg_effective *e, const struct members *m, struct nsg_ranges *ret)
{
	cleanup_free struct nsg_range *v = calloc(m->n + 1, sizeof(*v));
	cleanup_ranges struct nsg_ranges made = {0}, live = {0}, all = {0};
	int r;

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < m->n; i++)
		v[i] =
		    (struct nsg_range){m->v[i].prefix.addr_host, nsg_prefix_last(m->v[i].prefix)};
	r = nsg_ranges_from_ranges(v, m->n, &made);
	if (r < 0)
		return r;
	if (!e->live)
		return nsg_ranges_take(&e->arena, &made, ret);
	r = nsg_route_set_ranges(e->live, &live);
	if (r < 0)
		return r;
	r = nsg_ranges_union(&made, &live, &all);
	if (r < 0)
		return r;
	return nsg_ranges_take(&e->arena, &all, ret);
}

/* Prefixes of BGP routes and UDRs stay in: azure-docs 81801 shows them in both tags. */
static int make_internet(struct nsg_build *b)
{
	struct nsg_effective *e = b->e;
	const struct nsg_profile *p = e->profile;
	cleanup_ranges struct nsg_ranges holes = {0}, taken = {0}, rest = {0};
	int r;

	r = nsg_ranges_from_prefixes(p->internet_holes, p->n_internet_holes, &holes);
	if (r < 0)
		return r;
	r = nsg_ranges_union(&holes, &e->networks, &taken);
	if (r < 0)
		return r;
	r = nsg_ranges_subtract(&nsg_ranges_everything, &taken, &rest);
	if (r < 0)
		return r;
	return nsg_ranges_take(&e->arena, &rest, &e->internet_ranges);
}

int nsg_build_computed_tags(struct nsg_build *b)
{
	struct nsg_effective *e = b->e;
	cleanup_members struct members m = {0};
	int r;

	r = gather(b, &m);
	if (r < 0)
		return r;
	r = make_ranges(e, &m, &e->virtual_network_ranges);
	if (r < 0)
		return r;
	e->virtual_network = nsg_arena_copy(&e->arena, m.v, m.n * sizeof(*m.v));
	if (!e->virtual_network)
		return -ENOMEM;
	e->n_virtual_network = m.n;
	return make_internet(b);
}

/* ---- which tags an address is in ------------------------------------------------------------- */

/* The largest aligned block around the address that is in the set. */
static struct nsg_prefix block_of(const struct nsg_ranges *r, uint32_t addr_host)
{
	struct nsg_prefix p = {addr_host, 32};

	while (p.len) {
		struct nsg_prefix wider = {addr_host & nsg_prefix_mask(p.len - 1), p.len - 1};

		if (!nsg_ranges_hold(r,
				     (struct nsg_range){wider.addr_host, nsg_prefix_last(wider)}))
			break;
		p = wider;
	}
	return p;
}

static bool best_member(const struct nsg_effective *e, uint32_t addr_host, struct nsg_prefix *ret)
{
	int len = -1;

	for (size_t i = 0; i < e->n_virtual_network; i++) {
		struct nsg_prefix p = e->virtual_network[i].prefix;

		if (nsg_prefix_contains(p, addr_host) && p.len > len) {
			*ret = p;
			len = p.len;
		}
	}
	for (int l = 32; e->live && l > len; l--) {
		struct nsg_prefix p = {addr_host & nsg_prefix_mask((uint8_t)l), (uint8_t)l};

		if (nsg_route_set_find(e->live, p)) {
			*ret = p;
			return true;
		}
	}
	return len >= 0;
}

static bool best_prefix(const struct nsg_prefixes *p, uint32_t addr_host, struct nsg_prefix *ret)
{
	int len = -1;

	for (size_t i = 0; i < p->n; i++)
		if (nsg_prefix_contains(p->v[i], addr_host) && p->v[i].len > len) {
			*ret = p->v[i];
			len = p->v[i].len;
		}
	return len >= 0;
}

static int report_own_tags(const struct nsg_effective *e, uint32_t addr_host,
			   int (*found)(void *data, const char *tag, struct nsg_prefix by),
			   void *data)
{
	static const struct {
		uint32_t addr_host;
		enum nsg_tag_kind kind;
	} hosts[] = {
	    {NSG_IP_PLATFORM_DNS, NSG_TAG_LOAD_BALANCER},
	    {NSG_IP_PLATFORM_DNS, NSG_TAG_PLATFORM_DNS},
	    {NSG_IP_PLATFORM_IMDS, NSG_TAG_PLATFORM_IMDS},
	};
	struct nsg_prefix by;
	int r;

	if (best_member(e, addr_host, &by)) {
		r = found(data, nsg_tag_kind_name(NSG_TAG_VIRTUAL_NETWORK), by);
		if (r)
			return r;
	}
	if (nsg_ranges_contain(&e->internet_ranges, addr_host)) {
		r = found(data, nsg_tag_kind_name(NSG_TAG_INTERNET),
			  block_of(&e->internet_ranges, addr_host));
		if (r)
			return r;
	}
	for (size_t i = 0; i < NSG_ARRAY_SIZE(hosts); i++) {
		if (hosts[i].addr_host != addr_host)
			continue;
		r = found(data, nsg_tag_kind_name(hosts[i].kind),
			  (struct nsg_prefix){addr_host, 32});
		if (r)
			return r;
	}
	return 0;
}

int nsg_effective_tags_of(const struct nsg_effective *e, uint32_t addr_host,
			  int (*found)(void *data, const char *tag, struct nsg_prefix by),
			  void *data)
{
	int r;

	r = report_own_tags(e, addr_host, found, data);
	if (r)
		return r;
	for (size_t i = 0; e->tags && i < e->tags->n_tags; i++) {
		const struct nsg_tag *t = &e->tags->tags[i];
		struct nsg_prefix by;

		if (nsg_tag_kind_of(t->name) != NSG_TAG_OF_DOCUMENT ||
		    !best_prefix(&t->prefixes, addr_host, &by))
			continue;
		r = found(data, t->name, by);
		if (r)
			return r;
	}
	return 0;
}
