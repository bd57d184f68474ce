/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an administrator should look at: packets that were dropped because of another program or a
 * hostile one, tables that are nearly full, next hops that are down. */
#ifndef NSG_NSGD_ALARMS_H
#define NSG_NSGD_ALARMS_H

#include <jansson.h>

#include "nsgd/instance.h"
#include "util/diag.h"

/* Of status.c, which reports it. */
#define ALARM_NOTHING_CAPTURED "NothingCaptured"

/* What was counted before this process, whose alarms an earlier one has logged. */
void alarms_begin(struct instance *in, const json_t *kernel);
/* Logs each alarm when it begins, and each time a counter has grown. Call it every few seconds;
 * kernel: of nsg_kernel_status. */
void alarms_watch(struct instance *in, const json_t *kernel);
/* A warning for each alarm that is on, with the alarm's code. */
void alarms_report(const struct instance *in, const json_t *kernel, struct nsg_diag *diag);

/* The codes of all alarms, from 0 on; NULL after the last. */
const char *alarms_code(size_t i);

#endif
