/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The classifier's figures (issue: the classifier; goals in its design): contenders run in turns
 * over the same packets, each answer is compared with linear search, ratios are taken turn by turn.
 *
 * classifier DATA OUT [ROUNDS]: DATA holds service-tags.json, routes.txt and classbench/; OUT gets
 * classifier.json and growth.dat.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/classifier_case.h"
#ifdef BENCH_DPDK
#include "bench/classifier_dpdk.h"
#endif
#include "bench/classifier_linear.h"
#include "bench/classifier_report.h"
#include "classify/simd_priv.h"
#include "compile/compile.h"
#include "util/clock.h"
#include "util/limits.h"

#define BATCH 32u
#define PRESSURE_BYTES 65536u
#define COMPILATIONS 7

static uint8_t pressure_from[PRESSURE_BYTES], pressure_to[PRESSURE_BYTES];

/* ---- what is measured ---- */

enum who { AVX512, AVX2, PORTABLE, UNBATCHED, LINEAR, ACL_FIB, N_WHO };

static const char *const who_names[N_WHO] = {
    [AVX512] = "nsgd avx512",	    [AVX2] = "nsgd avx2", [PORTABLE] = "nsgd portable",
    [UNBATCHED] = "nsgd unbatched", [LINEAR] = "linear",  [ACL_FIB] = "rte_acl + rte_fib",
};

struct bench {
	const struct bench_case *c;
	const struct nsg_image *image;
	struct nsg_memo *memo;
	struct linear *linear;
	const struct nsg_key *trace;
	struct nsg_decision *decisions;
	struct linear_answer *answers;
#ifdef BENCH_DPDK
	struct dpdk *dpdk;
#endif
	size_t acl_burst;
	const char *acl_method;
	enum who best; /* nsgd's own choice */
};

static struct report report;
static unsigned int rounds = 7;

static bool is_there(const struct bench *b, enum who w)
{
	switch (w) {
	case AVX512:
		return b->best == AVX512;
	case AVX2:
		return b->best != PORTABLE;
	case ACL_FIB:
#ifdef BENCH_DPDK
		return b->dpdk;
#else
		return false;
#endif
	default:
		return true;
	}
}

static void run(struct bench *b, enum who w, size_t at, size_t n)
{
	switch (w) {
#ifdef __x86_64__
	case AVX512:
		nsg_simd_avx512(b->image, b->memo, b->trace + at, n, b->decisions + at);
		break;
	case AVX2:
		nsg_simd_avx2(b->image, b->memo, b->trace + at, n, b->decisions + at);
		break;
#endif
	case PORTABLE:
		nsg_simd_portable(b->image, b->memo, b->trace + at, n, b->decisions + at);
		break;
	case UNBATCHED:
		for (size_t i = 0; i < n; i++)
			b->decisions[at + i] = nsg_classify(b->image, &b->trace[at + i]);
		break;
	case LINEAR:
		linear_run(b->linear, b->trace + at, n, b->answers + at);
		break;
#ifdef BENCH_DPDK
	case ACL_FIB:
		dpdk_run(b->dpdk, at, n);
		break;
#endif
	default:
		break;
	}
}

/* ns a packet over the whole trace. With pressure 64 KB are copied between batches; what copying
 * alone takes is taken off again. */
static double sample(struct bench *b, enum who w, bool pressure)
{
	size_t burst = w == ACL_FIB ? b->acl_burst : BATCH;
	/* Linear search takes a hundred times as long and does not care where in the trace it is.
	 */
	size_t packets = w == LINEAR ? TRACE_PACKETS / 16 : TRACE_PACKETS;
	uint64_t start, copies = 0;

	if (pressure) {
		start = nsg_clock_ns(CLOCK_THREAD_CPUTIME_ID);
		for (size_t at = 0; at < packets; at += burst) {
			memcpy(pressure_to, pressure_from, PRESSURE_BYTES);
			__asm__ volatile("" ::: "memory");
		}
		copies = nsg_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start;
	}
	start = nsg_clock_ns(CLOCK_THREAD_CPUTIME_ID);
	for (size_t at = 0; at < packets; at += burst) {
		if (pressure) {
			memcpy(pressure_to, pressure_from, PRESSURE_BYTES);
			__asm__ volatile("" ::: "memory");
		}
		run(b, w, at, packets - at < burst ? packets - at : burst);
	}
	start = nsg_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start;
	return start > copies ? (double)(start - copies) / packets : 0;
}

