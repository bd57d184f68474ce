/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The expression language of ARM templates: text to tree.
 *
 *	expression = primary { "." name | "[" expression "]" }
 *	primary    = 'string' | integer | function "(" [ expression { "," expression } ] ")"
 *	function   = name { "." name }
 *
 * Between tokens blanks count for nothing; in a string '' is one quote.
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
	const char *source; /* its text, source_len bytes of what was parsed */
	size_t source_len;
	const char *text; /* STRING: its value; CALL: the function's name */
	int64_t number;
	struct nsg_expr **args;
	size_t n_args;
};

/* Whether a JSON string is an expression: in brackets, and not with "[[" in front, which is text.
 */
bool nsg_expr_is(const char *s);
/* The text that a string which is no expression stands for: "[[x]" is "[x]". */
const char *nsg_expr_unescape(const char *s);

/*
 * Parses such a string. The tree belongs to the arena and points into s. On -EINVAL *ret_problem is
 * static text for a person and *ret_at the byte of s it is about; -ENOMEM.
 */
int nsg_expr_parse(struct nsg_arena *a, const char *s, struct nsg_expr **ret,
		   const char **ret_problem, size_t *ret_at);

#endif
