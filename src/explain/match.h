/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reference decision against the classifier's, which has the last word. */
#ifndef NSG_EXPLAIN_MATCH_H
#define NSG_EXPLAIN_MATCH_H

#include <stdbool.h>

#include "classify/classify.h"
#include "model/decide.h"
#include "util/diag.h"

/* Whether both are the same; else *ret_what says in what they differ. */
bool nsg_trial_agrees(const struct nsg_trial *trial, const struct nsg_image *image,
		      const struct nsg_decision *decision, const char **ret_what);
/* The diagnostic for that. -EBADE. */
int nsg_trial_contradiction(const char *what, struct nsg_diag *diag);

#endif
