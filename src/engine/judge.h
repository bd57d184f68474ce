/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A batch of queued packets becomes a batch of verdicts. No system call, no allocation: what a
 * worker does between receiving and sending, apart from the socket so that tests can drive it.
 */
#ifndef NSG_ENGINE_JUDGE_H
#define NSG_ENGINE_JUDGE_H

#include "classify/classify.h"
#include "engine/engine.h"
#include "engine/message.h"
#include "util/limits.h"

struct nsg_batch {
	uint32_t n;
	struct nsg_message messages[NSG_BATCH]; /* in: `bad` ones have only an id */
	bool bad[NSG_BATCH];			/* in */
	struct nsg_key keys[NSG_BATCH];		/* as classified: the source is the policy's */
	uint32_t hosts_src[NSG_BATCH];		/* the source address in the packet */
	struct nsg_decision decisions[NSG_BATCH];
	bool route_only[NSG_BATCH]; /* the NSG had allowed the flow before */
	struct nsg_queue_verdict verdicts[NSG_BATCH];
};

/*
 * Fills keys, decisions and verdicts of the n messages. Packets that cannot be classified have a
 * decision too: IPv6 and other families `bypass`, inconsistent ones `malformed`, a fragment without
 * its first one `fragment`. Fields of a key that could not be read are zero.
 */
void nsg_judge(const struct nsg_engine_options *options, const struct nsg_engine_policy *policy,
	       struct nsg_memo *memo, struct nsg_batch *b);

#endif
