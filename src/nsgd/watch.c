/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/watch.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nsgd/log.h"

/* A change ends when nothing happens for this long, and is reported anyway after the second time, or
 * the third while a document is still open for writing. */
#define QUIET_USEC 200000u
#define PATIENCE_USEC 2000000u
#define WRITER_PATIENCE_USEC 30000000u

/* Links on one path: the kernel's own limit (path_resolution(7)). */
#define MAX_LINKS 40
#define MAX_WATCHES 48
#define MAX_WRITTEN 32

#define DIRECTORY_EVENTS                                                                           \
	(IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |        \
	 IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB | IN_ONLYDIR)
#define NAME_EVENTS (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR)

/* A part of the path: what has this name in the watched directory. */
struct name {
	struct watch *watch;
	sd_event_source *source;
	char *text;
};

struct watch {
	sd_event *event;
	void (*changed)(void *closure);
	void *closure;
	sd_event_source *timer;
	uint64_t first_usec; /* of the events gathered; 0: none */
	sd_event_source *directory;
	char *path;
	/* Documents that were modified and not closed since. */
	char *written[MAX_WRITTEN];
	size_t n_written;
	/* The last part of the path and every symbolic link on it. */
	struct name names[MAX_WATCHES];
	size_t n_names;
};

static void forget(struct watch *w)
{
	w->directory = sd_event_source_disable_unref(w->directory);
	for (size_t i = 0; i < w->n_names; i++) {
		sd_event_source_disable_unref(w->names[i].source);
		free(w->names[i].text);
	}
	w->n_names = 0;
	for (size_t i = 0; i < w->n_written; i++)
		free(w->written[i]);
	w->n_written = 0;
	free(w->path);
	w->path = NULL;
}

static void set_written(struct watch *w, const char *name, bool is_written)
{
	size_t i = 0;

	while (i < w->n_written && strcmp(w->written[i], name) != 0)
		i++;
	if (i == w->n_written && is_written && i < MAX_WRITTEN) {
		w->written[i] = strdup(name);
		w->n_written += w->written[i] != NULL;
	} else if (i < w->n_written && !is_written) {
		free(w->written[i]);
		w->written[i] = w->written[--w->n_written];
	}
}

static bool is_document(const char *name)
{
	size_t n = strlen(name);

	return n >= 5 && strcmp(name + n - 5, ".json") == 0;
}

/* A new file with one link is being written and will be closed; a link to a file is complete. */
static bool is_new_file(const struct watch *w, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	return (size_t)snprintf(path, sizeof(path), "%s/%s", w->path, name) < sizeof(path) &&
	       lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1;
}

static bool concerns_documents(struct watch *w, const struct inotify_event *e)
{
	if (e->mask & IN_IGNORED)
		return false;
	if (!e->len)
		return true;
	/* A symbolic link that leads to documents may have any name. */
	if (!is_document(e->name))
		return e->mask & (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO);
	if (e->mask & IN_MODIFY || (e->mask & IN_CREATE && is_new_file(w, e->name)))
		set_written(w, e->name, true);
	else if (!(e->mask & IN_ATTRIB))
		set_written(w, e->name, false);
	return true;
}

static int settle(sd_event_source *source, uint64_t usec, void *data)
{
	struct watch *w = data;

	if (w->n_written && usec < w->first_usec + WRITER_PATIENCE_USEC) {
		(void)sd_event_source_set_time(source, usec + QUIET_USEC);
		return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	}
	w->first_usec = 0;
	w->changed(w->closure);
	return 0;
}

static void gather(struct watch *w)
{
	uint64_t now, when;

	if (sd_event_now(w->event, CLOCK_MONOTONIC, &now) < 0)
		return;
	if (!w->first_usec)
		w->first_usec = now;
	when = now + QUIET_USEC;
	if (when > w->first_usec + PATIENCE_USEC)
		when = w->first_usec + PATIENCE_USEC;
	(void)sd_event_source_set_time(w->timer, when);
	(void)sd_event_source_set_enabled(w->timer, SD_EVENT_ONESHOT);
}

