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
#include <sys/socket.h>
#include <sys/un.h>
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

/* The process died while it wrote. */
static void a_record_that_is_written_in_part_leaves_the_one_before(void **state)
{
	static const char zeros[4];
	struct store *s = *state;

	assert_int_equal(write_number(s, 1), 0);
	assert_int_equal(write_number(s, 2), 0);
	/* the second one is in the first place of the file; its text begins with {"number" */
	assert_int_equal(pwrite(s->file, zeros, sizeof(zeros), 24), sizeof(zeros));
	assert_int_equal(number_of_next(s), 1);
}

/* A restart would lose the packets of a queue that the manager does not hold. */
static void what_the_manager_does_not_take_is_noted(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/tmp/nsgd-store-XXXXXX"};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct store *s = *state;

	assert_non_null(mkdtemp(address.sun_path));
	assert_int_equal(rmdir(address.sun_path), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
	store_keep(s, "queue0", fd);
	assert_int_equal(s->n_held, 1);
	assert_false(s->incomplete);
	assert_int_equal(unlink(address.sun_path), 0);
	store_keep(s, "queue1", fd);
	assert_int_equal(s->n_held, 1);
	assert_true(s->incomplete);
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	(void)close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_next_process_reads_the_newest_record),
	    TEST(a_record_that_cannot_be_written_leaves_none),
	    TEST(a_record_that_is_written_in_part_leaves_the_one_before),
	    TEST(what_the_manager_does_not_take_is_noted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
