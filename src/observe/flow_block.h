/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One block of a flow log, a minute's tuples, as the text of a record of Azure's: VNet flow log
 * version 4 or NSG flow log version 2.
 */
#ifndef NSG_OBSERVE_FLOW_BLOCK_H
#define NSG_OBSERVE_FLOW_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/key.h"

enum nsg_flow_state {
	NSG_FLOW_BEGIN,
	NSG_FLOW_CONTINUE,
	NSG_FLOW_END,
	NSG_FLOW_DENY,
};

/* What a packet was sent, and received in return. */
struct nsg_flow_counts {
	uint64_t packets_sent, bytes_sent, packets_received, bytes_received;
};

struct nsg_flow_tuple {
	uint64_t time_ms;
	struct nsg_key key;
	enum nsg_flow_state state;
	struct nsg_flow_counts counts; /* since the tuple before; not of BEGIN and DENY */
};

/* Who wrote the log and about what, in every record. */
struct nsg_flow_origin {
	bool nsg_format;		     /* version 2 */
	const char *log_id, *log_guid, *mac; /* of the flow log and the network interface */
	const char *vnet_id, *nsg_id;	     /* nsg_id "": no NSG */
};

struct nsg_flow_block;

/* NULL when out of memory. */
struct nsg_flow_block *nsg_flow_block_new(bool nsg_format);
/* `by_nsg`: the NSG decided, else `rule` is another one's. The rule is copied. A block has at most
 * NSG_MAX_FLOW_BLOCK_BYTES: -ENOBUFS. -ENOMEM. */
int nsg_flow_block_add(struct nsg_flow_block *b, bool by_nsg, const char *rule,
		       const struct nsg_flow_tuple *tuple);
bool nsg_flow_block_is_empty(const struct nsg_flow_block *b);
/* The record's JSON on one line, to be freed; the block is empty afterwards. NULL when out of memory. */
char *nsg_flow_block_take(struct nsg_flow_block *b, const struct nsg_flow_origin *origin,
			  uint64_t time_ns);
/* NULL is fine; returns NULL. */
struct nsg_flow_block *nsg_flow_block_free(struct nsg_flow_block *b);

#endif
