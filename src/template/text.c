/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "template/text_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/vec.h"

int nsg_text_add_bytes(struct nsg_eval *ev, struct nsg_text *t, const char *s, size_t n)
{
	int r = nsg_eval_pay(ev, n);

	if (r < 0)
		return r;
	r = nsg_vec_reserve(t, n + 1);
	if (r < 0)
		return r;
	memcpy(t->v + t->n, s, n);
	t->n += n;
	t->v[t->n] = '\0';
	return 0;
}

int nsg_text_add(struct nsg_eval *ev, struct nsg_text *t, const char *s)
{
	return nsg_text_add_bytes(ev, t, s, strlen(s));
}

int nsg_text_add_format(struct nsg_eval *ev, struct nsg_text *t, const char *format, ...)
{
	cleanup_free char *s = NULL;
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&s, format, args);
	va_end(args);
	if (n < 0) {
		s = NULL;
		return -ENOMEM;
	}
	return nsg_text_add_bytes(ev, t, s, (size_t)n);
}

struct dump {
	struct nsg_eval *ev;
	struct nsg_text *text;
	int r;
};

static int dump_chunk(const char *s, size_t n, void *data)
{
	struct dump *d = data;

	d->r = nsg_text_add_bytes(d->ev, d->text, s, n);
	return d->r < 0 ? -1 : 0;
}

int nsg_text_add_value(struct nsg_eval *ev, struct nsg_text *t, json_t *value)
{
	struct dump d = {.ev = ev, .text = t};
	int r;

	if (json_is_string(value))
		return nsg_text_add(ev, t, json_string_value(value));
	if (json_is_boolean(value))
		return nsg_text_add(ev, t, json_is_true(value) ? "True" : "False");
	if (json_is_null(value))
		return 0;
	r = nsg_eval_walk(ev, value);
	if (r < 0)
		return r;
	if (json_dump_callback(value, dump_chunk, &d, JSON_COMPACT | JSON_ENCODE_ANY))
		return d.r < 0 ? d.r : -ENOMEM;
	return 0;
}

int nsg_text_give(const struct nsg_text *t, json_t **ret)
{
	return nsg_eval_give(json_stringn(nsg_text_get(t), t->n), ret);
}

int64_t nsg_text_characters(const char *s)
{
	int64_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

size_t nsg_text_prefix(const char *s, int64_t characters)
{
	const char *p = s;

	while (*p && characters-- > 0) {
		do {
			p++;
		} while (((unsigned char)*p & 0xc0) == 0x80);
	}
	return (size_t)(p - s);
}
