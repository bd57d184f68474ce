/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "snapshot/snapshot.h"

#include <errno.h>
#include <stdlib.h>

#include "compile/compile.h"
#include "util/cleanup.h"

static void cleanup_snapshot_p(struct nsg_snapshot **s)
{
	nsg_snapshot_free(*s);
}
#define cleanup_snapshot __attribute__((cleanup(cleanup_snapshot_p)))

/* Errors in one document must not hide other errors of the policy: what could be read is checked
 * too. */
static int load(const char *directory, const struct nsg_snapshot_options *options,
		const struct nsg_policy *before, struct nsg_diag *diag, struct nsg_snapshot *s)
{
	struct nsg_load_options load = options->load;
	int loaded, derived;

	load.partial = true;
	loaded = nsg_policy_load(directory, &load, before, diag, &s->policy);
	if (!s->policy)
		return loaded;
	derived = nsg_effective_new(s->policy, &options->effective, diag, &s->effective);
	return loaded < 0 && derived != -ENOMEM ? loaded : derived;
}

int nsg_snapshot_load(const char *directory, const struct nsg_snapshot_options *options,
		      const struct nsg_snapshot *before, struct nsg_diag *diag,
		      struct nsg_snapshot **ret)
{
	cleanup_snapshot struct nsg_snapshot *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	r = load(directory, options, before ? before->policy : NULL, diag, s);
	if (r < 0)
		return r;
	if (before) {
		r = nsg_effective_may_follow(before->effective, s->effective, diag);
		if (r < 0)
			return r;
	}
	r = nsg_compile(s->effective, before ? before->image : NULL, diag, &s->image);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

int nsg_snapshot_update(const struct nsg_snapshot *before, const struct nsg_options *options,
			struct nsg_diag *diag, struct nsg_snapshot **ret)
{
	cleanup_snapshot struct nsg_snapshot *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->policy = nsg_policy_hold(before->policy);
	r = nsg_effective_new(s->policy, options, diag, &s->effective);
	if (r < 0)
		return r;
	r = nsg_compile_live(s->effective, before->effective, before->image, diag, &s->image);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

struct nsg_snapshot *nsg_snapshot_free(struct nsg_snapshot *s)
{
	if (!s)
		return NULL;
	nsg_image_free(s->image);
	nsg_effective_free(s->effective);
	nsg_policy_free(s->policy);
	free(s);
	return NULL;
}
