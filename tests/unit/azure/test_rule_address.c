/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/macro.h"

#define RULE(addresses)                                                                            \
	"{'name':'n','securityRules':[{'name':'r','direction':'Outbound','priority':100,"          \
	"'access':'Deny','protocol':'*','sourceAddressPrefix':'*','sourcePortRange':'*',"          \
	"'destinationPortRange':'*',\n" addresses "}]}"
#define ONE(text) RULE("'destinationAddressPrefix':'" text "'")
#define BAD(text)                                                                                  \
	"2:28: error: rule 'r': '" text "' is not a valid address prefix or service tag "          \
	"[SecurityRuleInvalidAddressPrefix]"
#define IN_LIST "SecurityRuleParameterContainsUnsupportedValue"
#define DIFFERENT                                                                                  \
	"2:28: error: rule 'r': destinationAddressPrefix and destinationAddressPrefixes are "      \
	"set and differ"

static const struct saying sayings[] = {
    {"a tag", ONE("Storage.WestEurope"), ""},
    {"an address", ONE("10.0.0.1"), ""},
    {"an IPv6 prefix", ONE("2001:db8::/32"), ""},
    {"blanks, and lists of nothing, are none",
     RULE("'destinationAddressPrefix':' ','destinationAddressPrefixes':['',null]"),
     "1:30: error: rule 'r': none of destinationAddressPrefix, destinationAddressPrefixes and "
     "destinationApplicationSecurityGroups [SecurityRuleParametersMissing]"},
    {"/33", ONE("10.0.0.0/33"), BAD("10.0.0.0/33")},
    {"a number too high", ONE("300.1.1.1"), BAD("300.1.1.1")},
    {"a comma list", ONE("10.0.0.0/8,11.0.0.0/8"), BAD("10.0.0.0/8,11.0.0.0/8")},
    {"a range of addresses", ONE("10.0.0.1-10.0.0.9"), BAD("10.0.0.1-10.0.0.9")},
    {"host bits", ONE("10.0.0.1/8"),
     "2:28: warning: 10.0.0.1/8 has host bits set: read as 10.0.0.0/8"},
    {"a tag alone in a list", RULE("'destinationAddressPrefixes':['Internet']"),
     "2:31: warning: rule 'r': 'Internet' belongs in the singular field, not in a list"},
    {"a tag in a list", RULE("'destinationAddressPrefixes':['10.0.0.0/8','Internet']"),
     "2:44: error: rule 'r': 'Internet' cannot be in a list with other addresses "
     "[" IN_LIST "]"},
    {"* in a list", RULE("'destinationAddressPrefixes':['*','10.0.0.0/8']"),
     "2:31: error: rule 'r': '*' cannot be in a list with other addresses [" IN_LIST "]"},
    {"both fields, one set",
     RULE("'destinationAddressPrefix':'10.0.0.0/8','destinationAddressPrefixes':"
	  "['10.128.0.0/9','10.0.0.0/9']"),
     ""},
    {"both fields, an address and its /32",
     RULE("'destinationAddressPrefix':'10.0.0.1','destinationAddressPrefixes':['10.0.0.1/32']"),
     ""},
    {"both fields, everything",
     RULE("'destinationAddressPrefix':'*','destinationAddressPrefixes':['0.0.0.0/0']"), ""},
    {"both fields, one IPv6 prefix in two spellings",
     RULE("'destinationAddressPrefix':'2001:DB8::1','destinationAddressPrefixes':"
	  "['2001:db8:0::1/128']"),
     ""},
    {"both fields, two IPv6 prefixes",
     RULE("'destinationAddressPrefix':'2001:db8::1','destinationAddressPrefixes':"
	  "['2001:db8::2']"),
     DIFFERENT},
    {"both fields, two sets",
     RULE("'destinationAddressPrefix':'10.0.0.1','destinationAddressPrefixes':['10.0.0.0/31']"),
     DIFFERENT},
    {"both fields, address and IPv6",
     RULE("'destinationAddressPrefix':'10.0.0.1','destinationAddressPrefixes':['::1']"), DIFFERENT},
    {"an address beside a group",
     RULE("'destinationAddressPrefix':'10.0.0.1','destinationApplicationSecurityGroups':"
	  "[{'id':'a'}]"),
     "2:28: error: rule 'r': both addresses and destinationApplicationSecurityGroups are set"},
    {"an empty field beside a group",
     RULE("'destinationAddressPrefix':'','destinationAddressPrefixes':[],"
	  "'destinationApplicationSecurityGroups':[{'id':'a'}]"),
     ""},
    {"a list of the wrong type", RULE("'destinationAddressPrefixes':'10.0.0.0/8'"),
     "2:30: error: destinationAddressPrefixes must be an array"},
    {"an element of the wrong type", RULE("'destinationAddressPrefixes':[10]"),
     "2:31: error: this must be a string"},
};

static void each_fault_has_its_message_and_place(void **state)
{
	(void)state;
	check_sayings(sayings, NSG_ARRAY_SIZE(sayings));
}

static const struct {
	const char *text;
	enum nsg_address_kind kind;
	size_t n, n_ip6;
	const char *tag;
} kinds[] = {
    {ONE("*"), NSG_ADDRESS_ANY, 0, 0, ""},
    {ONE("any"), NSG_ADDRESS_ANY, 0, 0, ""},
    {ONE("0.0.0.0/0"), NSG_ADDRESS_ANY, 0, 0, ""},
    {RULE("'destinationAddressPrefixes':['0.0.0.0/0']"), NSG_ADDRESS_ANY, 0, 0, ""},
    {ONE("::/0"), NSG_ADDRESS_PREFIXES, 0, 1, ""},
    {ONE(" 10.0.0.0/8 "), NSG_ADDRESS_PREFIXES, 1, 0, ""},
    {RULE("'destinationAddressPrefixes':['10.0.0.0/8','','::1','11.0.0.0/8']"),
     NSG_ADDRESS_PREFIXES, 2, 1, ""},
    {RULE("'destinationAddressPrefixes':['0.0.0.0/0','11.0.0.0/8']"), NSG_ADDRESS_PREFIXES, 2, 0,
     ""},
    {ONE("Internet"), NSG_ADDRESS_TAG, 0, 0, "Internet"},
    {ONE("INTERNET"), NSG_ADDRESS_TAG, 0, 0, "Internet"},
    {ONE("azure_loadbalancer"), NSG_ADDRESS_TAG, 0, 0, "AzureLoadBalancer"},
    {ONE("Sql.WestUS2"), NSG_ADDRESS_TAG, 0, 0, "Sql.WestUS2"},
    {RULE("'destinationApplicationSecurityGroups':[{'id':'a'},{'id':'b'}]"), NSG_ADDRESS_ASGS, 0, 0,
     ""},
};

static void an_address_is_of_one_kind(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(kinds); i++) {
		cleanup_loaded struct loaded l = load(kinds[i].text);
		const struct nsg_address *a;

		assert_int_equal(l.result, 0);
		a = &l.policy->nsgs[0].rules[0].dst;
		assert_int_equal(a->kind, kinds[i].kind);
		assert_int_equal(a->prefixes.n, kinds[i].n);
		assert_int_equal(a->prefixes.n_ip6, kinds[i].n_ip6);
		assert_string_equal(a->tag, kinds[i].tag);
		assert_int_equal(a->asgs.n, kinds[i].kind == NSG_ADDRESS_ASGS ? 2 : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_fault_has_its_message_and_place),
	    cmocka_unit_test(an_address_is_of_one_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
