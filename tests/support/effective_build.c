/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/effective_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/limits.h"

const struct nsg_port_range test_every_port = {0, 65535};

static void *need(void *p)
{
	if (!p)
		abort();
	return p;
}

uint64_t test_random_next(struct test_random *r)
{
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return r->state * 0x2545f4914f6cdd1du;
}

uint32_t test_random_below(struct test_random *r, uint32_t n)
{
	return (uint32_t)((test_random_next(r) >> 32) * n >> 32);
}

struct effective_build *effective_build_new(void)
{
	struct effective_build *b = need(calloc(1, sizeof(*b)));

	b->profile = (struct nsg_profile){.name = "2020-04", .linux_only_rfc1918 = true};
	b->subnet_prefix = (struct nsg_prefix){NSG_IP4(10, 0, 1, 0), 24};
	b->subnet.prefixes = (struct nsg_prefixes){.v = &b->subnet_prefix, .n = 1};
	b->e.profile = &b->profile;
	b->e.nsg = &b->nsg;
	b->e.subnet = &b->subnet;
	b->e.flow_timeout_minutes = 4;
	return b;
}

void effective_build_free(struct effective_build *b)
{
	nsg_arena_done(&b->e.arena);
	nsg_ranges_done(&b->e.endpoints);
	free(b->e.rules);
	free(b->e.admin_rules);
	free(b->e.rows);
	free(b);
}

const struct nsg_ranges *effective_build_ranges(struct effective_build *b,
						const struct nsg_prefix *prefixes, size_t n)
{
	struct nsg_ranges *kept = need(nsg_arena_alloc(&b->e.arena, sizeof(*kept)));
	struct nsg_ranges made;

	if (nsg_ranges_from_prefixes(prefixes, n, &made))
		abort();
	kept->n = made.n;
	kept->v = need(nsg_arena_copy(&b->e.arena, made.n ? made.v : (struct nsg_range[1]){0},
				      (made.n ? made.n : 1) * sizeof(*made.v)));
	nsg_ranges_done(&made);
	return kept;
}

const struct nsg_port_range *effective_build_ports(struct effective_build *b,
						   const struct nsg_port_range *ports, size_t n)
{
	return need(nsg_arena_copy(&b->e.arena, ports, n * sizeof(*ports)));
}

struct nsg_effective_rule *effective_build_rule(struct effective_build *b, const char *name,
						enum nsg_access access, uint16_t protocol,
						const struct nsg_ranges *src,
						const struct nsg_ranges *dst)
{
	struct nsg_rule *rule = need(nsg_arena_alloc(&b->e.arena, sizeof(*rule)));
	struct nsg_effective_rule *out;

	*rule = (struct nsg_rule){
	    .name = need(nsg_arena_strdup(&b->e.arena, name)),
	    .priority = (uint16_t)(100 + b->e.n_rules),
	    .access = access,
	    .protocol = protocol,
	};
	if (b->e.n_rules == b->rules_room) {
		b->rules_room = b->rules_room ? b->rules_room * 2 : 16;
		b->e.rules = need(realloc(b->e.rules, b->rules_room * sizeof(*b->e.rules)));
	}
	out = &b->e.rules[b->e.n_rules++];
	*out = (struct nsg_effective_rule){
	    .rule = rule,
	    .src.ranges = src,
	    .dst.ranges = dst,
	    .src_ports = &test_every_port,
	    .dst_ports = &test_every_port,
	    .n_src_ports = 1,
	    .n_dst_ports = 1,
	};
	return out;
}

void effective_build_default_rules(struct effective_build *b)
{
	static const struct nsg_prefix any = {0, 0};
	const struct nsg_ranges *everything = effective_build_ranges(b, &any, 1);
	const struct nsg_ranges *vnet =
	    b->e.virtual_network_ranges.n ? &b->e.virtual_network_ranges : everything;
	const struct nsg_ranges *internet =
	    b->e.internet_ranges.n ? &b->e.internet_ranges : everything;
	size_t first = b->e.n_rules;

	effective_build_rule(b, "AllowVnetOutBound", NSG_ALLOW, NSG_PROTOCOL_ANY, vnet, vnet);
	effective_build_rule(b, "AllowInternetOutBound", NSG_ALLOW, NSG_PROTOCOL_ANY, everything,
			     internet);
	effective_build_rule(b, "DenyAllOutBound", NSG_DENY, NSG_PROTOCOL_ANY, everything,
			     everything);
	for (size_t i = first; i < b->e.n_rules; i++) {
		struct nsg_rule copy = *b->e.rules[i].rule;

		copy.is_default = true;
		b->e.rules[i].rule = need(nsg_arena_copy(&b->e.arena, &copy, sizeof(copy)));
	}
}

