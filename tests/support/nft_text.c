/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/nft_text.h"

#include <arpa/inet.h>
#include <netinet/in.h> /* before the kernel's headers, which then leave out what it defines */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4.h>

#include "kernel/nft_set.h"
#include "support/nft_text_priv.h"
#include "util/cleanup.h"
#include "util/macro.h"

struct nft_text_block *nft_text_find(struct nft_text_table *t, const char *name, const char *kind)
{
	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(t->blocks[i].name, name) && strstr(kind, t->blocks[i].kind))
			return &t->blocks[i];
	abort();
}

static struct nft_text_block *add(struct nft_text_table *t, const char *kind, const char *name)
{
	struct nft_text_block *b = &t->blocks[t->n++];

	if (t->n > NSG_ARRAY_SIZE(t->blocks))
		abort();
	(void)snprintf(b->kind, sizeof(b->kind), "%s", kind);
	(void)snprintf(b->name, sizeof(b->name), "%s", name);
	b->body = open_memstream(&b->text, &b->size);
	if (!b->body)
		abort();
	return b;
}

/* --- values ---------------------------------------------------------------------------------- */

const char *nft_text_protocol(uint8_t protocol)
{
	return protocol == IPPROTO_TCP	    ? "tcp"
	       : protocol == IPPROTO_UDP    ? "udp"
	       : protocol == IPPROTO_ICMP   ? "icmp"
	       : protocol == IPPROTO_ICMPV6 ? "ipv6-icmp"
					    : NULL;
}

static const char *type_name(uint32_t type)
{
	switch (type) {
	case NFT_TYPE_IPV4_ADDR:
		return "ipv4_addr";
	case NFT_TYPE_IPV6_ADDR:
		return "ipv6_addr";
	case NFT_TYPE_INET_PROTO:
		return "inet_proto";
	case NFT_TYPE_INET_SERVICE:
		return "inet_service";
	case NFT_TYPE_MARK:
		return "mark";
	case NFT_TYPE_IFINDEX:
		return "iface_index";
	case NFT_TYPE_UID:
		return "uid";
	case NFT_TYPE_IFNAME:
		return "ifname";
	case NFT_TYPE_CGROUPSV2:
		return "cgroupsv2";
	default:
		abort();
	}
}

/* Of a concatenation, 6 bits each, the first one highest. */
static void put_type(FILE *f, uint32_t type)
{
	if (type >> 6) {
		put_type(f, type >> 6);
		(void)fputs(" . ", f);
	}
	(void)fputs(type_name(type & 0x3f), f);
}

static void put_value(FILE *f, uint32_t type, const void *data)
{
	char ip[INET6_ADDRSTRLEN];
	uint32_t u32;
	uint8_t u8;

	memcpy(&u8, data, sizeof(u8));
	if (type >> 6) {
		put_value(f, type >> 6, data);
		(void)fputs(" . ", f);
		put_value(f, type & 0x3f, (const char *)data + 4);
		return;
	}
	switch (type) {
	case NFT_TYPE_IPV4_ADDR:
		(void)fputs(inet_ntop(AF_INET, data, ip, sizeof(ip)), f);
		break;
	case NFT_TYPE_IPV6_ADDR:
		(void)fputs(inet_ntop(AF_INET6, data, ip, sizeof(ip)), f);
		break;
	case NFT_TYPE_INET_PROTO:
		if (nft_text_protocol(u8))
			(void)fputs(nft_text_protocol(u8), f);
		else
			(void)fprintf(f, "%u", u8);
		break;
	case NFT_TYPE_IFNAME:
		(void)fprintf(f, "\"%s\"", (const char *)data);
		break;
	default:
		memcpy(&u32, data, sizeof(u32));
		(void)fprintf(f, type == NFT_TYPE_MARK ? "0x%08x" : "%u", u32);
		break;
	}
}

static void put_range(FILE *f, uint32_t lo, uint32_t hi)
{
	const uint32_t lo_be = htonl(lo), hi_be = htonl(hi), host = lo ^ hi;

	put_value(f, NFT_TYPE_IPV4_ADDR, &lo_be);
	if (!(host & (host + 1)) && !(lo & host) && host) {
		(void)fprintf(f, "/%d", 32 - __builtin_popcount(host));
	} else if (host) {
		(void)fputc('-', f);
		put_value(f, NFT_TYPE_IPV4_ADDR, &hi_be);
	}
}

/* --- messages -------------------------------------------------------------------------------- */

