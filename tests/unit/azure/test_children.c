/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/macro.h"

#define FIELDS                                                                                     \
	"'access':'Deny','protocol':'Tcp','sourceAddressPrefix':'*','destinationAddressPrefix':"   \
	"'*','sourcePortRange':'*','destinationPortRange':'80','direction':'Outbound'"
#define NSG_ID NETWORK_ID "networkSecurityGroups/n"
#define OF_N(name) "'id':'" NSG_ID "/securityRules/" name "','name':'" name "'"
#define TABLE_ID NETWORK_ID "routeTables/t"
#define SPACE "'addressSpace':{'addressPrefixes':['10.0.0.0/16']}"

static void a_list_gives_its_parent_children(void **state)
{
	cleanup_loaded struct loaded l =
	    load("[{'id':'" NSG_ID "','securityRules':[{'name':'a','priority':100," FIELDS "},"
		 "{'name':'b','priority':110," FIELDS "},{'name':'in','direction':'Inbound'}]},"
		 "[{" OF_N("B") ",'priority':300," FIELDS
				"},{" OF_N("c") ",'priority':310," FIELDS "},"
						"{" OF_N("IN") ",'direction':'Inbound'},{" OF_N(
						    "in2") ",'direction':'Inbound'}]]");
	const struct nsg_nsg *n;

	(void)state;
	assert_said("nothing", &l.diag, "");
	assert_int_equal(l.policy->n_nsgs, 1);
	n = &l.policy->nsgs[0];
	assert_int_equal(n->n_rules, 3);
	assert_string_equal(n->rules[0].name, "a");
	/* in place of the parent's own */
	assert_string_equal(n->rules[1].name, "B");
	assert_int_equal(n->rules[1].priority, 300);
	assert_string_equal(n->rules[2].name, "c");
	assert_int_equal(n->n_inbound, 2);
	assert_string_equal(n->inbound[1], "in2");
}

static void a_list_stands_for_a_parent_that_is_not_there(void **state)
{
	cleanup_loaded struct loaded l = load("[[{" OF_N("a") ",'priority':100," FIELDS "},{" OF_N(
	    "i") ",'direction':'Inbound'}],"
		 "[{" OF_N("c") ",'priority':310," FIELDS "}],"
				"[{'name':'x','priority':100," FIELDS
				"},{'name':'y','priority':101," FIELDS "}],"
				"[{'name':'z','priority':100," FIELDS "}]]");
	const struct nsg_policy *p = l.policy;

	(void)state;
	assert_said("nothing", &l.diag, "");
	assert_int_equal(p->n_nsgs, 3);
	assert_string_equal(p->nsgs[0].id, NSG_ID);
	assert_string_equal(p->nsgs[0].name, "n");
	assert_int_equal(p->nsgs[0].n_rules, 2);
	assert_int_equal(p->nsgs[0].n_inbound, 1);
	/* without ids: one a list */
	assert_string_equal(p->nsgs[1].id, "");
	assert_int_equal(p->nsgs[1].n_rules, 2);
	assert_int_equal(p->nsgs[2].n_rules, 1);
	assert_string_equal(p->nsgs[2].rules[0].name, "z");
}

static void routes_do_the_same(void **state)
{
	cleanup_loaded struct loaded l = load(
	    "[[{'id':'" TABLE_ID
	    "/routes/a','name':'a','addressPrefix':'10.1.0.0/16','nextHopType':"
	    "'Internet'}],{'id':'" TABLE_ID "','routes':[{'name':'a','addressPrefix':'10.1.0.0/16',"
	    "'nextHopType':'None'}]},[{'name':'b','addressPrefix':'10.2.0.0/16','nextHopType':"
	    "'None'}]]");
	const struct nsg_policy *p = l.policy;

	(void)state;
	assert_said("nothing", &l.diag, "");
	assert_int_equal(p->n_route_tables, 2);
	assert_int_equal(p->route_tables[0].n_routes, 1);
	assert_int_equal(p->route_tables[0].routes[0].hop_type, NSG_HOP_INTERNET);
	assert_string_equal(p->route_tables[1].id, "");
}

