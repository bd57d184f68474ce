/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the site documents: the sites on the subnet, platform and route-all (semantics.md section
 * 1). */
#include "model/effective_priv.h"

#include <errno.h>
#include <string.h>

static const char *file_of(const struct nsg_place *place)
{
	return place->source ? nsg_id_name(place->source->path) : "the policy";
}

static const char *name_of(const struct nsg_site *s)
{
	return *s->name ? s->name : nsg_id_name(s->id);
}

static const char *ref_of(const struct nsg_site *s)
{
	return *s->id ? s->id : s->name;
}

/* ---- sites -------------------------------------------------------------------------------- */

/* The sites on the subnet; all sites when none names a subnet. */
static int choose_sites(struct nsg_build *b)
{
	const struct nsg_policy *p = b->policy;
	struct nsg_effective *e = b->e;
	bool named = false;

	e->sites = nsg_arena_array(&e->arena, p->n_sites + 1, sizeof(*e->sites));
	if (!e->sites)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_sites; i++)
		named |= *p->sites[i].subnet_id || nsg_site_is_here(e, &p->sites[i]);
	for (size_t i = 0; i < p->n_sites; i++)
		if (!named || nsg_site_is_here(e, &p->sites[i]))
			e->sites[e->n_sites++] = &p->sites[i];
	return 0;
}

/* ---- platform ----------------------------------------------------------------------------- */

static int choose_platform(struct nsg_build *b)
{
	struct nsg_effective *e = b->e;
	const struct nsg_site *by = NULL;

	e->platform_by = "the default";
	for (size_t i = 0; i < e->n_sites; i++) {
		const struct nsg_site *s = e->sites[i];

		if (s->is_linux == NSG_UNSET)
			continue;
		if (!by) {
			by = s;
			e->is_linux = s->is_linux == NSG_TRUE;
		} else if (e->is_linux != (s->is_linux == NSG_TRUE)) {
			(void)nsg_diag_add(b->diag, NSG_WARNING, &s->place, NULL,
					   "site %s runs on %s and site %s on %s: %s is used",
					   name_of(s), e->is_linux ? "Windows" : "Linux",
					   name_of(by), e->is_linux ? "Linux" : "Windows",
					   e->is_linux ? "Linux" : "Windows");
		}
	}
	if (by) {
		e->platform_by = nsg_arena_printf(&e->arena, "`reserved` of site %s", name_of(by));
		if (!e->platform_by)
			return -ENOMEM;
	}
	if (b->options->platform == NSG_PLATFORM_FROM_SITE)
		return 0;
	if (by && e->is_linux != (b->options->platform == NSG_PLATFORM_LINUX))
		(void)nsg_diag_add(
		    b->diag, NSG_WARNING, &by->place, NULL,
		    "site %s runs on %s and the platform option says %s: the option is used",
		    name_of(by), e->is_linux ? "Linux" : "Windows",
		    e->is_linux ? "windows" : "linux");
	e->is_linux = b->options->platform == NSG_PLATFORM_LINUX;
	e->platform_by = "the platform option";
	return 0;
}

/* ---- route-all ---------------------------------------------------------------------------- */

/* One input on route-all: a site with its own settings, or an app settings document. */
struct route_all_input {
	enum nsg_tristate value;
	const char *what; /* e.g. vnetRouteAllEnabled */
	const char *who;  /* site or file */
	const struct nsg_place *place;
};

static void consider(struct route_all_input *v, enum nsg_tristate value, const char *what,
		     const struct nsg_place *place)
{
	if (value == NSG_UNSET || v->value == NSG_TRUE)
		return;
	if (v->value == value)
		return;
	v->value = value;
	v->what = what;
	v->place = place;
}

static void consider_setting(struct route_all_input *v, const struct nsg_route_all_setting *s)
{
	static const char what[] = "WEBSITE_VNET_ROUTE_ALL";

	switch (s->value) {
	case NSG_ROUTE_ALL_EMPTY:
		return;
	case NSG_ROUTE_ALL_ON:
		consider(v, NSG_TRUE, what, &s->place);
		return;
	case NSG_ROUTE_ALL_OTHER:
	case NSG_ROUTE_ALL_OFF:
		consider(v, NSG_FALSE, what, &s->place);
		return;
	}
}

static struct route_all_input input_of_site(const struct nsg_build *b, const struct nsg_site *s)
{
	const struct nsg_policy *p = b->policy;
	struct route_all_input v = {.value = NSG_UNSET, .who = name_of(s), .place = &s->place};

