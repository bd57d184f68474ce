/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/diag.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/limits.h"
#include "util/vec.h"

static void record_done(struct nsg_diag_record *r)
{
	free(r->file);
	free(r->pointer);
	free(r->text);
}

static int count(struct nsg_diag *d, enum nsg_severity severity, bool lint)
{
	if (severity == NSG_ERROR)
		d->n_errors++;
	else if (severity == NSG_WARNING && lint)
		d->n_lint_warnings++;
	else if (severity == NSG_WARNING)
		d->n_warnings++;
	return severity == NSG_ERROR ? -EINVAL : 0;
}

/* Takes what r holds. */
static int add(struct nsg_diag *d, struct nsg_diag_record *r)
{
	int status = count(d, r->severity, r->lint);

	if (!r->text || d->n >= NSG_MAX_DIAGNOSTICS || nsg_vec_push(d, *r)) {
		record_done(r);
		d->n_dropped++;
	}
	return status;
}

__attribute__((format(printf, 1, 0))) static char *text_of(const char *format, va_list args)
{
	char *text = NULL;

	return vasprintf(&text, format, args) < 0 ? NULL : text;
}

static int add_at(struct nsg_diag *d, enum nsg_severity severity, bool lint,
		  const struct nsg_place *where, const char *code, char *text)
{
	struct nsg_diag_record r = {.severity = severity, .lint = lint, .code = code, .text = text};

	/* The 1,001st needs no place looked up. */
	if (where && where->source && d->n < NSG_MAX_DIAGNOSTICS) {
		r.file = strdup(where->source->path);
		if (where->pointer)
			r.pointer = strdup(where->pointer);
		nsg_place_locate(*where, &r.line, &r.column);
	}
	return add(d, &r);
}

int nsg_diag_add(struct nsg_diag *d, enum nsg_severity severity, const struct nsg_place *where,
		 const char *code, const char *format, ...)
{
	va_list args;
	int status;

	va_start(args, format);
	status = add_at(d, severity, false, where, code, text_of(format, args));
	va_end(args);
	return status;
}

int nsg_diag_lint(struct nsg_diag *d, enum nsg_severity severity, const struct nsg_place *where,
		  const char *code, const char *format, ...)
{
	va_list args;
	int status;

	va_start(args, format);
	status = add_at(d, severity, true, where, code, text_of(format, args));
	va_end(args);
	return status;
}

int nsg_diag_line(struct nsg_diag *d, enum nsg_severity severity, const char *file, uint32_t line,
		  const char *code, const char *format, ...)
{
	struct nsg_diag_record r = {.severity = severity, .line = line, .code = code};
	va_list args;

	va_start(args, format);
	r.text = text_of(format, args);
	va_end(args);
	r.file = file ? strdup(file) : NULL;
	return add(d, &r);
}

const char *nsg_severity_name(enum nsg_severity s)
{
	static const char *const names[] = {"notice", "warning", "error"};

	return names[s];
}

/* Names and values come from files: nothing in them may steer a terminal. C0, DEL and, as UTF-8, C1
 * do; `ascii`: nothing beyond it is left either. */
static void put_escaped(const char *text, bool ascii, FILE *out)
{
	for (const unsigned char *s = (const unsigned char *)text; *s; s++) {
		if (s[0] == 0xc2 && s[1] >= 0x80 && s[1] <= 0x9f && !ascii)
			fprintf(out, "\\x%02x", *++s);
		else if (*s < 0x20 || *s == 0x7f || (ascii && *s >= 0x80))
			fprintf(out, "\\x%02x", *s);
		else
			fputc(*s, out);
	}
}

static void print_text(const char *s, FILE *out)
{
	put_escaped(s, false, out);
}

void nsg_diag_print(const struct nsg_diag_record *r, FILE *out)
{
	if (r->file) {
		print_text(r->file, out);
		fputc(':', out);
		if (r->line)
			fprintf(out, "%u:", r->line);
		if (r->column)
			fprintf(out, "%u:", r->column);
		fputc(' ', out);
	}
	fprintf(out, "%s: ", nsg_severity_name(r->severity));
	print_text(r->text, out);
	if (r->code)
		fprintf(out, " [%s]", r->code);
}

/* JSON is UTF-8; a file's name, and a text that quotes an argument, may be other bytes. */
static json_t *json_text(const char *s)
{
	json_t *value = s ? json_string(s) : json_null();
	cleanup_free char *escaped = NULL;
	size_t size;
	FILE *out;

	if (value)
		return value;
	out = open_memstream(&escaped, &size);
	if (!out)
		return NULL;
	put_escaped(s, true, out);
	return fclose(out) == 0 ? json_string(escaped) : NULL;
}

json_t *nsg_diag_json(const struct nsg_diag_record *r)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:s?, s:s?, s:o, s:b}", "severity",
			 nsg_severity_name(r->severity), "file", json_text(r->file), "line",
			 r->line ? json_integer(r->line) : json_null(), "column",
			 r->column ? json_integer(r->column) : json_null(), "pointer", r->pointer,
			 "code", r->code, "text", json_text(r->text), "lint", r->lint);
}

void nsg_diag_done(struct nsg_diag *d)
{
	for (size_t i = 0; i < d->n; i++)
		record_done(&d->v[i]);
	nsg_vec_done(d);
	*d = (struct nsg_diag){0};
}
