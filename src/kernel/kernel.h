/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's part of the work: the nftables table that brings packets to the queue and remembers
 * decisions, the ip rules and routes that obey the marks, the bits in conntrack entries. Desired
 * state, compared with what is there, made so; only objects of ours (by table name, rtnetlink
 * protocol, mark mask) are ever touched. Main thread only; every call is synchronous.
 */
#ifndef NSG_KERNEL_KERNEL_H
#define NSG_KERNEL_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "classify/image.h"
#include "conf/conf.h"
#include "conf/marks.h"
#include "util/diag.h"

struct nsg_kernel;

/* Which number under the mark each of an image's hops has; 0: the host's own routing. Numbers stay
 * with a hop's (type, addresses) across reloads while it is used. */
struct nsg_hop_numbers {
	uint16_t *number; /* n of them, by image hop index */
	uint32_t n;
};

/* Opens the sockets, checks permissions and what the kernel has (nf_tables, NFQUEUE, native queue
 * expression or xt target). conf must outlive it. Diagnostics say what is missing. -errno. */
int nsg_kernel_open(const struct nsg_conf *conf, struct nsg_diag *diag, struct nsg_kernel **ret);

/* Removes all that this instance left in the kernel (a dead predecessor's, or our own): table,
 * rules, routes, connection mark bits. Nothing there is fine. */
int nsg_kernel_cleanup(struct nsg_kernel *k, struct nsg_diag *diag);

/*
 * Before a start: what a dead predecessor left keeps dropping what it would judge, although the
 * queue is bound again, until nsg_kernel_start puts the new table in its place. Where a dead nsgd
 * drops nothing (daemon-down = accept, audit) it is removed instead.
 */
int nsg_kernel_silence(struct nsg_kernel *k, struct nsg_diag *diag);

/*
 * Numbers for the image's hops, and what is wrong with them on this host: a gateway route without a
 * [nexthop] section, too many hops (errors); a next hop that cannot be reached (warning, or error
 * with `strict`). Changes nothing in the kernel. *ret is the caller's: free number.
 */
int nsg_kernel_plan(struct nsg_kernel *k, const struct nsg_image *image, bool strict,
		    struct nsg_diag *diag, struct nsg_hop_numbers *ret);

/* Start: routes and rules, then the table with all its hooks in one transaction, in the place of
 * whatever a predecessor left. The queues must be bound before. On failure nothing of ours is left.
 */
int nsg_kernel_start(struct nsg_kernel *k, const struct nsg_image *image,
		     const struct nsg_hop_numbers *numbers, uint32_t generation, uint32_t n_queues,
		     struct nsg_diag *diag);

/* What a reload changes of the flows already decided (semantics.md section 2, Stateful). */
enum nsg_forget {
	NSG_FORGET_NOTHING,   /* NSG: new flows only; routes: every flow's next packet */
	NSG_FORGET_DECISIONS, /* flushConnection, gate, platform, profile: every flow is judged anew
			       */
};

/*
 * Reload, step 1: routes and rules of the new hops beside the old ones, conntrack entries that
 * still hold `generation` made stale. Step 2 (after the workers acknowledged the new image): the
 * generation swap, one batch. Step 3 (any time later): what only the old image used goes away.
 */
int nsg_kernel_prepare(struct nsg_kernel *k, const struct nsg_image *image,
		       const struct nsg_hop_numbers *numbers, uint32_t generation,
		       struct nsg_diag *diag);
int nsg_kernel_swap(struct nsg_kernel *k, uint32_t generation, enum nsg_forget forget,
		    struct nsg_diag *diag);
int nsg_kernel_retire(struct nsg_kernel *k, struct nsg_diag *diag);

/* Graceful stop, step 1: no packet is queued any more (what is queued stays so). Step 2, when the
 * workers have drained: nsg_kernel_cleanup. */
int nsg_kernel_neutralise(struct nsg_kernel *k, struct nsg_diag *diag);

/*
 * Notifications (links, addresses, routes, rules, nf_tables): a pollable descriptor, and what to do
 * when it is readable: repairs what others removed, takes next hops down and up. Returns the number
 * of repairs; each is a diagnostic.
 */
int nsg_kernel_fd(const struct nsg_kernel *k);
int nsg_kernel_process(struct nsg_kernel *k, struct nsg_diag *diag);

/* The host's addresses inside any of the prefixes; the first one. -ENOENT. */
int nsg_kernel_host_address(struct nsg_kernel *k, const struct nsg_prefix *prefixes, size_t n,
			    uint32_t *ret_host);

/*
 * For `status` and `stats`:
 * {"queueExpression":"native|xt","packets":{"offloaded","queued","denied", "denied
 * again","preexisting","excluded","multicast","strayed"},"hops":[{"number","type",
 * "addresses","table","up","packets","lost","paths":[{"via","dev","down"}]}],"cgroups":[{"path","id",
 * "packets"}],"repairs"}. `lost`: of the packets, those sent while it was down; `strayed`: marked
 * packets that were stopped on a way that is not their hop's.
 */
json_t *nsg_kernel_status(struct nsg_kernel *k);

/* NULL is fine; returns NULL. Closes; removes nothing. */
struct nsg_kernel *nsg_kernel_free(struct nsg_kernel *k);

#endif
