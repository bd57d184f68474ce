/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "template/expr_priv.h"

#include <errno.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/limits.h"
#include "util/vec.h"

struct parser {
	struct nsg_arena *arena;
	const char *start, *p, *end; /* end: the closing bracket of the whole */
	unsigned int depth;
	const char *problem;
};

typedef NSG_VEC(struct nsg_expr *) expr_vec;

static void expr_vec_done(expr_vec *v)
{
	nsg_vec_done(v);
}

#define cleanup_exprs __attribute__((cleanup(expr_vec_done)))

bool nsg_expr_is(const char *s)
{
	size_t n = strlen(s);

	return n >= 2 && s[0] == '[' && s[1] != '[' && s[n - 1] == ']';
}

const char *nsg_expr_unescape(const char *s)
{
	size_t n = strlen(s);

	return n >= 3 && s[0] == '[' && s[1] == '[' && s[n - 1] == ']' ? s + 1 : s;
}

static int refuse(struct parser *ps, const char *problem)
{
	ps->problem = problem;
	return -EINVAL;
}

static void skip_blanks(struct parser *ps)
{
	while (ps->p < ps->end && strchr(" \t\r\n", *ps->p))
		ps->p++;
}

static bool take(struct parser *ps, char c)
{
	skip_blanks(ps);
	if (ps->p >= ps->end || *ps->p != c)
		return false;
	ps->p++;
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' ||
	       c == '$';
}

static struct nsg_expr *expr_new(struct parser *ps, enum nsg_expr_kind kind, const char *start)
{
	struct nsg_expr *e = nsg_arena_alloc(ps->arena, sizeof(*e));

	if (!e)
		return NULL;
	e->kind = kind;
	e->source = start;
	e->source_len = (size_t)(ps->p - start);
	return e;
}

static int parse_string(struct parser *ps, struct nsg_expr **ret)
{
	const char *start = ps->p++;
	size_t n = 0;
	char *text;

	for (;; n++) {
		if (ps->p >= ps->end)
			return refuse(ps, "unterminated string");
		if (*ps->p == '\'') {
			if (ps->p + 1 >= ps->end || ps->p[1] != '\'')
				break;
			ps->p++;
		}
		ps->p++;
	}
	ps->p++;
	*ret = expr_new(ps, NSG_EXPR_STRING, start);
	text = nsg_arena_alloc(ps->arena, n + 1);
	if (!*ret || !text)
		return -ENOMEM;
	for (size_t i = 0, j = 1; i < n; i++, j++) {
		text[i] = start[j];
		j += start[j] == '\'';
	}
	(*ret)->text = text;
	return 0;
}

static int parse_integer(struct parser *ps, struct nsg_expr **ret)
{
	const char *start = ps->p;
	bool negative = *start == '-';
	int64_t n = 0;

	ps->p += negative;
	if (ps->p >= ps->end || !is_digit(*ps->p))
		return refuse(ps, "digits expected after the sign");
	for (; ps->p < ps->end && is_digit(*ps->p); ps->p++) {
		int digit = *ps->p - '0';

		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, negative ? -digit : digit, &n))
			return refuse(ps, "integer does not fit in 64 bits");
	}
	*ret = expr_new(ps, NSG_EXPR_INTEGER, start);
	if (!*ret)
		return -ENOMEM;
	(*ret)->number = n;
	return 0;
}

static int parse_expr(struct parser *ps, struct nsg_expr **ret);

static int parse_args(struct parser *ps, expr_vec *args)
{
	int r;

	if (take(ps, ')'))
		return 0;
	do {
		struct nsg_expr *arg = NULL;

		r = parse_expr(ps, &arg);
		if (r < 0)
			return r;
		r = nsg_vec_push(args, arg);
		if (r < 0)
			return r;
	} while (take(ps, ','));
	return take(ps, ')') ? 0 : refuse(ps, "',' or ')' expected");
}

