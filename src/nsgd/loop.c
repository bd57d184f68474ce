/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include <systemd/sd-daemon.h>

#include "nsgd/daemon_priv.h"
#include "nsgd/decision_log.h"
#include "nsgd/flow_log.h"
#include "nsgd/flows.h"
#include "nsgd/job.h"
#include "nsgd/log.h"
#include "nsgd/metrics.h"
#include "nsgd/reload.h"
#include "nsgd/status.h"

#define HEALTH_USEC 5000000u
/* after a change of the kernel */
#define HEALTH_SOON_USEC 500000u

static void follow_policy(void *data)
{
	const struct daemon *d = data;

	log_info("the policy directory changed");
	(void)reload_request(d->in.reloader, true);
}

static void follow_routes(void *data)
{
	const struct daemon *d = data;

	reload_request_routes(d->in.reloader);
}

static void on_reloaded(void *data, uint64_t number, enum nsg_exit status, json_t *done,
			const struct nsg_diag *diag)
{
	const struct daemon *d = data;

	server_reloaded(d->server, number, status, done, diag);
}

/* For the next process of a restart everything stays, if the service manager holds it. */
static bool is_restarting(const struct daemon *d)
{
	uint32_t stored;

	return d->in.store.n_held && !d->in.store.incomplete && job_ask(&stored) == JOB_RESTART &&
	       stored >= d->in.store.n_held;
}

static int on_end(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
	struct daemon *d = data;

	d->restarting = info->ssi_signo == SIGTERM && is_restarting(d);
	log_notice("%s: %s", strsignal((int)info->ssi_signo),
		   d->restarting ? "leaving everything to the next process" : "stopping");
	return sd_event_exit(sd_event_source_get_event(source), NSG_EXIT_DONE);
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
	const struct daemon *d = data;

	(void)source;
	(void)info;
	(void)reload_request(d->in.reloader, false);
	return 0;
}

/* A change of the kernel may be an alarm. Further changes do not put it off. */
static void check_soon(struct daemon *d)
{
	uint64_t now, due;

	if (sd_event_now(d->event, CLOCK_MONOTONIC, &now) >= 0 &&
	    sd_event_source_get_time(d->health_timer, &due) >= 0 && due > now + HEALTH_SOON_USEC)
		(void)sd_event_source_set_time(d->health_timer, now + HEALTH_SOON_USEC);
}

static int on_kernel(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct daemon *d = data;
	struct nsg_diag diag = {0};
	int r;

	(void)source;
	(void)fd;
	(void)revents;
	r = daemon_report(nsg_kernel_process(d->in.kernel, &diag), "watching the kernel", &diag);
	if (r > 0)
		d->in.repairs += (uint64_t)r;
	reload_continue(d->in.reloader);
	check_soon(d);
	return 0;
}

static int again_in(sd_event_source *source, uint64_t usec)
{
	int r = sd_event_source_set_time_relative(source, usec);

	return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* Only while every worker runs: the service manager restarts a daemon with a stuck one. */
static int on_watchdog(sd_event_source *source, uint64_t usec, void *data)
{
	struct daemon *d = data;

	(void)usec;
	if (nsg_engine_alive(d->in.engine))
		(void)sd_notify(0, "WATCHDOG=1");
	else
		log_error("a worker is stuck");
	return again_in(source, d->watchdog_usec / 3);
}

/* A queue without its worker only drops: better to exit and be restarted. */
static int on_health_timer(sd_event_source *source, uint64_t usec, void *data)
{
	struct daemon *d = data;
	int failed = nsg_engine_failed(d->in.engine);

	(void)usec;
	if (failed) {
		log_error("a worker's queue failed: %s", strerror(failed));
		return sd_event_exit(d->event, NSG_EXIT_FAILED);
	}
	status_watch(&d->in);
	answers_watch(d->in.answers);
	decision_log_watch(false);
	metrics_write_file(&d->in);
	return again_in(source, HEALTH_USEC);
}

int daemon_add_sources(struct daemon *d)
{
	int r;

	r = sd_event_add_signal(d->event, NULL, SIGTERM, on_end, d);
	if (r < 0)
		return r;
	r = sd_event_add_signal(d->event, NULL, SIGINT, on_end, d);
	if (r < 0)
		return r;
	r = sd_event_add_signal(d->event, NULL, SIGHUP, on_hangup, d);
	if (r < 0)
		return r;
	r = sd_event_add_io(d->event, &d->kernel_source, nsg_kernel_fd(d->in.kernel), EPOLLIN,
			    on_kernel, d);
	if (r < 0)
		return r;
	/* Repairs come before clients and reloads. */
	r = sd_event_source_set_priority(d->kernel_source, SD_EVENT_PRIORITY_IMPORTANT);
	if (r < 0)
		return r;
	r = sd_event_add_time_relative(d->event, &d->health_timer, CLOCK_MONOTONIC, HEALTH_USEC, 0,
				       on_health_timer, d);
	if (r < 0)
		return r;
	if (sd_watchdog_enabled(0, &d->watchdog_usec) > 0) {
		r = sd_event_add_time_relative(d->event, &d->watchdog_timer, CLOCK_MONOTONIC,
					       d->watchdog_usec / 3, 0, on_watchdog, d);
		if (r < 0)
			return r;
	}
	accounting_begin(d->in.conf_start->instance);
	r = answers_new(d->event, &d->in, &d->in.answers);
	if (r < 0)
		return r;
	r = trace_new(d->event, d->in.engine, d->in.kernel, d->server, d->in.conf->log_decisions,
		      &d->in.trace);
	if (r < 0)
		return r;
	r = live_follow(d->in.live, d->event, follow_routes, d);
	if (r < 0)
		return r;
	r = flow_log_new(d->event, &d->in, &d->in.flow_log);
	if (r < 0)
		return r;
	trace_set_flow_log(d->in.trace, d->in.flow_log);
	return server_start(d->server);
}

int daemon_prepare_loop(struct daemon *d)
{
	sigset_t signals;
	int r = sd_event_new(&d->event);

	if (r < 0)
		return r;
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGHUP);
	/* From here on signals wait for the event loop, so that none interrupts the start. */
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		return -errno;
	(void)signal(SIGPIPE, SIG_IGN);
	r = reloader_new(d->event, &d->in, on_reloaded, d, &d->in.reloader);
	if (r < 0)
		return r;
	if (d->in.conf_start->watch) {
		r = watch_new(d->event, follow_policy, d, &d->in.watch);
		if (r < 0)
			return r;
		watch_follow(d->in.watch, d->in.conf->policy);
	}
	return 0;
}

/* The loop goes on after a turn that ran out of memory: an exit would remove the rules. If that does not
 * end, the watchdog is not fed. */
enum nsg_exit daemon_loop(struct daemon *d)
{
	static const struct timespec pause = {.tv_nsec = 10000000};
	int status = 0, r = 0;

	while (r >= 0 && sd_event_get_state(d->event) != SD_EVENT_FINISHED) {
		r = sd_event_run(d->event, UINT64_MAX);
		if (r == -ENOMEM) {
			(void)nanosleep(&pause, NULL);
			r = 0;
		}
	}
	if (r >= 0)
		r = sd_event_get_exit_code(d->event, &status);
	if (r >= 0)
		return (enum nsg_exit)status;
	log_error("event loop: %s", strerror(-r));
	return NSG_EXIT_FAILED;
}
