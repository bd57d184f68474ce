/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/macro.h"

#define ZEROS "00000000-0000-0000-0000-000000000000"
#define GUID "0a1b2c3d-0000-4000-8000-00000000000a"

/* concat() keeps the beginning of an id, which is removed from a value that is an id */
static void resource_ids(void **state)
{
	static const struct expression cases[] = {
	    {"concat('=', resourceId('Microsoft.Network/virtualNetworks', 'v'))",
	     "'=/subscriptions/" ZEROS "/resourceGroups/resource-group/providers/"
	     "Microsoft.Network/virtualNetworks/v'"},
	    {"resourceId('Microsoft.Network/virtualNetworks/subnets', 'v', 's')",
	     "'Microsoft.Network/virtualNetworks/v/subnets/s'"},
	    {"resourceId('Microsoft.Network/virtualNetworks/', 'v')",
	     "'Microsoft.Network/virtualNetworks/v'"},
	    {"concat('=', resourceId('rg', 'Microsoft.Network/routeTables', 'r'))",
	     "'=/subscriptions/" ZEROS "/resourceGroups/rg/providers/"
	     "Microsoft.Network/routeTables/r'"},
	    {"resourceId('" GUID "', 'rg', 'Microsoft.Network/routeTables', 'r')",
	     "'/subscriptions/" GUID "/resourceGroups/rg/providers/"
	     "Microsoft.Network/routeTables/r'"},
	    {"resourceId('" GUID "', 'Microsoft.Authorization/policies', 'p')",
	     "'/subscriptions/" GUID "/providers/Microsoft.Authorization/policies/p'"},
	    {"subscriptionResourceId('" GUID "', 'Microsoft.Authorization/roles', 'r')",
	     "'/subscriptions/" GUID "/providers/Microsoft.Authorization/roles/r'"},
	    {"concat('=', subscriptionResourceId('Microsoft.Authorization/roles', 'r'))",
	     "'=/subscriptions/" ZEROS "/providers/Microsoft.Authorization/roles/r'"},
	    {"tenantResourceId('Microsoft.Authorization/roles', 'r')",
	     "'/providers/Microsoft.Authorization/roles/r'"},
	    {"extensionResourceId('/providers/A/b/c', 'Microsoft.Authorization/locks', 'l')",
	     "'/providers/A/b/c/providers/Microsoft.Authorization/locks/l'"},
	    {"extensionResourceId(format('/subscriptions/{0}/resourceGroups/{1}', '" GUID
	     "', 'rg'), 'Microsoft.Network/routeTables', 'r')",
	     "'/subscriptions/" GUID "/resourceGroups/rg/providers/"
	     "Microsoft.Network/routeTables/r'"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

static void refused(void **state)
{
	static const char words[] = "takes a resource type and one name per type segment";
	static const struct expression cases[] = {
	    {"resourceId('Microsoft.Network/virtualNetworks', 'v', 's')", NULL, words},
	    {"resourceId('Microsoft.Network/virtualNetworks/subnets', 'v')", NULL, words},
	    {"resourceId('a', 'b')", NULL, words},
	    {"resourceId('a/', 'b')", NULL, words},
	    {"resourceId('Microsoft.Network/routeTables', 1)", NULL,
	     "resourceId() takes a string, not a number"},
	    {"resourceId(1, 'Microsoft.Network/routeTables', 'r')", NULL,
	     "resourceId() takes a string, not a number"},
	    {"tenantResourceId('rg', 'Microsoft.Network/routeTables', 'r')", NULL, words},
	    {"extensionResourceId('Microsoft.Network/routeTables', 'r', 'x')", NULL, words},
	    {"extensionResourceId(1, 'Microsoft.Network/routeTables', 'r')", NULL,
	     "takes a string, not a number"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

static void stand_ins_are_stable_and_differ(void **state)
{
	static const struct expression cases[] = {
	    {"equals(uniqueString('a'), uniqueString('a'))", "true"},
	    {"equals(uniqueString('a'), uniqueString('b'))", "false"},
	    {"equals(uniqueString('a', 'bc'), uniqueString('ab', 'c'))", "false"},
	    {"length(uniqueString(resourceGroup().id))", "13"},
	    {"length(guid('a'))", "36"},
	    {"substring(guid('a'), 14, 1)", "'5'"},
	    {"equals(guid('a'), guid('A'))", "false"},
	    {"uniqueString(1)", NULL, "uniqueString() takes a string, not a number"},
	    {"guid(createArray())", NULL, "guid() takes a string, not an array"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(resource_ids),
	    cmocka_unit_test(refused),
	    cmocka_unit_test(stand_ins_are_stable_and_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
