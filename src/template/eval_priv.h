/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Evaluation of expressions and of JSON with expressions in it.
 *
 * Evaluation is lazy, so values that are unknown offline do no harm where they are not used. The
 * functions return 0, -ENOMEM, or -EINVAL with the reason in the evaluator; values are new
 * references unless noted.
 *
 * Values share their parts, so a small template can describe a tree of any size. Every step is
 * therefore paid for (nsg_eval_pay), and a value is walked before it is kept: it is never deeper
 * than NSG_MAX_JSON_DEPTH and never larger than the work that was left.
 */
#ifndef NSG_TEMPLATE_EVAL_PRIV_H
#define NSG_TEMPLATE_EVAL_PRIV_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "template/expr_priv.h"
#include "util/arena.h"
#include "util/diag.h"

struct nsg_scope;
struct nsg_binding;
struct nsg_decl;

enum nsg_fail {
	NSG_FAIL_INVALID, /* Azure would reject it too */
	NSG_FAIL_LIVE,	  /* known only after deployment */
	NSG_FAIL_MISSING, /* a parameter without a value */
	NSG_FAIL_LIMIT,	  /* evaluation ends */
};

/* The running copy loops, innermost first. */
struct nsg_loop {
	const char *name;
	int64_t index;
	bool of_resource;
	const struct nsg_loop *outer;
};

/* The variables of lambdas, innermost first. Values are borrowed. */
struct nsg_local {
	const char *name;
	json_t *value;
	const struct nsg_local *outer;
};

/* The context of an expression. */
struct nsg_frame {
	struct nsg_scope *scope;     /* of parameters and variables */
	struct nsg_scope *home;	     /* of resources; differs in a template with outer scope */
	const struct nsg_decl *decl; /* the resource that contains the expression, or NULL */
	const struct nsg_loop *loop;
	const struct nsg_local *local;
	bool lenient; /* failures become stand-ins; for names */
	bool secret;  /* app settings: never quoted in messages */
};

#define NSG_EVAL_WHY_BYTES 400

struct nsg_eval {
	struct nsg_arena arena; /* scopes and declarations; lives as long as the evaluation */
	const struct nsg_place *where;
	struct nsg_diag *diag;
	size_t first_record; /* in diag, of this evaluation */
	struct nsg_frame frame;
	struct nsg_binding *bindings; /* all of them; their values are freed at the end */
	uint64_t work;		      /* left */
	unsigned int depth;
	enum nsg_fail fail;
	char why[NSG_EVAL_WHY_BYTES];
	struct nsg_binding *missing; /* of NSG_FAIL_MISSING */
	bool stopped;		     /* a limit was reached and reported */
	bool made_up;		     /* uniqueString() or guid() was called */
	bool secure;		     /* a secure parameter was read */
};

/* ---- failing and paying -------------------------------------------------------------------- */

/* Stores the reason, truncated if necessary. Returns -EINVAL. */
int nsg_eval_fail(struct nsg_eval *ev, enum nsg_fail fail, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Whether evaluation cannot go on: out of memory, or at a limit. */
static inline bool nsg_eval_is_final(const struct nsg_eval *ev, int r)
{
	return r == -ENOMEM || (r < 0 && ev->fail == NSG_FAIL_LIMIT);
}

int nsg_eval_pay(struct nsg_eval *ev, uint64_t work);
/* Pays for each part of a value; fails when it has too many levels. */
int nsg_eval_walk(struct nsg_eval *ev, json_t *value);
/* Around every recursion; bounds its depth. */
int nsg_eval_enter(struct nsg_eval *ev);
static inline void nsg_eval_leave(struct nsg_eval *ev)
{
	ev->depth--;
}

/* A text for a message; "…" when it may be a secret. */
static inline const char *nsg_eval_quote(const struct nsg_eval *ev, const char *s)
{
	return ev->frame.secret || ev->secure ? "…" : s;
}

/* ---- values -------------------------------------------------------------------------------- */

/* A member, preferably of that exact case; borrowed, or NULL. */
json_t *nsg_eval_member(json_t *object, const char *key);
/* Takes value; -ENOMEM when it is NULL. */
int nsg_eval_give(json_t *value, json_t **ret);
/* These pay for each byte. */
int nsg_eval_give_text(struct nsg_eval *ev, const char *text, size_t len, json_t **ret);
int nsg_eval_give_format(struct nsg_eval *ev, json_t **ret, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Sets a member or appends an element; takes `value` in every case. -ENOMEM when it is NULL. */
int nsg_eval_set(json_t *object, const char *key, json_t *value);
int nsg_eval_append(json_t *array, json_t *value);
const char *nsg_eval_type(const json_t *value);

/* ---- expressions --------------------------------------------------------------------------- */

/* Evaluates a node of a parsed expression in the current frame. */
int nsg_eval_node(struct nsg_eval *ev, const struct nsg_expr *e, json_t **ret);
/* object[key] or array[index]. */
int nsg_eval_get(struct nsg_eval *ev, json_t *container, const json_t *key, json_t **ret);
/* A string of a template: an expression is evaluated, other text is unescaped. */
int nsg_eval_string(struct nsg_eval *ev, json_t *string, json_t **ret);

/* ---- JSON with expressions in it ----------------------------------------------------------- */

/* Evaluates all of `raw`, including copy loops; returns the first failure. */
int nsg_tree_value(struct nsg_eval *ev, json_t *raw, json_t **ret);

/*
 * The same for a declared resource. A part that fails is reported at its pointer and null in the
 * result, except that a name becomes a stand-in, and `location` and `tags` are left out. `key` and
 * `pointer` are those of `raw` in the template. Fails only at a limit or when out of memory.
 */
int nsg_tree_report(struct nsg_eval *ev, json_t *raw, const char *key, const char *pointer,
		    json_t **ret);
/* Reports the stored reason at the pointer; raw is what failed. */
void nsg_tree_blame(struct nsg_eval *ev, const json_t *raw, const char *pointer);
/* The count of a copy loop: 0 to NSG_MAX_TEMPLATE_COPIES. */
int nsg_tree_copies(struct nsg_eval *ev, json_t *raw_count, int64_t *ret);
/* Whether a member named "copy" is a list of loops and not a property of that name. */
bool nsg_tree_is_copy(const char *key, json_t *value);

#endif
