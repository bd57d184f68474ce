/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "azure/load.h"
#include "compile/compile.h"
#include "util/cleanup.h"

static void cleanup_live_p(struct live **l)
{
	live_free(*l);
}
#define cleanup_live __attribute__((cleanup(cleanup_live_p)))

static enum nsg_platform platform(const struct nsg_conf *conf)
{
	if (!conf->platform)
		return NSG_PLATFORM_FROM_SITE;
	return strcasecmp(conf->platform, "linux") == 0 ? NSG_PLATFORM_LINUX : NSG_PLATFORM_WINDOWS;
}

int live_load(const struct nsg_conf *conf, const struct live *before, struct nsg_diag *diag,
	      struct live **ret)
{
	const struct nsg_load_options load = {
	    /* an error in one document shall not hide those of the policy as a whole */
	    .partial = true,
	};
	const struct nsg_options options = {
	    .subnet = conf->subnet,
	    .profile = nsg_profile_find(conf->profile),
	    .platform = platform(conf),
	    .route_all = NSG_UNSET,
	    .endpoint_lab = conf->endpoint_lab,
	};
	cleanup_live struct live *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	r = nsg_policy_load(conf->policy, &load, before ? before->policy : NULL, diag, &l->policy);
	if (l->policy) {
		int more = nsg_effective_new(l->policy, &options, diag, &l->effective);

		r = r < 0 && more != -ENOMEM ? r : more;
	}
	if (r < 0)
		return r;
	if (before) {
		r = nsg_effective_may_follow(before->effective, l->effective, diag);
		if (r < 0)
			return r;
	}
	r = nsg_compile(l->effective, before ? before->image : NULL, diag, &l->image);
	if (r < 0)
		return r;
	nsg_policy_forget_sources(l->policy);
	*ret = TAKE_PTR(l);
	return 0;
}

static int judged_source(const struct live *l, const struct nsg_conf *conf,
			 struct nsg_kernel *kernel, struct nsg_diag *diag, uint32_t *ret_host)
{
	const struct nsg_subnet *subnet = l->effective->subnet;
	int r;

	if (conf->has_address) {
		*ret_host = conf->address_host;
		return 0;
	}
	r = nsg_kernel_host_address(kernel, subnet->prefixes.v, subnet->prefixes.n, ret_host);
	if (r == -ENOENT)
		return nsg_diag_line(
		    diag, NSG_ERROR, conf->path, 0, NULL,
		    "this host has no address in the integration subnet %s: say "
		    "which one its packets are judged with, [subnet] address = ...",
		    subnet->name);
	return r;
}

int live_place(struct live *l, const struct nsg_conf *conf, struct nsg_kernel *kernel, bool strict,
	       struct nsg_diag *diag)
{
	int r = judged_source(l, conf, kernel, diag, &l->src_host);

	if (r < 0)
		return r;
	return nsg_kernel_plan(kernel, l->image, strict, diag, &l->numbers);
}

enum nsg_forget live_forget(const struct live *before, const struct live *after)
{
	struct nsg_image_info a = nsg_image_info(before->image), b = nsg_image_info(after->image);

	if (a.gate_hash != b.gate_hash || before->src_host != after->src_host ||
	    before->effective->profile != after->effective->profile ||
	    before->effective->is_linux != after->effective->is_linux ||
	    before->effective->route_all != after->effective->route_all)
		return NSG_FORGET_DECISIONS;
	/* Azure looks at open flows again when rules change while flushConnection is set, and when
	 * it is set for the first time (the property's own description in the NSG's schema). */
	if (after->effective->flush_connection &&
	    (a.nsg_hash != b.nsg_hash || !before->effective->flush_connection))
		return NSG_FORGET_DECISIONS;
	return NSG_FORGET_NOTHING;
}

struct live *live_free(struct live *l)
{
	while (l) {
		struct live *next = l->limbo;

		free(l->numbers.number);
		nsg_image_free(l->image);
		nsg_effective_free(l->effective);
		nsg_policy_free(l->policy);
		free(l);
		l = next;
	}
	return NULL;
}
