/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/clock.h"
#include "util/limits.h"
#include "util/vec.h"

/* jansson has a limit of its own, 2048 levels (JSON_PARSER_MAX_DEPTH). */
_Static_assert(NSG_MAX_JSON_DEPTH < 2048, "jansson's own depth limit would come first");
_Static_assert(NSG_MAX_FILE_BYTES < INT32_MAX, "jansson counts bytes in an int");

/* ---- bytes in ------------------------------------------------------------------------------ */

/* A buffer that may hold secrets: wiped before it is freed. */
struct buffer {
	char *data;
	size_t size_bytes;
};

static void buffer_done(struct buffer *b)
{
	if (b->data)
		explicit_bzero(b->data, b->size_bytes);
	free(b->data);
}

#define cleanup_buffer __attribute__((cleanup(buffer_done)))

/* An error about the file as a whole: it has a path and no line. */
static int refuse_file(struct nsg_sources *sources, struct nsg_diag *diag, const char *path, int r,
		       const char *why)
{
	const struct nsg_source *source;
	char *no_text = NULL;

	if (nsg_sources_add(sources, path, &no_text, 0, &source) < 0)
		return -ENOMEM;
	(void)nsg_diag_add(diag, NSG_ERROR, &(struct nsg_place){.source = source}, NULL, "%s", why);
	return r;
}

