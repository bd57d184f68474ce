/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/cleanup.h"
#include "util/macro.h"
#include "util/source.h"

static const struct nsg_source *add_text(struct nsg_sources *s, const char *text)
{
	const struct nsg_source *source = NULL;
	char *copy = strdup(text);

	assert_non_null(copy);
	assert_int_equal(nsg_sources_add(s, "dir/x.json", &copy, strlen(text), &source), 0);
	assert_null(copy);
	return source;
}

static const struct {
	const char *fact, *text;
	uint32_t value;
	const char *pointer;
	uint32_t line, column;
} places[] = {
    {"the value itself", " \n {\"a\":1}", 0, NULL, 2, 2},
    {"an empty pointer is the value", "{\"a\":1}", 0, "", 1, 1},
    {"a member's value", "{\"a\":1,\n \"b\" : 2}", 0, "/b", 2, 8},
    {"an element", "[1, [2,\n3], 4]", 0, "/1/1", 2, 1},
    {"an element behind nested ones", "[{\"x\":[1,{}]}, \"]\", 4]", 0, "/2", 1, 21},
    {"the second value of a file", "{\"a\":1}\n{\"a\":\n2}", 1, "/a", 3, 1},
    {"a third value that is a scalar", "1 \"two\" true", 2, "", 1, 9},
    {"the deepest part that exists: object", "{\"a\":{\"b\":1}}", 0, "/a/c/d", 1, 6},
    {"the deepest part that exists: array", "[[1]]", 0, "/0/5", 1, 2},
    {"a scalar has no members", "{\"a\":1}", 0, "/a/b", 1, 6},
    {"~1 is a slash, ~0 a tilde", "{\"x\":0,\"a/b~c\":1}", 0, "/a~1b~0c", 1, 16},
    {"an escaped key", "{\"\\u0061\\n\\\"\":1}", 0, "/a\n\"", 1, 15},
    {"a key beyond ASCII, escaped or not", "{\"\\u00e4\\ud83d\\ude00\":1}", 0,
     "/\xc3\xa4\xf0\x9f\x98\x80", 1, 23},
    {"a key is not its prefix", "{\"ab\":1,\"a\":2}", 0, "/a", 1, 13},
    {"nor the other way round", "{\"a\":1,\"ab\":2}", 0, "/ab", 1, 13},
    {"columns count characters", "{\"\xc3\xa4\xc3\xa4\":[1]}", 0, "/\xc3\xa4\xc3\xa4/0", 1, 8},
    {"a string with brackets and quotes", "{\"s\":\"}]\\\"{\",\"b\":1}", 0, "/b", 1, 18},
    {"an empty key", "{\"\":7}", 0, "/", 1, 5},
    {"no digits, no element", "[1,2]", 0, "/x", 1, 1},
    {"a value that is not there", "{}", 3, NULL, 1, 3},
};

static void finds_line_and_column(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(places); i++) {
		struct nsg_sources s = {0};
		struct nsg_place p = {.source = add_text(&s, places[i].text),
				      .value = places[i].value,
				      .pointer = places[i].pointer};
		uint32_t line = 99, column = 99;

		nsg_place_locate(p, &line, &column);
		if (line != places[i].line || column != places[i].column)
			fail_msg("%s: %u:%u", places[i].fact, line, column);
		nsg_sources_done(&s);
	}
}

