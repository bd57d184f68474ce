/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The decisions of rules and gate, without routes. Taken from the previous image if only routes
 * differ. */
#include "compile/compile_priv.h"

#include <errno.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/limits.h"
#include "util/macro.h"

/* Rules match 168.63.129.16 on this port only. */
#define DNS_PORT 53

/* The destination classes that every image has; those of the rules come after them. */
enum fixed_class {
	CLASS_NOTHING, /* no rule is evaluated */
	CLASS_ENTERS,  /* no rule is evaluated, but the packet must be carried */
	CLASS_DNS,
	CLASS_IMDS,
	N_FIXED_CLASSES,
};

int nsg_leaves_reserve(struct nsg_leaves *l, size_t n)
{
	uint32_t *lasts;
	uint64_t *leaves;

	if (l->lasts && n <= l->room)
		return 0;
	lasts = realloc(l->lasts, n * sizeof(*lasts));
	if (!lasts)
		return -ENOMEM;
	l->lasts = lasts;
	leaves = realloc(l->leaves, n * sizeof(*leaves));
	if (!leaves)
		return -ENOMEM;
	l->leaves = leaves;
	l->room = n;
	return 0;
}

void nsg_leaves_done(struct nsg_leaves *l)
{
	free(l->lasts);
	free(l->leaves);
	*l = (struct nsg_leaves){0};
}

/* ---- fields ---- */

static int add_dports(struct nsg_field *f, size_t i, const struct nsg_effective_rule *rule)
{
	static const struct nsg_port_range dns = {DNS_PORT, DNS_PORT};

	if (rule->dst.kind != NSG_MATCH_PLATFORM_DNS)
		return nsg_field_add_ports(f, i, rule->dst_ports, rule->n_dst_ports);
	for (size_t p = 0; p < rule->n_dst_ports; p++)
		if (rule->dst_ports[p].lo <= DNS_PORT && rule->dst_ports[p].hi >= DNS_PORT)
			return nsg_field_add_ports(f, i, &dns, 1);
	return nsg_field_add_ports(f, i, NULL, 0);
}

static int add_rule(struct nsg_fields *f, size_t i, const struct nsg_effective_rule *rule)
{
	int r;

	r = nsg_field_add(&f->src, i, rule->src.ranges);
	if (r < 0)
		return r;
	r = nsg_field_add(&f->dst, i, rule->dst.ranges);
	if (r < 0)
		return r;
	r = nsg_field_add_ports(&f->sports, i, rule->src_ports, rule->n_src_ports);
	if (r < 0)
		return r;
	return add_dports(&f->dports, i, rule);
}

static uint64_t rule_hash(const struct nsg_fields *f, size_t i, uint64_t h,
			  const struct nsg_effective_rule *rule)
{
	h = nsg_mix(h, f->src.hashes[f->src.list_of_rule[i]]);
	h = nsg_mix(h, f->dst.hashes[f->dst.list_of_rule[i]]);
	h = nsg_mix(h, f->sports.hashes[f->sports.list_of_rule[i]]);
	h = nsg_mix(h, f->dports.hashes[f->dports.list_of_rule[i]]);
	return nsg_mix(h, (uint64_t)rule->rule->protocol | (uint64_t)rule->rule->access << 16 |
			      (uint64_t)rule->dst.kind << 17);
}

int nsg_fields_new(const struct nsg_effective *e, struct nsg_fields *ret)
{
	cleanup_fields struct nsg_fields f = {
	    .hash = nsg_mix(0, (uint64_t)(e->nsg != NULL) | (uint64_t)e->n_rules << 1)};
	struct nsg_field *all[] = {&f.src, &f.dst, &f.sports, &f.dports};
	int r;

	for (size_t i = 0; i < NSG_ARRAY_SIZE(all); i++) {
		r = nsg_field_init(all[i], e->n_rules);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < e->n_rules; i++) {
		r = add_rule(&f, i, &e->rules[i]);
		if (r < 0)
			return r;
		f.hash = rule_hash(&f, i, f.hash, &e->rules[i]);
	}
	*ret = f;
	f = (struct nsg_fields){0};
	return 0;
}

