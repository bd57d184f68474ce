/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NSG_NSGD_RELOAD_H
#define NSG_NSGD_RELOAD_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>
#include <systemd/sd-event.h>

#include "control/control.h"
#include "nsgd/instance.h"

struct reloader;

/* Called from the event loop when a reload has ended; its diagnostics have been logged. `done` is
 * what it changed (control/control.h); NULL when it failed. */
typedef void reload_ended_fn(void *closure, uint64_t number, enum nsg_exit status, json_t *done,
			     const struct nsg_diag *diag);

/* -errno. */
int reloader_new(sd_event *event, struct instance *in, reload_ended_fn *ended, void *closure,
		 struct reloader **ret);

/*
 * Asks for a reload of nsgd.conf (unless `policy_only`) and the policy, as a transaction: both are
 * in force afterwards, or nothing has changed and the diagnostics have the reason. Returns the
 * number of the reload that has it, which begins after this call: requests made while one runs
 * share the next one.
 */
uint64_t reload_request(struct reloader *r, bool policy_only);

/* Asks for the policy in force with other live routes, unless a reload that includes them is to
 * come. It is not counted as a reload. */
void reload_request_routes(struct reloader *r);

/* What the kernel's state has kept from beginning: call it after nsg_kernel_process. */
void reload_continue(struct reloader *r);

/* Whether a reload runs. */
bool reload_runs(const struct reloader *r);

/* False when a load does not end, see loader_stop(). NULL is fine. */
bool reloader_free(struct reloader *r);

#endif
