/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nsgd's objects in the kernel: the nftables table that queues packets and remembers decisions, the
 * ip rules and routes that follow the marks, and bits of connection marks. Each is read, compared
 * with the desired state and changed where it differs. Only our own objects are changed, identified
 * by table name, rtnetlink protocol and mark mask. Main thread only; every call is synchronous.
 */
#ifndef NSG_KERNEL_KERNEL_H
#define NSG_KERNEL_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>
#include <linux/filter.h>

#include "classify/image.h"
#include "conf/conf.h"
#include "conf/marks.h"
#include "util/diag.h"
#include "util/limits.h"

struct nsg_kernel;

/* The number in the mark of each of an image's hops; 0: routed by the host. A hop keeps its number
 * across reloads while it is used. */
struct nsg_hop_numbers {
	uint16_t *number; /* n of them, by image hop index */
	uint32_t n;
};

/* Opens the sockets and checks permissions and the features of the kernel: nf_tables, and the queue
 * expression or the xt target. conf must outlive it. A missing feature or permission is a
 * diagnostic. -errno. */
int nsg_kernel_open(const struct nsg_conf *conf, struct nsg_diag *diag, struct nsg_kernel **ret);

/* Removes everything this instance has in the kernel, including what an earlier process left:
 * table, rules, routes, bits of connection marks. Missing objects are not an error. */
int nsg_kernel_cleanup(struct nsg_kernel *k, struct nsg_diag *diag);

/*
 * Until nsg_kernel_start or nsg_kernel_prepare has replaced the table, nsg_kernel_cleanup also removes the
 * objects with the names in `record`, the nsg_kernel_record() of the previous process (NULL: none). -ENOMEM.
 */
int nsg_kernel_set_former(struct nsg_kernel *k, json_t *record);
/* The instance in that record; NULL: none. */
const char *nsg_kernel_former_instance(const struct nsg_kernel *k);
/* Renames that instance's files in /run/nsgd; those of the present name are merged. -errno. */
int nsg_kernel_rename_files(struct nsg_kernel *k, struct nsg_diag *diag);
/* Removes only the objects of an instance that was renamed: another process may have the present name. -errno. */
int nsg_kernel_cleanup_former(struct nsg_kernel *k, struct nsg_diag *diag);
/* Replaces the names in conf by those in the record (NULL: none), which must outlive it. -EBADMSG. */
int nsg_kernel_read_names(json_t *record, struct nsg_conf *conf);

/*
 * Before the start: the table of an earlier nsgd that did not stop drops all captured packets, until
 * nsg_kernel_start replaces it. Where the absence of nsgd drops nothing (daemon-down = accept, audit)
 * it is removed.
 */
int nsg_kernel_silence(struct nsg_kernel *k, struct nsg_diag *diag);

/*
 * Numbers for the image's hops. Errors: too many hops, and before the start a gateway route without
 * a [nexthop] section or [bgp] table.
 * Warning, or error with `strict`: a next hop that cannot be reached. Changes nothing in the
 * kernel. The caller frees ret->number.
 */
int nsg_kernel_plan(struct nsg_kernel *k, const struct nsg_image *image, bool strict,
		    struct nsg_diag *diag, struct nsg_hop_numbers *ret);

/* Routes and rules, then the whole table in one transaction that also replaces an earlier one. The
 * queues must be bound. On failure nothing of ours is left. */
int nsg_kernel_start(struct nsg_kernel *k, const struct nsg_image *image,
		     const struct nsg_hop_numbers *numbers, uint32_t generation, uint32_t n_queues,
		     struct nsg_diag *diag);

/* What a reload means for flows that were decided before it. */
enum nsg_forget {
	/* NSG changes apply to new flows, route changes to the next packet of every flow */
	NSG_FORGET_NOTHING,
	/* flushConnection, or another gate, platform or profile: every flow is decided again */
	NSG_FORGET_DECISIONS,
};

