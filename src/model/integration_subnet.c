/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which subnet the app is integrated with, and which NSG and route table belong to it.
 */
#include "model/effective_priv.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "util/cleanup.h"
#include "util/vec.h"

/* ---- references --------------------------------------------------------------------------- */

/* ".../virtualNetworks/V/subnets/S": returns S and the length up to V; NULL for any other id. */
static const char *subnet_of_ref(const char *ref, size_t *ret_vnet_len)
{
	const char *name = nsg_id_name(ref), *end;
	static const char infix[] = "/subnets/";

	if (name == ref || (size_t)(name - ref) < sizeof(infix) - 1)
		return NULL;
	end = name - (sizeof(infix) - 1);
	if (strncasecmp(end, infix, sizeof(infix) - 1))
		return NULL;
	*ret_vnet_len = (size_t)(end - ref);
	return name;
}

static bool vnet_is_part(const struct nsg_vnet *vnet, const char *ref, size_t len)
{
	cleanup_free char *copy = strndup(ref, len);

	return copy && nsg_vnet_is(vnet, copy);
}

bool nsg_vnet_is(const struct nsg_vnet *vnet, const char *ref)
{
	if (!*ref)
		return false;
	return nsg_id_equal(*vnet->id ? vnet->id : vnet->name, ref);
}

bool nsg_vnet_holds(const struct nsg_vnet *vnet, const char *subnet_ref)
{
	size_t len;

	return subnet_of_ref(subnet_ref, &len) && vnet_is_part(vnet, subnet_ref, len);
}

bool nsg_subnet_is(const struct nsg_vnet *vnet, const struct nsg_subnet *subnet, const char *ref)
{
	size_t len;
	const char *name;

	if (!*ref)
		return false;
	if (*subnet->id && nsg_id_equal(subnet->id, ref))
		return true;
	name = subnet_of_ref(ref, &len);
	return name && !strcasecmp(name, subnet->name) && vnet_is_part(vnet, ref, len);
}

bool nsg_integration_is_here(const struct nsg_effective *e, const struct nsg_integration *i)
{
	return nsg_subnet_is(e->vnet, e->subnet, i->subnet_id);
}

const struct nsg_plan *nsg_plan_of(const struct nsg_policy *p, const struct nsg_site *s)
{
	for (size_t i = 0; i < p->n_plans; i++)
		if (nsg_id_equal(s->plan_id, nsg_plan_ref(&p->plans[i])))
			return &p->plans[i];
	return NULL;
}

const char *nsg_site_subnet(const struct nsg_effective *e, const struct nsg_site *s)
{
	const struct nsg_plan *plan;

	if (*s->subnet_id || !e->profile->managed_instance)
		return s->subnet_id;
	plan = nsg_plan_of(e->policy, s);
	return plan ? plan->subnet_id : "";
}

bool nsg_site_is_here(const struct nsg_effective *e, const struct nsg_site *s)
{
	const struct nsg_policy *p = e->policy;
	const char *ref = nsg_site_subnet(e, s);

	if (*ref)
		return nsg_subnet_is(e->vnet, e->subnet, ref);
	for (size_t i = 0; i < p->n_integrations; i++)
		if (nsg_id_equal(p->integrations[i].site_id, *s->id ? s->id : s->name) &&
		    nsg_integration_is_here(e, &p->integrations[i]))
			return true;
	return false;
}

/* ---- the subnet --------------------------------------------------------------------------- */

struct spot {
	const struct nsg_vnet *vnet;
	const struct nsg_subnet *subnet;
};

struct spots {
	struct spot *v;
	size_t n, room;
};

static void spots_done(struct spots *s)
{
	nsg_vec_done(s);
}

#define cleanup_spots __attribute__((cleanup(spots_done)))

bool nsg_subnet_is_delegated(const struct nsg_subnet *subnet, const char *service)
{
	for (size_t i = 0; i < subnet->delegations.n; i++)
		if (!strcasecmp(subnet->delegations.v[i], service))
			return true;
	return false;
}

/* Delegated to the integration, or used by it already. */
static bool is_for_apps(const struct nsg_build *b, const struct nsg_subnet *s)
{
	return s->plan_links.n || nsg_subnet_is_delegated(s, NSG_DELEGATION_WEB) ||
	       (b->options->profile->flex_consumption &&
		nsg_subnet_is_delegated(s, NSG_DELEGATION_FLEX));
}

