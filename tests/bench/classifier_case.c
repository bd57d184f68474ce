/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench/classifier_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "util/macro.h"
#include "util/names.h"

/* A data set has many public addresses; no case needs more routes than this. */
#define ROUTES_KEPT 200000u
#define BURST_TRIES 100

static void *need(void *p)
{
	if (!p) {
		(void)fprintf(stderr, "classifier bench: out of memory\n");
		exit(1);
	}
	return p;
}

struct bench_data {
	struct bench_addrs *tags;
	size_t n_tags;
	struct nsg_prefix *routes;
	size_t n_routes;
};

/* ---- data ---- */

static struct bench_addrs read_tag(const json_t *prefixes)
{
	struct bench_addrs a = {need(calloc(json_array_size(prefixes) + 1, sizeof(*a.v))), 0};

	for (size_t i = 0; i < json_array_size(prefixes); i++) {
		const char *s = json_string_value(json_array_get(prefixes, i));
		bool masked;

		if (s && nsg_prefix_parse(s, &a.v[a.n], &masked) == NSG_PREFIX_IP4)
			a.n++;
	}
	return a;
}

static void read_tags(struct bench_data *d, const char *path)
{
	json_t *document = json_load_file(path, 0, NULL);
	const json_t *values = json_object_get(document, "values");

	d->tags = need(calloc(json_array_size(values) + 1, sizeof(*d->tags)));
	for (size_t i = 0; i < json_array_size(values); i++) {
		const json_t *p = json_object_get(json_array_get(values, i), "properties");
		struct bench_addrs a = read_tag(json_object_get(p, "addressPrefixes"));

		if (a.n)
			d->tags[d->n_tags++] = a;
		else
			free(a.v);
	}
	json_decref(document);
}

static bool is_public(struct nsg_prefix p)
{
	uint32_t top = p.addr_host >> 24;

	return p.len >= 8 && top && top < 224 && top != 127 && top != 10 &&
	       !nsg_ip_is_rfc1918(p.addr_host) && !nsg_prefix_contains(p, NSG_IP_PLATFORM_DNS) &&
	       p.addr_host >> 16 != 0xa9fe && p.addr_host >> 22 != NSG_IP4(100, 64, 0, 0) >> 22;
}

/* Every so-manieth line, so that what is kept is spread over the whole table. */
static void read_routes(struct bench_data *d, const char *path)
{
	FILE *f = fopen(path, "r");
	char line[64];

	d->routes = need(calloc(ROUTES_KEPT, sizeof(*d->routes)));
	for (size_t i = 0; f && fgets(line, sizeof(line), f) && d->n_routes < ROUTES_KEPT; i++) {
		struct nsg_prefix p;
		bool masked;

		line[strcspn(line, "\r\n")] = 0;
		if (i % 4 == 0 && nsg_prefix_parse(line, &p, &masked) == NSG_PREFIX_IP4 &&
		    is_public(p))
			d->routes[d->n_routes++] = p;
	}
	if (f)
		(void)fclose(f);
}

struct bench_data *bench_data_read(const char *service_tags, const char *routes)
{
	struct bench_data *d = need(calloc(1, sizeof(*d)));

	read_tags(d, service_tags);
	read_routes(d, routes);
	return d;
}

void bench_data_free(struct bench_data *d)
{
	for (size_t i = 0; i < d->n_tags; i++)
		free(d->tags[i].v);
	free(d->tags);
	free(d->routes);
	free(d);
}

/* ---- rules ---- */

static struct bench_addrs copy_addrs(const struct nsg_prefix *v, size_t n)
{
	struct bench_addrs a = {need(malloc((n + 1) * sizeof(*v))), n};

	if (n)
		memcpy(a.v, v, n * sizeof(*v));
	return a;
}