struct nsg_row *effective_build_row(struct effective_build *b, struct nsg_prefix prefix,
				    enum nsg_route_source source, enum nsg_hop_type hop_type)
{
	struct nsg_row *row;

	if (b->e.n_rows == b->rows_room) {
		b->rows_room = b->rows_room ? b->rows_room * 2 : 16;
		b->e.rows = need(realloc(b->e.rows, b->rows_room * sizeof(*b->e.rows)));
	}
	row = &b->e.rows[b->e.n_rows];
	*row = (struct nsg_row){
	    .prefix = {prefix.addr_host & nsg_prefix_mask(prefix.len), prefix.len},
	    .source = source,
	    .hop_type = hop_type,
	    .rank = (uint32_t)hop_type << 24 | (uint32_t)b->e.n_rows,
	    .beats_udr_shorter_than = 32,
	};
	b->e.n_rows++;
	return row;
}

void effective_build_hops(struct effective_build *b, struct nsg_row *row, const uint32_t *hops,
			  size_t n)
{
	row->hops_host = need(nsg_arena_copy(&b->e.arena, hops, n * sizeof(*hops)));
	row->n_hops = n;
}

/* ---- by chance ---- */

static struct nsg_prefix random_prefix(struct test_random *r)
{
	static const struct nsg_prefix around[] = {
	    {NSG_IP4(10, 0, 0, 0), 8},	       {NSG_IP4(10, 0, 0, 0), 20},
	    {NSG_IP4(172, 16, 0, 0), 12},      {NSG_IP4(192, 168, 0, 0), 16},
	    {NSG_IP4(20, 0, 0, 0), 20},	       {NSG_IP4(168, 63, 129, 0), 24},
	    {NSG_IP4(169, 254, 0, 0), 16},     {NSG_IP4(224, 0, 0, 0), 4},
	    {NSG_IP4(255, 255, 255, 240), 28}, {NSG_IP4(0, 0, 0, 0), 28},
	    {NSG_IP4(127, 0, 0, 0), 8},	       {0, 0},
	};
	struct nsg_prefix p = around[test_random_below(r, NSG_MAX_HOPS) % 12];
	uint8_t len = (uint8_t)(p.len + test_random_below(r, 33u - p.len));
	uint32_t addr = p.addr_host | ((uint32_t)test_random_next(r) & ~nsg_prefix_mask(p.len));

	return (struct nsg_prefix){addr & nsg_prefix_mask(len), len};
}

static const struct nsg_ranges *random_ranges(struct effective_build *b, struct test_random *r)
{
	struct nsg_prefix v[8];
	size_t n = test_random_below(r, 8);

	for (size_t i = 0; i < n; i++)
		v[i] = random_prefix(r);
	if (!test_random_below(r, 3)) {
		v[0] = (struct nsg_prefix){0, 0};
		n = 1;
	}
	return effective_build_ranges(b, v, n);
}

/* Merged as the contract wants it: ascending, disjoint, not adjacent. */
static const struct nsg_port_range *random_ports(struct effective_build *b, struct test_random *r,
						 size_t *ret_n)
{
	static const uint16_t favourites[] = {0,  1,   22,    52,    53,    54,
					      80, 443, 65329, 65330, 65331, 65535};
	struct nsg_port_range v[4];
	uint32_t at = 0;
	size_t n = 0, want = test_random_below(r, 4);

	*ret_n = 1;
	if (!want)
		return &test_every_port;
	for (size_t i = 0; i < want && at <= 65535; i++) {
		uint32_t lo = at + test_random_below(r, 65536 - at) % 3000;
		uint32_t hi;

		if (test_random_below(r, 2))
			for (size_t f = 0; f < 12; f++)
				if (favourites[f] >= at && !test_random_below(r, 4))
					lo = favourites[f];
		hi = lo + (test_random_below(r, 2) ? 0 : test_random_below(r, 65536 - lo));
		v[n++] = (struct nsg_port_range){(uint16_t)lo, (uint16_t)hi};
		at = hi + 2;
	}
	*ret_n = n;
	return effective_build_ports(b, v, n);
}

