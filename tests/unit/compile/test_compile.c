/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "classify/simd_priv.h"
#include "compile/compile.h"
#include "compile/compile_priv.h"
#include "model/decide.h"
#include "support/effective_build.h"
#include "util/limits.h"

#define N_POLICIES 400
#define N_KEYS_RANDOM 1500

static struct nsg_image *compile(const struct nsg_effective *e, const struct nsg_image *before)
{
	struct nsg_diag diag = {0};
	struct nsg_image *image = NULL;

	assert_int_equal(nsg_compile(e, before, &diag, &image), 0);
	assert_int_equal(diag.n, 0);
	nsg_diag_done(&diag);
	return image;
}

/* ---- keys ---- */

struct keys {
	struct nsg_key *v;
	size_t n, room;
};

static void add_key(struct keys *k, struct test_random *r, uint32_t src, uint32_t dst)
{
	static const uint8_t protocols[] = {6, 6, 6, 17, 17, 17, 1, 50, 51, 47, 2, 0, 255, 132};
	static const uint16_t ports[] = {0, 53, 52, 54, 80, 443, 65329, 65330, 65331, 65535};
	struct nsg_key key = {
	    .src_host = src,
	    .dst_host = dst,
	    .protocol = protocols[test_random_below(r, sizeof(protocols))],
	};

	if (nsg_protocol_has_ports(key.protocol)) {
		key.sport_host = test_random_below(r, 2) ? ports[test_random_below(r, 10)]
							 : (uint16_t)test_random_next(r);
		key.dport_host = test_random_below(r, 2) ? ports[test_random_below(r, 10)]
							 : (uint16_t)test_random_next(r);
	}
	if (k->n == k->room) {
		k->room = k->room ? k->room * 2 : 4096;
		k->v = realloc(k->v, k->room * sizeof(*k->v));
		assert_non_null(k->v);
	}
	k->v[k->n++] = key;
}

static uint32_t any_source(const struct nsg_effective *e, struct test_random *r)
{
	const struct nsg_ranges *s;

	if (test_random_below(r, 2))
		return e->subnet->prefixes.v[0].addr_host + test_random_below(r, 256);
	if (e->n_rules && test_random_below(r, 4)) {
		s = e->rules[test_random_below(r, (uint32_t)e->n_rules)].src.ranges;
		if (s->n) {
			struct nsg_range range = s->v[test_random_below(r, (uint32_t)s->n)];

			return test_random_below(r, 2) ? range.lo - test_random_below(r, 2)
						       : range.hi + test_random_below(r, 2);
		}
	}
	return (uint32_t)test_random_next(r);
}

static void around(struct keys *k, const struct nsg_effective *e, struct test_random *r,
		   uint32_t lo, uint32_t hi)
{
	add_key(k, r, any_source(e, r), lo - 1);
	add_key(k, r, any_source(e, r), lo);
	add_key(k, r, any_source(e, r), hi);
	add_key(k, r, any_source(e, r), hi + 1);
}

/* Each boundary of rules, rows and gate with its neighbours, and some by chance. */
static struct keys keys_of(const struct nsg_effective *e, uint64_t seed, size_t n_random)
{
	static const struct nsg_range fixed[] = {
	    {NSG_IP4(10, 0, 0, 0), NSG_IP4(10, 255, 255, 255)},
	    {NSG_IP4(127, 0, 0, 0), NSG_IP4(127, 255, 255, 255)},
	    {NSG_IP4(172, 16, 0, 0), NSG_IP4(172, 31, 255, 255)},
	    {NSG_IP4(192, 168, 0, 0), NSG_IP4(192, 168, 255, 255)},
	    {NSG_IP4(224, 0, 0, 0), NSG_IP4(239, 255, 255, 255)},
	    {NSG_IP4(255, 255, 255, 255), NSG_IP4(255, 255, 255, 255)},
	    {NSG_IP_PLATFORM_DNS, NSG_IP_PLATFORM_DNS},
	    {NSG_IP_PLATFORM_DNS, NSG_IP_PLATFORM_DNS},
	    {NSG_IP_PLATFORM_IMDS, NSG_IP_PLATFORM_IMDS},
	};
	struct test_random r = {seed * 2 + 12345};
	struct keys k = {0};

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		for (int again = 0; again < 8; again++)
			around(&k, e, &r, fixed[i].lo, fixed[i].hi);
	for (size_t i = 0; i < e->n_rules; i++)
		for (size_t j = 0; j < e->rules[i].dst.ranges->n; j++)
			around(&k, e, &r, e->rules[i].dst.ranges->v[j].lo,
			       e->rules[i].dst.ranges->v[j].hi);
	for (size_t i = 0; i < e->n_rows; i++)
		around(&k, e, &r, e->rows[i].prefix.addr_host, nsg_prefix_last(e->rows[i].prefix));
	for (size_t i = 0; i < e->endpoints.n; i++)
		around(&k, e, &r, e->endpoints.v[i].lo, e->endpoints.v[i].hi);
	for (size_t i = 0; i < n_random; i++)
		add_key(&k, &r, any_source(e, &r), (uint32_t)test_random_next(&r));
	return k;
}

