/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/source.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/vec.h"

int nsg_sources_add(struct nsg_sources *s, const char *path, char **text, size_t size_bytes,
		    const struct nsg_source **ret)
{
	cleanup_free struct nsg_source *source = calloc(1, sizeof(*source));
	cleanup_free char *copy = strdup(path);
	int r;

	if (!source || !copy)
		return -ENOMEM;
	r = nsg_vec_push(s, source);
	if (r)
		return r;
	source->path = TAKE_PTR(copy);
	source->size_bytes = *text ? size_bytes : 0;
	source->text = TAKE_PTR(*text);
	*ret = TAKE_PTR(source);
	return 0;
}

void nsg_sources_set_file(struct nsg_sources *s, struct nsg_file_identity file)
{
	s->v[s->n - 1]->file = file;
}

void nsg_source_move(struct nsg_source *to, const struct nsg_sources *s,
		     const struct nsg_source *from)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i] != from)
			continue;
		to->text = TAKE_PTR(s->v[i]->text);
		to->size_bytes = from->size_bytes;
		to->file = from->file;
		s->v[i]->size_bytes = 0;
		return;
	}
}

void nsg_source_wipe(struct nsg_source *source)
{
	if (source->text)
		explicit_bzero(source->text, source->size_bytes);
	free(source->text);
	source->text = NULL;
	source->size_bytes = 0;
}

void nsg_sources_wipe(struct nsg_sources *s)
{
	for (size_t i = 0; i < s->n; i++)
		nsg_source_wipe(s->v[i]);
}

void nsg_sources_done(struct nsg_sources *s)
{
	nsg_sources_wipe(s);
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i]->path);
		free(s->v[i]);
	}
	nsg_vec_done(s);
}

/*
 * The scanner below walks a text that the parser has accepted, or the part of one before its error:
 * it never leaves [p, end), and what it cannot make sense of it steps over.
 */
struct scan {
	const char *p, *end;
};

static void skip_blanks(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
		s->p++;
}

/* s->p is behind the opening quote, afterwards behind the closing one. */
static void skip_string(struct scan *s)
{
	while (s->p < s->end && *s->p != '"') {
		if (*s->p == '\\' && s->end - s->p > 1)
			s->p++;
		s->p++;
	}
	if (s->p < s->end)
		s->p++;
}

