/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/macro.h"

#define ID(name)                                                                                   \
	NETWORK_ID "networkManagers/m/securityAdminConfigurations/c/ruleCollections/k/rules/" name
#define HEAD(name) "{'id':'" ID(name) "','kind':'Custom',"
#define BODY "'access':'Deny','direction':'Outbound','protocol':'Any','priority':7,"
#define PAGE(rules) "{'skipToken':'','value':[" rules "]}"

static const struct saying sayings[] = {
    {"a rule, nested and flat, with empty lists",
     PAGE(HEAD("a") "'properties':{" BODY "'sources':[],'destinations':[]}}," HEAD("b") BODY
	  "'sources':[]}"),
     ""},
    {"by its keys, with a name only",
     "[{'name':'n'," BODY "'destinations':[]},{'name':'o','properties':{" BODY "'sources':[]}}]",
     ""},
    {"by its type",
     "{'type':'Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections/"
     "rules','name':'n'," BODY "'x':0}",
     ""},
    {"an empty answer", "{'skipToken':'','value':[]}", ""},
    {"a page of several", "{'skipToken':'abc','value':[]}",
     "1:14: warning: this is one page of a longer list: the rest is missing"},
    {"a name is needed", "{" BODY "'sources':[]}", "1:1: error: a rule has no name"},
    {"an access of its own",
     PAGE(HEAD("a") "'access':'AlwaysAllow','direction':'Outbound','protocol':'*','priority':1}"),
     ""},
    {"wrong words",
     HEAD("a") "\n'access':'Never','direction':'Outbound','protocol':'Any',\n'priority':4097}",
     "2:10: error: rule 'a': access is 'Never', not Allow, AlwaysAllow or Deny\n"
     "3:12: error: rule 'a': its priority must be a number from 1 to 4096 "
     "[SecurityRuleInvalidPriority]"},
    {"a network group has no addresses here",
     HEAD("a") BODY
     "\n'sources':[{'addressPrefixType':'NetworkGroup','addressPrefix':'/subscriptions/s/g'}]}",
     "2:12: error: rule 'a': network group 'g': its members are not known; run: az network manager "
     "list-effective-security-admin-rule --vnet VNET -g GROUP"},
    {"an address that is none", HEAD("a") BODY "\n'destinations':[{'addressPrefix':'10.0.0'}]}",
     "2:34: error: rule 'a': '10.0.0' is not a valid address prefix or service tag "
     "[SecurityRuleInvalidAddressPrefix]"},
    {"host bits", HEAD("a") BODY "\n'destinations':[{'addressPrefix':'10.0.0.1/8'}]}",
     "2:34: warning: 10.0.0.1/8 has host bits set: read as 10.0.0.0/8"},
    {"an inbound rule's fields are not read",
     HEAD("a") "'direction':'Inbound','priority':'x','access':1}", ""},
    {"a direction is needed", HEAD("a") "'priority':1}",
     "1:1: error: rule 'a' has no direction [SecurityRuleParametersMissing]"},
    {"one rule twice, equal",
     PAGE(HEAD("a") BODY "'sources':[]}," HEAD("a") BODY "'sources':null}"), ""},
    {"one rule twice, with other tags",
     "[" HEAD("a") BODY
     "'sources':[{'addressPrefix':'Sql'},{'addressPrefix':'10.0.0.0/8'}]},\n" HEAD("a") BODY
     "'sources':[{'addressPrefix':'Web'},{'addressPrefix':'10.0.0.0/8'}]}]",
     "2:1: error: security admin rule 'a' is also at d.json:1:2, with different content"},
    {"never in a template",
     "{'contentVersion':'1','resources':[{'type':'Microsoft.Network/networkManagers/"
     "securityAdminConfigurations/ruleCollections/rules','name':'a/b/c/d','properties':{}}]}",
     "1:36: notice: resources of type Microsoft.Network/networkManagers/"
     "securityAdminConfigurations/ruleCollections/rules are not used: skipped"},
};

