/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The phases in order, and questions about service tags. */
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
 * Some phases compare each of these with each of those. Beyond what a subscription can hold
 * (azure-subscription-service-limits), a directory is made to keep them busy.
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
	    {"app settings documents", p->n_route_all_settings, 5000},
	    {"private endpoints", p->n_private_endpoints, 64000},
	};

	for (size_t i = 0; i < NSG_ARRAY_SIZE(counts); i++)
		if (counts[i].n > counts[i].max)
			return nsg_diag_add(b->diag, NSG_ERROR, &p->place, NULL,
					    "%zu %s, nsgd takes %zu", counts[i].n, counts[i].what,
					    counts[i].max);
	return 0;
}

/* Without a subnet there is nothing to derive, yet NSGs and route tables can still be checked. */
static int build(struct nsg_build *b)
{
	int r = check_limits(b);

	if (!r)
		r = nsg_build_choose(b);
	if (!r)
		r = nsg_build_tag_index(b);
	if (!r)
		r = nsg_build_routes(b);
	if (!r && b->e->subnet) {
		r = nsg_build_siteside(b);
		if (!r)
			r = nsg_build_peers(b);
		if (!r)
			r = nsg_build_endpoints(b);
		if (!r)
			r = nsg_build_computed_tags(b);
		if (!r)
			r = nsg_build_rows(b);
		if (!r)
			r = nsg_build_placement(b);
	}
	return r ? r : nsg_build_rules(b);
}

int nsg_effective_new(const struct nsg_policy *policy, const struct nsg_options *options,
		      struct nsg_diag *diag, struct nsg_effective **ret)
{
	struct nsg_effective *e cleanup_effective = calloc(1, sizeof(*e));
	struct nsg_build b = {.e = e, .policy = policy, .options = options, .diag = diag};
	const size_t n_errors = diag->n_errors;
	int r;

	if (!e)
		return -ENOMEM;
	e->policy = policy;
	e->profile = options->profile;
	e->endpoint_lab = options->endpoint_lab;
	r = build(&b);
	if (r)
		return r;
	/* of an incomplete policy the subnet may be missing without an error */
	if (diag->n_errors > n_errors || !e->subnet)
		return -EINVAL;
	e->flush_connection = e->nsg && e->nsg->flush_connection;
	/* flowTimeoutInMinutes: 4 is the platform's own (nsg-flow-logs-overview). */
	e->flow_timeout_minutes = e->vnet->flow_timeout_minutes ? e->vnet->flow_timeout_minutes : 4;
	*ret = TAKE_PTR(e);
	return 0;
}

struct nsg_effective *nsg_effective_free(struct nsg_effective *e)
{
	if (!e)
		return NULL;
	free(e->rows);
	nsg_tag_index_done(e->tag_index);
	nsg_arena_done(&e->arena);
	free(e);
	return NULL;
}

/* ---- which tags an address is in ---------------------------------------------------------- */

/* The largest aligned block around the address that its range holds. */
static struct nsg_prefix block_of(const struct nsg_ranges *r, uint32_t addr_host)
{
	struct nsg_prefix p = {addr_host, 32};

	while (p.len) {
		struct nsg_prefix wider = {addr_host & nsg_prefix_mask(p.len - 1), p.len - 1};

		if (!nsg_ranges_hold(r,
				     (struct nsg_range){wider.addr_host, nsg_prefix_last(wider)}))
			break;
		p = wider;
	}
	return p;
}

static bool best_member(const struct nsg_effective *e, uint32_t addr_host, struct nsg_prefix *ret)
{
	int len = -1;

	for (size_t i = 0; i < e->n_virtual_network; i++) {
		struct nsg_prefix p = e->virtual_network[i].prefix;

		if (nsg_prefix_contains(p, addr_host) && p.len > len) {
			*ret = p;
			len = p.len;
		}
	}
	return len >= 0;
}

static bool best_prefix(const struct nsg_prefixes *p, uint32_t addr_host, struct nsg_prefix *ret)
{
	int len = -1;

	for (size_t i = 0; i < p->n; i++)
		if (nsg_prefix_contains(p->v[i], addr_host) && p->v[i].len > len) {
			*ret = p->v[i];
			len = p->v[i].len;
		}
	return len >= 0;
}

static int tell_special(const struct nsg_effective *e, uint32_t addr_host,
			int (*found)(void *data, const char *tag, struct nsg_prefix by), void *data)
{
	const struct nsg_prefix host = {addr_host, 32};
	struct nsg_prefix by;
	int r = 0;

	if (best_member(e, addr_host, &by))
		r = found(data, nsg_tag_kind_name(NSG_TAG_VIRTUAL_NETWORK), by);
	if (!r && nsg_ranges_contain(&e->internet_ranges, addr_host))
		r = found(data, nsg_tag_kind_name(NSG_TAG_INTERNET),
			  block_of(&e->internet_ranges, addr_host));
	if (!r && addr_host == NSG_IP_PLATFORM_DNS)
		r = found(data, nsg_tag_kind_name(NSG_TAG_LOAD_BALANCER), host);
	if (!r && addr_host == NSG_IP_PLATFORM_DNS)
		r = found(data, nsg_tag_kind_name(NSG_TAG_PLATFORM_DNS), host);
	if (!r && addr_host == NSG_IP_PLATFORM_IMDS)
		r = found(data, nsg_tag_kind_name(NSG_TAG_PLATFORM_IMDS), host);
	return r;
}

int nsg_effective_tags_of(const struct nsg_effective *e, uint32_t addr_host,
			  int (*found)(void *data, const char *tag, struct nsg_prefix by),
			  void *data)
{
	int r = tell_special(e, addr_host, found, data);

	for (size_t i = 0; !r && e->tags && i < e->tags->n_tags; i++) {
		const struct nsg_tag *t = &e->tags->tags[i];
		struct nsg_prefix by;

		if (nsg_tag_kind_of(t->name) == NSG_TAG_OF_DOCUMENT &&
		    best_prefix(&t->prefixes, addr_host, &by))
			r = found(data, t->name, by);
	}
	return r;
}
