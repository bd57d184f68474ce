/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a packet is to its flow, and what follows from the decision on the flow's first packet. */
#include <string.h>

#include "nsgctl/replay_priv.h"

#define PROTOCOL_ICMP6 58
#define NO_OUTCOME UINT32_MAX

/* ---- directions ----------------------------------------------------------------------------- */

static bool is_in(const struct nsg_prefix *v, size_t n, uint32_t addr_host)
{
	for (size_t i = 0; i < n; i++)
		if (nsg_prefix_contains(v[i], addr_host))
			return true;
	return false;
}

static bool is_in6(const struct nsg_prefix6 *v, size_t n, const uint8_t addr[16])
{
	for (size_t i = 0; i < n; i++) {
		size_t whole = v[i].len / 8, bits = v[i].len % 8;

		if (memcmp(v[i].addr, addr, whole) == 0 &&
		    (!bits || (addr[whole] ^ v[i].addr[whole]) >> (8 - bits) == 0))
			return true;
	}
	return false;
}

/* The source that a daemon judged, of a capture that it wrote. */
static bool has_judged_source(const struct replay_packet *p, uint32_t *ret_host)
{
	return p->frame.comment &&
	       nsgctl_comment_source(p->frame.comment, p->frame.comment_n, ret_host);
}

/* Whether the app did not send the packet. Without --local, only packets into the subnet from outside
 * it come in; IPv6, which the subnet does not have, goes by what the capturing host recorded. */
static bool comes_in(const struct replay *r, const struct replay_packet *p)
{
	uint32_t ignored;

	if (p->view.is_ip6)
		return r->n_local6 ? !is_in6(r->local6, r->n_local6, p->view.src6)
				   : p->link_direction == NSG_LINK_IN;
	if (has_judged_source(p, &ignored))
		return false;
	if (r->n_local)
		return !is_in(r->local, r->n_local, p->view.key.src_host);
	return !is_in(r->subnet, r->n_subnet, p->view.key.src_host) &&
	       is_in(r->subnet, r->n_subnet, p->view.key.dst_host);
}

bool replay_is_app(const struct replay *r, const struct nsg_flow *flow)
{
	if (r->src_host && !flow->is_ip6)
		return true;
	if (r->n_local || r->n_local6)
		return flow->is_ip6 ? is_in6(r->local6, r->n_local6, flow->src6)
				    : is_in(r->local, r->n_local, flow->key.src_host);
	return !flow->is_ip6 && is_in(r->subnet, r->n_subnet, flow->key.src_host);
}

static uint32_t judged_source(const struct replay *r, const struct replay_packet *p)
{
	uint32_t src = p->view.key.src_host;

	if (r->src_host)
		return r->src_host;
	return has_judged_source(p, &src) ? src : p->view.key.src_host;
}

/* ---- decisions ------------------------------------------------------------------------------ */

static void set_flow(struct replay_packet *p, uint32_t src_host, bool back)
{
	p->has_flow = true;
	p->back = back;
	p->flow_src_host = src_host;
}

struct nsg_flow replay_flow(const struct replay_packet *p)
{
	const struct nsg_track_view *v = &p->view;
	struct nsg_flow flow = {.key = v->key, .is_ip6 = v->is_ip6};

	if (v->icmp_error && p->back) { /* it quotes a packet of the flow */
		flow.key = v->inner;
	} else if (p->back) {
		flow.key.dst_host = v->key.src_host;
		flow.key.sport_host = v->key.dport_host;
		flow.key.dport_host = v->key.sport_host;
	}
	if (!v->is_ip6)
		flow.key.src_host = p->flow_src_host;
	memcpy(flow.src6, p->back ? v->dst6 : v->src6, sizeof(v->src6));
	memcpy(flow.dst6, p->back ? v->src6 : v->dst6, sizeof(v->dst6));
	return flow;
}

