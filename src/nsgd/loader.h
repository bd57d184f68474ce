/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads policies in a separate thread, one at a time, so that the event loop never waits for nsgd.conf, for a
 * document or for the file system.
 *
 * The thread accesses only the data of the daemon that `struct load` refers to. Everything that
 * determines the next policy (nsgd.conf, documents, learned routes) is a member of `struct load`; loads
 * are requested with reload_request(), which orders them.
 *
 * A load that does not end because the file system does not answer is abandoned, together with
 * everything that it refers to, and the next load gets a new thread.
 */
#ifndef NSG_NSGD_LOADER_H
#define NSG_NSGD_LOADER_H

#include <stdbool.h>

#include <systemd/sd-event.h>

#include "nsgd/policy.h"

struct loader;

/* Called from the event loop. */
struct loader_ops {
	/* The directory can be accessed; none of its documents has been read yet. The callee takes `conf`,
	 * which is NULL if nsgd.conf was not read again. */
	void (*opened)(void *closure, struct nsg_conf *conf);
	/* r is policy_load()'s, with -EINVAL if there is an error diagnostic, or -ETIMEDOUT; `made` has
	 * its only reference, NULL on failure. The callee takes *diag. */
	void (*done)(void *closure, int r, struct policy *made, struct nsg_diag *diag);
};

/* A load is abandoned after `patience_usec`. -errno. */
int loader_new(sd_event *event, uint64_t patience_usec, const struct loader_ops *ops, void *closure,
	       struct loader **ret);

/* Starts the thread and sets its deadline. Copies what `load` refers to, except the path of nsgd.conf;
 * takes *diag, and passes it to `done`. -EBUSY if another load is running or too many were abandoned,
 * -errno; *diag is then untouched. */
int loader_start(struct loader *l, const struct load *load, struct nsg_diag *diag);

/* Returns freed memory to the system, in a thread: a load needs ten times the memory of its result, and
 * the policy that it replaces is freed later. */
void loader_trim(void);

/* Gives a running load a moment to end. False if a load does not end: the data that it reads must not be
 * freed then, and the process should exit. NULL is fine. */
bool loader_stop(struct loader *l);

#endif
