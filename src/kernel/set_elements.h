/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the elements of a set or map that have a counter of their own. */
#ifndef NSG_KERNEL_SET_ELEMENTS_H
#define NSG_KERNEL_SET_ELEMENTS_H

#include <stdint.h>

#include "kernel/attr.h"
#include "kernel/netlink.h"

/* In network order, as the kernel has them; valid during the call. data is empty in a set. */
struct nsg_set_element {
	struct nsg_bytes key, data;
	uint64_t packets;
};

/* -errno ends the reading. */
typedef int nsg_set_element_fn(void *arg, const struct nsg_set_element *element);

/* Calls `each` for every element with a counter; malformed ones are left out. Before a reading that was
 * disturbed is repeated, `again` forgets what has come. -errno. */
int nsg_set_elements_read(struct nsg_nl *nl, const char *table, const char *set,
			  nsg_set_element_fn *each, void (*again)(void *arg), void *arg);

#endif
