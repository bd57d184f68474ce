/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/macro.h"

#include <stdio.h>
#include <stdlib.h>

/* The value of parameters('p') for a declaration and a given value (NULL: none). */
static const struct {
	const char *decl, *given;
	const char *value, *fails;
} cases[] = {
    {"{'type': 'string'}", "{'value': 'x'}", "'x'", NULL},
    {"{'type': 'string', 'defaultValue': 'd'}", NULL, "'d'", NULL},
    {"{'type': 'string', 'defaultValue': 'd'}", "{'value': 'x'}", "'x'", NULL},
    {"{'type': 'string', 'defaultValue': 'd'}", "{'value': null}", "'d'", NULL},
    {"{'type': 'string', 'defaultValue': '[concat(`a`, `b`)]'}", NULL, "'ab'", NULL},
    {"{'type': 'string', 'defaultValue': '[parameters(`q`)]'}", NULL, "'other'", NULL},
    /* a parameters document has no expressions: they are text */
    {"{'type': 'string'}", "{'value': '[concat(`a`)]'}", "'[concat(`a`)]'", NULL},
    {"{'type': 'string'}", NULL, NULL, "parameter 'p' has no value"},
    {"{'type': 'string'}", "{'reference': {'secretName': 's'}}", NULL, "in a key vault"},
    {"{'type': 'string', 'nullable': true}", NULL, "null", NULL},
    {"{'type': 'string', 'nullable': true}", "{'value': null}", "null", NULL},
    {"{'$ref': '#/definitions/name'}", NULL, "null", NULL},
    {"{'$ref': '#/definitions/name'}", "{'value': 'long enough'}", "'long enough'", NULL},
    {"{'$ref': '#/definitions/name'}", "{'value': 'x'}", NULL, "at least minLength long"},
    {"{'$ref': '#/definitions/name'}", "{'value': 1}", NULL, "its value must be a string"},
    {"{'$ref': '#/definitions/loop'}", "{'value': 1}", "1", NULL},
    {"{'type': 'int'}", "{'value': 5}", "5", NULL},
    {"{'type': 'Int'}", "{'value': '5'}", "5", NULL},
    {"{'type': 'int'}", "{'value': '5x'}", NULL, "its value must be an integer"},
    {"{'type': 'int'}", "{'value': ''}", NULL, "its value must be an integer"},
    {"{'type': 'int'}", "{'value': [1]}", NULL, "its value must be an integer"},
    {"{'type': 'bool'}", "{'value': false}", "false", NULL},
    {"{'type': 'bool'}", "{'value': 'True'}", "true", NULL},
    {"{'type': 'bool'}", "{'value': 'yes'}", NULL, "its value must be true or false"},
    {"{'type': 'object'}", "{'value': {'a': 1}}", "{'a': 1}", NULL},
    {"{'type': 'object'}", "{'value': 'a'}", NULL, "its value must be an object"},
    {"{'type': 'array'}", "{'value': [1]}", "[1]", NULL},
    {"{'type': 'array'}", "{'value': {}}", NULL, "its value must be an array"},
    {"{'type': 'secureString'}", "{'value': 's'}", "'s'", NULL},
    {"{'type': 'colour'}", "{'value': 's'}", NULL, "unknown type 'colour'"},
    {"{'type': 'string', 'allowedValues': ['Allow', 'Deny']}", "{'value': 'deny'}", "'deny'", NULL},
    {"{'type': 'string', 'allowedValues': ['Allow', 'Deny']}", "{'value': 'x'}", NULL,
     "its value must be one of allowedValues"},
    {"{'type': 'array', 'allowedValues': [1, 2, 3]}", "{'value': [1, 3]}", "[1, 3]", NULL},
    {"{'type': 'array', 'allowedValues': [1, 2, 3]}", "{'value': [1, 4]}", NULL, "allowedValues"},
    {"{'type': 'array', 'allowedValues': [1]}", "{'value': [[1]]}", NULL, "allowedValues"},
    {"{'type': 'int', 'minValue': 100, 'maxValue': 4096}", "{'value': 100}", "100", NULL},
    {"{'type': 'int', 'minValue': 100, 'maxValue': 4096}", "{'value': 99}", NULL,
     "at least minValue"},
    {"{'type': 'int', 'minValue': 100, 'maxValue': 4096}", "{'value': 4097}", NULL,
     "at most maxValue"},
    {"{'type': 'array', 'maxLength': 1}", "{'value': [1, 2]}", NULL, "at most maxLength long"},
    {"{}", "{'value': 3}", "3", NULL},
    {"'not an object'", "{'value': 3}", "3", NULL},
};

