/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nsgctl/filter.h"

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
	    {"dstPort=44", false},
	    {"rule=no", true},
	    {"rule=securityRules/no", true},
	    {"rule=yes", false},
	    {"route=to-nva,nextHopType=virtualappliance", true},
	    {",, ,", true},
	};
	json_t *item = json_loads(decision, 0, NULL);
	json_t *bypass =
	    json_loads("{\"verdict\":\"accept\",\"nsg\":null,\"route\":null}", 0, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nsgctl_filter f;
		const char *why = NULL;
		char part[128];

		assert_int_equal(nsgctl_filter_parse(cases[i].filter, &f, &why, part), 0);
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

static void bad_conditions_are_refused(void **state)
{
	static const char *const bad[] = {
	    "verdict",
	    "=drop",
	    "color=red",
	    "dst=10.0.0.0/33",
	    "src=fd00::1",
	    "dst=",
	    "rule="
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    ("gate=a,gate=a,gate=a,gate=a,gate=a,gate=a,gate=a,gate=a,gate=a,"
	     "gate=a,gate=a,gate=a,gate=a,gate=a,gate=a,gate=a,gate=a"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct nsgctl_filter f;
		const char *why = NULL;
		char part[128];

		assert_int_equal(nsgctl_filter_parse(bad[i], &f, &why, part), -EINVAL);
		assert_non_null(why);
		assert_true(strlen(part) > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_conditions_must_hold),
	    cmocka_unit_test(bad_conditions_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
