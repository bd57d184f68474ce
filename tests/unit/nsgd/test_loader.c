/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads that end and loads that do not: policy_load() and nsg_conf_load() are the test's, and read from a pipe. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "nsgd/loader.h"
#include "util/thread.h"

/* Of loads that end, and of those that do not. */
#define PATIENCE_USEC 60000000u
#define SHORT_USEC 200000u

/* ---- the fakes ------------------------------------------------------------------------------- */

static int gate[2]; /* a byte lets one load end */
static struct policy before;
static _Atomic int n_made; /* and not freed */
static _Atomic bool as_given;

int policy_load(const struct load *load, struct nsg_diag *diag, struct policy **ret)
{
	char byte;

	as_given = load->before == &before && strcmp(load->options.subnet, "apps") == 0 &&
		   *load->directory == '/';
	if (strcmp(load->directory, "/wrong") == 0)
		return nsg_diag_add(diag, NSG_ERROR, NULL, NULL, "wrong") ? -ENOENT : 0;
	assert_int_equal(read(gate[0], &byte, 1), 1);
	*ret = calloc(1, sizeof(**ret));
	assert_non_null(*ret);
	(*ret)->engine.references = 1;
	n_made++;
	return 0;
}

static struct nsg_conf conf;
static _Atomic int n_confs; /* and not freed */

int nsg_conf_load(const char *path, bool may_be_absent, struct nsg_diag *diag,
		  struct nsg_conf **ret)
{
	char byte;

	assert_true(may_be_absent);
	if (strcmp(path, "/wrong") == 0)
		return nsg_diag_add(diag, NSG_ERROR, NULL, NULL, "wrong") ? -ENOENT : 0;
	assert_int_equal(read(gate[0], &byte, 1), 1);
	n_confs++;
	*ret = &conf;
	return 0;
}

struct nsg_conf *nsg_conf_free(struct nsg_conf *c)
{
	n_confs -= c != NULL;
	return NULL;
}

struct load policy_source(const struct nsg_conf *c)
{
	assert_ptr_equal(c, &conf);
	return (struct load){.directory = "/", .options = {.subnet = "apps"}};
}

static bool no_threads;

int nsg_thread_start(pthread_t *thread, const char *name, void *(*run)(void *data), void *data)
{
	(void)name;
	return no_threads ? -EAGAIN : -pthread_create(thread, NULL, run, data);
}

struct policy *policy_unref(struct policy *p)
{
	if (p && --p->engine.references == 0) {
		free(p);
		n_made--;
	}
	return NULL;
}

struct nsg_engine_policy *nsg_engine_policy_ref(struct nsg_engine_policy *p)
{
	p->references++;
	return p;
}

/* ---- the fixture ----------------------------------------------------------------------------- */

struct fixture {
	sd_event *event;
	struct loader *loader;
	unsigned int n_opened, n_confs, n_done;
	int result;
	size_t n_errors, n_warnings;
};

static void opened(void *closure, struct nsg_conf *taken)
{
	struct fixture *f = closure;

	f->n_opened++;
	f->n_confs += taken != NULL;
	nsg_conf_free(taken);
}

static void done(void *closure, int r, struct policy *policy, struct nsg_diag *diag)
{
	struct fixture *f = closure;

	f->n_done++;
	f->result = r;
	f->n_errors = diag->n_errors;
	f->n_warnings = diag->n_warnings;
	assert_true((policy != NULL) == (r == 0));
	policy_unref(policy);
	nsg_diag_done(diag);
}

static const struct loader_ops ops = {.opened = opened, .done = done};

static int set_up(void **state)
{
	const uint64_t *patience_usec = *state;
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(pipe(gate), 0);
	assert_true(sd_event_new(&f->event) >= 0);
	assert_int_equal(loader_new(f->event, *patience_usec, &ops, f, &f->loader), 0);
	before.engine.references = 1;
	n_made = 0;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	/* a busy machine may not run the thread within one of these moments */
	for (int i = 0; !loader_stop(f->loader); i++)
		assert_true(i < 100);
	assert_int_equal(before.engine.references, 1);
	assert_int_equal(n_made, 0);
	assert_int_equal(n_confs, 0);
	sd_event_unref(f->event);
	(void)close(gate[0]);
	(void)close(gate[1]);
	free(f);
	return 0;
}

static int start(struct fixture *f, const char *path, struct nsg_diag *diag)
{
	char directory[64], subnet[] = "apps";
	const struct load load = {
	    .directory = directory, .options = {.subnet = subnet}, .before = &before};
	int r;

	(void)strcpy(directory, path);
	r = loader_start(f->loader, &load, diag);
	/* it has copies */
	(void)memset(directory, 'x', strlen(directory));
	(void)memset(subnet, 'x', strlen(subnet));
	return r;
}

static void let_end(unsigned int n)
{
	while (n--)
		assert_int_equal(write(gate[1], "", 1), 1);
}

