/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The live gateway routes of [bgp] table. A thread of its own reads and follows the table, since a
 * full one takes a second to read; the event loop gets whole sets of routes, at most one every 50 ms.
 * All functions are for the main thread.
 */
#ifndef NSG_NSGD_LIVE_H
#define NSG_NSGD_LIVE_H

#include <jansson.h>
#include <systemd/sd-event.h>

#include "conf/conf.h"
#include "kernel/kernel.h"
#include "util/diag.h"
#include "util/route_set.h"

struct live;

/* Reads the table. -errno with a diagnostic. */
int live_new(const struct nsg_conf *conf, struct nsg_diag *diag, struct live **ret);

/* Gives the kernel layer the interfaces of the routes, now and whenever they change. NULL live does
 * nothing. -ENOMEM. */
int live_attach(struct live *l, struct nsg_kernel *kernel);

/* Follows the table from now on: calls `changed` from the event loop when there is another set.
 * NULL live does nothing. -errno. */
int live_follow(struct live *l, sd_event *event, void (*changed)(void *closure), void *closure);

/* The set to load a policy with. A load that uses it ends with live_loaded(), once what it made is
 * in force, or has failed. NULL live: NULL. */
struct nsg_route_set *live_begin_load(struct live *l);
void live_loaded(struct live *l, bool in_force, const char *error);
/* After documents were loaded: whether routes that were refused with the previous ones are to be
 * loaded again. NULL live: false. */
bool live_retry(struct live *l);

/* Logs the sums of the changes that were too many to be logged one by one. */
void live_flush_log(struct live *l);
/* Why the routes in force are not those of the table; "": they are, or soon will be. */
const char *live_alarm(const struct live *l);
/* {"table","protocols":[],"routes","announced","withdrawn","changed","readings",
 * "losses","lastChangeTimeNs","lastChangeToDecisionNs","longestChangeToDecisionNs","notUsed":{...}} or null. */
json_t *live_status(const struct live *l);

/* NULL is fine; returns NULL. */
struct live *live_free(struct live *l);

#endif
