/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/macro.h"

static void formats(void **state)
{
	static const struct expression cases[] = {
	    {"format('{0}, {1}. Formatted number: {2}', 'Hello', 'User', 8175133)",
	     "'Hello, User. Formatted number: 8175133'"},
	    {"format('plain')", "'plain'"},
	    {"format('{0}{0}', 'a')", "'aa'"},
	    {"format('{{0}} {0}', 'a')", "'{0} a'"},
	    {"format('{0}', true())", "'True'"},
	    {"format('{0}', createArray(1, 'a'))", "'[1,\\'a\\']'"},
	    {"format('{0,5}|{0,-5}|', 'ab')", "'   ab|ab   |'"},
	    {"format('{0, 3}', 7)", "'  7'"},
	    {"format('{0:D4}', 42)", "'0042'"},
	    {"format('{0:D}', -42)", "'-42'"},
	    {"format('{0:000}', 7)", "'007'"},
	    {"format('{0:000}', -7)", "'-007'"},
	    {"format('{0:X}', 255)", "'FF'"},
	    {"format('{0:x4}', 255)", "'00ff'"},
	    {"format('{0,6:D2}', 5)", "'    05'"},
	    {"format('{0:D2}', 'text')", "'text'"},
	    {"format('{0:D}', -9223372036854775808)", "'-9223372036854775808'"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

static void refused(void **state)
{
	static const char brace[] = "format(): unbalanced brace, or no argument for it";
	static const char form[] = "format(): the format of a number must be D, X or zeros";
	static const struct expression cases[] = {
	    {"format('{1}', 'a')", NULL, brace},
	    {"format('{0', 'a')", NULL, brace},
	    {"format('}', 'a')", NULL, brace},
	    {"format('{}', 'a')", NULL, brace},
	    {"format('{-1}', 'a')", NULL, brace},
	    {"format('{0,}', 'a')", NULL, brace},
	    {"format('{0:D', 1)", NULL, brace},
	    {"format('{9999999999}', 1)", NULL, brace},
	    {"format('{0,9999999}', 1)", NULL, brace},
	    {"format('{0:C2}', 1)", NULL, form},
	    {"format('{0:D999}', 1)", NULL, form},
	    {"format('{0:D-1}', 1)", NULL, form},
	    {"format('{0:D2x}', 1)", NULL, form},
	    {"format('{0:00000000}', 1)", NULL, form},
	    {"format(1)", NULL, "format() takes a string, not a number"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(formats),
	    cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