/* ---- equality ---- */

static bool same_addrs(const uint32_t *a, size_t n_a, const uint32_t *b, size_t n_b, bool in_order)
{
	if (n_a != n_b)
		return false;
	for (size_t i = 0; i < n_a; i++) {
		bool found = false;

		for (size_t j = 0; j < n_b; j++)
			found |= a[i] == b[j] && (!in_order || i == j);
		if (!found)
			return false;
	}
	return true;
}

static bool right_hop(const struct nsg_row *row, const struct nsg_image *image, uint16_t hop)
{
	struct nsg_image_hop h;

	if (!hop || hop >= nsg_image_info(image).n_hops)
		return false;
	h = nsg_image_hop(image, hop);
	return h.type == row->hop_type &&
	       (row->hop_type == NSG_HOP_APPLIANCE
		    ? same_addrs(row->hops_host, row->n_hops, h.addrs_host, h.n_addrs, false)
		    : h.n_addrs == 0);
}

static bool right_route(const struct nsg_row *row, const struct nsg_image *image,
			const struct nsg_decision *d)
{
	struct nsg_image_route route;

	if (!row || d->route >= nsg_image_info(image).n_routes)
		return !row && d->route == NSG_ROUTE_NONE && !d->hop;
	route = nsg_image_route(image, d->route);
	return nsg_prefix_equal(row->prefix, route.prefix) && row->source == route.source &&
	       row->hop_type == route.hop_type && row->unreachable == route.unreachable &&
	       !row->name == !route.name && (!row->name || !strcmp(row->name, route.name)) &&
	       same_addrs(row->hops_host, row->n_hops, route.hops_host, route.n_hops, true) &&
	       (d->reason == NSG_REASON_ALLOWED
		    ? d->hop == route.hop && right_hop(row, image, d->hop)
		    : !d->hop);
}

static void assert_agrees(const struct nsg_effective *e, const struct nsg_image *image,
			  const struct nsg_key *k, const struct nsg_decision *d)
{
	struct nsg_trial t;
	unsigned int rule, admin;

	assert_int_equal(nsg_trial_run(e, k, &t), 0);
	admin = t.admin ? (unsigned int)(t.admin - e->admin_rules) + 1 : 0;
	rule = t.rule			       ? (unsigned int)(t.rule - e->rules)
	       : !t.nsg_evaluated || t.has_nsg ? NSG_RULE_NONE
					       : NSG_RULE_NO_NSG;
	if (d->gate != t.gate || d->rule != rule || d->verdict != t.verdict ||
	    d->reason != t.reason || d->admin != admin || !right_route(t.row, image, d))
		fail_msg("%08x:%u > %08x:%u protocol %u: route %x rule %u hop %u gate %u verdict "
			 "%u reason %u, want row %d rule %u gate %u verdict %u reason %u",
			 k->src_host, k->sport_host, k->dst_host, k->dport_host, k->protocol,
			 d->route, d->rule, d->hop, d->gate, d->verdict, d->reason,
			 t.row ? (int)(t.row - e->rows) : -1, rule, t.gate, t.verdict, t.reason);
	nsg_trial_done(&t);
}