static int on_directory(sd_event_source *source, const struct inotify_event *e, void *data)
{
	struct watch *w = data;

	(void)source;
	if (concerns_documents(w, e))
		gather(w);
	return 0;
}

static int on_name(sd_event_source *source, const struct inotify_event *e, void *data)
{
	const struct name *name = data;

	(void)source;
	if (e->mask & IN_Q_OVERFLOW || (e->len && strcmp(e->name, name->text) == 0))
		gather(name->watch);
	return 0;
}

static void add_name(struct watch *w, const char *directory, const char *text)
{
	struct name *name = &w->names[w->n_names];

	if (w->n_names == MAX_WATCHES)
		return;
	*name = (struct name){.watch = w, .text = strdup(text)};
	if (name->text && sd_event_add_inotify(w->event, &name->source, directory, NAME_EVENTS,
					       on_name, name) >= 0)
		w->n_names++;
	else
		free(name->text);
}

/* `done` is a path without links, "" for the root; `rest` continues it. */
static void add_path(struct watch *w, const char *done, const char *rest, int links)
{
	char here[PATH_MAX], target[PATH_MAX], next[PATH_MAX];
	size_t length = strcspn(rest, "/");
	const char *after = rest + length + strspn(rest + length, "/");
	struct stat st;
	ssize_t n;

	if (!length || (size_t)snprintf(here, sizeof(here), "%s/%.*s", done, (int)length, rest) >=
			   sizeof(here))
		return;
	if (lstat(here, &st) == 0 && S_ISLNK(st.st_mode) && links < MAX_LINKS) {
		n = readlink(here, target, sizeof(target) - 1);
		if (n < 0)
			return;
		target[n] = '\0';
		add_name(w, *done ? done : "/", here + strlen(done) + 1);
		if ((size_t)snprintf(next, sizeof(next), "%s/%s", target, after) >= sizeof(next))
			return;
		if (*target == '/')
			add_path(w, "", next + strspn(next, "/"), links + 1);
		else
			add_path(w, done, next, links + 1);
		return;
	}
	if (*after)
		add_path(w, here, after, links);
	else
		add_name(w, *done ? done : "/", here + strlen(done) + 1);
}

void watch_follow(struct watch *w, const char *path)
{
	char absolute[PATH_MAX], cwd[PATH_MAX];
	int r;

	if (!w)
		return;
	(void)sd_event_source_set_enabled(w->timer, SD_EVENT_OFF);
	w->first_usec = 0;
	forget(w);
	w->path = strdup(path);
	if (*path != '/' && getcwd(cwd, sizeof(cwd)) &&
	    (size_t)snprintf(absolute, sizeof(absolute), "%s/%s", cwd, path) < sizeof(absolute))
		path = absolute;
	if (*path == '/')
		add_path(w, "", path + strspn(path, "/"), 0);
	r = w->path ? sd_event_add_inotify(w->event, &w->directory, path, DIRECTORY_EVENTS,
					   on_directory, w)
		    : -ENOMEM;
	if (r < 0)
		log_warning("cannot watch %s for changes: %s", path, strerror(-r));
}

int watch_new(sd_event *event, void (*changed)(void *closure), void *closure, struct watch **ret)
{
	struct watch *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->event = sd_event_ref(event);
	w->changed = changed;
	w->closure = closure;
	r = sd_event_add_time(event, &w->timer, CLOCK_MONOTONIC, UINT64_MAX, 10000, settle, w);
	if (r >= 0)
		r = sd_event_source_set_enabled(w->timer, SD_EVENT_OFF);
	if (r < 0) {
		watch_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

struct watch *watch_free(struct watch *w)
{
	if (!w)
		return NULL;
	forget(w);
	sd_event_source_disable_unref(w->timer);
	sd_event_unref(w->event);
	free(w);
	return NULL;
}
