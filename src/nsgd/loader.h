/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the next policy in a thread of its own, one at a time, so that the event loop never waits
 * for a document or for the file system.
 *
 * The thread reads what `struct load` names and nothing else of the daemon. Whatever causes another
 * policy (documents, or routes that were learned meanwhile) is a member of `struct load`, which
 * policy_load() looks at; it asks for the load by reload_request() and takes part in its order.
 *
 * A load that does not end, because the file system does not answer, is left behind with all that it
 * refers to, and the next one has another thread.
 */
#ifndef NSG_NSGD_LOADER_H
#define NSG_NSGD_LOADER_H

#include <stdbool.h>

#include <systemd/sd-event.h>

#include "nsgd/policy.h"

struct loader;

/* Called from the event loop. */
struct loader_ops {
	/* The directory answers, and none of its documents has been read yet. */
	void (*opened)(void *closure);
	/* r is policy_load()'s, with -EINVAL if there is an error diagnostic, or -ETIMEDOUT; `made` has
	 * its only reference, NULL on failure. The callee takes *diag. */
	void (*done)(void *closure, int r, struct policy *made, struct nsg_diag *diag);
};

/* A load has `patience_usec`. -errno. */
int loader_new(sd_event *event, uint64_t patience_usec, const struct loader_ops *ops, void *closure,
	       struct loader **ret);

/* Starts the thread; its deadline is set here. Copies what `load` refers to, and takes *diag, which
 * `done` gives back. -EBUSY while another load runs or too many do not end, -errno: *diag is
 * untouched. */
int loader_start(struct loader *l, const struct load *load, struct nsg_diag *diag);

/* Returns freed memory to the system, in a thread: a load takes ten times what is left of it, and the
 * policy that it replaces is freed after it. */
void loader_trim(void);

/* Gives a load that runs a moment to end. False when one does not: what it reads must not be freed
 * then, and the process should exit. NULL is fine. */
bool loader_stop(struct loader *l);

#endif
