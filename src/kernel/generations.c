/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The generations in the marks of connections, and the sweep that frees their numbers.
 *
 * The sweep gives all marks of older policies the number of one of these policies, and clears marks whose
 * decision is no longer valid; the other numbers are then free. A freed number cannot reappear in a mark:
 * marks get their number from a verdict, and workers use the policy in force or the one being published.
 * No sweep begins while a worker may still use a policy whose publication was abandoned.
 */
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "kernel/conntrack.h"
#include "kernel/kernel_priv.h"
#include "util/thread.h"

/* A connection that is in use is decided again by then: its mark would be cleared if that happened at the
 * same time, and a later policy might then deny what an earlier one allowed. */
#define DELAY_MS 1000
/* Most dumps of a rewrite, which ends when one finds nothing: a dump may miss an entry that moves. */
#define ROUNDS 8

static uint8_t bit(uint32_t generation)
{
	return (uint8_t)(1u << generation);
}

static uint32_t lowest(uint8_t generations)
{
	return (uint32_t)__builtin_ctz(generations);
}

/* ---- the numbers ----------------------------------------------------------------------------- */

void nsg_generations_try(struct nsg_kernel *k, uint32_t generation)
{
	k->generations.forgotten |= bit(generation);
	/* not to be cleared while workers may write it; the end of the reload orders a sweep */
	k->sweep.again = false;
}

void nsg_generations_change(struct nsg_kernel *k, uint32_t generation, enum nsg_forget forget)
{
	struct nsg_generations *g = &k->generations;

	g->older |= bit(k->table.generation);
	k->table.generation = generation;
	if (forget == NSG_FORGET_DECISIONS) {
		g->forgotten |= g->older;
		g->older = 0;
	}
	g->older &= (uint8_t)~bit(generation);
	g->forgotten &= (uint8_t)~bit(generation);
}

uint8_t nsg_kernel_standing(const struct nsg_kernel *k)
{
	return k->generations.older | bit(k->table.generation);
}

static uint8_t free_generations(const struct nsg_kernel *k)
{
	return NSG_ALL_GENERATIONS & ~(nsg_kernel_standing(k) | k->generations.forgotten);
}

/* ---- the sweep ------------------------------------------------------------------------------- */

static bool has_work(const struct nsg_generations *g)
{
	return g->forgotten || (g->older & (g->older - 1));
}

static uint32_t generation_of(const struct nsg_sweep *s, const struct nsg_connection *c)
{
	return (c->mark & s->marks.generation) >> s->marks.generation_shift;
}

static uint32_t rename_older(const struct nsg_connection *c, void *arg)
{
	const struct nsg_sweep *s = arg;

	if (atomic_load(&s->stop) || !(s->work.older & bit(generation_of(s, c))))
		return c->mark;
	return lowest(s->work.older) << s->marks.generation_shift;
}

static uint32_t clear_forgotten(const struct nsg_connection *c, void *arg)
{
	const struct nsg_sweep *s = arg;

	if (atomic_load(&s->stop) || !(s->work.forgotten & bit(generation_of(s, c))))
		return c->mark;
	return 0;
}

static int rewrite(struct nsg_sweep *s, uint32_t mask, nsg_conntrack_desired desired)
{
	const struct nsg_conntrack_sweep order = {
	    .match_mask = s->marks.decided,
	    .match = s->marks.decided,
	    .mask = mask,
	    .desired = desired,
	    .arg = s,
	};

	for (int round = 0; round < ROUNDS; round++) {
		uint32_t n;
		int r = nsg_conntrack_apply(s->dump, s->update, &order, &n);

		if (r < 0)
			return r;
		if (atomic_load(&s->stop))
			return -ECANCELED;
		if (!n)
			return 0;
	}
	return -EAGAIN;
}

/*
 * Only the generation of an older mark is changed, so that a decision that arrives at the same time keeps
 * its next hop, and a mark that was cleared at the same time does not become a decision. Generation 3
 * without `decided` would be the mark of a preexisting connection, but it is never the lowest of several.
 */
