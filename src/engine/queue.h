/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One NFQUEUE's socket: bound and configured, or nothing. */
#ifndef NSG_ENGINE_QUEUE_H
#define NSG_ENGINE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "util/diag.h"

struct nsg_queue {
	int fd; /* non-blocking by MSG_DONTWAIT only; closing it unbinds */
	uint32_t receive_buffer_bytes;
	bool gso, fail_open; /* as the kernel granted */
};

/*
 * Takes a queue over with the socket (one of n) of a process that has died, which still owns it: the packets
 * that the process had received and not answered are accepted or dropped as options->down_accept says, those it
 * had not received stay queued. Else binds it. Errors are diagnostics: no permission -EPERM, taken -EADDRINUSE,
 * no NFQUEUE -EPROTONOSUPPORT. A missing feature that only costs performance (buffers, flags) is a notice.
 */
int nsg_queue_get(const struct nsg_engine_options *options, uint16_t number,
		  struct nsg_engine_socket *sockets, uint32_t n, struct nsg_diag *diag,
		  struct nsg_queue *ret);

/* Unbinds a queue that the socket of another process owns, and drops what waits in it. */
void nsg_queue_unbind(int fd, uint16_t number);

/* What the kernel reports of a queue. */
struct nsg_queue_state {
	uint32_t portid; /* of the socket that it is bound to; 0: none */
	uint64_t queued, dropped_full, dropped_buffer;
	uint32_t last_id; /* of the packet queued last */
};
/* Of the queues first to first + n - 1 in this network namespace. -errno. */
int nsg_queue_read_proc(uint16_t first, uint32_t n, struct nsg_queue_state *ret);
/* The number of the queue that the socket owns; of several, the lowest. -ENOENT: none. -errno. */
int nsg_queue_of(int fd);

#endif
