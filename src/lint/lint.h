/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Remarks on a valid policy, for `check`: what was selected and why, rules and routes that have no
 * effect, facts on which the sources differ.
 */
#ifndef NSG_LINT_LINT_H
#define NSG_LINT_LINT_H

#include "model/effective.h"
#include "util/diag.h"

/* Adds lint records only. -ENOMEM. */
int nsg_lint(const struct nsg_effective *e, struct nsg_diag *diag);

#endif
