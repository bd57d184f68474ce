/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/shared_rules.h"

#include <netinet/in.h>

#include "kernel/nft_expr.h"
#include "kernel/ruleset.h"

void nsg_shared_silence(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const struct nft_queue silent = {
	    .native = k->table.native_queue,
	    .first = k->table.silent_queue,
	    .total = 1,
	};

	nft_queue_to(b, &silent);
}

void nsg_shared_sanitise(struct nsg_nft_batch *b, const struct nsg_kernel *k, const char *chain)
{
	const uint32_t mask = k->marks.mask;

	if (k->conf->audit)
		return;
	/* meta mark & MASK != 0 meta mark set meta mark & ~MASK */
	RULE(b, chain, nft_mark_is_not(b, NFT_MARK_PACKET, mask, 0); nft_mark_keep(b, ~mask));
}

void nsg_shared_drop_forged(struct nsg_nft_batch *b, const struct nsg_kernel *k,
			    const char *counter)
{
	nft_count(b, counter);
	if (!k->conf->audit)
		nft_drop(b);
}

void nsg_shared_match_new(struct nsg_nft_batch *b, bool excludes)
{
	nft_ct_state(b, STATE_NEW);
	if (excludes)
		nft_saddr_not_in(b, "excluded");
}

/* [meta skuid @users] socket cgroupv2 level LEVEL @cgroups goto capture, for each level; of sockets
 * without an owner: meta l4proto tcp socket ... */
static void put_cgroups(struct nsg_nft_batch *b, const struct nsg_kernel *k, bool owned,
			const char *captured)
{
	const struct nsg_cgroups *c = &k->cgroups;

	for (uint32_t level = 1; level <= nsg_cgroups_deepest(c); level++) {
		if (!nsg_cgroups_has_level(c, level))
			continue;
		nsg_nft_rule(b, "owners");
		if (!owned)
			nft_l4proto(b, IPPROTO_TCP);
		else if (k->n_users)
			nft_skuid_in(b, "users");
		nft_cgroup_in(b, level, NSG_SET_CGROUPS);
		nft_goto(b, captured);
		nsg_nft_rule_end(b);
	}
}

void nsg_shared_owners(struct nsg_nft_batch *b, const struct nsg_kernel *k, const char *captured)
{
	const bool users = k->n_users, cgroups = k->cgroups.n;

	if (cgroups)
		put_cgroups(b, k, true, captured);
	else if (users)
		/* meta skuid @users goto capture */
		RULE(b, "owners", nft_skuid_in(b, "users"); nft_goto(b, captured));
	else
		/* meta skuid != 4294967295 goto capture */
		RULE(b, "owners", nft_skuid_known(b); nft_goto(b, captured));
	if (!k->table.kernel_sockets || (cgroups && !users))
		return;
	/* Of TCP what no process owns is left. Connections that the kernel opens for a process
	 * (AF_SMC, subflows of MPTCP) have a socket in the cgroup of the process; resets that the
	 * kernel sends by itself have not. Not UDP: the socket of a tunnel belongs to the cgroup
	 * that created it. */
	if (users)
		/* meta skuid != 4294967295 accept */
		RULE(b, "owners", nft_skuid_known(b); nft_accept(b));
	if (cgroups)
		put_cgroups(b, k, false, captured);
	else
		/* meta l4proto tcp socket cgroupv2 level 1 != 0 goto capture */
		RULE(b, "owners", nft_l4proto(b, IPPROTO_TCP); nft_cgroup_known(b);
		     nft_goto(b, captured));
}
