/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/macro.h"

/* An NSG with one rule of these fields. */
#define NSG(fields)                                                                                \
	"{'name':'n','type':'Microsoft.Network/networkSecurityGroups','securityRules':[\n{" fields \
	"}]}"
#define OUT "'name':'r','direction':'Outbound',"
#define TAIL "'access':'Allow','protocol':'Tcp',"
#define PORTS "'sourcePortRange':'*','destinationPortRange':'*'"
#define ANY "'sourceAddressPrefix':'*','destinationAddressPrefix':'*',"

static const struct saying sayings[] = {
    {"priorities 100 and 4096 are legal, as numbers and digits",
     "{'name':'n','securityRules':[{" OUT TAIL ANY PORTS ",'priority':100},"
     "{" OUT TAIL ANY PORTS ",'priority':' 4096 '}]}",
     ""},
    {"priority 99", NSG(OUT TAIL ANY "'priority':99," PORTS),
     "2:138: error: rule 'r': its priority must be a number from 100 to 4096 "
     "[SecurityRuleInvalidPriority]"},
    {"priority 4097", NSG("'priority':4097," OUT TAIL ANY PORTS),
     "2:13: error: rule 'r': its priority must be a number from 100 to 4096 "
     "[SecurityRuleInvalidPriority]"},
    {"priority of letters", NSG("'priority':'1x0'," OUT TAIL ANY PORTS),
     "2:13: error: rule 'r': its priority must be a number from 100 to 4096 "
     "[SecurityRuleInvalidPriority]"},
    {"priority of another type", NSG("'priority':[100]," OUT TAIL ANY PORTS),
     "2:13: error: rule 'r': its priority must be a number from 100 to 4096 "
     "[SecurityRuleInvalidPriority]"},
    {"a priority beyond 32 bits", NSG("'priority':4294967396," OUT TAIL ANY PORTS),
     "2:13: error: rule 'r': its priority must be a number from 100 to 4096 "
     "[SecurityRuleInvalidPriority]"},
    {"what a rule needs", NSG("'name':'r','direction':'Outbound'"),
     "2:1: error: rule 'r' has no access [SecurityRuleParametersMissing]\n"
     "2:1: error: rule 'r' has no protocol [SecurityRuleParametersMissing]\n"
     "2:1: error: rule 'r' has no priority [SecurityRuleParametersMissing]\n"
     "2:1: error: rule 'r': none of sourceAddressPrefix, sourceAddressPrefixes and "
     "sourceApplicationSecurityGroups [SecurityRuleParametersMissing]\n"
     "2:1: error: rule 'r': none of destinationAddressPrefix, destinationAddressPrefixes and "
     "destinationApplicationSecurityGroups [SecurityRuleParametersMissing]\n"
     "2:1: error: rule 'r': neither sourcePortRange nor sourcePortRanges "
     "[SecurityRuleParametersMissing]\n"
     "2:1: error: rule 'r': neither destinationPortRange nor destinationPortRanges "
     "[SecurityRuleParametersMissing]"},
    {"a direction is needed", NSG("'name':'r'"),
     "2:1: error: rule 'r' has no direction [SecurityRuleParametersMissing]"},
    {"a name is needed",
     NSG("'direction':'Outbound','access':'Allow','protocol':'*','priority':100," ANY PORTS),
     "2:1: error: a rule has no name [SecurityRuleParametersMissing]"},
    {"an inbound rule may lack it", NSG("'direction':'Inbound'"), ""},
    {"words of the field in any case and with blanks",
     NSG("'name':'r','direction':' OUTBOUND','access':'aLLOW ','protocol':' *',"
	 "'priority':100," ANY PORTS),
     ""},
    {"wrong words",
     NSG("'name':'r','priority':100,'direction':'Outbound',\n'access':'Maybe',\n"
	 "'protocol':'Ggp'," ANY PORTS),
     "3:10: error: rule 'r': access is 'Maybe', not Allow or Deny\n"
     "4:12: error: rule 'r': protocol is 'Ggp', not Tcp, Udp, Icmp, Esp, Ah or *"},
    {"a wrong direction", NSG("'name':'r','direction':'Sideways'"),
     "2:25: error: rule 'r': direction is 'Sideways', not Inbound or Outbound"},
    {"of an inbound rule only the direction is read",
     NSG("'name':'r','direction':'Inbound','priority':1,'access':7"), ""},
    {"rules must be an array",
     "{'type':'Microsoft.Network/networkSecurityGroups','name':'n',"
     "'securityRules':{}}",
     "1:78: error: securityRules must be an array"},
    {"a rule must be an object",
     "{'type':'Microsoft.Network/networkSecurityGroups','name':'n',"
     "'securityRules':['x']}",
     "1:79: error: this must be an object"},
    {"properties must be an object",
     "{'type':'Microsoft.Network/networkSecurityGroups','name':'n','properties':'x'}",
     "1:75: error: properties must be an object"},
};

static void each_fault_has_its_message_and_place(void **state)
{
	(void)state;
	check_sayings(sayings, NSG_ARRAY_SIZE(sayings));
}

