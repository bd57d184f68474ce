/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's state, one for the process, and what its parts do with it. Main thread only. */
#ifndef NSG_NSGD_DAEMON_H
#define NSG_NSGD_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "control/control.h"
#include "engine/engine.h"
#include "nsgd/policy.h"

struct server;
struct watch;

struct daemon {
	const char *conf_path;
	bool conf_may_be_absent;
	/* Restart keys count as they stood at start, all others as they stand now. May be one. */
	struct nsg_conf *conf_start, *conf;
	struct nsg_marks marks;

	struct policy *policy; /* in force */
	uint32_t generation;   /* used last, by a reload that failed too */

	struct nsg_kernel *kernel;
	struct nsg_engine *engine;
	char *socket_path;
	struct server *server;
	struct watch *watch;

	sd_event *event;
	sd_event_source *kernel_source, *trace_source, *trace_timer, *watchdog_source, *look_source;
	uint64_t watchdog_usec; /* 0: nobody watches */

	uint64_t started_ns;  /* CLOCK_MONOTONIC */
	uint64_t captured_ns; /* when packets were last seen to come, or the start */
	uint64_t captured_packets;
	uint64_t loaded_time_ns; /* wall clock */
	uint64_t reloads, reloads_failed, repairs, trace_lost;
};

/* ---- daemon.c ---------------------------------------------------------------------------------
 */

/* Everything from nsgd.conf to a table in the kernel; whatever fails is logged, and nothing of ours
 * is left in the kernel. */
enum nsg_exit daemon_start(struct daemon *d);
/* Until a signal ends it. */
enum nsg_exit daemon_run(struct daemon *d);
/* Neutralise, drain, unbind, take everything back. Also of a start that failed. Not DONE when
 * something of ours may be left in the kernel: --cleanup is needed. */
enum nsg_exit daemon_stop(struct daemon *d);
/* `nsgd --check`, `nsgd --cleanup`. */
enum nsg_exit daemon_check(struct daemon *d);
enum nsg_exit daemon_cleanup(struct daemon *d);

/* What an error means to whoever waits for an exit status. */
enum nsg_exit daemon_exit_of(int r);

/* ---- reload.c ---------------------------------------------------------------------------------
 */

/* nsgd.conf (unless `policy_only`) and the policy, as a transaction: all of it, or nothing and why.
 * Logs the diagnostics too. */
enum nsg_exit daemon_reload(struct daemon *d, bool policy_only, struct nsg_diag *diag);

/* ---- trace.c ----------------------------------------------------------------------------------
 */

/* Adds the event source of the workers' rings. -errno. */
int daemon_trace_start(struct daemon *d);
/* Asks the workers for what the log and the clients want now. */
void daemon_trace_update(struct daemon *d);
/* Empties the rings into the log and to the clients. */
void daemon_trace_drain(struct daemon *d);

/* ---- status.c ---------------------------------------------------------------------------------
 */

/* The verbs' items. New references or NULL; a warning when nothing comes goes to diag. */
json_t *daemon_status(struct daemon *d, struct nsg_diag *diag);
json_t *daemon_stats(struct daemon *d);
/* Looks whether packets came since the last time; every few seconds. */
void daemon_watch_capture(struct daemon *d);

#endif
