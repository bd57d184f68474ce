/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our bits in the marks of connections. Entries are found by a dump, and only the bits named are
 * rewritten: the kernel merges them under a mask. Read here and not by libnetfilter_conntrack, which
 * ends the process (exit in __abi_breakage) when an attribute has another length than it knows.
 */
#ifndef NSG_KERNEL_CONNTRACK_H
#define NSG_KERNEL_CONNTRACK_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/netlink.h"

struct nsg_connection {
	uint32_t id; /* the kernel's, as long as the connection lives */
	uint32_t mark;
	bool tcp_established;
};

/* The value of the bits under the mask that the connection should have; called once or more for
 * each one. */
typedef uint32_t (*nsg_conntrack_desired)(const struct nsg_connection *c, void *arg);

struct nsg_conntrack_sweep {
	uint32_t match_mask, match; /* entries with mark & match_mask == match; the kernel looks */
	uint32_t mask;		    /* bits that are rewritten */
	nsg_conntrack_desired desired;
	void *arg;
};

/*
 * Rewrites every IPv4 entry that wants another value. Uses two sockets: one dumps, one writes.
 * Repeats until nothing is left to do, so that an entry which moved during the dump is met too.
 * *ret_n (may be NULL): entries rewritten. -errno; no conntrack in the kernel is 0 entries.
 */
int nsg_conntrack_apply(struct nsg_nl *dump, struct nsg_nl *update,
			const struct nsg_conntrack_sweep *sweep, uint32_t *ret_n);
/* The same with one value for all. */
int nsg_conntrack_set(struct nsg_nl *dump, struct nsg_nl *update, uint32_t match_mask,
		      uint32_t match, uint32_t mask, uint32_t value, uint32_t *ret_n);

#endif
