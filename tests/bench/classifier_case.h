/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policies and packets of the classifier's bench. Everything is drawn with a seed, so a case is
 * the same on every machine. In all of them route-all is on and the packets enter, so that rules
 * and routes decide and longest prefix is what a route table says.
 */
#ifndef NSG_BENCH_CLASSIFIER_CASE_H
#define NSG_BENCH_CLASSIFIER_CASE_H

#include <stddef.h>
#include <stdint.h>

#include "packet/key.h"
#include "support/effective_build.h"
#include "util/ip.h"

/* So many that no cache holds what a trace of them touches: a shorter one, run again and again,
 * would have a locality that uniform traffic has not. */
#define TRACE_PACKETS 1048576u
#define ZIPF_FLOWS 262144u

/* A rule's addresses before they are merged: what other classifiers take. n == 0: every address. */
struct bench_addrs {
	struct nsg_prefix *v;
	size_t n;
};

struct bench_case {
	char name[64];
	struct effective_build *b;
	struct bench_addrs *src, *dst;	/* a rule each */
	size_t n_prefixes;		/* over all rules */
	struct nsg_key *uniform, *zipf; /* TRACE_PACKETS each */
};

struct bench_mix {
	const char *name;
	uint32_t n_rules, n_prefixes, n_routes, n_hops;
	bool scattered; /* prefixes of no tag, shared by no rule */
	uint64_t seed;
};

/* The files of the data directory, read once. Any may be missing: then what needs it is NULL. */
struct bench_data;

struct bench_data *bench_data_read(const char *service_tags, const char *routes);
void bench_data_free(struct bench_data *d);

/* NULL when data is missing. */
struct bench_case *bench_case_mix(const struct bench_data *d, const struct bench_mix *mix);
struct bench_case *bench_case_classbench(const struct bench_data *d, const char *name,
					 const char *path);
void bench_case_free(struct bench_case *c);

#endif
