/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A reload on a kernel and workers of the test's own, each step of which can be made to fail. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "nsgd/handover.h"
#include "nsgd/reload.h"
#include "util/cleanup.h"

/* ---- the fakes ------------------------------------------------------------------------------- */

enum step { PLAN, PREPARE, PUBLISH, SWAP, RETIRE, N_STEPS, NONE };

static enum step failing;
static int failure;
static unsigned int n_calls[N_STEPS];
static const struct nsg_engine_policy *offered, *published;
static unsigned int n_acks;
static int ack_fd;
static const struct policy *recorded;
static uint32_t prepared, swapped, given;
static bool has_generation, was_settled, unsettled, no_memory_to_withdraw;
static unsigned int n_sweeps, n_withdrawn;
static enum nsg_forget forgot;

static int called(enum step step)
{
	n_calls[step]++;
	return failing == step && n_calls[step] == 1 ? failure : 0;
}

int nsg_kernel_host_address(struct nsg_kernel *k, const struct nsg_prefix *prefixes, size_t n,
			    uint32_t *ret_host)
{
	(void)k;
	(void)prefixes;
	(void)n;
	*ret_host = 0x0a000104;
	return 0;
}

int nsg_kernel_plan(struct nsg_kernel *k, const struct nsg_image *image, bool strict,
		    struct nsg_diag *diag, struct nsg_hop_numbers *ret)
{
	int r = called(PLAN);

	(void)k;
	(void)strict;
	(void)diag;
	if (r < 0)
		return r;
	ret->n = nsg_image_info(image).n_hops;
	ret->number = calloc(ret->n + 1, sizeof(*ret->number));
	return ret->number ? 0 : -ENOMEM;
}

int nsg_kernel_new_generation(struct nsg_kernel *k, uint8_t avoid, bool settled,
			      struct nsg_diag *diag, uint32_t *ret)
{
	(void)k;
	(void)diag;
	was_settled = settled;
	assert_true(has_generation);
	do
		given = (given + 1) % 4;
	while (avoid >> given & 1);
	*ret = given;
	return 0;
}

bool nsg_kernel_has_generation(struct nsg_kernel *k)
{
	(void)k;
	return has_generation;
}

uint8_t nsg_kernel_standing(const struct nsg_kernel *k)
{
	(void)k;
	return 1u << swapped;
}

void nsg_kernel_sweep(struct nsg_kernel *k)
{
	(void)k;
	n_sweeps++;
}

int nsg_kernel_prepare(struct nsg_kernel *k, const struct nsg_image *image,
		       const struct nsg_hop_numbers *numbers, uint32_t generation,
		       struct nsg_diag *diag)
{
	(void)k;
	(void)image;
	(void)numbers;
	(void)diag;
	prepared = generation;
	return called(PREPARE);
}

/* What a process that is killed in between leaves to the next one. */
void handover_save(struct instance *in, const struct policy *next)
{
	(void)in;
	if (next) {
		assert_int_equal(n_calls[PREPARE], n_calls[PUBLISH] + 1);
		recorded = next;
	} else {
		assert_true(n_calls[SWAP] > 0);
	}
}

int nsg_kernel_swap(struct nsg_kernel *k, uint32_t generation, enum nsg_forget forget,
		    struct nsg_diag *diag)
{
	(void)k;
	(void)diag;
	swapped = generation;
	forgot = forget;
	return called(SWAP);
}

int nsg_kernel_retire(struct nsg_kernel *k, struct nsg_diag *diag)
{
	(void)k;
	(void)diag;
	return called(RETIRE);
}

int nsg_engine_publish(struct nsg_engine *e, struct nsg_engine_policy *policy)
{
	int r = called(PUBLISH);

	(void)e;
	if (!r) {
		offered = policy;
		unsettled = true;
		(void)eventfd_write(ack_fd, 1);
	}
	return r;
}

/* Two workers: the first to acknowledge is not the last. */
bool nsg_engine_is_acknowledged(struct nsg_engine *e)
{
	eventfd_t n;

	(void)e;
	(void)eventfd_read(ack_fd, &n);
	if (!offered)
		return false;
	if (++n_acks % 2) {
		(void)eventfd_write(ack_fd, 1);
		return false;
	}
	return true;
}

void nsg_engine_settle(struct nsg_engine *e)
{
	(void)e;
	published = TAKE_PTR(offered);
	unsettled = false;
}

