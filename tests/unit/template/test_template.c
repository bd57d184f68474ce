/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/macro.h"

#include <string.h>

static void an_empty_template_has_no_resources(void **state)
{
	static const char *const templates[] = {"{}", "{'resources': []}", "{'resources': {}}",
						"[]", "1"};

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(templates); i++) {
		cleanup_outcome struct outcome o = evaluate(templates[i], NULL);

		assert_int_equal(o.r, 0);
		assert_int_equal(o.n, 0);
	}
}

static void the_template_is_not_changed(void **state)
{
	cleanup_json json_t *template = json_text(
	    "{'variables': {'v': {'a': [1]}}, 'resources': [{'type':"
	    " 'Microsoft.Network/routeTables', 'name': 'n', 'properties': '[union(variables(`v`),"
	    " createObject(`b`, 2))]'}]}");
	cleanup_json json_t *before = json_deep_copy(template);
	cleanup_outcome struct outcome o = evaluate_json(template, NULL);

	(void)state;
	assert_resource(&o, 0,
			"{'name': 'n', 'type': 'Microsoft.Network/routeTables', 'properties':"
			" {'a': [1], 'b': 2}}");
	assert_true(json_equal(template, before));
}

static void stand_ins_for_hashes_are_reported(void **state)
{
	cleanup_outcome struct outcome o =
	    evaluate("{'variables': {'asked': '[uniqueString(`x`)]', 'not': '[guid(`x`)]'},"
		     " 'resources': [{'type': 'Microsoft.Network/routeTables', 'name':"
		     " '[variables(`asked`)]'}]}",
		     NULL);
	cleanup_outcome struct outcome plain =
	    evaluate("{'variables': {'not': '[guid(`x`)]'}, 'resources': [{'type':"
		     " 'Microsoft.Network/routeTables', 'name': '[concat(`n`)]'}]}",
		     NULL);

	(void)state;
	assert_int_equal(o.r, 0);
	assert_int_equal(o.diag.n, 1);
	assert_int_equal(o.diag.v[0].severity, NSG_NOTICE);
	assert_non_null(
	    strstr(o.diag.v[0].text, "uniqueString() and guid() return constant placeholders"));
	assert_int_equal(plain.r, 0);
	assert_int_equal(plain.diag.n, 0);
}

static void a_place_is_below_that_of_the_template(void **state)
{
	cleanup_json json_t *template = json_text(
	    "{'resources': [{'type': 'Microsoft.Network/routeTables', 'name': 'n', 'properties':"
	    " {'x': '[f()]'}}, {'type': 'A/b', 'name': 'n'}]}");
	char path[] = "p/x.json", text[] = "[]";
	struct nsg_source source = {.path = path, .text = text, .size_bytes = 2};
	struct nsg_place where = {.source = &source, .pointer = "/3/template"};
	struct nsg_flat_resource *v = NULL;
	struct nsg_diag diag = {0};
	size_t n = 7;

	(void)state;
	assert_int_equal(nsg_template_evaluate(template, NULL, &where, &diag, &v, &n), -EINVAL);
	assert_null(v);
	assert_int_equal(n, 7);
	assert_int_equal(diag.n, 1);
	assert_string_equal(diag.v[0].file, "p/x.json");
	assert_string_equal(diag.v[0].pointer, "/3/template/resources/0/properties/x");

	/* reported again: it may be another template at the same pointer */
	assert_int_equal(nsg_template_evaluate(template, NULL, &where, &diag, &v, &n), -EINVAL);
	assert_int_equal(diag.n, 2);
	nsg_diag_done(&diag);
}

