/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "explain/explain.h"
#include "nsgd/daemon_priv.h"
#include "nsgd/flows.h"
#include "nsgd/handover.h"
#include "nsgd/log.h"
#include "nsgd/reload.h"
#include "nsgd/route_list.h"
#include "nsgd/verbs.h"
#include "util/cleanup.h"
#include "util/limits.h"

#define REST_TIMEOUT_NS 3000000000u

int daemon_report(int r, const char *what, struct nsg_diag *diag)
{
	log_diag(diag);
	if (r < 0 && !diag->n_errors)
		log_error("%s: %s", what, strerror(-r));
	nsg_diag_done(diag);
	*diag = (struct nsg_diag){0};
	return r;
}

static int name_socket(struct daemon *d)
{
	if (asprintf(&d->socket_path, "%s/%s.sock", NSG_CONTROL_DIRECTORY, d->in.conf->instance) >=
	    0)
		return 0;
	d->socket_path = NULL;
	return -ENOMEM;
}

enum nsg_exit daemon_load_conf(struct daemon *d, conf_load_fn *load)
{
	struct nsg_diag diag = {0};
	int r = load(d->in.conf_path, d->in.conf_may_be_absent, &diag, &d->in.conf_start);
	bool reported = diag.n_errors;

	if (daemon_report(r, d->in.conf_path, &diag) < 0)
		return reported ? NSG_EXIT_POLICY : nsg_exit_from(r);
	d->in.conf = d->in.conf_start;
	log_open(d->in.conf->instance, d->in.conf->log_level);
	return nsg_exit_from(daemon_report(name_socket(d), "control socket", &diag));
}

enum nsg_exit daemon_read_live(struct daemon *d)
{
	struct nsg_diag diag = {0};

	if (!d->in.conf->bgp_table)
		return NSG_EXIT_DONE;
	return nsg_exit_from(
	    daemon_report(live_new(d->in.conf_start, &diag, &d->in.live), "live routes", &diag));
}

enum nsg_exit daemon_load_policy(struct daemon *d)
{
	struct nsg_diag diag = {0};
	struct load load = policy_source(d->in.conf);
	bool reported;
	int r;

	load.options.live = live_begin_load(d->in.live);
	r = policy_load(&load, &diag, &d->in.policy);
	reported = diag.n_errors;
	live_loaded(d->in.live, r >= 0, NULL);

	if (daemon_report(r, d->in.conf->policy, &diag) < 0)
		return reported ? NSG_EXIT_POLICY : nsg_exit_from(r);
	return NSG_EXIT_DONE;
}

int daemon_report_kernel(int r, struct nsg_diag *diag)
{
	if (daemon_report(r, "kernel", diag) == -EPERM)
		log_error("not permitted: nsgd needs CAP_NET_ADMIN in this network namespace");
	return r;
}

static int open_kernel(struct daemon *d, struct nsg_diag *diag)
{
	int r;

	r = nsg_kernel_open(d->in.conf_start, diag, &d->in.kernel);
	if (r < 0)
		return r;
	return handover_set_former(&d->in);
}

enum nsg_exit daemon_open_kernel(struct daemon *d)
{
	struct nsg_diag diag = {0};
	int r = daemon_report_kernel(open_kernel(d, &diag), &diag);

	if (r == -EINVAL)
		return NSG_EXIT_POLICY;
	return nsg_exit_from(r < 0 ? r : live_attach(d->in.live, d->in.kernel));
}

enum nsg_exit daemon_place(struct daemon *d, bool strict)
{
	struct nsg_diag diag = {0};
	int r = policy_place(d->in.policy, d->in.conf, d->in.kernel, strict, &diag);

