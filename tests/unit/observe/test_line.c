/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "observe/line.h"
#include "util/cleanup.h"
#include "util/json.h"

#define RULES 6
#define ROUTES 6

static const uint32_t appliances[] = {NSG_IP4(10, 0, 100, 6), NSG_IP4(255, 255, 255, 255), 0};
static char long_name[10000];

/* The image as far as a record asks it. */
struct nsg_image_rule nsg_image_rule(const struct nsg_image *image, uint16_t index)
{
	static const struct nsg_image_rule rules[RULES] = {
	    {.name = "plain", .priority = 100, .access = NSG_ALLOW},
	    {.name = "", .priority = 4096, .access = NSG_DENY},
	    {.name = "quote \" back \\ slash / end\\", .priority = 101},
	    {.name = "\b\t\n\v\f\r\x01\x1f\x7f", .priority = 102},
	    {.name = "Stra\xc3\x9f"
		     "e \xe2\x82\xac \xf0\x9f\x98\x80",
	     .priority = 103},
	    {.name = "DenyAllOutBound", .priority = 65500, .is_default = true},
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
	static const struct nsg_image_route routes[ROUTES] = {
	    {.hop_type = NSG_HOP_INTERNET},
	    {.prefix = {NSG_IP4(10, 0, 0, 0), 8},
	     .source = NSG_SOURCE_USER,
	     .hop_type = NSG_HOP_APPLIANCE,
	     .name = "spread",
	     .hops_host = appliances,
	     .n_hops = 3},
	    {.prefix = {NSG_IP4(1, 2, 3, 4), 32},
	     .source = NSG_SOURCE_GATEWAY,
	     .hop_type = NSG_HOP_GATEWAY,
	     .hops_host = appliances,
	     .n_hops = 1},
	    {.prefix = {NSG_IP4(203, 0, 113, 0), 24}, .hop_type = NSG_HOP_NONE},
	    {.source = NSG_SOURCE_USER, .hop_type = NSG_HOP_VNET_LOCAL, .name = "\"\n"},
	    {.source = NSG_SOURCE_USER, .name = long_name},
	};

	(void)image;
	return routes[index];
}

static uint32_t draw(uint32_t n)
{
	return (uint32_t)rand() % n;
}

static uint32_t draw32(void)
{
	return (uint32_t)rand() << 16 ^ (uint32_t)rand();
}

static struct nsg_trace_record random_record(void)
{
	static const uint8_t protocols[] = {0, 1, 6, 17, 47, 50, 51, 255};
	struct nsg_trace_record r = {
	    .time_ns = (uint64_t)draw32() * 1000000007u,
	    .packet = draw(4) ? draw(1000000) : UINT64_MAX / 2,
	    .key = {.src_host = draw32(),
		    .dst_host = draw32(),
		    .sport_host = (uint16_t)draw32(),
		    .dport_host = (uint16_t)draw32(),
		    .protocol = protocols[draw(sizeof(protocols))]},
	    .host_src = draw32(),
	    .length = draw32(),
	    .decision = {.rule = (uint16_t)draw(RULES + 2),
			 .route = draw(ROUTES + 1),
			 .gate = (uint8_t)draw(NSG_GATE_MAX),
			 .verdict = (uint8_t)draw(2),
			 .reason = (uint8_t)draw(NSG_REASON_MAX),
			 .admin = (uint16_t)draw(RULES + 1)},
	    .mark = draw32(),
	    .captured = (uint16_t)draw(300),
	    .direction = (uint8_t)draw(3),
	    .enforced = draw(2),
	};

