/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"

#include <stdio.h>

#define GUID "0a1b2c3d-0000-4000-8000-00000000000a"

static void resources_keep_their_members(void **state)
{
	cleanup_outcome struct outcome o = evaluate(
	    "{'resources': [{'type': 'Microsoft.Network/routeTables', 'apiVersion': '2023-09-01',"
	    " 'name': 'n', 'location': 'westeurope', 'dependsOn': ['x'], 'copy': {'name': 'c',"
	    " 'count': 1}, 'condition': true, 'scope': 's', 'metadata': {}, 'comments': 'c',"
	    " 'id': 'x', 'sku': {'name': 'Standard'}, 'tags': {'a': '[toUpper(`b`)]'}, 'zones':"
	    " ['1'], 'properties': {'routes': []}}]}",
	    NULL);

	(void)state;
	assert_resource(
	    &o, 0,
	    "{'name': 'n', 'type': 'Microsoft.Network/routeTables', 'location':"
	    " 'westeurope', 'sku': {'name': 'Standard'}, 'tags': {'a': 'B'}, 'zones': ['1'],"
	    " 'properties': {'routes': []}}");
}

static void only_the_known_part_of_an_id_is_written(void **state)
{
	cleanup_outcome struct outcome o = evaluate(
	    "{'resources': [{'type': 'Microsoft.Network/routeTables', 'name': 'n', 'properties': {"
	    "'here': '[resourceId(`Microsoft.Network/routeTables`, `r`)]',"
	    "'group': '[resourceId(`rg`, `Microsoft.Network/routeTables`, `r`)]',"
	    "'whole': '[resourceId(`" GUID "`, `rg`, `Microsoft.Network/routeTables`, `r`)]',"
	    "'half': '[resourceId(`" GUID
	    "`, resourceGroup().name, `Microsoft.Network/routeTables`,"
	    " `r`)]', 'list': ['[resourceId(`Microsoft.Network/routeTables`, `r`)]'],"
	    "'not one': '[subscription().id]'}}]}",
	    NULL);

	(void)state;
	assert_resource(
	    &o, 0,
	    "{'name': 'n', 'type': 'Microsoft.Network/routeTables', 'properties': {"
	    "'here': 'Microsoft.Network/routeTables/r',"
	    "'group': 'Microsoft.Network/routeTables/r',"
	    "'whole': '/subscriptions/" GUID "/resourceGroups/rg/providers/"
	    "Microsoft.Network/routeTables/r', 'half': 'Microsoft.Network/routeTables/r',"
	    "'list': ['Microsoft.Network/routeTables/r'],"
	    "'not one': '/subscriptions/00000000-0000-0000-0000-000000000000'}}");
}

#define MODULE(where, name)                                                                        \
	"{'type': 'Microsoft.Resources/deployments', 'name': 'm', " where ", 'properties': {"      \
	"'expressionEvaluationOptions': {'scope': 'inner'}, 'template': {'resources': [{'type':"   \
	" 'Microsoft.Network/routeTables', 'name': '" name "', 'properties': {'self':"             \
	" '[resourceId(`Microsoft.Network/routeTables`, `" name "`)]'}}]}}}"

static void a_deployment_has_its_own_group(void **state)
{
	cleanup_outcome struct outcome o =
	    evaluate("{'resources': [" MODULE("'subscriptionId': '" GUID "', 'resourceGroup': 'rg'",
					      "a") "," MODULE("'resourceGroup': '[toLower(`RG`)]'",
							      "b") "]}",
		     NULL);

	(void)state;
	assert_resource(
	    &o, 0,
	    "{'id': '/subscriptions/" GUID "/resourceGroups/rg/providers/"
	    "Microsoft.Network/routeTables/a', 'name': 'a', 'type':"
	    " 'Microsoft.Network/routeTables', 'properties': {'self': '/subscriptions/" GUID
	    "/resourceGroups/rg/providers/Microsoft.Network/routeTables/a'}}");
	assert_resource(&o, 1,
			"{'name': 'b', 'type': 'Microsoft.Network/routeTables', 'properties':"
			" {'self': 'Microsoft.Network/routeTables/b'}}");
	assert_string_equal(o.v[1].pointer, "/resources/1/properties/template/resources/0");
}

