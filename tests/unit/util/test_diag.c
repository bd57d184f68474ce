/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/arena.h"
#include "util/diag.h"
#include "util/limits.h"
#include "util/names.h"

static void a_record_prints_file_line_severity_and_code(void **state)
{
	struct nsg_diag d = {0};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(nsg_diag_line(&d, NSG_ERROR, "a.conf", 3, "Code", "no %s", "good\033[m"),
			 -EINVAL);
	assert_int_equal(nsg_diag_add(&d, NSG_WARNING, NULL, NULL, "odd"), 0);
	nsg_diag_print(&d.v[0], out);
	fputc('\n', out);
	nsg_diag_print(&d.v[1], out);
	(void)fclose(out);
	assert_string_equal(text, "a.conf:3: error: no good\\x1b[m [Code]\nwarning: odd");
	assert_int_equal(d.n_errors, 1);
	assert_int_equal(d.n_warnings, 1);
	free(text);
	nsg_diag_done(&d);
}

/* U+009B is CSI on terminals that know C1; another letter of its lead byte is text. */
static void c1_controls_do_not_reach_a_terminal(void **state)
{
	struct nsg_diag d = {0};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(nsg_diag_line(&d, NSG_ERROR, "a\302\233m", 0, NULL, "\302\251 x"),
			 -EINVAL);
	nsg_diag_print(&d.v[0], out);
	(void)fclose(out);
	assert_string_equal(text, "a\\x9bm: error: \302\251 x");
	free(text);
	nsg_diag_done(&d);
}

static void a_record_that_is_no_utf8_has_its_json(void **state)
{
	struct nsg_diag d = {0};
	json_t *json;

	(void)state;
	assert_int_equal(nsg_diag_line(&d, NSG_ERROR, "\303\251\377", 1, NULL, "x\377\n"), -EINVAL);
	assert_int_equal(nsg_diag_line(&d, NSG_ERROR, "\303\251", 1, NULL, "x\n"), -EINVAL);
	json = nsg_diag_json(&d.v[0]);
	assert_string_equal(json_string_value(json_object_get(json, "file")), "\\xc3\\xa9\\xff");
	assert_string_equal(json_string_value(json_object_get(json, "text")), "x\\xff\\x0a");
	json_decref(json);
	json = nsg_diag_json(&d.v[1]);
	assert_string_equal(json_string_value(json_object_get(json, "file")), "\303\251");
	assert_string_equal(json_string_value(json_object_get(json, "text")), "x\n");
	json_decref(json);
	nsg_diag_done(&d);
}

static void lints_are_counted_apart(void **state)
{
	struct nsg_diag d = {0};

	(void)state;
	assert_int_equal(nsg_diag_lint(&d, NSG_WARNING, NULL, NULL, "shadowed"), 0);
	assert_int_equal(d.n_warnings, 0);
	assert_int_equal(d.n_lint_warnings, 1);
	nsg_diag_done(&d);
}

static void beyond_the_bound_records_are_counted_and_dropped(void **state)
{
	struct nsg_diag d = {0};

	(void)state;
	for (unsigned int i = 0; i < NSG_MAX_DIAGNOSTICS + 5; i++)
		assert_int_equal(nsg_diag_add(&d, NSG_ERROR, NULL, NULL, "%u", i), -EINVAL);
	assert_int_equal(d.n, NSG_MAX_DIAGNOSTICS);
	assert_int_equal(d.n_dropped, 5);
	assert_int_equal(d.n_errors, NSG_MAX_DIAGNOSTICS + 5);
	nsg_diag_done(&d);
}

static void arena_memory_is_zeroed_aligned_and_apart(void **state)
{
	struct nsg_arena a = {0};
	unsigned char *before = NULL;

	(void)state;
	for (size_t size = 1; size < 200000; size = size * 3 + 1) {
		unsigned char *p = nsg_arena_alloc(&a, size);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, size);
		if (before)
			assert_int_equal(*before, 0xff);
		before = p;
	}
	assert_null(nsg_arena_array(&a, SIZE_MAX / 2, 4));
	assert_string_equal(nsg_arena_printf(&a, "%d-%s", 7, "x"), "7-x");
	nsg_arena_done(&a);
}

static void protocols_are_names_or_numbers(void **state)
{
	uint8_t p = 99;

	(void)state;
	assert_int_equal(nsg_protocol_parse("tcp", &p), 0);
	assert_int_equal(p, 6);
	assert_int_equal(nsg_protocol_parse("0", &p), 0);
	assert_int_equal(p, 0);
	assert_int_equal(nsg_protocol_parse("255", &p), 0);
	assert_int_equal(nsg_protocol_parse("256", &p), -EINVAL);
	assert_int_equal(nsg_protocol_parse("TCPX", &p), -EINVAL);
	assert_int_equal(nsg_protocol_parse("", &p), -EINVAL);
	assert_int_equal(p, 255);
	assert_null(nsg_protocol_name(47));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_record_prints_file_line_severity_and_code),
	    cmocka_unit_test(c1_controls_do_not_reach_a_terminal),
	    cmocka_unit_test(a_record_that_is_no_utf8_has_its_json),
	    cmocka_unit_test(lints_are_counted_apart),
	    cmocka_unit_test(beyond_the_bound_records_are_counted_and_dropped),
	    cmocka_unit_test(arena_memory_is_zeroed_aligned_and_apart),
	    cmocka_unit_test(protocols_are_names_or_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
