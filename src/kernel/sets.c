/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/sets.h"

#include <netinet/in.h> /* before the kernel's headers, which then leave out what it defines */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linux/netfilter/nf_tables.h>

#include "kernel/nft_expr.h"
#include "kernel/nft_set.h"
#include "kernel/ruleset.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/macro.h"

#define DENIED_SIZE 65535u

static uint32_t hop_mark(const struct nsg_kernel *k, uint32_t number)
{
	return number << k->marks.hop_shift;
}

/* --- sets ------------------------------------------------------------------------------------ */

void nsg_sets_create_wanted(struct nsg_nft_batch *b, const struct nsg_wanted_set *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!v[i].wanted)
			continue;
		nsg_nft_set(b, &v[i].set);
		nsg_nft_set_flush(b, v[i].set.name);
	}
}

/* --- answers --------------------------------------------------------------------------------- */

#define DESTINATION NFT_TYPE_CONCAT3(NFT_TYPE_INET_PROTO, NFT_TYPE_IPV4_ADDR, NFT_TYPE_INET_SERVICE)

static void create_answers(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const bool wanted = nsg_ruleset_answers(k);
	const struct nft_set a_switch = {
	    .key_type = NFT_TYPE_MARK, .key_bytes = 4, .size = 4, .host_order = true};
	struct nsg_wanted_set all[] = {
	    {wanted,
	     {.name = NSG_MAP_ANSWERS,
	      .key_type =
		  NFT_TYPE_CONCAT3(NFT_TYPE_INET_PROTO, NFT_TYPE_IPV4_ADDR, NFT_TYPE_INET_SERVICE),
	      .key_bytes = NFT_DESTINATION_KEY_BYTES,
	      .flags = NFT_SET_MAP | NFT_SET_TIMEOUT | NFT_SET_EVAL,
	      .data_type = NFT_TYPE_MARK,
	      .data_bytes = 4,
	      .size = NSG_MAX_ANSWERS,
	      .counted = true}},
	    {wanted,
	     {.name = NSG_SET_LEARNED,
	      .key_type = DESTINATION,
	      .key_bytes = NFT_DESTINATION_KEY_BYTES,
	      .flags = NFT_SET_TIMEOUT | NFT_SET_EVAL,
	      .size = NSG_MAX_ANSWERS}},
	    {wanted, a_switch},
	    {wanted, a_switch},
	    {wanted, a_switch},
	};

	all[2].set.name = NSG_SET_ANSWERING;
	all[3].set.name = NSG_SET_ANSWERING_DENIED;
	all[4].set.name = NSG_SET_LEARNING;
	nsg_sets_create_wanted(b, all, NSG_ARRAY_SIZE(all));
}

static void put_switch(struct nsg_nft_batch *b, const char *set, bool on)
{
	nsg_nft_set_flush(b, set);
	if (!on)
		return;
	nsg_nft_elements(b, set, false);
	nsg_nft_element_u32(b, 0);
	nsg_nft_elements_end(b);
}

void nsg_sets_put_switches(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const bool on = nsg_ruleset_is_answering(k);

	if (!nsg_ruleset_answers(k))
		return;
	put_switch(b, NSG_SET_ANSWERING, on);
	put_switch(b, NSG_SET_ANSWERING_DENIED, on && k->table.answers == NSG_ANSWERS_ALL);
	put_switch(b, NSG_SET_LEARNING, on && !k->table.unsettled);
}

static void flush_answers(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	if (!nsg_ruleset_answers(k))
		return;
	nsg_nft_set_flush(b, NSG_MAP_ANSWERS);
	nsg_nft_set_flush(b, NSG_SET_LEARNED);
}

/* --- all sets -------------------------------------------------------------------------------- */

void nsg_sets_create_selectors(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const struct nsg_wanted_set all[] = {
	    {k->conf->hook_prerouting,
	     {.name = "interfaces",
	      .key_type = NFT_TYPE_IFNAME,
	      .key_bytes = IF_NAMESIZE,
	      .host_order = true}},
	    {k->n_users > 0,
	     {.name = "users", .key_type = NFT_TYPE_UID, .key_bytes = 4, .host_order = true}},
	    {k->conf->cgroups.n > 0,
	     {.name = NSG_SET_CGROUPS,
	      .key_type = NFT_TYPE_CGROUPSV2,
	      .key_bytes = 8,
	      .host_order = true}},
	};

	nsg_sets_create_wanted(b, all, NSG_ARRAY_SIZE(all));
}

