/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/macro.h"

#define ROW(prefix)                                                                                \
	"{'addressPrefix':" prefix                                                                 \
	",'nextHopType':'ConnectedGroup','source':'Default','state':'Active'}"
#define CONFIGURATION(rest) "{'connectivityTopology':" rest "}"

static const struct saying sayings[] = {
    {"rows, and others",
     "{'value':[" ROW("['10.8.0.0/16']") "," ROW(
	 "'10.9.0.0/16'") ",{'addressPrefix':['10.0.0.0/"
			  "16'],'nextHopType':'VnetLocal','source':'Default','state':'Active'}]}",
     ""},
    {"a prefix that is none", ROW("['10.8.0']"),
     "1:19: error: '10.8.0' is not a valid address prefix"},
    {"a configuration", CONFIGURATION("'Mesh'"), ""},
    {"spokes connected directly",
     CONFIGURATION("'HubAndSpoke','appliesToGroups':[{'groupConnectivity':'DirectlyConnected'}]"),
     ""},
    {"spokes of a hub",
     CONFIGURATION("'HubAndSpoke','appliesToGroups':[{'groupConnectivity':'None'}]"),
     "1:1: notice: a connectivity configuration without a mesh is not used: the peerings it made "
     "are those of the virtual network"},
};

static void each_fault_has_its_message_and_place(void **state)
{
	(void)state;
	check_sayings(sayings, NSG_ARRAY_SIZE(sayings));
}

static void a_row_has_its_ranges(void **state)
{
	cleanup_loaded struct loaded l =
	    load("[" ROW("['10.8.0.0/16','fd00::/8','10.9.0.0/16']") "," ROW(
		"'10.7.0.0/16'") "," ROW("'fd00::/8'") "," CONFIGURATION("'Mesh'") "]");
	const struct nsg_mesh *m = l.policy->meshes;

	(void)state;
	assert_said("rows", &l.diag, "");
	assert_int_equal(l.policy->n_meshes, 4);
	assert_int_equal(l.policy->n_bgp_routes, 0);
	assert_int_equal(m[0].ranges.n, 2);
	assert_int_equal(m[0].ranges.n_ip6, 1);
	assert_int_equal(m[1].ranges.v[0].addr_host, NSG_IP4(10, 7, 0, 0));
	assert_int_equal(m[2].ranges.n, 0);
	assert_int_equal(m[3].ranges.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_fault_has_its_message_and_place),
	    cmocka_unit_test(a_row_has_its_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
