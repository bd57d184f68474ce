/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rule as nft text: its expressions are run over registers that hold words instead of values.
 */
#include <arpa/inet.h>
#include <net/if_arp.h>
#include <netinet/in.h> /* before the kernel's headers, which then leave out what it defines */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <linux/netfilter/xt_bpf.h>
#include <linux/netfilter/xt_connmark.h>
#include <linux/rtnetlink.h>

#include "support/nft_text_priv.h"
#include "util/macro.h"

#define TEXT 512

enum format {
	DECIMAL,
	LINK_TYPE,
	ADDRESS_TYPE,
	PRESENCE,
	MARK,
	ADDRESS,
	PROTOCOL,
	PORT,
	FLAGS, /* one byte, in hex */
	WORD,  /* two of them, in network order */
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
		(void)fprintf(r->f, " meta l4proto %s", nft_text_protocol(r->l4proto));
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
	    {NFT_META_IIFTYPE, "meta iiftype", LINK_TYPE},
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

static void put_fib(struct rule *r, const struct nftnl_expr *e)
{
	const uint32_t to = nftnl_expr_get_u32(e, NFTNL_EXPR_FIB_DREG);
	const uint32_t flags = nftnl_expr_get_u32(e, NFTNL_EXPR_FIB_FLAGS);

	if (nftnl_expr_get_u32(e, NFTNL_EXPR_FIB_RESULT) == NFT_FIB_RESULT_ADDRTYPE)
		load(r, to, ADDRESS_TYPE, "fib %s type",
		     flags & NFTA_FIB_F_SADDR ? "saddr" : "daddr");
	else
		load(r, to, PRESENCE, "fib saddr . iif oif");
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
	else if (network && size == 16 && (offset == 8 || offset == 24))
		load(r, to, ADDRESS, "ip6 %s", offset == 8 ? "saddr" : "daddr");
	else if (network && size == 2 && offset == 6)
		load(r, to, WORD, "ip frag-off");
	else if (network && size == 1 && !offset)
		load(r, to, FLAGS, "@nh,0,8");
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
	if (v->format == WORD)
		n += (size_t)snprintf(v->text + n, sizeof(v->text) - n, " & 0x%04x",
				      ntohs((uint16_t)mask));
	else if (v->format == FLAGS)
		n += (size_t)snprintf(v->text + n, sizeof(v->text) - n, " & 0x%02x", mask);
	else
		n += (size_t)snprintf(v->text + n, sizeof(v->text) - n, " & 0x%08x", mask);
	if (xor)
		(void)snprintf(v->text + n, sizeof(v->text) - n, " | 0x%08x", xor);
}

static void put_state(struct rule *r, const struct value *v, uint32_t constant)
{
	static const char *const names[] = {"invalid", "established", "related", "new"};

	for (size_t i = 0; i < NSG_ARRAY_SIZE(names); i++)
		if (v->mask == 1u << i || (v->mask == UINT32_MAX && constant == 1u << i)) {
			say(r, "ct state %s%s", v->mask == UINT32_MAX ? "!= " : "", names[i]);
			return;
		}
	abort();
}

static void put_cmp(struct rule *r, const struct nftnl_expr *e)
{
	const struct value *v = reg(r, nftnl_expr_get_u32(e, NFTNL_EXPR_CMP_SREG));
	const bool equal = nftnl_expr_get_u32(e, NFTNL_EXPR_CMP_OP) == NFT_CMP_EQ;
	const bool words = v->format == MARK || v->format == FLAGS || v->format == WORD;
	const char *operator= equal ? (words ? "== " : "") : "!= ";
	uint32_t size, u32 = 0;
	const void *data = nftnl_expr_get(e, NFTNL_EXPR_CMP_DATA, &size);
	char ip[INET_ADDRSTRLEN], first[TEXT];

	memcpy(&u32, data, size < sizeof(u32) ? size : sizeof(u32));
	switch (v->format) {
	case STATE:
		put_state(r, v, u32);
		return;
	case PROTOCOL:
		r->l4proto = (uint8_t)u32;
		if (!nft_text_protocol(r->l4proto))
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
	case WORD:
		say(r, "%s %s0x%04x", v->text, operator, ntohs((uint16_t)u32));
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
	case PRESENCE:
		if (!equal)
			abort();
		say(r, "%s %s", v->text, u32 ? "exists" : "missing");
		return;
	default:
		say(r, "%s %s%u", v->text, operator, u32);
		return;
	}
}

/* The fields of a key, one register each. */
static const char *key_text(struct rule *r, struct nft_text_table *t, const char *set,
			    uint32_t number, char *out, size_t size)
{
	size_t at = 0;
	uint32_t n = 0;

	for (uint32_t type = nft_text_find(t, set, "set map")->key_type; type; type >>= 6)
		n++;
	for (uint32_t i = 0; i < n && at < size; i++)
		at += (size_t)snprintf(out + at, size - at, "%s%s", i ? " . " : "",
				       reg(r, number + i)->text);
	return out;
}

static void put_lookup(struct rule *r, struct nft_text_table *t, const struct nftnl_expr *e)
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

static void put_dynset(struct rule *r, struct nft_text_table *t, const struct nftnl_expr *e)
{
	const char *set = nftnl_expr_get_str(e, NFTNL_EXPR_DYNSET_SET_NAME);
	const bool deletes = nftnl_expr_get_u32(e, NFTNL_EXPR_DYNSET_OP) == NFT_DYNSET_OP_DELETE;
	const char *data = "", *colon = "";
	char key[TEXT], timeout[32] = "";

	key_text(r, t, set, nftnl_expr_get_u32(e, NFTNL_EXPR_DYNSET_SREG_KEY), key, sizeof(key));
	if (nftnl_expr_is_set(e, NFTNL_EXPR_DYNSET_TIMEOUT))
		(void)snprintf(
		    timeout, sizeof(timeout), " timeout %us",
		    (unsigned int)(nftnl_expr_get_u64(e, NFTNL_EXPR_DYNSET_TIMEOUT) / 1000));
	if (nftnl_expr_is_set(e, NFTNL_EXPR_DYNSET_SREG_DATA)) {
		colon = " : ";
		data = reg(r, nftnl_expr_get_u32(e, NFTNL_EXPR_DYNSET_SREG_DATA))->text;
	}
	say(r, "%s @%s { %s%s%s%s }", deletes ? "delete" : "add", set, key, timeout, colon, data);
}

/* libnftnl writes these names without their NUL and reads them as if they had one: what follows in
 * the message is taken for more of the name. */
static const char *name_in(const struct nft_text_table *t, const char *text)
{
	const char *name = "";

	for (size_t i = 0; i < t->n; i++)
		if (strlen(t->blocks[i].name) > strlen(name) &&
		    !strncmp(t->blocks[i].name, text, strlen(t->blocks[i].name)))
			name = t->blocks[i].name;
	return name;
}

static void put_objref(struct rule *r, const struct nft_text_table *t, const struct nftnl_expr *e)
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

