/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "classify/image_layout.h"

#include <stdlib.h>

const struct nsg_image *nsg_image_admin(const struct nsg_image *image)
{
	return image && image->admin_off ? nsg_image_at(image, image->admin_off) : NULL;
}

struct nsg_image_rule nsg_image_rule(const struct nsg_image *image, uint16_t index)
{
	const struct nsg_layout_rule *r = nsg_image_at(image, image->rules_off);

	r += index;
	return (struct nsg_image_rule){
	    .name = nsg_image_at(image, r->name_off),
	    .priority = r->priority,
	    .access = r->access,
	    .is_default = r->is_default,
	};
}

static struct nsg_image_route live_route(const struct nsg_image *image, uint32_t index)
{
	const struct nsg_layout_live *r = nsg_image_at(image, image->live_off);
	const uint32_t *hops;

	r += index;
	hops = nsg_image_at(image, r->hops_off);
	return (struct nsg_image_route){
	    .prefix = {.addr_host = r->addr_host, .len = (uint8_t)r->len},
	    .source = NSG_SOURCE_GATEWAY,
	    .hop_type = NSG_HOP_GATEWAY,
	    .hops_host = hops + 1,
	    .n_hops = hops[0],
	    .hop = (uint16_t)image->live_hop,
	};
}

struct nsg_image_route nsg_image_route(const struct nsg_image *image, uint32_t index)
{
	const struct nsg_layout_route *r = nsg_image_at(image, image->routes_off);

	if (index >= image->n_document_routes)
		return live_route(image, index - image->n_document_routes);
	r += index;
	return (struct nsg_image_route){
	    .prefix = {.addr_host = r->addr_host, .len = r->len},
	    .source = r->source,
	    .hop_type = r->hop_type,
	    .unreachable = r->unreachable,
	    .name = r->name_off ? nsg_image_at(image, r->name_off) : NULL,
	    .hops_host = nsg_image_at(image, r->hops_off),
	    .n_hops = r->n_hops,
	    .hop = (uint16_t)r->hop,
	};
}

struct nsg_image_hop nsg_image_hop(const struct nsg_image *image, uint16_t index)
{
	const struct nsg_layout_hop *h = nsg_image_at(image, image->hops_off);

	h += index;
	return (struct nsg_image_hop){
	    .type = (uint8_t)h->type,
	    .addrs_host = nsg_image_at(image, h->addrs_off),
	    .n_addrs = h->n_addrs,
	};
}

struct nsg_image_info nsg_image_info(const struct nsg_image *image)
{
	return image->info;
}

struct nsg_image *nsg_image_free(struct nsg_image *image)
{
	free(image);
	return NULL;
}
