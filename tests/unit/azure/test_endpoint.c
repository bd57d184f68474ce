/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/macro.h"

static void a_private_endpoints_addresses_stand_in_two_places(void **state)
{
	cleanup_loaded struct loaded l =
	    load("[{'name':'e','id':'" NETWORK_ID "privateEndpoints/e','type':"
		 "'Microsoft.Network/privateEndpoints','properties':{'subnet':{'id':'s'},"
		 "'networkInterfaces':[{'id':'n1'},{'id':'n2'}],'customDnsConfigs':[{'fqdn':'x',"
		 "'ipAddresses':['10.0.2.20','10.0.2.21']},{'ipAddresses':['10.0.2.20','::1']}],"
		 "'ipConfigurations':[{'properties':{'privateIPAddress':'10.0.2.22'}},"
		 "{'privateIpAddress':'10.0.2.21'}]}}]");
	const struct nsg_private_endpoint *e;

	(void)state;
	assert_said("nothing", &l.diag, "");
	assert_int_equal(l.policy->n_private_endpoints, 1);
	e = &l.policy->private_endpoints[0];
	assert_string_equal(e->subnet_id, "s");
	assert_int_equal(e->nic_ids.n, 2);
	assert_int_equal(e->n_addrs, 3);
	assert_int_equal(e->addrs_host[0], NSG_IP4(10, 0, 2, 20));
	assert_int_equal(e->addrs_host[1], NSG_IP4(10, 0, 2, 21));
	assert_int_equal(e->addrs_host[2], NSG_IP4(10, 0, 2, 22));
}

static void a_network_interface_is_read_whole(void **state)
{
	cleanup_loaded struct loaded l = load(
	    "{'NewNIC':{'name':'n','macAddress':'x','privateEndpoint':{'id':'e'},"
	    "'ipConfigurations':[{'name':'i','privateIpAddress':'10.0.2.10','subnet':{'id':'s'},"
	    "'applicationSecurityGroups':[{'id':'a'},{'id':'b'}]},{'name':'j','properties':{"
	    "'privateIPAddress':'fd00::1'}}]}}");
	const struct nsg_nic *n;

	(void)state;
	assert_said("nothing", &l.diag, "");
	assert_int_equal(l.policy->n_nics, 1);
	n = &l.policy->nics[0];
	assert_string_equal(n->private_endpoint_id, "e");
	assert_int_equal(n->n_configurations, 2);
	assert_true(n->configurations[0].has_addr);
	assert_int_equal(n->configurations[0].addr_host, NSG_IP4(10, 0, 2, 10));
	assert_string_equal(n->configurations[0].subnet_id, "s");
	assert_int_equal(n->configurations[0].asgs.n, 2);
	assert_false(n->configurations[1].has_addr);
}

static void a_group_is_its_id(void **state)
{
	cleanup_loaded struct loaded l =
	    load("[{'name':'a','type':'Microsoft.Network/applicationSecurityGroups'},"
		 "{'id':'" NETWORK_ID "applicationSecurityGroups/b'}]");

	(void)state;
	assert_said("nothing", &l.diag, "");
	assert_int_equal(l.policy->n_asgs, 2);
	assert_string_equal(l.policy->asgs[0].id, "Microsoft.Network/applicationSecurityGroups/a");
	assert_string_equal(l.policy->asgs[1].name, "b");
}

static const struct saying sayings[] = {
    {"a wrong address of an interface",
     "{'name':'n','macAddress':'x','ipConfigurations':[{'privateIPAddress':'10.0.2'}]}",
     "1:70: error: '10.0.2' is not a valid address"},
    {"a wrong address of an endpoint",
     "{'name':'e','customDnsConfigs':[{'ipAddresses':['10.0.2.256']}]}",
     "1:49: error: '10.0.2.256' is not a valid address"},
    {"a reference that is none",
     "{'name':'n','macAddress':'x','privateEndpoint':'e','ipConfigurations':[{}]}",
     "1:48: error: privateEndpoint must be an object"},
};

static void each_fault_has_its_message_and_place(void **state)
{
	(void)state;
	check_sayings(sayings, NSG_ARRAY_SIZE(sayings));
}

static void an_endpoints_addresses_are_bounded(void **state)
{
	cleanup_free char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct loaded l;

	(void)state;
	assert_non_null(out);
	fputs("{'name':'e','customDnsConfigs':[{'ipAddresses':['10.0.0.0'", out);
	for (int i = 0; i < 1024; i++)
		fprintf(out, ",'10.1.%d.%d'", i / 256, i % 256);
	fputs("]}]}", out);
	assert_int_equal(fclose(out), 0);
	l = load(text);
	assert_said("1,025", &l.diag,
		    "1:1: error: private endpoint 'e' has 1025 addresses; at most 1024 are read");
	unload(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_private_endpoints_addresses_stand_in_two_places),
	    cmocka_unit_test(a_network_interface_is_read_whole),
	    cmocka_unit_test(a_group_is_its_id),
	    cmocka_unit_test(each_fault_has_its_message_and_place),
	    cmocka_unit_test(an_endpoints_addresses_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