bool nsg_engine_is_settled(const struct nsg_engine *e, const struct nsg_engine_policy *policy)
{
	(void)e;
	return !unsettled && published == policy;
}

int nsg_engine_ack_fd(const struct nsg_engine *e)
{
	(void)e;
	return ack_fd;
}

void nsg_engine_withdraw(struct nsg_engine *e)
{
	(void)e;
	n_withdrawn++;
	unsettled = true;
	offered = no_memory_to_withdraw ? NULL : published;
	if (offered)
		(void)eventfd_write(ack_fd, 1);
}

struct nsg_engine_policy *nsg_engine_policy_ref(struct nsg_engine_policy *p)
{
	p->references++;
	return p;
}

struct nsg_engine_policy *nsg_engine_policy_unref(struct nsg_engine_policy *p)
{
	if (p && --p->references == 0)
		p->free(p);
	return NULL;
}

void answers_before_reload(struct answers *a)
{
	(void)a;
}

void answers_after_reload(struct answers *a)
{
	(void)a;
}

void trace_set_log(struct trace *t, enum nsg_conf_log_decisions log)
{
	(void)t;
	(void)log;
}

static struct nsg_route_set *live_set;
static unsigned int n_live_loads;
static bool live_in_force;
static char live_error[128];
static bool live_refused;

struct nsg_route_set *live_begin_load(struct live *l)
{
	(void)l;
	n_live_loads++;
	return live_set;
}

void live_loaded(struct live *l, bool in_force, const char *error)
{
	(void)l;
	live_in_force = in_force;
	(void)snprintf(live_error, sizeof(live_error), "%s", error ? error : "");
}

bool live_retry(struct live *l)
{
	bool refused = live_refused;

	(void)l;
	live_refused = false;
	return refused;
}

/* ---- the fixture ----------------------------------------------------------------------------- */

struct fixture {
	struct instance in;
	sd_event *event;
	char conf_path[32];
	struct nsg_diag diag;
	/* Of the reload that ended last. */
	uint64_t number;
	enum nsg_exit status;
	json_t *done;
	size_t n_errors, n_warnings;
};

static void ended(void *closure, uint64_t number, enum nsg_exit status, json_t *done,
		  const struct nsg_diag *diag)
{
	struct fixture *f = closure;

	f->number = number;
	f->status = status;
	json_decref(f->done);
	f->done = json_incref(done);
	f->n_errors = diag->n_errors;
	f->n_warnings = diag->n_warnings;
}

