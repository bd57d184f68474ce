/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nft_set.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <libnftnl/expr.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

/* nft's enum byteorder, as it keeps it in a set's user data */
#define BYTEORDER_HOST 1
#define BYTEORDER_BIG 2

static void set_user_data(struct nsg_nft_batch *b, struct nftnl_set *s, const struct nft_set *set)
{
	struct nftnl_udata_buf *u = nftnl_udata_buf_alloc(64);

	if (!u) {
		nsg_nft_fail(b, -ENOMEM);
		return;
	}
	(void)nftnl_udata_put_u32(u, NFTNL_UDATA_SET_KEYBYTEORDER,
				  set->host_order ? BYTEORDER_HOST : BYTEORDER_BIG);
	if (set->data_bytes)
		(void)nftnl_udata_put_u32(u, NFTNL_UDATA_SET_DATABYTEORDER,
					  set->data_type == NFT_TYPE_MARK ? BYTEORDER_HOST
									  : BYTEORDER_BIG);
	nsg_nft_check(b, nftnl_set_set_data(s, NFTNL_SET_USERDATA, nftnl_udata_buf_data(u),
					    nftnl_udata_buf_len(u)));
	nftnl_udata_buf_free(u);
}

/* NULL after an error. */
static struct nftnl_expr *counter(struct nsg_nft_batch *b)
{
	struct nftnl_expr *e = nftnl_expr_alloc("counter");

	if (!e) {
		nsg_nft_fail(b, -ENOMEM);
		return NULL;
	}
	nftnl_expr_set_u64(e, NFTNL_EXPR_CTR_PACKETS, 0);
	nftnl_expr_set_u64(e, NFTNL_EXPR_CTR_BYTES, 0);
	return e;
}

static void describe(struct nsg_nft_batch *b, struct nftnl_set *s, const struct nft_set *set)
{
	struct nftnl_expr *c = set->counted ? counter(b) : NULL;

	nsg_nft_check(b, nftnl_set_set_str(s, NFTNL_SET_TABLE, b->table));
	nsg_nft_check(b, nftnl_set_set_str(s, NFTNL_SET_NAME, set->name));
	nftnl_set_set_u32(s, NFTNL_SET_FAMILY, nsg_nft_batch_family(b));
	/* required by the kernel; only used by rules of the batch that refer to it */
	nftnl_set_set_u32(s, NFTNL_SET_ID, (uint32_t)b->what.n);
	nftnl_set_set_u32(s, NFTNL_SET_FLAGS, set->flags);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, set->key_type);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, set->key_bytes);
	if (set->data_bytes) {
		nftnl_set_set_u32(s, NFTNL_SET_DATA_TYPE, set->data_type);
		nftnl_set_set_u32(s, NFTNL_SET_DATA_LEN, set->data_bytes);
	}
	if (set->object_type)
		nftnl_set_set_u32(s, NFTNL_SET_OBJ_TYPE, set->object_type);
	if (set->size)
		nftnl_set_set_u32(s, NFTNL_SET_DESC_SIZE, set->size);
	if (c)
		nftnl_set_add_expr(s, c);
	set_user_data(b, s, set);
}

void nsg_nft_set(struct nsg_nft_batch *b, const struct nft_set *set)
{
	struct nftnl_set *s = nftnl_set_alloc();
	struct nlmsghdr *nlh;

	if (!s) {
		nsg_nft_fail(b, -ENOMEM);
		return;
	}
	nlh = nsg_nft_message(b, NFT_MSG_NEWSET, NLM_F_CREATE, "set %s", set->name);
	if (nlh) {
		describe(b, s, set);
		nftnl_set_nlmsg_build_payload(nlh, s);
		nsg_nft_message_end(b, nlh);
	}
	nftnl_set_free(s);
}

static struct nftnl_set *list(struct nsg_nft_batch *b, const char *name)
{
	struct nftnl_set *s = nftnl_set_alloc();

	if (!s) {
		nsg_nft_fail(b, -ENOMEM);
		return NULL;
	}
	nsg_nft_check(b, nftnl_set_set_str(s, NFTNL_SET_TABLE, b->table));
	nsg_nft_check(b, nftnl_set_set_str(s, NFTNL_SET_NAME, name));
	return s;
}

static void send_list(struct nsg_nft_batch *b, struct nftnl_set *s, bool delete, const char *what)
{
	struct nlmsghdr *nlh;

	nlh = nsg_nft_message(b, delete ? NFT_MSG_DELSETELEM : NFT_MSG_NEWSETELEM,
			      delete ? 0 : NLM_F_CREATE, "%s of set %s", what,
			      nftnl_set_get_str(s, NFTNL_SET_NAME));
	if (!nlh)
		return;
	nftnl_set_elems_nlmsg_build_payload(nlh, s);
	nsg_nft_message_end(b, nlh);
}

