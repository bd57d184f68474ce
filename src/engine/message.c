/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/message.h"

#include <string.h>

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>

#define ALIGN4(n) (((n) + 3u) & ~(size_t)3)

static uint16_t load_u16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t load_u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

struct seen {
	bool id, lied;
};

/* A value shorter than its type is an error; it may be longer, because kernels extend their
 * structs. */
static void take_attribute(uint16_t type, const uint8_t *value, size_t size, struct nsg_message *m,
			   struct seen *seen)
{
	switch (type) {
	case NFQA_PACKET_HDR:
		if (size < sizeof(struct nfqnl_msg_packet_hdr)) {
			seen->lied = true;
			break;
		}
		m->id = ntohl(load_u32(value));
		seen->id = true;
		break;
	case NFQA_MARK:
		if (size < 4)
			seen->lied = true;
		else
			m->mark = ntohl(load_u32(value));
		break;
	case NFQA_CAP_LEN:
		if (size < 4)
			seen->lied = true;
		else
			m->length = ntohl(load_u32(value));
		break;
	case NFQA_IFINDEX_INDEV:
	case NFQA_IFINDEX_OUTDEV:
		if (size < 4)
			seen->lied = true;
		else
			m->ifindex = ntohl(load_u32(value));
		break;
	case NFQA_UID:
		if (size < 4) {
			seen->lied = true;
			break;
		}
		m->uid = ntohl(load_u32(value));
		m->has_uid = true;
		break;
	case NFQA_PAYLOAD:
		m->payload = value;
		m->captured = (uint32_t)size;
		break;
	default:
		break;
	}
}

static void take_attributes(const uint8_t *data, size_t size, struct nsg_message *m,
			    struct seen *seen)
{
	while (size >= sizeof(struct nlattr)) {
		size_t length = load_u16(data);
		uint16_t type = load_u16(data + 2) & NLA_TYPE_MASK;

		if (length < sizeof(struct nlattr) || length > size) {
			seen->lied = true;
			return;
		}
		take_attribute(type, data + NLA_HDRLEN, length - NLA_HDRLEN, m, seen);
		if (ALIGN4(length) >= size)
			return;
		data += ALIGN4(length);
		size -= ALIGN4(length);
	}
	if (size)
		seen->lied = true;
}

static enum nsg_message_kind take_packet(const uint8_t *data, size_t size, bool cut,
					 struct nsg_message *ret)
{
	struct seen seen = {.lied = cut};

	if (size < NLMSG_HDRLEN + sizeof(struct nfgenmsg))
		return NSG_MESSAGE_UNREADABLE;
	*ret = (struct nsg_message){.family = data[NLMSG_HDRLEN]};
	take_attributes(data + NLMSG_HDRLEN + sizeof(struct nfgenmsg),
			size - NLMSG_HDRLEN - sizeof(struct nfgenmsg), ret, &seen);
	if (!seen.id)
		return NSG_MESSAGE_UNREADABLE;
	if (seen.lied) {
		*ret = (struct nsg_message){.id = ret->id};
		return NSG_MESSAGE_BAD;
	}
	if (ret->length < ret->captured)
		ret->length = ret->captured;
	return NSG_MESSAGE_PACKET;
}

enum nsg_message_kind nsg_message_next(const uint8_t **data, size_t *size, struct nsg_message *ret)
{
	const uint8_t *message = *data;
	size_t left = *size, length;
	uint16_t type;
	bool cut;

	if (!left)
		return NSG_MESSAGE_END;
	if (left < NLMSG_HDRLEN) {
		*size = 0;
		return NSG_MESSAGE_UNREADABLE;
	}
	length = load_u32(message);
	type = load_u16(message + 4);
	/* A truncated datagram still begins with the packet's id. */
	cut = length < NLMSG_HDRLEN || length > left;
	if (cut)
		length = left;
	if (ALIGN4(length) >= left) {
		*size = 0;
	} else {
		*data += ALIGN4(length);
		*size -= ALIGN4(length);
	}

