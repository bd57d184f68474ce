/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A reload is a transaction:
 *
 *   load, compile              in the loader's thread, without touching the policy in force
 *   place                      finds the next hops
 *   nsg_kernel_new_generation  a number that the mark of no flow carries
 *   nsg_kernel_prepare         adds the new routes and rules
 *   nsg_engine_publish         workers decide with the new image; flows that they mark are not
 *                              offloaded yet. The event loop goes on until all have acknowledged
 *   nsg_kernel_swap            the kernel offloads flows of the new generation, and forgets all
 *                              answers
 *   nsg_kernel_retire          removes what only the old policy used
 *   nsg_kernel_sweep           rewrites the marks of older flows, in a thread
 *
 * When a step up to the swap fails, the old policy stays in force: workers that have another one return
 * to it.
 */
#include "nsgd/reload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "nsgd/handover.h"
#include "nsgd/loader.h"
#include "nsgd/log.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/json_object.h"
#include "util/limits.h"

/* A load that reaches its deadline ends by itself, after the document that it is reading. */
#define LOAD_PATIENCE_USEC ((NSG_MAX_LOAD_SECONDS + 30) * (uint64_t)1000000)
/* A worker takes a policy between two batches, in micro- to milliseconds. */
#define PUBLISH_TIMEOUT_USEC 5000000u

struct reloader {
	sd_event *event;
	struct instance *in;
	reload_ended_fn *ended;
	void *closure;
	struct loader *loader;
	sd_event_source *begin; /* on while a reload is wanted and none runs */
	bool wanted, wanted_conf, wanted_routes;
	/* The one that runs, or ran last. */
	uint64_t number, start_ns;
	bool running, routes_only;
	bool routes_too;       /* it was asked for because routes had changed, and for more */
	struct nsg_conf *conf; /* NULL: nsgd.conf is not loaded again */
	json_t *done;	       /* what it changed */
	struct nsg_diag diag;
	/* While the workers have not all acknowledged its policy. */
	struct policy *published; /* NULL: none */
	enum nsg_forget forget;
	sd_event_source *acks, *timeout;
};

/* If not, a worker may still write marks of a policy that was given up: their number must not become
 * free. */
static bool is_settled(const struct instance *in)
{
	return nsg_engine_is_settled(in->engine, &in->policy->engine);
}

/* -errno: the old policy is in force. 0: wait for the workers. */
static int publish(struct reloader *r, struct policy *next)
{
	struct instance *in = r->in;
	int result;

	result = nsg_kernel_new_generation(in->kernel, in->policy->engine.standing, is_settled(in),
					   &r->diag, &in->generation);
	if (result < 0)
		return result;
	r->forget =
	    policy_number(next, in->generation, nsg_kernel_standing(in->kernel), in->policy);
	answers_before_reload(in->answers);
	result = nsg_kernel_prepare(in->kernel, next->engine.image, &next->numbers, in->generation,
				    &r->diag);
	if (result < 0)
		return result;
	handover_save(in, next);
	return nsg_engine_publish(in->engine, &next->engine);
}

static void take_conf(struct instance *in, struct nsg_conf **conf)
{
	if (!*conf)
		return;
	if (in->conf != in->conf_start)
		nsg_conf_free(in->conf);
	in->conf = TAKE_PTR(*conf);
	log_open(in->conf_start->instance, in->conf->log_level);
	trace_set_log(in->trace, in->conf->log_decisions);
}

static void warn_of_restart_keys(struct reloader *r)
{
	char keys[512];

	nsg_conf_restart_keys(r->in->conf_start, r->conf, keys, sizeof(keys));
	if (*keys)
		(void)nsg_diag_line(&r->diag, NSG_WARNING, r->in->conf_path, 0, NULL,
				    "changed, but takes effect only after a restart: %s", keys);
}

/* What is on either side of a reload; "changed" is about everything that decides, not the number. */
static json_t *part_json(uint64_t before, uint64_t after, bool changed)
{
	return NSG_JSON_OBJECT(PAIR_I("before", before), PAIR_I("after", after),
			       PAIR_B("changed", changed));
}

static json_t *describe_change(const struct reloader *r, struct nsg_image_info before)
{
	const struct instance *in = r->in;
	struct nsg_image_info after = nsg_image_info(in->policy->engine.image);

	return NSG_JSON_OBJECT(
	    PAIR_S("policyDirectory", in->conf->policy),
	    PAIR_I("microseconds", (nsg_clock_ns(CLOCK_MONOTONIC) - r->start_ns) / 1000),
	    PAIR_J("rules",
		   part_json(before.n_rules, after.n_rules, before.nsg_hash != after.nsg_hash)),
	    PAIR_J("routes", part_json(before.n_routes, after.n_routes,
				       before.route_hash != after.route_hash)),
	    PAIR_J("gate",
		   NSG_JSON_OBJECT(PAIR_B("routeAllBefore", before.route_all),
				   PAIR_B("routeAll", after.route_all),
				   PAIR_B("changed", before.gate_hash != after.gate_hash))));
}

/* The workers decide with r->published, and the kernel follows. On failure the old policy is in force
 * in the kernel, and the workers return to it. */
