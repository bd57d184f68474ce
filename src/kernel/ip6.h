/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table `ip6 INSTANCE`. An integration has no IPv6, and IPv6 packets of the app would evade the
 * NSG: while the policy or [capture] ipv6 says so they are refused, with an error that makes
 * clients fall back to IPv4 at once. They are never queued.
 *
 *   output       filter, mangle + 1     sanitise; forged; loopback; replies; owners
 *   prerouting   filter, mangle + 1     sanitise; forged; interfaces; forged
 *   forward      filter, mangle + 1     interfaces: replies; refuse; only with hook prerouting
 *   replies      -                      replies and errors of the kernel pass, bare SYNs are none
 *   owners       -                      captured users and cgroups: refuse
 *   refuse       -                      excluded, link-local, multicast and established connections
 *                                       pass; the rest: refused
 *   refused      -                      TCP: reset; else port unreachable
 *
 * While IPv6 passes, it is only counted; the kernel tracks its connections then. With [capture]
 * ipv6 = pass there is no table. A refused packet confirms no entry of conntrack: an established
 * connection is older than the refusal.
 */
#ifndef NSG_KERNEL_IP6_H
#define NSG_KERNEL_IP6_H

#include <stdbool.h>

#include "kernel/kernel_priv.h"
#include "kernel/nft_batch.h"

#define NSG_COUNTER_REFUSED_TCP "refused_tcp"
#define NSG_COUNTER_REFUSED "refused"
#define NSG_COUNTER_PASSED "passed"

/* Whether there is a table, and whether it refuses. */
bool nsg_ip6_has_table(const struct nsg_kernel *k);
bool nsg_ip6_is_refused(const struct nsg_kernel *k);

/* Like the functions of table.h, for the part of the batch that is family ip6. */
void nsg_ip6_desired(struct nsg_nft_batch *b, const struct nsg_kernel *k);
void nsg_ip6_delete(struct nsg_nft_batch *b, const struct nsg_kernel *k);
/* The rules, which a reload may change. */
void nsg_ip6_put_policy(struct nsg_nft_batch *b, const struct nsg_kernel *k);
void nsg_ip6_neutralise(struct nsg_nft_batch *b, const struct nsg_kernel *k);
/* What the last update of the cgroups changed. */
void nsg_ip6_change_cgroups(struct nsg_nft_batch *b, const struct nsg_kernel *k);
/* A rule of each kind that some kernels lack; with `reject` also of that which more kernels lack. */
void nsg_ip6_probe(struct nsg_nft_batch *b, bool reject);

/* Whether this host has a global IPv6 address: not of its links only, not a unique local one. */
bool nsg_ip6_host_has_address(void);

#endif
