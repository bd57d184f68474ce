/* SPDX-License-Identifier: GPL-2.0-or-later */
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

#include "nsgd/flow_writer.h"
#include "util/limits.h"

#define WAIT_USEC 5000000u

static void give(struct flow_writer *w, const char *path, const char *record)
{
	flow_writer_give(w, strdup(path), strdup(record));
}

static void read_file(const char *path, char *out, size_t size)
{
	FILE *in = fopen(path, "r");
	size_t n = in ? fread(out, 1, size - 1, in) : 0;

	out[n] = '\0';
	if (in)
		(void)fclose(in);
}

static void what_could_not_be_written_is_tried_again_in_order(void **state)
{
	char directory[] = "/tmp/nsg-writer-XXXXXX", logs[64], path[80], text[128];
	struct flow_writer *w = NULL;
	sd_event *event = NULL;

	(void)state;
	assert_non_null(mkdtemp(directory));
	(void)snprintf(logs, sizeof(logs), "%s/logs", directory);
	(void)snprintf(path, sizeof(path), "%s/hour", logs);
	assert_int_equal(sd_event_new(&event), 0);
	assert_int_equal(flow_writer_new(event, logs, &w), 0);
	give(w, "hour", "1");
	assert_true(sd_event_run(event, WAIT_USEC) > 0); /* there is no such directory */
	assert_int_equal(access(path, F_OK), -1);

	assert_int_equal(mkdir(logs, 0700), 0);
	give(w, "hour", "2");
	flow_writer_free(w);
	read_file(path, text, sizeof(text));
	assert_string_equal(text, "{\"records\":[1,\n2]}\n");
	sd_event_unref(event);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(logs), 0);
	assert_int_equal(rmdir(directory), 0);
}

static void a_damaged_file_does_not_hold_up_the_next(void **state)
{
	char directory[] = "/tmp/nsg-writer-XXXXXX", path[64], text[128];
	struct flow_writer *w = NULL;
	sd_event *event = NULL;
	FILE *out;

	(void)state;
	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/1", directory);
	out = fopen(path, "w");
	assert_non_null(out);
	assert_true(fputs("this was {\"records\":[", out) >= 0);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(sd_event_new(&event), 0);
	assert_int_equal(flow_writer_new(event, directory, &w), 0);
	give(w, "1", "1");
	assert_true(sd_event_run(event, WAIT_USEC) > 0);
	assert_int_equal(flow_writer_lost(w), 0); /* it may be repaired */
	give(w, "1", "2");
	give(w, "2", "3");
	while (flow_writer_lost(w) < 2)
		assert_true(sd_event_run(event, WAIT_USEC) > 0);
	flow_writer_free(w);
	assert_int_equal(unlink(path), 0);
	(void)snprintf(path, sizeof(path), "%s/2", directory);
	read_file(path, text, sizeof(text));
	assert_string_equal(text, "{\"records\":[3]}\n");
	sd_event_unref(event);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(directory), 0);
}

static void what_waits_is_bounded(void **state)
{
	struct flow_writer *w = NULL;
	sd_event *event = NULL;
	const size_t n = NSG_MAX_FLOW_WAITING_BYTES / 3;

	(void)state;
	assert_int_equal(sd_event_new(&event), 0);
	assert_int_equal(flow_writer_new(event, "/nonexistent", &w), 0);
	for (int i = 0; i < 5; i++) {
		char *record = malloc(n + 1);

		assert_non_null(record);
		memset(record, '1', n);
		record[n] = '\0';
		flow_writer_give(w, strdup("hour"), record);
	}
	assert_int_equal(flow_writer_lost(w), 2);
	flow_writer_free(w);
	sd_event_unref(event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_could_not_be_written_is_tried_again_in_order),
	    cmocka_unit_test(a_damaged_file_does_not_hold_up_the_next),
	    cmocka_unit_test(what_waits_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
