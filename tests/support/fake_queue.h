/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's side of one NFQUEUE, told by its rules: messages are built and verdicts read with
 * libmnl, so that nothing of the engine's own parser or writer is believed.
 */
#ifndef NSG_TESTS_SUPPORT_FAKE_QUEUE_H
#define NSG_TESTS_SUPPORT_FAKE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_MESSAGE_BYTES 2048
#define FAKE_PACKETS 4096

struct fake_packet {
	uint32_t id, mark;
	unsigned int verdicts;
	bool accepted;
};

struct fake_queue {
	uint16_t number;
	uint32_t last_id;
	struct fake_packet packets[FAKE_PACKETS];
	size_t n;
	unsigned int answers;	/* verdict messages seen */
	unsigned int not_found; /* ... that the kernel would answer with ENOENT */
	unsigned int garbage;	/* ... that it would refuse */
};

/* Queues a packet; its message goes to out (FAKE_MESSAGE_BYTES), its length is returned. */
size_t fake_queue_packet(struct fake_queue *q, uint8_t family, uint32_t mark, const void *payload,
			 size_t size, uint32_t cap_len, void *out);

/* An IPv4 UDP packet of 28 bytes. */
size_t fake_udp(uint8_t out[28], uint32_t src_host, uint32_t dst_host, uint16_t sport,
		uint16_t dport);

/* Does what a sequence of verdict messages says. */
void fake_queue_apply(struct fake_queue *q, const void *data, size_t size);

const struct fake_packet *fake_queue_find(const struct fake_queue *q, uint32_t id);

#endif
