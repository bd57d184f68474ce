/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/daemon.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "nsgd/decision_log.h"
#include "nsgd/flow_log.h"
#include "nsgd/flows.h"
#include "nsgd/handover.h"
#include "nsgd/confine.h"
#include "nsgd/instance.h"
#include "nsgd/job.h"
#include "nsgd/log.h"
#include "nsgd/metrics.h"
#include "nsgd/reload.h"
#include "nsgd/server.h"
#include "nsgd/status.h"
#include "nsgd/verbs.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/limits.h"
#include "util/macro.h"

#define DRAIN_TIMEOUT_NS 3000000000u
#define HEALTH_USEC 5000000u
/* after a change of the kernel */
#define HEALTH_SOON_USEC 500000u

struct daemon {
	struct instance in;
	char *socket_path;
	struct server *server;
	sd_event *event;
	sd_event_source *kernel_source, *watchdog_timer, *health_timer;
	uint64_t watchdog_usec; /* 0: no service manager waits for it */
	bool restarting;	/* everything stays for the next process */
};

/* Logs the diagnostics of a step, and its error when no diagnostic does. Returns r. */
static int report(int r, const char *what, struct nsg_diag *diag)
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
	int r = load(d->in.conf_path, d->in.conf_may_be_absent, &diag, &d->in.conf_start);
	bool reported = diag.n_errors;

	if (report(r, d->in.conf_path, &diag) < 0)
		return reported ? NSG_EXIT_POLICY : nsg_exit_from(r);
	d->in.conf = d->in.conf_start;
	log_open(d->in.conf->instance, d->in.conf->log_level);
	if (asprintf(&d->socket_path, "%s/%s.sock", NSG_CONTROL_DIRECTORY, d->in.conf->instance) <
	    0) {
		d->socket_path = NULL;
		return NSG_EXIT_FAILED;
	}
	return NSG_EXIT_DONE;
}

static enum nsg_exit read_live(struct daemon *d)
{
	struct nsg_diag diag = {0};

	if (!d->in.conf->bgp_table)
		return NSG_EXIT_DONE;
	return nsg_exit_from(
	    report(live_new(d->in.conf_start, &diag, &d->in.live), "live routes", &diag));
}

static enum nsg_exit load_policy(struct daemon *d)
{
	struct nsg_diag diag = {0};
	const struct load load = {
	    .conf = d->in.conf, .live = live_begin_load(d->in.live), .diag = &diag};
	int r = policy_load(&load, &d->in.policy);
	bool reported = diag.n_errors;

	live_loaded(d->in.live, r >= 0, NULL);

	if (report(r, d->in.conf->policy, &diag) < 0)
		return reported ? NSG_EXIT_POLICY : nsg_exit_from(r);
	return NSG_EXIT_DONE;
}

static int report_kernel(int r, struct nsg_diag *diag)
{
	if (report(r, "kernel", diag) == -EPERM)
		log_error("not permitted: nsgd needs CAP_NET_ADMIN in this network namespace");
	return r;
}

static enum nsg_exit open_kernel(struct daemon *d)
{
	struct nsg_diag diag = {0};
	int r = report_kernel(nsg_kernel_open(d->in.conf_start, &diag, &d->in.kernel), &diag);

	return nsg_exit_from(r < 0 ? r : live_attach(d->in.live, d->in.kernel));
}

static enum nsg_exit place(struct daemon *d, bool strict)
{
	struct nsg_diag diag = {0};
	int r = policy_place(d->in.policy, d->in.conf, d->in.kernel, strict, &diag);

	if (report(r, "next hops", &diag) < 0)
		return r == -EINVAL ? NSG_EXIT_POLICY : nsg_exit_from(r);
	return NSG_EXIT_DONE;
}

/* One processor is left to the programs that send the packets. */
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
	/* the last queue number is not used, see nsg_conf_set_queue */
	most = (uint32_t)UINT16_MAX - conf->queue_first;
	return n < most ? n : most;
}