static void until_done(struct fixture *f, unsigned int n)
{
	while (f->n_done < n)
		assert_true(sd_event_run(f->event, 10000000) > 0);
}

/* ---- the facts ------------------------------------------------------------------------------- */

static void a_load_is_reported_with_its_diagnostics(void **state)
{
	struct fixture *f = *state;
	struct nsg_diag diag = {0};

	(void)nsg_diag_add(&diag, NSG_WARNING, NULL, NULL, "of nsgd.conf");
	assert_int_equal(start(f, "/", &diag), 0);
	assert_int_equal(diag.n, 0);
	assert_int_equal(start(f, "/", &diag), -EBUSY);
	let_end(1);
	until_done(f, 1);
	assert_int_equal(f->result, 0);
	assert_int_equal(f->n_opened, 1);
	assert_int_equal(f->n_warnings, 1);
	assert_true(as_given);
	/* an error in the documents is one of the policy, whatever it is */
	assert_int_equal(start(f, "/wrong", &diag), 0);
	until_done(f, 2);
	assert_int_equal(f->result, -EINVAL);
	assert_int_equal(f->n_errors, 1);
}

static void a_load_that_does_not_end_is_left_behind(void **state)
{
	struct fixture *f = *state;
	struct nsg_diag diag = {0};

	for (unsigned int i = 1; i <= 4; i++) {
		assert_int_equal(start(f, "/", &diag), 0);
		until_done(f, i);
		assert_int_equal(f->result, -ETIMEDOUT);
		assert_int_equal(f->n_errors, 1);
		/* it may still read the policy of its time */
		assert_int_equal(before.engine.references, 1 + i);
	}
	/* four of them hang: no more threads */
	assert_int_equal(start(f, "/", &diag), -EBUSY);
	assert_false(loader_stop(f->loader));
	/* what they make is of no use any more */
	let_end(4);
	while (before.engine.references > 1)
		assert_true(sd_event_run(f->event, 10000000) > 0);
	assert_int_equal(n_made, 0);
	assert_int_equal(f->n_done, 4);
	assert_int_equal(start(f, "/", &diag), 0);
	let_end(1);
	until_done(f, 5);
}

static int start_with_conf(struct fixture *f, const char *path)
{
	const struct load load = {.conf_path = path, .conf_may_be_absent = true, .before = &before};
	struct nsg_diag diag = {0};

	return loader_start(f->loader, &load, &diag);
}

static void the_configuration_names_what_is_loaded(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(start_with_conf(f, "/conf"), 0);
	let_end(2);
	until_done(f, 1);
	assert_int_equal(f->result, 0);
	assert_int_equal(f->n_opened, 1);
	assert_int_equal(f->n_confs, 1);
	assert_true(as_given);
	/* without one there is nothing to load */
	assert_int_equal(start_with_conf(f, "/wrong"), 0);
	until_done(f, 2);
	assert_int_equal(f->result, -EINVAL);
	assert_int_equal(f->n_errors, 1);
	assert_int_equal(f->n_opened, 1);
}

static void a_configuration_that_cannot_be_read_is_left_behind(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(start_with_conf(f, "/conf"), 0);
	until_done(f, 1);
	assert_int_equal(f->result, -ETIMEDOUT);
	let_end(2);
	while (before.engine.references > 1)
		assert_true(sd_event_run(f->event, 10000000) > 0);
	assert_int_equal(f->n_opened, 0);
}

static void a_load_that_runs_at_the_end_is_given_up(void **state)
{
	struct fixture *f = *state;
	struct nsg_diag diag = {0};

	assert_int_equal(start(f, "/", &diag), 0);
	let_end(1);
}

static void a_load_without_a_thread_is_not_waited_for(void **state)
{
	struct fixture *f = *state;
	struct nsg_diag diag = {0};

	no_threads = true;
	assert_int_equal(start(f, "/", &diag), -EAGAIN);
	no_threads = false;
	assert_int_equal(sd_event_run(f->event, 2 * SHORT_USEC), 0);
	assert_int_equal(f->n_done, 0);
}

#define TEST(name, patience_usec)                                                                  \
	cmocka_unit_test_prestate_setup_teardown(name, set_up, tear_down, &(patience_usec))

int main(void)
{
	static uint64_t patient = PATIENCE_USEC, impatient = SHORT_USEC;
	const struct CMUnitTest tests[] = {
	    TEST(a_load_is_reported_with_its_diagnostics, patient),
	    TEST(a_load_that_does_not_end_is_left_behind, impatient),
	    TEST(the_configuration_names_what_is_loaded, patient),
	    TEST(a_configuration_that_cannot_be_read_is_left_behind, impatient),
	    TEST(a_load_that_runs_at_the_end_is_given_up, patient),
	    TEST(a_load_without_a_thread_is_not_waited_for, impatient),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
