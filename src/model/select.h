/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Route selection, the only implementation. Its steps: (a) no BGP under a VNet, peering or endpoint
 * row, (b) service endpoints, (c) private endpoints, (d) longest prefix, source, rank. The compiler
 * uses it for every piece of the address space, explain for one destination and the reasons why
 * other routes were not selected.
 */
#ifndef NSG_MODEL_SELECT_H
#define NSG_MODEL_SELECT_H

#include <stdbool.h>
#include <stddef.h>

#include "model/effective.h"
#include "util/names.h"

/* Whether a covering row was selected, and if not, why. */
enum nsg_row_fate {
	NSG_FATE_SELECTED,
	NSG_FATE_GONE,		 /* a None or Internet row that was removed */
	NSG_FATE_SYSTEM_FIRST,	 /* a: a VNet, peering or endpoint row covers it: no BGP */
	NSG_FATE_ENDPOINT_FIRST, /* b: a service endpoint takes precedence */
	NSG_FATE_PRIVATE_FIRST,	 /* c: a private endpoint takes precedence */
	NSG_FATE_PRIVATE_LOST,	 /* c: a UDR takes precedence over the private endpoint */
	NSG_FATE_SHORTER,	 /* d: a longer prefix is selected */
	NSG_FATE_TIE,		 /* d: equal length, better source or rank */
	NSG_FATE_MAX,
};

/*
 * `covering` are all rows of e whose prefix contains the destination, in any order. Of their
 * states, only NSG_ROW_GONE makes a difference. The gate is the destination's: rfc1918, route-all
 * or service-endpoint. Linear in n, does not allocate, thread-safe. NULL only when every row is
 * excluded, which cannot happen when the set includes 0.0.0.0/0.
 */
const struct nsg_row *nsg_rows_select(const struct nsg_effective *e, enum nsg_gate gate,
				      const struct nsg_row *const *covering, size_t n);

/* The same, and each row's fate in ret_fates[0 .. n-1]. */
const struct nsg_row *nsg_rows_judge(const struct nsg_effective *e, enum nsg_gate gate,
				     const struct nsg_row *const *covering, size_t n,
				     enum nsg_row_fate *ret_fates);

/* Step d: longest prefix, then User, VirtualNetworkGateway, Default, then rank. `b` may be NULL. */
bool nsg_row_goes_before(const struct nsg_row *a, const struct nsg_row *b);

/* In words, e.g. "a longer prefix is preferred". */
const char *nsg_row_fate_text(enum nsg_row_fate f);

#endif
