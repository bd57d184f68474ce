/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/macro.h"

#define TABLE(fields) "{'name':'t','routes':[\n{'name':'r'," fields "}]}"
#define TO "'addressPrefix':'10.0.0.0/8',"

static const struct saying sayings[] = {
    {"an appliance", TABLE(TO "'nextHopType':'VirtualAppliance','nextHopIpAddress':'10.0.0.4'"),
     ""},
    {"an appliance without an address", TABLE(TO "'nextHopType':'VirtualAppliance'"),
     "2:1: error: route 'r': the next hop type VirtualAppliance needs a nextHopIpAddress "
     "[MissingNextHopIpAddress]"},
    {"an appliance with an empty address",
     TABLE(TO "'nextHopType':'VirtualAppliance','nextHopIpAddress':''"),
     "2:1: error: route 'r': the next hop type VirtualAppliance needs a nextHopIpAddress "
     "[MissingNextHopIpAddress]"},
    {"an appliance with a wrong address",
     TABLE(TO "'nextHopType':'VirtualAppliance','nextHopIpAddress':'10.0.0'"),
     "2:94: error: route 'r': its next hop '10.0.0' is not a valid address"},
    {"an IPv6 appliance of an IPv4 route",
     TABLE(TO "'nextHopType':'VirtualAppliance','nextHopIpAddress':'::1'"),
     "2:94: error: route 'r': its next hop '::1' is not a valid address"},
    {"an IPv6 appliance of an IPv6 route",
     TABLE("'addressPrefix':'2001:db8::/32','nextHopType':'VirtualAppliance',"
	   "'nextHopIpAddress':'::1'"),
     ""},
    {"an address without an appliance",
     TABLE(TO "'nextHopType':'Internet','nextHopIpAddress':'10.0.0.4'"),
     "2:86: error: route 'r': nextHopIpAddress belongs to the next hop type "
     "VirtualAppliance"},
    {"one ECMP address",
     TABLE(TO "'nextHopType':'VirtualApplianceEcmp','nextHop':{'nextHopIpAddresses':"
	      "['10.0.0.4']}"),
     "2:1: error: route 'r': the next hop type VirtualApplianceEcmp needs 2 to 64 "
     "nextHop.nextHopIpAddresses [MissingNextHopIpAddress]"},
    {"ECMP without any", TABLE(TO "'nextHopType':'VirtualApplianceEcmp'"),
     "2:1: error: route 'r': the next hop type VirtualApplianceEcmp needs 2 to 64 "
     "nextHop.nextHopIpAddresses [MissingNextHopIpAddress]"},
    {"a next hop only Azure makes", TABLE(TO "'nextHopType':'VNetPeering'"),
     "2:56: error: route 'r': nextHopType is 'VNetPeering', not VirtualNetworkGateway, "
     "VnetLocal, Internet, VirtualAppliance, VirtualApplianceEcmp or None"},
    {"no next hop", TABLE("'addressPrefix':'10.0.0.0/8'"),
     "2:1: error: route 'r' has no nextHopType"},
    {"no prefix", TABLE("'nextHopType':'None'"), "2:1: error: route 'r' has no addressPrefix"},
    {"a wrong prefix", TABLE("'addressPrefix':'10.0.0.0/40','nextHopType':'None'"),
     "2:29: error: '10.0.0.0/40' is not a valid address prefix"},
    {"host bits", TABLE("'addressPrefix':'10.0.0.9/8','nextHopType':'None'"),
     "2:29: warning: 10.0.0.9/8 has host bits set: read as 10.0.0.0/8"},
    {"a tag no route may name", TABLE("'addressPrefix':'internet','nextHopType':'None'"),
     "2:29: error: route 'r': a route cannot name the tag internet"},
    {"a platform tag", TABLE("'addressPrefix':'AzurePlatformDNS','nextHopType':'None'"),
     "2:29: error: route 'r': a route cannot name the tag AzurePlatformDNS"},
    {"what is read and ignored",
     "{'name':'t','disablePeeringRoute':'Most','routes':[{'name':'r'," TO
     "'nextHopType':'None','hasBgpOverride':true}]}",
     "1:35: warning: disablePeeringRoute 'Most' is ignored; the known values are None and All\n"
     "1:131: warning: route 'r': hasBgpOverride is ignored"},
    {"what is ignored and not set",
     "{'name':'t','disablePeeringRoute':'None','routes':[{'name':'r'," TO
     "'nextHopType':'None','hasBgpOverride':false}]}",
     ""},
    {"a route without a name", "{'name':'t','routes':[{" TO "'nextHopType':'None'}]}",
     "1:23: error: a route has no name"},
};

static void each_fault_has_its_message_and_place(void **state)
{
	(void)state;
	check_sayings(sayings, NSG_ARRAY_SIZE(sayings));
}

static void a_table_is_read_whole(void **state)
{
	cleanup_loaded struct loaded l = load(
	    "{'id':'" NETWORK_ID "routeTables/t','properties':{'disableBgpRoutePropagation':true,"
	    "'subnets':[{'id':'s'}],'routes':["
	    "{'name':'a','properties':{'addressPrefix':' 10.0.0.0/8 ','nextHopType':"
	    "'virtualappliance ','nextHopIPAddress':' 10.0.0.4 '}},"
	    "{'name':'b','properties':{'addressPrefix':'Storage','nextHopType':'Internet'}},"
	    "{'name':'c','properties':{'addressPrefix':'::/0','nextHopType':'None'}},"
	    "{'name':'d','properties':{'addressPrefix':'10.9.0.0/16','nextHopType':"
	    "'VirtualApplianceEcmp','nextHop':{'nextHopIpAddresses':['10.0.0.6','10.0.0.5',"
	    "'10.0.0.6']}}}]}}");
	const struct nsg_route_table *t;

	(void)state;
	assert_said("nothing", &l.diag, "");
	t = &l.policy->route_tables[0];
	assert_string_equal(t->name, "t");
	assert_true(t->disable_bgp);
	assert_int_equal(t->subnets.n, 1);
	assert_int_equal(t->n_routes, 4);
	assert_int_equal(t->routes[0].hop_type, NSG_HOP_APPLIANCE);
	assert_int_equal(t->routes[0].n_hops, 1);
	assert_int_equal(t->routes[0].hops_host[0], NSG_IP4(10, 0, 0, 4));
	assert_false(t->routes[0].ecmp);
	assert_int_equal(t->routes[0].prefix.len, 8);
	assert_null(t->routes[0].tag);
	assert_string_equal(t->routes[0].prefix_place.pointer,
			    "/properties/routes/0/properties/addressPrefix");
	assert_string_equal(t->routes[1].tag, "Storage");
	assert_true(t->routes[2].is_ip6);
	assert_true(t->routes[3].ecmp);
	assert_int_equal(t->routes[3].hop_type, NSG_HOP_APPLIANCE);
	assert_int_equal(t->routes[3].n_hops, 2);
	assert_int_equal(t->routes[3].hops_host[0], NSG_IP4(10, 0, 0, 6));
}

static void an_empty_table_is_a_table(void **state)
{
	cleanup_loaded struct loaded l = load("{'name':'t','routes':[]}");

	(void)state;
	assert_int_equal(l.result, 0);
	assert_int_equal(l.policy->n_route_tables, 1);
	assert_false(l.policy->route_tables[0].disable_bgp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_fault_has_its_message_and_place),
	    cmocka_unit_test(a_table_is_read_whole),
	    cmocka_unit_test(an_empty_table_is_a_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