/* The search goes on from the last one: whatever that was, the answer is that of a new text. */
static void an_answer_does_not_depend_on_the_one_before(void **state)
{
	/* of one length: a text freed may be followed by the other at its address */
	static const char *const texts[] = {
	    "[[1,\n2,{\"a\":[3,\n4],\"b\":5},3,\n4,5,6,\n7,8,9,\n10,{\"a\":11}],\n{\"a\":{\"b\":[6,"
	    "7]}},\n[]]\n{\"a\":[\n8,9,[10]]}\n7",
	    "{\"a\":[[0,1],\n[2,3],\n{\"b\":4,\n\"a\":[5]},[3],[4],\n5,6,7,8,9,\n[0,\n1],2],"
	    "\n\"b\":{\"a\":6}}\n[1,[2,\n3]]        ",
	};
	static const char *const parts[] = {"/0", "/1", "/2", "/3", "/10", "/a"};
	const struct nsg_source *kept[NSG_ARRAY_SIZE(texts)];
	struct nsg_sources s = {0};
	uint32_t seed = 1;

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(texts); i++)
		kept[i] = add_text(&s, texts[i]);
	for (size_t i = 0; i < 100000; i++) {
		struct nsg_sources fresh = {0};
		struct nsg_place p = {0};
		char pointer[64] = "";
		uint32_t line, column, want_line, want_column;
		size_t which, n;

		seed ^= seed << 13;
		seed ^= seed >> 17;
		seed ^= seed << 5;
		which = seed >> 8 & 1;
		n = seed >> 9 & 3;
		p.value = seed >> 11 & 3;
		for (size_t j = 0; j <= n; j++)
			strcat(pointer, parts[(seed >> (13 + 4 * j) & 15) % NSG_ARRAY_SIZE(parts)]);
		p.pointer = pointer;
		p.at = seed >> 29 == 7 ? 1 + (seed >> 13 & 31) : 0;
		p.source = add_text(&fresh, texts[which]);
		nsg_place_locate(p, &want_line, &want_column);
		nsg_sources_done(&fresh);
		p.source = kept[which];
		nsg_place_locate(p, &line, &column);
		if (line != want_line || column != want_column)
			fail_msg("%zu %u%s: %u:%u, not %u:%u", which, p.value, pointer, line,
				 column, want_line, want_column);
	}
	nsg_sources_done(&s);
}

static void a_byte_of_a_text_is_a_place(void **state)
{
	struct nsg_sources s = {0};
	struct nsg_place p = {.source = add_text(&s, "ab\ncd"), .at = 5};
	uint32_t line, column;

	(void)state;
	nsg_place_locate(p, &line, &column);
	assert_int_equal(line, 2);
	assert_int_equal(column, 2);
	p.at = 500;
	nsg_place_locate(p, &line, &column);
	assert_int_equal(line, 2);
	assert_int_equal(column, 3);
	nsg_sources_done(&s);
}

static void a_directory_has_no_line(void **state)
{
	struct nsg_sources s = {0};
	const struct nsg_source *source = NULL;
	char *none = NULL;
	uint32_t line = 9, column = 9;

	(void)state;
	assert_int_equal(nsg_sources_add(&s, "dir", &none, 0, &source), 0);
	nsg_place_locate((struct nsg_place){.source = source}, &line, &column);
	assert_int_equal(line, 0);
	assert_int_equal(column, 0);
	nsg_place_locate((struct nsg_place){0}, &line, &column);
	assert_int_equal(line, 0);
	nsg_sources_done(&s);
}

static void broken_text_is_not_left(void **state)
{
	static const char *const texts[] = {
	    "{\"a", "{\"a\\", "{\"a\\u12", "[1,", "{\"a\":", "{\"\\ud800\\u", "]]]", ",", "{"};

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(texts); i++) {
		for (uint32_t value = 0; value < 3; value++) {
			struct nsg_sources s = {0};
			struct nsg_place p = {
			    .source = add_text(&s, texts[i]), .value = value, .pointer = "/a/1"};
			uint32_t line = 0, column = 0;

			nsg_place_locate(p, &line, &column);
			assert_int_equal(line, 1);
			assert_in_range(column, 1, strlen(texts[i]) + 1);
			nsg_sources_done(&s);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_line_and_column),
	    cmocka_unit_test(an_answer_does_not_depend_on_the_one_before),
	    cmocka_unit_test(a_byte_of_a_text_is_a_place),
	    cmocka_unit_test(a_directory_has_no_line),
	    cmocka_unit_test(broken_text_is_not_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
