/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a policy means, made by hand or by chance, without documents: for tests and benches. */
#ifndef NSG_TESTS_EFFECTIVE_BUILD_H
#define NSG_TESTS_EFFECTIVE_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/effective.h"
#include "util/ip.h"

/* xorshift64*: the same numbers everywhere for a seed. */
struct test_random {
	uint64_t state;
};

uint64_t test_random_next(struct test_random *r);
uint32_t test_random_below(struct test_random *r, uint32_t n);

struct effective_build {
	struct nsg_effective e;
	struct nsg_profile profile;
	struct nsg_nsg nsg;
	struct nsg_subnet subnet;
	struct nsg_prefix subnet_prefix;
	size_t rules_room, rows_room;
};

/* An NSG without rules, no rows, 2020-04's switches, subnet 10.0.1.0/24. Aborts when memory is out.
 */
struct effective_build *effective_build_new(void);
void effective_build_free(struct effective_build *b);

/* Memory that lives as long as the build. */
const struct nsg_ranges *effective_build_ranges(struct effective_build *b,
						const struct nsg_prefix *prefixes, size_t n);
const struct nsg_port_range *effective_build_ports(struct effective_build *b,
						   const struct nsg_port_range *ports, size_t n);
extern const struct nsg_port_range test_every_port;

/* By priority: in the order of the calls. ranges and ports must live as long as the build. */
struct nsg_effective_rule *effective_build_rule(struct effective_build *b, const char *name,
						enum nsg_access access, uint16_t protocol,
						const struct nsg_ranges *src,
						const struct nsg_ranges *dst);
void effective_build_default_rules(struct effective_build *b);
struct nsg_row *effective_build_row(struct effective_build *b, struct nsg_prefix prefix,
				    enum nsg_route_source source, enum nsg_hop_type hop_type);
/* Next hop addresses of a row, copied. */
void effective_build_hops(struct effective_build *b, struct nsg_row *row, const uint32_t *hops,
			  size_t n);

/* Whatever can meet in a policy, with many overlaps and few addresses. */
struct effective_build *effective_build_random(uint64_t seed);

#endif