static int swap(struct reloader *r)
{
	struct instance *in = r->in;
	struct nsg_image_info before = nsg_image_info(in->policy->engine.image);
	int result;

	result = nsg_kernel_swap(in->kernel, in->generation, r->forget, &r->diag);
	if (result < 0) {
		nsg_engine_withdraw(in->engine);
		return result;
	}
	nsg_engine_settle(in->engine);
	policy_unref(in->policy);
	in->policy = TAKE_PTR(r->published);
	if (!r->routes_only)
		in->loaded_time_ns = nsg_clock_ns(CLOCK_REALTIME);
	take_conf(in, &r->conf);
	answers_after_reload(in->answers);
	result = nsg_kernel_retire(in->kernel, &r->diag);
	handover_save(in, NULL);
	if (result < 0)
		(void)nsg_diag_add(&r->diag, NSG_WARNING, NULL, NULL,
				   "cannot remove the old policy's routes from the kernel: %s",
				   strerror(-result));
	r->done = describe_change(r, before);
	return 0;
}

/* Warnings about the documents were logged when they were loaded. */
static void report_routes(struct reloader *r, int result)
{
	const char *error = NULL;

	for (size_t i = 0; result < 0 && i < r->diag.n && !error; i++)
		if (r->diag.v[i].severity == NSG_ERROR)
			error = r->diag.v[i].text;
	if (result < 0 && !error)
		error = strerror(-result);
	live_loaded(r->in->live, result >= 0, error);
}

static enum nsg_exit report(struct reloader *r, int result)
{
	struct instance *in = r->in;

	log_diag(&r->diag);
	if (result < 0) {
		in->reloads_failed++;
		log_error("reload failed, the previous policy stays in force: %s",
			  r->diag.n_errors ? "see above" : strerror(-result));
		(void)sd_notify(
		    0, "READY=1\nSTATUS=the last reload failed; the previous policy is in force");
		return result == -EINVAL ? NSG_EXIT_POLICY : nsg_exit_from(result);
	}
	in->reloads++;
	log_notice("policy %s loaded in %.1f ms", in->conf->policy,
		   (double)(nsg_clock_ns(CLOCK_MONOTONIC) - r->start_ns) / 1e6);
	(void)sd_notify(0, in->conf_start->audit ? "READY=1\nSTATUS=auditing"
						 : "READY=1\nSTATUS=deciding");
	return NSG_EXIT_DONE;
}

static void begin_if_wanted(struct reloader *r)
{
	if ((r->wanted || r->wanted_routes) && !r->running &&
	    nsg_kernel_has_generation(r->in->kernel))
		(void)sd_event_source_set_enabled(r->begin, SD_EVENT_ONESHOT);
}

static void sweep(struct instance *in)
{
	if (is_settled(in))
		nsg_kernel_sweep(in->kernel);
}

static void end(struct reloader *r, int result)
{
	struct instance *in = r->in;

	if (result < 0 && r->conf && strcmp(r->conf->policy, in->conf->policy) != 0)
		watch_follow(in->watch, in->conf->policy);
	nsg_conf_free(r->conf);
	r->conf = NULL;
	r->running = false;
	sweep(in);
	if (r->routes_only) {
		report_routes(r, result);
	} else {
		in->reload_failed = result < 0;
		live_loaded(in->live, result >= 0, NULL);
		/* an error in the documents must not keep withdrawn routes in force */
		r->wanted_routes |= result < 0 ? r->routes_too : live_retry(in->live);
		r->ended(r->closure, r->number, report(r, result), r->done, &r->diag);
	}
	json_decref(r->done);
	r->done = NULL;
	nsg_diag_done(&r->diag);
	r->diag = (struct nsg_diag){0};
	/* what other routes take is needed again for the next ones */
	if (!r->wanted && !r->wanted_routes && !r->routes_only)
		loader_trim();
	begin_if_wanted(r);
}

static void end_publish(struct reloader *r, int result)
{
	(void)sd_event_source_set_enabled(r->timeout, SD_EVENT_OFF);
	r->published = policy_unref(r->published);
	end(r, result);
}

/* Without a reload that waits it is the policy in force, published again after a failure. */
static int on_ack(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct reloader *r = data;

	(void)source;
	(void)fd;
	(void)revents;
	if (!nsg_engine_is_acknowledged(r->in->engine))
		return 0;
	if (r->published) {
		end_publish(r, swap(r));
	} else {
		nsg_engine_settle(r->in->engine);
		sweep(r->in);
	}
	return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *data)
{
	struct reloader *r = data;

	(void)source;
	(void)usec;
	nsg_engine_withdraw(r->in->engine);
	(void)nsg_diag_add(&r->diag, NSG_ERROR, NULL, NULL,
			   "a worker did not acknowledge the new policy within %u s",
			   PUBLISH_TIMEOUT_USEC / 1000000u);
	end_publish(r, -ETIMEDOUT);
	return 0;
}

