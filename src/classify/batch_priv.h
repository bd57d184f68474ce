/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The batch, once for all instruction sets. The file that includes it defines
 *   BATCH_NAME                 the function
 *   BATCH_TARGET               its target attribute
 *   node_rank(node, key)       how many of a node's 16 keys are below key
 *   first_word(a, b, c)        the first word in which three rows have a bit in common (there is
 *                              one: NSG_BIT_NOTHING)
 * Everything runs in passes over a chunk, so that the cache misses of its packets overlap. Work
 * that only some packets need is done for a list of them, made without a branch: a misprediction
 * costs more than the work.
 */

/* Called twice, with a whole chunk and with the rest: a loop of known length is cheaper. */
#define BATCH_INLINE BATCH_TARGET __attribute__((always_inline)) static inline

/* The segments of n addresses, all of them a level at a time. `leaves` are their leaves, to
 * prefetch. */
BATCH_INLINE void find_segments(const struct nsg_image *image, const struct nsg_tree *tree,
				const char *leaves, size_t leaf_bytes, int32_t *keys, uint32_t n,
				uint32_t *segments)
{
	const int32_t *level;

	for (uint32_t i = 0; i < n; i++)
		segments[i] = 0;
	for (uint32_t d = 0; d + 1 < tree->depth; d++) {
		level = nsg_image_at(image, tree->level_off[d]);
		for (uint32_t i = 0; i < n; i++) {
			uint32_t node = segments[i];

			segments[i] = node * NSG_NODE_CHILDREN +
				      node_rank(level + (size_t)node * NSG_NODE_KEYS, keys[i]);
		}
	}
	level = nsg_image_at(image, tree->level_off[tree->depth - 1]);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t node = segments[i];

		segments[i] =
		    node * NSG_NODE_KEYS + node_rank(level + (size_t)node * NSG_NODE_KEYS, keys[i]);
		__builtin_prefetch(leaves + segments[i] * leaf_bytes);
	}
}

BATCH_INLINE void find_sources(const struct nsg_image *image, const struct nsg_key *keys,
			       uint32_t n, uint32_t *classes)
{
	const uint32_t *table = nsg_image_at(image, image->src_table_off);
	const uint32_t *leaves = nsg_image_at(image, image->src_leaves_off);
	uint32_t list[NSG_CHUNK], segments[NSG_CHUNK], others = 0;
	int32_t addrs[NSG_CHUNK];

	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = keys[i].src_host - image->src_table_host;
		bool other = at >= image->src_table_n;

		classes[i] = table[other ? 0 : at];
		addrs[others] = nsg_tree_key(keys[i].src_host);
		list[others] = i;
		others += other;
	}
	if (!others)
		return;
	find_segments(image, &image->src, (const char *)leaves, sizeof(*leaves), addrs, others,
		      segments);
	for (uint32_t i = 0; i < others; i++)
		classes[list[i]] = leaves[segments[i]];
}

BATCH_INLINE void find_layer4(const struct nsg_image *image, const struct nsg_key *keys, uint32_t n,
			      uint32_t *classes)
{
	const struct nsg_layout_protocol *protocols = nsg_image_at(image, image->protocols_off);
	const uint32_t *cross = nsg_image_at(image, image->cross_off);
	const uint16_t *sports = nsg_image_at(image, image->sports_off);
	const uint16_t *dports = nsg_image_at(image, image->dports_off);
	uint32_t sport_scale = image->dport_classes;

	for (uint32_t i = 0; i < n; i++) {
		struct nsg_layout_protocol p = protocols[keys[i].protocol];
		uint32_t s = image->sport_trivial ? keys[i].sport_host == NSG_SPORT_NOT_CARRIED
						  : sports[keys[i].sport_host];

		classes[i] = cross[p.first +
				   ((s * sport_scale + dports[keys[i].dport_host]) & p.ports_mask)];
	}
}

struct rows {
	const uint64_t *dst, *src, *l4;
};

BATCH_INLINE struct rows rows_of(const struct nsg_image *image, uint64_t leaf, uint32_t src,
				 uint32_t l4)
{
	return (struct rows){
	    (const uint64_t *)nsg_image_at(image, image->dst_rows_off) +
		(size_t)NSG_LEAF_CLASS(leaf) * NSG_ROW_WORDS,
	    (const uint64_t *)nsg_image_at(image, image->src_rows_off) +
		(size_t)src * NSG_ROW_WORDS,
	    (const uint64_t *)nsg_image_at(image, image->l4_rows_off) + (size_t)l4 * NSG_ROW_WORDS,
	};
}

/* The match of each listed packet, or of all without a list (inlined, so that the loops
 * do not test for it). Two passes: the second depends on the loads of the first. */
