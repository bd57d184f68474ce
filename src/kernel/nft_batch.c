/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nft_batch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_cttimeout.h>
#include <netinet/in.h>

#include "util/cleanup.h"

/* Room kept free for the message being built: libnftnl does not check bounds. The largest message
 * is a list of NSG_NFT_ELEMENTS elements. */
#define HEADROOM_BYTES (96u << 10)

void nsg_nft_batch_begin(struct nsg_nft_batch *b, const char *table)
{
	*b = (struct nsg_nft_batch){.table = table};
}

void nsg_nft_batch_ip6(struct nsg_nft_batch *b, bool ip6)
{
	b->ip6 = ip6;
}

uint8_t nsg_nft_batch_family(const struct nsg_nft_batch *b)
{
	return b->ip6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
}

void nsg_nft_batch_done(struct nsg_nft_batch *b)
{
	if (b->rule)
		nftnl_rule_free(b->rule);
	if (b->elements)
		nftnl_set_free(b->elements);
	nsg_vec_done(&b->data);
	nsg_vec_done(&b->what);
	*b = (struct nsg_nft_batch){0};
}

bool nsg_nft_batch_is_empty(const struct nsg_nft_batch *b)
{
	return b->what.n <= 1;
}

void nsg_nft_fail(struct nsg_nft_batch *b, int error)
{
	if (!b->error)
		b->error = error;
}

static bool make_room(struct nsg_nft_batch *b)
{
	int r = nsg_vec_reserve(&b->data, HEADROOM_BYTES);

	if (r < 0)
		nsg_nft_fail(b, r);
	return !b->error;
}

static bool note(struct nsg_nft_batch *b, const struct nsg_nft_what *what)
{
	int r = nsg_vec_push(&b->what, *what);

	if (r < 0)
		nsg_nft_fail(b, r);
	return !b->error;
}

/* The message that opens or closes the transaction (NFNL_MSG_BATCH_*). */
static void put_edge(struct nsg_nft_batch *b, uint16_t type)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(b->data.v + b->data.n);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = AF_UNSPEC;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(NFNL_SUBSYS_NFTABLES);
	b->last = b->data.n;
	b->data.n += MNL_ALIGN(nlh->nlmsg_len);
}

struct nlmsghdr *nsg_nft_message(struct nsg_nft_batch *b, int type, uint16_t flags,
				 const char *format, ...)
{
	struct nsg_nft_what what = {"the transaction", b->ip6};
	va_list args;

	if (b->error || !make_room(b))
		return NULL;
	if (!b->what.n) {
		if (!note(b, &what))
			return NULL;
		put_edge(b, NFNL_MSG_BATCH_BEGIN);
		if (!make_room(b))
			return NULL;
	}
	va_start(args, format);
	(void)vsnprintf(what.text, sizeof(what.text), format, args);
	va_end(args);
	if (!note(b, &what))
		return NULL;
	return nftnl_nlmsg_build_hdr(b->data.v + b->data.n, (uint16_t)type, nsg_nft_batch_family(b),
				     flags, 0);
}

void nsg_nft_message_end(struct nsg_nft_batch *b, struct nlmsghdr *nlh)
{
	b->last = b->data.n;
	b->data.n += MNL_ALIGN(nlh->nlmsg_len);
}

static void table_message(struct nsg_nft_batch *b, int type, uint16_t flags, uint32_t table_flags)
{
	struct nftnl_table *t = nftnl_table_alloc();
	struct nlmsghdr *nlh;

	nlh = t ? nsg_nft_message(b, type, flags, "table %s %s", b->ip6 ? "ip6" : "ip", b->table)
		: NULL;
	if (!t)
		nsg_nft_fail(b, -ENOMEM);
	if (nlh) {
		nsg_nft_check(b, nftnl_table_set_str(t, NFTNL_TABLE_NAME, b->table));
		if (table_flags != NSG_NFT_TABLE_AS_IT_IS)
			nftnl_table_set_u32(t, NFTNL_TABLE_FLAGS, table_flags);
		nftnl_table_nlmsg_build_payload(nlh, t);
		nsg_nft_message_end(b, nlh);
	}
	if (t)
		nftnl_table_free(t);
}

void nsg_nft_table_add(struct nsg_nft_batch *b, uint32_t flags)
{
	table_message(b, NFT_MSG_NEWTABLE, NLM_F_CREATE, flags);
}

void nsg_nft_table_delete(struct nsg_nft_batch *b)
{
	table_message(b, NFT_MSG_DELTABLE, 0, NSG_NFT_TABLE_AS_IT_IS);
}

