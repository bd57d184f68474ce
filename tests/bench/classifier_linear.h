/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * First match by priority, rule after rule, over merged intervals; the route by binary search. The
 * simplest classifier that does the work, and the independent answer for every packet of a trace.
 */
#ifndef NSG_BENCH_CLASSIFIER_LINEAR_H
#define NSG_BENCH_CLASSIFIER_LINEAR_H

#include "bench/classifier_case.h"

#define LINEAR_NOT_CARRIED UINT32_MAX

struct linear_answer {
	uint32_t rule; /* or LINEAR_NOT_CARRIED */
	uint32_t row;
};

struct linear;

struct linear *linear_new(const struct bench_case *c);
void linear_run(const struct linear *l, const struct nsg_key *keys, size_t n,
		struct linear_answer *answers);
void linear_free(struct linear *l);

#endif
