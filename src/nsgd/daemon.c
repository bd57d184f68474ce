/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/daemon.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <systemd/sd-daemon.h>

#include "nsgd/log.h"
#include "nsgd/serve.h"
#include "nsgd/watch.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/limits.h"

#define DRAIN_TIMEOUT_NS 3000000000u
#define LOOK_USEC 5000000u

enum nsg_exit daemon_exit_of(int r)
{
	if (r >= 0)
		return NSG_EXIT_DONE;
	return r == -EPERM || r == -EACCES ? NSG_EXIT_NOT_PERMITTED : NSG_EXIT_FAILED;
}

/* Logs a step's diagnostics, and its error where nothing else says it. */
static int say(int r, const char *what, struct nsg_diag *diag)
{
	log_diag(diag);
	if (r < 0 && !diag->n_errors)
		log_error("%s: %s", what, strerror(-r));
	nsg_diag_done(diag);
	*diag = (struct nsg_diag){0};
	return r;
}

/* ---- start ----------------------------------------------------------------------------------- */

typedef int conf_load_fn(const char *path, bool may_be_absent, struct nsg_diag *diag,
			 struct nsg_conf **ret);

static enum nsg_exit load_conf(struct daemon *d, conf_load_fn *load)
{
	struct nsg_diag diag = {0};
	int r = load(d->conf_path, d->conf_may_be_absent, &diag, &d->conf_start);
	bool told = diag.n_errors;

	if (say(r, d->conf_path, &diag) < 0)
		return told ? NSG_EXIT_POLICY : daemon_exit_of(r);
	d->conf = d->conf_start;
	log_open(d->conf->instance, d->conf->log_level);
	if (nsg_marks_init(d->conf->mark_mask, &d->marks) < 0)
		return NSG_EXIT_POLICY;
	if (asprintf(&d->socket_path, "%s/%s.sock", NSG_CONTROL_DIRECTORY, d->conf->instance) < 0) {
		d->socket_path = NULL;
		return NSG_EXIT_FAILED;
	}
	return NSG_EXIT_DONE;
}

static enum nsg_exit load_policy(struct daemon *d)
{
	struct nsg_diag diag = {0};
	int r = policy_load(d->conf, NULL, &diag, &d->policy);
	bool told = diag.n_errors;

	if (say(r, d->conf->policy, &diag) < 0)
		return told ? NSG_EXIT_POLICY : daemon_exit_of(r);
	return NSG_EXIT_DONE;
}

static int say_kernel(int r, struct nsg_diag *diag)
{
	if (say(r, "kernel", diag) == -EPERM)
		log_error("not permitted: nsgd needs CAP_NET_ADMIN in this network namespace");
	return r;
}

static enum nsg_exit open_kernel(struct daemon *d)
{
	struct nsg_diag diag = {0};

	return daemon_exit_of(say_kernel(nsg_kernel_open(d->conf_start, &diag, &d->kernel), &diag));
}

static enum nsg_exit place(struct daemon *d, bool strict)
{
	struct nsg_diag diag = {0};
	int r = policy_place(d->policy, d->conf, d->kernel, strict, &diag);

	if (say(r, "next hops", &diag) < 0)
		return r == -EINVAL ? NSG_EXIT_POLICY : daemon_exit_of(r);
	return NSG_EXIT_DONE;
}

/* One core is left to those whose packets these are. */
static uint32_t workers_of(const struct nsg_conf *conf)
{
	cpu_set_t cpus;
	uint32_t n = 1, most;

	if (conf->workers)
		return conf->workers;
	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		n = (uint32_t)CPU_COUNT(&cpus);
	n = n <= 2 ? 1 : n - 1;
	if (n > NSG_MAX_WORKERS)
		n = NSG_MAX_WORKERS;
	/* the last queue is nobody's, see nsg_conf_set_queue */
	most = (uint32_t)UINT16_MAX - conf->queue_first;
	return n < most ? n : most;
}

static int start_engine(struct daemon *d, struct nsg_diag *diag)
{
	const struct nsg_conf *c = d->conf_start;
	const struct nsg_engine_options options = {
	    .queue_first = c->queue_first,
	    .n_workers = workers_of(c),
	    .queue_length = c->queue_length,
	    .audit = c->audit,
	    /* audit drops nothing */
	    .overflow_accept = c->overflow_accept || c->audit,
	    .remember_denied = c->offload && c->denied_seconds > 0,
	    .marks = d->marks,
	};

	policy_number(d->policy, d->generation, NULL);
	return nsg_engine_start(&options, &d->policy->engine, diag, &d->engine);
}

/* The queues are bound before a rule sends packets there. */
static int take_hold(struct daemon *d, struct nsg_diag *diag)
{
	int r = start_engine(d, diag);

	if (r < 0)
		return r;
	r = nsg_kernel_start(d->kernel, d->policy->engine.image, &d->policy->numbers, d->generation,
			     nsg_engine_n_rings(d->engine), diag);
	if (r < 0)
		d->engine = nsg_engine_stop(d->engine);
	return r;
}

