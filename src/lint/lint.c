/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was selected and why, and facts that are easy to miss. */
#include "lint/lint_priv.h"

#include <errno.h>

#include "lint/lint.h"
#include "model/ranges.h"

/* ---- what was selected ----------------------------------------------------------------------- */

static void chosen(const struct nsg_effective *e, struct nsg_diag *diag)
{
	const struct nsg_place *place = nsg_place_of(e->policy, &e->subnet->place);

	(void)nsg_diag_lint(diag, NSG_NOTICE, place, "Chosen", "integration subnet %s/%s: %s",
			    e->vnet->name, e->subnet->name, e->subnet_by);
	if (e->nsg)
		(void)nsg_diag_lint(diag, NSG_NOTICE, nsg_place_of(e->policy, &e->nsg->place),
				    "Chosen", "NSG %s: %s",
				    *e->nsg->name ? e->nsg->name : "without a name", e->nsg_by);
	else
		(void)nsg_diag_lint(diag, NSG_NOTICE, place, "Chosen",
				    "no NSG (%s): everything is allowed", e->nsg_by);
	if (e->route_table)
		(void)nsg_diag_lint(
		    diag, NSG_NOTICE, nsg_place_of(e->policy, &e->route_table->place), "Chosen",
		    "route table %s: %s; replies to inbound requests do not follow it",
		    *e->route_table->name ? e->route_table->name : "without a name",
		    e->route_table_by);
	else
		(void)nsg_diag_lint(diag, NSG_NOTICE, place, "Chosen", "no route table: %s",
				    e->route_table_by);
	(void)nsg_diag_lint(diag, NSG_NOTICE, place, "Chosen", "platform %s: %s",
			    e->is_linux ? "linux" : "windows", e->platform_by);
	(void)nsg_diag_lint(diag, NSG_NOTICE, place, "Chosen", "route-all %s: %s",
			    e->route_all ? "on" : "off", e->route_all_by);
}

/* ---- the VirtualNetwork tag ----------------------------------------------------------------- */

static void collapse(const struct nsg_effective *e, struct nsg_diag *diag)
{
	const struct nsg_tag_member *whole = NULL;

	if (!e->nsg || !nsg_ranges_equal(&e->virtual_network_ranges, &nsg_ranges_everything))
		return;
	for (size_t i = 0; i < e->n_virtual_network && !whole; i++)
		if (!e->virtual_network[i].prefix.len)
			whole = &e->virtual_network[i];
	(void)nsg_diag_lint(
	    diag, NSG_WARNING, nsg_place_of(e->policy, &e->nsg->place),
	    "VirtualNetworkTagCollapsed",
	    "%s%s makes the tag VirtualNetwork cover every address: a rule that allows it "
	    "allows the Internet, one that denies it denies everything, and "
	    "AllowVnetOutBound allows what no rule denies",
	    !whole			      ? "the routes together"
	    : whole->origin == NSG_ORIGIN_BGP ? "the 0.0.0.0/0 BGP route"
					      : "0.0.0.0/0 of route ",
	    whole ? whole->name : "");
}

/* ---- inbound rules -------------------------------------------------------------------------- */

static void inbound(const struct nsg_effective *e, struct nsg_diag *diag)
{
	if (e->nsg && e->nsg->n_inbound)
		(void)nsg_diag_lint(
		    diag, NSG_NOTICE, nsg_place_of(e->policy, &e->nsg->inbound_place),
		    "InboundRulesIgnored",
		    "%zu inbound rule%s of NSG %s: without effect, the integration "
		    "carries outbound traffic only; access restrictions filter inbound traffic",
		    e->nsg->n_inbound, e->nsg->n_inbound == 1 ? "" : "s", e->nsg->name);
}

int nsg_lint(const struct nsg_effective *e, struct nsg_diag *diag)
{
	int r;

	chosen(e, diag);
	inbound(e, diag);
	collapse(e, diag);
	r = nsg_lint_dns_servers(e, diag);
	if (r < 0)
		return r;
	r = nsg_lint_admin_rules(e, diag);
	if (r < 0)
		return r;
	r = nsg_lint_rules(e, diag);
	if (r < 0)
		return r;
	r = nsg_lint_routes(e, diag);
	if (r < 0)
		return r;
	return nsg_lint_contested(e, diag);
}
