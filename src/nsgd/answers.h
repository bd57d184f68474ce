/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel answered by itself: attributed to rules, routes and reasons from the counters of
 * its answers, and reported to the log. An answer that expires takes with it what was not read yet.
 * Main thread only.
 */
#ifndef NSG_NSGD_ANSWERS_H
#define NSG_NSGD_ANSWERS_H

#include <stdint.h>

#include <systemd/sd-event.h>

#include "engine/engine.h"
#include "kernel/kernel.h"

struct answers;
struct instance;

/* Packets of new flows that were answered, by what decided them. */
struct answered {
	uint64_t allowed, denied; /* all, also those that are not attributed */
	uint64_t reasons[NSG_REASON_MAX], gates[NSG_GATE_MAX];
	/* Of the policy in force: its rules, with the two as in nsg_engine_rule_counts(), routes and
	 * admin rules. */
	uint64_t *rules, *routes, *admin_rules;
	uint32_t n_rules, n_routes, n_admin_rules;
	uint64_t unread;	/* of them in no reason */
	uint64_t unread_policy; /* the same since the policy in force was loaded */
};

/* -ENOMEM, -errno. */
int answers_new(sd_event *event, struct instance *in, struct answers **ret);
/* Reads the kernel's counters. The result is valid until the next call. NULL is fine. */
const struct answered *answers_read(struct answers *a);
/* The number of answers in the kernel when they were last read. */
uint64_t answers_size(const struct answers *a);

/* Every few seconds: reports the denials. */
void answers_watch(struct answers *a);
/* Before another policy takes effect, which empties the kernel's memory; and after it. */
void answers_before_reload(struct answers *a);
void answers_after_reload(struct answers *a);

/* NULL is fine; returns NULL. */
struct answers *answers_free(struct answers *a);

#endif
