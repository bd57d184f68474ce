/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The forms of az's output. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "explain/explain.h"
#include "explain/table.h"
#include "unit/explain/sample.h"
#include "util/json.h"

#define NETWORK "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/"

static void assert_line(json_t *value, const char *expected)
{
	char *line = nsg_json_line(value);

	assert_non_null(line);
	assert_string_equal(line, expected);
	free(line);
	json_decref(value);
}

static void ip_flow_names_the_rule_and_the_gate(void **state)
{
	static const struct {
		bool route_all;
		uint8_t protocol;
		uint32_t dst_host;
		uint16_t dport;
		const char *json;
	} cases[] = {
	    {true, 17, NSG_IP4(8, 8, 8, 8), 53,
	     "{\"access\":\"Deny\",\"ruleName\":\"securityRules/"
	     "deny-dns\",\"gate\":\"route-all\"}"},
	    {true, 6, NSG_IP4(8, 8, 8, 8), 53,
	     "{\"access\":\"Allow\",\"ruleName\":\"defaultSecurityRules/AllowInternetOutBound\","
	     "\"gate\":\"route-all\"}"},
	    {false, 6, NSG_IP4(8, 8, 8, 8), 53,
	     "{\"access\":null,\"ruleName\":null,\"gate\":\"bypass\"}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sample s = sample_new(cases[i].route_all);
		struct nsg_key key =
		    sample_key(cases[i].protocol, cases[i].dst_host, cases[i].dport);
		json_t *value;

		assert_int_equal(nsg_explain_test_ip_flow(s.image, &key, &value), 0);
		assert_line(value, cases[i].json);
		sample_free(&s);
	}
}

static void next_hop_names_the_route_table(void **state)
{
	static const struct {
		uint32_t dst_host;
		const char *json;
	} cases[] = {
	    {NSG_IP4(10, 0, 2, 2), "{\"nextHopType\":\"VnetLocal\","
				   "\"routeTableId\":\"System Route\"}"},
	    {NSG_IP4(10, 8, 2, 2), "{\"nextHopType\":\"VnetPeering\","
				   "\"routeTableId\":\"System Route\"}"},
	    {NSG_IP4(10, 1, 2, 2),
	     "{\"nextHopIpAddress\":\"10.0.9.6 10.0.9.5\",\"nextHopType\":\"VirtualAppliance\","
	     "\"routeTableId\":\"" NETWORK "routeTables/rt-int\"}"},
	    {NSG_IP4(10, 77, 2, 2), "{\"nextHopType\":\"None\","
				    "\"routeTableId\":\"System Route\"}"},
	    {NSG_IP4(20, 1, 2, 2), "{\"nextHopType\":\"VirtualNetworkServiceEndpoint\","
				   "\"routeTableId\":\"System Route\"}"},
	    {NSG_IP4(8, 8, 8, 8), "{\"nextHopType\":\"Internet\","
				  "\"routeTableId\":\"System Route\"}"},
	};
	struct sample s = sample_new(false);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nsg_key key = sample_key(6, cases[i].dst_host, 0);
		json_t *value;

		assert_int_equal(nsg_explain_next_hop(s.effective, s.image, &key, &value), 0);
		assert_line(value, cases[i].json);
	}
	sample_free(&s);
}

static json_t *effective_rule(const char *name)
{
	struct sample s = sample_new(false);
	json_t *value, *rule, *found = NULL;
	size_t i;

	assert_int_equal(nsg_explain_effective_nsg(s.effective, &value), 0);
	json_array_foreach(json_object_get(json_array_get(json_object_get(value, "value"), 0),
					   "effectiveSecurityRules"),
			   i, rule)
	{
		if (strcmp(nsg_string_at(rule, "name"), name) == 0)
			found = json_incref(rule);
	}
	json_decref(value);
	sample_free(&s);
	return found;
}

static void effective_rules_have_azs_spellings(void **state)
{
	(void)state;
	assert_line(
	    effective_rule("securityRules/deny-dns"),
	    "{\"name\":\"securityRules/deny-dns\",\"protocol\":\"Udp\","
	    "\"sourcePortRange\":\"0-65535\",\"destinationPortRange\":\"53-53\","
	    "\"sourcePortRanges\":[\"0-65535\"],\"destinationPortRanges\":[\"53-53\"],"
	    "\"sourceAddressPrefix\":\"0.0.0.0/0\",\"destinationAddressPrefix\":null,"
	    "\"sourceAddressPrefixes\":[\"0.0.0.0/0\"],"
	    "\"destinationAddressPrefixes\":[\"8.8.8.8/32\",\"8.8.4.4/32\"],"
	    "\"expandedSourceAddressPrefix\":null,\"expandedDestinationAddressPrefix\":null,"
	    "\"access\":\"Deny\",\"priority\":100,\"direction\":\"Outbound\"}");
	assert_line(
	    effective_rule("securityRules/sql-ok"),
	    "{\"name\":\"securityRules/sql-ok\",\"protocol\":\"Tcp\","
	    "\"sourcePortRange\":\"0-65535\",\"destinationPortRange\":null,"
	    "\"sourcePortRanges\":[\"0-65535\"],\"destinationPortRanges\":[\"11000-11999\",\"1433-"
	    "1433\"],"
	    "\"sourceAddressPrefix\":\"VirtualNetwork\",\"destinationAddressPrefix\":\"Sql\","
	    "\"sourceAddressPrefixes\":[\"VirtualNetwork\"],"
	    "\"destinationAddressPrefixes\":[\"Sql\"],"
	    "\"expandedSourceAddressPrefix\":[\"10.0.0.0/16\",\"10.8.0.0/16\","
	    "\"168.63.129.16/32\",\"10.1.0.0/16\"],"
	    "\"expandedDestinationAddressPrefix\":null,"
	    "\"access\":\"Allow\",\"priority\":200,\"direction\":\"Outbound\"}");
}

