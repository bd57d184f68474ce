/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a reload may not change while an integration exists. */
#include "model/effective_priv.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* Names survive a move to another subscription, ids do not. */
static bool same_name(const struct nsg_effective *before, const char *ref)
{
	const struct nsg_vnet vnet = {.id = "", .name = before->vnet->name};
	const struct nsg_subnet subnet = {.id = "", .name = before->subnet->name};
	const char *tail = strcasestr(ref, "/virtualNetworks/");

	return tail && nsg_subnet_is(&vnet, &subnet, tail + 1);
}

/* Whether a document of p says that an app is integrated with the former subnet. */
static bool stands(const struct nsg_policy *p, const struct nsg_effective *before)
{
	for (size_t i = 0; i < p->n_integrations; i++)
		if (nsg_subnet_is(before->vnet, before->subnet, p->integrations[i].subnet_id) ||
		    same_name(before, p->integrations[i].subnet_id))
			return true;
	for (size_t i = 0; i < p->n_sites; i++)
		if (nsg_subnet_is(before->vnet, before->subnet, p->sites[i].subnet_id) ||
		    same_name(before, p->sites[i].subnet_id))
			return true;
	return false;
}

static bool other_subscription(const char *a, const char *b)
{
	size_t n, m;
	const char *x = nsg_id_subscription(a, &n), *y = nsg_id_subscription(b, &m);

	return n && m && (n != m || strncasecmp(x, y, n));
}

struct change {
	const struct nsg_effective *before;
	const struct nsg_policy *after;
	struct nsg_diag *diag;
	int status;
};

#define REMOVE_FIRST "remove the integration first"

static void refuse_move(struct change *c, const char *what, const char *name,
			const struct nsg_place *place)
{
	c->status = nsg_diag_add(c->diag, NSG_ERROR, nsg_place_of(c->after, place), NULL,
				 "%s %s has moved to another subscription while it is in use by an "
				 "integration: " REMOVE_FIRST,
				 what, name);
}

/* ---- the network -------------------------------------------------------------------------- */

/* The former network by id, else by name: it moved to another subscription. */
static const struct nsg_vnet *find_vnet(const struct change *c)
{
	const struct nsg_vnet *old = c->before->vnet;

	for (size_t i = 0; i < c->after->n_vnets; i++)
		if (nsg_vnet_is(old, *c->after->vnets[i].id ? c->after->vnets[i].id
							    : c->after->vnets[i].name))
			return &c->after->vnets[i];
	for (size_t i = 0; i < c->after->n_vnets; i++)
		if (!strcasecmp(c->after->vnets[i].name, old->name) &&
		    other_subscription(c->after->vnets[i].id, old->id))
			return &c->after->vnets[i];
	return NULL;
}

static int check_range(struct change *c, const struct nsg_vnet *vnet)
{
	const struct nsg_subnet *old = c->before->subnet, *now = NULL;
	cleanup_ranges struct nsg_ranges x = {0}, y = {0};
	int r;

	for (size_t i = 0; i < vnet->n_subnets && !now; i++)
		if (!strcasecmp(vnet->subnets[i].name, old->name))
			now = &vnet->subnets[i];
	if (!now) {
		c->status =
		    nsg_diag_add(c->diag, NSG_ERROR, nsg_place_of(c->after, &vnet->place), NULL,
				 "subnet %s is gone from virtual network %s while it is in use by "
				 "an integration: " REMOVE_FIRST,
				 old->name, vnet->name);
		return 0;
	}
	r = nsg_ranges_from_prefixes(old->prefixes.v, old->prefixes.n, &x);
	if (r < 0)
		return r;
	r = nsg_ranges_from_prefixes(now->prefixes.v, now->prefixes.n, &y);
	if (r < 0)
		return r;
	if (!nsg_ranges_equal(&x, &y))
		c->status =
		    nsg_diag_add(c->diag, NSG_ERROR, nsg_place_of(c->after, &now->place), NULL,
				 "the range of subnet %s has changed: it is fixed while an "
				 "integration uses it; " REMOVE_FIRST,
				 old->name);
	return 0;
}

static int check_vnet(struct change *c)
{
	const struct nsg_vnet *now = find_vnet(c);

	if (!now) {
		c->status =
		    nsg_diag_add(c->diag, NSG_ERROR, nsg_place_of(c->after, &c->after->place), NULL,
				 "virtual network %s is gone while it is in use by an "
				 "integration: " REMOVE_FIRST,
				 c->before->vnet->name);
		return 0;
	}
	if (other_subscription(now->id, c->before->vnet->id))
		refuse_move(c, "virtual network", now->name, &now->place);
	return check_range(c, now);
}

/* ---- app and plan ------------------------------------------------------------------------- */

static void check_sites(struct change *c)
{
	const struct nsg_effective *e = c->before;

	for (size_t i = 0; i < e->n_sites; i++)
		for (size_t j = 0; j < c->after->n_sites; j++) {
			const struct nsg_site *now = &c->after->sites[j];

			if (strcasecmp(now->name, e->sites[i]->name))
				continue;
			if (other_subscription(now->id, e->sites[i]->id))
				refuse_move(c, "app", now->name, &now->place);
			/* A plan with a document is checked by it. */
			if (!nsg_plan_of(c->after, now) &&
			    other_subscription(now->plan_id, e->sites[i]->plan_id))
				refuse_move(c, "plan", nsg_id_name(now->plan_id), &now->place);
		}
}

static bool serves(const struct nsg_effective *e, const struct nsg_plan *p)
{
	for (size_t i = 0; i < e->n_sites; i++)
		if (nsg_id_equal(e->sites[i]->plan_id, *p->id ? p->id : p->name))
			return true;
	return !e->n_sites;
}

static void check_plans(struct change *c)
{
	const struct nsg_policy *old = c->before->policy;

	for (size_t i = 0; i < old->n_plans; i++)
		for (size_t j = 0; j < c->after->n_plans; j++) {
			const struct nsg_plan *now = &c->after->plans[j];

			if (serves(c->before, &old->plans[i]) &&
			    !strcasecmp(now->name, old->plans[i].name) &&
			    other_subscription(now->id, old->plans[i].id))
				refuse_move(c, "plan", now->name, &now->place);
		}
}

int nsg_effective_may_follow(const struct nsg_effective *before, const struct nsg_effective *after,
			     struct nsg_diag *diag)
{
	struct change c = {.before = before, .after = after->policy, .diag = diag};
	int r;

	if (!stands(before->policy, before) || !stands(after->policy, before))
		return 0;
	r = check_vnet(&c);
	if (r < 0)
		return r;
	check_sites(&c);
	check_plans(&c);
	return c.status;
}
