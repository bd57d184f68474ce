/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A directory tree in place of the hierarchy: only paths, inode numbers and inotify matter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/cgroups.h"
#include "util/cleanup.h"

struct fixture {
	char root[32], mounts[64];
};

static void begin(struct fixture *f)
{
	FILE *file;

	strcpy(f->root, "/tmp/nsg cgroups-XXXXXX");
	assert_non_null(mkdtemp(f->root));
	(void)snprintf(f->mounts, sizeof(f->mounts), "%s.mounts", f->root);
	file = fopen(f->mounts, "we");
	assert_non_null(file);
	(void)fprintf(file,
		      "22 1 0:20 / /proc rw - proc proc rw\n"
		      "25 1 0:22 / /sys/fs/cgroup/cpu rw shared:3 - cgroup cgroup rw,cpu\n"
		      "26 1 0:23 / /tmp/nsg\\040%s rw shared:4 - cgroup2 cgroup2 rw\n",
		      f->root + strlen("/tmp/nsg "));
	assert_int_equal(fclose(file), 0);
}

static void end(struct fixture *f)
{
	char command[160];

	(void)snprintf(command, sizeof(command), "rm -rf '%s' '%s'", f->root, f->mounts);
	assert_int_equal(system(command), 0);
}

static uint64_t make(struct fixture *f, const char *path)
{
	char full[256];
	struct stat st;

	(void)snprintf(full, sizeof(full), "%s/%s", f->root, path);
	assert_int_equal(mkdir(full, 0755), 0);
	assert_int_equal(stat(full, &st), 0);
	return st.st_ino;
}

static void drop(struct fixture *f, const char *path)
{
	char full[256];

	(void)snprintf(full, sizeof(full), "%s/%s", f->root, path);
	assert_int_equal(rmdir(full), 0);
}

static void ids_are_those_of_the_directories(void **state)
{
	const char *paths[] = {"system.slice/app.service", "/user.slice/", "none"};
	const struct nsg_conf_strings conf = {paths, 3};
	struct nsg_cgroups c;
	struct fixture f;
	uint64_t app, user;

	(void)state;
	begin(&f);
	(void)make(&f, "system.slice");
	app = make(&f, "system.slice/app.service");
	user = make(&f, "user.slice");
	assert_int_equal(nsg_cgroups_open(&conf, f.mounts, &c), 0);
	assert_int_equal(c.v[0].id, app);
	assert_int_equal(c.v[0].level, 2);
	assert_int_equal(c.v[1].id, user);
	assert_int_equal(c.v[1].level, 1);
	assert_int_equal(c.v[2].id, 0);
	assert_int_equal(nsg_cgroups_deepest(&c), 2);
	assert_true(nsg_cgroups_has_level(&c, 1));
	assert_false(nsg_cgroups_has_level(&c, 3));
	nsg_cgroups_done(&c);
	end(&f);
}

static void a_restart_makes_a_new_id(void **state)
{
	const char *paths[] = {"system.slice/app.service"};
	const struct nsg_conf_strings conf = {paths, 1};
	struct nsg_cgroups c;
	struct fixture f;
	uint64_t id;

	(void)state;
	begin(&f);
	assert_int_equal(nsg_cgroups_open(&conf, f.mounts, &c), 0);
	assert_false(nsg_cgroups_update(&c));
	/* both levels come after the start, one by one */
	(void)make(&f, "system.slice");
	assert_false(nsg_cgroups_update(&c));
	id = make(&f, "system.slice/app.service");
	assert_true(nsg_cgroups_update(&c));
	assert_int_equal(c.v[0].id, id);
	drop(&f, "system.slice/app.service");
	assert_true(nsg_cgroups_update(&c));
	assert_int_equal(c.v[0].id, 0);
	assert_true(nsg_cgroups_had_id(&c, id));
	assert_false(nsg_cgroups_has_id(&c, id));
	id = make(&f, "system.slice/app.service");
	assert_true(nsg_cgroups_update(&c));
	assert_int_equal(c.v[0].id, id);
	nsg_cgroups_done(&c);
	end(&f);
}

static void the_descriptor_is_readable_only_when_something_happened(void **state)
{
	const char *paths[] = {"a/b"};
	const struct nsg_conf_strings conf = {paths, 1};
	struct nsg_cgroups c;
	struct fixture f;
	char event[512];

	(void)state;
	begin(&f);
	(void)make(&f, "a");
	assert_int_equal(nsg_cgroups_open(&conf, f.mounts, &c), 0);
	assert_int_equal(read(c.inotify_fd, event, sizeof(event)), -1);
	assert_int_equal(errno, EAGAIN);
	(void)make(&f, "a/b");
	assert_true(read(c.inotify_fd, event, sizeof(event)) > 0);
	nsg_cgroups_done(&c);
	end(&f);
}

static void one_path_written_twice_is_one(void **state)
{
	const char *paths[] = {"a", "/a/"};
	const struct nsg_conf_strings conf = {paths, 2};
	struct nsg_cgroups c;
	struct fixture f;

	(void)state;
	begin(&f);
	(void)make(&f, "a");
	assert_int_equal(nsg_cgroups_open(&conf, f.mounts, &c), 0);
	assert_false(nsg_cgroups_is_repeated(&c, 0));
	assert_true(nsg_cgroups_is_repeated(&c, 1));
	nsg_cgroups_done(&c);
	end(&f);
}

static void without_a_hierarchy_or_without_paths(void **state)
{
	const char *paths[] = {"a"};
	const struct nsg_conf_strings some = {paths, 1}, none = {NULL, 0};
	struct nsg_cgroups c;

	(void)state;
	assert_int_equal(nsg_cgroups_open(&some, "/dev/null", &c), -ENOENT);
	assert_int_equal(nsg_cgroups_open(&none, "/nowhere", &c), 0);
	assert_int_equal(c.inotify_fd, -1);
	nsg_cgroups_done(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ids_are_those_of_the_directories),
	    cmocka_unit_test(a_restart_makes_a_new_id),
	    cmocka_unit_test(the_descriptor_is_readable_only_when_something_happened),
	    cmocka_unit_test(one_path_written_twice_is_one),
	    cmocka_unit_test(without_a_hierarchy_or_without_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