static void one_name_in_two_groups_needs_complete_ids(void **state)
{
	static const char prefix[] = "/subscriptions/00000000-0000-0000-0000-000000000000/"
				     "resourceGroups/";
	cleanup_outcome struct outcome o =
	    evaluate("{'resources': [" MODULE("'resourceGroup': 'hub'", "same") "," MODULE(
			 "'resourceGroup': 'spoke'", "same") "]}",
		     NULL);

	(void)state;
	assert_int_equal(o.n, 2);
	for (size_t i = 0; i < 2; i++) {
		cleanup_free char *id = NULL;
		json_t *properties = json_object_get(o.v[i].resource, "properties");

		assert_true(asprintf(&id, "%s%s/providers/Microsoft.Network/routeTables/same",
				     prefix, i ? "spoke" : "hub") > 0);
		assert_string_equal(json_string_value(json_object_get(o.v[i].resource, "id")), id);
		assert_string_equal(json_string_value(json_object_get(properties, "self")), id);
	}
}

static void outer_scope_uses_the_parents_parameters(void **state)
{
	cleanup_outcome struct outcome o = evaluate(
	    "{'parameters': {'p': {'type': 'string', 'defaultValue': 'outer'}},"
	    " 'variables': {'v': 'outer'}, 'resources': [{'type':"
	    " 'Microsoft.Resources/deployments', 'name': 'm', 'copy': {'name': 'c', 'count': 2},"
	    " 'properties': {'template': {"
	    "'parameters': {'p': {'type': 'string', 'defaultValue': 'inner'}}, 'variables': {'v':"
	    " 'inner'}, 'resources': [{'type': 'Microsoft.Network/routeTables', 'name':"
	    " '[concat(`n`, copyIndex())]', 'properties': {'p': '[parameters(`p`)]', 'v':"
	    " '[variables(`v`)]'}}]}}}]}",
	    NULL);

	(void)state;
	assert_resource(&o, 0,
			"{'name': 'n0', 'type': 'Microsoft.Network/routeTables', 'properties':"
			" {'p': 'outer', 'v': 'outer'}}");
	assert_resource(&o, 1,
			"{'name': 'n1', 'type': 'Microsoft.Network/routeTables', 'properties':"
			" {'p': 'outer', 'v': 'outer'}}");
}

static void inner_scope_uses_its_own(void **state)
{
	cleanup_outcome struct outcome o = evaluate(
	    "{'parameters': {'p': {'type': 'string', 'defaultValue': 'outer'}}, 'resources': ["
	    "{'type': 'Microsoft.Resources/deployments', 'name': '[concat(`m`, copyIndex())]',"
	    " 'copy': {'name': 'c', 'count': 2}, 'properties': {"
	    "'expressionEvaluationOptions': {'scope': 'inner'}, 'parameters': {'p': {'value':"
	    " '[format(`{0}{1}`, parameters(`p`), copyIndex())]'}}, 'template': {"
	    "'parameters': {'p': {'type': 'string'}}, 'resources': ["
	    "{'type': 'Microsoft.Network/routeTables', 'name': '[parameters(`p`)]', 'properties':"
	    " {'deployment': '[deployment().name]'}}]}}}]}",
	    NULL);

	(void)state;
	assert_resource(&o, 0,
			"{'name': 'outer0', 'type': 'Microsoft.Network/routeTables',"
			" 'properties': {'deployment': 'm0'}}");
	assert_resource(&o, 1,
			"{'name': 'outer1', 'type': 'Microsoft.Network/routeTables',"
			" 'properties': {'deployment': 'm1'}}");
}

static void errors_in_a_deployment_have_their_place(void **state)
{
	cleanup_outcome struct outcome o = evaluate(
	    "{'resources': [{'type': 'Microsoft.Resources/deployments', 'name': 'm', 'properties':"
	    " {'expressionEvaluationOptions': {'scope': 'inner'}, 'parameters': {'p': {'value':"
	    " '[reference(`fw`).ip]'}}, 'template': {'parameters': {'p': {'type': 'string'}},"
	    " 'resources': {'t': {'type': 'Microsoft.Network/routeTables', 'name': 'n',"
	    " 'properties': {'x': '[parameters(`p`)]'}}}}}}]}",
	    NULL);

	(void)state;
	assert_error(&o, "/resources/0/properties/template/resources/t/properties/x",
		     "cannot evaluate [parameters('p')]: parameter 'p': reference() to 'fw'");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(resources_keep_their_members),
	    cmocka_unit_test(only_the_known_part_of_an_id_is_written),
	    cmocka_unit_test(a_deployment_has_its_own_group),
	    cmocka_unit_test(one_name_in_two_groups_needs_complete_ids),
	    cmocka_unit_test(outer_scope_uses_the_parents_parameters),
	    cmocka_unit_test(inner_scope_uses_its_own),
	    cmocka_unit_test(errors_in_a_deployment_have_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
