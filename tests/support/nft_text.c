/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/nft_text.h"

#include <arpa/inet.h>
#include <net/if_arp.h>
#include <netinet/in.h> /* before the kernel's, which then gives way */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <linux/netfilter/xt_connmark.h>
#include <linux/netfilter_ipv4.h>
#include <linux/rtnetlink.h>

#include "kernel/nft_set.h"
#include "util/cleanup.h"
#include "util/macro.h"

#define TEXT 512

/* One object of the table, with its elements or rules. */
struct block {
	char kind[16], name[64];
	uint32_t key_type, data_type; /* a set's */
	FILE *body;
	char *text;
	size_t size, n_elements;
};

struct table {
	char name[64];
	bool owned;
	struct block blocks[96];
	size_t n;
};

static struct block *find(struct table *t, const char *name, const char *kind)
{
	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(t->blocks[i].name, name) && strstr(kind, t->blocks[i].kind))
			return &t->blocks[i];
	abort();
}

static struct block *add(struct table *t, const char *kind, const char *name)
{
	struct block *b = &t->blocks[t->n++];

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

static const char *protocol_name(uint8_t protocol)
{
	return protocol == IPPROTO_TCP	  ? "tcp"
	       : protocol == IPPROTO_UDP  ? "udp"
	       : protocol == IPPROTO_ICMP ? "icmp"
					  : NULL;
}

static const char *type_name(uint32_t type)
{
	switch (type) {
	case NFT_TYPE_IPV4_ADDR:
		return "ipv4_addr";
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
	char ip[INET_ADDRSTRLEN];
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
	case NFT_TYPE_INET_PROTO:
		if (protocol_name(u8))
			(void)fputs(protocol_name(u8), f);
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

/* --- rules ----------------------------------------------------------------------------------- */

enum format {
	DECIMAL,
	LINK_TYPE,
	ADDRESS_TYPE,
	MARK,
	ADDRESS,
	PROTOCOL,
	PORT,
	FLAGS, /* one byte, in hex */
	DIRECTION,
	STATE,
};

/* What a register holds: the words for it, and how a constant beside it is written. */
struct value {
	char text[TEXT];
	enum format format;
	uint32_t mask; /* of an address or a state, instead of words */
};

struct rule {
	FILE *f;
	struct value reg[32];
	uint8_t l4proto; /* matched by the rule so far */
	bool held;	 /* and not written yet: `udp dport` implies it */
};

static void say(struct rule *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct rule *r, const char *format, ...)
{
	va_list args;

	if (r->held)
		(void)fprintf(r->f, " meta l4proto %s", protocol_name(r->l4proto));
	r->held = false;
	(void)fputc(' ', r->f);
	va_start(args, format);
	(void)vfprintf(r->f, format, args);
	va_end(args);
}

static struct value *reg(struct rule *r, uint32_t number)
{
	/* NFT_REG_1 and its like are 16 bytes: four of the others */
	const uint32_t n = number < NFT_REG32_00 ? (number - NFT_REG_1) * 4 : number - NFT_REG32_00;

	if (n >= NSG_ARRAY_SIZE(r->reg))
		abort();
	return &r->reg[n];
}

static void load(struct rule *r, uint32_t number, enum format format, const char *words, ...)
    __attribute__((format(printf, 4, 5)));
static void load(struct rule *r, uint32_t number, enum format format, const char *words, ...)
{
	struct value *v = reg(r, number);
	va_list args;

	*v = (struct value){.format = format, .mask = UINT32_MAX};
	va_start(args, words);
	(void)vsnprintf(v->text, sizeof(v->text), words, args);
	va_end(args);
}

static void put_meta(struct rule *r, const struct nftnl_expr *e)
{
	const uint32_t key = nftnl_expr_get_u32(e, NFTNL_EXPR_META_KEY);
	static const struct {
		uint32_t key;
		const char *words;
		enum format format;
	} keys[] = {
	    {NFT_META_MARK, "meta mark", MARK},
	    {NFT_META_L4PROTO, "meta l4proto", PROTOCOL},
	    {NFT_META_IIFNAME, "iifname", DECIMAL},
	    {NFT_META_OIF, "oif", DECIMAL},
	    {NFT_META_OIFTYPE, "meta oiftype", LINK_TYPE},
	    {NFT_META_SKUID, "meta skuid", DECIMAL},
	};

	if (nftnl_expr_is_set(e, NFTNL_EXPR_META_SREG)) {
		say(r, "meta mark set %s",
		    reg(r, nftnl_expr_get_u32(e, NFTNL_EXPR_META_SREG))->text);
		return;
	}
	for (size_t i = 0; i < NSG_ARRAY_SIZE(keys); i++)
		if (keys[i].key == key) {
			load(r, nftnl_expr_get_u32(e, NFTNL_EXPR_META_DREG), keys[i].format, "%s",
			     keys[i].words);
			return;
		}
	abort();
}

static void put_ct(struct rule *r, const struct nftnl_expr *e)
{
	const uint32_t key = nftnl_expr_get_u32(e, NFTNL_EXPR_CT_KEY);
	const bool mark = key == NFT_CT_MARK, state = key == NFT_CT_STATE;

	if (!mark && !state && key != NFT_CT_DIRECTION)
		abort();
	if (nftnl_expr_is_set(e, NFTNL_EXPR_CT_SREG))
		say(r, "ct mark set %s", reg(r, nftnl_expr_get_u32(e, NFTNL_EXPR_CT_SREG))->text);
	else
		load(r, nftnl_expr_get_u32(e, NFTNL_EXPR_CT_DREG),
		     mark    ? MARK
		     : state ? STATE
			     : DIRECTION,
		     "ct %s",
		     mark    ? "mark"
		     : state ? "state"
			     : "direction");
}

static void put_payload(struct rule *r, const struct nftnl_expr *e)
{
	const uint32_t base = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_BASE);
	const uint32_t offset = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET);
	const uint32_t size = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_LEN);
	const uint32_t to = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_DREG);
	const bool network = base == NFT_PAYLOAD_NETWORK_HEADER;
	const char *protocol = r->l4proto == IPPROTO_UDP ? "udp" : "th";

	if (network && size == 4 && (offset == 12 || offset == 16))
		load(r, to, ADDRESS, "ip %s", offset == 12 ? "saddr" : "daddr");
	else if (network)
		abort();
	else if (size == 4 && !offset) /* both ports at once */
		load(r, to, PORT, "%s sport %%u %s dport", protocol, protocol);
	else if (size == 2)
		load(r, to, PORT, "%s %s", protocol, offset ? "dport" : "sport");
	else
		load(r, to, FLAGS, "@th,%u,%u", offset * 8, size * 8);
	/* `udp dport` asks for the protocol by itself */
	if (r->l4proto == IPPROTO_UDP && !network)
		r->held = false;
}

