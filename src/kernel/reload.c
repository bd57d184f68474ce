/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A reload's three steps in the kernel: beside the old one, over to the new one, the old one away.
 */
#include <errno.h>

#include "kernel/conntrack.h"
#include "kernel/kernel_priv.h"
#include "kernel/nft_table.h"
#include "kernel/routes.h"
#include "kernel/rules.h"

static int told(int r, struct nsg_diag *diag)
{
	return r < 0 ? nsg_kernel_complain(diag, r, "cannot rewrite the marks of connections") : 0;
}

/* What still holds the number of a generation to come becomes one that is neither it nor the
 * present one: `decided, of some other generation`. */
static int make_stale(struct nsg_kernel *k, uint32_t generation, struct nsg_diag *diag)
{
	const struct nsg_marks *m = &k->marks;
	uint32_t other = 0;

	while (other == generation || other == k->table.generation)
		other++;
	return told(nsg_conntrack_set(&k->ct_dump, &k->ct_update, m->decided | m->generation,
				      nsg_marks_accept(m, generation, 0), m->generation,
				      other << m->generation_shift, NULL),
		    diag);
}

/* A change of the table that did not find all of it: somebody has just removed it, and the word of
 * it has not come yet. It becomes whole as it should be with the change. */
static int repair_change(struct nsg_kernel *k, int r, const char *what, struct nsg_diag *diag)
{
	if (r == -ENOENT)
		return nsg_kernel_restore_table(k, diag);
	return r < 0 ? nsg_kernel_complain(diag, r, what) : 0;
}

/* Elements, tables and rules of numbers that neither image uses go away. */
static int drop_idle(struct nsg_kernel *k, struct nsg_diag *diag)
{
	struct nsg_nft_batch b;
	bool any = false;
	uint32_t changed;
	int r;

	nsg_nft_batch_begin(&b, k->conf->instance);
	for (uint32_t n = 1; n <= k->hops.max; n++) {
		if (!nsg_hops_is_idle(&k->hops.v[n]))
			continue;
		any = true;
		nsg_table_remove_hop(&b, k, n);
		nsg_hops_free_number(&k->hops, n);
	}
	r = nsg_nft_batch_send(&b, &k->nft, "cannot remove next hops", NULL);
	nsg_nft_batch_done(&b);
	/* not all of it was there: whole again, without it */
	if (r < 0)
		r = nsg_kernel_restore_table(k, diag);
	if (!any || r < 0 || k->conf->audit)
		return r;
	r = nsg_kernel_put_paths(k, diag);
	if (r < 0)
		return r;
	/* rules first: a table without routes would let its packets through */
	r = nsg_rules_restore(&k->rt, &k->hops, diag, &changed);
	return r < 0 ? r : nsg_routes_apply(&k->rt, &k->hops, true, diag);
}

static int add_hops(struct nsg_kernel *k, struct nsg_diag *diag)
{
	struct nsg_nft_batch b;
	int r;

	r = nsg_kernel_resolve(k, diag);
	if (r < 0)
		return r;
	nsg_nft_batch_begin(&b, k->conf->instance);
	for (uint32_t n = 1; n <= k->hops.max; n++)
		if (k->hops.v[n].next && !k->hops.v[n].live)
			nsg_table_put_hop(&b, k, n);
	r = nsg_nft_batch_send(&b, &k->nft, "next hops", NULL);
	nsg_nft_batch_done(&b);
	if (r >= 0)
		r = nsg_kernel_put_paths(k, NULL);
	r = repair_change(k, r, "cannot add next hops", diag);
	if (r < 0 || k->conf->audit)
		return r;
	r = nsg_routes_check_foreign(&k->rt, &k->hops, diag);
	return r < 0 ? r : nsg_kernel_apply_routes_and_rules(k, diag);
}

int nsg_kernel_prepare(struct nsg_kernel *k, const struct nsg_image *image,
		       const struct nsg_hop_numbers *numbers, uint32_t generation,
		       struct nsg_diag *diag)
{
	struct nsg_diag ignored = {0};
	int r;

	r = nsg_hops_commit(&k->hops, image, numbers->number, numbers->n);
	if (r < 0)
		return nsg_kernel_complain(diag, r, "cannot number the next hops");
	r = make_stale(k, generation % NSG_GENERATIONS, diag);
	if (r >= 0)
		r = add_hops(k, diag);
	if (r < 0) {
		for (uint32_t n = 1; n <= k->hops.max; n++)
			k->hops.v[n].next = false;
		(void)drop_idle(k, &ignored);
		nsg_diag_done(&ignored);
		return r;
	}
	/* route-all and the flow timeout take effect with the swap */
	k->coming = nsg_image_info(image);
	k->prepared = true;
	return 0;
}

struct keeper {
	const struct nsg_marks *marks;
	uint32_t generation;
};

static uint32_t keep_own(const struct nsg_connection *c, void *arg)
{
	const struct keeper *keeper = arg;
	const struct nsg_marks *m = keeper->marks;

	return (c->mark & m->generation) == keeper->generation << m->generation_shift ? c->mark : 0;
}

/* Connections that hold any other generation are as if never decided. */
static int forget_others(struct nsg_kernel *k, uint32_t generation, struct nsg_diag *diag)
{
	struct keeper keeper = {.marks = &k->marks, .generation = generation};
	const struct nsg_conntrack_sweep all = {
	    .match_mask = k->marks.decided,
	    .match = k->marks.decided,
	    .mask = k->marks.mask,
	    .wanted = keep_own,
	    .arg = &keeper,
	};

	return told(nsg_conntrack_rewrite(&k->ct_dump, &k->ct_update, &all, NULL), diag);
}

int nsg_kernel_swap(struct nsg_kernel *k, uint32_t generation, enum nsg_forget forget,
		    struct nsg_diag *diag)
{
	struct nsg_table_state before = k->table;
	struct nsg_nft_batch b;
	int r;

	if (!k->prepared)
		return -EINVAL;
	/* Before the new generation counts: what is decided now must not look decided then. */
	r = forget == NSG_FORGET_DECISIONS ? forget_others(k, generation % NSG_GENERATIONS, diag)
					   : 0;
	if (r < 0)
		return r;
	k->table.generation = generation % NSG_GENERATIONS;
	nsg_table_describe(&k->table, &k->coming);
	nsg_nft_batch_begin(&b, k->conf->instance);
	nsg_table_put_policy(&b, k, before.flow_minutes);
	r = nsg_nft_batch_send(&b, &k->nft, "the generation", NULL);
	nsg_nft_batch_done(&b);
	r = repair_change(k, r, "cannot change the generation", diag);
	if (r < 0) {
		k->table = before;
		return r;
	}
	nsg_hops_swap(&k->hops);
	k->prepared = false;
	return 0;
}

int nsg_kernel_retire(struct nsg_kernel *k, struct nsg_diag *diag)
{
	if (k->prepared)
		for (uint32_t n = 1; n <= k->hops.max; n++)
			k->hops.v[n].next = false;
	k->prepared = false;
	return drop_idle(k, diag);
}
