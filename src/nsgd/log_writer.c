/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/log_writer.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "util/clock.h"
#include "util/limits.h"
#include "util/thread.h"

/* All diagnostics of four reloads; some 600 KB. */
#define MAX_LINES (4 * NSG_MAX_DIAGNOSTICS)
#define FLUSH_NS 1000000000u
/* A longer message is cut; a diagnostic has at most some 2,000 bytes. */
#define MAX_MESSAGE 8192
#define MAX_FIELDS 32

struct waiting {
	struct waiting *next;
	uint64_t lost; /* lines before this one */
	int level;
	bool journal;
	char instance[NSG_MAX_INSTANCE_LENGTH + 1];
	const char *fields; /* after the text */
	char text[];
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t filled, emptied;
	struct waiting *first, **end;
	size_t n; /* waiting or being written */
	uint64_t lost;
	bool started;
} queue = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .filled = PTHREAD_COND_INITIALIZER,
    .emptied = PTHREAD_COND_INITIALIZER,
};

/* ---- the thread ------------------------------------------------------------------------------ */

static struct iovec field(const char *text, size_t n)
{
	return (struct iovec){(void *)(uintptr_t)text, n};
}

static bool write_entry(const struct waiting *w, int level, const char *text, const char *fields)
{
	char message[MAX_MESSAGE], priority[16], instance[64];
	struct iovec v[MAX_FIELDS];
	int n = 0;

	(void)snprintf(message, sizeof(message), "MESSAGE=%s", text);
	(void)snprintf(priority, sizeof(priority), "PRIORITY=%i", level);
	(void)snprintf(instance, sizeof(instance), "NSGD_INSTANCE=%s", w->instance);
	v[n++] = field(message, strlen(message));
	v[n++] = field(priority, strlen(priority));
	v[n++] = field(instance, strlen(instance));
	while (*fields && n < MAX_FIELDS) {
		size_t length = strcspn(fields, "\n");

		v[n++] = field(fields, length);
		fields += length + (fields[length] == '\n');
	}
	return sd_journal_sendv(v, n) >= 0;
}

static bool write_text(const struct waiting *w, int level, const char *text, const char *fields)
{
	if (!w->journal)
		return dprintf(STDERR_FILENO, "%s\n", text) >= 0;
	return write_entry(w, level, text, fields);
}

static bool write_lost(const struct waiting *w, uint64_t lost)
{
	char text[96];

	(void)snprintf(text, sizeof(text),
		       "%s%" PRIu64 " log messages were lost, because they could not be written",
		       w->journal ? "" : "warning: ", lost);
	return write_text(w, LOG_WARNING, text, "");
}

/* Returns how many lines are lost with it. */
static uint64_t write_line(const struct waiting *w)
{
	uint64_t lost = w->lost;

	if (lost && write_lost(w, lost))
		lost = 0;
	return lost + !write_text(w, w->level, w->text, w->fields);
}

/* With the lock held, which is released meanwhile. */
static void write_first(void)
{
	struct waiting *w = queue.first;
	uint64_t lost;

	queue.first = w->next;
	if (!queue.first)
		queue.end = &queue.first;
	(void)pthread_mutex_unlock(&queue.lock);
	lost = write_line(w);
	(void)pthread_mutex_lock(&queue.lock);
	queue.lost += lost;
	/* Lines were lost after this one, and no other waits that would say so. */
	if (!lost && !queue.first && queue.lost) {
		lost = queue.lost;
		queue.lost = 0;
		(void)pthread_mutex_unlock(&queue.lock);
		if (write_lost(w, lost))
			lost = 0;
		(void)pthread_mutex_lock(&queue.lock);
		queue.lost += lost;
	}
	free(w);
	queue.n--;
}

static void *write_lines(void *unused)
{
	(void)unused;
	(void)pthread_mutex_lock(&queue.lock);
	for (;;) {
		while (!queue.first)
			(void)pthread_cond_wait(&queue.filled, &queue.lock);
		write_first();
		if (!queue.n)
			(void)pthread_cond_broadcast(&queue.emptied);
	}
	return NULL;
}

/* ---- its users ------------------------------------------------------------------------------- */

static struct waiting *waiting_new(const struct log_line *line)
{
	size_t n = strlen(line->text) + 1, n_fields = strlen(line->fields) + 1;
	struct waiting *w = malloc(sizeof(*w) + n + n_fields);

	if (!w)
		return NULL;
	w->next = NULL;
	w->level = line->level;
	w->journal = line->journal;
	(void)snprintf(w->instance, sizeof(w->instance), "%s", line->instance);
	memcpy(w->text, line->text, n);
	memcpy(w->text + n, line->fields, n_fields);
	w->fields = w->text + n;
	return w;
}

/* With the lock held. */
static bool start(void)
{
	pthread_t thread;

	if (queue.started)
		return true;
	if (nsg_thread_start(&thread, "nsgd-log", write_lines, NULL) < 0)
		return false;
	(void)pthread_detach(thread);
	queue.end = &queue.first;
	return queue.started = true;
}

void log_writer_put(const struct log_line *line)
{
	struct waiting *w = waiting_new(line);

	(void)pthread_mutex_lock(&queue.lock);
	if (!w || queue.n >= (line->is_minor ? MAX_LINES / 2 : MAX_LINES) || !start()) {
		queue.lost++;
		free(w);
	} else {
		w->lost = queue.lost;
		queue.lost = 0;
		*queue.end = w;
		queue.end = &w->next;
		queue.n++;
		(void)pthread_cond_signal(&queue.filled);
	}
	(void)pthread_mutex_unlock(&queue.lock);
}

void log_writer_flush(void)
{
	struct timespec until = nsg_ns_timespec(nsg_clock_ns(CLOCK_MONOTONIC) + FLUSH_NS);
	int r = 0;

	(void)pthread_mutex_lock(&queue.lock);
	while (queue.n && !r)
		r = pthread_cond_clockwait(&queue.emptied, &queue.lock, CLOCK_MONOTONIC, &until);
	(void)pthread_mutex_unlock(&queue.lock);
}
