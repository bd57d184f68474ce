/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Protocol and ports become one layer-4 class. Only TCP and UDP have ports and are carried; no rule
 * matches another protocol.
 */
#include "compile/compile_priv.h"

#include <errno.h>
#include <string.h>

#include "classify/image_layout.h"
#include "util/cleanup.h"
#include "util/limits.h"

#define PROTOCOLS 256u

/* The rules of each protocol number, and whether it is carried. */
static void protocol_masks(const struct nsg_effective *e, struct nsg_bits *ret)
{
	memset(ret, 0, PROTOCOLS * sizeof(*ret));
	for (unsigned int p = 0; p < PROTOCOLS; p++) {
		for (size_t i = 0; i < e->n_rules && nsg_protocol_has_ports(p); i++) {
			unsigned int protocol = e->rules[i].rule->protocol;

			if (protocol == p || protocol == NSG_PROTOCOL_ANY)
				nsg_bits_set(&ret[p], (unsigned int)i + NSG_BIT_RULES);
		}
		/* The bit of UDP takes effect with one source port only. */
		if (p != NSG_PROTOCOL_TCP)
			nsg_bits_set(&ret[p], NSG_BIT_NOT_CARRIED);
		nsg_bits_set(&ret[p], NSG_BIT_NOTHING);
	}
}

/*
 * Ports as classes with the rules of each. With `reserved` (source ports) the port that is not
 * carried has a class of its own, the only one with the bit that, with that of UDP, means `not
 * carried`.
 */
static int port_classes(const struct nsg_field *f, bool reserved, uint16_t **ret_classes,
			struct nsg_rowset *ret_rows)
{
	struct nsg_range port = {NSG_SPORT_NOT_CARRIED, NSG_SPORT_NOT_CARRIED};
	cleanup_free struct nsg_ranges *lists = calloc(f->n + 1, sizeof(*lists));
	cleanup_free uint16_t *classes = calloc(NSG_PORTS, sizeof(*classes));
	cleanup_classes struct nsg_classes c = {0};
	int r;

	if (!lists || !classes)
		return -ENOMEM;
	memcpy(lists, f->lists, f->n * sizeof(*lists));
	lists[f->n] = (struct nsg_ranges){.v = &port, .n = 1};
	r = nsg_classes_new(lists, f->n + (reserved ? 1 : 0), &c);
	if (r < 0)
		return r;
	for (size_t i = 0, at = 0; i < c.pieces.n && at < NSG_PORTS; i++)
		for (; at < NSG_PORTS && at <= c.pieces.lasts[i]; at++)
			classes[at] = (uint16_t)c.pieces.ids[i];
	for (size_t s = 0; s < c.sets.n; s++) {
		struct nsg_bits row = {{0}};

		for (size_t l = 0; l < f->n; l++)
			if (nsg_bits_has(&c.sets.rows[s], l))
				nsg_bits_or(&row, &f->masks[l]);
		if (!reserved || nsg_bits_has(&c.sets.rows[s], f->n))
			nsg_bits_set(&row, NSG_BIT_NOT_CARRIED);
		nsg_bits_set(&row, NSG_BIT_NOTHING);
		c.sets.rows[s] = row;
	}
	*ret_classes = TAKE_PTR(classes);
	*ret_rows = c.sets;
	c.sets = (struct nsg_rowset){0};
	return 0;
}

static int add_row(struct nsg_rowset *rows, const struct nsg_bits *row, uint32_t *ret_id)
{
	return nsg_rowset_add(rows, row, nsg_bits_hash(row), ret_id);
}

