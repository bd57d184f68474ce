/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connected peerings: their ranges, and which networks they reach. */
#include "model/effective_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "util/cleanup.h"
#include "util/limits.h"
#include "util/macro.h"

/* Any other peering is ignored (virtual-network-manage-peering). */
bool nsg_peering_is_connected(const struct nsg_peering *p)
{
	return !*p->state || nsg_text_loosely_equal(p->state, "Connected");
}

static bool is_given(const struct nsg_prefixes *p)
{
	return p->n || p->n_ip6;
}

/* 0 or 1; -ENOMEM. */
static int differ(const struct nsg_prefixes *a, const struct nsg_prefixes *b)
{
	cleanup_ranges struct nsg_ranges x = {0}, y = {0};
	int r;

	if (!is_given(a) || !is_given(b))
		return 0;
	r = nsg_ranges_from_prefixes(a->v, a->n, &x);
	if (r < 0)
		return r;
	r = nsg_ranges_from_prefixes(b->v, b->n, &y);
	if (r < 0)
		return r;
	return !nsg_ranges_equal(&x, &y);
}

static const struct nsg_prefixes nothing = {0};

const struct nsg_vnet *nsg_peering_document(const struct nsg_policy *p, const struct nsg_vnet *own,
					    const struct nsg_peering *peering)
{
	for (size_t i = 0; i < p->n_vnets; i++)
		if (&p->vnets[i] != own && nsg_vnet_is(&p->vnets[i], peering->remote_id))
			return &p->vnets[i];
	return NULL;
}

const struct nsg_prefixes *nsg_peering_space(const struct nsg_peering *p,
					     const struct nsg_vnet *document)
{
	if (is_given(&p->remote_space))
		return &p->remote_space;
	if (is_given(&p->remote_vnet_space))
		return &p->remote_vnet_space;
	return document ? &document->space : &nothing;
}

static void warn_of_no_space(struct nsg_build *b, const struct nsg_peer *peer)
{
	const struct nsg_peering *p = peer->peering;

	if (is_given(peer->space))
		return;
	(void)nsg_diag_add(b->diag, NSG_WARNING, &p->place, NULL,
			   "peering %s: the peer's ranges are unknown, so it has no routes; run: "
			   "az network vnet show --ids %s > peer.json",
			   p->name, *p->remote_id ? p->remote_id : "PEER");
}

/* remoteAddressSpace is in force, remoteVirtualNetworkAddressSpace is the peer's current space. */
static int choose_space(struct nsg_build *b, struct nsg_peer *peer)
{
	const struct nsg_peering *p = peer->peering;
	const struct nsg_prefixes *own = peer->document ? &peer->document->space : &nothing;
	const struct nsg_prefixes *all[] = {&p->remote_space, &p->remote_vnet_space, own};

	peer->space = nsg_peering_space(p, peer->document);
	for (size_t i = 1; i < 3; i++) {
		int r = all[i] == peer->space ? 0 : differ(peer->space, all[i]);

		if (r < 0)
			return r;
		if (!r)
			continue;
		(void)nsg_diag_add(
		    b->diag, NSG_WARNING, &p->place, NULL,
		    "peering %s: the peer's ranges differ between %s and %s; the former are used",
		    p->name,
		    peer->space == &p->remote_space ? "remoteAddressSpace"
						    : "remoteVirtualNetworkAddressSpace",
		    i == 1 ? "remoteVirtualNetworkAddressSpace" : "the peer's own document");
		break;
	}
	warn_of_no_space(b, peer);
	return 0;
}

/* ---- subnet peering ----------------------------------------------------------------------- */

static bool is_named(const struct nsg_strings *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (!strcasecmp(names->v[i], name))
			return true;
	return !names->n;
}

static const struct nsg_subnet *find_subnet(const struct nsg_vnet *v, const char *name)
{
	for (size_t i = 0; i < v->n_subnets; i++)
		if (!strcasecmp(v->subnets[i].name, name))
			return &v->subnets[i];
	return NULL;
}

static void check_remote_names(struct nsg_build *b, const struct nsg_peer *peer)
{
	const struct nsg_peering *p = peer->peering;

	for (size_t i = 0; i < p->remote_subnets.n; i++)
		if (!find_subnet(peer->document, p->remote_subnets.v[i]))
			(void)nsg_diag_add(b->diag, NSG_WARNING, &p->place, NULL,
					   "peering %s: its remote subnet %s is not in the peer's "
					   "document, so it has no route",
					   p->name, p->remote_subnets.v[i]);
}

/* The ranges of the remote subnets that take part. */
static int join_remote_subnets(struct nsg_build *b, struct nsg_peer *peer)
{
	const struct nsg_vnet *d = peer->document;
	struct nsg_prefixes *all = nsg_arena_alloc(&b->e->arena, sizeof(*all));
	size_t n = 0;

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < d->n_subnets; i++)
		n += d->subnets[i].prefixes.n;
	*all = (struct nsg_prefixes){.v = nsg_arena_array(&b->e->arena, n + 1, sizeof(*all->v))};
	if (!all->v)
		return -ENOMEM;
	for (size_t i = 0; i < d->n_subnets; i++) {
		const struct nsg_subnet *s = &d->subnets[i];

		if (!is_named(&peer->peering->remote_subnets, s->name))
			continue;
		all->n_ip6 += s->prefixes.n_ip6;
		for (size_t j = 0; j < s->prefixes.n; j++)
			all->v[all->n++] = s->prefixes.v[j];
	}
	peer->space = all;
	return 0;
}

