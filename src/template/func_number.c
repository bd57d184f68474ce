/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions: numbers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "template/func_priv.h"
#include "util/cleanup.h"
#include "util/limits.h"

int nsg_func_arithmetic(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	int64_t a = json_integer_value(c->args[0]), b = json_integer_value(c->args[1]), n = 0;
	bool over;

	switch (c->op) {
	case NSG_OP_ADD:
		over = __builtin_add_overflow(a, b, &n);
		break;
	case NSG_OP_SUB:
		over = __builtin_sub_overflow(a, b, &n);
		break;
	case NSG_OP_MUL:
		over = __builtin_mul_overflow(a, b, &n);
		break;
	default:
		if (!b)
			return nsg_eval_fail(ev, NSG_FAIL_INVALID, "%s(): division by zero",
					     c->name);
		over = a == INT64_MIN && b == -1;
		if (!over)
			n = c->op == NSG_OP_DIV ? a / b : a % b;
		break;
	}
	if (over)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID,
				     "%s(): the result does not fit in 64 bits", c->name);
	return nsg_eval_give(json_integer(n), ret);
}

int nsg_func_int(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	const char *s = json_string_value(c->args[0]);
	char *end = NULL;
	long long n;

	if (json_is_integer(c->args[0]))
		return nsg_eval_give(json_incref(c->args[0]), ret);
	if (json_is_real(c->args[0])) {
		double d = json_real_value(c->args[0]);

		/* a double is exact up to 2^53 */
		if (d > -9007199254740992.0 && d < 9007199254740992.0)
			return nsg_eval_give(json_integer((json_int_t)d), ret);
	}
	if (!s)
		return nsg_func_refuse(ev, c, 0, "a number or the text of one");
	errno = 0;
	n = strtoll(s, &end, 10);
	if (end == s || errno || end[strspn(end, " \t\r\n")])
		return nsg_eval_fail(ev, NSG_FAIL_INVALID, "int(): '%.100s' is not an integer",
				     nsg_eval_quote(ev, s));
	return nsg_eval_give(json_integer(n), ret);
}

/* Of one array or of the arguments. */
int nsg_func_extreme(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	bool is_list = c->n == 1 && json_is_array(c->args[0]);
	size_t n = is_list ? json_array_size(c->args[0]) : c->n;
	json_int_t best = 0;
	int r = nsg_eval_pay(ev, n);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		json_t *each = is_list ? json_array_get(c->args[0], i) : c->args[i];
		json_int_t value = json_integer_value(each);

		if (!json_is_integer(each))
			return nsg_eval_fail(ev, NSG_FAIL_INVALID, "%s() takes integers, not %s",
					     c->name, nsg_eval_type(each));
		if (!i || (c->op == NSG_OP_MAX ? value > best : value < best))
			best = value;
	}
	if (!n)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID, "%s(): the array is empty", c->name);
	return nsg_eval_give(json_integer(best), ret);
}

/* range(start, count) */
int nsg_func_range(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	cleanup_json json_t *list = json_array();
	int64_t start = json_integer_value(c->args[0]), n = json_integer_value(c->args[1]);
	int r;

	if (n < 0 || n > (int64_t)NSG_MAX_TEMPLATE_RANGE || start > INT32_MAX - n ||
	    start < INT32_MIN)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID,
				     "range() makes at most %u numbers up to 2147483647",
				     NSG_MAX_TEMPLATE_RANGE);
	r = nsg_eval_pay(ev, (uint64_t)n);
	if (r < 0)
		return r;
	for (int64_t i = 0; i < n; i++) {
		r = nsg_eval_append(list, json_integer(start + i));
		if (r < 0)
			return r;
	}
	return nsg_eval_give(TAKE_PTR(list), ret);
}
