/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Diagnostics as records: libraries add them, only the programs print them. A record is complete
 * when it is made and refers to neither the policy nor the sources.
 */
#ifndef NSG_UTIL_DIAG_H
#define NSG_UTIL_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "util/source.h"

enum nsg_severity {
	NSG_NOTICE,
	NSG_WARNING,
	NSG_ERROR,
};

struct nsg_diag_record {
	enum nsg_severity severity;
	bool lint;	       /* a remark on a valid policy: `check` only */
	char *file;	       /* NULL: no place */
	uint32_t line, column; /* 0: none */
	char *pointer;	       /* JSON pointer, NULL: none */
	const char *code;      /* Azure's error code or ours; static; NULL: none */
	char *text;
};

/* Zero-initialise to begin. */
struct nsg_diag {
	struct nsg_diag_record *v;
	size_t n, room;
	size_t n_errors, n_warnings, n_dropped; /* counted also beyond NSG_MAX_DIAGNOSTICS */
	size_t n_lint_warnings;			/* not in n_warnings */
};

/*
 * Adds one record; where == NULL: no place. `code` must be static. Returns -EINVAL for an error
 * record and 0 otherwise, so that `return nsg_diag_add(d, NSG_ERROR, ...)` works. Without memory
 * the record is dropped but counted, and the return value is the same.
 */
int nsg_diag_add(struct nsg_diag *d, enum nsg_severity severity, const struct nsg_place *where,
		 const char *code, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The same for a lint. */
int nsg_diag_lint(struct nsg_diag *d, enum nsg_severity severity, const struct nsg_place *where,
		  const char *code, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The same with a file and a line that are not JSON (nsgd.conf); file may be NULL. */
int nsg_diag_line(struct nsg_diag *d, enum nsg_severity severity, const char *file, uint32_t line,
		  const char *code, const char *format, ...) __attribute__((format(printf, 6, 7)));

const char *nsg_severity_name(enum nsg_severity s);
/* "FILE:LINE:COL: error: TEXT [Code]" without a newline, control characters escaped. */
void nsg_diag_print(const struct nsg_diag_record *r, FILE *out);
/* Its JSON form: severity, file, line, column, pointer, code, text, lint. New reference or NULL. */
json_t *nsg_diag_json(const struct nsg_diag_record *r);
void nsg_diag_done(struct nsg_diag *d);

#endif
