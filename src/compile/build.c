/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes an image: every piece is assigned its offset, then the block is allocated and the pieces
 * are copied. Strings and addresses come right after the header, so that their offsets are known
 * first.
 */
#include "compile/compile_priv.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "model/gate.h"
#include "util/vec.h"

/* Most integration subnets are /26 or so; a larger one is searched like any other source. */
#define SRC_TABLE_MIN_LEN 16

struct piece {
	uint32_t off;
	const void *data;
	size_t size_bytes;
};

#define MAX_PIECES 32
#define HUGE_PAGE ((size_t)2 << 20)

struct writer {
	struct nsg_image header;
	size_t size_bytes;
	struct piece pieces[MAX_PIECES];
	size_t n_pieces;
	bool too_large;

	NSG_VEC(char) strings;
	NSG_VEC(uint32_t) addrs;
	struct nsg_layout_rule *rules;
	struct nsg_layout_route *routes;
	struct nsg_layout_hop *hops;
	uint32_t *src_table;
	uint32_t live_hops_off;
	struct nsg_tree_part dst, src;
};

static void writer_done(struct writer *w)
{
	nsg_vec_done(&w->strings);
	nsg_vec_done(&w->addrs);
	free(w->rules);
	free(w->routes);
	free(w->hops);
	free(w->src_table);
	nsg_tree_done(&w->dst);
	nsg_tree_done(&w->src);
}

#define cleanup_writer __attribute__((cleanup(writer_done)))

/* Assigns an offset, a multiple of the cache line. The data must outlive the writer; NULL: written
 * later. */
static uint32_t place(struct writer *w, const void *data, size_t size_bytes)
{
	size_t off = w->size_bytes;

	w->size_bytes += (size_bytes + NSG_IMAGE_ALIGN - 1) / NSG_IMAGE_ALIGN * NSG_IMAGE_ALIGN;
	if (w->size_bytes > UINT32_MAX) {
		w->too_large = true;
		return 0;
	}
	w->pieces[w->n_pieces++] = (struct piece){(uint32_t)off, data, size_bytes};
	return (uint32_t)off;
}

/* ---- search trees ---- */

static int place_tree(struct writer *w, const uint32_t *lasts, size_t n, struct nsg_tree_part *part,
		      struct nsg_tree *ret)
{
	int r;

	r = nsg_tree_new(lasts, n, part);
	if (r < 0)
		return r;
	ret->depth = part->depth;
	ret->n = (uint32_t)n;
	for (uint32_t d = 0; d < part->depth; d++)
		ret->level_off[d] = place(w, part->levels[d], part->nodes[d] * NSG_IMAGE_ALIGN);
	return 0;
}

/* ---- the integration subnet's own addresses ---- */

/* For no subnet or one that is too large the table has one entry, which matches no address. */
static int place_src_table(struct writer *w, const struct nsg_effective *e,
			   const struct nsg_nsg_part *nsg)
{
	const struct nsg_prefixes *prefixes = e->subnet ? &e->subnet->prefixes : NULL;
	struct nsg_prefix p = {0, 32};
	size_t n, segment = 0;
	bool wanted = prefixes && prefixes->n && prefixes->v[0].len >= SRC_TABLE_MIN_LEN;

	if (wanted)
		p = prefixes->v[0];
	n = (size_t)(nsg_prefix_last(p) - p.addr_host) + 1;
	w->src_table = malloc(n * sizeof(*w->src_table));
	if (!w->src_table)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		while (nsg->src_lasts[segment] < p.addr_host + (uint32_t)i)
			segment++;
		w->src_table[i] = nsg->src_classes[segment];
	}
	w->header.src_table_host = p.addr_host;
	w->header.src_table_n = wanted ? (uint32_t)n : 0;
	w->header.src_table_off = place(w, w->src_table, n * sizeof(*w->src_table));
	return 0;
}

/* ---- records for people ---- */

