/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replaces a table of another layout without deleting its hooks: the kernel drops every queued packet of
 * the network namespace when one of them goes. */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "kernel/attr.h"
#include "kernel/ip6.h"
#include "kernel/table.h"
#include "util/cleanup.h"
#include "util/macro.h"
#include "util/vec.h"

/* A chain or a set, as the kernel has it. */
struct part {
	char name[NFT_NAME_MAXLEN];
	uint64_t handle;
	/* of a chain with a hook: */
	bool base;
	char type[16];
	uint32_t hook, priority;
};

struct parts {
	const char *table;
	NSG_VEC(struct part) chains;
	NSG_VEC(struct part) sets;
	bool young; /* the set of that name has its element */
};

static void parts_done(struct parts *p)
{
	nsg_vec_done(&p->chains);
	nsg_vec_done(&p->sets);
}
#define cleanup_parts __attribute__((cleanup(parts_done)))

struct attrs {
	const char *table, *name, *type;
	uint64_t handle;
	struct nsg_bytes hook;
};

struct hook {
	uint32_t number, priority;
};

static int read_chain(const struct nlmsghdr *nlh, const char *table, struct part *ret)
{
	static const struct nsg_attr policy[] = {
	    NSG_ATTR_REQUIRED(NFTA_CHAIN_TABLE, STRING, struct attrs, table),
	    NSG_ATTR_REQUIRED(NFTA_CHAIN_NAME, STRING, struct attrs, name),
	    NSG_ATTR(NFTA_CHAIN_TYPE, STRING, struct attrs, type),
	    NSG_ATTR(NFTA_CHAIN_HANDLE, BE64, struct attrs, handle),
	    NSG_ATTR(NFTA_CHAIN_HOOK, BYTES, struct attrs, hook),
	};
	static const struct nsg_attr of_hook[] = {
	    NSG_ATTR_REQUIRED(NFTA_HOOK_HOOKNUM, BE32, struct hook, number),
	    NSG_ATTR_REQUIRED(NFTA_HOOK_PRIORITY, BE32, struct hook, priority),
	};
	struct attrs a = {.type = ""};
	struct hook hook = {0};

	if (nsg_attr_parse(nlh, sizeof(struct nfgenmsg), policy, NSG_ARRAY_SIZE(policy), &a) < 0)
		return -EBADMSG;
	if (strcmp(a.table, table) != 0)
		return -ENOENT;
	*ret = (struct part){.handle = a.handle, .base = a.hook.size > 0};
	(void)snprintf(ret->name, sizeof(ret->name), "%s", a.name);
	if (!ret->base)
		return 0;
	(void)snprintf(ret->type, sizeof(ret->type), "%s", a.type);
	if (nsg_attr_parse_bytes(a.hook, of_hook, NSG_ARRAY_SIZE(of_hook), &hook) < 0)
		return -EBADMSG;
	ret->hook = hook.number;
	ret->priority = hook.priority;
	return 0;
}

static int take_chain(const struct nlmsghdr *nlh, void *arg)
{
	struct parts *parts = arg;
	struct part part;
	int r = read_chain(nlh, parts->table, &part);

	return r == -ENOENT ? 0 : r < 0 ? r : nsg_vec_push(&parts->chains, part);
}

static int take_set(const struct nlmsghdr *nlh, void *arg)
{
	static const struct nsg_attr policy[] = {
	    NSG_ATTR_REQUIRED(NFTA_SET_TABLE, STRING, struct attrs, table),
	    NSG_ATTR_REQUIRED(NFTA_SET_NAME, STRING, struct attrs, name),
	};
	struct parts *parts = arg;
	struct part part = {0};
	struct attrs a;

	if (nsg_attr_parse(nlh, sizeof(struct nfgenmsg), policy, NSG_ARRAY_SIZE(policy), &a) < 0)
		return -EBADMSG;
	if (strcmp(a.table, parts->table) != 0)
		return 0;
	(void)snprintf(part.name, sizeof(part.name), "%s", a.name);
	return nsg_vec_push(&parts->sets, part);
}

