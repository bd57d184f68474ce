/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads flow objects and lines (nsgctl(1), FLOWS). */
#ifndef NSG_EXPLAIN_FLOW_H
#define NSG_EXPLAIN_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "classify/image.h"
#include "model/effective.h"
#include "packet/key.h"

/* A flow of either family. The key of an IPv6 flow has no addresses: it is never classified. */
struct nsg_flow {
	struct nsg_key key; /* addresses 0 when is_ip6 */
	bool is_ip6;
	uint8_t src6[16], dst6[16];
};

/* Reads a flow object; other keys are ignored. -EINVAL with the reason, a static string. */
int nsg_flow_read(const json_t *object, struct nsg_flow *ret, const char **ret_error);

/* Appends protocol, src, srcPort, dst, dstPort in canonical form. -ENOMEM. */
int nsg_flow_put(json_t *object, const struct nsg_flow *flow);

/*
 * Reads a line of `explain --batch`. Returns 1 with *ret the flow as {"id",…} in canonical form, 0
 * with *ret NULL for a blank line, -EINVAL with *ret {"id":…,"error":"…"}, or -ENOMEM. New reference
 * in *ret.
 */
int nsg_flow_line(const char *line, size_t size, json_t **ret);

/* Makes the decision object of a flow; `id` (borrowed, may be NULL) comes first. -ENOMEM. */
int nsg_flow_decide(const struct nsg_effective *e, const struct nsg_image *image,
		    const struct nsg_flow *flow, json_t *id, json_t **ret);

#endif