/* Each set of instructions, with an empty memo, a full one, one left out and none. */
static void assert_paths(const struct nsg_image *image, const struct keys *k,
			 const struct nsg_decision *want)
{
	static const nsg_simd_batch paths[] = {
	    nsg_simd_portable,
#ifdef __x86_64__
	    nsg_simd_avx2,
	    nsg_simd_avx512,
#endif
	};
	struct nsg_decision *got = calloc(k->n + 1, sizeof(*got));
	struct nsg_memo *memo = nsg_memo_new();
	size_t n_paths = sizeof(paths) / sizeof(paths[0]);

	assert_non_null(got);
	assert_non_null(memo);
#ifdef __x86_64__
	if (!__builtin_cpu_supports("avx512f"))
		n_paths--;
	if (!__builtin_cpu_supports("avx2"))
		n_paths--;
#endif
	for (size_t p = 0; p < n_paths; p++) {
		nsg_memo_reset(memo);
		for (int again = 0; again < 2; again++) {
			paths[p](image, memo, k->v, k->n, got);
			assert_memory_equal(got, want, k->n * sizeof(*got));
		}
	}
	for (size_t p = 0; p < n_paths; p++) {
		memo->left_out = UINT32_MAX;
		paths[p](image, memo, k->v, k->n, got);
		assert_memory_equal(got, want, k->n * sizeof(*got));
		paths[p](image, NULL, k->v, k->n, got);
		assert_memory_equal(got, want, k->n * sizeof(*got));
	}
	nsg_memo_free(memo);
	free(got);
}

static void assert_equal_to_reference(const struct nsg_effective *e, const struct nsg_image *image,
				      const struct keys *k)
{
	const struct nsg_image *admin = nsg_image_admin(image);
	struct nsg_decision *got = calloc(k->n + 1, sizeof(*got));
	struct nsg_decision *one = calloc(k->n + 1, sizeof(*one));
	struct nsg_memo *memo = nsg_memo_new();

	assert_non_null(got);
	assert_non_null(one);
	assert_non_null(memo);
	assert_int_equal(admin ? nsg_image_info(admin).n_rules : 0, e->n_admin_rules);
	for (size_t i = 0; i < k->n; i++) {
		one[i] = nsg_classify(image, &k->v[i]);
		assert_agrees(e, image, &k->v[i], &one[i]);
	}
	for (int again = 0; again < 2; again++) {
		nsg_classify_batch(image, memo, k->v, k->n, got);
		assert_memory_equal(got, one, k->n * sizeof(*got));
	}
	nsg_classify_batch(image, NULL, k->v, k->n, got);
	assert_memory_equal(got, one, k->n * sizeof(*got));
	/* The paths decide without the admin rules, whose image is decided by itself. */
	for (size_t i = 0; admin && i < k->n; i++)
		one[i] = nsg_classify(admin, &k->v[i]);
	assert_paths(admin ? admin : image, k, one);
	nsg_memo_free(memo);
	free(got);
	free(one);
}

static void random_policies_equal_the_reference(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= N_POLICIES; seed++) {
		struct effective_build *b = effective_build_random(seed);
		struct nsg_image *image = compile(&b->e, NULL);
		struct keys k = keys_of(&b->e, seed, N_KEYS_RANDOM);

		assert_equal_to_reference(&b->e, image, &k);
		free(k.v);
		nsg_image_free(image);
		effective_build_free(b);
	}
}

/* The rules of one random policy with the routes of another: the rules' part is taken over. */
static void only_routes_differ(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= N_POLICIES / 4; seed++) {
		struct effective_build *b = effective_build_random(seed);
		struct effective_build *other = effective_build_random(seed + 100000);
		struct nsg_row *own_rows = b->e.rows;
		size_t own_n = b->e.n_rows;
		struct nsg_image *before = compile(&b->e, NULL), *after, *fresh;
		struct keys k = keys_of(&b->e, seed, 500), more;

		b->e.rows = other->e.rows;
		b->e.n_rows = other->e.n_rows;
		after = compile(&b->e, before);
		fresh = compile(&b->e, NULL);
		assert_equal_to_reference(&b->e, after, &k);
		more = keys_of(&b->e, seed, 0);
		assert_equal_to_reference(&b->e, after, &more);
		assert_int_equal(nsg_image_info(after).dst_segments,
				 nsg_image_info(fresh).dst_segments);
		assert_int_equal(nsg_image_info(after).size_bytes,
				 nsg_image_info(fresh).size_bytes);
		assert_int_equal(nsg_image_info(after).nsg_hash, nsg_image_info(before).nsg_hash);
		b->e.rows = own_rows;
		b->e.n_rows = own_n;
		free(k.v);
		free(more.v);
		nsg_image_free(before);
		nsg_image_free(after);
		nsg_image_free(fresh);
		effective_build_free(b);
		effective_build_free(other);
	}
}