static void take_table(struct nft_text_table *t, const struct nlmsghdr *nlh)
{
	struct nftnl_table *o = nftnl_table_alloc();

	if (!o || nftnl_table_nlmsg_parse(nlh, o) < 0)
		abort();
	(void)snprintf(t->name, sizeof(t->name), "%s", nftnl_table_get_str(o, NFTNL_TABLE_NAME));
	t->owned |= nftnl_table_is_set(o, NFTNL_TABLE_FLAGS) &&
		    nftnl_table_get_u32(o, NFTNL_TABLE_FLAGS) & NFT_TABLE_F_OWNER;
	nftnl_table_free(o);
}

static void put_policy(FILE *f, struct nftnl_obj *o, uint8_t protocol)
{
	/* by CTA_TIMEOUT_TCP_*, CTA_TIMEOUT_UDP_* */
	static const char *const tcp[] = {"syn_sent", "syn_recv", "established"}, *const udp[] = {
										      "unreplied",
										      "replied"};
	const char *const *names = protocol == IPPROTO_TCP ? tcp : udp;
	const size_t n = protocol == IPPROTO_TCP ? NSG_ARRAY_SIZE(tcp) : NSG_ARRAY_SIZE(udp);
	const uint32_t *seconds = nftnl_obj_get(o, NFTNL_OBJ_CT_TIMEOUT_ARRAY);
	const char *separator = "";

	(void)fputs("\t\tpolicy = {", f);
	for (size_t i = 0; i < n; i++) {
		if (!seconds[i])
			continue;
		(void)fprintf(f, "%s %s : %u", separator, names[i], seconds[i]);
		separator = ",";
	}
	(void)fputs(" }\n", f);
}

static void take_object(struct nft_text_table *t, const struct nlmsghdr *nlh)
{
	struct nftnl_obj *o = nftnl_obj_alloc();
	struct nft_text_block *b;
	uint8_t protocol;

	if (!o || nftnl_obj_nlmsg_parse(nlh, o) < 0)
		abort();
	if (nftnl_obj_get_u32(o, NFTNL_OBJ_TYPE) == NFT_OBJECT_COUNTER) {
		add(t, "counter", nftnl_obj_get_str(o, NFTNL_OBJ_NAME));
	} else {
		b = add(t, "ct timeout", nftnl_obj_get_str(o, NFTNL_OBJ_NAME));
		protocol = nftnl_obj_get_u8(o, NFTNL_OBJ_CT_TIMEOUT_L4PROTO);
		(void)fputs("\t\tprotocol ", b->body);
		put_value(b->body, NFT_TYPE_INET_PROTO, &protocol);
		(void)fputs("\n\t\tl3proto ip\n", b->body);
		put_policy(b->body, o, protocol);
	}
	nftnl_obj_free(o);
}

static void take_set(struct nft_text_table *t, const struct nlmsghdr *nlh)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} flags[] = {{NFT_SET_EVAL, "dynamic"},
		     {NFT_SET_TIMEOUT, "timeout"},
		     {NFT_SET_INTERVAL, "interval"}};
	struct nftnl_set *s = nftnl_set_alloc();
	uint32_t has;
	const char *separator = "\t\tflags ";
	struct nft_text_block *b;

	if (!s || nftnl_set_nlmsg_parse(nlh, s) < 0)
		abort();
	has = nftnl_set_get_u32(s, NFTNL_SET_FLAGS);
	b = add(t, has & (NFT_SET_MAP | NFT_SET_OBJECT) ? "map" : "set",
		nftnl_set_get_str(s, NFTNL_SET_NAME));
	b->key_type = nftnl_set_get_u32(s, NFTNL_SET_KEY_TYPE);
	b->intervals = has & NFT_SET_INTERVAL;
	(void)fputs("\t\ttype ", b->body);
	put_type(b->body, b->key_type);
	if (has & NFT_SET_MAP) {
		b->data_type = nftnl_set_get_u32(s, NFTNL_SET_DATA_TYPE);
		(void)fputs(" : ", b->body);
		put_type(b->body, b->data_type);
	} else if (has & NFT_SET_OBJECT) {
		(void)fputs(" : counter", b->body);
	}
	(void)fputc('\n', b->body);
	if (nftnl_set_is_set(s, NFTNL_SET_DESC_SIZE))
		(void)fprintf(b->body, "\t\tsize %u\n", nftnl_set_get_u32(s, NFTNL_SET_DESC_SIZE));
	for (size_t i = 0; i < NSG_ARRAY_SIZE(flags); i++) {
		if (!(has & flags[i].flag))
			continue;
		(void)fprintf(b->body, "%s%s", separator, flags[i].name);
		separator = ",";
	}
	if (*separator == ',')
		(void)fputc('\n', b->body);
	if (nftnl_set_is_set(s, NFTNL_SET_EXPR))
		(void)fputs("\t\tcounter\n", b->body);
	nftnl_set_free(s);
}