/* The classes of a protocol with ports: one for each pair of port classes. */
static int cross_protocol(struct nsg_layer4 *l4, const struct nsg_bits *protocol,
			  const struct nsg_rowset *sports, const struct nsg_rowset *dports,
			  uint32_t *cross)
{
	for (size_t s = 0; s < l4->sport_classes; s++) {
		struct nsg_bits source = *protocol;

		nsg_bits_and(&source, &sports->rows[s]);
		for (size_t d = 0; d < l4->dport_classes; d++) {
			struct nsg_bits row = source;
			int r;

			nsg_bits_and(&row, &dports->rows[d]);
			r = add_row(&l4->rows, &row, cross++);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static const uint8_t ported[] = {NSG_PROTOCOL_TCP, NSG_PROTOCOL_UDP};

/* The classes of all other protocols, by number, come after the pairs of TCP and UDP. */
static int cross_all(struct nsg_layer4 *l4, const struct nsg_bits *masks,
		     const struct nsg_rowset *sports, const struct nsg_rowset *dports)
{
	size_t each = (size_t)l4->sport_classes * l4->dport_classes;
	int r;

	l4->n_cross = 2 * each + PROTOCOLS;
	l4->cross = malloc(l4->n_cross * sizeof(*l4->cross));
	if (!l4->cross)
		return -ENOMEM;
	for (uint32_t p = 0; p < PROTOCOLS; p++) {
		l4->protocols[p] = (struct nsg_layout_protocol){.first = (uint32_t)(2 * each) + p};
		r = add_row(&l4->rows, &masks[p], &l4->cross[2 * each + p]);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < 2; i++) {
		l4->protocols[ported[i]] =
		    (struct nsg_layout_protocol){(uint32_t)(i * each), UINT32_MAX};
		r = cross_protocol(l4, &masks[ported[i]], sports, dports, l4->cross + i * each);
		if (r < 0)
			return r;
	}
	return 0;
}

static int append_rows(struct nsg_rowset *rows, const struct nsg_rowset *more)
{
	for (size_t i = 0; i < more->n; i++) {
		int r = nsg_rowset_append(rows, &more->rows[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

/* No table of pairs: the rows of the protocol, the source port and the destination port themselves.
 */
static int wide_all(struct nsg_layer4 *l4, const struct nsg_bits *masks,
		    const struct nsg_rowset *sports, const struct nsg_rowset *dports)
{
	int r;

	l4->wide = true;
	for (unsigned int p = 0; p < PROTOCOLS; p++) {
		l4->protocols[p].ports_mask = nsg_protocol_has_ports(p) ? UINT32_MAX : 0;
		r = add_row(&l4->rows, &masks[p], &l4->protocols[p].first);
		if (r < 0)
			return r;
	}
	l4->wide_sports = (uint32_t)l4->rows.n;
	l4->wide_dports = l4->wide_sports + l4->sport_classes;
	r = append_rows(&l4->rows, sports);
	if (r < 0)
		return r;
	return append_rows(&l4->rows, dports);
}

static int fill(struct nsg_layer4 *l4, const struct nsg_effective *e,
		const struct nsg_rowset *sports, const struct nsg_rowset *dports)
{
	cleanup_free struct nsg_bits *masks =
	    aligned_alloc(NSG_BITS_ALIGN, PROTOCOLS * sizeof(*masks));

	if (!masks)
		return -ENOMEM;
	protocol_masks(e, masks);
	return (size_t)l4->sport_classes * l4->dport_classes * 2 <= NSG_MAX_CROSS
		   ? cross_all(l4, masks, sports, dports)
		   : wide_all(l4, masks, sports, dports);
}

/* No rule tells source ports apart. */
static bool only_reserved_differs(const uint16_t *sports)
{
	for (size_t p = 0; p < NSG_PORTS; p++)
		if (sports[p] != (p == NSG_SPORT_NOT_CARRIED))
			return false;
	return true;
}

int nsg_layer4_new(const struct nsg_effective *e, const struct nsg_field *sports,
		   const struct nsg_field *dports, struct nsg_layer4 *ret)
{
	cleanup_layer4 struct nsg_layer4 l4 = {.protocols =
						   calloc(PROTOCOLS, sizeof(*l4.protocols))};
	cleanup_rowset struct nsg_rowset sport_rows = {0};
	cleanup_rowset struct nsg_rowset dport_rows = {0};
	int r;

	if (!l4.protocols)
		return -ENOMEM;
	r = port_classes(sports, /* reserved = */ true, &l4.sports, &sport_rows);
	if (r < 0)
		return r;
	r = port_classes(dports, /* reserved = */ false, &l4.dports, &dport_rows);
	if (r < 0)
		return r;
	l4.sport_classes = (uint32_t)sport_rows.n;
	l4.dport_classes = (uint32_t)dport_rows.n;
	l4.sport_trivial = only_reserved_differs(l4.sports);
	r = fill(&l4, e, &sport_rows, &dport_rows);
	if (r < 0)
		return r;
	*ret = l4;
	l4 = (struct nsg_layer4){0};
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
