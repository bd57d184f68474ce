/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "azure/node_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "util/cleanup.h"
#include "util/vec.h"

/* ---- paths ---------------------------------------------------------------------------------- */

/* A string of blanks is empty: blanks around a value are ignored. */
static bool is_empty_scalar(const json_t *value)
{
	return json_is_null(value) ||
	       (json_is_string(value) &&
		strspn(json_string_value(value), " \t\r\n") == json_string_length(value));
}

/* null, [] and "" are the same as absent, and so is a list of these. */
static json_t *unless_empty(json_t *value)
{
	const json_t *element;
	size_t i;

	if (!json_is_array(value))
		return is_empty_scalar(value) ? NULL : value;
	json_array_foreach(value, i, element)
	{
		if (!is_empty_scalar(element))
			return value;
	}
	return NULL;
}

/* The member, exactly so, else in any case; then *key is how it is spelt. */
static json_t *find(json_t *object, const char **key)
{
	json_t *value = json_object_get(object, *key);
	const char *name;

	if (value)
		return value;
	json_object_foreach(object, name, value)
	{
		if ((*name | 0x20) == (**key | 0x20) && !strcasecmp(name, *key)) {
			*key = name;
			return value;
		}
	}
	return NULL;
}

static json_t *member(json_t *object, const char **key)
{
	json_t *value = find(object, key);

	return value ? unless_empty(value) : NULL;
}

json_t *nsg_member(json_t *object, const char *key)
{
	return find(object, &key);
}

struct nsg_node nsg_node_root(const struct nsg_root *root, json_t *value)
{
	return (struct nsg_node){.root = root, .value = unless_empty(value)};
}

struct nsg_node nsg_node_own(const struct nsg_node *n, const char *key)
{
	json_t *value = member(n->value, &key);

	return (struct nsg_node){.up = n, .root = n->root, .key = key, .value = value};
}

struct nsg_node nsg_node_get(const struct nsg_node *n, const char *key)
{
	const char *spelt = key, *properties = "properties";
	json_t *inner = find(n->value, &properties);
	json_t *value = inner ? member(inner, &spelt) : NULL;

	if (!value)
		return nsg_node_own(n, key);
	return (struct nsg_node){
	    .up = n, .root = n->root, .key = spelt, .nested = properties, .value = value};
}

struct nsg_node nsg_node_at(const struct nsg_node *n, size_t index)
{
	json_t *value = json_array_get(n->value, index);

	return (struct nsg_node){
	    .up = n,
	    .root = n->root,
	    .index = index,
	    .value = value ? unless_empty(value) : NULL,
	};
}

bool nsg_node_has(const struct nsg_node *n, const char *key)
{
	return nsg_node_get(n, key).value;
}

size_t nsg_node_count_keys(const struct nsg_node *n, const char *const keys[])
{
	size_t found = 0;

	for (; *keys; keys++)
		found += nsg_node_has(n, *keys);
	return found;
}

/* The functions below measure when out is NULL, and write then. No NUL at the end. */

static size_t put_text(const char *text, char *out)
{
	size_t n = strlen(text);

	if (out)
		memcpy(out, text, n); /* NOLINT(bugprone-not-null-terminated-result) */
	return n;
}

/* A reference token of a JSON pointer (RFC 6901). */
static size_t put_token(const char *key, char *out)
{
	size_t n = put_text("/", out);

	for (; *key; key++) {
		char plain[2] = {*key};
		const char *text = *key == '~' ? "~0" : *key == '/' ? "~1" : plain;

		n += put_text(text, out ? out + n : NULL);
	}
	return n;
}

static size_t put_pointer(const struct nsg_node *n, char *out)
{
	char index[24]; /* a slash and 20 digits */
	size_t at;

	if (!n->up)
		return put_text(n->root->pointer, out);
	at = put_pointer(n->up, out);
	if (!n->key) {
		(void)snprintf(index, sizeof(index), "/%zu", n->index);
		return at + put_text(index, out ? out + at : NULL);
	}
	if (n->nested)
		at += put_token(n->nested, out ? out + at : NULL);
	return at + put_token(n->key, out ? out + at : NULL);
}

struct nsg_place nsg_node_place(struct nsg_sink *s, const struct nsg_node *n)
{
	struct nsg_place place = {.source = n->root->source, .value = n->root->value};
	char *way = nsg_arena_alloc(s->arena, put_pointer(n, NULL) + 1);

	if (way)
		(void)put_pointer(n, way);
	else
		s->no_memory = true;
	place.pointer = way;
	return place;
}

void nsg_node_report(struct nsg_sink *s, const struct nsg_node *n, enum nsg_severity severity,
		     const char *code, const char *format, ...)
{
	cleanup_free char *way = calloc(1, put_pointer(n, NULL) + 1);
	cleanup_free char *text = NULL;
	struct nsg_place place = {
	    .source = n->root->source, .value = n->root->value, .pointer = way};
	va_list args;
	int r;

	if (way)
		(void)put_pointer(n, way);
	va_start(args, format);
	r = vasprintf(&text, format, args);
	va_end(args);
	if (r < 0)
		text = NULL;
	if (!way || !text)
		s->no_memory = true;
	(void)nsg_diag_add(s->diag, severity, &place, code, "%s", text ? text : "");
}

/* ---- memory -------------------------------------------------------------------------------- */

void *nsg_sink_array(struct nsg_sink *s, size_t n, size_t size)
{
	void *p;

	if (!n)
		return NULL;
	p = nsg_arena_array(s->arena, n, size);
	if (!p)
		s->no_memory = true;
	return p;
}

