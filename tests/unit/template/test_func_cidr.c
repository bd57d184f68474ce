/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/macro.h"

static void networks(void **state)
{
	static const struct expression cases[] = {
	    {"parseCidr('10.144.0.0/20')",
	     "{'network': '10.144.0.0', 'netmask': '255.255.240.0', 'broadcast': "
	     "'10.144.15.255', 'firstUsable': '10.144.0.1', 'lastUsable': '10.144.15.254', "
	     "'cidr': 20}"},
	    {"parseCidr('fdad:3236:5555::/48')",
	     "{'network': 'fdad:3236:5555::', 'netmask': 'ffff:ffff:ffff::', 'firstUsable': "
	     "'fdad:3236:5555::', 'lastUsable': 'fdad:3236:5555:ffff:ffff:ffff:ffff:ffff', "
	     "'cidr': 48}"},
	    {"parseCidr('10.144.5.6/20').network", "'10.144.0.0'"},
	    {"parseCidr('10.0.0.4/31').lastUsable", "'10.0.0.5'"},
	    {"parseCidr('10.0.0.4/32').firstUsable", "'10.0.0.4'"},
	    {"parseCidr('0.0.0.0/0').broadcast", "'255.255.255.255'"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

static void subnets(void **state)
{
	static const struct expression cases[] = {
	    {"cidrSubnet('10.144.0.0/20', 24, 0)", "'10.144.0.0/24'"},
	    {"cidrSubnet('10.144.0.0/20', 24, 4)", "'10.144.4.0/24'"},
	    {"cidrSubnet('10.144.0.0/20', 24, 15)", "'10.144.15.0/24'"},
	    {"cidrSubnet('10.144.0.0/20', 24, 16)", NULL,
	     "cidrSubnet(): 10.144.0.0/20 has no /24 subnet with index 16"},
	    {"cidrSubnet('10.0.0.0/16', 26, 1)", "'10.0.0.64/26'"},
	    {"cidrSubnet('10.0.0.0/16', 16, 0)", "'10.0.0.0/16'"},
	    {"cidrSubnet('fdad:3236:5555::/48', 52, 4)", "'fdad:3236:5555:4000::/52'"},
	    {"cidrSubnet('fdad::/16', 128, 9223372036854775807)",
	     "'fdad::7fff:ffff:ffff:ffff/128'"},
	    {"cidrSubnet('10.0.0.0/16', 15, 0)", NULL, "has no /15 subnet with index 0"},
	    {"cidrSubnet('10.0.0.0/16', 33, 0)", NULL, "has no /33 subnet with index 0"},
	    {"cidrSubnet('10.0.0.0/16', 24, -1)", NULL, "has no /24 subnet with index -1"},
	    {"cidrSubnet('0.0.0.0/0', 32, 4294967295)", "'255.255.255.255/32'"},
	    {"cidrSubnet('0.0.0.0/0', 32, 4294967296)", NULL, "has no /32 subnet with index"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

static void hosts(void **state)
{
	static const struct expression cases[] = {
	    {"cidrHost('10.144.3.0/24', 0)", "'10.144.3.1'"},
	    {"cidrHost('10.144.3.0/24', 4)", "'10.144.3.5'"},
	    {"cidrHost('10.144.3.0/24', 253)", "'10.144.3.254'"},
	    {"cidrHost('10.144.3.0/24', 254)", NULL,
	     "cidrHost(): 10.144.3.0/24 has no host with index 254"},
	    {"cidrHost('fdad:3236:5555:3000::/52', 4)", "'fdad:3236:5555:3000::5'"},
	    {"cidrHost('10.0.0.4/31', 1)", "'10.0.0.5'"},
	    {"cidrHost('10.0.0.4/32', 0)", "'10.0.0.4'"},
	    {"cidrHost('10.0.0.4/32', 1)", NULL, "has no host with index 1"},
	    {"cidrHost('10.0.0.0/24', -1)", NULL, "has no host with index -1"},
	    {"cidrHost('10.0.0.0/24', 9223372036854775807)", NULL, "has no host with index"},
	    {"cidrHost('255.255.255.0/24', 255)", NULL, "has no host with index 255"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

static void refused(void **state)
{
	static const char words[] = "is not a valid address prefix";
	static const struct expression cases[] = {
	    {"parseCidr('10.0.0.0')", NULL, words},
	    {"parseCidr('10.0.0.0/')", NULL, words},
	    {"parseCidr('10.0.0.0/33')", NULL, words},
	    {"parseCidr('10.0.0/8')", NULL, words},
	    {"parseCidr('::/129')", NULL, words},
	    {"parseCidr('::/1x')", NULL, words},
	    {"parseCidr('10.0.0.0/0008')", NULL, words},
	    {"parseCidr('VirtualNetwork')", NULL, words},
	    {"parseCidr('00000000000000000000000000000000000000000000000000000000000000/8')", NULL,
	     words},
	    {"parseCidr(1)", NULL, "parseCidr() takes a string, not a number"},
	};

	(void)state;
	assert_expressions(cases, NSG_ARRAY_SIZE(cases));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(networks),
	    cmocka_unit_test(subnets),
	    cmocka_unit_test(hosts),
	    cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
