/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/macro.h"

static void print_address(FILE *out, const char *word, uint32_t addr_host)
{
	char text[NSG_IP4_TEXT];

	if (!addr_host)
		return;
	nsg_ip4_format(addr_host, text);
	fprintf(out, "%s %s", word, text);
}

static void check_routes(const char *text, const char *want)
{
	cleanup_loaded struct loaded l = load(text);
	static const char *const origins[] = {
	    [NSG_BGP_OTHER] = "other",
	    [NSG_BGP_NETWORK] = "network",
	    [NSG_BGP_IBGP] = "ibgp",
	};
	cleanup_free char *got = NULL;
	size_t size;
	FILE *out;

	assert_said(text, &l.diag, "");
	out = open_memstream(&got, &size);
	assert_non_null(out);
	for (size_t i = 0; i < l.policy->n_bgp_routes; i++) {
		const struct nsg_bgp_route *r = &l.policy->bgp_routes[i];
		char prefix[NSG_PREFIX_TEXT], hop[NSG_IP4_TEXT];

		nsg_prefix_format(r->prefix, prefix);
		fprintf(out, "%s%s", i ? "; " : "", prefix);
		if (r->list != NSG_LIST_EFFECTIVE)
			fprintf(out, " %s%s %u", r->list == NSG_LIST_LEARNED ? "" : "server ",
				origins[r->origin], r->path_length);
		print_address(out, " by", r->next_hop_host);
		print_address(out, " at", r->local_host);
		for (size_t j = 0; j < r->n_hops; j++) {
			nsg_ip4_format(r->hops_host[j], hop);
			fprintf(out, " %s", hop);
		}
	}
	assert_int_equal(fclose(out), 0);
	assert_string_equal(got, want);
}

static void learned_routes_are_read(void **state)
{
	(void)state;
	check_routes("{'value':[{'network':'10.20.0.0/16','nextHop':'192.168.1.1','origin':'EBgp',"
		     "'asPath':'65010-65020','sourcePeer':'192.168.1.1','localAddress':'10.0.0.4'},"
		     "{'network':'10.0.0.0/16','nextHop':null,'origin':'network','asPath':''},"
		     "{'network':'10.21.0.0/16','nextHop':'','origin':'IBgp','asPath':' 65010'},"
		     "{'network':'2001:db8::/32','nextHop':'::1','origin':'EBgp'}]}",
		     "10.20.0.0/16 other 2 by 192.168.1.1 at 10.0.0.4; 10.0.0.0/16 network 0; "
		     "10.21.0.0/16 ibgp 1");
}

static void a_route_server_has_a_list_per_instance(void **state)
{
	(void)state;
	check_routes("{'RouteServiceRole_IN_0':[{'network':'10.20.0.0/16','nextHop':'10.0.0.4',"
		     "'origin':'EBgp'}],'RouteServiceRole_IN_1':[{'network':'10.20.0.0/16',"
		     "'nextHop':'10.0.0.5','origin':'EBgp'}],'value':null}",
		     "10.20.0.0/16 server other 0 by 10.0.0.4; "
		     "10.20.0.0/16 server other 0 by 10.0.0.5");
	check_routes("{'RouteServiceRole_IN_0':null,'RouteServiceRole_IN_1':[]}", "");
}

static void static_routes_of_gateways_are_read(void **state)
{
	cleanup_loaded struct loaded l =
	    load("[{'name':'lng','localNetworkAddressSpace':{'addressPrefixes':['10.20.0.0/16',"
		 "'2001:db8::/32']},'gatewayIpAddress':'203.0.113.1'},"
		 "{'type':'Microsoft.Network/virtualNetworkGateways','name':'vgw','properties':"
		 "{'gatewayType':'Vpn','vpnClientConfiguration':{'vpnClientAddressPool':"
		 "{'addressPrefixes':['172.16.200.0/24']}}}},"
		 "{'name':'er','gatewayType':'ExpressRoute','vpnType':'PolicyBased'}]");

	(void)state;
	assert_said("gateways", &l.diag, "");
	assert_int_equal(l.policy->n_gateways, 3);
	assert_string_equal(l.policy->gateways[0].name, "lng");
	assert_int_equal(l.policy->gateways[0].prefixes.n, 1);
	assert_int_equal(l.policy->gateways[0].prefixes.n_ip6, 1);
	assert_int_equal(l.policy->gateways[1].prefixes.v[0].addr_host, NSG_IP4(172, 16, 200, 0));
	assert_int_equal(l.policy->gateways[2].prefixes.n, 0);
}

