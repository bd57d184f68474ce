/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the site documents: the sites on the subnet, platform, DNS servers, route-all. */
#include "model/effective_priv.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

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
		named |= *nsg_site_subnet(e, &p->sites[i]) || nsg_site_is_here(e, &p->sites[i]);
	for (size_t i = 0; i < p->n_sites; i++)
		if (!named || nsg_site_is_here(e, &p->sites[i]))
			e->sites[e->n_sites++] = &p->sites[i];
	return 0;
}

/* ---- platform ----------------------------------------------------------------------------- */

static const char *platform_name(bool is_linux)
{
	return is_linux ? "Linux" : "Windows";
}

/* What the site or its plan says. */
static enum nsg_tristate site_is_linux(const struct nsg_policy *p, const struct nsg_site *s)
{
	const struct nsg_plan *plan = s->is_linux == NSG_UNSET ? nsg_plan_of(p, s) : NULL;

	return plan ? plan->is_linux : s->is_linux;
}

/* One Linux site makes the subnet's platform Linux. */
static const struct nsg_site *find_platform(struct nsg_build *b)
{
	const struct nsg_site *is[2] = {NULL, NULL};

	for (size_t i = 0; i < b->e->n_sites; i++) {
		enum nsg_tristate is_linux = site_is_linux(b->policy, b->e->sites[i]);

		if (is_linux != NSG_UNSET && !is[is_linux == NSG_TRUE])
			is[is_linux == NSG_TRUE] = b->e->sites[i];
	}
	if (is[0] && is[1])
		(void)nsg_diag_add(b->diag, NSG_WARNING, &is[1]->place, NULL,
				   "site %s runs on Linux and site %s on Windows: Linux is used",
				   name_of(is[1]), name_of(is[0]));
	b->e->is_linux = is[1];
	return is[1] ? is[1] : is[0];
}

static int choose_platform(struct nsg_build *b)
{
	struct nsg_effective *e = b->e;
	const struct nsg_site *by = find_platform(b);

	e->platform_by = "the default";
	if (by) {
		e->platform_by = nsg_arena_printf(
		    &e->arena, "%s of site %s",
		    by->is_linux == NSG_UNSET ? "the plan" : "`reserved` or `kind`", name_of(by));
		if (!e->platform_by)
			return -ENOMEM;
	}
	if (b->options->platform == NSG_PLATFORM_FROM_SITE)
		return 0;
	if (by && e->is_linux != (b->options->platform == NSG_PLATFORM_LINUX))
		(void)nsg_diag_add(
		    b->diag, NSG_WARNING, &by->place, NULL,
		    "site %s runs on %s and the platform option says %s: the option is used",
		    name_of(by), platform_name(e->is_linux), e->is_linux ? "windows" : "linux");
	e->is_linux = b->options->platform == NSG_PLATFORM_LINUX;
	e->platform_by = "the platform option";
	return 0;
}

/* ---- route-all: its inputs ---------------------------------------------------------------- */

struct route_all_input {
	bool on;
	const char *what, *who; /* e.g. vnetRouteAllEnabled, of a site or file */
	const struct nsg_place *place;
};

/* The first input of each value, and all of them for a message. */
struct route_all_inputs {
	struct route_all_input first[2];
	bool has[2];
	struct nsg_phrase_list text;
};

static void add_input(struct route_all_inputs *all, const struct route_all_input *input)
{
	uint32_t line = 0, column = 0;

	if (input->place->source)
		nsg_place_locate(*input->place, &line, &column);
	nsg_phrase_add(&all->text, "%s of %s is %s (%s:%u:%u)", input->what, input->who,
		       input->on ? "on" : "off", file_of(input->place), line, column);
	if (all->has[input->on])
		return;
	all->has[input->on] = true;
	all->first[input->on] = *input;
}

