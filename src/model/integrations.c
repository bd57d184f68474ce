/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many integrations a plan or an app has, and of which kind. */
#include "model/effective_priv.h"

#include "util/macro.h"

/* Distinct subnets, as many as matter here. */
struct subnets {
	const char *ref[8];
	size_t n;
};

static void note_subnet(struct subnets *s, const char *ref)
{
	if (!*ref)
		return;
	for (size_t i = 0; i < s->n; i++)
		if (nsg_id_equal(s->ref[i], ref))
			return;
	if (s->n < NSG_ARRAY_SIZE(s->ref))
		s->ref[s->n++] = ref;
}

static const struct nsg_site *site_of(const struct nsg_policy *p, const char *id)
{
	for (size_t i = 0; *id && i < p->n_sites; i++)
		if (nsg_id_equal(*p->sites[i].id ? p->sites[i].id : p->sites[i].name, id))
			return &p->sites[i];
	return NULL;
}

/* The subnets of the site's plan: what its apps name, and what integrations of its apps name. */
static void gather_subnets(const struct nsg_effective *e, const struct nsg_site *here,
			   struct subnets *ret)
{
	const struct nsg_policy *p = e->policy;

	for (size_t i = 0; i < p->n_sites; i++)
		if (&p->sites[i] == here || nsg_id_equal(p->sites[i].plan_id, here->plan_id))
			note_subnet(ret, nsg_site_subnet(e, &p->sites[i]));
	for (size_t i = 0; i < p->n_integrations; i++) {
		const struct nsg_integration *x = &p->integrations[i];
		const struct nsg_site *s = site_of(p, x->site_id);

		if (x->is_swift != NSG_FALSE && s &&
		    (s == here || nsg_id_equal(s->plan_id, here->plan_id)))
			note_subnet(ret, x->subnet_id);
	}
}

static bool plan_is_linux(const struct nsg_effective *e, const struct nsg_site *s)
{
	const struct nsg_plan *plan = nsg_plan_of(e->policy, s);

	return plan && plan->is_linux != NSG_UNSET ? plan->is_linux == NSG_TRUE : e->is_linux;
}

/* Without the site's document its plan is unknown, but all integrations of an app are of one plan.
 */
static void check_lone_integrations(struct nsg_build *b)
{
	const struct nsg_effective *e = b->e;
	const struct nsg_policy *p = b->policy;
	const struct nsg_integration *here = NULL;
	unsigned int most = e->is_linux ? e->profile->plan_integrations_linux
					: e->profile->plan_integrations_windows;
	struct subnets subnets = {.n = 0};

	for (size_t i = 0; i < p->n_integrations && !here; i++)
		if (*p->integrations[i].site_id && nsg_integration_is_here(e, &p->integrations[i]))
			here = &p->integrations[i];
	if (!here)
		return;
	for (size_t i = 0; i < p->n_integrations; i++)
		if (p->integrations[i].is_swift != NSG_FALSE &&
		    nsg_id_equal(p->integrations[i].site_id, here->site_id))
			note_subnet(&subnets, p->integrations[i].subnet_id);
	if (subnets.n > most)
		(void)nsg_diag_add(b->diag, NSG_ERROR, &here->place, NULL,
				   "app %s has %zu integrations, with subnets %s and %s%s: its "
				   "plan may have %u",
				   nsg_id_name(here->site_id), subnets.n,
				   nsg_id_name(subnets.ref[0]), nsg_id_name(subnets.ref[1]),
				   subnets.n > 2 ? " and others" : "", most);
}

static void check_integrations(struct nsg_build *b)
{
	const struct nsg_effective *e = b->e;
	const struct nsg_site *here = NULL;
	struct subnets subnets = {.n = 0};
	unsigned int most;

	for (size_t i = 0; i < e->n_sites && !here; i++)
		if (nsg_site_is_here(e, e->sites[i]))
			here = e->sites[i];
	if (!here) {
		check_lone_integrations(b);
		return;
	}
	gather_subnets(e, here, &subnets);
	most = plan_is_linux(e, here) ? e->profile->plan_integrations_linux
				      : e->profile->plan_integrations_windows;
	if (subnets.n > most)
		(void)nsg_diag_add(
		    b->diag, NSG_ERROR, &here->place, NULL,
		    "the plan of app %s has %zu integrations, with subnets %s and %s%s: "
		    "it may have %u",
		    here->name, subnets.n, nsg_id_name(subnets.ref[0]), nsg_id_name(subnets.ref[1]),
		    subnets.n > 2 ? " and others" : "", most);
}

/* isSwift false is a gateway-required integration, which Linux apps do not support. */
static void check_gateway_required(struct nsg_build *b)
{
	const struct nsg_effective *e = b->e;
	const struct nsg_policy *p = b->policy;

	for (size_t i = 0; e->is_linux && i < p->n_integrations; i++) {
		const struct nsg_integration *x = &p->integrations[i];
		const struct nsg_site *s = site_of(p, x->site_id);
		bool counts = !s;

		for (size_t j = 0; j < e->n_sites && s; j++)
			counts |= e->sites[j] == s;
		if (x->is_swift == NSG_FALSE && counts)
			(void)nsg_diag_add(b->diag, NSG_ERROR, &x->place, NULL,
					   "integration %s is gateway-required (isSwift is false): "
					   "Linux apps support regional integration only",
					   x->name);
	}
}

void nsg_check_integrations(struct nsg_build *b)
{
	check_integrations(b);
	check_gateway_required(b);
}
