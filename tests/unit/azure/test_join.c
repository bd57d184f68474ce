/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies of one resource, and configurations of a site. */
#include "support.h"
#include "util/macro.h"

#define NSG_ID "'id':'" NETWORK_ID "networkSecurityGroups/n'"
#define RULE "'name':'r'," RULE_OF
#define RULE_SETS                                                                                  \
	"'direction':'Outbound','access':'Deny','protocol':'Tcp','sourceAddressPrefix':'*',"       \
	"'sourcePortRange':'*'"
#define RULE_OF                                                                                    \
	"'direction':'Outbound','access':'Deny','protocol':'Tcp',"                                 \
	"'sourceAddressPrefix':'*','destinationAddressPrefix':'10.0.0.0/8',"                       \
	"'sourcePortRange':'*','destinationPortRange':'80'"
#define DEFAULT                                                                                    \
	"'defaultSecurityRules':[{'name':'denyalloutbound','priority':65500,'direction':"          \
	"'Outbound','access':'Deny','protocol':'*','sourceAddressPrefix':'*',"                     \
	"'destinationAddressPrefix':'*','sourcePortRange':'*','destinationPortRange':'*'}]"

struct pair {
	const char *fact, *first, *second;
	const char *twice; /* the message's beginning; NULL: they are one */
};