static int take_young(const struct nlmsghdr *nlh, void *arg)
{
	static const struct nsg_attr policy[] = {
	    {NFTA_SET_ELEM_LIST_ELEMENTS, true, NSG_ATTR_BYTES, 0}};
	struct parts *parts = arg;
	struct nsg_bytes list, element;
	uint16_t number;

	if (nsg_attr_parse(nlh, sizeof(struct nfgenmsg), policy, 1, &list) >= 0)
		parts->young |= nsg_attr_next(&list, &number, &element);
	return 0;
}

static void reset_chains(void *arg)
{
	((struct parts *)arg)->chains.n = 0;
}

static void reset_sets(void *arg)
{
	((struct parts *)arg)->sets.n = 0;
}

static void reset_young(void *arg)
{
	((struct parts *)arg)->young = false;
}

static int dump(struct nsg_kernel *k, uint8_t family, int type, nsg_nl_each take,
		void (*reset)(void *parts), struct parts *parts)
{
	char buffer[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *nfg;
	int r;

	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	if (type == NFT_MSG_GETSET)
		mnl_attr_put_strz(nlh, NFTA_SET_TABLE, parts->table);
	if (type == NFT_MSG_GETSETELEM) {
		mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, parts->table);
		mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, "young");
	}
	r = nsg_nl_dump(&k->nft, nlh, take, reset, parts);
	/* no table or set of that name, or a kernel without IPv6 */
	return r == -ENOENT || r == -EOPNOTSUPP || r == -EAFNOSUPPORT ? 0 : r;
}

static int read_parts(struct nsg_kernel *k, uint8_t family, struct parts *parts)
{
	int r;

	parts->table = k->conf->instance;
	r = dump(k, family, NFT_MSG_GETCHAIN, take_chain, reset_chains, parts);
	if (r < 0)
		return r;
	r = dump(k, family, NFT_MSG_GETSET, take_set, reset_sets, parts);
	if (r < 0)
		return r;
	return dump(k, family, NFT_MSG_GETSETELEM, take_young, reset_young, parts);
}

static void delete_part(struct nsg_nft_batch *b, int type, uint16_t table_attr, uint16_t name_attr,
			const char *name)
{
	struct nlmsghdr *nlh = nsg_nft_message(b, type, 0, "old %s", name);

	if (!nlh)
		return;
	mnl_attr_put_strz(nlh, table_attr, b->table);
	if (name_attr)
		mnl_attr_put_strz(nlh, name_attr, name);
	nsg_nft_message_end(b, nlh);
}

/* All but the hooks and the named objects. */
static void empty(struct nsg_nft_batch *b, const struct parts *parts)
{
	if (!parts->chains.n && !parts->sets.n)
		return;
	delete_part(b, NFT_MSG_DELRULE, NFTA_RULE_TABLE, 0, "rules");
	for (size_t i = 0; i < parts->chains.n; i++)
		if (!parts->chains.v[i].base)
			delete_part(b, NFT_MSG_DELCHAIN, NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME,
				    parts->chains.v[i].name);
	for (size_t i = 0; i < parts->sets.n; i++)
		delete_part(b, NFT_MSG_DELSET, NFTA_SET_TABLE, NFTA_SET_NAME,
			    parts->sets.v[i].name);
}

