/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The answers that the kernel has learned, and what switches them. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "kernel/attr.h"
#include "kernel/kernel_priv.h"
#include "kernel/ruleset.h"
#include "kernel/sets.h"
#include "kernel/table.h"
#include "util/macro.h"

/* --- switches -------------------------------------------------------------------------------- */

static int apply_switches(struct nsg_kernel *k, struct nsg_diag *diag)
{
	int r;

	if (!k->running)
		return 0;
	r = nsg_table_change(k, "cannot switch the answers", nsg_sets_put_switches, NULL);
	/* another program has removed a part: what it should be is loaded */
	return r < 0 ? nsg_table_apply(k, false, diag) : 0;
}

int nsg_kernel_answer(struct nsg_kernel *k, enum nsg_answers answers, struct nsg_diag *diag)
{
	if (k->table.answers == answers)
		return 0;
	k->table.answers = answers;
	return apply_switches(k, diag);
}

bool nsg_kernel_is_settled(const struct nsg_kernel *k)
{
	return !k->table.unsettled;
}

int nsg_kernel_settled(struct nsg_kernel *k, struct nsg_diag *diag)
{
	k->table.unsettled = false;
	return apply_switches(k, diag);
}

enum nsg_answers nsg_kernel_answering(const struct nsg_kernel *k, const char **ret_why)
{
	*ret_why = NULL;
	if (k->conf->audit)
		*ret_why = "mode = audit";
	else if (!k->conf->offload)
		*ret_why = "[offload] established = no";
	else if (!k->conf->answers)
		*ret_why = "[offload] answers = no";
	else if (k->table.source_ports)
		*ret_why = "a rule of the policy names a source port";
	else if (k->table.answers == NSG_ANSWERS_NONE)
		*ret_why = "every decision is traced or logged";
	else if (k->table.answers == NSG_ANSWERS_ALLOWED)
		*ret_why = "every denial is reported with its flow";
	return nsg_ruleset_is_answering(k) ? k->table.answers : NSG_ANSWERS_NONE;
}

/* --- reading them ---------------------------------------------------------------------------- */

struct reading {
	const struct nsg_marks *marks;
	uint32_t generation; /* of a mark */
	NSG_VEC(struct nsg_answer) v;
};

struct element_attrs {
	struct nsg_bytes key, data, expr;
};

struct value_attrs {
	struct nsg_bytes value;
};

struct expr_attrs {
	const char *name;
	struct nsg_bytes data;
};

static struct nsg_bytes value_of(struct nsg_bytes data)
{
	static const struct nsg_attr policy[] = {
	    NSG_ATTR_REQUIRED(NFTA_DATA_VALUE, BYTES, struct value_attrs, value),
	};
	struct value_attrs v = {0};

	if (nsg_attr_parse_bytes(data, policy, NSG_ARRAY_SIZE(policy), &v) < 0)
		return (struct nsg_bytes){0};
	return v.value;
}

/* False when it has none. */
static bool counter_of(struct nsg_bytes expr, uint64_t *ret)
{
	static const struct nsg_attr policy[] = {
	    NSG_ATTR_REQUIRED(NFTA_EXPR_NAME, STRING, struct expr_attrs, name),
	    NSG_ATTR(NFTA_EXPR_DATA, BYTES, struct expr_attrs, data),
	};
	static const struct nsg_attr counter[] = {{NFTA_COUNTER_PACKETS, true, NSG_ATTR_BE64, 0}};
	struct expr_attrs e = {0};

	return nsg_attr_parse_bytes(expr, policy, NSG_ARRAY_SIZE(policy), &e) >= 0 &&
	       !strcmp(e.name, "counter") && nsg_attr_parse_bytes(e.data, counter, 1, ret) >= 0;
}

static int take_answer(struct reading *r, struct nsg_bytes element)
{
	static const struct nsg_attr policy[] = {
	    NSG_ATTR_REQUIRED(NFTA_SET_ELEM_KEY, BYTES, struct element_attrs, key),
	    NSG_ATTR_REQUIRED(NFTA_SET_ELEM_DATA, BYTES, struct element_attrs, data),
	    NSG_ATTR_REQUIRED(NFTA_SET_ELEM_EXPR, BYTES, struct element_attrs, expr),
	};
	struct element_attrs e = {0};
	struct nsg_bytes key, data;
	struct nsg_answer a = {0};
	uint8_t field[3][4]; /* of the key: protocol, address, port */
	uint32_t mark;

	if (nsg_attr_parse_bytes(element, policy, NSG_ARRAY_SIZE(policy), &e) < 0 ||
	    !counter_of(e.expr, &a.packets))
		return 0;
	key = value_of(e.key);
	data = value_of(e.data);
	if (key.size < sizeof(field) || data.size < sizeof(mark))
		return 0;
	memcpy(field, key.data, sizeof(field));
	memcpy(&mark, data.data, sizeof(mark));
	if ((mark & r->marks->generation) != r->generation)
		return 0;
	a.protocol = field[0][0];
	memcpy(&a.dst_host, field[1], sizeof(a.dst_host));
	a.dst_host = ntohl(a.dst_host);
	memcpy(&a.dport_host, field[2], sizeof(a.dport_host));
	a.dport_host = ntohs(a.dport_host);
	a.allowed = mark & r->marks->decided;
	return nsg_vec_push(&r->v, a);
}

static int take_answers(const struct nlmsghdr *nlh, void *arg)
{
	static const struct nsg_attr policy[] = {
	    {NFTA_SET_ELEM_LIST_ELEMENTS, true, NSG_ATTR_BYTES, 0}};
	struct nsg_bytes list, element;
	uint16_t number;
	int r;

	if (nsg_attr_parse(nlh, sizeof(struct nfgenmsg), policy, 1, &list) < 0)
		return 0;
	while (nsg_attr_next(&list, &number, &element)) {
		r = take_answer(arg, element);
		if (r < 0)
			return r;
	}
	return 0;
}

static void begin_again(void *arg)
{
	((struct reading *)arg)->v.n = 0;
}

int nsg_kernel_read_answers(struct nsg_kernel *k, struct nsg_answer **ret, size_t *ret_n)
{
	struct reading reading = {
	    .marks = &k->marks,
	    .generation = k->table.generation << k->marks.generation_shift,
	};
	struct nftnl_set *map;
	struct nlmsghdr *nlh;
	char buffer[512];
	int r = 0;

	if (k->running && nsg_ruleset_answers(k)) {
		map = nftnl_set_alloc();
		if (!map)
			return -ENOMEM;
		(void)nftnl_set_set_str(map, NFTNL_SET_TABLE, k->conf->instance);
		(void)nftnl_set_set_str(map, NFTNL_SET_NAME, NSG_MAP_ANSWERS);
		nlh =
		    nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETSETELEM, NFPROTO_IPV4, NLM_F_DUMP, 0);
		nftnl_set_elems_nlmsg_build_payload(nlh, map);
		nftnl_set_free(map);
		r = nsg_nl_dump(&k->nft, nlh, take_answers, begin_again, &reading);
	}
	if (r < 0) {
		nsg_vec_done(&reading.v);
		return r;
	}
	*ret = reading.v.v;
	*ret_n = reading.v.n;
	return 0;
}
