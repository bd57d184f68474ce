/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules' part of an image is taken over when only routes differ. */
#include "compile/parts.h"

#include <errno.h>

/* Tables and rows are read only; the part's pointers are not const because it may own them. */
static void *borrowed(const struct nsg_image *image, uint32_t off)
{
	return (char *)(uintptr_t)image + off;
}

static int strip_routes(const struct nsg_image *before, struct nsg_leaves *ret)
{
	const struct nsg_tree *tree = &before->dst;
	const int32_t *keys = nsg_image_at(before, tree->level_off[tree->depth - 1]);
	const uint64_t *leaves = nsg_image_at(before, before->dst_leaves_off);
	int r = nsg_leaves_reserve(ret, tree->n);

	for (uint32_t i = 0; i < tree->n && !r; i++) {
		uint64_t leaf = leaves[i];
		enum nsg_gate gate = NSG_LEAF_GATE(leaf);

		if (nsg_gate_enters(gate))
			leaf = (leaf & ~NSG_LEAF_ROUTE_PART) |
			       (uint64_t)NSG_LEAF_ROUTE_NONE << NSG_LEAF_ROUTE_SHIFT |
			       (uint64_t)NSG_REASON_ALLOWED << NSG_LEAF_REASON_SHIFT;
		r = nsg_leaves_push(ret, nsg_tree_addr(keys[i]), leaf);
	}
	return r;
}

static int copy_sources(const struct nsg_image *before, struct nsg_partition *ret)
{
	const struct nsg_tree *tree = &before->src;
	const int32_t *keys = nsg_image_at(before, tree->level_off[tree->depth - 1]);
	const uint32_t *classes = nsg_image_at(before, before->src_leaves_off);
	int r = 0;

	for (uint32_t i = 0; i < tree->n && !r; i++)
		r = nsg_partition_push(ret, nsg_tree_addr(keys[i]), classes[i]);
	return r;
}

int nsg_nsg_borrow(const struct nsg_image *before, struct nsg_nsg_part *ret)
{
	struct nsg_nsg_part part = {
	    .dst_rows = borrowed(before, before->dst_rows_off),
	    .src_rows = borrowed(before, before->src_rows_off),
	    .l4_rows = borrowed(before, before->l4_rows_off),
	    .n_dst_rows = before->info.dst_classes,
	    .n_src_rows = before->info.src_classes,
	    .n_l4_rows = before->info.l4_classes,
	    .l4 =
		{
		    .protocols = borrowed(before, before->protocols_off),
		    .cross = borrowed(before, before->cross_off),
		    .n_cross = before->n_cross,
		    .sports = borrowed(before, before->sports_off),
		    .dports = borrowed(before, before->dports_off),
		    .sport_classes = before->sport_classes,
		    .dport_classes = before->dport_classes,
		    .sport_trivial = before->sport_trivial,
		    .wide = before->wide,
		    .wide_sports = before->wide_sports,
		    .wide_dports = before->wide_dports,
		},
	    .borrowed = true,
	};
	int r = strip_routes(before, &part.dst);

	r = r ? r : copy_sources(before, &part.owned_src);
	if (r) {
		nsg_nsg_done(&part);
		return r;
	}
	part.src_lasts = part.owned_src.lasts;
	part.src_classes = part.owned_src.ids;
	part.n_src = part.owned_src.n;
	*ret = part;
	return 0;
}

void nsg_nsg_done(struct nsg_nsg_part *part)
{
	nsg_leaves_done(&part->dst);
	nsg_partition_done(&part->owned_src);
	nsg_rowset_done(&part->owned_dst_rows);
	if (!part->borrowed)
		nsg_layer4_done(&part->l4);
	*part = (struct nsg_nsg_part){0};
}
