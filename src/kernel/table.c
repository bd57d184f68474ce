/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/netfilter/nf_tables.h>

#include "kernel/chains.h"
#include "kernel/ip6.h"
#include "kernel/nft_expr.h"
#include "kernel/ruleset.h"
#include "kernel/sets.h"
#include "kernel/shared_rules.h"
#include "util/macro.h"

void nsg_table_put(struct nsg_nft_batch *b, const struct nsg_kernel *k, bool hooks)
{
	static const char *const counters[] = {
	    NSG_COUNTER_OFFLOADED,    NSG_COUNTER_QUEUED,	    NSG_COUNTER_DENIED,
	    NSG_COUNTER_DENIED_AGAIN, NSG_COUNTER_PREEXISTING,	    NSG_COUNTER_EXCLUDED,
	    NSG_COUNTER_MULTICAST,    NSG_COUNTER_STRAYED,	    NSG_COUNTER_VANISHED,
	    NSG_COUNTER_FORGED,	      NSG_COUNTER_FORGED_INTERFACE, NSG_COUNTER_SOURCE_ROUTED,
	    NSG_COUNTER_ANSWERED,     NSG_COUNTER_ANSWERED_DENIED,  NSG_COUNTER_UNANSWERED,
	};

	/* With daemon-down = accept the table dies with the socket that created it. */
	nsg_nft_table_add(b, k->conf->down_accept ? NFT_TABLE_F_OWNER : 0);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(counters); i++)
		nsg_nft_counter(b, counters[i]);
	nsg_chains_create(b, k, hooks);
	nsg_sets_create(b, k);
	nsg_sets_fill(b, k);
	nsg_sets_put_paths(b, k);
	nsg_chains_fill(b, k);
	nsg_ip6_desired(b, k);
}

void nsg_table_desired(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	nsg_table_put(b, k, false);
}

static void delete_table(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	/* created first: deleting a table that is not there fails the transaction */
	nsg_nft_table_add(b, NSG_NFT_TABLE_AS_IT_IS);
	nsg_nft_table_delete(b);
	nsg_ip6_delete(b, k);
}

/* NULL: none, or it is replaced in place. */
static const char *former_table(const struct nsg_kernel *k)
{
	return k->former && strcmp(k->former->instance, k->conf->instance) != 0
		   ? k->former->instance
		   : NULL;
}

void nsg_table_delete_former(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const char *table = b->table;

	if (!former_table(k))
		return;
	b->table = former_table(k);
	delete_table(b, k);
	b->table = table;
}

static void delete_tables(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	delete_table(b, k);
	nsg_table_delete_former(b, k);
}

void nsg_table_desired_anew(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	delete_tables(b, k);
	nsg_table_put(b, k, true);
}

int nsg_table_change(struct nsg_kernel *k, const char *purpose, nsg_table_fill fill,
		     struct nsg_diag *diag)
{
	cleanup_nft_batch struct nsg_nft_batch b;

	nsg_nft_batch_begin(&b, k->conf->instance);
	fill(&b, k);
	return nsg_nft_batch_send(&b, &k->nft, purpose, diag);
}

/* FNV-1a */
static uint64_t hash_words(uint64_t hash, const uint32_t *words, size_t n)
{
	for (size_t w = 0; w < n; w++)
		hash = (hash ^ words[w]) * 0x100000001b3u;
	return hash;
}

/* Over what the table says of a path and the tunnels below it. */
static uint64_t hash_path(const struct nsg_kernel *k, uint64_t hash, uint32_t n,
			  const struct nsg_path *path)
{
	const uint32_t key[] = {n, path->up ? path->ifindex : 0};

	hash = hash_words(hash, key, NSG_ARRAY_SIZE(key));
	for (size_t i = 0; path->up && i < k->links.links.n; i++) {
		const struct nsg_link *link = &k->links.links.v[i];
		const uint32_t tunnel[] = {
		    link->ifindex,
		    link->tunnel.protocol,
		    link->tunnel.port,
		    link->tunnel.remote_host,
		};

		if (link->tunnel.protocol && nsg_links_lead_into(&k->links, path->ifindex, link))
			hash = hash_words(hash, tunnel, NSG_ARRAY_SIZE(tunnel));
	}
	return hash;
}

static uint64_t paths_hash(const struct nsg_kernel *k)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (uint32_t n = 1; n <= k->hops.max; n++)
		for (uint32_t i = 0; k->hops.v[n].used && i < k->hops.v[n].n_paths; i++)
			hash = hash_path(k, hash, n, &k->hops.v[n].paths[i]);
	return hash;
}

