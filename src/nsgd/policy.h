/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A snapshot as it is enforced on this host. Control verbs answer from the one in force; workers
 * share its image and next hop numbers. */
#ifndef NSG_NSGD_POLICY_H
#define NSG_NSGD_POLICY_H

#include "conf/conf.h"
#include "engine/engine.h"
#include "kernel/kernel.h"
#include "snapshot/snapshot.h"

struct policy {
	/* Must be first. Complete when policy_place() has returned and the generation is set. */
	struct nsg_engine_policy engine;
	struct nsg_snapshot *snapshot;
	struct nsg_hop_numbers numbers;
};

/* What a policy is made of. */
struct load {
	const char *directory; /* of the documents */
	struct nsg_options options;
	/* The directory and the options, but not the live routes, are read from this file. NULL: they are
	 * given. */
	const char *conf_path;
	bool conf_may_be_absent;
	struct policy *before;		     /* the policy in force; NULL: none */
	const _Atomic uint64_t *deadline_ns; /* of nsg_load_options; NULL: none */
	bool routes_only; /* the documents of `before`, which are not read again */
};

/* The first two, without live routes; conf must outlive it. */
struct load policy_source(const struct nsg_conf *conf);

/* In any thread. Errors are those of nsg_snapshot_load(). The caller holds the only
 * reference. */
int policy_load(const struct load *load, struct nsg_diag *diag, struct policy **ret);

/* Finds the numbers of the next hops and the source address that packets are decided with. With
 * `strict` an unreachable next hop is an error. -EINVAL, -ENOMEM, -errno. */
int policy_place(struct policy *p, const struct nsg_conf *conf, struct nsg_kernel *kernel,
		 bool strict, struct nsg_diag *diag);

/* What determines the decisions of a policy, and whether flows that it allowed are decided again by the
 * next. `profile` is the policy's. */
struct policy_traits {
	uint64_t gate_hash, nsg_hash, admin_hash, route_hash;
	uint32_t src_host;
	const char *profile;
	bool is_linux, route_all, flush_connection;
};

/* Of a policy that is placed. */
struct policy_traits policy_traits(const struct policy *p);
bool policy_decides_the_same(const struct policy_traits *a, const struct policy_traits *b);
enum nsg_forget policy_forget(const struct policy_traits *before,
			      const struct policy_traits *after);

/* The generation that its marks carry. What policies of the generations `standing` (bits) allowed stays
 * allowed, unless the change from `before`, the policy in force (NULL: none), makes Azure evaluate open
 * flows again. */
enum nsg_forget policy_number(struct policy *p, uint32_t generation, uint8_t standing,
			      const struct policy *before);

/* Drops a reference. NULL is fine; returns NULL. */
struct policy *policy_unref(struct policy *p);

static inline void cleanup_policy_p(struct policy **p)
{
	policy_unref(*p);
}
#define cleanup_policy __attribute__((cleanup(cleanup_policy_p)))

#endif