BATCH_TARGET __attribute__((always_inline)) static inline void
match_rows(const struct nsg_image *image, uint32_t n, const uint32_t *list, const uint64_t *leaves,
	   const uint32_t *src, const uint32_t *l4, uint32_t *matches)
{
	uint32_t words[NSG_CHUNK];

	for (uint32_t l = 0; l < n; l++) {
		uint32_t i = list ? list[l] : l;
		struct rows r = rows_of(image, leaves[i], src[i], l4[i]);

		words[l] = first_word(r.dst, r.src, r.l4);
	}
	for (uint32_t l = 0; l < n; l++) {
		uint32_t i = list ? list[l] : l, w = words[l];
		struct rows r = rows_of(image, leaves[i], src[i], l4[i]);

		matches[i] = match_of(
		    image, w * 64 + (uint32_t)__builtin_ctzll(r.dst[w] & r.src[w] & r.l4[w]));
	}
}

/* Through the memo. Returns the number of misses. */
BATCH_INLINE uint32_t match_memo(const struct nsg_image *image, struct nsg_memo *memo, uint32_t n,
				 const uint64_t *leaves, const uint32_t *src, const uint32_t *l4,
				 uint32_t *matches)
{
	uint64_t hashes[NSG_CHUNK];
	uint32_t list[NSG_CHUNK], missed = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t hash = memo_hash(NSG_LEAF_CLASS(leaves[i]), src[i], l4[i]);
		uint64_t entry = memo->entries[memo_index(hash)];

		hashes[i] = hash;
		matches[i] = (uint32_t)entry & (NSG_MATCH_BIT | NSG_MATCH_DENIES);
		list[missed] = i;
		missed += !memo_holds(entry, hash);
	}
	match_rows(image, missed, list, leaves, src, l4, matches);
	for (uint32_t l = 0; l < missed; l++)
		memo->entries[memo_index(hashes[list[l]])] =
		    memo_entry(hashes[list[l]], matches[list[l]]);
	return missed;
}

BATCH_INLINE void match(const struct nsg_image *image, struct nsg_memo *memo, uint32_t n,
			const uint64_t *leaves, const uint32_t *src, const uint32_t *l4,
			uint32_t *matches)
{
	if (memo && memo_is_worth_it(memo, n))
		memo->missed += match_memo(image, memo, n, leaves, src, l4, matches);
	else
		match_rows(image, n, NULL, leaves, src, l4, matches);
}

/* Loads the leaves and prefetches their rows. */
BATCH_INLINE void fetch_leaves(const struct nsg_image *image, const uint32_t *segments, uint32_t n,
			       uint64_t *leaves)
{
	const uint64_t *all = nsg_image_at(image, image->dst_leaves_off);
	const uint64_t *rows = nsg_image_at(image, image->dst_rows_off);

	for (uint32_t i = 0; i < n; i++) {
		uint64_t leaf = all[segments[i]];
		const uint64_t *row = rows + (size_t)NSG_LEAF_CLASS(leaf) * NSG_ROW_WORDS;

		leaves[i] = leaf;
		__builtin_prefetch(row);
		__builtin_prefetch(row + NSG_ROW_WORDS / 2);
	}
}

BATCH_INLINE void run_chunk(const struct nsg_image *image, struct nsg_memo *memo,
			    const struct nsg_key *keys, uint32_t n, struct nsg_decision *decisions)
{
	const uint64_t *dst_leaves = nsg_image_at(image, image->dst_leaves_off);
	uint32_t dst[NSG_CHUNK], src[NSG_CHUNK], l4[NSG_CHUNK], matches[NSG_CHUNK];
	int32_t addrs[NSG_CHUNK];
	uint64_t leaves[NSG_CHUNK];

	for (uint32_t i = 0; i < n; i++)
		addrs[i] = nsg_tree_key(keys[i].dst_host);
	find_segments(image, &image->dst, (const char *)dst_leaves, sizeof(*dst_leaves), addrs, n,
		      dst);
	find_sources(image, keys, n, src);
	fetch_leaves(image, dst, n, leaves);
	if (!image->wide)
		find_layer4(image, keys, n, l4);
	if (image->wide)
		for (uint32_t i = 0; i < n; i++)
			matches[i] = match_wide(image, NSG_LEAF_CLASS(leaves[i]), src[i], &keys[i]);
	else
		match(image, memo, n, leaves, src, l4, matches);
	for (uint32_t i = 0; i < n; i++)
		decide(leaves[i], matches[i], &decisions[i]);
}

BATCH_TARGET void BATCH_NAME(const struct nsg_image *image, struct nsg_memo *memo,
			     const struct nsg_key *keys, size_t n, struct nsg_decision *decisions)
{
	size_t at = 0;

	for (; n - at >= NSG_CHUNK; at += NSG_CHUNK)
		run_chunk(image, memo, keys + at, NSG_CHUNK, decisions + at);
	if (at < n)
		run_chunk(image, memo, keys + at, (uint32_t)(n - at), decisions + at);
}
