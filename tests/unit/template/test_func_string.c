/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/macro.h"

static void whole_strings(void **state)
{
	static const struct expression cases[] = {
	    {"toLower('One Two Three')", "'one two three'"},
	    {"toUpper('One Two Three')", "'ONE TWO THREE'"},
	    {"toUpper('größe')", "'GRößE'"},
	    {"toLower(1)", NULL, "toLower() takes a string, not a number"},
	    {"trim('    one two three   ')", "'one two three'"},
	    {"trim('   ')", "''"},
	    {"string(1)", "'1'"},
	    {"string('a')", "'a'"},
	    {"string(true())", "'True'"},
	    {"string(false())", "'False'"},
	    {"string(null())", "''"},
	    {"string(createArray('a', 'b', 1))", "'[\\'a\\',\\'b\\',1]'"},
	    {"string(createObject('a', 'b'))", "'{\\'a\\':\\'b\\'}'"},
	    {"concat('a', 1, true(), '-', string(2))", "'a1True-2'"},
	    {"concat('a', createArray())", NULL, "concat() takes either arrays or strings"},
	    {"concat(createArray(), 'a')", NULL, "concat() takes either arrays or strings"},
	    {"concat(createObject())", NULL, "concat() takes either arrays or strings"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

static void searching(void **state)
{
	static const struct expression cases[] = {
	    {"startsWith('abcdef', 'ab')", "true"},
	    {"startsWith('abcdef', 'A')", "true"},
	    {"startsWith('abcdef', 'e')", "false"},
	    {"startsWith('a', 'ab')", "false"},
	    {"endsWith('abcdef', 'ef')", "true"},
	    {"endsWith('abcdef', 'F')", "true"},
	    {"endsWith('abcdef', 'e')", "false"},
	    {"endsWith('', '')", "true"},
	    {"indexOf('test', 't')", "0"},
	    {"indexOf('abcdef', 'CD')", "2"},
	    {"indexOf('abcdef', 'z')", "-1"},
	    {"indexOf('äöü', 'ü')", "2"},
	    {"indexOf('abc', '')", "0"},
	    {"lastIndexOf('test', 't')", "3"},
	    {"lastIndexOf('abcdef', 'AB')", "0"},
	    {"lastIndexOf('abcdef', 'z')", "-1"},
	    {"indexOf('a', 1)", NULL, "indexOf() takes a string, not a number"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

static void parts(void **state)
{
	static const struct expression cases[] = {
	    {"split('one,two,three', ',')", "['one', 'two', 'three']"},
	    {"split('one;two,three', createArray(',', ';'))", "['one', 'two', 'three']"},
	    {"split('a,,b,', ',')", "['a', '', 'b', '']"},
	    {"split('', ',')", "['']"},
	    {"split('abc', '')", "['abc']"},
	    {"split('10.0.0.0/16', '/')[1]", "'16'"},
	    {"split('a', 1)", NULL, "split() takes a string or an array of strings"},
	    {"join(createArray('one', 'two', 3), ', ')", "'one, two, 3'"},
	    {"join(createArray(), ',')", "''"},
	    {"join('a', ',')", NULL, "join() takes an array, not a string"},
	    {"substring('one two three', 4, 3)", "'two'"},
	    {"substring('one two three', 4)", "'two three'"},
	    {"substring('äöü', 1, 1)", "'ö'"},
	    {"substring('abc', 3, 0)", "''"},
	    {"substring('abc', 2, 2)", NULL,
	     "substring(): start 2 and length 2 exceed a string of 3 characters"},
	    {"substring('abc', -1, 1)", NULL, "substring(): start -1"},
	    {"substring('abc', 4)", NULL, "substring(): start 4"},
	    {"substring('abc', 1, 9223372036854775807)", NULL, "substring(): start 1"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

static void changed(void **state)
{
	static const struct expression cases[] = {
	    {"replace('123-123-1234', '-', '')", "'1231231234'"},
	    {"replace('123-123-1234', '1234', 'xxxx')", "'123-123-xxxx'"},
	    {"replace('aaa', 'a', 'aa')", "'aaaaaa'"},
	    {"replace('abc', 'x', 'y')", "'abc'"},
	    {"replace('abc', '', 'y')", NULL, "replace(): the text to replace is empty"},
	    {"padLeft('123', 10, '0')", "'0000000123'"},
	    {"padLeft(7, 3)", "'  7'"},
	    {"padLeft('abcd', 3, '0')", "'abcd'"},
	    {"padLeft('a', 3, 'ä')", "'ääa'"},
	    {"padLeft('a', 3, 'xy')", NULL, "padLeft(): the padding must be one character"},
	    {"padLeft('a', 9223372036854775807, 'x')", NULL, "steps"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whole_strings),
	    cmocka_unit_test(searching),
	    cmocka_unit_test(parts),
	    cmocka_unit_test(changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
