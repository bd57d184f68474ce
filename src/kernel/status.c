/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <libnftnl/object.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "kernel/attr.h"
#include "kernel/ip6.h"
#include "kernel/kernel_priv.h"
#include "kernel/rules.h"
#include "kernel/ruleset.h"
#include "kernel/set_elements.h"
#include "util/cleanup.h"
#include "util/ip.h"
#include "util/json_object.h"
#include "util/macro.h"
#include "util/names.h"

struct count {
	char name[NSG_RULESET_NAME_BYTES];
	uint64_t packets;
};

struct counts {
	NSG_VEC(struct count) v;
};

static uint64_t packets_in(struct nsg_bytes counter)
{
	static const struct nsg_attr policy[] = {{NFTA_COUNTER_PACKETS, true, NSG_ATTR_BE64, 0}};
	uint64_t packets = 0;

	(void)nsg_attr_parse_bytes(counter, policy, 1, &packets);
	return packets;
}

struct object_attrs {
	const char *name;
	uint32_t type;
	struct nsg_bytes data;
};

static int take_counter(const struct nlmsghdr *nlh, void *arg)
{
	static const struct nsg_attr policy[] = {
	    NSG_ATTR_REQUIRED(NFTA_OBJ_NAME, STRING, struct object_attrs, name),
	    NSG_ATTR_REQUIRED(NFTA_OBJ_TYPE, BE32, struct object_attrs, type),
	    NSG_ATTR(NFTA_OBJ_DATA, BYTES, struct object_attrs, data),
	};
	struct object_attrs object = {0};
	struct counts *counts = arg;
	struct count c = {.name = ""};

	if (nsg_attr_parse(nlh, sizeof(struct nfgenmsg), policy, NSG_ARRAY_SIZE(policy), &object) <
		0 ||
	    object.type != NFT_OBJECT_COUNTER)
		return 0;
	(void)snprintf(c.name, sizeof(c.name), "%s", object.name);
	c.packets = packets_in(object.data);
	return nsg_vec_push(&counts->v, c);
}

static void reset_counters(void *arg)
{
	((struct counts *)arg)->v.n = 0;
}

/* All named counters of the table of that family. */
static int read_counters(struct nsg_kernel *k, uint8_t family, struct counts *ret)
{
	struct nftnl_obj *filter = nftnl_obj_alloc();
	struct nlmsghdr *nlh;
	char buffer[512];
	int r;

	if (!filter)
		return -ENOMEM;
	nftnl_obj_set_str(filter, NFTNL_OBJ_TABLE, k->conf->instance);
	/* the library does not report that its copy failed, and would use it */
	if (!nftnl_obj_get_str(filter, NFTNL_OBJ_TABLE)) {
		nftnl_obj_free(filter);
		return -ENOMEM;
	}
	nftnl_obj_set_u32(filter, NFTNL_OBJ_TYPE, NFT_OBJECT_COUNTER);
	nlh = nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETOBJ, family, NLM_F_DUMP, 0);
	nftnl_obj_nlmsg_build_payload(nlh, filter);
	nftnl_obj_free(filter);
	r = nsg_nl_dump(&k->nft, nlh, take_counter, reset_counters, ret);
	if (r < 0)
		nsg_vec_done(&ret->v);
	return r;
}

static uint64_t packets_of(const struct counts *counts, const char *name)
{
	for (size_t i = 0; i < counts->v.n; i++)
		if (!strcmp(counts->v.v[i].name, name))
			return counts->v.v[i].packets;
	return 0;
}

static void take_hop_counts(struct nsg_kernel *k, const struct counts *counts)
{
	for (uint32_t n = 1; n <= k->hops.max; n++) {
		struct nsg_hop *hop = &k->hops.v[n];
		char name[NSG_RULESET_NAME_BYTES];
		uint64_t packets;

		if (!hop->used)
			continue;
		nsg_ruleset_hop_counter(n, name);
		packets = packets_of(counts, name);
		/* the counters of a new table start from 0 */
		if (packets < hop->packets)
			hop->packets = 0;
		if (!hop->was_up && !hop->inherited)
			hop->lost += packets - hop->packets;
		hop->packets = packets;
		hop->inherited = false;
	}
}