static void the_schema_has_the_level(void **state)
{
	static const struct {
		const char *schema, *id;
	} cases[] = {
	    {"2019-04-01/deploymentTemplate.json#",
	     "=/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/resource-group/"
	     "providers/A/b/c"},
	    {"2018-05-01/subscriptionDeploymentTemplate.json#",
	     "=/subscriptions/00000000-0000-0000-0000-000000000000/providers/A/b/c"},
	    {"2019-08-01/managementGroupDeploymentTemplate.json#", "=/providers/A/b/c"},
	    {"2019-08-01/tenantDeploymentTemplate.json#", "=/providers/A/b/c"},
	};

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(cases); i++) {
		cleanup_json json_t *template = json_text(
		    "{'resources': [{'type': 'Microsoft.Network/routeTables', 'name': 'n',"
		    " 'properties': {'x': '[concat(`=`, resourceId(`A/b`, `c`))]'}}]}");
		cleanup_outcome struct outcome o = {0};
		json_t *x;

		json_object_set_new(template, "$schema",
				    json_sprintf("https://schema.management.azure.com/schemas/%s",
						 cases[i].schema));
		o = evaluate_json(template, NULL);
		x = json_object_get(json_object_get(o.v[0].resource, "properties"), "x");
		assert_string_equal(json_string_value(x), cases[i].id);
	}
}

/*
 * One Bicep file, compiled without and with symbolic names: the NSG of the subnet comes from a
 * module, rules from a loop, the route table exists already, and the app refers to the subnet.
 */
#define MODULE                                                                                     \
	"'properties': {'expressionEvaluationOptions': {'scope': 'inner'}, 'mode': 'Incremental'," \
	" 'parameters': {'prefix': {'value': '[parameters(`prefix`)]'}, 'ports': {'value': [22, "  \
	"3389]}},"
#define RULES                                                                                      \
	"{'copy': [{'name': 'securityRules', 'count': '[length(range(0, "                          \
	"length(parameters(`ports`))))]',"                                                         \
	" 'input': {'name': '[format(`deny-{0}`, parameters(`ports`)[range(0,"                     \
	" length(parameters(`ports`)))[copyIndex(`securityRules`)]])]', 'properties': "            \
	"{'priority':"                                                                             \
	" '[add(100, range(0, length(parameters(`ports`)))[copyIndex(`securityRules`)])]',"        \
	" 'access': 'Deny', 'direction': 'Outbound', 'protocol': 'Tcp', 'sourceAddressPrefix': "   \
	"'*',"                                                                                     \
	" 'sourcePortRange': '*', 'destinationAddressPrefix': '*', 'destinationPortRange':"        \
	" '[string(parameters(`ports`)[range(0, length(parameters(`ports`)))["                     \
	"copyIndex(`securityRules`)]])]'}}}]}"
#define PARAMETERS "'parameters': {'prefix': {'type': 'string', 'defaultValue': 'shop'}},"

static const char as_list[] =
    "{" PARAMETERS " 'resources': ["
    "{'type': 'Microsoft.Network/virtualNetworks', 'name': '[format(`{0}-vnet`,"
    " parameters(`prefix`))]', 'properties': {'addressSpace': {'addressPrefixes': ['10.0.0.0/16']},"
    " 'subnets': [{'name': 'apps', 'properties': {'addressPrefix': '[cidrSubnet(`10.0.0.0/16`, 24,"
    " 1)]', 'networkSecurityGroup': {'id': '[reference(extensionResourceId(format("
    "`/subscriptions/{0}/resourceGroups/{1}`, subscription().subscriptionId, `net`),"
    " `Microsoft.Resources/deployments`, `rules`), `2022-09-01`).outputs.id.value]'},"
    " 'routeTable': {'id': '[resourceId(`Microsoft.Network/routeTables`, `rt`)]'}}}]}},"
    "{'type': 'Microsoft.Web/sites', 'name': 'app', 'properties': {'virtualNetworkSubnetId':"
    " '[reference(resourceId(`Microsoft.Network/virtualNetworks`, format(`{0}-vnet`,"
    " parameters(`prefix`))), `2023-04-01`).subnets[0].id]'}},"
    "{'type': 'Microsoft.Resources/deployments', 'name': 'rules', 'resourceGroup': 'net', " MODULE
    " 'template': {'parameters': {'prefix': {'type': 'string'}, 'ports': {'type': 'array'}},"
    " 'resources': [{'type': 'Microsoft.Network/networkSecurityGroups', 'name':"
    " '[format(`{0}-nsg`, parameters(`prefix`))]', 'properties': " RULES "}],"
    " 'outputs': {'id': {'type': 'string', 'value': '[resourceId("
    "`Microsoft.Network/networkSecurityGroups`, format(`{0}-nsg`, parameters(`prefix`)))]'}}}}}]}";

