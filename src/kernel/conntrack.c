/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>

#include <libmnl/libmnl.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

/* Updates in one send: the kernel takes them one by one, the system call is what costs. */
#define CHUNK_BYTES (32u << 10)
/* Room for one update: a tuple of IPv4, a zone and a mark take some 100 bytes. */
#define UPDATE_BYTES 512u
/* A pass after which something was still found is followed by another, so often. */
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
	/* ENOENT: the connection has ended meanwhile */
	r = nsg_nl_batch(s->update, s->chunk, s->size, s->first_seq, s->last_seq, -ENOENT, &answer);
	s->size = 0;
	if (r < 0)
		return r;
	return answer.error;
}

#define cleanup_nfct __attribute__((cleanup(nfct_cleanup)))

static void nfct_cleanup(struct nf_conntrack **ct)
{
	if (*ct)
		nfct_destroy(*ct);
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

/* What the kernel finds the connection by; everything else of it stays as it is. */
static struct nf_conntrack *name_of(const struct nf_conntrack *ct)
{
	struct nf_conntrack *name = nfct_new();

	if (!name)
		return NULL;
	nfct_copy(name, ct, NFCT_CP_ORIG);
	if (nfct_attr_is_set(ct, ATTR_ZONE) > 0)
		nfct_copy_attr(name, ct, ATTR_ZONE);
	if (nfct_attr_is_set(ct, ATTR_ORIG_ZONE) > 0)
		nfct_copy_attr(name, ct, ATTR_ORIG_ZONE);
	return name;
}

static int add_update(struct sweep *s, const struct nf_conntrack *ct, uint32_t value)
{
	cleanup_nfct struct nf_conntrack *name = name_of(ct);
	struct nlmsghdr *nlh;
	int r;

	if (!name)
		return -ENOMEM;
	if (s->size + UPDATE_BYTES > sizeof(s->chunk)) {
		r = flush(s);
		if (r < 0)
			return r;
	}
	nlh = ct_message(s->chunk + s->size, IPCTNL_MSG_CT_NEW, NLM_F_REQUEST);
	if (nfct_nlmsg_build(nlh, name) < 0)
		return 0; /* an entry without a tuple is nobody's */
	/* The library has no mask: without one the kernel would write all of the mark. */
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
	struct sweep *s = arg;
	const struct nsg_conntrack_sweep *order = s->order;
	cleanup_nfct struct nf_conntrack *ct = nfct_new();
	struct nsg_connection c;
	uint32_t wanted;

	if (!ct)
		return -ENOMEM;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct nfgenmsg) ||
	    nfct_nlmsg_parse(nlh, ct) < 0 || nfct_attr_is_set(ct, ATTR_ORIG_L3PROTO) <= 0)
		return 0;
	c = (struct nsg_connection){
	    .mark = nfct_get_attr_u32(ct, ATTR_MARK),
	    .id = nfct_get_attr_u32(ct, ATTR_ID),
	    .tcp_established = nfct_attr_is_set(ct, ATTR_TCP_STATE) > 0 &&
			       nfct_get_attr_u8(ct, ATTR_TCP_STATE) == TCP_CONNTRACK_ESTABLISHED,
	};
	if ((c.mark & order->match_mask) != order->match)
		return 0;
	wanted = order->wanted(&c, order->arg) & order->mask;
	return wanted == (c.mark & order->mask) ? 0 : add_update(s, ct, wanted);
}

/* What is rewritten stays so: a dump that begins again meets only what is left. */
static void keep(void *arg)
{
	(void)arg;
}

int nsg_conntrack_rewrite(struct nsg_nl *dump, struct nsg_nl *update,
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
	/* EINVAL or EOPNOTSUPP: nobody has loaded ctnetlink, and there are no entries either */
	if (r < 0 && r != -EINVAL && r != -EOPNOTSUPP)
		return r;
	if (ret_n)
		*ret_n = n;
	return 0;
}

static uint32_t constant(const struct nsg_connection *c, void *arg)
{
	(void)c;
	return *(const uint32_t *)arg;
}

int nsg_conntrack_set(struct nsg_nl *dump, struct nsg_nl *update, uint32_t match_mask,
		      uint32_t match, uint32_t mask, uint32_t value, uint32_t *ret_n)
{
	const struct nsg_conntrack_sweep sweep = {
	    .match_mask = match_mask,
	    .match = match,
	    .mask = mask,
	    .wanted = constant,
	    .arg = &value,
	};

	return nsg_conntrack_rewrite(dump, update, &sweep, ret_n);
}
