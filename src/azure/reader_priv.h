/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a directory to a policy: load.c takes the files; document.c recognises each JSON value and
 * unwraps what tools put around resources; collect.c reads a resource by the field table of its
 * kind, joins the copies of one resource, and parents with children that have documents of their
 * own, and fills the policy.
 *
 * A new kind of document is a file with its field table and its struct nsg_kind, and a line of the
 * registry in kinds.h.
 */
#ifndef NSG_AZURE_READER_PRIV_H
#define NSG_AZURE_READER_PRIV_H

#include "azure/fields_priv.h"
#include "azure/kinds.h"
#include "azure/load.h"
#include "azure/node_priv.h"
#include "azure/value_priv.h"
#include "util/vec.h"

/* A kind of document: a resource with a field table, or whatever `read` makes of it. */
struct nsg_kind {
	bool (*looks)(const struct nsg_node *n); /* recognised by keys; NULL: by type only */
	void (*read)(struct nsg_reader *r, const struct nsg_node *n); /* NULL: nsg_collect */

	const char *word; /* in the count of what was read; NULL: that of the fields */
	const struct nsg_fields *fields;
	size_t list, count; /* offsets of the array in struct nsg_policy; 0: none */
	size_t max;	    /* in a parent, else in a directory; 0: NSG_MAX_RESOURCES */
	/* An object with none of these keys is a reference, or the name of a resource as `az
	 * resource list` prints it; `show` is the command that prints the resource. */
	const char *content[10], *show;
	bool document_only;				     /* never read in a template */
	bool equal_by_content;				     /* copies may lack an id */
	void (*bound)(struct nsg_sink *s, const void *data); /* checked when all is joined */

	/* A child whose parent has another document. With `at`, offsets of the list in the parent,
	 * it is an element there, and without a parent an error. */
	const struct nsg_kind *parent;
	size_t at, at_n;
	bool may_stand_alone; /* a list of them may replace a parent without a document */
	bool (*is_same)(const void *a, const void *b); /* besides the name; NULL: always */
	/* Takes it into the parent; false: it stays an element, or by itself. */
	bool (*adopt)(struct nsg_sink *s, void *parent, const void *child);
	void (*orphan)(void *child); /* the parent has no document */
};

/* A resource, whatever document it was in. */
struct nsg_resource {
	const struct nsg_kind *kind;
	const char *id;	    /* "" unknown */
	const char *parent; /* id; "" unknown */
	bool is_listed;	    /* element of a list, not declared by a template */
	size_t list;	    /* number of the list: its elements belong together */
	struct nsg_place place;
	void *data; /* the struct that fields->size is the size of */
	bool gone;  /* joined with another, or refused */
};

/* What became of one resource at the top of a document. */
struct nsg_unit {
	const struct nsg_kind *kind; /* the first that was read; NULL: none */
	bool is_list;		     /* the elements of a list that have no ids */
	bool is_skipped, is_refused;
};

struct nsg_reader {
	struct nsg_sink sink;
	struct nsg_load_counts counts;
	struct nsg_unit *unit; /* being read; NULL: none */
	struct nsg_policy *policy;
	const struct nsg_load_options *options;

	/* In document order. Learned routes come by the ten thousand and join nothing. */
	NSG_VEC(struct nsg_resource) resources;
	NSG_VEC(struct nsg_bgp_route) bgp_routes;

	NSG_VEC(const char *) skipped; /* types of template resources already reported */

	size_t list, n_lists;			    /* the list being read; how many so far */
	const struct nsg_source *advertised_warned; /* last file reported for advertised routes */
	const struct nsg_source *secrets_warned;    /* last file reported as readable by all */
};

/* ---- kinds.c ---- */

/* A line of the registry. */
struct nsg_registered {
	const struct nsg_kind *kind;
	const char *types[NSG_MAX_TYPES_OF_KIND + 1];
};

extern const struct nsg_registered nsg_kinds[];
extern const size_t nsg_n_kinds;

/* The kind with that full type; NULL: none. */
const struct nsg_kind *nsg_kind_of(const char *type);
/* The type that ids of the kind are made of; "" none. */
const char *nsg_kind_type(const struct nsg_kind *kind);

/* ---- document.c ---- */

/* Reads one JSON value of a file, whatever its kind and wrapping. */
void nsg_reader_document(struct nsg_reader *r, const struct nsg_root *root, json_t *value);
/* Warns where an answer continues on another page. */
void nsg_warn_of_next_page(struct nsg_sink *s, const struct nsg_node *n);

