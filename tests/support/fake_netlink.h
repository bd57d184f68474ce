/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kernel that answers netlink requests by a script. */
#ifndef NSG_TESTS_SUPPORT_FAKE_NETLINK_H
#define NSG_TESTS_SUPPORT_FAKE_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/netlink.h"

#define FAKE_PORTID 4711u
#define FAKE_STEPS 64

/* One recv(): an errno, or a datagram. */
struct fake_step {
	int error; /* 0: the datagram */
	size_t size;
	char data[1024];
};

struct fake_netlink {
	struct fake_step steps[FAKE_STEPS];
	size_t n, at;
	int send_errors[4]; /* what the first sends answer; 0: taken */
	size_t n_sends;
	size_t send_short; /* bytes that a send leaves out */
	uint32_t seq;	   /* of the last message sent; also the next one's first */
	char sent[4096];
	size_t sent_size;
};

/* A conversation with it. */
void fake_netlink_open(struct fake_netlink *f, struct nsg_nl *nl);

/* Steps, in order. Messages carry the sequence number of the request that is on when they are read,
 * moved by `seq_offset`. */
void fake_says_errno(struct fake_netlink *f, int error);
void fake_datagram(struct fake_netlink *f);
void fake_message(struct fake_netlink *f, uint16_t type, uint16_t flags, uint32_t portid,
		  int seq_offset, const void *payload, size_t size);
/* An NLMSG_ERROR in the datagram, with the kernel's words if not NULL; error 0 acknowledges. */
void fake_error(struct fake_netlink *f, int seq_offset, int error, const char *words);
void fake_done(struct fake_netlink *f, uint16_t flags, int status);

#endif
