/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/daemon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "nsgd/confine.h"
#include "nsgd/daemon_priv.h"
#include "nsgd/decision_log.h"
#include "nsgd/flow_log.h"
#include "nsgd/flows.h"
#include "nsgd/handover.h"
#include "nsgd/job.h"
#include "nsgd/log.h"
#include "nsgd/metrics.h"
#include "nsgd/metrics_file.h"
#include "nsgd/reload.h"
#include "nsgd/status.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/macro.h"

#define DRAIN_TIMEOUT_NS 3000000000u
#define READY_TRIES 3

/* ---- start ----------------------------------------------------------------------------------- */

static void log_ready(const struct daemon *d)
{
	const char *ready =
	    d->in.conf_start->audit ? "READY=1\nSTATUS=auditing" : "READY=1\nSTATUS=deciding";
	struct nsg_image_info info = nsg_image_info(d->in.policy->engine.image);

	log_notice("%s: %s, %u rules, %u routes, %u next hops, queue %u, %u workers",
		   d->in.conf_start->instance, d->in.conf_start->audit ? "auditing" : "deciding",
		   info.n_rules, info.n_routes, info.n_hops, d->in.conf_start->queue_first,
		   nsg_engine_n_rings(d->in.engine));
	/* without it, the service manager ends a start that has succeeded */
	for (int i = 0; i < READY_TRIES && sd_notify(0, ready) < 0; i++)
		;
}

static enum nsg_exit start(struct daemon *d)
{
	cleanup_close int filter = -1;
	enum nsg_exit status;
	int r;

	r = confine_start();
	if (r < 0)
		log_warning("cannot filter system calls during the start: %s", strerror(-r));
	r = daemon_prepare_loop(d);
	if (r < 0) {
		log_error("event loop: %s", strerror(-r));
		return NSG_EXIT_FAILED;
	}
	status = daemon_read_live(d);
	if (status)
		return status;
	status = daemon_load_policy(d);
	if (status)
		return status;
	r = confine_prepare(&filter);
	if (r < 0)
		log_warning("cannot prepare the system call filter: %s", strerror(-r));
	status = daemon_bring_up(d);
	if (status)
		return status;
	r = daemon_add_sources(d);
	if (r < 0) {
		log_error("event loop: %s", strerror(-r));
		return NSG_EXIT_FAILED;
	}
	d->in.loaded_time_ns = nsg_clock_ns(CLOCK_REALTIME);
	status_begin(&d->in);
	handover_save(&d->in, NULL);
	metrics_write_file(&d->in);
	r = filter < 0 ? 0 : confine(filter);
	if (r < 0)
		log_warning("cannot filter system calls: %s", strerror(-r));
	log_ready(d);
	return NSG_EXIT_DONE;
}

static enum nsg_exit load_and_start(struct daemon *d)
{
	enum nsg_exit status = daemon_load_conf(d, nsg_conf_load);

	if (status) {
		daemon_sweep_recorded(d);
		return status;
	}
	daemon_open_store(d);
	status = start(d);
	if (status && !d->server)
		daemon_sweep(d);
	return status;
}

/* ---- stop ------------------------------------------------------------------------------------ */

static int stop_deciding(struct daemon *d)
{
	struct nsg_diag diag = {0};
	int r;

	if (d->in.answers)
		answers_before_reload(d->in.answers);
	r = daemon_report(nsg_kernel_neutralise(d->in.kernel, &diag), "stopping the capture",
			  &diag);
	if (r >= 0) {
		r = nsg_engine_drain(d->in.engine, DRAIN_TIMEOUT_NS);
		if (r < 0)
			log_warning("the queue did not drain: %s", strerror(-r));
	}
	if (d->in.trace)
		trace_drain(d->in.trace);
	d->in.flow_log = flow_log_free(d->in.flow_log);
	d->in.trace = trace_free(d->in.trace);
	decision_log_watch(true);
	daemon_stop_engine(d);
	accounting_end(d->in.conf_start->instance);
	return daemon_report(nsg_kernel_cleanup(d->in.kernel, &diag),
			     "removing everything from the kernel", &diag);
}

/* What the workers have received has its verdict, the rest waits. */
static void leave(struct daemon *d)
{
	answers_before_reload(d->in.answers);
	trace_drain(d->in.trace);
	d->in.flow_log = flow_log_free(d->in.flow_log);
	d->in.trace = trace_free(d->in.trace);
	decision_log_watch(true);
	daemon_stop_engine(d);
}

/* Also after a start that failed. Not DONE when something of this instance may be left in the
 * kernel: --cleanup is needed then. */
static enum nsg_exit stop(struct daemon *d)
{
	enum nsg_exit status = NSG_EXIT_DONE;

	if (d->in.engine) {
		(void)sd_notify(0, "STOPPING=1\nSTATUS=stopping");
		if (d->restarting)
			leave(d);
		else
			status = nsg_exit_from(stop_deciding(d));
	}
	d->in.metrics_file = metrics_file_free(d->in.metrics_file);
	if (!d->restarting)
		store_forget(&d->in.store);
	d->server = server_free(d->server);
	return status;
}

