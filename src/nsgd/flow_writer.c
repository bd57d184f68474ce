/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/flow_writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "nsgd/log.h"
#include "observe/flow_file.h"
#include "util/cleanup.h"
#include "util/limits.h"
#include "util/thread.h"

/* A stop does not wait longer for a disk that does not answer. */
#define STOP_NS 2000000000u

struct waiting {
	struct waiting *next;
	char *path, *record;
	size_t bytes;
};

struct flow_writer {
	char *directory;
	sd_event_source *source;
	int fd; /* an eventfd: the thread has written or failed */
	pthread_t thread;
	bool running;

	pthread_mutex_t lock; /* of everything below */
	pthread_cond_t filled, done;
	struct waiting *first, **end; /* the thread writes the first one */
	size_t bytes;
	bool try, stop, ended;
	int error; /* of the last attempt */
	uint64_t lost;

	int reported; /* the main thread's: the error that was logged */
};

static void free_first(struct flow_writer *w)
{
	struct waiting *b = w->first;

	w->first = b->next;
	if (!w->first)
		w->end = &w->first;
	w->bytes -= b->bytes;
	free(b->path);
	free(b->record);
	free(b);
}

/* ---- the thread ------------------------------------------------------------------------------ */

/* Whether a block of another file waits after the first one. */
static bool another_file_waits(const struct flow_writer *w)
{
	for (const struct waiting *b = w->first->next; b; b = b->next)
		if (strcmp(b->path, w->first->path) != 0)
			return true;
	return false;
}

/* With the lock held, which is released while it writes. A file that is damaged is waited for until
 * the next one is begun. */
static void write_first(struct flow_writer *w)
{
	const struct waiting *b = w->first;
	int r;

	(void)pthread_mutex_unlock(&w->lock);
	r = nsg_flow_file_append(w->directory, b->path, b->record);
	(void)pthread_mutex_lock(&w->lock);
	w->error = r;
	if (r < 0 && (r != -EBADMSG || !another_file_waits(w))) {
		w->try = false;
	} else {
		w->lost += r < 0;
		free_first(w);
	}
	(void)eventfd_write(w->fd, 1);
}

static void *run(void *data)
{
	struct flow_writer *w = data;

	(void)pthread_mutex_lock(&w->lock);
	for (;;) {
		while (!w->stop && !(w->first && w->try))
			(void)pthread_cond_wait(&w->filled, &w->lock);
		if (!w->first || !w->try)
			break;
		write_first(w);
	}
	w->ended = true;
	(void)pthread_cond_signal(&w->done);
	(void)pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* ---- the main thread ------------------------------------------------------------------------- */

static void report(struct flow_writer *w)
{
	int error;

	(void)pthread_mutex_lock(&w->lock);
	error = w->error;
	(void)pthread_mutex_unlock(&w->lock);
	if (error < 0 && error != w->reported)
		log_warning("the flow log in %s cannot be written, blocks are kept in memory: %s",
			    w->directory,
			    error == -EBADMSG
				? "the end of the file was modified by another program"
				: strerror(-error));
	else if (!error && w->reported)
		log_notice("the flow log in %s can be written again", w->directory);
	w->reported = error;
}

static int on_written(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	eventfd_t n;

	(void)source;
	(void)revents;
	(void)eventfd_read(fd, &n);
	report(data);
	return 0;
}

int flow_writer_new(sd_event *event, const char *directory, struct flow_writer **ret)
{
	struct flow_writer *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->directory = strdup(directory);
	w->end = &w->first;
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_cond_init(&w->filled, NULL);
	(void)pthread_cond_init(&w->done, NULL);
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = w->fd < 0 ? -errno : w->directory ? 0 : -ENOMEM;
	if (r >= 0)
		r = sd_event_add_io(event, &w->source, w->fd, EPOLLIN, on_written, w);
	if (r >= 0)
		r = nsg_thread_start(&w->thread, "nsgd-flow-log", run, w);
	w->running = r >= 0;
	if (r < 0) {
		(void)flow_writer_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

void flow_writer_give(struct flow_writer *w, char *path, char *record)
{
	struct waiting *b = calloc(1, sizeof(*b));

	(void)pthread_mutex_lock(&w->lock);
	w->try = true;
	if (b && path && record && w->bytes + strlen(record) <= NSG_MAX_FLOW_WAITING_BYTES) {
		*b = (struct waiting){.path = path, .record = record, .bytes = strlen(record)};
		*w->end = b;
		w->end = &b->next;
		w->bytes += b->bytes;
	} else {
		w->lost++;
		free(path);
		free(record);
		free(b);
	}
	(void)pthread_cond_signal(&w->filled);
	(void)pthread_mutex_unlock(&w->lock);
}

uint64_t flow_writer_lost(struct flow_writer *w)
{
	uint64_t lost;

	(void)pthread_mutex_lock(&w->lock);
	lost = w->lost;
	(void)pthread_mutex_unlock(&w->lock);
	return lost;
}

/* Whether it has ended in time. */
static bool end_thread(struct flow_writer *w)
{
	if (!w->running)
		return true;
	(void)pthread_mutex_lock(&w->lock);
	w->stop = w->try = true;
	(void)pthread_cond_signal(&w->filled);
	(void)pthread_mutex_unlock(&w->lock);
	return nsg_thread_join_within(w->thread, &w->lock, &w->done, &w->ended, STOP_NS);
}

struct flow_writer *flow_writer_free(struct flow_writer *w)
{
	if (!w)
		return NULL;
	if (!end_thread(w)) {
		log_warning(
		    "the last minutes of the flow log in %s are lost: the disk does not answer",
		    w->directory);
		/* the thread has the rest until the process exits */
		sd_event_source_disable_unref(w->source);
		return NULL;
	}
	report(w);
	if (w->first)
		log_warning("the last minutes of the flow log in %s are lost", w->directory);
	while (w->first)
		free_first(w);
	sd_event_source_disable_unref(w->source);
	if (w->fd >= 0)
		(void)close(w->fd);
	(void)pthread_cond_destroy(&w->filled);
	(void)pthread_cond_destroy(&w->done);
	(void)pthread_mutex_destroy(&w->lock);
	free(w->directory);
	free(w);
	return NULL;
}
