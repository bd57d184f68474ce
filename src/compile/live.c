/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The image for other live routes: patched where possible. */
#include "compile/compile.h"

#include <time.h>

#include "compile/compile_priv.h"
#include "util/clock.h"

int nsg_compile_live(const struct nsg_effective *effective, const struct nsg_effective *before,
		     const struct nsg_image *image, struct nsg_diag *diag, struct nsg_image **ret)
{
	uint64_t start_ns = nsg_clock_ns(CLOCK_MONOTONIC);
	struct nsg_image *made = NULL;

	if (nsg_patch(effective, before, image, &made) < 0)
		return nsg_compile(effective, image, diag, ret);
	made->info.compile_ns = nsg_clock_ns(CLOCK_MONOTONIC) - start_ns;
	*ret = made;
	return 0;
}
