/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/phrase.h"

static void a_list_names_what_fits_and_counts_the_rest(void **state)
{
	struct nsg_phrase_list l = {.n = 0};
	char tail[32];

	(void)state;
	assert_string_equal(nsg_phrase_end(&l), "");
	nsg_phrase_add(&l, "%s", "one");
	nsg_phrase_add(&l, "%s", "two");
	assert_string_equal(nsg_phrase_end(&l), "one, two");
	for (int i = 0; i < 1000; i++)
		nsg_phrase_add(&l, "name%d", i);
	assert_int_equal(l.n + l.n_left, 1002);
	assert_true(l.n > 10);
	(void)snprintf(tail, sizeof(tail), " and %zu more", l.n_left);
	assert_non_null(strstr(nsg_phrase_end(&l), tail));
	assert_true(strlen(l.text) < sizeof(l.text));
}

static void a_name_too_long_is_counted_not_cut_off(void **state)
{
	struct nsg_phrase_list l = {.n = 0};
	char name[4000];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (int i = 0; i < 4; i++)
		nsg_phrase_add(&l, "%s", name);
	assert_true(l.n_left > 0);
	assert_true(strlen(nsg_phrase_end(&l)) < sizeof(l.text));
}

static void case_and_blanks_do_not_tell_names_apart(void **state)
{
	(void)state;
	assert_true(nsg_text_loosely_equal("West Europe", "westeurope"));
	assert_true(nsg_text_loosely_equal(" WESTEUROPE ", "West Europe"));
	assert_true(nsg_text_loosely_equal("", "  "));
	assert_false(nsg_text_loosely_equal("westeurope", "westeurope2"));
	assert_false(nsg_text_loosely_equal("", "x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_list_names_what_fits_and_counts_the_rest),
	    cmocka_unit_test(a_name_too_long_is_counted_not_cut_off),
	    cmocka_unit_test(case_and_blanks_do_not_tell_names_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
