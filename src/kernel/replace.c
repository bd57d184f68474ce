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
#include "kernel/table.h"
#include "util/macro.h"
#include "util/vec.h"

/* A chain or a set, as the kernel has it. */
struct part {
	char name[NFT_NAME_MAXLEN];
	uint64_t handle;
	bool base; /* a chain with a hook */
};

struct parts {
	const char *table;
	NSG_VEC(struct part) chains;
	NSG_VEC(struct part) sets;
};

static void parts_done(struct parts *p)
{
	nsg_vec_done(&p->chains);
	nsg_vec_done(&p->sets);
}
#define cleanup_parts __attribute__((cleanup(parts_done)))

struct attrs {
	const char *table, *name;
	uint64_t handle;
	struct nsg_bytes hook;
};

static int take(const struct nlmsghdr *nlh, struct parts *parts, const struct nsg_attr *policy,
		size_t n, bool is_set)
{
	struct attrs a = {0};
	struct part part = {0};

	if (nsg_attr_parse(nlh, sizeof(struct nfgenmsg), policy, n, &a) < 0)
		return -EBADMSG;
	if (strcmp(a.table, parts->table) != 0 || strlen(a.name) >= sizeof(part.name))
		return 0;
	(void)snprintf(part.name, sizeof(part.name), "%s", a.name);
	part.handle = a.handle;
	part.base = a.hook.size > 0;
	return is_set ? nsg_vec_push(&parts->sets, part) : nsg_vec_push(&parts->chains, part);
}

static int take_chain(const struct nlmsghdr *nlh, void *arg)
{
	static const struct nsg_attr policy[] = {
	    NSG_ATTR_REQUIRED(NFTA_CHAIN_TABLE, STRING, struct attrs, table),
	    NSG_ATTR_REQUIRED(NFTA_CHAIN_NAME, STRING, struct attrs, name),
	    NSG_ATTR_REQUIRED(NFTA_CHAIN_HANDLE, BE64, struct attrs, handle),
	    NSG_ATTR(NFTA_CHAIN_HOOK, BYTES, struct attrs, hook),
	};

	return take(nlh, arg, policy, NSG_ARRAY_SIZE(policy), false);
}

static int take_set(const struct nlmsghdr *nlh, void *arg)
{
	static const struct nsg_attr policy[] = {
	    NSG_ATTR_REQUIRED(NFTA_SET_TABLE, STRING, struct attrs, table),
	    NSG_ATTR_REQUIRED(NFTA_SET_NAME, STRING, struct attrs, name),
	};

	return take(nlh, arg, policy, NSG_ARRAY_SIZE(policy), true);
}

static void reset_chains(void *arg)
{
	((struct parts *)arg)->chains.n = 0;
}

static void reset_sets(void *arg)
{
	((struct parts *)arg)->sets.n = 0;
}

static int dump(struct nsg_kernel *k, uint8_t family, bool sets, struct parts *parts)
{
	char buffer[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *nfg;
	int r;

	nlh->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | (sets ? NFT_MSG_GETSET : NFT_MSG_GETCHAIN);
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	if (sets)
		mnl_attr_put_strz(nlh, NFTA_SET_TABLE, parts->table);
	r = sets ? nsg_nl_dump(&k->nft, nlh, take_set, reset_sets, parts)
		 : nsg_nl_dump(&k->nft, nlh, take_chain, reset_chains, parts);
	/* no table of that name, or a kernel without IPv6 */
	return r == -ENOENT || r == -EOPNOTSUPP || r == -EAFNOSUPPORT ? 0 : r;
}

static int read_parts(struct nsg_kernel *k, uint8_t family, struct parts *parts)
{
	int r;

	parts->table = k->conf->instance;
	r = dump(k, family, false, parts);
	if (r < 0)
		return r;
	return dump(k, family, true, parts);
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
		nlh = nsg_nft_message(b, NFT_MSG_NEWCHAIN, 0, "name of chain %s", chain->name);
		if (!nlh)
			return;
		mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, b->table);
		mnl_attr_put_u64(nlh, NFTA_CHAIN_HANDLE, htobe64(chain->handle));
		mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, name);
		nsg_nft_message_end(b, nlh);
	}
}

static int replace(struct nsg_kernel *k, const struct parts *ip, const struct parts *ip6)
{
	cleanup_nft_batch struct nsg_nft_batch b;

	nsg_nft_batch_begin(&b, k->conf->instance);
	empty(&b, ip);
	nsg_nft_batch_ip6(&b, true);
	empty(&b, ip6);
	nsg_nft_batch_ip6(&b, false);
	nsg_table_desired(&b, k);
	return nsg_nft_batch_send(&b, &k->nft, "cannot replace the rules", NULL);
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

int nsg_table_replace(struct nsg_kernel *k, struct nsg_diag *diag)
{
	cleanup_parts struct parts ip = {0}, ip6 = {0};
	int r;

	r = read_parts(k, NFPROTO_IPV4, &ip);
	if (r < 0)
		return nsg_kernel_complain(diag, r, "cannot read the rules of the nsgd before");
	r = read_parts(k, NFPROTO_IPV6, &ip6);
	if (r < 0)
		return nsg_kernel_complain(diag, r, "cannot read the rules of the nsgd before");
	r = replace(k, &ip, &ip6);
	/* A chain has the name of one of ours and another hook or priority: it stays, without rules. */
	if (r < 0 && make_way(k, &ip, &ip6) >= 0)
		r = replace(k, &ip, &ip6);
	if (r < 0)
		return nsg_table_apply(k, true, diag);
	nsg_table_note_paths(k);
	return 0;
}
