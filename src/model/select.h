/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which row of the route table a destination takes (semantics.md section 3, steps a to d): the one
 * place that knows. The compiler asks it for every piece of the address space, explain for one
 * destination and for why the others lost.
 */
#ifndef NSG_MODEL_SELECT_H
#define NSG_MODEL_SELECT_H

#include <stddef.h>

#include "model/effective.h"
#include "util/names.h"

/* What became of a covering row. */
enum nsg_row_fate {
	NSG_FATE_SELECTED,
	NSG_FATE_GONE,		 /* a None row that does not exist any more */
	NSG_FATE_INVALID,	 /* displaced by a row of its very prefix */
	NSG_FATE_SYSTEM_FIRST,	 /* a: a VNet, peering or endpoint row covers it: no BGP */
	NSG_FATE_ENDPOINT_FIRST, /* b: a service endpoint goes before it */
	NSG_FATE_PRIVATE_FIRST,	 /* c: a private endpoint goes before this UDR */
	NSG_FATE_PRIVATE_LOST,	 /* c: a UDR takes the private endpoint's traffic */
	NSG_FATE_SHORTER,	 /* d: a longer prefix was there */
	NSG_FATE_TIE,		 /* d: equal length, better source or rank */
	NSG_FATE_MAX,
};

/*
 * `covering` are all rows of e whose prefix contains the destination, in any order and whatever
 * their state. The gate is the destination's: rfc1918, route-all or service-endpoint. Linear in n,
 * allocates nothing, any thread. NULL only when no row is left (there is always one when the set is
 * complete: 0.0.0.0/0).
 */
const struct nsg_row *nsg_rows_select(const struct nsg_effective *e, enum nsg_gate gate,
				      const struct nsg_row *const *covering, size_t n);

/* The same, and each row's fate in ret_fates[0 .. n-1]. */
const struct nsg_row *nsg_rows_judge(const struct nsg_effective *e, enum nsg_gate gate,
				     const struct nsg_row *const *covering, size_t n,
				     enum nsg_row_fate *ret_fates);

/* A sentence for people, as "a longer prefix goes first". */
const char *nsg_row_fate_text(enum nsg_row_fate f);

#endif