/* Whether the user's spelling (NAME, VNET/NAME, an id) names this subnet. */
static bool is_named(const struct spot *s, const char *name)
{
	const char *slash = strchr(name, '/');

	if (!slash)
		return !strcasecmp(s->subnet->name, name);
	if (!strchr(slash + 1, '/') && slash != name)
		return !strncasecmp(s->vnet->name, name, (size_t)(slash - name)) &&
		       !s->vnet->name[slash - name] && !strcasecmp(s->subnet->name, slash + 1);
	return nsg_subnet_is(s->vnet, s->subnet, name);
}

static int push_once(struct spots *list, struct spot s)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].subnet == s.subnet)
			return 0;
	return nsg_vec_push(list, s);
}

static int all_spots(const struct nsg_policy *p, struct spots *ret)
{
	int r;

	for (size_t i = 0; i < p->n_vnets; i++)
		for (size_t j = 0; j < p->vnets[i].n_subnets; j++) {
			r = nsg_vec_push(ret,
					 ((struct spot){&p->vnets[i], &p->vnets[i].subnets[j]}));
			if (r < 0)
				return r;
		}
	return 0;
}

static const char *list_spots(const struct spots *s, struct nsg_phrase_list *text)
{
	for (size_t i = 0; i < s->n; i++)
		nsg_phrase_add(text, "%s/%s", s->v[i].vnet->name, s->v[i].subnet->name);
	return nsg_phrase_end(text);
}

/* The subnets that integration and site documents name. */
struct naming {
	struct spots named;
	const char *by;		      /* which document named the first */
	const struct nsg_place *lost; /* a reference to a subnet that is not in the directory */
	const char *lost_ref;
};

static void naming_done(struct naming *n)
{
	spots_done(&n->named);
}

#define cleanup_naming __attribute__((cleanup(naming_done)))

static int note_ref(struct naming *n, const struct spots *all, const char *ref,
		    const struct nsg_place *place, const char *by)
{
	if (!*ref)
		return 0;
	for (size_t i = 0; i < all->n; i++) {
		if (!nsg_subnet_is(all->v[i].vnet, all->v[i].subnet, ref))
			continue;
		if (!n->by)
			n->by = by;
		return push_once(&n->named, all->v[i]);
	}
	if (!n->lost) {
		n->lost = place;
		n->lost_ref = ref;
	}
	return 0;
}

static int note_documents(const struct nsg_build *b, const struct spots *all, struct naming *n)
{
	const struct nsg_policy *p = b->policy;
	int r;

	for (size_t i = 0; i < p->n_integrations; i++) {
		r = note_ref(n, all, p->integrations[i].subnet_id, &p->integrations[i].place,
			     "the integration document names it");
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < p->n_sites; i++) {
		r = note_ref(n, all, p->sites[i].subnet_id, &p->sites[i].subnet_place,
			     "the site document names it");
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < p->n_plans && b->options->profile->managed_instance; i++) {
		r = note_ref(n, all, p->plans[i].subnet_id, &p->plans[i].subnet_place,
			     "the plan document names it");
		if (r < 0)
			return r;
	}
	return 0;
}

static int take(struct nsg_build *b, struct spot s, const char *by)
{
	b->e->vnet = s.vnet;
	b->e->subnet = s.subnet;
	b->e->subnet_by = by;
	return 0;
}

static bool has_namesake(const struct spots *s, const struct spot *of)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].subnet != of->subnet &&
		    !strcasecmp(s->v[i].subnet->name, of->subnet->name) &&
		    !strcasecmp(s->v[i].vnet->name, of->vnet->name))
			return true;
	return false;
}

static int refuse(struct nsg_build *b, const struct spots *candidates, const char *problem)
{
	struct nsg_phrase_list text = {0};

	(void)nsg_diag_add(b->diag, NSG_ERROR, &b->policy->place, NULL,
			   "%s: %s; choose one with `subnet =` or --subnet", problem,
			   list_spots(candidates, &text));
	for (size_t i = 0; i < candidates->n; i++) {
		const struct spot *s = &candidates->v[i];
		bool has_id = *s->subnet->id;

		if (has_namesake(candidates, s))
			(void)nsg_diag_add(
			    b->diag, NSG_NOTICE, &s->subnet->place, NULL, "candidate %s/%s: %s%s%s",
			    s->vnet->name, s->subnet->name, has_id ? s->subnet->id : s->vnet->id,
			    has_id ? "" : "/subnets/", has_id ? "" : s->subnet->name);
	}
	return 0;
}

