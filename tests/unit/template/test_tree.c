/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"

#include <string.h>

static void expressions_anywhere(void **state)
{
	cleanup_outcome struct outcome o = evaluate(
	    "{'variables': {'k': 'key'}, 'resources': [{'type': 'Microsoft.Network/routeTables',"
	    " 'name': '[[n]', 'apiVersion': '2023-09-01', 'dependsOn': ['[f(]'],"
	    " 'comments': '[f(]', 'properties': {"
	    "'plain': '[test] value', 'escaped': '[[test]', 'list': [1, '[add(1, 1)]', [true, "
	    "null]],"
	    "'[variables(`k`)]': 1.5, '[[k]': 2, 'whole': '[createObject(`a`, "
	    "createArray(1))]'}}]}",
	    NULL);

	(void)state;
	assert_resource(
	    &o, 0,
	    "{'name': '[n]', 'type': 'Microsoft.Network/routeTables', 'properties': {"
	    "'plain': '[test] value', 'escaped': '[test]', 'list': [1, 2, [true, null]],"
	    "'key': 1.5, '[k]': 2, 'whole': {'a': [1]}}}");
	assert_string_equal(o.v[0].pointer, "/resources/0");
}

static void loops_in_properties(void **state)
{
	cleanup_outcome struct outcome o = evaluate(
	    "{'parameters': {'ports': {'type': 'array', 'defaultValue': [80, 443]}},"
	    " 'resources': [{'type': 'Microsoft.Network/networkSecurityGroups', 'name': 'n',"
	    " 'properties': {'flushConnection': true, 'copy': ["
	    " {'name': 'securityRules', 'count': '[length(parameters(`ports`))]', 'input': {"
	    "  'name': '[format(`r{0}`, copyIndex(`securityRules`))]', 'properties': {"
	    "   'destinationPortRange': "
	    "'[string(parameters(`ports`)[copyIndex(`securityRules`)])]',"
	    "   'copy': [{'name': 'destinationAddressPrefixes', 'count': 2, 'input':"
	    "    '[format(`10.{0}.{1}.0/24`, copyIndex(`securityRules`),"
	    " copyIndex(`destinationAddressPrefixes`))]'}]}}},"
	    " {'name': 'none', 'count': 0, 'input': 1}]}}]}",
	    NULL);

	(void)state;
	assert_resource(
	    &o, 0,
	    "{'name': 'n', 'type': 'Microsoft.Network/networkSecurityGroups', 'properties': {"
	    "'flushConnection': true, 'securityRules': ["
	    "{'name': 'r0', 'properties': {'destinationPortRange': '80',"
	    " 'destinationAddressPrefixes': ['10.0.0.0/24', '10.0.1.0/24']}},"
	    "{'name': 'r1', 'properties': {'destinationPortRange': '443',"
	    " 'destinationAddressPrefixes': ['10.1.0.0/24', '10.1.1.0/24']}}], 'none': []}}");
}

static void each_failure_has_its_place(void **state)
{
	cleanup_outcome struct outcome o = evaluate(
	    "{'resources': [{'type': 'Microsoft.Network/routeTables', 'name': 'n', 'properties': {"
	    "'a': '[reference(`x`).y]', 'b/c~d': ['[f()]', {'e': '[add(1)]'}],"
	    "'[reference(`k`)]': 1, '[add(1, 1)]': 2,"
	    "'copy': [{'name': 'l', 'count': 2, 'input': {'f': '[reference(`z`)]'}},"
	    " {'name': 'm', 'count': '[reference(`c`)]', 'input': 1},"
	    " {'name': 7, 'count': 1, 'input': 1}]}}]}",
	    NULL);

	(void)state;
	assert_error(&o, "/resources/0/properties/a",
		     "cannot evaluate [reference('x').y]: reference() to 'x'");
	assert_error(&o, "/resources/0/properties/b~1c~0d/0", "unknown function f()");
	assert_error(&o, "/resources/0/properties/b~1c~0d/1/e", "too few arguments for add(): 1");
	assert_error(&o, "/resources/0/properties/[reference('k')]", "reference() to 'k'");
	assert_error(&o, "/resources/0/properties/[add(1, 1)]",
		     "the name of a property must be a string");
	assert_error(&o, "/resources/0/properties/copy/0/input/f", "reference() to 'z'");
	assert_error(&o, "/resources/0/properties/copy/1/count", "reference() to 'c'");
	assert_error(&o, "/resources/0/properties/copy/2/count",
		     "name of a copy loop must be a string");
	/* both copies fail in the same way */
	assert_int_equal(o.diag.n, 8);
	assert_null(record_at(&o, "/resources/0/properties/a")->code);
	assert_string_equal(record_at(&o, "/resources/0/properties/b~1c~0d/0")->code,
			    "InvalidTemplate");
}