static void random_rules(struct effective_build *b, struct test_random *r)
{
	static const uint16_t protocols[] = {
	    NSG_PROTOCOL_ANY, NSG_PROTOCOL_ANY, 6, 17, 1, 50, 51, 47, 255};
	const struct nsg_ranges *shared[4];
	uint32_t n = test_random_below(r, 40);

	for (size_t i = 0; i < 4; i++)
		shared[i] = random_ranges(b, r);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t s = test_random_below(r, 8), d = test_random_below(r, 8);
		char name[16];
		struct nsg_effective_rule *rule;

		(void)snprintf(name, sizeof(name), "rule-%u", i);
		rule = effective_build_rule(b, name, test_random_below(r, 2) ? NSG_ALLOW : NSG_DENY,
					    protocols[test_random_below(r, 9)],
					    s < 4 ? shared[s] : random_ranges(b, r),
					    d < 4 ? shared[d] : random_ranges(b, r));
		rule->src_ports = random_ports(b, r, &rule->n_src_ports);
		rule->dst_ports = random_ports(b, r, &rule->n_dst_ports);
		if (!test_random_below(r, 8)) {
			rule->dst.kind = test_random_below(r, 2) ? NSG_MATCH_PLATFORM_DNS
								 : NSG_MATCH_PLATFORM_IMDS;
			rule->dst.ranges = effective_build_ranges(b, NULL, 0);
		}
	}
	if (test_random_below(r, 8))
		effective_build_default_rules(b);
}

/* Like an NSG's rules, without the platform's tags. */
static void random_admin_rules(struct effective_build *b, struct test_random *r)
{
	static const enum nsg_access accesses[] = {NSG_DENY, NSG_ALLOW, NSG_ALWAYS_ALLOW};
	struct nsg_effective_rule *rules = b->e.rules;
	size_t n_rules = b->e.n_rules, rules_room = b->rules_room;
	uint32_t n = 1 + test_random_below(r, 12);

	b->e.rules = NULL;
	b->e.n_rules = b->rules_room = 0;
	for (uint32_t i = 0; i < n; i++) {
		static const uint16_t protocols[] = {NSG_PROTOCOL_ANY, 6, 17, 1};
		struct nsg_effective_rule *rule = effective_build_rule(
		    b, "admin", accesses[test_random_below(r, 3)],
		    protocols[test_random_below(r, 4)], random_ranges(b, r), random_ranges(b, r));

		rule->src_ports = random_ports(b, r, &rule->n_src_ports);
		rule->dst_ports = random_ports(b, r, &rule->n_dst_ports);
	}
	b->e.admin_rules = b->e.rules;
	b->e.n_admin_rules = n;
	b->e.rules = rules;
	b->e.n_rules = n_rules;
	b->rules_room = rules_room;
}

