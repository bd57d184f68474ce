/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/macro.h"

#include <stdio.h>
#include <stdlib.h>

/* The resources to refer to; the table with the expression comes before them. */
static const char declared[] =
    "[{'type': 'Microsoft.Network/virtualNetworks', 'name': '[variables(`vnet`)]', 'properties':"
    "  {'addressSpace': {'addressPrefixes': ['[concat(`10.0.0.0`, `/16`)]']},"
    "   'enableDdosProtection': false, 'empty': null, 'none': '', 'subnets': ["
    "   {'name': '[concat(`s`, 1)]', 'properties': {'addressPrefix':"
    "    '[cidrSubnet(`10.0.0.0/16`, 24, 1)]'}},"
    "   {'properties': {}}, {'name': 's2', 'properties': {'addressPrefix': '10.0.2.0/24'}}]}},"
    " {'type': 'Microsoft.Network/virtualNetworks', 'name': 'looped', 'properties': {'copy': ["
    "  {'name': 'subnets', 'count': 2, 'input': {'name': '[concat(`c`, copyIndex(`subnets`))]',"
    "   'properties': {'addressPrefix': '[cidrSubnet(`10.1.0.0/16`, 24, copyIndex(`subnets`))]'"
    "   }}}]}},"
    " {'type': 'Microsoft.Network/networkInterfaces', 'name': 'nic', 'properties':"
    "  {'ipConfigurations': ["
    "   {'name': 'fixed', 'properties': {'privateIPAllocationMethod': '[concat(`stat`, `ic`)]',"
    "    'privateIPAddress': '10.0.1.9'}},"
    "   {'name': 'free', 'properties': {'privateIPAllocationMethod': 'Dynamic',"
    "    'privateIPAddress': '10.0.1.9'}}, {'name': 'unsaid', 'properties':"
    "    {'privateIPAddress': '10.0.1.9'}}]}},"
    " {'type': 'Microsoft.Network/loadBalancers', 'name': '[format(`lb{0}`, copyIndex())]',"
    "  'copy': {'name': 'lbs', 'count': 2}, 'properties': {'index': '[copyIndex()]',"
    "  'live': '[reference(`nothing`).x]', 'whole': '[createObject(`a`, 5)]'}},"
    " {'type': 'Microsoft.Network/routeTables', 'name': 'off', 'condition': false},"
    " {'type': 'Microsoft.Network/routeTables', 'name': 'old', 'existing': true},"
    " {'type': 'Microsoft.Network/routeTables', 'name': 'bare', 'tags': {'a': 'b'}},"
    " {'type': 'Microsoft.Resources/deployments', 'name': 'mod', 'properties': {"
    "  'expressionEvaluationOptions': {'scope': 'Inner'},"
    "  'parameters': {'p': {'value': '[variables(`vnet`)]'}},"
    "  'template': {'parameters': {'p': {'type': 'string'}}, 'resources': [], 'outputs': {"
    "   'name': {'type': 'string', 'value': '[parameters(`P`)]'},"
    "   'live': {'type': 'string', 'value': '[reference(`nothing`).x]'},"
    "   'object': {'type': 'object', 'value': {'list': [1, '[add(1, 1)]']}},"
    "   'list': {'type': 'array', 'copy': {'count': 2, 'input': '[copyIndex()]'}},"
    "   'void': {'type': 'string'}}}}},"
    " {'type': 'Microsoft.Resources/deployments', 'name': 'good', 'resourceGroup': 'rg',"
    "  'properties': {'expressionEvaluationOptions': {'scope': 'inner'}, 'template':"
    "   {'resources': [], 'outputs': {'id': {'type': 'string', 'value':"
    "    '[concat(`=`, resourceId(`Microsoft.Network/routeTables`, `r`))]'}}}}},"
    " {'type': 'Microsoft.Resources/deployments', 'name': '[concat(`loop`, copyIndex())]',"
    "  'copy': {'name': 'm', 'count': 2}, 'properties': {"
    "  'expressionEvaluationOptions': {'scope': 'inner'}, 'parameters': {'i': {'value':"
    "  '[copyIndex()]'}}, 'template': {'parameters': {'i': {'type': 'int'}}, 'resources': [],"
    "  'outputs': {'i': {'type': 'int', 'value': '[mul(parameters(`i`), 7)]'}}}}}]";