static void subnets_and_peerings_join_their_network(void **state)
{
	cleanup_loaded struct loaded l = load(
	    "[{'id':'" NETWORK_ID "virtualNetworks/v'," SPACE ",'subnets':[{'name':'s',"
	    "'addressPrefix':'10.0.0.0/24'}]},{'id':'" NETWORK_ID "virtualNetworks/v/subnets/s',"
	    "'name':'s','addressPrefix':'10.0.9.0/24'},{'id':'" NETWORK_ID
	    "virtualNetworks/v/subnets/t','name':'t','addressPrefix':'10.0.8.0/"
	    "24'},{'id':'" NETWORK_ID "virtualNetworks/v/virtualNetworkPeerings/p','name':'p',"
	    "'remoteVirtualNetwork':{'id':'w'}}]");
	const struct nsg_vnet *v;

	(void)state;
	assert_said("nothing", &l.diag, "");
	assert_int_equal(l.policy->n_vnets, 1);
	v = &l.policy->vnets[0];
	assert_int_equal(v->n_subnets, 2);
	assert_int_equal(v->subnets[0].prefixes.v[0].addr_host, NSG_IP4(10, 0, 9, 0));
	assert_string_equal(v->subnets[1].name, "t");
	assert_int_equal(v->n_peerings, 1);
	assert_string_equal(v->peerings[0].remote_id, "w");
}

#define ROUTE "'addressPrefix':'10.1.0.0/16','nextHopType':'None'}"

/* Two full ids are compared whole, else type and name decide; of several, the first is the parent. */
static void a_parent_is_found_by_its_id(void **state)
{
	static const struct {
		const char *child;
		size_t table;
	} children[] = {
	    {TABLE_ID "/routes/a", 1},
	    {"/SUBSCRIPTIONS/S/resourcegroups/G/providers/microsoft.network/routetables/T/routes/a",
	     1},
	    {"/subscriptions/s/resourceGroups/h/providers/Microsoft.Network/routeTables/t/routes/a",
	     0},
	    {NETWORK_ID "routeTables/U/routes/a", 2},
	};

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(children); i++) {
		cleanup_free char *text = NULL;
		struct loaded l;

		assert_true(asprintf(&text,
				     "[{'id':'/subscriptions/s/resourceGroups/h/providers/"
				     "Microsoft.Network/routeTables/T','routes':[]},"
				     "{'id':'" TABLE_ID "','routes':[]},"
				     "{'name':'u','routes':[]},{'name':'t','type':"
				     "'Microsoft.Network/applicationSecurityGroups'},"
				     "{'id':'%s'," ROUTE "]",
				     children[i].child) > 0);
		l = load(text);
		assert_said(children[i].child, &l.diag, "");
		for (size_t t = 0; t < l.policy->n_route_tables; t++)
			assert_int_equal(l.policy->route_tables[t].n_routes,
					 t == children[i].table);
		unload(&l);
	}
}

static const struct saying sayings[] = {
    {"one rule in two lists, equal",
     "[[{" OF_N("a") ",'priority':100," FIELDS "}],\n[{" OF_N("a") ",'priority':100," FIELDS "}]]",
     ""},
    {"one rule in two lists, different",
     "[[{" OF_N("a") ",'priority':100," FIELDS "}],\n[{" OF_N("a") ",'priority':101," FIELDS "}]]",
     "2:2: error: rule 'a' is also at d.json:1:3, with different content"},
    {"a subnet without its network",
     "{'id':'" NETWORK_ID "virtualNetworks/v/subnets/s','addressPrefix':'10.0.9.0/24'}",
     "1:1: error: subnet 's' belongs to the virtual network 'v', which has no document"},
    {"a peering that does not say whose it is", "{'name':'p','remoteVirtualNetwork':{'id':'w'}}",
     "1:1: error: peering 'p' does not name its virtual network"},
    {"a rule named for a parent that is not there", "{'name':'n/a','priority':100," FIELDS "}",
     "1:1: error: rule 'a' belongs to the NSG 'n', which has no document"},
};

static void each_fault_has_its_message_and_place(void **state)
{
	(void)state;
	check_sayings(sayings, NSG_ARRAY_SIZE(sayings));
}

static void a_parents_children_are_bounded(void **state)
{
	cleanup_free char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct loaded l;

	(void)state;
	assert_non_null(out);
	fputs("[{'name':'t','routes':[]}", out);
	for (int i = 0; i < 2001; i++)
		fprintf(out,
			",{'name':'t/r%d','addressPrefix':'10.%d.%d.0/24','nextHopType':'None'}", i,
			i / 256, i % 256);
	fputs("]", out);
	assert_int_equal(fclose(out), 0);
	l = load(text);
	assert_said("2001", &l.diag,
		    "1:27: error: route table 't': 2001 routes; Azure allows 1000");
	unload(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_list_gives_its_parent_children),
	    cmocka_unit_test(a_list_stands_for_a_parent_that_is_not_there),
	    cmocka_unit_test(routes_do_the_same),
	    cmocka_unit_test(subnets_and_peerings_join_their_network),
	    cmocka_unit_test(a_parent_is_found_by_its_id),
	    cmocka_unit_test(each_fault_has_its_message_and_place),
	    cmocka_unit_test(a_parents_children_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
