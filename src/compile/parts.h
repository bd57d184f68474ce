/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The compiler's parts: rules, gate and routes each become a partition of the address space, which
 * compile.c lays over one another and build.c writes down. Private to this layer.
 */
#ifndef NSG_COMPILE_PARTS_H
#define NSG_COMPILE_PARTS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "classify/image_layout.h"
#include "model/effective.h"
#include "model/gate.h"
#include "util/diag.h"
#include "util/ip.h"
#include "util/limits.h"

/* More entries than this (TCP and UDP together) and ports are not merged into one class. */
#define NSG_MAX_CROSS 262144u

/* ---- sort.c ---- */

/* By the upper 32 bits, stable. scratch has room for n too. */
void nsg_sort_upper(uint64_t *v, uint64_t *scratch, size_t n);

/* ---- rowset.c: distinct rows, numbered from 0 ---- */

struct nsg_row_bits {
	_Alignas(NSG_IMAGE_ALIGN) uint64_t w[NSG_ROW_WORDS];
};

/* Zero-initialise to begin. */
struct nsg_rowset {
	struct nsg_row_bits *rows;
	uint64_t *hashes;
	size_t n, room;
	uint32_t *table; /* id + 1; 0: empty */
	size_t table_size;
};

/* hash must be a function of the row. *ret_id is new or that of an equal row. -ENOMEM. */
int nsg_rowset_add(struct nsg_rowset *s, const struct nsg_row_bits *row, uint64_t hash,
		   uint32_t *ret_id);
/* Without looking for an equal one; nothing may be added after that. -ENOMEM. */
int nsg_rowset_append(struct nsg_rowset *s, const struct nsg_row_bits *row);
uint64_t nsg_row_hash(const struct nsg_row_bits *row);
void nsg_rowset_done(struct nsg_rowset *s);

static inline void nsg_row_set(struct nsg_row_bits *row, unsigned int bit)
{
	row->w[bit / 64] |= (uint64_t)1 << (bit % 64);
}