static void put_bitwise(struct rule *r, const struct nftnl_expr *e)
{
	struct value *v = reg(r, nftnl_expr_get_u32(e, NFTNL_EXPR_BITWISE_SREG));
	uint32_t mask_size, xor_size, mask = 0, xor = 0;
	const void *mask_data = nftnl_expr_get(e, NFTNL_EXPR_BITWISE_MASK, &mask_size);
	const void *xor_data = nftnl_expr_get(e, NFTNL_EXPR_BITWISE_XOR, &xor_size);
	size_t n = strlen(v->text);

	memcpy(&mask, mask_data, mask_size);
	memcpy(&xor, xor_data, xor_size);
	v->mask = mask;
	if (v->format == ADDRESS || v->format == STATE)
		return;
	if (v->format == FLAGS)
		n += (size_t)snprintf(v->text + n, sizeof(v->text) - n, " & 0x%02x", mask);
	else
		n += (size_t)snprintf(v->text + n, sizeof(v->text) - n, " & 0x%08x", mask);
	if (xor)
		(void)snprintf(v->text + n, sizeof(v->text) - n, " | 0x%08x", xor);
}

static void put_state(struct rule *r, const struct value *v)
{
	static const char *const names[] = {"invalid", "established", "related", "new"};

	for (size_t i = 0; i < NSG_ARRAY_SIZE(names); i++)
		if (v->mask == 1u << i) {
			say(r, "ct state %s", names[i]);
			return;
		}
	abort();
}

