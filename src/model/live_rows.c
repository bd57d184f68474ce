/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Live routes as rows of the route table. */
#include "model/effective_priv.h"

bool nsg_effective_live_row(const struct nsg_effective *e, size_t i, struct nsg_row *ret)
{
	const struct nsg_live_route *route = &e->live->v[i];
	const struct nsg_prefix p = nsg_live_prefix(route);
	uint32_t n;

	if (i && nsg_prefix_equal(nsg_live_prefix(route - 1), p))
		return false;
	*ret = (struct nsg_row){
	    .prefix = p,
	    .source = NSG_SOURCE_GATEWAY,
	    .hop_type = NSG_HOP_GATEWAY,
	    .hops_host = nsg_live_hops(e->live, route, &n),
	    .live = (uint32_t)i + 1,
	};
	ret->n_hops = n;
	return true;
}
