/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions: strings. Upper and lower case are those of ASCII. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "template/func_priv.h"
#include "template/text_priv.h"
#include "util/cleanup.h"

int nsg_func_string(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	cleanup_text struct nsg_text t = {0};
	int r = nsg_text_add_value(ev, &t, c->args[0]);

	if (r < 0)
		return r;
	return nsg_text_give(&t, ret);
}

int nsg_func_case(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	char first = c->op == NSG_OP_UPPER ? 'a' : 'A';
	cleanup_text struct nsg_text t = {0};
	int r = nsg_text_add(ev, &t, json_string_value(c->args[0]));

	if (r < 0)
		return r;
	for (size_t i = 0; i < t.n; i++) {
		if (t.v[i] >= first && t.v[i] < first + 26)
			t.v[i] ^= 0x20;
	}
	return nsg_text_give(&t, ret);
}

static bool same(const char *a, const char *b, size_t n)
{
	return !strncasecmp(a, b, n);
}

/* Case-insensitive, as documented. */
int nsg_func_affix(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	const char *s = json_string_value(c->args[0]), *part = json_string_value(c->args[1]);
	size_t n = strlen(s), m = strlen(part);

	(void)ev;
	if (c->op == NSG_OP_ENDS && n >= m)
		s += n - m;
	return nsg_eval_give(json_boolean(n >= m && same(s, part, m)), ret);
}

/* Case-insensitive, as documented. */
int nsg_func_index(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	const char *s = json_string_value(c->args[0]), *part = json_string_value(c->args[1]);
	size_t n = strlen(s), m = strlen(part);
	int64_t at = 0, found = -1;
	int r = nsg_eval_pay(ev, n * (m / 16 + 1));

	if (r < 0)
		return r;
	for (size_t i = 0; i + m <= n; i++) {
		bool starts = ((unsigned char)s[i] & 0xc0) != 0x80;

		if (starts && same(s + i, part, m)) {
			found = at;
			if (c->op == NSG_OP_FIRST)
				break;
		}
		at += starts;
	}
	return nsg_eval_give(json_integer(found), ret);
}

/* join(array, delimiter) */
int nsg_func_join(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	cleanup_text struct nsg_text t = {0};
	json_t *each;
	size_t i;
	int r;

	json_array_foreach(c->args[0], i, each)
	{
		if (i) {
			r = nsg_text_add(ev, &t, json_string_value(c->args[1]));
			if (r < 0)
				return r;
		}
		r = nsg_text_add_value(ev, &t, each);
		if (r < 0)
			return r;
	}
	return nsg_text_give(&t, ret);
}

/* padLeft(value, length, character) */
int nsg_func_padleft(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	const char *pad = c->n > 2 ? json_string_value(c->args[2]) : " ";
	cleanup_text struct nsg_text value = {0};
	cleanup_text struct nsg_text t = {0};
	int r;

	if (nsg_text_characters(pad) != 1)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID,
				     "padLeft(): the padding must be one character");
	r = nsg_text_add_value(ev, &value, c->args[0]);
	if (r < 0)
		return r;
	for (int64_t n = nsg_text_characters(nsg_text_get(&value));
	     n < json_integer_value(c->args[1]); n++) {
		r = nsg_text_add(ev, &t, pad);
		if (r < 0)
			return r;
	}
	r = nsg_text_add(ev, &t, nsg_text_get(&value));
	if (r < 0)
		return r;
	return nsg_text_give(&t, ret);
}

/* replace(text, old, new) */
int nsg_func_replace(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	const char *s = json_string_value(c->args[0]), *found;
	const char *old = json_string_value(c->args[1]), *new = json_string_value(c->args[2]);
	cleanup_text struct nsg_text t = {0};
	int r;

	if (!*old)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID,
				     "replace(): the text to replace is empty");
	while ((found = strstr(s, old))) {
		r = nsg_text_add_bytes(ev, &t, s, (size_t)(found - s));
		if (r < 0)
			return r;
		r = nsg_text_add(ev, &t, new);
		if (r < 0)
			return r;
		s = found + strlen(old);
	}
	r = nsg_text_add(ev, &t, s);
	if (r < 0)
		return r;
	return nsg_text_give(&t, ret);
}

/* The length of the delimiter that s begins with, 0 for none. */
static size_t delimiter_at(const char *s, json_t *delimiters)
{
	json_t *each;
	size_t i;

	if (json_is_string(delimiters)) {
		size_t n = json_string_length(delimiters);

		return n && !strncmp(s, json_string_value(delimiters), n) ? n : 0;
	}
	json_array_foreach(delimiters, i, each)
	{
		size_t n = json_is_string(each) ? delimiter_at(s, each) : 0;

		if (n)
			return n;
	}
	return 0;
}

static int append_text(struct nsg_eval *ev, json_t *list, const char *s, size_t n)
{
	json_t *text = NULL;
	int r = nsg_eval_give_text(ev, s, n, &text);

	if (r < 0)
		return r;
	return nsg_eval_append(list, text);
}

/* split(text, delimiter or array of them) */
int nsg_func_split(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	cleanup_json json_t *list = json_array();
	size_t choices = json_is_array(c->args[1]) ? json_array_size(c->args[1]) : 1;
	const char *s = json_string_value(c->args[0]), *p = s;
	int r;

	if (!json_is_string(c->args[1]) && !json_is_array(c->args[1]))
		return nsg_func_refuse(ev, c, 1, "a string or an array of strings");
	r = nsg_eval_pay(ev, (strlen(s) + 1) * choices);
	if (r < 0)
		return r;
	while (*p) {
		size_t n = delimiter_at(p, c->args[1]);

		if (!n) {
			p++;
			continue;
		}
		r = append_text(ev, list, s, (size_t)(p - s));
		if (r < 0)
			return r;
		p += n;
		s = p;
	}
	r = append_text(ev, list, s, strlen(s));
	if (r < 0)
		return r;
	*ret = TAKE_PTR(list);
	return 0;
}

/* substring(text, start, length) */
int nsg_func_substring(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	const char *s = json_string_value(c->args[0]);
	int64_t start = json_integer_value(c->args[1]), all = nsg_text_characters(s);
	int64_t n = c->n > 2 ? json_integer_value(c->args[2]) : all - start;

	if (start < 0 || start > all || n < 0 || n > all - start)
		return nsg_eval_fail(ev, NSG_FAIL_INVALID,
				     "substring(): start %" PRId64 " and length %" PRId64
				     " exceed a string of %" PRId64 " characters",
				     start, n, all);
	s += nsg_text_prefix(s, start);
	return nsg_eval_give_text(ev, s, nsg_text_prefix(s, n), ret);
}

int nsg_func_trim(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	static const char blanks[] = " \t\r\n\v\f";
	const char *s = json_string_value(c->args[0]);
	size_t n;

	s += strspn(s, blanks);
	n = strlen(s);
	while (n && strchr(blanks, s[n - 1]))
		n--;
	return nsg_eval_give_text(ev, s, n, ret);
}
