/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/cleanup.h"
#include "util/json.h"
#include "util/limits.h"
#include "util/macro.h"

struct fixture {
	struct nsg_sources sources;
	struct nsg_diag diag;
};

static void done(struct fixture *f)
{
	nsg_sources_done(&f->sources);
	nsg_diag_done(&f->diag);
}

static json_t *parse(struct fixture *f, const void *data, size_t size, int *ret)
{
	const struct nsg_source *source = NULL;
	json_t *values = NULL;

	*ret = nsg_json_text(&f->sources, "x.json", data, size, &f->diag, &source);
	if (!*ret)
		*ret = nsg_json_parse(source, &f->diag, &values);
	assert_true(!*ret == !!values);
	return values;
}

#define BYTES(s) s, sizeof(s) - 1

static const struct {
	const char *fact, *data;
	size_t size;
	const char *line;
} good[] = {
    {"one value", BYTES(" {\"b\":1,\"a\":2}\n"), "[{\"b\":1,\"a\":2}]"},
    {"several values, blanks or none between", BYTES("{}[]\n{\"a\":1} 5 6 \"x\""),
     "[{},[],{\"a\":1},5,6,\"x\"]"},
    {"a UTF-8 BOM is dropped", BYTES("\xef\xbb\xbf[1]"), "[[1]]"},
    {"UTF-16 little endian", BYTES("\xff\xfe[\0001\0]\0"), "[[1]]"},
    {"UTF-16 big endian with a pair and two-byte and three-byte characters",
     BYTES("\xfe\xff\0\"\0\xe4\x20\xac\xd8\x3d\xde\0\0\""),
     "[\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"]"},
    {"a deep value within the bound", BYTES("[[[[[[[[]]]]]]]]"), "[[[[[[[[[]]]]]]]]]"},
    {"brackets in strings are no levels", BYTES("\"[[[\\\"[[\""), "[\"[[[\\\"[[\"]"},
};

static void values_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(good); i++) {
		struct fixture f = {0};
		cleanup_free char *line = NULL;
		json_t *values;
		int r;

		values = parse(&f, good[i].data, good[i].size, &r);
		if (r)
			fail_msg("%s: %d", good[i].fact, r);
		line = nsg_json_line(values);
		assert_string_equal(line, good[i].line);
		assert_int_equal(f.diag.n, 0);
		json_decref(values);
		done(&f);
	}
}

static const struct {
	const char *fact, *data;
	size_t size;
	uint32_t line, column;
	const char *text;
} bad[] = {
    {"empty", BYTES(""), 1, 1, "the file is empty"},
    {"blank", BYTES(" \n"), 1, 1, "the file is empty"},
    {"text", BYTES("{\n  oops"), 2, 3, "not JSON"},
    {"a word of one letter", BYTES("x"), 1, 1, "not JSON"},
    {"a comment", BYTES("{\n  \"a\": 1, // why\n}"), 2, 11, "not JSON: comments are not allowed"},
    {"a comment in front", BYTES("/* secret */ {}"), 1, 1, "not JSON: comments are not allowed"},
    {"a slash at the end", BYTES("[/"), 1, 2, "not JSON"},
    {"a comma too many", BYTES("[1,]"), 1, 4, "not JSON"},
    {"cut off in an object", BYTES("{\"a\":1"), 1, 6, "the file ends too early"},
    {"cut off in a string", BYTES("[\"secret"), 1, 8, "the file ends too early"},
    {"a duplicate key", BYTES("{\"a\":1,\n\"a\":2}"), 2, 1, "duplicate key"},
    {"a duplicate key with quotes in it", BYTES("{\"a\\\"\\\\\":1, \"a\\\"\\\\\":2}"), 1, 13,
     "duplicate key"},
    {"Latin-1", BYTES("[\"\xe4\"]"), 1, 3, "not UTF-8 (UTF-16 needs a byte order mark)"},
    {"NUL in a string", BYTES("[\"\\u0000\"]"), 1, 9, "a string contains a NUL character"},
    {"a NUL byte", BYTES("[1,\0]"), 1, 4, "a NUL byte (UTF-16 needs a byte order mark)"},
    {"a number beyond 64 bits", BYTES("[99999999999999999999]"), 1, 21, "number out of range"},
    {"UTF-16 with half a unit", BYTES("\xff\xfe[\0]"), 0, 0, "invalid UTF-16"},
    {"UTF-16 with half a pair", BYTES("\xff\xfe\x3d\xd8\x20\0"), 0, 0, "invalid UTF-16"},
    {"UTF-16 without BOM", BYTES("[\0001\0]\0"), 1, 2,
     "a NUL byte (UTF-16 needs a byte order mark)"},
    {"an error in the second value", BYTES("{}\n{\"a\"}"), 2, 5, "not JSON"},
};