static int add_string(struct writer *w, const char *s, uint32_t *ret_off)
{
	size_t n = strlen(s) + 1;
	size_t off = sizeof(w->header) + w->strings.n;
	int r;

	r = nsg_vec_reserve(&w->strings, n);
	if (r < 0)
		return r;
	memcpy(w->strings.v + w->strings.n, s, n);
	w->strings.n += n;
	if (off > UINT32_MAX)
		return -E2BIG;
	*ret_off = (uint32_t)off;
	return 0;
}

/* The offset is relative to the first address. */
static int add_addrs(struct writer *w, const uint32_t *addrs_host, size_t n, uint32_t *ret_off)
{
	int r;

	r = nsg_vec_reserve(&w->addrs, n);
	if (r < 0)
		return r;
	if (n)
		memcpy(w->addrs.v + w->addrs.n, addrs_host, n * sizeof(*addrs_host));
	*ret_off = (uint32_t)(w->addrs.n * sizeof(*w->addrs.v));
	w->addrs.n += n;
	return 0;
}

static int describe_rules(struct writer *w, const struct nsg_effective *e)
{
	w->rules = calloc(e->n_rules + 1, sizeof(*w->rules));
	if (!w->rules)
		return -ENOMEM;
	for (size_t i = 0; i < e->n_rules; i++) {
		const struct nsg_rule *rule = e->rules[i].rule;
		unsigned int bit = (unsigned int)i + NSG_BIT_RULES;
		int r = add_string(w, rule->name, &w->rules[i].name_off);

		if (r < 0)
			return r;
		w->rules[i].priority = rule->priority;
		w->rules[i].access = rule->access;
		w->rules[i].is_default = rule->is_default;
		if (rule->access == NSG_DENY)
			w->header.denies[bit / 64] |= (uint64_t)1 << (bit % 64);
	}
	return 0;
}

/* Neighbours share name and addresses: the rows of a service tag's UDR. */
static int describe_routes(struct writer *w, const struct nsg_effective *e,
			   const struct nsg_routes_part *routes)
{
	const struct nsg_row *before = NULL;

	w->routes = calloc(routes->n_routes + 1, sizeof(*w->routes));
	if (!w->routes)
		return -ENOMEM;
	for (size_t i = 0; i < routes->n_routes; i++) {
		const struct nsg_row *row = &e->rows[routes->rows[i]];
		struct nsg_layout_route *out = &w->routes[i];
		int r = 0;

		*out = (struct nsg_layout_route){
		    .addr_host = row->prefix.addr_host,
		    .len = row->prefix.len,
		    .source = (uint8_t)row->source,
		    .hop_type = (uint8_t)row->hop_type,
		    .unreachable = row->unreachable,
		    .n_hops = (uint32_t)row->n_hops,
		    .hop = routes->hop_of_route[i],
		    .row = routes->rows[i],
		};
		if (before && row->name == before->name)
			out->name_off = out[-1].name_off;
		else if (row->name)
			r = add_string(w, row->name, &out->name_off);
		if (r < 0)
			return r;
		if (before && row->hops_host == before->hops_host && row->n_hops == before->n_hops)
			out->hops_off = out[-1].hops_off;
		else
			r = add_addrs(w, row->hops_host, row->n_hops, &out->hops_off);
		if (r < 0)
			return r;
		before = row;
	}
	return 0;
}