static int decide(struct replay *r, struct replay_packet *p, uint32_t *ret, enum nsg_gate *ret_gate)
{
	struct nsg_flow flow;

	if (!p->view.is_ip6)
		p->key.src_host = judged_source(r, p);
	set_flow(p, p->key.src_host, false);
	flow = replay_flow(p);
	return nsgctl_outcome_decide(&r->outcomes, &flow, ret, ret_gate);
}

static int not_judged(struct replay *r, uint32_t *ret)
{
	return nsgctl_outcome_undecided(&r->outcomes, NSG_GATE_BYPASS, NSG_REASON_BYPASS, ret);
}

static void use_outcome(const struct replay *r, struct replay_packet *p, uint32_t outcome)
{
	p->outcome = outcome;
	p->verdict = r->outcomes.v.v[outcome].verdict;
	p->reason = r->outcomes.v.v[outcome].reason;
}

/* ---- roles ---------------------------------------------------------------------------------- */

static int see_first(struct replay *r, struct replay_packet *p, struct nsg_track_data *data)
{
	bool in = comes_in(r, p);
	int status = in ? not_judged(r, &data->outcome) : decide(r, p, &data->outcome, NULL);

	if (status)
		return status;
	data->kind = in ? REPLAY_IN : REPLAY_OUT;
	data->src_host = p->key.src_host;
	if (!data->first_packet)
		data->first_packet = p->frame.number;
	p->first_packet = p->frame.number;
	p->direction = in ? NSG_DIRECTION_INBOUND : NSG_DIRECTION_EGRESS;
	p->outbound = !in;
	use_outcome(r, p, data->outcome);
	return 0;
}

/* A packet of no known flow has a gate, but neither the NSG nor a route was evaluated. *outcome is
 * what packets from the app get, NO_OUTCOME before the first of them. */
static int see_stray(struct replay *r, struct replay_packet *p, enum nsg_reason reason,
		     uint32_t *outcome)
{
	uint32_t as_first, shown = *outcome;
	enum nsg_gate gate;
	int status = 0;

	if (comes_in(r, p)) {
		p->direction = NSG_DIRECTION_INBOUND;
		status = not_judged(r, &shown);
	} else {
		p->outbound = true;
		if (!p->view.is_ip6)
			p->key.src_host = judged_source(r, p);
		set_flow(p, p->key.src_host, false);
		if (shown == NO_OUTCOME) {
			status = decide(r, p, &as_first, &gate);
			if (!status)
				status =
				    nsgctl_outcome_undecided(&r->outcomes, gate, reason, &shown);
			*outcome = shown;
		}
	}
	if (status)
		return status;
	use_outcome(r, p, shown);
	return 0;
}

static int see_preexisting(struct replay *r, struct replay_packet *p, enum nsg_track_role role,
			   struct nsg_track_data *data)
{
	if (role == NSG_TRACK_MIDSTREAM) {
		data->kind = REPLAY_PREEXISTING;
		data->first_packet = p->frame.number;
		data->outcome = NO_OUTCOME;
		data->src_host = p->key.src_host;
	}
	/* the other direction, once the app has sent a packet */
	if (data->outcome != NO_OUTCOME && comes_in(r, p)) {
		p->direction = NSG_DIRECTION_REPLY;
		use_outcome(r, p, data->outcome);
		return 0;
	}
	return see_stray(r, p, NSG_REASON_PREEXISTING, &data->outcome);
}

/* A flow that was denied stays denied, in both directions, until a packet begins it again. */
static int follow(struct replay *r, struct replay_packet *p, enum nsg_track_role role,
		  struct nsg_track_data *data)
{
	bool reply = role == NSG_TRACK_REPLY;

	if (data->kind == REPLAY_OUT)
		set_flow(p, data->src_host, reply);
	use_outcome(r, p, data->outcome);
	p->first_packet = data->first_packet;
	p->outbound = (data->kind == REPLAY_OUT) != reply;
	p->of_denied_flow = p->verdict == NSG_VERDICT_DROP;
	if (reply) {
		p->direction = NSG_DIRECTION_REPLY;
		p->no_route = true;
		if (!p->of_denied_flow)
			p->reason = nsg_reason_name(NSG_REASON_REPLY);
		return 0;
	}
	p->direction = data->kind == REPLAY_OUT ? NSG_DIRECTION_EGRESS : NSG_DIRECTION_INBOUND;
	if (data->kind != REPLAY_OUT || p->view.is_ip6)
		return 0;
	p->key.src_host = data->src_host;
	if (!p->of_denied_flow)
		p->reason = nsg_reason_name(NSG_REASON_ESTABLISHED);
	return 0;
}