static const char as_symbols[] =
    "{'languageVersion': '2.0', " PARAMETERS " 'resources': {"
    "'table': {'existing': true, 'type': 'Microsoft.Network/routeTables', 'name': 'rt'},"
    "'vnet': {'type': 'Microsoft.Network/virtualNetworks', 'name': '[format(`{0}-vnet`,"
    " parameters(`prefix`))]', 'properties': {'addressSpace': {'addressPrefixes': ['10.0.0.0/16']},"
    " 'subnets': [{'name': 'apps', 'properties': {'addressPrefix': '[cidrSubnet(`10.0.0.0/16`, 24,"
    " 1)]', 'networkSecurityGroup': {'id': '[reference(`rules`).outputs.id.value]'},"
    " 'routeTable': {'id': '[resourceId(`Microsoft.Network/routeTables`, `rt`)]'}}}]},"
    " 'dependsOn': ['rules']},"
    "'app': {'type': 'Microsoft.Web/sites', 'name': 'app', 'properties':"
    " {'virtualNetworkSubnetId': '[reference(`vnet`).subnets[0].id]'}},"
    "'rules': {'type': 'Microsoft.Resources/deployments', 'name': 'rules', 'resourceGroup': 'net',"
    " " MODULE " 'template': {'languageVersion': '2.0',"
    " 'parameters': {'prefix': {'type': 'string'}, 'ports': {'type': 'array'}},"
    " 'resources': {'nsg': {'type': 'Microsoft.Network/networkSecurityGroups', 'name':"
    " '[format(`{0}-nsg`, parameters(`prefix`))]', 'properties': " RULES "}},"
    " 'outputs': {'id': {'type': 'string', 'value': '[resourceId("
    "`Microsoft.Network/networkSecurityGroups`, format(`{0}-nsg`, parameters(`prefix`)))]'}}}}}}}";

static void both_compilations_of_a_bicep_file_are_equal(void **state)
{
	cleanup_outcome struct outcome list = evaluate(as_list, NULL);
	cleanup_outcome struct outcome symbols = evaluate(as_symbols, NULL);

	(void)state;
	assert_int_equal(list.r, 0);
	assert_int_equal(list.n, 3);
	assert_int_equal(symbols.n, 3);
	for (size_t i = 0; i < 3; i++)
		assert_true(json_equal(list.v[i].resource, symbols.v[i].resource));
	assert_resource(
	    &list, 0,
	    "{'name': 'shop-vnet', 'type': 'Microsoft.Network/virtualNetworks',"
	    " 'properties': {'addressSpace': {'addressPrefixes': ['10.0.0.0/16']},"
	    " 'subnets': [{'name': 'apps', 'properties': {'addressPrefix': '10.0.1.0/24',"
	    " 'networkSecurityGroup': {'id':"
	    " 'Microsoft.Network/networkSecurityGroups/shop-nsg'}, 'routeTable': {'id':"
	    " 'Microsoft.Network/routeTables/rt'}}}]}}");
	assert_resource(&list, 1,
			"{'name': 'app', 'type': 'Microsoft.Web/sites', 'properties':"
			" {'virtualNetworkSubnetId':"
			" 'Microsoft.Network/virtualNetworks/shop-vnet/subnets/apps'}}");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_empty_template_has_no_resources),
	    cmocka_unit_test(the_template_is_not_changed),
	    cmocka_unit_test(stand_ins_for_hashes_are_reported),
	    cmocka_unit_test(a_place_is_below_that_of_the_template),
	    cmocka_unit_test(the_schema_has_the_level),
	    cmocka_unit_test(both_compilations_of_a_bicep_file_are_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