static struct nsg_prefix random_public(struct test_random *r)
{
	for (;;) {
		uint8_t len = (uint8_t)(16 + test_random_below(r, 17));
		struct nsg_prefix p = {(uint32_t)test_random_next(r) & nsg_prefix_mask(len), len};

		if (is_public(p))
			return p;
	}
}

/*
 * The running average decides how large the next tag is: the largest of so many by chance. A case
 * of 1,000 rules and 100,000 prefixes has the small tags and the large ones of the real file.
 */
static struct bench_addrs mixed_tag(const struct bench_data *d, struct test_random *r,
				    uint32_t wanted_average, size_t rules, size_t prefixes)
{
	uint32_t tries = prefixes < (size_t)wanted_average * rules ? 16 : 1;
	const struct bench_addrs *best = NULL;

	for (uint32_t i = 0; i < tries; i++) {
		const struct bench_addrs *t = &d->tags[test_random_below(r, (uint32_t)d->n_tags)];

		if ((!best || t->n > best->n) && t->n <= (size_t)wanted_average * 20)
			best = t;
	}
	return best ? copy_addrs(best->v, best->n) : copy_addrs(d->tags[0].v, 1);
}

static struct bench_addrs mixed_dst(const struct bench_data *d, const struct bench_mix *mix,
				    struct test_random *r, size_t rules, size_t prefixes)
{
	static const struct nsg_prefix vnet = {NSG_IP4(10, 0, 0, 0), 8};
	uint32_t average = mix->n_prefixes / mix->n_rules, dice = test_random_below(r, 100);
	struct nsg_prefix few[4];

	if (mix->scattered) {
		struct bench_addrs a = copy_addrs(NULL, 0);

		a.v = need(realloc(a.v, (average + 1) * sizeof(*a.v)));
		for (a.n = 0; a.n < (average ? average : 1); a.n++)
			a.v[a.n] = random_public(r);
		return a;
	}
	if (dice < 75)
		return mixed_tag(d, r, average * 100 / 75, rules * 75 / 100, prefixes);
	if (dice < 85)
		return copy_addrs(&vnet, 1);
	for (size_t i = 0; i < 4; i++)
		few[i] = random_public(r);
	return copy_addrs(few, 1 + test_random_below(r, 4));
}

static struct bench_addrs mixed_src(struct test_random *r)
{
	struct nsg_prefix p = {NSG_IP4(10, 0, 0, 0), 8};
	uint32_t dice = test_random_below(r, 100);

	if (dice < 60)
		return copy_addrs(NULL, 0);
	if (dice >= 80) {
		p.len = (uint8_t)(26 + test_random_below(r, 7));
		p.addr_host =
		    (NSG_IP4(10, 0, 1, 0) + test_random_below(r, 256)) & nsg_prefix_mask(p.len);
	}
	return copy_addrs(&p, 1);
}

static int by_low_port(const void *a, const void *b)
{
	const struct nsg_port_range *x = a, *y = b;

	return (int)x->lo - (int)y->lo;
}

/* Every port, one service, a range, or a list of up to four services and ranges. */
static void mixed_ports(struct effective_build *b, struct test_random *r,
			struct nsg_effective_rule *rule)
{
	static const uint16_t services[] = {443,  80,	1433, 53,   22,	 25,
					    3306, 5671, 5672, 8080, 123, 445};
	uint32_t dice = test_random_below(r, 100), wanted = 1;
	struct nsg_port_range v[4];
	size_t n = 0;

	if (rule->rule->protocol == NSG_PROTOCOL_ICMP || dice >= 80)
		return;
	if (dice >= 55)
		wanted = 2 + test_random_below(r, 3);
	for (uint32_t i = 0; i < wanted; i++) {
		v[i].lo = v[i].hi = services[test_random_below(r, 12)];
		if (dice >= 40 && test_random_below(r, 2)) {
			v[i].lo = (uint16_t)test_random_below(r, 65000);
			v[i].hi = (uint16_t)(v[i].lo + test_random_below(r, 500));
		}
	}
	qsort(v, wanted, sizeof(*v), by_low_port);
	for (uint32_t i = 0; i < wanted; i++) {
		if (n && v[i].lo <= v[n - 1].hi + 1) {
			if (v[i].hi > v[n - 1].hi)
				v[n - 1].hi = v[i].hi;
		} else {
			v[n++] = v[i];
		}
	}
	rule->dst_ports = effective_build_ports(b, v, n);
	rule->n_dst_ports = n;
	if (test_random_below(r, 100) < 3) {
		v[0] = (struct nsg_port_range){1024, 65535};
		rule->src_ports = effective_build_ports(b, v, 1);
	}
}