static void put_cmp(struct rule *r, const struct nftnl_expr *e)
{
	const struct value *v = reg(r, nftnl_expr_get_u32(e, NFTNL_EXPR_CMP_SREG));
	const bool equal = nftnl_expr_get_u32(e, NFTNL_EXPR_CMP_OP) == NFT_CMP_EQ;
	const char *operator= equal ? (v->format == MARK ? "== " : "") : "!= ";
	uint32_t size, u32 = 0;
	const void *data = nftnl_expr_get(e, NFTNL_EXPR_CMP_DATA, &size);
	char ip[INET_ADDRSTRLEN], first[TEXT];

	memcpy(&u32, data, size < sizeof(u32) ? size : sizeof(u32));
	switch (v->format) {
	case STATE:
		put_state(r, v);
		return;
	case PROTOCOL:
		r->l4proto = (uint8_t)u32;
		if (!protocol_name(r->l4proto))
			say(r, "meta l4proto %u", u32);
		else
			r->held = true;
		return;
	case DIRECTION:
		say(r, "ct direction %s%s", operator, u32 ? "reply" : "original");
		return;
	case ADDRESS:
		say(r, "%s %s%s", v->text, operator, inet_ntop(AF_INET, data, ip, sizeof(ip)));
		if (v->mask != UINT32_MAX)
			(void)fprintf(r->f, "/%d", __builtin_popcount(v->mask));
		return;
	case PORT:
		if (size == 2) {
			say(r, "%s %s%u", v->text, operator, ntohs((uint16_t)u32));
			return;
		}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		(void)snprintf(first, sizeof(first), v->text, ntohl(u32) >> 16);
#pragma GCC diagnostic pop
		say(r, "%s %s%u", first, operator, ntohl(u32) & 0xffff);
		return;
	case MARK:
		say(r, "%s %s0x%08x", v->text, operator, u32);
		return;
	case FLAGS:
		say(r, "%s %s0x%02x", v->text, operator, u32);
		return;
	case LINK_TYPE:
		if (u32 != ARPHRD_LOOPBACK)
			abort();
		say(r, "%s %sloopback", v->text, operator);
		return;
	case ADDRESS_TYPE:
		if (u32 != RTN_LOCAL)
			abort();
		say(r, "%s %slocal", v->text, operator);
		return;
	default:
		say(r, "%s %s%u", v->text, operator, u32);
		return;
	}
}

/* The fields of a key, one register each. */
static const char *key_text(struct rule *r, struct table *t, const char *set, uint32_t number,
			    char *out, size_t size)
{
	size_t at = 0;
	uint32_t n = 0;

	for (uint32_t type = find(t, set, "set map")->key_type; type; type >>= 6)
		n++;
	for (uint32_t i = 0; i < n && at < size; i++)
		at += (size_t)snprintf(out + at, size - at, "%s%s", i ? " . " : "",
				       reg(r, number + i)->text);
	return out;
}

static void put_lookup(struct rule *r, struct table *t, const struct nftnl_expr *e)
{
	const uint32_t from = nftnl_expr_get_u32(e, NFTNL_EXPR_LOOKUP_SREG);
	const char *set = nftnl_expr_get_str(e, NFTNL_EXPR_LOOKUP_SET);
	const bool inverted = nftnl_expr_is_set(e, NFTNL_EXPR_LOOKUP_FLAGS) &&
			      nftnl_expr_get_u32(e, NFTNL_EXPR_LOOKUP_FLAGS) & NFT_LOOKUP_F_INV;
	char key[TEXT];

	key_text(r, t, set, from, key, sizeof(key));
	if (nftnl_expr_is_set(e, NFTNL_EXPR_LOOKUP_DREG))
		load(r, nftnl_expr_get_u32(e, NFTNL_EXPR_LOOKUP_DREG), ADDRESS, "%s map @%s", key,
		     set);
	else
		say(r, "%s %s@%s", key, inverted ? "!= " : "", set);
}

static void put_dynset(struct rule *r, struct table *t, const struct nftnl_expr *e)
{
	const char *set = nftnl_expr_get_str(e, NFTNL_EXPR_DYNSET_SET_NAME);
	char key[TEXT];

	key_text(r, t, set, nftnl_expr_get_u32(e, NFTNL_EXPR_DYNSET_SREG_KEY), key, sizeof(key));
	say(r, "add @%s { %s timeout %us }", set, key,
	    (unsigned int)(nftnl_expr_get_u64(e, NFTNL_EXPR_DYNSET_TIMEOUT) / 1000));
}

/* libnftnl writes these names without their NUL and reads them as if they had one: what follows in
 * the message is taken for more of the name. */
static const char *name_in(const struct table *t, const char *text)
{
	const char *name = "";

	for (size_t i = 0; i < t->n; i++)
		if (strlen(t->blocks[i].name) > strlen(name) &&
		    !strncmp(t->blocks[i].name, text, strlen(t->blocks[i].name)))
			name = t->blocks[i].name;
	return name;
}

static void put_objref(struct rule *r, const struct table *t, const struct nftnl_expr *e)
{
	if (nftnl_expr_is_set(e, NFTNL_EXPR_OBJREF_SET_SREG))
		say(r, "counter name %s map @%s",
		    reg(r, nftnl_expr_get_u32(e, NFTNL_EXPR_OBJREF_SET_SREG))->text,
		    name_in(t, nftnl_expr_get_str(e, NFTNL_EXPR_OBJREF_SET_NAME)));
	else
		say(r, "%s \"%s\"",
		    nftnl_expr_get_u32(e, NFTNL_EXPR_OBJREF_IMM_TYPE) == NFT_OBJECT_COUNTER
			? "counter name"
			: "ct timeout set",
		    name_in(t, nftnl_expr_get_str(e, NFTNL_EXPR_OBJREF_IMM_NAME)));
}

