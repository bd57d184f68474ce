/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flows that the kernel passes by an earlier decision: connections with nsgd's mark. */
#ifndef NSG_KERNEL_FLOWS_H
#define NSG_KERNEL_FLOWS_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/marks.h"

struct nsg_kernel_flow {
	uint32_t id; /* the kernel's, for the life of the connection */
	/* Of its first packet. */
	uint32_t src_host, dst_host;
	uint16_t sport_host, dport_host;
	uint8_t protocol;
	uint32_t mark;
	bool answered; /* a packet came back */
	/* Of the first packet's direction and of the other one; valid if counted. */
	bool counted;
	uint64_t packets[2], bytes[2];
	uint64_t start_ns; /* wall clock; 0: not known */
	uint32_t expires_seconds;
	const char *state; /* of TCP, e.g. "SYN_SENT"; NULL: another protocol */
};

struct nsg_flow_dump;

/* Begins to read all IPv4 connections that are decided. -errno; -ENOMEM. */
int nsg_flow_dump_new(const struct nsg_marks *marks, struct nsg_flow_dump **ret);
/* Reads some more of them. 0: there are more; 1: that was all; -errno, or what `each` returned if
 * negative. */
int nsg_flow_dump_next(struct nsg_flow_dump *dump,
		       int (*each)(const struct nsg_kernel_flow *flow, void *arg), void *arg);
/* NULL is fine; returns NULL. */
struct nsg_flow_dump *nsg_flow_dump_free(struct nsg_flow_dump *dump);

struct nsg_flow_watch;

/* Begins to listen to connections that are decided. -errno. */
int nsg_flow_watch_new(const struct nsg_marks *marks, struct nsg_flow_watch **ret);
/* Readable when some began or ended. */
int nsg_flow_watch_fd(const struct nsg_flow_watch *w);
/* Reads what has arrived. -ENOBUFS: some of it was lost. */
int nsg_flow_watch_read(struct nsg_flow_watch *w,
			void (*each)(const struct nsg_kernel_flow *flow, bool has_ended, void *arg),
			void *arg);
/* NULL is fine; returns NULL. */
struct nsg_flow_watch *nsg_flow_watch_free(struct nsg_flow_watch *w);

#endif
