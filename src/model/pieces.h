/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The address space as pieces that the gate and the routes treat alike. */
#ifndef NSG_MODEL_PIECES_H
#define NSG_MODEL_PIECES_H

#include "model/effective.h"
#include "util/names.h"

/*
 * Calls `visit` for each piece of the address space, ascending, in which both the gate and the set
 * of covering rows are constant; pieces that enter no VNet are left out. Stops at its first
 * non-zero return and returns that. -ENOMEM.
 */
int nsg_rows_walk(const struct nsg_effective *e,
		  int (*visit)(void *data, struct nsg_range piece, enum nsg_gate gate,
			       const struct nsg_row *const *covering, size_t n),
		  void *data);

#endif