static void any_change_with_an_image_before_it(void **state)
{
	struct nsg_image *before = NULL;

	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct effective_build *b = effective_build_random(seed);
		struct nsg_image *image = compile(&b->e, before);
		struct keys k = keys_of(&b->e, seed, 100);

		assert_equal_to_reference(&b->e, image, &k);
		free(k.v);
		nsg_image_free(before);
		before = image;
		effective_build_free(b);
	}
	nsg_image_free(before);
}

/* ---- shapes ---- */

static const struct nsg_prefix any = {0, 0};

/* So many distinct ports on both sides that no table of pairs would hold them. */
static void ports_beyond_the_cross_table(void **state)
{
	struct effective_build *b = effective_build_new();
	const struct nsg_ranges *everything = effective_build_ranges(b, &any, 1);
	struct test_random r = {77};
	struct nsg_image *image;
	struct keys k;

	(void)state;
	b->e.route_all = true;
	for (uint16_t i = 0; i < 400; i++) {
		struct nsg_port_range ports[2] = {
		    {(uint16_t)(i * 7), (uint16_t)(i * 7 + i)},
		    {(uint16_t)(40000 + i * 50), (uint16_t)(40020 + i * 50)}};
		char name[16];
		struct nsg_effective_rule *rule;

		(void)snprintf(name, sizeof(name), "r%u", i);
		rule = effective_build_rule(b, name, i & 1 ? NSG_ALLOW : NSG_DENY,
					    i % 3 ? NSG_PROTOCOL_TCP : NSG_PROTOCOL_ANY, everything,
					    everything);
		rule->src_ports = effective_build_ports(b, ports, 2);
		rule->dst_ports = effective_build_ports(b, ports + (i & 1), 1);
		rule->n_src_ports = 2;
		rule->n_dst_ports = 1;
	}
	effective_build_default_rules(b);
	effective_build_row(b, any, NSG_SOURCE_DEFAULT, NSG_HOP_INTERNET);
	image = compile(&b->e, NULL);
	assert_true(((const struct nsg_image *)image)->wide);
	k = keys_of(&b->e, 5, 0);
	for (int i = 0; i < 20000; i++)
		add_key(&k, &r, (uint32_t)test_random_next(&r), (uint32_t)test_random_next(&r));
	assert_equal_to_reference(&b->e, image, &k);
	free(k.v);
	nsg_image_free(image);
	effective_build_free(b);
}

/* Trees of every depth up to five, whose last node is full, has one key, lacks one. */
static void trees_of_many_sizes(void **state)
{
	static const uint32_t sizes[] = {0,   1,   7,	8,    9,    15,	  16,	 135,  136,
					 137, 144, 145, 2311, 2312, 2313, 39304, 39305};

	(void)state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		struct effective_build *b = effective_build_new();
		struct nsg_prefix *v = calloc(sizes[s] + 1, sizeof(*v));
		struct test_random r = {99};
		struct nsg_image *image;
		struct keys k = {0};

		assert_non_null(v);
		b->e.route_all = true;
		for (uint32_t i = 0; i < sizes[s]; i++)
			v[i] = (struct nsg_prefix){NSG_IP4(20, 0, 0, 0) + i * 2, 32};
		effective_build_rule(b, "r", NSG_DENY, NSG_PROTOCOL_ANY,
				     effective_build_ranges(b, v, sizes[s]),
				     effective_build_ranges(b, v, sizes[s]));
		effective_build_default_rules(b);
		effective_build_row(b, any, NSG_SOURCE_DEFAULT, NSG_HOP_INTERNET);
		image = compile(&b->e, NULL);
		for (uint32_t i = 0; i < 3000; i++)
			add_key(&k, &r,
				NSG_IP4(20, 0, 0, 0) - 2 + test_random_below(&r, sizes[s] * 2 + 4),
				NSG_IP4(20, 0, 0, 0) - 2 + test_random_below(&r, sizes[s] * 2 + 4));
		add_key(&k, &r, 0, 0);
		add_key(&k, &r, UINT32_MAX, UINT32_MAX);
		assert_equal_to_reference(&b->e, image, &k);
		free(k.v);
		free(v);
		nsg_image_free(image);
		effective_build_free(b);
	}
}

/* ---- what the image tells ---- */

