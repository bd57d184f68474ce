/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stand-ins, and the limits of work, depth and memory. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/limits.h"
#include "util/macro.h"

static void unknown_names_stay_consistent(void **state)
{
	cleanup_outcome struct outcome o = evaluate(
	    "{'parameters': {'p': {'type': 'string'}}, 'variables': {'v': '[parameters(`p`)]'},"
	    " 'resources': ["
	    "{'type': 'Microsoft.Network/networkSecurityGroups', 'name': '[parameters(`p`)]'},"
	    "{'type': 'Microsoft.Network/networkSecurityGroups', 'name': '[parameters(`P`)]'},"
	    "{'type': 'Microsoft.Network/networkSecurityGroups', 'name': '[variables(`v`)]'},"
	    "{'type': 'Microsoft.Network/networkSecurityGroups', 'name': '[reference(`x`).y]'},"
	    "{'type': 'Microsoft.Network/networkSecurityGroups/securityRules',"
	    " 'name': '[format(`{0}/{1}`, parameters(`p`), `rule`)]'}]}",
	    NULL);
	const char *names[5];
	char child[100];

	(void)state;
	assert_int_equal(o.r, 0);
	assert_int_equal(o.n, 5);
	for (size_t i = 0; i < 5; i++)
		names[i] = json_string_value(json_object_get(o.v[i].resource, "name"));
	assert_memory_equal(names[0], "unknown-", 8);
	assert_string_equal(names[0], names[1]);
	assert_string_equal(names[0], names[2]);
	assert_string_not_equal(names[0], names[3]);
	snprintf(child, sizeof(child), "%s/rule", names[0]);
	assert_string_equal(names[4], child);
}

static void copies_get_distinct_names(void **state)
{
	cleanup_outcome struct outcome o = evaluate(
	    "{'resources': [{'type': 'Microsoft.Network/routeTables', 'copy': {'name': 'c',"
	    " 'count': 2}, 'name': '[format(`{0}-{1}`, reference(`x`).y, copyIndex())]'}]}",
	    NULL);

	(void)state;
	assert_int_equal(o.n, 2);
	assert_string_not_equal(json_string_value(json_object_get(o.v[0].resource, "name")),
				json_string_value(json_object_get(o.v[1].resource, "name")));
}

/* The template must fail with these words, and soon. */
static void refused_soon(const char *template, const char *words)
{
	struct timespec begin, end;
	struct outcome o;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	o = evaluate(template, NULL);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_int_equal(o.r, -EINVAL);
	assert_int_equal(o.diag.n, 1);
	if (!strstr(o.diag.v[0].text, words))
		fail_msg("%s", o.diag.v[0].text);
	assert_non_null(o.diag.v[0].pointer);
	assert_true(end.tv_sec - begin.tv_sec < 20);
	outcome_done(&o);
}

#define TABLE(members)                                                                             \
	"'resources': [{'type': 'Microsoft.Network/routeTables', 'name': 'n', " members "}]"

static void copies_are_bounded(void **state)
{
	(void)state;
	refused_soon("{" TABLE("'copy': {'name': 'c', 'count': 1000000000}") "}",
		     "Azure allows at most 800");
	refused_soon("{" TABLE("'copy': {'name': 'c', 'count': -1}") "}", "an integer from 0");
	refused_soon("{" TABLE("'copy': {'name': 'c', 'count': '3'}") "}", "an integer from 0");
	refused_soon("{" TABLE("'copy': {'name': 'c'}") "}", "the copy loop has no count");
	refused_soon("{" TABLE("'properties': {'copy': [{'name': 'x', 'count': '[mul(1000, 1000)]',"
			       " 'input': 1}]}") "}",
		     "Azure allows at most 800");
	refused_soon("{'resources': [{'type': 'Other/type', 'name': 'n', 'copy': {'name': 'c',"
		     " 'count': 1000000000}}]}",
		     "Azure allows at most 800");
}

static void copies_in_copies_are_bounded(void **state)
{
	(void)state;
	refused_soon(
	    "{" TABLE("'copy': {'name': 'c', 'count': 800}, 'properties': {'copy': [{'name':"
		      " 'x', 'count': 800, 'input': {'copy': [{'name': 'y', 'count': 800,"
		      " 'input': 1}]}}]}") "}",
	    "evaluation takes more than");
}

