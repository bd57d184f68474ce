/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/fake_classify.h"

#include <stdlib.h>

struct nsg_memo {
	int unused;
};

struct nsg_memo *nsg_memo_new(void)
{
	return calloc(1, sizeof(struct nsg_memo));
}

struct nsg_memo *nsg_memo_free(struct nsg_memo *memo)
{
	free(memo);
	return NULL;
}

struct nsg_decision nsg_classify(const struct nsg_image *image, const struct nsg_key *key)
{
	if (image->src_host && key->src_host != image->src_host)
		return (struct nsg_decision){.reason = NSG_REASON_NOT_CARRIED};
	for (size_t i = 0; i < image->n_decisions; i++)
		if (image->decisions[i].dst_host == key->dst_host)
			return image->decisions[i].decision;
	return (struct nsg_decision){
	    .gate = NSG_GATE_RFC1918,
	    .verdict = NSG_VERDICT_DROP,
	    .reason = NSG_REASON_NSG_DENY,
	};
}

struct nsg_decision nsg_classify_route(const struct nsg_image *image, const struct nsg_key *key)
{
	struct nsg_decision d = nsg_classify(image, key);

	d.rule = NSG_RULE_NONE;
	d.verdict = NSG_VERDICT_ACCEPT;
	d.reason = NSG_REASON_ALLOWED;
	if (d.route != NSG_ROUTE_NONE) {
		const struct nsg_image_route *route = &image->routes[d.route];

		d.hop = route->hop;
		if (route->unreachable)
			d.reason = NSG_REASON_ROUTE_UNREACHABLE;
		else if (route->hop_type == NSG_HOP_NONE)
			d.reason = NSG_REASON_ROUTE_NONE;
		if (d.reason != NSG_REASON_ALLOWED)
			d.verdict = NSG_VERDICT_DROP;
	}
	return d;
}

void nsg_classify_batch(const struct nsg_image *image, struct nsg_memo *memo,
			const struct nsg_key *keys, size_t n, struct nsg_decision *decisions)
{
	(void)memo;
	for (size_t i = 0; i < n; i++)
		decisions[i] = nsg_classify(image, &keys[i]);
}

struct nsg_image_info nsg_image_info(const struct nsg_image *image)
{
	return image->info;
}

const struct nsg_image *nsg_image_admin(const struct nsg_image *image)
{
	(void)image;
	return NULL;
}

struct nsg_image_route nsg_image_route(const struct nsg_image *image, uint32_t index)
{
	return image->routes[index];
}
