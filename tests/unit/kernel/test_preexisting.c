/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/preexisting.h"
#include "support/connections.h"
#include "support/netns.h"

#define DECIDED 0x08010000u
#define OLDER 0x06000000u
#define FOREIGN 0x40000003u

enum { DECIDED_ONE, UNDECIDED_TCP, UNDECIDED_UDP, OLDER_ONE, N };

struct fixture {
	struct nsg_nl dump, update;
	struct nsg_marks marks;
	char directory[32];
	struct nsg_preexisting preexisting;
	struct nsg_diag diag;
	uint32_t seen[N + 1];
};

static bool begin(struct fixture *f)
{
	*f = (struct fixture){.directory = "/tmp/nsg-preexisting-XXXXXX"};
	if (!netns_enter() || connections_add(DECIDED_ONE, true, DECIDED | FOREIGN) < 0)
		return false;
	assert_int_equal(connections_add(UNDECIDED_TCP, true, FOREIGN), 0);
	assert_int_equal(connections_add(UNDECIDED_UDP, false, FOREIGN), 0);
	assert_int_equal(connections_add(OLDER_ONE, true, OLDER | FOREIGN), 0);
	assert_int_equal(nsg_marks_init(0x0fff0000, &f->marks), 0);
	assert_int_equal(nsg_nl_open(NETLINK_NETFILTER, &f->dump), 0);
	assert_int_equal(nsg_nl_open(NETLINK_NETFILTER, &f->update), 0);
	assert_non_null(mkdtemp(f->directory));
	f->preexisting =
	    (struct nsg_preexisting){&f->dump, &f->update, &f->marks, f->directory, "unit"};
	return true;
}

static void end(struct fixture *f)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/unit.flows", f->directory);
	(void)unlink(path);
	(void)rmdir(f->directory);
	assert_int_equal(access(f->directory, F_OK), -1);
	nsg_nl_close(&f->dump);
	nsg_nl_close(&f->update);
	nsg_diag_done(&f->diag);
}

static uint32_t mark(struct fixture *f, uint32_t i)
{
	connections_marks(f->seen, N + 1);
	assert_int_equal(f->seen[i] & ~f->marks.mask, FOREIGN);
	return f->seen[i] & f->marks.mask;
}

static void at_a_start_established_ones_become_older_decided_ones_are_forgotten(void **state)
{
	struct fixture f;

	(void)state;
	if (!begin(&f))
		skip();
	assert_int_equal(nsg_preexisting_apply(&f.preexisting, true, &f.diag), 0);
	assert_int_equal(mark(&f, DECIDED_ONE), 0);
	assert_int_equal(mark(&f, UNDECIDED_TCP), OLDER);
	assert_int_equal(mark(&f, UNDECIDED_UDP), 0);
	assert_int_equal(mark(&f, OLDER_ONE), OLDER);
	end(&f);
}

static void in_audit_nothing_is_marked(void **state)
{
	struct fixture f;

	(void)state;
	if (!begin(&f))
		skip();
	assert_int_equal(nsg_preexisting_apply(&f.preexisting, false, &f.diag), 0);
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(mark(&f, i), 0);
	end(&f);
}

static void a_stop_leaves_no_bit_and_the_next_start_judges_decided_ones_anew(void **state)
{
	struct fixture f;

	(void)state;
	if (!begin(&f))
		skip();
	for (int run = 0; run < 3; run++) {
		assert_int_equal(nsg_preexisting_clear(&f.preexisting, &f.diag), 0);
		for (uint32_t i = 0; i < N; i++)
			assert_int_equal(mark(&f, i), 0);
		/* also one that this run did not decide: it was denied, say */
		assert_int_equal(nsg_preexisting_apply(&f.preexisting, true, &f.diag), 0);
		assert_int_equal(mark(&f, DECIDED_ONE), 0);
		assert_int_equal(mark(&f, UNDECIDED_TCP), OLDER);
		assert_int_equal(mark(&f, OLDER_ONE), OLDER);
	}
	assert_int_equal(f.diag.n, 0);
	/* one that began while nsgd was not there */
	assert_int_equal(nsg_preexisting_clear(&f.preexisting, &f.diag), 0);
	assert_int_equal(connections_add(N, true, FOREIGN), 0);
	assert_int_equal(nsg_preexisting_apply(&f.preexisting, true, &f.diag), 0);
	assert_int_equal(mark(&f, N), OLDER);
	end(&f);
}