static void free_all(struct daemon *d)
{
	store_done(&d->in.store);
	live_free(d->in.live);
	watch_free(d->in.watch);
	answers_free(d->in.answers);
	sd_event_source_disable_unref(d->kernel_source);
	sd_event_source_disable_unref(d->watchdog_timer);
	sd_event_source_disable_unref(d->health_timer);
	nsg_kernel_free(d->in.kernel);
	policy_unref(d->in.policy);
	if (d->in.conf != d->in.conf_start)
		nsg_conf_free(d->in.conf);
	nsg_conf_free(d->in.conf_start);
	sd_event_unref(d->event);
	free(d->socket_path);
}

/* ---- what main() calls ----------------------------------------------------------------------- */

static struct daemon daemon_of(const char *conf_path, bool conf_may_be_absent)
{
	struct daemon d = {
	    .in = {.conf_path = conf_path, .conf_may_be_absent = conf_may_be_absent},
	};

	store_init(&d.in.store);
	return d;
}

static enum nsg_exit finish(struct daemon *d, enum nsg_exit status)
{
	enum nsg_exit stopped = stop(d);

	if (!status)
		status = stopped;
	if (d->stuck || !reloader_free(d->in.reloader)) {
		if (!d->stuck)
			log_notice("exiting while the policy is being loaded");
		log_close();
		_exit((int)status);
	}
	free_all(d);
	log_close();
	return status;
}

int daemon_run(const char *conf_path, bool conf_may_be_absent)
{
	struct daemon d = daemon_of(conf_path, conf_may_be_absent);
	enum nsg_exit status = load_and_start(&d);

	if (!status)
		status = daemon_loop(&d);
	status = finish(&d, status);
	return status == NSG_EXIT_POLICY ? DAEMON_EXIT_CONFIG : (int)status;
}

static enum nsg_exit check(struct daemon *d)
{
	enum nsg_exit status = daemon_load_conf(d, nsg_conf_load);

	if (status)
		return status;
	status = daemon_read_live(d);
	if (status)
		return status;
	status = daemon_load_policy(d);
	if (status)
		return status;
	status = daemon_open_kernel(d);
	if (status)
		return status;
	return daemon_place(d, true);
}

enum nsg_exit daemon_check(const char *conf_path, bool conf_may_be_absent)
{
	struct daemon d = daemon_of(conf_path, conf_may_be_absent);

	return finish(&d, check(&d));
}

/*
 * After the main process of a unit has ended (ExecStopPost=): whether the next one is about to start, and
 * finds everything as this one has left it.
 *
 *                                             job   stop     restart   start, reload, none, unknown
 *     signal, core-dump, watchdog, oom-kill         remove   keep      keep: Restart= applies
 *     another result: a stop, a failed start        remove   keep      remove
 */
static bool next_takes_over(void)
{
	static const char *const deaths[] = {"signal", "core-dump", "watchdog", "oom-kill"};
	const char *result = getenv("SERVICE_RESULT");
	enum job job;
	uint32_t stored;

	if (!result)
		return false;
	job = job_ask(&stored);
	for (size_t i = 0; job != JOB_STOP && i < NSG_ARRAY_SIZE(deaths); i++)
		if (strcmp(result, deaths[i]) == 0)
			return true;
	return job == JOB_RESTART;
}

static enum nsg_exit cleanup(struct daemon *d)
{
	struct nsg_diag diag = {0};
	enum nsg_exit status = daemon_load_conf(d, nsg_conf_load_names);
	cleanup_close int alive = -1;
	int r;

	if (status)
		return status;
	if (next_takes_over()) {
		log_info("everything is kept for the next process");
		return NSG_EXIT_DONE;
	}
	alive = nsg_control_connect(d->socket_path);
	if (alive >= 0) {
		log_error("instance %s is running: stop it first", d->in.conf->instance);
		return NSG_EXIT_FAILED;
	}
	r = daemon_report_kernel(daemon_open_to_remove(d, &diag), &diag);
	if (r < 0)
		return nsg_exit_from(r);
	accounting_end(d->in.conf->instance);
	r = nsg_kernel_cleanup(d->in.kernel, &diag);
	return nsg_exit_from(daemon_report(r, "removing everything from the kernel", &diag));
}

int daemon_cleanup(const char *conf_path, bool conf_may_be_absent)
{
	struct daemon d = daemon_of(conf_path, conf_may_be_absent);
	/* of the main process of the unit (ExecStopPost=), which has logged the errors */
	const char *ended = getenv("EXIT_STATUS");
	const bool is_logged = ended && atoi(ended) == DAEMON_EXIT_CONFIG;
	enum nsg_exit status;

	if (is_logged)
		log_open("", LOG_CRIT); /* until the level of the configuration is known */
	status = finish(&d, cleanup(&d));
	return status == NSG_EXIT_POLICY && is_logged ? DAEMON_EXIT_CONFIG : (int)status;
}
