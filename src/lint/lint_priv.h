/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `check` says of a policy that is valid. Each file looks for one sort of thing; all of them
 * return 0 or -ENOMEM and bound their own time, because a policy may be made to hurt.
 */
#ifndef NSG_LINT_PRIV_H
#define NSG_LINT_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/effective.h"
#include "util/diag.h"

/* shadowed_rules.c: rules that never match, rules that earlier rules cover, rules behind a closed gate. */
int nsg_lint_rules(const struct nsg_effective *e, struct nsg_diag *diag);
/* unused_routes.c: routes that no packet takes; contested facts that change some packet's route. */
int nsg_lint_routes(const struct nsg_effective *e, struct nsg_diag *diag);
/* contested.c: facts on which the sources differ and that matter for this policy. */
int nsg_lint_contested(const struct nsg_effective *e, struct nsg_diag *diag);

/* ---- partition.c --------------------------------------------------------------------------- */

/*
 * Values that are in the same of several sets are alike: each such class is one bit, each set a row
 * of bits. Set 0 is the universe: values outside it are in no class.
 */
struct nsg_cover_sets {
	size_t n_sets, n_classes, n_words; /* words of a row */
	uint64_t *rows;			   /* n_sets rows */
};

/* -E2BIG when there are more than max_classes, -ENOMEM. */
int nsg_cover_sets_make(const struct nsg_ranges *const *sets, size_t n_sets, size_t max_classes,
			struct nsg_cover_sets *ret);
void nsg_cover_sets_done(struct nsg_cover_sets *p);

static inline const uint64_t *nsg_cover_sets_row(const struct nsg_cover_sets *p, size_t set)
{
	return p->rows + set * p->n_words;
}

static inline bool nsg_bit(const uint64_t *row, size_t i)
{
	return row[i / 64] >> i % 64 & 1;
}

#endif
