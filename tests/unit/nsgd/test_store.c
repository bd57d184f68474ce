/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The record that one process leaves to the next. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <systemd/sd-daemon.h>

#include "nsgd/store.h"

/* Above what sd_listen_fds() takes. */
#define FILE_FD 20

static int set_up(void **state)
{
	struct store *s = malloc(sizeof(*s));

	assert_non_null(s);
	store_init(s);
	s->on = true;
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	store_done(*state);
	free(*state);
	return 0;
}

static int write_number(struct store *s, int number)
{
	json_t *record = json_pack("{s:i}", "number", number);
	int r = store_write(s, record);

	json_decref(record);
	if (s->file < FILE_FD) {
		int fd = fcntl(s->file, F_DUPFD_CLOEXEC, FILE_FD);

		(void)close(s->file);
		s->file = fd;
	}
	return r;
}

/* What the next process reads; 0: nothing. */
static int number_of_next(const struct store *s)
{
	const struct nsg_conf conf = {0};
	struct nsg_diag diag = {0};
	struct store next;
	char pid[16];
	int number;

	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	assert_int_equal(setenv("LISTEN_PID", pid, 1), 0);
	assert_int_equal(setenv("LISTEN_FDS", "1", 1), 0);
	assert_int_equal(setenv("LISTEN_FDNAMES", "record", 1), 0);
	assert_int_equal(dup2(s->file, SD_LISTEN_FDS_START), SD_LISTEN_FDS_START);
	store_init(&next);
	store_open(&next, &conf, &diag);
	assert_int_equal(diag.n, 0);
	assert_int_equal(next.file, SD_LISTEN_FDS_START);
	number = (int)json_integer_value(json_object_get(next.record, "number"));
	store_done(&next);
	nsg_diag_done(&diag);
	return number;
}

static void the_next_process_reads_the_newest_record(void **state)
{
	struct store *s = *state;

	for (int i = 1; i <= 3; i++) {
		assert_int_equal(write_number(s, i), 0);
		assert_int_equal(number_of_next(s), i);
	}
}

static void write_too_much(struct store *s)
{
	char *text = malloc(NSG_MAX_RECORD_BYTES + 1);
	json_t *record;

	assert_non_null(text);
	memset(text, 'x', NSG_MAX_RECORD_BYTES);
	text[NSG_MAX_RECORD_BYTES] = '\0';
	record = json_pack("{s:s}", "text", text);
	assert_int_equal(store_write(s, record), -E2BIG);
	json_decref(record);
	free(text);
}

/* The older one would be taken for what is in the kernel. */
static void a_record_that_cannot_be_written_leaves_none(void **state)
{
	struct store *s = *state;

	assert_int_equal(write_number(s, 1), 0);
	assert_int_equal(write_number(s, 2), 0);
	write_too_much(s);
	assert_int_equal(number_of_next(s), 0);
	assert_int_equal(write_number(s, 3), 0);
	assert_int_equal(number_of_next(s), 3);
	assert_int_equal(store_write(s, NULL), -ENOMEM);
	assert_int_equal(number_of_next(s), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_next_process_reads_the_newest_record),
	    TEST(a_record_that_cannot_be_written_leaves_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
