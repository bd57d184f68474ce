/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether Azure would allow the integration: size and use of the subnet, plan, region,
 * subscription. */
#include "model/effective_priv.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "util/cleanup.h"
#include "util/macro.h"

#define RECOMMENDED_LEN 26

/* ---- the network and the subnet ----------------------------------------------------------- */

static void check_network(struct nsg_build *b)
{
	const struct nsg_vnet *v = b->e->vnet;
	const struct nsg_subnet *with_ip6 = NULL;

	if (v->is_classic)
		(void)nsg_diag_add(b->diag, NSG_ERROR, &v->place, NULL,
				   "%s is a classic virtual network: apps integrate with Resource "
				   "Manager networks only",
				   v->name);
	for (size_t i = 0; i < v->n_subnets && !with_ip6; i++)
		if (v->subnets[i].prefixes.n_ip6)
			with_ip6 = &v->subnets[i];
	if (v->space.n_ip6)
		(void)nsg_diag_add(
		    b->diag, NSG_ERROR, &v->place, NULL,
		    "virtual network %s has IPv6 address space: apps cannot integrate "
		    "with it",
		    v->name);
	else if (with_ip6)
		(void)nsg_diag_add(
		    b->diag, NSG_ERROR, &with_ip6->place, NULL,
		    "subnet %s of virtual network %s has an IPv6 prefix: apps cannot "
		    "integrate with that network",
		    with_ip6->name, v->name);
}

/* Length of the largest prefix; 33: there is none. */
static uint8_t subnet_len(const struct nsg_subnet *s)
{
	uint8_t len = 33;

	for (size_t i = 0; i < s->prefixes.n; i++)
		if (s->prefixes.v[i].len < len)
			len = s->prefixes.v[i].len;
	return len;
}

static void check_size(struct nsg_build *b)
{
	const struct nsg_subnet *s = b->e->subnet;
	const uint8_t len = subnet_len(s), smallest = b->e->profile->smallest_subnet_len;

	if (len > 32) {
		(void)nsg_diag_add(b->diag, NSG_WARNING, &s->place, NULL,
				   "subnet %s has no IPv4 prefix: its size cannot be checked",
				   s->name);
	} else if (len > smallest) {
		(void)nsg_diag_add(b->diag, NSG_ERROR, &s->place, NULL,
				   "subnet %s is a /%u: the integration needs a /%u or larger (%s)",
				   s->name, len, smallest, b->e->profile->name);
	} else if (len > RECOMMENDED_LEN) {
		(void)nsg_diag_add(
		    b->diag, NSG_NOTICE, &s->place, NULL,
		    "subnet %s is a /%u: a /%u is recommended, the size cannot be changed "
		    "later",
		    s->name, len, RECOMMENDED_LEN);
	}
}

/* Flex Consumption has a delegation of its own, which serves nothing else. */
static bool delegation_is_good(const struct nsg_effective *e, const char *service)
{
	return !strcasecmp(service, NSG_DELEGATION_WEB) ||
	       (!strcasecmp(service, NSG_DELEGATION_FLEX) && nsg_subnet_serves_flex(e));
}

static void check_delegation(struct nsg_build *b)
{
	const struct nsg_subnet *s = b->e->subnet;

	for (size_t i = 0; i < s->delegations.n; i++)
		if (!delegation_is_good(b->e, s->delegations.v[i]))
			(void)nsg_diag_add(
			    b->diag, NSG_ERROR, &s->place, NULL,
			    "subnet %s is delegated to %s: the integration needs it for itself%s",
			    s->name, s->delegations.v[i],
			    b->e->profile->flex_consumption &&
				    !strcasecmp(s->delegations.v[i], NSG_DELEGATION_FLEX)
				? ", and no site or plan is of Flex Consumption"
				: "");
	if (!s->delegations.n)
		(void)nsg_diag_add(b->diag, NSG_WARNING, &s->place, NULL,
				   "subnet %s is not delegated to " NSG_DELEGATION_WEB, s->name);
}

static void check_endpoint_policies(struct nsg_build *b)
{
	const struct nsg_subnet *s = b->e->subnet;

	if (s->n_endpoint_policies)
		(void)nsg_diag_add(
		    b->diag, b->e->profile->endpoint_policies_are_errors ? NSG_ERROR : NSG_WARNING,
		    &s->place, NULL,
		    "subnet %s has service endpoint policies, which the integration "
		    "does not support",
		    s->name);
}

/* The subnet must be unused, by its own lists and by the documents of NICs and private endpoints.
 */
