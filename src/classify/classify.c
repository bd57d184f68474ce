/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "classify/classify.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "classify/decide_priv.h"
#include "classify/search_priv.h"

/* ---- which instructions ---- */

struct path {
	const char *name;
	nsg_simd_batch batch;
};

static bool path_runs_here(const struct path *p)
{
#ifdef __x86_64__
	__builtin_cpu_init();
	if (p->batch == nsg_simd_avx512)
		return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("popcnt") &&
		       __builtin_cpu_supports("bmi");
	if (p->batch == nsg_simd_avx2)
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt") &&
		       __builtin_cpu_supports("bmi");
#endif
	return p->batch == nsg_simd_portable;
}

/* Threads that get here at the same time store the same result. */
static const struct path *path_choose(void)
{
	static const struct path paths[] = {
#ifdef __x86_64__
	    {"avx512", nsg_simd_avx512},
	    {"avx2", nsg_simd_avx2},
#endif
	    {"portable", nsg_simd_portable},
	};
	static _Atomic(const struct path *) chosen;
	const struct path *best = atomic_load_explicit(&chosen, memory_order_relaxed);
	const char *forced;

	if (best)
		return best;
	forced = getenv("NSGD_SIMD");
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (!path_runs_here(&paths[i]))
			continue;
		if (!best || (forced && !strcmp(forced, paths[i].name)))
			best = &paths[i];
	}
	atomic_store_explicit(&chosen, best, memory_order_relaxed);
	return best;
}

const char *nsg_classify_simd(void)
{
	return path_choose()->name;
}

/* ---- memo ---- */

struct nsg_memo *nsg_memo_new(void)
{
	struct nsg_memo *memo = aligned_alloc(NSG_IMAGE_ALIGN, sizeof(*memo));

	if (memo)
		nsg_memo_reset(memo);
	return memo;
}

struct nsg_memo *nsg_memo_free(struct nsg_memo *memo)
{
	free(memo);
	return NULL;
}

/* ---- one packet ---- */

static uint32_t find_segment(const struct nsg_image *image, const struct nsg_tree *tree,
			     uint32_t addr_host)
{
	int32_t key = nsg_tree_key(addr_host);
	const int32_t *level;
	uint32_t node = 0, d;

	for (d = 0; d + 1 < tree->depth; d++) {
		level = nsg_image_at(image, tree->level_off[d]);
		node =
		    node * NSG_NODE_CHILDREN + node_rank(level + (size_t)node * NSG_NODE_KEYS, key);
	}
	level = nsg_image_at(image, tree->level_off[d]);
	return node * NSG_NODE_KEYS + node_rank(level + (size_t)node * NSG_NODE_KEYS, key);
}

static uint64_t find_leaf(const struct nsg_image *image, uint32_t dst_host)
{
	const uint64_t *leaves = nsg_image_at(image, image->dst_leaves_off);

	return leaves[find_segment(image, &image->dst, dst_host)];
}

static uint32_t find_source(const struct nsg_image *image, uint32_t src_host)
{
	const uint32_t *table = nsg_image_at(image, image->src_table_off);
	const uint32_t *leaves = nsg_image_at(image, image->src_leaves_off);

	if (src_host - image->src_table_host < image->src_table_n)
		return table[src_host - image->src_table_host];
	return leaves[find_segment(image, &image->src, src_host)];
}

static uint32_t find_layer4(const struct nsg_image *image, const struct nsg_key *key)
{
	const struct nsg_layout_protocol *protocols = nsg_image_at(image, image->protocols_off);
	const uint32_t *cross = nsg_image_at(image, image->cross_off);
	const uint16_t *sports = nsg_image_at(image, image->sports_off);
	const uint16_t *dports = nsg_image_at(image, image->dports_off);
	struct nsg_layout_protocol p = protocols[key->protocol];
	uint32_t ports = sports[key->sport_host] * image->dport_classes + dports[key->dport_host];

	return cross[p.first + (ports & p.ports_mask)];
}

