/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Selects decisions by their packets, in the syntax of pcap-filter(7). */
#ifndef NSG_NSGCTL_PACKETS_H
#define NSG_NSGCTL_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <pcap/pcap.h>

#include "observe/ring.h"

struct nsgctl_packets {
	struct bpf_program program;
};

/* The words are one expression. 0, or NSG_EXIT_USAGE after a message. */
int nsgctl_packets_compile(struct nsgctl_packets *p, const char *const *words, size_t n);
/* Whether the program loads what headers made from a decision do not have, such as TCP flags. */
bool nsgctl_packets_need_payload(const struct nsgctl_packets *p);
/* Whether the program loads the length of the packet, which flows do not have. */
bool nsgctl_packets_need_length(const struct nsgctl_packets *p);
/* Whether the program fits the kernel's limit, and as the instructions of the verb `trace`. */
bool nsgctl_packets_fit(const struct nsgctl_packets *p);
json_t *nsgctl_packets_json(const struct nsgctl_packets *p);
/* The first bytes of a decision's packet; returns their number, 0: they are not in it. */
size_t nsgctl_packets_payload(const json_t *decision, uint8_t out[static NSG_RECORD_PAYLOAD_BYTES]);
/*
 * Whether the packet of a decision matches: its first bytes or, when there are none (n is 0), headers
 * made from the decision, with the source that the packet had and without flags and options.
 */
bool nsgctl_packets_match(const struct nsgctl_packets *p, const json_t *decision,
			  const uint8_t *payload, size_t n);
void nsgctl_packets_done(struct nsgctl_packets *p);

#endif
