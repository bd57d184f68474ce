/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The members of web apps that are kept; no secret is in a result or a message. */
#include "azure/reader_priv.h"
#include "support.h"
#include "util/macro.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET "hunter2"

static void assert_no_secret(const struct outcome *o)
{
	for (size_t i = 0; i < o->n; i++) {
		cleanup_free char *text = json_dumps(o->v[i].resource, 0);

		assert_null(strstr(text, SECRET));
		assert_null(strstr(text, "PASSWORD"));
	}
	for (size_t i = 0; i < o->diag.n; i++) {
		assert_null(strstr(o->diag.v[i].text, SECRET));
		assert_null(strstr(o->diag.v[i].text, "PASSWORD"));
	}
}

static void a_site_keeps_the_members_in_use(void **state)
{
	cleanup_outcome struct outcome o = evaluate(
	    "{'resources': [{'type': 'Microsoft.Web/sites', 'name': 'app', 'kind': 'app,linux',"
	    " 'location': 'l', 'identity': {'type': '[reference(`x`).y]'}, 'tags': {'a':"
	    " '[f()]'}, 'properties': {'serverFarmId': 'plan', 'httpsOnly': '[f()]',"
	    " 'hostNameSslStates': '[reference(`cert`).Thumbprint]', 'reserved': true,"
	    " 'virtualNetworkSubnetId': '[resourceId(`Microsoft.Network/virtualNetworks/subnets`,"
	    " `v`, `s`)]', 'VnetRouteAllEnabled': true, 'siteConfig': {'ftpsState': '[f()]',"
	    " 'connectionStrings': [{'connectionString': '" SECRET "'}], 'appSettings': ["
	    "  {'name': 'PASSWORD', 'value': '" SECRET "'},"
	    "  {'name': 'PASSWORD2', 'value': '[listKeys(`" SECRET "`)]'},"
	    "  {'name': '[reference(`x`).PASSWORD]', 'value': '" SECRET "'},"
	    "  {'name': '[concat(`PASS`, `WORD`)]', 'value': '" SECRET "'}, 7,"
	    "  {'name': '[concat(`WEBSITE_DNS`, `_SERVER`)]', 'value': '10.0.0.4'},"
	    "  {'name': '[concat(`WEBSITE_VNET`, `_ROUTE_ALL`)]', 'value': '[string(1)]'}]}}}]}",
	    NULL);

	(void)state;
	assert_no_secret(&o);
	assert_resource(
	    &o, 0,
	    "{'name': 'app', 'type': 'Microsoft.Web/sites', 'kind': 'app,linux', 'location':"
	    " 'l', 'properties': {'serverFarmId': 'plan', 'reserved': true,"
	    " 'virtualNetworkSubnetId': 'Microsoft.Network/virtualNetworks/v/subnets/s',"
	    " 'vnetRouteAllEnabled': true, 'siteConfig': {'appSettings': [{'name':"
	    " 'WEBSITE_DNS_SERVER', 'value': '10.0.0.4'}, {'name':"
	    " 'WEBSITE_VNET_ROUTE_ALL', 'value': '1'}]}}}");
}

/* Azure's reader and the list of members to keep describe the same resource. */
static void what_the_reader_of_sites_uses_is_kept(void **state)
{
	const struct nsg_fields *fields = nsg_kind_site.fields;

	(void)state;
	for (size_t i = 0; i < fields->n; i++) {
		const char *key = fields->v[i].key;
		cleanup_json json_t *template = NULL;

		if (!key)
			continue;
		template =
		    json_pack("{s:[{s:s, s:s, s:s, s:{s:s}}]}", "resources", "type",
			      "Microsoft.Web/sites", "name", "a", key, "x", "properties", key, "x");
		cleanup_outcome struct outcome o = evaluate_json(template, NULL);

		assert_int_equal(o.n, 1);
		if (!json_object_get(o.v[0].resource, key) &&
		    !json_object_get(json_object_get(o.v[0].resource, "properties"), key))
			fail_msg("%s is not kept", key);
	}
}

static void settings_that_expressions_make(void **state)
{
	cleanup_outcome struct outcome o = evaluate(
	    "{'variables': {'list': [{'name': 'PASSWORD', 'value': '" SECRET "'}, {'name':"
	    " 'website_vnet_route_all', 'value': '1'}], 'config': {'appSettings':"
	    " '[variables(`list`)]', 'other': '" SECRET "'}}, 'resources': ["
	    "{'type': 'Microsoft.Web/sites', 'name': 'a', 'properties': {'siteConfig':"
	    " {'appSettings': '[variables(`list`)]'}}},"
	    "{'type': 'Microsoft.Web/sites', 'name': 'b', 'properties': {'siteConfig':"
	    " '[variables(`config`)]'}},"
	    "{'type': 'Microsoft.Web/sites', 'name': 'c', 'properties': "
	    "'[createObject(`siteConfig`,"
	    " variables(`config`), `PASSWORD`, `" SECRET "`)]'},"
	    "{'type': 'Microsoft.Web/sites', 'name': 'd', 'properties': {'siteConfig': {'copy':"
	    " [{'name': 'appSettings', 'count': 2, 'input':"
	    " '[variables(`list`)[copyIndex(`appSettings`)]]'}]}}}]}",
	    NULL);

	(void)state;
	assert_int_equal(o.n, 4);
	assert_no_secret(&o);
	for (size_t i = 0; i < 4; i++) {
		json_t *config =
		    json_object_get(json_object_get(o.v[i].resource, "properties"), "siteConfig");

		assert_int_equal(json_array_size(json_object_get(config, "appSettings")), 1);
		assert_int_equal(json_object_size(config), 1);
	}
}