	consider(&v, s->route_all, "vnetRouteAllEnabled", &s->route_all_place);
	consider(&v, s->all_traffic, "outboundVnetRouting.allTraffic", &s->route_all_place);
	consider(&v, s->application_traffic, "outboundVnetRouting.applicationTraffic",
		 &s->route_all_place);
	for (size_t i = 0; i < p->n_route_all_settings; i++) {
		const struct nsg_route_all_setting *x = &p->route_all_settings[i];

		if (*x->site_id && nsg_id_equal(ref_of(s), x->site_id))
			consider_setting(&v, x);
	}
	return v;
}

static void warn_disagreement(struct nsg_build *b, const struct route_all_input *first,
			      const struct route_all_input *v)
{
	(void)nsg_diag_add(b->diag, NSG_WARNING, v->place->source ? v->place : NULL, NULL,
			   "%s turns route-all %s (%s) and %s turns it %s (%s): it is on", v->who,
			   v->value == NSG_TRUE ? "on" : "off", v->what, first->who,
			   first->value == NSG_TRUE ? "on" : "off", first->what);
}

/* Adds an input to the sum. `first` is the first input of its kind that has a value. */
static int add_input(struct nsg_build *b, const struct route_all_input *v,
		     struct route_all_input *first, enum nsg_tristate *sum)
{
	struct nsg_effective *e = b->e;

	if (v->value == NSG_UNSET)
		return 0;
	if (first->value == NSG_UNSET)
		*first = *v;
	else if (first->value != v->value)
		warn_disagreement(b, first, v);
	if (*sum == NSG_TRUE || *sum == v->value)
		return 0;
	*sum = v->value;
	e->route_all_by = nsg_arena_printf(&e->arena, "%s of %s", v->what, v->who);
	return e->route_all_by ? 0 : -ENOMEM;
}

static bool is_of_chosen_site(const struct nsg_effective *e, const struct nsg_route_all_setting *x)
{
	for (size_t i = 0; *x->site_id && i < e->n_sites; i++)
		if (nsg_id_equal(ref_of(e->sites[i]), x->site_id))
			return true;
	return false;
}

/* Whether the setting belongs to a known site that is not on the subnet. */
static bool is_elsewhere(const struct nsg_build *b, const struct nsg_route_all_setting *x)
{
	const struct nsg_policy *p = b->policy;

	if (!*x->site_id || is_of_chosen_site(b->e, x))
		return false;
	for (size_t i = 0; i < p->n_sites; i++)
		if (nsg_id_equal(ref_of(&p->sites[i]), x->site_id))
			return true;
	return false;
}

/* All inputs together; *ret is NSG_UNSET when none has a value. */
static int sum_inputs(struct nsg_build *b, enum nsg_tristate *ret)
{
	const struct nsg_policy *p = b->policy;
	struct nsg_effective *e = b->e;
	struct route_all_input site = {.value = NSG_UNSET}, document = {.value = NSG_UNSET};
	int r;

	*ret = NSG_UNSET;
	for (size_t i = 0; i < e->n_sites; i++) {
		struct route_all_input v = input_of_site(b, e->sites[i]);

		r = add_input(b, &v, &site, ret);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < p->n_route_all_settings; i++) {
		const struct nsg_route_all_setting *x = &p->route_all_settings[i];
		struct route_all_input v = {.value = NSG_UNSET, .who = file_of(&x->place)};

		if (is_of_chosen_site(e, x) || is_elsewhere(b, x))
			continue;
		consider_setting(&v, x);
		r = add_input(b, &v, &document, ret);
		if (r < 0)
			return r;
	}
	return 0;
}

static int choose_route_all(struct nsg_build *b)
{
	struct nsg_effective *e = b->e;
	enum nsg_tristate sum;
	int r;

	e->route_all_by = "nothing enables it";
	r = sum_inputs(b, &sum);
	if (r < 0)
		return r;
	if (b->options->route_all != NSG_UNSET) {
		sum = b->options->route_all;
		e->route_all_by = "the route-all option";
	}
	e->route_all = sum == NSG_TRUE;
	if (e->route_all && e->is_linux && e->profile->linux_only_rfc1918) {
		e->route_all = false;
		e->route_all_by = nsg_arena_printf(
		    &e->arena, "%s turns it on, which has no effect on Linux in %s",
		    e->route_all_by, e->profile->name);
		if (!e->route_all_by)
			return -ENOMEM;
	}
	return 0;
}

int nsg_build_site_settings(struct nsg_build *b)
{
	int r;

	r = choose_sites(b);
	if (r < 0)
		return r;
	r = choose_platform(b);
	if (r < 0)
		return r;
	return choose_route_all(b);
}
