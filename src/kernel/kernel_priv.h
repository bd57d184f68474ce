/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of the kernel layer, shared by its parts. */
#ifndef NSG_KERNEL_KERNEL_PRIV_H
#define NSG_KERNEL_KERNEL_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/cgroups.h"
#include "kernel/hops.h"
#include "kernel/kernel.h"
#include "kernel/links.h"
#include "kernel/netlink.h"
#include "kernel/nft_batch.h"

/* What Azure's flow timeout is when the VNet says nothing (semantics.md section 2). */
#define NSG_FLOW_TIMEOUT_MINUTES 4

/* What the table says, beside conf: all that its rules are made of. */
struct nsg_table_state {
	bool native_queue;
	uint16_t n_queues;
	uint16_t silent_queue; /* nobody binds it: what is sent there is freed and counts as sent */
	uint32_t generation;
	bool route_all;
	uint32_t flow_minutes;
	uint64_t started_ns; /* CLOCK_BOOTTIME: connections older than nsgd are known by it */
};

struct nsg_kernel {
	const struct nsg_conf *conf;
	struct nsg_marks marks;
	struct nsg_nl nft; /* every batch goes over this one: an owned table knows it */
	struct nsg_nl rt;
	struct nsg_nl ct_dump, ct_update;
	struct nsg_nl rt_watch, nft_watch;
	int epoll_fd, retry_fd; /* a timer: what could not be repaired is tried again */

	struct nsg_hops hops;
	struct nsg_links links;
	uint32_t *users; /* the captured uids */
	size_t n_users;
	struct nsg_cgroups cgroups;

	struct nsg_table_state table;
	bool running; /* the table is there, and is to stay */
	bool prepared;
	uint64_t paths_applied;	      /* what the table says of ways, see nsg_kernel_put_paths */
	struct nsg_image_info coming; /* valid if prepared */
	uint64_t repairs;
	uint64_t burst_ns;	/* CLOCK_MONOTONIC, when the repairs counted in burst began */
	uint32_t burst;		/* rounds of repair within a second */
	bool waiting;		/* for the timer, with what has been seen meanwhile */
	bool waiting_for_table; /* of that */
};

/* Two bits of the mark. */
#define NSG_GENERATIONS 4u

/* kernel.c. What the table takes from a policy. */
void nsg_table_describe(struct nsg_table_state *table, const struct nsg_image_info *info);
/* Tables first: a rule never leads to one without its blackhole. */
int nsg_kernel_apply_routes_and_rules(struct nsg_kernel *k, struct nsg_diag *diag);
/* Reads the links and asks about every hop again. */
int nsg_kernel_resolve(struct nsg_kernel *k, struct nsg_diag *diag);

/* host.c: messages about this host. */
/* "what: error" as a diagnostic; returns the error. */
int nsg_kernel_complain(struct nsg_diag *diag, int error, const char *what);
/* Warnings about settings of the host that break what nsgd does, with what to set. */
void nsg_kernel_check_host(const struct nsg_kernel *k, const struct nsg_hop *hops, uint32_t n,
			   struct nsg_diag *diag);
/* Why a path is down. */
void nsg_kernel_explain_path(const struct nsg_hop *hop, const struct nsg_path *path, char *out,
			     size_t size);
void nsg_kernel_name_hop(const struct nsg_hop *hop, char *out, size_t size);

/* watch.c */
int nsg_kernel_watch_open(struct nsg_kernel *k, struct nsg_diag *diag);

/* status.c: each hop's packets, and those lost while it was down; before `was_up` changes. */
void nsg_kernel_count_hops(struct nsg_kernel *k);

#endif