static void configurations_of_an_app(void **state)
{
	cleanup_outcome struct outcome o = evaluate(
	    "{'resources': [{'type': 'Microsoft.Web/sites', 'name': 'app', 'resources': ["
	    "{'type': 'config', 'name': 'appsettings', 'properties': {'PASSWORD':"
	    " '[listKeys(`" SECRET "`)]', 'WEBSITE_VNET_ROUTE_ALL': '[string(0)]',"
	    " 'WEBSITE_DNS_ALT_SERVER': '10.0.0.5'}},"
	    "{'type': 'config', 'name': 'web', 'properties': {'vnetRouteAllEnabled': true,"
	    " 'appCommandLine': '" SECRET "'}},"
	    "{'type': 'config', 'name': 'connectionstrings', 'properties': {'PASSWORD': '[f()]'}},"
	    "{'type': 'networkConfig', 'name': 'virtualNetwork', 'properties': {'subnetResourceId':"
	    " 'x', 'swiftSupported': true}}]}]}",
	    NULL);

	(void)state;
	assert_no_secret(&o);
	assert_int_equal(o.n, 4);
	assert_resource(&o, 1,
			"{'name': 'app/appsettings', 'type': 'Microsoft.Web/sites/config',"
			" 'properties': {'WEBSITE_VNET_ROUTE_ALL': '0',"
			" 'WEBSITE_DNS_ALT_SERVER': '10.0.0.5'}}");
	assert_resource(&o, 2,
			"{'name': 'app/web', 'type': 'Microsoft.Web/sites/config',"
			" 'properties': {'vnetRouteAllEnabled': true}}");
	assert_resource(&o, 3,
			"{'name': 'app/virtualNetwork', 'type':"
			" 'Microsoft.Web/sites/networkConfig', 'properties':"
			" {'subnetResourceId': 'x', 'swiftSupported': true}}");
	assert_string_equal(record_at(&o, "/resources/0/resources/2")->text,
			    "resources of type 'Microsoft.Web/sites/config' are not used: skipped");
}

/* The loader reads a slot as a site. */
static void slots_are_kept_like_their_sites(void **state)
{
	cleanup_outcome struct outcome o = evaluate(
	    "{'resources': [{'type': 'Microsoft.Web/sites/slots', 'name': 'app/new', 'properties':"
	    " {'virtualNetworkSubnetId': 's', 'siteConfig': {'connectionStrings': ['" SECRET "'],"
	    " 'appSettings': [{'name': 'PASSWORD', 'value': '[concat(`" SECRET "`)]'}]}},"
	    " 'resources': [{'type': 'config', 'name': 'appsettings', 'properties': {'PASSWORD':"
	    " '" SECRET "', 'WEBSITE_VNET_ROUTE_ALL': '1'}},"
	    "{'type': 'config', 'name': 'connectionstrings', 'properties': {'PASSWORD': '[f()]'}},"
	    "{'type': 'virtualNetworkConnections', 'name': 'c', 'properties': {'vnetResourceId':"
	    " '[concat(`v/subnets/`, `s`)]', 'isSwift': true}}]},"
	    "{'type': 'Microsoft.Web/sites/virtualNetworkConnections', 'name': 'app/c',"
	    " 'properties': {'vnetResourceId': '[concat(`v/subnets/`, `s`)]'}}]}",
	    NULL);

	(void)state;
	assert_no_secret(&o);
	assert_int_equal(o.n, 4);
	assert_resource(&o, 0,
			"{'name': 'app/new', 'type': 'Microsoft.Web/sites/slots', 'properties':"
			" {'virtualNetworkSubnetId': 's', 'siteConfig': {'appSettings': []}}}");
	assert_resource(
	    &o, 1,
	    "{'name': 'app/new/appsettings', 'type': 'Microsoft.Web/sites/slots/config',"
	    " 'properties': {'WEBSITE_VNET_ROUTE_ALL': '1'}}");
	assert_resource(&o, 2,
			"{'name': 'app/new/c', 'type':"
			" 'Microsoft.Web/sites/slots/virtualNetworkConnections', 'properties':"
			" {'vnetResourceId': 'v/subnets/s', 'isSwift': true}}");
	assert_resource(&o, 3,
			"{'name': 'app/c', 'type': 'Microsoft.Web/sites/virtualNetworkConnections',"
			" 'properties': {'vnetResourceId': 'v/subnets/s'}}");
}

