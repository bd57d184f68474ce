/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares the reference decision with the classifier's. */
#ifndef NSG_EXPLAIN_CHECK_PRIV_H
#define NSG_EXPLAIN_CHECK_PRIV_H

#include "classify/classify.h"
#include "model/decide.h"
#include "util/diag.h"

#define cleanup_trial __attribute__((cleanup(nsg_trial_done)))

/* -EBADE, with a diagnostic that names the difference, when the two decisions differ. */
int nsg_trial_check(const struct nsg_trial *trial, const struct nsg_image *image,
		    const struct nsg_decision *decision, struct nsg_diag *diag);

#endif
