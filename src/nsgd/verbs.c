/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/verbs.h"

#include <errno.h>
#include <string.h>

#include "explain/explain.h"
#include "nsgd/metrics.h"
#include "nsgd/status.h"
#include "util/cleanup.h"
#include "util/limits.h"

/* Far below a frame, whose JSON escapes quotes. */
#define METRICS_ITEM_BYTES ((size_t)NSG_MAX_CONTROL_FRAME_BYTES / 4)

static enum nsg_exit give(json_t *item, server_data_fn *data, void *closure)
{
	cleanup_json json_t *owned = item;

	return owned && data(closure, owned) == 0 ? NSG_EXIT_DONE : NSG_EXIT_FAILED;
}

/* Whole lines, as many as a frame holds: the labels of all routes may be longer. */
static enum nsg_exit give_metrics(struct instance *in, const json_t *args, server_data_fn *data,
				  void *closure)
{
	const char *format = json_string_value(json_object_get(args, "format"));
	bool openmetrics = !format || strcmp(format, "prometheus") != 0;
	cleanup_free char *text = NULL;
	enum nsg_exit status = NSG_EXIT_DONE;

	if (metrics_text(in, openmetrics, &text) < 0)
		return NSG_EXIT_FAILED;
	for (const char *p = text; *p && !status;) {
		size_t n = strlen(p);

		if (n > METRICS_ITEM_BYTES) {
			n = METRICS_ITEM_BYTES;
			while (n > 1 && p[n - 1] != '\n')
				n--;
		}
		status = give(json_stringn(p, n), data, closure);
		p += n;
	}
	return status;
}

/* The least that a prefix takes in the answer: it is in VirtualNetwork, which the default rule has as
 * source and as destination. Making half a million would hold up the event loop. */
#define PREFIX_BYTES 36u

static bool is_too_large(const struct nsg_effective *e, const char *verb)
{
	return strcmp(verb, "effective-nsg") == 0 && e->live &&
	       e->live->n_prefixes > NSG_MAX_CONTROL_FRAME_BYTES / PREFIX_BYTES;
}

static enum nsg_exit answer_from_policy(const struct nsg_snapshot *s, const char *verb,
					const json_t *args, server_data_fn *data, void *closure,
					struct nsg_diag *diag)
{
	int r = is_too_large(s->effective, verb)
		    ? -EMSGSIZE
		    : nsg_explain_answer(s->effective, s->image, verb, args, data, closure, diag);

	if (r == -ENOENT)
		(void)nsg_diag_add(diag, NSG_ERROR, NULL, NULL, "unknown verb");
	if (r == -EMSGSIZE)
		(void)nsg_diag_add(diag, NSG_ERROR, NULL, NULL,
				   "the answer is too large for the control socket: use -p DIR to "
				   "read the policy directory instead, without live routes");
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
	if (strcmp(verb, "metrics") == 0)
		return give_metrics(in, args, data, closure);
	return answer_from_policy(in->policy->snapshot, verb, args, data, closure, diag);
}
