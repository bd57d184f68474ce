/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The content of the table `ip INSTANCE`: its names, and the conditions on which parts of it exist.
 * tests/unit/kernel/ruleset/ has the whole of it as nft text, a file for each layout.
 *
 *   output         route, mangle + 1     sanitise; syn; related; fast; output_rest
 *   output_rest    -                     forged; loopback; replies; tunnels; owners
 *   prerouting     filter, mangle + 1    sanitise; forged; interfaces; syn; related; fast;
 *                                        prerouting_rest; without hook prerouting the first two only
 *   prerouting_rest -                    forged; local; replies; capture
 *   forward        filter, mangle + 1    source routed through this host: drop
 *   related_output -                     loopback; errors that an app made: owners; related
 *   related        -                     errors pass; expected connections lose our bits
 *   replies        -                     replies pass, bare SYNs are none; decided before: decided
 *   decided        -                     denied since: silence; else queue
 *   owners         -                     captured users and cgroups: capture
 *   capture        -                     excluded; DHCP; preexisting; multicast; answer; denied;
 *                                        timeouts; queue
 *   answer ...     -                     a destination that was decided before, see answer_rules.h
 *   dhcp           -                     to everybody or to a gateway: accept
 *   queue          -                     counted, to the workers
 *   remember       route, mangle + 1     save: after a verdict, and after the fast rules
 *   remember_pre   filter, mangle + 1    save
 *   save           -                     learn; decided: keep; denied: into the set, silence
 *   learn          -                     the answer for the packet's destination
 *   keep           -                     our bits into the connection's mark; leave
 *   leave          -                     counted by next hop; hop bits stay
 *   source_nat     nat, srcnat           source addresses by next hop, with [snat] only
 *   guard          filter, srcnat + 1    a marked packet leaves by a path of its next hop only, and a
 *                                        packet whose mark has vanished not at all
 *
 * Base chains and ct timeouts are created once and not deleted before the table is: the kernel
 * drops every queued packet of the namespace when one of them goes. A reload changes elements, and
 * the rules of the chains multicast, timeouts and tunnels.
 *
 * While traces ask for packets of decided flows, rules of packet_filters.h are before the fast rules and
 * before those that drop denied flows again.
 *
 * Audit mode marks and drops nothing: the table only has what leads to the queue. Without offload
 * decisions are remembered too, since the NSG is stateful, but every packet is queued.
 */
#ifndef NSG_KERNEL_RULESET_H
#define NSG_KERNEL_RULESET_H

#include <stdio.h>

#include "kernel/kernel_priv.h"

/* Counters and a set whose contents `status` shows. */
#define NSG_COUNTER_OFFLOADED "offloaded"
#define NSG_COUNTER_QUEUED "queued"
#define NSG_COUNTER_DENIED "denied"
#define NSG_COUNTER_DENIED_AGAIN "denied_again"
#define NSG_COUNTER_PREEXISTING "preexisting"
#define NSG_COUNTER_EXCLUDED "excluded"
#define NSG_COUNTER_MULTICAST "multicast"
#define NSG_COUNTER_STRAYED "strayed"
#define NSG_COUNTER_VANISHED "vanished"
#define NSG_COUNTER_FORGED "forged"
#define NSG_COUNTER_FORGED_INTERFACE "forged_interface"
#define NSG_COUNTER_SOURCE_ROUTED "source_routed"
#define NSG_COUNTER_ANSWERED "answered"
#define NSG_COUNTER_ANSWERED_DENIED "answered_denied"
#define NSG_COUNTER_UNANSWERED "unanswered"
#define NSG_SET_CGROUPS "cgroups"

#define NSG_MAP_ANSWERS "answers"
#define NSG_SET_LEARNED "learned" /* destinations of the last second's answers */
/* Switches: on while the set has its element, 0. */
#define NSG_SET_ANSWERING "answering"		    /* the map is asked */
#define NSG_SET_ANSWERING_DENIED "answering_denied" /* denials too */
#define NSG_SET_LEARNING "learning"		    /* verdicts become answers */

#define NSG_RULESET_NAME_BYTES 24

/* The counter of a next hop. */
static inline void nsg_ruleset_hop_counter(uint32_t number, char name[NSG_RULESET_NAME_BYTES])
{
	(void)snprintf(name, NSG_RULESET_NAME_BYTES, "hop%u", number);
}

static inline void nsg_ruleset_timeout(const char *protocol, uint32_t minutes,
				       char name[NSG_RULESET_NAME_BYTES])
{
	(void)snprintf(name, NSG_RULESET_NAME_BYTES, "%s_%um", protocol, minutes);
}

/* Decided flows stay in the kernel. */
static inline bool nsg_ruleset_offloads(const struct nsg_kernel *k)
{
	return k->conf->offload && !k->conf->audit;
}

/* Denied flows are dropped again without being queued. */
static inline bool nsg_ruleset_remembers_denied(const struct nsg_kernel *k)
{
	return nsg_ruleset_offloads(k) && k->conf->denied_seconds;
}

/* The kernel answers for destinations that were decided before: the table has the map. */
static inline bool nsg_ruleset_answers(const struct nsg_kernel *k)
{
	return nsg_ruleset_offloads(k) && k->conf->answers;
}

/* A denial is a mark, of which the kernel remembers the flow or the destination. */
static inline bool nsg_ruleset_marks_denied(const struct nsg_kernel *k)
{
	return nsg_ruleset_remembers_denied(k) || nsg_ruleset_answers(k);
}

/* The map is used. */
static inline bool nsg_ruleset_is_answering(const struct nsg_kernel *k)
{
	return nsg_ruleset_answers(k) && !k->table.source_ports &&
	       k->table.answers != NSG_ANSWERS_NONE;
}

static inline bool nsg_ruleset_has_snat(const struct nsg_kernel *k)
{
	return !k->conf->audit && (k->conf->has_snat_vnet || k->conf->has_snat_internet);
}

/* The mark of a preexisting connection: not decided, hop 0, and generation bits that no other mark
 * of ours has without `decided`. */
static inline uint32_t nsg_ruleset_preexisting(const struct nsg_marks *marks)
{
	return marks->generation;
}

#endif