	if (daemon_report(r, "next hops", &diag) < 0)
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

static int set_options(const struct daemon *d, struct nsg_engine_options *ret)
{
	const struct nsg_conf *c = d->in.conf_start;

	*ret = (struct nsg_engine_options){
	    .queue_first = c->queue_first,
	    .n_workers = d->n_workers,
	    .queue_length = c->queue_length,
	    .audit = c->audit,
	    /* audit must not drop */
	    .overflow_accept = c->overflow_accept || c->audit,
	    .remember_denied = c->offload && (c->denied_seconds > 0 || c->answers),
	    .down_accept = c->down_accept || c->audit,
	};
	return nsg_marks_init(c->mark_mask, &ret->marks);
}

static int bind_queues(struct daemon *d, struct nsg_diag *diag)
{
	struct store *s = &d->in.store;
	struct nsg_engine_options options;
	int r;

	r = set_options(d, &options);
	if (r < 0)
		return r;
	return nsg_engine_bind(&options, &d->in.policy->engine, s->queues, s->n_queues, diag,
			       &d->in.engine);
}

void daemon_stop_engine(struct daemon *d)
{
	if (!nsg_engine_stop(TAKE_PTR(d->in.engine))) {
		d->stuck = true;
		log_error("a worker does not end: exiting without waiting for it");
	}
}

/* Decides what waits in a queue of an earlier process that the rules do not use any more. */
static int decide_rest(struct daemon *d, struct nsg_engine_socket *queue)
{
	struct nsg_diag ignored = {0};
	struct nsg_engine_options options;
	struct nsg_engine *engine = NULL;
	int r;

	r = set_options(d, &options);
	if (r < 0)
		return r;
	options.queue_first = queue->queue;
	options.n_workers = 1;
	r = nsg_engine_bind(&options, &d->in.policy->engine, queue, 1, &ignored, &engine);
	if (r >= 0)
		r = nsg_engine_start(engine, &ignored);
	if (r >= 0)
		r = nsg_engine_drain(engine, REST_TIMEOUT_NS);
	if (!nsg_engine_stop(engine)) {
		d->stuck = true;
		log_error("a worker of queue %u does not end: the queue stays bound", queue->queue);
	}
	nsg_diag_done(&ignored);
	return r;
}

static void give_up_queues(struct daemon *d)
{
	struct store *s = &d->in.store;

	for (uint32_t i = 0; i < s->n_queues; i++) {
		struct nsg_engine_socket *queue = &s->queues[i];
		int r;

		if (queue->fd < 0)
			continue;
		r = decide_rest(d, queue);
		if (r < 0)
			log_warning("packets that waited in queue %u are dropped: %s", queue->queue,
				    strerror(-r));
		store_drop_queue(s, queue);
	}
}

static int start_deciding(struct daemon *d, struct nsg_diag *diag)
{
	int r;

	(void)policy_number(d->in.policy, d->in.generation, 0, NULL);
	r = nsg_kernel_start(d->in.kernel, d->in.policy->engine.image, &d->in.policy->numbers,
			     d->in.generation, d->n_workers, diag);
	if (r < 0)
		return r;
	return nsg_engine_start(d->in.engine, diag);
}

static int take_table(struct daemon *d)
{
	return d->in.store.table < 0 ? 0 : nsg_kernel_take_table(d->in.kernel, &d->in.store.table);
}

int daemon_open_to_remove(struct daemon *d, struct nsg_diag *diag)
{
	d->in.conf_start->users.n = 0;
	d->in.conf_start->cgroups.n = 0;
	if (d->in.kernel)
		return 0;
	/* else a kernel without nf_tables for IPv6 is an error */
	d->in.conf_start->ip6 = NSG_IP6_PASS;
	return open_kernel(d, diag);
}

static int remove_all(struct daemon *d, struct nsg_diag *diag)
{
	/* A table that is owned is removed by its owner, or when that is closed. */
	if (take_table(d) < 0)
		store_drop(&d->in.store, "table", &d->in.store.table);
	accounting_end(d->in.conf_start->instance);
	return nsg_kernel_cleanup(d->in.kernel, diag);
}

void daemon_sweep(struct daemon *d)
{
	cleanup_close int alive = nsg_control_connect(d->socket_path);
	struct nsg_diag diag = {0};

	if (daemon_open_to_remove(d, &diag) >= 0) {
		if (alive < 0) {
			(void)handover_rename_files(&d->in, &diag);
			(void)remove_all(d, &diag);
		} else
			(void)nsg_kernel_cleanup_former(d->in.kernel, &diag);
	}
	nsg_diag_done(&diag);
}

void daemon_sweep_recorded(struct daemon *d)
{
	struct nsg_diag diag = {0};

	/* the defaults */
	d->in.conf = d->in.conf_start = nsg_conf_free(d->in.conf_start);
	if (nsg_conf_load("", true, &diag, &d->in.conf_start) >= 0) {
		d->in.conf = d->in.conf_start;
		store_open(&d->in.store, d->in.conf_start, &diag);
		if (handover_use_names(&d->in) >= 0 && name_socket(d) >= 0)
			daemon_sweep(d);
	}
	nsg_diag_done(&diag);
}

static enum nsg_exit answer(void *instance, const char *verb, const json_t *args,
			    server_data_fn *data, void *closure, struct nsg_diag *diag)
{
	return verb_answer(instance, verb, args, data, closure, diag);
}

static int begin_stream(void *instance, const char *verb, struct nsg_diag *diag,
			struct server_stream **ret)
{
	return strcmp(verb, "flows") == 0 ? flows_begin(instance, diag, ret)
					  : route_list_begin(instance, diag, ret);
}

static uint64_t ask_for_reload(void *instance)
{
	return reload_request(((struct instance *)instance)->reloader, false);
}

static json_t *describe_policy(void *instance, const struct nsg_image *image)
{
	const struct nsg_snapshot *s = ((const struct instance *)instance)->policy->snapshot;

	return s->image == image ? nsg_explain_policy(s->effective, image) : NULL;
}

static void trace_changed(void *instance)
{
	trace_update(((struct instance *)instance)->trace);
}

static int filters_changed(void *instance, struct nsg_diag *diag)
{
	return trace_filter_packets(((struct instance *)instance)->trace, diag);
}

static const struct server_ops server_ops = {
    .idle_usec = (uint64_t)NSG_CONTROL_IDLE_SECONDS * 1000000u,
    .answer = answer,
    .stream = begin_stream,
    .reload = ask_for_reload,
    .policy = describe_policy,
    .trace_changed = trace_changed,
    .filters_changed = filters_changed,
};

static enum nsg_exit silence(struct daemon *d)
{
	struct nsg_diag diag = {0};

