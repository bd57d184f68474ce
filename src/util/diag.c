/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/diag.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "util/json_object.h"
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

	/* Locating is slow, and beyond the limit the record is dropped. */
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

/* Names and values come from files and must not control the terminal: C0, DEL and C1 (as UTF-8) are
 * escaped. */
static void print_text(const char *text, FILE *out)
{
	for (const unsigned char *s = (const unsigned char *)text; *s; s++) {
		if (s[0] == 0xc2 && s[1] >= 0x80 && s[1] <= 0x9f)
			fprintf(out, "\\x%02x", *++s);
		else if (*s < 0x20 || *s == 0x7f)
			fprintf(out, "\\x%02x", *s);
		else
			fputc(*s, out);
	}
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

json_t *nsg_diag_json(const struct nsg_diag_record *r)
{
	return NSG_JSON_OBJECT(PAIR_S("severity", nsg_severity_name(r->severity)),
			       PAIR_S("file", r->file),
			       PAIR_J("line", r->line ? json_integer(r->line) : json_null()),
			       PAIR_J("column", r->column ? json_integer(r->column) : json_null()),
			       PAIR_S("pointer", r->pointer), PAIR_S("code", r->code),
			       PAIR_S("text", r->text), PAIR_B("lint", r->lint));
}

void nsg_diag_done(struct nsg_diag *d)
{
	for (size_t i = 0; i < d->n; i++)
		record_done(&d->v[i]);
	nsg_vec_done(d);
	*d = (struct nsg_diag){0};
}
