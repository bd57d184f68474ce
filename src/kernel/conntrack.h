/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nsgd's bits in the marks of connections: read, desired, apply. Entries are found by a dump, and
 * the kernel merges the new bits under a mask. libnetfilter_conntrack is not used: it ends the
 * process (exit in __abi_breakage) when an attribute does not have the expected length.
 */
#ifndef NSG_KERNEL_CONNTRACK_H
#define NSG_KERNEL_CONNTRACK_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/netlink.h"

struct nsg_connection {
	uint32_t id; /* the kernel's, for the life of the connection */
	uint32_t mark;
	bool tcp_established;
};

/* The desired value of the bits under the mask; called at least once for each connection. */
typedef uint32_t (*nsg_conntrack_desired)(const struct nsg_connection *c, void *arg);

struct nsg_conntrack_sweep {
	uint32_t match_mask, match; /* entries with mark & match_mask == match */
	uint32_t mask;		    /* bits that are rewritten */
	nsg_conntrack_desired desired;
	void *arg;
};

/*
 * Rewrites every IPv4 entry whose value differs. One socket dumps, the other writes. Repeated until
 * nothing is left, since a dump may miss an entry that moves in the table. *ret_n (may be NULL):
 * entries rewritten. -errno; a kernel without conntrack has 0 entries.
 */
int nsg_conntrack_apply(struct nsg_nl *dump, struct nsg_nl *update,
			const struct nsg_conntrack_sweep *sweep, uint32_t *ret_n);

#endif
