/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Expressions of pcap-filter(7) on packets, and on headers made from a decision. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nsgctl/nsgctl.h"
#include "nsgctl/packets.h"

static const char decision[] =
    "{\"length\":60,\"protocol\":\"TCP\",\"src\":\"10.0.1.4\",\"srcPort\":40000,"
    "\"dst\":\"10.0.2.4\",\"dstPort\":443,\"hostSrc\":\"192.0.2.2\"}";

static bool matches(const char *expression, const uint8_t *payload, size_t n)
{
	json_t *item = json_loads(decision, 0, NULL);
	struct nsgctl_packets p = {0};
	bool matched;

	assert_non_null(item);
	assert_int_equal(nsgctl_packets_compile(&p, &expression, 1), 0);
	matched = nsgctl_packets_match(&p, item, payload, n);
	nsgctl_packets_done(&p);
	json_decref(item);
	return matched;
}

static void a_decision_without_its_packet_has_headers(void **state)
{
	(void)state;
	assert_true(matches("tcp", NULL, 0));
	assert_true(matches("tcp dst port 443 and src port 40000", NULL, 0));
	assert_true(matches("dst net 10.0.0.0/8", NULL, 0));
	assert_true(matches("len == 60", NULL, 0));
	/* the source that the packet had, not the one that was decided with */
	assert_true(matches("src host 192.0.2.2", NULL, 0));
	assert_false(matches("src host 10.0.1.4", NULL, 0));
	assert_false(matches("udp", NULL, 0));
	assert_false(matches("port 80", NULL, 0));
}

/* Headers made from a decision have zeros there, which would match or not whatever the packet was. */
static void what_only_packets_have_is_recognized(void **state)
{
	static const struct {
		const char *expression;
		bool needs;
	} cases[] = {
	    {"tcp", false},
	    {"tcp dst port 443 and not src portrange 1-1023", false},
	    {"host 10.0.2.4 or dst net 10.0.0.0/8", false},
	    {"ip proto 47 or icmp", false},
	    {"len > 60 or greater 100", false},
	    {"tcp[tcpflags] & tcp-syn != 0", true},
	    {"icmp[icmptype] == icmp-echo", true},
	    {"ip[8] < 5", true},
	    {"port 53 and udp[10] & 0x80 == 0", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nsgctl_packets p = {0};

		assert_int_equal(nsgctl_packets_compile(&p, &cases[i].expression, 1), 0);
		if (nsgctl_packets_need_payload(&p) != cases[i].needs)
			fail_msg("%s", cases[i].expression);
		nsgctl_packets_done(&p);
	}
}

static void a_packet_is_matched_as_it_is(void **state)
{
	uint8_t syn[40] = {0x45, [3] = 40, [9] = 6, [19] = 1, [32] = 0x50, [33] = 0x02};

	(void)state;
	assert_true(matches("tcp[tcpflags] & tcp-syn != 0", syn, sizeof(syn)));
	assert_false(matches("tcp[tcpflags] & tcp-ack != 0", syn, sizeof(syn)));
	assert_false(matches("port 443", syn, sizeof(syn)));
	/* cut short: what is not there does not match */
	assert_false(matches("tcp[tcpflags] & tcp-syn != 0", syn, 30));
	assert_false(matches("tcp", syn, 5));
}

static void words_are_joined(void **state)
{
	static const char *const words[] = {"tcp", "and", "port", "443"};
	json_t *item = json_loads(decision, 0, NULL);
	struct nsgctl_packets p = {0};

	(void)state;
	assert_int_equal(nsgctl_packets_compile(&p, words, 4), 0);
	assert_true(nsgctl_packets_match(&p, item, NULL, 0));
	nsgctl_packets_done(&p);
	json_decref(item);
}

static void invalid_expressions_are_usage_errors(void **state)
{
	static const char *const bad[] = {"tcp and", "host 1.2.3.400", "port 70000", "((((",
					  "wlan type mgt",
					  /* nothing would ever match */
					  "ip6", "inbound", "outbound and tcp"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct nsgctl_packets p = {0};

		assert_int_equal(nsgctl_packets_compile(&p, &bad[i], 1), NSG_EXIT_USAGE);
		nsgctl_packets_done(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_decision_without_its_packet_has_headers),
	    cmocka_unit_test(what_only_packets_have_is_recognized),
	    cmocka_unit_test(a_packet_is_matched_as_it_is),
	    cmocka_unit_test(words_are_joined),
	    cmocka_unit_test(invalid_expressions_are_usage_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
