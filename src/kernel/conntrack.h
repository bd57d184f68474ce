/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our bits in the marks of connections. Entries are found by a dump that the kernel filters, and
 * only the bits named are rewritten: the kernel merges them under the mask.
 */
#ifndef NSG_KERNEL_CONNTRACK_H
#define NSG_KERNEL_CONNTRACK_H

#include <stdint.h>

#include "kernel/netlink.h"

/*
 * In every IPv4 entry with mark & match_mask == match, sets the bits of `mask` to `value`. Uses two
 * sockets: one dumps, one writes. Repeats until nothing is left to do, so that an entry which moved
 * during the dump is met too. *ret_n (may be NULL): entries rewritten. -errno; no conntrack in the
 * kernel is 0 entries.
 */
int nsg_conntrack_rewrite(struct nsg_nl *dump, struct nsg_nl *update, uint32_t match_mask,
			  uint32_t match, uint32_t mask, uint32_t value, uint32_t *ret_n);

#endif
