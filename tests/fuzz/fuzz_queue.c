/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One datagram of an NFQUEUE socket: read, keys taken, decided, answered. What the fuzzer may not
 * find: a read outside the datagram, a packet without exactly one verdict. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/judge.h"
#include "support/fake_classify.h"
#include "support/fake_queue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct nsg_batch *b)
{
	static uint8_t out[(NSG_BATCH + 1) * NSG_VERDICT_BYTES] __attribute__((aligned(4)));
	static struct fake_queue q;
	struct nsg_queue_verdict verdicts[NSG_BATCH];

	/* Ids as a kernel gives them; those of the fuzzer need not grow. */
	memset(&q, 0, sizeof(q));
	for (uint32_t i = 0; i < b->n; i++) {
		verdicts[i] = b->verdicts[i];
		verdicts[i].id = i + 1;
		q.packets[q.n++] = (struct fake_packet){.id = i + 1};
	}
	fake_queue_apply(&q, out, nsg_verdicts_put(out, 0, verdicts, b->n, false));
	for (uint32_t i = 0; i < b->n; i++)
		if (q.packets[i].verdicts != 1 || q.packets[i].accepted != verdicts[i].accept)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct nsg_image image = {.info = {.n_rules = 1, .n_routes = 1}};
	static const struct nsg_image_route route = {.hop_type = NSG_HOP_INTERNET};
	static const uint16_t hop_numbers[] = {0};
	static const struct nsg_engine_options options = {
	    .remember_denied = true,
	    .marks = {.mask = 0x0fff0000,
		      .decided = 0x08000000,
		      .generation = 0x06000000,
		      .hop = 0x01ff0000,
		      .denied = 0x01ff0000,
		      .generation_shift = 25,
		      .hop_shift = 16,
		      .max_hop = 510},
	};
	static struct nsg_batch b;
	struct nsg_image with_route = image;
	const struct nsg_engine_policy policy = {
	    .image = &with_route,
	    .hop_numbers = hop_numbers,
	    .standing = 0xf,
	};
	enum nsg_message_kind kind;
	struct nsg_message m;

	with_route.routes = &route;
	b.n = 0;
	while ((kind = nsg_message_next(&data, &size, &m)) != NSG_MESSAGE_END) {
		if (kind != NSG_MESSAGE_PACKET && kind != NSG_MESSAGE_BAD)
			continue;
		b.messages[b.n] = m;
		b.bad[b.n++] = kind == NSG_MESSAGE_BAD;
		if (b.n == NSG_BATCH)
			break;
	}
	nsg_judge(&options, &policy, NULL, &b);
	check(&b);
	return 0;
}
