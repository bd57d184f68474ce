/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Protocol and ports become one layer-4 class. Only TCP and UDP have ports; every other protocol
 * has a class by itself, in which a rule counts when its port fields hold every port.
 */
#include "compile/parts.h"

#include <errno.h>
#include <string.h>

#include "classify/image_layout.h"
#include "util/limits.h"

#define PROTOCOLS 256u

static bool holds_every_port(const struct nsg_ranges *ports)
{
	return ports->n == 1 && ports->v[0].lo == 0 && ports->v[0].hi == NSG_PORTS - 1;
}

static void row_or(struct nsg_row_bits *row, const struct nsg_row_bits *other)
{
	for (unsigned int w = 0; w < NSG_ROW_WORDS; w++)
		row->w[w] |= other->w[w];
}

static void row_and(struct nsg_row_bits *row, const struct nsg_row_bits *other)
{
	for (unsigned int w = 0; w < NSG_ROW_WORDS; w++)
		row->w[w] &= other->w[w];
}

/* The rules whose field holds every port. */
static void portless_mask(const struct nsg_field *f, struct nsg_row_bits *ret)
{
	*ret = (struct nsg_row_bits){{0}};
	for (size_t l = 0; l < f->n; l++)
		if (holds_every_port(&f->lists[l]))
			row_or(ret, &f->masks[l]);
}

/* The rules of each protocol number. */
static void protocol_masks(const struct nsg_effective *e, struct nsg_row_bits *ret)
{
	memset(ret, 0, PROTOCOLS * sizeof(*ret));
	for (size_t i = 0; i < e->n_rules; i++) {
		unsigned int bit = (unsigned int)i + NSG_BIT_RULES;
		unsigned int protocol = e->rules[i].rule->protocol;

		if (protocol < PROTOCOLS)
			nsg_row_set(&ret[protocol], bit);
		for (unsigned int p = 0; protocol == NSG_PROTOCOL_ANY && p < PROTOCOLS; p++)
			nsg_row_set(&ret[p], bit);
	}
}

/*
 * Ports as classes with the rules of each. `reserved`: source ports, of which one stands apart: its
 * class alone has the bit that, together with UDP's, says that the packet is not carried.
 */
static int port_classes(const struct nsg_field *f, bool reserved, uint16_t **ret_classes,
			struct nsg_rowset *ret_rows)
{
	struct nsg_range port = {NSG_SPORT_NOT_CARRIED, NSG_SPORT_NOT_CARRIED};
	struct nsg_ranges *lists = calloc(f->n + 1, sizeof(*lists));
	uint16_t *classes = malloc(NSG_PORTS * sizeof(*classes));
	struct nsg_partition p = {0};
	int r = lists && classes ? 0 : -ENOMEM;

	if (!r) {
		memcpy(lists, f->lists, f->n * sizeof(*lists));
		lists[f->n] = (struct nsg_ranges){.v = &port, .n = 1};
		r = nsg_sweep(lists, f->n + (reserved ? 1 : 0), &p);
	}
	free(lists);
	if (r) {
		free(classes);
		return r;
	}
	for (size_t i = 0, at = 0; i < p.n && at < NSG_PORTS; i++)
		for (; at < NSG_PORTS && at <= p.lasts[i]; at++)
			classes[at] = (uint16_t)p.ids[i];
	for (size_t s = 0; s < p.sets.n; s++) {
		struct nsg_row_bits row = {{0}};

		for (size_t l = 0; l < f->n; l++)
			if (p.sets.rows[s].w[l / 64] >> (l % 64) & 1)
				row_or(&row, &f->masks[l]);
		if (!reserved || (p.sets.rows[s].w[f->n / 64] >> (f->n % 64) & 1))
			nsg_row_set(&row, NSG_BIT_NOT_CARRIED);
		nsg_row_set(&row, NSG_BIT_NOTHING);
		p.sets.rows[s] = row;
	}
	*ret_classes = classes;
	*ret_rows = p.sets;
	p.sets = (struct nsg_rowset){0};
	nsg_partition_done(&p);
	return 0;
}

static int add_row(struct nsg_rowset *rows, const struct nsg_row_bits *row, uint32_t *ret_id)
{
	return nsg_rowset_add(rows, row, nsg_row_hash(row), ret_id);
}

/* The classes of a protocol with ports: one for each pair of port classes. */
static int cross_protocol(struct nsg_layer4 *l4, const struct nsg_row_bits *protocol,
			  const struct nsg_rowset *sports, const struct nsg_rowset *dports,
			  uint32_t *cross)
{
	for (size_t s = 0; s < l4->sport_classes; s++) {
		struct nsg_row_bits source = *protocol;

		row_and(&source, &sports->rows[s]);
		for (size_t d = 0; d < l4->dport_classes; d++) {
			struct nsg_row_bits row = source;
			int r;

			row_and(&row, &dports->rows[d]);
			r = add_row(&l4->rows, &row, cross++);
			if (r)
				return r;
		}
	}
	return 0;
}

static const uint8_t ported[] = {NSG_PROTOCOL_TCP, NSG_PROTOCOL_UDP};

