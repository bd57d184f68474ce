/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What rules and gate decide, before any route is known. */
#include "compile/parts.h"

#include <errno.h>
#include <string.h>

#include "util/limits.h"

/* 168.63.129.16 is reached by rules through this port only (semantics.md section 1.1). */
#define DNS_PORT 53

/* The destination classes that every image has; those of the rules come after them. */
enum fixed_class {
	CLASS_NOTHING, /* no rule is looked at */
	CLASS_ENTERS,  /* no rule is looked at, but the packet must be one that is carried */
	CLASS_DNS,
	CLASS_IMDS,
	N_FIXED_CLASSES,
};

int nsg_leaves_reserve(struct nsg_leaves *l, size_t n)
{
	uint32_t *lasts;
	uint64_t *leaves;

	if (n <= l->room)
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

int nsg_fields_new(const struct nsg_effective *e, struct nsg_fields *ret)
{
	struct nsg_fields f = {0};
	uint64_t h = nsg_mix(0, (uint64_t)(e->nsg != NULL) | (uint64_t)e->n_rules << 1);
	int r = nsg_field_init(&f.src, e->n_rules);

	r = r ? r : nsg_field_init(&f.dst, e->n_rules);
	r = r ? r : nsg_field_init(&f.sports, e->n_rules);
	r = r ? r : nsg_field_init(&f.dports, e->n_rules);
	for (size_t i = 0; i < e->n_rules && !r; i++) {
		const struct nsg_effective_rule *rule = &e->rules[i];

		nsg_field_add(&f.src, i, rule->src.ranges);
		nsg_field_add(&f.dst, i, rule->dst.ranges);
		r = nsg_field_add_ports(&f.sports, i, rule->src_ports, rule->n_src_ports);
		r = r ? r : add_dports(&f.dports, i, rule);
		if (r)
			break;
		h = nsg_mix(h, f.src.hashes[f.src.list_of_rule[i]]);
		h = nsg_mix(h, f.dst.hashes[f.dst.list_of_rule[i]]);
		h = nsg_mix(h, f.sports.hashes[f.sports.list_of_rule[i]]);
		h = nsg_mix(h, f.dports.hashes[f.dports.list_of_rule[i]]);
		h = nsg_mix(h, (uint64_t)rule->rule->protocol | (uint64_t)rule->rule->access << 16 |
				   (uint64_t)rule->dst.kind << 17);
	}
	if (r) {
		nsg_fields_done(&f);
		return r;
	}
	f.hash = h;
	*ret = f;
	return 0;
}

void nsg_fields_done(struct nsg_fields *f)
{
	nsg_field_done(&f->src);
	nsg_field_done(&f->dst);
	nsg_field_done(&f->sports);
	nsg_field_done(&f->dports);
}

/* ---- gates ---- */

/* Beside the gates themselves, what a change of which makes the daemon forget its decisions. */
static uint64_t gates_hash(const struct nsg_effective *e)
{
	uint64_t h = nsg_mix(0, (uint64_t)e->route_all |
				    (uint64_t)(e->is_linux && e->profile->linux_only_rfc1918) << 1 |
				    (uint64_t)e->profile->endpoint_traffic_nsg << 2 |
				    (uint64_t)e->profile->endpoint_traffic_routes << 3);

	for (size_t i = 0; i < e->endpoints.n; i++)
		h = nsg_mix(h, (uint64_t)e->endpoints.v[i].hi << 32 | e->endpoints.v[i].lo);
	return h;
}

int nsg_gates_new(const struct nsg_effective *e, struct nsg_gates *ret)
{
	struct nsg_gates gates = {.hash = gates_hash(e)};
	int r = nsg_gate_boundaries(e, &gates.v, &gates.n);

	if (!r)
		*ret = gates;
	return r;
}

/* ---- rows ---- */

/* The rules whose list is in the set. */
static void row_of_set(const struct nsg_field *f, const struct nsg_row_bits *set,
		       struct nsg_row_bits *ret)
{
	struct nsg_row_bits row = {{0}};

	for (size_t w = 0; w < (f->n + 63) / 64; w++) {
		for (uint64_t rest = set->w[w]; rest; rest &= rest - 1) {
			const struct nsg_row_bits *mask =
			    &f->masks[w * 64 + (size_t)__builtin_ctzll(rest)];

			for (unsigned int i = 0; i < NSG_ROW_WORDS; i++)
				row.w[i] |= mask->w[i];
		}
	}
	nsg_row_set(&row, NSG_BIT_NOT_CARRIED);
	nsg_row_set(&row, NSG_BIT_NOTHING);
	*ret = row;
}

static int fixed_rows(const struct nsg_effective *e, struct nsg_rowset *rows)
{
	struct nsg_row_bits fixed[N_FIXED_CLASSES] = {0};

	for (unsigned int i = 0; i < N_FIXED_CLASSES; i++)
		nsg_row_set(&fixed[i], NSG_BIT_NOTHING);
	nsg_row_set(&fixed[CLASS_ENTERS], NSG_BIT_NOT_CARRIED);
	for (size_t i = 0; i < e->n_rules; i++) {
		if (e->rules[i].dst.kind == NSG_MATCH_PLATFORM_DNS)
			nsg_row_set(&fixed[CLASS_DNS], (unsigned int)i + NSG_BIT_RULES);
		if (e->rules[i].dst.kind == NSG_MATCH_PLATFORM_IMDS)
			nsg_row_set(&fixed[CLASS_IMDS], (unsigned int)i + NSG_BIT_RULES);
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

/* The leaf of a gate's piece; of one whose rules are evaluated without their class. */
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

/* The class of a set, numbered when it is first used: what the gate shuts out needs no row. */
static int class_of(const struct nsg_field *f, const struct nsg_partition *sets, uint32_t set,
		    uint32_t *classes, struct nsg_rowset *rows, uint32_t *ret)
{
	struct nsg_row_bits row;
	int r = 0;

	if (!classes[set]) {
		row_of_set(f, &sets->sets.rows[set], &row);
		classes[set] = (uint32_t)rows->n;
		r = nsg_rowset_append(rows, &row);
	}
	*ret = classes[set];
	return r;
}

static int overlay(const struct nsg_effective *e, const struct nsg_field *f,
		   const struct nsg_partition *sets, const struct nsg_gates *gates,
		   struct nsg_nsg_part *part)
{
	uint32_t *classes = calloc(sets->sets.n, sizeof(*classes));
	size_t s = 0, g = 0;
	int r = classes ? nsg_leaves_reserve(&part->dst, sets->n + gates->n) : -ENOMEM;

	while (!r && s < sets->n) {
		const struct nsg_gate_piece *piece = &gates->v[g];
		uint32_t last = sets->lasts[s] < piece->last ? sets->lasts[s] : piece->last;
		uint32_t class = 0;
		bool evaluated;
		uint64_t leaf = gate_leaf(e, piece, &evaluated);

		if (evaluated)
			r = class_of(f, sets, sets->ids[s], classes, &part->owned_dst_rows, &class);
		r = r ? r : nsg_leaves_push(&part->dst, last, leaf | class);
		s += sets->lasts[s] == last;
		g += piece->last == last;
	}
	free(classes);
	return r;
}

static int compile_dst(const struct nsg_effective *e, const struct nsg_field *f,
		       const struct nsg_gates *gates, struct nsg_nsg_part *part)
{
	struct nsg_partition sets;
	int r = nsg_sweep(f->lists, f->n, &sets);

	if (r)
		return r;
	r = fixed_rows(e, &part->owned_dst_rows);
	r = r ? r : overlay(e, f, &sets, gates, part);
	nsg_partition_done(&sets);
	part->dst_rows = part->owned_dst_rows.rows;
	part->n_dst_rows = part->owned_dst_rows.n;
	return r;
}

static int compile_src(const struct nsg_field *f, struct nsg_nsg_part *part)
{
	struct nsg_partition *p = &part->owned_src;
	int r = nsg_sweep(f->lists, f->n, p);

	if (r)
		return r;
	for (size_t i = 0; i < p->sets.n; i++)
		row_of_set(f, &p->sets.rows[i], &p->sets.rows[i]);
	part->src_lasts = p->lasts;
	part->src_classes = p->ids;
	part->n_src = p->n;
	part->src_rows = p->sets.rows;
	part->n_src_rows = p->sets.n;
	return 0;
}

int nsg_nsg_compile(const struct nsg_effective *e, const struct nsg_fields *f,
		    const struct nsg_gates *gates, struct nsg_nsg_part *ret)
{
	struct nsg_nsg_part part = {0};
	int r = compile_dst(e, &f->dst, gates, &part);

	r = r ? r : compile_src(&f->src, &part);
	r = r ? r : nsg_layer4_new(e, &f->sports, &f->dports, &part.l4);
	if (r) {
		nsg_nsg_done(&part);
		return r;
	}
	part.l4_rows = part.l4.rows.rows;
	part.n_l4_rows = part.l4.rows.n;
	*ret = part;
	return 0;
}
