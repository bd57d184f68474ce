/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/macro.h"

static void making(void **state)
{
	static const struct expression cases[] = {
	    {"array(1)", "[1]"},
	    {"array('efgh')", "['efgh']"},
	    {"array(createArray(1))", "[1]"},
	    {"array(createObject('a', 'b'))", "[{'a': 'b'}]"},
	    {"createArray()", "[]"},
	    {"createArray('a', 2, createArray())", "['a', 2, []]"},
	    {"createObject()", "{}"},
	    {"createObject('intProp', 1, 'stringProp', 'abc', 'boolProp', true())",
	     "{'intProp': 1, 'stringProp': 'abc', 'boolProp': true}"},
	    {"createObject('a')", NULL, "createObject() takes pairs"},
	    {"createObject(1, 2)", NULL, "createObject() takes a string, not a number"},
	    {"concat(createArray('1-1', '1-2'), createArray('2-1'))", "['1-1', '1-2', '2-1']"},
	    {"json('{\"a\": [1, true, null]}')", "{'a': [1, true, null]}"},
	    {"json('null')", "null"},
	    {"json('3')", "3"},
	    {"json('\"test\"')", "'test'"},
	    {"json('{')", NULL, "json(): the text is not valid JSON"},
	    {"json('')", NULL, "json(): the text is not valid JSON"},
	    {"flatten(createArray(createArray(1, 2), createArray(), createArray(3)))", "[1, 2, 3]"},
	    {"flatten(1)", NULL, "flatten() takes an array of arrays"},
	    {"flatten(createArray(1))", NULL, "flatten() takes an array of arrays"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

static void asking(void **state)
{
	static const struct expression cases[] = {
	    {"contains('OneTwoThree', 'e')", "true"},
	    {"contains('OneTwoThree', 'z')", "false"},
	    {"contains('OneTwoThree', 'ONE')", "false"},
	    {"contains('port 80', 80)", "true"},
	    {"contains(createObject('one', 'a'), 'ONE')", "true"},
	    {"contains(createObject('one', 'a'), 'a')", "false"},
	    {"contains(createArray('one', 'two'), 'two')", "true"},
	    {"contains(createArray('one', 'two'), 'Two')", "false"},
	    {"contains(createArray(createObject('a', 1)), createObject('a', 1))", "true"},
	    {"contains(1, 1)", NULL, "contains() takes an array, an object or a string"},
	    {"empty('')", "true"},
	    {"empty(createArray())", "true"},
	    {"empty(createObject())", "true"},
	    {"empty(null())", "true"},
	    {"empty('a')", "false"},
	    {"empty(0)", NULL, "empty() takes an array, an object or a string, not a number"},
	    {"length(createArray('one', 'two', 'three'))", "3"},
	    {"length('One Two Three')", "13"},
	    {"length('größe')", "5"},
	    {"length(createObject('a', 1, 'b', 2))", "2"},
	    {"length(true())", NULL, "length() takes"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

static void taking(void **state)
{
	static const struct expression cases[] = {
	    {"first(createArray('one', 'two', 'three'))", "'one'"},
	    {"first('One Two Three')", "'O'"},
	    {"first('äb')", "'ä'"},
	    {"first(createArray())", "null"},
	    {"first('')", "''"},
	    {"last(createArray('one', 'two', 'three'))", "'three'"},
	    {"last('One Two Three')", "'e'"},
	    {"last('')", "''"},
	    {"last(1)", NULL, "last() takes an array or a string, not a number"},
	    {"take(createArray('one', 'two', 'three'), 2)", "['one', 'two']"},
	    {"take('one two three', 2)", "'on'"},
	    {"take('abc', 9)", "'abc'"},
	    {"take('abc', -1)", "''"},
	    {"skip(createArray('one', 'two', 'three'), 2)", "['three']"},
	    {"skip('one two three', 4)", "'two three'"},
	    {"skip('abc', 9)", "''"},
	    {"skip(createArray(1), -5)", "[1]"},
	    {"take(createObject(), 1)", NULL, "take() takes an array or a string, not an object"},
	    {"take('abc', 'a')", NULL, "take() takes an integer, not a string"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

static void sets(void **state)
{
	static const struct expression cases[] = {
	    {"union(createArray('one', 'two', 'three'), createArray('three', 'four', 'four'))",
	     "['one', 'two', 'three', 'four']"},
	    {"union(json('{\"one\":\"a\",\"three\":\"c1\"}'), "
	     "json('{\"three\":\"c2\",\"four\":\"d\"}'))",
	     "{'one': 'a', 'three': 'c2', 'four': 'd'}"},
	    {"union(json('{\"p\":{\"one\":\"a\",\"three\":\"c1\"},\"n\":[1,2]}'), "
	     "json('{\"p\":{\"three\":\"c2\",\"four\":\"d\"},\"n\":[3,4]}'))",
	     "{'p': {'one': 'a', 'three': 'c2', 'four': 'd'}, 'n': [3, 4]}"},
	    {"union(createObject('a', 1), null())", "{'a': 1}"},
	    {"union(createArray(1), createObject())", NULL,
	     "union() takes either arrays or objects, not an object"},
	    {"union(1)", NULL, "union() takes either arrays or objects, not a number"},
	    {"shallowMerge(createArray(json('{\"p\":{\"a\":1}}'), json('{\"p\":{\"b\":2}}')))",
	     "{'p': {'b': 2}}"},
	    {"shallowMerge(1)", NULL, "shallowMerge() takes an array, not a number"},
	    {"intersection(json('{\"one\":\"a\",\"two\":\"b\",\"three\":\"c\"}'), "
	     "json('{\"one\":\"a\",\"two\":\"z\",\"three\":\"c\"}'))",
	     "{'one': 'a', 'three': 'c'}"},
	    {"intersection(createArray('one', 'two', 'three'), createArray('two', 'three'))",
	     "['two', 'three']"},
	    {"intersection(createArray(1, 1, 2), createArray(2, 1), createArray(1))", "[1]"},
	    {"intersection(createArray(1), 'a')", NULL, "intersection() takes either"},
	    {"union(createArray(1, 1), createArray())[0]", "1"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

static void a_union_does_not_change_its_arguments(void **state)
{
	static const char variables[] = "'variables': {'a': {'p': {'x': 1}}}";
	static const struct expression cases[] = {
	    {"createArray(union(variables('a'), json('{\"p\":{\"y\":2}}')), variables('a'))",
	     "[{'p': {'x': 1, 'y': 2}}, {'p': {'x': 1}}]"},
	    {"createArray(concat(createArray(1), createArray(2)), createArray(1))",
	     "[[1, 2], [1]]"},
	};

	(void)state;
	assert_expressions_in(variables, cases, NSG_ARRAY_SIZE(cases));
}

static void members(void **state)
{
	static const struct expression cases[] = {
	    {"items(createObject('item002', 2, 'item001', 1))",
	     "[{'key': 'item001', 'value': 1}, {'key': 'item002', 'value': 2}]"},
	    {"objectKeys(createObject('b', 2, 'a', 1))", "['a', 'b']"},
	    {"items(createObject())", "[]"},
	    {"items(1)", NULL, "items() takes an object, not a number"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(making),
	    cmocka_unit_test(asking),
	    cmocka_unit_test(taking),
	    cmocka_unit_test(sets),
	    cmocka_unit_test(a_union_does_not_change_its_arguments),
	    cmocka_unit_test(members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
