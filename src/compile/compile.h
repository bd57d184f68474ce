/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compiles an effective policy into an image. */
#ifndef NSG_COMPILE_COMPILE_H
#define NSG_COMPILE_COMPILE_H

#include "classify/image.h"
#include "model/effective.h"
#include "util/diag.h"

/*
 * `before` (or NULL) is the image in use: its NSG part is reused when only routes differ. -EINVAL
 * with a diagnostic when a bound is exceeded (rules, next hops, segments), -ENOMEM. The image does
 * not point into the policy.
 */
int nsg_compile(const struct nsg_effective *effective, const struct nsg_image *before,
		struct nsg_diag *diag, struct nsg_image **ret);

/* The same for other live routes of the same policy, by changing what is decided for their addresses:
 * takes a fraction of the time unless many of them differ. `image` is that of `before`. */
int nsg_compile_live(const struct nsg_effective *effective, const struct nsg_effective *before,
		     const struct nsg_image *image, struct nsg_diag *diag, struct nsg_image **ret);

#endif
