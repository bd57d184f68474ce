/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "explain/explain.h"
#include "nsgd/serve.h"
#include "util/cleanup.h"
#include "util/macro.h"

typedef int data_fn(void *closure, json_t *item);

static enum nsg_exit give(json_t *item, data_fn *data, void *closure)
{
	cleanup_json json_t *owned = item;

	return owned && data(closure, owned) == 0 ? NSG_EXIT_DONE : NSG_EXIT_FAILED;
}

static enum nsg_exit answer_status(struct daemon *d, data_fn *data, void *closure,
				   struct nsg_diag *diag)
{
	return give(daemon_status(d, diag), data, closure);
}

static enum nsg_exit answer_stats(struct daemon *d, data_fn *data, void *closure,
				  struct nsg_diag *diag)
{
	(void)diag;
	return give(daemon_stats(d), data, closure);
}

static enum nsg_exit answer_reload(struct daemon *d, data_fn *data, void *closure,
				   struct nsg_diag *diag)
{
	(void)data;
	(void)closure;
	return daemon_reload(d, false, diag);
}

static const struct {
	const char *name;
	enum nsg_exit (*answer)(struct daemon *d, data_fn *data, void *closure,
				struct nsg_diag *diag);
} verbs[] = {
    {"status", answer_status},
    {"stats", answer_stats},
    {"reload", answer_reload},
};

enum nsg_exit verb_answer(struct daemon *d, const char *verb, const json_t *args, data_fn *data,
			  void *closure, struct nsg_diag *diag)
{
	int r;

	for (size_t i = 0; i < NSG_ARRAY_SIZE(verbs); i++)
		if (strcmp(verb, verbs[i].name) == 0)
			return verbs[i].answer(d, data, closure, diag);
	r = nsg_explain_answer(d->policy->snapshot->effective, d->policy->snapshot->image, verb,
			       args, data, closure, diag);
	if (r == -ENOENT)
		(void)nsg_diag_add(diag, NSG_ERROR, NULL, NULL,
				   "this nsgd does not know this verb");
	if (r == -EMSGSIZE)
		(void)nsg_diag_add(diag, NSG_ERROR, NULL, NULL,
				   "the answer is larger than the control socket carries: ask the "
				   "policy directory, with -p");
	if (r == -ENOENT || r == -EINVAL)
		return NSG_EXIT_USAGE;
	return r < 0 ? NSG_EXIT_FAILED : NSG_EXIT_DONE;
}
