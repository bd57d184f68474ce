/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON objects written as they read:
 *
 *	object = NSG_JSON_OBJECT(PAIR_S("instance", conf->instance),
 *				 PAIR_I("pid", getpid()),
 *				 PAIR_B("enforced", !conf->audit),
 *				 PAIR_J("queue", NSG_JSON_OBJECT(PAIR_I("first", first))));
 *	r = NSG_JSON_ADD(object, PAIR_J("kernel", nsg_kernel_status(k)));
 *
 * Every value is taken over, also on failure. A value that is NULL means out of memory: the object
 * that contains it is then NULL too, so a whole tree is checked once, at its root. Keys are
 * literals; their order is the order of the text.
 */
#ifndef NSG_UTIL_JSON_OBJECT_H
#define NSG_UTIL_JSON_OBJECT_H

#include <jansson.h>

struct nsg_json_pair {
	const char *key;
	json_t *value;
};

/* A string, or null when s is NULL. JSON is UTF-8: of a string that is not, such as some file
 * names, all but printable ASCII is written as \xNN. */
#define PAIR_S(key, s) PAIR_J(key, nsg_json_string(s))
#define PAIR_I(key, i) PAIR_J(key, json_integer((json_int_t)(i)))
#define PAIR_B(key, b) PAIR_J(key, json_boolean(b))
#define PAIR_N(key) PAIR_J(key, json_null())
/* Any JSON value, whose reference is taken. json_incref(value) shares one instead. */
#define PAIR_J(key, value) ((struct nsg_json_pair){key, value})

/* A new object, or NULL. */
#define NSG_JSON_OBJECT(...) nsg_json_object((const struct nsg_json_pair[]){__VA_ARGS__, {0}})
/* Appends to an object, which may be NULL. 0, or -ENOMEM, perhaps with some of them appended. */
#define NSG_JSON_ADD(object, ...)                                                                  \
	nsg_json_add(object, (const struct nsg_json_pair[]){__VA_ARGS__, {0}})

/* What the macros call; a NULL key ends the pairs. */
json_t *nsg_json_object(const struct nsg_json_pair *pairs);
int nsg_json_add(json_t *object, const struct nsg_json_pair *pairs);
json_t *nsg_json_string(const char *s);

#endif