/* type NULL: a regular chain */
static void chain_message(struct nsg_nft_batch *b, const char *name, const char *type,
			  uint32_t hook, int32_t priority)
{
	struct nftnl_chain *c = nftnl_chain_alloc();
	struct nlmsghdr *nlh;

	nlh = c ? nsg_nft_message(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE, "chain %s", name) : NULL;
	if (!c)
		nsg_nft_fail(b, -ENOMEM);
	if (nlh) {
		nsg_nft_check(b, nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, b->table));
		nsg_nft_check(b, nftnl_chain_set_str(c, NFTNL_CHAIN_NAME, name));
		if (type) {
			nsg_nft_check(b, nftnl_chain_set_str(c, NFTNL_CHAIN_TYPE, type));
			nftnl_chain_set_u32(c, NFTNL_CHAIN_HOOKNUM, hook);
			nftnl_chain_set_s32(c, NFTNL_CHAIN_PRIO, priority);
			nftnl_chain_set_u32(c, NFTNL_CHAIN_POLICY, NF_ACCEPT);
		}
		nftnl_chain_nlmsg_build_payload(nlh, c);
		nsg_nft_message_end(b, nlh);
	}
	if (c)
		nftnl_chain_free(c);
}

void nsg_nft_base_chain(struct nsg_nft_batch *b, const char *name, const char *type, uint32_t hook,
			int32_t priority)
{
	chain_message(b, name, type, hook, priority);
}

void nsg_nft_chain(struct nsg_nft_batch *b, const char *name)
{
	chain_message(b, name, NULL, 0, 0);
}

void nsg_nft_chain_flush(struct nsg_nft_batch *b, const char *name)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct nlmsghdr *nlh;

	nlh = rule ? nsg_nft_message(b, NFT_MSG_DELRULE, 0, "rules of chain %s", name) : NULL;
	if (!rule)
		nsg_nft_fail(b, -ENOMEM);
	if (nlh) {
		nsg_nft_check(b, nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, b->table));
		nsg_nft_check(b, nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, name));
		nftnl_rule_nlmsg_build_payload(nlh, rule);
		nsg_nft_message_end(b, nlh);
	}
	if (rule)
		nftnl_rule_free(rule);
}

static struct nftnl_obj *object(struct nsg_nft_batch *b, const char *name, uint32_t type)
{
	struct nftnl_obj *o = nftnl_obj_alloc();

	if (!o) {
		nsg_nft_fail(b, -ENOMEM);
		return NULL;
	}
	nftnl_obj_set_u32(o, NFTNL_OBJ_FAMILY, nsg_nft_batch_family(b));
	nftnl_obj_set_u32(o, NFTNL_OBJ_TYPE, type);
	nftnl_obj_set_str(o, NFTNL_OBJ_TABLE, b->table);
	nftnl_obj_set_str(o, NFTNL_OBJ_NAME, name);
	/* the library does not report that its copy failed, and would use it */
	if (!nftnl_obj_get_str(o, NFTNL_OBJ_TABLE) || !nftnl_obj_get_str(o, NFTNL_OBJ_NAME)) {
		nsg_nft_fail(b, -ENOMEM);
		nftnl_obj_free(o);
		return NULL;
	}
	return o;
}

static void object_message(struct nsg_nft_batch *b, int type, uint16_t flags, const char *kind,
			   struct nftnl_obj *o)
{
	struct nlmsghdr *nlh;

	nlh = nsg_nft_message(b, type, flags, "%s %s", kind, nftnl_obj_get_str(o, NFTNL_OBJ_NAME));
	if (nlh) {
		nftnl_obj_nlmsg_build_payload(nlh, o);
		nsg_nft_message_end(b, nlh);
	}
	nftnl_obj_free(o);
}

void nsg_nft_counter(struct nsg_nft_batch *b, const char *name)
{
	struct nftnl_obj *o = object(b, name, NFT_OBJECT_COUNTER);

	if (!o)
		return;
	/* the kernel requires the data of the object, even if it is zero */
	nftnl_obj_set_u64(o, NFTNL_OBJ_CTR_PKTS, 0);
	nftnl_obj_set_u64(o, NFTNL_OBJ_CTR_BYTES, 0);
	object_message(b, NFT_MSG_NEWOBJ, NLM_F_CREATE, "counter", o);
}