static const struct pair pairs[] = {
    {"an NSG nested and flattened, with etag and without",
     "{" NSG_ID ",'properties':{'securityRules':[{'name':'r','properties':{'priority':100," RULE
     "}}]}}",
     "{'NewNSG':{" NSG_ID ",'etag':'x','securityRules':[{'priority':'100'," RULE
     ",'sourcePortRanges':[]}]}}",
     NULL},
    {"an id in another case", "{" NSG_ID ",'securityRules':[]}",
     "{'id':'/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/"
     "N','securityRules':[]}",
     NULL},
    {"Azure's own default rules may be missing in one", "{" NSG_ID ",'securityRules':[]}",
     "{" NSG_ID "," DEFAULT "}", NULL},
    {"what says where it is used may be missing in one",
     "{" NSG_ID ",'securityRules':[],'subnets':[{'id':'s'}]}", "{" NSG_ID ",'securityRules':[]}",
     NULL},
    {"rules in another order",
     "{" NSG_ID ",'securityRules':[{'priority':100," RULE "},{'priority':101,'name':'q'," RULE_OF
     "}]}",
     "{" NSG_ID ",'securityRules':[{'priority':101,'name':'Q'," RULE_OF "},{'priority':100," RULE
     "}]}",
     NULL},
    {"prefixes and ports in another order",
     "{" NSG_ID ",'securityRules':[{'name':'r','priority':100," RULE_SETS
     ",'destinationAddressPrefixes':['10.1.0.0/16','10.0.0.0/16'],"
     "'destinationPortRanges':['80','443']}]}",
     "{" NSG_ID ",'securityRules':[{'name':'r','priority':100," RULE_SETS
     ",'destinationAddressPrefixes':['10.0.0.0/16','10.1.0.0/16'],"
     "'destinationPortRanges':['443','80']}]}",
     NULL},
    {"the order of routes decides ties",
     "{'name':'t','routes':[{'name':'a','addressPrefix':'Sql','nextHopType':'None'},"
     "{'name':'b','addressPrefix':'Storage','nextHopType':'Internet'}]}",
     "{'name':'t','routes':[{'name':'b','addressPrefix':'Storage','nextHopType':'Internet'},"
     "{'name':'a','addressPrefix':'Sql','nextHopType':'None'}]}",
     "route table 't'"},
    {"subnets and their endpoints in another order",
     "{'name':'v','addressSpace':{'addressPrefixes':['10.0.0.0/8','11.0.0.0/8']},'subnets':["
     "{'name':'s','addressPrefix':'10.0.0.0/24','serviceEndpoints':[{'service':'A','locations':"
     "['x','y']},{'service':'B'}]},{'name':'t','addressPrefix':'10.0.1.0/24'}]}",
     "{'name':'v','addressSpace':{'addressPrefixes':['11.0.0.0/8','10.0.0.0/8']},'subnets':["
     "{'name':'t','addressPrefix':'10.0.1.0/24'},{'name':'s','addressPrefix':'10.0.0.0/24',"
     "'serviceEndpoints':[{'service':'b'},{'service':'A','locations':['Y','x']}]}]}",
     NULL},
    {"a rule's priority differs", "{" NSG_ID ",'securityRules':[{'priority':100," RULE "}]}",
     "{" NSG_ID ",'securityRules':[{'priority':101," RULE "}]}", "NSG 'n'"},
    {"a rule more", "{" NSG_ID ",'securityRules':[{'priority':100," RULE "}]}",
     "{" NSG_ID ",'securityRules':[]}", "NSG 'n'"},
    {"flushConnection differs", "{" NSG_ID ",'securityRules':[],'flushConnection':true}",
     "{" NSG_ID ",'securityRules':[]}", "NSG 'n'"},
    {"without ids the name decides", "{'name':'n','securityRules':[]}",
     "{'name':'N','securityRules':[],'flushConnection':true}", "NSG 'N'"},
    {"two groups, two NSGs", "{" NSG_ID ",'securityRules':[],'flushConnection':true}",
     "{'id':'/subscriptions/s/resourceGroups/h/providers/Microsoft.Network/"
     "networkSecurityGroups/n','securityRules':[]}",
     NULL},
    {"a route table's next hop differs",
     "{'name':'t','routes':[{'name':'a','addressPrefix':'10.0.0.0/8','nextHopType':'None'}]}",
     "{'name':'t','routes':[{'name':'a','addressPrefix':'10.0.0.0/8','nextHopType':'Internet'}]}",
     "route table 't'"},
    {"a network's place in two spellings",
     "{'name':'v','location':'West Europe','addressSpace':{'addressPrefixes':['10.0.0.0/8']}}",
     "{'name':'v','location':'westeurope','addressSpace':{'addressPrefixes':['10.0.0.0/8']}}",
     NULL},
    {"a network's range differs", "{'name':'v','addressSpace':{'addressPrefixes':['10.0.0.0/8']}}",
     "{'name':'v','addressSpace':{'addressPrefixes':['10.0.0.0/9']}}", "virtual network 'v'"},
    {"a subnet's NSG differs",
     "{'name':'v','addressSpace':{'addressPrefixes':['10.0.0.0/8']},'subnets':[{'name':'s',"
     "'addressPrefix':'10.0.0.0/24','networkSecurityGroup':{'id':'a'}}]}",
     "{'name':'v','addressSpace':{'addressPrefixes':['10.0.0.0/8']},'subnets':[{'name':'s',"
     "'addressPrefix':'10.0.0.0/24'}]}",
     "virtual network 'v'"},
    {"a site's switch differs", "{'name':'a','siteConfig':{},'vnetRouteAllEnabled':true}",
     "{'name':'a','siteConfig':{}}", "site 'a'"},
    {"a plan's instances differ", "{'name':'p','sku':{'capacity':1},'numberOfSites':1}",
     "{'name':'p','sku':{'capacity':2},'numberOfSites':1}", "plan 'p'"},
    {"an interface's address differs",
     "{'name':'n','macAddress':'x','ipConfigurations':[{'privateIPAddress':'10.0.0.4'}]}",
     "{'name':'n','macAddress':'x','ipConfigurations':[{'privateIPAddress':'10.0.0.5'}]}",
     "network interface 'n'"},
    {"an endpoint's subnet differs", "{'name':'e','customDnsConfigs':[{}],'subnet':{'id':'s'}}",
     "{'name':'e','customDnsConfigs':[{}],'subnet':{'id':'t'}}", "private endpoint 'e'"},
    {"a group is the same", "{'name':'a','type':'Microsoft.Network/applicationSecurityGroups'}",
     "{'name':'A','type':'Microsoft.Network/applicationSecurityGroups'}", NULL},
    {"an integration differs",
     "{'id':'" ID_HEAD "Microsoft.Web/sites/a/virtualNetworkConnections/x','vnetResourceId':'v'}",
     "{'id':'" ID_HEAD "Microsoft.Web/sites/a/virtualNetworkConnections/x','vnetResourceId':'w'}",
     "integration 'x'"},
};

static size_t count_resources(const struct nsg_policy *p)
{
	return p->n_vnets + p->n_nsgs + p->n_route_tables + p->n_sites + p->n_integrations +
	       p->n_plans + p->n_private_endpoints + p->n_nics + p->n_asgs;
}

