/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/gate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/macro.h"
#include "util/vec.h"

/* Destinations whose gate no switch changes; the first that contains an address decides.
 * Link-local addresses are the worker's: the app's identity endpoint is one. */
static const struct {
	struct nsg_prefix prefix;
	enum nsg_gate gate;
} fixed[] = {
    {{NSG_IP_PLATFORM_DNS, 32}, NSG_GATE_PLATFORM},
    {{NSG_IP_PLATFORM_IMDS, 32}, NSG_GATE_PLATFORM},
    {{NSG_IP4(127, 0, 0, 0), 8}, NSG_GATE_BYPASS},
    {{NSG_IP4(169, 254, 0, 0), 16}, NSG_GATE_BYPASS},
    {{NSG_IP4(10, 0, 0, 0), 8}, NSG_GATE_RFC1918},
    {{NSG_IP4(172, 16, 0, 0), 12}, NSG_GATE_RFC1918},
    {{NSG_IP4(192, 168, 0, 0), 16}, NSG_GATE_RFC1918},
};

/* virtual-networks-faq: neither multicast nor broadcast. */
static const struct {
	struct nsg_prefix prefix;
	const char *why;
} not_carried[] = {
    {{NSG_IP4(224, 0, 0, 0), 4}, "the integration does not carry multicast"},
    {{UINT32_MAX, 32}, "the integration does not carry broadcast"},
};

static const char *destination_not_carried(uint32_t dst_host)
{
	for (size_t i = 0; i < NSG_ARRAY_SIZE(not_carried); i++)
		if (nsg_prefix_contains(not_carried[i].prefix, dst_host))
			return not_carried[i].why;
	return NULL;
}

const char *nsg_not_carried(uint8_t protocol, uint16_t sport_host, uint32_t dst_host)
{
	const char *why = destination_not_carried(dst_host);

	/* overview-vnet-integration: "supports TCP and UDP"; ping is a known non-feature. */
	if (!nsg_protocol_has_ports(protocol))
		return "the integration carries TCP and UDP only";
	if (why)
		return why;
	if (protocol == NSG_PROTOCOL_UDP && sport_host == NSG_SPORT_NOT_CARRIED)
		return "the integration does not carry UDP from source port 65330, which Azure "
		       "reserves";
	return NULL;
}

/* Where Linux ignores route-all and service endpoints, `e` has neither. */
enum nsg_gate nsg_gate_entrance(const struct nsg_effective *e, uint32_t dst_host)
{
	for (size_t i = 0; i < NSG_ARRAY_SIZE(fixed); i++)
		if (nsg_prefix_contains(fixed[i].prefix, dst_host))
			return fixed[i].gate;
	if (e->route_all)
		return NSG_GATE_ROUTE_ALL;
	return nsg_ranges_contain(&e->endpoints, dst_host) ? NSG_GATE_SERVICE_ENDPOINT
							   : NSG_GATE_BYPASS;
}

enum nsg_gate nsg_gate_of(const struct nsg_effective *e, uint32_t dst_host)
{
	enum nsg_gate gate = nsg_gate_entrance(e, dst_host);

	return nsg_gate_enters(gate) && destination_not_carried(dst_host) ? NSG_GATE_NOT_CARRIED
									  : gate;
}

bool nsg_gate_refuses_ip6(const struct nsg_effective *e)
{
	return e->route_all || e->profile->ip6_always_refused;
}

enum nsg_gate nsg_gate_of_ip6(const struct nsg_effective *e, const uint8_t dst[16])
{
	static const uint8_t loopback[16] = {[15] = 1};
	bool exempt = !memcmp(dst, loopback, sizeof(loopback)) || dst[0] == 0xff ||
		      (dst[0] == 0xfe && (dst[1] & 0xc0) == 0x80);

	return nsg_gate_refuses_ip6(e) && !exempt ? NSG_GATE_NOT_CARRIED : NSG_GATE_BYPASS;
}

bool nsg_gate_evaluates_nsg(const struct nsg_profile *profile, enum nsg_gate gate)
{
	return gate == NSG_GATE_SERVICE_ENDPOINT ? profile->endpoint_traffic_nsg
						 : nsg_gate_enters(gate);
}

/* ---- the address space -------------------------------------------------------------------- */

/* Lowers *last to the address before `boundary`, when that is after `first`. */
static void cut(uint32_t first, uint64_t boundary, uint32_t *last)
{
	if (boundary > first && boundary <= *last)
		*last = (uint32_t)(boundary - 1);
}

static void cut_prefix(uint32_t first, struct nsg_prefix p, uint32_t *last)
{
	cut(first, p.addr_host, last);
	cut(first, (uint64_t)nsg_prefix_last(p) + 1, last);
}

/* The last address up to which nothing that the gate looks at changes. *next is the endpoints'
 * first range that does not end before `first`. */
static uint32_t last_alike(const struct nsg_effective *e, uint32_t first, size_t *next)
{
	uint32_t last = UINT32_MAX;

	for (size_t i = 0; i < NSG_ARRAY_SIZE(fixed); i++)
		cut_prefix(first, fixed[i].prefix, &last);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(not_carried); i++)
		cut_prefix(first, not_carried[i].prefix, &last);
	while (*next < e->endpoints.n && e->endpoints.v[*next].hi < first)
		++*next;
	if (*next < e->endpoints.n) {
		cut(first, e->endpoints.v[*next].lo, &last);
		cut(first, (uint64_t)e->endpoints.v[*next].hi + 1, &last);
	}
	return last;
}

int nsg_gates_new(const struct nsg_effective *e, struct nsg_gates *ret)
{
	NSG_VEC(struct nsg_gate_piece) pieces = {0};
	uint64_t first = 0;
	size_t next = 0;

	while (first <= UINT32_MAX) {
		struct nsg_gate_piece piece = {.last = last_alike(e, (uint32_t)first, &next),
					       .gate = nsg_gate_of(e, (uint32_t)first)};

		if (pieces.n && pieces.v[pieces.n - 1].gate == piece.gate) {
			pieces.v[pieces.n - 1].last = piece.last;
		} else if (nsg_vec_push(&pieces, piece) < 0) {
			nsg_vec_done(&pieces);
			return -ENOMEM;
		}
		first = (uint64_t)piece.last + 1;
	}
	*ret = (struct nsg_gates){pieces.v, pieces.n};
	return 0;
}

void nsg_gates_done(struct nsg_gates *g)
{
	free(g->v);
	*g = (struct nsg_gates){0};
}

int nsg_gate_evaluated_ranges(const struct nsg_effective *e, struct nsg_ranges *ret)
{
	cleanup_gates struct nsg_gates gates = {0};
	cleanup_free struct nsg_range *v = NULL;
	size_t n = 0;
	int r;

	r = nsg_gates_new(e, &gates);
	if (r < 0)
		return r;
	v = calloc(gates.n, sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < gates.n; i++)
		if (nsg_gate_evaluates_nsg(e->profile, gates.v[i].gate))
			v[n++] =
			    (struct nsg_range){i ? gates.v[i - 1].last + 1 : 0, gates.v[i].last};
	return nsg_ranges_from_ranges(v, n, ret);
}