static void check_unused(struct nsg_build *b)
{
	const struct nsg_policy *p = b->policy;
	const struct nsg_vnet *v = b->e->vnet;
	const struct nsg_subnet *s = b->e->subnet;

	if (s->n_ip_configurations)
		(void)nsg_diag_add(
		    b->diag, NSG_ERROR, &s->place, NULL,
		    "subnet %s holds %zu IP configurations: the integration needs an "
		    "unused subnet",
		    s->name, s->n_ip_configurations);
	if (s->n_private_endpoints)
		(void)nsg_diag_add(
		    b->diag, NSG_ERROR, &s->place, NULL,
		    "subnet %s holds %zu private endpoints: the integration needs an "
		    "unused subnet",
		    s->name, s->n_private_endpoints);
	for (size_t i = 0; i < p->n_nics && !s->n_ip_configurations; i++)
		for (size_t j = 0; j < p->nics[i].n_configurations; j++)
			if (nsg_subnet_is(v, s, p->nics[i].configurations[j].subnet_id)) {
				(void)nsg_diag_add(
				    b->diag, NSG_ERROR, &p->nics[i].place, NULL,
				    "NIC %s is in the integration subnet %s, which must be "
				    "unused",
				    p->nics[i].name, s->name);
				break;
			}
	for (size_t i = 0; i < p->n_private_endpoints && !s->n_private_endpoints; i++)
		if (nsg_subnet_is(v, s, p->private_endpoints[i].subnet_id))
			(void)nsg_diag_add(
			    b->diag, NSG_ERROR, &p->private_endpoints[i].place, NULL,
			    "private endpoint %s is in the integration subnet %s, which "
			    "must be unused",
			    p->private_endpoints[i].name, s->name);
}

/* ---- plans -------------------------------------------------------------------------------- */

static bool is_on_subnet(const struct nsg_effective *e, const struct nsg_plan *p)
{
	for (size_t i = 0; i < e->subnet->plan_links.n; i++)
		if (nsg_id_equal(e->subnet->plan_links.v[i], nsg_plan_ref(p)))
			return true;
	return e->profile->managed_instance && nsg_subnet_is(e->vnet, e->subnet, p->subnet_id);
}

/* The plans of the chosen sites; when none of these sites names one, those that are on the subnet,
 * and each that has a document of its own. Other plans of a list may be of other apps. */
static bool plan_counts(const struct nsg_effective *e, const struct nsg_plan *p)
{
	bool named = false;

	for (size_t i = 0; i < e->n_sites; i++) {
		if (nsg_id_equal(e->sites[i]->plan_id, nsg_plan_ref(p)))
			return true;
		named |= *e->sites[i]->plan_id;
	}
	return !named && (!p->is_listed || is_on_subnet(e, p));
}

static void notice_unused_plans(struct nsg_build *b)
{
	const struct nsg_policy *p = b->policy;
	const struct nsg_plan *first = NULL;
	size_t n = 0;

	for (size_t i = 0; i < b->e->n_sites; i++)
		if (*b->e->sites[i]->plan_id)
			return;
	for (size_t i = 0; i < p->n_plans; i++) {
		if (plan_counts(b->e, &p->plans[i]))
			continue;
		first = first ? first : &p->plans[i];
		n++;
	}
	if (first)
		(void)nsg_diag_add(b->diag, NSG_NOTICE, &first->place, NULL,
				   "%zu plan%s of a list %s not checked: no site names %s, and "
				   "subnet %s is not linked to %s",
				   n, n == 1 ? "" : "s", n == 1 ? "is" : "are",
				   n == 1 ? "it" : "them", b->e->subnet->name,
				   n == 1 ? "it" : "them");
}

enum sku {
	SKU_UNKNOWN,
	SKU_GOOD,
	SKU_BASIC,
	SKU_NEVER,
	SKU_ISOLATED,
};

/* A tier that is not in the table is a warning. */
static enum sku sku_of_tier(const char *tier)
{
	static const struct {
		const char *tier;
		bool whole;
		enum sku sku;
	} tiers[] = {
	    {"Free", true, SKU_NEVER},
	    {"Shared", true, SKU_NEVER},
	    {"Dynamic", true, SKU_NEVER},
	    {"Basic", true, SKU_BASIC},
	    {"Isolated", false, SKU_ISOLATED},
	    {"Standard", true, SKU_GOOD},
	    {"Premium", true, SKU_GOOD},
	    {"PremiumV2", true, SKU_GOOD},
	    {"PremiumV3", true, SKU_GOOD},
	    {"PremiumV4", true, SKU_GOOD},
	    {"Premium0V3", true, SKU_GOOD},
	    {"PremiumMV3", true, SKU_GOOD},
	    {"PremiumMV4", true, SKU_GOOD},
	    {"ElasticPremium", true, SKU_GOOD},
	    {"WorkflowStandard", true, SKU_GOOD},
	    {"FlexConsumption", true, SKU_GOOD},
	};