/* The mark of the generation in force, by which the fast rules know decided flows. */
static const struct nft_set gen = {
    .name = "gen", .key_type = NFT_TYPE_MARK, .key_bytes = 4, .size = 4, .host_order = true};

/* Has an element in the period in which connections may be preexisting. */
static const struct nft_set young = {
    .name = "young", .key_type = NFT_TYPE_INET_PROTO, .key_bytes = 1, .flags = NFT_SET_TIMEOUT};

void nsg_sets_silence(struct nsg_nft_batch *b)
{
	const struct nsg_wanted_set sets[] = {{true, gen}, {true, young}};

	/* created first: not every layout has them */
	nsg_sets_create_wanted(b, sets, NSG_ARRAY_SIZE(sets));
}

void nsg_sets_create(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const uint32_t path = NFT_TYPE_CONCAT2(NFT_TYPE_MARK, NFT_TYPE_IFINDEX);
	const struct nsg_wanted_set all[] = {
	    {nsg_ruleset_offloads(k), gen},
	    {nsg_ruleset_marks_denied(k),
	     {.name = "gone",
	      .key_type = NFT_TYPE_MARK,
	      .key_bytes = 4,
	      .size = 4,
	      .host_order = true}},
	    {true, {.name = "gateways", .key_type = NFT_TYPE_IPV4_ADDR, .key_bytes = 4}},
	    {!k->conf->audit, young},
	    {nsg_ruleset_marks_denied(k),
	     {.name = "ported", .key_type = NFT_TYPE_INET_PROTO, .key_bytes = 1, .size = 4}},
	    {nsg_ruleset_remembers_denied(k),
	     {.name = "denied",
	      .key_type =
		  NFT_TYPE_CONCAT5(NFT_TYPE_INET_PROTO, NFT_TYPE_IPV4_ADDR, NFT_TYPE_INET_SERVICE,
				   NFT_TYPE_IPV4_ADDR, NFT_TYPE_INET_SERVICE),
	      .key_bytes = NFT_FLOW_KEY_BYTES,
	      .flags = NFT_SET_TIMEOUT | NFT_SET_EVAL,
	      .size = DENIED_SIZE}},
	    {!k->conf->audit,
	     {.name = "hops",
	      .key_type = NFT_TYPE_MARK,
	      .key_bytes = 4,
	      .flags = NFT_SET_OBJECT,
	      .object_type = NFT_OBJECT_COUNTER,
	      .size = NSG_MAX_HOPS,
	      .host_order = true}},
	    {!k->conf->audit,
	     {.name = "paths", .key_type = path, .key_bytes = 8, .host_order = true}},
	    {!k->conf->audit,
	     {.name = "tunnel_paths", .key_type = path, .key_bytes = 8, .host_order = true}},
	    {nsg_ruleset_has_snat(k),
	     {.name = "host_routed",
	      .key_type = NFT_TYPE_MARK,
	      .key_bytes = 4,
	      .size = NSG_MAX_HOPS,
	      .host_order = true}},
	    {nsg_ruleset_has_snat(k),
	     {.name = "sources",
	      .key_type = NFT_TYPE_MARK,
	      .key_bytes = 4,
	      .flags = NFT_SET_MAP,
	      .data_type = NFT_TYPE_IPV4_ADDR,
	      .data_bytes = 4,
	      .size = NSG_MAX_HOPS,
	      .host_order = true}},
	    {k->conf->n_excludes > 0,
	     {.name = "excluded",
	      .key_type = NFT_TYPE_IPV4_ADDR,
	      .key_bytes = 4,
	      .flags = NFT_SET_INTERVAL}},
	};

	nsg_sets_create_wanted(b, all, NSG_ARRAY_SIZE(all));
	create_answers(b, k);
	nsg_sets_create_selectors(b, k);
}

static void add_generation(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	if (nsg_ruleset_offloads(k)) {
		nsg_nft_elements(b, "gen", false);
		nsg_nft_element_u32(b, nsg_marks_accept(&k->marks, k->table.generation, 0));
		nsg_nft_elements_end(b);
	}
	/* Not in `gen`: the fast rules would accept a connection with the mark of a denied packet. */
	if (nsg_ruleset_marks_denied(k)) {
		nsg_nft_elements(b, "gone", false);
		nsg_nft_element_u32(b, nsg_marks_deny(&k->marks, k->table.generation));
		nsg_nft_elements_end(b);
	}
}

