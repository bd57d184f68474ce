/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <systemd/sd-daemon.h>

#include "engine/queue.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/macro.h"

void store_init(struct store *s)
{
	*s = (struct store){.silent = -1, .table = -1, .file = -1};
}

/* ---- the record: two places in one file, the newer valid one is used ------------------------- */

struct place {
	uint64_t sequence;
	uint64_t hash;
	uint32_t size;
	char text[NSG_MAX_RECORD_BYTES];
};

/* FNV-1a */
static uint64_t hash_of(const struct place *p)
{
	uint64_t hash = 0xcbf29ce484222325u ^ p->sequence;

	for (uint32_t i = 0; i < p->size; i++)
		hash = (hash ^ (uint8_t)p->text[i]) * 0x100000001b3u;
	return hash;
}

static bool read_place(int file, unsigned int number, struct place *p)
{
	const off_t at = (off_t)(number * sizeof(*p));
	const ssize_t header = offsetof(struct place, text);
	ssize_t n = pread(file, p, sizeof(*p), at);

	return n >= header && p->size <= (size_t)(n - header) && p->hash == hash_of(p);
}

static void read_record(struct store *s)
{
	cleanup_free struct place *p = malloc(sizeof(*p));

	for (unsigned int i = 0; p && i < 2; i++) {
		if (!read_place(s->file, i, p) || p->sequence < s->sequence)
			continue;
		json_decref(s->record);
		s->record = nsg_json_load(p->text, p->size, 0, NULL);
		s->sequence = p->sequence;
	}
}

static int write_place(struct store *s, const json_t *record)
{
	cleanup_free struct place *p = malloc(sizeof(*p));
	size_t size;

	if (!p)
		return -ENOMEM;
	size = json_dumpb(record, p->text, sizeof(p->text), JSON_COMPACT);
	if (!size || size > sizeof(p->text))
		return -E2BIG;
	p->size = (uint32_t)size;
	p->sequence = ++s->sequence;
	p->hash = hash_of(p);
	size += offsetof(struct place, text);
	return pwrite(s->file, p, size, (off_t)(p->sequence % 2 * sizeof(*p))) == (ssize_t)size
		   ? 0
		   : -EIO;
}

int store_write(struct store *s, const json_t *record)
{
	int r;

	if (!s->on)
		return 0;
	if (s->file < 0) {
		s->file = memfd_create("nsgd-record", MFD_CLOEXEC);
		if (s->file < 0)
			return -errno;
	}
	store_keep(s, "record", s->file);
	r = record ? write_place(s, record) : -ENOMEM;
	/* An older record has other numbers of next hops: marks would lead to wrong ones. */
	if (r < 0 && ftruncate(s->file, 0) < 0)
		return -errno;
	return r;
}

/* ---- what the process before left ------------------------------------------------------------ */

static void notify_removed(const char *name)
{
	(void)sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name);
}

static uint32_t find_held(const struct store *s, const char *name)
{
	uint32_t i = 0;

	while (i < s->n_held && strcmp(s->held[i], name) != 0)
		i++;
	return i;
}

static void note_held(struct store *s, const char *name)
{
	if (find_held(s, name) == s->n_held && s->n_held < NSG_ARRAY_SIZE(s->held))
		(void)snprintf(s->held[s->n_held++], sizeof(s->held[0]), "%s", name);
}

static void unhold(struct store *s, const char *name)
{
	const uint32_t at = find_held(s, name);

	if (at < s->n_held && at != --s->n_held)
		memcpy(s->held[at], s->held[s->n_held], sizeof(s->held[at]));
}

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	(void)getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size);
	return cookie;
}

/* What is wrong with a socket for nf_tables or NFQUEUE; NULL: nothing. */
static const char *fault_of_socket(int fd)
{
	cleanup_close int own = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	int domain = -1, protocol = -1;
	socklen_t size = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0 || domain != AF_NETLINK)
		return "not a netlink socket";
	if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) < 0 ||
	    protocol != NETLINK_NETFILTER)
		return "not a netfilter socket";
	/* 0: the kernel has no cookies, before Linux 5.14 */
	if (cookie_of(fd) != cookie_of(own) || !cookie_of(fd))
		return "from another network namespace";
	return NULL;
}