/* Of conf only what names an instance's things counts: who is captured may be gone since. */
static int open_to_remove(struct daemon *d, struct nsg_diag *diag)
{
	d->conf_start->users.n = 0;
	d->conf_start->cgroups.n = 0;
	if (d->kernel)
		return 0;
	return nsg_kernel_open(d->conf_start, diag, &d->kernel);
}

/* A start that failed before it was the instance: a dead predecessor's left-overs go all the same,
 * unless this is a second nsgd beside one that lives. */
static void sweep(struct daemon *d)
{
	cleanup_close int alive = nsg_control_connect(d->socket_path);
	struct nsg_diag diag = {0};

	if (alive < 0 && open_to_remove(d, &diag) >= 0)
		(void)nsg_kernel_cleanup(d->kernel, &diag);
	nsg_diag_done(&diag);
}

static enum nsg_exit bring_up(struct daemon *d)
{
	struct nsg_diag diag = {0};
	enum nsg_exit status;
	int r;

	status = open_kernel(d);
	if (status)
		return status;
	/* Whoever has the control socket is the instance: only then may left-overs be touched. */
	r = say(server_new(d, d->socket_path, &diag, &d->server), d->socket_path, &diag);
	if (r < 0)
		return daemon_exit_of(r);
	r = say(nsg_kernel_hush(d->kernel, &diag), "silencing what an earlier nsgd left", &diag);
	if (r < 0)
		return daemon_exit_of(r);
	status = place(d, false);
	if (!status)
		status = daemon_exit_of(say(take_hold(d, &diag), "start", &diag));
	if (status)
		(void)say(nsg_kernel_cleanup(d->kernel, &diag),
			  "removing what an earlier nsgd left", &diag);
	return status;
}

static void follow_policy(void *closure)
{
	struct nsg_diag diag = {0};

	log_info("the policy directory changed");
	(void)daemon_reload(closure, true, &diag);
	nsg_diag_done(&diag);
}

/* ---- the event loop -------------------------------------------------------------------------- */

static int on_end(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
	(void)data;
	log_notice("%s: stopping", strsignal((int)info->ssi_signo));
	return sd_event_exit(sd_event_source_get_event(source), NSG_EXIT_DONE);
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
	struct nsg_diag diag = {0};

	(void)source;
	(void)info;
	(void)daemon_reload(data, false, &diag);
	nsg_diag_done(&diag);
	return 0;
}

static int on_kernel(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct daemon *d = data;
	struct nsg_diag diag = {0};
	int r;

	(void)source;
	(void)fd;
	(void)revents;
	r = say(nsg_kernel_process(d->kernel, &diag), "watching the kernel", &diag);
	if (r > 0)
		d->repairs += (uint64_t)r;
	return 0;
}

static int again_in(sd_event_source *source, uint64_t usec)
{
	int r = sd_event_source_set_time_relative(source, usec);

	return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* Only while every worker moves: a stuck one is to be ended by the service manager. */
static int on_watchdog(sd_event_source *source, uint64_t usec, void *data)
{
	struct daemon *d = data;

	(void)usec;
	if (nsg_engine_alive(d->engine))
		(void)sd_notify(0, "WATCHDOG=1");
	else
		log_error("a worker does not answer");
	return again_in(source, d->watchdog_usec / 3);
}

/* Whoever started us may start us again; a queue without its worker only drops. */
static int on_look(sd_event_source *source, uint64_t usec, void *data)
{
	struct daemon *d = data;
	int failed = nsg_engine_failed(d->engine);

	(void)usec;
	if (failed) {
		log_error("a worker's queue is dead: %s", strerror(failed));
		return sd_event_exit(d->event, NSG_EXIT_FAILED);
	}
	daemon_watch_capture(d);
	return again_in(source, LOOK_USEC);
}

static int add_sources(struct daemon *d)
{
	int r = sd_event_add_signal(d->event, NULL, SIGTERM, on_end, d);

	if (r >= 0)
		r = sd_event_add_signal(d->event, NULL, SIGINT, on_end, d);
	if (r >= 0)
		r = sd_event_add_signal(d->event, NULL, SIGHUP, on_hangup, d);
	if (r >= 0)
		r = sd_event_add_io(d->event, &d->kernel_source, nsg_kernel_fd(d->kernel), EPOLLIN,
				    on_kernel, d);
	if (r >= 0)
		r = sd_event_add_time_relative(d->event, &d->look_source, CLOCK_MONOTONIC,
					       LOOK_USEC, 0, on_look, d);
	if (r >= 0 && sd_watchdog_enabled(0, &d->watchdog_usec) > 0)
		r = sd_event_add_time_relative(d->event, &d->watchdog_source, CLOCK_MONOTONIC,
					       d->watchdog_usec / 3, 0, on_watchdog, d);
	if (r >= 0)
		r = daemon_trace_start(d);
	if (r >= 0)
		r = server_start(d->server);
	return r < 0 ? r : 0;
}

static int prepare_loop(struct daemon *d)
{
	sigset_t signals;
	int r = sd_event_new(&d->event);

	if (r < 0)
		return r;
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGHUP);
	/* From here on a signal waits for the loop: a start is not left half-way. */
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		return -errno;
	(void)signal(SIGPIPE, SIG_IGN);
	if (d->conf_start->watch) {
		r = watch_new(d->event, follow_policy, d, &d->watch);
		if (r < 0)
			return r;
		watch_follow(d->watch, d->conf->policy);
	}
	return 0;
}