static int parse_call(struct parser *ps, struct nsg_expr **ret)
{
	cleanup_exprs expr_vec args = {0};
	const char *start = ps->p;
	size_t name_len;
	char *name;
	int r;

	while (ps->p < ps->end && (is_name(*ps->p) || *ps->p == '.'))
		ps->p++;
	name_len = (size_t)(ps->p - start);
	if (!name_len)
		return refuse(ps, "value expected");
	if (!take(ps, '('))
		return refuse(ps, "'(' expected after the function name");
	r = parse_args(ps, &args);
	if (r < 0)
		return r;
	*ret = expr_new(ps, NSG_EXPR_CALL, start);
	name = nsg_arena_copy(ps->arena, start, name_len + 1);
	if (!*ret || !name)
		return -ENOMEM;
	name[name_len] = '\0';
	(*ret)->text = name;
	(*ret)->n_args = args.n;
	if (!args.n)
		return 0;
	(*ret)->args = nsg_arena_copy(ps->arena, args.v, args.n * sizeof(*args.v));
	return (*ret)->args ? 0 : -ENOMEM;
}

/* ".name": a key without quotes */
static int parse_member(struct parser *ps, struct nsg_expr **ret)
{
	const char *start;
	char *name;

	skip_blanks(ps);
	start = ps->p;
	while (ps->p < ps->end && is_name(*ps->p))
		ps->p++;
	if (ps->p == start)
		return refuse(ps, "property name expected after '.'");
	*ret = expr_new(ps, NSG_EXPR_STRING, start);
	name = nsg_arena_copy(ps->arena, start, (size_t)(ps->p - start) + 1);
	if (!*ret || !name)
		return -ENOMEM;
	name[ps->p - start] = '\0';
	(*ret)->text = name;
	return 0;
}

static int parse_primary(struct parser *ps, struct nsg_expr **ret)
{
	skip_blanks(ps);
	if (ps->p >= ps->end)
		return refuse(ps, "value expected");
	if (*ps->p == '\'')
		return parse_string(ps, ret);
	if (*ps->p == '-' || is_digit(*ps->p))
		return parse_integer(ps, ret);
	return parse_call(ps, ret);
}

/* One accessor after `object`: ".name" or "[key]". */
static int parse_accessor(struct parser *ps, struct nsg_expr *object, bool member,
			  const char *start, struct nsg_expr **ret)
{
	struct nsg_expr *key = NULL, *e;
	int r;

	/* a chain of accessors nests the tree as deeply as parentheses do */
	if (++ps->depth > NSG_MAX_TEMPLATE_DEPTH)
		return refuse(ps, "nested too deeply");
	r = member ? parse_member(ps, &key) : parse_expr(ps, &key);
	if (r < 0)
		return r;
	if (!member && !take(ps, ']'))
		return refuse(ps, "']' expected");
	e = expr_new(ps, NSG_EXPR_GET, start);
	if (!e)
		return -ENOMEM;
	e->n_args = 2;
	e->args = nsg_arena_array(ps->arena, 2, sizeof(*e->args));
	if (!e->args)
		return -ENOMEM;
	e->args[0] = object;
	e->args[1] = key;
	*ret = e;
	return 0;
}

static int parse_postfix(struct parser *ps, struct nsg_expr **ret)
{
	const char *start;
	int r;

	skip_blanks(ps);
	start = ps->p;
	r = parse_primary(ps, ret);
	while (r >= 0) {
		bool member = take(ps, '.');

		if (!member && !take(ps, '['))
			break;
		r = parse_accessor(ps, *ret, member, start, ret);
	}
	return r;
}

static int parse_expr(struct parser *ps, struct nsg_expr **ret)
{
	unsigned int depth = ps->depth;
	int r;

	if (++ps->depth > NSG_MAX_TEMPLATE_DEPTH)
		return refuse(ps, "nested too deeply");
	r = parse_postfix(ps, ret);
	ps->depth = depth;
	return r;
}

static int parse(struct parser *ps, struct nsg_expr **ret)
{
	struct nsg_expr *e = NULL;
	int r;

	if ((size_t)(ps->end - ps->start) >= NSG_MAX_TEMPLATE_EXPRESSION)
		return refuse(ps, "longer than 24,576 characters");
	r = parse_expr(ps, &e);
	if (r < 0)
		return r;
	skip_blanks(ps);
	if (ps->p != ps->end)
		return refuse(ps, "unexpected text after the expression");
	*ret = e;
	return 0;
}

int nsg_expr_parse(struct nsg_arena *a, const char *s, struct nsg_expr **ret,
		   const char **ret_problem, size_t *ret_at)
{
	struct parser ps = {.arena = a, .start = s, .p = s + 1, .end = s + strlen(s) - 1};
	int r = parse(&ps, ret);

	if (r == -EINVAL) {
		*ret_problem = ps.problem;
		*ret_at = (size_t)(ps.p - s);
	}
	return r;
}
