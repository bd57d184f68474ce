/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a directory becomes a policy: load.c takes the files, kind.c tells what each JSON value is
 * and calls the reader of its kind, the readers fill the vectors below in document order, join.c
 * makes one resource of what stands in several places, and load.c hands the policy over.
 */
#ifndef NSG_AZURE_READER_PRIV_H
#define NSG_AZURE_READER_PRIV_H

#include "azure/load.h"
#include "azure/node_priv.h"
#include "azure/value_priv.h"
#include "util/vec.h"

/* Who a resource is. */
struct nsg_identity {
	const char *id;	    /* as written, else made of type and name; "" when there is no name */
	const char *name;   /* without its parents */
	const char *parent; /* id of the resource it is a child of; "" unknown */
	bool made;	    /* the document has no id */
};

/* A rule, route, subnet or peering that does not stand in its parent. */
struct nsg_loose {
	const char *id, *parent; /* "" unknown */
	bool is_listed;		 /* of a list: may stand for a parent that is not there */
	size_t list;		 /* which: those of one list belong together */
	struct nsg_place place;
};

struct nsg_loose_rule {
	struct nsg_loose loose;
	bool inbound;
	struct nsg_rule rule; /* inbound: the name only */
};

struct nsg_loose_route {
	struct nsg_loose loose;
	struct nsg_route route;
};

struct nsg_loose_subnet {
	struct nsg_loose loose;
	struct nsg_subnet subnet;
};

struct nsg_loose_peering {
	struct nsg_loose loose;
	struct nsg_peering peering;
};

struct nsg_loose_integration {
	const char *id; /* "" unknown */
	struct nsg_integration integration;
};

/* What documents give, in document order. site_configs: sites/config, what it says of its site. */
#define NSG_READER_VECTORS(X)                                                                      \
	X(vnets, struct nsg_vnet)                                                                  \
	X(nsgs, struct nsg_nsg)                                                                    \
	X(route_tables, struct nsg_route_table)                                                    \
	X(bgp_routes, struct nsg_bgp_route)                                                        \
	X(tag_documents, struct nsg_tag_document)                                                  \
	X(route_all_settings, struct nsg_route_all_setting)                                        \
	X(sites, struct nsg_site)                                                                  \
	X(site_configs, struct nsg_site)                                                           \
	X(integrations, struct nsg_loose_integration)                                              \
	X(plans, struct nsg_plan)                                                                  \
	X(private_endpoints, struct nsg_private_endpoint)                                          \
	X(nics, struct nsg_nic)                                                                    \
	X(asgs, struct nsg_asg)                                                                    \
	X(rules, struct nsg_loose_rule)                                                            \
	X(routes, struct nsg_loose_route)                                                          \
	X(subnets, struct nsg_loose_subnet)                                                        \
	X(peerings, struct nsg_loose_peering)

struct nsg_reader {
	struct nsg_sink sink;
	struct nsg_policy *policy;
	const struct nsg_load_options *options;

#define NSG_DECLARE(name, type) NSG_VEC(type) name;
	NSG_READER_VECTORS(NSG_DECLARE)
#undef NSG_DECLARE

	NSG_VEC(const char *) skipped; /* types of template resources told to be of no use */

	size_t list, n_lists;			 /* the list that is being read; how many so far */
	const struct nsg_source *secrets_warned; /* the last one told to be readable by all */
};

/* ---- kind.c ---- */

/* Reads one JSON value of a file, whatever its kind and shape. */
void nsg_reader_document(struct nsg_reader *r, const struct nsg_root *root, json_t *value);
/* Where the answer says that it goes on elsewhere. */
void nsg_warn_of_more(struct nsg_sink *s, const struct nsg_node *n);
/* Whether there is a use for a full type. */
bool nsg_reader_knows(const char *type);
/* Reads a template's resource by its full type, which is known. */
void nsg_reader_resource(struct nsg_reader *r, const struct nsg_node *n, const char *type);

/* ---- template.c ---- */

/* Whether it is an ARM template, or a parameters document for one. */
bool nsg_template_is(json_t *value);
bool nsg_template_is_parameters(json_t *value);
/* Whether anything in it has to be evaluated. */
bool nsg_template_has_expressions(json_t *value);
/* Reads its resources; parameters may be NULL. */
void nsg_template_read(struct nsg_reader *r, const struct nsg_root *root, json_t *value,
		       json_t *parameters);

