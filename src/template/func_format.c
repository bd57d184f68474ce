/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Function: format(), .NET's composite formatting: {index[,width][:form]}, {{ and }} for braces. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "template/func_priv.h"
#include "util/cleanup.h"

#define MAX_WIDTH 1000

struct item {
	size_t index;
	int64_t width; /* negative: to the left */
	const char *form;
	size_t form_len; /* 0: none */
};

/* A decimal number at *p, which is moved behind it. */
static bool number(const char **p, int64_t *ret)
{
	bool negative = **p == '-';
	int64_t n = 0;
	const char *s = *p + negative;

	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++) {
		n = n * 10 + (*s - '0');
		if (n > MAX_WIDTH)
			return false;
	}
	*ret = negative ? -n : n;
	*p = s;
	return true;
}

/* What stands between the braces; *p is moved behind the closing one. */
static bool parse_item(const char **p, struct item *ret)
{
	int64_t index = 0;

	if (!number(p, &index) || index < 0)
		return false;
	ret->index = (size_t)index;
	if (**p == ',') {
		(*p)++;
		*p += strspn(*p, " ");
		if (!number(p, &ret->width))
			return false;
	}
	if (**p == ':') {
		ret->form = ++*p;
		ret->form_len = strcspn(*p, "}");
		*p += ret->form_len;
	}
	return *(*p)++ == '}';
}

/* D4, X2, N0 and 0000: the forms that number names and priorities. */
static int whole_number(struct nsg_eval *ev, int64_t n, const struct item *it, struct nsg_text *t)
{
	char form[8] = "", text[80];
	const char *digits = form + 1;
	int64_t width = 0;
	int len;

	if (it->form_len < sizeof(form))
		memcpy(form, it->form, it->form_len);
	if (form[0] && strspn(form, "0") == it->form_len) {
		len = snprintf(text, sizeof(text), "%s%0*" PRIu64, n < 0 ? "-" : "",
			       (int)it->form_len, n < 0 ? -(uint64_t)n : (uint64_t)n);
		return nsg_text_add(ev, t, text, (size_t)len);
	}
	if (!form[0] || (*digits && (!number(&digits, &width) || *digits)) || width > 60 ||
	    width < 0)
		form[0] = '\0';
	switch (form[0]) {
	case 'd':
	case 'D':
		len = snprintf(text, sizeof(text), "%s%0*" PRIu64, n < 0 ? "-" : "", (int)width,
			       n < 0 ? -(uint64_t)n : (uint64_t)n);
		break;
	case 'x':
		len = snprintf(text, sizeof(text), "%0*" PRIx64, (int)width, n);
		break;
	case 'X':
		len = snprintf(text, sizeof(text), "%0*" PRIX64, (int)width, n);
		break;
	default:
		return nsg_eval_fail(ev, NSG_FAIL_INVALID,
				     "format() knows D, X and zeros as forms of a number");
	}
	return nsg_text_add(ev, t, text, (size_t)len);
}

static int pad(struct nsg_eval *ev, struct nsg_text *t, int64_t n)
{
	int r = 0;

	for (; n > 0 && !r; n--)
		r = nsg_text_add(ev, t, " ", 1);
	return r;
}

static int add_item(struct nsg_eval *ev, const struct nsg_call *c, const struct item *it,
		    struct nsg_text *t)
{
	cleanup_text struct nsg_text value = {0};
	json_t *arg = c->args[it->index + 1];
	int64_t wide;
	int r;

	if (it->form_len && json_is_integer(arg))
		r = whole_number(ev, json_integer_value(arg), it, &value);
	else
		r = nsg_func_to_text(ev, arg, &value);
	if (!r)
		r = nsg_text_add(ev, &value, "", 1);
	if (r)
		return r;
	wide = nsg_func_characters(value.v);
	r = pad(ev, t, it->width - wide);
	if (!r)
		r = nsg_text_add(ev, t, value.v, value.n - 1);
	return r ? r : pad(ev, t, -it->width - wide);
}

int nsg_func_format(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	cleanup_text struct nsg_text t = {0};
	const char *p = NULL;
	int r = nsg_func_text(ev, c, 0, &p);

	while (!r && *p) {
		size_t plain = strcspn(p, "{}");
		struct item it = {0};

		r = nsg_text_add(ev, &t, p, plain);
		p += plain;
		if (r || !*p)
			break;
		if (p[1] == p[0]) {
			r = nsg_text_add(ev, &t, p, 1);
			p += 2;
			continue;
		}
		if (*p++ == '}' || !parse_item(&p, &it) || it.index + 1 >= c->n)
			return nsg_eval_fail(ev, NSG_FAIL_INVALID,
					     "format() has a brace without an argument for it");
		r = add_item(ev, c, &it, &t);
	}
	return r ? r : nsg_text_give(&t, ret);
}
