/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

/* Updates in one send: the kernel takes them one by one, the system call is what costs. */
#define CHUNK_BYTES (32u << 10)
/* Room for one update: a tuple of IPv4 takes some 60 bytes. */
#define UPDATE_BYTES 512u
/* A pass after which something was still found is followed by another, so often. */
#define PASSES 4

struct sweep {
	struct nsg_nl *update;
	uint32_t match_mask, match, mask, value;
	uint32_t n;
	char chunk[CHUNK_BYTES];
	size_t size;
	uint32_t first_seq, last_seq;
	int error;
};

static int flush(struct sweep *s)
{
	struct nsg_nl_answer answer;
	int r;

	if (!s->size)
		return 0;
	/* ENOENT: the connection has ended meanwhile */
	r = nsg_nl_batch(s->update, s->chunk, s->size, s->first_seq, s->last_seq, -ENOENT, &answer);
	s->size = 0;
	if (r < 0)
		return r;
	return answer.error;
}

struct attrs {
	const struct nlattr *v[CTA_MAX + 1];
};

static int take_attr(const struct nlattr *attr, void *data)
{
	struct attrs *a = data;

	if (mnl_attr_get_type(attr) <= CTA_MAX)
		a->v[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
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

static int take_entry(const struct nlmsghdr *nlh, void *arg)
{
	struct sweep *s = arg;
	struct attrs a = { { 0 } };
	struct nlmsghdr *update;
	uint32_t mark;
	int r;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct nfgenmsg) ||
	    mnl_attr_parse(nlh, sizeof(struct nfgenmsg), take_attr, &a) < 0 ||
	    !a.v[CTA_TUPLE_ORIG] || !a.v[CTA_MARK] ||
	    mnl_attr_get_payload_len(a.v[CTA_MARK]) != sizeof(mark))
		return 0;
	mark = ntohl(mnl_attr_get_u32(a.v[CTA_MARK]));
	if ((mark & s->match_mask) != s->match || (mark & s->mask) == s->value ||
	    mnl_attr_get_len(a.v[CTA_TUPLE_ORIG]) > UPDATE_BYTES / 2)
		return 0;
	if (s->size + UPDATE_BYTES > sizeof(s->chunk)) {
		r = flush(s);
		if (r < 0)
			return r;
	}
	update = ct_message(s->chunk + s->size, IPCTNL_MSG_CT_NEW, NLM_F_REQUEST);
	mnl_attr_put(update, CTA_TUPLE_ORIG | NLA_F_NESTED,
		     mnl_attr_get_payload_len(a.v[CTA_TUPLE_ORIG]),
		     mnl_attr_get_payload(a.v[CTA_TUPLE_ORIG]));
	if (a.v[CTA_ZONE])
		mnl_attr_put(update, CTA_ZONE, mnl_attr_get_payload_len(a.v[CTA_ZONE]),
			     mnl_attr_get_payload(a.v[CTA_ZONE]));
	mnl_attr_put_u32(update, CTA_MARK, htonl(s->value));
	mnl_attr_put_u32(update, CTA_MARK_MASK, htonl(s->mask));
	update->nlmsg_seq = ++s->update->seq;
	if (!s->size)
		s->first_seq = update->nlmsg_seq;
	s->last_seq = update->nlmsg_seq;
	s->size += MNL_ALIGN(update->nlmsg_len);
	s->n++;
	return 0;
}

/* What is rewritten stays so: a dump that begins again meets only what is left. */
static void keep(void *arg)
{
	(void)arg;
}

int nsg_conntrack_rewrite(struct nsg_nl *dump, struct nsg_nl *update, uint32_t match_mask,
			  uint32_t match, uint32_t mask, uint32_t value, uint32_t *ret_n)
{
	struct sweep s = {
		.update = update,
		.match_mask = match_mask,
		.match = match,
		.mask = mask,
		.value = value & mask,
	};
	uint32_t n = 0;
	char buffer[128];
	int r = 0;

	for (int pass = 0; pass < PASSES; pass++) {
		struct nlmsghdr *nlh = ct_message(buffer, IPCTNL_MSG_CT_GET, 0);

		mnl_attr_put_u32(nlh, CTA_MARK, htonl(match));
		mnl_attr_put_u32(nlh, CTA_MARK_MASK, htonl(match_mask));
		s.n = 0;
		r = nsg_nl_dump(dump, nlh, take_entry, keep, &s);
		if (r >= 0)
			r = flush(&s);
		s.size = 0;
		n += s.n;
		if (r < 0 || !s.n)
			break;
	}
	/* EINVAL, EOPNOTSUPP: nobody has loaded ctnetlink's part, so there are no entries either */
	if (r < 0 && r != -EOPNOTSUPP)
		return r;
	if (ret_n)
		*ret_n = n;
	return 0;
}