void nsg_fields_done(struct nsg_fields *f)
{
	nsg_field_done(&f->src);
	nsg_field_done(&f->dst);
	nsg_field_done(&f->sports);
	nsg_field_done(&f->dports);
}

/* ---- rows ---- */

/* The rules whose list is in the set. */
static void row_of_set(const struct nsg_field *f, const struct nsg_bits *set, struct nsg_bits *ret)
{
	struct nsg_bits row = {{0}};

	for (size_t w = 0; w < (f->n + 63) / 64; w++)
		for (uint64_t rest = set->w[w]; rest; rest &= rest - 1)
			nsg_bits_or(&row, &f->masks[w * 64 + (size_t)__builtin_ctzll(rest)]);
	nsg_bits_set(&row, NSG_BIT_NOT_CARRIED);
	nsg_bits_set(&row, NSG_BIT_NOTHING);
	*ret = row;
}

static int fixed_rows(const struct nsg_effective *e, struct nsg_rowset *rows)
{
	struct nsg_bits fixed[N_FIXED_CLASSES] = {0};

	for (unsigned int i = 0; i < N_FIXED_CLASSES; i++)
		nsg_bits_set(&fixed[i], NSG_BIT_NOTHING);
	nsg_bits_set(&fixed[CLASS_ENTERS], NSG_BIT_NOT_CARRIED);
	for (size_t i = 0; i < e->n_rules; i++) {
		if (e->rules[i].dst.kind == NSG_MATCH_PLATFORM_DNS)
			nsg_bits_set(&fixed[CLASS_DNS], (unsigned int)i + NSG_BIT_RULES);
		if (e->rules[i].dst.kind == NSG_MATCH_PLATFORM_IMDS)
			nsg_bits_set(&fixed[CLASS_IMDS], (unsigned int)i + NSG_BIT_RULES);
	}
	for (unsigned int i = 0; i < N_FIXED_CLASSES; i++) {
		int r = nsg_rowset_append(rows, &fixed[i]);

		if (r)
			return r;
	}
	return 0;
}

/* ---- destinations ---- */

static uint64_t leaf_of(enum nsg_gate gate, enum nsg_reason reason, uint32_t class)
{
	return (uint64_t)NSG_LEAF_ROUTE_NONE << NSG_LEAF_ROUTE_SHIFT |
	       (uint64_t)gate << NSG_LEAF_GATE_SHIFT | (uint64_t)reason << NSG_LEAF_REASON_SHIFT |
	       class;
}

/* The leaf of a gate's piece; where rules are evaluated the caller adds the class. */
static uint64_t gate_leaf(const struct nsg_effective *e, const struct nsg_gate_piece *piece,
			  bool *ret_evaluated)
{
	bool evaluated = nsg_gate_evaluates_nsg(e->profile, piece->gate);

	*ret_evaluated = evaluated && e->nsg;
	if (piece->gate == NSG_GATE_PLATFORM)
		return leaf_of(piece->gate, NSG_REASON_PLATFORM,
			       piece->last == NSG_IP_PLATFORM_DNS ? CLASS_DNS : CLASS_IMDS);
	if (piece->gate == NSG_GATE_NOT_CARRIED)
		return leaf_of(piece->gate, NSG_REASON_NOT_CARRIED, CLASS_NOTHING);
	if (!nsg_gate_enters(piece->gate))
		return leaf_of(piece->gate, NSG_REASON_BYPASS, CLASS_NOTHING);
	if (*ret_evaluated)
		return leaf_of(piece->gate, NSG_REASON_ALLOWED, 0) | (uint64_t)1
									 << NSG_LEAF_DENY_SHIFT;
	return leaf_of(piece->gate, NSG_REASON_ALLOWED, CLASS_ENTERS) |
	       (uint64_t)evaluated << NSG_LEAF_NO_NSG_SHIFT;
}

/* The class of a set, numbered when first used: sets outside the gate need no row. */
static int class_of(const struct nsg_field *f, const struct nsg_bits *set, uint32_t *class,
		    struct nsg_rowset *rows)
{
	struct nsg_bits row;

	if (*class)
		return 0;
	row_of_set(f, set, &row);
	return nsg_rowset_add(rows, &row, nsg_bits_hash(&row), class);
}

