/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/macro.h"

#define SPACE "'addressSpace':{'addressPrefixes':['10.0.0.0/16']}"

static const struct saying sayings[] = {
    {"nothing but an address space", "{'name':'v'," SPACE "}", ""},
    {"no address space", "{'name':'v','subnets':[],'type':'Microsoft.Network/virtualNetworks'}",
     "1:1: error: virtual network 'v' has no address space"},
    {"a wrong prefix",
     "{'name':'v','addressSpace':{'addressPrefixes':['10.0.0.0/16','10.0.0.0/33']}}",
     "1:62: error: '10.0.0.0/33' is not a valid address prefix"},
    {"host bits", "{'name':'v','addressSpace':{'addressPrefixes':['10.0.9.0/16']}}",
     "1:48: warning: 10.0.9.0/16 has host bits set: read as 10.0.0.0/16"},
    {"an address space of the wrong type", "{'name':'v','addressSpace':['10.0.0.0/16']}",
     "1:28: error: addressSpace must be an object\n"
     "1:1: error: virtual network 'v' has no address space"},
    {"a flow timeout too short", "{'name':'v','flowTimeoutInMinutes':3," SPACE "}",
     "1:36: error: flowTimeoutInMinutes must be from 4 to 30"},
    {"a subnet without a prefix", "{'name':'v'," SPACE ",'subnets':[{'name':'s'}]}",
     "1:75: error: subnet 's' has no address prefix"},
    {"a subnet without a name",
     "{'name':'v'," SPACE ",'subnets':[{'addressPrefix':'10.0.0.0/24'}]}",
     "1:75: error: a subnet has no name"},
    {"a subnet whose prefixes differ",
     "{'name':'v'," SPACE ",'subnets':[{'name':'s','addressPrefix':'10.0.0.0/24',"
     "'addressPrefixes':['10.0.1.0/24']}]}",
     "1:103: error: addressPrefix and addressPrefixes are set and differ"},
    {"a subnet with one prefix in both fields",
     "{'name':'v'," SPACE ",'subnets':[{'name':'s','addressPrefix':'10.0.0.0/24',"
     "'addressPrefixes':['10.0.0.0/24']}]}",
     ""},
    {"a subnet of the wrong type", "{'name':'v'," SPACE ",'subnets':['s']}",
     "1:75: error: this must be an object"},
    {"a service endpoint without a service",
     "{'name':'v'," SPACE ",'subnets':[{'name':'s','addressPrefix':'10.0.0.0/24',"
     "'serviceEndpoints':[{}]}]}",
     "1:137: error: a service endpoint has no service"},
    {"a peering without a name", "{'name':'v'," SPACE ",'virtualNetworkPeerings':[{}]}",
     "1:90: error: a peering has no name"},
};

static void each_fault_has_its_message_and_place(void **state)
{
	(void)state;
	check_sayings(sayings, NSG_ARRAY_SIZE(sayings));
}