void nsg_nft_set_flush(struct nsg_nft_batch *b, const char *name)
{
	struct nftnl_set *s = list(b, name);

	if (!s)
		return;
	send_list(b, s, true, "all elements");
	nftnl_set_free(s);
}

void nsg_nft_elements(struct nsg_nft_batch *b, const char *set, bool delete)
{
	if (b->error)
		return;
	b->elements = list(b, set);
	b->n_elements = 0;
	b->deleting = delete;
}

void nsg_nft_elements_end(struct nsg_nft_batch *b)
{
	if (!b->elements)
		return;
	if (b->n_elements)
		send_list(b, b->elements, b->deleting, "elements");
	nftnl_set_free(b->elements);
	b->elements = NULL;
}

/* A new element in the list being built, which owns it; NULL after an error. */
static struct nftnl_set_elem *add(struct nsg_nft_batch *b, const void *key, uint32_t size)
{
	struct nftnl_set_elem *e;

	if (b->error || !b->elements)
		return NULL;
	if (b->n_elements == NSG_NFT_ELEMENTS) {
		struct nftnl_set *next = list(b, nftnl_set_get_str(b->elements, NFTNL_SET_NAME));

		nsg_nft_elements_end(b);
		b->elements = next;
		b->n_elements = 0;
		if (!next)
			return NULL;
	}
	e = nftnl_set_elem_alloc();
	if (!e) {
		nsg_nft_fail(b, -ENOMEM);
		return NULL;
	}
	nsg_nft_check(b, nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY, key, size));
	nftnl_set_elem_add(b->elements, e);
	b->n_elements++;
	return e;
}

void nsg_nft_element(struct nsg_nft_batch *b, const void *key, uint32_t size)
{
	(void)add(b, key, size);
}

void nsg_nft_element_u32(struct nsg_nft_batch *b, uint32_t key)
{
	(void)add(b, &key, sizeof(key));
}

void nsg_nft_element_timeout(struct nsg_nft_batch *b, const void *key, uint32_t size,
			     uint64_t timeout_ms)
{
	struct nftnl_set_elem *e = add(b, key, size);

	if (e)
		nftnl_set_elem_set_u64(e, NFTNL_SET_ELEM_TIMEOUT, timeout_ms);
}

void nsg_nft_element_counted(struct nsg_nft_batch *b, const void *key, uint32_t size)
{
	struct nftnl_set_elem *e = add(b, key, size);
	struct nftnl_expr *c = e ? counter(b) : NULL;

	if (c)
		nftnl_set_elem_add_expr(e, c);
}

void nsg_nft_element_object(struct nsg_nft_batch *b, uint32_t key, const char *object)
{
	struct nftnl_set_elem *e = add(b, &key, sizeof(key));

	if (e)
		nsg_nft_check(b, nftnl_set_elem_set_str(e, NFTNL_SET_ELEM_OBJREF, object));
}

void nsg_nft_element_addr(struct nsg_nft_batch *b, uint32_t key, uint32_t addr_host)
{
	struct nftnl_set_elem *e = add(b, &key, sizeof(key));
	const uint32_t addr = htonl(addr_host);

	if (e)
		nsg_nft_check(b, nftnl_set_elem_set(e, NFTNL_SET_ELEM_DATA, &addr, sizeof(addr)));
}

void nsg_nft_element_range(struct nsg_nft_batch *b, const struct nsg_range *range)
{
	const uint32_t begin = htonl(range->lo), end = htonl(range->hi + 1);
	struct nftnl_set_elem *e;

	(void)add(b, &begin, sizeof(begin));
	/* 255.255.255.255 has no successor: no end element */
	e = range->hi == UINT32_MAX ? NULL : add(b, &end, sizeof(end));
	if (e)
		nftnl_set_elem_set_u32(e, NFTNL_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
}

void nsg_nft_element_prefix6(struct nsg_nft_batch *b, const struct nsg_prefix6 *prefix)
{
	struct nftnl_set_elem *e;
	uint8_t end[16];
	size_t i = 16;

	(void)add(b, prefix->addr, sizeof(prefix->addr));
	memcpy(end, prefix->addr, sizeof(end));
	for (size_t bit = prefix->len; bit < 128; bit++)
		end[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
	while (i > 0 && ++end[i - 1] == 0)
		i--;
	/* the last address has no successor: no end element */
	e = i ? add(b, end, sizeof(end)) : NULL;
	if (e)
		nftnl_set_elem_set_u32(e, NFTNL_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
}