/*
 * A number for the next policy that no connection's mark carries, and if possible none of `avoid` (bits).
 * The marks of older policies are rewritten in a thread after a reload (nsg_kernel_sweep); while there is
 * no free number, this hurries it and waits for its end, or does the same. `settled`: all workers use the
 * policy in force; if one may still write marks of a policy that was given up, nothing makes that number
 * free, and -EBUSY is returned. The second returns false if this would wait, until nsg_kernel_process
 * changes that. -errno.
 */
int nsg_kernel_new_generation(struct nsg_kernel *k, uint8_t avoid, bool settled,
			      struct nsg_diag *diag, uint32_t *ret);
bool nsg_kernel_has_generation(struct nsg_kernel *k);
/* Bit g: connections that a policy of generation g allowed stay allowed. */
uint8_t nsg_kernel_standing(const struct nsg_kernel *k);
void nsg_kernel_sweep(struct nsg_kernel *k);

/*
 * Reload, step 1: adds the routes and rules of new hops. Step 2, when the workers have acknowledged the
 * new image: changes the generation, in one transaction. Step 3, any time later: removes what only the
 * old image used. The generation is a new one.
 */
int nsg_kernel_prepare(struct nsg_kernel *k, const struct nsg_image *image,
		       const struct nsg_hop_numbers *numbers, uint32_t generation,
		       struct nsg_diag *diag);
int nsg_kernel_swap(struct nsg_kernel *k, uint32_t generation, enum nsg_forget forget,
		    struct nsg_diag *diag);
int nsg_kernel_retire(struct nsg_kernel *k, struct nsg_diag *diag);

/* Uses *fd, a socket of an earlier process, for the table, which it may own. Takes it on success.
 * -errno. */
int nsg_kernel_take_table(struct nsg_kernel *k, int *fd);

/*
 * A takeover: this process continues with the table, rules, routes and marks of an earlier one.
 * `record` is the last nsg_kernel_record() of that process, which is valid at every step of its
 * reloads; NULL: it has none that can be read. *silent is its socket of the queue for silent drops
 * (-1: none), taken if it is used. The caller binds n_queues queues before step 1. nsg_kernel_plan and a reload follow, whose step 1 also replaces
 * the rules that were found, in one transaction that changes the generation; it may be the one that is in
 * force, if the policy decides the same. -ESTALE, with a notice: the record cannot be read, or is of another
 * mode or has other names. nsg_kernel_start follows then; as after nsg_kernel_silence, captured packets are
 * dropped until it replaces the table. -errno.
 */
int nsg_kernel_take_over(struct nsg_kernel *k, json_t *record, uint32_t n_queues, int *silent,
			 struct nsg_diag *diag);
/* New reference; NULL: no memory. */
json_t *nsg_kernel_record(const struct nsg_kernel *k);
/* The socket of the table, and the one that binds the queue for silent drops; -1: none. */
int nsg_kernel_table_socket(const struct nsg_kernel *k);
int nsg_kernel_silent_socket(const struct nsg_kernel *k);

/*
 * Answers: the kernel decides new flows to destinations that were decided before. After a swap with
 * NSG_FORGET_DECISIONS nothing is learned until every packet that was queued before it has its
 * verdict: nsg_kernel_settled. -errno.
 */
#define NSG_MAX_ANSWERS 65535u

enum nsg_answers {
	NSG_ANSWERS_ALL,
	NSG_ANSWERS_ALLOWED, /* denials are queued: each is to be reported with its flow */
	NSG_ANSWERS_NONE,    /* the same of every flow */
};
int nsg_kernel_answer(struct nsg_kernel *k, enum nsg_answers answers, struct nsg_diag *diag);

/* The name of a link of this namespace; NULL: there is none. Valid until the next call of this layer. */
const char *nsg_kernel_link_name(const struct nsg_kernel *k, uint32_t ifindex);

/* Which packets of decided flows are queued too, for traces. A program is classic BPF that sees the
 * packet from its IP header on (xt_bpf). */
