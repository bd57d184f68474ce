/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/cgroups.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"

/* mountinfo escapes blank, tab, newline and backslash as three octal digits (proc(5)). */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

int nsg_cgroups_find_root(const char *mounts, char **ret)
{
	cleanup_fclose FILE *f = fopen(mounts, "re");
	cleanup_free char *line = NULL;
	size_t room = 0;

	if (!f)
		return -errno;
	while (getline(&line, &room, f) >= 0) {
		/* 36 35 98:0 /root /mount/point options [optional ...] - type source super */
		char *separator = strstr(line, " - cgroup2 "), *save = NULL, *field = NULL;

		if (!separator)
			continue;
		*separator = '\0';
		for (int i = 0; i < 5; i++)
			field = strtok_r(i ? NULL : line, " ", &save);
		if (!field)
			continue;
		unescape(field);
		*ret = strdup(field);
		return *ret ? 0 : -ENOMEM;
	}
	return -ENOENT;
}

static uint32_t count_components(const char *path)
{
	uint32_t n = 0;

	while (*path) {
		path += strspn(path, "/");
		n += *path != '\0';
		path += strcspn(path, "/");
	}
	return n;
}

/* The id of the path, 0 if it does not exist. Every existing directory along it is watched. */
static uint64_t look(const struct nsg_cgroups *c, const char *path)
{
	const uint32_t events =
	    IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_ONLYDIR;
	size_t root = strlen(c->root), at = 0, size = strlen(path);
	cleanup_free char *full = malloc(root + 1 + size + 1);
	struct stat st;

	if (!full)
		return 0;
	memcpy(full, c->root, root);
	full[root++] = '/';
	memcpy(full + root, path, size + 1);
	for (;;) {
		char kept = full[root + at];

		full[root + at] = '\0';
		if (inotify_add_watch(c->inotify_fd, full, events) < 0)
			return 0;
		full[root + at] = kept;
		at += strspn(path + at, "/");
		if (!path[at])
			break;
		at += strcspn(path + at, "/");
	}
	/* a cgroup's id is its directory's inode number on a 64-bit kernel */
	return stat(full, &st) < 0 ? 0 : st.st_ino;
}

int nsg_cgroups_open(const struct nsg_conf_strings *paths, const char *mounts,
		     struct nsg_cgroups *ret)
{
	struct nsg_cgroups c = {.n = paths->n, .inotify_fd = -1};
	int r;

	if (!paths->n) {
		*ret = c;
		return 0;
	}
	r = nsg_cgroups_find_root(mounts, &c.root);
	if (r < 0)
		return r;
	c.v = calloc(c.n, sizeof(*c.v));
	c.inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (!c.v || c.inotify_fd < 0) {
		r = c.v ? -errno : -ENOMEM;
		nsg_cgroups_done(&c);
		return r;
	}
	for (size_t i = 0; i < c.n; i++) {
		c.v[i].path = paths->v[i];
		c.v[i].level = count_components(paths->v[i]);
		c.v[i].id = look(&c, paths->v[i]);
	}
	*ret = c;
	return 0;
}

void nsg_cgroups_done(struct nsg_cgroups *c)
{
	if (c->inotify_fd >= 0)
		(void)close(c->inotify_fd);
	free(c->v);
	free(c->root);
	*c = (struct nsg_cgroups){.inotify_fd = -1};
}

bool nsg_cgroups_update(struct nsg_cgroups *c)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool changed = false;

	/* all paths are read again, whichever directory changed */
	while (read(c->inotify_fd, events, sizeof(events)) > 0)
		;
	for (size_t i = 0; i < c->n; i++) {
		uint64_t id = look(c, c->v[i].path);

		changed |= id != c->v[i].id;
		c->v[i].was_id = c->v[i].id;
		c->v[i].id = id;
	}
	return changed;
}

uint32_t nsg_cgroups_deepest(const struct nsg_cgroups *c)
{
	uint32_t deepest = 0;

	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].level > deepest)
			deepest = c->v[i].level;
	return deepest;
}

bool nsg_cgroups_has_level(const struct nsg_cgroups *c, uint32_t level)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].level == level)
			return true;
	return false;
}

bool nsg_cgroups_is_repeated(const struct nsg_cgroups *c, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (c->v[i].id == c->v[index].id)
			return true;
	return false;
}

bool nsg_cgroups_has_id(const struct nsg_cgroups *c, uint64_t id)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].id == id)
			return true;
	return false;
}

bool nsg_cgroups_had_id(const struct nsg_cgroups *c, uint64_t id)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].was_id == id)
			return true;
	return false;
}
