/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A JSON value together with its path in the document, so that each diagnostic has a place, and the
 * typed readers of values. Nodes are on the stack of their reader; the path becomes a JSON pointer
 * only when a diagnostic or a place of the model needs one.
 *
 * Readers never fail: a wrong value is an error diagnostic and treated as absent, running out of
 * memory sets no_memory, and the loader checks both once, at the end.
 */
#ifndef NSG_AZURE_NODE_PRIV_H
#define NSG_AZURE_NODE_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "model/policy.h"
#include "util/diag.h"

/* One JSON value of a file, or one resource made from a template. */
struct nsg_root {
	const struct nsg_source *source;
	uint32_t value;
	const char *pointer; /* of a template's resource in its template; "" else */
	bool in_template;
	const char *name; /* of a template's resource with its parents', a/b; NULL else */
};

struct nsg_node {
	const struct nsg_node *up; /* NULL: the root */
	const struct nsg_root *root;
	json_t *value;	 /* borrowed; NULL: absent, null, "" or [] */
	const char *key; /* NULL: an element of an array, or the root */
	size_t index;
	const char *nested; /* `properties` of the parent, as spelt, when the key is in it; NULL:
			     * in the parent itself */
};

/* Where values go: the policy's arena and the diagnostics. */
struct nsg_sink {
	struct nsg_arena *arena;
	struct nsg_diag *diag;
	bool no_memory;
};

struct nsg_node nsg_node_root(const struct nsg_root *root, json_t *value);
/* The member, from `properties` unless it is empty there; exact spelling first, then any case
 * (ARM's keys have no case, and tools differ: nextHopIPAddress). */
struct nsg_node nsg_node_get(const struct nsg_node *n, const char *key);
/* The member of the object itself, whatever `properties` says. */
struct nsg_node nsg_node_own(const struct nsg_node *n, const char *key);
/* The element. */
struct nsg_node nsg_node_at(const struct nsg_node *n, size_t index);
bool nsg_node_has(const struct nsg_node *n, const char *key);
/* The number of these keys that it has. */
size_t nsg_node_count_keys(const struct nsg_node *n, const char *const keys[]);
#define NSG_COUNT_KEYS(n, ...) nsg_node_count_keys(n, (const char *const[]){__VA_ARGS__, NULL})
/* The raw member of an object, exactly so, else in any case; NULL: none, or no object. */
json_t *nsg_member(json_t *object, const char *key);

/* The place of a node: for an absent one, where it would be. */
struct nsg_place nsg_node_place(struct nsg_sink *s, const struct nsg_node *n);

/* A diagnostic at the node. */
void nsg_node_report(struct nsg_sink *s, const struct nsg_node *n, enum nsg_severity severity,
		     const char *code, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* How much of a document's value a message quotes. */
#define NSG_QUOTE "%.200s"

/* The string without the blanks around it; "" when absent. */
const char *nsg_read_string(struct nsg_sink *s, const struct nsg_node *n);
/* nsg_read_string of a member */
const char *nsg_read_member(struct nsg_sink *s, const struct nsg_node *n, const char *key);
/* The `id` of the object that is this member: "networkSecurityGroup": {"id": ...}. */
const char *nsg_read_ref(struct nsg_sink *s, const struct nsg_node *n, const char *key);
/* true, false, or one of them as a string. */
enum nsg_tristate nsg_read_bool(struct nsg_sink *s, const struct nsg_node *n, const char *key);
/* A whole number, also in digits as a string. False when absent or wrong. */
bool nsg_read_number(struct nsg_sink *s, const struct nsg_node *n, uint64_t max, uint64_t *ret);
/* The number of elements; 0 if absent. */
size_t nsg_read_array(struct nsg_sink *s, const struct nsg_node *n);
/* Whether it is an object; an error when it is something else. */
bool nsg_read_object(struct nsg_sink *s, const struct nsg_node *n);
/* An array of strings. */
struct nsg_strings nsg_read_strings(struct nsg_sink *s, const struct nsg_node *n);
/* An array of objects: that member of each; `id`. */
struct nsg_strings nsg_read_each(struct nsg_sink *s, const struct nsg_node *n, const char *key);
struct nsg_strings nsg_read_ids(struct nsg_sink *s, const struct nsg_node *n);

/* An array of the arena; NULL, with no_memory set, when there is none. */
void *nsg_sink_array(struct nsg_sink *s, size_t n, size_t size);
/* A formatted string of the arena; never NULL. */
const char *nsg_sink_printf(struct nsg_sink *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends to an NSG_VEC; what does not fit sets no_memory. */
#define nsg_sink_push(s, vec, element)                                                             \
	do {                                                                                       \
		if (nsg_vec_push(vec, element))                                                    \
			(s)->no_memory = true;                                                     \
	} while (0)

/* A vector's elements as an array of the arena; the vector is emptied. */
#define nsg_sink_keep(s, vec)                                                                      \
	({                                                                                         \
		__typeof__((vec)->v) nsg_kept = nsg_sink_array(s, (vec)->n, sizeof(*(vec)->v));    \
		if (nsg_kept && (vec)->n)                                                          \
			memcpy(nsg_kept, (vec)->v, (vec)->n * sizeof(*(vec)->v));                  \
		nsg_vec_done(vec);                                                                 \
		nsg_kept;                                                                          \
	})

#endif
