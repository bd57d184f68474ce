/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/hops.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/macro.h"
#include "util/vec.h"

int nsg_hops_init(struct nsg_hops *h, const struct nsg_conf *conf, const struct nsg_marks *marks)
{
	struct nsg_hop *v = calloc((size_t)marks->max_hop + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	*h = (struct nsg_hops){.conf = conf, .marks = marks, .v = v, .max = marks->max_hop};
	return 0;
}

void nsg_hop_done(struct nsg_hop *hop)
{
	free(hop->addrs_host);
	free(hop->paths);
	*hop = (struct nsg_hop){0};
}

void nsg_hops_done(struct nsg_hops *h)
{
	for (uint32_t n = 1; h->v && n <= h->max; n++)
		nsg_hop_done(&h->v[n]);
	free(h->v);
	*h = (struct nsg_hops){0};
}

static const struct nsg_conf_nexthop *section_of_ip(const struct nsg_conf *conf, uint32_t addr_host)
{
	for (size_t i = 0; i < conf->n_nexthops; i++)
		if (conf->nexthops[i].is_ip && conf->nexthops[i].ip_host == addr_host)
			return &conf->nexthops[i];
	return NULL;
}

static const struct nsg_conf_nexthop *section_of_type(const struct nsg_conf *conf, uint8_t type)
{
	for (size_t i = 0; i < conf->n_nexthops; i++)
		if (!conf->nexthops[i].is_ip && conf->nexthops[i].type == (enum nsg_hop_type)type)
			return &conf->nexthops[i];
	return NULL;
}

static struct nsg_path path_of_section(const struct nsg_conf_nexthop *section)
{
	struct nsg_path path = {.has_via = section->has_via, .via_host = section->via_host};

	if (section->dev)
		(void)snprintf(path.dev, sizeof(path.dev), "%s", section->dev);
	return path;
}

static bool same_path(const struct nsg_path *a, const struct nsg_path *b)
{
	return a->has_via == b->has_via && a->via_host == b->via_host && !strcmp(a->dev, b->dev);
}

static void add_path(struct nsg_hop *hop, struct nsg_path path)
{
	for (uint32_t i = 0; i < hop->n_paths; i++)
		if (same_path(&hop->paths[i], &path))
			return;
	hop->paths[hop->n_paths++] = path;
}

static int compare_addrs(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return NSG_CMP(x, y);
}

/* From the section for the address, else the one for the type, else the appliance's address. */
static int find_paths(const struct nsg_conf *conf, struct nsg_hop *hop)
{
	const struct nsg_conf_nexthop *by_type = section_of_type(conf, hop->type);

	hop->paths = calloc((size_t)hop->n_addrs + 1, sizeof(*hop->paths));
	if (!hop->paths)
		return -ENOMEM;
	for (uint32_t i = 0; i < hop->n_addrs; i++) {
		const struct nsg_conf_nexthop *section = section_of_ip(conf, hop->addrs_host[i]);

		if (!section)
			section = by_type;
		add_path(hop, section ? path_of_section(section)
				      : (struct nsg_path){.has_via = true,
							  .via_host = hop->addrs_host[i]});
	}
	if (!hop->n_addrs && by_type)
		add_path(hop, path_of_section(by_type));
	if (hop->type == NSG_HOP_GATEWAY && !hop->n_paths) {
		hop->lookup = conf->bgp_table;
		hop->unknown = !conf->bgp_table;
	}
	return 0;
}

static void find_snat(const struct nsg_conf *conf, struct nsg_hop *hop)
{
	bool internet = hop->type == NSG_HOP_INTERNET;

	hop->has_snat = internet ? conf->has_snat_internet : conf->has_snat_vnet;
	hop->snat_host = internet ? conf->snat_internet_host : conf->snat_vnet_host;
}

int nsg_hop_of(const struct nsg_conf *conf, const struct nsg_image *image, uint32_t index,
	       struct nsg_hop *ret)
{
	struct nsg_image_hop of = nsg_image_hop(image, (uint16_t)index);
	struct nsg_hop hop = {.type = of.type};
	int r;

	if (!index) {
		*ret = hop;
		return 0;
	}
	if (of.type == NSG_HOP_APPLIANCE && of.n_addrs) {
		hop.addrs_host = calloc(of.n_addrs, sizeof(*hop.addrs_host));
		if (!hop.addrs_host)
			return -ENOMEM;
		memcpy(hop.addrs_host, of.addrs_host, of.n_addrs * sizeof(*hop.addrs_host));
		hop.n_addrs = of.n_addrs;
		qsort(hop.addrs_host, hop.n_addrs, sizeof(*hop.addrs_host), compare_addrs);
	}
	r = find_paths(conf, &hop);
	if (r < 0) {
		nsg_hop_done(&hop);
		return r;
	}
	find_snat(conf, &hop);
	*ret = hop;
	return 0;
}

void nsg_hop_resolve(struct nsg_hop *hop, struct nsg_nl *nl, const struct nsg_links *links)
{
	hop->up = false;
	for (uint32_t i = 0; i < hop->n_paths; i++) {
		struct nsg_path *path = &hop->paths[i];
		const struct nsg_link *link;

		if (path->dev[0]) {
			link = nsg_links_by_name(links, path->dev);
			path->reach = !link	 ? NSG_REACH_NO_DEVICE
				      : link->up ? NSG_REACH_OK
						 : NSG_REACH_DOWN;
			path->ifindex = link ? link->ifindex : 0;
		} else {
			path->reach = nsg_links_reach(nl, links, path->via_host, &path->ifindex,
						      &path->behind_host);
		}
		path->up = path->reach == NSG_REACH_OK;
		hop->up |= path->up;
	}
	hop->up |= !nsg_hop_has_table(hop);
}

int nsg_hop_set_links(struct nsg_hop *hop, const struct nsg_links *links, const uint32_t *ifindexes,
		      size_t n)
{
	struct nsg_path *paths = calloc(n + 1, sizeof(*paths));
	uint32_t found = 0;

	if (!paths)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct nsg_link *link = nsg_links_by_index(links, ifindexes[i]);

		if (link)
			memcpy(paths[found++].dev, link->name, sizeof(link->name));
	}
	free(hop->paths);
	hop->paths = paths;
	hop->n_paths = found;
	return 0;
}

