/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DPDK's rte_acl for the rules and rte_fib for the routes of a case. One at a time. */
#ifndef NSG_BENCH_CLASSIFIER_DPDK_H
#define NSG_BENCH_CLASSIFIER_DPDK_H

#include <stdbool.h>

#include "bench/classifier_case.h"

struct dpdk;

/* The environment, once a process: no devices, no network; huge pages when enough are free, and it
 * prints which. */
bool dpdk_start(int cpu);

/* NULL when rte_acl cannot hold the rules (a message says why). */
struct dpdk *dpdk_new(const struct bench_case *c);
uint64_t dpdk_build_ns(const struct dpdk *d);
size_t dpdk_memory_bytes(const struct dpdk *d);
void dpdk_free(struct dpdk *d);

/* rte_acl's methods that run here, in the order of the index; NULL: no more. */
const char *dpdk_method(struct dpdk *d, unsigned int index);
void dpdk_use_method(struct dpdk *d, unsigned int index);

/* The packets, in the byte order and the arrays that DPDK wants: not counted in any time. */
void dpdk_load(struct dpdk *d, const struct nsg_key *keys, size_t n);
void dpdk_run(struct dpdk *d, size_t at, size_t n);
/* Of the packet: the index of the rule, that of the route's row. */
uint32_t dpdk_rule(const struct dpdk *d, size_t packet);
uint32_t dpdk_row(const struct dpdk *d, size_t packet);

#endif
