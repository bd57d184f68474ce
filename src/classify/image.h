/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The image: one immutable, contiguous block with 32-bit offsets; the interface between compiler
 * and classifier. It also contains the data of rules and routes that logs and traces print.
 *
 *   header     offsets, sizes, which rules deny
 *   strings, addresses, rules, routes, hops          for people and for the kernel layer
 *   live routes                                      likewise
 *   dst tree   last address of each destination segment, searched 16 keys a cache line
 *   src tree   the same of sources; the integration subnet's own by a table, without a search
 *   leaves     of each destination segment: class, gate, route, next hop, reason
 *   classes    of each source segment
 *   rows       of each class: 1,024 bits, which rules it can match
 *   ports      class of each source and destination port
 *   cross      (protocol, source port class, destination port class) to layer-4 class
 *   admin      an image of its own: the security admin rules, if the policy has any
 *
 *   destination -> leaf -> class -> row -+
 *   source      ---------> class -> row -+-> AND -> first bit -> rule -+
 *   protocol, ports -----> class -> row -+                            +-> decision
 *                  leaf: gate, route, next hop -----------------------+
 *
 * Two bits of a row are not rules: bit 0 is `not carried`, bit 1,023 `nothing matched`. Two values
 * of a field have one class if no rule distinguishes them. image_layout.h has every structure.
 */
#ifndef NSG_CLASSIFY_IMAGE_H
#define NSG_CLASSIFY_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/ip.h"
#include "util/names.h"

struct nsg_image;

/* The image of the policy's security admin rules, a part of this one; NULL: it has none. They are
 * evaluated before the NSG. NULL is fine. */
const struct nsg_image *nsg_image_admin(const struct nsg_image *image);

/* A rule, for people. Strings belong to the image. */
struct nsg_image_rule {
	const char *name;
	uint16_t priority;
	uint8_t access; /* enum nsg_access */
	bool is_default;
};

/* A row of the route table, for people. */
struct nsg_image_route {
	struct nsg_prefix prefix;
	uint8_t source;	  /* enum nsg_route_source */
	uint8_t hop_type; /* enum nsg_hop_type */
	bool unreachable;
	const char *name;	   /* UDR's; NULL else */
	const uint32_t *hops_host; /* next hop addresses in order */
	uint32_t n_hops;
	uint16_t hop; /* index into the hops */
};

/*
 * A next hop that packets can be sent to. Hop 0 is the host's own routing (bypass, platform); every
 * other is one distinct (type, address set) of an accepting route. The kernel
 * layer, which has nsgd.conf, decides which of them get a mark.
 */
struct nsg_image_hop {
	uint8_t type; /* enum nsg_hop_type; of hop 0: NSG_HOP_INTERNET, without meaning */
	const uint32_t *addrs_host; /* appliances; empty else (a gateway's are information only) */
	uint32_t n_addrs;
};

struct nsg_image_info {
	size_t size_bytes;
	uint64_t compile_ns;
	uint32_t n_rules, n_routes, n_hops;
	uint32_t src_classes, dst_classes, l4_classes, dst_segments;
	uint32_t flow_timeout_minutes;
	bool has_nsg, route_all, flush_connection, refuses_ip6;
	bool source_ports; /* some decision depends on more of it than being 65330 */
	/* FNV-1a over what decides, by part: a reload compares them to find what changed. */
	uint64_t nsg_hash, route_hash, gate_hash;
};

struct nsg_image_rule nsg_image_rule(const struct nsg_image *image, uint16_t index);
struct nsg_image_route nsg_image_route(const struct nsg_image *image, uint32_t index);
struct nsg_image_hop nsg_image_hop(const struct nsg_image *image, uint16_t index);
struct nsg_image_info nsg_image_info(const struct nsg_image *image);

/* NULL is fine; returns NULL. */
struct nsg_image *nsg_image_free(struct nsg_image *image);

#endif
