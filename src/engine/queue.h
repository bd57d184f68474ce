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

/* Errors are diagnostics: no permission -EPERM, taken -EADDRINUSE, no NFQUEUE -EPROTONOSUPPORT. A
 * missing feature that only costs performance (buffers, flags) is a notice. */
int nsg_queue_open(const struct nsg_engine_options *options, uint16_t number, struct nsg_diag *diag,
		   struct nsg_queue *ret);

/* Sums the kernel's counters of queues first to first + n - 1 in this network namespace; the longest
 * is the number of packets in one of them. -errno. */
int nsg_queue_read_proc(uint16_t first, uint32_t n, uint64_t *ret_queued, uint64_t *ret_longest,
			uint64_t *ret_full, uint64_t *ret_buffer);

#endif
