/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What became of packets, for replay: {gate, admin, nsg, route, verdict, reason}, decided by a
 * directory or a daemon. Equal outcomes are one, whose text is made once: there are as many as pairs
 * of rules and routes, not as flows.
 */
#ifndef NSG_NSGCTL_OUTCOME_H
#define NSG_NSGCTL_OUTCOME_H

#include "explain/flow.h"
#include "nsgctl/nsgctl.h"
#include "observe/line.h"
#include "util/vec.h"

/* Texts are in the table's arena: offset and length. */
struct nsgctl_text {
	uint32_t at, n;
};

/* How a packet differs from the one that was decided. */
#define NSGCTL_VARIANT_NO_ROUTE 1u /* no route was looked up */
#define NSGCTL_VARIANT_FOLLOWS 2u  /* it follows that packet: another reason */
#define NSGCTL_VARIANT_OF_DENIED 4u
#define NSGCTL_VARIANT_OUTBOUND 8u

struct nsgctl_outcome {
	struct nsgctl_text gate;  /* "gate":…,"nsg":… with admin between them */
	struct nsgctl_text route; /* "route":… */
	struct nsgctl_text comment, comment_route;
	struct nsgctl_text rule; /* or route, that decided, for people; empty: none */
	/* of the packets with this outcome, by NSGCTL_VARIANT_ bits; empty: not yet made */
	struct nsgctl_text tails[4];	/* of a record: from the gate to the end */
	struct nsgctl_text options[16]; /* of a packet in pcapng */
	enum nsg_verdict verdict;
	const char *reason;
	/* sums of replay's closing tables */
	uint64_t flows, packets, bytes, first_packet;
};

struct nsgctl_outcomes {
	struct nsgctl_session *session;
	bool has_admin_rules; /* decisions have the key admin */
	NSG_VEC(struct nsgctl_outcome) v;
	NSG_VEC(char) texts;
	json_t *by_text; /* index */
	json_t *answer;	 /* the last one of the session */
	struct {
		struct nsg_decision decision;
		uint32_t index;				  /* plus 1; 0: empty */
	} recent[1024];					  /* of a directory, by hash */
	uint32_t undecided[NSG_GATE_MAX][NSG_REASON_MAX]; /* index plus 1 */
};

/* `policy` is the object of nsg_explain_policy() or of a daemon's status. 0 or an exit status. */
int nsgctl_outcomes_init(struct nsgctl_outcomes *o, struct nsgctl_session *session,
			 const json_t *policy);
void nsgctl_outcomes_done(struct nsgctl_outcomes *o);

/* Decides the first packet of a flow: its outcome's index, and its gate if ret_gate is not NULL. 0 or
 * an exit status. */
int nsgctl_outcome_decide(struct nsgctl_outcomes *o, const struct nsg_flow *flow, uint32_t *ret,
			  enum nsg_gate *ret_gate);
/* Of a packet for which neither the NSG nor a route was evaluated. */
int nsgctl_outcome_undecided(struct nsgctl_outcomes *o, enum nsg_gate gate, enum nsg_reason reason,
			     uint32_t *ret);

/* Keeps a text. -ENOMEM. */
int nsgctl_outcome_keep(struct nsgctl_outcomes *o, const char *text, size_t n,
			struct nsgctl_text *ret);

static inline const char *nsgctl_outcome_text(const struct nsgctl_outcomes *o,
					      struct nsgctl_text text)
{
	return o->texts.v + text.at;
}

#endif