static const char *take_queue(struct store *s, const char *name, int fd)
{
	const int queue = nsg_queue_of(fd);
	unsigned int number;
	char end;

	if (sscanf(name, "queue%u%c", &number, &end) != 1)
		return "unknown name";
	if (queue < 0)
		return "not bound to a queue";
	for (uint32_t i = 0; i < s->n_queues; i++)
		if (s->queues[i].queue == queue)
			return "duplicate name";
	if (s->n_queues == NSG_ARRAY_SIZE(s->queues))
		return "too many queues";
	s->queues[s->n_queues++] = (struct nsg_engine_socket){fd, (uint16_t)queue};
	/* earlier versions named it by its worker: handover_keep() gives it again, by its number */
	if (number != (unsigned int)queue) {
		notify_removed(name);
		unhold(s, name);
	}
	return NULL;
}

/* Stores the descriptor, or says what is wrong with it. */
static const char *take(struct store *s, const char *name, int fd)
{
	int *socket = strcmp(name, "silent") == 0  ? &s->silent
		      : strcmp(name, "table") == 0 ? &s->table
						   : NULL;
	const char *fault;
	struct stat st;

	if (strcmp(name, "record") == 0) {
		if (s->file >= 0)
			return "duplicate name";
		if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || fcntl(fd, F_GET_SEALS) < 0)
			return "not a memory file";
		s->file = fd;
		return NULL;
	}
	fault = fault_of_socket(fd);
	if (fault)
		return fault;
	if (!socket)
		return take_queue(s, name, fd);
	if (*socket >= 0)
		return "duplicate name";
	*socket = fd;
	return NULL;
}

/* The manager closes all of that name: one that is used is given to it again. */
static void reject(struct store *s, const char *name, int fd, const char *fault,
		   struct nsg_diag *diag)
{
	(void)nsg_diag_add(diag, NSG_WARNING, NULL, NULL,
			   "descriptor \"%s\" of the service manager is not used: %s", name, fault);
	notify_removed(name);
	unhold(s, name);
	(void)close(fd);
}

static uint32_t silent_queue(const struct store *s)
{
	const json_t *kernel = json_object_get(s->record, "kernel");

	return (uint32_t)json_integer_value(json_object_get(kernel, "silentQueue"));
}

static const char *fault_of_silent(const struct store *s, const struct nsg_conf *conf)
{
	const uint32_t number = silent_queue(s);

	if (nsg_queue_of(s->silent) != (int)number)
		return "not bound to the queue for silent drops";
	if (number < conf->queue_first || number - conf->queue_first >= NSG_MAX_WORKERS)
		return NULL;
	/* the manager closes its copy later */
	nsg_queue_unbind(s->silent, (uint16_t)number);
	return "its queue is one of those from [queue] first on";
}

void store_open(struct store *s, const struct nsg_conf *conf, struct nsg_diag *diag)
{
	const char *fault;
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);

	s->on = getenv("NOTIFY_SOCKET") != NULL;
	for (int i = 0; i < n; i++)
		note_held(s, names[i]);
	for (int i = 0; i < n; i++) {
		const int fd = SD_LISTEN_FDS_START + i;

		fault = take(s, names[i], fd);

		if (fault)
			reject(s, names[i], fd, fault, diag);
	}
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	if (s->file >= 0)
		read_record(s);
	fault = s->silent < 0 ? NULL : fault_of_silent(s, conf);
	if (fault) {
		reject(s, "silent", s->silent, fault, diag);
		s->silent = -1;
	}
}

/* ---- what the next one is left --------------------------------------------------------------- */

void store_drop(struct store *s, const char *name, int *fd)
{
	if (*fd < 0)
		return;
	(void)close(*fd);
	*fd = -1;
	notify_removed(name);
	unhold(s, name);
}

void store_drop_queue(struct store *s, struct nsg_engine_socket *queue)
{
	char name[16];

	if (queue->fd >= 0)
		(void)close(queue->fd);
	queue->fd = -1;
	(void)snprintf(name, sizeof(name), "queue%u", queue->queue);
	notify_removed(name);
	unhold(s, name);
}

void store_keep(struct store *s, const char *name, int fd)
{
	char text[64];

	if (!s->on || fd < 0 || find_held(s, name) < s->n_held)
		return;
	(void)snprintf(text, sizeof(text), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	if (sd_pid_notify_with_fds(0, 0, text, (const int *)&fd, 1) > 0)
		note_held(s, name);
	else
		s->incomplete = true;
}

void store_forget(struct store *s)
{
	while (s->n_held)
		notify_removed(s->held[--s->n_held]);
}

void store_done(struct store *s)
{
	for (uint32_t i = 0; i < s->n_queues; i++)
		if (s->queues[i].fd >= 0)
			(void)close(s->queues[i].fd);
	if (s->silent >= 0)
		(void)close(s->silent);
	if (s->table >= 0)
		(void)close(s->table);
	if (s->file >= 0)
		(void)close(s->file);
	json_decref(s->record);
	store_init(s);
}