/* The descriptor is a copy, since the engine ends before the reloader. */
static int follow_workers(struct reloader *r)
{
	int fd, result;

	if (r->acks)
		return 0;
	fd = fcntl(nsg_engine_ack_fd(r->in->engine), F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	result = sd_event_add_io(r->event, &r->acks, fd, EPOLLIN, on_ack, r);
	if (result < 0) {
		(void)close(fd);
		return result;
	}
	return sd_event_source_set_io_fd_own(r->acks, true);
}

static int wait_for_workers(struct reloader *r)
{
	int result = follow_workers(r);

	if (result < 0)
		return result;
	result = sd_event_source_set_time_relative(r->timeout, PUBLISH_TIMEOUT_USEC);
	if (result < 0)
		return result;
	return sd_event_source_set_enabled(r->timeout, SD_EVENT_ONESHOT);
}

static void on_loaded(void *closure, int result, struct policy *made, struct nsg_diag *diag)
{
	cleanup_policy struct policy *next = made;
	struct reloader *r = closure;

	r->diag = *diag;
	if (r->conf)
		warn_of_restart_keys(r);
	if (result >= 0)
		result = policy_place(next, r->conf ? r->conf : r->in->conf, r->in->kernel, false,
				      &r->diag);
	if (result >= 0)
		result = wait_for_workers(r);
	if (result >= 0)
		result = publish(r, next);
	if (result >= 0)
		r->published = TAKE_PTR(next);
	else
		end_publish(r, result);
}

/* Before any document is read, so that a change while files are being read is noticed; but not before
 * the directory has answered, which may take long. */
static void on_opened(void *closure, struct nsg_conf *conf)
{
	struct reloader *r = closure;
	const struct instance *in = r->in;

	r->conf = conf;
	watch_follow(in->watch, r->conf ? r->conf->policy : in->conf->policy);
}

static const struct loader_ops loader_ops = {.opened = on_opened, .done = on_loaded};

static int begin(struct reloader *r, bool policy_only)
{
	struct instance *in = r->in;
	struct load load = policy_source(in->conf);
	int result;

	load.conf_path = policy_only ? NULL : in->conf_path;
	load.conf_may_be_absent = in->conf_may_be_absent;
	load.options.live = live_begin_load(in->live);
	load.before = in->policy;
	load.routes_only = r->routes_only;
	result = loader_start(r->loader, &load, &r->diag);
	if (result == -EBUSY)
		(void)nsg_diag_add(
		    &r->diag, NSG_ERROR, NULL, NULL,
		    "too many earlier loads have not ended: the file system of their "
		    "documents does not answer");
	return result;
}

static int on_wanted(sd_event_source *source, void *data)
{
	struct reloader *r = data;
	bool policy_only = !r->wanted_conf;
	int result;

	(void)source;
	r->routes_only = !r->wanted;
	r->routes_too = r->wanted && r->wanted_routes;
	r->wanted = r->wanted_conf = r->wanted_routes = false;
	r->running = true;
	r->start_ns = nsg_clock_ns(CLOCK_MONOTONIC);
	if (!r->routes_only) {
		r->number++;
		(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=loading the policy",
				 (unsigned long long)(r->start_ns / 1000));
	}
	result = begin(r, policy_only);
	if (result < 0)
		end(r, result);
	return 0;
}

uint64_t reload_request(struct reloader *r, bool policy_only)
{
	r->wanted = true;
	r->wanted_conf |= !policy_only;
	begin_if_wanted(r);
	return r->number + 1;
}

void reload_request_routes(struct reloader *r)
{
	r->wanted_routes = true;
	begin_if_wanted(r);
}

void reload_continue(struct reloader *r)
{
	begin_if_wanted(r);
}

bool reload_runs(const struct reloader *r)
{
	return r->running;
}

int reloader_new(sd_event *event, struct instance *in, reload_ended_fn *ended, void *closure,
		 struct reloader **ret)
{
	struct reloader *r = calloc(1, sizeof(*r));
	int result;

	if (!r)
		return -ENOMEM;
	*r = (struct reloader){
	    .event = sd_event_ref(event), .in = in, .ended = ended, .closure = closure};
	result = sd_event_add_defer(event, &r->begin, on_wanted, r);
	if (result >= 0)
		result = sd_event_source_set_enabled(r->begin, SD_EVENT_OFF);
	if (result >= 0)
		result = sd_event_add_time(event, &r->timeout, CLOCK_MONOTONIC, UINT64_MAX, 1,
					   on_timeout, r);
	if (result >= 0)
		result = sd_event_source_set_enabled(r->timeout, SD_EVENT_OFF);
	if (result >= 0)
		result = loader_new(event, LOAD_PATIENCE_USEC, &loader_ops, r, &r->loader);
	if (result < 0) {
		(void)reloader_free(r);
		return result;
	}
	*ret = r;
	return 0;
}

bool reloader_free(struct reloader *r)
{
	if (!r)
		return true;
	if (!loader_stop(r->loader))
		return false;
	sd_event_source_disable_unref(r->begin);
	sd_event_source_disable_unref(r->acks);
	sd_event_source_disable_unref(r->timeout);
	sd_event_unref(r->event);
	policy_unref(r->published);
	nsg_conf_free(r->conf);
	nsg_diag_done(&r->diag);
	free(r);
	return true;
}