static void one_id_twice_is_one_or_an_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(pairs); i++) {
		cleanup_free char *text = NULL, *want = NULL;
		bool two = !strcmp(pairs[i].fact, "two groups, two NSGs");
		struct loaded l;

		assert_true(asprintf(&text, "[%s,\n%s]", pairs[i].first, pairs[i].second) > 0);
		if (pairs[i].twice)
			assert_true(
			    asprintf(&want,
				     "2:1: error: %s is also at d.json:1:2, with different content",
				     pairs[i].twice) > 0);
		l = load(text);
		assert_said(pairs[i].fact, &l.diag, want ? want : "");
		assert_int_equal(count_resources(l.policy), two ? 2 : 1);
		unload(&l);
	}
}

static void where_it_is_used_is_taken_from_the_other(void **state)
{
	cleanup_loaded struct loaded l = load("[{" NSG_ID ",'securityRules':[]},{" NSG_ID
					      ",'securityRules':[],'subnets':[{'id':'s'}]}]");

	(void)state;
	assert_int_equal(l.policy->n_nsgs, 1);
	assert_int_equal(l.policy->nsgs[0].subnets.n, 1);
}

static void integrations_without_an_id_are_one_when_equal(void **state)
{
	cleanup_loaded struct loaded l =
	    load("[{'name':'s','vnetResourceId':'v/subnets/s'},{'name':'s','vnetResourceId':"
		 "'v/subnets/s','isSwift':null},{'name':'s','vnetResourceId':'v/subnets/t'}]");

	(void)state;
	assert_said("nothing", &l.diag, "");
	assert_int_equal(l.policy->n_integrations, 2);
}

static void a_configuration_speaks_for_its_site(void **state)
{
	cleanup_loaded struct loaded l =
	    load("[{'name':'a/web','type':'Microsoft.Web/sites/config','properties':"
		 "{'vnetRouteAllEnabled':true}},{'name':'a/appsettings','type':"
		 "'Microsoft.Web/sites/config','properties':{'WEBSITE_VNET_ROUTE_ALL':'0'}},"
		 "{'name':'a','type':'Microsoft.Web/"
		 "sites','properties':{'vnetRouteAllEnabled':false}}]");
	cleanup_loaded struct loaded alone =
	    load("{'name':'a/web','type':'Microsoft.Web/sites/config','properties':"
		 "{'outboundVnetRouting':{'allTraffic':true}}}");

	(void)state;
	assert_said("nothing", &l.diag, "");
	assert_int_equal(l.policy->n_sites, 1);
	assert_int_equal(l.policy->sites[0].route_all[NSG_SITE_ROUTE_ALL].value, NSG_FALSE);
	assert_int_equal(l.policy->sites[0].route_all[NSG_CONFIG_ROUTE_ALL].value, NSG_TRUE);
	assert_string_equal(l.policy->sites[0].route_all[NSG_CONFIG_ROUTE_ALL].place.pointer,
			    "/0/properties/vnetRouteAllEnabled");
	assert_string_equal(l.policy->app_settings[0].site_id, "Microsoft.Web/sites/a");
	assert_int_equal(alone.policy->n_sites, 1);
	assert_string_equal(alone.policy->sites[0].name, "a");
	assert_int_equal(alone.policy->sites[0].route_all[NSG_CONFIG_ROUTING].value, NSG_TRUE);
}

static void a_configuration_may_carry_its_sites_id(void **state)
{
	static const char *const ids[] = {ID_HEAD "Microsoft.Web/sites/a",
					  ID_HEAD "Microsoft.Web/sites/a/config/web"};

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(ids); i++) {
		cleanup_free char *text = NULL;
		struct loaded l;

		assert_true(
		    asprintf(
			&text,
			"[{'id':'%s','type':'Microsoft.Web/sites/config',"
			"'vnetRouteAllEnabled':true},{'id':'" ID_HEAD
			"Microsoft.Web/sites/a','type':'Microsoft.Web/sites','reserved':false}]",
			ids[i]) > 0);
		l = load(text);
		assert_said("nothing", &l.diag, "");
		assert_int_equal(l.policy->n_sites, 1);
		assert_int_equal(l.policy->sites[0].route_all[NSG_CONFIG_ROUTE_ALL].value,
				 NSG_TRUE);
		unload(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_id_twice_is_one_or_an_error),
	    cmocka_unit_test(where_it_is_used_is_taken_from_the_other),
	    cmocka_unit_test(integrations_without_an_id_are_one_when_equal),
	    cmocka_unit_test(a_configuration_speaks_for_its_site),
	    cmocka_unit_test(a_configuration_may_carry_its_sites_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
