/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "explain/render.h"
#include "explain/table.h"

static char *rendered(const char *verb, const char *json, bool color)
{
	json_t *item = json_loads(json, JSON_DECODE_ANY, NULL);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(item);
	assert_non_null(out);
	nsg_render(verb, item, &(struct nsg_term){.color = color}, out);
	assert_int_equal(fclose(out), 0);
	json_decref(item);
	return text;
}

static void assert_rendered(const char *verb, const char *json, const char *expected)
{
	char *text = rendered(verb, json, false);

	assert_string_equal(text, expected);
	free(text);
}

static void az_tables_have_azs_columns(void **state)
{
	(void)state;
	assert_rendered("show-next-hop",
			"{\"nextHopIpAddress\":\"\",\"nextHopType\":\"VnetPeering\","
			"\"routeTableId\":\"System Route\"}",
			"NextHopIpAddress  NextHopType  RouteTableId\n"
			"----------------  -----------  ------------\n"
			"                  VnetPeering  System Route\n");
	assert_rendered("test-ip-flow", "{\"access\":null,\"ruleName\":null,\"gate\":\"bypass\"}",
			"Access  RuleName  Gate\n"
			"------  --------  ------\n"
			"-       -         bypass\n");
	assert_rendered("effective-routes",
			"{\"value\":[{\"addressPrefix\":[\"10.0.0.0/8\",\"11.0.0.0/8\"],"
			"\"nextHopIpAddress\":[],\"nextHopType\":\"None\",\"source\":\"Default\","
			"\"state\":\"Active\"}]}",
			"Source   State   Address Prefix         Next Hop Type  Next Hop IP\n"
			"-------  ------  ---------------------  -------------  -----------\n"
			"Default  Active  10.0.0.0/8 11.0.0.0/8  None\n");
	assert_rendered(
	    "effective-nsg",
	    "{\"value\":[{\"networkSecurityGroup\":{\"id\":\"/x/nsg\"},\"association\":"
	    "{\"subnet\":{\"id\":\"/x/snet\"},\"networkInterface\":null},"
	    "\"effectiveSecurityRules\":["
	    "{\"name\":\"securityRules/a\",\"protocol\":\"Tcp\",\"direction\":\"Outbound\","
	    "\"access\":\"Deny\"},{\"name\":\"b\",\"protocol\":\"All\","
	    "\"direction\":\"Outbound\",\"access\":\"Allow\"}]}]}",
	    "NIC  Subnet  NSG  Rule Name        Protocol  Direction  Access\n"
	    "---  ------  ---  ---------------  --------  ---------  ------\n"
	    "-    snet    nsg  securityRules/a  Tcp       Outbound   Deny\n"
	    "                  b                All       Outbound   Allow\n");
}

static void any_value_becomes_a_tree(void **state)
{
	(void)state;
	assert_rendered("status",
			"{\"mode\":\"audit\",\"up\":true,\"list\":[1,\"a\",null],\"none\":{},"
			"\"queue\":{\"length\":5},\"hops\":[{\"n\":1,\"type\":\"x\"},{\"n\":22}],"
			"\"deep\":[{\"a\":{\"b\":1}}]}",
			"mode  audit\n"
			"up    yes\n"
			"list  1 a -\n"
			"none  {}\n"
			"queue\n"
			"  length  5\n"
			"hops\n"
			"  n   type\n"
			"  --  ----\n"
			"  1   x\n"
			"  22  -\n"
			"deep\n"
			"  a\n"
			"    b  1\n");
	assert_rendered("status", "\"text\"", "text\n");
}

static void control_characters_are_escaped(void **state)
{
	char *text = rendered("status",
			      "{\"a\\u001b[31m\":\"b\\u0007\\u009b2J\\n\",\"hops\":"
			      "[{\"\\u001b\":\"\\u001b]0;x\"}]}",
			      false);

	(void)state;
	assert_null(strchr(text, '\033'));
	assert_null(strchr(text, '\a'));
	assert_null(strstr(text, "\xc2\x9b"));
	assert_non_null(strstr(text, "\\x1b[31m"));
	assert_non_null(strstr(text, "\\x9b2J"));
	free(text);

	text = rendered(
	    "explain",
	    "{\"protocol\":\"TCP\",\"src\":\"\\u001b\",\"dst\":\"1\",\"gate\":\"\\u001b\","
	    "\"verdict\":\"\\u001b\",\"reason\":\"\\u001b\",\"story\":{\"gate\":{\"text\":"
	    "\"\\u001b\"},\"tags\":[{\"tag\":\"\\u001b\",\"prefix\":\"\\u001b\","
	    "\"origin\":\"\\u001b\"}],\"nsg\":\"\\u001b\",\"rules\":[{\"rule\":\"\\u001b\","
	    "\"access\":\"\\u001b\",\"protocol\":\"\\u001b\",\"source\":\"\\u001b\","
	    "\"destination\":\"\\u001b\",\"failed\":[\"\\u001b\"]}],\"routes\":[{\"prefix\":"
	    "\"\\u001b\",\"name\":\"\\u001b\",\"nextHopIpAddress\":[\"\\u001b\"],\"tag\":"
	    "\"\\u001b\",\"text\":\"\\u001b\"}],\"nextHop\":{\"text\":\"\\u001b\"},"
	    "\"farEnd\":{\"text\":\"\\u001b\",\"addresses\":[\"\\u001b\"]},"
	    "\"notices\":[\"\\u001b\",7]}}",
	    false);
	assert_null(strchr(text, '\033'));
	free(text);
}

static void color_is_optional(void **state)
{
	static const char json[] =
	    "{\"protocol\":\"TCP\",\"src\":\"1\",\"dst\":\"2\",\"gate\":\"bypass\","
	    "\"verdict\":\"accept\",\"reason\":\"bypass\",\"story\":{}}";
	char *plain = rendered("explain", json, false);
	char *color = rendered("explain", json, true);

	(void)state;
	assert_null(strchr(plain, '\033'));
	assert_non_null(strstr(color, "\033[32maccept\033[0m"));
	free(plain);
	free(color);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(az_tables_have_azs_columns),
	    cmocka_unit_test(any_value_becomes_a_tree),
	    cmocka_unit_test(control_characters_are_escaped),
	    cmocka_unit_test(color_is_optional),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
