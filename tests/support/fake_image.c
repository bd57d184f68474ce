/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/fake_image.h"

#include <stdlib.h>

struct nsg_image {
	const struct fake_hop *hops;
	struct nsg_image_info info;
};

struct nsg_image *fake_image(const struct fake_hop *hops, uint32_t n)
{
	struct nsg_image *image = calloc(1, sizeof(*image));

	if (!image)
		abort();
	image->hops = hops;
	image->info.n_hops = n + 1;
	return image;
}

struct nsg_image_info *fake_image_info(struct nsg_image *image)
{
	return &image->info;
}

struct nsg_image_info nsg_image_info(const struct nsg_image *image)
{
	return image->info;
}

struct nsg_image_hop nsg_image_hop(const struct nsg_image *image, uint16_t index)
{
	if (!index)
		return (struct nsg_image_hop){.type = NSG_HOP_INTERNET};
	return (struct nsg_image_hop){
	    .type = image->hops[index - 1].type,
	    .addrs_host = image->hops[index - 1].addrs_host,
	    .n_addrs = image->hops[index - 1].n_addrs,
	};
}

struct nsg_image *nsg_image_free(struct nsg_image *image)
{
	free(image);
	return NULL;
}