static int overlay(const struct nsg_effective *e, const struct nsg_field *f,
		   const struct nsg_classes *sets, const struct nsg_gates *gates,
		   struct nsg_nsg_part *part)
{
	cleanup_free uint32_t *classes = calloc(sets->sets.n, sizeof(*classes));
	const struct nsg_partition *p = &sets->pieces;
	int r;

	if (!classes)
		return -ENOMEM;
	r = nsg_leaves_reserve(&part->dst, p->n + gates->n);
	if (r < 0)
		return r;
	for (size_t s = 0, g = 0; s < p->n;) {
		const struct nsg_gate_piece *piece = &gates->v[g];
		uint32_t last = p->lasts[s] < piece->last ? p->lasts[s] : piece->last;
		bool evaluated;
		uint64_t leaf = gate_leaf(e, piece, &evaluated);

		if (evaluated) {
			uint32_t *class = &classes[p->ids[s]];

			r = class_of(f, &sets->sets.rows[p->ids[s]], class, &part->owned_dst_rows);
			if (r < 0)
				return r;
			leaf |= *class;
		}
		r = nsg_leaves_push(&part->dst, last, leaf);
		if (r < 0)
			return r;
		s += p->lasts[s] == last;
		g += piece->last == last;
	}
	return 0;
}

/* The image's rows keep their numbers. The first `fixed` are not looked up. */
static int take_rows(const struct nsg_bits *rows, size_t n, size_t fixed, struct nsg_rowset *ret)
{
	for (size_t i = 0; i < n; i++) {
		int r = nsg_rowset_append(ret, &rows[i]);

		if (r < 0)
			return r;
		r = i < fixed ? 0 : nsg_hash_add(&ret->index, nsg_bits_hash(&rows[i]), (uint32_t)i);
		if (r < 0)
			return r;
	}
	return 0;
}

/* If the part has rows already, they keep their numbers. */
static int compile_dst(const struct nsg_effective *e, const struct nsg_field *f,
		       const struct nsg_gates *gates, struct nsg_nsg_part *part)
{
	cleanup_classes struct nsg_classes sets = {0};
	int r;

	r = nsg_classes_new(f->lists, f->n, &sets);
	if (r < 0)
		return r;
	r = part->n_dst_rows ? take_rows(part->dst_rows, part->n_dst_rows, N_FIXED_CLASSES,
					 &part->owned_dst_rows)
			     : fixed_rows(e, &part->owned_dst_rows);
	if (r < 0)
		return r;
	r = overlay(e, f, &sets, gates, part);
	if (r < 0)
		return r;
	part->dst_rows = part->owned_dst_rows.rows;
	part->n_dst_rows = part->owned_dst_rows.n;
	return 0;
}

static void point_at_sources(struct nsg_nsg_part *part)
{
	part->src_lasts = part->owned_src.pieces.lasts;
	part->src_classes = part->owned_src.pieces.ids;
	part->n_src = part->owned_src.pieces.n;
}

static int compile_src(const struct nsg_field *f, struct nsg_nsg_part *part)
{
	struct nsg_rowset *sets = &part->owned_src.sets;
	int r;

	r = nsg_classes_new(f->lists, f->n, &part->owned_src);
	if (r < 0)
		return r;
	for (size_t i = 0; i < sets->n; i++)
		row_of_set(f, &sets->rows[i], &sets->rows[i]);
	point_at_sources(part);
	part->src_rows = sets->rows;
	part->n_src_rows = sets->n;
	return 0;
}

int nsg_nsg_compile(const struct nsg_effective *e, const struct nsg_fields *f,
		    const struct nsg_gates *gates, struct nsg_nsg_part *ret)
{
	cleanup_nsg_part struct nsg_nsg_part part = {0};
	int r;

	r = compile_dst(e, &f->dst, gates, &part);
	if (r < 0)
		return r;
	r = compile_src(&f->src, &part);
	if (r < 0)
		return r;
	r = nsg_layer4_new(e, &f->sports, &f->dports, &part.l4);
	if (r < 0)
		return r;
	part.l4_rows = part.l4.rows.rows;
	part.n_l4_rows = part.l4.rows.n;
	*ret = part;
	part = (struct nsg_nsg_part){0};
	return 0;
}