/* size_bytes + 1 bytes at most are read, so that a file that grows meanwhile is noticed. */
static int read_all(int fd, size_t size_bytes, struct buffer *ret)
{
	cleanup_buffer struct buffer b = {.data = malloc(size_bytes + 1),
					  .size_bytes = size_bytes + 1};
	size_t n = 0;

	if (!b.data)
		return -ENOMEM;
	while (n < b.size_bytes) {
		ssize_t got = read(fd, b.data + n, b.size_bytes - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		n += (size_t)got;
	}
	if (n > size_bytes)
		return -EAGAIN;
	b.data[n] = '\0';
	ret->data = TAKE_PTR(b.data);
	ret->size_bytes = n;
	return 0;
}

struct utf16 {
	const unsigned char *data;
	size_t n; /* units */
	bool big_endian;
};

static uint32_t utf16_unit(struct utf16 u, size_t i)
{
	uint32_t first = u.data[2 * i], second = u.data[2 * i + 1];

	return u.big_endian ? first << 8 | second : second << 8 | first;
}

static int from_utf16(struct utf16 u, struct buffer *ret)
{
	/* a unit outside surrogates takes three bytes at most, a pair of units four */
	size_t room = u.n * 3 + 1, n = 0;
	cleanup_buffer struct buffer b = {.data = malloc(room), .size_bytes = room};

	if (!b.data)
		return -ENOMEM;
	for (size_t i = 0; i < u.n; i++) {
		uint32_t c = utf16_unit(u, i);

		if (c >= 0xd800 && c < 0xe000) {
			uint32_t low = i + 1 < u.n ? utf16_unit(u, i + 1) : 0;

			if (c >= 0xdc00 || low < 0xdc00 || low >= 0xe000)
				return -EILSEQ;
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			i++;
		}
		if (c < 0x80) {
			b.data[n++] = (char)c;
			continue;
		}
		if (c >= 0x10000) {
			b.data[n++] = (char)(0xf0 | c >> 18);
			b.data[n++] = (char)(0x80 | (c >> 12 & 0x3f));
		} else if (c >= 0x800) {
			b.data[n++] = (char)(0xe0 | c >> 12);
		}
		if (c >= 0x800)
			b.data[n++] = (char)(0x80 | (c >> 6 & 0x3f));
		else
			b.data[n++] = (char)(0xc0 | c >> 6);
		b.data[n++] = (char)(0x80 | (c & 0x3f));
	}
	b.data[n] = '\0';
	ret->data = TAKE_PTR(b.data);
	ret->size_bytes = n;
	return 0;
}

/* Drops a UTF-8 BOM, converts UTF-16 with one. Takes over b on success. */
static int to_utf8(struct buffer *b, struct buffer *ret)
{
	const unsigned char *d = (const unsigned char *)b->data;
	bool little = b->size_bytes >= 2 && d[0] == 0xff && d[1] == 0xfe;
	bool big = b->size_bytes >= 2 && d[0] == 0xfe && d[1] == 0xff;

	if (little || big) {
		if (b->size_bytes % 2)
			return -EILSEQ;
		return from_utf16(
		    (struct utf16){.data = d + 2, .n = b->size_bytes / 2 - 1, .big_endian = big},
		    ret);
	}
	if (b->size_bytes >= 3 && d[0] == 0xef && d[1] == 0xbb && d[2] == 0xbf) {
		b->size_bytes -= 3;
		memmove(b->data, b->data + 3, b->size_bytes + 1);
	}
	ret->size_bytes = b->size_bytes;
	ret->data = TAKE_PTR(b->data);
	return 0;
}

int nsg_json_text(struct nsg_sources *sources, const char *path, const void *data,
		  size_t size_bytes, struct nsg_diag *diag, const struct nsg_source **ret)
{
	cleanup_buffer struct buffer raw = {.data = malloc(size_bytes + 1),
					    .size_bytes = size_bytes};
	cleanup_buffer struct buffer text = {0};
	int r;

	if (!raw.data)
		return -ENOMEM;
	if (size_bytes)
		memcpy(raw.data, data, size_bytes);
	raw.data[size_bytes] = '\0';
	r = to_utf8(&raw, &text);
	if (r == -EILSEQ)
		return refuse_file(sources, diag, path, -EINVAL, "invalid UTF-16");
	if (r < 0)
		return r;
	return nsg_sources_add(sources, path, &text.data, text.size_bytes, ret);
}

/* A change soon after another may not change the time stamp: the kernel's clock advances every 10
 * ms at worst, that of a file system with whole seconds every second. */
static struct nsg_file_identity identify(const struct stat *st)
{
	int64_t tick_ns = st->st_ctim.tv_nsec ? 100000000 : 2000000000;
	int64_t ctime_ns = (int64_t)nsg_timespec_ns(st->st_ctim);

	return (struct nsg_file_identity){
	    .dev = st->st_dev,
	    .ino = st->st_ino,
	    .size_bytes = (uint64_t)st->st_size,
	    .mtime_ns = (int64_t)nsg_timespec_ns(st->st_mtim),
	    .ctime_ns = ctime_ns,
	    .mode = st->st_mode,
	    .is_settled = (int64_t)nsg_clock_ns(CLOCK_REALTIME) - ctime_ns > tick_ns,
	};
}

int nsg_json_read(struct nsg_sources *sources, const char *path, struct nsg_diag *diag,
		  const struct nsg_source **ret)
{
	cleanup_buffer struct buffer raw = {0};
	cleanup_buffer struct buffer text = {0};
	cleanup_close int fd = -1;
	struct nsg_file_identity identity;
	struct stat st;
	int r;

	/* O_NONBLOCK: opening a FIFO must not wait for a writer */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0) {
		r = -errno;
		return refuse_file(sources, diag, path, r, strerror(-r));
	}
	if (!S_ISREG(st.st_mode))
		return refuse_file(sources, diag, path, -EINVAL, "not a regular file");
	if (st.st_size > (off_t)NSG_MAX_FILE_BYTES)
		return refuse_file(sources, diag, path, -EINVAL, "larger than 64 MiB");
	/* before reading, so that a change during the read is noticed */
	identity = identify(&st);
	r = read_all(fd, (size_t)st.st_size, &raw);
	if (r == -EAGAIN)
		return refuse_file(sources, diag, path, -EINVAL,
				   "the file changed while it was being read");
	if (r < 0)
		return refuse_file(sources, diag, path, r, strerror(-r));
	r = to_utf8(&raw, &text);
	if (r == -EILSEQ)
		return refuse_file(sources, diag, path, -EINVAL, "invalid UTF-16");
	if (r < 0)
		return r;
	r = nsg_sources_add(sources, path, &text.data, text.size_bytes, ret);
	if (r < 0)
		return r;
	nsg_sources_set_file(sources, identity);
	return 0;
}

