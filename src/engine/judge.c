/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/judge.h"

#include <sys/socket.h>

static const struct nsg_decision bypassed = {
    .route = NSG_ROUTE_NONE,
    .rule = NSG_RULE_NONE,
    .gate = NSG_GATE_BYPASS,
    .verdict = NSG_VERDICT_ACCEPT,
    .reason = NSG_REASON_BYPASS,
};

static struct nsg_decision dropped(enum nsg_reason reason)
{
	return (struct nsg_decision){
	    .route = NSG_ROUTE_NONE,
	    .rule = NSG_RULE_NONE,
	    .gate = NSG_GATE_NONE,
	    .verdict = NSG_VERDICT_DROP,
	    .reason = (uint8_t)reason,
	};
}

/* Packets that the classifier does not decide; false: it does. */
static bool decide_unjudged(const struct nsg_message *m, bool bad, enum nsg_key_status status,
			    struct nsg_decision *ret)
{
	if (bad) {
		*ret = dropped(NSG_REASON_MALFORMED);
		return true;
	}
	if (m->family != AF_INET) {
		*ret = bypassed;
		return true;
	}
	/* the kernel has routed it as IPv4, whatever version its header has */
	if (status == NSG_KEY_IP6)
		status = NSG_KEY_MALFORMED;
	switch (status) {
	case NSG_KEY_OK:
		return false;
	case NSG_KEY_LATER_FRAGMENT:
		/* Conntrack reassembles fragments before they are queued, so the first one of this
		 * packet was not captured. */
		*ret = dropped(NSG_REASON_FRAGMENT);
		return true;
	case NSG_KEY_IP6:
	case NSG_KEY_MALFORMED:
		break;
	}
	*ret = dropped(NSG_REASON_MALFORMED);
	return true;
}

/*
 * Azure's NSG is stateful: a flow that it allowed stays allowed, whatever the rules say now; a
 * changed route applies to every flow from its next packet on. The rule is not reported when it
 * denies: another one allowed the flow.
 */
static void keep_allowed(const struct nsg_image *image, const struct nsg_key *key,
			 struct nsg_decision *d)
{
	if (d->reason == NSG_REASON_NSG_DENY || d->reason == NSG_REASON_ADMIN_DENY)
		*d = nsg_classify_route(image, key);
	if (d->verdict == NSG_VERDICT_ACCEPT)
		d->reason = NSG_REASON_ESTABLISHED;
}

/* A verdict that the kernel must not remember for a destination, nor for anything else: what the
 * destination's other packets do not share. */
static bool is_of_this_packet(const struct nsg_key *key, const struct nsg_decision *d)
{
	return d->gate == NSG_GATE_NONE ||
	       (d->reason == NSG_REASON_NOT_CARRIED && key->protocol == NSG_PROTOCOL_UDP &&
		key->sport_host == NSG_SPORT_NOT_CARRIED);
}

/*
 * An accepting verdict with a mark makes the kernel remember: chain save copies it to the
 * connection's mark or, if its hop bits mean denied, drops the packet and remembers the flow.
 */
static struct nsg_queue_verdict verdict_of(const struct nsg_engine_options *o,
					   const struct nsg_engine_policy *policy,
					   const struct nsg_message *m, const struct nsg_key *key,
					   const struct nsg_decision *d)
{
	uint32_t foreign = m->mark & ~o->marks.mask, ours;

	if (o->audit || (m->family != AF_INET && d->verdict == NSG_VERDICT_ACCEPT))
		return (struct nsg_queue_verdict){.id = m->id, .accept = true};
	if (d->verdict == NSG_VERDICT_DROP) {
		if (!o->remember_denied || is_of_this_packet(key, d))
			return (struct nsg_queue_verdict){.id = m->id};
		return (struct nsg_queue_verdict){
		    .id = m->id,
		    .mark = foreign | nsg_marks_deny(&o->marks, policy->generation),
		    .has_mark = true,
		    .accept = true,
		};
	}
	ours = nsg_marks_accept(&o->marks, policy->generation, policy->hop_numbers[d->hop]);
	return (struct nsg_queue_verdict){
	    .id = m->id,
	    .mark = foreign | ours,
	    .has_mark = true,
	    .accept = true,
	};
}

/* Whether an NSG allowed this flow before, under a policy whose decisions still stand. */
static bool was_allowed(const struct nsg_engine_options *o, const struct nsg_engine_policy *policy,
			uint32_t mark)
{
	if (!(mark & o->marks.decided))
		return false;
	return policy->standing >> ((mark & o->marks.generation) >> o->marks.generation_shift) & 1;
}

void nsg_judge(const struct nsg_engine_options *options, const struct nsg_engine_policy *policy,
	       struct nsg_memo *memo, struct nsg_batch *b)
{
	enum nsg_key_status status[NSG_BATCH];

	for (uint32_t i = 0; i < b->n; i++) {
		const struct nsg_message *m = &b->messages[i];

		b->keys[i] = (struct nsg_key){0};
		status[i] = b->bad[i]
				? NSG_KEY_MALFORMED
				: nsg_key_extract(m->payload, m->captured, m->length, &b->keys[i]);
		b->hosts_src[i] = b->keys[i].src_host;
		if (status[i] == NSG_KEY_OK || status[i] == NSG_KEY_LATER_FRAGMENT)
			b->keys[i].src_host = policy->src_host;
	}
	nsg_classify_batch(policy->image, memo, b->keys, b->n, b->decisions);
	for (uint32_t i = 0; i < b->n; i++) {
		const struct nsg_message *m = &b->messages[i];

		b->route_only[i] = false;
		if (!decide_unjudged(m, b->bad[i], status[i], &b->decisions[i]) &&
		    was_allowed(options, policy, m->mark)) {
			keep_allowed(policy->image, &b->keys[i], &b->decisions[i]);
			b->route_only[i] = true;
		}
		b->verdicts[i] = verdict_of(options, policy, m, &b->keys[i], &b->decisions[i]);
	}
}
