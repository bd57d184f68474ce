/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/macro.h"

#define ZEROS "00000000-0000-0000-0000-000000000000"

static void places(void **state)
{
	static const struct expression cases[] = {
	    {"resourceGroup().name", "'resource-group'"},
	    {"format('{0}', resourceGroup().id)",
	     "'/subscriptions/" ZEROS "/resourceGroups/resource-group'"},
	    {"resourceGroup().type", "'Microsoft.Resources/resourceGroups'"},
	    {"resourceGroup().tags", "{}"},
	    {"subscription().subscriptionId", "'" ZEROS "'"},
	    {"subscription().id", "'/subscriptions/" ZEROS "'"},
	    {"subscription().tenantId", "'" ZEROS "'"},
	    {"tenant().tenantId", "'" ZEROS "'"},
	    {"deployment().name", "'main'"},
	    {"deployment().properties.mode", "'Incremental'"},
	    {"deployment().properties.templateLink.uri", NULL,
	     "the property 'templateLink' does not exist"},
	    {"resourceGroup().nothing", NULL, "the property 'nothing' does not exist"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

static void declared(void **state)
{
	static const char sections[] =
	    "'parameters': {'Port': {'type': 'int', 'defaultValue': 443}},"
	    "'variables': {'all': {'list': ['a', 'b'], 'Deep Key': {'x': true}},"
	    " 'again': '[variables(`all`).list]', 'text': '[[not an expression]'}";
	static const struct expression cases[] = {
	    {"parameters('Port')", "443"},
	    {"parameters('PORT')", "443"},
	    {"parameters('other')", NULL, "the template has no parameter 'other'"},
	    {"variables('all').list[1]", "'b'"},
	    {"variables('ALL').LIST[0]", "'a'"},
	    {"variables('all')['deep key'].x", "true"},
	    {"variables('again')", "['a', 'b']"},
	    {"variables('text')", "'[not an expression]'"},
	    {"variables('other')", NULL, "the template has no variable 'other'"},
	    {"variables('all').list[2]", NULL, "an array of 2 elements has no element 2"},
	    {"variables('all').list[-1]", NULL, "an array of 2 elements has no element -1"},
	    {"variables('all').list.x", NULL, "cannot index an array with a string"},
	    {"variables('all').nothing", NULL, "the property 'nothing' does not exist"},
	    {"variables(1)", NULL, "variables() takes a string, not a number"},
	    {"null().x", NULL, "cannot index null with a string"},
	};

	(void)state;
	assert_expressions_in(sections, cases, NSG_ARRAY_SIZE(cases));
}

static void a_loop_is_needed_for_an_index(void **state)
{
	static const struct expression cases[] = {
	    {"copyIndex()", NULL, "copyIndex() is not inside a copy loop"},
	    {"copyIndex('x')", NULL, "copyIndex() is not inside a copy loop named x"},
	    {"copyIndex(1, 2)", NULL, "copyIndex() takes the name of a loop as the first argument"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

static void indexes(void **state)
{
	cleanup_outcome struct outcome o = evaluate(
	    "{'resources': [{'type': 'Microsoft.Network/routeTables',"
	    " 'name': '[format(`r{0}`, copyIndex(1))]', 'copy': {'name': 'outer', 'count': 2},"
	    " 'properties': {'copy': [{'name': 'list', 'count': 2, 'input':"
	    " '[createArray(copyIndex(), copyIndex(`list`), copyIndex(`OUTER`, 10))]'}]}}]}",
	    NULL);

	(void)state;
	assert_resource(&o, 0,
			"{'name': 'r1', 'type': 'Microsoft.Network/routeTables',"
			" 'properties': {'list': [[0, 0, 10], [0, 1, 10]]}}");
	assert_resource(&o, 1,
			"{'name': 'r2', 'type': 'Microsoft.Network/routeTables',"
			" 'properties': {'list': [[1, 0, 11], [1, 1, 11]]}}");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(places),
	    cmocka_unit_test(declared),
	    cmocka_unit_test(a_loop_is_needed_for_an_index),
	    cmocka_unit_test(indexes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
