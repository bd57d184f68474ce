/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a confined process does, each in a process of its own. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "nsgd/confine.h"

static void run_program(void)
{
	(void)execl("/bin/true", "true", NULL);
}

static void make_process(void)
{
	(void)fork();
}

static void trace_parent(void)
{
	(void)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static void mount_something(void)
{
	(void)mount("none", "/", "tmpfs", 0, NULL);
}

static void leave_namespace(void)
{
	(void)unshare(CLONE_NEWNS);
}

static void map_code(void)
{
	(void)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		   0);
}

static void make_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static void become_another_user(void)
{
	(void)syscall(SYS_setuid, 65534);
}

static const struct {
	const char *name;
	void (*call)(void);
	bool at_start; /* already */
} forbidden[] = {
    {"execve", run_program, true},	    {"fork", make_process, false},
    {"ptrace", trace_parent, true},	    {"mount", mount_something, true},
    {"unshare", leave_namespace, true},	    {"mmap of code", map_code, false},
    {"mprotect to code", make_code, false}, {"setuid", become_another_user, true},
};

static int confine_fully(void)
{
	int filter, r = confine_prepare(&filter);

	return r < 0 ? r : confine(filter);
}

static void *in_thread(void *data)
{
	int *fds = data;
	char byte;

	/* until the main thread is confined */
	if (read(fds[0], &byte, 1) == 1)
		run_program();
	return NULL;
}

/* A thread that was there before is confined too. */
static void older_thread_runs_program(void)
{
	(void)poll(NULL, 0, 10000);
}

static int status_of(int (*confine_how)(void), void (*call)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		pthread_t thread;
		int fds[2];

		if (pipe(fds) < 0 || pthread_create(&thread, NULL, in_thread, fds) != 0 ||
		    confine_how() < 0)
			_exit(99);
		if (call == older_thread_runs_program && write(fds[1], "", 1) != 1)
			_exit(98);
		call();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void what_an_intruder_calls_ends_the_process(void **state)
{
	(void)state;
	if (!HAVE_SECCOMP)
		skip();
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
		int status = status_of(confine_fully, forbidden[i].call);

		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("%s: status %x", forbidden[i].name, (unsigned int)status);
		status = status_of(confine_start, forbidden[i].call);
		if ((WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) != forbidden[i].at_start)
			fail_msg("%s, at start: status %x", forbidden[i].name,
				 (unsigned int)status);
	}
}

static void threads_that_were_there_are_confined_too(void **state)
{
	int status;

	(void)state;
	if (!HAVE_SECCOMP)
		skip();
	for (int i = 0; i < 2; i++) {
		status = status_of(i ? confine_start : confine_fully, older_thread_runs_program);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
	}
}

static void *nothing(void *data)
{
	return data;
}

static void work(void)
{
	char *p = malloc(10 << 20);
	pthread_t thread;

	if (!p || socket(AF_INET, SOCK_STREAM, 0) >= 0 || errno != EPERM)
		_exit(1);
	if (socket(AF_NETLINK, SOCK_RAW, 0) < 0 || socket(AF_UNIX, SOCK_STREAM, 0) < 0)
		_exit(2);
	if (pthread_create(&thread, NULL, nothing, NULL) != 0 || pthread_join(thread, NULL) != 0)
		_exit(3);
	free(p);
}

static void the_daemon_s_own_work_goes_on(void **state)
{
	(void)state;
	if (!HAVE_SECCOMP)
		skip();
	assert_int_equal(status_of(confine_fully, work), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_an_intruder_calls_ends_the_process),
	    cmocka_unit_test(threads_that_were_there_are_confined_too),
	    cmocka_unit_test(the_daemon_s_own_work_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