/* Names that no chain of ours has. */
static void rename_hooks(struct nsg_nft_batch *b, const struct parts *parts)
{
	for (size_t i = 0; i < parts->chains.n; i++) {
		const struct part *chain = &parts->chains.v[i];
		struct nlmsghdr *nlh;
		char name[32];

		if (!chain->base)
			continue;
		(void)snprintf(name, sizeof(name), "old-%llu", (unsigned long long)chain->handle);
		if (!strcmp(chain->name, name))
			continue;
		nlh = nsg_nft_message(b, NFT_MSG_NEWCHAIN, 0, "name of chain %s", chain->name);
		if (!nlh)
			return;
		mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, b->table);
		mnl_attr_put_u64(nlh, NFTA_CHAIN_HANDLE, htobe64(chain->handle));
		mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, name);
		nsg_nft_message_end(b, nlh);
	}
}

static bool has_hook(const struct parts *parts, const struct part *wanted)
{
	for (size_t i = 0; i < parts->chains.n; i++) {
		const struct part *chain = &parts->chains.v[i];

		if (chain->base && !strcmp(chain->name, wanted->name) &&
		    !strcmp(chain->type, wanted->type) && chain->hook == wanted->hook &&
		    chain->priority == wanted->priority)
			return true;
	}
	return false;
}

/* Whether every hook that the batch creates is there. Else all are created: of two chains with one
 * priority the later one is first. */
static bool has_hooks(const struct nsg_nft_batch *wanted, const struct parts *ip,
		      const struct parts *ip6)
{
	for (size_t at = 0; at < wanted->data.n;) {
		const struct nlmsghdr *nlh = (const void *)(wanted->data.v + at);
		const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
		struct part chain;

		at += MNL_ALIGN(nlh->nlmsg_len);
		if (nlh->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN) ||
		    read_chain(nlh, ip->table, &chain) < 0 || !chain.base)
			continue;
		if (!has_hook(nfg->nfgen_family == NFPROTO_IPV6 ? ip6 : ip, &chain))
			return false;
	}
	return true;
}

static int make_way(struct nsg_kernel *k, const struct parts *ip, const struct parts *ip6)
{
	cleanup_nft_batch struct nsg_nft_batch b;

	nsg_nft_batch_begin(&b, k->conf->instance);
	rename_hooks(&b, ip);
	nsg_nft_batch_ip6(&b, true);
	rename_hooks(&b, ip6);
	nsg_nft_batch_ip6(&b, false);
	return nsg_nft_batch_send(&b, &k->nft, "cannot rename chains", NULL);
}

static int replace(struct nsg_kernel *k, const struct parts *ip, const struct parts *ip6)
{
	cleanup_nft_batch struct nsg_nft_batch b;
	int r;

	nsg_nft_batch_begin(&b, k->conf->instance);
	nsg_table_delete_former(&b, k);
	empty(&b, ip);
	nsg_nft_batch_ip6(&b, true);
	empty(&b, ip6);
	nsg_nft_batch_ip6(&b, false);
	nsg_table_put(&b, k, true);
	if (!has_hooks(&b, ip, ip6)) {
		r = make_way(k, ip, ip6);
		if (r < 0)
			return r;
	}
	return nsg_nft_batch_send(&b, &k->nft, "cannot replace the rules", NULL);
}

int nsg_table_replace(struct nsg_kernel *k, struct nsg_diag *diag)
{
	cleanup_parts struct parts ip = {0}, ip6 = {0};
	int r;

	r = read_parts(k, NFPROTO_IPV4, &ip);
	if (r < 0)
		return nsg_kernel_complain(diag, r, "cannot read the rules of the previous nsgd");
	r = read_parts(k, NFPROTO_IPV6, &ip6);
	if (r < 0)
		return nsg_kernel_complain(diag, r, "cannot read the rules of the previous nsgd");
	/* Only a start opens the period: the rules may have been gone since, also while no process ran. */
	if (k->inherited)
		k->table.gap = !ip.young || (nsg_ip6_has_table(k) && !ip6.young);
	r = replace(k, &ip, &ip6);
	if (r < 0)
		r = nsg_table_apply(k, true, diag);
	if (r < 0)
		return r;
	nsg_table_note_paths(k);
	free(TAKE_PTR(k->former));
	return 0;
}
