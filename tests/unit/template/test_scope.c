/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/macro.h"

static void variables(void **state)
{
	static const char sections[] =
	    "'variables': {"
	    "'copy': [{'name': 'names', 'count': 3, 'input': '[format(`n{0}`, "
	    "copyIndex(`names`))]'},"
	    "         {'name': 'rules', 'count': '[length(variables(`names`))]', 'input':"
	    "          {'name': '[variables(`names`)[copyIndex(`rules`)]]', 'priority':"
	    "           '[add(100, copyIndex(`rules`, 1))]'}}],"
	    "'inner': {'fixed': 1, 'copy': [{'name': 'list', 'count': 2, 'input': "
	    "'[copyIndex(`list`)]'}]},"
	    "'a': '[variables(`b`)]', 'b': '[variables(`a`)]',"
	    "'copied': {'copy': 'is a word like others'},"
	    "'live': '[reference(`x`).y]'}";
	static const struct expression cases[] = {
	    {"variables('names')", "['n0', 'n1', 'n2']"},
	    {"variables('rules')[2]", "{'name': 'n2', 'priority': 103}"},
	    {"variables('inner')", "{'fixed': 1, 'list': [0, 1]}"},
	    {"variables('copied')", "{'copy': 'is a word like others'}"},
	    {"variables('a')", NULL, "variable 'a': variable 'b': variable 'a' refers to itself"},
	    {"variables('live')", NULL, "variable 'live': reference() to 'x'"},
	    {"createArray(variables('live'), variables('live'))", NULL,
	     "variable 'live': reference"},
	};

	(void)state;
	assert_expressions_in(sections, cases, NSG_ARRAY_SIZE(cases));
}

static void variables_do_not_see_the_loop_of_a_resource(void **state)
{
	cleanup_outcome struct outcome o = evaluate(
	    "{'variables': {'v': '[copyIndex()]'}, 'resources': [{'type':"
	    " 'Microsoft.Network/routeTables', 'name': 'n', 'copy': {'name': 'c', 'count': 2},"
	    " 'properties': {'x': '[variables(`v`)]'}}]}",
	    NULL);

	(void)state;
	assert_error(&o, "/resources/0/properties/x", "not inside a copy loop");
}

static void functions_of_the_template(void **state)
{
	static const char sections[] =
	    "'parameters': {'p': {'type': 'string', 'defaultValue': 'outside'}},"
	    "'variables': {'v': 'outside'},"
	    "'functions': [{'namespace': 'contoso', 'members': {"
	    "'name': {'parameters': [{'name': 'prefix', 'type': 'string'}, {'name': 'n', 'type':"
	    " 'int'}], 'output': {'type': 'string', 'value':"
	    " '[format(`{0}-{1}`, parameters(`prefix`), parameters(`n`))]'}},"
	    "'twice': {'parameters': [{'name': 'x', 'type': 'string'}], 'output': {'value':"
	    " '[contoso.name(contoso.name(parameters(`x`), 1), 2)]'}},"
	    "'outside': {'output': {'value': '[parameters(`p`)]'}},"
	    "'variable': {'output': {'value': '[variables(`v`)]'}},"
	    "'endless': {'output': {'value': '[contoso.endless()]'}},"
	    "'empty': {}, 'nameless': {'parameters': [{}], 'output': {'value': 1}}}}]";
	static const struct expression cases[] = {
	    {"contoso.name('rule', 7)", "'rule-7'"},
	    {"Contoso.NAME('rule', 7)", "'rule-7'"},
	    {"contoso.twice('a')", "'a-1-2'"},
	    {"contoso.name('rule')", NULL, "contoso.name() takes 2 arguments, not 1"},
	    {"contoso.empty()", NULL, "contoso.empty() takes 0 arguments"},
	    {"contoso.nameless(1)", NULL, "a parameter of a user function has no name"},
	    {"contoso.other()", NULL, "unknown function contoso.other()"},
	    {"fabrikam.name()", NULL, "unknown function fabrikam.name()"},
	    {"contoso.outside()", NULL, "has no parameter 'p'"},
	    {"contoso.variable()", NULL, "has no variable 'v'"},
	    {"contoso.endless()", NULL, "references are nested more than"},
	};

	(void)state;
	assert_expressions_in(sections, cases, NSG_ARRAY_SIZE(cases));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(variables),
	    cmocka_unit_test(variables_do_not_see_the_loop_of_a_resource),
	    cmocka_unit_test(functions_of_the_template),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
