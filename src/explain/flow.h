/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flows in: the contract's flow objects and lines (interfaces.md section 4). */
#ifndef NSG_EXPLAIN_FLOW_H
#define NSG_EXPLAIN_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "classify/image.h"
#include "packet/key.h"

/* A flow of either family. IPv6 never enters an integration VNet, so it needs no key's addresses.
 */
struct nsg_flow {
	struct nsg_key key; /* addresses 0 when is_ip6 */
	bool is_ip6;
	uint8_t src6[16], dst6[16];
};

/* A flow object; other keys are ignored. -EINVAL with the reason, a static string. */
int nsg_flow_read(const json_t *object, struct nsg_flow *ret, const char **ret_error);

/* Appends protocol, src, srcPort, dst, dstPort in canonical form. -ENOMEM. */
int nsg_flow_put(json_t *object, const struct nsg_flow *flow);

/*
 * A line of `explain --batch`. 1: a flow, as {"id",…} in canonical form; 0: a blank line, *ret
 * NULL; -EINVAL: *ret is {"id":…,"error":"…"}; -ENOMEM. New reference in *ret.
 */
int nsg_flow_line(const char *line, size_t size, json_t **ret);

/* The contract's decision object of a flow; `id` (borrowed, may be NULL) comes first. -ENOMEM. */
int nsg_flow_decide(const struct nsg_image *image, const struct nsg_flow *flow, json_t *id,
		    json_t **ret);

#endif