static bool same_key(const struct nsg_hop *a, const struct nsg_hop *b)
{
	return a->type == b->type && a->n_addrs == b->n_addrs &&
	       (!a->n_addrs ||
		!memcmp(a->addrs_host, b->addrs_host, a->n_addrs * sizeof(*a->addrs_host)));
}

static bool needs_number(const struct nsg_hop *hop)
{
	return nsg_hop_has_table(hop) || hop->has_snat;
}

static uint32_t number_of(const struct nsg_hops *h, const struct nsg_hop *hop)
{
	for (uint32_t n = 1; n <= h->max; n++)
		if (h->v[n].used && same_key(&h->v[n], hop))
			return n;
	return 0;
}

/* The next free number after `last`, wrapping around; 0: none. */
static uint32_t free_number(const struct nsg_hops *h, const bool *given, uint32_t last)
{
	for (uint32_t i = 1; i <= h->max; i++) {
		uint32_t n = (last + i - 1) % h->max + 1;

		if (!h->v[n].used && !given[n])
			return n;
	}
	return 0;
}

struct numbering {
	struct nsg_hop *hops; /* of the image, by index */
	uint32_t n;
	bool *given; /* by number: to a hop of this image that had none */
	uint32_t last;
};

static void numbering_done(struct numbering *g)
{
	for (uint32_t i = 0; g->hops && i < g->n; i++)
		nsg_hop_done(&g->hops[i]);
	free(g->hops);
	free(g->given);
}

#define cleanup_numbering __attribute__((cleanup(numbering_done)))

static int read_hops(const struct nsg_hops *h, const struct nsg_image *image, struct numbering *g)
{
	int r = 0;

	g->n = nsg_image_info(image).n_hops;
	g->last = h->last;
	g->hops = calloc((size_t)g->n + 1, sizeof(*g->hops));
	g->given = calloc((size_t)h->max + 1, sizeof(*g->given));
	if (!g->hops || !g->given)
		return -ENOMEM;
	for (uint32_t i = 0; !r && i < g->n; i++)
		r = nsg_hop_of(h->conf, image, i, &g->hops[i]);
	return r;
}

