/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comparing images, whatever the numbers of their classes, routes and next hops. */
#ifndef NSG_TESTS_PROPERTY_LIVE_IMAGES_H
#define NSG_TESTS_PROPERTY_LIVE_IMAGES_H

#include <stdbool.h>

#include "classify/image.h"
#include "generate.h"

/* What differs; NULL: nothing. *ret_at: the address, where destinations differ. */
const char *image_difference(const struct nsg_image *a, const struct nsg_image *b,
			     uint32_t *ret_at);

struct image_tamper {
	const char *name;
	bool (*tamper)(struct nsg_image *i,
		       struct rng *r); /* false: the image has no place for it */
};

#define IMAGE_TAMPERS 8
extern const struct image_tamper image_tampers[IMAGE_TAMPERS];

#endif