static void say_ready(const struct daemon *d)
{
	struct nsg_image_info info = nsg_image_info(d->policy->engine.image);

	log_notice("%s: %s, %u rules, %u routes, %u next hops, queue %u, %u workers",
		   d->conf_start->instance, d->conf_start->audit ? "auditing" : "deciding",
		   info.n_rules, info.n_routes, info.n_hops, d->conf_start->queue_first,
		   nsg_engine_n_rings(d->engine));
	(void)sd_notify(0, d->conf_start->audit ? "READY=1\nSTATUS=auditing"
						: "READY=1\nSTATUS=deciding");
}

static enum nsg_exit start(struct daemon *d)
{
	enum nsg_exit status;
	int r;

	r = prepare_loop(d);
	if (r < 0) {
		log_error("event loop: %s", strerror(-r));
		return NSG_EXIT_FAILED;
	}
	status = load_policy(d);
	if (status)
		return status;
	status = bring_up(d);
	if (status)
		return status;
	r = add_sources(d);
	if (r < 0) {
		log_error("event loop: %s", strerror(-r));
		return NSG_EXIT_FAILED;
	}
	d->loaded_time_ns = nsg_clock_ns(CLOCK_REALTIME);
	d->started_ns = d->captured_ns = nsg_clock_ns(CLOCK_MONOTONIC);
	say_ready(d);
	return NSG_EXIT_DONE;
}

enum nsg_exit daemon_start(struct daemon *d)
{
	enum nsg_exit status = load_conf(d, nsg_conf_load);

	if (status)
		return status;
	status = start(d);
	if (status && !d->server)
		sweep(d);
	return status;
}

enum nsg_exit daemon_run(struct daemon *d)
{
	int r = sd_event_loop(d->event);

	if (r >= 0)
		return (enum nsg_exit)r;
	log_error("event loop: %s", strerror(-r));
	return NSG_EXIT_FAILED;
}

/* ---- stop ------------------------------------------------------------------------------------ */

static int let_go(struct daemon *d)
{
	struct nsg_diag diag = {0};
	int r;

	r = say(nsg_kernel_neutralise(d->kernel, &diag), "taking the packets off the queue", &diag);
	if (r >= 0) {
		r = nsg_engine_drain(d->engine, DRAIN_TIMEOUT_NS);
		if (r < 0)
			log_warning("the queue does not run empty: %s", strerror(-r));
	}
	daemon_trace_drain(d);
	d->trace_source = sd_event_source_disable_unref(d->trace_source);
	d->engine = nsg_engine_stop(d->engine);
	return say(nsg_kernel_cleanup(d->kernel, &diag), "taking back what is in the kernel",
		   &diag);
}

enum nsg_exit daemon_stop(struct daemon *d)
{
	enum nsg_exit status = NSG_EXIT_DONE;

	if (d->engine) {
		(void)sd_notify(0, "STOPPING=1\nSTATUS=stopping");
		status = daemon_exit_of(let_go(d));
	}
	d->watch = watch_free(d->watch);
	d->server = server_free(d->server);
	sd_event_source_disable_unref(d->trace_source);
	sd_event_source_disable_unref(d->trace_timer);
	sd_event_source_disable_unref(d->kernel_source);
	sd_event_source_disable_unref(d->watchdog_source);
	sd_event_source_disable_unref(d->look_source);
	d->kernel = nsg_kernel_free(d->kernel);
	d->policy = policy_unref(d->policy);
	if (d->conf != d->conf_start)
		nsg_conf_free(d->conf);
	d->conf = NULL;
	d->conf_start = nsg_conf_free(d->conf_start);
	d->event = sd_event_unref(d->event);
	free(d->socket_path);
	d->socket_path = NULL;
	return status;
}

/* ---- without a daemon ------------------------------------------------------------------------ */

enum nsg_exit daemon_check(struct daemon *d)
{
	enum nsg_exit status = load_conf(d, nsg_conf_load);

	if (!status)
		status = load_policy(d);
	if (!status)
		status = open_kernel(d);
	if (!status)
		status = place(d, true);
	return status;
}

enum nsg_exit daemon_cleanup(struct daemon *d)
{
	struct nsg_diag diag = {0};
	enum nsg_exit status = load_conf(d, nsg_conf_load_names);
	cleanup_close int alive = -1;
	int r;

	if (status)
		return status;
	alive = nsg_control_connect(d->socket_path);
	if (alive >= 0) {
		log_error("nsgd %s is running: stop it first", d->conf->instance);
		return NSG_EXIT_FAILED;
	}
	r = say_kernel(open_to_remove(d, &diag), &diag);
	if (r >= 0)
		r = say(nsg_kernel_cleanup(d->kernel, &diag), "taking back what is in the kernel",
			&diag);
	return daemon_exit_of(r);
}