static void write_conf(const struct fixture *f, const char *policy, const char *more)
{
	FILE *out = fopen(f->conf_path, "w");

	assert_non_null(out);
	assert_true(fprintf(out, "[subnet]\npolicy = %s\n%s", policy, more) > 0);
	assert_int_equal(fclose(out), 0);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct load load;
	int fd;

	assert_non_null(f);
	strcpy(f->conf_path, "/tmp/nsgd-reload-XXXXXX");
	fd = mkstemp(f->conf_path);
	assert_true(fd >= 0);
	(void)close(fd);
	write_conf(f, NSG_POLICY, "");
	f->in.conf_path = f->conf_path;
	assert_int_equal(nsg_conf_load(f->conf_path, false, &f->diag, &f->in.conf), 0);
	f->in.conf_start = f->in.conf;
	failing = NONE;
	load = policy_source(f->in.conf);
	assert_int_equal(policy_load(&load, &f->diag, &f->in.policy), 0);
	assert_int_equal(policy_place(f->in.policy, f->in.conf, NULL, false, &f->diag), 0);
	(void)policy_number(f->in.policy, 0, 0, NULL);
	memset(n_calls, 0, sizeof(n_calls));
	given = swapped = n_sweeps = 0;
	has_generation = true;
	offered = NULL;
	published = &f->in.policy->engine;
	unsettled = false;
	n_withdrawn = 0;
	n_acks = 0;
	ack_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_true(ack_fd >= 0);
	recorded = NULL;
	assert_true(sd_event_new(&f->event) >= 0);
	assert_int_equal(reloader_new(f->event, &f->in, ended, f, &f->in.reloader), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	assert_true(reloader_free(f->in.reloader));
	sd_event_unref(f->event);
	policy_unref(f->in.policy);
	if (f->in.conf != f->in.conf_start)
		nsg_conf_free(f->in.conf);
	nsg_conf_free(f->in.conf_start);
	nsg_diag_done(&f->diag);
	json_decref(f->done);
	(void)unlink(f->conf_path);
	(void)close(ack_fd);
	free(f);
	return 0;
}

static void fail_at(enum step step, int r)
{
	failing = step;
	failure = r;
	memset(n_calls, 0, sizeof(n_calls));
}

static void turn(struct fixture *f)
{
	assert_true(sd_event_run(f->event, 10000000) > 0);
}

static enum nsg_exit reload_as(struct fixture *f, bool policy_only)
{
	uint64_t number = reload_request(f->in.reloader, policy_only);

	while (f->number != number)
		turn(f);
	return f->status;
}

static enum nsg_exit reload_all(struct fixture *f)
{
	return reload_as(f, false);
}

static enum nsg_exit reload_policy(struct fixture *f)
{
	return reload_as(f, true);
}

/* ---- the facts ------------------------------------------------------------------------------- */

static void a_reload_takes_every_step_once(void **state)
{
	struct fixture *f = *state;
	const struct policy *before = f->in.policy;

	assert_int_equal(reload_all(f), NSG_EXIT_DONE);
	for (int i = 0; i < N_STEPS; i++)
		assert_int_equal(n_calls[i], 1);
	assert_ptr_not_equal(f->in.policy, before);
	assert_ptr_equal(published, &f->in.policy->engine);
	assert_ptr_equal(recorded, f->in.policy);
	assert_ptr_not_equal(f->in.conf, f->in.conf_start);
	assert_int_equal(prepared, 1);
	assert_int_equal(swapped, 1);
	assert_int_equal(forgot, NSG_FORGET_NOTHING);
	assert_int_equal(f->in.policy->engine.standing, 3); /* of generations 0 and 1 */
	assert_int_equal(n_sweeps, 1);
	assert_int_equal(f->in.reloads, 1);
	assert_false(f->in.reload_failed);
}

static bool changed(const struct fixture *f, const char *part)
{
	return json_is_true(json_object_get(json_object_get(f->done, part), "changed"));
}

static void a_reload_reports_what_it_changed(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(reload_policy(f), NSG_EXIT_DONE);
	assert_false(changed(f, "rules") || changed(f, "routes") || changed(f, "gate"));
	write_conf(f, NSG_POLICY, "profile = current\n");
	assert_int_equal(reload_all(f), NSG_EXIT_DONE);
	assert_true(changed(f, "routes"));
	fail_at(SWAP, -EIO);
	assert_int_equal(reload_policy(f), NSG_EXIT_FAILED);
	assert_null(f->done);
	assert_true(f->in.reload_failed);
}

static void a_step_that_fails_leaves_the_old_policy_in_force(void **state)
{
	static const struct {
		enum step step;
		int r;
		enum nsg_exit status;
		unsigned int n_published;
	} rows[] = {
	    {PLAN, -EINVAL, NSG_EXIT_POLICY, 0},    {PREPARE, -EPERM, NSG_EXIT_NOT_PERMITTED, 0},
	    {PREPARE, -ENOMEM, NSG_EXIT_FAILED, 0}, {PUBLISH, -ENOMEM, NSG_EXIT_FAILED, 1},
	    {SWAP, -EIO, NSG_EXIT_FAILED, 1},
	};
	struct fixture *f = *state;
	const struct policy *before = f->in.policy;
	const struct nsg_conf *conf = f->in.conf;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fail_at(rows[i].step, rows[i].r);
		assert_int_equal(reload_all(f), rows[i].status);
		assert_ptr_equal(f->in.policy, before);
		assert_ptr_equal(f->in.conf, conf);
		assert_int_equal(n_calls[PUBLISH], rows[i].n_published);
		assert_int_equal(n_calls[RETIRE], 0);
		for (enum step later = rows[i].step + 1; later < RETIRE; later++)
			assert_int_equal(n_calls[later], 0);
		assert_int_equal(f->in.reloads_failed, i + 1);
	}
	/* The workers had the new policy when the swap failed. */
	assert_int_equal(n_withdrawn, 1);
	assert_ptr_equal(offered, &before->engine);
	while (offered)
		turn(f);
	assert_ptr_equal(published, &before->engine);
	assert_int_equal(f->in.policy->engine.references, 1);
}