static void put_immediate(struct rule *r, const struct nftnl_expr *e)
{
	uint32_t to = nftnl_expr_get_u32(e, NFTNL_EXPR_IMM_DREG), size;
	char ip[INET_ADDRSTRLEN];

	if (to != NFT_REG_VERDICT) {
		load(r, to, ADDRESS, "%s",
		     inet_ntop(AF_INET, nftnl_expr_get(e, NFTNL_EXPR_IMM_DATA, &size), ip,
			       sizeof(ip)));
		return;
	}
	switch ((int)nftnl_expr_get_u32(e, NFTNL_EXPR_IMM_VERDICT)) {
	case NF_ACCEPT:
		say(r, "accept");
		break;
	case NFT_JUMP:
		say(r, "jump %s", nftnl_expr_get_str(e, NFTNL_EXPR_IMM_CHAIN));
		break;
	case NFT_GOTO:
		say(r, "goto %s", nftnl_expr_get_str(e, NFTNL_EXPR_IMM_CHAIN));
		break;
	default:
		abort();
	}
}

static void put_queue(struct rule *r, const char *words, uint32_t first, uint32_t total,
		      bool bypass)
{
	if (total > 1)
		say(r, "%s num %u-%u%s", words, first, first + total - 1, bypass ? " bypass" : "");
	else
		say(r, "%s num %u%s", words, first, bypass ? " bypass" : "");
}

static void put_target(struct rule *r, const struct nftnl_expr *e)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_TG_NAME);
	struct xt_connmark_tginfo1 connmark;
	struct xt_NFQ_info_v3 queue;
	uint32_t size;
	const void *info = nftnl_expr_get(e, NFTNL_EXPR_TG_INFO, &size);

	if (!strcmp(name, "CONNMARK") && size >= sizeof(connmark)) {
		memcpy(&connmark, info, sizeof(connmark));
		if (connmark.ctmask != connmark.nfmask || connmark.mode == XT_CONNMARK_SET)
			abort();
		say(r, "xt CONNMARK %s 0x%08x",
		    connmark.mode == XT_CONNMARK_SAVE ? "save" : "restore", connmark.ctmask);
	} else if (!strcmp(name, "NFQUEUE") && size >= sizeof(queue)) {
		memcpy(&queue, info, sizeof(queue));
		put_queue(r, "xt NFQUEUE", queue.queuenum, queue.queues_total,
			  queue.flags & NFQ_FLAG_BYPASS);
	} else {
		abort();
	}
}

struct rendering {
	struct rule rule;
	struct table *table;
};

static int put_expr(struct nftnl_expr *e, void *arg)
{
	struct rendering *rendering = arg;
	struct rule *r = &rendering->rule;
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);

	if (!strcmp(name, "meta"))
		put_meta(r, e);
	else if (!strcmp(name, "ct"))
		put_ct(r, e);
	else if (!strcmp(name, "payload"))
		put_payload(r, e);
	else if (!strcmp(name, "bitwise"))
		put_bitwise(r, e);
	else if (!strcmp(name, "cmp"))
		put_cmp(r, e);
	else if (!strcmp(name, "lookup"))
		put_lookup(r, rendering->table, e);
	else if (!strcmp(name, "dynset"))
		put_dynset(r, rendering->table, e);
	else if (!strcmp(name, "objref"))
		put_objref(r, rendering->table, e);
	else if (!strcmp(name, "immediate"))
		put_immediate(r, e);
	else if (!strcmp(name, "fib"))
		load(r, nftnl_expr_get_u32(e, NFTNL_EXPR_FIB_DREG), ADDRESS_TYPE, "fib daddr type");
	else if (!strcmp(name, "socket"))
		load(r, nftnl_expr_get_u32(e, NFTNL_EXPR_SOCKET_DREG), DECIMAL,
		     "socket cgroupv2 level %u", nftnl_expr_get_u32(e, NFTNL_EXPR_SOCKET_LEVEL));
	else if (!strcmp(name, "nat"))
		say(r, "snat to %s",
		    reg(r, nftnl_expr_get_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MIN))->text);
	else if (!strcmp(name, "queue"))
		put_queue(r, "queue", nftnl_expr_get_u16(e, NFTNL_EXPR_QUEUE_NUM),
			  nftnl_expr_get_u16(e, NFTNL_EXPR_QUEUE_TOTAL),
			  nftnl_expr_get_u16(e, NFTNL_EXPR_QUEUE_FLAGS) & NFT_QUEUE_FLAG_BYPASS);
	else if (!strcmp(name, "target"))
		put_target(r, e);
	else
		abort();
	return 0;
}