static void each_fault_has_its_message_and_place(void **state)
{
	(void)state;
	check_sayings(sayings, NSG_ARRAY_SIZE(sayings));
}

static void a_rule_is_read_whole(void **state)
{
	cleanup_loaded struct loaded l = load(
	    PAGE(HEAD("r") "'name':'other','properties':{'access':'AlwaysAllow',"
			   "'direction':'Outbound','priority':'12','protocol':'Tcp',"
			   "'sources':[{'addressPrefix':'10.0.0.0/24'},"
			   "{'addressPrefix':'fd00::/8'}],"
			   "'destinations':[{'addressPrefix':'Storage'},"
			   "{'addressPrefix':'10.1.0.0/16'}],"
			   "'sourcePortRanges':[],'destinationPortRanges':['80','443-444']}}"));
	const struct nsg_admin_rule *a;
	const struct nsg_rule *r;

	(void)state;
	assert_said("whole", &l.diag, "");
	assert_int_equal(l.policy->n_admin_rules, 1);
	a = &l.policy->admin_rules[0];
	r = &a->rule;
	assert_false(a->is_inbound);
	assert_true(r->is_admin);
	assert_string_equal(r->name, "r");
	assert_int_equal(r->priority, 12);
	assert_int_equal(r->access, NSG_ALWAYS_ALLOW);
	assert_int_equal(r->protocol, 6);
	assert_int_equal(r->src.kind, NSG_ADDRESS_PREFIXES);
	assert_int_equal(r->src.prefixes.n, 1);
	assert_int_equal(r->src.prefixes.n_ip6, 1);
	assert_int_equal(r->dst.kind, NSG_ADDRESS_MIXED);
	assert_int_equal(r->dst.tags.n, 1);
	assert_string_equal(r->dst.tags.v[0], "Storage");
	assert_int_equal(r->dst.prefixes.n, 1);
	assert_int_equal(r->n_src_ports, 1);
	assert_int_equal(r->src_ports[0].hi, 65535);
	assert_int_equal(r->n_dst_ports, 2);
	assert_int_equal(r->dst_ports[1].hi, 444);
}

static void lists_become_kinds(void **state)
{
	static const struct {
		const char *list;
		enum nsg_address_kind kind;
	} t[] = {
	    {"", NSG_ADDRESS_ANY},
	    {"{'addressPrefix':'*'}", NSG_ADDRESS_ANY},
	    {"{'addressPrefix':'Any'},{'addressPrefix':'Sql'}", NSG_ADDRESS_ANY},
	    {"{'addressPrefix':'10.0.0.0/8'},{'addressPrefix':'0.0.0.0/0'}", NSG_ADDRESS_ANY},
	    {"{'addressPrefix':'Sql'}", NSG_ADDRESS_TAG},
	    {"{'addressPrefix':'INTERNET','addressPrefixType':'ServiceTag'}", NSG_ADDRESS_TAG},
	    {"{'addressPrefix':'Sql'},{'addressPrefix':'Web'}", NSG_ADDRESS_MIXED},
	    {"{'addressPrefix':'fd00::/8'},{'addressPrefix':'Web'}", NSG_ADDRESS_MIXED},
	    {"{'addressPrefix':'fd00::/8'}", NSG_ADDRESS_PREFIXES},
	    {"{'addressPrefix':'10.0.0.0/8'},{'addressPrefix':'10.0.0.0/16'}",
	     NSG_ADDRESS_PREFIXES},
	};

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(t); i++) {
		cleanup_free char *text = NULL;
		struct loaded l;

		assert_true(asprintf(&text, HEAD("r") BODY "'destinations':[%s]}", t[i].list) > 0);
		l = load(text);
		assert_said(t[i].list, &l.diag, "");
		assert_int_equal(l.policy->admin_rules[0].rule.dst.kind, t[i].kind);
		unload(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_fault_has_its_message_and_place),
	    cmocka_unit_test(a_rule_is_read_whole),
	    cmocka_unit_test(lists_become_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
