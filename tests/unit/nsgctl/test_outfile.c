/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What -w does to what is already at the name. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "nsgctl/outfile.h"
#include "unit/nsgctl/program.h"

static void put(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

static void assert_text(const char *path, const char *text)
{
	FILE *in = fopen(path, "r");
	char got[64] = "";
	size_t n;

	assert_non_null(in);
	n = fread(got, 1, sizeof(got) - 1, in);
	got[n] = '\0';
	assert_int_equal(fclose(in), 0);
	assert_string_equal(got, text);
}

/* Names in the directory that begin with ".nsgctl-". */
static int temporaries(void)
{
	DIR *d = opendir(".");
	struct dirent *e;
	int n = 0;

	assert_non_null(d);
	while ((e = readdir(d)))
		n += strncmp(e->d_name, ".nsgctl-", 8) == 0;
	(void)closedir(d);
	return n;
}

static int open_at(struct nsgctl_outfile *f, const char *path, int input_fd)
{
	struct nsgctl ctl = {.write = path};

	*f = (struct nsgctl_outfile){0};
	return nsgctl_outfile_open(f, &ctl, input_fd);
}

static void write_whole(const char *path, const char *text)
{
	struct nsgctl_outfile f;

	assert_int_equal(open_at(&f, path, -1), 0);
	assert_true(fputs(text, f.out) >= 0);
	assert_int_equal(nsgctl_outfile_commit(&f), 0);
	nsgctl_outfile_done(&f);
}

static void a_regular_file_is_replaced_when_complete(void **state)
{
	struct nsgctl_outfile f;
	struct stat st;

	(void)state;
	put("old", "before");
	assert_int_equal(chmod("old", 0640), 0);
	assert_int_equal(link("old", "other-name"), 0);
	assert_int_equal(open_at(&f, "old", -1), 0);
	assert_true(fputs("after", f.out) >= 0);
	assert_text("old", "before");
	assert_int_equal(temporaries(), 1);
	assert_int_equal(nsgctl_outfile_commit(&f), 0);
	assert_text("old", "after");
	/* more may follow, as in a trace */
	assert_true(fputs(" it", f.out) >= 0);
	nsgctl_outfile_done(&f);
	assert_text("old", "after it");
	assert_text("other-name", "before");
	assert_int_equal(stat("old", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(temporaries(), 0);
}

static void without_a_commit_nothing_remains(void **state)
{
	struct nsgctl_outfile f;

	(void)state;
	put("kept", "before");
	assert_int_equal(open_at(&f, "kept", -1), 0);
	nsgctl_outfile_done(&f);
	assert_text("kept", "before");
	assert_int_equal(open_at(&f, "new", -1), 0);
	nsgctl_outfile_done(&f);
	assert_int_equal(access("new", F_OK), -1);
	assert_int_equal(temporaries(), 0);
}

static void a_link_stays_and_its_target_is_written(void **state)
{
	struct stat st;

	(void)state;
	put("target", "a longer text than the new one");
	assert_int_equal(symlink("target", "link"), 0);
	write_whole("link", "after");
	assert_int_equal(lstat("link", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_text("target", "after");
	assert_int_equal(symlink("made", "dangling"), 0);
	write_whole("dangling", "new");
	assert_text("made", "new");
}

static void a_device_stays_a_device(void **state)
{
	struct stat st;

	(void)state;
	write_whole("/dev/null", "gone");
	assert_int_equal(lstat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	/* as root, a device of our own: the name must still be one */
	if (mknod("device", S_IFCHR | 0600, st.st_rdev) < 0)
		return;
	write_whole("device", "gone");
	assert_int_equal(lstat("device", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
}

static void a_fifo_is_written(void **state)
{
	struct nsgctl_outfile f;
	char got[8] = "";
	struct stat st;
	int fd;

	(void)state;
	assert_int_equal(mkfifo("fifo", 0600), 0);
	fd = open("fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(open_at(&f, "fifo", -1), 0);
	assert_true(fputs("text", f.out) >= 0);
	assert_int_equal(nsgctl_outfile_commit(&f), 0);
	assert_int_equal(read(fd, got, sizeof(got)), 4);
	assert_string_equal(got, "text");
	nsgctl_outfile_done(&f);
	(void)close(fd);
	assert_int_equal(lstat("fifo", &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
}

static void the_input_is_never_the_output(void **state)
{
	static const char *const names[] = {"in", "./in", "hard", "soft", "/proc/self/fd/20"};
	struct nsgctl_outfile f;
	int fd;

	(void)state;
	put("in", "capture");
	assert_int_equal(link("in", "hard"), 0);
	assert_int_equal(symlink("in", "soft"), 0);
	fd = open("in", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(dup2(fd, 20), 20);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(open_at(&f, names[i], fd), NSG_EXIT_USAGE);
		nsgctl_outfile_done(&f);
		assert_text("in", "capture");
	}
	(void)close(fd);
	(void)close(20);
}

static void a_signal_leaves_nothing(void **state)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

	(void)state;
	put("signalled", "before");
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			struct nsgctl_outfile f;

			/* a job in the background starts with some ignored */
			(void)signal(signals[i], SIG_DFL);
			if (open_at(&f, "signalled", -1) == 0 && temporaries() == 1)
				(void)raise(signals[i]);
			_exit(9);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), signals[i]);
		assert_int_equal(temporaries(), 0);
		assert_text("signalled", "before");
	}
}

static void places_that_cannot_be_written_are_reported(void **state)
{
	struct nsgctl_outfile f;

	(void)state;
	assert_int_equal(mkdir("dir", 0700), 0);
	assert_int_not_equal(open_at(&f, "dir", -1), 0);
	nsgctl_outfile_done(&f);
	assert_int_not_equal(open_at(&f, "nowhere/file", -1), 0);
	nsgctl_outfile_done(&f);
	assert_int_equal(open_at(&f, "/dev/full", -1), 0);
	assert_true(fputs("text", f.out) >= 0);
	assert_int_not_equal(nsgctl_outfile_commit(&f), 0);
	nsgctl_outfile_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_regular_file_is_replaced_when_complete),
	    cmocka_unit_test(without_a_commit_nothing_remains),
	    cmocka_unit_test(a_link_stays_and_its_target_is_written),
	    cmocka_unit_test(a_device_stays_a_device),
	    cmocka_unit_test(a_fifo_is_written),
	    cmocka_unit_test(the_input_is_never_the_output),
	    cmocka_unit_test(a_signal_leaves_nothing),
	    cmocka_unit_test(places_that_cannot_be_written_are_reported),
	};

	return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
