/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/control.h"

static char directory[] = "/tmp/nsg-test-server-XXXXXX";
static char path[PATH_MAX];

static int make_directory(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/run/x.sock", directory);
	return 0;
}

static int remove_directory(void **state)
{
	char run[PATH_MAX];

	(void)state;
	(void)unlink(path);
	(void)snprintf(run, sizeof(run), "%s/run", directory);
	(void)rmdir(run);
	return rmdir(directory);
}

static void listens_for_its_group_only(void **state)
{
	struct nsg_diag diag = {0};
	struct stat st;
	int client, fd;

	(void)state;
	fd = nsg_control_listen(path, NULL, &diag);
	assert_true(fd >= 0);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFSOCK | 0660);
	client = nsg_control_connect(path);
	assert_true(client >= 0);
	close(client);

	/* it answers: nobody takes it away */
	assert_int_equal(nsg_control_listen(path, NULL, &diag), -EADDRINUSE);
	assert_int_equal(diag.n_errors, 1);
	close(fd);

	/* left over: replaced */
	assert_int_equal(nsg_control_connect(path), -ECONNREFUSED);
	fd = nsg_control_listen(path, NULL, &diag);
	assert_true(fd >= 0);
	assert_int_equal(diag.n_errors, 1);
	close(fd);
	nsg_diag_done(&diag);
}

static void an_unknown_group_is_said_and_left_out(void **state)
{
	struct nsg_diag diag = {0};
	int fd = nsg_control_listen(path, "no-such-group", &diag);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(diag.n, 1);
	assert_int_equal(diag.v[0].severity, NSG_NOTICE);
	assert_non_null(strstr(diag.v[0].text, "no-such-group"));
	close(fd);
	nsg_diag_done(&diag);
}

static void never_replaces_what_is_no_socket(void **state)
{
	struct nsg_diag diag = {0};
	char long_path[300];
	struct stat st;
	int fd;

	(void)state;
	(void)unlink(path);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(nsg_control_listen(path, NULL, &diag), -EEXIST);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));

	memset(long_path, 'a', sizeof(long_path));
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(nsg_control_listen(long_path, NULL, &diag), -ENAMETOOLONG);
	assert_int_equal(diag.n_errors, 2);
	nsg_diag_done(&diag);
}

/* What check_peer says of a peer with these credentials. */
static int check_as(uid_t uid, gid_t gid, size_t n, const gid_t *groups, gid_t group)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		uid_t user = (uid_t)-1;
		int fd[2], r;

		/* a pair's credentials are those of the moment it was made; the checker is not
		 * that user */
		if (setgroups(n, groups) < 0 || setresgid(gid, gid, gid) < 0 ||
		    setresuid(uid, uid, 0) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, fd) < 0 ||
		    setresuid(0, 0, 0) < 0 || setresuid(4321, 4321, 4321) < 0)
			_exit(99);
		r = nsg_control_check_peer(fd[0], group, &user);
		_exit(r ? -r : user == uid ? 0 : 98);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static void peers_are_root_the_same_user_or_the_group(void **state)
{
	gid_t many[200];

	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < 200; i++)
		many[i] = (gid_t)(3000 + i);
	assert_int_equal(check_as(0, 0, 0, NULL, (gid_t)-1), 0);
	assert_int_equal(check_as(4321, 4321, 0, NULL, (gid_t)-1), 0);
	assert_int_equal(check_as(1234, 1234, 0, NULL, (gid_t)-1), -EPERM);
	assert_int_equal(check_as(1234, 1234, 0, NULL, 1234), 0);
	assert_int_equal(check_as(1234, 1234, 200, many, 3199), 0);
	assert_int_equal(check_as(1234, 1234, 200, many, 3200), -EPERM);
	/* root's group is not root */
	assert_int_equal(check_as(1234, 0, 0, NULL, (gid_t)-1), -EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(listens_for_its_group_only),
	    cmocka_unit_test(an_unknown_group_is_said_and_left_out),
	    cmocka_unit_test(never_replaces_what_is_no_socket),
	    cmocka_unit_test(peers_are_root_the_same_user_or_the_group),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
