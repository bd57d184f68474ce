/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/control.h"
#include "util/limits.h"

static void pops_lines_whatever_pieces_come(void **state)
{
	static const char stream[] = "{\"a\":1}\n{\"b\":\"x\\ny\"}\r\n{}\n{\"half\":";

	(void)state;
	for (size_t piece = 1; piece <= sizeof(stream) - 1; piece++) {
		struct nsg_frames f = {0};
		size_t found = 0;

		for (size_t at = 0; at < sizeof(stream) - 1; at += piece) {
			size_t n = sizeof(stream) - 1 - at;
			json_t *value;

			assert_int_equal(nsg_frames_push(&f, stream + at, n < piece ? n : piece),
					 0);
			while (nsg_frames_pop(&f, &value) == 1) {
				static const char *const keys[] = {"a", "b", NULL};

				assert_true(found < 3);
				assert_int_equal(json_object_size(value), keys[found] ? 1 : 0);
				if (keys[found])
					assert_non_null(json_object_get(value, keys[found]));
				found++;
				json_decref(value);
			}
		}
		assert_int_equal(found, 3);
		nsg_frames_done(&f);
	}
}

static void refuses_what_is_no_object_and_goes_on(void **state)
{
	static const char *const bad[] = {
	    "\n",     "[]\n",
	    "1\n",    "{\n",
	    "{}{}\n", "{\"a\":1,\"a\":2}\n",
	    "\xff\n", "{\"a\":\"\xc3\"}\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct nsg_frames f = {0};
		json_t *value = NULL;

		assert_int_equal(nsg_frames_push(&f, bad[i], strlen(bad[i])), 0);
		assert_int_equal(nsg_frames_push(&f, "{}\n", 3), 0);
		assert_int_equal(nsg_frames_pop(&f, &value), -EBADMSG);
		assert_null(value);
		assert_int_equal(nsg_frames_pop(&f, &value), 1);
		json_decref(value);
		assert_int_equal(nsg_frames_pop(&f, &value), 0);
		nsg_frames_done(&f);
	}
}

static void caps_a_line_at_its_exact_length(void **state)
{
	size_t size = NSG_MAX_CONTROL_FRAME_BYTES;
	char *line = malloc(size + 2);
	struct nsg_frames f = {0};
	json_t *value;

	(void)state;
	assert_non_null(line);
	memset(line, ' ', size);
	line[0] = '{';
	line[size - 1] = '}';
	line[size] = '\n';
	assert_int_equal(nsg_frames_push(&f, line, size - 5), 0);
	assert_int_equal(nsg_frames_push(&f, line + size - 5, 6), 0);
	assert_int_equal(nsg_frames_pop(&f, &value), 1);
	json_decref(value);

	assert_int_equal(nsg_frames_push(&f, line, size), 0);
	assert_int_equal(nsg_frames_push(&f, " ", 1), -EMSGSIZE);
	assert_int_equal(nsg_frames_push(&f, " \n", 2), -EMSGSIZE);
	/* nothing of a refused push stays */
	assert_int_equal(nsg_frames_push(&f, "\n", 1), 0);
	assert_int_equal(nsg_frames_pop(&f, &value), 1);
	json_decref(value);
	nsg_frames_done(&f);
	free(line);
}

static void reply_lines_are_one_line_and_fit_a_frame(void **state)
{
	struct nsg_diag diag = {0};
	json_t *item = json_pack("{ss}", "text", "two\nlines");
	char *big = malloc(1u << 20);
	struct nsg_frames f = {0};
	json_t *value;
	char *line;
	size_t n;

	(void)state;
	assert_non_null(big);
	assert_int_equal(nsg_control_data_line(item, &line, &n), 0);
	assert_ptr_equal(memchr(line, '\n', n), line + n - 1);
	assert_int_equal(nsg_frames_push(&f, line, n), 0);
	assert_int_equal(nsg_frames_pop(&f, &value), 1);
	assert_true(json_equal(json_object_get(value, "data"), item));
	json_decref(value);
	free(line);

	memset(big, 'x', 1u << 20);
	big[(1u << 20) - 1] = '\0';
	for (int i = 0; i < 9; i++)
		(void)nsg_diag_line(&diag, NSG_WARNING, "f", 1, NULL, "%s", big);
	assert_int_equal(nsg_control_exit_line(NSG_EXIT_POLICY, &diag, &line, &n), 0);
	assert_int_equal(nsg_frames_push(&f, line, n), 0);
	assert_int_equal(nsg_frames_pop(&f, &value), 1);
	assert_int_equal(json_integer_value(json_object_get(value, "exit")), 3);
	assert_int_not_equal(json_array_size(json_object_get(value, "diagnostics")), 0);
	json_decref(value);
	free(line);

	assert_int_equal(nsg_control_exit_line(NSG_EXIT_DONE, NULL, &line, &n), 0);
	assert_memory_equal(line, "{\"exit\":0,\"diagnostics\":[]}\n", n);
	free(line);
	free(big);
	json_decref(item);
	nsg_diag_done(&diag);
	nsg_frames_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pops_lines_whatever_pieces_come),
	    cmocka_unit_test(refuses_what_is_no_object_and_goes_on),
	    cmocka_unit_test(caps_a_line_at_its_exact_length),
	    cmocka_unit_test(reply_lines_are_one_line_and_fit_a_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
