/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions: numbers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "template/func_priv.h"
#include "util/cleanup.h"
#include "util/limits.h"

static int divide(struct nsg_eval *ev, const struct nsg_call *c, int64_t a, int64_t b, int64_t *ret)
{
	if (!b)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID, "%s() by zero", c->name);
	if (a == INT64_MIN && b == -1)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID, "%s() does not fit 64 bits", c->name);
	*ret = strcasecmp(c->name, "div") ? a % b : a / b;
	return 0;
}

/* add, sub, mul, div, mod */
int nsg_func_add(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	int64_t a = 0, b = 0, n = 0;
	bool over = false;
	int r = nsg_func_integer(ev, c, 0, &a);

	if (!r)
		r = nsg_func_integer(ev, c, 1, &b);
	if (r)
		return r;
	if (!strcasecmp(c->name, "add"))
		over = __builtin_add_overflow(a, b, &n);
	else if (!strcasecmp(c->name, "sub"))
		over = __builtin_sub_overflow(a, b, &n);
	else if (!strcasecmp(c->name, "mul"))
		over = __builtin_mul_overflow(a, b, &n);
	else
		r = divide(ev, c, a, b, &n);
	if (over)
		r = nsg_eval_fail(ev, NSG_FAIL_INVALID, "%s() does not fit 64 bits", c->name);
	return r ? r : nsg_eval_give(json_integer(n), ret);
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

		/* beyond 2^53 a double is no number of ours */
		if (d > -9007199254740992.0 && d < 9007199254740992.0)
			return nsg_eval_give(json_integer((json_int_t)d), ret);
	}
	if (!s)
		return nsg_func_refuse(ev, c, 0, "a number or the text of one");
	errno = 0;
	n = strtoll(s, &end, 10);
	if (end == s || errno || end[strspn(end, " \t\r\n")])
		return nsg_eval_fail(ev, NSG_FAIL_INVALID, "int(): '%.100s' is not a whole number",
				     nsg_eval_quote(ev, s));
	return nsg_eval_give(json_integer(n), ret);
}

/* max and min, of one array or of the arguments */
int nsg_func_max(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	bool is_list = c->n == 1 && json_is_array(c->args[0]);
	size_t n = is_list ? json_array_size(c->args[0]) : c->n;
	bool want_max = !strcasecmp(c->name, "max");
	json_int_t best = 0;
	int r = nsg_eval_pay(ev, n);

	if (r)
		return r;
	for (size_t i = 0; i < n; i++) {
		json_t *each = is_list ? json_array_get(c->args[0], i) : c->args[i];
		json_int_t value = json_integer_value(each);

		if (!json_is_integer(each))
			return nsg_eval_fail(ev, NSG_FAIL_INVALID,
					     "%s() takes whole numbers, not %s", c->name,
					     nsg_eval_type(each));
		if (!i || (want_max ? value > best : value < best))
			best = value;
	}
	if (!n)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID, "%s() of an empty array", c->name);
	return nsg_eval_give(json_integer(best), ret);
}

int nsg_func_range(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	cleanup_json json_t *list = json_array();
	int64_t start = 0, n = 0;
	int r = nsg_func_integer(ev, c, 0, &start);

	if (!r)
		r = nsg_func_integer(ev, c, 1, &n);
	if (r)
		return r;
	if (n < 0 || n > (int64_t)NSG_MAX_TEMPLATE_RANGE || start > INT32_MAX - n ||
	    start < INT32_MIN)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID,
				     "range() gives up to %u numbers below 2147483648",
				     NSG_MAX_TEMPLATE_RANGE);
	r = list ? nsg_eval_pay(ev, (uint64_t)n) : -ENOMEM;
	for (int64_t i = 0; i < n && !r; i++)
		r = nsg_eval_append(list, json_integer(start + i));
	if (!r)
		*ret = TAKE_PTR(list);
	return r;
}