	for (size_t i = 0; i < NSG_ARRAY_SIZE(tiers); i++)
		if (tiers[i].whole ? nsg_text_loosely_equal(tier, tiers[i].tier)
				   : !strncasecmp(tier, tiers[i].tier, strlen(tiers[i].tier)))
			return tiers[i].sku;
	return SKU_UNKNOWN;
}

/* The family is the letters before the first digit, e.g. P of P1v3. A name may be a tier's, where a
 * document has one string for both. */
static enum sku sku_of_name(const char *name)
{
	static const struct {
		const char *family;
		enum sku sku;
	} families[] = {
	    {"F", SKU_NEVER}, {"D", SKU_NEVER}, {"B", SKU_BASIC},    {"S", SKU_GOOD},
	    {"P", SKU_GOOD},  {"EP", SKU_GOOD}, {"I", SKU_ISOLATED}, {"Y", SKU_NEVER},
	    {"WS", SKU_GOOD}, {"FC", SKU_GOOD},
	};
	size_t n = 0;

	while (isalpha((unsigned char)name[n]))
		n++;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(families); i++)
		if (n == strlen(families[i].family) && !strncasecmp(name, families[i].family, n))
			return families[i].sku;
	return sku_of_tier(name);
}

static const struct nsg_place *sku_place(const struct nsg_plan *p)
{
	return p->sku_place.source ? &p->sku_place : &p->place;
}

static void check_sku(struct nsg_build *b, const struct nsg_plan *p)
{
	const char *said = *p->tier ? p->tier : p->sku;

	if (!*said)
		return;
	switch (*p->tier ? sku_of_tier(p->tier) : sku_of_name(p->sku)) {
	case SKU_GOOD:
		return;
	case SKU_BASIC:
		if (b->e->profile->basic_can_integrate)
			return;
		__attribute__((fallthrough));
	case SKU_NEVER:
		(void)nsg_diag_add(
		    b->diag, NSG_ERROR, sku_place(p), NULL,
		    "plan %s is %s, which cannot integrate with a virtual network (%s)", p->name,
		    said, b->e->profile->name);
		return;
	case SKU_ISOLATED:
		(void)nsg_diag_add(
		    b->diag, NSG_ERROR, sku_place(p), NULL,
		    "plan %s is %s: apps of an App Service Environment cannot integrate", p->name,
		    said);
		return;
	case SKU_UNKNOWN:
		(void)nsg_diag_add(b->diag, NSG_WARNING, sku_place(p), NULL,
				   "plan %s is %s; it is unknown whether such a plan can integrate "
				   "with a virtual network",
				   p->name, said);
		return;
	}
}

/* What the plan takes while it scales. A Windows container takes one address more an instance. */
static uint64_t addresses_of(const struct nsg_effective *e, const struct nsg_plan *p)
{
	uint64_t containers = !e->n_sites && p->windows_container;

	if (!e->profile->reserved_addresses)
		return 2 * (uint64_t)p->instances;
	for (size_t i = 0; i < e->n_sites; i++)
		containers +=
		    e->sites[i]->windows_container &&
		    (!*e->sites[i]->plan_id || nsg_id_equal(e->sites[i]->plan_id, nsg_plan_ref(p)));
	return (2 + containers) * p->instances;
}

static void check_instances(struct nsg_build *b)
{
	const struct nsg_policy *p = b->policy;
	const struct nsg_subnet *s = b->e->subnet;
	const uint8_t len = subnet_len(s), reserved = b->e->profile->reserved_addresses;
	const struct nsg_place *place = NULL;
	uint64_t instances = 0, need = reserved;

	for (size_t i = 0; i < p->n_plans; i++) {
		if (!p->plans[i].instances || !plan_counts(b->e, &p->plans[i]))
			continue;
		place = instances ? &s->place : &p->plans[i].place;
		instances += p->plans[i].instances;
		need += addresses_of(b->e, &p->plans[i]);
	}
	if (!instances || len > 32 || need <= (uint64_t)1 << (32 - len))
		return;
	(void)nsg_diag_add(b->diag, NSG_WARNING, place, NULL,
			   "the plans on subnet %s have %llu instances: with twice as many while "
			   "scaling%s they need %llu addresses, but the subnet has %llu",
			   s->name, (unsigned long long)instances,
			   reserved ? " and Azure's reserved addresses" : "",
			   (unsigned long long)need, 1ULL << (32 - len));
}

/* ---- one region, one subscription --------------------------------------------------------- */

/* The first resource with a known region or subscription, to compare the others with. */
struct anchor {
	const char *what, *name, *region, *id;
};