struct nsg_packet_filter {
	uint16_t n; /* instructions; 0: every packet matches */
	struct sock_filter program[NSG_MAX_FILTER_PROGRAM];
};
struct nsg_packet_filters {
	size_t n;
	struct nsg_packet_filter v[NSG_MAX_PACKET_FILTERS];
};
/* Replaces those before; no filters: every decided flow stays in the kernel. On failure nothing
 * changes. -ENOENT: the kernel has no xt_bpf; -EINVAL: it refuses a program; -errno. */
int nsg_kernel_filter_packets(struct nsg_kernel *k, const struct nsg_packet_filters *filters,
			      struct nsg_diag *diag);

/* What is used at present; why not all of them, or NULL. */
enum nsg_answers nsg_kernel_answering(const struct nsg_kernel *k, const char **ret_why);
bool nsg_kernel_is_settled(const struct nsg_kernel *k);
int nsg_kernel_settled(struct nsg_kernel *k, struct nsg_diag *diag);

/* Packets of new flows: allowed and denied by answers, and without an answer. 0 where there is no map.
 * -errno. */
struct nsg_answer_counts {
	uint64_t allowed, denied, unanswered;
};
int nsg_kernel_count_answers(struct nsg_kernel *k, struct nsg_answer_counts *ret);

/* An answer in the kernel. */
struct nsg_answer {
	uint32_t dst_host;
	uint16_t dport_host; /* 0: the protocol has none */
	uint8_t protocol;
	bool allowed;
	uint64_t packets; /* looked up, and the one that it was learned from */
};
/* Those of the policy in force; the caller frees the array. None where there is no map. -errno. */
int nsg_kernel_read_answers(struct nsg_kernel *k, struct nsg_answer **ret, size_t *ret_n);

/* Stop, step 1: no more packets are queued; queued packets stay. Step 2, when the workers have
 * drained the queues: nsg_kernel_cleanup. */
int nsg_kernel_neutralise(struct nsg_kernel *k, struct nsg_diag *diag);

/*
 * Notifications of links, addresses, routes, rules and nf_tables: a descriptor to poll, and what to
 * call when it is readable. Repairs what other programs changed and takes next hops down and up.
 * Returns the number of repairs; each is a diagnostic.
 */
int nsg_kernel_fd(const struct nsg_kernel *k);
int nsg_kernel_process(struct nsg_kernel *k, struct nsg_diag *diag);

/* The interfaces that the routes of [bgp] table lead to: packets for the gateway may leave by them, at
 * once. */
int nsg_kernel_set_live_links(struct nsg_kernel *k, const uint32_t *ifindexes, size_t n,
			      struct nsg_diag *diag);

/* The first address of the host inside any of the prefixes. -ENOENT. */
int nsg_kernel_host_address(struct nsg_kernel *k, const struct nsg_prefix *prefixes, size_t n,
			    uint32_t *ret_host);

/*
 * For `status` and `stats`:
 * {"queueExpression":"native|xt","packets":{"offloaded","queued","denied", "denied
 * again","answered","answered denied","unanswered","preexisting","excluded","multicast","strayed","vanished","forged","forged
 * interface","source routed"},
 * "ipv6":{"refused":true|false,"packets":{"refused tcp","refused","passed","preexisting","excluded","forged","forged
 * interface"}},"hops":[{"number","type",
 * "addresses","table","up","packets","lost","paths":[{"via","dev","down"}]}],"rulesBefore","firstRuleBefore","cgroups":[{"path","id",
 * "packets"}],"repairs"}. `lost`: packets sent to the next hop while it was down; `rulesBefore`: ip rules of other
 * programs that may route a marked packet before ours do; `strayed`: marked
 * packets that were dropped on a path that is not one of their next hop.
 */
json_t *nsg_kernel_status(struct nsg_kernel *k);

/* Closes the sockets; removes nothing from the kernel. NULL is allowed; returns NULL. */
struct nsg_kernel *nsg_kernel_free(struct nsg_kernel *k);

#endif
