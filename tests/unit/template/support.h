/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Evaluates templates from text through the public function of the layer. */
#ifndef NSG_TESTS_TEMPLATE_SUPPORT_H
#define NSG_TESTS_TEMPLATE_SUPPORT_H

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "template/template.h"
#include "util/cleanup.h"

/* The result of an evaluation. */
struct outcome {
	int r;
	struct nsg_flat_resource *v;
	size_t n;
	struct nsg_diag diag;
};

void outcome_done(struct outcome *o);
#define cleanup_outcome __attribute__((cleanup(outcome_done)))

/* JSON text with ' in place of ", for C; ` is a ' inside a string. New reference. */
json_t *json_text(const char *text);
/* Texts as for json_text; parameters may be NULL. */
struct outcome evaluate(const char *template, const char *parameters);
struct outcome evaluate_json(json_t *template, json_t *parameters);

/* resource i is equal to this text, as for json_text */
void assert_resource(const struct outcome *o, size_t i, const char *expected);
/* it failed, and an error at the pointer contains the words */
void assert_error(const struct outcome *o, const char *pointer, const char *words);
/* The one record at the pointer, or NULL. */
const struct nsg_diag_record *record_at(const struct outcome *o, const char *pointer);

/* An expression without brackets, and its value as JSON, or words of the error. */
struct expression {
	const char *expression;
	const char *value;
	const char *fails;
};

void assert_expressions(const struct expression *v, size_t n);
/* In a template with these sections: "'variables': {…}, 'parameters': {…}". */
void assert_expressions_in(const char *sections, const struct expression *v, size_t n);

#endif
