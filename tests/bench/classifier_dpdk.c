/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench/classifier_dpdk.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wundef"
#pragma GCC diagnostic ignored "-Wpointer-arith"
#include <rte_acl.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_fib.h>
#include <rte_malloc.h>
#pragma GCC diagnostic pop

#include "util/clock.h"
#include "util/names.h"

#define FIELDS 5
#define NEEDED_MB_TEXT "1536"

/* As on the wire. rte_acl reads the protocol's byte first, then groups of four. */
struct acl_key {
	uint8_t protocol, unused[3];
	uint32_t src_be, dst_be;
	uint16_t sport_be, dport_be;
};

RTE_ACL_RULE_DEF(acl_rule, FIELDS);

struct method {
	const char *name;
	enum rte_acl_classify_alg alg;
};

static const struct method all_methods[] = {
    {"avx512x32", RTE_ACL_CLASSIFY_AVX512X32}, {"avx512x16", RTE_ACL_CLASSIFY_AVX512X16},
    {"avx2", RTE_ACL_CLASSIFY_AVX2},	       {"sse", RTE_ACL_CLASSIFY_SSE},
    {"scalar", RTE_ACL_CLASSIFY_SCALAR},
};

struct dpdk {
	struct rte_acl_ctx *acl;
	struct rte_fib *fib;
	struct method methods[sizeof(all_methods) / sizeof(all_methods[0])];
	unsigned int n_methods;
	uint64_t build_ns;
	size_t memory_bytes;

	struct acl_key *keys;
	const uint8_t **pointers;
	uint32_t *dsts, *rules;
	uint64_t *rows;
};

/* MB of free huge pages. */
static long free_huge_mb(void)
{
	FILE *f = fopen("/proc/meminfo", "r");
	long pages = 0, kb = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f)) {
		(void)sscanf(line, "HugePages_Free: %ld", &pages);
		(void)sscanf(line, "Hugepagesize: %ld", &kb);
	}
	if (f)
		(void)fclose(f);
	return pages * kb / 1024;
}

bool dpdk_start(int cpu)
{
	char arguments[][40] = {"classifier",
				"--no-pci",
				"--no-telemetry",
				"-m",
				NEEDED_MB_TEXT,
				"--log-level=*:error",
				"-l",
				"",
				"--force-max-simd-bitwidth=512",
				"--in-memory",
				""};
	char *argv[sizeof(arguments) / sizeof(arguments[0])];
	bool huge = free_huge_mb() >= atol(NEEDED_MB_TEXT);
	int argc = 10;

	(void)snprintf(arguments[7], sizeof(arguments[7]), "%d", cpu);
	if (!huge) {
		(void)strcpy(arguments[9], "--no-huge");
		(void)strcpy(arguments[argc++], "--no-shconf");
	}
	printf("rte_acl and rte_fib on %s pages\n", huge ? "huge" : "small");
	for (int i = 0; i < argc; i++)
		argv[i] = arguments[i];
	return rte_eal_init(argc, argv) >= 0;
}

static size_t allocated(void)
{
	struct rte_malloc_socket_stats s;

	return rte_malloc_get_socket_stats(0, &s) ? 0 : s.heap_allocsz_bytes;
}

static void *need(void *p)
{
	if (!p)
		abort();
	return p;
}

/* ---- rules ---- */

static const struct rte_acl_field_def field_defs[FIELDS] = {
    {RTE_ACL_FIELD_TYPE_BITMASK, 1, 0, 0, offsetof(struct acl_key, protocol)},
    {RTE_ACL_FIELD_TYPE_MASK, 4, 1, 1, offsetof(struct acl_key, src_be)},
    {RTE_ACL_FIELD_TYPE_MASK, 4, 2, 2, offsetof(struct acl_key, dst_be)},
    {RTE_ACL_FIELD_TYPE_RANGE, 2, 3, 3, offsetof(struct acl_key, sport_be)},
    {RTE_ACL_FIELD_TYPE_RANGE, 2, 4, 3, offsetof(struct acl_key, dport_be)},
};

struct rule_writer {
	struct acl_rule *v;
	size_t n, room;
};

struct box {
	int protocol; /* < 0: any */
	struct nsg_prefix src, dst;
	struct nsg_port_range sport, dport;
};

