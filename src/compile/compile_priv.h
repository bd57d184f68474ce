/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules, gate and routes each become a partition of the address space; compile.c combines them and
 * build.c writes the image.
 */
#ifndef NSG_COMPILE_PRIV_H
#define NSG_COMPILE_PRIV_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "classify/image_layout.h"
#include "model/effective.h"
#include "model/gate.h"
#include "util/classes.h"
#include "util/diag.h"
#include "util/hash.h"
#include "util/ip.h"
#include "util/limits.h"

/* With more entries than this (TCP and UDP together) ports are not merged into one class. */
#define NSG_MAX_CROSS 262144u

_Static_assert(NSG_BITS == NSG_ROW_BITS && NSG_BITS_ALIGN == NSG_IMAGE_ALIGN,
	       "rows of bits are the image's rows");

/* ---- field.c: one field of all rules, equal sets of values interned ---- */

struct nsg_field_pointer {
	const struct nsg_ranges *values;
	uint32_t list;
};

struct nsg_field {
	struct nsg_ranges *lists; /* borrowed or from owned */
	uint64_t *hashes;	  /* of each list's content */
	struct nsg_bits *masks;	  /* the rules that have the list */
	size_t n;
	uint32_t *list_of_rule;
	struct nsg_range **owned;
	size_t n_owned;
	struct nsg_field_pointer *pointers; /* those seen */
	size_t n_pointers;
	struct nsg_hash by_pointer, by_content;
};

/* Room for n_rules. -ENOMEM. */
int nsg_field_init(struct nsg_field *f, size_t n_rules);
/* Sets a rule's values, which must outlive the field. -ENOMEM. */
int nsg_field_add(struct nsg_field *f, size_t rule, const struct nsg_ranges *values);
/* The same for ports, which are copied. -ENOMEM. */
int nsg_field_add_ports(struct nsg_field *f, size_t rule, const struct nsg_port_range *ports,
			size_t n);
/* Leaves of the lists only what is in the windows. -ENOMEM. */
int nsg_field_cut(struct nsg_field *f, const struct nsg_ranges *windows);
void nsg_field_done(struct nsg_field *f);

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

/* ---- nsg.c: what rules and gate decide ---- */

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

/* The rules' part of an image, compiled or borrowed from the image before. */
struct nsg_nsg_part {
	struct nsg_leaves dst;
	uint32_t *src_lasts, *src_classes;
	size_t n_src;
	const struct nsg_bits *dst_rows, *src_rows, *l4_rows;
	size_t n_dst_rows, n_src_rows, n_l4_rows;
	struct nsg_layer4 l4; /* its tables; rows as above */
	bool borrowed;
	/* What the pointers above point into, when it is this part's own. */
	struct nsg_rowset owned_dst_rows;
	struct nsg_classes owned_src;
};

/* The rules' fields, with a hash of them all. */
struct nsg_fields {
	struct nsg_field src, dst, sports, dports;
	uint64_t hash;
};

int nsg_fields_new(const struct nsg_effective *e, struct nsg_fields *ret);
void nsg_fields_done(struct nsg_fields *f);

int nsg_nsg_compile(const struct nsg_effective *e, const struct nsg_fields *f,
		    const struct nsg_gates *gates, struct nsg_nsg_part *ret);
/* Only the windows are right: the rest is without rules. Its rows are those of `before`, and new ones;
 * its other tables are borrowed. f: fields whose lists are cut to the windows. */
int nsg_nsg_compile_windows(const struct nsg_effective *e, const struct nsg_fields *f,
			    const struct nsg_gates *gates, const struct nsg_image *before,
			    struct nsg_nsg_part *ret);
/* before must outlive the part. */
int nsg_nsg_borrow(const struct nsg_image *before, struct nsg_nsg_part *ret);
/* Takes the sources' partition. */
void nsg_nsg_set_sources(struct nsg_nsg_part *part, struct nsg_partition *pieces);
void nsg_nsg_done(struct nsg_nsg_part *part);

