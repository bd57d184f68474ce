/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the verbs `status` and `stats` report. */
#ifndef NSG_NSGD_STATUS_H
#define NSG_NSGD_STATUS_H

#include <jansson.h>

#include "nsgd/instance.h"
#include "util/diag.h"

/* New references or NULL. diag gets a warning for each alarm, and when no packet was captured for
 * some time. */
json_t *status_json(struct instance *in, struct nsg_diag *diag);
json_t *stats_json(const struct instance *in);

/* Before the first of the calls below. A table that was taken over has counted before this process. */
void status_begin(struct instance *in);
/* Notes whether packets have arrived since the last call, and logs alarms. Call it every few
 * seconds. */
void status_watch(struct instance *in);

#endif