static void values(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(cases); i++) {
		cleanup_free char *template = NULL, *given = NULL, *expected = NULL;
		cleanup_outcome struct outcome o = {0};

		assert_true(
		    asprintf(&template,
			     "{'parameters': {'p': %s, 'q': {'type': 'string', "
			     "'defaultValue': 'other'}}, 'definitions': {'name': {'type': "
			     "'string', 'minLength': 3, 'nullable': true}, 'loop': {'$ref': "
			     "'#/definitions/loop'}},"
			     "'resources': [{'type': 'Microsoft.Network/routeTables', "
			     "'name': 'n', 'properties': {'x': '[parameters(`P`)]'}}]}",
			     cases[i].decl) > 0);
		if (cases[i].given)
			assert_true(asprintf(&given, "{'parameters': {'P': %s}}", cases[i].given) >
				    0);
		o = evaluate(template, given);
		if (cases[i].fails) {
			assert_error(&o, "/resources/0/properties/x", cases[i].fails);
			continue;
		}
		assert_true(asprintf(&expected,
				     "{'name': 'n', 'type': 'Microsoft.Network/routeTables', "
				     "'properties': {'x': %s}}",
				     cases[i].value) > 0);
		assert_resource(&o, 0, expected);
	}
}

static void a_document_may_hold_the_parameters_alone(void **state)
{
	cleanup_outcome struct outcome o =
	    evaluate("{'parameters': {'p': {'type': 'string'}}, 'resources': [{'type':"
		     " 'Microsoft.Network/routeTables', 'name': '[parameters(`p`)]'}]}",
		     "{'p': {'value': 'r'}, 'unknown': {'value': 1}}");

	(void)state;
	assert_resource(&o, 0, "{'name': 'r', 'type': 'Microsoft.Network/routeTables'}");
}

static void a_missing_value_is_reported_once(void **state)
{
	cleanup_outcome struct outcome o = evaluate(
	    "{'parameters': {'p': {'type': 'string'}, 'q': {'type': 'int'}},"
	    " 'variables': {'v': '[parameters(`p`)]'},"
	    " 'resources': [{'type': 'Microsoft.Network/routeTables', 'name': 'n', 'properties':"
	    " {'a': '[parameters(`p`)]', 'b': '[variables(`v`)]', 'c': '[parameters(`q`)]'}}]}",
	    NULL);

	(void)state;
	assert_int_equal(o.diag.n, 2);
	assert_error(&o, "/resources/0/properties/a", "parameter 'p' has no value");
	assert_error(&o, "/resources/0/properties/c", "parameter 'q' has no value");
	assert_string_equal(o.diag.v[0].code, "InvalidTemplate");
}

static void circles_end(void **state)
{
	cleanup_outcome struct outcome o = evaluate(
	    "{'parameters': {'p': {'type': 'string', 'defaultValue': '[parameters(`q`)]'},"
	    " 'q': {'type': 'string', 'defaultValue': '[parameters(`p`)]'}},"
	    " 'resources': [{'type': 'Microsoft.Network/routeTables', 'name': 'n', 'properties':"
	    " {'a': '[parameters(`p`)]'}}]}",
	    NULL);

	(void)state;
	assert_error(&o, "/resources/0/properties/a", "parameter 'p' refers to itself");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values),
	    cmocka_unit_test(a_document_may_hold_the_parameters_alone),
	    cmocka_unit_test(a_missing_value_is_reported_once),
	    cmocka_unit_test(circles_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