static int start_engine(void *daemon, struct nsg_diag *diag)
{
	struct daemon *d = daemon;
	const struct nsg_conf *c = d->in.conf_start;
	struct nsg_engine_options options = {
	    .queue_first = c->queue_first,
	    .n_workers = workers_of(c),
	    .queue_length = c->queue_length,
	    .audit = c->audit,
	    /* audit must not drop */
	    .overflow_accept = c->overflow_accept || c->audit,
	    .remember_denied = c->offload && (c->denied_seconds > 0 || c->answers),
	    .down_accept = c->down_accept || c->audit,
	};
	int r = nsg_marks_init(c->mark_mask, &options.marks);

	if (r < 0)
		return r;
	return nsg_engine_start(&options, &d->in.policy->engine, d->in.store.queues, diag,
				&d->in.engine);
}

/* The queues must be bound before a rule sends packets to them. */
static int start_deciding(struct daemon *d, struct nsg_diag *diag)
{
	int r;

	policy_number(d->in.policy, d->in.generation, NULL);
	r = start_engine(d, diag);
	if (r < 0)
		return r;
	handover_keep(&d->in);
	r = nsg_kernel_start(d->in.kernel, d->in.policy->engine.image, &d->in.policy->numbers,
			     d->in.generation, nsg_engine_n_rings(d->in.engine), diag);
	if (r < 0)
		d->in.engine = nsg_engine_stop(d->in.engine);
	return r;
}

static int take_table(struct daemon *d)
{
	return d->in.store.table < 0 ? 0 : nsg_kernel_take_table(d->in.kernel, &d->in.store.table);
}

/* For removal only [nsgd] and [route] matter; captured users and cgroups may not exist any more. */
static int open_to_remove(struct daemon *d, struct nsg_diag *diag)
{
	d->in.conf_start->users.n = 0;
	d->in.conf_start->cgroups.n = 0;
	if (d->in.kernel)
		return 0;
	return nsg_kernel_open(d->in.conf_start, diag, &d->in.kernel);
}

/* For a start that failed before it had the control socket: removes what a crashed nsgd left,
 * unless another nsgd of this instance is running. */
static void sweep(struct daemon *d)
{
	cleanup_close int alive = nsg_control_connect(d->socket_path);
	struct nsg_diag diag = {0};

	if (alive < 0 && open_to_remove(d, &diag) >= 0 && take_table(d) >= 0)
		(void)nsg_kernel_cleanup(d->in.kernel, &diag);
	nsg_diag_done(&diag);
}

static enum nsg_exit answer(void *instance, const char *verb, const json_t *args,
			    server_data_fn *data, void *closure, struct nsg_diag *diag)
{
	return verb_answer(instance, verb, args, data, closure, diag);
}

static int begin_flows(void *instance, struct nsg_diag *diag, struct server_stream **ret)
{
	return flows_begin(instance, diag, ret);
}

static uint64_t ask_for_reload(void *instance)
{
	return reload_request(((struct instance *)instance)->reloader, false);
}

static void trace_changed(void *instance)
{
	trace_update(((struct instance *)instance)->trace);
}

static const struct server_ops server_ops = {
    .idle_usec = (uint64_t)NSG_CONTROL_IDLE_SECONDS * 1000000u,
    .answer = answer,
    .flows = begin_flows,
    .reload = ask_for_reload,
    .trace_changed = trace_changed,
};

/* Without the table of an earlier nsgd. */
static enum nsg_exit start_anew(struct daemon *d)
{
	struct nsg_diag diag = {0};
	enum nsg_exit status;
	int r = report(nsg_kernel_silence(d->in.kernel, &diag),
		       "silencing the rules of an earlier nsgd", &diag);

	if (r < 0)
		return nsg_exit_from(r);
	status = place(d, false);
	if (status)
		return status;
	return nsg_exit_from(report(start_deciding(d, &diag), "start", &diag));
}

static enum nsg_exit take_over(struct daemon *d, bool *ret_taken)
{
	struct nsg_diag diag = {0};
	int r = handover_take_over(&d->in, workers_of(d->in.conf_start), start_engine, d, &diag);
	bool invalid = r == -EINVAL;