static void add_gateways(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	nsg_nft_elements(b, "gateways", false);
	for (size_t i = 0; i < k->gateways.hosts.n; i++) {
		const uint32_t addr = htonl(k->gateways.hosts.v[i]);

		nsg_nft_element(b, &addr, sizeof(addr));
	}
	nsg_nft_elements_end(b);
}

void nsg_sets_put_gateways(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	nsg_nft_set_flush(b, "gateways");
	add_gateways(b, k);
}

/*
 * A TCP packet that is not a SYN and not of a known connection belongs to a preexisting one only
 * within one flow timeout after the start. Later it belongs to a flow that was idle and forgotten,
 * which is decided again as in Azure. The timeout of the element ends the period.
 */
void nsg_sets_put_young(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const uint64_t ms_per_minute = 60000;
	const uint8_t tcp = IPPROTO_TCP;
	uint64_t age_ms, limit_ms = k->table.flow_minutes * ms_per_minute;

	if (k->table.gap)
		return;
	age_ms = (nsg_clock_ns(CLOCK_BOOTTIME) - k->table.started_ns) / NSG_NS_PER_MSEC;
	if (age_ms >= limit_ms)
		return;
	nsg_nft_elements(b, "young", false);
	nsg_nft_element_timeout(b, &tcp, sizeof(tcp), limit_ms - age_ms);
	nsg_nft_elements_end(b);
}

static void put_excludes(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	struct nsg_ranges ranges;
	int r;

	r = nsg_ranges_from_prefixes(k->conf->excludes, k->conf->n_excludes, &ranges);
	if (r < 0) {
		nsg_nft_fail(b, r);
		return;
	}
	nsg_nft_elements(b, "excluded", false);
	for (size_t i = 0; i < ranges.n; i++)
		nsg_nft_element_range(b, &ranges.v[i]);
	nsg_nft_elements_end(b);
	nsg_ranges_done(&ranges);
}

/* delete: ids that no path has any more; else the new ids, or all. */
static void list_cgroups(struct nsg_nft_batch *b, const struct nsg_kernel *k, bool delete, bool all)
{
	const struct nsg_cgroups *c = &k->cgroups;

	nsg_nft_elements(b, NSG_SET_CGROUPS, delete);
	for (size_t i = 0; i < c->n; i++) {
		const uint64_t id = delete ? c->v[i].was_id : c->v[i].id;

		if (!id || (delete &&nsg_cgroups_has_id(c, id)) ||
		    (!delete &&!all && nsg_cgroups_had_id(c, id)) ||
		    (!delete &&nsg_cgroups_is_repeated(c, i)))
			continue;
		if (delete)
			nsg_nft_element(b, &id, sizeof(id));
		else
			nsg_nft_element_counted(b, &id, sizeof(id));
	}
	nsg_nft_elements_end(b);
}

void nsg_sets_change_cgroups(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	list_cgroups(b, k, true, false);
	list_cgroups(b, k, false, false);
}

void nsg_sets_fill_selectors(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	const struct nsg_conf *conf = k->conf;

	if (conf->hook_prerouting) {
		nsg_nft_elements(b, "interfaces", false);
		for (size_t i = 0; i < conf->interfaces.n; i++) {
			char name[IF_NAMESIZE] = "";

			(void)snprintf(name, sizeof(name), "%s", conf->interfaces.v[i]);
			nsg_nft_element(b, name, sizeof(name));
		}
		nsg_nft_elements_end(b);
	}
	if (k->n_users) {
		nsg_nft_elements(b, "users", false);
		for (size_t i = 0; i < k->n_users; i++)
			nsg_nft_element_u32(b, k->users[i]);
		nsg_nft_elements_end(b);
	}
	if (conf->cgroups.n)
		list_cgroups(b, k, false, true);
}

/* --- hops ------------------------------------------------------------------------------------ */

