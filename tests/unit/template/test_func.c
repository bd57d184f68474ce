/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/macro.h"

#include <stdio.h>
#include <string.h>

static void names(void **state)
{
	static const struct expression cases[] = {
	    {"CONCAT('a', 'b')", "'ab'"},
	    {"sys.concat('a', 'b')", "'ab'"},
	    {"az.subscription().subscriptionId", "'00000000-0000-0000-0000-000000000000'"},
	    {"sys.nothing()", NULL, "unknown function sys.nothing()"},
	    {"base64('a')", NULL, "unknown function base64()"},
	    {"sort(createArray(1), lambda('a', 'b', less(lambdaVariables('a'), 1)))", NULL,
	     "unknown function sort()"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

static void values_known_after_deployment(void **state)
{
	static const struct expression cases[] = {
	    {"listKeys('id', '2021-01-01').keys[0]", NULL,
	     "listKeys() is known only after deployment"},
	    {"newGuid()", NULL, "newGuid() is known only after deployment"},
	    {"utcNow('d')", NULL, "utcNow() is known only after deployment"},
	    {"pickZones('a', 'b', 'c')", NULL, "pickZones() is known only"},
	    {"providers('a')", NULL, "providers() is known only"},
	    {"environment().name", NULL, "environment() is known only"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

static void every_function_is_found(void **state)
{
	static const char *const names[] = {
	    "add",
	    "and",
	    "array",
	    "bool",
	    "cidrHost",
	    "cidrSubnet",
	    "coalesce",
	    "concat",
	    "contains",
	    "copyIndex",
	    "createArray",
	    "createObject",
	    "deployment",
	    "div",
	    "empty",
	    "endsWith",
	    "environment",
	    "equals",
	    "extensionResourceId",
	    "false",
	    "filter",
	    "first",
	    "flatten",
	    "format",
	    "greater",
	    "greaterOrEquals",
	    "guid",
	    "if",
	    "indexOf",
	    "int",
	    "intersection",
	    "items",
	    "join",
	    "json",
	    "lambdaVariables",
	    "last",
	    "lastIndexOf",
	    "length",
	    "less",
	    "lessOrEquals",
	    "map",
	    "max",
	    "min",
	    "mod",
	    "mul",
	    "newGuid",
	    "not",
	    "null",
	    "objectKeys",
	    "or",
	    "padLeft",
	    "parameters",
	    "parseCidr",
	    "pickZones",
	    "providers",
	    "range",
	    "reduce",
	    "reference",
	    "references",
	    "replace",
	    "resourceGroup",
	    "resourceId",
	    "resourceInfo",
	    "shallowMerge",
	    "skip",
	    "split",
	    "startsWith",
	    "string",
	    "sub",
	    "subscription",
	    "subscriptionResourceId",
	    "substring",
	    "take",
	    "tenant",
	    "tenantResourceId",
	    "toLower",
	    "toObject",
	    "toUpper",
	    "trim",
	    "true",
	    "tryGet",
	    "union",
	    "uniqueString",
	    "utcNow",
	    "variables",
	};

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(names); i++) {
		cleanup_json json_t *template = json_text(
		    "{'resources': [{'type': 'Microsoft.Network/routeTables', 'name': 'n'}]}");
		cleanup_outcome struct outcome o = {0};
		char expression[64];
		json_t *table = json_array_get(json_object_get(template, "resources"), 0);

		snprintf(expression, sizeof(expression), "[%s(1, 2, 3, 4, 5, 6, 7)]", names[i]);
		json_object_set_new(table, "x", json_string(expression));
		o = evaluate_json(template, NULL);
		if (o.r && strstr(o.diag.v[0].text, "not known here"))
			fail_msg("%s: %s", names[i], o.diag.v[0].text);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names),
	    cmocka_unit_test(values_known_after_deployment),
	    cmocka_unit_test(every_function_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
