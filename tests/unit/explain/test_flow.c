/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "explain/flow.h"
#include "util/json.h"
#include "util/limits.h"

/* The canonical form of a flow line, or its id and a mark that it is an error. */
static char *read_line(const char *line, size_t size)
{
	json_t *value = NULL;
	int r = nsg_flow_line(line, size, &value);
	char *text = NULL;

	if (r == 0) {
		assert_null(value);
		return strdup("");
	}
	if (r == -EINVAL) {
		assert_int_equal(json_object_size(value), 2);
		assert_true(json_string_length(json_object_get(value, "error")) > 0);
		json_object_set_new(value, "error", json_string("*"));
	} else {
		assert_int_equal(r, 1);
	}
	text = nsg_json_line(value);
	json_decref(value);
	return text;
}

#define FLOW "\"src\":\"10.0.1.4\",\"srcPort\":1,\"dst\":\"8.8.8.8\",\"dstPort\":2}"
#define BARE "\"src\":\"10.0.1.4\",\"srcPort\":0,\"dst\":\"8.8.8.8\",\"dstPort\":0}"

static void reads_every_spelling_and_writes_one(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
	    {"{\"id\":\"a\",\"protocol\":\"tcp\"," FLOW,
	     "{\"id\":\"a\",\"protocol\":\"TCP\"," FLOW},
	    {" {\"dstPort\":2,\"dst\":\"8.8.8.8\",\"srcPort\":1,\"src\":\"10.0.1.4\","
	     "\"protocol\":17,\"id\":\"a\",\"more\":[1,{}]} \r",
	     "{\"id\":\"a\",\"protocol\":\"UDP\"," FLOW},
	    {"{\"id\":\"\",\"protocol\":\"6\"," FLOW, "{\"id\":\"\",\"protocol\":\"TCP\"," FLOW},
	    {"{\"id\":\"a\",\"protocol\":\"Esp\",\"src\":\"10.0.1.4\",\"dst\":\"8.8.8.8\"}",
	     "{\"id\":\"a\",\"protocol\":\"ESP\"," BARE},
	    {"{\"id\":\"a\",\"protocol\":47," BARE, "{\"id\":\"a\",\"protocol\":47," BARE},
	    {"{\"id\":\"a\",\"protocol\":0," BARE, "{\"id\":\"a\",\"protocol\":0," BARE},
	    {"{\"id\":\"a\",\"protocol\":\"255\"," BARE, "{\"id\":\"a\",\"protocol\":255," BARE},
	    {"{\"id\":\"\\u0000\\u001b\",\"protocol\":1," BARE,
	     "{\"id\":\"\\u0000\\u001B\",\"protocol\":\"ICMP\"," BARE},
	    {"{\"id\":\"a\",\"protocol\":\"TCP\",\"src\":\"FD00:0:0::4\",\"srcPort\":65535,"
	     "\"dst\":\"2001:0DB8:0:1:0:0:0:1\",\"dstPort\":0}",
	     "{\"id\":\"a\",\"protocol\":\"TCP\",\"src\":\"fd00::4\",\"srcPort\":65535,"
	     "\"dst\":\"2001:db8:0:1::1\",\"dstPort\":0}"},
	    {"", ""},
	    {" \t\r", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = read_line(cases[i].in, strlen(cases[i].in));

		assert_string_equal(text, cases[i].out);
		free(text);
	}
}

