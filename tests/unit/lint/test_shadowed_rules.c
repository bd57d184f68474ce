/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lint/lint_priv.h"
#include "support/policy_build.h"
#include "util/cleanup.h"
#include "util/macro.h"

/* ---- an independent answer: packets at every boundary, linear search ------------------------ */

struct packet {
	uint32_t src, dst;
	uint16_t protocol, sport, dport;
};

static bool in_ports(const struct nsg_port_range *v, size_t n, uint16_t port)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].lo <= port && port <= v[i].hi)
			return true;
	return false;
}

/* Whether the NSG is evaluated for the packet at all. */
static bool is_judged(const struct nsg_effective *e, const struct packet *p)
{
	if (p->protocol != NSG_PROTOCOL_TCP && p->protocol != NSG_PROTOCOL_UDP)
		return false;
	if (p->dst == NSG_IP_PLATFORM_DNS || p->dst == NSG_IP_PLATFORM_IMDS)
		return true;
	if (p->dst >> 24 == 127 || p->dst >> 16 == 0xa9fe || p->dst >> 28 == 14 ||
	    p->dst == UINT32_MAX || (p->protocol == NSG_PROTOCOL_UDP && p->sport == 65330))
		return false;
	if (nsg_ip_is_rfc1918(p->dst) || e->route_all)
		return true;
	return e->profile->endpoint_traffic_nsg && nsg_ranges_contain(&e->endpoints, p->dst);
}

static bool matches(const struct nsg_effective_rule *r, const struct packet *p)
{
	if (r->rule->protocol != NSG_PROTOCOL_ANY && r->rule->protocol != p->protocol)
		return false;
	if (!nsg_ranges_contain(r->src.ranges, p->src) ||
	    !in_ports(r->src_ports, r->n_src_ports, p->sport) ||
	    !in_ports(r->dst_ports, r->n_dst_ports, p->dport))
		return false;
	if (p->dst == NSG_IP_PLATFORM_DNS)
		return r->dst.kind == NSG_MATCH_PLATFORM_DNS && p->dport == 53;
	if (p->dst == NSG_IP_PLATFORM_IMDS)
		return r->dst.kind == NSG_MATCH_PLATFORM_IMDS;
	return r->dst.kind == NSG_MATCH_RANGES && nsg_ranges_contain(r->dst.ranges, p->dst);
}

struct points {
	uint32_t v[512];
	size_t n;
};

static void add_point(struct points *p, uint32_t x)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i] == x)
			return;
	assert_true(p->n < NSG_ARRAY_SIZE(p->v));
	p->v[p->n++] = x;
}

static void add_edges(struct points *p, uint32_t lo, uint32_t hi)
{
	add_point(p, lo);
	add_point(p, lo - 1);
	add_point(p, hi);
	add_point(p, hi + 1);
}

struct truth {
	bool matched[64], decided[64];
	bool taken[64][64]; /* [rule][the first one that takes a packet of it] */
};

static void try_packet(const struct nsg_effective *e, const struct packet *p, struct truth *t)
{
	size_t first = e->n_rules;

	if (!is_judged(e, p))
		return;
	for (size_t i = 0; i < e->n_rules; i++) {
		if (!matches(&e->rules[i], p))
			continue;
		if (first == e->n_rules)
			first = i;
		t->matched[i] = true;
		t->taken[i][first] = true;
	}
	if (first < e->n_rules)
		t->decided[first] = true;
}