struct listing {
	struct nft_text_block *b;
	bool has_begin;
	uint32_t begin_host;
	uint8_t begin6[16];
};

/* end: the address after the last. */
static void put_range6(FILE *f, const uint8_t begin[16], const uint8_t end[16])
{
	unsigned int length = 128;
	uint8_t last[16];
	size_t i = 16;

	memcpy(last, end, sizeof(last));
	while (i > 0 && last[i - 1]-- == 0)
		i--;
	for (unsigned int bit = 128; bit-- > 0;)
		if ((begin[bit / 8] ^ last[bit / 8]) & 0x80u >> bit % 8)
			length = bit;
	put_value(f, NFT_TYPE_IPV6_ADDR, begin);
	if (length < 128)
		(void)fprintf(f, "/%u", length);
}

/* The range that has no end element. */
static void put_last(struct listing *list)
{
	static const uint8_t zero[16];

	(void)fputs(list->b->n_elements++ ? ", " : "\t\telements = { ", list->b->body);
	if (list->b->key_type == NFT_TYPE_IPV6_ADDR)
		put_range6(list->b->body, list->begin6, zero);
	else
		put_range(list->b->body, list->begin_host, UINT32_MAX);
	list->has_begin = false;
}

static int put_element(struct nftnl_set_elem *e, void *arg)
{
	struct listing *list = arg;
	struct nft_text_block *b = list->b;
	uint32_t size, addr;
	const void *key = nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY, &size);
	bool end = nftnl_set_elem_is_set(e, NFTNL_SET_ELEM_FLAGS) &&
		   nftnl_set_elem_get_u32(e, NFTNL_SET_ELEM_FLAGS) & NFT_SET_ELEM_INTERVAL_END;

	memcpy(&addr, key, sizeof(addr) < size ? sizeof(addr) : size);
	if (b->intervals && !end && list->has_begin) /* up to the last address */
		put_last(list);
	if (b->intervals && !end) {
		list->has_begin = true;
		memcpy(list->begin6, key,
		       size < sizeof(list->begin6) ? size : sizeof(list->begin6));
		list->begin_host = ntohl(addr);
		return 0;
	}
	(void)fputs(b->n_elements++ ? ", " : "\t\telements = { ", b->body);
	list->has_begin = false;
	if (end && b->key_type == NFT_TYPE_IPV6_ADDR)
		put_range6(b->body, list->begin6, key);
	else if (end)
		put_range(b->body, list->begin_host, ntohl(addr) - 1);
	else
		put_value(b->body, b->key_type, key);
	if (nftnl_set_elem_is_set(e, NFTNL_SET_ELEM_TIMEOUT))
		(void)fprintf(
		    b->body, " timeout %us",
		    /* what is left of it when the batch is made */
		    (unsigned int)((nftnl_set_elem_get_u64(e, NFTNL_SET_ELEM_TIMEOUT) + 999) /
				   1000));
	if (nftnl_set_elem_is_set(e, NFTNL_SET_ELEM_OBJREF))
		(void)fprintf(b->body, " : \"%s\"",
			      nftnl_set_elem_get_str(e, NFTNL_SET_ELEM_OBJREF));
	if (b->data_type) {
		(void)fputs(" : ", b->body);
		put_value(b->body, b->data_type, nftnl_set_elem_get(e, NFTNL_SET_ELEM_DATA, &size));
	}
	return 0;
}

/* libnftnl numbers the elements that it writes from 1, and reads only those that have number 1. */
static int renumber(const struct nlattr *attr, void *data)
{
	struct nlattr *element;

	(void)data;
	if (mnl_attr_get_type(attr) != NFTA_SET_ELEM_LIST_ELEMENTS)
		return MNL_CB_OK;
	mnl_attr_for_each_nested(element, attr) element->nla_type = NLA_F_NESTED | NFTA_LIST_ELEM;
	return MNL_CB_OK;
}

static void take_elements(struct nft_text_table *t, const struct nlmsghdr *nlh)
{
	cleanup_free struct nlmsghdr *copy = malloc(nlh->nlmsg_len);
	struct nftnl_set *s = nftnl_set_alloc();
	struct listing list = {0};

	if (!copy)
		abort();
	memcpy(copy, nlh, nlh->nlmsg_len);
	(void)mnl_attr_parse(copy, sizeof(struct nfgenmsg), renumber, NULL);
	if (!s || nftnl_set_elems_nlmsg_parse(copy, s) < 0)
		abort();
	list.b = nft_text_find(t, nftnl_set_get_str(s, NFTNL_SET_NAME), "set map");
	(void)nftnl_set_elem_foreach(s, put_element, &list);
	if (list.has_begin)
		put_last(&list);
	nftnl_set_free(s);
}

