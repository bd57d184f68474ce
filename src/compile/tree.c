/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Segments become a static search tree (classify/image_layout.h). */
#include "compile/compile_priv.h"

#include <errno.h>

#include "util/cleanup.h"

static size_t nodes_of(size_t n, size_t each)
{
	return (n + each - 1) / each;
}

static int32_t *level_new(size_t nodes)
{
	return aligned_alloc(NSG_IMAGE_ALIGN, nodes * NSG_IMAGE_ALIGN);
}

/* The keys of the level above: the last key below each of a node's first 16 children. */
static void fill_above(int32_t *level, size_t nodes, const int32_t *lasts, size_t n_lasts)
{
	for (size_t i = 0; i < nodes * NSG_NODE_KEYS; i++) {
		size_t child = i / NSG_NODE_KEYS * NSG_NODE_CHILDREN + i % NSG_NODE_KEYS;

		level[i] = child < n_lasts ? lasts[child] : INT32_MAX;
	}
}

/* lasts: of each node of the present level the last key below it; made into those of the next. */
static void lasts_above(int32_t *lasts, size_t n_lasts, size_t nodes)
{
	for (size_t i = 0; i < nodes; i++) {
		size_t child = i * NSG_NODE_CHILDREN + NSG_NODE_CHILDREN - 1;

		lasts[i] = lasts[child < n_lasts ? child : n_lasts - 1];
	}
}

static int grow_up(struct nsg_tree_part *t, int32_t *lasts)
{
	size_t below = t->nodes[NSG_TREE_LEVELS - 1];
	uint32_t at = NSG_TREE_LEVELS - 1;

	for (size_t i = 0; i < below; i++)
		lasts[i] = t->levels[at][i * NSG_NODE_KEYS + NSG_NODE_KEYS - 1];
	while (below > 1) {
		size_t nodes = nodes_of(below, NSG_NODE_CHILDREN);
		int32_t *level = level_new(nodes);

		if (!level)
			return -ENOMEM;
		fill_above(level, nodes, lasts, below);
		lasts_above(lasts, below, nodes);
		t->levels[--at] = level;
		t->nodes[at] = nodes;
		below = nodes;
	}
	t->depth = NSG_TREE_LEVELS - at;
	return 0;
}

/* Levels are built from the bottom, at the end of the array; the root has to be first. */
static void move_to_front(struct nsg_tree_part *t)
{
	uint32_t skip = NSG_TREE_LEVELS - t->depth;

	for (uint32_t d = 0; skip && d < t->depth; d++) {
		t->levels[d] = t->levels[d + skip];
		t->nodes[d] = t->nodes[d + skip];
		t->levels[d + skip] = NULL;
	}
}

int nsg_tree_new(const uint32_t *lasts, size_t n, struct nsg_tree_part *ret)
{
	size_t nodes = nodes_of(n, NSG_NODE_KEYS);
	cleanup_tree struct nsg_tree_part t = {.n = n};
	cleanup_free int32_t *scratch = malloc(nodes * sizeof(*scratch));
	int32_t *bottom = level_new(nodes);
	int r;

	t.levels[NSG_TREE_LEVELS - 1] = bottom;
	t.nodes[NSG_TREE_LEVELS - 1] = nodes;
	if (!bottom || !scratch)
		return -ENOMEM;
	for (size_t i = 0; i < nodes * NSG_NODE_KEYS; i++)
		bottom[i] = i < n ? nsg_tree_key(lasts[i]) : INT32_MAX;
	r = grow_up(&t, scratch);
	if (r < 0)
		return r;
	move_to_front(&t);
	*ret = t;
	t = (struct nsg_tree_part){.n = 0};
	return 0;
}

void nsg_tree_done(struct nsg_tree_part *t)
{
	for (uint32_t d = 0; d < NSG_TREE_LEVELS; d++)
		free(t->levels[d]);
	*t = (struct nsg_tree_part){0};
}