static void image_describes_rules_routes_and_hops(void **state)
{
	static const uint32_t pair[] = {NSG_IP4(10, 0, 9, 4), NSG_IP4(10, 0, 9, 5)};
	static const uint32_t riap[] = {NSG_IP4(10, 0, 9, 5), NSG_IP4(10, 0, 9, 4)};
	struct effective_build *b = effective_build_new();
	const struct nsg_ranges *everything = effective_build_ranges(b, &any, 1);
	struct nsg_image_route route;
	struct nsg_image_info info;
	struct nsg_image *image;
	struct nsg_row *row;

	(void)state;
	effective_build_rule(b, "block", NSG_DENY, NSG_PROTOCOL_TCP, everything, everything);
	effective_build_default_rules(b);
	effective_build_row(b, (struct nsg_prefix){NSG_IP4(10, 0, 0, 0), 16}, NSG_SOURCE_DEFAULT,
			    NSG_HOP_VNET_LOCAL);
	/* Loses everywhere: its addresses do not enter. */
	effective_build_row(b, any, NSG_SOURCE_DEFAULT, NSG_HOP_INTERNET);
	row = effective_build_row(b, (struct nsg_prefix){NSG_IP4(10, 1, 0, 0), 16}, NSG_SOURCE_USER,
				  NSG_HOP_APPLIANCE);
	row->name = "one";
	effective_build_hops(b, row, pair, 2);
	row = effective_build_row(b, (struct nsg_prefix){NSG_IP4(10, 2, 0, 0), 16}, NSG_SOURCE_USER,
				  NSG_HOP_APPLIANCE);
	row->name = "two";
	effective_build_hops(b, row, riap, 2);
	row = effective_build_row(b, (struct nsg_prefix){NSG_IP4(10, 3, 0, 0), 16}, NSG_SOURCE_USER,
				  NSG_HOP_NONE);
	row->name = "away";
	row = effective_build_row(b, (struct nsg_prefix){NSG_IP4(20, 3, 0, 0), 16}, NSG_SOURCE_USER,
				  NSG_HOP_VNET_LOCAL);
	row->name = "outside";
	b->e.flush_connection = true;
	b->e.flow_timeout_minutes = 9;
	image = compile(&b->e, NULL);
	info = nsg_image_info(image);

	assert_int_equal(info.n_rules, 4);
	assert_string_equal(nsg_image_rule(image, 0).name, "block");
	assert_int_equal(nsg_image_rule(image, 0).priority, 100);
	assert_int_equal(nsg_image_rule(image, 0).access, NSG_DENY);
	assert_false(nsg_image_rule(image, 0).is_default);
	assert_string_equal(nsg_image_rule(image, 3).name, "DenyAllOutBound");
	assert_true(nsg_image_rule(image, 3).is_default);

	/* 10.0.0.0/16, the rest of RFC 1918 by 0.0.0.0/0, and three UDRs; not the one outside. */
	assert_int_equal(info.n_routes, 5);
	route = nsg_image_route(image, 0);
	assert_int_equal(route.hop_type, NSG_HOP_VNET_LOCAL);
	assert_null(route.name);
	assert_int_equal(route.n_hops, 0);
	route = nsg_image_route(image, 2);
	assert_string_equal(route.name, "one");
	assert_int_equal(route.source, NSG_SOURCE_USER);
	assert_int_equal(route.prefix.addr_host, NSG_IP4(10, 1, 0, 0));
	assert_int_equal(route.prefix.len, 16);
	assert_memory_equal(route.hops_host, pair, sizeof(pair));
	/* A set has no order. */
	assert_int_equal(nsg_image_route(image, 3).hop, route.hop);
	assert_memory_equal(nsg_image_route(image, 3).hops_host, riap, sizeof(riap));
	assert_int_equal(nsg_image_route(image, 4).hop, 0);

	/* The host's own routing, VnetLocal, Internet, the appliances. */
	assert_int_equal(info.n_hops, 4);
	assert_int_equal(nsg_image_hop(image, 0).n_addrs, 0);
	assert_int_equal(nsg_image_hop(image, route.hop).type, NSG_HOP_APPLIANCE);
	assert_int_equal(nsg_image_hop(image, route.hop).n_addrs, 2);

	assert_int_equal(info.flow_timeout_minutes, 9);
	assert_true(info.flush_connection);
	assert_true(info.has_nsg);
	assert_false(info.route_all);
	assert_true(info.size_bytes > 0);
	assert_true(info.compile_ns > 0);
	nsg_image_free(image);
	effective_build_free(b);
}

