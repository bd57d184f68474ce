/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "observe/line.h"
#include "observe/record.h"
#include "util/cleanup.h"
#include "util/json.h"

#define RULES 6
#define ROUTES 5

static const uint32_t appliances[] = {NSG_IP4(10, 0, 100, 6), NSG_IP4(255, 255, 255, 255), 0};
static char long_name[NSG_LINE_BYTES + 1];

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

struct nsg_image_route nsg_image_route(const struct nsg_image *image, uint32_t index)
{
	static const struct nsg_image_route routes[ROUTES + 1] = {
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
			 .reason = (uint8_t)draw(NSG_REASON_MAX)},
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

static void a_line_is_the_records_json_to_the_byte(void **state)
{
	static struct nsg_line l;

	(void)state;
	srand(11);
	for (int i = 0; i < 20000; i++) {
		struct nsg_trace_record r = random_record();
		cleanup_json json_t *json = nsg_record_json(NULL, &r);
		cleanup_free char *text = NULL;

		assert_non_null(json);
		if (i % 2)
			assert_int_equal(nsg_record_put_payload(json, &r), 0);
		text = nsg_json_line(json);
		assert_non_null(text);
		assert_int_equal(nsg_line_record(&l, NULL, &r, i % 2, "<<", ">>\n"), 0);
		assert_int_equal(l.n, strlen(text) + 5);
		assert_memory_equal(l.text, "<<", 2);
		assert_memory_equal(l.text + 2, text, l.n - 5);
		assert_memory_equal(l.text + l.n - 3, ">>\n", 3);
	}
}

static void what_does_not_fit_is_refused(void **state)
{
	static struct nsg_line l;
	struct nsg_trace_record r = random_record();

	(void)state;
	memset(long_name, 'x', NSG_LINE_BYTES);
	r.decision.route = ROUTES;
	assert_int_equal(nsg_line_record(&l, NULL, &r, true, "", ""), -EMSGSIZE);
	/* Every length around the edge: never a byte too many. */
	for (size_t n = NSG_LINE_BYTES - 1200; n < NSG_LINE_BYTES; n++) {
		long_name[n] = '\0';
		if (!nsg_line_record(&l, NULL, &r, true, "", "\n"))
			assert_int_equal(l.text[l.n - 1], '\n');
		long_name[n] = 'x';
	}
	r.decision.route = 0;
	assert_int_equal(nsg_line_record(&l, NULL, &r, true, "", ""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_line_is_the_records_json_to_the_byte),
	    cmocka_unit_test(what_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