/* ---- equality ---- */

static void differ(const struct bench *b, size_t i, const char *who)
{
	const struct nsg_key *k = &b->trace[i];

	(void)fprintf(stderr,
		      "%s: %s decides packet %zu differently: %08x:%u > %08x:%u protocol %u\n",
		      b->c->name, who, i, k->src_host, k->sport_host, k->dst_host, k->dport_host,
		      k->protocol);
	exit(1);
}

static bool same(const struct bench *b, struct linear_answer want, const struct nsg_decision *d)
{
	struct nsg_image_route route;
	const struct nsg_row *row = &b->c->b->e.rows[want.row];

	if (want.rule == LINEAR_NOT_CARRIED)
		return d->gate == NSG_GATE_NOT_CARRIED;
	if (d->rule != want.rule || d->route == NSG_ROUTE_NONE)
		return false;
	route = nsg_image_route(b->image, d->route);
	return nsg_prefix_equal(route.prefix, row->prefix) && route.source == row->source &&
	       route.hop_type == row->hop_type;
}

static void check_equal(struct bench *b)
{
	linear_run(b->linear, b->trace, TRACE_PACKETS, b->answers);
	for (enum who w = AVX512; w <= UNBATCHED; w++) {
		if (!is_there(b, w))
			continue;
		run(b, w, 0, TRACE_PACKETS);
		for (size_t i = 0; i < TRACE_PACKETS; i++)
			if (!same(b, b->answers[i], &b->decisions[i]))
				differ(b, i, who_names[w]);
	}
#ifdef BENCH_DPDK
	if (!b->dpdk)
		return;
	dpdk_run(b->dpdk, 0, TRACE_PACKETS);
	for (size_t i = 0; i < TRACE_PACKETS; i++)
		if (b->answers[i].rule != LINEAR_NOT_CARRIED &&
		    (dpdk_rule(b->dpdk, i) != b->answers[i].rule ||
		     dpdk_row(b->dpdk, i) != b->answers[i].row))
			differ(b, i, who_names[ACL_FIB]);
#endif
}

/* ---- a case ---- */

struct outcome {
	struct spread ns[N_WHO], ratio[N_WHO]; /* ratio: to nsgd's own choice */
};

static struct outcome turns(struct bench *b, bool pressure)
{
	double ns[N_WHO][REPORT_MAX_SAMPLES], ratio[N_WHO][REPORT_MAX_SAMPLES];
	struct outcome o = {0};

	for (unsigned int r = 0; r < rounds; r++) {
		for (enum who w = 0; w < N_WHO; w++)
			ns[w][r] = is_there(b, w) ? sample(b, w, pressure) : 0;
		for (enum who w = 0; w < N_WHO; w++)
			ratio[w][r] = ns[b->best][r] > 0 ? ns[w][r] / ns[b->best][r] : 0;
	}
	for (enum who w = 0; w < N_WHO; w++) {
		o.ns[w] = spread_of(ns[w], rounds);
		o.ratio[w] = spread_of(ratio[w], rounds);
	}
	return o;
}

static struct outcome trace_rows(struct bench *b, const char *trace, bool pressure)
{
	struct outcome o;
	char where[128];

	(void)snprintf(where, sizeof(where), "%s, %s%s", b->c->name, trace,
		       pressure ? ", pressure" : "");
	o = turns(b, pressure);
	for (enum who w = 0; w < N_WHO; w++) {
		char what[64];

		if (!is_there(b, w))
			continue;
		if (w == ACL_FIB)
			(void)snprintf(what, sizeof(what), "%s (%s, %zu)", who_names[w],
				       b->acl_method, b->acl_burst);
		else
			(void)snprintf(what, sizeof(what), "%s", who_names[w]);
		report_row(&report, where, what, "ns", o.ns[w], o.ratio[w]);
	}
	return o;
}

/* CPU time: others on the machine are not counted. */
static struct nsg_image *compile_once(const struct bench_case *c, const struct nsg_image *before,
				      double *ret_ms)
{
	struct nsg_image *image = NULL;
	struct nsg_diag diag = {0};
	uint64_t start = nsg_clock_ns(CLOCK_THREAD_CPUTIME_ID);

	if (nsg_compile(&c->b->e, before, &diag, &image)) {
		if (diag.n)
			nsg_diag_print(&diag.v[0], stderr);
		exit(1);
	}
	*ret_ms = (double)(nsg_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start) / 1e6;
	nsg_diag_done(&diag);
	return image;
}

