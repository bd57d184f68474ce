/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private endpoints that the integration subnet reaches: their addresses, and which UDRs they beat. */
#include "model/effective_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/cleanup.h"
#include "util/vec.h"

struct finder {
	struct nsg_build *b;
	struct nsg_id_entry *nics;	  /* by their own id */
	struct nsg_id_entry *by_endpoint; /* NICs by the endpoint they belong to */
	size_t n_nics, n_by_endpoint;
	NSG_VEC(struct nsg_private_row) rows;
	NSG_VEC(uint32_t) addrs;
	const char *subnet_ref; /* of the current endpoint; "" unknown */
};

static void finder_done(struct finder *f)
{
	free(f->nics);
	free(f->by_endpoint);
	nsg_vec_done(&f->rows);
	nsg_vec_done(&f->addrs);
}

#define cleanup_finder __attribute__((cleanup(finder_done)))

static int finder_init(struct finder *f, struct nsg_build *b)
{
	const struct nsg_policy *p = b->policy;

	f->b = b;
	f->nics = calloc(p->n_nics + 1, sizeof(*f->nics));
	f->by_endpoint = calloc(p->n_nics + 1, sizeof(*f->by_endpoint));
	if (!f->nics || !f->by_endpoint)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_nics; i++) {
		const struct nsg_nic *n = &p->nics[i];

		if (*n->id || *n->name)
			f->nics[f->n_nics++] = (struct nsg_id_entry){*n->id ? n->id : n->name, i};
		if (*n->private_endpoint_id)
			f->by_endpoint[f->n_by_endpoint++] =
			    (struct nsg_id_entry){n->private_endpoint_id, i};
	}
	nsg_ids_sort(f->nics, f->n_nics);
	nsg_ids_sort(f->by_endpoint, f->n_by_endpoint);
	return 0;
}

/* ---- addresses ---------------------------------------------------------------------------- */

static int add_nic(struct finder *f, const struct nsg_nic *nic)
{
	for (size_t i = 0; i < nic->n_configurations; i++) {
		const struct nsg_ip_configuration *c = &nic->configurations[i];

		if (c->has_addr && nsg_vec_push(&f->addrs, c->addr_host))
			return -ENOMEM;
		if (!*f->subnet_ref)
			f->subnet_ref = c->subnet_id;
	}
	return 0;
}