/* ---- routes.c ---- */

#define NSG_ROW_NONE UINT32_MAX

/* Ids of rows: those of e->rows, then the live ones. */
struct nsg_routes_part {
	struct nsg_partition winners; /* ids of rows, or NSG_ROW_NONE */
	uint32_t *route_of_row;	      /* of e->rows: index in the image, or NSG_ROW_NONE */
	uint32_t *rows;		/* the image's routes but live ones, in the order of the rows */
	uint16_t *hop_of_route; /* of these */
	uint32_t *hops;		/* of each hop but 0 the first route's row, or NSG_ROW_NONE: live */
	size_t n_routes; /* of documents; each live route is a route of the image after these */
	size_t n_hops;	 /* with hop 0 */
	uint16_t live_hop;
	bool uses_live; /* some live route is selected somewhere */
	uint64_t hash;
};

static inline uint32_t nsg_row_id(const struct nsg_effective *e, const struct nsg_row *row)
{
	return (uint32_t)(row->live ? e->n_rows + row->live - 1 : (size_t)(row - e->rows));
}

/* The image's routes. */
static inline size_t nsg_routes_total(const struct nsg_effective *e,
				      const struct nsg_routes_part *routes)
{
	return routes->n_routes + (e->live ? e->live->n : 0);
}

int nsg_routes_new(const struct nsg_effective *e, const struct nsg_gates *gates,
		   struct nsg_diag *diag, struct nsg_routes_part *ret);
/* The winners in the windows, and the numbers of routes and next hops in `before`, where the live routes
 * were those of another set. -ENOENT: a row wins that has no number there. */
int nsg_routes_new_windows(const struct nsg_effective *e, const struct nsg_gates *gates,
			   const struct nsg_ranges *windows, const struct nsg_image *before,
			   struct nsg_routes_part *ret);
void nsg_routes_done(struct nsg_routes_part *r);

/* ---- patch.c ---- */

/* The image of e, made from that of `before`, which has other live routes of the same policy. -ENOENT:
 * they differ in more, or in too much; -ENOMEM, -E2BIG. */
int nsg_patch(const struct nsg_effective *e, const struct nsg_effective *before,
	      const struct nsg_image *image, struct nsg_image **ret);

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

/* ---- compile.c ---- */

/* Lays the rules' leaves over the routes. -ENOMEM, -E2BIG. */
int nsg_lay_over(const struct nsg_effective *e, const struct nsg_leaves *base,
		 const struct nsg_routes_part *routes, struct nsg_leaves *ret);
/* If this changes, the daemon forgets every decision. */
uint64_t nsg_gate_hash(const struct nsg_effective *e);
/* The effective policy whose rules are the admin rules; it has no routes. */
struct nsg_effective nsg_admin_effective(const struct nsg_effective *e);

static inline void nsg_image_cleanup(struct nsg_image **image)
{
	nsg_image_free(*image);
}
#define cleanup_image __attribute__((cleanup(nsg_image_cleanup)))

/* ---- build.c ---- */

/* Writes everything into one block; admin (NULL: none) becomes a part of it. -ENOMEM; -E2BIG when
 * 32-bit offsets or the bits of a class do not suffice. */
int nsg_image_build(const struct nsg_effective *e, const struct nsg_nsg_part *nsg,
		    const struct nsg_routes_part *routes, const struct nsg_leaves *dst,
		    const struct nsg_image *admin, struct nsg_image **ret);

#define cleanup_fields __attribute__((cleanup(nsg_fields_done)))
#define cleanup_layer4 __attribute__((cleanup(nsg_layer4_done)))
#define cleanup_leaves __attribute__((cleanup(nsg_leaves_done)))
#define cleanup_nsg_part __attribute__((cleanup(nsg_nsg_done)))
#define cleanup_routes_part __attribute__((cleanup(nsg_routes_done)))
#define cleanup_tree __attribute__((cleanup(nsg_tree_done)))

#endif