void nsg_kernel_count_hops(struct nsg_kernel *k)
{
	struct counts counts = {0};

	if (read_counters(k, NFPROTO_IPV4, &counts) < 0)
		return;
	take_hop_counts(k, &counts);
	nsg_vec_done(&counts.v);
}

int nsg_kernel_count_answers(struct nsg_kernel *k, struct nsg_answer_counts *ret)
{
	struct counts counts = {0};
	int r = read_counters(k, NFPROTO_IPV4, &counts);

	if (r < 0)
		return r;
	*ret = (struct nsg_answer_counts){
	    .allowed = packets_of(&counts, NSG_COUNTER_ANSWERED),
	    .denied = packets_of(&counts, NSG_COUNTER_ANSWERED_DENIED),
	    .unanswered = packets_of(&counts, NSG_COUNTER_UNANSWERED),
	};
	nsg_vec_done(&counts.v);
	return 0;
}

static json_t *packets_json(const struct counts *c)
{
	return NSG_JSON_OBJECT(
	    PAIR_I("offloaded", packets_of(c, NSG_COUNTER_OFFLOADED)),
	    PAIR_I("queued", packets_of(c, NSG_COUNTER_QUEUED)),
	    PAIR_I("denied", packets_of(c, NSG_COUNTER_DENIED)),
	    PAIR_I("denied again", packets_of(c, NSG_COUNTER_DENIED_AGAIN)),
	    PAIR_I("answered", packets_of(c, NSG_COUNTER_ANSWERED)),
	    PAIR_I("answered denied", packets_of(c, NSG_COUNTER_ANSWERED_DENIED)),
	    PAIR_I("unanswered", packets_of(c, NSG_COUNTER_UNANSWERED)),
	    PAIR_I("preexisting", packets_of(c, NSG_COUNTER_PREEXISTING)),
	    PAIR_I("excluded", packets_of(c, NSG_COUNTER_EXCLUDED)),
	    PAIR_I("multicast", packets_of(c, NSG_COUNTER_MULTICAST)),
	    PAIR_I("strayed", packets_of(c, NSG_COUNTER_STRAYED)),
	    PAIR_I("vanished", packets_of(c, NSG_COUNTER_VANISHED)),
	    PAIR_I("forged", packets_of(c, NSG_COUNTER_FORGED)),
	    PAIR_I("forged interface", packets_of(c, NSG_COUNTER_FORGED_INTERFACE)),
	    PAIR_I("source routed", packets_of(c, NSG_COUNTER_SOURCE_ROUTED)));
}

static json_t *ip_json(uint32_t addr_host)
{
	char ip[NSG_IP4_TEXT];

	nsg_ip4_format(addr_host, ip);
	return json_string(ip);
}

static json_t *path_json(const struct nsg_hop *hop, const struct nsg_path *path)
{
	char why[160];

	nsg_kernel_explain_path(hop, path, why, sizeof(why));
	return NSG_JSON_OBJECT(PAIR_J("via", path->has_via ? ip_json(path->via_host) : json_null()),
			       PAIR_S("dev", path->dev[0] ? path->dev : NULL),
			       PAIR_S("down", path->up ? NULL : why));
}

/* The table that routes its packets; null: the host's. */
static json_t *table_json(const struct nsg_kernel *k, uint32_t number)
{
	const struct nsg_hop *hop = &k->hops.v[number];

	if (!nsg_hop_has_table(hop) || k->conf->audit)
		return json_null();
	return json_integer(hop->lookup ? hop->lookup : k->conf->table_base + number);
}

static json_t *hop_json(const struct nsg_kernel *k, uint32_t number)
{
	const struct nsg_hop *hop = &k->hops.v[number];
	json_t *addresses = json_array(), *paths = json_array();

	for (uint32_t i = 0; i < hop->n_addrs; i++)
		(void)json_array_append_new(addresses, ip_json(hop->addrs_host[i]));
	for (uint32_t i = 0; i < hop->n_paths; i++)
		(void)json_array_append_new(paths, path_json(hop, &hop->paths[i]));
	return NSG_JSON_OBJECT(PAIR_I("number", number),
			       PAIR_S("type", nsg_hop_type_name((enum nsg_hop_type)hop->type)),
			       PAIR_J("addresses", addresses),
			       PAIR_J("table", table_json(k, number)), PAIR_B("up", hop->up),
			       PAIR_I("packets", hop->packets), PAIR_I("lost", hop->lost),
			       PAIR_J("paths", paths));
}