static struct outcome ask(const char *expression, bool symbolic)
{
	static const char *const symbols[] = {"vnet", "looped", "nic", "lbs",  "off",
					      "old",  "bare",	"mod", "good", "loop"};
	cleanup_json json_t *template = json_object();
	cleanup_json json_t *list = json_text(declared);
	cleanup_free char *text = NULL;
	json_t *table, *object;

	assert_true(asprintf(&text, "[%s]", expression) > 0);
	table = json_pack("{s:s, s:s, s:{s:s}}", "type", "Microsoft.Network/routeTables", "name",
			  "asks", "properties", "x", text);
	json_object_set_new(template, "variables", json_text("{'vnet': 'v'}"));
	if (symbolic) {
		object = json_pack("{s:o}", "asks", table);
		for (size_t i = 0; i < NSG_ARRAY_SIZE(symbols); i++)
			json_object_set(object, symbols[i], json_array_get(list, i));
		json_object_set_new(template, "resources", object);
	} else {
		json_array_insert_new(list, 0, table);
		json_object_set(template, "resources", list);
	}
	return evaluate_json(template, NULL);
}

static void assert_answers(const struct expression *v, size_t n, bool symbolic)
{
	for (size_t i = 0; i < n; i++) {
		const char *at =
		    symbolic ? "/resources/asks/properties/x" : "/resources/0/properties/x";
		cleanup_outcome struct outcome o = ask(v[i].expression, symbolic);
		cleanup_free char *expected = NULL;

		if (v[i].fails) {
			assert_int_equal(o.diag.n, 1);
			assert_error(&o, at, v[i].fails);
			continue;
		}
		assert_true(asprintf(&expected,
				     "{'type': 'Microsoft.Network/routeTables', 'name': 'asks',"
				     " 'properties': {'x': %s}}",
				     v[i].value) > 0);
		assert_resource(&o, 0, expected);
	}
}

#define ID(type, name) "reference(resourceId('Microsoft." type "', '" name "')"
#define SUBNET(v, s)                                                                               \
	"reference(resourceId('Microsoft.Network/virtualNetworks/subnets', '" v "', '" s "'))"
#define LIVE "is known only after deployment"

static void declared_properties(void **state)
{
	static const struct expression cases[] = {
	    {ID("Network/virtualNetworks", "v") ").addressSpace.addressPrefixes",
	     "['10.0.0.0/16']"},
	    {ID("Network/virtualNetworks", "V") ").addressspace['AddressPrefixes'][0]",
	     "'10.0.0.0/16'"},
	    {ID("Network/virtualNetworks", "v") ", '2023-09-01').enableDdosProtection", "false"},
	    {"reference('v').subnets[0].properties.addressPrefix", "'10.0.1.0/24'"},
	    {"reference('v').subnets[0].name", "'s1'"},
	    {"reference('v').subnets[0].id", "'Microsoft.Network/virtualNetworks/v/subnets/s1'"},
	    {"reference('Microsoft.Network/virtualNetworks/v').subnets[2].name", "'s2'"},
	    {"reference('looped').subnets[1].properties.addressPrefix", "'10.1.1.0/24'"},
	    {SUBNET("v", "s1") ".addressPrefix", "'10.0.1.0/24'"},
	    {SUBNET("v", "S2") ".addressPrefix", "'10.0.2.0/24'"},
	    {SUBNET("looped", "c0") ".addressPrefix", "'10.1.0.0/24'"},
	    {"reference('nic').ipConfigurations[0].properties.privateIPAddress", "'10.0.1.9'"},
	    {"reference('lb1').index", "1"},
	    {"reference('lb0').whole.a", "5"},
	    {ID("Network/routeTables", "bare") ", '2020-01-01', 'Full').tags.a", "'b'"},
	};

	(void)state;
	assert_answers(cases, NSG_ARRAY_SIZE(cases), /* symbolic = */ false);
}