/* ---- template.c ---- */

/* Whether it is an ARM template, or a parameters document for one. */
bool nsg_template_is(json_t *value);
bool nsg_template_is_parameters(json_t *value);
/* Whether anything in it has to be evaluated. */
bool nsg_template_has_expressions(json_t *value);
/* Reads its resources; parameters may be NULL. */
void nsg_template_read(struct nsg_reader *r, const struct nsg_root *root, json_t *value,
		       json_t *parameters);

/* A notice, once for each type. */
void nsg_report_skipped(struct nsg_reader *r, const struct nsg_node *n, const char *type);

/* ---- count.c ---- */

/* Around the reading of a resource. begin returns the unit around it, for end. */
struct nsg_unit *nsg_unit_begin(struct nsg_reader *r, struct nsg_unit *unit);
void nsg_unit_end(struct nsg_reader *r, struct nsg_unit *outer);
/* Whether an element of a list has an id or a type, so that it is counted by itself. */
bool nsg_is_resource(const struct nsg_node *n);

/* ---- identity.c ---- */

/* `type` is the full type, e.g. Microsoft.Network/routeTables/routes. */
struct nsg_identity nsg_read_identity(struct nsg_sink *s, const struct nsg_node *n,
				      const char *type);
/* The id of the child of that type and name. */
const char *nsg_child_id(struct nsg_sink *s, const char *parent, const char *type,
			 const char *name);
/* Whether the id is a full one, /subscriptions/... */
bool nsg_id_is_full(const char *id);
/* The full type in an id, e.g. Microsoft.Network/routeTables/routes; "" none. */
const char *nsg_id_type(struct nsg_sink *s, const char *id);
/* {} or {"id": null}: a reference to nothing. */
bool nsg_names_nothing(const struct nsg_node *n);

/* ---- collect.c ---- */

/* Reads a resource of that kind. */
void nsg_read_kind(struct nsg_reader *r, const struct nsg_node *n, const struct nsg_kind *kind);
/* Reads a resource and adds it, under the identity in the document or under another. */
void nsg_collect(struct nsg_reader *r, const struct nsg_node *n, const struct nsg_kind *kind);
void nsg_collect_as(struct nsg_reader *r, const struct nsg_node *n, const struct nsg_kind *kind,
		    struct nsg_identity *who);
/* Adds one that has been read. */
void nsg_collect_add(struct nsg_reader *r, const struct nsg_node *n, const struct nsg_kind *kind,
		     const struct nsg_identity *who, void *data);
/* The id of an object in a subnet, collected unless it is only a reference. */
const char *nsg_collect_inline(struct nsg_reader *r, const struct nsg_node *n,
			       const struct nsg_kind *kind, const char *subnet_id);
/* Joins what is one resource; checks the bounds that Azure sets. */
void nsg_join(struct nsg_reader *r);
/* Moves everything to the policy's arrays. */
void nsg_hand_over(struct nsg_reader *r);

/* ---- document_cache.c ---- */

/* The unchanged document of that source in the policy before, with its text again; held by r's
 * policy. NULL: none. */
struct nsg_shared *nsg_cache_find(struct nsg_reader *r, const struct nsg_policy *before,
				  const struct nsg_source *source);
/* Its number of values, as nsg_cache_begin() got it. */
size_t nsg_cache_n_values(const struct nsg_shared *shared);
/* Adds what the document held when it was read. */
void nsg_cache_give(struct nsg_reader *r, const struct nsg_shared *shared);
/* Around the reading of a document that the next load may use. begin moves the text and redirects
 * allocations to an arena of the document; NULL: not worth it, or out of memory. end keeps nothing
 * of a document with diagnostics, which each load has to make again. */
struct nsg_shared *nsg_cache_begin(struct nsg_reader *r, const struct nsg_source *source,
				   size_t n_values);
void nsg_cache_end(struct nsg_reader *r, struct nsg_shared *shared);

/* ---- the kinds, in the files that read them ---- */

#define DECLARE(name, ...) extern const struct nsg_kind nsg_kind_##name;
NSG_DOCUMENT_KINDS(DECLARE)
NSG_KINDS(DECLARE)
#undef DECLARE

/* clang-format off */
#define IN_POLICY(name) \
	.list = offsetof(struct nsg_policy, name), .count = offsetof(struct nsg_policy, n_##name)
#define IN_PARENT(type, name) \
	.at = offsetof(struct type, name), .at_n = offsetof(struct type, n_##name)
/* clang-format on */

#endif
