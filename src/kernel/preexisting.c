/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/preexisting.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/conntrack.h"
#include "util/cleanup.h"
#include "util/macro.h"
#include "util/vec.h"

/* The file has ids in host order: /run does not survive a reboot. */
#define MAX_IDS (4u << 20)

struct connections {
	const struct nsg_marks *marks;
	struct nsg_ids known;	     /* decided by an earlier run; sorted when looked up */
	struct nsg_ids alive;	     /* decided by this or an earlier run, still there */
	struct nsg_ids *preexisting; /* as in nsg_preexisting; sorted when looked up */
	int error;
};

static void connections_done(struct connections *c)
{
	nsg_vec_done(&c->known);
	nsg_vec_done(&c->alive);
}

#define cleanup_connections __attribute__((cleanup(connections_done)))

static int compare_ids(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return NSG_CMP(x, y);
}

static bool has_id(const struct nsg_ids *ids, uint32_t id)
{
	return ids && ids->n && bsearch(&id, ids->v, ids->n, sizeof(id), compare_ids);
}

static void path_of(const struct nsg_preexisting *o, const char *suffix, char *out, size_t size)
{
	(void)snprintf(out, size, "%s/%s.%s", o->directory, o->instance, suffix);
}

static int read_file(const struct nsg_preexisting *o, struct connections *connections)
{
	cleanup_fclose FILE *f = NULL;
	char path[256];
	uint32_t id;
	int r = 0;

	path_of(o, "flows", path, sizeof(path));
	f = fopen(path, "re");
	while (f && !r && connections->known.n < MAX_IDS && fread(&id, sizeof(id), 1, f) == 1)
		r = nsg_vec_push(&connections->known, id);
	return r;
}

/* Sorts, and removes duplicates: a sweep may find a connection in each pass. */
static void make_unique(struct nsg_ids *ids)
{
	const size_t n = ids->n;

	if (!n)
		return;
	qsort(ids->v, n, sizeof(*ids->v), compare_ids);
	ids->n = 0;
	for (size_t i = 0; i < n; i++)
		if (!ids->n || ids->v[ids->n - 1] != ids->v[i])
			ids->v[ids->n++] = ids->v[i];
}

static int write_file(const struct nsg_preexisting *o, const uint32_t *ids, size_t n)
{
	char path[256], temporary[256];
	bool written;
	FILE *f;

	path_of(o, "flows", path, sizeof(path));
	path_of(o, "flows.new", temporary, sizeof(temporary));
	if (!n)
		return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
	f = fopen(temporary, "we");
	if (!f)
		return -errno;
	written = fwrite(ids, sizeof(*ids), n, f) == n;
	written &= fclose(f) == 0;
	if (written && rename(temporary, path) == 0)
		return 0;
	(void)unlink(temporary);
	return -EIO;
}

/* A failure is only a warning: the marks themselves are right. */
static void write_known(const struct nsg_preexisting *o, const uint32_t *ids, size_t n,
			struct nsg_diag *diag)
{
	int r = write_file(o, ids, n);

	if (r < 0 && r != -ENOENT)
		(void)nsg_diag_add(diag, NSG_WARNING, NULL, NULL,
				   "%s: at the next start, open connections will be treated as "
				   "established before nsgd: %s",
				   o->directory, strerror(-r));
}

static uint32_t forget(const struct nsg_connection *c, void *arg)
{
	struct connections *connections = arg;
	int r = nsg_vec_push(&connections->known, c->id);

	if (r < 0)
		connections->error = r;
	return 0;
}

int nsg_preexisting_rename(const struct nsg_preexisting *o, const char *former,
			   struct nsg_diag *diag)
{
	const struct nsg_preexisting before = {.directory = o->directory, .instance = former};
	cleanup_connections struct connections connections = {0};
	char from[256], to[256];
	int r;

	if (strcmp(former, o->instance) == 0)
		return 0;
	path_of(&before, "started", from, sizeof(from));
	path_of(o, "started", to, sizeof(to));
	(void)rename(from, to);
	r = read_file(&before, &connections);
	if (r < 0 || !connections.known.n)
		return r;
	r = read_file(o, &connections);
	if (r < 0)
		return r;
	make_unique(&connections.known);
	write_known(o, connections.known.v, connections.known.n, diag);
	return write_file(&before, NULL, 0);
}