static void other_properties_are_unknown(void **state)
{
	static const struct expression cases[] = {
	    {"reference('x').y", NULL, "reference() to 'x' " LIVE},
	    {"reference('old').routes", NULL, "reference() to 'old' " LIVE},
	    {"reference('off').routes", NULL, "reference() to 'off', which is not deployed"},
	    {"reference('bare').routes", NULL, "its properties " LIVE},
	    {"reference('v').resourceGuid", NULL, "resourceGuid " LIVE},
	    {"reference('v').empty", NULL, "empty " LIVE},
	    {"reference('nic').ipConfigurations[1].properties.privateIPAddress", NULL,
	     "privateIPAddress " LIVE},
	    {"reference('nic').ipConfigurations[2].properties.privateIPAddress", NULL,
	     "privateIPAddress " LIVE},
	    {"reference('v').none", NULL, "none " LIVE},
	    {"reference('v').subnets", NULL, "subnets " LIVE},
	    {"reference('v').subnets[9]", NULL, "an element " LIVE},
	    {"reference('v').subnets[1].id", NULL, "id " LIVE},
	    {"reference('v').id", NULL, "id " LIVE},
	    {"reference('v')", NULL, "reference() to 'v': it " LIVE},
	    {"concat(reference('v').addressSpace)", NULL, "addressSpace " LIVE},
	    {SUBNET("v", "s3") ".addressPrefix", NULL, "s3 " LIVE},
	    {SUBNET("nowhere", "s3") ".addressPrefix", NULL, LIVE},
	    {"reference('lb0').live", NULL, "reference() to 'nothing'"},
	    {"reference('v')[reference('x').y]", NULL, "reference() to 'x'"},
	    {"reference()", NULL, "too few arguments for reference(): 0"},
	    {"reference().x", NULL, "too few arguments for reference(): 0"},
	    {"reference(1).x", NULL, "reference() takes a string, not a number"},
	    {"reference(1)", NULL, "reference() takes a string, not a number"},
	    {"references('lbs')", NULL, "references() " LIVE},
	    {"resourceInfo('nothing')", NULL, "the template has no resource 'nothing'"},
	};

	(void)state;
	assert_answers(cases, NSG_ARRAY_SIZE(cases), /* symbolic = */ false);
}

static void outputs_of_deployments(void **state)
{
	static const struct expression cases[] = {
	    {"reference('mod').outputs.name.value", "'v'"},
	    {ID("Resources/deployments", "mod") ", '2025-04-01').outputs.NAME.value", "'v'"},
	    {"reference('mod').outputs.list.value", "[0, 1]"},
	    {"reference('mod').outputs.object.value.list[1]", "2"},
	    {"reference('mod').outputs.name", "{'value': 'v'}"},
	    {"reference('good')", "{'outputs': {'id': {'value': '=/subscriptions/"
				  "00000000-0000-0000-0000-000000000000/resourceGroups/rg/"
				  "providers/Microsoft.Network/routeTables/r'}}}"},
	    {"contains(reference('good').outputs, 'id')", "true"},
	    {"reference('loop1').outputs.i.value", "7"},
	    {"reference(extensionResourceId(format('/subscriptions/{0}/resourceGroups/{1}',"
	     " subscription().subscriptionId, 'resource-group'),"
	     " 'Microsoft.Resources/deployments', 'mod'), '2022-09-01').outputs.name.value",
	     "'v'"},
	    {"reference('mod').outputs.live.value", NULL,
	     "output 'live': reference() to 'nothing'"},
	    {"reference('mod').outputs.void.value", NULL, "output 'void' has no value"},
	    {"reference('mod').outputs.other.value", NULL,
	     "deployment 'mod' has no output 'other'"},
	    {"reference('mod').outputs.name.kind", NULL, "kind " LIVE},
	    {"reference('mod').outputs.object.value.nothing", NULL,
	     "the property 'nothing' does not exist"},
	    {"reference('mod').outputs[0]", NULL, "has no output ''"},
	    {"reference('mod').duration", NULL, "duration " LIVE},
	    {"reference('mod')", NULL, "output 'live'"},
	    {"reference('mod').outputs", NULL, "output 'live'"},
	    {"reference('mod').outputs.live", NULL, "output 'live'"},
	};

	(void)state;
	assert_answers(cases, NSG_ARRAY_SIZE(cases), /* symbolic = */ false);
}

