/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "explain/explain.h"
#include "explain/table.h"
#include "unit/explain/sample.h"
#include "util/json.h"

/* The story of a flow, to be freed by the caller. */
static json_t *story(bool route_all, uint8_t protocol, uint32_t dst_host, uint16_t dport)
{
	struct sample s = sample_new(route_all);
	struct nsg_key key = sample_key(protocol, dst_host, dport);
	struct nsg_diag diag = {0};
	json_t *item = NULL;

	assert_int_equal(nsg_explain_flow(s.effective, s.image, &key, &diag, &item), 0);
	assert_int_equal(diag.n, 0);
	sample_free(&s);
	return item;
}

static void assert_says(const json_t *item, const char *path, const char *part)
{
	const char *text = nsg_string_at(item, path);

	if (!strstr(text, part))
		fail_msg("%s is \"%s\", without \"%s\"", path, text, part);
}

static void assert_line(const json_t *value, const char *expected)
{
	char *line = nsg_json_line(value);

	assert_non_null(line);
	assert_string_equal(line, expected);
	free(line);
}

static void the_gate_has_its_reason(void **state)
{
	static const struct {
		bool route_all;
		uint8_t protocol;
		uint32_t dst_host;
		const char *gate, *part;
	} cases[] = {
	    {true, 6, NSG_IP4(8, 8, 8, 8), "route-all", "route-all is on"},
	    {false, 6, NSG_IP4(8, 8, 8, 8), "bypass", "not an \"allow\""},
	    {false, 6, NSG_IP4(127, 0, 0, 1), "bypass", "loopback"},
	    {false, 6, NSG_IP4(10, 0, 2, 2), "rfc1918", "private"},
	    {false, 6, NSG_IP4(20, 1, 2, 3), "service-endpoint",
	     "Microsoft.Sql covers it with "
	     "20.1.0.0/16"},
	    {false, 6, NSG_IP4(169, 254, 169, 254), "platform", "platform"},
	    {true, 6, NSG_IP4(169, 254, 129, 2), "bypass", "link-local"},
	    {true, 47, NSG_IP4(8, 8, 8, 8), "not-carried",
	     "(route-all), but the integration carries TCP"},
	    {true, 17, NSG_IP4(224, 0, 0, 1), "not-carried", "multicast"},
	    {true, 6, NSG_IP4(255, 255, 255, 255), "not-carried", "broadcast"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *item = story(cases[i].route_all, cases[i].protocol, cases[i].dst_host, 443);

		assert_string_equal(nsg_string_at(item, "gate"), cases[i].gate);
		assert_says(nsg_at(item, "story"), "gate.text", cases[i].part);
		json_decref(item);
	}
}

static void names_every_tag_with_its_prefix_and_origin(void **state)
{
	json_t *item = story(false, 6, NSG_IP4(10, 8, 1, 1), 443);

	(void)state;
	assert_line(nsg_at(item, "story.tags"),
		    "[{\"tag\":\"VirtualNetwork\",\"prefix\":\"10.8.0.0/16\","
		    "\"origin\":\"peering to-hub\"}]");
	json_decref(item);

	item = story(false, 6, NSG_IP4(10, 1, 1, 1), 443);
	assert_line(nsg_at(item, "story.tags"),
		    "[{\"tag\":\"VirtualNetwork\",\"prefix\":\"10.1.0.0/16\","
		    "\"origin\":\"user route to-nva\"}]");
	json_decref(item);
}

static void names_what_did_not_match_in_each_rule(void **state)
{
	json_t *item = story(true, 6, NSG_IP4(20, 2, 0, 1), 443);

	(void)state;
	assert_line(
	    json_array_get(nsg_at(item, "story.rules"), 0),
	    "{\"rule\":\"securityRules/deny-dns\",\"priority\":100,\"access\":\"Deny\","
	    "\"protocol\":\"UDP\",\"source\":\"*\",\"sourcePorts\":\"*\","
	    "\"destination\":\"8.8.8.8/32, 8.8.4.4/32\",\"destinationPorts\":\"53\","
	    "\"matched\":false,\"failed\":[\"protocol\",\"destination\",\"destinationPorts\"]}");
	assert_line(json_array_get(nsg_at(item, "story.rules"), 1),
		    "{\"rule\":\"securityRules/sql-ok\",\"priority\":200,\"access\":\"Allow\","
		    "\"protocol\":\"TCP\",\"source\":\"VirtualNetwork\",\"sourcePorts\":\"*\","
		    "\"destination\":\"Sql\",\"destinationPorts\":\"11000-11999, 1433\","
		    "\"matched\":false,\"failed\":[\"destination\",\"destinationPorts\"]}");
	assert_int_equal(json_array_size(nsg_at(item, "story.rules")), 4);
	assert_true(json_is_true(
	    json_object_get(json_array_get(nsg_at(item, "story.rules"), 3), "matched")));
	json_decref(item);
}

static void stops_at_the_rule_that_matches(void **state)
{
	json_t *item = story(true, 17, NSG_IP4(8, 8, 8, 8), 53);

	(void)state;
	assert_int_equal(json_array_size(nsg_at(item, "story.rules")), 1);
	assert_string_equal(nsg_string_at(item, "reason"), "nsg-deny");
	assert_says(item, "story.farEnd.source", "none");
	/* reported nevertheless: the two gates are independent */
	assert_string_equal(nsg_string_at(item, "route.prefix"), "0.0.0.0/0");
	json_decref(item);
}

static void admin_rules_come_before_the_nsg(void **state)
{
	static const struct {
		uint32_t dst_host;
		uint16_t port;
		const char *reason, *words, *nsg;
	} t[] = {
	    {NSG_IP4(20, 4, 0, 1), 1433, "admin-deny", "block denies",
	     "a security admin rule decides"},
	    {NSG_IP4(8, 8, 8, 8), 1433, "allowed", "force allows", "a security admin rule decides"},
	    {NSG_IP4(8, 8, 8, 8), 443, "allowed", "none matches", "nsg-int"},
	    {NSG_IP4(127, 0, 0, 1), 443, "bypass", "does not enter", "does not enter"},
	    {NSG_IP_PLATFORM_DNS, 53, "platform", "platform", "platform"},
	};
	struct sample s = sample_new_with_admin_rules();

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct nsg_key key = sample_key(6, t[i].dst_host, t[i].port);
		struct nsg_diag diag = {0};
		json_t *item;

		assert_int_equal(nsg_explain_flow(s.effective, s.image, &key, &diag, &item), 0);
		assert_string_equal(nsg_string_at(item, "reason"), t[i].reason);
		assert_says(item, "story.admin.text", t[i].words);
		assert_says(item, "story.nsg", t[i].nsg);
		if (!i)
			assert_line(json_array_get(nsg_at(item, "story.admin.rules"), 1),
				    "{\"rule\":\"block\",\"priority\":2,\"access\":\"Deny\","
				    "\"protocol\":\"TCP\",\"source\":\"*\",\"sourcePorts\":\"*\","
				    "\"destination\":\"Storage, 10.8.0.0/16\","
				    "\"destinationPorts\":\"11000-11999, 1433\","
				    "\"matched\":true,\"failed\":[]}");
		json_decref(item);
	}
	sample_free(&s);
}