static void a_crash_between_two_lives_forgets_no_decided_one(void **state)
{
	struct fixture f;

	(void)state;
	if (!begin(&f))
		skip();
	/* the first run was killed; the second denies what the first allowed */
	assert_int_equal(nsg_preexisting_apply(&f.preexisting, true, &f.diag), 0);
	assert_int_equal(mark(&f, DECIDED_ONE), 0);
	assert_int_equal(nsg_preexisting_clear(&f.preexisting, &f.diag), 0);
	assert_int_equal(nsg_preexisting_apply(&f.preexisting, true, &f.diag), 0);
	assert_int_equal(mark(&f, DECIDED_ONE), 0);
	assert_int_equal(mark(&f, UNDECIDED_TCP), OLDER);
	end(&f);
}

static void bits_under_the_mask_that_are_not_ours_stay(void **state)
{
	struct fixture f;

	(void)state;
	if (!begin(&f))
		skip();
	assert_int_equal(connections_add(N, true, FOREIGN | 0x00010000), 0);
	assert_int_equal(nsg_preexisting_apply(&f.preexisting, true, &f.diag), 0);
	assert_int_equal(mark(&f, N), 0x00010000);
	assert_int_equal(nsg_preexisting_clear(&f.preexisting, &f.diag), 0);
	assert_int_equal(mark(&f, N), 0x00010000);
	end(&f);
}

static void without_the_directory_the_bits_go_all_the_same(void **state)
{
	struct fixture f;

	(void)state;
	if (!begin(&f))
		skip();
	f.preexisting.directory = "/nowhere/at/all";
	assert_int_equal(nsg_preexisting_clear(&f.preexisting, &f.diag), 0);
	assert_int_equal(mark(&f, DECIDED_ONE), 0);
	assert_int_equal(f.diag.n, 0);
	end(&f);
}

static void a_file_that_is_not_ours_does_no_harm(void **state)
{
	struct fixture f;
	char path[64];
	FILE *file;

	(void)state;
	if (!begin(&f))
		skip();
	(void)snprintf(path, sizeof(path), "%s/unit.flows", f.directory);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs("seven", file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(nsg_preexisting_apply(&f.preexisting, true, &f.diag), 0);
	assert_int_equal(mark(&f, UNDECIDED_TCP), OLDER);
	assert_int_equal(nsg_preexisting_clear(&f.preexisting, &f.diag), 0);
	end(&f);
}

static void a_start_without_a_stop_before_it_ends_a_gap(void **state)
{
	struct fixture f;

	(void)state;
	if (!begin(&f))
		skip();
	assert_false(nsg_preexisting_is_gap(&f.preexisting));
	nsg_preexisting_started(&f.preexisting, &f.diag);
	assert_true(nsg_preexisting_is_gap(&f.preexisting));
	assert_int_equal(nsg_preexisting_apply(&f.preexisting, false, &f.diag), 0);
	assert_true(nsg_preexisting_is_gap(&f.preexisting));
	assert_int_equal(nsg_preexisting_clear(&f.preexisting, &f.diag), 0);
	assert_false(nsg_preexisting_is_gap(&f.preexisting));
	assert_int_equal(f.diag.n, 0);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(at_a_start_established_ones_become_older_decided_ones_are_forgotten),
	    cmocka_unit_test(in_audit_nothing_is_marked),
	    cmocka_unit_test(a_stop_leaves_no_bit_and_the_next_start_judges_decided_ones_anew),
	    cmocka_unit_test(a_crash_between_two_lives_forgets_no_decided_one),
	    cmocka_unit_test(bits_under_the_mask_that_are_not_ours_stay),
	    cmocka_unit_test(without_the_directory_the_bits_go_all_the_same),
	    cmocka_unit_test(a_start_without_a_stop_before_it_ends_a_gap),
	    cmocka_unit_test(a_file_that_is_not_ours_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
