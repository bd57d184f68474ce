/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "template/expr_priv.h"
#include "util/limits.h"
#include "util/macro.h"

/* The tree as text: get(object, key), name(args), "string", 12 */
static void print(const struct nsg_expr *e, FILE *out)
{
	switch (e->kind) {
	case NSG_EXPR_STRING:
		fprintf(out, "\"%s\"", e->text);
		return;
	case NSG_EXPR_INTEGER:
		fprintf(out, "%lld", (long long)e->number);
		return;
	case NSG_EXPR_CALL:
		fprintf(out, "%s(", e->text);
		break;
	case NSG_EXPR_GET:
		fputs("get(", out);
		break;
	}
	for (size_t i = 0; i < e->n_args; i++) {
		fputs(i ? ", " : "", out);
		print(e->args[i], out);
	}
	fputc(')', out);
}

static void trees(void **state)
{
	static const struct {
		const char *text, *tree;
	} cases[] = {
	    {"['a']", "\"a\""},
	    {"['']", "\"\""},
	    {"['it''s']", "\"it's\""},
	    {"['''']", "\"'\""},
	    {"['[x](y), z']", "\"[x](y), z\""},
	    {"[12]", "12"},
	    {"[-9223372036854775808]", "-9223372036854775808"},
	    {"[f()]", "f()"},
	    {"[ f ( 1 , 'b' ) ]", "f(1, \"b\")"},
	    {"[az.f(g(h()))]", "az.f(g(h()))"},
	    {"[f().a.b]", "get(get(f(), \"a\"), \"b\")"},
	    {"[f()['a b'][0].c]", "get(get(get(f(), \"a b\"), 0), \"c\")"},
	    {"[f()[g().h]]", "get(f(), get(g(), \"h\"))"},
	    {"[ f() . a ]", "get(f(), \"a\")"},
	    {"[\r\n\tf(\n1)\n]", "f(1)"},
	};

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(cases); i++) {
		struct nsg_arena arena = {0};
		struct nsg_expr *e = NULL;
		const char *problem = NULL;
		cleanup_free char *text = NULL;
		size_t at = 0, size;
		FILE *out = open_memstream(&text, &size);

		assert_int_equal(nsg_expr_parse(&arena, cases[i].text, &e, &problem, &at), 0);
		print(e, out);
		fclose(out);
		assert_string_equal(text, cases[i].tree);
		nsg_arena_done(&arena);
	}
}

static void refused(void **state)
{
	static const struct {
		const char *text, *problem;
		size_t at;
	} cases[] = {
	    {"[]", "value expected", 1},
	    {"[ ]", "value expected", 2},
	    {"['a]", "unterminated string", 3},
	    {"[f]", "'(' expected after the function name", 2},
	    {"[f(]", "value expected", 3},
	    {"[f(1]", "',' or ')' expected", 4},
	    {"[f(1,)]", "value expected", 5},
	    {"[f(1) 2]", "unexpected text after the expression", 6},
	    {"[f().]", "property name expected after '.'", 5},
	    {"[f()[1]", "']' expected", 6},
	    {"[-]", "digits expected after the sign", 2},
	    {"[9223372036854775808]", "integer does not fit in 64 bits", 19},
	    {"[+1]", "value expected", 1},
	    {"[f(\"a\")]", "value expected", 3},
	};

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(cases); i++) {
		struct nsg_arena arena = {0};
		struct nsg_expr *e = NULL;
		const char *problem = NULL;
		size_t at = 0;

		assert_int_equal(nsg_expr_parse(&arena, cases[i].text, &e, &problem, &at), -EINVAL);
		assert_null(e);
		assert_string_equal(problem, cases[i].problem);
		assert_int_equal(at, cases[i].at);
		nsg_arena_done(&arena);
	}
}

static void is_deep(const char *open, const char *middle, const char *close, size_t n, int expected)
{
	struct nsg_arena arena = {0};
	struct nsg_expr *e = NULL;
	const char *problem = "";
	cleanup_free char *text = NULL;
	size_t at, size;
	FILE *out = open_memstream(&text, &size);

	fputc('[', out);
	for (size_t i = 0; i < n; i++)
		fputs(open, out);
	fputs(middle, out);
	for (size_t i = 0; i < n; i++)
		fputs(close, out);
	fputc(']', out);
	fclose(out);
	assert_int_equal(nsg_expr_parse(&arena, text, &e, &problem, &at), expected);
	if (expected)
		assert_non_null(strstr(problem, "nested too deeply"));
	nsg_arena_done(&arena);
}

static void depth_is_bounded(void **state)
{
	(void)state;
	is_deep("f(", "1", ")", 100, 0);
	is_deep("f(", "1", ")", NSG_MAX_TEMPLATE_DEPTH + 1, -EINVAL);
	is_deep("", "f()", ".a", 100, 0);
	is_deep("", "f()", ".a", NSG_MAX_TEMPLATE_DEPTH + 1, -EINVAL);
	is_deep("f()[", "1", "]", NSG_MAX_TEMPLATE_DEPTH + 1, -EINVAL);
}

static void length_is_bounded(void **state)
{
	struct nsg_arena arena = {0};
	struct nsg_expr *e = NULL;
	const char *problem = "";
	cleanup_free char *text = malloc(NSG_MAX_TEMPLATE_EXPRESSION + 2);
	size_t at;

	(void)state;
	memset(text, ' ', NSG_MAX_TEMPLATE_EXPRESSION + 2);
	memcpy(text, "[1", 2);
	text[NSG_MAX_TEMPLATE_EXPRESSION - 1] = ']';
	text[NSG_MAX_TEMPLATE_EXPRESSION] = '\0';
	assert_int_equal(nsg_expr_parse(&arena, text, &e, &problem, &at), 0);
	memcpy(text + NSG_MAX_TEMPLATE_EXPRESSION - 1, " ]", 3);
	assert_int_equal(nsg_expr_parse(&arena, text, &e, &problem, &at), -EINVAL);
	assert_non_null(strstr(problem, "24,576"));
	nsg_arena_done(&arena);
}

static void brackets_make_an_expression(void **state)
{
	(void)state;
	assert_true(nsg_expr_is("[f()]"));
	assert_true(nsg_expr_is("[]"));
	assert_false(nsg_expr_is(""));
	assert_false(nsg_expr_is("["));
	assert_false(nsg_expr_is("f()"));
	assert_false(nsg_expr_is("[test] value"));
	assert_false(nsg_expr_is("[[test value]"));
	assert_string_equal(nsg_expr_unescape("[[test value]"), "[test value]");
	assert_string_equal(nsg_expr_unescape("[[test] value"), "[[test] value");
	assert_string_equal(nsg_expr_unescape("[["), "[[");
	assert_string_equal(nsg_expr_unescape("plain"), "plain");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(trees),
	    cmocka_unit_test(refused),
	    cmocka_unit_test(depth_is_bounded),
	    cmocka_unit_test(length_is_bounded),
	    cmocka_unit_test(brackets_make_an_expression),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
