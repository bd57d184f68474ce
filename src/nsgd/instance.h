/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a running nsgd has in force. daemon.c starts and stops it, reload.c replaces its
 * configuration and policy, status.c reports it. Main thread only. */
#ifndef NSG_NSGD_INSTANCE_H
#define NSG_NSGD_INSTANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "engine/engine.h"
#include "kernel/kernel.h"
#include "nsgd/answers.h"
#include "nsgd/live.h"
#include "nsgd/policy.h"
#include "nsgd/store.h"
#include "nsgd/trace.h"
#include "nsgd/watch.h"

/* What was last seen of each, so that a change is logged once. */
#define ALARM_COUNTERS 7
#define ALARM_STATES 4
struct alarms {
	uint64_t counts[ALARM_COUNTERS];
	bool on[ALARM_STATES];
};

struct instance {
	const char *conf_path;
	bool conf_may_be_absent;
	/* Keys that need a restart are used as they were at the start, all others as they are now.
	 * The two may be the same object. */
	struct nsg_conf *conf_start, *conf;

	struct policy *policy;
	uint32_t generation; /* of the policy tried last; not in force when its reload failed */

	struct store store;
	struct nsg_kernel *kernel;
	struct nsg_engine *engine;
	struct reloader *reloader;
	struct live *live; /* NULL: no [bgp] table */
	struct trace *trace;
	struct answers *answers;
	struct flow_log *flow_log; /* NULL: none is written */
	struct watch *watch;	   /* NULL: the policy directory is not watched */

	uint64_t started_ns;  /* CLOCK_MONOTONIC */
	uint64_t captured_ns; /* when packets were last seen to arrive, or the start */
	uint64_t captured_packets;
	uint64_t loaded_time_ns; /* wall clock */
	uint64_t reloads, reloads_failed, repairs;
	bool reload_failed; /* the last one */
	struct alarms alarms;
	struct metrics_file *metrics_file; /* NULL: none is written */
	unsigned int n_route_lists;	   /* that clients are being sent */
};

#endif
