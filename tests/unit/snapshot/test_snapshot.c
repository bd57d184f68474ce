/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A directory becomes a snapshot, or nothing and diagnostics. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "snapshot/snapshot.h"

static struct nsg_snapshot_options options(const char *subnet)
{
	return (struct nsg_snapshot_options){
	    .effective = {.subnet = subnet,
			  .profile = nsg_profile_find("2020-04"),
			  .route_all = NSG_UNSET},
	};
}

static struct nsg_snapshot *load(const struct nsg_snapshot *before)
{
	const struct nsg_snapshot_options o = options(NULL);
	struct nsg_snapshot *s = NULL;
	struct nsg_diag diag = {0};

	assert_int_equal(nsg_snapshot_load(NSG_POLICY, &o, before, &diag, &s), 0);
	assert_int_equal(diag.n_errors, 0);
	nsg_diag_done(&diag);
	return s;
}

static void documents_their_meaning_and_the_image_come_together(void **state)
{
	struct nsg_snapshot *s = load(NULL);

	(void)state;
	assert_ptr_equal(s->effective->policy, s->policy);
	assert_true(nsg_image_info(s->image).n_rules > 0);
	assert_null(nsg_snapshot_free(s));
	assert_null(nsg_snapshot_free(NULL));
}

static void the_snapshot_that_was_replaced_is_not_needed_any_more(void **state)
{
	struct nsg_snapshot *before = load(NULL), *after = load(before);
	struct nsg_image_info a = nsg_image_info(before->image), b;

	(void)state;
	nsg_snapshot_free(before);
	b = nsg_image_info(after->image);
	assert_int_equal(a.nsg_hash, b.nsg_hash);
	assert_int_equal(a.gate_hash, b.gate_hash);
	assert_true(after->effective->n_rules > 0);
	nsg_snapshot_free(after);
}

static void other_live_routes_do_not_need_the_documents(void **state)
{
	struct nsg_snapshot_options o = options(NULL);
	struct nsg_snapshot *before = load(NULL), *after = NULL;
	struct nsg_route_changes none = {0};
	struct nsg_hop_lists lists = {0};
	struct nsg_route_diff diff;
	struct nsg_diag diag = {0};

	(void)state;
	assert_int_equal(
	    nsg_route_set_new(NULL, &none, true, &lists, 1, 1, &diff, &o.effective.live), 0);
	assert_int_equal(nsg_snapshot_update(before, &o.effective, &diag, &after), 0);
	assert_int_equal(diag.n_errors, 0);
	assert_ptr_equal(after->policy, before->policy);
	/* the one before may go first, and the set's maker too */
	nsg_snapshot_free(before);
	nsg_route_set_unref(o.effective.live);
	assert_true(after->policy->n_vnets > 0 && after->effective->n_rules > 0);
	nsg_snapshot_free(after);
	nsg_diag_done(&diag);
}

static void assert_fails(const char *directory, const char *subnet, int error)
{
	const struct nsg_snapshot_options o = options(subnet);
	struct nsg_snapshot *s = NULL;
	struct nsg_diag diag = {0};

	assert_int_equal(nsg_snapshot_load(directory, &o, NULL, &diag, &s), error);
	assert_true(diag.n_errors > 0);
	assert_null(s);
	nsg_diag_done(&diag);
}

static void errors_are_diagnostics_and_leave_nothing(void **state)
{
	(void)state;
	assert_fails("/nonexistent", NULL, -ENOENT);
	assert_fails(NSG_POLICY, "no-such-subnet", -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(documents_their_meaning_and_the_image_come_together),
	    cmocka_unit_test(the_snapshot_that_was_replaced_is_not_needed_any_more),
	    cmocka_unit_test(other_live_routes_do_not_need_the_documents),
	    cmocka_unit_test(errors_are_diagnostics_and_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