static uint32_t find_match(const struct nsg_image *image, uint64_t leaf, const struct nsg_key *key)
{
	uint32_t dst = NSG_LEAF_CLASS(leaf), src = find_source(image, key->src_host);
	const uint64_t *dst_row = nsg_image_at(image, image->dst_rows_off);
	const uint64_t *src_row = nsg_image_at(image, image->src_rows_off);
	const uint64_t *l4_row = nsg_image_at(image, image->l4_rows_off);
	uint32_t w;

	if (image->wide)
		return match_wide(image, dst, src, key);
	dst_row += (size_t)dst * NSG_ROW_WORDS;
	src_row += (size_t)src * NSG_ROW_WORDS;
	l4_row += (size_t)find_layer4(image, key) * NSG_ROW_WORDS;
	w = first_word(dst_row, src_row, l4_row);
	return match_of(image,
			w * 64 + (uint32_t)__builtin_ctzll(dst_row[w] & src_row[w] & l4_row[w]));
}

/* Without the admin rules. */
static struct nsg_decision classify_one(const struct nsg_image *image, const struct nsg_key *key)
{
	uint64_t leaf = find_leaf(image, key->dst_host);
	struct nsg_decision d;

	decide(leaf, find_match(image, leaf, key), &d);
	return d;
}

/* rule: of the admin rules the one that matched. */
static void apply_admin(const struct nsg_image *image, const struct nsg_image *admin,
			const struct nsg_key *key, uint16_t rule, struct nsg_decision *d)
{
	if (rule == NSG_RULE_NONE)
		return;
	switch ((enum nsg_access)nsg_image_rule(admin, rule).access) {
	case NSG_ALLOW:
		break;
	case NSG_DENY:
		d->rule = NSG_RULE_NONE;
		d->hop = 0;
		d->verdict = NSG_VERDICT_DROP;
		d->reason = NSG_REASON_ADMIN_DENY;
		break;
	case NSG_ALWAYS_ALLOW:
		d->rule = NSG_RULE_NONE;
		if (d->reason == NSG_REASON_NSG_DENY)
			*d = nsg_classify_route(image, key);
		break;
	}
	d->admin = rule + 1;
}

struct nsg_decision nsg_classify(const struct nsg_image *image, const struct nsg_key *key)
{
	struct nsg_decision d = classify_one(image, key);

	if (image->admin_off) {
		const struct nsg_image *admin = nsg_image_admin(image);

		apply_admin(image, admin, key, classify_one(admin, key).rule, &d);
	}
	return d;
}

struct nsg_decision nsg_classify_route(const struct nsg_image *image, const struct nsg_key *key)
{
	uint64_t leaf = find_leaf(image, key->dst_host);
	uint32_t match = find_match(image, leaf, key);
	struct nsg_decision d;

	/* Clears both ways to deny: by a rule, and because no rule matched. */
	decide(leaf & ~((uint64_t)1 << NSG_LEAF_DENY_SHIFT), match & ~NSG_MATCH_DENIES, &d);
	d.rule = NSG_RULE_NONE;
	return d;
}

/* ---- many packets ---- */

static void apply_admin_batch(const struct nsg_image *image, const struct nsg_key *keys, size_t n,
			      struct nsg_decision *decisions)
{
	const struct nsg_image *admin = nsg_image_admin(image);
	struct nsg_decision matched[NSG_CHUNK];
	size_t chunk;

	for (size_t at = 0; at < n; at += chunk) {
		chunk = n - at < NSG_CHUNK ? n - at : NSG_CHUNK;
		path_choose()->batch(admin, NULL, keys + at, chunk, matched);
		for (size_t i = 0; i < chunk; i++)
			apply_admin(image, admin, &keys[at + i], matched[i].rule,
				    &decisions[at + i]);
	}
}

void nsg_classify_batch(const struct nsg_image *image, struct nsg_memo *memo,
			const struct nsg_key *keys, size_t n, struct nsg_decision *decisions)
{
	if (memo && memo->image_id != image->id) {
		nsg_memo_reset(memo);
		memo->image_id = image->id;
	}
	path_choose()->batch(image, memo, keys, n, decisions);
	if (image->admin_off)
		apply_admin_batch(image, keys, n, decisions);
}