/* A local subnet that does not take part has the routes, and its packets are dropped
 * (how-to-configure-subnet-peering). */
static int choose_subnets(struct nsg_build *b, struct nsg_peer *peer)
{
	const struct nsg_peering *p = peer->peering;
	int r;

	peer->is_subnet_peering = true;
	peer->reachable &= is_named(&p->local_subnets, b->e->subnet->name);
	peer->only_ip6 = p->only_ip6 == NSG_TRUE;
	if (!peer->document) {
		peer->space = nsg_peering_space(p, NULL);
		warn_of_no_space(b, peer);
		return 0;
	}
	check_remote_names(b, peer);
	r = join_remote_subnets(b, peer);
	if (r < 0)
		return r;
	warn_of_no_space(b, peer);
	return 0;
}

static void warn_of_subnet_peering(struct nsg_build *b, const struct nsg_peering *p)
{
	if (p->complete == NSG_FALSE || p->only_ip6 == NSG_TRUE || p->local_subnets.n ||
	    p->remote_subnets.n)
		(void)nsg_diag_add(b->diag, NSG_WARNING, &p->place, NULL,
				   "peering %s: subnet peering is ignored in profile %s, so all "
				   "of both networks is peered",
				   p->name, b->e->profile->name);
}

/* ---- overlap ------------------------------------------------------------------------------ */

/* A range of the network itself or of a peer. */
struct held {
	struct nsg_range range;
	const struct nsg_peering *peering; /* NULL: the network */
};

static int compare_held(const void *a, const void *b)
{
	const struct held *x = a, *y = b;
	int r = NSG_CMP(x->range.lo, y->range.lo);

	return r ? r : NSG_CMP(y->range.hi, x->range.hi);
}

static size_t hold(struct held *v, const struct nsg_prefixes *p, const struct nsg_peering *peering)
{
	for (size_t i = 0; v && i < p->n; i++)
		v[i] = (struct held){{p->v[i].addr_host, nsg_prefix_last(p->v[i])}, peering};
	return p->n;
}

/* Subnet peerings may overlap, whatever the profile. */
static size_t hold_all(const struct nsg_build *b, struct held *v)
{
	size_t n = hold(v, &b->e->vnet->space, NULL);

	for (size_t i = 0; i < b->n_peers; i++) {
		const struct nsg_peer *peer = &b->peers[i];

		if (peer->peering->complete != NSG_FALSE)
			n += hold(v ? v + n : NULL, peer->space, peer->peering);
	}
	return n;
}

static void report_overlap(struct nsg_build *b, const struct held *x, const struct held *y)
{
	/* the later peering is the one that Azure refuses */
	const bool is_later = x->peering > y->peering;
	const struct held *later = is_later ? x : y, *earlier = is_later ? y : x;
	char first[NSG_IP4_TEXT], second[NSG_IP4_TEXT];

	nsg_ip4_format(later->range.lo, first);
	nsg_ip4_format(earlier->range.lo, second);
	(void)nsg_diag_add(b->diag, NSG_ERROR, &later->peering->place, "VnetAddressSpacesOverlap",
			   "peering %s: the peer's range at %s overlaps the range at %s of %s %s",
			   later->peering->name, first, second,
			   earlier->peering ? "peering" : "virtual network",
			   earlier->peering ? earlier->peering->name : b->e->vnet->name);
}

/* Each of the ranges sorted by their first address is compared with the one that reaches furthest
 * so far: what overlaps another one, overlaps that. */
static int check_overlap(struct nsg_build *b)
{
	const size_t n = hold_all(b, NULL);
	cleanup_free struct held *v = calloc(n + 1, sizeof(*v));
	const struct nsg_peering *reported = NULL;
	size_t furthest = 0;

	if (!v)
		return -ENOMEM;
	(void)hold_all(b, v);
	qsort(v, n, sizeof(*v), compare_held);
	for (size_t i = 1; i < n; i++) {
		if (v[i].peering != v[furthest].peering && v[i].range.lo <= v[furthest].range.hi &&
		    (!v[i].peering || v[i].peering != reported)) {
			report_overlap(b, &v[i], &v[furthest]);
			reported = v[i].peering;
		}
		if (v[i].range.hi > v[furthest].range.hi)
			furthest = i;
	}
	return 0;
}

/* ---- all of it ---------------------------------------------------------------------------- */

