/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The batch, once for all instruction sets. The file that includes it defines
 *   BATCH_NAME                 the function
 *   BATCH_TARGET               its target attribute
 *   node_rank(node, key)       how many of a node's 16 keys are below key
 *   row_first(a, b, c)         the first bit that three rows share (NSG_BIT_NOTHING is in all)
 * Everything runs in passes over a chunk, so that the cache misses of its packets overlap.
 */

struct chunk {
	uint32_t n;
	uint32_t dst[NSG_CHUNK];		/* segments */
	uint32_t src[NSG_CHUNK], l4[NSG_CHUNK]; /* classes */
};

BATCH_TARGET static void search(const struct nsg_image *image, const struct nsg_tree *tree,
				int32_t *keys, uint32_t n, uint32_t *ret_segments)
{
	for (uint32_t i = 0; i < n; i++)
		ret_segments[i] = 0;
	for (uint32_t d = 0; d + 1 < tree->depth; d++) {
		const int32_t *level = nsg_image_at(image, tree->level_off[d]);
		const int32_t *next = nsg_image_at(image, tree->level_off[d + 1]);

		for (uint32_t i = 0; i < n; i++) {
			uint32_t node = ret_segments[i];

			node = node * NSG_NODE_CHILDREN +
			       node_rank(level + (size_t)node * NSG_NODE_KEYS, keys[i]);
			ret_segments[i] = node;
			__builtin_prefetch(next + (size_t)node * NSG_NODE_KEYS);
		}
	}
	const int32_t *last = nsg_image_at(image, tree->level_off[tree->depth - 1]);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t node = ret_segments[i];

		ret_segments[i] =
		    node * NSG_NODE_KEYS + node_rank(last + (size_t)node * NSG_NODE_KEYS, keys[i]);
	}
}

BATCH_TARGET static void find_sources(const struct nsg_image *image, const struct nsg_key *keys,
				      struct chunk *c)
{
	const uint32_t *table = nsg_image_at(image, image->src_table_off);
	const uint32_t *leaves = nsg_image_at(image, image->src_leaves_off);
	uint32_t at[NSG_CHUNK], segments[NSG_CHUNK], n = 0;
	int32_t addrs[NSG_CHUNK];

	for (uint32_t i = 0; i < c->n; i++) {
		uint32_t in_subnet = keys[i].src_host - image->src_table_host;

		if (in_subnet < image->src_table_n) {
			c->src[i] = table[in_subnet];
		} else {
			addrs[n] = nsg_tree_key(keys[i].src_host);
			at[n++] = i;
		}
	}
	if (!n)
		return;
	search(image, &image->src, addrs, n, segments);
	for (uint32_t i = 0; i < n; i++)
		c->src[at[i]] = leaves[segments[i]];
}

BATCH_TARGET static void find_layer4(const struct nsg_image *image, const struct nsg_key *keys,
				     struct chunk *c)
{
	const uint32_t *protocols = nsg_image_at(image, image->protocols_off);
	const uint32_t *cross = nsg_image_at(image, image->cross_off);
	const uint16_t *sports = nsg_image_at(image, image->sports_off);
	const uint16_t *dports = nsg_image_at(image, image->dports_off);

	for (uint32_t i = 0; i < c->n; i++) {
		uint32_t p = protocols[keys[i].protocol];

		if (p & NSG_L4_PORTED) {
			uint32_t s = image->sport_trivial ? keys[i].sport_host == NSG_SPORT_RESERVED
							  : sports[keys[i].sport_host];

			p = cross[(p & ~NSG_L4_PORTED) + s * image->dport_classes +
				  dports[keys[i].dport_host]];
		}
		c->l4[i] = p;
	}
}

BATCH_TARGET static void match(const struct nsg_image *image, struct nsg_memo *memo,
			       const struct chunk *c, const uint64_t *leaves, uint32_t *ret_matches)
{
	const uint64_t *dst_rows = nsg_image_at(image, image->dst_rows_off);
	const uint64_t *src_rows = nsg_image_at(image, image->src_rows_off);
	const uint64_t *l4_rows = nsg_image_at(image, image->l4_rows_off);
	uint64_t hashes[NSG_CHUNK];
	uint32_t missed[NSG_CHUNK], n_missed = 0;

	for (uint32_t i = 0; i < c->n; i++) {
		uint64_t hash = memo_hash(NSG_LEAF_CLASS(leaves[i]), c->src[i], c->l4[i]);
		uint64_t entry = memo->entries[memo_index(hash)];

		hashes[i] = hash;
		ret_matches[i] = (uint32_t)entry & (NSG_MATCH_BIT | NSG_MATCH_DENIES);
		if (memo_holds(entry, hash))
			continue;
		missed[n_missed++] = i;
		prefetch_row(dst_rows + (size_t)NSG_LEAF_CLASS(leaves[i]) * NSG_ROW_WORDS);
		prefetch_row(src_rows + (size_t)c->src[i] * NSG_ROW_WORDS);
		prefetch_row(l4_rows + (size_t)c->l4[i] * NSG_ROW_WORDS);
	}
	for (uint32_t m = 0; m < n_missed; m++) {
		uint32_t i = missed[m];
		uint32_t bit =
		    row_first(dst_rows + (size_t)NSG_LEAF_CLASS(leaves[i]) * NSG_ROW_WORDS,
			      src_rows + (size_t)c->src[i] * NSG_ROW_WORDS,
			      l4_rows + (size_t)c->l4[i] * NSG_ROW_WORDS);

		ret_matches[i] = match_of(image, bit);
		memo->entries[memo_index(hashes[i])] = memo_entry(hashes[i], ret_matches[i]);
	}
}

BATCH_TARGET static void run_chunk(const struct nsg_image *image, struct nsg_memo *memo,
				   const struct nsg_key *keys, uint32_t n,
				   struct nsg_decision *decisions)
{
	const uint64_t *dst_leaves = nsg_image_at(image, image->dst_leaves_off);
	int32_t addrs[NSG_CHUNK];
	uint32_t matches[NSG_CHUNK];
	uint64_t leaves[NSG_CHUNK];
	struct chunk c = {.n = n};

	for (uint32_t i = 0; i < n; i++)
		addrs[i] = nsg_tree_key(keys[i].dst_host);
	search(image, &image->dst, addrs, n, c.dst);
	for (uint32_t i = 0; i < n; i++)
		__builtin_prefetch(dst_leaves + c.dst[i]);
	find_sources(image, keys, &c);
	if (!image->wide)
		find_layer4(image, keys, &c);
	for (uint32_t i = 0; i < n; i++)
		leaves[i] = dst_leaves[c.dst[i]];
	if (image->wide) {
		for (uint32_t i = 0; i < n; i++)
			matches[i] =
			    match_wide(image, NSG_LEAF_CLASS(leaves[i]), c.src[i], &keys[i]);
	} else {
		match(image, memo, &c, leaves, matches);
	}
	for (uint32_t i = 0; i < n; i++)
		decisions[i] = decide(leaves[i], matches[i]);
}

void BATCH_NAME(const struct nsg_image *image, struct nsg_memo *memo, const struct nsg_key *keys,
		size_t n, struct nsg_decision *decisions)
{
	for (size_t at = 0; at < n; at += NSG_CHUNK)
		run_chunk(image, memo, keys + at,
			  n - at < NSG_CHUNK ? (uint32_t)(n - at) : NSG_CHUNK, decisions + at);
}
