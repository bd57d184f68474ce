/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/macro.h"

static void arithmetic(void **state)
{
	static const struct expression cases[] = {
	    {"add(5, 3)", "8"},
	    {"sub(7, 3)", "4"},
	    {"mul(5, 3)", "15"},
	    {"div(8, 3)", "2"},
	    {"div(-8, 3)", "-2"},
	    {"mod(7, 3)", "1"},
	    {"ADD(1, -1)", "0"},
	    {"add(9223372036854775807, 1)", NULL, "add(): the result does not fit in 64 bits"},
	    {"sub(-9223372036854775808, 1)", NULL, "sub(): the result does not fit in 64 bits"},
	    {"mul(4611686018427387904, 2)", NULL, "mul(): the result does not fit in 64 bits"},
	    {"div(1, 0)", NULL, "div(): division by zero"},
	    {"mod(1, 0)", NULL, "mod(): division by zero"},
	    {"div(-9223372036854775808, -1)", NULL, "div(): the result does not fit in 64 bits"},
	    {"mod(-9223372036854775808, -1)", NULL, "mod(): the result does not fit in 64 bits"},
	    {"add('1', 2)", NULL, "add() takes an integer, not a string"},
	    {"add(1, null())", NULL, "add() takes an integer, not null"},
	    {"add(1)", NULL, "too few arguments for add(): 1"},
	    {"add(1, 2, 3)", NULL, "too many arguments for add(): 3"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

static void conversion(void **state)
{
	static const struct expression cases[] = {
	    {"int('4')", "4"},
	    {"int(' 4 ')", "4"},
	    {"int('-12')", "-12"},
	    {"int(7)", "7"},
	    {"int(json('1.9'))", "1"},
	    {"int('')", NULL, "int(): '' is not an integer"},
	    {"int('4x')", NULL, "int(): '4x' is not an integer"},
	    {"int('9223372036854775808')", NULL, "is not an integer"},
	    {"int(true())", NULL, "int() takes a number or the text of one, not a boolean"},
	    {"int(json('1e300'))", NULL, "int() takes a number"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

static void extremes(void **state)
{
	static const struct expression cases[] = {
	    {"min(createArray(0, 3, 2, 5, 4))", "0"},
	    {"min(0, 3, 2, 5, 4)", "0"},
	    {"max(createArray(0, 3, 2, 5, 4))", "5"},
	    {"max(0, 3, 2, 5, 4)", "5"},
	    {"max(-3)", "-3"},
	    {"min(createArray())", NULL, "min(): the array is empty"},
	    {"max(1, 'a')", NULL, "max() takes integers, not a string"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

static void range(void **state)
{
	static const struct expression cases[] = {
	    {"range(5, 3)", "[5, 6, 7]"},
	    {"range(0, 0)", "[]"},
	    {"range(-2, 3)", "[-2, -1, 0]"},
	    {"length(range(0, 10000))", "10000"},
	    {"range(0, 10001)", NULL, "range() makes at most 10000 numbers"},
	    {"range(0, -1)", NULL, "range() makes at most 10000 numbers"},
	    {"range(2147483647, 2)", NULL, "range() makes at most"},
	    {"range(9223372036854775807, 2)", NULL, "range() makes at most"},
	    {"range('a', 2)", NULL, "range() takes an integer, not a string"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(arithmetic),
	    cmocka_unit_test(conversion),
	    cmocka_unit_test(extremes),
	    cmocka_unit_test(range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
