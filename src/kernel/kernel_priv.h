/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of the kernel layer, shared by its parts. */
#ifndef NSG_KERNEL_KERNEL_PRIV_H
#define NSG_KERNEL_KERNEL_PRIV_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "kernel/cgroups.h"
#include "kernel/hops.h"
#include "kernel/kernel.h"
#include "kernel/links.h"
#include "kernel/netlink.h"
#include "kernel/nft_batch.h"
#include "kernel/preexisting.h"
#include "kernel/routes.h"

/* Azure's flow timeout for a VNet without flowTimeoutInMinutes. */
#define NSG_FLOW_TIMEOUT_MINUTES 4

/* What the table is made from, in addition to conf, next hops and links. */
struct nsg_table_state {
	bool native_queue;
	bool kernel_sockets; /* the kernel has `socket cgroupv2` */
	bool has_ip6;	     /* the kernel has a family ip6 */
	bool ip6_reject;     /* and can answer with an error; else packets are dropped */
	uint16_t n_queues;
	/* Bound without a copy mode: packets are freed, and the sender sees success. */
	uint16_t silent_queue;
	uint32_t generation;
	bool route_all, policy_refuses_ip6;
	uint32_t flow_minutes;
	bool source_ports; /* the policy has no answers: decisions depend on the source port */
	bool unsettled;	   /* nothing is learned, see nsg_kernel_settled */
	enum nsg_answers answers;
	uint64_t started_ns; /* CLOCK_BOOTTIME: bounds which connections are preexisting */
	bool gap; /* packets passed undecided while nsgd was started: what is unknown is decided */
};

/* Bit g: marks of connections may carry generation g, which is not in force. */
struct nsg_generations {
	uint8_t older;	   /* what was allowed stays allowed */
	uint8_t forgotten; /* decided again; also that of a reload which has not swapped */
};

/* The rewriting of such marks, in a thread. */
struct nsg_sweep {
	int fd;	      /* an eventfd: the thread has ended */
	int hurry_fd; /* an eventfd: the thread is not to wait before it begins */
	pthread_t thread;
	bool running;
	bool again; /* ordered while it ran */
	/* Of the thread while it runs: */
	struct nsg_nl *dump, *update; /* the kernel's ct_dump and ct_update */
	struct nsg_marks marks;
	struct nsg_generations work;
	_Atomic bool stop;
	int result;
};

/* What the previous process has named its objects. */
struct nsg_former {
	struct nsg_conf conf; /* the present one with those names */
	struct nsg_marks marks;
	char instance[NSG_MAX_INSTANCE_LENGTH + 1];
};

struct nsg_kernel {
	const struct nsg_conf *conf;
	struct nsg_former *former; /* until our table replaces its table; NULL: not known */
	struct nsg_marks marks;
	struct nsg_nl nft; /* of every transaction: a table is owned by a socket */
	struct nsg_nl rt;
	struct nsg_nl ct_dump, ct_update;
	struct nsg_nl rt_watch, nft_watch;
	int epoll_fd, retry_fd; /* a timer: retries failed repairs */

	struct nsg_hops hops;
	struct nsg_links links;
	NSG_VEC(uint32_t) live_links; /* interfaces of the routes in [bgp] table */
	uint32_t *users;	      /* the captured uids */
	size_t n_users;
	struct nsg_cgroups cgroups;
	struct nsg_gateways gateways; /* of the host's default routes */
	struct nsg_nl silent;	      /* binds table.silent_queue; fd -1: no queue is bound */
	struct nsg_ids preexisting;   /* with a mark of the former names, which is cleared */
	struct nsg_generations generations;
	struct nsg_sweep sweep;

	struct nsg_table_state table;
	struct nsg_packet_filters filters;
	bool running;	/* the table exists and is repaired */
	bool inherited; /* the table is as another process left it */
	bool prepared;
	uint64_t paths_applied;	      /* hash of the paths in the table */
	struct nsg_image_info coming; /* valid if prepared */
	uint64_t repairs;
	uint64_t burst_ns;	/* CLOCK_MONOTONIC: start of the current burst */
	uint32_t burst;		/* rounds of repair in it */
	bool waiting;		/* for the timer: repairs are put off */
	bool waiting_for_table; /* a change of the table was seen meanwhile */
};

/* kernel.c: sets what the table takes from a policy. */
void nsg_table_describe(struct nsg_table_state *table, const struct nsg_image_info *info);
/* What marks of connections at start and stop are changed with. */
struct nsg_preexisting nsg_kernel_preexisting(struct nsg_kernel *k);
/* Removes the marks, ip rules and routes of the former names, if they are known. -errno. */
int nsg_kernel_clear_former(struct nsg_kernel *k, struct nsg_diag *diag);
/* Binds the highest free queue, if it has none, so that no other program can and so receive what is
 * silenced. */
int nsg_kernel_bind_silent(struct nsg_kernel *k, struct nsg_diag *diag);
/* What follows once the table is in place: the connections that begin from now on, warnings. */
void nsg_kernel_started(struct nsg_kernel *k, struct nsg_diag *diag);
/* Routes first: a rule must not lead to a table without its blackhole. `all`: also removes the routes
 * of hops that are not used, for which the routes of every table are read: with a full table of BGP
 * routes that takes a second. */
int nsg_kernel_apply_routes_and_rules(struct nsg_kernel *k, bool all, struct nsg_diag *diag);
/* Reads the links and resolves the paths of every hop again. */
int nsg_kernel_resolve(struct nsg_kernel *k, struct nsg_diag *diag);

/* generations.c */
/* Workers are about to mark with this generation, which is not in force. */
void nsg_generations_try(struct nsg_kernel *k, uint32_t generation);
/* It is in force from now on. */
void nsg_generations_change(struct nsg_kernel *k, uint32_t generation, enum nsg_forget forget);
/* What follows the end of a sweep. */
void nsg_generations_process(struct nsg_kernel *k, struct nsg_diag *diag);
/* Ends the sweep, if one runs. */
void nsg_generations_stop(struct nsg_kernel *k);

/* host.c: messages about this host. */
/* "what: error" as a diagnostic; returns the error. */
int nsg_kernel_complain(struct nsg_diag *diag, int error, const char *what);
/* Warnings about settings of the host that break what nsgd does, with what to set. */
void nsg_kernel_check_host(const struct nsg_kernel *k, const struct nsg_hop *hops, uint32_t n,
			   struct nsg_diag *diag);
/* At the start: socket families of which the kernel sends what cannot be captured 
 * (/proc/self/net/protocols), and a connection table (/proc/sys/net/netfilter/nf_conntrack_max) that
 * is small for the flow timeout. */
void nsg_kernel_check_families(const struct nsg_kernel *k, const char *protocols,
			       struct nsg_diag *diag);
void nsg_kernel_check_connections(const char *max, uint32_t flow_minutes, struct nsg_diag *diag);
/* Why a path is down. */
void nsg_kernel_explain_path(const struct nsg_hop *hop, const struct nsg_path *path, char *out,
			     size_t size);
void nsg_kernel_name_hop(const struct nsg_hop *hop, char *out, size_t size);

/* watch.c */
int nsg_kernel_watch_open(struct nsg_kernel *k, struct nsg_diag *diag);

/* status.c: each hop's packets, and those lost while it was down; before `was_up` changes. */
void nsg_kernel_count_hops(struct nsg_kernel *k);

#endif
