/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "observe/record.h"
#include "util/json.h"

static const uint32_t appliances[] = {NSG_IP4(10, 0, 100, 6), NSG_IP4(10, 0, 100, 5)};

/* The image as far as a record asks it. */
struct nsg_image_rule nsg_image_rule(const struct nsg_image *image, uint16_t index)
{
	static const struct nsg_image_rule rules[] = {
	    {.name = "deny \"x\"", .priority = 100, .access = NSG_DENY},
	    {.name = "AllowVnetOutBound",
	     .priority = 65000,
	     .access = NSG_ALLOW,
	     .is_default = true},
	};

	(void)image;
	return rules[index];
}

static bool has_admin_rules;

const struct nsg_image *nsg_image_admin(const struct nsg_image *image)
{
	static const uint64_t some;

	(void)image;
	return has_admin_rules ? (const struct nsg_image *)&some : NULL;
}

struct nsg_image_route nsg_image_route(const struct nsg_image *image, uint32_t index)
{
	static const struct nsg_image_route routes[] = {
	    {.prefix = {0, 0}, .source = NSG_SOURCE_DEFAULT, .hop_type = NSG_HOP_INTERNET},
	    {.prefix = {NSG_IP4(10, 0, 0, 0), 8},
	     .source = NSG_SOURCE_USER,
	     .hop_type = NSG_HOP_APPLIANCE,
	     .name = "spread",
	     .hops_host = appliances,
	     .n_hops = 2},
	};

	(void)image;
	return routes[index];
}

static const struct nsg_key tcp = {
    .src_host = NSG_IP4(10, 0, 1, 4),
    .dst_host = NSG_IP4(10, 1, 2, 3),
    .sport_host = 50000,
    .dport_host = 443,
    .protocol = NSG_PROTOCOL_TCP,
};

