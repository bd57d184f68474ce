/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
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

#include "nsgd/watch.h"

#define QUIET_USEC 500000u /* longer than the watcher's own silence */

struct fixture {
	char top[64];
	int old_cwd;
	sd_event *event;
	struct watch *watch;
	unsigned int changes;
};

static void changed(void *closure)
{
	struct fixture *f = closure;

	f->changes++;
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void link_to(const char *target, const char *path)
{
	assert_int_equal(symlink(target, path), 0);
}

static void move(const char *from, const char *to)
{
	assert_int_equal(rename(from, to), 0);
}

/* Runs the loop until nothing has happened for a while. */
static unsigned int changes(struct fixture *f)
{
	unsigned int n;

	while (sd_event_run(f->event, QUIET_USEC) > 0)
		;
	n = f->changes;
	f->changes = 0;
	return n;
}

/*
 *	v1/{a,b}.json  v2/a.json     policies
 *	current -> v1                a link to one
 *	up -> .                      a link in the middle of a path
 *	map/{..1/a.json, ..data -> ..1, a.json -> ..data/a.json}     a ConfigMap's volume
 */
static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->old_cwd = open(".", O_RDONLY | O_DIRECTORY);
	strcpy(f->top, "/tmp/nsgd-watch.XXXXXX");
	assert_non_null(mkdtemp(f->top));
	assert_int_equal(chdir(f->top), 0);
	assert_int_equal(mkdir("v1", 0755) | mkdir("v2", 0755) | mkdir("map", 0755) |
			     mkdir("map/..1", 0755) | mkdir("map/..2", 0755),
			 0);
	put("v1/a.json", "1");
	put("v1/b.json", "1");
	put("v2/a.json", "2");
	put("map/..1/a.json", "1");
	put("map/..2/a.json", "2");
	link_to("v1", "current");
	link_to(".", "up");
	link_to("..1", "map/..data");
	link_to("..data/a.json", "map/a.json");
	assert_true(sd_event_new(&f->event) >= 0);
	assert_int_equal(watch_new(f->event, changed, f, &f->watch), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	char command[96];

	watch_free(f->watch);
	sd_event_unref(f->event);
	assert_int_equal(fchdir(f->old_cwd), 0);
	(void)close(f->old_cwd);
	(void)snprintf(command, sizeof(command), "rm -rf %s", f->top);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static void many_changes_at_once_are_one(void **state)
{
	struct fixture *f = *state;

	watch_follow(f->watch, "v1");
	assert_int_equal(changes(f), 0);
	for (int i = 0; i < 50; i++)
		put("v1/a.json", "x");
	put("v1/new.json", "x");
	assert_int_equal(unlink("v1/b.json"), 0);
	assert_int_equal(changes(f), 1);
}

static void a_file_moved_into_place_is_a_change(void **state)
{
	struct fixture *f = *state;
	char path[96];

	(void)snprintf(path, sizeof(path), "%s/v1/", f->top);
	watch_follow(f->watch, path);
	put("v2/tmp", "x");
	assert_int_equal(changes(f), 0);
	move("v2/tmp", "v1/a.json");
	assert_int_equal(changes(f), 1);
}

static void what_is_no_document_does_not_count(void **state)
{
	struct fixture *f = *state;
	int fd;

	put("v1/notes.txt", "x");
	watch_follow(f->watch, "v1");
	fd = open("v1/notes.txt", O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, "x", 1), 1);
	(void)close(fd);
	assert_int_equal(changes(f), 0);
}

static void a_file_counts_when_its_writer_closes_it(void **state)
{
	struct fixture *f = *state;
	int fd;

	watch_follow(f->watch, "v1");
	fd = open("v1/a.json", O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, "[", 1), 1);
	for (int i = 0; i < 6; i++)
		(void)sd_event_run(f->event, 100000);
	put("v1/b.json", "whole");
	for (int i = 0; i < 6; i++)
		(void)sd_event_run(f->event, 100000);
	assert_int_equal(f->changes, 0);
	assert_int_equal(write(fd, "]", 1), 1);
	(void)close(fd);
	assert_int_equal(changes(f), 1);
}

static void a_link_swapped_at_the_end_of_the_path_is_a_change(void **state)
{
	struct fixture *f = *state;

	watch_follow(f->watch, "current");
	link_to("v2", "next");
	assert_int_equal(changes(f), 0);
	move("next", "current");
	assert_int_equal(changes(f), 1);
	watch_follow(f->watch, "current");
	put("v1/a.json", "nobody looks here now");
	assert_int_equal(changes(f), 0);
	put("v2/a.json", "x");
	assert_int_equal(changes(f), 1);
}

static void a_link_swapped_in_the_middle_of_the_path_is_a_change(void **state)
{
	struct fixture *f = *state;

	watch_follow(f->watch, "up/current");
	link_to("map", "next");
	move("next", "up");
	assert_int_equal(changes(f), 1);
}

static void a_config_map_update_is_a_change(void **state)
{
	struct fixture *f = *state;

	watch_follow(f->watch, "map");
	link_to("..2", "map/..data_tmp");
	move("map/..data_tmp", "map/..data");
	assert_int_equal(changes(f), 1);
}

static void a_directory_that_comes_later_is_a_change(void **state)
{
	struct fixture *f = *state;

	watch_follow(f->watch, "v3");
	move("v2", "v3");
	assert_int_equal(changes(f), 1);
	assert_null(watch_free(NULL));
	watch_follow(NULL, "v3");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(many_changes_at_once_are_one),
	    TEST(a_file_moved_into_place_is_a_change),
	    TEST(what_is_no_document_does_not_count),
	    TEST(a_file_counts_when_its_writer_closes_it),
	    TEST(a_link_swapped_at_the_end_of_the_path_is_a_change),
	    TEST(a_link_swapped_in_the_middle_of_the_path_is_a_change),
	    TEST(a_config_map_update_is_a_change),
	    TEST(a_directory_that_comes_later_is_a_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