static void route_alone_for_a_flow_that_was_allowed(void **state)
{
	struct effective_build *b = effective_build_new();
	struct nsg_key denied = {NSG_IP4(10, 0, 1, 4), NSG_IP4(10, 1, 0, 1), 1000, 443, 6, {0}};
	struct nsg_key gre = {NSG_IP4(10, 0, 1, 4), NSG_IP4(10, 1, 0, 1), 0, 0, 47, {0}};
	struct nsg_decision d;
	struct nsg_image *image;

	(void)state;
	effective_build_rule(b, "block", NSG_DENY, NSG_PROTOCOL_TCP,
			     effective_build_ranges(b, &any, 1),
			     effective_build_ranges(b, &any, 1));
	effective_build_row(b, any, NSG_SOURCE_DEFAULT, NSG_HOP_INTERNET);
	image = compile(&b->e, NULL);
	d = nsg_classify(image, &denied);
	assert_int_equal(d.reason, NSG_REASON_NSG_DENY);
	assert_int_equal(d.hop, 0);
	d = nsg_classify_route(image, &denied);
	assert_int_equal(d.reason, NSG_REASON_ALLOWED);
	assert_int_equal(d.verdict, NSG_VERDICT_ACCEPT);
	assert_int_equal(d.rule, NSG_RULE_NONE);
	assert_int_equal(nsg_image_hop(image, d.hop).type, NSG_HOP_INTERNET);
	/* Nothing matched is a denial too. */
	denied.protocol = NSG_PROTOCOL_UDP;
	assert_int_equal(nsg_classify(image, &denied).reason, NSG_REASON_NSG_DENY);
	assert_int_equal(nsg_classify_route(image, &denied).reason, NSG_REASON_ALLOWED);
	assert_int_equal(nsg_classify_route(image, &gre).reason, NSG_REASON_NOT_CARRIED);
	nsg_image_free(image);
	effective_build_free(b);
}

/* ---- hashes ---- */

static void hashes_tell_which_part_changed(void **state)
{
	struct effective_build *b = effective_build_random(3);
	struct nsg_image *one = compile(&b->e, NULL), *two;
	struct nsg_image_info a = nsg_image_info(one), c;

	(void)state;
	two = compile(&b->e, NULL);
	c = nsg_image_info(two);
	assert_true(a.nsg_hash == c.nsg_hash && a.route_hash == c.route_hash &&
		    a.gate_hash == c.gate_hash);
	nsg_image_free(two);

	effective_build_row(b, (struct nsg_prefix){NSG_IP4(10, 9, 9, 0), 24}, NSG_SOURCE_USER,
			    NSG_HOP_NONE);
	two = compile(&b->e, NULL);
	c = nsg_image_info(two);
	assert_true(a.nsg_hash == c.nsg_hash && a.route_hash != c.route_hash &&
		    a.gate_hash == c.gate_hash);
	nsg_image_free(two);
	b->e.n_rows--;

	b->e.n_rules--;
	two = compile(&b->e, NULL);
	c = nsg_image_info(two);
	assert_true(a.nsg_hash != c.nsg_hash && a.route_hash == c.route_hash &&
		    a.gate_hash == c.gate_hash);
	nsg_image_free(two);
	b->e.n_rules++;

	b->e.route_all = !b->e.route_all;
	b->e.is_linux = false;
	two = compile(&b->e, NULL);
	c = nsg_image_info(two);
	assert_true(a.nsg_hash == c.nsg_hash && a.route_hash == c.route_hash &&
		    a.gate_hash != c.gate_hash);
	nsg_image_free(two);
	nsg_image_free(one);
	effective_build_free(b);
}

/* ---- bounds ---- */

static void assert_refused(const struct nsg_effective *e, const char *code)
{
	struct nsg_image *image = NULL;
	struct nsg_diag diag = {0};

	assert_int_equal(nsg_compile(e, NULL, &diag, &image), -EINVAL);
	assert_null(image);
	assert_int_equal(diag.n_errors, 1);
	assert_string_equal(diag.v[0].code, code);
	nsg_diag_done(&diag);
}