static void decisions_have_the_contracts_keys_in_order(void **state)
{
	static const struct {
		struct nsg_decision decision;
		uint8_t protocol;
		const char *json;
	} cases[] = {
	    {{.route = 1,
	      .rule = 1,
	      .gate = NSG_GATE_RFC1918,
	      .verdict = NSG_VERDICT_ACCEPT,
	      .reason = NSG_REASON_ALLOWED},
	     NSG_PROTOCOL_TCP,
	     "{\"id\":\"f\",\"protocol\":\"TCP\",\"src\":\"10.0.1.4\",\"srcPort\":50000,"
	     "\"dst\":\"10.1.2.3\",\"dstPort\":443,\"gate\":\"rfc1918\",\"nsg\":{\"access\":"
	     "\"Allow\",\"rule\":\"defaultSecurityRules/AllowVnetOutBound\",\"priority\":65000},"
	     "\"route\":{\"prefix\":\"10.0.0.0/8\",\"source\":\"User\",\"name\":\"spread\","
	     "\"nextHopType\":\"VirtualAppliance\",\"nextHopIpAddress\":[\"10.0.100.6\","
	     "\"10.0.100.5\"]},\"verdict\":\"accept\",\"reason\":\"allowed\"}"},
	    {{.route = 0,
	      .rule = 0,
	      .gate = NSG_GATE_ROUTE_ALL,
	      .verdict = NSG_VERDICT_DROP,
	      .reason = NSG_REASON_NSG_DENY},
	     47,
	     "{\"id\":\"f\",\"protocol\":47,\"src\":\"10.0.1.4\",\"srcPort\":50000,"
	     "\"dst\":\"10.1.2.3\",\"dstPort\":443,\"gate\":\"route-all\",\"nsg\":{\"access\":"
	     "\"Deny\",\"rule\":\"securityRules/deny \\\"x\\\"\",\"priority\":100},"
	     "\"route\":{\"prefix\":\"0.0.0.0/0\",\"source\":\"Default\",\"name\":null,"
	     "\"nextHopType\":\"Internet\",\"nextHopIpAddress\":[]},"
	     "\"verdict\":\"drop\",\"reason\":\"nsg-deny\"}"},
	    {{.route = NSG_ROUTE_NONE,
	      .rule = NSG_RULE_NONE,
	      .gate = NSG_GATE_BYPASS,
	      .verdict = NSG_VERDICT_ACCEPT,
	      .reason = NSG_REASON_BYPASS},
	     NSG_PROTOCOL_UDP,
	     "{\"id\":\"f\",\"protocol\":\"UDP\",\"src\":\"10.0.1.4\",\"srcPort\":50000,"
	     "\"dst\":\"10.1.2.3\",\"dstPort\":443,\"gate\":\"bypass\",\"nsg\":null,"
	     "\"route\":null,\"verdict\":\"accept\",\"reason\":\"bypass\"}"},
	    {{.route = 0,
	      .rule = NSG_RULE_NO_NSG,
	      .gate = NSG_GATE_SERVICE_ENDPOINT,
	      .verdict = NSG_VERDICT_ACCEPT,
	      .reason = NSG_REASON_ALLOWED},
	     NSG_PROTOCOL_TCP,
	     "{\"id\":\"f\",\"protocol\":\"TCP\",\"src\":\"10.0.1.4\",\"srcPort\":50000,"
	     "\"dst\":\"10.1.2.3\",\"dstPort\":443,\"gate\":\"service-endpoint\",\"nsg\":"
	     "{\"access\":\"Allow\",\"rule\":null,\"priority\":null},"
	     "\"route\":{\"prefix\":\"0.0.0.0/0\",\"source\":\"Default\",\"name\":null,"
	     "\"nextHopType\":\"Internet\",\"nextHopIpAddress\":[]},"
	     "\"verdict\":\"accept\",\"reason\":\"allowed\"}"},
	    {{.route = NSG_ROUTE_NONE,
	      .rule = NSG_RULE_NONE,
	      .gate = NSG_GATE_NONE,
	      .verdict = NSG_VERDICT_DROP,
	      .reason = NSG_REASON_MALFORMED},
	     NSG_PROTOCOL_TCP,
	     "{\"id\":\"f\",\"protocol\":null,\"src\":null,\"srcPort\":null,\"dst\":null,"
	     "\"dstPort\":null,\"gate\":null,\"nsg\":null,\"route\":null,"
	     "\"verdict\":\"drop\",\"reason\":\"malformed\"}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *object = json_pack("{ss}", "id", "f");
		struct nsg_key key = tcp;
		char *line;

		key.protocol = cases[i].protocol;
		assert_int_equal(nsg_record_put_decision(object, NULL, &key, &cases[i].decision),
				 0);
		line = nsg_json_line(object);
		assert_string_equal(line, cases[i].json);
		free(line);
		json_decref(object);
	}
}

static void admin_comes_after_gate_where_the_policy_has_such_rules(void **state)
{
	static const struct {
		uint16_t admin;
		const char *member;
	} cases[] = {
	    {0, "\"gate\":\"bypass\",\"admin\":null,\"nsg\":null,"},
	    {1, "\"gate\":\"bypass\",\"admin\":{\"access\":\"Deny\",\"rule\":\"deny \\\"x\\\"\","
		"\"priority\":100},\"nsg\":null,"},
	};

	(void)state;
	has_admin_rules = true;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct nsg_decision d = {.route = NSG_ROUTE_NONE,
					       .rule = NSG_RULE_NONE,
					       .gate = NSG_GATE_BYPASS,
					       .admin = cases[i].admin};
		json_t *object = json_object();
		char *line;

		assert_int_equal(nsg_record_put_decision(object, NULL, &tcp, &d), 0);
		line = nsg_json_line(object);
		assert_non_null(strstr(line, cases[i].member));
		free(line);
		json_decref(object);
	}
	has_admin_rules = false;
}

static void members_come_after_those_that_are_there(void **state)
{
	const struct nsg_decision d = {.rule = NSG_RULE_NONE, .route = NSG_ROUTE_NONE};
	const struct nsg_key key = {.protocol = NSG_PROTOCOL_TCP};
	json_t *object = json_pack("{ss}", "id", "f");
	char *line;

	(void)state;
	assert_int_equal(nsg_record_put_decision(object, NULL, &key, &d), 0);
	line = nsg_json_line(object);
	assert_ptr_equal(strstr(line, "{\"id\":\"f\",\"protocol\":\"TCP\","), line);
	free(line);
	json_decref(object);
	assert_int_equal(nsg_record_put_decision(NULL, NULL, &key, &d), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(decisions_have_the_contracts_keys_in_order),
	    cmocka_unit_test(admin_comes_after_gate_where_the_policy_has_such_rules),
	    cmocka_unit_test(members_come_after_those_that_are_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
