/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the naive evaluator share. */
#ifndef NSG_TESTS_PROPERTY_NAIVE_PRIV_H
#define NSG_TESTS_PROPERTY_NAIVE_PRIV_H

#include "naive.h"

#include <stdlib.h>

#include "util/vec.h"

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
	bool global;
	/* private endpoints */
	bool policies_on;
	unsigned int vnet_len;
};

struct naive {
	const struct nsg_policy *policy;
	const struct nsg_options *options;
	enum naive_bug bug;
	bool current, is_linux, route_all;
	const struct nsg_vnet *vnet;
	const struct nsg_subnet *subnet;
	const struct nsg_nsg *nsg;
	const struct nsg_route_table *table;
	const struct nsg_tag_document *tags;
	NSG_VEC(struct row) rows;
	NSG_VEC(struct nsg_prefix) peers; /* connected */
	NSG_VEC(struct nsg_prefix) peers_with_access;
	NSG_VEC(struct nsg_prefix) endpoints;
	const struct nsg_rule **rules; /* in the order they are tried */
	size_t n_rules;
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

void naive_build_rows(struct naive *n);
void naive_build_rules(struct naive *n);
/* skip_dst: the destination was compared already */
bool naive_rule_matches(const struct naive *n, const struct nsg_rule *r, const struct nsg_key *key,
			bool skip_dst, uint64_t *events);
const struct row *naive_select_row(const struct naive *n, const struct nsg_key *key,
				   enum nsg_gate gate, uint64_t *events);

#endif
