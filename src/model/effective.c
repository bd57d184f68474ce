/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The phases in order. */
#include "model/effective_priv.h"

#include <errno.h>
#include <stdlib.h>

#include "util/cleanup.h"
#include "util/macro.h"

static void effective_cleanup(struct nsg_effective **e)
{
	(void)nsg_effective_free(*e);
}

#define cleanup_effective __attribute__((cleanup(effective_cleanup)))

/*
 * Some phases take quadratic time. The bounds are what a subscription can hold
 * (azure-subscription-service-limits).
 */
static int check_limits(struct nsg_build *b)
{
	const struct nsg_policy *p = b->policy;
	size_t n_subnets = 0;

	for (size_t i = 0; i < p->n_vnets; i++)
		n_subnets += p->vnets[i].n_subnets;

	const struct {
		const char *what;
		size_t n, max;
	} counts[] = {
	    {"virtual networks", p->n_vnets, 1000},
	    {"subnets", n_subnets, 30000},
	    {"sites", p->n_sites, 5000},
	    {"integrations", p->n_integrations, 5000},
	    {"plans", p->n_plans, 5000},
	    {"app settings", p->n_app_settings, 5000},
	    {"private endpoints", p->n_private_endpoints, 64000},
	};

	for (size_t i = 0; i < NSG_ARRAY_SIZE(counts); i++)
		if (counts[i].n > counts[i].max)
			return nsg_diag_add(b->diag, NSG_ERROR, &p->place, NULL,
					    "%zu %s, nsgd supports at most %zu", counts[i].n,
					    counts[i].what, counts[i].max);
	return 0;
}

/* What the integration subnet's rules and routes are derived from, in order. */
static int (*const subnet_phases[])(struct nsg_build *b) = {
    nsg_build_site_settings, nsg_build_peers, nsg_build_gateway_routes, nsg_build_endpoints,
    nsg_build_computed_tags, nsg_build_rows,  nsg_build_placement,	nsg_build_admin_rules,
};

/* Without a subnet there is nothing to derive, but NSGs and route tables can still be checked. */
static int build(struct nsg_build *b)
{
	int r;

	r = check_limits(b);
	if (r < 0)
		return r;
	r = nsg_build_integration_subnet(b);
	if (r < 0)
		return r;
	r = nsg_build_tag_index(b);
	if (r < 0)
		return r;
	r = nsg_build_routes(b);
	if (r < 0)
		return r;
	for (size_t i = 0; b->e->subnet && i < NSG_ARRAY_SIZE(subnet_phases); i++) {
		r = subnet_phases[i](b);
		if (r < 0)
			return r;
	}
	return nsg_build_rules(b);
}

int nsg_effective_new(const struct nsg_policy *policy, const struct nsg_options *options,
		      struct nsg_diag *diag, struct nsg_effective **ret)
{
	cleanup_effective struct nsg_effective *e = calloc(1, sizeof(*e));
	struct nsg_build b = {.e = e, .policy = policy, .options = options, .diag = diag};
	const size_t n_errors = diag->n_errors;
	int r;

	if (!e)
		return -ENOMEM;
	e->policy = policy;
	e->profile = options->profile;
	e->endpoint_lab = options->endpoint_lab;
	r = build(&b);
	if (r < 0)
		return r;
	/* The subnet of an incomplete policy may be missing without an error. */
	if (diag->n_errors > n_errors || !e->subnet)
		return -EINVAL;
	e->flush_connection = e->nsg && e->nsg->flush_connection;
	/* Azure's default of flowTimeoutInMinutes is 4 (nsg-flow-logs-overview). */
	e->flow_timeout_minutes = e->vnet->flow_timeout_minutes ? e->vnet->flow_timeout_minutes : 4;
	*ret = TAKE_PTR(e);
	return 0;
}

struct nsg_effective *nsg_effective_free(struct nsg_effective *e)
{
	if (!e)
		return NULL;
	free(e->rows);
	nsg_route_set_unref(e->live);
	nsg_tag_index_done(e->tag_index);
	nsg_arena_done(&e->arena);
	free(e);
	return NULL;
}