static int choose_by_option(struct nsg_build *b, const struct spots *all)
{
	cleanup_spots struct spots found = {0};
	struct nsg_phrase_list text = {0};
	int r;

	for (size_t i = 0; i < all->n; i++) {
		r = is_named(&all->v[i], b->options->subnet) && nsg_vec_push(&found, all->v[i]);
		if (r < 0)
			return r;
	}
	if (found.n == 1)
		return take(b, found.v[0], "the subnet option names it");
	if (found.n)
		return refuse(b, &found, "the subnet option matches several subnets");
	(void)nsg_diag_add(b->diag, NSG_ERROR, &b->policy->place, NULL,
			   "the subnet option names %s, which is not in any virtual network "
			   "document; available: %s",
			   b->options->subnet, list_spots(all, &text));
	return 0;
}

/* Without documents that name it: the only delegated subnet, else the only subnet. */
static int choose_by_shape(struct nsg_build *b, const struct spots *all)
{
	cleanup_spots struct spots delegated = {0};
	int r;

	for (size_t i = 0; i < all->n; i++) {
		r = is_for_apps(b, all->v[i].subnet) && nsg_vec_push(&delegated, all->v[i]);
		if (r < 0)
			return r;
	}
	if (delegated.n == 1)
		return take(b, delegated.v[0], "it is the only one delegated to the integration");
	if (delegated.n)
		return refuse(b, &delegated,
			      "several subnets are delegated to the integration and no document "
			      "says which one the app uses");
	if (all->n == 1)
		return take(b, all->v[0], "it is the only subnet");
	return refuse(b, all,
		      "no subnet is delegated to " NSG_DELEGATION_WEB
		      " and no document says which one the app uses");
}

static int choose_subnet(struct nsg_build *b)
{
	cleanup_spots struct spots all = {0};
	cleanup_naming struct naming naming = {0};
	int r;

	r = all_spots(b->policy, &all);
	if (r < 0)
		return r;
	/* It may be in a document that could not be read; the loader reported that there is no
	 * network. */
	if (!all.n && (b->policy->incomplete || (!b->policy->n_vnets && b->diag->n_errors)))
		return 0;
	if (!all.n) {
		(void)nsg_diag_add(b->diag, NSG_ERROR, &b->policy->place, NULL,
				   "no document describes a virtual network with a subnet; run: az "
				   "network vnet show -g GROUP -n VNET > vnet.json");
		return 0;
	}
	if (b->options->subnet && *b->options->subnet)
		return choose_by_option(b, &all);
	r = note_documents(b, &all, &naming);
	if (r < 0)
		return r;
	if (naming.named.n == 1)
		return take(b, naming.named.v[0], naming.by);
	if (naming.named.n)
		return refuse(b, &naming.named,
			      "the integration, site and plan documents name several subnets");
	if (naming.lost && b->policy->incomplete)
		return 0;
	if (naming.lost) {
		(void)nsg_diag_add(b->diag, NSG_ERROR, naming.lost, NULL,
				   "the app's subnet %s is not in any virtual network document; "
				   "run: az network vnet show --ids VNET > vnet.json",
				   naming.lost_ref);
		return 0;
	}
	return choose_by_shape(b, &all);
}

/* ---- its NSG and route table -------------------------------------------------------------- */

struct candidate {
	const char *id, *name;
	const struct nsg_strings *subnets;
	const struct nsg_place *place;
};

struct kind {
	const char *what, *command;
};

static const struct kind nsg_kind = {"NSG", "az network nsg show"};
static const struct kind table_kind = {"route table", "az network route-table show"};

static bool candidate_is(const struct candidate *c, const char *ref)
{
	if (*c->id)
		return nsg_id_equal(c->id, ref);
	return *c->name && !strcasecmp(c->name, nsg_id_name(ref));
}

/* The one the subnet names. */
static int choose_named(struct nsg_build *b, const struct kind *k, const char *ref,
			const struct nsg_place *place, const struct candidate *c, size_t n,
			size_t *ret, const char **ret_by)
{
	size_t n_found = 0, found = 0, n_bare = 0, bare = 0;

	for (size_t i = 0; i < n; i++) {
		if (candidate_is(&c[i], ref)) {
			found = i;
			n_found++;
		} else if (!*c[i].id) {
			bare = i;
			n_bare++;
		}
	}
	for (size_t i = 0; n_found && i < n; i++)
		if (!*c[i].id && !*c[i].name)
			(void)nsg_diag_add(
			    b->diag, NSG_ERROR, c[i].place, NULL,
			    "this list has no resource ids, and the subnet's %s %s is "
			    "in another document: what it belongs to is unknown",
			    k->what, nsg_id_name(ref));
	if (n_found == 1) {
		*ret = found;
		*ret_by = "the subnet names it";
	} else if (n_found) {
		(void)nsg_diag_add(
		    b->diag, NSG_ERROR, place, NULL,
		    "%zu documents match the subnet's %s %s; give them full resource ids", n_found,
		    k->what, nsg_id_name(ref));
	} else if (n_bare == 1) {
		*ret = bare;
		*ret_by = "a list without resource ids is taken for the one the subnet names";
	} else if (!b->policy->incomplete) { /* it may be in a document that could not be read */
		(void)nsg_diag_add(b->diag, NSG_ERROR, place, NULL,
				   "the subnet's %s %s is not in any document; run: %s --ids %s",
				   k->what, nsg_id_name(ref), k->command, ref);
	}
	return 0;
}

