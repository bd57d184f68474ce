/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nsgctl/lines.h"

static void gives_lines_none_longer_than_the_cap(void **state)
{
	static const struct {
		const char *in;
		const char *lines[4];
	} cases[] = {
	    {"", {NULL}},
	    {"\n", {"", NULL}},
	    {"a", {"a", NULL}},
	    {"a\nbb\n", {"a", "bb", NULL}},
	    {"a\r\n\nb", {"a\r", "", "b", NULL}},
	    {"\xef\xbb\xbf"
	     "a\n\xef\xbb\xbf"
	     "b\n",
	     {"a",
	      "\xef\xbb\xbf"
	      "b",
	      NULL}},
	    {"12345678\n", {"12345678", NULL}},
	    {"123456789\nx\n", {"123456789", "x", NULL}},
	    {"1234567890abcdef\nx\n", {"123456789", "x", NULL}},
	    {"1234567890abcdef", {"123456789", NULL}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char copy[64];
		struct nsgctl_lines l;
		size_t n = strlen(cases[i].in), found = 0;
		FILE *in;

		memcpy(copy, cases[i].in, n + 1);
		in = n ? fmemopen(copy, n, "r") : fopen("/dev/null", "r");
		assert_non_null(in);
		assert_int_equal(nsgctl_lines_begin(&l, in, 8), 0);
		while (nsgctl_lines_next(&l)) {
			const char *expected = cases[i].lines[found++];

			assert_non_null(expected);
			assert_int_equal(l.n, strlen(expected));
			assert_memory_equal(l.line, expected, l.n);
		}
		assert_null(cases[i].lines[found]);
		nsgctl_lines_done(&l);
		(void)fclose(in);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(gives_lines_none_longer_than_the_cap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
