/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flows that a flow log has begun and not ended, with what was reported of each. Tells which
 * tuple follows from what the kernel reports: B for a flow that is new, C every five minutes, E at
 * its end.
 */
#ifndef NSG_OBSERVE_FLOW_TABLE_H
#define NSG_OBSERVE_FLOW_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "observe/flow_block.h"

/* A connection as the kernel has it. */
struct nsg_logged_flow {
	uint32_t id; /* the kernel's, for the life of the connection */
	struct nsg_key key;
	uint32_t source_host;	       /* its source in the log: what it is decided with */
	struct nsg_flow_counts counts; /* since its start */
};

/* A rule of a flow, e.g. UserRule_name. */
struct nsg_flow_rule {
	const char *name;
	bool by_nsg;
};

struct nsg_flow_table;

/* NULL when out of memory. */
struct nsg_flow_table *nsg_flow_table_new(void);
uint32_t nsg_flow_table_size(const struct nsg_flow_table *t);
bool nsg_flow_table_has(const struct nsg_flow_table *t, const struct nsg_logged_flow *flow);

/* A flow that is not in the table. Its rule is copied. With `begins` it has a tuple B; without, it was
 * there before the log. -ENOBUFS: NSG_MAX_LOGGED_FLOWS, or the block is full; -ENOMEM. */
int nsg_flow_table_add(struct nsg_flow_table *t, const struct nsg_logged_flow *flow,
		       const struct nsg_flow_rule *rule, uint64_t now_ms, bool begins,
		       struct nsg_flow_block *block);
/* A flow in the table that goes on. */
int nsg_flow_table_seen(struct nsg_flow_table *t, const struct nsg_logged_flow *flow,
			uint64_t now_ms, struct nsg_flow_block *block);
/* A flow in the table that has ended. It is removed even if an error is returned. */
int nsg_flow_table_ended(struct nsg_flow_table *t, const struct nsg_logged_flow *flow,
			 uint64_t now_ms, struct nsg_flow_block *block);

/* Before and after a look at all flows: those that were neither added nor seen in between have ended
 * without notice. */
void nsg_flow_table_begin_look(struct nsg_flow_table *t);
int nsg_flow_table_end_look(struct nsg_flow_table *t, uint64_t now_ms,
			    struct nsg_flow_block *block);
/* Whether some flow is due for a tuple C: a look is needed. */
bool nsg_flow_table_is_due(const struct nsg_flow_table *t, uint64_t now_ms);

/* NULL is fine; returns NULL. */
struct nsg_flow_table *nsg_flow_table_free(struct nsg_flow_table *t);

#endif
