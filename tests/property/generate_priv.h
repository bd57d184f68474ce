/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the generator share. */
#ifndef NSG_TESTS_PROPERTY_GENERATE_PRIV_H
#define NSG_TESTS_PROPERTY_GENERATE_PRIV_H

#include "generate.h"

#include <jansson.h>

#include "util/macro.h"

#define SUBSCRIPTION "/subscriptions/0a1b2c3d-0000-4000-8000-00000000000a"
#define NETWORK SUBSCRIPTION "/resourceGroups/rg-net/providers/Microsoft.Network/"
#define WEB SUBSCRIPTION "/resourceGroups/rg-app/providers/Microsoft.Web/"

#define PICK(r, array) ((array)[rng_below(r, NSG_ARRAY_SIZE(array))])

#define GENERATE_POOL 50
#define GENERATE_TAGS 9
#define GENERATE_PEERS 6

extern const char *const generate_pool[GENERATE_POOL], *const generate_pool6[3];
extern const char *const generate_tag_names[GENERATE_TAGS];

struct generate_peer {
	const char *name, *range, *endpoint_subnet, *endpoint, *second_subnet;
};
extern const struct generate_peer generate_peers[GENERATE_PEERS];

/* The properties nested or flat, by chance. */
json_t *generate_shape(struct rng *r, json_t *head, json_t *properties);
json_t *generate_id(const char *format, const char *name);
json_t *generate_reference(json_t *id);
void generate_save(const char *directory, const char *name, json_t *value);

/* Documents: generate_rules.c, generate_routes.c, generate_network.c, generate_app.c. */
json_t *generate_nsg(struct rng *r, bool has_tags);
json_t *generate_admin(struct rng *r, bool has_tags);
json_t *generate_table(struct rng *r, bool has_tags);
/* Learned routes, effective route tables, static gateway routes. */
void generate_gateways(struct rng *r, const char *directory);
json_t *generate_peer(struct rng *r, size_t i);
struct generate_parts {
	bool nsg, table, tags, flex;
	bool peer[GENERATE_PEERS];
};

json_t *generate_vnet(struct rng *r, const struct generate_parts *has);
json_t *generate_mesh(struct rng *r);
json_t *generate_tags(struct rng *r, int change_number);
void generate_endpoint(struct rng *r, const char *directory, const char *name, const char *vnet,
		       const char *addr);
json_t *generate_nic(struct rng *r, const char *name, const char *addr, const char *asg);
json_t *generate_site(struct rng *r, bool is_flex);
json_t *generate_plan(bool is_flex);
json_t *generate_other_site(struct rng *r);

#endif