static void too_many_rules(void **state)
{
	struct effective_build *b = effective_build_new();
	const struct nsg_ranges *everything = effective_build_ranges(b, &any, 1);
	struct nsg_key key = {NSG_IP4(10, 0, 1, 4), NSG_IP4(10, 1, 0, 1), 1000, 443, 6, {0}};
	struct nsg_image *image;

	(void)state;
	for (unsigned int i = 0; i < NSG_MAX_RULES; i++)
		effective_build_rule(b, "r", NSG_ALLOW, NSG_PROTOCOL_UDP, everything, everything);
	effective_build_default_rules(b);
	effective_build_row(b, any, NSG_SOURCE_DEFAULT, NSG_HOP_INTERNET);
	image = compile(&b->e, NULL);
	assert_int_equal(nsg_classify(image, &key).rule, NSG_MAX_RULES);
	nsg_image_free(image);
	effective_build_rule(b, "r", NSG_ALLOW, NSG_PROTOCOL_UDP, everything, everything);
	assert_refused(&b->e, "TooManyRules");
	effective_build_free(b);
}

static void too_many_next_hops(void **state)
{
	struct effective_build *b = effective_build_new();
	struct nsg_image *image;

	(void)state;
	b->e.nsg = NULL;
	for (uint32_t i = 0; i < NSG_MAX_HOPS + 1; i++) {
		uint32_t hop = NSG_IP4(10, 9, 0, 0) + i;
		struct nsg_row *row;

		if (i == NSG_MAX_HOPS) {
			image = compile(&b->e, NULL);
			assert_int_equal(nsg_image_info(image).n_hops, NSG_MAX_HOPS + 1);
			nsg_image_free(image);
		}
		row =
		    effective_build_row(b, (struct nsg_prefix){NSG_IP4(10, 0, 0, 0) + (i << 8), 24},
					NSG_SOURCE_USER, NSG_HOP_APPLIANCE);
		row->name = "udr";
		effective_build_hops(b, row, &hop, 1);
	}
	assert_refused(&b->e, "TooManyNextHops");
	effective_build_free(b);
}

static void too_many_segments(void **state)
{
	struct effective_build *b = effective_build_new();
	struct nsg_range *v = malloc(NSG_MAX_IMAGE_SEGMENTS / 2 * sizeof(*v));
	struct nsg_ranges ranges = {v, NSG_MAX_IMAGE_SEGMENTS / 2};

	(void)state;
	assert_non_null(v);
	for (uint32_t i = 0; i < ranges.n; i++)
		v[i] =
		    (struct nsg_range){NSG_IP4(20, 0, 0, 0) + i * 4, NSG_IP4(20, 0, 0, 1) + i * 4};
	b->e.route_all = true;
	effective_build_rule(b, "r", NSG_DENY, NSG_PROTOCOL_ANY, effective_build_ranges(b, &any, 1),
			     &ranges);
	assert_refused(&b->e, "TooManySegments");
	free(v);
	effective_build_free(b);
}

/* A policy that has so many takes a gigabyte. */
static void too_many_classes(void **state)
{
	const struct nsg_nsg_part many_dst = {.n_dst_rows = ((size_t)1 << NSG_LEAF_CLASS_BITS) + 1},
				  many_src = {.n_src_rows = ((size_t)1 << NSG_SRC_CLASS_BITS) + 1};
	const struct nsg_routes_part no_routes = {.n_hops = 1};
	const struct nsg_leaves none = {0};
	struct effective_build *b = effective_build_new();
	struct nsg_image *image;

	(void)state;
	assert_int_equal(nsg_image_build(&b->e, &many_dst, &no_routes, &none, NULL, &image),
			 -E2BIG);
	assert_int_equal(nsg_image_build(&b->e, &many_src, &no_routes, &none, NULL, &image),
			 -E2BIG);
	effective_build_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(random_policies_equal_the_reference),
	    cmocka_unit_test(only_routes_differ),
	    cmocka_unit_test(any_change_with_an_image_before_it),
	    cmocka_unit_test(ports_beyond_the_cross_table),
	    cmocka_unit_test(trees_of_many_sizes),
	    cmocka_unit_test(image_describes_rules_routes_and_hops),
	    cmocka_unit_test(route_alone_for_a_flow_that_was_allowed),
	    cmocka_unit_test(hashes_tell_which_part_changed),
	    cmocka_unit_test(too_many_rules),
	    cmocka_unit_test(too_many_next_hops),
	    cmocka_unit_test(too_many_segments),
	    cmocka_unit_test(too_many_classes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
