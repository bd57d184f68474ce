/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/macro.h"

#define RULE(ports)                                                                                \
	"{'name':'n','securityRules':[{'name':'r','direction':'Outbound','priority':100,"          \
	"'access':'Deny','protocol':'*','sourceAddressPrefix':'*','destinationAddressPrefix':'*'," \
	"'sourcePortRange':'*',\n" ports "}]}"
#define BAD(text)                                                                                  \
	"2:24: error: rule 'r': '" text "' is not a port (0-65535), a range of ports or * "        \
	"[SecurityRuleInvalidPortRange]"

static const struct saying sayings[] = {
    {"the last port", RULE("'destinationPortRange':'65535'"), ""},
    {"a port too high", RULE("'destinationPortRange':'65536'"), BAD("65536")},
    {"a number too high", RULE("'destinationPortRange':65536"), BAD("65536")},
    {"a negative number", RULE("'destinationPortRange':-1"), BAD("-1")},
    {"a range reversed", RULE("'destinationPortRange':'90-80'"), BAD("90-80")},
    {"a range without its end", RULE("'destinationPortRange':'90-'"), BAD("90-")},
    {"a range without its start", RULE("'destinationPortRange':'-90'"), BAD("-90")},
    {"a comma list", RULE("'destinationPortRange':'80,443'"), BAD("80,443")},
    {"a word", RULE("'destinationPortRange':'http'"), BAD("http")},
    {"blanks inside", RULE("'destinationPortRange':'80 - 90'"), BAD("80 - 90")},
    {"another type", RULE("'destinationPortRange':{'a':1}"),
     "2:24: error: destinationPortRange must be a string"},
    {"one in a list", RULE("'destinationPortRanges':['1','70000']"),
     "2:30: error: rule 'r': '70000' is not a port (0-65535), a range of ports or * "
     "[SecurityRuleInvalidPortRange]"},
    {"both fields, one set",
     RULE("'destinationPortRange':'80-81','destinationPortRanges':['81',80]"), ""},
    {"both fields, everything",
     RULE("'destinationPortRange':'*','destinationPortRanges':['0-79','80-65535']"), ""},
    {"both fields, two sets",
     RULE("'destinationPortRange':'80','destinationPortRanges':['80','443']"),
     "2:24: error: rule 'r': destinationPortRange and destinationPortRanges are set and "
     "differ"},
    {"one empty, one filled", RULE("'destinationPortRange':'','destinationPortRanges':['80']"), ""},
    {"* in a list", RULE("'destinationPortRanges':['*','80']"), ""},
};

static void each_fault_has_its_message_and_place(void **state)
{
	(void)state;
	check_sayings(sayings, NSG_ARRAY_SIZE(sayings));
}

static void ports_are_kept_as_written(void **state)
{
	cleanup_loaded struct loaded l = load(RULE("'destinationPortRanges':[' 90-92 ',80,'*']"));
	const struct nsg_rule *r;

	(void)state;
	assert_int_equal(l.result, 0);
	r = &l.policy->nsgs[0].rules[0];
	assert_int_equal(r->n_dst_ports, 3);
	assert_int_equal(r->dst_ports[0].lo, 90);
	assert_int_equal(r->dst_ports[0].hi, 92);
	assert_int_equal(r->dst_ports[1].lo, 80);
	assert_int_equal(r->dst_ports[1].hi, 80);
	assert_int_equal(r->dst_ports[2].lo, 0);
	assert_int_equal(r->dst_ports[2].hi, 65535);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_fault_has_its_message_and_place),
	    cmocka_unit_test(ports_are_kept_as_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