static void find_truth(const struct nsg_effective *e, struct truth *t)
{
	static const uint16_t protocols[] = {6, 17, 1, 50, 51};
	struct points dst = {.n = 0}, dport = {.n = 0}, src = {.n = 0};
	static const uint16_t sports[] = {40000, 65330};

	memset(t, 0, sizeof(*t));
	add_edges(&dst, NSG_IP4(10, 0, 0, 0), NSG_IP4(10, 255, 255, 255));
	add_edges(&dst, NSG_IP4(172, 16, 0, 0), NSG_IP4(172, 31, 255, 255));
	add_edges(&dst, NSG_IP4(192, 168, 0, 0), NSG_IP4(192, 168, 255, 255));
	add_edges(&dst, NSG_IP4(127, 0, 0, 0), NSG_IP4(127, 255, 255, 255));
	add_edges(&dst, NSG_IP4(224, 0, 0, 0), NSG_IP4(239, 255, 255, 255));
	for (size_t k = 0; k < e->endpoints.n; k++)
		add_edges(&dst, e->endpoints.v[k].lo, e->endpoints.v[k].hi);
	add_point(&dst, NSG_IP_PLATFORM_DNS);
	add_point(&dst, NSG_IP_PLATFORM_IMDS);
	add_point(&dport, 53);
	for (size_t i = 0; i < e->n_rules; i++) {
		const struct nsg_effective_rule *r = &e->rules[i];

		for (size_t k = 0; k < r->dst.ranges->n; k++)
			add_edges(&dst, r->dst.ranges->v[k].lo, r->dst.ranges->v[k].hi);
		for (size_t k = 0; k < r->src.ranges->n; k++)
			add_edges(&src, r->src.ranges->v[k].lo, r->src.ranges->v[k].hi);
		for (size_t k = 0; k < r->n_dst_ports; k++)
			add_edges(&dport, r->dst_ports[k].lo, r->dst_ports[k].hi);
	}
	add_edges(&src, NSG_IP4(10, 0, 1, 0), NSG_IP4(10, 0, 1, 63));
	for (size_t s = 0; s < src.n; s++) {
		if (src.v[s] < NSG_IP4(10, 0, 1, 0) || src.v[s] > NSG_IP4(10, 0, 1, 63))
			continue;
		for (size_t d = 0; d < dst.n; d++)
			for (size_t q = 0; q < dport.n; q++)
				for (size_t x = 0; x < 5; x++)
					for (size_t y = 0; y < 2; y++) {
						const struct packet p = {src.v[s], dst.v[d],
									 protocols[x], sports[y],
									 (uint16_t)dport.v[q]};

						try_packet(e, &p, t);
					}
	}
}

/* ---- random policies ------------------------------------------------------------------------ */

static uint64_t seed = 20200415;

static size_t pick(size_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(seed >> 33) % n;
}

#define PICK(a) (a)[pick(NSG_ARRAY_SIZE(a))]

static void fill(struct policy_build *b, struct nsg_nsg *g)
{
	static const char *const srcs[] = {"*",
					   "*",
					   "10.0.1.0/26",
					   "10.0.1.0/27",
					   "10.0.1.32/27",
					   "VirtualNetwork",
					   "192.168.0.0/16",
					   "AzurePlatformDNS"};
	static const char *const dsts[] = {
	    "*",
	    "*",
	    "VirtualNetwork",
	    "Internet",
	    "Storage",
	    "10.0.0.0/8",
	    "10.0.0.0/9",
	    "10.128.0.0/9",
	    "20.0.0.0/24",
	    "127.0.0.0/8",
	    "172.16.0.0/12",
	    "192.168.0.0/16",
	    "224.0.0.0/4",
	    "AzureLoadBalancer",
	    "AzurePlatformDNS",
	    "AzurePlatformIMDS",
	    "AzurePlatformLKM",
	    "10.0.0.0/9 10.128.0.0/10",
	};
	static const char *const ports[] = {
	    "*", "*", "*", "80", "53", "0-1023", "443", "80 443", "1024-65535", "0-79 81-65535"};
	static const char *const protocols[] = {"*", "*", "tcp", "udp", "icmp", "esp"};

	g->n_rules = 0;
	for (unsigned int i = 0; i < 12; i++) {
		/* One after another: the order in which arguments are evaluated is not defined. */
		const char *protocol = PICK(protocols), *src = PICK(srcs), *dst = PICK(dsts);
		enum nsg_access access = pick(2) ? NSG_ALLOW : NSG_DENY;
		struct nsg_rule *r =
		    policy_build_rule(b, g, policy_build_printf(b, "r%u", i), 100 + i, access,
				      protocol, src, dst, PICK(ports));

		if (!pick(8)) {
			r->src_ports[0] = (struct nsg_port_range){65330, 65330};
			r->n_src_ports = 1;
		}
	}
}

