/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "explain/check_priv.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool is_rule(const struct nsg_image *image, uint16_t index, const struct nsg_rule *wanted)
{
	struct nsg_image_rule rule = nsg_image_rule(image, index);

	return rule.priority == wanted->priority && rule.access == wanted->access &&
	       strcmp(rule.name, wanted->name) == 0;
}

static bool same_rule(const struct nsg_trial *trial, const struct nsg_image *image, uint16_t index)
{
	if (!trial->rule)
		return index ==
		       (trial->nsg_evaluated && !trial->has_nsg ? NSG_RULE_NO_NSG : NSG_RULE_NONE);
	return index != NSG_RULE_NONE && index != NSG_RULE_NO_NSG &&
	       is_rule(image, index, trial->rule->rule);
}

static bool same_admin_rule(const struct nsg_trial *trial, const struct nsg_image *image,
			    uint16_t number)
{
	if (!trial->admin || !number)
		return !trial->admin && !number;
	return is_rule(nsg_image_admin(image), number - 1, trial->admin->rule);
}

static bool same_route(const struct nsg_row *row, const struct nsg_image *image, uint32_t index)
{
	struct nsg_image_route route;

	if (!row || index == NSG_ROUTE_NONE)
		return !row && index == NSG_ROUTE_NONE;
	route = nsg_image_route(image, index);
	return nsg_prefix_equal(route.prefix, row->prefix) && route.source == row->source &&
	       route.hop_type == row->hop_type && !route.name == !row->name &&
	       (!row->name || strcmp(route.name, row->name) == 0) && route.n_hops == row->n_hops &&
	       (!row->n_hops || memcmp(route.hops_host, row->hops_host,
				       row->n_hops * sizeof(*row->hops_host)) == 0);
}

int nsg_trial_check(const struct nsg_trial *trial, const struct nsg_image *image,
		    const struct nsg_decision *decision, struct nsg_diag *diag)
{
	const char *what;

	if (decision->gate != trial->gate)
		what = "the gate";
	else if (!same_admin_rule(trial, image, decision->admin))
		what = "the security admin rule";
	else if (!same_rule(trial, image, decision->rule))
		what = "the rule";
	else if (!same_route(trial->row, image, decision->route))
		what = "the route";
	else if (decision->verdict != trial->verdict || decision->reason != trial->reason)
		what = "the verdict";
	else
		return 0;
	(void)nsg_diag_add(
	    diag, NSG_ERROR, NULL, NULL,
	    "internal error: the policy and the compiled image disagree on %s; report this with "
	    "the policy and the flow",
	    what);
	return -EBADE;
}