static void each_fault_has_its_message_and_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(bad); i++) {
		struct fixture f = {0};
		const struct nsg_diag_record *d;
		int r;

		(void)parse(&f, bad[i].data, bad[i].size, &r);
		assert_int_equal(r, -EINVAL);
		assert_int_equal(f.diag.n_errors, 1);
		d = &f.diag.v[0];
		assert_string_equal(d->file, "x.json");
		if (strcmp(d->text, bad[i].text) || d->line != bad[i].line ||
		    d->column != bad[i].column)
			fail_msg("%s: %u:%u: %s", bad[i].fact, d->line, d->column, d->text);
		done(&f);
	}
}

static size_t count(json_t *value)
{
	const char *key;
	size_t n = 1, i;
	json_t *inner;

	json_array_foreach(value, i, inner) n += count(inner);
	json_object_foreach(value, key, inner) n += 1 + count(inner);
	return n;
}

static void values_are_counted_as_they_are_parsed(void **state)
{
	static const char *const texts[] = {
	    "{}",
	    "7",
	    "[[],{},null,true,false]",
	    "1 2\n3\"x\"[]4",
	    "{\"a\":{\"b,[\\\"\\\\\":[1,-2,3.5]},\"c\":\"{[1,2]\"}",
	    "{\"1e+5\":1e+5,\"x\":1.5E7}",
	};

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(texts); i++) {
		struct fixture f = {0};
		int r;
		cleanup_json json_t *values = parse(&f, texts[i], strlen(texts[i]), &r);

		assert_int_equal(r, 0);
		if (nsg_json_count(f.sources.v[0]) != count(values) - 1)
			fail_msg("%s", texts[i]);
		done(&f);
	}
}

/* Never fewer than are parsed, e.g. for an exponent with a sign. */
static void values_are_not_counted_too_low(void **state)
{
	struct fixture f = {0};
	int r;
	cleanup_json json_t *values = parse(&f, BYTES("[1e-5]"), &r);

	(void)state;
	assert_true(nsg_json_count(f.sources.v[0]) >= count(values) - 1);
	done(&f);
}

static void levels_are_bounded(void **state)
{
	static const size_t depths[] = {NSG_MAX_JSON_DEPTH, NSG_MAX_JSON_DEPTH + 1, 100000};

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(depths); i++) {
		struct fixture f = {0};
		cleanup_free char *text = malloc(2 * depths[i]);
		json_t *values;
		int r;

		assert_non_null(text);
		memset(text, '[', depths[i]);
		memset(text + depths[i], ']', depths[i]);
		values = parse(&f, text, 2 * depths[i], &r);
		json_decref(values);
		assert_int_equal(r, depths[i] <= NSG_MAX_JSON_DEPTH ? 0 : -EINVAL);
		if (r) {
			assert_string_equal(f.diag.v[0].text, "more than 512 levels of nesting");
			assert_int_equal(f.diag.v[0].column, NSG_MAX_JSON_DEPTH + 1);
		}
		done(&f);
	}
}

static void only_regular_files_within_the_bound_are_read(void **state)
{
	char dir[] = "/tmp/nsg-json-XXXXXX", path[64];
	struct fixture f = {0};
	const struct nsg_source *source = NULL;
	FILE *out;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/a.json", dir);
	assert_int_equal(nsg_json_read(&f.sources, path, &f.diag, &source), -ENOENT);
	assert_string_equal(f.diag.v[0].file, path);
	assert_string_equal(f.diag.v[0].text, strerror(ENOENT));
	assert_int_equal(nsg_json_read(&f.sources, dir, &f.diag, &source), -EINVAL);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(nsg_json_read(&f.sources, path, &f.diag, &source), -EINVAL);
	assert_string_equal(f.diag.v[2].text, "not a regular file");
	unlink(path);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs("[1]\n", out);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(nsg_json_read(&f.sources, path, &f.diag, &source), 0);
	assert_string_equal(source->text, "[1]\n");
	assert_int_equal(source->size_bytes, 4);
	assert_int_equal(truncate(path, (off_t)NSG_MAX_FILE_BYTES + 1), 0);
	assert_int_equal(nsg_json_read(&f.sources, path, &f.diag, &source), -EINVAL);
	assert_string_equal(f.diag.v[3].text, "larger than 64 MiB");
	unlink(path);
	rmdir(dir);
	done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_are_read),
	    cmocka_unit_test(each_fault_has_its_message_and_place),
	    cmocka_unit_test(levels_are_bounded),
	    cmocka_unit_test(values_are_counted_as_they_are_parsed),
	    cmocka_unit_test(values_are_not_counted_too_low),
	    cmocka_unit_test(only_regular_files_within_the_bound_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
