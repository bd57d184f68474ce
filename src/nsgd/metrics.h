/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The metrics of nsgctl metrics and [metrics] textfile, in OpenMetrics or Prometheus text. They are
 * members of what `status` and `stats` report, named by one table in metrics.c; labels are names of
 * the policy and of the configuration, never of packets.
 */
#ifndef NSG_NSGD_METRICS_H
#define NSG_NSGD_METRICS_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "nsgd/instance.h"
#include "util/diag.h"

/* Of nsgctl: status and stats as status.h makes them, with the warnings of status. Rows with equal
 * labels are one sample. -ENOMEM. */
int metrics_put(FILE *out, bool openmetrics, json_t *status, json_t *stats,
		const struct nsg_diag *warnings);
/* The text of a running instance, to be freed. -ENOMEM. */
int metrics_text(struct instance *in, bool openmetrics, char **ret);

/* Replaces [metrics] textfile, if there is one, by the metrics of now. Call it every few seconds. */
void metrics_write_file(struct instance *in);

#endif
