/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a policy means becomes an image. */
#ifndef NSG_COMPILE_COMPILE_H
#define NSG_COMPILE_COMPILE_H

#include "classify/image.h"
#include "model/effective.h"
#include "util/diag.h"

/*
 * `before` (or NULL) is an image of the policy's former state: when only routes differ its NSG part
 * is taken over. -EINVAL with a diagnostic when a bound is passed (rules, next hops, segments),
 * -ENOMEM. The image does not point into the policy.
 */
int nsg_compile(const struct nsg_effective *effective, const struct nsg_image *before,
		struct nsg_diag *diag, struct nsg_image **ret);

#endif
