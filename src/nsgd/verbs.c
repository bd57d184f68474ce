/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/verbs.h"

#include <errno.h>
#include <string.h>

#include "explain/explain.h"
#include "nsgd/status.h"
#include "util/cleanup.h"

static enum nsg_exit give(json_t *item, server_data_fn *data, void *closure)
{
	cleanup_json json_t *owned = item;

	return owned && data(closure, owned) == 0 ? NSG_EXIT_DONE : NSG_EXIT_FAILED;
}

static enum nsg_exit answer_from_policy(const struct nsg_snapshot *s, const char *verb,
					const json_t *args, server_data_fn *data, void *closure,
					struct nsg_diag *diag)
{
	int r = nsg_explain_answer(s->effective, s->image, verb, args, data, closure, diag);

	if (r == -ENOENT)
		(void)nsg_diag_add(diag, NSG_ERROR, NULL, NULL, "unknown verb");
	if (r == -EMSGSIZE)
		(void)nsg_diag_add(diag, NSG_ERROR, NULL, NULL,
				   "the answer is too large for the control socket: use -p DIR to "
				   "read the policy directory instead");
	if (r == -ENOENT || r == -EINVAL)
		return NSG_EXIT_USAGE;
	return r < 0 ? NSG_EXIT_FAILED : NSG_EXIT_DONE;
}

enum nsg_exit verb_answer(struct instance *in, const char *verb, const json_t *args,
			  server_data_fn *data, void *closure, struct nsg_diag *diag)
{
	if (strcmp(verb, "status") == 0)
		return give(status_json(in, diag), data, closure);
	if (strcmp(verb, "stats") == 0)
		return give(stats_json(in), data, closure);
	return answer_from_policy(in->policy->snapshot, verb, args, data, closure, diag);
}