	*ret_taken = r != -ESTALE;
	if (r == -ESTALE)
		r = 0;
	if (report(r, "taking over", &diag) < 0)
		return invalid ? NSG_EXIT_POLICY : nsg_exit_from(r);
	return NSG_EXIT_DONE;
}

static void open_store(struct daemon *d)
{
	struct nsg_diag diag = {0};

	store_open(&d->in.store, d->in.conf_start, &diag);
	(void)report(0, "descriptors of the service manager", &diag);
}

static enum nsg_exit bring_up(struct daemon *d)
{
	struct nsg_diag diag = {0};
	enum nsg_exit status;
	bool taken = false;
	int r;

	status = open_kernel(d);
	if (status)
		return status;
	/* The owner of the control socket is the instance: only it may touch what is in the kernel. */
	r = report(server_new(d->event, d->socket_path, &server_ops, &d->in, &diag, &d->server),
		   d->socket_path, &diag);
	if (r < 0)
		return nsg_exit_from(r);
	r = report(take_table(d), "taking over the table", &diag);
	if (r < 0)
		return nsg_exit_from(r);
	if (d->in.store.record)
		status = take_over(d, &taken);
	if (!status && !taken)
		status = start_anew(d);
	if (status && !d->in.engine)
		(void)report(nsg_kernel_cleanup(d->in.kernel, &diag),
			     "removing the rules of an earlier nsgd", &diag);
	if (!status)
		handover_save(&d->in, NULL);
	return status;
}

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

/* ---- the event loop -------------------------------------------------------------------------- */

