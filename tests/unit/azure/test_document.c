/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kinds and shapes: kind.c with unknown.c. */
#include "support.h"
#include "util/macro.h"

#define SPACE "'addressSpace':{'addressPrefixes':['10.0.0.0/16']}"
#define RULE                                                                                       \
	"'priority':100,'access':'Deny','protocol':'Tcp','sourceAddressPrefix':'*',"               \
	"'destinationAddressPrefix':'*','sourcePortRange':'*','destinationPortRange':'80',"        \
	"'direction':'Outbound'"

/* What a document gives, as letters: v network, n NSG, t table, b gateway route, g tags, s setting,
 * w site, i integration, p plan, e private endpoint, c interface, a group. */
static void letters(const struct nsg_policy *p, char out[64])
{
	const struct {
		char letter;
		size_t n;
	} counts[] = {
	    {'v', p->n_vnets},	       {'n', p->n_nsgs},
	    {'t', p->n_route_tables},  {'b', p->n_bgp_routes},
	    {'g', p->n_tag_documents}, {'s', p->n_app_settings},
	    {'w', p->n_sites},	       {'i', p->n_integrations},
	    {'p', p->n_plans},	       {'e', p->n_private_endpoints},
	    {'c', p->n_nics},	       {'a', p->n_asgs},
	};
	size_t at = 0;

	for (size_t i = 0; i < NSG_ARRAY_SIZE(counts); i++) {
		for (size_t j = 0; j < counts[i].n && at < 63; j++)
			out[at++] = counts[i].letter;
	}
	out[at] = '\0';
}

static const struct {
	const char *fact, *text, *want;
} kinds[] = {
    {"type before keys", "{'type':'Microsoft.Network/routeTables','routes':[],'securityRules':[]}",
     "t"},
    {"a type in any case", "{'type':'MICROSOFT.NETWORK/routetables','Routes':[]}", "t"},
    {"the id's type before keys",
     "{'id':'" NETWORK_ID "routeTables/t','routes':[],'securityRules':[]}", "t"},
    {"a type without a slash is none", "{'type':'x','securityRules':[]}", "n"},
    {"network by keys", "{" SPACE "}", "v"},
    {"NSG by keys, nested", "{'properties':{'securityRules':null}}", "n"},
    {"table by keys", "{'disableBgpRoutePropagation':false}", "t"},
    {"rule by keys", "{'name':'r'," RULE "}", "n"},
    {"route by keys", "{'name':'r','addressPrefix':'10.0.0.0/8','nextHopType':'None'}", "t"},
    {"an effective route of a gateway",
     "{'addressPrefix':['10.0.0.0/8'],'nextHopType':'None','source':'VirtualNetworkGateway',"
     "'state':'Active'}",
     "b"},
    {"a learned route", "{'network':'10.0.0.0/8','origin':'EBgp'}", "b"},
    {"tags by keys, none of them", "{'values':[],'cloud':'Public'}", "g"},
    {"tags by keys", "{'values':[{'name':'x'}],'changeNumber':1}", "g"},
    {"a setting", "{'name':'WEBSITE_VNET_ROUTE_ALL','value':'1'}", "s"},
    {"a setting with a key that is not known",
     "{'name':'WEBSITE_VNET_ROUTE_ALL','slotSetting':false,'value':'1','new':null}", "s"},
    {"an integration by keys", "{'vnetResourceId':'x','routes':null}", "i"},
    {"a site by keys", "{'name':'a','properties':{'siteConfig':{}}}", "w"},
    {"a site's slot", "{'name':'a/b','type':'Microsoft.Web/sites/slots','reserved':null}", "w"},
    {"a site's switches by keys", "{'vnetRouteAllEnabled':true}", "w"},
    {"a plan by keys", "{'name':'p','sku':{},'numberOfSites':1}", "p"},
    {"an endpoint by keys", "{'name':'e','customDnsConfigs':[{}]}", "e"},
    {"an interface by keys", "{'ipConfigurations':[{}],'macAddress':'x'}", "c"},
    {"a group by its id", "{'id':'" NETWORK_ID "applicationSecurityGroups/a'}", "a"},

    {"nothing", "[]", ""},
    {"nothing in a page", "{'value':[]}", ""},
    {"nothing in a page, with its link", "{'value':null,'nextLink':null}", ""},
    {"null", "null", ""},
    {"null in an array", "[null,{" SPACE "},[]]", "v"},
    {"several kinds in one array", "[{" SPACE "},[{'securityRules':[]}],{'value':[{'routes':[]}]}]",
     "vnt"},
    {"a page of one object", "{'value':{" SPACE "}}", "v"},
    {"an example of the specification",
     "{'parameters':{},'responses':{'200':{'body':{" SPACE "}},'201':{'body':{" SPACE "}}}}", "v"},
    {"an example with its body under 201",
     "{'responses':{'200':{'headers':{}},'201':{'body':{" SPACE "}}}}", "v"},
    {"what az prints around a new resource", "{'NewNSG':{'securityRules':[]}}", "n"},
    {"NSG by keys in capitals", "{'PROPERTIES':{'SECURITYRULES':[]}}", "n"},
    {"table by keys as PowerShell writes them", "{'Name':'t','Routes':[]}", "t"},
    {"network by keys, nested, in any case",
     "{'Properties':{'AddressSpace':{'AddressPrefixes':['10.0.0.0/16']}}}", "v"},
    {"a page in any case", "{'Value':[{" SPACE "}],'NextLink':null}", "v"},
    {"a setting in any case", "{'Name':'WEBSITE_VNET_ROUTE_ALL','SlotSetting':false,'Value':'1'}",
     "s"},
    {"several values in one file", "{" SPACE "}\n{'securityRules':[]}", "vn"},
};