static void of_effective_routes_the_gateways_count(void **state)
{
	(void)state;
	check_routes(
	    "{'nextLink':null,'value':[{'addressPrefix':['10.0.0.0/16'],'nextHopIpAddress':[],"
	    "'nextHopType':'VnetLocal','source':'Default','state':'Active'},"
	    "{'addressPrefix':['10.30.0.0/16','10.31.0.0/16'],'nextHopIpAddress':['10.0.254.5',"
	    "'10.0.254.4'],'nextHopType':'VirtualNetworkGateway','source':"
	    "'VirtualNetworkGateway','state':'Invalid'},{'addressPrefix':'10.32.0.0/16',"
	    "'nextHopIpAddress':'10.0.254.5','nextHopType':'VirtualNetworkGateway','source':"
	    "'virtualnetworkgateway'},{'addressPrefix':['10.33.0.0/16'],"
	    "'nextHopIpAddress':['10.0.0.9'],'nextHopType':'VirtualAppliance','source':'User',"
	    "'state':'Active'}]}",
	    "10.30.0.0/16 10.0.254.5 10.0.254.4; 10.31.0.0/16 10.0.254.5 10.0.254.4; "
	    "10.32.0.0/16 10.0.254.5");
}

static void user_rows_stand_for_their_document(void **state)
{
	cleanup_loaded struct loaded l =
	    load("{'value':[{'addressPrefix':['10.0.0.0/16'],'nextHopType':'VnetLocal','source':"
		 "'Default','state':'Active'},{'addressPrefix':['10.33.0.0/16'],'name':'nva',"
		 "'nextHopIpAddress':['10.0.0.9'],'nextHopType':'VirtualAppliance','source':'User',"
		 "'state':'Invalid'},{'addressPrefix':['20.0.0.0/24','20.0.1.0/24'],'name':null,"
		 "'destinationServiceTags':['Storage'],'nextHopType':'Internet','source':'User',"
		 "'state':'Active'}]}");

	(void)state;
	assert_said("user rows", &l.diag, "");
	assert_int_equal(l.policy->n_user_rows, 3);
	assert_false(l.policy->user_rows[0].is_row);
	assert_string_equal(l.policy->user_rows[1].route.name, "nva");
	assert_int_equal(l.policy->user_rows[1].route.hops_host[0], NSG_IP4(10, 0, 0, 9));
	assert_string_equal(l.policy->user_rows[2].route.tag, "Storage");
	assert_int_equal(l.policy->user_rows[2].route.hop_type, NSG_HOP_INTERNET);
}

static const struct saying sayings[] = {
    {"a wrong network", "{'value':[{'network':'10.20.0.0/99','nextHop':'1.1.1.1'}]}",
     "1:22: error: '10.20.0.0/99' is not a valid address prefix"},
    {"a wrong next hop", "{'value':[{'network':'10.20.0.0/16','nextHop':'1.1.1'}]}",
     "1:47: error: '1.1.1' is not a valid address"},
    {"host bits", "{'value':[{'network':'10.20.0.1/16','nextHop':'1.1.1.1'}]}",
     "1:22: warning: 10.20.0.1/16 has host bits set: read as 10.20.0.0/16"},
    {"no prefix",
     "{'value':[{'nextHopType':'X','source':'VirtualNetworkGateway','state':'Active'}]}",
     "1:11: error: an effective route has no addressPrefix"},
    {"advertised routes, reported once a document",
     "{'value':[{'network':'10.20.0.0/16','nextHop':'10.0.0.4','localAddress':'10.0.0.4'},"
     "{'network':'10.21.0.0/16','nextHop':'10.0.0.4','localAddress':'10.0.0.4'}]}",
     "1:11: warning: advertised routes are not used; useful is what `az network vnet-gateway "
     "list-learned-routes` prints"},
    {"a pool that is not an object",
     "{'name':'vgw','vpnClientConfiguration':{'vpnClientAddressPool':['10.0.0.0/8']}}",
     "1:64: error: vpnClientAddressPool must be an object"},
    {"a list that is none", "{'RouteServiceRole_IN_0':{}}",
     "1:26: error: RouteServiceRole_IN_0 must be an array"},
};

static void each_fault_has_its_message_and_place(void **state)
{
	(void)state;
	check_sayings(sayings, NSG_ARRAY_SIZE(sayings));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(learned_routes_are_read),
	    cmocka_unit_test(a_route_server_has_a_list_per_instance),
	    cmocka_unit_test(static_routes_of_gateways_are_read),
	    cmocka_unit_test(user_rows_stand_for_their_document),
	    cmocka_unit_test(of_effective_routes_the_gateways_count),
	    cmocka_unit_test(each_fault_has_its_message_and_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