/* ---- text to values ------------------------------------------------------------------------ */

static int refuse_at(const struct nsg_source *source, struct nsg_diag *diag, size_t offset,
		     const char *why)
{
	struct nsg_place where = {.source = source, .at = (uint32_t)offset + 1};

	return nsg_diag_add(diag, NSG_ERROR, &where, NULL, "%s", why);
}

/* Whether the value has more nested levels; jansson's own limit bounds the recursion. */
static bool is_deeper(json_t *value, size_t levels)
{
	const char *key;
	json_t *inner;
	size_t i;

	if (!json_is_array(value) && !json_is_object(value))
		return false;
	if (!levels)
		return true;
	json_array_foreach(value, i, inner)
	{
		if (is_deeper(inner, levels - 1))
			return true;
	}
	json_object_foreach(value, key, inner)
	{
		if (is_deeper(inner, levels - 1))
			return true;
	}
	return false;
}

/* From the character after a string's first quote to the one after its last. The text ends in a NUL,
 * so that a character follows a backslash. */
static const char *after_string(const char *p, const char *end)
{
	while (p < end && *p != '"') {
		p += *p == '\\';
		p++;
	}
	return p < end ? p + 1 : end;
}

/* The error, at the first bracket that is too deep. */
static int refuse_depth(const struct nsg_source *source, struct nsg_diag *diag)
{
	const char *p = source->text, *end = p + source->size_bytes;
	size_t depth = 0;

	while (p < end && depth <= NSG_MAX_JSON_DEPTH) {
		switch (*p++) {
		case '"':
			p = after_string(p, end);
			break;
		case '{':
		case '[':
			depth++;
			break;
		case '}':
		case ']':
			depth -= depth > 0;
			break;
		default:
			break;
		}
	}
	return refuse_at(source, diag, (size_t)(p - 1 - source->text),
			 "more than 512 levels of nesting");
}

