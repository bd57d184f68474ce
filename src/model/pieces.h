/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The addresses that enter the network, divided into pieces that the gate and the routes treat
 * alike. */
#ifndef NSG_MODEL_PIECES_H
#define NSG_MODEL_PIECES_H

#include "model/effective.h"
#include "model/gate.h"

/* `covering` are the rows whose prefix holds the piece, without rows that are NSG_ROW_GONE. */
typedef int nsg_visit_piece(void *data, struct nsg_range piece, enum nsg_gate gate,
			    const struct nsg_row *const *covering, size_t n);

/*
 * Calls `visit` for each piece in which both the gate and the set of covering rows are constant,
 * ascending; addresses that do not enter are left out. Stops at its first non-zero return and
 * returns that. -ENOMEM. `gates` are those of e.
 */
int nsg_rows_walk(const struct nsg_effective *e, const struct nsg_gates *gates,
		  nsg_visit_piece *visit, void *data);

/* The same for the addresses in `windows` only (NULL: all); takes time for all of e->rows, but only
 * for those live routes that overlap. */
int nsg_rows_walk_in(const struct nsg_effective *e, const struct nsg_gates *gates,
		     const struct nsg_ranges *windows, nsg_visit_piece *visit, void *data);

#endif