static void add_setting(struct route_all_inputs *all, const struct nsg_app_setting *s,
			const char *who)
{
	if (s->key == NSG_SETTING_ROUTE_ALL && s->value != NSG_ROUTE_ALL_EMPTY)
		add_input(all, &(struct route_all_input){s->value == NSG_ROUTE_ALL_ON, s->name, who,
							 &s->place});
}

static void add_site(struct nsg_build *b, struct route_all_inputs *all, const struct nsg_site *s)
{
	static const char *const keys[NSG_ROUTE_ALL_KEYS] = {
	    [NSG_SITE_ROUTE_ALL] = "vnetRouteAllEnabled",
	    [NSG_SITE_ROUTING] = "outboundVnetRouting",
	    [NSG_CONFIG_ROUTE_ALL] = "siteConfig.vnetRouteAllEnabled",
	    [NSG_CONFIG_ROUTING] = "siteConfig.outboundVnetRouting",
	};
	const struct nsg_policy *p = b->policy;

	for (size_t i = 0; i < NSG_ROUTE_ALL_KEYS; i++) {
		const struct nsg_switch *x = &s->route_all[i];

		if (x->value == NSG_UNSET)
			continue;
		if (i == NSG_CONFIG_ROUTE_ALL && s->config_is_newer &&
		    b->e->profile->newer_config_has_no_route_all)
			(void)nsg_diag_add(b->diag, NSG_WARNING, &x->place, NULL,
					   "siteConfig.vnetRouteAllEnabled of site %s has no "
					   "effect from apiVersion 2024-11-01 on; use "
					   "outboundVnetRouting.applicationTraffic",
					   name_of(s));
		else
			add_input(all, &(struct route_all_input){x->value == NSG_TRUE, keys[i],
								 name_of(s), &x->place});
	}
	for (size_t i = 0; i < p->n_app_settings; i++) {
		const struct nsg_app_setting *x = &p->app_settings[i];

		if (*x->site_id && nsg_id_equal(ref_of(s), x->site_id))
			add_setting(all, x, name_of(s));
	}
}

/* Whether the setting belongs to a site that has a document: it is an input only with its site. */
static bool has_site(const struct nsg_policy *p, const struct nsg_app_setting *x)
{
	for (size_t i = 0; *x->site_id && i < p->n_sites; i++)
		if (nsg_id_equal(ref_of(&p->sites[i]), x->site_id))
			return true;
	return false;
}

static void add_inputs(struct nsg_build *b, struct route_all_inputs *all)
{
	const struct nsg_policy *p = b->policy;

	for (size_t i = 0; i < b->e->n_sites; i++)
		add_site(b, all, b->e->sites[i]);
	for (size_t i = 0; i < p->n_app_settings; i++)
		if (!has_site(p, &p->app_settings[i]))
			add_setting(all, &p->app_settings[i], file_of(&p->app_settings[i].place));
}

/* ---- route-all: the result ---------------------------------------------------------------- */

static bool plan_is_flex(const struct nsg_plan *p)
{
	return *p->tier ? nsg_text_loosely_equal(p->tier, "FlexConsumption")
			: !strncasecmp(p->sku, "FC", 2);
}

static bool site_is_flex(const struct nsg_policy *p, const struct nsg_site *s)
{
	const struct nsg_plan *plan = nsg_plan_of(p, s);

	return nsg_text_loosely_equal(s->sku, "FlexConsumption") || (plan && plan_is_flex(plan));
}

bool nsg_subnet_serves_flex(const struct nsg_effective *e)
{
	const struct nsg_policy *p = e->policy;

	if (!e->profile->flex_consumption ||
	    !nsg_subnet_is_delegated(e->subnet, NSG_DELEGATION_FLEX))
		return false;
	for (size_t i = 0; i < e->n_sites; i++)
		if (site_is_flex(p, e->sites[i]))
			return true;
	for (size_t i = 0; i < p->n_plans && !e->n_sites; i++)
		if (plan_is_flex(&p->plans[i]))
			return true;
	return false;
}