static int sweep(struct nsg_sweep *s)
{
	int r = 0;

	if (s->work.older & (s->work.older - 1))
		r = rewrite(s, s->marks.generation, rename_older);
	if (r >= 0 && s->work.forgotten)
		r = rewrite(s, s->marks.mask, clear_forgotten);
	return r;
}

static void *run(void *sweeper)
{
	struct nsg_sweep *s = sweeper;
	struct pollfd hurry = {.fd = s->hurry_fd, .events = POLLIN};

	(void)poll(&hurry, 1, DELAY_MS);
	s->result = sweep(s);
	(void)eventfd_write(s->fd, 1);
	return NULL;
}

static void begin(struct nsg_kernel *k)
{
	struct nsg_sweep *s = &k->sweep;
	eventfd_t hurries;

	(void)eventfd_read(s->hurry_fd, &hurries);
	s->dump = &k->ct_dump;
	s->update = &k->ct_update;
	s->marks = k->marks;
	s->work = k->generations;
	atomic_store(&s->stop, false);
}

static int end(struct nsg_kernel *k, int r, struct nsg_diag *diag)
{
	struct nsg_sweep *s = &k->sweep;
	uint8_t freed = s->work.forgotten | (s->work.older & (s->work.older - 1));

	if (r < 0)
		return nsg_kernel_complain(diag, r, "cannot rewrite the marks of connections");
	k->generations.older &= (uint8_t)~freed;
	k->generations.forgotten &= (uint8_t)~freed;
	return 0;
}

static int join(struct nsg_kernel *k, struct nsg_diag *diag)
{
	eventfd_t ends;

	(void)eventfd_write(k->sweep.hurry_fd, 1);
	(void)pthread_join(k->sweep.thread, NULL);
	k->sweep.running = false;
	(void)eventfd_read(k->sweep.fd, &ends);
	return end(k, k->sweep.result, diag);
}

void nsg_kernel_sweep(struct nsg_kernel *k)
{
	k->sweep.again = k->sweep.running;
	if (k->sweep.running || !k->running || !has_work(&k->generations))
		return;
	begin(k);
	/* if no thread can be started, it is done when a number is needed */
	k->sweep.running = nsg_thread_start(&k->sweep.thread, "nsgd-sweep", run, &k->sweep) >= 0;
}

void nsg_generations_process(struct nsg_kernel *k, struct nsg_diag *diag)
{
	eventfd_t ends;

	if (eventfd_read(k->sweep.fd, &ends) < 0 || !k->sweep.running)
		return;
	/* after an error, the next reload repeats it */
	if (join(k, diag) >= 0 && k->sweep.again)
		nsg_kernel_sweep(k);
}

void nsg_generations_stop(struct nsg_kernel *k)
{
	struct nsg_diag ignored = {0};

	if (!k->sweep.running)
		return;
	atomic_store(&k->sweep.stop, true);
	(void)join(k, &ignored);
	nsg_diag_done(&ignored);
}

/* ---- a new number ---------------------------------------------------------------------------- */

bool nsg_kernel_has_generation(struct nsg_kernel *k)
{
	if (free_generations(k) || !k->sweep.running)
		return true;
	(void)eventfd_write(k->sweep.hurry_fd, 1);
	return false;
}

int nsg_kernel_new_generation(struct nsg_kernel *k, uint8_t avoid, bool settled,
			      struct nsg_diag *diag, uint32_t *ret)
{
	uint8_t unused;
	int r;

	if (!free_generations(k) && k->sweep.running) {
		r = join(k, diag);
		if (r < 0)
			return r;
	}
	if (!free_generations(k)) {
		if (!settled)
			return nsg_kernel_complain(
			    diag, -EBUSY,
			    "a worker still uses a policy of an earlier reload that failed");
		begin(k);
		r = end(k, sweep(&k->sweep), diag);
		if (r < 0)
			return r;
	}
	unused = free_generations(k);
	*ret = lowest(unused & ~avoid ? unused & ~avoid : unused);
	return 0;
}