/* A later fragment is decided like the first. */
static void see_fragment(const struct replay *r, struct replay_packet *p,
			 const struct nsg_track_data *first)
{
	bool in = comes_in(r, p);

	use_outcome(r, p, first->outcome);
	p->first_packet = first->first_packet;
	p->direction = in ? NSG_DIRECTION_INBOUND : NSG_DIRECTION_EGRESS;
	p->outbound = !in;
	if (first->kind == REPLAY_OUT && !in)
		p->key.src_host = first->src_host;
}

static int remember_fragment(struct replay *r, const struct replay_packet *p,
			     const struct nsg_track_data *data)
{
	struct nsg_track_data first;

	if (!p->view.first_fragment)
		return 0;
	first = *data;
	first.outcome = p->outcome;
	if (nsg_tracker_remember_fragment(r->tracker, &p->view, p->frame.time_ns, &first) < 0)
		return nsgctl_out_of_memory();
	return 0;
}

static int judge_flow(struct replay *r, struct replay_packet *p)
{
	uint64_t time_ns = p->frame.time_ns == NSG_FRAME_NO_TIME ? 0 : p->frame.time_ns;
	struct nsg_track_data *data;
	uint32_t outcome = NO_OUTCOME;
	int role = nsg_tracker_see(r->tracker, &p->view, time_ns, &data);
	int status;

	p->role = (uint8_t)role;
	switch (role) {
	case NSG_TRACK_FIRST:
		status = see_first(r, p, data);
		break;
	case NSG_TRACK_LATER:
	case NSG_TRACK_REPLY:
		status = data->kind == REPLAY_PREEXISTING
			     ? see_preexisting(r, p, (enum nsg_track_role)role, data)
			     : follow(r, p, (enum nsg_track_role)role, data);
		break;
	case NSG_TRACK_MIDSTREAM:
		status = see_preexisting(r, p, NSG_TRACK_MIDSTREAM, data);
		break;
	case NSG_TRACK_FRAGMENT:
		see_fragment(r, p, data);
		replay_count(r, p, NULL);
		return 0;
	case NSG_TRACK_ORPHAN:
		status = see_stray(r, p, NSG_REASON_FRAGMENT, &outcome);
		if (!status)
			replay_count(r, p, NULL);
		return status;
	default:
		return nsgctl_out_of_memory();
	}
	if (status)
		return status;
	replay_count(r, p, data);
	return remember_fragment(r, p, data);
}

/* ---- packets -------------------------------------------------------------------------------- */

/* Errors and neighbour discovery, which the kernel sends, not the app (RFC 4443, 4861). */
static bool is_ip6_control(const struct replay_packet *p)
{
	uint8_t type = p->captured > 40 ? p->ip[40] : 0;

	return p->view.key.protocol == PROTOCOL_ICMP6 &&
	       ((type >= 1 && type <= 4) || (type >= 133 && type <= 137));
}

int replay_judge(struct replay *r, struct replay_packet *p)
{
	uint32_t outcome;
	int status;

	if (p->key_status != NSG_KEY_MALFORMED) {
		p->key = p->view.key;
		if (p->key_status != NSG_KEY_IP6 || !is_ip6_control(p))
			return judge_flow(r, p);
		status = not_judged(r, &outcome);
	} else {
		p->malformed = true;
		status = nsgctl_outcome_undecided(&r->outcomes, NSG_GATE_NONE, NSG_REASON_MALFORMED,
						  &outcome);
	}
	if (status)
		return status;
	p->outbound = p->link_direction != NSG_LINK_IN;
	use_outcome(r, p, outcome);
	replay_count(r, p, NULL);
	return 0;
}