	if (r.decision.rule >= RULES)
		r.decision.rule = r.decision.rule == RULES ? NSG_RULE_NONE : NSG_RULE_NO_NSG;
	if (r.decision.route == ROUTES)
		r.decision.route = NSG_ROUTE_NONE;
	for (size_t i = 0; i < sizeof(r.payload); i++)
		r.payload[i] = (uint8_t)rand();
	return r;
}

static void a_record_has_the_contracts_members_in_order(void **state)
{
	const struct nsg_trace_record record = {
	    .time_ns = 1586908800000000042,
	    .packet = 7,
	    .key = {.src_host = NSG_IP4(10, 0, 1, 4),
		    .dst_host = NSG_IP4(10, 1, 2, 3),
		    .sport_host = 50000,
		    .dport_host = 443,
		    .protocol = NSG_PROTOCOL_TCP},
	    .host_src = NSG_IP4(192, 0, 2, 1),
	    .length = 60,
	    .decision = {.route = NSG_ROUTE_NONE,
			 .rule = NSG_RULE_NONE,
			 .gate = NSG_GATE_BYPASS,
			 .verdict = NSG_VERDICT_ACCEPT,
			 .reason = NSG_REASON_BYPASS},
	    .mark = 0x10000,
	    .captured = 3,
	    .direction = NSG_DIRECTION_REPLY,
	    .has_uid = true,
	    .uid = 1000,
	    .payload = {0x45, 0x00, 0xfe},
	};
	static const struct nsg_line_origin origin = {
	    .interface = "eth0", .cgroup = "/a\"b", .socket = 77};
	static const char text[] =
	    "<<{\"packet\":7,\"time\":\"2020-04-15T00:00:00.000000042Z\",\"length\":60,"
	    "\"direction\":\"reply\",\"protocol\":\"TCP\",\"src\":\"10.0.1.4\","
	    "\"srcPort\":50000,\"dst\":\"10.1.2.3\",\"dstPort\":443,\"gate\":\"bypass\","
	    "\"nsg\":null,\"route\":null,\"verdict\":\"accept\",\"reason\":\"bypass\","
	    "\"hostSrc\":\"192.0.2.1\",\"mark\":65536,\"enforced\":false,"
	    "\"interface\":\"eth0\",\"uid\":1000,\"cgroup\":\"/"
	    "a\\\"b\",\"socket\":77,\"payload\":\"4500fe\"}>>";
	struct nsg_line l = {0};

	(void)state;
	assert_int_equal(nsg_line_record(&l, &record, &origin, true, "<<", ">>"), 0);
	assert_int_equal(l.text.n, sizeof(text) - 1);
	assert_memory_equal(l.text.v, text, l.text.n);
	nsg_line_done(&l);
}

static void any_name_of_the_host_is_json(void **state)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
	    {"/user.slice/a.scope", "/user.slice/a.scope"},
	    {"/b\033[31m\n\"", "/b\033[31m\n\""},
	    {"/caf\xc3\xa9", "/caf\xc3\xa9"},
	    {"/caf\xe9\033", "/caf\\xe9\\x1b"},
	    {"/\xed\xa0\x80", "/\\xed\\xa0\\x80"}, /* a surrogate */
	    {"", ""},
	};
	struct nsg_line l = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct nsg_line_origin origin = {.interface = rows[i].name,
						       .cgroup = rows[i].name};
		struct nsg_trace_record r = random_record();
		cleanup_json json_t *json = NULL;

		assert_int_equal(nsg_line_record(&l, &r, &origin, false, "", ""), 0);
		json = json_loadb(l.text.v, l.text.n, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(json);
		assert_string_equal(json_string_value(json_object_get(json, "cgroup")),
				    rows[i].text);
		assert_string_equal(json_string_value(json_object_get(json, "interface")),
				    rows[i].text);
	}
	nsg_line_done(&l);
}

/* jansson reads the text and writes the same one: it is JSON, escaped as jansson does it. */
static void a_line_is_json_to_the_byte(void **state)
{
	static const struct nsg_line_origin origin = {0};
	struct nsg_line l = {0};

	(void)state;
	srand(11);
	memset(long_name, 'x', sizeof(long_name) - 1);
	for (int i = 0; i < 20000; i++) {
		struct nsg_trace_record r = random_record();
		cleanup_json json_t *json = NULL;
		cleanup_free char *text = NULL;

		has_admin_rules = i % 3 == 0;
		assert_int_equal(nsg_line_record(&l, &r, &origin, i % 2, "", ""), 0);
		json = json_loadb(l.text.v, l.text.n, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(json);
		text = nsg_json_line(json);
		assert_int_equal(l.text.n, strlen(text));
		assert_memory_equal(l.text.v, text, l.text.n);
	}
	nsg_line_done(&l);
}

static void numbers_and_addresses_are_those_of_printf(void **state)
{
	uint64_t packet = 0; /* 0, 9, 10, 99, 100 ... */
	struct nsg_line l = {0};

	(void)state;
	for (unsigned int i = 0; i < 256; i++) {
		uint64_t ns = packet % 1000000000;
		char expected[256];

		nsg_line_begin(&l);
		nsg_line_put_packet(&l, packet, 1586908800000000000 + ns, i * 1000,
				    NSG_DIRECTION_INBOUND);
		nsg_line_put_address(&l, NSG_IP4(i, 255 - i, i / 2, i));
		assert_int_equal(l.error, 0);
		(void)snprintf(expected, sizeof(expected),
			       "\"packet\":%" PRIu64 ",\"time\":\"2020-04-15T00:00:00.%09" PRIu64
			       "Z\",\"length\":%u,\"direction\":\"inbound\"%u.%u.%u.%u",
			       packet, ns, i * 1000, i, 255 - i, i / 2, i);
		assert_int_equal(l.text.n, strlen(expected));
		assert_memory_equal(l.text.v, expected, l.text.n);
		packet = packet > UINT64_MAX / 20
			     ? UINT64_MAX
			     : packet + (i % 2 ? 1 : 9 * (packet ? packet : 1));
	}
	nsg_line_done(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_record_has_the_contracts_members_in_order),
	    cmocka_unit_test(any_name_of_the_host_is_json),
	    cmocka_unit_test(a_line_is_json_to_the_byte),
	    cmocka_unit_test(numbers_and_addresses_are_those_of_printf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
