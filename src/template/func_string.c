/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions: strings. A character is a Unicode code point; upper and lower case are those of ASCII.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "template/func_priv.h"
#include "util/cleanup.h"
#include "util/vec.h"

int nsg_text_add(struct nsg_eval *ev, struct nsg_text *t, const char *s, size_t n)
{
	int r = nsg_eval_pay(ev, n);

	if (!r)
		r = nsg_vec_reserve(t, n + 1);
	if (r)
		return r;
	memcpy(t->v + t->n, s, n);
	t->n += n;
	return 0;
}

int nsg_text_give(const struct nsg_text *t, json_t **ret)
{
	return nsg_eval_give(json_stringn(t->n ? t->v : "", t->n), ret);
}

size_t nsg_func_prefix(const char *text, int64_t characters)
{
	const char *p = text;

	while (*p && characters-- > 0) {
		do {
			p++;
		} while (((unsigned char)*p & 0xc0) == 0x80);
	}
	return (size_t)(p - text);
}

int64_t nsg_func_characters(const char *text)
{
	int64_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

struct dump {
	struct nsg_eval *ev;
	struct nsg_text *text;
	int r;
};

static int dump_chunk(const char *s, size_t n, void *data)
{
	struct dump *d = data;

	d->r = nsg_text_add(d->ev, d->text, s, n);
	return d->r ? -1 : 0;
}

int nsg_func_to_text(struct nsg_eval *ev, json_t *value, struct nsg_text *t)
{
	struct dump d = {.ev = ev, .text = t};
	int r;

	if (json_is_string(value))
		return nsg_text_add(ev, t, json_string_value(value), json_string_length(value));
	if (json_is_boolean(value))
		return nsg_text_add(ev, t, json_is_true(value) ? "True" : "False",
				    json_is_true(value) ? 4 : 5);
	if (json_is_null(value))
		return 0;
	r = nsg_eval_walk(ev, value);
	if (r)
		return r;
	if (json_dump_callback(value, dump_chunk, &d, JSON_COMPACT | JSON_ENCODE_ANY))
		return d.r ? d.r : -ENOMEM;
	return 0;
}

int nsg_func_string(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	cleanup_text struct nsg_text t = {0};
	int r = nsg_func_to_text(ev, c->args[0], &t);

	return r ? r : nsg_text_give(&t, ret);
}

/* toLower, toUpper */
int nsg_func_case(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	char first = strcasecmp(c->name, "tolower") ? 'a' : 'A';
	cleanup_text struct nsg_text t = {0};
	const char *s = NULL;
	int r = nsg_func_text(ev, c, 0, &s);

	if (!r)
		r = nsg_text_add(ev, &t, s, strlen(s));
	if (r)
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

/* startsWith, endsWith; without regard to case, as documented */
int nsg_func_ends(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	const char *s = NULL, *part = NULL;
	int r = nsg_func_text(ev, c, 0, &s);
	size_t n, m;

	if (!r)
		r = nsg_func_text(ev, c, 1, &part);
	if (r)
		return r;
	n = strlen(s);
	m = strlen(part);
	if (!strcasecmp(c->name, "endswith") && n >= m)
		s += n - m;
	return nsg_eval_give(json_boolean(n >= m && same(s, part, m)), ret);
}

/* indexOf, lastIndexOf; without regard to case, as documented */
int nsg_func_indexof(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	bool last = !strncasecmp(c->name, "last", 4);
	const char *s = NULL, *part = NULL;
	int r = nsg_func_text(ev, c, 0, &s);
	int64_t at = 0, found = -1;
	size_t n, m;

	if (!r)
		r = nsg_func_text(ev, c, 1, &part);
	if (r)
		return r;
	n = strlen(s);
	m = strlen(part);
	r = nsg_eval_pay(ev, n * (m / 16 + 1));
	if (r)
		return r;
	for (size_t i = 0; i + m <= n; i++) {
		bool starts = ((unsigned char)s[i] & 0xc0) != 0x80;

		if (starts && same(s + i, part, m)) {
			found = at;
			if (!last)
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
	const char *between = NULL;
	int r = nsg_func_text(ev, c, 1, &between);
	json_t *each;
	size_t i;

	if (!r && !json_is_array(c->args[0]))
		r = nsg_func_refuse(ev, c, 0, "an array");
	if (r)
		return r;
	json_array_foreach(c->args[0], i, each)
	{
		if (i)
			r = nsg_text_add(ev, &t, between, strlen(between));
		if (!r)
			r = nsg_func_to_text(ev, each, &t);
		if (r)
			return r;
	}
	return nsg_text_give(&t, ret);
}

/* padLeft(value, length, character) */
int nsg_func_padleft(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	cleanup_text struct nsg_text value = {0};
	cleanup_text struct nsg_text t = {0};
	const char *pad = " ";
	int64_t wanted = 0;
	int r = nsg_func_integer(ev, c, 1, &wanted);

	if (!r && c->n > 2)
		r = nsg_func_text(ev, c, 2, &pad);
	if (!r && nsg_func_characters(pad) != 1)
		r = nsg_eval_fail(ev, NSG_FAIL_INVALID, "padLeft() pads with one character");
	if (!r)
		r = nsg_func_to_text(ev, c->args[0], &value);
	if (!r)
		r = nsg_text_add(ev, &value, "", 1);
	if (r)
		return r;
	for (int64_t n = nsg_func_characters(value.v); n < wanted && !r; n++)
		r = nsg_text_add(ev, &t, pad, strlen(pad));
	if (!r)
		r = nsg_text_add(ev, &t, value.v, value.n - 1);
	return r ? r : nsg_text_give(&t, ret);
}

int nsg_func_replace(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	cleanup_text struct nsg_text t = {0};
	const char *s = NULL, *old = NULL, *new = NULL, *found;
	int r = nsg_func_text(ev, c, 0, &s);

	if (!r)
		r = nsg_func_text(ev, c, 1, &old);
	if (!r)
		r = nsg_func_text(ev, c, 2, &new);
	if (!r && !*old)
		r = nsg_eval_fail(ev, NSG_FAIL_INVALID, "replace() of an empty string");
	while (!r && (found = strstr(s, old))) {
		r = nsg_text_add(ev, &t, s, (size_t)(found - s));
		if (!r)
			r = nsg_text_add(ev, &t, new, strlen(new));
		s = found + strlen(old);
	}
	if (!r)
		r = nsg_text_add(ev, &t, s, strlen(s));
	return r ? r : nsg_text_give(&t, ret);
}

/* The delimiter that stands at s: its length, 0 for none. */
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

/* split(text, delimiter or array of them) */
int nsg_func_split(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	cleanup_json json_t *list = json_array();
	size_t choices = json_is_array(c->args[1]) ? json_array_size(c->args[1]) : 1;
	const char *s = NULL, *p;
	json_t *part = NULL;
	int r = nsg_func_text(ev, c, 0, &s);

	if (!r && !json_is_string(c->args[1]) && !json_is_array(c->args[1]))
		r = nsg_func_refuse(ev, c, 1, "a string or an array of strings");
	if (!r)
		r = nsg_eval_pay(ev, (strlen(s) + 1) * choices);
	for (p = s; !r && *p;) {
		size_t n = delimiter_at(p, c->args[1]);

		if (!n) {
			p++;
			continue;
		}
		r = nsg_eval_give_text(ev, s, (size_t)(p - s), &part);
		if (!r)
			r = nsg_eval_append(list, part);
		p += n;
		s = p;
	}
	if (!r)
		r = nsg_eval_give_text(ev, s, strlen(s), &part);
	if (!r)
		r = nsg_eval_append(list, part);
	if (!r)
		*ret = TAKE_PTR(list);
	return r;
}

/* substring(text, start, length) */
int nsg_func_substring(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	int64_t start = 0, n = 0, all;
	const char *s = NULL;
	int r = nsg_func_text(ev, c, 0, &s);

	if (!r)
		r = nsg_func_integer(ev, c, 1, &start);
	if (r)
		return r;
	all = nsg_func_characters(s);
	n = all - start;
	if (c->n > 2)
		r = nsg_func_integer(ev, c, 2, &n);
	if (!r && (start < 0 || start > all || n < 0 || n > all - start))
		r = nsg_eval_fail(ev, NSG_FAIL_INVALID,
				  "substring() from %" PRId64 ", %" PRId64
				  " characters, of a string of %" PRId64,
				  start, n, all);
	if (r)
		return r;
	s += nsg_func_prefix(s, start);
	return nsg_eval_give_text(ev, s, nsg_func_prefix(s, n), ret);
}

int nsg_func_trim(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	static const char blanks[] = " \t\r\n\v\f";
	const char *s = NULL;
	size_t n;
	int r = nsg_func_text(ev, c, 0, &s);

	if (r)
		return r;
	s += strspn(s, blanks);
	n = strlen(s);
	while (n && strchr(blanks, s[n - 1]))
		n--;
	return nsg_eval_give_text(ev, s, n, ret);
}
