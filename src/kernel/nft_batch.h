/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One nftables transaction: messages are added one by one, each with a description for errors, and
 * sent together. The first error while building is remembered and returned by nsg_nft_batch_send:
 * calls in between need no check.
 */
#ifndef NSG_KERNEL_NFT_BATCH_H
#define NSG_KERNEL_NFT_BATCH_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libnftnl/chain.h>
#include <libnftnl/object.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>

#include "kernel/netlink.h"
#include "util/diag.h"
#include "util/vec.h"

#define NSG_NFT_WHAT 64

struct nsg_nft_what {
	char text[NSG_NFT_WHAT];
	bool ip6;
};

struct nsg_nft_batch {
	const char *table; /* of every message */
	bool ip6;	   /* family of the messages that follow */
	NSG_VEC(char) data;
	size_t last; /* offset of the last message */
	NSG_VEC(struct nsg_nft_what)
	what;			    /* by sequence number; the first begins the batch */
	struct nftnl_rule *rule;    /* being built, see nft_expr.h */
	struct nftnl_set *elements; /* being built, with their number and direction */
	unsigned int n_elements;
	bool deleting;
	int error;
};

/* table must outlive the batch. Messages are for family ip until nsg_nft_batch_ip6. */
void nsg_nft_batch_begin(struct nsg_nft_batch *b, const char *table);
/* Messages that follow are for the table of that name in family ip6, or ip again. */
void nsg_nft_batch_ip6(struct nsg_nft_batch *b, bool ip6);
uint8_t nsg_nft_batch_family(const struct nsg_nft_batch *b); /* NFPROTO_* */
void nsg_nft_batch_done(struct nsg_nft_batch *b);
#define cleanup_nft_batch __attribute__((cleanup(nsg_nft_batch_done)))
bool nsg_nft_batch_is_empty(const struct nsg_nft_batch *b);
/* Remembers the first error. */
void nsg_nft_fail(struct nsg_nft_batch *b, int error);
/* The result of a setter of libnftnl: it fails when there is no memory for its copy. */
static inline void nsg_nft_check(struct nsg_nft_batch *b, int result)
{
	if (result < 0)
		nsg_nft_fail(b, -ENOMEM);
}

/* A message header of that type (NFT_MSG_*) for the caller to fill, NULL after an error; then
 * nsg_nft_message_end. `what` is quoted in an error. */
struct nlmsghdr *nsg_nft_message(struct nsg_nft_batch *b, int type, uint16_t flags,
				 const char *format, ...) __attribute__((format(printf, 4, 5)));
void nsg_nft_message_end(struct nsg_nft_batch *b, struct nlmsghdr *nlh);

/* NFT_TABLE_F_*; 0 also wakes a dormant table. */
#define NSG_NFT_TABLE_AS_IT_IS UINT32_MAX
void nsg_nft_table_add(struct nsg_nft_batch *b, uint32_t flags);
void nsg_nft_table_delete(struct nsg_nft_batch *b);

/* hook is NF_INET_*, type "filter", "route" or "nat". */
void nsg_nft_base_chain(struct nsg_nft_batch *b, const char *name, const char *type, uint32_t hook,
			int32_t priority);
void nsg_nft_chain(struct nsg_nft_batch *b, const char *name);
/* Removes the rules, not the chain. */
void nsg_nft_chain_flush(struct nsg_nft_batch *b, const char *name);

/* Named objects. timeout_sec applies to an established TCP or any UDP flow. */
void nsg_nft_counter(struct nsg_nft_batch *b, const char *name);
void nsg_nft_ct_timeout(struct nsg_nft_batch *b, const char *name, uint8_t protocol,
			uint32_t timeout_sec);
void nsg_nft_object_delete(struct nsg_nft_batch *b, const char *name, uint32_t type);

/*
 * Sends the transaction. An error is a diagnostic with `purpose`, the description of the failed
 * message and the kernel's message; diag may be NULL. -errno. An empty batch is not sent.
 */
int nsg_nft_batch_send(struct nsg_nft_batch *b, struct nsg_nl *nl, const char *purpose,
		       struct nsg_diag *diag);

#endif