void nsg_sets_add_hop(struct nsg_nft_batch *b, const struct nsg_kernel *k, uint32_t number)
{
	const struct nsg_hop *hop = &k->hops.v[number];
	char name[NSG_RULESET_NAME_BYTES];

	if (k->conf->audit)
		return;
	nsg_ruleset_hop_counter(number, name);
	nsg_nft_counter(b, name);
	nsg_nft_elements(b, "hops", false);
	nsg_nft_element_object(b, hop_mark(k, number), name);
	nsg_nft_elements_end(b);
	if (!nsg_ruleset_has_snat(k))
		return;
	if (hop->has_snat) {
		nsg_nft_elements(b, "sources", false);
		nsg_nft_element_addr(b, hop_mark(k, number), hop->snat_host);
		nsg_nft_elements_end(b);
	}
	if (!nsg_hop_has_table(hop)) {
		nsg_nft_elements(b, "host_routed", false);
		nsg_nft_element_u32(b, hop_mark(k, number));
		nsg_nft_elements_end(b);
	}
}

static void remove_mark(struct nsg_nft_batch *b, const struct nsg_kernel *k, const char *set,
			uint32_t number)
{
	nsg_nft_elements(b, set, true);
	nsg_nft_element_u32(b, hop_mark(k, number));
	nsg_nft_elements_end(b);
}

void nsg_sets_remove_hop(struct nsg_nft_batch *b, const struct nsg_kernel *k, uint32_t number)
{
	const struct nsg_hop *hop = &k->hops.v[number];
	char name[NSG_RULESET_NAME_BYTES];

	if (k->conf->audit)
		return;
	remove_mark(b, k, "hops", number);
	if (nsg_ruleset_has_snat(k) && hop->has_snat)
		remove_mark(b, k, "sources", number);
	if (nsg_ruleset_has_snat(k) && !nsg_hop_has_table(hop))
		remove_mark(b, k, "host_routed", number);
	nsg_ruleset_hop_counter(number, name);
	nsg_nft_object_delete(b, name, NFT_OBJECT_COUNTER);
}

static bool is_tunnel(const struct nsg_kernel *k, uint32_t ifindex)
{
	for (size_t i = 0; i < k->links.links.n; i++)
		if (k->links.links.v[i].tunnel.protocol &&
		    nsg_links_lead_into(&k->links, ifindex, &k->links.links.v[i]))
			return true;
	return false;
}

static void put_path_elements(struct nsg_nft_batch *b, const struct nsg_kernel *k, bool tunnels)
{
	nsg_nft_elements(b, tunnels ? "tunnel_paths" : "paths", false);
	for (uint32_t n = 1; n <= k->hops.max; n++) {
		const struct nsg_hop *hop = &k->hops.v[n];

		for (uint32_t i = 0; hop->used && i < hop->n_paths; i++) {
			const uint32_t key[2] = {hop_mark(k, n), hop->paths[i].ifindex};

			if (hop->paths[i].up && is_tunnel(k, hop->paths[i].ifindex) == tunnels)
				nsg_nft_element(b, key, sizeof(key));
		}
	}
	nsg_nft_elements_end(b);
}

void nsg_sets_put_paths(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	if (k->conf->audit)
		return;
	nsg_nft_set_flush(b, "paths");
	nsg_nft_set_flush(b, "tunnel_paths");
	put_path_elements(b, k, false);
	put_path_elements(b, k, true);
}

void nsg_sets_put_generation(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	if (k->conf->audit)
		return;
	if (nsg_ruleset_offloads(k))
		nsg_nft_set_flush(b, "gen");
	if (nsg_ruleset_marks_denied(k))
		nsg_nft_set_flush(b, "gone");
	add_generation(b, k);
	if (nsg_ruleset_remembers_denied(k))
		nsg_nft_set_flush(b, "denied");
	flush_answers(b, k);
	nsg_sets_put_switches(b, k);
}

void nsg_sets_fill(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	static const uint8_t ported[] = {IPPROTO_TCP, IPPROTO_UDP};

	if (!k->conf->audit) {
		add_generation(b, k);
		nsg_sets_put_young(b, k);
	}
	add_gateways(b, k);
	if (nsg_ruleset_marks_denied(k)) {
		nsg_nft_elements(b, "ported", false);
		for (size_t i = 0; i < NSG_ARRAY_SIZE(ported); i++)
			nsg_nft_element(b, &ported[i], sizeof(ported[i]));
		nsg_nft_elements_end(b);
	}
	nsg_sets_put_switches(b, k);
	nsg_sets_fill_selectors(b, k);
	if (k->conf->n_excludes)
		put_excludes(b, k);
	for (uint32_t n = 1; n <= k->hops.max; n++)
		if (k->hops.v[n].used)
			nsg_sets_add_hop(b, k, n);
}