static const struct nsg_diag_record *lint_of(const struct policy_build *b, const char *rule)
{
	char head[40];

	(void)snprintf(head, sizeof(head), "rule %s (", rule);
	for (size_t i = 0; i < b->diag.n; i++)
		if (!strncmp(b->diag.v[i].text, head, strlen(head)) && b->diag.v[i].lint)
			return &b->diag.v[i];
	return NULL;
}

static void compare_rule(const struct policy_build *b, const struct truth *t, size_t i)
{
	const struct nsg_effective *e = b->e;
	const struct nsg_diag_record *lint = lint_of(b, e->rules[i].rule->name);

	if (t->decided[i]) {
		assert_null(lint);
		return;
	}
	assert_non_null(lint);
	if (!t->matched[i]) {
		assert_string_not_equal(lint->code, "RuleShadowed");
		return;
	}
	assert_string_equal(lint->code, "RuleShadowed");
	for (size_t j = 0; j < i; j++) {
		char name[64];

		(void)snprintf(name, sizeof(name), " %s (%u, ", e->rules[j].rule->name,
			       e->rules[j].rule->priority);
		assert_int_equal(strstr(strstr(lint->text, "reached:"), name) != NULL,
				 t->taken[i][j]);
	}
}

static void each_rule_is_told_as_trying_every_packet_tells(void **state)
{
	struct policy_build *b = policy_build_new();
	struct nsg_nsg *g;
	size_t n_decided = 0, n_shadowed = 0, n_never = 0;
	static struct truth t;

	(void)state;
	policy_build_usual(b);
	policy_build_tag(b, policy_build_tags(b), "Storage", "", "20.0.0.0/24 20.0.2.0/24");
	policy_build_endpoint(b, &b->p->vnets[0].subnets[0], "Microsoft.Storage", "");
	g = policy_build_nsg(b, "nsg");
	for (unsigned int round = 0; round < 400; round++) {
		b->options.profile = nsg_profile_find(pick(2) ? "current" : "2020-04");
		b->options.route_all = pick(2) ? NSG_TRUE : NSG_FALSE;
		fill(b, g);
		assert_int_equal(policy_build_make(b), 0);
		assert_int_equal(nsg_lint_rules(b->e, &b->diag), 0);
		find_truth(b->e, &t);
		for (size_t i = 0; i < 12; i++) {
			compare_rule(b, &t, i);
			n_decided += t.decided[i];
			n_shadowed += t.matched[i] && !t.decided[i];
			n_never += !t.matched[i];
		}
	}
	print_message("%zu decide, %zu shadowed, %zu never match\n", n_decided, n_shadowed,
		      n_never);
	assert_true(n_decided > 100 && n_shadowed > 100 && n_never > 100);
	policy_build_free(b);
}

/* ---- words ---------------------------------------------------------------------------------- */