static void effective_nsg_names_its_subnet(void **state)
{
	struct sample s = sample_new(false);
	json_t *value, *group, *map;

	(void)state;
	assert_int_equal(nsg_explain_effective_nsg(s.effective, &value), 0);
	group = json_array_get(json_object_get(value, "value"), 0);
	assert_int_equal(json_array_size(json_object_get(group, "effectiveSecurityRules")), 5);
	json_object_del(group, "effectiveSecurityRules");
	map = json_object_get(group, "tagMap");
	assert_string_equal(json_string_value(json_array_get(json_object_get(map, "Sql"), 0)),
			    "20.1.0.0/16");
	assert_non_null(json_object_get(map, "VirtualNetwork"));
	assert_non_null(json_object_get(map, "Internet"));
	json_object_del(group, "tagMap");
	assert_line(
	    value,
	    "{\"value\":[{\"networkSecurityGroup\":{\"id\":\"" NETWORK "networkSecurityGroups/"
	    "nsg-int\"},\"association\":{\"networkManager\":null,\"subnet\":{\"id\":\"" NETWORK
	    "virtualNetworks/vnet-app/subnets/snet-int\"},\"networkInterface\":null}}]}");
	sample_free(&s);
}

static void admin_rules_are_a_group_of_their_network_manager(void **state)
{
	struct sample s = sample_new_with_admin_rules();
	json_t *value, *group;

	(void)state;
	assert_int_equal(nsg_explain_effective_nsg(s.effective, &value), 0);
	assert_int_equal(json_array_size(json_object_get(value, "value")), 2);
	group = json_array_get(json_object_get(value, "value"), 0);
	assert_string_equal(nsg_string_at(group, "association.networkManager.id"),
			    NETWORK "networkManagers/m");
	assert_line(
	    json_incref(json_array_get(json_object_get(group, "effectiveSecurityRules"), 1)),
	    "{\"name\":\"block\",\"protocol\":\"Tcp\","
	    "\"sourcePortRange\":\"0-65535\",\"destinationPortRange\":null,"
	    "\"sourcePortRanges\":[\"0-65535\"],"
	    "\"destinationPortRanges\":[\"11000-11999\",\"1433-1433\"],"
	    "\"sourceAddressPrefix\":\"0.0.0.0/0\",\"destinationAddressPrefix\":null,"
	    "\"sourceAddressPrefixes\":[\"0.0.0.0/0\"],"
	    "\"destinationAddressPrefixes\":[\"10.8.0.0/16\",\"Storage\"],"
	    "\"expandedSourceAddressPrefix\":null,\"expandedDestinationAddressPrefix\":null,"
	    "\"access\":\"Deny\",\"priority\":2,\"direction\":\"Outbound\"}");
	assert_non_null(json_object_get(json_object_get(group, "tagMap"), "Storage"));
	json_decref(value);
	sample_free(&s);
}

static void a_flow_test_names_the_admin_rule_that_decides(void **state)
{
	static const struct {
		uint32_t dst_host;
		const char *json;
	} t[] = {
	    {NSG_IP4(10, 8, 0, 1),
	     "{\"access\":\"Deny\",\"ruleName\":\"block\",\"gate\":\"rfc1918\"}"},
	    {NSG_IP4(8, 8, 4, 4),
	     "{\"access\":\"Allow\",\"ruleName\":\"force\",\"gate\":\"route-all\"}"},
	};
	struct sample s = sample_new_with_admin_rules();

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct nsg_key key = sample_key(6, t[i].dst_host, 1433);
		json_t *value;

		assert_int_equal(nsg_explain_test_ip_flow(s.image, &key, &value), 0);
		assert_line(value, t[i].json);
	}
	sample_free(&s);
}

static void pages_have_every_route_once(void **state)
{
	struct sample s = sample_new(false);
	cleanup_route_cursor struct nsg_route_cursor all = {.e = s.effective};
	json_t *want;

	(void)state;
	assert_int_equal(nsg_explain_routes_next(&all, SIZE_MAX, &want), 0);
	for (size_t most = 1; most < 11; most++) {
		cleanup_route_cursor struct nsg_route_cursor cursor = {.e = s.effective};
		json_t *got = json_array(), *page;

		while (!nsg_explain_routes_ended(&cursor)) {
			assert_int_equal(nsg_explain_routes_next(&cursor, most, &page), 0);
			assert_true(json_array_size(json_object_get(page, "value")) <= most);
			json_array_extend(got, json_object_get(page, "value"));
			json_decref(page);
		}
		assert_true(json_equal(got, json_object_get(want, "value")));
		json_decref(got);
	}
	json_decref(want);
	sample_free(&s);
}