static void find_region(struct nsg_build *b, struct nsg_peer *peer)
{
	const struct nsg_effective *e = b->e;
	const struct nsg_vnet *d = peer->document;

	if (*e->vnet->location && d && *d->location) {
		peer->global = !nsg_text_loosely_equal(e->vnet->location, d->location);
	} else if (!e->profile->global_peering_reachable) {
		(void)nsg_diag_add(
		    b->diag, NSG_WARNING, &peer->peering->place, NULL,
		    "peering %s: the regions of the two networks are unknown, so it is treated as "
		    "regional; a global peering would be unreachable in %s",
		    peer->peering->name, e->profile->name);
	}
	peer->reachable = !peer->global || e->profile->global_peering_reachable;
}

static int compare_prefix(const void *a, const void *b)
{
	return nsg_prefix_compare(a, b);
}

/* The ranges of all meshes, each once: several interfaces' rows name the same. */
static int join_meshes(const struct nsg_policy *p, struct nsg_arena *arena,
		       struct nsg_prefixes *ret)
{
	struct nsg_prefixes all = {0};
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < p->n_meshes; i++)
		n += p->meshes[i].ranges.n;
	all.v = nsg_arena_array(arena, n + 1, sizeof(*all.v));
	if (!all.v)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_meshes; i++)
		for (size_t j = 0; j < p->meshes[i].ranges.n; j++)
			all.v[all.n++] = p->meshes[i].ranges.v[j];
	qsort(all.v, all.n, sizeof(*all.v), compare_prefix);
	for (size_t i = 0; i < all.n; i++)
		if (!kept || !nsg_prefix_equal(all.v[i], all.v[kept - 1]))
			all.v[kept++] = all.v[i];
	all.n = kept;
	*ret = all;
	return 0;
}

/* The networks of a mesh are like one regional peer, in every profile; they may overlap. */
static int add_mesh(struct nsg_build *b)
{
	static const struct nsg_peering mesh = {
	    .name = "ConnectedGroup",
	    .remote_id = "",
	    .state = "",
	    .allow_access = NSG_UNSET,
	    .use_remote_gateways = NSG_UNSET,
	};
	const struct nsg_policy *p = b->policy;
	struct nsg_prefixes *space = nsg_arena_alloc(&b->e->arena, sizeof(*space));
	int r;

	if (!p->n_meshes)
		return 0;
	if (!space)
		return -ENOMEM;
	r = join_meshes(p, &b->e->arena, space);
	if (r < 0)
		return r;
	if (!space->n)
		(void)nsg_diag_add(b->diag, NSG_WARNING, &p->meshes[0].place, NULL,
				   "the ranges of the mesh are unknown, so it has no routes; run: "
				   "az network nic show-effective-route-table -g GROUP -n NIC > "
				   "effective-routes.json");
	b->peers[b->n_peers++] =
	    (struct nsg_peer){.peering = &mesh, .space = space, .reachable = true, .is_mesh = true};
	return 0;
}

static int join_networks(struct nsg_build *b)
{
	cleanup_ranges struct nsg_ranges made = {0};
	cleanup_free struct nsg_prefix *v = NULL;
	size_t n = b->e->vnet->space.n;
	int r;

	for (size_t i = 0; i < b->n_peers; i++)
		n += b->peers[i].space->n;
	v = calloc(n + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	n = 0;
	for (size_t i = 0; i < b->e->vnet->space.n; i++)
		v[n++] = b->e->vnet->space.v[i];
	for (size_t i = 0; i < b->n_peers; i++)
		for (size_t j = 0; j < b->peers[i].space->n; j++)
			v[n++] = b->peers[i].space->v[j];
	r = nsg_ranges_from_prefixes(v, n, &made);
	if (r < 0)
		return r;
	return nsg_ranges_take(&b->e->arena, &made, &b->e->networks);
}

int nsg_build_peers(struct nsg_build *b)
{
	const struct nsg_vnet *v = b->e->vnet;
	int r;

	b->peers = nsg_arena_array(&b->e->arena, v->n_peerings + 2, sizeof(*b->peers));
	if (!b->peers)
		return -ENOMEM;
	if (v->n_peerings > NSG_MAX_PEERINGS)
		(void)nsg_diag_add(b->diag, NSG_ERROR, &v->place, NULL,
				   "virtual network %s has %zu peerings, Azure allows %u", v->name,
				   v->n_peerings, NSG_MAX_PEERINGS);
	for (size_t i = 0; i < v->n_peerings; i++) {
		struct nsg_peer *peer = &b->peers[b->n_peers];

		if (!nsg_peering_is_connected(&v->peerings[i]))
			continue;
		b->n_peers++;
		*peer = (struct nsg_peer){
		    .peering = &v->peerings[i],
		    .document = nsg_peering_document(b->policy, v, &v->peerings[i]),
		};
		find_region(b, peer);
		if (peer->peering->complete == NSG_FALSE && b->e->profile->subnet_peering)
			r = choose_subnets(b, peer);
		else
			r = choose_space(b, peer);
		if (r < 0)
			return r;
		if (!b->e->profile->subnet_peering)
			warn_of_subnet_peering(b, peer->peering);
	}
	r = check_overlap(b);
	if (r < 0)
		return r;
	r = add_mesh(b);
	if (r < 0)
		return r;
	return join_networks(b);
}
