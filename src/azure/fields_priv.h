/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each struct of the model is described once, by a table with a line per field: the key that it is
 * read from, the kind of value, where it is stored. The table reads the struct, compares two copies
 * of it, and names the keys that a template has to keep.
 */
#ifndef NSG_AZURE_FIELDS_PRIV_H
#define NSG_AZURE_FIELDS_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "azure/node_priv.h"
#include "util/macro.h"

struct nsg_kind;
struct nsg_reader;

/* Identity of a resource, or of a part of one. */
struct nsg_identity {
	const char *id;	    /* as written, else composed of type and name; "" without a name */
	const char *name;   /* without the names of its parents */
	const char *parent; /* id of the resource it is a child of; "" unknown */
	const char *within; /* id of the subnet it is written in, when it has no id; "" */
	bool made;	    /* the document has no id */
};

enum nsg_field_kind {
	FIELD_TEXT,	/* compared in any case */
	FIELD_LOCATION, /* "West Europe" equals westeurope */
	FIELD_ID,	/* a string */
	FIELD_REF,	/* the `id` of an object */
	FIELD_IDS,	/* the `id` of each object of an array */
	FIELD_TEXTS,	/* strings, or with `each` a member of each object of an array */
	FIELD_PREFIX,
	FIELD_PREFIXES, /* with `other`: singular key, plural key */
	FIELD_TRISTATE,
	FIELD_FLAG,    /* bool: set when the value is true */
	FIELD_BYTES,   /* number, flag or enum; read by a function */
	FIELD_COUNT,   /* size_t: the size of an array */
	FIELD_NUMBERS, /* array of uint32_t in order; read by a function */
	FIELD_PORTS,   /* array of port ranges; read by a function */
	FIELD_ADDRESS, /* source or destination of a rule; read by a function */
	FIELD_ARRAY,   /* structs with a table of their own */
	/* never compared: */
	FIELD_OTHER, /* read by a function; compared, if at all, by the table's `same` */
	FIELD_OWN_ID,
	FIELD_OWN_NAME,
	FIELD_OWN_PARENT, /* an id; compared */
	FIELD_USED_BY,	  /* ids of where a resource is used: one of two copies may lack them */
	FIELD_PLACE,	  /* of the value of the key; without a key, of the struct itself */
};

struct nsg_field {
	/* NULL: stored by the function of another line, and only compared here */
	const char *key;
	enum nsg_field_kind kind;
	size_t at, size;	     /* offset; size of the value, or of an element of an array */
	size_t at_n;		     /* arrays: offset of the count */
	const char *in;		     /* the object that has the key; NULL: the resource */
	const char *other;	     /* a second key, used when `key` is empty */
	const char *each;	     /* FIELD_TEXTS: the member */
	const char *groups;	     /* FIELD_ADDRESS: the key of application security groups */
	const struct nsg_fields *of; /* FIELD_ARRAY */
	const struct nsg_kind *inline_kind; /* FIELD_ID: of a resource written in place of it */
	/* Reads in place of the kind. n is the resource; in the struct `to` the fields of earlier
	 * lines are set. False: the struct is not usable. */
	bool (*read)(struct nsg_reader *r, const struct nsg_field *f, const struct nsg_node *n,
		     void *to);
};

struct nsg_fields {
	const char *word; /* in messages, e.g. "route table" */
	const struct nsg_field *v;
	size_t n, size;	 /* lines; size of the struct */
	size_t name;	 /* offset of the name by which the elements of two lists are paired */
	bool needs_name; /* an empty one is an error */
	bool in_order;	 /* the order of a list is significant: elements are paired by position */
	size_t max;	 /* elements of a list; 0: any number */
	/* Called after the last field, to check fields against each other. False: the struct is not
	 * usable. May be NULL. */
	bool (*check)(struct nsg_reader *r, const struct nsg_node *n, void *to);
	/* Compares the rest when all fields are equal. May be NULL. */
	bool (*same)(struct nsg_sink *s, const void *a, const void *b);
};

/* clang-format off */
#define AT(type, member) \
	.at = offsetof(struct type, member), .size = sizeof(((struct type *)0)->member)
#define LIST(type, member) \
	.at = offsetof(struct type, member), .at_n = offsetof(struct type, n_##member), \
	.size = sizeof(*((struct type *)0)->member)
#define NUMBERS(type, member, n) \
	.at = offsetof(struct type, member), .at_n = offsetof(struct type, n), .size = sizeof(uint32_t)
#define FIELDS(fields, type) .v = (fields), .n = NSG_ARRAY_SIZE(fields), .size = sizeof(struct type)
/* clang-format on */

/* Reads a struct that is zeroed, except for what the caller has set. False: it is not usable; the
 * diagnostics show whether that is an error. The id and name of *who may be NULL: they are read
 * when a field needs them. */
bool nsg_fields_read(struct nsg_reader *r, const struct nsg_fields *t, const struct nsg_node *n,
		     struct nsg_identity *who, void *to);

/* Whether two structs have the same content. Places, what Azure adds by itself (its default rules)
 * and an order that is not significant make no difference. */
bool nsg_fields_same(struct nsg_sink *s, const struct nsg_fields *t, const void *a, const void *b);

/* Fills fields that the copy `to` may lack from an equal copy. */
void nsg_fields_unite(const struct nsg_fields *t, void *to, const void *from);

/* Where the field is in a struct. */
static inline void *nsg_field_at(const struct nsg_field *f, void *of)
{
	return (char *)of + f->at;
}

/* The count of its array. */
static inline size_t *nsg_field_count(const struct nsg_field *f, void *of)
{
	return (size_t *)(void *)((char *)of + f->at_n);
}

/* The name by which an element of a list is paired. */
const char *nsg_fields_name(const struct nsg_fields *t, const void *element);

#endif
