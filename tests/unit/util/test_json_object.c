/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "util/cleanup.h"
#include "util/json.h"
#include "util/json_object.h"

static void reads_as_the_object(void **state)
{
	cleanup_json json_t *shared = json_array();
	cleanup_json json_t *object =
	    NSG_JSON_OBJECT(PAIR_S("name", "a"), PAIR_S("alias", NULL), PAIR_I("n", UINT32_MAX),
			    PAIR_B("up", 1), PAIR_N("via"), PAIR_J("list", json_incref(shared)),
			    PAIR_J("inner", NSG_JSON_OBJECT(PAIR_I("n", 0))));
	cleanup_free char *text = NULL;

	(void)state;
	assert_int_equal(NSG_JSON_ADD(object, PAIR_S("last", "a\xff")), 0);
	text = nsg_json_line(object);
	assert_string_equal(text,
			    "{\"name\":\"a\",\"alias\":null,\"n\":4294967295,\"up\":true,"
			    "\"via\":null,\"list\":[],\"inner\":{\"n\":0},\"last\":\"a\\\\xff\"}");
}

/* The leak checker sees whether what was made is freed. */
static void one_missing_value_spoils_the_tree(void **state)
{
	cleanup_json json_t *object =
	    NSG_JSON_OBJECT(PAIR_S("a", "a"), PAIR_J("b", NULL), PAIR_S("c", "c"));
	cleanup_json json_t *outer = NSG_JSON_OBJECT(PAIR_J("a", json_incref(object)));

	(void)state;
	assert_null(object);
	assert_null(outer);
	assert_int_equal(NSG_JSON_ADD(NULL, PAIR_S("a", "a")), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_as_the_object),
	    cmocka_unit_test(one_missing_value_spoils_the_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