	if (to != NFT_REG_VERDICT && nftnl_expr_get_u32(e, NFTNL_EXPR_IMM_DATA) == 0) {
		load(r, to, DECIMAL, "0");
		return;
	}
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
	case NF_DROP:
		say(r, "drop");
		break;
	case NFT_RETURN:
		say(r, "return");
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

static void put_match(struct rule *r, const struct nftnl_expr *e)
{
	struct xt_bpf_info bpf;
	uint32_t size;
	const void *info = nftnl_expr_get(e, NFTNL_EXPR_MT_INFO, &size);
	char text[256] = "";
	size_t n = 0;

	if (strcmp(nftnl_expr_get_str(e, NFTNL_EXPR_MT_NAME), "bpf") || size < sizeof(bpf))
		abort();
	memcpy(&bpf, info, sizeof(bpf));
	for (uint16_t i = 0; i < bpf.bpf_program_num_elem; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, ",%u %u %u %u",
				      bpf.bpf_program[i].code, bpf.bpf_program[i].jt,
				      bpf.bpf_program[i].jf, bpf.bpf_program[i].k);
	say(r, "xt bpf \"%u%s\"", bpf.bpf_program_num_elem, text);
}

struct rendering {
	struct rule rule;
	struct nft_text_table *table;
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
	else if (!strcmp(name, "exthdr"))
		load(r, nftnl_expr_get_u32(e, NFTNL_EXPR_EXTHDR_DREG), PRESENCE, "exthdr rt");
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
		put_fib(r, e);
	else if (!strcmp(name, "match"))
		put_match(r, e);
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
	else if (!strcmp(name, "reject"))
		say(r, "reject with %s",
		    nftnl_expr_get_u32(e, NFTNL_EXPR_REJECT_TYPE) == NFT_REJECT_TCP_RST
			? "tcp reset"
			: "icmpv6 port-unreachable");
	else if (!strcmp(name, "target"))
		put_target(r, e);
	else
		abort();
	return 0;
}

char *nft_text_rule(struct nft_text_table *t, struct nftnl_rule *rule)
{
	struct rendering rendering = {.table = t};
	char *text = NULL;
	size_t size = 0;

	rendering.rule.f = open_memstream(&text, &size);
	if (!rendering.rule.f)
		abort();
	(void)nftnl_expr_foreach(rule, put_expr, &rendering);
	(void)fclose(rendering.rule.f);
	/* each statement begins with a blank */
	memmove(text, text + 1, size);
	return text;
}