/* Not with libnftnl, which sends 0 for all other states: these keep the timeouts of the host. */
void nsg_nft_ct_timeout(struct nsg_nft_batch *b, const char *name, uint8_t protocol,
			uint32_t timeout_sec)
{
	struct nlmsghdr *nlh =
	    nsg_nft_message(b, NFT_MSG_NEWOBJ, NLM_F_CREATE, "ct timeout %s", name);
	struct nlattr *data, *states;

	if (!nlh)
		return;
	mnl_attr_put_strz(nlh, NFTA_OBJ_TABLE, b->table);
	mnl_attr_put_strz(nlh, NFTA_OBJ_NAME, name);
	mnl_attr_put_u32(nlh, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_CT_TIMEOUT));
	data = mnl_attr_nest_start(nlh, NFTA_OBJ_DATA);
	mnl_attr_put_u16(nlh, NFTA_CT_TIMEOUT_L3PROTO, htons(NFPROTO_IPV4));
	mnl_attr_put_u8(nlh, NFTA_CT_TIMEOUT_L4PROTO, protocol);
	states = mnl_attr_nest_start(nlh, NFTA_CT_TIMEOUT_DATA);
	if (protocol == IPPROTO_TCP) {
		mnl_attr_put_u32(nlh, CTA_TIMEOUT_TCP_ESTABLISHED, htonl(timeout_sec));
	} else {
		mnl_attr_put_u32(nlh, CTA_TIMEOUT_UDP_UNREPLIED, htonl(timeout_sec));
		mnl_attr_put_u32(nlh, CTA_TIMEOUT_UDP_REPLIED, htonl(timeout_sec));
	}
	mnl_attr_nest_end(nlh, states);
	mnl_attr_nest_end(nlh, data);
	nsg_nft_message_end(b, nlh);
}

void nsg_nft_object_delete(struct nsg_nft_batch *b, const char *name, uint32_t type)
{
	struct nftnl_obj *o = object(b, name, type);

	if (o)
		object_message(b, NFT_MSG_DELOBJ, 0, "object", o);
}

/* Sets the sequence numbers. The last message before the end asks for an acknowledgement, which the
 * kernel sends after the commit. */
static void number(struct nsg_nft_batch *b, uint32_t first_seq)
{
	size_t last = b->last;
	uint32_t seq = first_seq;

	put_edge(b, NFNL_MSG_BATCH_END);
	for (size_t at = 0; at < b->data.n;) {
		struct nlmsghdr *nlh = (void *)(b->data.v + at);

		nlh->nlmsg_seq = seq++;
		if (at == last)
			nlh->nlmsg_flags |= NLM_F_ACK;
		at += MNL_ALIGN(nlh->nlmsg_len);
	}
}

static int report(const struct nsg_nft_batch *b, const struct nsg_nl *nl, const char *purpose,
		  const struct nsg_nft_what *what, int error, struct nsg_diag *diag)
{
	bool words = nl->message[0] != '\0';

	if (diag)
		(void)nsg_diag_add(
		    diag, NSG_ERROR, NULL, NULL, "%s: table %s %s: %s: %s%s%s%s%s", purpose,
		    what->ip6 ? "ip6" : "ip", b->table, what->text, strerror(-error),
		    words ? " (" : "", nl->message, words ? ")" : "",
		    error == -EPERM ? "; CAP_NET_ADMIN is missing, or another process"
				      " owns the table"
				    : "");
	return error;
}

int nsg_nft_batch_send(struct nsg_nft_batch *b, struct nsg_nl *nl, const char *purpose,
		       struct nsg_diag *diag)
{
	struct nsg_nl_answer answer;
	uint32_t first = nl->seq + 1, last;
	int r;

	if (b->error)
		return report(b, nl, purpose, &(struct nsg_nft_what){"building it"}, b->error,
			      diag);
	if (nsg_nft_batch_is_empty(b))
		return 0;
	if (!make_room(b))
		return b->error;
	last = first + (uint32_t)b->what.n - 1;
	number(b, first);
	nl->seq = last + 1;
	r = nsg_nl_batch(nl, b->data.v, b->data.n, first, last, 0, &answer);
	if (r < 0)
		return report(b, nl, purpose, &(struct nsg_nft_what){"sending it"}, r, diag);
	if (answer.error)
		return report(b, nl, purpose, &b->what.v[answer.seq - first], answer.error, diag);
	/* neither an error nor an acknowledgement: the answer was lost */
	return answer.acked
		   ? 0
		   : report(b, nl, purpose, &(struct nsg_nft_what){"no answer"}, -EIO, diag);
}