static struct nsg_image *compiled(const struct bench_case *c, double *ret_cold_ms,
				  double *ret_warm_ms)
{
	struct nsg_image *image = compile_once(c, NULL, ret_cold_ms);
	double ms[COMPILATIONS];

	for (unsigned int i = 0; i < COMPILATIONS; i++) {
		nsg_image_free(image);
		image = compile_once(c, NULL, &ms[i]);
	}
	*ret_warm_ms = spread_of(ms, COMPILATIONS).median;
	return image;
}

/* A change of one route: the rules' part is taken over. */
static double route_change_ms(const struct bench_case *c, const struct nsg_image *before)
{
	struct nsg_row *row = &c->b->e.rows[c->b->e.n_rows - 1];
	enum nsg_hop_type was = row->hop_type;
	double ms[COMPILATIONS];

	row->hop_type = NSG_HOP_NONE;
	for (unsigned int i = 0; i < COMPILATIONS; i++)
		nsg_image_free(compile_once(c, before, &ms[i]));
	row->hop_type = was;
	return spread_of(ms, COMPILATIONS).median;
}

static void describe(const struct bench *b)
{
	struct nsg_image_info i = nsg_image_info(b->image);

	printf("\n%s: %zu rules, %zu prefixes, %zu rows; %u segments, %u source, %u destination, "
	       "%u layer-4 "
	       "classes\n",
	       b->c->name, b->c->b->e.n_rules, b->c->n_prefixes, b->c->b->e.n_rows, i.dst_segments,
	       i.src_classes, i.dst_classes, i.l4_classes);
}

#ifdef BENCH_DPDK
/* rte_acl at its best here: every method, bursts from 16 to 1,024. */
static void find_best_acl(struct bench *b)
{
	double best = 0;
	unsigned int best_index = 0;

	for (unsigned int m = 0; dpdk_method(b->dpdk, m); m++) {
		dpdk_use_method(b->dpdk, m);
		for (size_t burst = 16; burst <= 1024; burst *= 2) {
			double ns, again;
			size_t kept = b->acl_burst;

			b->acl_burst = burst;
			ns = sample(b, ACL_FIB, false);
			again = sample(b, ACL_FIB, false);
			ns = again < ns ? again : ns;
			if (best > 0 && ns >= best) {
				b->acl_burst = kept;
				continue;
			}
			best = ns;
			best_index = m;
		}
	}
	dpdk_use_method(b->dpdk, best_index);
	b->acl_method = dpdk_method(b->dpdk, best_index);
}

static void dpdk_rows(struct bench *b, double warm_ms, bool main_case)
{
	double build_ms = (double)dpdk_build_ns(b->dpdk) / 1e6;

	report_value(&report, b->c->name, "rte_acl build", "ms", build_ms);
	report_value(&report, b->c->name, "rte_acl + rte_fib memory", "MB",
		     (double)dpdk_memory_bytes(b->dpdk) / 1048576);
	if (main_case)
		report_goal(&report, b->c->name, "compile / rte_acl build", warm_ms / build_ms,
			    1.0 / 200, false);
}
#endif

struct case_goals {
	double acl_uniform, acl_zipf, linear; /* 0: none */
	bool main_case;
};

static void goals_of(const struct bench *b, const char *trace, const struct outcome *o,
		     const struct case_goals *g)
{
	double acl = strcmp(trace, "zipf") ? g->acl_uniform : g->acl_zipf;
	double linear = o->ratio[LINEAR].median;
	char where[128];

	(void)snprintf(where, sizeof(where), "%s, %s", b->c->name, trace);
	if (g->linear > 0)
		report_goal(&report, where, "linear / nsgd", linear, g->linear, true);
	if (acl > 0 && is_there(b, ACL_FIB))
		report_goal(&report, where, "rte_acl + rte_fib / nsgd", o->ratio[ACL_FIB].median,
			    acl, true);
	if (g->main_case) {
		if (b->best == AVX512)
			report_goal(&report, where, "avx2 / avx512", o->ratio[AVX2].median, 1.7,
				    false);
		report_goal(&report, where, "portable / best", o->ratio[PORTABLE].median, 4, false);
		report_goal(&report, where, "unbatched / best", o->ratio[UNBATCHED].median, 6,
			    false);
		if (is_there(b, ACL_FIB))
			report_goal(&report, where, "rte_acl + rte_fib / linear (void above)",
				    o->ratio[ACL_FIB].median / linear, 0.7, false);
	}
}

