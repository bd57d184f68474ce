/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the socket that sent a packet, and its cgroup, by addresses and ports (sock_diag(7)). This is best
 * effort: the socket may already be closed.
 */
#ifndef NSG_KERNEL_SENDERS_H
#define NSG_KERNEL_SENDERS_H

#include <stdint.h>

/* In host order. */
struct nsg_sender_key {
	uint8_t protocol; /* only TCP and UDP have senders */
	uint32_t src_host, dst_host;
	uint16_t sport_host, dport_host;
	uint32_t uid; /* of the socket */
};

struct nsg_sender {
	uint32_t inode; /* of the socket; 0: not known */
	const char
	    *cgroup; /* its path in the version 2 hierarchy, "/": the root; NULL: not known. Valid
			     * until the next call. */
};

struct nsg_senders;

/* `mounts`: /proc/self/mountinfo, or another file in tests. NULL without sock_diag or memory. */
struct nsg_senders *nsg_senders_new(const char *mounts);
/* Above NSG_MAX_SENDERS_A_SECOND look-ups, nothing is known of the sender. */
void nsg_senders_find(struct nsg_senders *s, const struct nsg_sender_key *key,
		      struct nsg_sender *ret);
/* The path of the cgroup with this id, as in nsg_sender. Not known: also if more directories are read
 * within a second than NSG_MAX_CGROUPS_SEARCHED. */
const char *nsg_senders_cgroup(struct nsg_senders *s, uint64_t id);
/* NULL is fine; returns NULL. */
struct nsg_senders *nsg_senders_free(struct nsg_senders *s);

#endif