struct cgroup_count {
	uint64_t id, packets;
};

struct cgroup_counts {
	NSG_VEC(struct cgroup_count) v;
};

static int take_cgroup(void *arg, const struct nsg_set_element *element)
{
	struct cgroup_counts *counts = arg;
	struct cgroup_count row = {.packets = element->packets};

	if (element->key.size < sizeof(row.id))
		return 0;
	memcpy(&row.id, element->key.data, sizeof(row.id));
	return nsg_vec_push(&counts->v, row);
}

static void reset_cgroups(void *arg)
{
	((struct cgroup_counts *)arg)->v.n = 0;
}

static json_t *cgroups_json(struct nsg_kernel *k)
{
	struct cgroup_counts counts = {0};
	json_t *a = json_array();

	if (k->cgroups.n)
		(void)nsg_set_elements_read(&k->nft, k->conf->instance, NSG_SET_CGROUPS,
					    take_cgroup, reset_cgroups, &counts);
	for (size_t i = 0; i < k->cgroups.n; i++) {
		const struct nsg_cgroup *c = &k->cgroups.v[i];
		uint64_t packets = 0;

		for (size_t j = 0; j < counts.v.n; j++)
			if (counts.v.v[j].id == c->id)
				packets = counts.v.v[j].packets;
		(void)json_array_append_new(
		    a, NSG_JSON_OBJECT(
			   PAIR_S("path", c->path),
			   PAIR_J("id", c->id ? json_integer((json_int_t)c->id) : json_null()),
			   PAIR_I("packets", packets)));
	}
	nsg_vec_done(&counts.v);
	return a;
}

static json_t *ip6_json(struct nsg_kernel *k)
{
	struct counts counts = {0};
	json_t *packets;

	if (nsg_ip6_has_table(k))
		(void)read_counters(k, NFPROTO_IPV6, &counts);
	packets = NSG_JSON_OBJECT(
	    PAIR_I("refused tcp", packets_of(&counts, NSG_COUNTER_REFUSED_TCP)),
	    PAIR_I("refused", packets_of(&counts, NSG_COUNTER_REFUSED)),
	    PAIR_I("passed", packets_of(&counts, NSG_COUNTER_PASSED)),
	    PAIR_I("preexisting", packets_of(&counts, NSG_COUNTER_PREEXISTING)),
	    PAIR_I("excluded", packets_of(&counts, NSG_COUNTER_EXCLUDED)),
	    PAIR_I("forged", packets_of(&counts, NSG_COUNTER_FORGED)),
	    PAIR_I("forged interface", packets_of(&counts, NSG_COUNTER_FORGED_INTERFACE)));
	nsg_vec_done(&counts.v);
	return NSG_JSON_OBJECT(PAIR_B("refused", nsg_ip6_has_table(k) && nsg_ip6_is_refused(k)),
			       PAIR_J("packets", packets));
}

json_t *nsg_kernel_status(struct nsg_kernel *k)
{
	struct counts counts = {0};
	json_t *hops = json_array(), *status;
	uint32_t before = 0, pref = 0;

	if (read_counters(k, NFPROTO_IPV4, &counts) >= 0)
		take_hop_counts(k, &counts);
	for (uint32_t n = 1; n <= k->hops.max; n++)
		if (k->hops.v[n].used)
			(void)json_array_append_new(hops, hop_json(k, n));
	(void)nsg_rules_before(&k->rt, k->conf, &k->marks, &before, &pref);
	status = NSG_JSON_OBJECT(PAIR_S("queueExpression", k->table.native_queue ? "native" : "xt"),
				 PAIR_J("packets", packets_json(&counts)),
				 PAIR_J("ipv6", ip6_json(k)), PAIR_J("hops", hops),
				 PAIR_I("rulesBefore", before), PAIR_I("firstRuleBefore", pref),
				 PAIR_J("cgroups", cgroups_json(k)), PAIR_I("repairs", k->repairs));
	nsg_vec_done(&counts.v);
	return status;
}