static void bench_init(struct bench *b, const struct bench_case *c)
{
	*b = (struct bench){.c = c, .acl_burst = BATCH, .acl_method = ""};
	b->memo = nsg_memo_new();
	b->linear = linear_new(c);
	b->decisions = calloc(TRACE_PACKETS, sizeof(*b->decisions));
	b->answers = calloc(TRACE_PACKETS, sizeof(*b->answers));
	if (!b->memo || !b->decisions || !b->answers)
		abort();
	b->best = !strcmp(nsg_classify_simd(), "avx512") ? AVX512
		  : !strcmp(nsg_classify_simd(), "avx2") ? AVX2
							 : PORTABLE;
}

static void bench_done(struct bench *b)
{
	nsg_memo_free(b->memo);
	linear_free(b->linear);
	free(b->decisions);
	free(b->answers);
#ifdef BENCH_DPDK
	dpdk_free(b->dpdk);
#endif
}

static void measure_traces(struct bench *b, const struct case_goals *g)
{
	static const char *const names[] = {"uniform", "zipf"};

	for (unsigned int t = 0; t < 2; t++) {
		struct outcome o;

		b->trace = t ? b->c->zipf : b->c->uniform;
		nsg_memo_reset(b->memo);
#ifdef BENCH_DPDK
		if (b->dpdk)
			dpdk_load(b->dpdk, b->trace, TRACE_PACKETS);
#endif
		check_equal(b);
#ifdef BENCH_DPDK
		if (b->dpdk && !t)
			find_best_acl(b);
#endif
		o = trace_rows(b, names[t], false);
		goals_of(b, names[t], &o, g);
		(void)trace_rows(b, names[t], true);
	}
}

static void bench_case(const struct bench_case *c, const struct case_goals *g)
{
	struct nsg_image *image;
	double cold_ms, warm_ms, route_ms;
	struct bench b;

	if (!c) {
		printf("\na case was left out: its data is missing\n");
		return;
	}
	bench_init(&b, c);
	b.image = image = compiled(c, &cold_ms, &warm_ms);
	describe(&b);
	route_ms = route_change_ms(c, image);
	report_value(&report, c->name, "compile, first time", "ms", cold_ms);
	report_value(&report, c->name, "compile", "ms", warm_ms);
	report_value(&report, c->name, "compile, a route changed", "ms", route_ms);
	report_value(&report, c->name, "image", "MB",
		     (double)nsg_image_info(image).size_bytes / 1048576);
	if (g->main_case) {
		report_goal(&report, c->name, "compile, ms, first time", cold_ms, 50, false);
		report_goal(&report, c->name, "compile, ms", warm_ms, 25, false);
		report_goal(&report, c->name, "compile, a route changed, ms", route_ms, 2, false);
		report_goal(&report, c->name, "image, MB",
			    (double)nsg_image_info(image).size_bytes / 1048576, 4, false);
	}
#ifdef BENCH_DPDK
	b.dpdk = dpdk_new(c);
	if (b.dpdk)
		dpdk_rows(&b, warm_ms, g->main_case);
#endif
	measure_traces(&b, g);
	bench_done(&b);
	nsg_image_free(image);
}

/* ---- growth ---- */

static void grow(FILE *out, const struct bench_data *d, const char *kind, uint32_t x,
		 struct bench_mix mix)
{
	struct bench_case *c = bench_case_mix(d, &mix);
	double cold_ms, warm_ms, ns[REPORT_MAX_SAMPLES];
	struct nsg_image *image;
	struct bench b;

	if (!c)
		return;
	bench_init(&b, c);
	b.image = image = compiled(c, &cold_ms, &warm_ms);
	b.trace = c->uniform;
	check_equal(&b);
	for (unsigned int r = 0; r < rounds; r++)
		ns[r] = sample(&b, b.best, false);
	fprintf(out, "%s %u %.3f %.3f %.3f\n", kind, x, spread_of(ns, rounds).median,
		(double)nsg_image_info(image).size_bytes / 1048576, warm_ms);
	printf("growth: %-8s %7u  %8.2f ns  %8.3f MB  %8.2f ms\n", kind, x,
	       spread_of(ns, rounds).median, (double)nsg_image_info(image).size_bytes / 1048576,
	       warm_ms);
	bench_done(&b);
	nsg_image_free(image);
	bench_case_free(c);
}