static void a_reload_waits_until_a_generation_is_free(void **state)
{
	struct fixture *f = *state;
	uint64_t number;

	has_generation = false;
	number = reload_request(f->in.reloader, true);
	assert_int_equal(sd_event_run(f->event, 0), 0);
	reload_continue(f->in.reloader);
	assert_int_equal(sd_event_run(f->event, 0), 0);
	has_generation = true;
	reload_continue(f->in.reloader);
	while (f->number != number)
		turn(f);
	assert_int_equal(f->status, NSG_EXIT_DONE);
}

/* Also after a failure: the number that was tried is swept. */
static void every_reload_ends_with_a_sweep(void **state)
{
	struct fixture *f = *state;

	fail_at(PUBLISH, -ENOMEM);
	assert_int_equal(reload_policy(f), NSG_EXIT_FAILED);
	assert_int_equal(n_sweeps, 1);
	assert_int_equal(prepared, 1);
	/* but not while a worker may use the policy that was given up */
	fail_at(SWAP, -EIO);
	assert_int_equal(reload_policy(f), NSG_EXIT_FAILED);
	assert_int_equal(n_sweeps, 1);
	assert_true(was_settled);
	while (offered)
		turn(f);
	assert_int_equal(n_sweeps, 2);
}

/* No memory to publish the old policy again: whether the workers have returned to it is not seen. */
static void no_sweep_while_the_workers_may_use_a_policy_that_was_given_up(void **state)
{
	struct fixture *f = *state;

	fail_at(SWAP, -EIO);
	no_memory_to_withdraw = true;
	assert_int_equal(reload_policy(f), NSG_EXIT_FAILED);
	no_memory_to_withdraw = false;
	assert_int_equal(n_sweeps, 0);
	fail_at(NONE, 0);
	assert_int_equal(reload_policy(f), NSG_EXIT_DONE);
	assert_false(was_settled);
	assert_int_equal(n_sweeps, 1);
}

static void an_error_in_the_documents_or_the_configuration_changes_nothing(void **state)
{
	struct fixture *f = *state;

	write_conf(f, NSG_POLICY, "profile = nonsense\n");
	assert_int_equal(reload_all(f), NSG_EXIT_POLICY);
	write_conf(f, NSG_POLICY, "subnet = no-such-subnet\n");
	assert_int_equal(reload_all(f), NSG_EXIT_POLICY);
	write_conf(f, "/nonexistent", "");
	assert_int_equal(reload_all(f), NSG_EXIT_POLICY);
	for (int i = 0; i < N_STEPS; i++)
		assert_int_equal(n_calls[i], 0);
	assert_ptr_equal(f->in.conf, f->in.conf_start);
	/* The policy alone is read from where the configuration in force says. */
	assert_int_equal(reload_policy(f), NSG_EXIT_DONE);
}

static void what_cannot_be_removed_afterwards_is_a_warning(void **state)
{
	struct fixture *f = *state;

	fail_at(RETIRE, -EIO);
	assert_int_equal(reload_policy(f), NSG_EXIT_DONE);
	assert_int_equal(f->n_errors, 0);
	assert_true(f->n_warnings > 0);
}

static void requests_made_while_a_load_runs_share_the_next_one(void **state)
{
	struct fixture *f = *state;
	uint64_t first = reload_request(f->in.reloader, true), next;

	assert_int_equal(reload_request(f->in.reloader, true), first);
	while (!reload_runs(f->in.reloader))
		turn(f);
	next = reload_request(f->in.reloader, true);
	assert_int_equal(next, first + 1);
	assert_int_equal(reload_request(f->in.reloader, false), next);
	while (f->number != next)
		turn(f);
	assert_int_equal(f->in.reloads, 2);
	assert_ptr_not_equal(f->in.conf, f->in.conf_start); /* one of them was for nsgd.conf too */
	assert_false(reload_runs(f->in.reloader));
	assert_int_equal(sd_event_run(f->event, 0), 0);
}

static void a_load_that_runs_at_the_end_is_given_up(void **state)
{
	struct fixture *f = *state;

	(void)reload_request(f->in.reloader, false);
	while (!reload_runs(f->in.reloader))
		turn(f);
}

