/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the naive evaluator share. */
#ifndef NSG_TESTS_PROPERTY_NAIVE_PRIV_H
#define NSG_TESTS_PROPERTY_NAIVE_PRIV_H

#include "naive.h"

#include <stdlib.h>

#include "util/vec.h"

/* A connected peering. */
struct naive_peer {
	const struct nsg_peering *peering;
	const struct nsg_vnet *document; /* NULL: none */
	NSG_VEC(struct nsg_prefix) ranges;
	bool global, has_access;
	bool is_subnet_peering, only_ip6, is_mesh;
	bool is_named; /* the integration subnet takes part */
};

enum {
	ROW_OF_VPN = 1,
	ROW_OF_IBGP = 2,
	ROW_OF_SERVER = 4,
	ROW_OF_NETWORK = 8,
	ROW_OF_EFFECTIVE = 16,
	ROW_OF_STATIC = 32,
};

struct row {
	struct nsg_prefix prefix;
	enum nsg_route_source source;
	enum nsg_hop_type type;
	const char *name;
	const char *tag; /* of a UDR; NULL: explicit */
	uint32_t hops[64];
	size_t n_hops;
	bool gone; /* a None row that is not there */
	int gone_by;
	bool of_current; /* a None row that 2020-04 does not have */
	bool unreachable;
	const struct naive_peer *peer; /* of a peering's row */
	unsigned int made_of;	       /* of a gateway row: which lists */
	/* private endpoints */
	bool policies_on;
	unsigned int vnet_len;
};

/* A prefix that has no row, and why: for the table of counts. */
struct naive_unused {
	struct nsg_prefix prefix;
	enum naive_event because;
};

struct naive {
	const struct nsg_policy *policy;
	const struct nsg_options *options;
	enum naive_bug bug;
	bool current, is_linux, route_all;
	bool final_on; /* route-all by a perimeter or Flex alone */
	const struct nsg_vnet *vnet;
	const struct nsg_subnet *subnet;
	const struct nsg_nsg *nsg;
	const struct nsg_route_table *table;
	const struct nsg_tag_document *tags;
	NSG_VEC(struct row) rows;
	NSG_VEC(struct naive_peer) peers;
	NSG_VEC(struct naive_unused) unused;
	NSG_VEC(struct nsg_prefix) endpoints;
	const struct nsg_rule **rules; /* in the order they are tried */
	size_t n_rules;
	const struct nsg_rule **admin; /* likewise */
	size_t n_admin;
	struct nsg_rule defaults[3];
	struct nsg_port_range all_ports;
};

#define PUSH(vec, element)                                                                         \
	do {                                                                                       \
		if (nsg_vec_push(vec, element))                                                    \
			abort();                                                                   \
	} while (0)

bool naive_in(const struct nsg_prefix *v, size_t n, uint32_t a);
/* NULL: no document has it. */
const struct nsg_tag *naive_find_tag(const struct naive *n, const char *name);

bool naive_same_blankless(const char *a, const char *b);

/* naive_tables.c */
struct naive_table {
	const struct nsg_prefix *v;
	size_t n;
};
#define NAIVE_NONE_2020 3
struct naive_table naive_none_rows(const struct naive *n);
/* Whether the tag Internet leaves the address out, whatever the networks. */
bool naive_is_hole(const struct naive *n, uint32_t a, uint64_t *events);

/* naive_peers.c */
void naive_build_peers(struct naive *n);
bool naive_connected(const struct naive *n, const struct nsg_peering *p);
const struct nsg_vnet *naive_vnet(const struct naive *n, const char *id);
const struct nsg_prefixes *naive_remote_space(const struct naive *n, const struct nsg_peering *p);
bool naive_in_networks(const struct naive *n, uint32_t a);

/* naive_gateway.c */
void naive_build_gateway(struct naive *n);

/* naive_rows.c */
struct row *naive_add_row(struct naive *n, struct nsg_prefix prefix, enum nsg_route_source source,
			  enum nsg_hop_type type);
void naive_add_hop(struct row *r, uint32_t hop);
void naive_unused(struct naive *n, struct nsg_prefix prefix, enum naive_event because);
void naive_build_rows(struct naive *n);

/* naive_rules.c, naive_select.c */
void naive_build_rules(struct naive *n);
/* naive_admin.c */
void naive_build_admin(struct naive *n);
/* NULL: none matches. */
const struct nsg_rule *naive_admin_rule(const struct naive *n, const struct nsg_key *key,
					uint64_t *events);
/* skip_dst: the destination was compared already */
bool naive_rule_matches(const struct naive *n, const struct nsg_rule *r, const struct nsg_key *key,
			bool skip_dst, uint64_t *events);
/* Which covering rows steps a, b and c strike. */
struct strikes {
	bool bgp, udr, private_endpoint, all_but_endpoints;
};

struct strikes naive_strikes(const struct naive *n, uint32_t dst, enum nsg_gate gate);
bool naive_is_struck(const struct row *r, struct strikes s);
/* The preferred row of that very prefix; NULL: all are struck. */
const struct row *naive_best_of(const struct naive *n, struct nsg_prefix prefix, struct strikes s);
const struct row *naive_select_row(const struct naive *n, const struct nsg_key *key,
				   enum nsg_gate gate, uint64_t *events);

/* naive.c: protocol and ports do not matter */
enum nsg_gate naive_entrance(const struct naive *n, uint32_t dst);

#endif
