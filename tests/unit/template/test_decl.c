/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/macro.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void assert_names(const struct outcome *o, const char *const *expected, size_t n)
{
	assert_int_equal(o->r, 0);
	for (size_t i = 0; i < n && i < o->n; i++)
		assert_string_equal(json_string_value(json_object_get(o->v[i].resource, "name")),
				    expected[i]);
	assert_int_equal(o->n, n);
}

static void copies_and_conditions(void **state)
{
	static const char *const expected[] = {"a0", "a1", "a2", "c", "e"};
	cleanup_outcome struct outcome o = evaluate(
	    "{'resources': ["
	    "{'type': 'Microsoft.Network/routeTables', 'name': '[concat(`a`, copyIndex())]',"
	    " 'copy': {'name': 'loop', 'count': '[add(1, 2)]', 'mode': 'serial'}},"
	    "{'type': 'Microsoft.Network/routeTables', 'name': 'b', 'condition': false},"
	    "{'type': 'Microsoft.Network/routeTables', 'name': 'c', 'condition': '[equals(1, 1)]'},"
	    "{'type': 'Microsoft.Network/routeTables', 'name': 'd', 'condition': '[empty(`x`)]',"
	    " 'properties': {'x': '[reference(`never`).asked]'}},"
	    "{'type': 'Microsoft.Network/routeTables', 'name': '[concat(`e`)]'},"
	    "{'type': 'Microsoft.Network/routeTables', 'name': 'f', 'existing': true},"
	    "{'type': 'Microsoft.Network/routeTables', 'name': 'g', 'condition': 'False'},"
	    "{'type': 'Microsoft.Network/routeTables', 'name': 'h', 'copy': {'name': 'loop',"
	    " 'count': 0}}]}",
	    NULL);

	(void)state;
	assert_names(&o, expected, NSG_ARRAY_SIZE(expected));
	assert_string_equal(o.v[2].pointer, "/resources/0");
	assert_string_equal(o.v[3].pointer, "/resources/2");
}

static void symbolic_names(void **state)
{
	static const char *const expected[] = {"x", "y"};
	cleanup_outcome struct outcome o = evaluate(
	    "{'languageVersion': '2.0', 'resources': {"
	    "'first': {'type': 'Microsoft.Network/routeTables', 'name': 'x'},"
	    "'old': {'existing': true, 'type': 'Microsoft.Network/routeTables', 'name': 'o'},"
	    "'second': {'type': 'Microsoft.Network/routeTables', 'name': 'y'}}}",
	    NULL);

	(void)state;
	assert_names(&o, expected, NSG_ARRAY_SIZE(expected));
	assert_string_equal(o.v[1].pointer, "/resources/second");
}

static void resources_must_be_a_list_or_an_object(void **state)
{
	cleanup_outcome struct outcome o = evaluate("{'resources': '[variables(`v`)]'}", NULL);
	cleanup_outcome struct outcome nested = evaluate(
	    "{'resources': [{'type': 'Microsoft.Resources/deployments', 'name': 'd', 'properties':"
	    " {'template': {'resources': 5}}}]}",
	    NULL);

	(void)state;
	assert_error(&o, "/resources",
		     "[variables('v')]: the resources of a template must be an array or an object");
	assert_error(&nested, "/resources/0/properties/template/resources", "must be an array or");
}

static void children(void **state)
{
	cleanup_outcome struct outcome o = evaluate(
	    "{'resources': [{'type': 'Microsoft.Network/virtualNetworks', 'name':"
	    " '[concat(`v`, copyIndex())]', 'copy': {'name': 'c', 'count': 2}, 'resources': ["
	    "{'type': 'subnets', 'name': '[concat(`s`, copyIndex())]'},"
	    "{'type': 'Microsoft.Network/virtualNetworks/subnets', 'name': 'whole/name'},"
	    "{'type': 'providers/locks', 'name': 'l'}]},"
	    "{'type': 'Microsoft.Network/virtualNetworks', 'name': 'gone', 'condition': false,"
	    " 'resources': [{'type': 'subnets', 'name': 's'}]}]}",
	    NULL);
	static const struct {
		const char *type, *name, *pointer;
	} expected[] = {
	    {"Microsoft.Network/virtualNetworks", "v0", "/resources/0"},
	    {"Microsoft.Network/virtualNetworks/subnets", "v0/s0", "/resources/0/resources/0"},
	    {"Microsoft.Network/virtualNetworks/subnets", "whole/name", "/resources/0/resources/1"},
	    {"Microsoft.Network/virtualNetworks", "v1", "/resources/0"},
	    {"Microsoft.Network/virtualNetworks/subnets", "v1/s1", "/resources/0/resources/0"},
	};

	(void)state;
	assert_int_equal(o.r, 0);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(expected); i++) {
		json_t *resource = o.v[i].resource;

		assert_string_equal(json_string_value(json_object_get(resource, "type")),
				    expected[i].type);
		assert_string_equal(json_string_value(json_object_get(resource, "name")),
				    expected[i].name);
		assert_string_equal(o.v[i].pointer, expected[i].pointer);
		assert_null(json_object_get(resource, "resources"));
	}
	assert_non_null(record_at(&o, "/resources/0/resources/2"));
}