/* jansson's own text quotes the document, which may contain secrets. */
static const char *describe(enum json_error_code code)
{
	switch (code) {
	case json_error_premature_end_of_input:
		return "the file ends too early";
	case json_error_invalid_utf8:
		return "not UTF-8 (UTF-16 needs a byte order mark)";
	case json_error_duplicate_key:
		return "duplicate key";
	case json_error_null_byte_in_key:
	case json_error_null_character:
		return "a string contains a NUL character";
	case json_error_numeric_overflow:
		return "number out of range";
	default:
		return "not JSON";
	}
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* To the quote that begins the string which ends there. */
static size_t string_start(const char *text, size_t offset)
{
	for (size_t i = offset; text[offset] == '"' && i--;) {
		size_t escapes = 0;

		while (escapes < i && text[i - 1 - escapes] == '\\')
			escapes++;
		if (text[i] == '"' && escapes % 2 == 0)
			return i;
	}
	return offset;
}

/* Points at the start of the word, and names comments, which az accepts in a template. */
static int refuse_text(const struct nsg_source *source, struct nsg_diag *diag, size_t offset)
{
	const char *text = source->text;

	if (text[offset] == '/' && (text[offset + 1] == '/' || text[offset + 1] == '*'))
		return refuse_at(source, diag, offset, "not JSON: comments are not allowed");
	while (offset && is_word(text[offset]) && is_word(text[offset - 1]))
		offset--;
	return refuse_at(source, diag, offset, "not JSON");
}

static int refuse_syntax(const struct nsg_source *source, struct nsg_diag *diag, size_t start,
			 const json_error_t *error)
{
	size_t consumed = error->position > 0 ? (size_t)error->position : 0, offset;
	const char *nul;

	if (json_error_code(error) == json_error_out_of_memory)
		return -ENOMEM;
	if (json_error_code(error) == json_error_stack_overflow)
		return refuse_depth(source, diag);
	/* the parser stops at a NUL */
	nul = memchr(source->text, 0, source->size_bytes);
	if (nul)
		return refuse_at(source, diag, (size_t)(nul - source->text),
				 "a NUL byte (UTF-16 needs a byte order mark)");
	/* jansson has consumed the offending byte, except one that is not UTF-8 */
	if (json_error_code(error) != json_error_invalid_utf8 && consumed)
		consumed--;
	offset = start + consumed;
	if (json_error_code(error) == json_error_invalid_syntax && offset < source->size_bytes)
		return refuse_text(source, diag, offset);
	if (json_error_code(error) == json_error_duplicate_key && offset < source->size_bytes)
		offset = string_start(source->text, offset);
	return refuse_at(source, diag, offset, describe(json_error_code(error)));
}

/* jansson goes on with what it has of a string or number when there is no memory for the rest. */
static _Thread_local bool no_memory;

static void *allocate(size_t size)
{
	void *p = malloc(size);

	if (!p)
		no_memory = true;
	return p;
}

__attribute__((constructor)) static void set_allocator(void)
{
	json_set_alloc_funcs(allocate, free);
}

json_t *nsg_json_load(const char *text, size_t size, size_t flags, json_error_t *ret_error)
{
	json_t *value;

	no_memory = false;
	value = json_loadb(text, size, flags, ret_error);
	if (!no_memory)
		return value;
	json_decref(value);
	if (ret_error)
		ret_error->text[JSON_ERROR_TEXT_LENGTH - 1] = json_error_out_of_memory;
	return NULL;
}

static size_t next_value(const struct nsg_source *source, size_t at)
{
	while (at < source->size_bytes && strchr(" \t\r\n", source->text[at]) && source->text[at])
		at++;
	return at;
}

int nsg_json_parse(const struct nsg_source *source, struct nsg_diag *diag, json_t **ret)
{
	cleanup_json json_t *values = json_array();
	size_t at = next_value(source, 0);

	if (!values)
		return -ENOMEM;
	if (at == source->size_bytes)
		return refuse_at(source, diag, 0, "the file is empty");
	while (at < source->size_bytes) {
		json_error_t error = {0};
		json_t *value = nsg_json_load(
		    source->text + at, source->size_bytes - at,
		    JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, &error);

		if (!value)
			return refuse_syntax(source, diag, at, &error);
		if (json_array_append_new(values, value) < 0)
			return -ENOMEM;
		if (is_deeper(value, NSG_MAX_JSON_DEPTH))
			return refuse_depth(source, diag);
		at = next_value(source, at + (size_t)error.position);
	}
	*ret = TAKE_PTR(values);
	return 0;
}

/* Whether a number or a word goes on; a minus may begin another number. */
static bool continues_scalar(char c)
{
	return (c >= '0' && c <= '9') || is_word(c) || c == '.' || c == '+';
}

size_t nsg_json_count(const struct nsg_source *source)
{
	const char *p = source->text, *end = p + source->size_bytes;
	size_t n = 0;

	while (p < end) {
		char c = *p++;

		if (c == '"') {
			p = after_string(p, end);
			n++;
		} else if (c == '[' || c == '{') {
			n++;
		} else if (c == '-' || continues_scalar(c)) {
			while (p < end && continues_scalar(*p))
				p++;
			n++;
		}
	}
	return n;
}

struct line {
	char *v;
	size_t n, room;
	bool failed;
};

static int append(const char *text, size_t n, void *data)
{
	struct line *line = data;

	line->failed |= nsg_vec_reserve(line, n + 1) < 0;
	if (line->failed)
		return -1;
	memcpy(line->v + line->n, text, n);
	line->n += n;
	line->v[line->n] = '\0';
	return 0;
}

char *nsg_json_line(const json_t *value)
{
	struct line line = {0};

	/* Jansson ignores the failure of a key: not json_dumps(), which would leave it out. */
	if (json_dump_callback(value, append, &line, JSON_COMPACT | JSON_ENCODE_ANY) < 0 ||
	    line.failed)
		nsg_vec_done(&line);
	return line.v;
}