/* For the next process of a restart everything stays, if the service manager holds it. */
static bool is_restarting(const struct daemon *d)
{
	uint32_t stored;

	return d->in.store.n_held && job_ask(&stored) == JOB_RESTART &&
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
	r = report(nsg_kernel_process(d->in.kernel, &diag), "watching the kernel", &diag);
	if (r > 0)
		d->in.repairs += (uint64_t)r;
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

static int add_sources(struct daemon *d)
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
	accounting_begin(&d->in.accounting);
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

static void log_ready(const struct daemon *d)
{
	struct nsg_image_info info = nsg_image_info(d->in.policy->engine.image);

	log_notice("%s: %s, %u rules, %u routes, %u next hops, queue %u, %u workers",
		   d->in.conf_start->instance, d->in.conf_start->audit ? "auditing" : "deciding",
		   info.n_rules, info.n_routes, info.n_hops, d->in.conf_start->queue_first,
		   nsg_engine_n_rings(d->in.engine));
	(void)sd_notify(0, d->in.conf_start->audit ? "READY=1\nSTATUS=auditing"
						   : "READY=1\nSTATUS=deciding");
}

static enum nsg_exit start(struct daemon *d)
{
	cleanup_close int filter = -1;
	enum nsg_exit status;
	int r;

	r = prepare_loop(d);
	if (r < 0) {
		log_error("event loop: %s", strerror(-r));
		return NSG_EXIT_FAILED;
	}
	status = read_live(d);
	if (status)
		return status;
	status = load_policy(d);
	if (status)
		return status;
	r = confine_prepare(&filter);
	if (r < 0)
		log_warning("cannot prepare the filter of system calls: %s", strerror(-r));
	status = bring_up(d);
	if (status)
		return status;
	r = add_sources(d);
	if (r < 0) {
		log_error("event loop: %s", strerror(-r));
		return NSG_EXIT_FAILED;
	}
	d->in.loaded_time_ns = nsg_clock_ns(CLOCK_REALTIME);
	d->in.started_ns = d->in.captured_ns = nsg_clock_ns(CLOCK_MONOTONIC);
	metrics_write_file(&d->in);
	r = filter < 0 ? 0 : confine(filter);
	if (r < 0)
		log_warning("cannot filter system calls: %s", strerror(-r));
	log_ready(d);
	return NSG_EXIT_DONE;
}

static enum nsg_exit load_and_start(struct daemon *d)
{
	enum nsg_exit status = load_conf(d, nsg_conf_load);

	if (status)
		return status;
	open_store(d);
	status = start(d);
	if (status && !d->server)
		sweep(d);
	return status;
}

static enum nsg_exit loop(struct daemon *d)
{
	int r = sd_event_loop(d->event);

	if (r >= 0)
		return (enum nsg_exit)r;
	log_error("event loop: %s", strerror(-r));
	return NSG_EXIT_FAILED;
}

/* ---- stop ------------------------------------------------------------------------------------ */

static int stop_deciding(struct daemon *d)
{
	struct nsg_diag diag = {0};
	int r;

	if (d->in.answers)
		answers_before_reload(d->in.answers);
	r = report(nsg_kernel_neutralise(d->in.kernel, &diag), "stopping the capture", &diag);
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
	d->in.engine = nsg_engine_stop(d->in.engine);
	accounting_end(&d->in.accounting);
	return report(nsg_kernel_cleanup(d->in.kernel, &diag),
		      "removing everything from the kernel", &diag);
}

/* What the workers have received has its verdict, the rest waits. */
static void leave(struct daemon *d)
{
	trace_drain(d->in.trace);
	d->in.flow_log = flow_log_free(d->in.flow_log);
	d->in.trace = trace_free(d->in.trace);
	d->in.engine = nsg_engine_stop(d->in.engine);
}

/* Also after a start that failed. Not DONE when something of this instance may be left in the
 * kernel: --cleanup is needed then. */
static enum nsg_exit stop(struct daemon *d)
{
	enum nsg_exit status = NSG_EXIT_DONE;

	if (d->in.engine) {
		(void)sd_notify(0, "STOPPING=1\nSTATUS=stopping");
		metrics_remove_file(&d->in);
		if (d->restarting)
			leave(d);
		else
			status = nsg_exit_from(stop_deciding(d));
	}
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
	if (!reloader_free(d->in.reloader)) {
		log_notice("exiting while a load of the policy runs");
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
		status = loop(&d);
	status = finish(&d, status);
	return status == NSG_EXIT_POLICY ? DAEMON_EXIT_CONFIG : (int)status;
}

static enum nsg_exit check(struct daemon *d)
{
	enum nsg_exit status = load_conf(d, nsg_conf_load);

	if (status)
		return status;
	status = read_live(d);
	if (status)
		return status;
	status = load_policy(d);
	if (status)
		return status;
	status = open_kernel(d);
	if (status)
		return status;
	return place(d, true);
}

enum nsg_exit daemon_check(const char *conf_path, bool conf_may_be_absent)
{
	struct daemon d = daemon_of(conf_path, conf_may_be_absent);

	return finish(&d, check(&d));
}

/* After the main process of a unit has ended (ExecStopPost=): the next one is about to start. */
static bool next_takes_over(void)
{
	static const char *const deaths[] = {"signal", "core-dump", "watchdog", "oom-kill"};
	const char *result = getenv("SERVICE_RESULT");
	enum job job;
	uint32_t stored;

	if (!result)
		return false;
	job = job_ask(&stored);
	for (size_t i = 0; job <= JOB_NONE && i < NSG_ARRAY_SIZE(deaths); i++)
		if (strcmp(result, deaths[i]) == 0)
			return true;
	return job == JOB_RESTART;
}

static enum nsg_exit cleanup(struct daemon *d)
{
	struct nsg_diag diag = {0};
	enum nsg_exit status = load_conf(d, nsg_conf_load_names);
	cleanup_close int alive = -1;
	int r;

	if (status)
		return status;
	if (next_takes_over()) {
		log_info("everything stays for the next process");
		return NSG_EXIT_DONE;
	}
	alive = nsg_control_connect(d->socket_path);
	if (alive >= 0) {
		log_error("instance %s is running: stop it first", d->in.conf->instance);
		return NSG_EXIT_FAILED;
	}
	r = report_kernel(open_to_remove(d, &diag), &diag);
	if (r < 0)
		return nsg_exit_from(r);
	r = nsg_kernel_cleanup(d->in.kernel, &diag);
	return nsg_exit_from(report(r, "removing everything from the kernel", &diag));
}

enum nsg_exit daemon_cleanup(const char *conf_path, bool conf_may_be_absent)
{
	struct daemon d = daemon_of(conf_path, conf_may_be_absent);

	return finish(&d, cleanup(&d));
}
