/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table `ip INSTANCE`. Base chains and ct timeouts are made once and never deleted before the
 * end: deleting one drops every packet that is queued in the namespace. What a reload changes are
 * elements, and the rules of chains `multicast`, `timeouts` and `tunnels`.
 *
 *   output         route, mangle + 1     sanitise; fast; loopback; replies; tunnels; whose: capture
 *   prerouting     filter, mangle + 1    sanitise; interfaces; fast; local; replies; capture
 *   replies        -                     replies, related errors: passed; decided before: decided
 *   decided        -                     denied by now; queue
 *   capture        -                     excluded; DHCP; older than nsgd; multicast; denied; queue
 *   queue          -                     counted, to the workers
 *   remember       route, mangle + 2     save: after a verdict, and after the fast rules
 *   remember_pre   filter, mangle + 2    save
 *   save           -                     decided: keep; denied: into the set, silence
 *   keep           -                     our bits into the connection's mark, hop bits stay
 *   source_nat     nat, srcnat           sources by hop, with [snat] only
 *   guard          filter, srcnat + 1    a marked packet leaves by its next hop or not at all
 *
 * In audit mode nothing is marked or dropped: only the ways to the queue are there. Without offload
 * decided flows are remembered too (the NSG is stateful), but all their packets are queued.
 */
#ifndef NSG_KERNEL_NFT_TABLE_H
#define NSG_KERNEL_NFT_TABLE_H

#include "kernel/kernel_priv.h"
#include "kernel/nft_batch.h"

/* The whole table as it should be now, whatever of it is there: made, or made whole again. */
void nsg_table_put(struct nsg_nft_batch *b, const struct nsg_kernel *k);
/* Deletes it first, in the same transaction, whether it is there or not. */
void nsg_table_put_anew(struct nsg_nft_batch *b, const struct nsg_kernel *k);
void nsg_table_delete(struct nsg_nft_batch *b);

/* Parts of it. */
void nsg_table_put_hop(struct nsg_nft_batch *b, const struct nsg_kernel *k, uint32_t number);
void nsg_table_remove_hop(struct nsg_nft_batch *b, const struct nsg_kernel *k, uint32_t number);
/* The ways out of all hops: guard's sets and the tunnels' chain. */
void nsg_table_put_paths(struct nsg_nft_batch *b, const struct nsg_kernel *k);
/* What the last update of the cgroups changed: the others keep their counters. */
void nsg_table_change_cgroups(struct nsg_nft_batch *b, const struct nsg_kernel *k);
/* A reload's: the generation, the denied flows forgotten, multicast and timeouts as `k->table`. */
void nsg_table_put_policy(struct nsg_nft_batch *b, const struct nsg_kernel *k,
			  uint32_t old_flow_minutes);
/* Nothing is captured any more; what is queued stays and is remembered. */
void nsg_table_neutralise(struct nsg_nft_batch *b, const struct nsg_kernel *k);

/* A rule of each kind that not every kernel has, in a table of its own that is gone when the
 * transaction ends. */
void nsg_table_probe(struct nsg_nft_batch *b, const struct nsg_marks *marks, bool native_queue);

/* Names that status.c reads: counters. */
#define NSG_COUNTER_OFFLOADED "offloaded"
#define NSG_COUNTER_QUEUED "queued"
#define NSG_COUNTER_DENIED "denied"
#define NSG_COUNTER_DENIED_AGAIN "denied_again"
#define NSG_COUNTER_PREEXISTING "preexisting"
#define NSG_COUNTER_EXCLUDED "excluded"
#define NSG_COUNTER_MULTICAST "multicast"
#define NSG_COUNTER_STRAYED "strayed"
#define NSG_COUNTER_HOP "hop" /* and the number */
#define NSG_SET_CGROUPS "cgroups"

#endif
