/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gate: whether a packet enters the virtual network, and why. Decided here and nowhere else;
 * the compiler, the lints and the reference decision all ask this file.
 */
#ifndef NSG_MODEL_GATE_H
#define NSG_MODEL_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/effective.h"
#include "util/names.h"

/* Why the integration drops a packet that enters, in words; NULL: it carries the packet. The
 * protocols that it carries, TCP and UDP, are those with ports (nsg_protocol_has_ports). */
const char *nsg_not_carried(uint8_t protocol, uint16_t sport_host, uint32_t dst_host);

/* The gate of a destination, as far as the address decides it: not-carried for the multicast and
 * broadcast addresses that would enter. Protocol and source port may still change an entering
 * packet's gate to not-carried. */
enum nsg_gate nsg_gate_of(const struct nsg_effective *e, uint32_t dst_host);
/* The same, as if the integration carried everything. */
enum nsg_gate nsg_gate_entrance(const struct nsg_effective *e, uint32_t dst_host);

/* The integration has no IPv6. Whether packets of the app are refused, for they would evade the NSG,
 * or pass it by. Never refused: loopback, link-local and multicast destinations. */
bool nsg_gate_refuses_ip6(const struct nsg_effective *e);
enum nsg_gate nsg_gate_of_ip6(const struct nsg_effective *e, const uint8_t dst[16]);

static inline bool nsg_gate_enters(enum nsg_gate gate)
{
	return gate == NSG_GATE_RFC1918 || gate == NSG_GATE_ROUTE_ALL ||
	       gate == NSG_GATE_SERVICE_ENDPOINT;
}

/* Whether the profile has the NSG evaluated for traffic that entered by this gate. */
bool nsg_gate_evaluates_nsg(const struct nsg_profile *profile, enum nsg_gate gate);

/* Consecutive addresses of one gate, up to and including `last`. */
struct nsg_gate_piece {
	uint32_t last;
	enum nsg_gate gate;
};

/* The whole address space, ascending; neighbours differ. */
struct nsg_gates {
	struct nsg_gate_piece *v;
	size_t n;
};

/* -ENOMEM. */
int nsg_gates_new(const struct nsg_effective *e, struct nsg_gates *ret);
void nsg_gates_done(struct nsg_gates *g);

#define cleanup_gates __attribute__((cleanup(nsg_gates_done)))

/* The destinations for which the NSG is evaluated. -ENOMEM. */
int nsg_gate_evaluated_ranges(const struct nsg_effective *e, struct nsg_ranges *ret);

#endif
