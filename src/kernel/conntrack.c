/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "kernel/attr.h"
#include "util/macro.h"

/* Updates in one send: most of the cost is the system call. */
#define CHUNK_BYTES (32u << 10)
/* Room for one update: a tuple of IPv4 takes about 60 bytes. */
#define UPDATE_BYTES 512u
/* At most this many passes, while entries are found. */
#define PASSES 4

struct sweep {
	struct nsg_nl *update;
	const struct nsg_conntrack_sweep *order;
	uint32_t n;
	char chunk[CHUNK_BYTES];
	size_t size;
	uint32_t first_seq, last_seq;
};

static int flush(struct sweep *s)
{
	struct nsg_nl_answer answer;
	int r;

	if (!s->size)
		return 0;
	/* ENOENT: the connection has ended since */
	r = nsg_nl_batch(s->update, s->chunk, s->size, s->first_seq, s->last_seq, -ENOENT, &answer);
	s->size = 0;
	if (r < 0)
		return r;
	return answer.error;
}

static struct nlmsghdr *ct_message(char *buffer, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	nlh->nlmsg_flags = flags;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = AF_INET;
	nfg->version = NFNETLINK_V0;
	return nlh;
}

struct entry_attrs {
	struct nsg_bytes tuple, protoinfo;
	uint16_t zone; /* 0: the default one */
	uint32_t mark, id;
};

static bool is_established(struct nsg_bytes protoinfo)
{
	static const struct nsg_attr info_policy[] = {{CTA_PROTOINFO_TCP, true, NSG_ATTR_BYTES, 0}};
	static const struct nsg_attr tcp_policy[] = {
	    {CTA_PROTOINFO_TCP_STATE, true, NSG_ATTR_U8, 0}};
	struct nsg_bytes tcp;
	uint8_t state;

	return nsg_attr_parse_bytes(protoinfo, info_policy, 1, &tcp) >= 0 &&
	       nsg_attr_parse_bytes(tcp, tcp_policy, 1, &state) >= 0 &&
	       state == TCP_CONNTRACK_ESTABLISHED;
}

static int add_update(struct sweep *s, const struct entry_attrs *a, uint32_t value)
{
	struct nlmsghdr *nlh;
	int r;

	if (s->size + UPDATE_BYTES > sizeof(s->chunk)) {
		r = flush(s);
		if (r < 0)
			return r;
	}
	nlh = ct_message(s->chunk + s->size, IPCTNL_MSG_CT_NEW, NLM_F_REQUEST);
	mnl_attr_put(nlh, CTA_TUPLE_ORIG | NLA_F_NESTED, a->tuple.size, a->tuple.data);
	if (a->zone)
		mnl_attr_put_u16(nlh, CTA_ZONE, htons(a->zone));
	mnl_attr_put_u32(nlh, CTA_MARK, htonl(value));
	mnl_attr_put_u32(nlh, CTA_MARK_MASK, htonl(s->order->mask));
	nlh->nlmsg_seq = ++s->update->seq;
	if (!s->size)
		s->first_seq = nlh->nlmsg_seq;
	s->last_seq = nlh->nlmsg_seq;
	s->size += MNL_ALIGN(nlh->nlmsg_len);
	s->n++;
	return 0;
}

static int take_entry(const struct nlmsghdr *nlh, void *arg)
{
	static const struct nsg_attr policy[] = {
	    NSG_ATTR_REQUIRED(CTA_TUPLE_ORIG, BYTES, struct entry_attrs, tuple),
	    NSG_ATTR(CTA_ZONE, BE16, struct entry_attrs, zone),
	    NSG_ATTR(CTA_MARK, BE32, struct entry_attrs, mark),
	    NSG_ATTR(CTA_ID, BE32, struct entry_attrs, id),
	    NSG_ATTR(CTA_PROTOINFO, BYTES, struct entry_attrs, protoinfo),
	};
	struct sweep *s = arg;
	const struct nsg_conntrack_sweep *order = s->order;
	struct entry_attrs a = {0};
	struct nsg_connection c;
	uint32_t desired;

	if (nsg_attr_parse(nlh, sizeof(struct nfgenmsg), policy, NSG_ARRAY_SIZE(policy), &a) < 0 ||
	    a.tuple.size > UPDATE_BYTES / 2)
		return 0;
	c = (struct nsg_connection){
	    .mark = a.mark,
	    .id = a.id,
	    .tcp_established = is_established(a.protoinfo),
	};
	if ((c.mark & order->match_mask) != order->match)
		return 0;
	desired = order->desired(&c, order->arg) & order->mask;
	return desired == (c.mark & order->mask) ? 0 : add_update(s, &a, desired);
}

/* Nothing to discard: a repeated dump finds only the entries that are left. */
static void keep(void *arg)
{
	(void)arg;
}

int nsg_conntrack_apply(struct nsg_nl *dump, struct nsg_nl *update,
			const struct nsg_conntrack_sweep *sweep, uint32_t *ret_n)
{
	struct sweep s = {.update = update, .order = sweep};
	uint32_t n = 0;
	char buffer[128];
	int r = 0;

	for (int pass = 0; pass < PASSES; pass++) {
		struct nlmsghdr *nlh = ct_message(buffer, IPCTNL_MSG_CT_GET, 0);

		if (sweep->match_mask) {
			mnl_attr_put_u32(nlh, CTA_MARK, htonl(sweep->match));
			mnl_attr_put_u32(nlh, CTA_MARK_MASK, htonl(sweep->match_mask));
		}
		s.n = 0;
		r = nsg_nl_dump(dump, nlh, take_entry, keep, &s);
		if (r >= 0)
			r = flush(&s);
		s.size = 0;
		n += s.n;
		if (r < 0 || !s.n)
			break;
	}
	/* EINVAL or EOPNOTSUPP: ctnetlink is not loaded, and there are no entries either */
	if (r < 0 && r != -EINVAL && r != -EOPNOTSUPP)
		return r;
	if (ret_n)
		*ret_n = n;
	return 0;
}
