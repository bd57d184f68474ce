/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/metrics_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nsgd/log.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/thread.h"

#define STOP_NS NSG_NS_PER_SEC

struct metrics_file {
	char *path, *temporary;
	pthread_t thread;
	bool running;

	pthread_mutex_t lock; /* of everything below */
	pthread_cond_t filled, done;
	char *text; /* to be written; NULL: none */
	bool stop, ended;
	int error; /* of the last attempt */

	int reported; /* the main thread's: the error that was logged */
};

/* ---- the thread ------------------------------------------------------------------------------ */

/* A reader sees the old file or the new one. A file left at the temporary name by a crash is
 * replaced; a link there is not followed. */
static int replace(const struct metrics_file *f, const char *text)
{
	cleanup_close int fd = -1;
	size_t n = strlen(text);
	ssize_t written;

	if (unlink(f->temporary) < 0 && errno != ENOENT)
		return -errno;
	fd = open(f->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	/* 0644 whatever the umask: the exporter runs as another user */
	written = fchmod(fd, 0644) < 0 ? -1 : write(fd, text, n);
	if (written == (ssize_t)n && rename(f->temporary, f->path) == 0)
		return 0;
	written = written < 0 || (size_t)written == n ? -errno : -ENOSPC;
	(void)unlink(f->temporary);
	return (int)written;
}

static void *run(void *data)
{
	struct metrics_file *f = data;

	(void)pthread_mutex_lock(&f->lock);
	while (!f->stop) {
		cleanup_free char *text = TAKE_PTR(f->text);
		int r;

		if (!text) {
			(void)pthread_cond_wait(&f->filled, &f->lock);
			continue;
		}
		(void)pthread_mutex_unlock(&f->lock);
		r = replace(f, text);
		(void)pthread_mutex_lock(&f->lock);
		f->error = r;
	}
	(void)pthread_mutex_unlock(&f->lock);
	(void)unlink(f->path);
	(void)pthread_mutex_lock(&f->lock);
	f->ended = true;
	(void)pthread_cond_signal(&f->done);
	(void)pthread_mutex_unlock(&f->lock);
	return NULL;
}

/* ---- the main thread ------------------------------------------------------------------------- */

static void report(struct metrics_file *f, int error)
{
	if (error < 0 && error != f->reported)
		log_warning("%s: cannot be written: %s", f->path,
			    error == -ETIMEDOUT ? "the disk does not answer" : strerror(-error));
	else if (!error && f->reported)
		log_notice("%s: can be written again", f->path);
	f->reported = error;
}

int metrics_file_new(const char *path, struct metrics_file **ret)
{
	struct metrics_file *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	(void)pthread_mutex_init(&f->lock, NULL);
	(void)pthread_cond_init(&f->filled, NULL);
	(void)pthread_cond_init(&f->done, NULL);
	f->path = strdup(path);
	if (asprintf(&f->temporary, "%s.tmp", path) < 0)
		f->temporary = NULL;
	r = f->path && f->temporary ? nsg_thread_start(&f->thread, "nsgd-metrics", run, f)
				    : -ENOMEM;
	f->running = r >= 0;
	if (r < 0) {
		(void)metrics_file_free(f);
		return r;
	}
	*ret = f;
	return 0;
}

void metrics_file_put(struct metrics_file *f, char *text)
{
	int error;

	(void)pthread_mutex_lock(&f->lock);
	error = !text ? -ENOMEM : f->text ? -ETIMEDOUT : f->error;
	if (text) {
		free(f->text);
		f->text = text;
		(void)pthread_cond_signal(&f->filled);
	}
	(void)pthread_mutex_unlock(&f->lock);
	report(f, error);
}

/* Whether it has ended in time. */
static bool end_thread(struct metrics_file *f)
{
	if (!f->running)
		return true;
	(void)pthread_mutex_lock(&f->lock);
	f->stop = true;
	(void)pthread_cond_signal(&f->filled);
	(void)pthread_mutex_unlock(&f->lock);
	return nsg_thread_join_within(f->thread, &f->lock, &f->done, &f->ended, STOP_NS);
}

struct metrics_file *metrics_file_free(struct metrics_file *f)
{
	if (!f)
		return NULL;
	if (!end_thread(f)) {
		log_warning("%s: cannot be removed: the disk does not answer", f->path);
		return NULL;
	}
	(void)pthread_cond_destroy(&f->filled);
	(void)pthread_cond_destroy(&f->done);
	(void)pthread_mutex_destroy(&f->lock);
	free(f->text);
	free(f->path);
	free(f->temporary);
	free(f);
	return NULL;
}