static void take_chain(struct nft_text_table *t, const struct nlmsghdr *nlh)
{
	static const char *const hooks[] = {"prerouting", "input", "forward", "output",
					    "postrouting"};
	struct nftnl_chain *c = nftnl_chain_alloc();
	struct nft_text_block *b;
	bool mangle;
	int offset;

	if (!c || nftnl_chain_nlmsg_parse(nlh, c) < 0)
		abort();
	b = add(t, "chain", nftnl_chain_get_str(c, NFTNL_CHAIN_NAME));
	if (nftnl_chain_is_set(c, NFTNL_CHAIN_HOOKNUM)) {
		offset = nftnl_chain_get_s32(c, NFTNL_CHAIN_PRIO);
		mangle = offset < 0;
		offset -= mangle ? NF_IP_PRI_MANGLE : NF_IP_PRI_NAT_SRC;
		(void)fprintf(b->body, "\t\ttype %s hook %s priority %s",
			      nftnl_chain_get_str(c, NFTNL_CHAIN_TYPE),
			      hooks[nftnl_chain_get_u32(c, NFTNL_CHAIN_HOOKNUM)],
			      mangle ? "mangle" : "srcnat");
		if (offset)
			(void)fprintf(b->body, " + %d", offset);
		(void)fputs("; policy accept;\n", b->body);
	}
	nftnl_chain_free(c);
}

static void take_rule(struct nft_text_table *t, const struct nlmsghdr *nlh)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	cleanup_free char *text = NULL;

	if (!rule || nftnl_rule_nlmsg_parse(nlh, rule) < 0)
		abort();
	text = nft_text_rule(t, rule);
	(void)fprintf(nft_text_find(t, nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN), "chain")->body,
		      "\t\t%s\n", text);
	nftnl_rule_free(rule);
}

static void take_message(struct nft_text_table *t, const struct nlmsghdr *nlh)
{
	if (nlh->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
		return;
	switch (nlh->nlmsg_type & 0xff) {
	case NFT_MSG_NEWTABLE:
		take_table(t, nlh);
		break;
	case NFT_MSG_NEWOBJ:
		take_object(t, nlh);
		break;
	case NFT_MSG_NEWSET:
		take_set(t, nlh);
		break;
	case NFT_MSG_NEWSETELEM:
		take_elements(t, nlh);
		break;
	case NFT_MSG_NEWCHAIN:
		take_chain(t, nlh);
		break;
	case NFT_MSG_NEWRULE:
		take_rule(t, nlh);
		break;
	default: /* deletes what an empty kernel does not have */
		break;
	}
}

static void put_blocks(FILE *f, struct nft_text_table *t, const char *kinds)
{
	bool empty = false;

	for (size_t i = 0; i < t->n; i++) {
		struct nft_text_block *b = &t->blocks[i];

		if (!strstr(kinds, b->kind))
			continue;
		(void)fprintf(b->body, "%s", b->n_elements ? " }\n" : "");
		(void)fclose(b->body);
		(void)fprintf(f, "%s\t%s %s {", empty && !b->size ? "" : "\n", b->kind, b->name);
		if (b->size)
			(void)fprintf(f, "\n%s\t}\n", b->text);
		else
			(void)fputs(" }\n", f);
		empty = !b->size;
		free(b->text);
	}
}

char *nft_text(const struct nsg_nft_batch *b, bool ip6)
{
	struct nft_text_table *t = calloc(1, sizeof(*t));
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!t || !f || b->error)
		abort();
	for (size_t at = 0; at < b->data.n;) {
		const struct nlmsghdr *nlh = (const void *)(b->data.v + at);

		const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);

		if (nfg->nfgen_family == (ip6 ? NFPROTO_IPV6 : NFPROTO_IPV4))
			take_message(t, nlh);
		at += MNL_ALIGN(nlh->nlmsg_len);
	}
	(void)fprintf(f, "table %s %s {\n%s", ip6 ? "ip6" : "ip", t->name,
		      t->owned ? "\tflags owner\n" : "");
	put_blocks(f, t, "counter");
	put_blocks(f, t, "ct timeout");
	put_blocks(f, t, "set map");
	put_blocks(f, t, "chain");
	(void)fputs("}\n", f);
	(void)fclose(f);
	free(t);
	return text;
}
