/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/set_elements.h"

#include <errno.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "util/macro.h"

struct reading {
	nsg_set_element_fn *each;
	void (*again)(void *arg);
	void *arg;
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

static int take_element(const struct reading *r, struct nsg_bytes bytes)
{
	static const struct nsg_attr policy[] = {
	    NSG_ATTR_REQUIRED(NFTA_SET_ELEM_KEY, BYTES, struct element_attrs, key),
	    NSG_ATTR(NFTA_SET_ELEM_DATA, BYTES, struct element_attrs, data),
	    NSG_ATTR_REQUIRED(NFTA_SET_ELEM_EXPR, BYTES, struct element_attrs, expr),
	};
	struct nsg_set_element element = {0};
	struct element_attrs e = {0};

	if (nsg_attr_parse_bytes(bytes, policy, NSG_ARRAY_SIZE(policy), &e) < 0 ||
	    !counter_of(e.expr, &element.packets))
		return 0;
	element.key = value_of(e.key);
	element.data = value_of(e.data);
	return element.key.size ? r->each(r->arg, &element) : 0;
}

static int take_elements(const struct nlmsghdr *nlh, void *arg)
{
	static const struct nsg_attr policy[] = {
	    {NFTA_SET_ELEM_LIST_ELEMENTS, true, NSG_ATTR_BYTES, 0}};
	struct nsg_bytes list, element;
	uint16_t number;
	int r;

	if (nsg_attr_parse(nlh, sizeof(struct nfgenmsg), policy, 1, &list) < 0)
		return 0;
	while (nsg_attr_next(&list, &number, &element)) {
		r = take_element(arg, element);
		if (r < 0)
			return r;
	}
	return 0;
}

static void begin_again(void *arg)
{
	const struct reading *r = arg;

	r->again(r->arg);
}

int nsg_set_elements_read(struct nsg_nl *nl, const char *table, const char *set,
			  nsg_set_element_fn *each, void (*again)(void *arg), void *arg)
{
	struct reading reading = {.each = each, .again = again, .arg = arg};
	struct nftnl_set *filter = nftnl_set_alloc();
	struct nlmsghdr *nlh;
	char buffer[512];

	if (!filter)
		return -ENOMEM;
	if (nftnl_set_set_str(filter, NFTNL_SET_TABLE, table) < 0 ||
	    nftnl_set_set_str(filter, NFTNL_SET_NAME, set) < 0) {
		nftnl_set_free(filter);
		return -ENOMEM;
	}
	nlh = nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETSETELEM, NFPROTO_IPV4, NLM_F_DUMP, 0);
	nftnl_set_elems_nlmsg_build_payload(nlh, filter);
	nftnl_set_free(filter);
	return nsg_nl_dump(nl, nlh, take_elements, begin_again, &reading);
}
