/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/cleanup.h"

static void free_policy(struct nsg_engine_policy *engine)
{
	struct policy *p = (struct policy *)engine;

	free(p->numbers.number);
	nsg_snapshot_free(p->snapshot);
	free(p);
}

struct policy *policy_unref(struct policy *p)
{
	if (p)
		nsg_engine_policy_unref(&p->engine);
	return NULL;
}

static enum nsg_platform platform(const struct nsg_conf *conf)
{
	if (!conf->platform)
		return NSG_PLATFORM_FROM_SITE;
	return strcasecmp(conf->platform, "linux") == 0 ? NSG_PLATFORM_LINUX : NSG_PLATFORM_WINDOWS;
}

struct load policy_source(const struct nsg_conf *conf)
{
	return (struct load){
	    .directory = conf->policy,
	    .options =
		{
		    .subnet = conf->subnet,
		    .profile = nsg_profile_find(conf->profile),
		    .platform = platform(conf),
		    .route_all = NSG_UNSET,
		    .endpoint_lab = conf->endpoint_lab,
		},
	};
}

int policy_load(const struct load *load, struct nsg_diag *diag, struct policy **ret)
{
	const struct nsg_snapshot *before = load->before ? load->before->snapshot : NULL;
	const struct nsg_snapshot_options options = {
	    .load = {.deadline_ns = load->deadline_ns},
	    .effective = load->options,
	};
	cleanup_policy struct policy *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->engine.references = 1;
	p->engine.free = free_policy;
	if (load->routes_only)
		r = nsg_snapshot_update(before, &options.effective, diag, &p->snapshot);
	else
		r = nsg_snapshot_load(load->directory, &options, before, diag, &p->snapshot);
	if (r < 0)
		return r;
	/* Later diagnostics are about this host: their places are not in the documents, whose texts
	 * hold the app's secrets. */
	if (!load->routes_only)
		nsg_policy_forget_sources(p->snapshot->policy);
	p->engine.image = p->snapshot->image;
	*ret = TAKE_PTR(p);
	return 0;
}

static int judged_source(const struct nsg_subnet *subnet, const struct nsg_conf *conf,
			 struct nsg_kernel *kernel, struct nsg_diag *diag, uint32_t *ret_host)
{
	int r;

	if (conf->has_address) {
		*ret_host = conf->address_host;
		return 0;
	}
	r = nsg_kernel_host_address(kernel, subnet->prefixes.v, subnet->prefixes.n, ret_host);
	if (r == -ENOENT)
		return nsg_diag_line(
		    diag, NSG_ERROR, conf->path, 0, NULL,
		    "this host has no address in the integration subnet %s: set [subnet] address "
		    "to the source address that packets are decided with",
		    subnet->name);
	return r;
}

int policy_place(struct policy *p, const struct nsg_conf *conf, struct nsg_kernel *kernel,
		 bool strict, struct nsg_diag *diag)
{
	int r =
	    judged_source(p->snapshot->effective->subnet, conf, kernel, diag, &p->engine.src_host);

	if (r < 0)
		return r;
	r = nsg_kernel_plan(kernel, p->engine.image, strict, diag, &p->numbers);
	if (r < 0)
		return r;
	p->engine.hop_numbers = p->numbers.number;
	return 0;
}

struct policy_traits policy_traits(const struct policy *p)
{
	const struct nsg_effective *e = p->snapshot->effective;
	const struct nsg_image_info info = nsg_image_info(p->engine.image);
	const struct nsg_image *admin = nsg_image_admin(p->engine.image);

	return (struct policy_traits){
	    .gate_hash = info.gate_hash,
	    .nsg_hash = info.nsg_hash,
	    .admin_hash = admin ? nsg_image_info(admin).nsg_hash : 0,
	    .route_hash = info.route_hash,
	    .src_host = p->engine.src_host,
	    .profile = e->profile->name,
	    .is_linux = e->is_linux,
	    .route_all = e->route_all,
	    .flush_connection = e->flush_connection,
	};
}

static bool same_gate(const struct policy_traits *a, const struct policy_traits *b)
{
	return a->gate_hash == b->gate_hash && a->src_host == b->src_host &&
	       strcmp(a->profile, b->profile) == 0 && a->is_linux == b->is_linux &&
	       a->route_all == b->route_all;
}

bool policy_decides_the_same(const struct policy_traits *a, const struct policy_traits *b)
{
	return same_gate(a, b) && a->nsg_hash == b->nsg_hash && a->admin_hash == b->admin_hash &&
	       a->route_hash == b->route_hash && a->flush_connection == b->flush_connection;
}

enum nsg_forget policy_forget(const struct policy_traits *a, const struct policy_traits *b)
{
	if (!same_gate(a, b))
		return NSG_FORGET_DECISIONS;
	/* Azure evaluates open flows again when rules change while flushConnection is set, and when
	 * it is set for the first time (the property's own description in the NSG's schema). */
	if (b->flush_connection && (a->nsg_hash != b->nsg_hash || !a->flush_connection))
		return NSG_FORGET_DECISIONS;
	return NSG_FORGET_NOTHING;
}

/* What the change means for flows that have already been decided. */
static enum nsg_forget forget(const struct policy *before, const struct policy *after)
{
	struct policy_traits a = policy_traits(before);
	const struct policy_traits b = policy_traits(after);

	/* Routes that are announced change the tag VirtualNetwork, but no rule. */
	if (before->snapshot->policy == after->snapshot->policy)
		a.nsg_hash = b.nsg_hash;
	return policy_forget(&a, &b);
}

enum nsg_forget policy_number(struct policy *p, uint32_t generation, uint8_t standing,
			      const struct policy *before)
{
	enum nsg_forget f = before ? forget(before, p) : NSG_FORGET_NOTHING;

	p->engine.generation = generation;
	p->engine.standing = (uint8_t)(1u << generation);
	if (f == NSG_FORGET_NOTHING)
		p->engine.standing |= standing;
	return f;
}
