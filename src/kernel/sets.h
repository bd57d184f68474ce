/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sets and maps of the table, and their elements. */
#ifndef NSG_KERNEL_SETS_H
#define NSG_KERNEL_SETS_H

#include "kernel/kernel_priv.h"
#include "kernel/nft_batch.h"
#include "kernel/nft_set.h"

/* All sets, empty. */
void nsg_sets_create(struct nsg_nft_batch *b, const struct nsg_kernel *k);
/* All elements but the paths. The sets must be empty. */
void nsg_sets_fill(struct nsg_nft_batch *b, const struct nsg_kernel *k);

/* A set, and whether the configuration has it. */
struct nsg_wanted_set {
	bool wanted;
	struct nft_set set;
};

/* Of either family: those that are wanted, empty. */
void nsg_sets_create_wanted(struct nsg_nft_batch *b, const struct nsg_wanted_set *v, size_t n);
/* Of either family: the captured interfaces, users and cgroups. */
void nsg_sets_create_selectors(struct nsg_nft_batch *b, const struct nsg_kernel *k);
void nsg_sets_fill_selectors(struct nsg_nft_batch *b, const struct nsg_kernel *k);
/* What is left of the period in which connections may be preexisting; of the batch's family. */
void nsg_sets_put_young(struct nsg_nft_batch *b, const struct nsg_kernel *k);
/* The generation in force, no denied flows and no answers. */
void nsg_sets_put_generation(struct nsg_nft_batch *b, const struct nsg_kernel *k);
/* In a table of any layout: no generation is in force, and no connection is taken for a preexisting one. */
void nsg_sets_silence(struct nsg_nft_batch *b);
/* What of the answers is used and learned, as the state asks for; the map stays. */
void nsg_sets_put_switches(struct nsg_nft_batch *b, const struct nsg_kernel *k);
/* The paths of all next hops. */
void nsg_sets_put_paths(struct nsg_nft_batch *b, const struct nsg_kernel *k);
/* Where the host's leases may be renewed. */
void nsg_sets_put_gateways(struct nsg_nft_batch *b, const struct nsg_kernel *k);
/* One next hop, with its counter. */
void nsg_sets_add_hop(struct nsg_nft_batch *b, const struct nsg_kernel *k, uint32_t number);
void nsg_sets_remove_hop(struct nsg_nft_batch *b, const struct nsg_kernel *k, uint32_t number);
/* What the last update of the cgroups changed: unchanged elements keep their counters. */
void nsg_sets_change_cgroups(struct nsg_nft_batch *b, const struct nsg_kernel *k);

#endif