static void growth(const struct bench_data *d, const char *out_dir)
{
	static const uint32_t rule_counts[] = {10, 30, 100, 300, 1000};
	static const uint32_t prefix_counts[] = {100, 1000, 10000, 100000, 200000};
	static const uint32_t hop_counts[] = {1, 4, 16, 64, 160, 400};
	char path[4096];
	FILE *out;

	(void)snprintf(path, sizeof(path), "%s/growth.dat", out_dir);
	out = fopen(path, "w");
	if (!out)
		return;
	printf("\n");
	for (size_t i = 0; i < 5; i++)
		grow(out, d, "rules", rule_counts[i],
		     (struct bench_mix){"growth", rule_counts[i], rule_counts[i] * 100, 1000, 40,
					false, 7});
	for (size_t i = 0; i < 5; i++)
		grow(out, d, "prefixes", prefix_counts[i],
		     (struct bench_mix){"growth", prefix_counts[i] < 1000 ? prefix_counts[i] : 1000,
					prefix_counts[i], 1000, 40, true, 8});
	for (size_t i = 0; i < 6; i++)
		grow(out, d, "hops", hop_counts[i],
		     (struct bench_mix){"growth", 300, 30000, 1000, hop_counts[i], false, 9});
	(void)fclose(out);
}

/* ---- all of it ---- */

static int pin(void)
{
	cpu_set_t set;
	int last = 0;

	if (sched_getaffinity(0, sizeof(set), &set))
		return 0;
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set))
			last = i;
	CPU_ZERO(&set);
	CPU_SET((size_t)last, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
	return last;
}

static void all_cases(const struct bench_data *d, const char *data)
{
	static const struct {
		const char *name, *file;
		double goal;
	} classbench[] = {{"ClassBench acl1", "acl1_1k", 2},
			  {"ClassBench fw1", "fw1_1k", 3},
			  {"ClassBench ipc1", "ipc1_1k", 1.7}};
	struct case_goals main_goals = {12, 10, 25, true}, scattered_goals = {4, 0, 0, false};
	struct bench_mix mix = {"service tags 1k x 100k + 10k", 1000, 100000, 10000, 100, false, 1};
	struct bench_case *c = bench_case_mix(d, &mix);

	bench_case(c, &main_goals);
	bench_case_free(c);
	for (size_t i = 0; i < 3; i++) {
		struct case_goals g = {classbench[i].goal, 0, 0, false};
		char path[4096];

		(void)snprintf(path, sizeof(path), "%s/classbench/%s", data, classbench[i].file);
		c = bench_case_classbench(d, classbench[i].name, path);
		bench_case(c, &g);
		bench_case_free(c);
	}
	mix = (struct bench_mix){"scattered 1k x 100k", 1000, 100000, 1000, 100, true, 2};
	c = bench_case_mix(d, &mix);
	bench_case(c, &scattered_goals);
	bench_case_free(c);
}

int main(int argc, char **argv)
{
	char tags[4096], routes[4096], out[4096], load[4096];
	struct bench_data *d;
	int cpu = pin();

	if (argc < 3) {
		(void)fprintf(stderr, "usage: classifier DATA OUT [ROUNDS]\n");
		return 2;
	}
	if (argc > 3 && atoi(argv[3]) > 0 && atoi(argv[3]) <= REPORT_MAX_SAMPLES)
		rounds = (unsigned int)atoi(argv[3]);
	report = report_new();
	(void)snprintf(tags, sizeof(tags), "%s/service-tags.json", argv[1]);
	(void)snprintf(routes, sizeof(routes), "%s/routes.txt", argv[1]);
	(void)snprintf(out, sizeof(out), "%s/classifier.json", argv[2]);
	d = bench_data_read(tags, routes);
	printf("one thread on CPU %d, batches of %u, %u packets a trace, %u turns; x: ratio to "
	       "nsgd %s\n",
	       cpu, BATCH, TRACE_PACKETS, rounds, nsg_classify_simd());
#ifdef BENCH_DPDK
	if (!dpdk_start(cpu))
		return 1;
#else
	(void)cpu;
	printf("built without DPDK: configure --enable-bench-dpdk\n");
#endif
	all_cases(d, argv[1]);
	growth(d, argv[2]);
	bench_data_free(d);
	(void)snprintf(load, sizeof(load), "%s/load.json", argv[2]);
	report_join(&report, load);
	return report_end(&report, out) ? 0 : 1;
}
