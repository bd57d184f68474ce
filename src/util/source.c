/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/source.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
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
	if (r < 0)
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

/*
 * Searching each of a thousand places from the start of a large document would take minutes. Places
 * are mostly located in document order, so the last search in a text is kept and the next one
 * continues from what both have in common, for as many texts as one diagnostic names.
 */
#define N_SEARCHES 2u
#define MAX_LEVELS 24u
#define MAX_POINTER 256u

struct level {
	size_t pointer_len; /* of the pointer up to here */
	const char *at;	    /* the value there */
};

struct search {
	const char *text; /* NULL: unused */
	size_t size_bytes;
	uint32_t value;
	const char *value_at; /* the start of that value; NULL: not searched yet */
	char pointer[MAX_POINTER];
	struct level levels[MAX_LEVELS];
	size_t n;
	const char *counted; /* line and column are those of this byte */
	uint32_t line, column;
};

static _Thread_local struct search searches[N_SEARCHES];

static void forget_searches(const char *text)
{
	for (size_t i = 0; i < N_SEARCHES; i++) {
		if (searches[i].text == text)
			searches[i].text = NULL;
	}
}

void nsg_source_wipe(struct nsg_source *source)
{
	forget_searches(source->text);
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
 * The scanner below reads a text that the parser has accepted, or the part before its error. It
 * never leaves [p, end) and skips what it does not understand.
 */
struct scan {
	const char *p, *end;
};

static void skip_blanks(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
		s->p++;
}

/* s->p is after the opening quote, and then after the closing one. */
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

/* The four digits after \u; -1 if they are not. */
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

/* s->p is after the opening quote of a key, and then after the closing one. */
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

/* An array index of up to nine digits; SIZE_MAX: not an index. */
static size_t read_index(struct token t)
{
	size_t index = 0;

	if (!t.len || t.len > 9)
		return SIZE_MAX;
	for (size_t i = 0; i < t.len; i++) {
		if (t.text[i] < '0' || t.text[i] > '9')
			return SIZE_MAX;
		index = index * 10 + (size_t)(t.text[i] - '0');
	}
	return index;
}

/* From an element (or the end of the array) to the n-th after it. */
static bool skip_elements(struct scan *s, size_t n)
{
	for (;;) {
		skip_blanks(s);
		if (s->p >= s->end || *s->p == ']')
			return false;
		if (!n--)
			return true;
		skip_value(s);
		skip_blanks(s);
		if (s->p >= s->end || *s->p != ',')
			return false;
		s->p++;
	}
}

static bool enter_array(struct scan *s, struct token want)
{
	size_t index = read_index(want);

	return index != SIZE_MAX && skip_elements(s, index);
}

static struct token first_token(const char *pointer)
{
	return (struct token){.text = pointer + 1, .len = strcspn(pointer + 1, "/")};
}

/* The search in that text, or a new one, which replaces the oldest if none is unused. */
static struct search *find_search(const char *text, size_t size_bytes)
{
	size_t last = 0;

	for (size_t i = 0; i < N_SEARCHES; i++) {
		if (searches[i].text == text && searches[i].size_bytes == size_bytes)
			return &searches[i];
	}
	while (last < N_SEARCHES - 1 && searches[last].text)
		last++;
	memmove(&searches[1], &searches[0], last * sizeof(searches[0]));
	searches[0] = (struct search){
	    .text = text,
	    .size_bytes = size_bytes,
	    .counted = text,
	    .line = 1,
	    .column = 1,
	};
	return &searches[0];
}

/* Moves s to the value; levels of another value are dropped. */
static void resume_value(struct search *known, struct scan *s, uint32_t value)
{
	uint32_t from = 0;

	if (known->value_at && known->value <= value) {
		s->p = known->value_at;
		from = known->value;
	}
	if (!known->value_at || known->value != value)
		known->n = 0;
	for (; from < value && s->p < s->end; from++)
		skip_value(s);
	skip_blanks(s);
	known->value = value;
	known->value_at = s->p;
}

/* Moves s to the deepest part that this pointer and the previous one have in common, or to a later
 * element of the same array. Returns the rest of the pointer. */
static const char *resume_pointer(struct search *known, struct scan *s, const char *pointer)
{
	size_t done = 0, common = 0, before, after;

	for (; common < known->n; common++) {
		size_t len = known->levels[common].pointer_len;

		if (strncmp(pointer, known->pointer, len) != 0 ||
		    (pointer[len] && pointer[len] != '/'))
			break;
		done = len;
		s->p = known->levels[common].at;
	}
	if (common < known->n && pointer[done] == '/' && *s->p == '[') {
		struct token want = first_token(pointer + done);
		struct scan later = {.p = known->levels[common].at, .end = s->end};

		before = read_index(first_token(known->pointer + done));
		after = read_index(want);
		if (before != SIZE_MAX && after != SIZE_MAX && after > before &&
		    skip_elements(&later, after - before)) {
			s->p = later.p;
			done = (size_t)(want.text + want.len - pointer);
			known->levels[common++] = (struct level){done, s->p};
		}
	}
	known->n = common;
	return pointer + done;
}

static void remember(struct search *known, size_t pointer_len, const char *at)
{
	if (known->n < MAX_LEVELS && pointer_len < MAX_POINTER)
		known->levels[known->n++] = (struct level){pointer_len, at};
}

static const char *find_pointer(struct search *known, struct nsg_place p, const char *end)
{
	struct scan s = {.p = known->text, .end = end};
	const char *pointer = p.pointer ? p.pointer : "", *rest, *deepest;

	resume_value(known, &s, p.value);
	rest = resume_pointer(known, &s, pointer);
	for (deepest = s.p; *rest == '/'; deepest = s.p) {
		struct token want = first_token(rest);
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
		rest = want.text + want.len;
		remember(known, (size_t)(rest - pointer), s.p);
	}
	(void)snprintf(known->pointer, sizeof(known->pointer), "%s", pointer);
	return deepest;
}

static void count_to(struct search *known, const char *found)
{
	const char *c = known->counted;

	if (found < c) {
		c = known->text;
		known->line = known->column = 1;
	}
	for (; c < found; c++) {
		if (*c == '\n') {
			known->line++;
			known->column = 1;
		} else {
			/* continuation bytes do not start a character */
			known->column += ((unsigned char)*c & 0xc0) != 0x80;
		}
	}
	known->counted = c;
}

void nsg_place_locate(struct nsg_place p, uint32_t *ret_line, uint32_t *ret_column)
{
	const char *text = p.source ? p.source->text : NULL;
	const char *end, *found;
	struct search *known;

	if (!text) {
		*ret_line = 0;
		*ret_column = 0;
		return;
	}
	end = text + p.source->size_bytes;
	known = find_search(text, p.source->size_bytes);
	if (!p.at)
		found = find_pointer(known, p, end);
	else
		found = p.at - 1 < p.source->size_bytes ? text + (p.at - 1) : end;
	count_to(known, found);
	*ret_line = known->line;
	*ret_column = known->column;
}
