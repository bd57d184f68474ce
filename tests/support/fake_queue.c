/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/fake_queue.h"

#include <string.h>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>

size_t fake_queue_packet(struct fake_queue *q, uint8_t family, uint32_t mark, const void *payload,
			 size_t size, uint32_t cap_len, void *out)
{
	struct nfqnl_msg_packet_hdr header = {.hook = NF_INET_LOCAL_OUT};
	struct nlmsghdr *h = mnl_nlmsg_put_header(out);
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof(*g));

	q->packets[q->n++] = (struct fake_packet){.id = ++q->last_id, .mark = mark};
	h->nlmsg_type = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET;
	g->nfgen_family = family;
	g->version = NFNETLINK_V0;
	g->res_id = htons(q->number);
	header.packet_id = htonl(q->last_id);
	mnl_attr_put(h, NFQA_PACKET_HDR, sizeof(header), &header);
	if (mark)
		mnl_attr_put_u32(h, NFQA_MARK, htonl(mark));
	mnl_attr_put_u32(h, NFQA_IFINDEX_OUTDEV, htonl(7));
	if (cap_len)
		mnl_attr_put_u32(h, NFQA_CAP_LEN, htonl(cap_len));
	mnl_attr_put(h, NFQA_PAYLOAD, size, payload);
	return h->nlmsg_len;
}

static void put16(uint8_t *p, uint16_t v)
{
	v = htons(v);
	memcpy(p, &v, sizeof(v));
}

static void put32(uint8_t *p, uint32_t v)
{
	v = htonl(v);
	memcpy(p, &v, sizeof(v));
}

size_t fake_udp(uint8_t out[28], uint32_t src_host, uint32_t dst_host, uint16_t sport,
		uint16_t dport)
{
	memset(out, 0, 28);
	out[0] = 0x45;
	put16(out + 2, 28);
	out[8] = 64;
	out[9] = 17;
	put32(out + 12, src_host);
	put32(out + 16, dst_host);
	put16(out + 20, sport);
	put16(out + 22, dport);
	put16(out + 24, 8);
	return 28;
}

static bool give(struct fake_packet *p, const struct nlattr *mark, uint32_t verdict)
{
	p->verdicts++;
	p->accepted = verdict == NF_ACCEPT;
	if (mark)
		p->mark = ntohl(mnl_attr_get_u32(mark));
	return true;
}

static void apply(struct fake_queue *q, const struct nlmsghdr *h)
{
	const struct nfgenmsg *g = mnl_nlmsg_get_payload(h);
	const uint8_t *end = (const uint8_t *)h + h->nlmsg_len;
	const struct nlattr *attr = mnl_nlmsg_get_payload_offset(h, sizeof(*g));
	const struct nlattr *mark = NULL, *verdict = NULL;
	struct nfqnl_msg_verdict_hdr v;
	bool hit = false;

	/* libmnl's own loop is a macro that casts const away. */
	for (; mnl_attr_ok(attr, (int)(end - (const uint8_t *)attr)); attr = mnl_attr_next(attr)) {
		if (mnl_attr_get_type(attr) == NFQA_MARK)
			mark = attr;
		if (mnl_attr_get_type(attr) == NFQA_VERDICT_HDR)
			verdict = attr;
	}
	if (!(h->nlmsg_flags & NLM_F_REQUEST) || ntohs(g->res_id) != q->number || !verdict) {
		q->garbage++;
		return;
	}
	memcpy(&v, mnl_attr_get_payload(verdict), sizeof(v));
	for (size_t i = 0; i < q->n; i++) {
		struct fake_packet *p = &q->packets[i];
		bool up_to = h->nlmsg_type == (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_VERDICT_BATCH);

		/* A packet that has its verdict is not in the queue any more. */
		if (p->verdicts)
			continue;
		if (p->id == ntohl(v.id) || (up_to && (int32_t)(p->id - ntohl(v.id)) < 0))
			hit |= give(p, mark, ntohl(v.verdict));
	}
	q->not_found += !hit;
}

void fake_queue_apply(struct fake_queue *q, const void *data, size_t size)
{
	const struct nlmsghdr *h = data;
	int left = (int)size;

	for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
		q->answers++;
		apply(q, h);
	}
	q->garbage += left != 0;
}

const struct fake_packet *fake_queue_find(const struct fake_queue *q, uint32_t id)
{
	for (size_t i = 0; i < q->n; i++)
		if (q->packets[i].id == id)
			return &q->packets[i];
	return NULL;
}
