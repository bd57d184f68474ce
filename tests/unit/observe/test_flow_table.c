/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "observe/flow_table.h"
#include "util/cleanup.h"
#include "util/ip.h"

#define MINUTE 60000u
#define START 1000000u

struct log {
	struct nsg_flow_table *table;
	struct nsg_flow_block *block;
};

static const struct nsg_flow_rule rule = {"UserRule_a", true};

static int setup(void **state)
{
	struct log *l = calloc(1, sizeof(*l));

	l->table = nsg_flow_table_new();
	l->block = nsg_flow_block_new(true);
	*state = l;
	return !l->table || !l->block;
}

static int teardown(void **state)
{
	struct log *l = *state;

	nsg_flow_table_free(l->table);
	nsg_flow_block_free(l->block);
	free(l);
	return 0;
}

static struct nsg_logged_flow flow(uint32_t id, uint64_t packets)
{
	return (struct nsg_logged_flow){
	    .id = id,
	    .key = {NSG_IP4(192, 168, 1, 2), NSG_IP4(10, 0, 2, 4), 5000, 443, 6, {0}},
	    .source_host = NSG_IP4(10, 0, 1, 4),
	    .counts = {packets, 100 * packets, packets / 2, 50 * packets},
	};
}

/* The states and counters of the tuples since the last call, e.g. "B,,,, E,2,200,1,100 ". */
static void assert_tuples(struct log *l, const char *want)
{
	static const struct nsg_flow_origin origin = {
	    .nsg_format = true, .log_guid = "", .mac = "", .vnet_id = "", .nsg_id = ""};
	cleanup_free char *text = nsg_flow_block_take(l->block, &origin, 0);
	char got[512] = "";

	assert_null(strstr(text, "192.168.1.2"));
	for (const char *p = text; (p = strstr(p, ",O,A,")); p += 5) {
		(void)strncat(got, p + 5, strcspn(p + 5, "\""));
		(void)strcat(got, " ");
	}
	assert_string_equal(got, want);
}

static void a_flow_begins_goes_on_and_ends(void **state)
{
	struct log *l = *state;
	struct nsg_logged_flow f = flow(1, 0);

	assert_int_equal(nsg_flow_table_add(l->table, &f, &rule, START, true, l->block), 0);
	assert_tuples(l, "B,,,, ");
	f = flow(1, 10);
	assert_int_equal(nsg_flow_table_seen(l->table, &f, START + 4 * MINUTE, l->block), 0);
	assert_tuples(l, "");
	assert_false(nsg_flow_table_is_due(l->table, START + 5 * MINUTE - 1));
	assert_true(nsg_flow_table_is_due(l->table, START + 5 * MINUTE));
	f = flow(1, 14);
	assert_int_equal(nsg_flow_table_seen(l->table, &f, START + 5 * MINUTE, l->block), 0);
	assert_tuples(l, "C,14,1400,7,700 ");
	f = flow(1, 20);
	assert_int_equal(nsg_flow_table_ended(l->table, &f, START + 6 * MINUTE, l->block), 0);
	assert_tuples(l, "E,6,600,3,300 ");
	assert_int_equal(nsg_flow_table_size(l->table), 0);
	assert_int_equal(nsg_flow_table_ended(l->table, &f, START + 6 * MINUTE, l->block), -ENOENT);
}

/* Its packets from before are not this log's. */
static void a_flow_from_before_has_no_begin(void **state)
{
	struct log *l = *state;
	struct nsg_logged_flow f = flow(1, 100);

	assert_int_equal(nsg_flow_table_add(l->table, &f, &rule, START, false, l->block), 0);
	assert_tuples(l, "");
	f = flow(1, 102);
	assert_int_equal(nsg_flow_table_ended(l->table, &f, START + 1, l->block), 0);
	assert_tuples(l, "E,2,200,1,100 ");
}

/* The same ports again are another flow, of another id. */
static void what_a_look_does_not_find_has_ended(void **state)
{
	struct log *l = *state;
	struct nsg_logged_flow a = flow(1, 4), b = flow(2, 0);

	assert_int_equal(nsg_flow_table_add(l->table, &a, &rule, START, true, l->block), 0);
	assert_int_equal(nsg_flow_table_add(l->table, &b, &rule, START, true, l->block), 0);
	assert_tuples(l, "B,,,, B,,,, ");
	nsg_flow_table_begin_look(l->table);
	assert_int_equal(nsg_flow_table_seen(l->table, &b, START + MINUTE, l->block), 0);
	assert_int_equal(nsg_flow_table_end_look(l->table, START + MINUTE, l->block), 0);
	assert_tuples(l, "E,4,400,2,200 ");
	assert_false(nsg_flow_table_has(l->table, &a));
	assert_true(nsg_flow_table_has(l->table, &b));
}

static void many_flows_are_found_again(void **state)
{
	struct log *l = *state;

	for (uint32_t id = 1; id <= 5000; id++) {
		struct nsg_logged_flow f = flow(id, 0);

		assert_int_equal(nsg_flow_table_add(l->table, &f, &rule, START, true, l->block), 0);
	}
	for (uint32_t id = 1; id <= 5000; id += 2) {
		struct nsg_logged_flow f = flow(id, 1);

		assert_int_equal(nsg_flow_table_ended(l->table, &f, START, l->block), 0);
	}
	assert_int_equal(nsg_flow_table_size(l->table), 2500);
	for (uint32_t id = 1; id <= 5000; id++) {
		struct nsg_logged_flow f = flow(id, 0);

		assert_int_equal(nsg_flow_table_has(l->table, &f), !(id % 2));
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_flow_begins_goes_on_and_ends),
	    TEST(a_flow_from_before_has_no_begin),
	    TEST(what_a_look_does_not_find_has_ended),
	    TEST(many_flows_are_found_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