/* Behind the pairs of TCP and UDP stand the classes of all other protocols, by number. */
static int cross_all(struct nsg_layer4 *l4, const struct nsg_row_bits *masks,
		     const struct nsg_rowset *sports, const struct nsg_rowset *dports)
{
	size_t each = (size_t)l4->sport_classes * l4->dport_classes;
	int r = 0;

	l4->n_cross = 2 * each + PROTOCOLS;
	l4->cross = malloc(l4->n_cross * sizeof(*l4->cross));
	if (!l4->cross)
		return -ENOMEM;
	for (uint32_t p = 0; p < PROTOCOLS && !r; p++) {
		l4->protocols[p] = (struct nsg_layout_protocol){.first = (uint32_t)(2 * each) + p};
		r = add_row(&l4->rows, &masks[p], &l4->cross[2 * each + p]);
	}
	for (size_t i = 0; i < 2 && !r; i++) {
		l4->protocols[ported[i]] =
		    (struct nsg_layout_protocol){(uint32_t)(i * each), UINT32_MAX};
		r = cross_protocol(l4, &masks[ported[i]], sports, dports, l4->cross + i * each);
	}
	return r;
}

/* No table of pairs: the rows of the protocol, the source port and the destination port themselves.
 */
static int wide_all(struct nsg_layer4 *l4, const struct nsg_row_bits *masks,
		    const struct nsg_rowset *sports, const struct nsg_rowset *dports)
{
	int r = 0;

	for (unsigned int p = 0; p < PROTOCOLS && !r; p++) {
		l4->protocols[p].ports_mask = nsg_protocol_has_ports(p) ? UINT32_MAX : 0;
		r = add_row(&l4->rows, &masks[p], &l4->protocols[p].first);
	}
	l4->wide_sports = (uint32_t)l4->rows.n;
	l4->wide_dports = l4->wide_sports + l4->sport_classes;
	for (size_t i = 0; i < (size_t)l4->sport_classes + l4->dport_classes && !r; i++) {
		const struct nsg_row_bits *row =
		    i < l4->sport_classes ? &sports->rows[i] : &dports->rows[i - l4->sport_classes];

		r = nsg_rowset_append(&l4->rows, row);
	}
	l4->wide = true;
	return r;
}

static int fill(struct nsg_layer4 *l4, const struct nsg_effective *e, const struct nsg_field *sf,
		const struct nsg_field *df, const struct nsg_rowset *sports,
		const struct nsg_rowset *dports)
{
	struct nsg_row_bits *masks = aligned_alloc(NSG_IMAGE_ALIGN, PROTOCOLS * sizeof(*masks));
	struct nsg_row_bits any_sport, any_dport;
	int r;

	if (!masks)
		return -ENOMEM;
	protocol_masks(e, masks);
	portless_mask(sf, &any_sport);
	portless_mask(df, &any_dport);
	for (unsigned int p = 0; p < PROTOCOLS; p++) {
		if (!nsg_protocol_has_ports(p)) {
			row_and(&masks[p], &any_sport);
			row_and(&masks[p], &any_dport);
		}
		/* UDP's bit counts from one source port only. */
		if (!nsg_protocol_is_carried(p) || p == NSG_PROTOCOL_UDP)
			nsg_row_set(&masks[p], NSG_BIT_NOT_CARRIED);
		nsg_row_set(&masks[p], NSG_BIT_NOTHING);
	}
	r = (size_t)l4->sport_classes * l4->dport_classes * 2 <= NSG_MAX_CROSS
		? cross_all(l4, masks, sports, dports)
		: wide_all(l4, masks, sports, dports);
	free(masks);
	return r;
}

int nsg_layer4_new(const struct nsg_effective *e, const struct nsg_field *sports,
		   const struct nsg_field *dports, struct nsg_layer4 *ret)
{
	struct nsg_layer4 l4 = {.protocols = calloc(PROTOCOLS, sizeof(*l4.protocols))};
	struct nsg_rowset sport_rows = {0}, dport_rows = {0};
	int r = l4.protocols ? 0 : -ENOMEM;

	if (!r)
		r = port_classes(sports, /* reserved = */ true, &l4.sports, &sport_rows);
	if (!r)
		r = port_classes(dports, /* reserved = */ false, &l4.dports, &dport_rows);
	if (!r) {
		l4.sport_classes = (uint32_t)sport_rows.n;
		l4.dport_classes = (uint32_t)dport_rows.n;
		/* Port 0 is in class 0: two classes that part at the reserved port have it as 1. */
		l4.sport_trivial = sport_rows.n == 2 && l4.sports[NSG_SPORT_NOT_CARRIED - 1] == 0 &&
				   l4.sports[NSG_SPORT_NOT_CARRIED + 1] == 0 &&
				   l4.sports[NSG_PORTS - 1] == 0 && sports->n <= 1;
		r = fill(&l4, e, sports, dports, &sport_rows, &dport_rows);
	}
	nsg_rowset_done(&sport_rows);
	nsg_rowset_done(&dport_rows);
	if (r) {
		nsg_layer4_done(&l4);
		return r;
	}
	*ret = l4;
	return 0;
}

void nsg_layer4_done(struct nsg_layer4 *l4)
{
	free(l4->protocols);
	free(l4->cross);
	free(l4->sports);
	free(l4->dports);
	nsg_rowset_done(&l4->rows);
	*l4 = (struct nsg_layer4){0};
}
