/* SPDX-License-Identifier: GPL-2.0-or-later */
/* format() is .NET's composite formatting: {index[,width][:form]}, {{ and }} for braces. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "template/func_priv.h"
#include "template/text_priv.h"
#include "util/cleanup.h"

#define MAX_WIDTH 1000

struct item {
	size_t index;
	int64_t width; /* negative: left-aligned */
	const char *form;
	size_t form_len; /* 0: none */
};

/* Reads a decimal number at *p and advances *p past it. */
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

/* Reads what is between the braces and advances *p past the closing one. */
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

/* D4, X2 and 0000: the forms used to number names and priorities. */
static int add_number(struct nsg_eval *ev, int64_t n, const struct item *it, struct nsg_text *t)
{
	const char *sign = n < 0 ? "-" : "", *digits;
	uint64_t magnitude = n < 0 ? -(uint64_t)n : (uint64_t)n;
	char form[8] = "";
	int64_t width = 0;

	if (it->form_len < sizeof(form))
		memcpy(form, it->form, it->form_len);
	if (form[0] && strspn(form, "0") == it->form_len)
		return nsg_text_add_format(ev, t, "%s%0*" PRIu64, sign, (int)it->form_len,
					   magnitude);
	digits = form + 1;
	if (!form[0] || (*digits && (!number(&digits, &width) || *digits)) || width > 60 ||
	    width < 0)
		form[0] = '\0';
	switch (form[0]) {
	case 'd':
	case 'D':
		return nsg_text_add_format(ev, t, "%s%0*" PRIu64, sign, (int)width, magnitude);
	case 'x':
		return nsg_text_add_format(ev, t, "%0*" PRIx64, (int)width, n);
	case 'X':
		return nsg_text_add_format(ev, t, "%0*" PRIX64, (int)width, n);
	default:
		return nsg_eval_fail(ev, NSG_FAIL_INVALID,
				     "format(): the format of a number must be D, X or zeros");
	}
}

static int add_item(struct nsg_eval *ev, const struct nsg_call *c, const struct item *it,
		    struct nsg_text *t)
{
	cleanup_text struct nsg_text value = {0};
	json_t *arg = c->args[it->index + 1];
	const char *text;
	int64_t blanks;
	int r;

	if (it->form_len && json_is_integer(arg))
		r = add_number(ev, json_integer_value(arg), it, &value);
	else
		r = nsg_text_add_value(ev, &value, arg);
	if (r < 0)
		return r;
	text = nsg_text_get(&value);
	/* printf counts bytes, a width counts characters */
	blanks = imaxabs(it->width) - nsg_text_characters(text);
	if (blanks < 0)
		blanks = 0;
	if (it->width < 0)
		return nsg_text_add_format(ev, t, "%s%*s", text, (int)blanks, "");
	return nsg_text_add_format(ev, t, "%*s%s", (int)blanks, "", text);
}

/* A brace at *p: a doubled one is itself, else it opens an item. Advances *p past it. */
static int add_brace(struct nsg_eval *ev, const struct nsg_call *c, const char **p,
		     struct nsg_text *t)
{
	struct item it = {0};
	const char *s = *p;

	if (s[1] == s[0]) {
		*p += 2;
		return nsg_text_add_bytes(ev, t, s, 1);
	}
	if (*(*p)++ == '}' || !parse_item(p, &it) || it.index + 1 >= c->n)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID,
				     "format(): unbalanced brace, or no argument for it");
	return add_item(ev, c, &it, t);
}

int nsg_func_format(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	cleanup_text struct nsg_text t = {0};
	const char *p = json_string_value(c->args[0]);

	for (;;) {
		size_t plain = strcspn(p, "{}");
		int r = nsg_text_add_bytes(ev, &t, p, plain);

		if (r < 0)
			return r;
		p += plain;
		if (!*p)
			return nsg_text_give(&t, ret);
		r = add_brace(ev, c, &p, &t);
		if (r < 0)
			return r;
	}
}
