/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the next policy in a thread of its own, one at a time, so that the event loop never waits
 * for a document.
 *
 * The thread reads what `struct load` names and nothing else of the daemon. Whatever causes another
 * policy (documents, or routes that were learned meanwhile) is a member of `struct load`, which
 * policy_load() looks at; it asks for the load by reload_request() and takes part in its order.
 */
#ifndef NSG_NSGD_LOADER_H
#define NSG_NSGD_LOADER_H

#include <stdbool.h>

#include <systemd/sd-event.h>

#include "nsgd/policy.h"

struct loader;

/* Called from the event loop. r is policy_load()'s; `made` has its only reference, NULL on failure. */
typedef void loader_done_fn(void *closure, int r, struct policy *made);

/* -errno. */
int loader_new(sd_event *event, loader_done_fn *done, void *closure, struct loader **ret);

/* Starts the thread; the deadline is set here. What `load` points at must not change, and only the loader uses its diag, until
 * `done` is called. -EBUSY while another load runs, -errno. */
int loader_start(struct loader *l, const struct load *load);

/* Returns freed memory to the system, in a thread: a load takes ten times what is left of it, and the
 * policy that it replaces is freed after it. */
void loader_trim(void);

/* Gives a load that runs a moment to end. False when it does not: what it reads must not be freed
 * then, and the process should exit. NULL is fine. */
bool loader_stop(struct loader *l);

#endif
