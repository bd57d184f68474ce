/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nsgctl/filter.h"
#include "util/macro.h"

static const char decision[] =
    "{\"packet\":1,\"direction\":\"egress\",\"protocol\":\"TCP\",\"src\":\"10.0.1.4\","
    "\"srcPort\":50000,\"dst\":\"10.1.2.3\",\"dstPort\":443,\"gate\":\"rfc1918\",\"nsg\":"
    "{\"access\":\"Deny\",\"rule\":\"securityRules/no\",\"priority\":100},\"route\":"
    "{\"prefix\":\"10.0.0.0/8\",\"source\":\"User\",\"name\":\"to-nva\",\"nextHopType\":"
    "\"VirtualAppliance\",\"nextHopIpAddress\":[\"10.0.9.9\"]},\"verdict\":\"drop\","
    "\"reason\":\"nsg-deny\",\"hostSrc\":\"192.0.2.1\",\"mark\":0,\"enforced\":true}";

static void all_conditions_must_hold(void **state)
{
	static const struct {
		const char *filter;
		bool passes;
	} cases[] = {
	    {"", true},
	    {"verdict=drop", true},
	    {"verdict=accept", false},
	    {"verdict!=accept", true},
	    {"VERDICT=DROP,gate=rfc1918 reason=nsg-deny", true},
	    {"verdict=drop,gate=bypass", false},
	    {"dst=10.0.0.0/8", true},
	    {"dst=10.1.2.3", true},
	    {"dst=11.0.0.0/8", false},
	    {"src!=10.0.0.0/8", false},
	    {"hostSrc=192.0.2.0/24,direction=egress", true},
	    {"dstPort=443,srcPort=50000,protocol=tcp", true},
	    {"dstPort=0443,protocol=6", true},
	    {"dstPort=44", false},
	    {"rule=no", true},
	    {"rule=securityRules/no", true},
	    {"rule=yes", false},
	    {"rule=no,rule=securityRules/no", true},
	    {"dst=10.0.0.0/8,dst!=10.1.9.0/24,dst=10.1.0.0/16", true},
	    {"verdict!=accept,verdict=drop,verdict!=ACCEPT", true},
	    {"route=to-nva,nextHopType=virtualappliance", true},
	    {",, ,", true},
	};
	json_t *item = json_loads(decision, 0, NULL);
	json_t *bypass =
	    json_loads("{\"verdict\":\"accept\",\"nsg\":null,\"route\":null}", 0, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nsgctl_filter f;
		char error[NSGCTL_FILTER_ERROR];

		if (nsgctl_filter_parse(cases[i].filter, &f, error) < 0)
			fail_msg("%s: %s", cases[i].filter, error);
		if (nsgctl_filter_passes(&f, item) != cases[i].passes)
			fail_msg("%s", cases[i].filter);
		/* what is not there matches nothing */
		if (strstr(cases[i].filter, "r") && !strchr(cases[i].filter, '!'))
			assert_false(nsgctl_filter_passes(&f, bypass) &&
				     strstr(cases[i].filter, "rule"));
	}
	json_decref(item);
	json_decref(bypass);
}

#define LONG "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define REASONS                                                                                    \
	"reason must be allowed, bypass, platform, nsg-deny, admin-deny, route-none, "             \
	"route-unreachable, not-carried, established, fragment or malformed, not "
#define FOUR "dstPort!=1,dstPort!=2,dstPort!=3,dstPort!=4,"