static void skip_value(struct scan *s)
{
	size_t depth = 0;

	skip_blanks(s);
	while (s->p < s->end) {
		char c = *s->p++;

		if (c == '"') {
			skip_string(s);
		} else if (c == '{' || c == '[') {
			depth++;
		} else if (c == '}' || c == ']') {
			depth -= depth > 0;
		} else if (!depth) {
			while (s->p < s->end && !strchr(",:]} \t\r\n{[\"", *s->p))
				s->p++;
		}
		if (!depth)
			return;
	}
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits behind \u; -1 when they are not. */
static int32_t read_hex4(struct scan *s)
{
	int32_t value = 0;

	if (s->end - s->p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_value(s->p[i]);

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	s->p += 4;
	return value;
}

static size_t put_utf8(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* One character of a JSON string, unescaped, as up to four bytes. */
static size_t read_char(struct scan *s, char out[4])
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *escape;
	int32_t high, low;

	if (*s->p != '\\' || s->end - s->p < 2) {
		out[0] = *s->p++;
		return 1;
	}
	s->p++;
	if (*s->p != 'u') {
		escape = strchr(from, *s->p);
		out[0] = escape && *escape ? to[escape - from] : *s->p;
		s->p++;
		return 1;
	}
	s->p++;
	high = read_hex4(s);
	if (high >= 0xd800 && high < 0xdc00 && s->end - s->p >= 6 && s->p[0] == '\\' &&
	    s->p[1] == 'u') {
		s->p += 2;
		low = read_hex4(s);
		if (low >= 0xdc00 && low < 0xe000)
			return put_utf8(0x10000 + ((uint32_t)(high - 0xd800) << 10) +
					    (uint32_t)(low - 0xdc00),
					out);
	}
	return put_utf8(high < 0 ? 0xfffd : (uint32_t)high, out);
}

/* One reference token of a JSON pointer: up to the next slash, with ~0 and ~1 (RFC 6901). */
struct token {
	const char *text;
	size_t len;
};

/* s->p is behind the opening quote of a key, afterwards behind the closing one. */
static bool read_key_is(struct scan *s, struct token want)
{
	size_t at = 0;
	bool same = true;

	while (s->p < s->end && *s->p != '"') {
		char bytes[4];
		size_t n = read_char(s, bytes);

		for (size_t i = 0; i < n && same; i++) {
			char c = at < want.len ? want.text[at] : '\0';

			same = at < want.len;
			at++;
			if (c == '~' && at < want.len)
				c = want.text[at++] == '1' ? '/' : '~';
			same = same && c == bytes[i];
		}
	}
	if (s->p < s->end)
		s->p++;
	return same && at == want.len;
}

/* To the member's value. */
static bool enter_object(struct scan *s, struct token want)
{
	while (s->p < s->end) {
		bool found;

		skip_blanks(s);
		if (s->p >= s->end || *s->p != '"')
			return false;
		s->p++;
		found = read_key_is(s, want);
		skip_blanks(s);
		if (s->p < s->end && *s->p == ':')
			s->p++;
		skip_blanks(s);
		if (found)
			return s->p < s->end;
		skip_value(s);
		skip_blanks(s);
		if (s->p >= s->end || *s->p != ',')
			return false;
		s->p++;
	}
	return false;
}

/* To the element. */
static bool enter_array(struct scan *s, struct token want)
{
	size_t index = 0;

	if (!want.len || want.len > 9)
		return false;
	for (size_t i = 0; i < want.len; i++) {
		if (want.text[i] < '0' || want.text[i] > '9')
			return false;
		index = index * 10 + (size_t)(want.text[i] - '0');
	}
	for (;;) {
		skip_blanks(s);
		if (s->p >= s->end || *s->p == ']')
			return false;
		if (!index--)
			return true;
		skip_value(s);
		skip_blanks(s);
		if (s->p >= s->end || *s->p != ',')
			return false;
		s->p++;
	}
}

static const char *find_pointer(struct nsg_place p, const char *text, const char *end)
{
	struct scan s = {.p = text, .end = end};
	const char *deepest;

	for (uint32_t i = 0; i < p.value && s.p < end; i++)
		skip_value(&s);
	skip_blanks(&s);
	deepest = s.p;
	for (const char *pointer = p.pointer; pointer && *pointer == '/';) {
		struct token want = {.text = pointer + 1, .len = strcspn(pointer + 1, "/")};
		bool found = false;

		if (s.p < end && *s.p == '{') {
			s.p++;
			found = enter_object(&s, want);
		} else if (s.p < end && *s.p == '[') {
			s.p++;
			found = enter_array(&s, want);
		}
		if (!found)
			break;
		deepest = s.p;
		pointer = want.text + want.len;
	}
	return deepest;
}

void nsg_place_locate(struct nsg_place p, uint32_t *ret_line, uint32_t *ret_column)
{
	const char *text = p.source ? p.source->text : NULL;
	const char *end, *found;
	uint32_t line = 1, column = 1;

	if (!text) {
		*ret_line = 0;
		*ret_column = 0;
		return;
	}
	end = text + p.source->size_bytes;
	if (!p.at)
		found = find_pointer(p, text, end);
	else
		found = p.at - 1 < p.source->size_bytes ? text + (p.at - 1) : end;
	for (const char *c = text; c < found; c++) {
		if (*c == '\n') {
			line++;
			column = 1;
		} else {
			/* a continuation byte is no character of its own */
			column += ((unsigned char)*c & 0xc0) != 0x80;
		}
	}
	*ret_line = line;
	*ret_column = column;
}