static int add_nics(struct finder *f, const struct nsg_id_entry *v, size_t n, const char *id)
{
	const struct nsg_id_entry *x = NULL;
	int r;

	while ((x = nsg_ids_next(v, n, id, x))) {
		r = add_nic(f, &f->b->policy->nics[x->i]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* From its NICs, its DNS configurations and its IP configurations. */
static int find_addresses(struct finder *f, const struct nsg_private_endpoint *pe)
{
	int r;

	f->addrs.n = 0;
	f->subnet_ref = pe->subnet_id;
	for (size_t i = 0; i < pe->nic_ids.n; i++) {
		r = add_nics(f, f->nics, f->n_nics, pe->nic_ids.v[i]);
		if (r < 0)
			return r;
	}
	r = add_nics(f, f->by_endpoint, f->n_by_endpoint, *pe->id ? pe->id : pe->name);
	if (r < 0)
		return r;
	for (size_t i = 0; i < pe->n_addrs; i++) {
		r = nsg_vec_push(&f->addrs, pe->addrs_host[i]);
		if (r < 0)
			return r;
	}
	return nsg_addresses_distinct(f->addrs.v, &f->addrs.n);
}

/* ---- where it is -------------------------------------------------------------------------- */

struct home {
	bool reachable;
	const struct nsg_vnet *document; /* NULL: a peer without one */
	const struct nsg_prefixes *space;
};

static bool holds_addr(const struct nsg_prefixes *p, uint32_t addr_host)
{
	for (size_t i = 0; i < p->n; i++)
		if (nsg_prefix_contains(p->v[i], addr_host))
			return true;
	return false;
}

/* Whether the subnet is in the network with that id. */
static bool ref_is_in(const char *subnet_ref, const char *vnet_id)
{
	const struct nsg_vnet v = {.id = vnet_id, .name = nsg_id_name(vnet_id)};

	return *vnet_id && nsg_vnet_holds(&v, subnet_ref);
}

/* Whether the peering leads to that address; 0: to any. */
static bool carries(const struct nsg_peer *peer, uint32_t addr_host)
{
	return peer->reachable && !peer->only_ip6 &&
	       (!peer->is_subnet_peering || !addr_host || holds_addr(peer->space, addr_host));
}

/* The VNet itself or a direct peer that the profile reaches; found by address where no document
 * names the endpoint's subnet. */
static struct home find_home(const struct finder *f, uint32_t addr_host)
{
	const struct nsg_build *b = f->b;
	const char *ref = f->subnet_ref;

	if (*ref ? nsg_vnet_holds(b->e->vnet, ref) : holds_addr(&b->e->vnet->space, addr_host))
		return (struct home){
		    .reachable = true, .document = b->e->vnet, .space = &b->e->vnet->space};
	for (size_t i = 0; i < b->n_peers; i++) {
		const struct nsg_peer *peer = &b->peers[i];
		bool here;

		if (peer->is_mesh)
			continue;
		if (!*ref)
			here = holds_addr(peer->space, addr_host);
		else if (peer->document)
			here = nsg_vnet_holds(peer->document, ref);
		else
			here = ref_is_in(ref, peer->peering->remote_id);
		if (here)
			return (struct home){.reachable = carries(peer, addr_host),
					     .document = peer->document,
					     .space = peer->document ? &peer->document->space
								     : peer->space};
	}
	return (struct home){.reachable = false};
}

/* ---- against UDRs ------------------------------------------------------------------------- */

static bool has_policies(const struct nsg_vnet *v, const char *subnet_ref)
{
	for (size_t i = 0; i < v->n_subnets; i++) {
		const struct nsg_subnet *s = &v->subnets[i];

		if (nsg_subnet_is(v, s, subnet_ref))
			return !strcasecmp(s->endpoint_policies, "Enabled") ||
			       !strcasecmp(s->endpoint_policies, "RouteTableEnabled");
	}
	return false;
}

/* The shortest UDR that takes precedence over the endpoint: a route of its /32 always does, in
 * 2020 no other. */
#define THRESHOLD_2020 32

static uint8_t policies_threshold(const struct finder *f, const struct home *home,
				  uint32_t addr_host)
{
	int longest = -1;

	if (!home->document || !has_policies(home->document, f->subnet_ref))
		return THRESHOLD_2020;
	for (size_t i = 0; i < home->space->n; i++) {
		struct nsg_prefix p = home->space->v[i];

		if (nsg_prefix_contains(p, addr_host) && p.len > longest)
			longest = p.len;
	}
	return longest < 0 ? THRESHOLD_2020 : (uint8_t)longest;
}

static struct nsg_private_row row_of(const struct finder *f, const struct nsg_private_endpoint *pe,
				     const struct home *home, uint32_t addr_host)
{
	const uint8_t today = policies_threshold(f, home, addr_host);
	const bool is_today = f->b->e->profile->endpoint_policies;

	return (struct nsg_private_row){
	    .endpoint = pe,
	    .addr_host = addr_host,
	    .beats_udr_shorter_than = is_today ? today : THRESHOLD_2020,
	    .beats_udr_otherwise = is_today ? THRESHOLD_2020 : today,
	};
}

static int add_endpoint(struct finder *f, const struct nsg_private_endpoint *pe)
{
	int r;

	r = find_addresses(f, pe);
	if (r < 0)
		return r;
	if (!f->addrs.n && (!*f->subnet_ref || find_home(f, 0).reachable))
		(void)nsg_diag_add(f->b->diag, NSG_WARNING, &pe->place, NULL,
				   "private endpoint %s: its address is not in any document, so it "
				   "has no route; run: az network nic list > nics.json",
				   pe->name);
	for (size_t i = 0; i < f->addrs.n; i++) {
		struct home home = find_home(f, f->addrs.v[i]);

		if (home.reachable && nsg_vec_push(&f->rows, row_of(f, pe, &home, f->addrs.v[i])))
			return -ENOMEM;
	}
	return 0;
}

int nsg_private_rows(struct nsg_build *b, struct nsg_private_row **ret, size_t *ret_n)
{
	const struct nsg_policy *p = b->policy;
	cleanup_finder struct finder f = {0};
	int r;

	r = finder_init(&f, b);
	if (r < 0)
		return r;
	for (size_t i = 0; i < p->n_private_endpoints; i++) {
		r = add_endpoint(&f, &p->private_endpoints[i]);
		if (r < 0)
			return r;
	}
	*ret = nsg_arena_copy(&b->e->arena, f.rows.v, f.rows.n * sizeof(*f.rows.v));
	if (!*ret && f.rows.n)
		return -ENOMEM;
	*ret_n = f.rows.n;
	return 0;
}