static void a_rule_is_read_whole(void **state)
{
	cleanup_loaded struct loaded l = load(
	    "{'name':'web','id':'" NETWORK_ID "networkSecurityGroups/web','flushConnection':true,"
	    "'subnets':[{'id':'s1'},{'id':'s2'}],'properties':{'securityRules':[{'name':'r','id':'"
	    "x',"
	    "'properties':{'priority':150,'direction':'Outbound','access':'Deny','protocol':'Udp',"
	    "'sourceAddressPrefix':'VIRTUAL_NETWORK','destinationAddressPrefixes':['10.0.0.0/8'],"
	    "'sourcePortRange':'*','destinationPortRanges':['53',5353]}}],"
	    "'defaultSecurityRules':[{'name':'d','properties':{'priority':65000,'direction':"
	    "'Outbound','access':'Allow','protocol':'*'," ANY PORTS "}},"
	    "{'name':'i','properties':{'direction':'Inbound'}}]}}");
	const struct nsg_nsg *nsg;
	const struct nsg_rule *r;

	(void)state;
	assert_said("nothing", &l.diag, "");
	assert_int_equal(l.policy->n_nsgs, 1);
	nsg = &l.policy->nsgs[0];
	assert_string_equal(nsg->id, NETWORK_ID "networkSecurityGroups/web");
	assert_string_equal(nsg->name, "web");
	assert_true(nsg->flush_connection);
	assert_int_equal(nsg->subnets.n, 2);
	assert_string_equal(nsg->subnets.v[1], "s2");
	assert_int_equal(nsg->n_inbound, 0);
	assert_int_equal(nsg->n_rules, 2);
	r = &nsg->rules[0];
	assert_string_equal(r->name, "r");
	assert_int_equal(r->priority, 150);
	assert_int_equal(r->access, NSG_DENY);
	assert_int_equal(r->protocol, NSG_PROTOCOL_UDP);
	assert_false(r->is_default);
	assert_int_equal(r->src.kind, NSG_ADDRESS_TAG);
	assert_string_equal(r->src.tag, "VirtualNetwork");
	assert_int_equal(r->dst.kind, NSG_ADDRESS_PREFIXES);
	assert_int_equal(r->dst.prefixes.n, 1);
	assert_int_equal(r->dst.prefixes.v[0].addr_host, NSG_IP4(10, 0, 0, 0));
	assert_int_equal(r->n_src_ports, 1);
	assert_int_equal(r->src_ports[0].hi, 65535);
	assert_int_equal(r->n_dst_ports, 2);
	assert_int_equal(r->dst_ports[1].lo, 5353);
	assert_string_equal(r->place.pointer, "/properties/securityRules/0");
	assert_string_equal(r->priority_place.pointer,
			    "/properties/securityRules/0/properties/priority");
	assert_true(nsg->rules[1].is_default);
	assert_int_equal(nsg->rules[1].priority, 65000);
}

static void inbound_rules_are_counted(void **state)
{
	cleanup_loaded struct loaded l =
	    load("{'name':'n','securityRules':[{'name':'a','direction':'Inbound'},"
		 "{'name':'b','direction':'inbound'},{'direction':'INBOUND'},"
		 "{'name':7,'direction':'Inbound','priority':'none'}]}");

	(void)state;
	assert_int_equal(l.diag.n, 0);
	assert_int_equal(l.policy->nsgs[0].n_inbound, 4);
	assert_string_equal(l.policy->nsgs[0].inbound[1], "b");
	assert_string_equal(l.policy->nsgs[0].inbound_place.pointer, "/securityRules/0");
}

static void protocols_have_their_numbers(void **state)
{
	static const struct {
		const char *name;
		int number;
	} protocols[] = {
	    {"Tcp", 6}, {"UDP", 17}, {"icmp", 1}, {"Esp", 50}, {"AH", 51}, {"*", 256}, {"Any", 256},
	};

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(protocols); i++) {
		cleanup_free char *text = NULL;
		struct loaded l;

		assert_true(asprintf(&text,
				     NSG("'name':'r','direction':'Outbound','priority':100,"
					 "'access':'Allow','protocol':'%s'," ANY PORTS),
				     protocols[i].name) > 0);
		l = load(text);
		assert_said(protocols[i].name, &l.diag, "");
		assert_int_equal(l.policy->nsgs[0].rules[0].protocol, protocols[i].number);
		unload(&l);
	}
}

static void more_rules_than_azure_allows_are_an_error(void **state)
{
	static const char rule[] = "{'name':'r','direction':'Inbound'}";
	size_t n = 1001;
	cleanup_free char *text = malloc(n * sizeof(rule) + 100);
	char *end = text;
	struct loaded l;

	(void)state;
	assert_non_null(text);
	end += sprintf(end, "{'name':'n','securityRules':[");
	for (size_t i = 0; i < n; i++)
		end += sprintf(end, "%s%s", i ? "," : "", rule);
	sprintf(end, "]}");
	l = load(text);
	assert_said("1,001 rules", &l.diag,
		    "1:1: error: NSG 'n' has 1001 rules, of both directions; Azure allows 1000");
	unload(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_fault_has_its_message_and_place),
	    cmocka_unit_test(a_rule_is_read_whole),
	    cmocka_unit_test(inbound_rules_are_counted),
	    cmocka_unit_test(protocols_have_their_numbers),
	    cmocka_unit_test(more_rules_than_azure_allows_are_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