/* ---- from the image before ---- */

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
	int r;

	r = nsg_leaves_reserve(ret, tree->n);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < tree->n; i++) {
		uint64_t leaf = leaves[i];
		enum nsg_gate gate = NSG_LEAF_GATE(leaf);

		if (nsg_gate_enters(gate))
			leaf = (leaf & ~NSG_LEAF_ROUTE_PART) |
			       (uint64_t)NSG_LEAF_ROUTE_NONE << NSG_LEAF_ROUTE_SHIFT |
			       (uint64_t)NSG_REASON_ALLOWED << NSG_LEAF_REASON_SHIFT;
		r = nsg_leaves_push(ret, nsg_tree_addr(keys[i]), leaf);
		if (r < 0)
			return r;
	}
	return 0;
}

static int copy_sources(const struct nsg_image *before, struct nsg_partition *ret)
{
	const struct nsg_tree *tree = &before->src;
	const int32_t *keys = nsg_image_at(before, tree->level_off[tree->depth - 1]);
	const uint32_t *classes = nsg_image_at(before, before->src_leaves_off);

	for (uint32_t i = 0; i < tree->n; i++) {
		int r = nsg_partition_push(ret, nsg_tree_addr(keys[i]), classes[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

/* All but the segments. */
static void borrow_tables(const struct nsg_image *before, struct nsg_nsg_part *ret)
{
	*ret = (struct nsg_nsg_part){
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
}

int nsg_nsg_borrow(const struct nsg_image *before, struct nsg_nsg_part *ret)
{
	cleanup_nsg_part struct nsg_nsg_part part = {0};
	int r;

	borrow_tables(before, &part);
	r = strip_routes(before, &part.dst);
	if (r < 0)
		return r;
	r = copy_sources(before, &part.owned_src.pieces);
	if (r < 0)
		return r;
	point_at_sources(&part);
	*ret = part;
	part = (struct nsg_nsg_part){0};
	return 0;
}

/* ---- windows ---- */

static int compile_src_windows(const struct nsg_field *f, struct nsg_nsg_part *part)
{
	cleanup_classes struct nsg_classes sets = {0};
	struct nsg_rowset *rows = &part->owned_src.sets;
	int r;

	r = nsg_classes_new(f->lists, f->n, &sets);
	if (r < 0)
		return r;
	r = take_rows(part->src_rows, part->n_src_rows, 0, rows);
	if (r < 0)
		return r;
	for (size_t i = 0; i < sets.pieces.n; i++) {
		struct nsg_bits row;
		uint32_t class;

		row_of_set(f, &sets.sets.rows[sets.pieces.ids[i]], &row);
		r = nsg_rowset_add(rows, &row, nsg_bits_hash(&row), &class);
		if (r < 0)
			return r;
		r = nsg_partition_push(&part->owned_src.pieces, sets.pieces.lasts[i], class);
		if (r < 0)
			return r;
	}
	point_at_sources(part);
	part->src_rows = rows->rows;
	part->n_src_rows = rows->n;
	return 0;
}

void nsg_nsg_set_sources(struct nsg_nsg_part *part, struct nsg_partition *pieces)
{
	nsg_partition_done(&part->owned_src.pieces);
	part->owned_src.pieces = *pieces;
	*pieces = (struct nsg_partition){0};
	point_at_sources(part);
}

int nsg_nsg_compile_windows(const struct nsg_effective *e, const struct nsg_fields *f,
			    const struct nsg_gates *gates, const struct nsg_image *before,
			    struct nsg_nsg_part *ret)
{
	cleanup_nsg_part struct nsg_nsg_part part = {0};
	int r;

	borrow_tables(before, &part);
	r = compile_dst(e, &f->dst, gates, &part);
	if (r < 0)
		return r;
	r = compile_src_windows(&f->src, &part);
	if (r < 0)
		return r;
	*ret = part;
	part = (struct nsg_nsg_part){0};
	return 0;
}

void nsg_nsg_done(struct nsg_nsg_part *part)
{
	nsg_leaves_done(&part->dst);
	nsg_classes_done(&part->owned_src);
	nsg_rowset_done(&part->owned_dst_rows);
	if (!part->borrowed)
		nsg_layer4_done(&part->l4);
	*part = (struct nsg_nsg_part){0};
}