/* --- messages -------------------------------------------------------------------------------- */

static void take_table(struct table *t, const struct nlmsghdr *nlh)
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

static void take_object(struct table *t, const struct nlmsghdr *nlh)
{
	struct nftnl_obj *o = nftnl_obj_alloc();
	struct block *b;
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

static void take_set(struct table *t, const struct nlmsghdr *nlh)
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
	struct block *b;

	if (!s || nftnl_set_nlmsg_parse(nlh, s) < 0)
		abort();
	has = nftnl_set_get_u32(s, NFTNL_SET_FLAGS);
	b = add(t, has & (NFT_SET_MAP | NFT_SET_OBJECT) ? "map" : "set",
		nftnl_set_get_str(s, NFTNL_SET_NAME));
	b->key_type = nftnl_set_get_u32(s, NFTNL_SET_KEY_TYPE);
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
	nftnl_set_free(s);
}

struct listing {
	struct block *b;
	bool has_begin;
	uint32_t begin_host;
};

static int put_element(struct nftnl_set_elem *e, void *arg)
{
	struct listing *list = arg;
	struct block *b = list->b;
	uint32_t size, addr;
	const void *key = nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY, &size);
	bool end = nftnl_set_elem_is_set(e, NFTNL_SET_ELEM_FLAGS) &&
		   nftnl_set_elem_get_u32(e, NFTNL_SET_ELEM_FLAGS) & NFT_SET_ELEM_INTERVAL_END;

	memcpy(&addr, key, sizeof(addr) < size ? sizeof(addr) : size);
	if (b->key_type == NFT_TYPE_IPV4_ADDR && !end) {
		list->begin_host = ntohl(addr);
		return 0;
	}
	(void)fputs(b->n_elements++ ? ", " : "\t\telements = { ", b->body);
	if (end)
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

static void take_elements(struct table *t, const struct nlmsghdr *nlh)
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
	list.b = find(t, nftnl_set_get_str(s, NFTNL_SET_NAME), "set map");
	(void)nftnl_set_elem_foreach(s, put_element, &list);
	nftnl_set_free(s);
}

static void take_chain(struct table *t, const struct nlmsghdr *nlh)
{
	static const char *const hooks[] = {"prerouting", "input", "forward", "output",
					    "postrouting"};
	struct nftnl_chain *c = nftnl_chain_alloc();
	struct block *b;
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

static void take_rule(struct table *t, const struct nlmsghdr *nlh)
{
	struct nftnl_rule *o = nftnl_rule_alloc();
	struct rendering rendering = {.table = t};
	cleanup_free char *text = NULL;
	size_t size = 0;

	if (!o || nftnl_rule_nlmsg_parse(nlh, o) < 0)
		abort();
	rendering.rule.f = open_memstream(&text, &size);
	if (!rendering.rule.f)
		abort();
	(void)nftnl_expr_foreach(o, put_expr, &rendering);
	(void)fclose(rendering.rule.f);
	(void)fprintf(find(t, nftnl_rule_get_str(o, NFTNL_RULE_CHAIN), "chain")->body, "\t\t%s\n",
		      text + 1);
	nftnl_rule_free(o);
}

static void take_message(struct table *t, const struct nlmsghdr *nlh)
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

static void put_blocks(FILE *f, struct table *t, const char *kinds)
{
	bool empty = false;

	for (size_t i = 0; i < t->n; i++) {
		struct block *b = &t->blocks[i];

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

char *nft_text(const struct nsg_nft_batch *b)
{
	struct table *t = calloc(1, sizeof(*t));
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!t || !f || b->error)
		abort();
	for (size_t at = 0; at < b->data.n;) {
		const struct nlmsghdr *nlh = (const void *)(b->data.v + at);

		take_message(t, nlh);
		at += MNL_ALIGN(nlh->nlmsg_len);
	}
	(void)fprintf(f, "table ip %s {\n%s", t->name, t->owned ? "\tflags owner\n" : "");
	put_blocks(f, t, "counter");
	put_blocks(f, t, "ct timeout");
	put_blocks(f, t, "set map");
	put_blocks(f, t, "chain");
	(void)fputs("}\n", f);
	(void)fclose(f);
	free(t);
	return text;
}