static void changed_routes_do_not_read_the_documents_again(void **state)
{
	struct fixture *f = *state;
	const struct policy *before = f->in.policy;
	const struct nsg_policy *documents = before->snapshot->policy;

	f->number = 99;
	n_live_loads = 0;
	live_in_force = false;
	reload_request_routes(f->in.reloader);
	while (!live_in_force)
		turn(f);
	assert_ptr_not_equal(f->in.policy, before);
	assert_ptr_equal(f->in.policy->snapshot->policy, documents);
	assert_ptr_equal(published, &f->in.policy->engine);
	assert_int_equal(forgot, NSG_FORGET_NOTHING);
	assert_int_equal(n_live_loads, 1);
	/* it is not a reload: nobody waits for it, and none is counted */
	assert_int_equal(f->number, 99);
	assert_int_equal(f->in.reloads, 0);
	assert_string_equal(live_error, "");
}

static void a_reload_includes_the_routes_that_changed(void **state)
{
	struct fixture *f = *state;

	n_live_loads = 0;
	reload_request_routes(f->in.reloader);
	assert_int_equal(reload_policy(f), NSG_EXIT_DONE);
	assert_int_equal(n_live_loads, 1);
	assert_int_equal(f->in.reloads, 1);
}

static void routes_that_cannot_be_in_force_leave_those_before(void **state)
{
	struct fixture *f = *state;
	const struct policy *before = f->in.policy;

	fail_at(PREPARE, -ENOMEM);
	live_error[0] = '\0';
	reload_request_routes(f->in.reloader);
	while (!*live_error)
		turn(f);
	assert_false(live_in_force);
	assert_ptr_equal(f->in.policy, before);
	assert_false(f->in.reload_failed);
	assert_string_equal(live_error, strerror(ENOMEM));
}

/* The documents in force are used with the changed routes, whatever is wrong with the new ones. */
static void routes_that_changed_outlive_a_reload_that_fails(void **state)
{
	struct fixture *f = *state;

	write_conf(f, "/nonexistent", "");
	n_live_loads = 0;
	live_in_force = false;
	reload_request_routes(f->in.reloader);
	assert_int_equal(reload_all(f), NSG_EXIT_POLICY);
	assert_false(live_in_force);
	while (!live_in_force)
		turn(f);
	assert_int_equal(n_live_loads, 2);
	assert_ptr_equal(published, &f->in.policy->engine);
	assert_true(f->in.reload_failed);
	/* and not once more after a failure that they had no part in */
	assert_int_equal(reload_all(f), NSG_EXIT_POLICY);
	assert_int_equal(sd_event_run(f->event, 0), 0);
	assert_int_equal(n_live_loads, 3);
}

static void routes_that_were_refused_are_tried_with_other_documents(void **state)
{
	struct fixture *f = *state;

	live_refused = true;
	n_live_loads = 0;
	assert_int_equal(reload_policy(f), NSG_EXIT_DONE);
	live_in_force = false;
	while (!live_in_force)
		turn(f);
	assert_int_equal(n_live_loads, 2);
	/* not after a reload that fails */
	live_refused = true;
	write_conf(f, "/nonexistent", "");
	assert_int_equal(reload_all(f), NSG_EXIT_POLICY);
	assert_int_equal(sd_event_run(f->event, 0), 0);
	assert_int_equal(n_live_loads, 3);
	live_refused = false;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_reload_takes_every_step_once),
	    TEST(a_reload_reports_what_it_changed),
	    TEST(a_step_that_fails_leaves_the_old_policy_in_force),
	    TEST(a_reload_waits_until_a_generation_is_free),
	    TEST(every_reload_ends_with_a_sweep),
	    TEST(no_sweep_while_the_workers_may_use_a_policy_that_was_given_up),
	    TEST(an_error_in_the_documents_or_the_configuration_changes_nothing),
	    TEST(what_cannot_be_removed_afterwards_is_a_warning),
	    TEST(requests_made_while_a_load_runs_share_the_next_one),
	    TEST(changed_routes_do_not_read_the_documents_again),
	    TEST(a_reload_includes_the_routes_that_changed),
	    TEST(routes_that_cannot_be_in_force_leave_those_before),
	    TEST(routes_that_changed_outlive_a_reload_that_fails),
	    TEST(routes_that_were_refused_are_tried_with_other_documents),
	    TEST(a_load_that_runs_at_the_end_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