/* The lists of next hops of live routes, each after its length. */
static int add_live_hops(struct writer *w, const struct nsg_route_set *live)
{
	w->live_hops_off = (uint32_t)(w->addrs.n * sizeof(*w->addrs.v));
	for (uint32_t i = 0; i < live->n_lists; i++) {
		const struct nsg_live_hops *list = &live->lists[i];
		uint32_t off;
		int r = add_addrs(w, &list->n, 1, &off);

		if (r < 0)
			return r;
		r = add_addrs(w, live->addrs_host + list->first, list->n, &off);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Each of them, also those that are selected nowhere: where one is in the image follows from its
 * place in the set. They are written into the image itself, since a copy would take as long. A list
 * comes after those before it and the lengths of these. */
static void write_live(const struct writer *w, const struct nsg_route_set *live,
		       struct nsg_image *image)
{
	struct nsg_layout_live *out = (void *)((char *)image + image->live_off);

	for (size_t i = 0; live && i < live->n; i++) {
		const struct nsg_live_route *route = &live->v[i];

		out[i] = (struct nsg_layout_live){
		    .addr_host = route->addr_host,
		    .hops_off = w->live_hops_off + (live->lists[route->list].first + route->list) *
						       (uint32_t)sizeof(uint32_t),
		    .len = route->len,
		};
	}
}

static int describe_hops(struct writer *w, const struct nsg_effective *e,
			 const struct nsg_routes_part *routes)
{
	w->hops = calloc(routes->n_hops, sizeof(*w->hops));
	if (!w->hops)
		return -ENOMEM;
	w->hops[0].type = NSG_HOP_INTERNET;
	for (size_t h = 1; h < routes->n_hops; h++) {
		const bool live = routes->hops[h] == NSG_ROW_NONE;
		const struct nsg_row *row = live ? NULL : &e->rows[routes->hops[h]];
		size_t n = row && row->hop_type == NSG_HOP_APPLIANCE ? row->n_hops : 0;
		int r = add_addrs(w, n ? row->hops_host : NULL, n, &w->hops[h].addrs_off);

		if (r < 0)
			return r;
		w->hops[h].type = row ? row->hop_type : NSG_HOP_GATEWAY;
		w->hops[h].n_addrs = (uint32_t)n;
	}
	return 0;
}

static int place_records(struct writer *w, const struct nsg_effective *e,
			 const struct nsg_routes_part *routes)
{
	uint32_t addrs_off;
	int r;

	r = describe_rules(w, e);
	if (r < 0)
		return r;
	r = describe_routes(w, e, routes);
	if (r < 0)
		return r;
	r = e->live ? add_live_hops(w, e->live) : 0;
	if (r < 0)
		return r;
	r = describe_hops(w, e, routes);
	if (r < 0)
		return r;
	(void)place(w, w->strings.v, w->strings.n);
	addrs_off = place(w, w->addrs.v, w->addrs.n * sizeof(*w->addrs.v));
	for (size_t i = 0; i < routes->n_routes; i++)
		w->routes[i].hops_off += addrs_off;
	w->live_hops_off += addrs_off;
	for (size_t h = 0; h < routes->n_hops; h++)
		w->hops[h].addrs_off += addrs_off;
	w->header.rules_off = place(w, w->rules, e->n_rules * sizeof(*w->rules));
	w->header.routes_off = place(w, w->routes, routes->n_routes * sizeof(*w->routes));
	w->header.live_off =
	    place(w, NULL, (e->live ? e->live->n : 0) * sizeof(struct nsg_layout_live));
	w->header.hops_off = place(w, w->hops, routes->n_hops * sizeof(*w->hops));
	return 0;
}

/* ---- what decides ---- */

static void place_layer4(struct writer *w, const struct nsg_layer4 *l4)
{
	struct nsg_image *h = &w->header;

	h->protocols_off = place(w, l4->protocols, 256 * sizeof(*l4->protocols));
	h->cross_off = place(w, l4->cross, l4->n_cross * sizeof(*l4->cross));
	h->n_cross = (uint32_t)l4->n_cross;
	h->sports_off = place(w, l4->sports, NSG_PORTS * sizeof(*l4->sports));
	h->dports_off = place(w, l4->dports, NSG_PORTS * sizeof(*l4->dports));
	h->sport_classes = l4->sport_classes;
	h->dport_classes = l4->dport_classes;
	h->sport_trivial = l4->sport_trivial;
	h->wide = l4->wide;
	h->wide_sports = l4->wide_sports;
	h->wide_dports = l4->wide_dports;
}

static int place_searched(struct writer *w, const struct nsg_effective *e,
			  const struct nsg_nsg_part *nsg, const struct nsg_leaves *dst)
{
	struct nsg_image *h = &w->header;
	int r;

	r = place_tree(w, dst->lasts, dst->n, &w->dst, &h->dst);
	if (r < 0)
		return r;
	r = place_tree(w, nsg->src_lasts, nsg->n_src, &w->src, &h->src);
	if (r < 0)
		return r;
	r = place_src_table(w, e, nsg);
	if (r < 0)
		return r;
	h->dst_leaves_off = place(w, dst->leaves, dst->n * sizeof(*dst->leaves));
	h->src_leaves_off = place(w, nsg->src_classes, nsg->n_src * sizeof(*nsg->src_classes));
	h->dst_rows_off = place(w, nsg->dst_rows, nsg->n_dst_rows * sizeof(*nsg->dst_rows));
	h->src_rows_off = place(w, nsg->src_rows, nsg->n_src_rows * sizeof(*nsg->src_rows));
	h->l4_rows_off = place(w, nsg->l4_rows, nsg->n_l4_rows * sizeof(*nsg->l4_rows));
	place_layer4(w, &nsg->l4);
	return 0;
}

/* Searches access a large image randomly: huge pages save TLB misses. */
static struct nsg_image *image_alloc(size_t size_bytes)
{
	struct nsg_image *image;
	size_t rounded = (size_bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;

	if (size_bytes < HUGE_PAGE / 2)
		return aligned_alloc(NSG_IMAGE_ALIGN, size_bytes);
	image = aligned_alloc(HUGE_PAGE, rounded);
	if (image)
		(void)madvise(image, rounded, MADV_HUGEPAGE);
	return image;
}

static int write_image(struct writer *w, struct nsg_image **ret)
{
	static _Atomic uint64_t ids;
	struct nsg_image *image;

	if (w->too_large)
		return -E2BIG;
	image = image_alloc(w->size_bytes);
	if (!image)
		return -ENOMEM;
	w->header.id = atomic_fetch_add_explicit(&ids, 1, memory_order_relaxed) + 1;
	w->header.info.size_bytes = w->size_bytes;
	memcpy(image, &w->header, sizeof(w->header));
	for (size_t i = 0; i < w->n_pieces; i++)
		if (w->pieces[i].data && w->pieces[i].size_bytes)
			memcpy((char *)image + w->pieces[i].off, w->pieces[i].data,
			       w->pieces[i].size_bytes);
	*ret = image;
	return 0;
}

int nsg_image_build(const struct nsg_effective *e, const struct nsg_nsg_part *nsg,
		    const struct nsg_routes_part *routes, const struct nsg_leaves *dst,
		    const struct nsg_image *admin, struct nsg_image **ret)
{
	cleanup_writer struct writer w = {.size_bytes = sizeof(w.header)};
	int r;

	/* those of layer 4 are fewer: ports, or NSG_MAX_CROSS */
	if (nsg->n_dst_rows > (size_t)1 << NSG_LEAF_CLASS_BITS ||
	    nsg->n_src_rows > (size_t)1 << NSG_SRC_CLASS_BITS)
		return -E2BIG;
	w.header.info = (struct nsg_image_info){
	    .n_rules = (uint32_t)e->n_rules,
	    .n_routes = (uint32_t)nsg_routes_total(e, routes),
	    .n_hops = (uint32_t)routes->n_hops,
	    .src_classes = (uint32_t)nsg->n_src_rows,
	    .dst_classes = (uint32_t)nsg->n_dst_rows,
	    .l4_classes = (uint32_t)nsg->n_l4_rows,
	    .dst_segments = (uint32_t)dst->n,
	    .flow_timeout_minutes = e->flow_timeout_minutes,
	    .has_nsg = e->nsg != NULL,
	    .route_all = e->route_all,
	    .flush_connection = e->flush_connection,
	    .refuses_ip6 = nsg_gate_refuses_ip6(e),
	    .source_ports = !nsg->l4.sport_trivial || (admin && nsg_image_info(admin).source_ports),
	    .route_hash = routes->hash,
	};
	w.header.n_document_routes = (uint32_t)routes->n_routes;
	w.header.live_hop = routes->live_hop;
	r = place_records(&w, e, routes);
	if (r < 0)
		return r;
	r = place_searched(&w, e, nsg, dst);
	if (r < 0)
		return r;
	if (admin)
		w.header.admin_off = place(&w, admin, admin->info.size_bytes);
	r = write_image(&w, ret);
	if (r < 0)
		return r;
	write_live(&w, e->live, *ret);
	return 0;
}
