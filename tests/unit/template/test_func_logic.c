/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/macro.h"

static void logic(void **state)
{
	static const struct expression cases[] = {
	    {"true()", "true"},
	    {"FALSE()", "false"},
	    {"null()", "null"},
	    {"if(true(), 'yes', 'no')", "'yes'"},
	    {"if(equals('a', 'b'), 'yes', 'no')", "'no'"},
	    {"if(1, 2, 3)", NULL, "if() takes a boolean, not a number"},
	    {"and(true(), true(), false())", "false"},
	    {"and(true(), true())", "true"},
	    {"or(false(), true())", "true"},
	    {"or(false(), false())", "false"},
	    {"not(true())", "false"},
	    {"not('true')", NULL, "not() takes a boolean, not a string"},
	    {"bool('true')", "true"},
	    {"bool('False')", "false"},
	    {"bool(1)", "true"},
	    {"bool(0)", "false"},
	    {"bool('1')", "true"},
	    {"bool('0')", "false"},
	    {"bool(true())", "true"},
	    {"bool('yes')", NULL, "bool() takes"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

static void only_the_taken_branch_is_evaluated(void **state)
{
	static const struct expression cases[] = {
	    {"if(true(), 1, reference('x').y)", "1"},
	    {"if(false(), reference('x').y, 2)", "2"},
	    {"if(false(), 1, reference('x').y)", NULL, "reference() to 'x'"},
	    {"and(false(), reference('x').y)", "false"},
	    {"or(true(), reference('x').y)", "true"},
	    {"coalesce(null(), 3, reference('x').y)", "3"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

static void comparison(void **state)
{
	static const struct expression cases[] = {
	    {"equals(1, 1)", "true"},
	    {"equals('a', 'A')", "false"},
	    {"equals(1, '1')", "false"},
	    {"equals(createArray('a', 1), createArray('a', 1))", "true"},
	    {"equals(json('{\"a\":{\"b\":1}}'), createObject('a', createObject('b', 1)))", "true"},
	    {"equals(null(), null())", "true"},
	    {"greater(2, 1)", "true"},
	    {"greater(1, 1)", "false"},
	    {"greater('b', 'a')", "true"},
	    {"greaterOrEquals(1, 1)", "true"},
	    {"greaterOrEquals(0, 1)", "false"},
	    {"less(1, 2)", "true"},
	    {"less('A', 'a')", "true"},
	    {"less(2, 2)", "false"},
	    {"lessOrEquals(2, 2)", "true"},
	    {"lessOrEquals(3, 2)", "false"},
	    {"less(1, 'a')", NULL, "less() takes two numbers or two strings, not a string"},
	    {"less('a', 1)", NULL, "less() takes two numbers or two strings, not a string"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

static void absence(void **state)
{
	static const struct expression cases[] = {
	    {"coalesce(null(), null())", "null"},
	    {"coalesce(null(), 'a', 'b')", "'a'"},
	    {"coalesce('')", "''"},
	    {"tryGet(createObject('a', createObject('b', 1)), 'a', 'b')", "1"},
	    {"tryGet(createObject('a', 1), 'c')", "null"},
	    {"tryGet(createObject('a', 1), 'c', 'd')", "null"},
	    {"tryGet(createArray('x'), 0)", "'x'"},
	    {"tryGet(createArray('x'), 1)", "null"},
	    {"tryGet(createArray('x'), 'y')", "null"},
	    {"tryGet(reference('x'), 'y')", NULL, "reference() to 'x'"},
	    {"tryGet(createArray('x'), reference('x').y)", NULL, "reference() to 'x'"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(logic),
	    cmocka_unit_test(only_the_taken_branch_is_evaluated),
	    cmocka_unit_test(comparison),
	    cmocka_unit_test(absence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