/* v1 is twice v0, v2 twice v1 … */
static void strings_are_bounded(void **state)
{
	cleanup_free char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	fputs("{'variables': {'v0': 'ab'", out);
	for (int i = 1; i < 60; i++)
		fprintf(out, ", 'v%d': '[concat(variables(`v%d`), variables(`v%d`))]'", i, i - 1,
			i - 1);
	fputs("}, " TABLE("'properties': {'x': '[variables(`v59`)]'}") "}", out);
	fclose(out);
	refused_soon(text, "evaluation takes more than");
}

/* Arrays share their parts, so only a walk finds out their size. */
static void trees_are_bounded(void **state)
{
	static const char *const uses[] = {
	    "variables(`v59`)",
	    "string(variables(`v59`))",
	    "equals(variables(`v59`), variables(`v58`))",
	    "contains(variables(`v59`), variables(`v57`))",
	    "union(variables(`v59`), variables(`v58`))",
	};

	(void)state;
	for (size_t use = 0; use < NSG_ARRAY_SIZE(uses); use++) {
		cleanup_free char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		fputs("{'variables': {'v0': [1, 2]", out);
		for (int i = 1; i < 60; i++)
			fprintf(out, ", 'v%d': '[createArray(variables(`v%d`), variables(`v%d`))]'",
				i, i - 1, i - 1);
		fprintf(out, "}, " TABLE("'properties': {'x': '[%s]'}") "}", uses[use]);
		fclose(out);
		refused_soon(text, "evaluation takes more than");
	}
}

/* A chain of n variables; each refers to the one before. */
static char *chain(int n)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs("{'variables': {'v0': 1", out);
	for (int i = 1; i <= n; i++)
		fprintf(out, ", 'v%d': '[variables(`v%d`)]'", i, i - 1);
	fprintf(out, "}, " TABLE("'properties': {'x': '[variables(`v%d`)]'}") "}", n);
	fclose(out);
	return text;
}

static void depth_is_bounded(void **state)
{
	cleanup_free char *deep = chain(1000);
	cleanup_free char *fine = chain(40);
	cleanup_outcome struct outcome o = evaluate(fine, NULL);

	(void)state;
	assert_resource(&o, 0,
			"{'name': 'n', 'type': 'Microsoft.Network/routeTables',"
			" 'properties': {'x': 1}}");
	refused_soon(deep, "references are nested more than 400 levels deep");
}

/* Each value is one level deeper than the last, without deep recursion. */
static void levels_of_a_value_are_bounded(void **state)
{
	cleanup_free char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	fputs("{'variables': {'v0': 1", out);
	for (int i = 1; i < 600; i++)
		fprintf(out, ", 'v%d': '[createArray(variables(`v%d`))]'", i, i - 1);
	fputs("}, 'resources': [", out);
	for (int i = 1; i < 600; i += 20)
		fprintf(out,
			"{'type': 'Microsoft.Network/routeTables', 'name': 'n%d', 'properties':"
			" {'x': '[length(variables(`v%d`))]'}},",
			i, i);
	fputs("{'type': 'Microsoft.Network/routeTables', 'name': 'n'}]}", out);
	fclose(out);
	refused_soon(text, "a value has more than 512 levels");
}

static void a_long_reason_is_cut_at_a_character(void **state)
{
	char text[2000] = "{" TABLE("'properties': {'x': '[int(`");
	cleanup_outcome struct outcome o = {0};
	cleanup_json json_t *record = NULL;

	(void)state;
	for (int i = 0; i < 300; i++)
		strcat(text, "ä");
	strcpy(text + strlen(text), "`)]'}}]}");
	o = evaluate(text, NULL);
	assert_int_equal(o.r, -EINVAL);
	record = nsg_diag_json(&o.diag.v[0]);
	assert_non_null(record);
}

static void memory_limits_reach_lenient_names_too(void **state)
{
	(void)state;
	refused_soon("{'resources': [{'type': 'Microsoft.Network/routeTables', 'name':"
		     " '[padLeft(reference(`x`).y, 1000000000)]'}]}",
		     "evaluation takes more than");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(unknown_names_stay_consistent),
	    cmocka_unit_test(copies_get_distinct_names),
	    cmocka_unit_test(copies_are_bounded),
	    cmocka_unit_test(copies_in_copies_are_bounded),
	    cmocka_unit_test(strings_are_bounded),
	    cmocka_unit_test(trees_are_bounded),
	    cmocka_unit_test(depth_is_bounded),
	    cmocka_unit_test(levels_of_a_value_are_bounded),
	    cmocka_unit_test(a_long_reason_is_cut_at_a_character),
	    cmocka_unit_test(memory_limits_reach_lenient_names_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
