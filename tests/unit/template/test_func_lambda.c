/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/macro.h"

static void lambdas(void **state)
{
	static const struct expression cases[] = {
	    {"map(range(1, 3), lambda('n', mul(lambdaVariables('n'), 2)))", "[2, 4, 6]"},
	    {"map(createArray('a', 'b'), lambda('s', 'i', format('{0}{1}', "
	     "lambdaVariables('s'), lambdaVariables('i'))))",
	     "['a0', 'b1']"},
	    {"map(range(1, 2), lambda('i', map(range(1, 2), lambda('j', "
	     "mul(lambdaVariables('i'), lambdaVariables('j'))))))",
	     "[[1, 2], [2, 4]]"},
	    {"filter(range(0, 6), lambda('n', equals(mod(lambdaVariables('n'), 2), 0)))",
	     "[0, 2, 4]"},
	    {"reduce(range(1, 4), 0, lambda('sum', 'n', add(lambdaVariables('sum'), "
	     "lambdaVariables('n'))))",
	     "10"},
	    {"reduce(createArray(), 'start', lambda('a', 'b', lambdaVariables('b')))", "'start'"},
	    {"toObject(createArray('a', 'b'), lambda('k', toUpper(lambdaVariables('k'))))",
	     "{'A': 'a', 'B': 'b'}"},
	    {"toObject(createArray('a'), lambda('k', lambdaVariables('k')), lambda('k', 1))",
	     "{'a': 1}"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

static void refused(void **state)
{
	static const struct expression cases[] = {
	    {"map(range(1, 3), 'x')", NULL, "map() takes a lambda with 1"},
	    {"map('x', lambda('n', 1))", NULL, "map() takes an array, not a string"},
	    {"map(range(1, 3), lambda(1, 2))", NULL, "the variables of lambda() must be"},
	    {"map(range(1, 3), lambda('a', 'b', 'c', 'd', 1))", NULL, "takes a lambda with 1"},
	    {"filter(range(1, 3), lambda('n', 1))", NULL, "must return a boolean"},
	    {"toObject(range(1, 3), lambda('n', 1))", NULL, "must return a string"},
	    {"reduce(range(1, 3), 0, lambda('n', 1))", NULL, "reduce() takes a lambda with 2"},
	    {"lambdaVariables('n')", NULL, "undefined lambda variable 'n'"},
	    {"map(range(1, 3), lambda('n', reference('x').y))", NULL, "reference() to 'x'"},
	    {"lambda('n', 1)", NULL, "unknown function lambda()"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lambdas),
	    cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