static void random_row(struct effective_build *b, struct test_random *r)
{
	static const struct {
		enum nsg_route_source source;
		enum nsg_hop_type hop_type;
	} kinds[] = {
	    {NSG_SOURCE_DEFAULT, NSG_HOP_VNET_LOCAL},
	    {NSG_SOURCE_DEFAULT, NSG_HOP_VNET_PEERING},
	    {NSG_SOURCE_DEFAULT, NSG_HOP_VNET_GLOBAL_PEERING},
	    {NSG_SOURCE_DEFAULT, NSG_HOP_SERVICE_ENDPOINT},
	    {NSG_SOURCE_DEFAULT, NSG_HOP_INTERFACE_ENDPOINT},
	    {NSG_SOURCE_DEFAULT, NSG_HOP_NONE},
	    {NSG_SOURCE_GATEWAY, NSG_HOP_GATEWAY},
	    {NSG_SOURCE_GATEWAY, NSG_HOP_GATEWAY},
	    {NSG_SOURCE_USER, NSG_HOP_APPLIANCE},
	    {NSG_SOURCE_USER, NSG_HOP_APPLIANCE},
	    {NSG_SOURCE_USER, NSG_HOP_INTERNET},
	    {NSG_SOURCE_USER, NSG_HOP_NONE},
	    {NSG_SOURCE_USER, NSG_HOP_VNET_LOCAL},
	    {NSG_SOURCE_USER, NSG_HOP_GATEWAY},
	};
	uint32_t k = test_random_below(r, sizeof(kinds) / sizeof(kinds[0]));
	struct nsg_prefix prefix = random_prefix(r);
	struct nsg_row *row;

	if (kinds[k].hop_type == NSG_HOP_INTERFACE_ENDPOINT)
		prefix.len = 32;
	/* Several rows of one prefix must meet. */
	if (b->e.n_rows && !test_random_below(r, 3))
		prefix = b->e.rows[test_random_below(r, (uint32_t)b->e.n_rows)].prefix;
	row = effective_build_row(b, prefix, kinds[k].source, kinds[k].hop_type);
	if (row->source != NSG_SOURCE_USER && !test_random_below(r, 6))
		row->state = row->hop_type == NSG_HOP_NONE ? NSG_ROW_GONE : NSG_ROW_INVALID;
	if (row->hop_type == NSG_HOP_VNET_GLOBAL_PEERING)
		row->unreachable = test_random_below(r, 2);
	if (row->hop_type == NSG_HOP_INTERFACE_ENDPOINT)
		row->beats_udr_shorter_than = (uint8_t)(8 + test_random_below(r, 26));
	if (row->source == NSG_SOURCE_USER)
		row->name = need(nsg_arena_printf(&b->e.arena, "udr-%zu", b->e.n_rows));
	if (row->hop_type == NSG_HOP_APPLIANCE) {
		uint32_t hops[3], n = 1 + test_random_below(r, 2);

		hops[0] = NSG_IP4(10, 0, 9, 0) + test_random_below(r, 3);
		hops[1] = hops[0] ^ 1;
		effective_build_hops(b, row, hops, n);
	}
}

struct effective_build *effective_build_random(uint64_t seed)
{
	struct test_random r = {seed * 2 + 1};
	struct effective_build *b = effective_build_new();
	uint32_t n_rows = test_random_below(&r, 60);

	b->profile.linux_only_rfc1918 = test_random_below(&r, 2);
	b->profile.endpoint_traffic_nsg = test_random_below(&r, 2);
	b->profile.endpoint_traffic_routes = test_random_below(&r, 2);
	b->e.is_linux = !test_random_below(&r, 5);
	/* The model's route_all is the one in force. */
	b->e.route_all =
	    test_random_below(&r, 2) && !(b->e.is_linux && b->profile.linux_only_rfc1918);
	b->e.endpoint_lab = test_random_below(&r, 2);
	b->subnet_prefix =
	    (struct nsg_prefix){NSG_IP4(10, 0, 0, 0), (uint8_t)(20 + test_random_below(&r, 9))};
	if (test_random_below(&r, 6))
		random_rules(b, &r);
	else
		b->e.nsg = NULL;
	if (!test_random_below(&r, 3))
		random_admin_rules(b, &r);
	if (test_random_below(&r, 8))
		effective_build_row(b, (struct nsg_prefix){0, 0}, NSG_SOURCE_DEFAULT,
				    NSG_HOP_INTERNET);
	for (uint32_t i = 0; i < n_rows; i++)
		random_row(b, &r);
	if (!(b->e.is_linux && b->profile.linux_only_rfc1918)) {
		struct nsg_prefix v[4];
		size_t n = test_random_below(&r, 5);

		for (size_t i = 0; i < n; i++)
			v[i] = random_prefix(&r);
		/* As the model does: an endpoint's prefixes have rows. */
		for (size_t i = 0; i < n; i++)
			effective_build_row(b, v[i], NSG_SOURCE_DEFAULT, NSG_HOP_SERVICE_ENDPOINT);
		if (nsg_ranges_from_prefixes(v, n, &b->e.endpoints))
			abort();
	}
	return b;
}