static void what_is_wrong_with_a_resource(void **state)
{
	static const struct {
		const char *resource, *at, *words;
	} cases[] = {
	    {"7", "", "a resource must be an object"},
	    {"{'name': 'n'}", "/type", "the resource has no type"},
	    {"{'type': 1, 'name': 'n'}", "/type", "the type of a resource must be a string"},
	    {"{'type': '[parameters(`x`)]'}", "/type", "has no parameter 'x'"},
	    {"{'type': 'Microsoft.Network/routeTables'}", "/name", "the resource has no name"},
	    {"{'type': 'Microsoft.Network/routeTables', 'name': 1}", "/name",
	     "the name of a resource must be a string"},
	    {"{'type': 'Microsoft.Network/routeTables', 'name': '[f(]'}", "/name",
	     "value expected at character 4"},
	    {"{'type': 'Microsoft.Network/routeTables', 'name': 'a/b'}", "/name",
	     "must have 1 segment, not 2"},
	    {"{'type': 'Microsoft.Network/routeTables/routes', 'name': 'a'}", "/name",
	     "must have 2 segments (parent/child), not 1"},
	    {"{'type': 'Microsoft.Network/routeTables', 'name': 'n', 'condition': 'yes'}",
	     "/condition", "a condition must be true or false"},
	    {"{'type': 'Microsoft.Network/routeTables', 'name': 'n', 'condition':"
	     " '[reference(`x`).y]'}",
	     "/condition", "names, conditions and copy loops cannot refer"},
	    {"{'type': 'Microsoft.Network/routeTables', 'name': 'n', 'copy': {'name': 'c',"
	     " 'count': '[reference(`x`).y]'}}",
	     "/copy/count", "cannot evaluate [reference('x').y]"},
	    {"{'type': 'Microsoft.Resources/deployments', 'name': 'n', 'properties':"
	     " {'templateLink': {'uri': 'https://example.org/x.json'}}}",
	     "/properties/templateLink/uri", "linked templates are not read"},
	    {"{'type': 'Microsoft.Resources/deployments', 'name': 'n', 'properties':"
	     " {'templateLink': {'id': 'x'}}}",
	     "/properties/templateLink", "linked templates are not read"},
	    {"{'type': 'Microsoft.Resources/deployments', 'name': 'n', 'properties': {}}",
	     "/properties", "the deployment has no template"},
	};

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(cases); i++) {
		cleanup_free char *template = NULL, *pointer = NULL;
		cleanup_outcome struct outcome o = {0};

		assert_true(asprintf(&template, "{'resources': [%s]}", cases[i].resource) > 0);
		assert_true(asprintf(&pointer, "/resources/0%s", cases[i].at) > 0);
		o = evaluate(template, NULL);
		assert_int_equal(o.diag.n, 1);
		assert_error(&o, pointer, cases[i].words);
	}
}

static void unused_types_may_be_invalid(void **state)
{
	cleanup_outcome struct outcome o = evaluate(
	    "{'resources': ["
	    "{'type': 'Microsoft.Compute/virtualMachines', 'name': '[reference(`x`).y]',"
	    " 'condition': '[listKeys(`x`)]', 'properties': '[f()]'},"
	    "{'type': 'Microsoft.Compute/VirtualMachines'},"
	    "{'type': 'Microsoft.Compute/disks', 'name': 'n', 'copy': {'name': 'c', 'count':"
	    " '[reference(`x`).y]'}},"
	    "{'type': 'Microsoft.Compute/disks', 'name': 'n', 'condition': false},"
	    "{'type': 'Microsoft.Storage/storageAccounts', 'name': 'a/b'}]}",
	    NULL);

	(void)state;
	assert_int_equal(o.r, 0);
	assert_int_equal(o.n, 0);
	assert_int_equal(o.diag.n, 3);
	assert_int_equal(o.diag.v[0].severity, NSG_NOTICE);
	assert_string_equal(o.diag.v[0].text,
			    "resources of type 'Microsoft.Compute/virtualMachines'"
			    " are not used: skipped");
	assert_string_equal(o.diag.v[0].pointer, "/resources/0");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(copies_and_conditions),
	    cmocka_unit_test(symbolic_names),
	    cmocka_unit_test(resources_must_be_a_list_or_an_object),
	    cmocka_unit_test(children),
	    cmocka_unit_test(what_is_wrong_with_a_resource),
	    cmocka_unit_test(unused_types_may_be_invalid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