static void write_box(struct rule_writer *w, size_t index, const struct box *b)
{
	struct acl_rule *out;

	if (w->n == w->room) {
		w->room = w->room ? w->room * 2 : 4096;
		w->v = need(realloc(w->v, w->room * sizeof(*w->v)));
	}
	out = &w->v[w->n++];
	memset(out, 0, sizeof(*out));
	out->data.userdata = (uint32_t)index + 1;
	out->data.category_mask = 1;
	out->data.priority = (int32_t)(RTE_ACL_MAX_PRIORITY - (int32_t)index);
	out->field[0].value.u8 = (uint8_t)(b->protocol < 0 ? 0 : b->protocol);
	out->field[0].mask_range.u8 = b->protocol < 0 ? 0 : 0xff;
	out->field[1].value.u32 = b->src.addr_host;
	out->field[1].mask_range.u32 = b->src.len;
	out->field[2].value.u32 = b->dst.addr_host;
	out->field[2].mask_range.u32 = b->dst.len;
	out->field[3].value.u16 = b->sport.lo;
	out->field[3].mask_range.u16 = b->sport.hi;
	out->field[4].value.u16 = b->dport.lo;
	out->field[4].mask_range.u16 = b->dport.hi;
}

static bool every_port(const struct nsg_effective_rule *r)
{
	return r->src_ports[0].lo == 0 && r->src_ports[0].hi == 65535 && r->dst_ports[0].lo == 0 &&
	       r->dst_ports[0].hi == 65535;
}

/* A box for each range of ports; two where only packets with ports are meant. */
static void write_ports(struct rule_writer *w, size_t index, const struct nsg_effective_rule *r,
			struct box b)
{
	bool any = r->rule->protocol == NSG_PROTOCOL_ANY;

	if (!any && !every_port(r) && !nsg_protocol_has_ports(r->rule->protocol))
		return;
	for (size_t s = 0; s < r->n_src_ports; s++) {
		for (size_t d = 0; d < r->n_dst_ports; d++) {
			b.sport = r->src_ports[s];
			b.dport = r->dst_ports[d];
			b.protocol = any ? -1 : r->rule->protocol;
			if (any && !every_port(r)) {
				b.protocol = NSG_PROTOCOL_UDP;
				write_box(w, index, &b);
				b.protocol = NSG_PROTOCOL_TCP;
			}
			write_box(w, index, &b);
		}
	}
}

/* rte_acl has no lists: a rule of its own for each pair of prefixes. */
static void write_rules(struct rule_writer *w, const struct bench_case *c, size_t i)
{
	static const struct nsg_prefix any = {0, 0};
	struct bench_addrs src = c->src[i], dst = c->dst[i];

	for (size_t s = 0; s < (src.n ? src.n : 1); s++)
		for (size_t d = 0; d < (dst.n ? dst.n : 1); d++)
			write_ports(w, i, &c->b->e.rules[i],
				    (struct box){.src = src.n ? src.v[s] : any,
						 .dst = dst.n ? dst.v[d] : any});
}

static bool build_acl(struct dpdk *d, const struct bench_case *c)
{
	struct rule_writer w = {0};
	struct rte_acl_config config = {.num_categories = 1, .num_fields = FIELDS};
	struct rte_acl_param param = {
	    .name = "bench", .socket_id = SOCKET_ID_ANY, .rule_size = RTE_ACL_RULE_SZ(FIELDS)};
	uint64_t start;
	int r;

	for (size_t i = 0; i < c->b->e.n_rules; i++)
		write_rules(&w, c, i);
	param.max_rule_num = (uint32_t)w.n;
	memcpy(config.defs, field_defs, sizeof(field_defs));
	d->acl = rte_acl_create(&param);
	if (!d->acl) {
		(void)fprintf(stderr, "rte_acl: %s\n", rte_strerror(rte_errno));
		free(w.v);
		return false;
	}
	start = nsg_clock_ns(CLOCK_THREAD_CPUTIME_ID);
	r = rte_acl_add_rules(d->acl, (const struct rte_acl_rule *)w.v, (uint32_t)w.n);
	r = r ? r : rte_acl_build(d->acl, &config);
	d->build_ns = nsg_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start;
	if (r)
		(void)fprintf(stderr, "rte_acl: %zu rules: %s\n", w.n, rte_strerror(-r));
	free(w.v);
	return !r;
}

/* ---- routes ---- */