static const struct nsg_ranges *merged(struct bench_case *c, struct bench_addrs a)
{
	static const struct nsg_prefix any = {0, 0};

	return effective_build_ranges(c->b, a.n ? a.v : &any, a.n ? a.n : 1);
}

static struct nsg_effective_rule *add_rule(struct bench_case *c, uint16_t protocol,
					   enum nsg_access access, struct bench_addrs src,
					   struct bench_addrs dst)
{
	size_t i = c->b->e.n_rules;
	char name[32];

	c->src = need(realloc(c->src, (i + 1) * sizeof(*c->src)));
	c->dst = need(realloc(c->dst, (i + 1) * sizeof(*c->dst)));
	c->src[i] = src;
	c->dst[i] = dst;
	c->n_prefixes += src.n + dst.n;
	(void)snprintf(name, sizeof(name), "rule-%zu", i);
	return effective_build_rule(c->b, name, access, protocol, merged(c, src), merged(c, dst));
}

static void deny_the_rest(struct bench_case *c)
{
	struct nsg_effective_rule *added =
	    add_rule(c, NSG_PROTOCOL_ANY, NSG_DENY, copy_addrs(NULL, 0), copy_addrs(NULL, 0));
	struct nsg_rule rule = *added->rule;

	rule.is_default = true;
	added->rule = need(nsg_arena_copy(&c->b->e.arena, &rule, sizeof(rule)));
}

/* ---- routes ---- */

static void add_routes(struct bench_case *c, const struct bench_data *d, struct test_random *r,
		       uint32_t n, uint32_t n_hops)
{
	static const struct nsg_prefix vnet = {NSG_IP4(10, 0, 0, 0), 8}, any = {0, 0};
	uint32_t udrs = n_hops < n ? n_hops : n;

	effective_build_row(c->b, vnet, NSG_SOURCE_DEFAULT, NSG_HOP_VNET_LOCAL);
	effective_build_row(c->b, any, NSG_SOURCE_DEFAULT, NSG_HOP_INTERNET);
	for (uint32_t i = 0; i < n; i++) {
		bool user = i < udrs;
		struct nsg_prefix p = d->n_routes
					  ? d->routes[test_random_below(r, (uint32_t)d->n_routes)]
					  : random_public(r);
		uint32_t hop = user ? NSG_IP4(10, 0, 9, 0) + i : NSG_IP4(10, 0, 8, 1);
		struct nsg_row *row =
		    effective_build_row(c->b, p, user ? NSG_SOURCE_USER : NSG_SOURCE_GATEWAY,
					user ? NSG_HOP_APPLIANCE : NSG_HOP_GATEWAY);

		row->name = user ? "udr" : NULL;
		effective_build_hops(c->b, row, &hop, 1);
	}
}

/* ---- packets ---- */

static uint32_t address_in(struct test_random *r, struct bench_addrs a, bool source)
{
	struct nsg_prefix p;

	if (!a.n)
		return source ? NSG_IP4(10, 0, 1, 0) + test_random_below(r, 256)
			      : random_public(r).addr_host | test_random_below(r, 65536);
	p = a.v[test_random_below(r, (uint32_t)a.n)];
	/* What leaves the integration subnet comes from it. */
	if (source && p.len < 24 && nsg_prefix_contains(p, NSG_IP4(10, 0, 1, 0)))
		return NSG_IP4(10, 0, 1, 0) + test_random_below(r, 256);
	return p.addr_host | ((uint32_t)test_random_next(r) & ~nsg_prefix_mask(p.len));
}