static void an_error_does_not_quote_secure_parameters(void **state)
{
	static const char *const values[] = {
	    "[int(parameters(`p`))]",
	    "[int(variables(`v`))]",
	    "[cidrSubnet(concat(parameters(`p`), `x`), 24, 0)]",
	    "[parameters(parameters(`p`))]",
	    "[variables(parameters(`p`))]",
	    "[createObject(`x`, 1)[parameters(`p`)]]",
	    "[createObject(`x`, 1)[parameters(`o`).a]]",
	    "[reference(parameters(`p`)).x]",
	};

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(values); i++) {
		cleanup_free char *text = NULL;
		cleanup_outcome struct outcome o = {0};

		assert_true(asprintf(&text,
				     "{'parameters': {'p': {'type': 'SecureString'}, 'o': {'type':"
				     " 'secureObject', 'defaultValue': {'a': '" SECRET "'}}},"
				     " 'variables': {'v': '[concat(parameters(`p`), `x`)]'},"
				     " 'resources': [{'type': 'Microsoft.Network/routeTables',"
				     " 'name': 'n', 'tags': {'t': '[variables(`v`)]'},"
				     " 'properties': {'x': '%s', 'y': '[int(`plain`)]'}}]}",
				     values[i]) > 0);
		o = evaluate(text, "{'p': {'value': '" SECRET "'}}");
		assert_error(&o, "/resources/0/properties/x", "cannot evaluate");
		/* an expression that read none is quoted, before or after */
		assert_error(&o, "/resources/0/properties/y", "'plain' is not an integer");
		assert_no_secret(&o);
	}
}

static void tags_made_of_secure_parameters_are_left_out(void **state)
{
	cleanup_outcome struct outcome o = evaluate(
	    "{'parameters': {'p': {'type': 'securestring', 'defaultValue': '" SECRET "'}},"
	    " 'resources': [{'type': 'Microsoft.Network/routeTables', 'name': 'n',"
	    " 'tags': {'t': '[parameters(`p`)]'}}, {'type': 'Microsoft.Network/routeTables',"
	    " 'name': 'm', 'tags': {'t': '[concat(`x`)]'}}]}",
	    NULL);

	(void)state;
	assert_resource(&o, 0, "{'name': 'n', 'type': 'Microsoft.Network/routeTables'}");
	assert_resource(
	    &o, 1, "{'name': 'm', 'type': 'Microsoft.Network/routeTables', 'tags': {'t': 'x'}}");
}

static void an_error_does_not_quote_settings(void **state)
{
	static const char *const properties[] = {
	    "{'siteConfig': {'appSettings': [{'name': 'WEBSITE_VNET_ROUTE_ALL', 'value':"
	    " '[int(`" SECRET "`)]'}]}}",
	    "{'siteConfig': {'appSettings': '[concat(createArray(`" SECRET "`), 1)]'}}",
	    "{'siteConfig': {'appSettings': '[createObject(`x`, 1).PASSWORD]'}}",
	    "{'siteConfig': '[createArray(reference(`" SECRET "`))]'}",
	    "{'siteConfig': '[createArray(parseCidr(`" SECRET "`))]'}",
	};

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(properties); i++) {
		cleanup_free char *text = NULL;
		cleanup_outcome struct outcome o = {0};

		assert_true(asprintf(&text,
				     "{'resources': [{'type': 'Microsoft.Web/sites', 'name': 'n',"
				     " 'properties': %s}]}",
				     properties[i]) > 0);
		o = evaluate(text, NULL);
		assert_int_equal(o.r, -EINVAL);
		assert_no_secret(&o);
	}
}

static void an_app_with_an_unknown_subnet_is_an_error(void **state)
{
	cleanup_outcome struct outcome o =
	    evaluate("{'resources': [{'type': 'Microsoft.Web/sites', 'name': 'n', 'properties':"
		     " {'virtualNetworkSubnetId': '[reference(`x`).subnets[0].id]'}}]}",
		     NULL);

	(void)state;
	assert_error(&o, "/resources/0/properties/virtualNetworkSubnetId",
		     "cannot evaluate [reference('x').subnets[0].id]");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_site_keeps_the_members_in_use),
	    cmocka_unit_test(what_the_reader_of_sites_uses_is_kept),
	    cmocka_unit_test(settings_that_expressions_make),
	    cmocka_unit_test(configurations_of_an_app),
	    cmocka_unit_test(slots_are_kept_like_their_sites),
	    cmocka_unit_test(an_error_does_not_quote_settings),
	    cmocka_unit_test(an_error_does_not_quote_secure_parameters),
	    cmocka_unit_test(tags_made_of_secure_parameters_are_left_out),
	    cmocka_unit_test(an_app_with_an_unknown_subnet_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
