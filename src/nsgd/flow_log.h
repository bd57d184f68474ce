/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * [flow-log]: the flows of the virtual network as Azure's flow logs have them. Allowed flows are the
 * kernel's connections, with their counters; denied ones are the workers' trace records. A block a
 * minute is written.
 */
#ifndef NSG_NSGD_FLOW_LOG_H
#define NSG_NSGD_FLOW_LOG_H

#include <jansson.h>
#include <systemd/sd-event.h>

#include "nsgd/instance.h"
#include "observe/ring.h"

struct flow_log;

/* *ret is NULL without [flow-log] directory. A failure is logged. -errno. */
int flow_log_new(sd_event *event, struct instance *in, struct flow_log **ret);
/* A packet that was decided; it is a flow's if it was denied. NULL is fine. */
void flow_log_take(struct flow_log *f, const struct nsg_trace_record *record);
/* For `status`: {"directory","flows","lost"}, or null. */
json_t *flow_log_json(struct flow_log *f);
/* Writes what there is. After the records were read, before the marks of connections are removed.
 * NULL is fine; returns NULL. */
struct flow_log *flow_log_free(struct flow_log *f);

#endif