static void an_invalid_line_is_an_error_with_its_id(void **state)
{
	static const struct {
		const char *line, *id;
	} cases[] = {
	    {"{not json", "null"},
	    {"{\"id\":\"a\"", "null"},
	    {"[]", "null"},
	    {"7", "null"},
	    {"{\"id\":\"a\",\"protocol\":6," FLOW " {}", "null"},
	    {"\xef\xbb\xbf{}", "null"},
	    {"{\"id\":\"\xff\",\"protocol\":6," FLOW, "null"},
	    {"{\"protocol\":6," FLOW, "null"},
	    {"{\"id\":5,\"protocol\":6," FLOW, "null"},
	    {"{\"id\":null,\"protocol\":6," FLOW, "null"},
	    {"{\"id\":\"a\"," FLOW, "\"a\""},
	    {"{\"id\":\"a\",\"protocol\":\"TCPX\"," FLOW, "\"a\""},
	    {"{\"id\":\"a\",\"protocol\":\"TCP\\u0000\"," FLOW, "\"a\""},
	    {"{\"id\":\"a\",\"protocol\":\"\"," FLOW, "\"a\""},
	    {"{\"id\":\"a\",\"protocol\":\"256\"," FLOW, "\"a\""},
	    {"{\"id\":\"a\",\"protocol\":256," FLOW, "\"a\""},
	    {"{\"id\":\"a\",\"protocol\":-1," FLOW, "\"a\""},
	    {"{\"id\":\"a\",\"protocol\":6.0," FLOW, "\"a\""},
	    {"{\"id\":\"a\",\"protocol\":true," FLOW, "\"a\""},
	    {"{\"id\":\"a\",\"protocol\":\"*\"," FLOW, "\"a\""},
	    {"{\"id\":\"a\",\"protocol\":6,\"srcPort\":1,\"dst\":\"8.8.8.8\",\"dstPort\":2}",
	     "\"a\""},
	    {"{\"id\":\"a\",\"protocol\":6,\"src\":\"10.0.1.4\",\"srcPort\":1,\"dstPort\":2}",
	     "\"a\""},
	    {"{\"id\":\"a\",\"protocol\":6,\"src\":\"10.0.1.256\",\"srcPort\":1,"
	     "\"dst\":\"8.8.8.8\",\"dstPort\":2}",
	     "\"a\""},
	    {"{\"id\":\"a\",\"protocol\":6,\"src\":\"10.0.1.4/32\",\"srcPort\":1,"
	     "\"dst\":\"8.8.8.8\",\"dstPort\":2}",
	     "\"a\""},
	    {"{\"id\":\"a\",\"protocol\":6,\"src\":\"fd00::4\",\"srcPort\":1,"
	     "\"dst\":\"8.8.8.8\",\"dstPort\":2}",
	     "\"a\""},
	    {"{\"id\":\"a\",\"protocol\":6,\"src\":\"fe80::4%eth0\",\"srcPort\":1,"
	     "\"dst\":\"fe80::1\",\"dstPort\":2}",
	     "\"a\""},
	    {"{\"id\":\"a\",\"protocol\":6,\"src\":167772420,\"srcPort\":1,"
	     "\"dst\":\"8.8.8.8\",\"dstPort\":2}",
	     "\"a\""},
	    {"{\"id\":\"a\",\"protocol\":6,\"src\":\"10.0.1.4\",\"dst\":\"8.8.8.8\","
	     "\"dstPort\":2}",
	     "\"a\""},
	    {"{\"id\":\"a\",\"protocol\":17,\"src\":\"10.0.1.4\",\"srcPort\":1,"
	     "\"dst\":\"8.8.8.8\"}",
	     "\"a\""},
	    {"{\"id\":\"a\",\"protocol\":6,\"src\":\"10.0.1.4\",\"srcPort\":65536,"
	     "\"dst\":\"8.8.8.8\",\"dstPort\":2}",
	     "\"a\""},
	    {"{\"id\":\"a\",\"protocol\":6,\"src\":\"10.0.1.4\",\"srcPort\":\"1\","
	     "\"dst\":\"8.8.8.8\",\"dstPort\":2}",
	     "\"a\""},
	    {"{\"id\":\"a\",\"protocol\":6,\"src\":\"10.0.1.4\",\"srcPort\":-1,"
	     "\"dst\":\"8.8.8.8\",\"dstPort\":2}",
	     "\"a\""},
	    {"{\"id\":\"a\",\"protocol\":6,\"src\":\"10.0.1.4\",\"srcPort\":null,"
	     "\"dst\":\"8.8.8.8\",\"dstPort\":2}",
	     "\"a\""},
	    {"{\"id\":\"a\",\"protocol\":1,\"src\":\"10.0.1.4\",\"dst\":\"8.8.8.8\","
	     "\"dstPort\":8}",
	     "\"a\""},
	    {"{\"id\":\"a\",\"protocol\":6,\"protocol\":6," FLOW, "\"a\""},
	    {"{\"id\":\"a\",\"protocol\":6,\"x\":{\"y\":1,\"y\":1}," FLOW, "\"a\""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = read_line(cases[i].line, strlen(cases[i].line));
		char expected[64];

		(void)snprintf(expected, sizeof(expected), "{\"id\":%s,\"error\":\"*\"}",
			       cases[i].id);
		if (strcmp(text, expected) != 0)
			fail_msg("%s: %s", cases[i].line, text);
		free(text);
	}
}

static void a_line_may_be_one_mebibyte_long(void **state)
{
	static const char flow[] = "{\"id\":\"a\",\"protocol\":6," FLOW;
	size_t size = NSG_MAX_FLOW_LINE_BYTES + 1;
	char *line = malloc(size);
	char *text;

	(void)state;
	assert_non_null(line);
	memset(line, ' ', size);
	memcpy(line, flow, sizeof(flow) - 1);
	text = read_line(line, size - 1);
	assert_string_equal(text, "{\"id\":\"a\",\"protocol\":\"TCP\"," FLOW);
	free(text);
	text = read_line(line, size);
	assert_string_equal(text, "{\"id\":null,\"error\":\"*\"}");
	free(text);
	free(line);
}

static void depth_is_bounded(void **state)
{
	size_t n = 200000;
	char *line = malloc(n);
	char *text;

	(void)state;
	assert_non_null(line);
	memset(line, '[', n);
	text = read_line(line, n);
	assert_string_equal(text, "{\"id\":null,\"error\":\"*\"}");
	free(text);
	free(line);
}

/* Whether refused depends on the profile and route-all; some destinations never are. */
static void ip6_is_refused_or_passes_by(void **state)
{
	static const struct {
		const char *profile;
		bool route_all;
		const char *dst, *gate;
	} t[] = {
	    {"2020-04", false, "2001:db8::1", "not-carried"},
	    {"2020-04", true, "2001:db8::1", "not-carried"},
	    {"current", true, "2001:db8::1", "not-carried"},
	    {"current", false, "2001:db8::1", "bypass"},
	    {"2020-04", true, "::1", "bypass"},
	    {"2020-04", true, "::2", "not-carried"},
	    {"2020-04", true, "FF02::1", "bypass"},
	    {"2020-04", true, "fe80::1", "bypass"},
	    {"2020-04", true, "febf::1", "bypass"},
	    {"2020-04", true, "fec0::1", "not-carried"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		const struct nsg_effective e = {.profile = nsg_profile_find(t[i].profile),
						.route_all = t[i].route_all};
		bool refused = strcmp(t[i].gate, "bypass") != 0;
		json_t *object = json_pack("{sisssssisi}", "protocol", 17, "src", "fd00::4", "dst",
					   t[i].dst, "srcPort", 1, "dstPort", 53);
		json_t *id = json_string("six"), *value = NULL;
		struct nsg_flow flow;
		const char *why = NULL;

		assert_int_equal(nsg_flow_read(object, &flow, &why), 0);
		assert_int_equal(nsg_flow_decide(&e, NULL, &flow, id, &value), 0);
		assert_string_equal(json_string_value(json_object_get(value, "gate")), t[i].gate);
		assert_string_equal(json_string_value(json_object_get(value, "reason")), t[i].gate);
		assert_string_equal(json_string_value(json_object_get(value, "verdict")),
				    refused ? "drop" : "accept");
		json_decref(value);
		json_decref(id);
		json_decref(object);
	}
}

static void a_flow_needs_no_id_to_be_a_key(void **state)
{
	json_t *object = json_loads("{\"protocol\":\"UDP\"," FLOW, 0, NULL);
	struct nsg_flow flow;
	const char *why = NULL;

	(void)state;
	assert_int_equal(nsg_flow_read(object, &flow, &why), 0);
	assert_false(flow.is_ip6);
	assert_int_equal(flow.key.protocol, 17);
	assert_int_equal(flow.key.src_host, 0x0a000104);
	assert_int_equal(flow.key.dst_host, 0x08080808);
	assert_int_equal(flow.key.sport_host, 1);
	assert_int_equal(flow.key.dport_host, 2);
	json_decref(object);
	assert_int_equal(nsg_flow_read(NULL, &flow, &why), -EINVAL);
	assert_non_null(why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_every_spelling_and_writes_one),
	    cmocka_unit_test(an_invalid_line_is_an_error_with_its_id),
	    cmocka_unit_test(a_line_may_be_one_mebibyte_long),
	    cmocka_unit_test(depth_is_bounded),
	    cmocka_unit_test(ip6_is_refused_or_passes_by),
	    cmocka_unit_test(a_flow_needs_no_id_to_be_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