/* The worse first: a later one of the same prefix takes its place. */
static void add_rows(struct dpdk *d, const struct nsg_effective *e, enum nsg_route_source source)
{
	for (size_t i = e->n_rows; i-- > 0;)
		if (e->rows[i].source == source && e->rows[i].prefix.len &&
		    rte_fib_add(d->fib, e->rows[i].prefix.addr_host, e->rows[i].prefix.len, i))
			(void)fprintf(stderr, "rte_fib: a route was refused\n");
}

static bool build_fib(struct dpdk *d, const struct bench_case *c)
{
	const struct nsg_effective *e = &c->b->e;
	struct rte_fib_conf conf = {
	    .type = RTE_FIB_DIR24_8,
	    .max_routes = (int)e->n_rows + 1,
	    .dir24_8 = {.nh_sz = RTE_FIB_DIR24_8_4B, .num_tbl8 = 16384},
	};

	for (size_t i = 0; i < e->n_rows; i++)
		if (!e->rows[i].prefix.len)
			conf.default_nh = i;
	d->fib = rte_fib_create("bench", SOCKET_ID_ANY, &conf);
	if (!d->fib)
		return false;
	add_rows(d, e, NSG_SOURCE_DEFAULT);
	add_rows(d, e, NSG_SOURCE_GATEWAY);
	add_rows(d, e, NSG_SOURCE_USER);
	return true;
}

struct dpdk *dpdk_new(const struct bench_case *c)
{
	struct dpdk *d = need(calloc(1, sizeof(*d)));
	size_t before = allocated();

	if (!build_acl(d, c) || !build_fib(d, c)) {
		dpdk_free(d);
		return NULL;
	}
	d->memory_bytes = allocated() - before;
	for (unsigned int i = 0; i < sizeof(all_methods) / sizeof(all_methods[0]); i++)
		if (!rte_acl_set_ctx_classify(d->acl, all_methods[i].alg))
			d->methods[d->n_methods++] = all_methods[i];
	dpdk_use_method(d, 0);
	return d;
}

uint64_t dpdk_build_ns(const struct dpdk *d)
{
	return d->build_ns;
}

size_t dpdk_memory_bytes(const struct dpdk *d)
{
	return d->memory_bytes;
}

const char *dpdk_method(struct dpdk *d, unsigned int index)
{
	return index < d->n_methods ? d->methods[index].name : NULL;
}

void dpdk_use_method(struct dpdk *d, unsigned int index)
{
	if (index < d->n_methods)
		(void)rte_acl_set_ctx_classify(d->acl, d->methods[index].alg);
}

/* ---- packets ---- */

static void unload(struct dpdk *d)
{
	free(d->keys);
	free(d->pointers);
	free(d->dsts);
	free(d->rules);
	free(d->rows);
}

void dpdk_load(struct dpdk *d, const struct nsg_key *keys, size_t n)
{
	unload(d);
	d->keys = need(calloc(n, sizeof(*d->keys)));
	d->pointers = need(calloc(n, sizeof(*d->pointers)));
	d->dsts = need(calloc(n, sizeof(*d->dsts)));
	d->rules = need(calloc(n, sizeof(*d->rules)));
	d->rows = need(calloc(n, sizeof(*d->rows)));
	for (size_t i = 0; i < n; i++) {
		d->keys[i] = (struct acl_key){
		    .protocol = keys[i].protocol,
		    .src_be = htonl(keys[i].src_host),
		    .dst_be = htonl(keys[i].dst_host),
		    .sport_be = htons(keys[i].sport_host),
		    .dport_be = htons(keys[i].dport_host),
		};
		d->pointers[i] = (const uint8_t *)&d->keys[i];
		d->dsts[i] = keys[i].dst_host;
	}
}

void dpdk_run(struct dpdk *d, size_t at, size_t n)
{
	(void)rte_acl_classify(d->acl, d->pointers + at, d->rules + at, (uint32_t)n, 1);
	(void)rte_fib_lookup_bulk(d->fib, d->dsts + at, d->rows + at, (int)n);
}

uint32_t dpdk_rule(const struct dpdk *d, size_t packet)
{
	return d->rules[packet] - 1;
}

uint32_t dpdk_row(const struct dpdk *d, size_t packet)
{
	return (uint32_t)d->rows[packet];
}

void dpdk_free(struct dpdk *d)
{
	if (!d)
		return;
	rte_acl_free(d->acl);
	rte_fib_free(d->fib);
	unload(d);
	free(d);
}
