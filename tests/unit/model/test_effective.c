/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/policy_build.h"

static int setup(void **state)
{
	*state = policy_build_new();
	return 0;
}

static int teardown(void **state)
{
	policy_build_free(*state);
	return 0;
}

/* NSGs and route tables are checked even where no subnet can be chosen. */
static void all_problems_show_at_once(void **state)
{
	struct policy_build *b = *state;
	struct nsg_nsg *g = policy_build_nsg(b, "nsg");
	struct nsg_route_table *t = policy_build_table(b, "rt");

	policy_build_rule(b, g, "a", 100, NSG_DENY, "*", "*", "Nowhere", "*");
	policy_build_rule(b, g, "b", 100, NSG_DENY, "*", "*", "*", "*");
	policy_build_route(b, t, "c", "10.0.0.0/8", NSG_HOP_NONE, "");
	policy_build_route(b, t, "d", "10.0.0.0/8", NSG_HOP_NONE, "");
	assert_int_equal(policy_build_make(b), -EINVAL);
	assert_int_equal(policy_build_count(b, NSG_ERROR), 4);
	policy_build_usual(b);
	assert_int_equal(policy_build_make(b), -EINVAL);
	assert_int_equal(policy_build_count(b, NSG_ERROR), 3);
}

static void an_error_leaves_the_result_alone(void **state)
{
	struct policy_build *b = *state;
	struct nsg_effective *e = NULL;

	assert_int_equal(nsg_effective_new(b->p, &b->options, &b->diag, &e), -EINVAL);
	assert_null(e);
	assert_null(nsg_effective_free(NULL));
}

/* Errors that stood in the diagnostics before are not this policy's. */
static void earlier_errors_do_not_count(void **state)
{
	struct policy_build *b = *state;

	policy_build_usual(b);
	(void)nsg_diag_add(&b->diag, NSG_ERROR, NULL, NULL, "of somebody else");
	assert_int_equal(nsg_effective_new(b->p, &b->options, &b->diag, &b->e), 0);
}

static void a_directory_without_end_is_refused(void **state)
{
	struct policy_build *b = *state;

	policy_build_usual(b);
	b->p->n_sites = 5001;
	assert_int_equal(policy_build_make(b), -EINVAL);
	assert_true(
	    policy_build_told(b, NSG_ERROR, NULL, "5001 sites, nsgd supports at most 5000"));
	b->p->n_sites = 0;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(all_problems_show_at_once),
	    TEST(an_error_leaves_the_result_alone),
	    TEST(earlier_errors_do_not_count),
	    TEST(a_directory_without_end_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
