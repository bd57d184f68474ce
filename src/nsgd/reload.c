/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A reload is a transaction:
 *
 *   load, compile, place       without touching the policy in force
 *   nsg_kernel_prepare         adds the new routes and rules; clears the new generation from the
 *                              marks of older flows
 *   nsg_engine_publish         workers decide with the new image; flows that they mark are not
 *                              offloaded yet
 *   nsg_kernel_swap            the kernel offloads flows of the new generation
 *   nsg_kernel_retire          removes what only the old policy used
 *
 * When a step up to the swap fails, the old policy stays in force or is published again.
 */
#include "nsgd/reload.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include <systemd/sd-daemon.h>

#include "conf/marks.h"
#include "nsgd/log.h"
#include "util/cleanup.h"
#include "util/clock.h"

/* Not the generation in force and, where possible, none of those whose policies the workers did not
 * acknowledge in time. */
static uint32_t generation_after(const struct instance *in)
{
	uint32_t g = (in->generation + 1) % NSG_GENERATIONS;

	return g == in->policy->engine.generation ? (g + 1) % NSG_GENERATIONS : g;
}

/* On failure the old policy is in force, in the workers and in the kernel. */
static int publish(struct instance *in, struct policy *next, struct nsg_diag *diag)
{
	enum nsg_forget forget;
	int r;

	in->generation = generation_after(in);
	forget = policy_number(next, in->generation, in->policy);
	r = nsg_kernel_prepare(in->kernel, next->engine.image, &next->numbers, in->generation,
			       diag);
	if (r < 0)
		return r;
	r = nsg_engine_publish(in->engine, &next->engine);
	if (r < 0) {
		(void)nsg_diag_add(diag, NSG_ERROR, NULL, NULL,
				   "the workers did not acknowledge the new policy: %s",
				   strerror(-r));
		return r;
	}
	r = nsg_kernel_swap(in->kernel, in->generation, forget, diag);
	if (r < 0)
		(void)nsg_engine_publish(in->engine, &in->policy->engine);
	return r;
}

static void cleanup_conf_p(struct nsg_conf **c)
{
	nsg_conf_free(*c);
}
#define cleanup_conf __attribute__((cleanup(cleanup_conf_p)))

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

static int load_conf(struct instance *in, struct nsg_diag *diag, struct nsg_conf **ret)
{
	char keys[512];
	int r = nsg_conf_load(in->conf_path, in->conf_may_be_absent, diag, ret);

	if (r < 0)
		return diag->n_errors ? -EINVAL : r;
	nsg_conf_restart_keys(in->conf_start, *ret, keys, sizeof(keys));
	if (*keys)
		(void)nsg_diag_line(diag, NSG_WARNING, in->conf_path, 0, NULL,
				    "changed, but takes effect only after a restart: %s", keys);
	return 0;
}

static int load_and_publish(struct instance *in, const struct nsg_conf *conf, struct nsg_diag *diag)
{
	cleanup_policy struct policy *next = NULL;
	int r;

	/* Before loading, so that a change while files are being read is noticed. */
	watch_follow(in->watch, conf->policy);
	r = policy_load(conf, in->policy, diag, &next);
	if (r < 0)
		return diag->n_errors ? -EINVAL : r;
	r = policy_place(next, conf, in->kernel, false, diag);
	if (r < 0)
		return r;
	r = publish(in, next, diag);
	if (r < 0)
		return r;
	policy_unref(in->policy);
	in->policy = TAKE_PTR(next);
	in->loaded_time_ns = nsg_clock_ns(CLOCK_REALTIME);
	return 0;
}

/* -EINVAL: nsgd.conf or the policy has errors. */
static int replace(struct instance *in, bool policy_only, struct nsg_diag *diag)
{
	cleanup_conf struct nsg_conf *conf = NULL;
	int r = policy_only ? 0 : load_conf(in, diag, &conf);

	if (r < 0)
		return r;
	r = load_and_publish(in, conf ? conf : in->conf, diag);
	if (r < 0) {
		if (conf && strcmp(conf->policy, in->conf->policy) != 0)
			watch_follow(in->watch, in->conf->policy);
		return r;
	}
	take_conf(in, &conf);
	r = nsg_kernel_retire(in->kernel, diag);
	if (r < 0)
		(void)nsg_diag_add(diag, NSG_WARNING, NULL, NULL,
				   "cannot remove the old policy's routes from the kernel: %s",
				   strerror(-r));
	return 0;
}

enum nsg_exit reload(struct instance *in, bool policy_only, struct nsg_diag *diag)
{
	uint64_t start_ns = nsg_clock_ns(CLOCK_MONOTONIC);
	int r;

	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=loading the policy",
			 (unsigned long long)(start_ns / 1000));
	r = replace(in, policy_only, diag);
	log_diag(diag);
	if (r < 0) {
		in->reloads_failed++;
		log_error("reload failed, the previous policy stays in force: %s",
			  diag->n_errors ? "see above" : strerror(-r));
		(void)sd_notify(
		    0, "READY=1\nSTATUS=the last reload failed; the previous policy is in force");
		return r == -EINVAL ? NSG_EXIT_POLICY : nsg_exit_from(r);
	}
	in->reloads++;
	log_notice("policy %s loaded in %.1f ms", in->conf->policy,
		   (double)(nsg_clock_ns(CLOCK_MONOTONIC) - start_ns) / 1e6);
	(void)sd_notify(0, in->conf_start->audit ? "READY=1\nSTATUS=auditing"
						 : "READY=1\nSTATUS=deciding");
	return NSG_EXIT_DONE;
}
