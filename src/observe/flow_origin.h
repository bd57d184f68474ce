/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names in a flow log, and its folder: those that Azure would give the flow log of this network
 * or NSG. What Azure assigns and the documents do not have (GUIDs, the address of a network
 * interface) is derived, so that it stays the same.
 */
#ifndef NSG_OBSERVE_FLOW_ORIGIN_H
#define NSG_OBSERVE_FLOW_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "observe/flow_block.h"

/* What the names are derived from; ids and the location may be "". */
struct nsg_flow_source {
	bool nsg_format;
	const char *vnet_id, *vnet_name, *location;
	const char *nsg_id, *nsg_name; /* both "": no NSG */
	uint32_t addr_host;	       /* of the instance */
};

struct nsg_flow_names {
	struct nsg_flow_origin origin; /* of the strings below */
	char *log_id, *nsg_id, *folder;
	char guid[37], mac[13];
};

/* The source's strings must outlive the names. -ENOMEM. */
int nsg_flow_names_init(const struct nsg_flow_source *source, struct nsg_flow_names *ret);
/* Where a block of that time belongs, below the directory of flow logs; no component leaves it. To be
 * freed; NULL when out of memory. */
char *nsg_flow_names_path(const struct nsg_flow_names *names, uint64_t time_ns);
void nsg_flow_names_done(struct nsg_flow_names *names);

#endif