static void the_reason_is_told(void **state)
{
	static const struct {
		const char *protocol, *src, *dst, *ports, *code, *text;
	} t[] = {
	    {"*", "*", "30.0.0.0/8", "*", "GateClosed", "route-all is off"},
	    {"*", "*", "Internet", "*", "GateClosed", "without route-all"},
	    {"*", "*", "Storage", "*", "GateClosed", "service endpoint"},
	    {"*", "asg:web", "*", "*", "RuleNeverMatches", "cannot be a member"},
	    {"*", "*", "asg:web", "*", "RuleNeverMatches", "no member"},
	    {"*", "AzurePlatformDNS", "*", "*", "RuleNeverMatches", "platform tag"},
	    {"*", "2001:db8::/32", "*", "*", "RuleNeverMatches", "source has no IPv4"},
	    {"*", "*", "2001:db8::/32", "*", "RuleNeverMatches", "destination has no IPv4"},
	    {"*", "10.9.0.0/16", "*", "*", "RuleNeverMatches", "integration subnet"},
	    {"icmp", "*", "*", "*", "RuleNeverMatches", "TCP and UDP only"},
	    {"47", "*", "10.0.0.0/8", "*", "RuleNeverMatches", "TCP and UDP only"},
	    {"esp", "*", "AzurePlatformIMDS", "*", "RuleNeverMatches", "TCP and UDP only"},
	    {"tcp", "*", "AzurePlatformDNS", "80", "RuleNeverMatches", "port 53 only"},
	    {"*", "*", "AzureLoadBalancer", "*", "RuleNeverMatches", "AzurePlatform tags"},
	    {"*", "*", "127.0.0.0/8", "*", "RuleNeverMatches", "only the AzurePlatform"},
	};
	struct policy_build *b = policy_build_new();
	struct nsg_nsg *g;

	(void)state;
	policy_build_usual(b);
	policy_build_asg(b, "web");
	policy_build_tag(b, policy_build_tags(b), "Storage", "", "20.0.0.0/24");
	policy_build_endpoint(b, &b->p->vnets[0].subnets[0], "Microsoft.Storage", "");
	g = policy_build_nsg(b, "nsg");
	for (size_t i = 0; i < NSG_ARRAY_SIZE(t); i++) {
		g->n_rules = 0;
		policy_build_rule(b, g, "r", 100, NSG_DENY, t[i].protocol, t[i].src, t[i].dst,
				  t[i].ports);
		assert_int_equal(policy_build_make(b), 0);
		assert_int_equal(nsg_lint_rules(b->e, &b->diag), 0);
		if (!policy_build_told(b, NSG_WARNING, t[i].code, t[i].text))
			print_error("%s %s -> %s\n", t[i].protocol, t[i].src, t[i].dst);
		assert_true(policy_build_told(b, NSG_WARNING, t[i].code, t[i].text));
	}
	policy_build_free(b);
}

static void a_union_shadows_and_is_named(void **state)
{
	struct policy_build *b = policy_build_new();
	struct nsg_nsg *g;

	(void)state;
	policy_build_usual(b);
	g = policy_build_nsg(b, "nsg");
	policy_build_rule(b, g, "low", 100, NSG_ALLOW, "*", "*", "10.0.0.0/9", "*");
	policy_build_rule(b, g, "unrelated", 110, NSG_DENY, "*", "*", "192.168.0.0/16", "*");
	policy_build_rule(b, g, "high", 120, NSG_DENY, "*", "*", "10.128.0.0/9", "*");
	policy_build_rule(b, g, "all", 130, NSG_ALLOW, "tcp", "*", "10.0.0.0/8", "443");
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(nsg_lint_rules(b->e, &b->diag), 0);
	assert_true(
	    policy_build_told(b, NSG_WARNING, "RuleShadowed",
			      "rule all (130, Allow) is never reached: low (100, Allow), high "
			      "(120, Deny) match all its packets first, not all of them "
			      "with the same action"));
	assert_int_equal(policy_build_count(b, NSG_WARNING), 1);
	/* One step less and the rule decides something. */
	g->rules[2].dst.prefixes.v[0] = (struct nsg_prefix){NSG_IP4(10, 128, 0, 0), 10};
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(nsg_lint_rules(b->e, &b->diag), 0);
	assert_int_equal(policy_build_count(b, NSG_WARNING), 0);
	policy_build_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_rule_is_told_as_trying_every_packet_tells),
	    cmocka_unit_test(the_reason_is_told),
	    cmocka_unit_test(a_union_shadows_and_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
