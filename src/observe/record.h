/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decisions as the contract's JSON objects (interfaces.md section 4): one writer for all verbs. */
#ifndef NSG_OBSERVE_RECORD_H
#define NSG_OBSERVE_RECORD_H

#include <jansson.h>

#include "classify/classify.h"
#include "observe/ring.h"

/* Appends protocol, src, srcPort, dst, dstPort, gate, nsg, route, verdict, reason, in this order,
 * to an object that may hold what comes before. Of a malformed packet nothing is known: null in the
 * first five. -ENOMEM. */
int nsg_record_put_decision(json_t *object, const struct nsg_image *image,
			    const struct nsg_key *key, const struct nsg_decision *decision);

/* Appends packet, time, length, direction: what stands in front of a captured packet's decision.
 * -ENOMEM. */
int nsg_record_put_packet(json_t *object, uint64_t packet, uint64_t time_ns, uint32_t length,
			  enum nsg_direction direction);

/* Appends "payload", the record's first bytes of the packet in hexadecimal. -ENOMEM. */
int nsg_record_put_payload(json_t *object, const struct nsg_trace_record *record);

/* packet, time, length, direction, the decision, hostSrc, mark, enforced. New reference or NULL. */
json_t *nsg_record_json(const struct nsg_image *image, const struct nsg_trace_record *record);

#endif