bool nsg_preexisting_is_gap(const struct nsg_preexisting *o)
{
	char path[256];

	path_of(o, "started", path, sizeof(path));
	return access(path, F_OK) == 0;
}

void nsg_preexisting_started(const struct nsg_preexisting *o, struct nsg_diag *diag)
{
	cleanup_close int fd = -1;
	char path[256];

	path_of(o, "started", path, sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 && errno != ENOENT)
		(void)nsg_diag_add(diag, NSG_WARNING, NULL, NULL,
				   "%s: after a crash open connections will be treated as "
				   "established before nsgd: %s",
				   path, strerror(errno));
}

/* The bits without a mark of ours; bits under the mask that are not a mark of ours stay. */
static uint32_t without_ours(const struct connections *connections, uint32_t mark)
{
	const uint32_t bits = mark & connections->marks->mask;

	return (bits & connections->marks->decided) || bits == connections->marks->generation
		   ? 0
		   : bits;
}

static uint32_t mark_preexisting(const struct nsg_connection *c, void *arg)
{
	const struct connections *connections = arg;
	const uint32_t older = connections->marks->generation,
		       bits = c->mark & connections->marks->mask;

	return !bits && c->tcp_established && !has_id(&connections->known, c->id) ? older : bits;
}

static uint32_t unmark(const struct nsg_connection *c, void *arg)
{
	const struct connections *connections = arg;
	const uint32_t bits = without_ours(connections, c->mark);

	return !bits && has_id(connections->preexisting, c->id) ? connections->marks->generation
								: bits;
}

static uint32_t at_end(const struct nsg_connection *c, void *arg)
{
	struct connections *connections = arg;
	int r = 0;

	if ((c->mark & connections->marks->decided) || has_id(&connections->known, c->id))
		r = nsg_vec_push(&connections->alive, c->id);
	else if (connections->preexisting &&
		 (c->mark & connections->marks->mask) == connections->marks->generation)
		r = nsg_vec_push(connections->preexisting, c->id);
	if (r < 0)
		connections->error = r;
	return without_ours(connections, c->mark);
}

/* Of connections with these bits; 0: of all. */
static int sweep(const struct nsg_preexisting *o, uint32_t bits, nsg_conntrack_desired desired,
		 struct connections *connections, struct nsg_diag *diag)
{
	const struct nsg_conntrack_sweep some = {
	    .match_mask = bits,
	    .match = bits,
	    .mask = o->marks->mask,
	    .desired = desired,
	    .arg = connections,
	};
	int r = nsg_conntrack_apply(o->dump, o->update, &some, NULL);

	if (r < 0)
		(void)nsg_diag_add(diag, NSG_ERROR, NULL, NULL,
				   "cannot rewrite the marks of connections: %s", strerror(-r));
	return r;
}

int nsg_preexisting_apply(const struct nsg_preexisting *o, bool mark, struct nsg_diag *diag)
{
	cleanup_connections struct connections connections = {.marks = o->marks,
							      .preexisting = o->preexisting};
	int r;

	r = read_file(o, &connections);
	if (r < 0)
		return r;
	/* decided ones first: once unmarked, they are only known by their ids */
	r = sweep(o, o->marks->decided, forget, &connections, diag);
	if (r < 0)
		return r;
	if (connections.error < 0)
		return connections.error;
	make_unique(&connections.known);
	if (o->preexisting)
		make_unique(o->preexisting);
	r = sweep(o, 0, mark ? mark_preexisting : unmark, &connections, diag);
	if (r < 0)
		return r;
	write_known(o, connections.known.v, connections.known.n, diag);
	return 0;
}

int nsg_preexisting_clear(const struct nsg_preexisting *o, struct nsg_diag *diag)
{
	cleanup_connections struct connections connections = {.marks = o->marks,
							      .preexisting = o->preexisting};
	char path[256];
	int r;

	r = read_file(o, &connections);
	if (r < 0)
		return r;
	make_unique(&connections.known);
	r = sweep(o, 0, at_end, &connections, diag);
	if (r < 0)
		return r;
	if (connections.error < 0)
		return connections.error;
	path_of(o, "started", path, sizeof(path));
	(void)unlink(path);
	make_unique(&connections.alive);
	write_known(o, connections.alive.v, connections.alive.n, diag);
	return 0;
}