	if (type == (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET))
		return take_packet(message, length, cut, ret);
	if (type == NLMSG_ERROR && length >= NLMSG_HDRLEN + sizeof(int32_t)) {
		*ret = (struct nsg_message){.error = (int32_t)load_u32(message + NLMSG_HDRLEN)};
		return NSG_MESSAGE_ERROR;
	}
	return cut ? NSG_MESSAGE_UNREADABLE : NSG_MESSAGE_OTHER;
}

size_t nsg_verdict_put(uint8_t *out, uint16_t queue, const struct nsg_queue_verdict *o, bool up_to)
{
	struct {
		struct nlmsghdr header;
		struct nfgenmsg nfgen;
		struct nlattr verdict_attr;
		struct nfqnl_msg_verdict_hdr verdict;
		struct nlattr mark_attr;
		uint32_t mark;
	} m = {
	    .header.nlmsg_type =
		NFNL_SUBSYS_QUEUE << 8 | (up_to ? NFQNL_MSG_VERDICT_BATCH : NFQNL_MSG_VERDICT),
	    .header.nlmsg_flags = NLM_F_REQUEST,
	    .nfgen.version = NFNETLINK_V0,
	    .nfgen.res_id = htons(queue),
	    .verdict_attr = {NLA_HDRLEN + sizeof(struct nfqnl_msg_verdict_hdr), NFQA_VERDICT_HDR},
	    .verdict = {htonl(o->accept ? NF_ACCEPT : NF_DROP), htonl(o->id)},
	    .mark_attr = {NLA_HDRLEN + sizeof(uint32_t), NFQA_MARK},
	    .mark = htonl(o->mark),
	};
	size_t size = sizeof(m) - (o->has_mark ? 0 : NLA_HDRLEN + sizeof(uint32_t));

	_Static_assert(sizeof(m) == NSG_VERDICT_BYTES, "no padding in a verdict");
	m.header.nlmsg_len = (uint32_t)size;
	memcpy(out, &m, size);
	return size;
}

static bool same_verdict(const struct nsg_queue_verdict *a, const struct nsg_queue_verdict *b)
{
	return a->accept == b->accept && a->has_mark == b->has_mark &&
	       (!a->has_mark || a->mark == b->mark);
}

/*
 * The majority's verdict if there is a majority, otherwise any (Boyer and Moore's vote): every
 * choice is correct, only the message is longer or shorter.
 */
static const struct nsg_queue_verdict *usual_verdict(const struct nsg_queue_verdict *verdicts,
						     size_t n)
{
	const struct nsg_queue_verdict *candidate = &verdicts[0];
	size_t lead = 0;

	for (size_t i = 0; i < n; i++) {
		if (!lead)
			candidate = &verdicts[i];
		if (same_verdict(candidate, &verdicts[i]))
			lead++;
		else
			lead--;
	}
	return candidate;
}

size_t nsg_verdicts_put(uint8_t *out, uint16_t queue, const struct nsg_queue_verdict *verdicts,
			size_t n, bool orphans)
{
	const struct nsg_queue_verdict *usual = NULL;
	struct nsg_queue_verdict last = {0};
	size_t size = 0;

	if (!n)
		return 0;
	if (!orphans)
		usual = usual_verdict(verdicts, n);
	for (size_t i = 0; i < n; i++) {
		if (usual && same_verdict(usual, &verdicts[i]))
			last = verdicts[i];
		else
			size += nsg_verdict_put(out + size, queue, &verdicts[i], false);
	}
	/* Ids grow within a queue: below the last packet with the usual verdict there are only
	 * packets of this batch, and those with another verdict already have it. */
	if (!usual)
		last = (struct nsg_queue_verdict){.id = verdicts[n - 1].id};
	return size + nsg_verdict_put(out + size, queue, &last, true);
}
