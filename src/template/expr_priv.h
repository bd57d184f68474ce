/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The expression language of ARM templates: text to tree.
 *
 *	expression = primary { "." name | "[" expression "]" }
 *	primary    = 'string' | integer | function "(" [ expression { "," expression } ] ")"
 *	function   = name { "." name }
 *
 * Blanks between tokens are ignored; '' in a string is one quote.
 */
#ifndef NSG_TEMPLATE_EXPR_PRIV_H
#define NSG_TEMPLATE_EXPR_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/arena.h"

enum nsg_expr_kind {
	NSG_EXPR_STRING,
	NSG_EXPR_INTEGER,
	NSG_EXPR_CALL,
	NSG_EXPR_GET, /* args[0] the object or array, args[1] the key or index */
};

struct nsg_expr {
	enum nsg_expr_kind kind;
	const char *source; /* source_len bytes of the parsed text */
	size_t source_len;
	const char *text; /* STRING: its value; CALL: the function's name */
	int64_t number;
	struct nsg_expr **args;
	size_t n_args;
};

/* Whether a JSON string is an expression: in brackets, and not starting with "[[". */
bool nsg_expr_is(const char *s);
/* Unescapes a string that is not an expression: "[[x]" is "[x]". */
const char *nsg_expr_unescape(const char *s);

/*
 * Parses an expression. The tree is in the arena and points into s. On -EINVAL, *ret_problem is a
 * static message and *ret_at the byte of s that it refers to. -ENOMEM.
 */
int nsg_expr_parse(struct nsg_arena *a, const char *s, struct nsg_expr **ret,
		   const char **ret_problem, size_t *ret_at);

#endif