	return nsg_exit_from(daemon_report(nsg_kernel_silence(d->in.kernel, &diag),
					   "silencing the rules of an earlier nsgd", &diag));
}

static enum nsg_exit restore(struct daemon *d, bool *ret_taken)
{
	struct nsg_diag diag = {0};
	int r = handover_restore(&d->in, d->n_workers, &diag);

	*ret_taken = r != -ESTALE;
	return nsg_exit_from(daemon_report(*ret_taken ? r : 0, "taking over", &diag));
}

/* Puts the policy in force: in the table of an earlier nsgd if it is taken, otherwise in a new one. The queues
 * are bound before a rule sends packets to them. Packets in queues of an earlier process are decided after its
 * table has been replaced, since it might misread the marks of this process. */
static int publish(struct daemon *d, bool taken, struct nsg_diag *diag)
{
	int r;

	r = bind_queues(d, diag);
	if (r < 0)
		return r;
	handover_keep(&d->in);
	r = taken ? handover_continue(&d->in, diag) : start_deciding(d, diag);
	if (r < 0) {
		daemon_stop_engine(d);
		return r;
	}
	give_up_queues(d);
	/* also the queue for silent drops, if it has been bound only now */
	handover_keep(&d->in);
	return 0;
}

void daemon_open_store(struct daemon *d)
{
	struct nsg_diag diag = {0};

	store_open(&d->in.store, d->in.conf_start, &diag);
	(void)daemon_report(0, "descriptors of the service manager", &diag);
}

enum nsg_exit daemon_bring_up(struct daemon *d)
{
	struct nsg_diag diag = {0};
	enum nsg_exit status;
	bool taken = false;
	int r;

	status = daemon_open_kernel(d);
	if (status)
		return status;
	/* The owner of the control socket is the instance: only it may touch what is in the kernel. */
	r = daemon_report(
	    server_new(d->event, d->socket_path, &server_ops, &d->in, &diag, &d->server),
	    d->socket_path, &diag);
	if (r < 0)
		return nsg_exit_from(r);
	d->n_workers = workers_of(d->in.conf_start);
	status = nsg_exit_from(daemon_report(take_table(d), "taking over the table", &diag));
	if (!status)
		status = nsg_exit_from(daemon_report(handover_rename_files(&d->in, &diag),
						     "renaming the instance", &diag));
	if (!status)
		status = d->in.store.record ? restore(d, &taken) : silence(d);
	if (!status)
		status = daemon_place(d, false);
	if (!status) {
		r = daemon_report(publish(d, taken, &diag), taken ? "taking over" : "start", &diag);
		/* another program has what conf names */
		status = r == -EEXIST ? NSG_EXIT_POLICY : nsg_exit_from(r);
	}
	if (status && !d->in.engine)
		(void)daemon_report(remove_all(d, &diag), "removing the rules of an earlier nsgd",
				    &diag);
	return status;
}