void nsg_table_note_paths(struct nsg_kernel *k)
{
	k->paths_applied = paths_hash(k);
}

int nsg_table_apply(struct nsg_kernel *k, bool anew, struct nsg_diag *diag)
{
	int r = -EEXIST;

	if (!anew)
		r = nsg_table_change(k, "cannot change the rules", nsg_table_desired, NULL);
	if (r < 0)
		r = nsg_table_change(k, "cannot load the rules", nsg_table_desired_anew, diag);
	if (r < 0)
		return r;
	nsg_table_note_paths(k);
	return 0;
}

static int silence_table(struct nsg_kernel *k, const char *table)
{
	cleanup_nft_batch struct nsg_nft_batch b;
	int r;

	nsg_nft_batch_begin(&b, table);
	nsg_sets_silence(&b);
	/* created first: not every layout has it */
	nsg_nft_chain(&b, "answer");
	nsg_nft_chain_flush(&b, "answer");
	nsg_nft_chain_flush(&b, "queue");
	/* queue num SILENT */
	RULE(&b, "queue", nsg_shared_silence(&b, k));
	r = nsg_nft_batch_send(&b, &k->nft, "silencing", NULL);
	/* there is no such table */
	return r == -ENOENT ? 0 : r;
}

int nsg_table_silence(struct nsg_kernel *k)
{
	int r = silence_table(k, k->conf->instance);

	return r < 0 || !former_table(k) ? r : silence_table(k, former_table(k));
}

int nsg_table_clear(struct nsg_kernel *k, struct nsg_diag *diag)
{
	return nsg_table_change(k, "cannot remove the rules", delete_tables, diag);
}

static void put_paths(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	if (k->conf->audit)
		return;
	nsg_sets_put_paths(b, k);
	nsg_chains_put_tunnels(b, k);
}

int nsg_table_apply_paths(struct nsg_kernel *k, struct nsg_diag *diag)
{
	uint64_t hash = paths_hash(k);
	int r;

	if (hash == k->paths_applied)
		return 0;
	r = nsg_table_change(k, "cannot change the paths of next hops", put_paths, diag);
	if (r < 0)
		return r;
	k->paths_applied = hash;
	return 0;
}

/* The ct timeouts of other numbers of minutes stay: the kernel drops every queued packet of the
 * namespace when one is deleted, as with a base chain. */
void nsg_table_put_policy(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	nsg_chains_put_multicast(b, k);
	nsg_sets_put_generation(b, k);
	nsg_chains_put_timeouts(b, k);
	nsg_ip6_put_policy(b, k);
}

void nsg_table_add_new_hops(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	for (uint32_t n = 1; n <= k->hops.max; n++)
		if (k->hops.v[n].next && !k->hops.v[n].live)
			nsg_sets_add_hop(b, k, n);
}

void nsg_table_remove_idle_hops(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	for (uint32_t n = 1; n <= k->hops.max; n++)
		if (nsg_hops_is_idle(&k->hops.v[n]))
			nsg_sets_remove_hop(b, k, n);
}

static void probe_native(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	nsg_chains_probe(b, &k->marks, true);
}

static void probe_xt(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	nsg_chains_probe(b, &k->marks, false);
}

static void probe_sockets(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	(void)k;
	nsg_chains_probe_sockets(b);
}

static void probe_ip6(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	(void)k;
	nsg_ip6_probe(b, false);
}

static void probe_ip6_reject(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	(void)k;
	nsg_ip6_probe(b, true);
}

static int probe(struct nsg_kernel *k, nsg_table_fill fill)
{
	cleanup_nft_batch struct nsg_nft_batch b;
	char name[32];

	(void)snprintf(name, sizeof(name), "nsgd_probe_%ld", (long)getpid());
	nsg_nft_batch_begin(&b, name);
	/* Dormant: its hooks are not registered. The kernel drops every queued packet of the namespace
	 * when a hook goes. */
	nsg_nft_table_add(&b, NFT_TABLE_F_DORMANT);
	fill(&b, k);
	nsg_nft_table_delete(&b);
	return nsg_nft_batch_send(&b, &k->nft, "probing", NULL);
}

int nsg_table_probe(struct nsg_kernel *k, bool native_queue)
{
	return probe(k, native_queue ? probe_native : probe_xt);
}

int nsg_table_probe_sockets(struct nsg_kernel *k)
{
	return probe(k, probe_sockets);
}

int nsg_table_probe_ip6(struct nsg_kernel *k, bool reject)
{
	return probe(k, reject ? probe_ip6_reject : probe_ip6);
}