static void check_region(struct nsg_build *b, struct anchor *first, const struct anchor *x,
			 const struct nsg_place *place)
{
	if (!*x->region)
		return;
	if (!first->what)
		*first = *x;
	else if (!nsg_text_loosely_equal(first->region, x->region))
		(void)nsg_diag_add(b->diag, NSG_ERROR, place, NULL,
				   "%s %s is in %s and %s %s in %s: they must be in one region",
				   x->what, x->name, x->region, first->what, first->name,
				   first->region);
}

static void check_subscription(struct nsg_build *b, struct anchor *first, const struct anchor *x,
			       const struct nsg_place *place)
{
	size_t n, m;
	const char *s = nsg_id_subscription(x->id, &n), *t;

	if (!n || b->e->profile->other_subscription)
		return;
	if (!first->what) {
		*first = *x;
		return;
	}
	t = nsg_id_subscription(first->id, &m);
	if (n != m || strncasecmp(s, t, n))
		(void)nsg_diag_add(
		    b->diag, NSG_ERROR, place, NULL,
		    "%s %s is in another subscription than %s %s, which %s does not allow", x->what,
		    x->name, first->what, first->name, b->e->profile->name);
}

/* The network, the plans and the apps, in this order. */
static void check_together(struct nsg_build *b)
{
	const struct nsg_policy *p = b->policy;
	const struct nsg_vnet *v = b->e->vnet;
	struct anchor region = {.what = NULL}, subscription = {.what = NULL};
	struct anchor x = {"virtual network", v->name, v->location, v->id};

	check_region(b, &region, &x, &v->place);
	check_subscription(b, &subscription, &x, &v->place);
	for (size_t i = 0; i < p->n_plans; i++) {
		if (!plan_counts(b->e, &p->plans[i]))
			continue;
		x = (struct anchor){"plan", p->plans[i].name, p->plans[i].location, p->plans[i].id};
		check_region(b, &region, &x, &p->plans[i].place);
		check_subscription(b, &subscription, &x, &p->plans[i].place);
	}
	for (size_t i = 0; i < b->e->n_sites; i++) {
		const struct nsg_site *s = b->e->sites[i];

		x = (struct anchor){"app", s->name, s->location, s->id};
		check_region(b, &region, &x, &s->place);
		check_subscription(b, &subscription, &x, &s->place);
	}
}

static void check_plans(struct nsg_build *b)
{
	const struct nsg_policy *p = b->policy;

	for (size_t i = 0; i < p->n_plans; i++) {
		if (!plan_counts(b->e, &p->plans[i]))
			continue;
		check_sku(b, &p->plans[i]);
	}
	check_instances(b);
	notice_unused_plans(b);
}

/* ---- how many of each --------------------------------------------------------------------- */

static bool same_subscription(const char *a, const char *b)
{
	size_t n, m;
	const char *x = nsg_id_subscription(a, &n), *y = nsg_id_subscription(b, &m);

	return !n || !m || (n == m && !strncasecmp(x, y, n));
}

/* Why two plans cannot share the subnet; NULL: they can. */
static const char *why_not_shared(const struct nsg_effective *e, const char *plan,
				  const char *other)
{
	const uint8_t len = e->profile->plans_share_len;

	if (!len)
		return "can serve only one plan";
	if (subnet_len(e->subnet) > len)
		return "is too small for several plans, which need a /26 or larger";
	return same_subscription(plan, other) ? NULL
					      : "can serve several plans of one subscription only";
}

static void check_second_plan(struct nsg_build *b)
{
	const struct nsg_effective *e = b->e;
	const struct nsg_site *first = NULL;

	for (size_t i = 0; i < e->n_sites; i++) {
		const struct nsg_site *s = e->sites[i];
		const char *why;

		if (!*s->plan_id || !nsg_site_is_here(e, s))
			continue;
		if (!first)
			first = s;
		if (nsg_id_equal(first->plan_id, s->plan_id))
			continue;
		why = why_not_shared(e, first->plan_id, s->plan_id);
		if (!why)
			continue;
		(void)nsg_diag_add(b->diag, NSG_ERROR, &s->place, NULL,
				   "app %s is on plan %s and app %s on plan %s: subnet %s %s",
				   s->name, nsg_id_name(s->plan_id), first->name,
				   nsg_id_name(first->plan_id), e->subnet->name, why);
		return;
	}
}

int nsg_build_placement(struct nsg_build *b)
{
	check_network(b);
	check_size(b);
	check_delegation(b);
	check_endpoint_policies(b);
	check_unused(b);
	check_plans(b);
	check_together(b);
	check_second_plan(b);
	nsg_check_integrations(b);
	if (b->e->uses_gateway)
		(void)nsg_diag_add(
		    b->diag, NSG_NOTICE, &b->e->subnet->place, NULL,
		    "traffic goes to the virtual network gateway: the network behind it "
		    "needs a route back to subnet %s",
		    b->e->subnet->name);
	return 0;
}