/* A condition that no decision can meet would show nothing for ever. */
static void impossible_conditions_are_refused(void **state)
{
	static const struct {
		const char *filter, *error;
	} cases[] = {
	    {"verdict", "\"verdict\" is not KEY=VALUE or KEY!=VALUE"},
	    {"=drop", "\"=drop\" is not KEY=VALUE or KEY!=VALUE"},
	    {"color=red", "\"color\" is not a key: must be verdict, reason, gate, direction, "
			  "protocol, src, srcPort, dst, dstPort, hostSrc, interface, uid, cgroup, "
			  "command, rule, admin, route or nextHopType"},
	    {"verdict=deny", "verdict must be drop or accept, not \"deny\""},
	    {"verdict!=allow", "verdict must be drop or accept, not \"allow\""},
	    {"verdict=", "verdict must be drop or accept, not \"\""},
	    {"gate=public",
	     "gate must be bypass, platform, rfc1918, route-all, service-endpoint or "
	     "not-carried, not \"public\""},
	    {"direction=out", "direction must be egress, not \"out\""},
	    /* replay has them, a trace does not */
	    {"direction=reply", "direction must be egress, not \"reply\""},
	    {"reason=reply", REASONS "\"reply\""},
	    {"reason!=preexisting", REASONS "\"preexisting\""},
	    {"reason=denied", REASONS "\"denied\""},
	    {"nextHopType=Firewall",
	     "nextHopType must be InterfaceEndpoint, VnetLocal, VNetPeering, VNetGlobalPeering, "
	     "VirtualNetworkServiceEndpoint, Internet, None, VirtualNetworkGateway or "
	     "VirtualAppliance, not \"Firewall\""},
	    {"protocol=sctp", "protocol must be TCP, UDP, ICMP, ESP, AH or a number from 0 to 255, "
			      "not \"sctp\""},
	    {"protocol=256", "protocol must be TCP, UDP, ICMP, ESP, AH or a number from 0 to 255, "
			     "not \"256\""},
	    {"dstPort=https", "dstPort must be a port from 0 to 65535, not \"https\""},
	    {"srcPort=65536", "srcPort must be a port from 0 to 65535, not \"65536\""},
	    {"srcPort=-1", "srcPort must be a port from 0 to 65535, not \"-1\""},
	    {"dst=10.0.0.0/33", "dst must be an IPv4 address or prefix, not \"10.0.0.0/33\""},
	    {"src=fd00::1", "src must be an IPv4 address or prefix, not \"fd00::1\""},
	    {"uid=root", "uid must be a user id, not \"root\""},
	    {"hostSrc=", "hostSrc must be an IPv4 address or prefix, not \"\""},
	    {"rule=", "rule must be the name of a security rule, not \"\""},
	    {"admin!=", "admin must be the name of a security admin rule, not \"\""},
	    {"route=", "route must be the name of a route, not \"\""},
	    {"verdict=drop,dstPort=443,verdict=accept",
	     "verdict=accept excludes verdict=drop: nothing can match both"},
	    {"verdict=Drop,verdict!=drop", "verdict!=drop excludes verdict=Drop: nothing"},
	    {"reason!=nsg-deny,reason=nsg-deny", "reason=nsg-deny excludes reason!=nsg-deny: "},
	    {"dst=10.0.0.0/8,dst=10.1.0.0/16,dst=11.0.0.1", "dst=11.0.0.1 excludes dst=10.0.0.0/8"},
	    {"dst=10.1.0.0/16,dst!=10.0.0.0/8", "dst!=10.0.0.0/8 excludes dst=10.1.0.0/16"},
	    {"rule=a/web,rule=b", "rule=b excludes rule=a/web"},
	    {"rule=" LONG LONG, "...\" is too long"},
	    {FOUR FOUR FOUR FOUR "dst=10.0.0.1",
	     "\"dst=10.0.0.1\" exceeds the limit of 16 conditions"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nsgctl_filter f;
		char error[NSGCTL_FILTER_ERROR] = "";

		assert_int_equal(nsgctl_filter_parse(cases[i].filter, &f, error), -EINVAL);
		if (!strstr(error, cases[i].error))
			fail_msg("%s: %s", cases[i].filter, error);
	}
}

static void conditions_on_headers_are_an_expression(void **state)
{
	static const struct {
		const char *filter, *expression;
	} cases[] = {
	    {"verdict=drop,rule=x,src=10.0.1.4,uid=0", ""},
	    {"dst=10.0.0.0/8,dstPort!=443", " and dst net 10.0.0.0/8 and not dst port 443"},
	    {"protocol=tcp,hostSrc!=10.0.1.4,srcPort=050",
	     " and ip proto 6 and not src net 10.0.1.4/32 and src port 50"},
	    {"protocol!=47", " and not ip proto 47"},
	};

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(cases); i++) {
		char error[NSGCTL_FILTER_ERROR];
		struct nsgctl_filter f;
		char *text = NULL;
		size_t size;
		FILE *words = open_memstream(&text, &size);

		assert_int_equal(nsgctl_filter_parse(cases[i].filter, &f, error), 0);
		nsgctl_filter_put_expression(&f, words);
		assert_int_equal(fclose(words), 0);
		assert_string_equal(text, cases[i].expression);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_conditions_must_hold),
	    cmocka_unit_test(impossible_conditions_are_refused),
	    cmocka_unit_test(conditions_on_headers_are_an_expression),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