static uint16_t port_in(struct test_random *r, const struct nsg_port_range *v, size_t n,
			bool source)
{
	const struct nsg_port_range *p = &v[test_random_below(r, (uint32_t)n)];

	if (p->lo == 0 && p->hi == 65535 && source)
		return (uint16_t)(32768 + test_random_below(r, 28232));
	return (uint16_t)(p->lo + test_random_below(r, (uint32_t)p->hi - p->lo + 1));
}

/* Does it meet the gate's exceptions? Then it would say nothing of rules and routes. */
static bool is_special(uint32_t dst)
{
	return dst >> 24 == 127 || dst >> 16 == 0xa9fe || dst >> 28 == 14 || dst == UINT32_MAX ||
	       dst == NSG_IP_PLATFORM_DNS;
}

/* A packet that a rule by chance matches (an earlier one may match it too). */
static struct nsg_key packet_of_some_rule(const struct bench_case *c, struct test_random *r)
{
	static const uint8_t protocols[] = {NSG_PROTOCOL_TCP, NSG_PROTOCOL_TCP, NSG_PROTOCOL_UDP};
	struct nsg_key k = {0};

	for (unsigned int tries = 0; tries < BURST_TRIES; tries++) {
		size_t i = test_random_below(r, (uint32_t)c->b->e.n_rules);
		const struct nsg_effective_rule *rule = &c->b->e.rules[i];

		k.src_host = address_in(r, c->src[i], /* source = */ true);
		k.dst_host = address_in(r, c->dst[i], /* source = */ false);
		/* only TCP and UDP are carried */
		k.protocol = nsg_protocol_has_ports((uint8_t)rule->rule->protocol)
				 ? (uint8_t)rule->rule->protocol
				 : protocols[test_random_below(r, NSG_ARRAY_SIZE(protocols))];
		k.sport_host = port_in(r, rule->src_ports, rule->n_src_ports, true);
		k.dport_host = port_in(r, rule->dst_ports, rule->n_dst_ports, false);
		if (!is_special(k.dst_host))
			break;
	}
	return k;
}

static void draw_traces(struct bench_case *c, struct test_random *r)
{
	struct nsg_key *flows = need(malloc(ZIPF_FLOWS * sizeof(*flows)));
	double *sums = need(malloc(ZIPF_FLOWS * sizeof(*sums))), sum = 0;

	c->uniform = need(malloc(TRACE_PACKETS * sizeof(*c->uniform)));
	c->zipf = need(malloc(TRACE_PACKETS * sizeof(*c->zipf)));
	for (uint32_t i = 0; i < TRACE_PACKETS; i++)
		c->uniform[i] = packet_of_some_rule(c, r);
	for (uint32_t i = 0; i < ZIPF_FLOWS; i++) {
		flows[i] = packet_of_some_rule(c, r);
		sum += 1.0 / (i + 1);
		sums[i] = sum;
	}
	for (uint32_t i = 0; i < TRACE_PACKETS; i++) {
		double at = sum * ((double)(test_random_next(r) >> 11) / 9007199254740992.0);
		uint32_t lo = 0, hi = ZIPF_FLOWS - 1;

		while (lo < hi) {
			uint32_t mid = (lo + hi) / 2;

			if (sums[mid] < at)
				lo = mid + 1;
			else
				hi = mid;
		}
		c->zipf[i] = flows[lo];
	}
	free(sums);
	free(flows);
}

/* ---- cases ---- */

static struct bench_case *case_new(const char *name)
{
	struct bench_case *c = need(calloc(1, sizeof(*c)));

	(void)snprintf(c->name, sizeof(c->name), "%s", name);
	c->b = effective_build_new();
	c->b->e.route_all = true;
	return c;
}

