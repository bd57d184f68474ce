/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Templates as text, evaluated through the layer's one public function. */
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

/* What an evaluation came to. */
struct outcome {
	int r;
	struct nsg_flat_resource *v;
	size_t n;
	struct nsg_diag diag;
};

void outcome_done(struct outcome *o);
#define cleanup_outcome __attribute__((cleanup(outcome_done)))

/* JSON text with ' for ", so that it reads in C; `x is a quote within. New reference. */
json_t *json_text(const char *text);
/* Texts as of json_text; parameters may be NULL. */
struct outcome evaluate(const char *template, const char *parameters);
struct outcome evaluate_json(json_t *template, json_t *parameters);

/* resource i is this, as of json_text */
void assert_resource(const struct outcome *o, size_t i, const char *expected);
/* it failed, and one of its errors is at the pointer and holds the words */
void assert_error(const struct outcome *o, const char *pointer, const char *words);
/* The one record at the pointer, or NULL. */
const struct nsg_diag_record *record_at(const struct outcome *o, const char *pointer);

/* An expression without its brackets, and its value as JSON or (fails) words of the reason. */
struct expression {
	const char *expression;
	const char *value;
	const char *fails;
};

void assert_expressions(const struct expression *v, size_t n);
/* The same in a template with these sections: "'variables': {…}, 'parameters': {…}". */
void assert_expressions_in(const char *sections, const struct expression *v, size_t n);

#endif