static void check_vnet(const char *text)
{
	cleanup_loaded struct loaded l = load(text);
	const struct nsg_vnet *v;
	const struct nsg_subnet *s;
	const struct nsg_peering *p;

	assert_said("nothing", &l.diag, "");
	assert_int_equal(l.policy->n_vnets, 1);
	v = &l.policy->vnets[0];
	assert_string_equal(v->name, "v");
	assert_string_equal(v->location, "westeurope");
	assert_int_equal(v->flow_timeout_minutes, 10);
	assert_false(v->is_classic);
	assert_int_equal(v->space.n, 1);
	assert_int_equal(v->space.n_ip6, 1);
	assert_int_equal(v->n_subnets, 2);
	s = &v->subnets[0];
	assert_string_equal(s->name, "s");
	assert_string_equal(s->id, NETWORK_ID "virtualNetworks/v/subnets/s");
	assert_int_equal(s->prefixes.n, 1);
	assert_string_equal(s->nsg_id, "nsg1");
	assert_string_equal(s->route_table_id, "rt1");
	assert_int_equal(s->n_endpoints, 1);
	assert_string_equal(s->endpoints[0].service, "Microsoft.Storage");
	assert_int_equal(s->endpoints[0].locations.n, 2);
	assert_int_equal(s->delegations.n, 1);
	assert_string_equal(s->delegations.v[0], "Microsoft.Web/serverFarms");
	assert_string_equal(s->endpoint_policies, "Enabled");
	/* the integration's own is not counted */
	assert_int_equal(s->n_ip_configurations, 1);
	assert_int_equal(s->n_private_endpoints, 1);
	s = &v->subnets[1];
	assert_string_equal(s->id, NETWORK_ID "virtualNetworks/v/subnets/t");
	assert_string_equal(s->nsg_id, "");
	assert_int_equal(s->prefixes.n, 2);
	assert_int_equal(v->n_peerings, 1);
	p = &v->peerings[0];
	assert_string_equal(p->name, "p");
	assert_string_equal(p->remote_id, "far");
	assert_string_equal(p->state, "Connected");
	assert_int_equal(p->allow_access, NSG_FALSE);
	assert_int_equal(p->remote_space.n, 1);
	assert_int_equal(p->remote_vnet_space.n, 1);
}

static void nested_and_flattened_are_one(void **state)
{
	(void)state;
	check_vnet(
	    "{'id':'" NETWORK_ID "virtualNetworks/v','name':'v','location':'westeurope',"
	    "'properties':{'flowTimeoutInMinutes':10,'addressSpace':{'addressPrefixes':"
	    "['10.0.0.0/16','2001:db8::/32']},'subnets':[{'name':'s','id':'" NETWORK_ID
	    "virtualNetworks/v/subnets/s','properties':{'addressPrefix':'10.0.1.0/24',"
	    "'networkSecurityGroup':{'id':'nsg1'},'routeTable':{'id':'rt1'},'serviceEndpoints':"
	    "[{'service':'Microsoft.Storage','locations':['a','b']}],'delegations':[{'name':'d',"
	    "'properties':{'serviceName':'Microsoft.Web/serverFarms'}}],"
	    "'privateEndpointNetworkPolicies':'Enabled','ipConfigurations':[{'id':'" NETWORK_ID
	    "networkInterfaces/x'},{'id':'" ID_HEAD "Microsoft.Web/serverfarms/y'}],"
	    "'privateEndpoints':[{'id':'z'}]}},{'name':'t','properties':{'addressPrefixes':"
	    "['10.0.2.0/24','10.0.3.0/24']}}],'virtualNetworkPeerings':[{'name':'p','properties':{"
	    "'peeringState':'Connected','allowVirtualNetworkAccess':false,'remoteVirtualNetwork':"
	    "{'id':'far'},'remoteAddressSpace':{'addressPrefixes':['10.1.0.0/16']},"
	    "'remoteVirtualNetworkAddressSpace':{'addressPrefixes':['10.2.0.0/16']}}}]}}");
	check_vnet(
	    "{'newVNet':{'id':'" NETWORK_ID "virtualNetworks/v','location':'westeurope',"
	    "'flowTimeoutInMinutes':'10','addressSpace':{'addressPrefixes':"
	    "['10.0.0.0/16','2001:db8::/32']},'subnets':[{'id':'" NETWORK_ID
	    "virtualNetworks/v/subnets/s','addressPrefix':'10.0.1.0/24',"
	    "'networkSecurityGroup':{'id':'nsg1'},'routeTable':{'id':'rt1'},'serviceEndpoints':"
	    "[{'service':'Microsoft.Storage','locations':['a','b']}],'delegations':[{"
	    "'serviceName':'Microsoft.Web/serverFarms'}],"
	    "'privateEndpointNetworkPolicies':'Enabled','ipConfigurations':[{'id':'" NETWORK_ID
	    "networkInterfaces/x'},{'id':'" ID_HEAD "Microsoft.Web/serverfarms/y'}],"
	    "'privateEndpoints':[{'id':'z'}]},{'name':'t','addressPrefixes':"
	    "['10.0.2.0/24','10.0.3.0/24']}],'virtualNetworkPeerings':[{'name':'p',"
	    "'peeringState':'Connected','allowVirtualNetworkAccess':false,'remoteVirtualNetwork':"
	    "{'id':'far'},'remoteAddressSpace':{'addressPrefixes':['10.1.0.0/16']},"
	    "'remoteVirtualNetworkAddressSpace':{'addressPrefixes':['10.2.0.0/16']}}]}}");
}