static void each_kind_and_shape_is_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(kinds); i++) {
		cleanup_loaded struct loaded l = load(kinds[i].text);
		char got[64];

		assert_said(kinds[i].fact, &l.diag, "");
		letters(l.policy, got);
		if (strcmp(got, kinds[i].want))
			fail_msg("%s: %s", kinds[i].fact, got);
	}
}

#define UNKNOWN(what, az) "1:1: error: unknown document: it looks like " what "; run: az " az
#define NOTHING                                                                                    \
	"unknown document: nothing in it describes a virtual network or an app; "                  \
	"run: az network vnet show -g GROUP -n VNET"

static const struct saying sayings[] = {
    {"a document of nothing known", "{'temperature':7}", "1:1: error: " NOTHING},
    {"an empty object", "{}", "1:1: error: " NOTHING},
    {"a wrapping of something unknown", "{'NewThing':{'x':1}}", "1:1: error: " NOTHING},
    {"a bare value", "7",
     "1:1: error: unknown document: a bare value, not a resource of Azure; run: az network vnet "
     "show -g GROUP -n VNET"},
    {"another resource", "{'type':'Microsoft.Storage/storageAccounts','securityRules':[]}",
     "1:1: notice: resources of type Microsoft.Storage/storageAccounts are not used: skipped"},
    {"another resource by its id",
     "{'id':'/subscriptions/s/resourceGroups/g/providers/Microsoft.Cache/Redis/r','x':1}",
     "1:1: notice: resources of type Microsoft.Cache/Redis are not used: skipped"},
    {"a private DNS zone", "{'type':'Microsoft.Network/privateDnsZones','name':'z'}",
     "1:1: notice: resources of type Microsoft.Network/privateDnsZones are not used: skipped"},
    {"a stub", "{'type':'Microsoft.Network/networkSecurityGroups','name':'n'}",
     "1:1: error: NSG 'n' is only named here, without its content; run: az network nsg show -g "
     "GROUP -n n"},
    {"a stub with empty properties",
     "{'id':'" NETWORK_ID "virtualNetworks/v','properties':null,'location':'x'}",
     "1:1: error: virtual network 'v' is only named here, without its content; run: az network "
     "vnet show --ids " NETWORK_ID "virtualNetworks/v"},
    {"a stub of a site", "{'type':'Microsoft.Web/sites','name':'a','kind':'app','sku':null}",
     "1:1: error: site 'a' is only named here, without its content; run: az webapp show -g GROUP "
     "-n a"},
    {"an export of Pulumi", "{'version':3,'deployment':{'SECRET':'hunter2'}}",
     UNKNOWN("an export of Pulumi", "network vnet show -g GROUP -n VNET")},
    {"effective rules", "{'effectiveSecurityRules':[{}]}",
     UNKNOWN("the effective rules of a network interface", "network nsg show -g GROUP -n NSG")},
    {"a next hop", "{'nextHopType':'Internet','routeTableId':'System Route'}",
     UNKNOWN("an answer of Network Watcher about a next hop",
	     "network route-table show -g GROUP -n TABLE")},
    {"a flow verified", "{'access':'Allow','ruleName':'x'}",
     UNKNOWN("an answer of Network Watcher about a flow", "network nsg show -g GROUP -n NSG")},
    {"a connection of a private endpoint",
     "{'properties':{'privateLinkServiceConnectionState':{'status':'Approved'}}}",
     UNKNOWN("a service's side of a private endpoint", "network private-endpoint list -g GROUP")},
    {"local settings", "{'IsEncrypted':false,'Values':{'A':'b'}}",
     UNKNOWN("local settings of a function app", "webapp config appsettings list -g GROUP -n APP")},
    {"a page that is more", "{'value':null,'other':1}", "1:1: error: " NOTHING},
    {"a page of a longer list", "{'value':[],'nextLink':'https://x'}",
     "1:24: warning: this is one page of a longer list: the rest is missing"},
    {"a page of more service tags", "{'values':[],'cloud':'Public','nextLink':'https://x'}",
     "1:42: warning: this is one page of a longer list: the rest is missing"},
    {"an example without a body", "{'responses':{'202':{}}}",
     "1:14: notice: an example without a body: skipped"},
    {"one unknown among known", "[{" SPACE "},\n{'x':1}]", "2:1: error: " NOTHING},
};

static void an_unknown_document_is_an_error_with_a_way_out(void **state)
{
	(void)state;
	check_sayings(sayings, NSG_ARRAY_SIZE(sayings));
}

static void what_is_missing_may_stand_in_an_unknown_document(void **state)
{
	cleanup_loaded struct loaded unknown = load("[{" SPACE "},{'x':1}]");
	cleanup_loaded struct loaded wrong = load("{'name':'v','addressSpace':7}");

	(void)state;
	assert_true(unknown.policy->incomplete);
	assert_int_equal(unknown.policy->n_vnets, 1);
	assert_false(wrong.policy->incomplete);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_kind_and_shape_is_told),
	    cmocka_unit_test(an_unknown_document_is_an_error_with_a_way_out),
	    cmocka_unit_test(what_is_missing_may_stand_in_an_unknown_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