static void symbolic_names(void **state)
{
	static const struct expression cases[] = {
	    {"reference('vnet').addressSpace.addressPrefixes[0]", "'10.0.0.0/16'"},
	    {"reference('VNET').subnets[0].id", "'Microsoft.Network/virtualNetworks/v/subnets/s1'"},
	    {"reference('lbs[1]').index", "1"},
	    {"reference(format('loop[{0}]', 1)).outputs.i.value", "7"},
	    {"reference('mod').outputs.name.value", "'v'"},
	    {"resourceInfo('vnet').name", "'v'"},
	    {"resourceInfo('old')",
	     "{'id': 'Microsoft.Network/routeTables/old', 'name': 'old', 'type':"
	     " 'Microsoft.Network/routeTables'}"},
	    {"reference('lbs[2]').index", NULL, "reference() to 'lbs[2]' " LIVE},
	    {"reference('lbs[1').index", NULL, LIVE},
	    {"reference('lbs').index", NULL, LIVE},
	    {"reference('bare').routes", NULL, "its properties " LIVE},
	};

	(void)state;
	assert_answers(cases, NSG_ARRAY_SIZE(cases), /* symbolic = */ true);
}

static void circles_end(void **state)
{
	cleanup_outcome struct outcome o = evaluate(
	    "{'resources': [{'type': 'Microsoft.Network/routeTables', 'name': 'a', 'properties':"
	    " {'x': '[reference(`b`).x]'}}, {'type': 'Microsoft.Network/routeTables', 'name': 'b',"
	    " 'properties': {'x': '[reference(`a`).x]'}}]}",
	    NULL);
	cleanup_outcome struct outcome growing = evaluate(
	    "{'resources': [{'type': 'Microsoft.Network/routeTables', 'name': 'a', 'properties':"
	    " {'x': '[concat(reference(`b`).x, reference(`b`).x)]'}}, {'type':"
	    " 'Microsoft.Network/routeTables', 'name': 'b', 'properties':"
	    " {'x': '[concat(reference(`a`).x, reference(`a`).x)]'}}]}",
	    NULL);
	cleanup_outcome struct outcome self = evaluate(
	    "{'resources': [{'type': 'Microsoft.Network/routeTables', 'name': 'a', 'properties':"
	    " {'x': '[reference(`a`).x]'}}]}",
	    NULL);

	(void)state;
	assert_error(&o, "/resources/0/properties/x", "references are nested more than");
	assert_error(&growing, "/resources/0/properties/x", "references are nested more than");
	assert_error(&self, "/resources/0/properties/x", "reference() to 'a' " LIVE);
}

/* The usual way to change a subnet of a network in the same template. */
static void a_subnet_deployed_again_keeps_what_it_refers_to(void **state)
{
	static const char *const scopes[] = {"outer", "inner"};

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(scopes); i++) {
		cleanup_free char *text = NULL;
		cleanup_outcome struct outcome o = {0};

		assert_true(
		    asprintf(
			&text,
			"{'resources': [{'type': 'Microsoft.Network/virtualNetworks', 'name': 'v',"
			" 'properties': {'subnets': [{'name': 's', 'properties': {'addressPrefix':"
			" '[concat(`10.0.0.0`, `/24`)]'}}]}}, {'type':"
			" 'Microsoft.Resources/deployments', 'name': 'again', 'properties': {"
			"'expressionEvaluationOptions': {'scope': '%s'}, 'template': {'resources':"
			" [{'type': 'Microsoft.Network/virtualNetworks/subnets', 'name': 'v/s',"
			" 'properties': {'addressPrefix': '[reference(resourceId("
			"`Microsoft.Network/virtualNetworks/subnets`, `v`, "
			"`s`)).addressPrefix]'}}]}}}"
			"]}",
			scopes[i]) > 0);
		o = evaluate(text, NULL);
		assert_resource(
		    &o, 1,
		    "{'type': 'Microsoft.Network/virtualNetworks/subnets', 'name': 'v/s',"
		    " 'properties': {'addressPrefix': '10.0.0.0/24'}}");
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(declared_properties),
	    cmocka_unit_test(other_properties_are_unknown),
	    cmocka_unit_test(outputs_of_deployments),
	    cmocka_unit_test(symbolic_names),
	    cmocka_unit_test(circles_end),
	    cmocka_unit_test(a_subnet_deployed_again_keeps_what_it_refers_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
