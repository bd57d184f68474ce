/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The three steps of a reload in the kernel: add what is new, swap, remove what is old. */
#include <errno.h>

#include "kernel/kernel_priv.h"
#include "kernel/table.h"
#include "kernel/routes.h"
#include "kernel/rules.h"

/* After a change of the table that returned r. -ENOENT: another program has removed a part, and its
 * notification is still to come; the whole table is loaded, with the change. */
static int repair_change(struct nsg_kernel *k, int r, const char *what, struct nsg_diag *diag)
{
	if (r == -ENOENT)
		return nsg_table_apply(k, false, diag);
	return r < 0 ? nsg_kernel_complain(diag, r, what) : 0;
}

/* Removes the elements, rules and routes of next hops that neither image uses. */
static int remove_idle_hops(struct nsg_kernel *k, struct nsg_diag *diag)
{
	bool any = false;
	uint32_t changed;
	int r;

	r = nsg_table_change(k, "cannot remove next hops", nsg_table_remove_idle_hops, NULL);
	for (uint32_t n = 1; n <= k->hops.max; n++) {
		if (!nsg_hops_is_idle(&k->hops.v[n]))
			continue;
		any = true;
		nsg_hops_free_number(&k->hops, n);
	}
	/* some of it was not there: the whole table, without these hops */
	if (r < 0)
		r = nsg_table_apply(k, false, diag);
	if (r < 0)
		return r;
	if (!any || k->conf->audit)
		return 0;
	r = nsg_table_apply_paths(k, diag);
	if (r < 0)
		return r;
	/* rules first: a packet that finds no route in its table goes on to the host's */
	r = nsg_rules_apply(&k->rt, &k->hops, diag, &changed);
	if (r < 0)
		return r;
	return nsg_routes_apply(&k->rt, &k->hops, true, diag);
}

static int add_new_hops(struct nsg_kernel *k, struct nsg_diag *diag)
{
	int r;

	r = nsg_kernel_resolve(k, diag);
	if (r < 0)
		return r;
	if (k->inherited) {
		r = nsg_table_replace(k, diag);
	} else {
		r = nsg_table_change(k, "cannot add next hops", nsg_table_add_new_hops, NULL);
		if (r >= 0)
			r = nsg_table_apply_paths(k, NULL);
		r = repair_change(k, r, "cannot add next hops", diag);
	}
	if (r < 0)
		return r;
	if (k->conf->audit)
		return 0;
	r = nsg_routes_check_foreign(&k->rt, &k->hops, diag);
	if (r < 0)
		return r;
	/* the routes of hops that are no longer used are removed at the end of the reload */
	return nsg_kernel_apply_routes_and_rules(k, k->inherited, diag);
}

static void take_effect(struct nsg_kernel *k, uint32_t generation, enum nsg_forget forget)
{
	/* Packets in the queues may have the mark of a decision that is cleared, or was by the process
	 * before this one: their verdicts are about the route alone, and look like those of new flows. */
	k->table.unsettled |= forget == NSG_FORGET_DECISIONS || k->inherited;
	nsg_generations_change(k, generation, forget);
	nsg_table_describe(&k->table, &k->coming);
}

int nsg_kernel_prepare(struct nsg_kernel *k, const struct nsg_image *image,
		       const struct nsg_hop_numbers *numbers, uint32_t generation,
		       struct nsg_diag *diag)
{
	struct nsg_diag ignored = {0};
	int r;

	r = nsg_hops_commit(&k->hops, image, numbers->number, numbers->n);
	if (r < 0)
		return nsg_kernel_complain(diag, r, "cannot assign numbers to the next hops");
	k->coming = nsg_image_info(image);
	/* No worker runs at a takeover: what the kernel does not decide by this generation waits. */
	if (k->inherited)
		take_effect(k, generation, NSG_FORGET_NOTHING);
	else
		nsg_generations_try(k, generation);
	r = add_new_hops(k, diag);
	if (r < 0) {
		for (uint32_t n = 1; n <= k->hops.max; n++)
			k->hops.v[n].next = false;
		(void)remove_idle_hops(k, &ignored);
		nsg_diag_done(&ignored);
		return r;
	}
	k->prepared = true;
	return 0;
}

int nsg_kernel_swap(struct nsg_kernel *k, uint32_t generation, enum nsg_forget forget,
		    struct nsg_diag *diag)
{
	const struct nsg_generations generations = k->generations;
	const struct nsg_table_state before = k->table;
	int r = 0;

	if (!k->prepared)
		return -EINVAL;
	take_effect(k, generation, forget);
	if (!k->inherited) {
		r = nsg_table_change(k, "cannot change the generation", nsg_table_put_policy, NULL);
		r = repair_change(k, r, "cannot change the generation", diag);
	}
	if (r < 0) {
		k->table = before;
		k->generations = generations;
		return r;
	}
	nsg_hops_swap(&k->hops);
	k->prepared = false;
	if (k->inherited)
		nsg_kernel_started(k, diag);
	k->inherited = false;
	return 0;
}

int nsg_kernel_retire(struct nsg_kernel *k, struct nsg_diag *diag)
{
	if (k->prepared)
		for (uint32_t n = 1; n <= k->hops.max; n++)
			k->hops.v[n].next = false;
	k->prepared = false;
	return remove_idle_hops(k, diag);
}