const char *nsg_sink_printf(struct nsg_sink *s, const char *format, ...)
{
	cleanup_free char *text = NULL;
	const char *kept;
	va_list args;
	int r;

	va_start(args, format);
	r = vasprintf(&text, format, args);
	va_end(args);
	if (r < 0)
		text = NULL;
	kept = text ? nsg_arena_strdup(s->arena, text) : NULL;
	if (kept)
		return kept;
	s->no_memory = true;
	return "";
}

/* ---- typed values -------------------------------------------------------------------------- */

static void wrong_type(struct nsg_sink *s, const struct nsg_node *n, const char *wanted)
{
	if (n->key)
		nsg_node_report(s, n, NSG_ERROR, NULL, "%s must be %s", n->key, wanted);
	else
		nsg_node_report(s, n, NSG_ERROR, NULL, "this must be %s", wanted);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

const char *nsg_read_string(struct nsg_sink *s, const struct nsg_node *n)
{
	const char *text = json_string_value(n->value);
	size_t len = json_string_length(n->value);
	char *kept;

	if (!n->value)
		return "";
	if (!text) {
		wrong_type(s, n, "a string");
		return "";
	}
	while (len && is_blank(text[len - 1]))
		len--;
	while (len && is_blank(*text)) {
		text++;
		len--;
	}
	kept = nsg_arena_alloc(s->arena, len + 1);
	if (!kept) {
		s->no_memory = true;
		return "";
	}
	memcpy(kept, text, len);
	return kept;
}

const char *nsg_read_member(struct nsg_sink *s, const struct nsg_node *n, const char *key)
{
	struct nsg_node found = nsg_node_get(n, key);

	return nsg_read_string(s, &found);
}

const char *nsg_read_ref(struct nsg_sink *s, const struct nsg_node *n, const char *key)
{
	struct nsg_node object = nsg_node_get(n, key);

	return nsg_read_object(s, &object) ? nsg_read_member(s, &object, "id") : "";
}

enum nsg_tristate nsg_read_bool(struct nsg_sink *s, const struct nsg_node *n, const char *key)
{
	struct nsg_node found = nsg_node_get(n, key);
	const char *text;

	if (!found.value)
		return NSG_UNSET;
	if (json_is_boolean(found.value))
		return json_is_true(found.value) ? NSG_TRUE : NSG_FALSE;
	if (json_is_string(found.value)) {
		text = nsg_read_string(s, &found);
		if (!*text)
			return NSG_UNSET;
		if (!strcasecmp(text, "true"))
			return NSG_TRUE;
		if (!strcasecmp(text, "false"))
			return NSG_FALSE;
	}
	wrong_type(s, &found, "true or false");
	return NSG_UNSET;
}

bool nsg_read_number(struct nsg_sink *s, const struct nsg_node *n, uint64_t max, uint64_t *ret)
{
	uint64_t number = 0;
	const char *p;

	if (!n->value)
		return false;
	if (json_is_integer(n->value)) {
		json_int_t i = json_integer_value(n->value);

		if (i >= 0 && (uint64_t)i <= max) {
			*ret = (uint64_t)i;
			return true;
		}
		nsg_node_report(s, n, NSG_ERROR, NULL, "%lld is not a number from 0 to %llu",
				(long long)i, (unsigned long long)max);
		return false;
	}
	p = json_is_string(n->value) ? nsg_read_string(s, n) : "";
	if (json_is_string(n->value) && !*p)
		return false;
	for (; *p >= '0' && *p <= '9' && number <= max / 10; p++)
		number = number * 10 + (uint64_t)(*p - '0');
	if (*p || !json_is_string(n->value) || number > max) {
		nsg_node_report(s, n, NSG_ERROR, NULL, "this must be a number from 0 to %llu",
				(unsigned long long)max);
		return false;
	}
	*ret = number;
	return true;
}

size_t nsg_read_array(struct nsg_sink *s, const struct nsg_node *n)
{
	if (n->value && !json_is_array(n->value))
		wrong_type(s, n, "an array");
	return json_array_size(n->value);
}

bool nsg_read_object(struct nsg_sink *s, const struct nsg_node *n)
{
	if (n->value && !json_is_object(n->value))
		wrong_type(s, n, "an object");
	return json_is_object(n->value);
}

struct nsg_strings nsg_read_strings(struct nsg_sink *s, const struct nsg_node *n)
{
	size_t size = nsg_read_array(s, n);
	struct nsg_strings strings = {.v = nsg_sink_array(s, size, sizeof(*strings.v))};

	for (size_t i = 0; i < size && strings.v; i++) {
		struct nsg_node element = nsg_node_at(n, i);
		const char *text = nsg_read_string(s, &element);

		if (*text)
			strings.v[strings.n++] = text;
	}
	return strings;
}

struct nsg_strings nsg_read_each(struct nsg_sink *s, const struct nsg_node *n, const char *key)
{
	size_t size = nsg_read_array(s, n);
	struct nsg_strings strings = {.v = nsg_sink_array(s, size, sizeof(*strings.v))};

	for (size_t i = 0; i < size && strings.v; i++) {
		struct nsg_node element = nsg_node_at(n, i);
		const char *text =
		    nsg_read_object(s, &element) ? nsg_read_member(s, &element, key) : "";

		if (*text)
			strings.v[strings.n++] = text;
	}
	return strings;
}

struct nsg_strings nsg_read_ids(struct nsg_sink *s, const struct nsg_node *n)
{
	return nsg_read_each(s, n, "id");
}
