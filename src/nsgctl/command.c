/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgctl/command.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/clock.h"
#include "util/json_object.h"

#define NAME_BYTES 32 /* names have up to 15 bytes, those of kernel threads a few more */
/* File descriptors that are checked for one packet: about 50 ms. */
#define MAX_DESCRIPTORS 50000u
/* Inode numbers are reused. */
#define KEEP_NS (5 * NSG_NS_PER_SEC)
#define N_KNOWN 256u
#define PID_BYTES 11

struct known {
	json_int_t inode;
	uint64_t until_ns;
	char name[NAME_BYTES]; /* "": not found */
};

struct budget {
	uint64_t at_ns; /* when it was counted */
	int64_t ns;
};

struct search {
	char link[32]; /* as of /proc/PID/fd/N */
	uint32_t n;
	char path[300]; /* of the descriptor that was found */
};

static bool has_link(const char *path, const char *link)
{
	char target[64];
	ssize_t n = readlink(path, target, sizeof(target));

	return n > 0 && (size_t)n == strlen(link) && memcmp(target, link, (size_t)n) == 0;
}

static bool has_socket(struct search *s, const char *pid)
{
	char directory[32];
	const struct dirent *e;
	bool found = false;
	DIR *d;

	(void)snprintf(directory, sizeof(directory), "/proc/%.10s/fd", pid);
	d = opendir(directory);
	while (!found && s->n && d && (e = readdir(d))) {
		(void)snprintf(s->path, sizeof(s->path), "%s/%s", directory, e->d_name);
		s->n--;
		found = has_link(s->path, s->link);
	}
	if (d)
		(void)closedir(d);
	return found;
}

/* The descriptor is checked again afterwards: the process id may have been reused. */
static void read_name(const struct search *s, const char *pid, char name[static NAME_BYTES])
{
	char path[32];
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%.10s/comm", pid);
	f = fopen(path, "re");
	if (!f)
		return;
	if (!fgets(name, NAME_BYTES, f))
		name[0] = '\0';
	name[strcspn(name, "\n")] = '\0';
	(void)fclose(f);
	if (!has_link(s->path, s->link))
		name[0] = '\0';
}

/* `last` is the process that was found before. It is looked at first, so that all of /proc is not read for
 * each socket of a program with many. */
static bool find_process(struct search *s, char last[static PID_BYTES])
{
	const struct dirent *e;
	bool found = *last && has_socket(s, last);
	DIR *d = found ? NULL : opendir("/proc");

	while (!found && d && s->n && (e = readdir(d))) {
		if (!isdigit((unsigned char)e->d_name[0]) || !has_socket(s, e->d_name))
			continue;
		(void)snprintf(last, PID_BYTES, "%.10s", e->d_name);
		found = true;
	}
	if (d)
		(void)closedir(d);
	return found;
}

static void find_name(json_int_t inode, char name[static NAME_BYTES])
{
	static char last[PID_BYTES];
	struct search s = {.n = MAX_DESCRIPTORS};

	name[0] = '\0';
	(void)snprintf(s.link, sizeof(s.link), "socket:[%" JSON_INTEGER_FORMAT "]", inode);
	if (find_process(&s, last))
		read_name(&s, last, name);
}

/* Searches may take a quarter of the time, and up to a second at once: a client that is slower than the
 * daemon misses decisions. */
static bool may_search(struct budget *b, uint64_t now_ns)
{
	b->ns += (int64_t)((now_ns - b->at_ns) / 4);
	if (!b->at_ns || b->ns > (int64_t)NSG_NS_PER_SEC)
		b->ns = (int64_t)NSG_NS_PER_SEC;
	b->at_ns = now_ns;
	return b->ns > 0;
}

int nsgctl_command_add(json_t *decision)
{
	static struct known all[N_KNOWN];
	static struct budget budget;
	json_int_t inode = json_integer_value(json_object_get(decision, "socket"));
	struct known *k = &all[(uint64_t)inode % N_KNOWN];
	uint64_t now_ns = nsg_clock_ns(CLOCK_MONOTONIC);

	if (inode <= 0)
		return 0;
	if (k->inode != inode || now_ns >= k->until_ns) {
		if (!may_search(&budget, now_ns))
			return 0;
		k->inode = inode;
		k->until_ns = now_ns + KEEP_NS;
		find_name(inode, k->name);
		budget.ns -= (int64_t)(nsg_clock_ns(CLOCK_MONOTONIC) - now_ns);
	}
	return *k->name ? NSG_JSON_ADD(decision, PAIR_S("command", k->name)) : 0;
}
