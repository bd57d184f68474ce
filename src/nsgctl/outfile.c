/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgctl/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/macro.h"

#define MAX_ATTEMPTS 100

/* ---- signals -------------------------------------------------------------------------------- */

static const int deadly[] = {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGXCPU, SIGXFSZ};

/* The file that a signal removes. Changed only while the signals are blocked. */
static const char *volatile removed_by_signal;

static void remove_and_die(int signal)
{
	if (removed_by_signal)
		(void)unlink(removed_by_signal);
	(void)raise(signal); /* SA_RESETHAND: the default, when the handler returns */
}

static void on_signal_remove(const char *path)
{
	struct sigaction action = {.sa_handler = remove_and_die, .sa_flags = (int)SA_RESETHAND};
	struct sigaction old;

	removed_by_signal = path;
	for (size_t i = 0; path && i < NSG_ARRAY_SIZE(deadly); i++)
		if (sigaction(deadly[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
			(void)sigaction(deadly[i], &action, NULL);
}

static void block_signals(sigset_t *ret_old)
{
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(deadly); i++)
		(void)sigaddset(&set, deadly[i]);
	(void)sigprocmask(SIG_BLOCK, &set, ret_old);
}

/* ---- opening -------------------------------------------------------------------------------- */

static bool is_same_file(const struct stat *a, int input_fd)
{
	struct stat b;

	return input_fd >= 0 && S_ISREG(a->st_mode) && fstat(input_fd, &b) == 0 &&
	       a->st_dev == b.st_dev && a->st_ino == b.st_ino;
}

static int fail_same(const struct nsgctl_outfile *f)
{
	return nsgctl_fail(NSG_EXIT_USAGE, "-w %s: the output must not be the input file", f->path);
}

static int open_standard_output(struct nsgctl_outfile *f, const struct nsgctl *ctl, int input_fd)
{
	struct stat st;

	if (ctl->output)
		return nsgctl_fail(
		    NSG_EXIT_USAGE,
		    "-o and -w - cannot be used together: both need standard output");
	if (isatty(STDOUT_FILENO))
		return nsgctl_fail(NSG_EXIT_USAGE,
				   "-w -: standard output is a terminal: redirect it");
	if (fstat(STDOUT_FILENO, &st) == 0 && is_same_file(&st, input_fd))
		return fail_same(f);
	f->out = stdout;
	return 0;
}

/* Truncated only when it is known not to be the input. */
static int open_in_place(struct nsgctl_outfile *f, int input_fd)
{
	cleanup_close int fd = open(f->path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return nsgctl_outfile_fail(f, -errno);
	if (is_same_file(&st, input_fd))
		return fail_same(f);
	if (S_ISREG(st.st_mode) && ftruncate(fd, 0) < 0)
		return nsgctl_outfile_fail(f, -errno);
	f->out = fdopen(fd, "w");
	if (!f->out)
		return nsgctl_outfile_fail(f, -errno);
	(void)TAKE_FD(fd);
	(void)setvbuf(f->out, NULL, _IOFBF, NSGCTL_OUTPUT_BYTES);
	return 0;
}

/* A name next to `path` that no other run uses: one that was left behind is never in the way. */
static char *temporary_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	uint64_t number = 0;
	char *name;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
		number = (uint64_t)getpid();
	if (asprintf(&name, "%.*s.nsgctl-%016llx", slash ? (int)(slash - path) + 1 : 0, path,
		     (unsigned long long)number) < 0)
		return NULL;
	return name;
}

static int create_temporary(struct nsgctl_outfile *f)
{
	int fd = -1;

	for (int i = 0; i < MAX_ATTEMPTS; i++) {
		free(f->temporary);
		f->temporary = temporary_name(f->path);
		if (!f->temporary)
			return -ENOMEM;
		fd = open(f->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (fd >= 0 || errno != EEXIST)
			break;
	}
	if (fd >= 0) {
		on_signal_remove(f->temporary);
		return fd;
	}
	free(f->temporary);
	f->temporary = NULL;
	return -errno;
}

/* `old` is the file that will be replaced; NULL: there is none. */
static int open_temporary(struct nsgctl_outfile *f, const struct stat *old)
{
	sigset_t mask;
	int fd;

	block_signals(&mask);
	fd = create_temporary(f);
	(void)sigprocmask(SIG_SETMASK, &mask, NULL);
	if (fd < 0)
		return nsgctl_outfile_fail(f, fd);
	if (old) {
		/* root's output does not take a file from its owner */
		(void)!fchown(fd, old->st_uid, old->st_gid);
		(void)fchmod(fd, old->st_mode & 0777);
	}
	f->out = fdopen(fd, "w");
	if (!f->out) {
		(void)close(fd);
		return nsgctl_outfile_fail(f, -ENOMEM);
	}
	(void)setvbuf(f->out, NULL, _IOFBF, NSGCTL_OUTPUT_BYTES);
	return 0;
}

int nsgctl_outfile_open(struct nsgctl_outfile *f, const struct nsgctl *ctl, int input_fd)
{
	struct stat st;

	f->path = ctl->write;
	if (!f->path[0])
		return nsgctl_fail(NSG_EXIT_USAGE, "-w requires the name of a file");
	if (strcmp(f->path, "-") == 0)
		return open_standard_output(f, ctl, input_fd);
	if (lstat(f->path, &st) < 0)
		return errno == ENOENT ? open_temporary(f, NULL) : nsgctl_outfile_fail(f, -errno);
	if (!S_ISREG(st.st_mode))
		return open_in_place(f, input_fd);
	return is_same_file(&st, input_fd) ? fail_same(f) : open_temporary(f, &st);
}

/* ---- closing -------------------------------------------------------------------------------- */

int nsgctl_outfile_commit(struct nsgctl_outfile *f)
{
	sigset_t mask;
	int r = 0;

	if (fflush(f->out) != 0 || ferror(f->out))
		return nsgctl_outfile_fail(f, errno ? -errno : -EIO);
	if (!f->temporary)
		return 0;
	block_signals(&mask);
	if (rename(f->temporary, f->path) < 0)
		r = -errno;
	else
		on_signal_remove(NULL);
	(void)sigprocmask(SIG_SETMASK, &mask, NULL);
	if (r < 0)
		return nsgctl_outfile_fail(f, r);
	free(f->temporary);
	f->temporary = NULL;
	return 0;
}

int nsgctl_outfile_fail(const struct nsgctl_outfile *f, int r)
{
	return nsgctl_fail((int)nsg_exit_from(r), "%s: %s",
			   strcmp(f->path, "-") == 0 ? "standard output" : f->path, strerror(-r));
}

void nsgctl_outfile_done(struct nsgctl_outfile *f)
{
	if (f->out && f->out != stdout)
		(void)fclose(f->out);
	if (f->temporary) {
		(void)unlink(f->temporary);
		removed_by_signal = NULL;
		free(f->temporary);
	}
	*f = (struct nsgctl_outfile){0};
}