static uint16_t earlier(const struct numbering *g, uint32_t index, const uint16_t *number)
{
	for (uint32_t i = 1; i < index; i++)
		if (same_key(&g->hops[i], &g->hops[index]))
			return number[i];
	return 0;
}

int nsg_hops_number(const struct nsg_hops *h, const struct nsg_image *image, struct nsg_diag *diag,
		    uint16_t *ret_number)
{
	cleanup_numbering struct numbering g = {0};
	uint32_t wanted = 0, missing = 0;
	int r;

	r = read_hops(h, image, &g);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < g.n; i++) {
		uint32_t n = 0;

		if (i && needs_number(&g.hops[i])) {
			n = earlier(&g, i, ret_number);
			wanted += !n;
			if (!n)
				n = number_of(h, &g.hops[i]);
			if (!n) {
				n = free_number(h, g.given, g.last);
				g.given[n] = n != 0;
				g.last = n ? n : g.last;
				missing += !n;
			}
		}
		ret_number[i] = (uint16_t)n;
	}
	if (!missing)
		return 0;
	if (wanted > h->max)
		return nsg_diag_line(
		    diag, NSG_ERROR, h->conf->path, nsg_conf_line(h->conf, "route", "mark-mask"),
		    NULL,
		    "the policy has %u next hops, but mark-mask 0x%08x has room for "
		    "%u",
		    wanted, h->marks->mask, h->max);
	return nsg_diag_line(diag, NSG_ERROR, h->conf->path, 0, NULL,
			     "the policy in force and the new one together need %u next hops more "
			     "than fit in mark-mask 0x%08x (%u)",
			     missing, h->marks->mask, h->max);
}

/* A number in use keeps its hop: the key is the same. */
static void take(struct nsg_hops *h, uint32_t n, struct nsg_hop *hop)
{
	struct nsg_hop *at = &h->v[n];

	if (at->used) {
		at->next = true;
		return;
	}
	*at = *hop;
	*hop = (struct nsg_hop){0};
	at->used = true;
	at->next = true;
	h->last = n;
}

int nsg_hops_commit(struct nsg_hops *h, const struct nsg_image *image, const uint16_t *number,
		    uint32_t n)
{
	cleanup_numbering struct numbering g = {0};
	int r;

	r = read_hops(h, image, &g);
	if (r < 0)
		return r;
	if (n != g.n)
		return -EINVAL;
	for (uint32_t i = 0; i < n; i++)
		if (number[i] > h->max ||
		    (number[i] && h->v[number[i]].used && !same_key(&h->v[number[i]], &g.hops[i])))
			return -EINVAL;
	for (uint32_t i = 1; i <= h->max; i++)
		h->v[i].next = false;
	for (uint32_t i = 0; i < n; i++)
		if (number[i])
			take(h, number[i], &g.hops[i]);
	return 0;
}

int nsg_hops_restore(struct nsg_hops *h, uint32_t number, uint8_t type, const uint32_t *addrs_host,
		     uint32_t n_addrs)
{
	struct nsg_hop hop = {
	    .type = type, .n_addrs = n_addrs, .used = true, .live = true, .inherited = true};
	int r;

	if (!number || number > h->max || h->v[number].used)
		return -EINVAL;
	if (n_addrs) {
		hop.addrs_host = calloc(n_addrs, sizeof(*hop.addrs_host));
		if (!hop.addrs_host)
			return -ENOMEM;
		memcpy(hop.addrs_host, addrs_host, n_addrs * sizeof(*hop.addrs_host));
	}
	r = find_paths(h->conf, &hop);
	if (r < 0) {
		nsg_hop_done(&hop);
		return r;
	}
	find_snat(h->conf, &hop);
	h->v[number] = hop;
	return 0;
}

void nsg_hops_swap(struct nsg_hops *h)
{
	for (uint32_t n = 1; n <= h->max; n++) {
		h->v[n].live = h->v[n].next;
		h->v[n].next = false;
	}
}

bool nsg_hops_is_idle(const struct nsg_hop *hop)
{
	return hop->used && !hop->live && !hop->next;
}

void nsg_hops_free_number(struct nsg_hops *h, uint32_t number)
{
	nsg_hop_done(&h->v[number]);
}
