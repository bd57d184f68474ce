/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An image that has next hops and nothing to decide by. Linked before the classifier's. */
#ifndef NSG_TESTS_SUPPORT_FAKE_IMAGE_H
#define NSG_TESTS_SUPPORT_FAKE_IMAGE_H

#include "classify/image.h"

#define FAKE_MAX_ADDRS 4

struct fake_hop {
	uint8_t type;
	uint32_t addrs_host[FAKE_MAX_ADDRS];
	uint32_t n_addrs;
};

#define FAKE_APPLIANCE(addr)                                                                       \
	{                                                                                          \
		.type = NSG_HOP_APPLIANCE, .addrs_host = {addr}, .n_addrs = 1                      \
	}

/* hops[i] is image hop i + 1. They must outlive the image. */
struct nsg_image *fake_image(const struct fake_hop *hops, uint32_t n);
/* What nsg_image_info tells, to be changed. */
struct nsg_image_info *fake_image_info(struct nsg_image *image);

#endif