static void names_locations_and_tags_decide_nothing(void **state)
{
	cleanup_outcome struct outcome o = evaluate(
	    "{'resources': [{'type': 'Microsoft.Network/routeTables', 'name': 'n',"
	    " 'location': '[reference(`x`).y]', 'tags': {'a': '[reference(`x`).y]', 'b': 1},"
	    " 'properties': {'routes': [{'name': '[reference(`x`).y]', 'properties':"
	    " {'location': '[resourceGroup().location]', 'tags': '[f()]'}}]}}]}",
	    NULL);
	json_t *routes;

	(void)state;
	assert_int_equal(o.r, 0);
	assert_null(json_object_get(o.v[0].resource, "location"));
	assert_null(json_object_get(o.v[0].resource, "tags"));
	routes = json_object_get(json_object_get(o.v[0].resource, "properties"), "routes");
	assert_memory_equal(json_string_value(json_object_get(json_array_get(routes, 0), "name")),
			    "unknown-", 8);
	assert_int_equal(json_object_size(json_object_get(json_array_get(routes, 0), "properties")),
			 0);
}

static void the_location_of_the_group_is_unknown(void **state)
{
	cleanup_outcome struct outcome o = evaluate(
	    "{'parameters': {'location': {'type': 'string', 'defaultValue':"
	    " '[resourceGroup().location]'}},"
	    " 'variables': {'list': [{'prefix': '[concat(`Storage.`, parameters(`location`))]'}]},"
	    " 'resources': [{'type': 'Microsoft.Network/routeTables',"
	    " 'name': '[format(`rt-{0}`, parameters(`location`))]', 'location':"
	    " '[parameters(`location`)]', 'properties': {"
	    "'tag': '[concat(`Storage.`, parameters(`location`))]',"
	    "'list': '[variables(`list`)]',"
	    "'id': '[resourceId(`Microsoft.Network/routeTables`, concat(`rt-`,"
	    " parameters(`location`)))]'}}]}",
	    NULL);

	(void)state;
	assert_int_equal(o.diag.n, 2);
	assert_error(&o, "/resources/0/properties/tag", "location of the resource group");
	assert_error(&o, "/resources/0/properties/list", "location of the resource group");
}

static void a_location_parameter_makes_it_known(void **state)
{
	cleanup_outcome struct outcome o = evaluate(
	    "{'parameters': {'location': {'type': 'string', 'defaultValue':"
	    " '[resourceGroup().location]'}},"
	    " 'resources': [{'type': 'Microsoft.Network/routeTables', 'name': 'n', 'location':"
	    " '[parameters(`location`)]', 'properties': {"
	    "'tag': '[concat(`Storage.`, parameters(`location`))]'}}]}",
	    "{'parameters': {'location': {'value': 'westeurope'}}}");

	(void)state;
	assert_resource(&o, 0,
			"{'name': 'n', 'type': 'Microsoft.Network/routeTables', 'location':"
			" 'westeurope', 'properties': {'tag': 'Storage.westeurope'}}");
}

static void a_long_expression_is_quoted_in_part(void **state)
{
	char text[1000] = "{'resources': [{'type': 'Microsoft.Network/routeTables', 'name': 'n',"
			  " 'properties': {'x': '[concat(reference(`x`)";
	cleanup_outcome struct outcome o = {0};

	(void)state;
	for (int i = 0; i < 50; i++)
		strcat(text, ", `äöü`");
	strcat(text, ")]'}}]}");
	o = evaluate(text, NULL);
	assert_error(&o, "/resources/0/properties/x", "…: reference() to 'x'");
	assert_null(strstr(o.diag.v[0].text, ")]"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(expressions_anywhere),
	    cmocka_unit_test(loops_in_properties),
	    cmocka_unit_test(each_failure_has_its_place),
	    cmocka_unit_test(names_locations_and_tags_decide_nothing),
	    cmocka_unit_test(the_location_of_the_group_is_unknown),
	    cmocka_unit_test(a_location_parameter_makes_it_known),
	    cmocka_unit_test(a_long_expression_is_quoted_in_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