static inline uint64_t nsg_mix(uint64_t h, uint64_t value)
{
	h = (h ^ value) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

/* ---- field.c: one field of all rules, equal sets of values interned ---- */

struct nsg_field_pointer {
	const struct nsg_range *v;
	size_t n;
	uint16_t list;
	bool used;
};

struct nsg_field {
	struct nsg_ranges *lists;   /* borrowed or from owned */
	uint64_t *hashes;	    /* of each list's content */
	struct nsg_row_bits *masks; /* the rules that have the list */
	size_t n, room;
	uint32_t *list_of_rule;
	struct nsg_range **owned;
	size_t n_owned;
	struct nsg_field_pointer *by_pointer;
	uint16_t *by_content; /* number + 1; 0: empty */
};

/* n_rules + 1 lists at most. -ENOMEM. */
int nsg_field_init(struct nsg_field *f, size_t n_rules);
/* Gives a rule its set, which must live as long as the field. */
void nsg_field_add(struct nsg_field *f, size_t rule, const struct nsg_ranges *values);
/* The same for ports, which are copied. -ENOMEM. */
int nsg_field_add_ports(struct nsg_field *f, size_t rule, const struct nsg_port_range *ports,
			size_t n);
void nsg_field_done(struct nsg_field *f);

/* ---- sweep.c: lists become a partition ---- */

/* 0 to 2^32 - 1 in pieces; set: which row of `sets` says which lists hold the piece. */
struct nsg_partition {
	uint32_t *lasts;
	uint32_t *ids;
	size_t n, room;
	struct nsg_rowset sets;
};

/* -ENOMEM, -E2BIG beyond NSG_MAX_IMAGE_SEGMENTS. */
int nsg_sweep(const struct nsg_ranges *lists, size_t n_lists, struct nsg_partition *ret);
/* Appends a piece, joined to the one before it when the ids are equal. -ENOMEM, -E2BIG. */
int nsg_partition_push(struct nsg_partition *p, uint32_t last, uint32_t id);
void nsg_partition_done(struct nsg_partition *p);

/* ---- layer4.c ---- */

struct nsg_layer4 {
	struct nsg_layout_protocol *protocols; /* 256 */
	uint32_t *cross;
	size_t n_cross;
	uint16_t *sports, *dports; /* NSG_PORTS each */
	uint32_t sport_classes, dport_classes;
	bool sport_trivial, wide;
	uint32_t wide_sports, wide_dports;
	struct nsg_rowset rows;
};

/* -ENOMEM */
int nsg_layer4_new(const struct nsg_effective *e, const struct nsg_field *sports,
		   const struct nsg_field *dports, struct nsg_layer4 *ret);
void nsg_layer4_done(struct nsg_layer4 *l4);

/* ---- nsg.c: all that rules and gate decide ---- */

/* Destination segments with leaves that have no route yet. */
struct nsg_leaves {
	uint32_t *lasts;
	uint64_t *leaves;
	size_t n, room;
};

/* Room for n leaves in all. -ENOMEM. */
int nsg_leaves_reserve(struct nsg_leaves *l, size_t n);

/* Room must be reserved. Equal neighbours are joined. -E2BIG. */
static inline int nsg_leaves_push(struct nsg_leaves *l, uint32_t last, uint64_t leaf)
{
	if (l->n && l->leaves[l->n - 1] == leaf) {
		l->lasts[l->n - 1] = last;
		return 0;
	}
	if (l->n == NSG_MAX_IMAGE_SEGMENTS)
		return -E2BIG;
	l->lasts[l->n] = last;
	l->leaves[l->n++] = leaf;
	return 0;
}

void nsg_leaves_done(struct nsg_leaves *l);

/* Where the rules' part of an image comes from: compiled, or borrowed from the image before. */
struct nsg_nsg_part {
	struct nsg_leaves dst;
	uint32_t *src_lasts, *src_classes;
	size_t n_src;
	const struct nsg_row_bits *dst_rows, *src_rows, *l4_rows;
	size_t n_dst_rows, n_src_rows, n_l4_rows;
	struct nsg_layer4 l4; /* its tables; rows as above */
	bool borrowed;
	/* What the pointers above point into, when compiled. */
	struct nsg_rowset owned_dst_rows;
	struct nsg_partition owned_src;
};

/* The rules' fields, with what identifies them. */
struct nsg_fields {
	struct nsg_field src, dst, sports, dports;
	uint64_t hash;
};

int nsg_fields_new(const struct nsg_effective *e, struct nsg_fields *ret);
void nsg_fields_done(struct nsg_fields *f);

/* The gate of every destination, and what an image's decisions depend on in it. */
struct nsg_gates {
	struct nsg_gate_piece *v;
	size_t n;
	uint64_t hash;
};

int nsg_gates_new(const struct nsg_effective *e, struct nsg_gates *ret);

int nsg_nsg_compile(const struct nsg_effective *e, const struct nsg_fields *f,
		    const struct nsg_gates *gates, struct nsg_nsg_part *ret);
/* before must outlive the part. */
int nsg_nsg_borrow(const struct nsg_image *before, struct nsg_nsg_part *ret);
void nsg_nsg_done(struct nsg_nsg_part *part);

/* ---- routes.c ---- */

#define NSG_ROW_NONE UINT32_MAX

/* ids of the partitions: rows of the route table, or NSG_ROW_NONE. */
struct nsg_routes_part {
	struct nsg_partition winners;	/* rfc1918, route-all */
	struct nsg_partition endpoints; /* service-endpoint; empty when the same */
	uint32_t *route_of_row;		/* index in the image, or NSG_ROW_NONE */
	uint32_t *rows;			/* the image's routes, in the order of the rows */
	uint16_t *hop_of_route;
	uint32_t *hops;		 /* of each hop but 0 the first route's row */
	size_t n_routes, n_hops; /* n_hops counts hop 0 */
	uint64_t hash;
};

int nsg_routes_new(const struct nsg_effective *e, const struct nsg_gates *gates,
		   struct nsg_diag *diag, struct nsg_routes_part *ret);
/* The partition that holds for destinations of a gate that enters. */
const struct nsg_partition *nsg_routes_of_gate(const struct nsg_routes_part *part,
					       enum nsg_gate gate);
void nsg_routes_done(struct nsg_routes_part *r);

/* ---- tree.c ---- */

struct nsg_tree_part {
	uint32_t depth;
	size_t n;
	int32_t *levels[NSG_TREE_LEVELS]; /* from the root */
	size_t nodes[NSG_TREE_LEVELS];
};

/* lasts: ascending, the last of all is 2^32 - 1. -ENOMEM. */
int nsg_tree_new(const uint32_t *lasts, size_t n, struct nsg_tree_part *ret);
void nsg_tree_done(struct nsg_tree_part *t);

/* ---- build.c ---- */

/* Writes it all into one block. -ENOMEM, -E2BIG when offsets do not suffice. */
int nsg_image_build(const struct nsg_effective *e, const struct nsg_nsg_part *nsg,
		    const struct nsg_routes_part *routes, const struct nsg_leaves *dst,
		    struct nsg_image **ret);

#endif
