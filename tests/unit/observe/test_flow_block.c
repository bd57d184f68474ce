/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "observe/flow_block.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/ip.h"
#include "util/limits.h"

static const struct nsg_flow_origin vnet = {
    .log_id = "/SUBSCRIPTIONS/S/L",
    .log_guid = "66aa66aa-bb77-cc88-dd99-00ee00ee00ee",
    .mac = "02000A000104",
    .vnet_id = "/subscriptions/s/v",
    .nsg_id = "/SUBSCRIPTIONS/S/N",
};

static struct nsg_flow_tuple tuple(uint8_t protocol, enum nsg_flow_state state)
{
	struct nsg_flow_tuple t = {
	    .time_ms = 1663146003599,
	    .key = {NSG_IP4(10, 0, 0, 6), NSG_IP4(192, 0, 2, 180), 23956, 443, protocol, {0}},
	    .state = state,
	};

	if (state == NSG_FLOW_END || state == NSG_FLOW_CONTINUE)
		t.counts = (struct nsg_flow_counts){3, 767, 2, 1580};
	return t;
}

static void add(struct nsg_flow_block *b, bool by_nsg, const char *rule, uint8_t protocol,
		enum nsg_flow_state state)
{
	struct nsg_flow_tuple t = tuple(protocol, state);

	assert_int_equal(nsg_flow_block_add(b, by_nsg, rule, &t), 0);
}

/* vnet-flow-logs-overview.md and nsg-flow-logs-overview.md have these tuples. */
static void a_vnet_record_is_azures(void **state)
{
	struct nsg_flow_block *b = nsg_flow_block_new(false);
	cleanup_free char *text = NULL;

	(void)state;
	add(b, true, "DefaultRule_AllowInternetOutBound", 6, NSG_FLOW_BEGIN);
	add(b, false, "Block\"High", 17, NSG_FLOW_DENY);
	add(b, true, "DefaultRule_AllowInternetOutBound", 6, NSG_FLOW_END);
	add(b, true, "UserRule_a", 6, NSG_FLOW_CONTINUE);
	text = nsg_flow_block_take(b, &vnet, UINT64_C(1663146003) * NSG_NS_PER_SEC + 562508500);
	assert_string_equal(
	    text, "{\"time\":\"2022-09-14T09:00:03.5625085Z\",\"flowLogVersion\":4,"
		  "\"flowLogGUID\":\"66aa66aa-bb77-cc88-dd99-00ee00ee00ee\","
		  "\"macAddress\":\"02000A000104\",\"category\":\"FlowLogFlowEvent\","
		  "\"flowLogResourceID\":\"/SUBSCRIPTIONS/S/L\","
		  "\"targetResourceID\":\"/subscriptions/s/v\","
		  "\"operationName\":\"FlowLogFlowEvent\",\"flowRecords\":{\"flows\":["
		  "{\"aclID\":\"/SUBSCRIPTIONS/S/N\",\"flowGroups\":["
		  "{\"rule\":\"DefaultRule_AllowInternetOutBound\",\"flowTuples\":["
		  "\"1663146003599,10.0.0.6,192.0.2.180,23956,443,6,O,B,NX,0,0,0,0\","
		  "\"1663146003599,10.0.0.6,192.0.2.180,23956,443,6,O,E,NX,3,767,2,1580\"]},"
		  "{\"rule\":\"UserRule_a\",\"flowTuples\":["
		  "\"1663146003599,10.0.0.6,192.0.2.180,23956,443,6,O,C,NX,3,767,2,1580\"]}]},"
		  "{\"aclID\":\"unspecified\",\"flowGroups\":["
		  "{\"rule\":\"Block\\\"High\",\"flowTuples\":["
		  "\"1663146003599,10.0.0.6,192.0.2.180,23956,443,17,O,D,NX,0,0,0,0\"]}]}]}}");
	assert_true(nsg_flow_block_is_empty(b));
	nsg_flow_block_free(b);
}

static void an_nsg_record_is_azures(void **state)
{
	struct nsg_flow_block *b = nsg_flow_block_new(true);
	cleanup_free char *text = NULL;

	(void)state;
	add(b, true, "UserRule_a", 6, NSG_FLOW_BEGIN);
	add(b, true, "UserRule_a", 17, NSG_FLOW_END);
	add(b, true, "UserRule_a", 1, NSG_FLOW_DENY); /* version 2 has TCP and UDP only */
	add(b, true, "DefaultRule_DenyAllOutBound", 17, NSG_FLOW_DENY);
	text = nsg_flow_block_take(b, &vnet, 0);
	assert_string_equal(
	    text,
	    "{\"time\":\"1970-01-01T00:00:00.0000000Z\","
	    "\"systemId\":\"66aa66aa-bb77-cc88-dd99-00ee00ee00ee\","
	    "\"macAddress\":\"02000A000104\",\"category\":\"NetworkSecurityGroupFlowEvent\","
	    "\"resourceId\":\"/SUBSCRIPTIONS/S/N\","
	    "\"operationName\":\"NetworkSecurityGroupFlowEvents\","
	    "\"properties\":{\"Version\":2,\"flows\":["
	    "{\"rule\":\"UserRule_a\",\"flows\":[{\"mac\":\"02000A000104\",\"flowTuples\":["
	    "\"1663146003,10.0.0.6,192.0.2.180,23956,443,T,O,A,B,,,,\","
	    "\"1663146003,10.0.0.6,192.0.2.180,23956,443,U,O,A,E,3,767,2,1580\"]}]},"
	    "{\"rule\":\"DefaultRule_DenyAllOutBound\",\"flows\":[{\"mac\":\"02000A000104\","
	    "\"flowTuples\":[\"1663146003,10.0.0.6,192.0.2.180,23956,443,U,O,D,B,,,,\"]}]}]}}");
	nsg_flow_block_free(b);
}

static void a_block_is_bounded(void **state)
{
	struct nsg_flow_block *b = nsg_flow_block_new(false);
	struct nsg_flow_tuple t = tuple(6, NSG_FLOW_DENY);
	size_t n = 0;

	(void)state;
	while (!nsg_flow_block_add(b, true, "UserRule_a", &t))
		n++;
	assert_in_range(n, NSG_MAX_FLOW_BLOCK_BYTES / 100, NSG_MAX_FLOW_BLOCK_BYTES / 50);
	assert_int_equal(nsg_flow_block_add(b, true, "UserRule_a", &t), -ENOBUFS);
	nsg_flow_block_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_vnet_record_is_azures),
	    cmocka_unit_test(an_nsg_record_is_azures),
	    cmocka_unit_test(a_block_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