/* What turns route-all on whatever the inputs say; "" nothing, NULL out of memory. */
static const char *final_input(struct nsg_effective *e)
{
	if (nsg_subnet_serves_flex(e))
		return "Flex Consumption, all of whose traffic enters";
	for (size_t i = 0; i < e->n_sites && e->profile->perimeter; i++)
		if (e->sites[i]->by_perimeter)
			return nsg_arena_printf(&e->arena,
						"publicNetworkAccess of site %s is "
						"SecuredByPerimeter",
						name_of(e->sites[i]));
	return "";
}

static int take_inputs(struct nsg_build *b)
{
	struct route_all_inputs all = {.has = {false, false}};
	struct nsg_effective *e = b->e;
	const struct route_all_input *by;

	add_inputs(b, &all);
	if (!all.has[0] && !all.has[1])
		return 0;
	by = &all.first[all.has[true]];
	e->route_all = by->on;
	e->route_all_by = nsg_arena_printf(&e->arena, "%s of %s", by->what, by->who);
	if (!e->route_all_by)
		return -ENOMEM;
	if (all.has[0] && all.has[1])
		(void)nsg_diag_add(b->diag, NSG_WARNING, by->place->source ? by->place : NULL,
				   "Contested",
				   "the inputs of route-all disagree: %s: it is on; --route-all "
				   "overrides them",
				   nsg_phrase_end(&all.text));
	return 0;
}

static int choose_route_all(struct nsg_build *b)
{
	struct nsg_effective *e = b->e;
	const char *final = final_input(e);

	e->route_all_by = "nothing enables it";
	if (!final)
		return -ENOMEM;
	if (b->options->route_all != NSG_UNSET) {
		e->route_all = b->options->route_all == NSG_TRUE;
		e->route_all_by = "the route-all option";
	} else if (*final) {
		e->route_all = true;
		e->route_all_by = final;
	} else {
		int r = take_inputs(b);

		if (r < 0)
			return r;
	}
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

/* ---- DNS servers -------------------------------------------------------------------------- */

/* Of a site on the subnet, or of no site that has a document. */
static bool is_used(const struct nsg_effective *e, const struct nsg_app_setting *x)
{
	for (size_t i = 0; *x->site_id && i < e->n_sites; i++)
		if (nsg_id_equal(ref_of(e->sites[i]), x->site_id))
			return true;
	return !has_site(e->policy, x);
}

/* The same setting of the same site, in another document: which one the app has is not known. */
static void check_server(struct nsg_build *b, const struct nsg_app_setting *x)
{
	for (size_t i = 0; i < b->e->n_dns_servers; i++) {
		const struct nsg_app_setting *y = b->e->dns_servers[i];
		uint32_t line = 0, column = 0;

		if (x->key != y->key || !strcmp(x->server, y->server) ||
		    !(nsg_id_equal(x->site_id, y->site_id) || (!*x->site_id && !*y->site_id)))
			continue;
		nsg_place_locate(y->place, &line, &column);
		(void)nsg_diag_add(b->diag, NSG_WARNING, &x->place, "Contested",
				   "%s is %s here and %s at %s:%u:%u", x->name, x->server,
				   y->server, file_of(&y->place), line, column);
		return;
	}
}

static int choose_dns_servers(struct nsg_build *b)
{
	const struct nsg_policy *p = b->policy;
	struct nsg_effective *e = b->e;

	e->dns_servers = nsg_arena_array(&e->arena, p->n_app_settings + 1, sizeof(*e->dns_servers));
	if (!e->dns_servers)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_app_settings; i++) {
		const struct nsg_app_setting *x = &p->app_settings[i];

		if (x->key == NSG_SETTING_ROUTE_ALL || !is_used(e, x))
			continue;
		check_server(b, x);
		e->dns_servers[e->n_dns_servers++] = x;
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
	r = choose_dns_servers(b);
	if (r < 0)
		return r;
	return choose_route_all(b);
}
