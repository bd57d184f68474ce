/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/older.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/conntrack.h"
#include "util/cleanup.h"
#include "util/vec.h"

/* The file: ids in the host's own byte order, nothing else; /run does not outlive a boot. */
#define MAX_IDS (4u << 20)

struct life {
	const struct nsg_marks *marks;
	NSG_VEC(uint32_t) known; /* decided by an earlier life; sorted */
	NSG_VEC(uint32_t) alive; /* of this and of earlier lives, seen now */
	bool mark; /* those that are older */
	int error;
};

static int compare_ids(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static bool is_known(const struct life *life, uint32_t id)
{
	return life->known.n && bsearch(&id, life->known.v, life->known.n, sizeof(id), compare_ids);
}

static void path_of(const struct nsg_older *o, const char *suffix, char *out, size_t size)
{
	(void)snprintf(out, size, "%s/%s.flows%s", o->directory, o->instance, suffix);
}

static int read_known(const struct nsg_older *o, struct life *life)
{
	cleanup_fclose FILE *f = NULL;
	char path[256];
	uint32_t id;
	int r = 0;

	path_of(o, "", path, sizeof(path));
	f = fopen(path, "re");
	while (f && !r && life->known.n < MAX_IDS && fread(&id, sizeof(id), 1, f) == 1)
		r = nsg_vec_push(&life->known, id);
	if (life->known.n)
		qsort(life->known.v, life->known.n, sizeof(id), compare_ids);
	return r;
}

/* An id comes once for every pass of the sweep that met it. */
static void make_unique(struct life *life)
{
	size_t n = 0;

	if (!life->alive.n)
		return;
	qsort(life->alive.v, life->alive.n, sizeof(*life->alive.v), compare_ids);
	for (size_t i = 0; i < life->alive.n; i++)
		if (!n || life->alive.v[n - 1] != life->alive.v[i])
			life->alive.v[n++] = life->alive.v[i];
	life->alive.n = n;
}

static int write_alive(const struct nsg_older *o, const struct life *life)
{
	char path[256], temporary[256];
	bool written;
	FILE *f;

	path_of(o, "", path, sizeof(path));
	path_of(o, ".new", temporary, sizeof(temporary));
	if (!life->alive.n)
		return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
	f = fopen(temporary, "we");
	if (!f)
		return -errno;
	written = fwrite(life->alive.v, sizeof(*life->alive.v), life->alive.n, f) == life->alive.n;
	written &= fclose(f) == 0;
	if (written && rename(temporary, path) == 0)
		return 0;
	(void)unlink(temporary);
	return -EIO;
}

static uint32_t at_begin(const struct nsg_connection *c, void *arg)
{
	const struct life *life = arg;
	const uint32_t older = life->marks->generation, ours = c->mark & life->marks->mask;

	if (!life->mark || (ours & life->marks->decided))
		return 0;
	if (ours == older)
		return older;
	return c->tcp_established && !is_known(life, c->id) ? older : 0;
}

static uint32_t at_end(const struct nsg_connection *c, void *arg)
{
	struct life *life = arg;
	int r = 0;

	if ((c->mark & life->marks->decided) || is_known(life, c->id))
		r = nsg_vec_push(&life->alive, c->id);
	if (r < 0)
		life->error = r;
	return 0;
}

static int sweep(const struct nsg_older *o, nsg_conntrack_wanted wanted, struct life *life,
		 struct nsg_diag *diag)
{
	const struct nsg_conntrack_sweep all = {
		.mask = o->marks->mask,
		.wanted = wanted,
		.arg = life,
	};
	int r = nsg_conntrack_rewrite(o->dump, o->update, &all, NULL);

	if (r < 0)
		(void)nsg_diag_add(diag, NSG_ERROR, NULL, NULL,
				   "cannot rewrite the marks of connections: %s", strerror(-r));
	return r;
}

int nsg_older_begin(const struct nsg_older *o, bool mark, struct nsg_diag *diag)
{
	struct life life = { .marks = o->marks, .mark = mark };
	int r;

	r = read_known(o, &life);
	if (r >= 0)
		r = sweep(o, at_begin, &life, diag);
	nsg_vec_done(&life.known);
	return r;
}

int nsg_older_end(const struct nsg_older *o, struct nsg_diag *diag)
{
	struct life life = { .marks = o->marks };
	int r, e;

	r = read_known(o, &life);
	if (r >= 0)
		r = sweep(o, at_end, &life, diag);
	if (r >= 0)
		r = life.error;
	if (r >= 0) {
		/* the marks are gone all the same: only the memory of them is lost */
		make_unique(&life);
		e = write_alive(o, &life);
		if (e < 0 && e != -ENOENT)
			(void)nsg_diag_add(diag, NSG_WARNING, NULL, NULL,
					   "%s: open connections will count as older than nsgd at "
					   "the next start: %s", o->directory, strerror(-e));
	}
	nsg_vec_done(&life.known);
	nsg_vec_done(&life.alive);
	return r;
}
