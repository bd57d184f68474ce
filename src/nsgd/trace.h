/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The workers' trace records, read from their rings and passed to the log and to clients. */
#ifndef NSG_NSGD_TRACE_H
#define NSG_NSGD_TRACE_H

#include <stdint.h>

#include <systemd/sd-event.h>

#include "conf/conf.h"
#include "engine/engine.h"
#include "kernel/kernel.h"
#include "nsgd/server.h"

struct flow_log;
struct trace;

/* Reads from the event loop. `log` is which decisions go to the log. Free it before the engine and
 * the server. -ENOMEM, -errno. */
int trace_new(sd_event *event, struct nsg_engine *engine, struct nsg_kernel *kernel,
	      struct server *server, enum nsg_conf_log_decisions log, struct trace **ret);

/* Denied flows go to the flow log too, which needs each: the kernel answers none by itself. */
void trace_set_flow_log(struct trace *t, struct flow_log *flow_log);
void trace_set_log(struct trace *t, enum nsg_conf_log_decisions log);
/* Makes the workers record what the log and the server's clients need now; while that is every
 * decision, the kernel answers no new flow by itself. NULL is fine. */
void trace_update(struct trace *t);
/* Makes the kernel queue the packets of decided flows that clients want to see. NULL is fine. -errno
 * with a diagnostic; diag NULL: it is logged. */
int trace_filter_packets(struct trace *t, struct nsg_diag *diag);
/* Reads all records that are in the rings. */
void trace_drain(struct trace *t);
/* Records that did not reach a reader: a ring was full, or a client read too slowly. */
uint64_t trace_lost(const struct trace *t);

/* NULL is fine; returns NULL. */
struct trace *trace_free(struct trace *t);

#endif