static int choose_resource(struct nsg_build *b, const struct kind *k, const char *ref,
			   const struct nsg_place *place, const struct candidate *c, size_t n,
			   size_t *ret, const char **ret_by)
{
	const struct nsg_effective *e = b->e;
	bool others_only;

	if (*ref)
		return choose_named(b, k, ref, place, c, n, ret, ret_by);
	if (n > 1) {
		(void)nsg_diag_add(b->diag, NSG_WARNING, &e->subnet->place, NULL,
				   "subnet %s names no %s and the directory has %zu: none is used",
				   e->subnet->name, k->what, n);
		*ret_by = "the subnet does not name one of several";
		return 0;
	}
	if (!n) {
		*ret_by = "there is none";
		return 0;
	}
	others_only = c->subnets->n > 0;
	for (size_t i = 0; i < c->subnets->n; i++)
		if (nsg_subnet_is(e->vnet, e->subnet, c->subnets->v[i]))
			others_only = false;
	if (others_only) {
		(void)nsg_diag_add(
		    b->diag, NSG_WARNING, &e->subnet->place, NULL,
		    "subnet %s names no %s and %s is associated with another subnet: none is used",
		    e->subnet->name, k->what, *c->name ? c->name : "the one without a name");
		*ret_by = "the only one is associated with another subnet";
		return 0;
	}
	(void)nsg_diag_add(b->diag, NSG_NOTICE, &e->subnet->place, NULL,
			   "subnet %s names no %s: %s, the only one in the directory, is used",
			   e->subnet->name, k->what,
			   *c->name ? c->name : "the list without a name");
	*ret = 0;
	*ret_by = "it is the only one in the directory";
	return 0;
}

static int choose_nsg(struct nsg_build *b)
{
	const struct nsg_policy *p = b->policy;
	struct nsg_effective *e = b->e;
	cleanup_free struct candidate *c = calloc(p->n_nsgs + 1, sizeof(*c));
	size_t chosen = SIZE_MAX;
	int r;

	if (!c)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_nsgs; i++)
		c[i] = (struct candidate){p->nsgs[i].id, p->nsgs[i].name, &p->nsgs[i].subnets,
					  &p->nsgs[i].place};
	r = choose_resource(b, &nsg_kind, e->subnet->nsg_id, &e->subnet->nsg_place, c, p->n_nsgs,
			    &chosen, &e->nsg_by);
	if (r < 0)
		return r;
	if (chosen != SIZE_MAX)
		e->nsg = &p->nsgs[chosen];
	return 0;
}

/* Whether a document, or a list without ids, is what the subnet names. */
static bool is_there(const struct candidate *c, size_t n, const char *ref)
{
	for (size_t i = 0; i < n; i++)
		if (candidate_is(&c[i], ref) || !*c[i].id)
			return true;
	return false;
}

static int choose_table(struct nsg_build *b)
{
	const struct nsg_policy *p = b->policy;
	struct nsg_effective *e = b->e;
	cleanup_free struct candidate *c = calloc(p->n_route_tables + 1, sizeof(*c));
	size_t chosen = SIZE_MAX;
	int r;

	if (!c)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_route_tables; i++)
		c[i] = (struct candidate){p->route_tables[i].id, p->route_tables[i].name,
					  &p->route_tables[i].subnets, &p->route_tables[i].place};
	if (*e->subnet->route_table_id && p->n_user_rows &&
	    !is_there(c, p->n_route_tables, e->subnet->route_table_id))
		return nsg_user_rows_table(b);
	r = choose_resource(b, &table_kind, e->subnet->route_table_id,
			    &e->subnet->route_table_place, c, p->n_route_tables, &chosen,
			    &e->route_table_by);
	if (r < 0)
		return r;
	if (chosen != SIZE_MAX)
		e->route_table = &p->route_tables[chosen];
	else if (!*e->subnet->route_table_id)
		nsg_user_rows_unused(b);
	return 0;
}

int nsg_build_integration_subnet(struct nsg_build *b)
{
	int r;

	r = choose_subnet(b);
	if (r < 0 || !b->e->subnet)
		return r;
	r = choose_nsg(b);
	if (r < 0)
		return r;
	return choose_table(b);
}