/* ---- identity.c ---- */

/* Who n is. `type` is the full type of its kind, as Microsoft.Network/routeTables/routes. */
struct nsg_identity nsg_read_identity(struct nsg_sink *s, const struct nsg_node *n,
				      const char *type);
/* The id of the child of that type and name. */
const char *nsg_child_id(struct nsg_sink *s, const char *parent, const char *type,
			 const char *name);
/* Whether the id is a whole one, /subscriptions/... */
bool nsg_id_is_full(const char *id);
/* The full type that the id spells, as Microsoft.Network/routeTables/routes; "" none. */
const char *nsg_id_type(struct nsg_sink *s, const char *id);
/* {} or {"id": null}: a reference to nothing. */
bool nsg_names_nothing(const struct nsg_node *n);
/* What stands inline in a subnet, without an id, is that subnet's. */
void nsg_note_subnet(struct nsg_sink *s, struct nsg_strings *subnets, const char *subnet_id);
/* The loose part of a child: where it stands and whose it is. */
struct nsg_loose nsg_read_loose(struct nsg_reader *r, const struct nsg_node *n,
				const struct nsg_identity *who);

/* ---- the readers, one a kind ---- */

void nsg_read_vnet(struct nsg_reader *r, const struct nsg_node *n);
void nsg_read_classic_vnet(struct nsg_reader *r, const struct nsg_node *n);
void nsg_read_loose_subnet(struct nsg_reader *r, const struct nsg_node *n);
void nsg_read_loose_peering(struct nsg_reader *r, const struct nsg_node *n);
void nsg_read_nsg(struct nsg_reader *r, const struct nsg_node *n);
/* An NSG written inline; its id or, without one, that of its place. */
const char *nsg_read_inline_nsg(struct nsg_reader *r, const struct nsg_node *n,
				const char *subnet_id);
void nsg_read_loose_rule(struct nsg_reader *r, const struct nsg_node *n);
void nsg_read_loose_default_rule(struct nsg_reader *r, const struct nsg_node *n);
void nsg_read_route_table(struct nsg_reader *r, const struct nsg_node *n);
const char *nsg_read_inline_route_table(struct nsg_reader *r, const struct nsg_node *n,
					const char *subnet_id);
void nsg_read_loose_route(struct nsg_reader *r, const struct nsg_node *n);
void nsg_read_learned_route(struct nsg_reader *r, const struct nsg_node *n);
void nsg_read_effective_route(struct nsg_reader *r, const struct nsg_node *n);
void nsg_read_route_server(struct nsg_reader *r, const struct nsg_node *n);
void nsg_read_tags(struct nsg_reader *r, const struct nsg_node *n);
void nsg_read_app_setting(struct nsg_reader *r, const struct nsg_node *n);
void nsg_read_site(struct nsg_reader *r, const struct nsg_node *n);
void nsg_read_site_config(struct nsg_reader *r, const struct nsg_node *n);
void nsg_read_integration(struct nsg_reader *r, const struct nsg_node *n);
void nsg_read_plan(struct nsg_reader *r, const struct nsg_node *n);
void nsg_read_private_endpoint(struct nsg_reader *r, const struct nsg_node *n);
void nsg_read_nic(struct nsg_reader *r, const struct nsg_node *n);
void nsg_read_asg(struct nsg_reader *r, const struct nsg_node *n);

/* ---- reuse.c: large documents that did not change are not parsed again ---- */

/* The document of that source as the policy before has it, with its text again; held by r's policy.
 * NULL: not there, or not the same. */
struct nsg_shared *nsg_reuse_find(struct nsg_reader *r, const struct nsg_policy *before,
				  const struct nsg_source *source);
/* Gives the reader what it gave when it was read. */
void nsg_reuse_give(struct nsg_reader *r, const struct nsg_shared *shared);
/* Before and after a document is read that is to be kept for the next load. begin moves the text
 * and lets everything be allocated from the document's own arena; NULL: not worth it, or no memory.
 * end keeps nothing of a document that made diagnostics, which another load has to make again. */
struct nsg_shared *nsg_reuse_begin(struct nsg_reader *r, const struct nsg_source *source);
void nsg_reuse_end(struct nsg_reader *r, struct nsg_shared *shared);

/* ---- join.c ---- */

/* Makes one resource of what stands in several places; checks what Azure bounds. */
void nsg_reader_join(struct nsg_reader *r);

#endif