static void a_classic_network_is_told(void **state)
{
	cleanup_loaded struct loaded l =
	    load("{'name':'v','type':'Microsoft.ClassicNetwork/virtualNetworks'}");

	(void)state;
	assert_int_equal(l.policy->n_vnets, 1);
	assert_true(l.policy->vnets[0].is_classic);
}

static void what_is_inline_in_a_subnet_is_the_subnets(void **state)
{
	cleanup_loaded struct loaded l =
	    load("{'name':'v'," SPACE ",'subnets':[{'name':'s','addressPrefix':'10.0.0.0/24',"
		 "'networkSecurityGroup':{'name':'n','securityRules':[]},"
		 "'routeTable':{'properties':{'routes':[{'name':'r','addressPrefix':'10.0.0.0/8',"
		 "'nextHopType':'None'}]}}},{'name':'t','addressPrefix':'10.0.1.0/24',"
		 "'networkSecurityGroup':{'id':'" NETWORK_ID "networkSecurityGroups/m',"
		 "'defaultSecurityRules':[{'name':'d','direction':'Inbound'}]}},"
		 "{'name':'u','addressPrefix':'10.0.2.0/24','networkSecurityGroup':{'id':null},"
		 "'routeTable':{}}]}");
	const struct nsg_policy *p = l.policy;

	(void)state;
	assert_said("nothing", &l.diag, "");
	assert_int_equal(p->n_nsgs, 2);
	assert_int_equal(p->n_route_tables, 1);
	assert_true(nsg_id_equal(p->vnets[0].subnets[0].nsg_id, p->nsgs[0].id));
	assert_string_equal(p->nsgs[0].name, "n");
	assert_true(nsg_id_equal(p->vnets[0].subnets[0].route_table_id, p->route_tables[0].id));
	assert_true(nsg_id_equal(p->vnets[0].subnets[1].nsg_id, p->nsgs[1].id));
	/* without an id it can be no other subnet's */
	assert_int_equal(p->nsgs[0].subnets.n, 1);
	assert_string_equal(p->nsgs[0].subnets.v[0], p->vnets[0].subnets[0].id);
	assert_int_equal(p->route_tables[0].subnets.n, 1);
	assert_string_equal(p->route_tables[0].subnets.v[0], p->vnets[0].subnets[0].id);
	assert_int_equal(p->nsgs[1].subnets.n, 0);
	/* {"id": null} names nothing */
	assert_string_equal(p->vnets[0].subnets[2].nsg_id, "");
	assert_string_equal(p->vnets[0].subnets[2].route_table_id, "");
	/* an NSG of that name elsewhere is another one */
	assert_false(nsg_id_equal(p->nsgs[0].id, "Microsoft.Network/networkSecurityGroups/n"));
	assert_false(nsg_id_equal(p->nsgs[0].id, NETWORK_ID "networkSecurityGroups/n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_fault_has_its_message_and_place),
	    cmocka_unit_test(nested_and_flattened_are_one),
	    cmocka_unit_test(a_classic_network_is_told),
	    cmocka_unit_test(what_is_inline_in_a_subnet_is_the_subnets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