struct bench_case *bench_case_mix(const struct bench_data *d, const struct bench_mix *mix)
{
	static const uint16_t protocols[] = {NSG_PROTOCOL_TCP, NSG_PROTOCOL_UDP, NSG_PROTOCOL_ANY,
					     NSG_PROTOCOL_ICMP};
	static const uint32_t up_to[] = {55, 70, 95, 100};
	struct test_random r = {mix->seed * 2 + 1};
	struct bench_case *c;

	if (!mix->scattered && !d->n_tags)
		return NULL;
	c = case_new(mix->name);
	for (uint32_t i = 0; i < mix->n_rules; i++) {
		struct bench_addrs dst = mixed_dst(d, mix, &r, i, c->n_prefixes);
		uint32_t dice = test_random_below(&r, 100), p = 0;

		while (dice >= up_to[p])
			p++;
		mixed_ports(c->b, &r,
			    add_rule(c, protocols[p],
				     test_random_below(&r, 2) ? NSG_ALLOW : NSG_DENY, mixed_src(&r),
				     dst));
	}
	deny_the_rest(c);
	add_routes(c, d, &r, mix->n_routes, mix->n_hops);
	draw_traces(c, &r);
	return c;
}

/* `@src/len dst/len sport : sport dport : dport proto/mask flags/mask` */
static bool classbench_rule(struct bench_case *c, const char *line)
{
	unsigned int s[5], d[5], sp[2], dp[2], proto, mask;
	struct nsg_effective_rule *rule;
	struct nsg_port_range ports[2];
	struct nsg_prefix src, dst;

	if (sscanf(line, "@%u.%u.%u.%u/%u %u.%u.%u.%u/%u %u : %u %u : %u %x/%x", &s[0], &s[1],
		   &s[2], &s[3], &s[4], &d[0], &d[1], &d[2], &d[3], &d[4], &sp[0], &sp[1], &dp[0],
		   &dp[1], &proto, &mask) != 16)
		return false;
	src = (struct nsg_prefix){NSG_IP4(s[0], s[1], s[2], s[3]), (uint8_t)s[4]};
	dst = (struct nsg_prefix){NSG_IP4(d[0], d[1], d[2], d[3]), (uint8_t)d[4]};
	src.addr_host &= nsg_prefix_mask(src.len);
	dst.addr_host &= nsg_prefix_mask(dst.len);
	rule = add_rule(c, mask ? (uint16_t)proto : NSG_PROTOCOL_ANY,
			c->b->e.n_rules % 2 ? NSG_ALLOW : NSG_DENY,
			copy_addrs(&src, src.len ? 1 : 0), copy_addrs(&dst, dst.len ? 1 : 0));
	ports[0] = (struct nsg_port_range){(uint16_t)sp[0], (uint16_t)sp[1]};
	ports[1] = (struct nsg_port_range){(uint16_t)dp[0], (uint16_t)dp[1]};
	rule->src_ports = effective_build_ports(c->b, &ports[0], 1);
	rule->dst_ports = effective_build_ports(c->b, &ports[1], 1);
	return true;
}

struct bench_case *bench_case_classbench(const struct bench_data *d, const char *name,
					 const char *path)
{
	struct test_random r = {20201};
	FILE *f = fopen(path, "r");
	struct bench_case *c;
	char line[512];

	if (!f)
		return NULL;
	c = case_new(name);
	while (fgets(line, sizeof(line), f) && classbench_rule(c, line))
		;
	(void)fclose(f);
	deny_the_rest(c);
	add_routes(c, d, &r, 1000, 40);
	draw_traces(c, &r);
	return c;
}

void bench_case_free(struct bench_case *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->b->e.n_rules; i++) {
		free(c->src[i].v);
		free(c->dst[i].v);
	}
	free(c->src);
	free(c->dst);
	free(c->uniform);
	free(c->zipf);
	effective_build_free(c->b);
	free(c);
}
