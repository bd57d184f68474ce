/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/macro.h"

static void check_routes(const char *text, const char *want)
{
	cleanup_loaded struct loaded l = load(text);
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
		for (size_t j = 0; j < r->n_hops; j++) {
			nsg_ip4_format(r->hops_host[j], hop);
			fprintf(out, " %s", hop);
		}
	}
	assert_int_equal(fclose(out), 0);
	assert_string_equal(got, want);
}

static void learned_routes_are_read_but_the_networks_own(void **state)
{
	(void)state;
	check_routes("{'value':[{'network':'10.20.0.0/16','nextHop':'192.168.1.1','origin':'EBgp'},"
		     "{'network':'10.0.0.0/16','nextHop':null,'origin':'network'},"
		     "{'network':'10.21.0.0/16','nextHop':'','origin':'IBgp'},"
		     "{'network':'2001:db8::/32','nextHop':'::1','origin':'EBgp'}]}",
		     "10.20.0.0/16 192.168.1.1; 10.21.0.0/16");
}

static void a_route_server_has_a_list_an_instance(void **state)
{
	(void)state;
	check_routes("{'RouteServiceRole_IN_0':[{'network':'10.20.0.0/16','nextHop':'10.0.0.4',"
		     "'origin':'EBgp'}],'RouteServiceRole_IN_1':[{'network':'10.20.0.0/16',"
		     "'nextHop':'10.0.0.5','origin':'EBgp'}],'value':null}",
		     "10.20.0.0/16 10.0.0.4; 10.20.0.0/16 10.0.0.5");
	check_routes("{'RouteServiceRole_IN_0':null,'RouteServiceRole_IN_1':[]}", "");
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
    {"a list that is none", "{'RouteServiceRole_IN_0':{}}",
     "1:26: error: RouteServiceRole_IN_0 must be an array"},
};

static void each_fault_has_its_message_and_place(void **state)
{
	(void)state;
	check_sayings(sayings, NSG_ARRAY_SIZE(sayings));
}

static void routes_are_bounded_once_merged(void **state)
{
	for (int n = 10000; n <= 10001; n++) {
		cleanup_free char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);
		struct loaded l;

		(void)state;
		assert_non_null(out);
		fputc('[', out);
		for (int i = 0; i < 2 * n; i++)
			fprintf(out, "%s{'network':'10.%d.%d.0/24','nextHop':'1.1.1.%d'}",
				i ? "," : "", i / 2 / 256, i / 2 % 256, i % 2);
		fputc(']', out);
		assert_int_equal(fclose(out), 0);
		l = load(text);
		assert_said(
		    "merged", &l.diag,
		    n == 10000 ? "" : "1:2: error: 10001 gateway routes: at most 10000 are read");
		unload(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(learned_routes_are_read_but_the_networks_own),
	    cmocka_unit_test(a_route_server_has_a_list_an_instance),
	    cmocka_unit_test(of_effective_routes_the_gateways_count),
	    cmocka_unit_test(each_fault_has_its_message_and_place),
	    cmocka_unit_test(routes_are_bounded_once_merged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
