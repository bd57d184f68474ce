/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Evaluation of expressions and of JSON with expressions in it.
 *
 * Everything is evaluated when it is asked for and not before, so that what cannot be known offline
 * does no harm where nobody asks. A function here returns 0, -ENOMEM, or -EINVAL with the reason in
 * the evaluator; values are new references unless said.
 *
 * Values share their parts, so a small template can describe a tree of any size. Every step is
 * therefore paid for (nsg_eval_pay), and a value that is kept is walked first: what a caller holds
 * is never deeper than NSG_MAX_JSON_DEPTH and never larger than the work that was left.
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
	NSG_FAIL_INVALID, /* Azure would refuse it too */
	NSG_FAIL_LIVE,	  /* only a deployment knows it */
	NSG_FAIL_MISSING, /* a parameter without a value */
	NSG_FAIL_LIMIT,	  /* no more is evaluated at all */
};

/* A copy loop that is running, innermost first. */
struct nsg_loop {
	const char *name;
	int64_t index;
	bool of_resource;
	const struct nsg_loop *outer;
};

/* A lambda's variable, innermost first. The value is borrowed. */
struct nsg_local {
	const char *name;
	json_t *value;
	const struct nsg_local *outer;
};

/* What the meaning of an expression depends on. */
struct nsg_frame {
	struct nsg_scope *scope;     /* whose parameters and variables */
	struct nsg_scope *home;	     /* whose resources: another where a template has outer scope */
	const struct nsg_decl *decl; /* whose body it stands in; NULL: in none */
	const struct nsg_loop *loop;
	const struct nsg_local *local;
	bool lenient; /* what cannot be evaluated becomes a stand-in text: for names */
	bool secret;  /* app settings: no text of theirs is quoted */
};

#define NSG_EVAL_WHY_BYTES 400

struct nsg_eval {
	struct nsg_arena arena; /* scopes and declarations; lives as long as the evaluation */
	const struct nsg_place *where;
	struct nsg_diag *diag;
	size_t first_record; /* in diag, of this evaluation */
	struct nsg_frame frame;
	struct nsg_binding *bindings; /* all of them: their values are given up at the end */
	uint64_t work;		      /* left */
	unsigned int depth;
	enum nsg_fail fail;
	char why[NSG_EVAL_WHY_BYTES];
	struct nsg_binding *missing; /* of NSG_FAIL_MISSING */
	bool stopped;		     /* a limit was reached and reported */
	bool made_up;		     /* a hash of Azure's own was asked for, and made up */
	bool secure;		     /* what is being evaluated has read a secure parameter */
};

/* ---- failing and paying -------------------------------------------------------------------- */

/* Keeps the reason; returns -EINVAL. Too long a text is cut at a character. */
int nsg_eval_fail(struct nsg_eval *ev, enum nsg_fail fail, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Whether nothing overcomes this failure: memory is out or the limit reached. */
static inline bool nsg_eval_is_final(const struct nsg_eval *ev, int r)
{
	return r == -ENOMEM || (r < 0 && ev->fail == NSG_FAIL_LIMIT);
}

int nsg_eval_pay(struct nsg_eval *ev, uint64_t work);
/* Walks a value: pays for each part, refuses too many levels. */
int nsg_eval_walk(struct nsg_eval *ev, json_t *value);
/* Around everything that recurses. */
int nsg_eval_enter(struct nsg_eval *ev);
static inline void nsg_eval_leave(struct nsg_eval *ev)
{
	ev->depth--;
}

/* A text for a message, unless it may be a secret. */
static inline const char *nsg_eval_quote(const struct nsg_eval *ev, const char *s)
{
	return ev->frame.secret || ev->secure ? "…" : s;
}

/* ---- values -------------------------------------------------------------------------------- */

/* A member without regard to case, the exact one first; borrowed, NULL when there is none. */
json_t *nsg_eval_member(json_t *object, const char *key);
/* Takes value. NULL: memory is out. */
int nsg_eval_give(json_t *value, json_t **ret);
/* These pay for each byte. */
int nsg_eval_give_text(struct nsg_eval *ev, const char *text, size_t len, json_t **ret);
int nsg_eval_give_format(struct nsg_eval *ev, json_t **ret, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Puts `value` behind `key` of an object or behind an array; takes it in every case. */
int nsg_eval_set(json_t *object, const char *key, json_t *value);
int nsg_eval_append(json_t *array, json_t *value);
const char *nsg_eval_type(const json_t *value);

/* ---- expressions --------------------------------------------------------------------------- */

/* A node of a parsed expression, in the current frame. */
int nsg_eval_node(struct nsg_eval *ev, const struct nsg_expr *e, json_t **ret);
/* object[key] and array[index] as the language has it. */
int nsg_eval_get(struct nsg_eval *ev, json_t *container, const json_t *key, json_t **ret);
/* A string of a template: evaluated when it is an expression, else the text it stands for. */
int nsg_eval_string(struct nsg_eval *ev, json_t *string, json_t **ret);

/* ---- JSON with expressions in it ----------------------------------------------------------- */

/* Evaluates all of it, copy loops included; the first failure is the whole's. */
int nsg_tree_value(struct nsg_eval *ev, json_t *raw, json_t **ret);

/*
 * The same for a declared resource: each part that fails is a diagnostic at its pointer and null in
 * the result, except where names, `location` and `tags` do: a name becomes a stand-in, the others
 * are left out. `key` and `pointer` are of `raw`, in the template. Fails for the limits only.
 */
int nsg_tree_report(struct nsg_eval *ev, json_t *raw, const char *key, const char *pointer,
		    json_t **ret);
/* An error at the pointer from the reason that the evaluator keeps; raw is what failed. */
void nsg_tree_blame(struct nsg_eval *ev, const json_t *raw, const char *pointer);
/* count of a copy loop: 0 to NSG_MAX_TEMPLATE_COPIES. */
int nsg_tree_copies(struct nsg_eval *ev, json_t *raw_count, int64_t *ret);
/* Whether a member named "copy" is a list of loops and not a property of that name. */
bool nsg_tree_is_copy(const char *key, json_t *value);

#endif