static void effective_routes_are_in_azs_order_and_form(void **state)
{
	static const char *const prefixes[] = {
	    "10.0.0.0/16",    "10.8.0.0/16",   "0.0.0.0/0",   "20.2.0.0/16", "10.0.0.0/8",
	    "192.168.0.0/16", "100.64.0.0/10", "20.1.0.0/16", "10.1.0.0/16",
	};
	struct sample s = sample_new(false);
	cleanup_route_cursor struct nsg_route_cursor cursor = {.e = s.effective};
	json_t *value, *entries;

	(void)state;
	assert_int_equal(nsg_explain_routes_next(&cursor, SIZE_MAX, &value), 0);
	assert_true(nsg_explain_routes_ended(&cursor));
	assert_true(json_is_null(json_object_get(value, "nextLink")));
	entries = json_object_get(value, "value");
	assert_int_equal(json_array_size(entries), 9);
	for (size_t i = 0; i < 9; i++) {
		const json_t *of = json_object_get(json_array_get(entries, i), "addressPrefix");

		assert_string_equal(json_string_value(json_array_get(of, 0)), prefixes[i]);
	}
	assert_line(json_incref(json_array_get(entries, 0)),
		    "{\"addressPrefix\":[\"10.0.0.0/16\"],\"destinationServiceTags\":[],"
		    "\"disableBgpRoutePropagation\":false,\"hasBgpOverride\":false,\"name\":null,"
		    "\"nextHopIpAddress\":[],\"nextHopType\":\"VnetLocal\",\"source\":\"Default\","
		    "\"state\":\"Active\",\"tagMap\":{}}");
	assert_line(json_incref(json_array_get(entries, 3)),
		    "{\"addressPrefix\":[\"20.2.0.0/16\",\"20.4.0.0/16\"],"
		    "\"destinationServiceTags\":[\"Storage\"],\"disableBgpRoutePropagation\":false,"
		    "\"hasBgpOverride\":false,\"name\":\"storage\",\"nextHopIpAddress\":[],"
		    "\"nextHopType\":\"Internet\",\"source\":\"User\",\"state\":\"Active\","
		    "\"tagMap\":{}}");
	json_decref(value);
	sample_free(&s);
}

static void diagnostics_report_matches_rule_by_rule(void **state)
{
	struct sample s = sample_new(true);
	struct nsg_key key = sample_key(17, NSG_IP4(8, 8, 8, 8), 53);
	struct nsg_diag diag = {0};
	json_t *value;

	(void)state;
	assert_int_equal(nsg_explain_azure(s.effective, s.image, &key, &diag, &value), 0);
	assert_line(
	    value,
	    "{\"results\":[{\"networkSecurityGroupResult\":{\"evaluatedNetworkSecurityGroups\":["
	    "{\"appliedTo\":\"" NETWORK "virtualNetworks/vnet-app/subnets/snet-int\","
	    "\"matchedRule\":{\"action\":\"Deny\",\"ruleName\":\"UserRule_deny-dns\"},"
	    "\"networkSecurityGroupId\":\"" NETWORK "networkSecurityGroups/nsg-int\","
	    "\"rulesEvaluationResult\":[{\"destinationMatched\":true,"
	    "\"destinationPortMatched\":true,\"name\":\"UserRule_deny-dns\","
	    "\"protocolMatched\":true,\"sourceMatched\":true,\"sourcePortMatched\":true}]}],"
	    "\"securityRuleAccessResult\":\"Deny\"},\"profile\":{\"destination\":\"8.8.8.8\","
	    "\"destinationPort\":\"53\",\"direction\":\"Outbound\",\"protocol\":\"UDP\","
	    "\"source\":\"10.0.1.4\"}}]}");
	sample_free(&s);

	/* the NSG is not evaluated for a flow that does not enter */
	s = sample_new(false);
	assert_int_equal(nsg_explain_azure(s.effective, s.image, &key, &diag, &value), 0);
	assert_int_equal(
	    json_array_size(nsg_at(json_array_get(json_object_get(value, "results"), 0),
				   "networkSecurityGroupResult.evaluatedNetworkSecurityGroups")),
	    0);
	json_decref(value);
	sample_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ip_flow_names_the_rule_and_the_gate),
	    cmocka_unit_test(next_hop_names_the_route_table),
	    cmocka_unit_test(effective_rules_have_azs_spellings),
	    cmocka_unit_test(effective_nsg_names_its_subnet),
	    cmocka_unit_test(admin_rules_are_a_group_of_their_network_manager),
	    cmocka_unit_test(a_flow_test_names_the_admin_rule_that_decides),
	    cmocka_unit_test(pages_have_every_route_once),
	    cmocka_unit_test(effective_routes_are_in_azs_order_and_form),
	    cmocka_unit_test(diagnostics_report_matches_rule_by_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
