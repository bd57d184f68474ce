/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Single writer, single reader. `head` counts records ever committed and only the writer stores it,
 * `tail` those ever released and only the reader stores it; both run freely and wrap. Each side
 * keeps a copy of the other's counter and looks again only when the copy says full or empty, so the
 * two cores exchange a cache line once per lap instead of once per record.
 */
#include "observe/ring.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>

#define NSG_CACHE_LINE 64

struct nsg_ring {
	uint32_t mask;
	struct nsg_trace_record *slots;

	alignas(NSG_CACHE_LINE) _Atomic uint32_t head;
	uint32_t tail_seen;
	_Atomic uint64_t lost;

	alignas(NSG_CACHE_LINE) _Atomic uint32_t tail;
	uint32_t head_seen;
};

struct nsg_ring *nsg_ring_new(uint32_t n)
{
	struct nsg_ring *r;
	uint32_t room = 1;

	if (n > 1u << 30)
		return NULL;
	while (room < n)
		room <<= 1;
	r = aligned_alloc(NSG_CACHE_LINE, sizeof(*r));
	if (!r)
		return NULL;
	*r = (struct nsg_ring){.mask = room - 1};
	r->slots = calloc(room, sizeof(*r->slots));
	if (!r->slots) {
		free(r);
		return NULL;
	}
	return r;
}

struct nsg_trace_record *nsg_ring_claim(struct nsg_ring *r)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	if (head - r->tail_seen > r->mask) {
		r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
		if (head - r->tail_seen > r->mask) {
			uint64_t lost = atomic_load_explicit(&r->lost, memory_order_relaxed);

			atomic_store_explicit(&r->lost, lost + 1, memory_order_relaxed);
			return NULL;
		}
	}
	return &r->slots[head & r->mask];
}

void nsg_ring_commit(struct nsg_ring *r)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	atomic_store_explicit(&r->head, head + 1, memory_order_release);
}

const struct nsg_trace_record *nsg_ring_peek(struct nsg_ring *r)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	if (tail == r->head_seen) {
		r->head_seen = atomic_load_explicit(&r->head, memory_order_acquire);
		if (tail == r->head_seen)
			return NULL;
	}
	return &r->slots[tail & r->mask];
}

void nsg_ring_release(struct nsg_ring *r)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
}

uint32_t nsg_ring_end(const struct nsg_ring *r)
{
	return atomic_load_explicit(&r->head, memory_order_acquire);
}

bool nsg_ring_released(const struct nsg_ring *r, uint32_t end)
{
	return (int32_t)(atomic_load_explicit(&r->tail, memory_order_relaxed) - end) >= 0;
}

uint64_t nsg_ring_lost(const struct nsg_ring *r)
{
	return atomic_load_explicit(&r->lost, memory_order_relaxed);
}

struct nsg_ring *nsg_ring_free(struct nsg_ring *r)
{
	if (r) {
		free(r->slots);
		free(r);
	}
	return NULL;
}