static void compares_the_routes_and_names_the_winner(void **state)
{
	json_t *item = story(false, 6, NSG_IP4(10, 1, 2, 3), 443);
	const json_t *routes = nsg_at(item, "story.routes");
	const json_t *route;
	size_t i, selected = 0;

	(void)state;
	json_array_foreach(routes, i, route)
	{
		if (json_is_true(json_object_get(route, "selected"))) {
			selected++;
			assert_string_equal(nsg_string_at(route, "name"), "to-nva");
		} else {
			assert_says(route, "text", "longer prefix");
		}
	}
	assert_int_equal(selected, 1);
	assert_true(i >= 3);
	assert_line(nsg_at(item, "story.nextHop"),
		    "{\"type\":\"VirtualAppliance\",\"addresses\":[\"10.0.9.6\",\"10.0.9.5\"],"
		    "\"text\":\"one of the appliances, chosen per flow\"}");
	assert_says(item, "story.farEnd.source", "appliance");
	json_decref(item);
}

static void names_the_source_that_the_destination_sees(void **state)
{
	static const struct {
		bool route_all;
		uint32_t dst_host;
		const char *source, *addresses;
	} cases[] = {
	    {false, NSG_IP4(8, 8, 8, 8), "outbound", "[\"40.1.1.1\",\"40.1.1.2\"]"},
	    {true, NSG_IP4(8, 8, 8, 8), "outbound", "[\"40.1.1.1\",\"40.1.1.2\"]"},
	    {false, NSG_IP4(10, 0, 2, 2), "subnet", "[\"10.0.1.4\"]"},
	    {false, NSG_IP4(20, 1, 2, 3), "subnet", "[\"10.0.1.4\"]"},
	    {false, NSG_IP4(10, 99, 2, 3), "none", "[]"},
	    {true, NSG_IP4(127, 0, 0, 1), "instance", "[]"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *item = story(cases[i].route_all, 6, cases[i].dst_host, 443);

		assert_string_equal(nsg_string_at(item, "story.farEnd.source"), cases[i].source);
		assert_line(nsg_at(item, "story.farEnd.addresses"), cases[i].addresses);
		json_decref(item);
	}
}

static void has_notices(void **state)
{
	struct sample s = sample_new(false);
	struct nsg_key key = sample_key(6, NSG_IP4(10, 0, 2, 2), 443);
	struct nsg_diag diag = {0};
	const json_t *notices;
	json_t *item;

	(void)state;
	key.src_host = NSG_IP4(10, 0, 2, 9);
	assert_int_equal(nsg_explain_flow(s.effective, s.image, &key, &diag, &item), 0);
	notices = nsg_at(item, "story.notices");
	assert_int_equal(json_array_size(notices), 1);
	assert_non_null(strstr(json_string_value(json_array_get(notices, 0)), "snet-int"));
	json_decref(item);

	/* the tag matters only when the NSG is evaluated */
	s.effective->virtual_network[0].prefix = (struct nsg_prefix){0, 0};
	for (int i = 0; i < 2; i++) {
		key = sample_key(6, i ? NSG_IP4(20, 1, 2, 3) : NSG_IP4(10, 0, 2, 2), 443);
		assert_int_equal(nsg_explain_flow(s.effective, s.image, &key, &diag, &item), 0);
		assert_int_equal(json_array_size(nsg_at(item, "story.notices")), !i);
		json_decref(item);
	}
	sample_free(&s);
}

/* Reported, with the route, only when the other endpoint-precedence selects another one. */
static void reports_the_other_endpoint_precedence(void **state)
{
	static const struct {
		uint8_t len;
		const char *notice;
	} cases[] = {
	    {8, NULL},
	    {17, "with lab the packet takes VirtualAppliance 20.1.0.0/17 of to-nva"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sample s = sample_new(true);
		struct nsg_key key = sample_key(6, NSG_IP4(20, 1, 2, 3), 443);
		struct nsg_diag diag = {0};
		const json_t *notices;
		json_t *item;

		for (size_t j = 0; j < s.effective->n_rows; j++)
			if (s.effective->rows[j].source == NSG_SOURCE_USER &&
			    !s.effective->rows[j].tag)
				s.effective->rows[j].prefix = (struct nsg_prefix){
				    cases[i].len == 8 ? NSG_IP4(20, 0, 0, 0) : NSG_IP4(20, 1, 0, 0),
				    cases[i].len};
		assert_int_equal(nsg_explain_flow(s.effective, s.image, &key, &diag, &item), 0);
		notices = nsg_at(item, "story.notices");
		assert_int_equal(json_array_size(notices), cases[i].notice != NULL);
		if (cases[i].notice)
			assert_non_null(
			    strstr(json_string_value(json_array_get(notices, 0)), cases[i].notice));
		json_decref(item);
		sample_free(&s);
	}
}

static void starts_with_the_decision(void **state)
{
	static const char *const keys[] = {"protocol", "src",	 "srcPort", "dst",
					   "dstPort",  "gate",	 "nsg",	    "route",
					   "verdict",  "reason", "story"};
	json_t *item = story(false, 6, NSG_IP4(10, 0, 2, 2), 443);
	const json_t *value;
	const char *key;
	size_t i = 0;

	(void)state;
	json_object_foreach(item, key, value)
	{
		assert_true(i < sizeof(keys) / sizeof(keys[0]));
		assert_string_equal(key, keys[i++]);
		assert_non_null(value);
	}
	assert_int_equal(i, sizeof(keys) / sizeof(keys[0]));
	json_decref(item);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_gate_has_its_reason),
	    cmocka_unit_test(names_every_tag_with_its_prefix_and_origin),
	    cmocka_unit_test(names_what_did_not_match_in_each_rule),
	    cmocka_unit_test(stops_at_the_rule_that_matches),
	    cmocka_unit_test(admin_rules_come_before_the_nsg),
	    cmocka_unit_test(compares_the_routes_and_names_the_winner),
	    cmocka_unit_test(names_the_source_that_the_destination_sees),
	    cmocka_unit_test(has_notices),
	    cmocka_unit_test(reports_the_other_endpoint_precedence),
	    cmocka_unit_test(starts_with_the_decision),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
