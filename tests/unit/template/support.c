/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *json_text(const char *text)
{
	cleanup_free char *copy = strdup(text);
	json_error_t error;
	json_t *value;

	assert_non_null(copy);
	for (char *p = copy; *p; p++)
		*p = *p == '\'' ? '"' : *p == '`' ? '\'' : *p;
	value = json_loads(copy, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
	if (!value)
		fail_msg("%s: %s", error.text, copy);
	return value;
}

struct outcome evaluate_json(json_t *template, json_t *parameters)
{
	struct outcome o = {0};
	cleanup_free char *text = json_dumps(template, JSON_ENCODE_ANY);
	char path[] = "dir/main.json";
	struct nsg_source source = {.path = path, .text = text, .size_bytes = strlen(text)};
	struct nsg_place where = {.source = &source, .pointer = ""};

	o.r = nsg_template_evaluate(template, parameters, &where, &o.diag, &o.v, &o.n);
	assert_int_equal(o.r != 0, o.diag.n_errors != 0);
	return o;
}

struct outcome evaluate(const char *template, const char *parameters)
{
	cleanup_json json_t *t = json_text(template);
	cleanup_json json_t *p = parameters ? json_text(parameters) : NULL;

	return evaluate_json(t, p);
}

void outcome_done(struct outcome *o)
{
	for (size_t i = 0; i < o->n; i++) {
		json_decref(o->v[i].resource);
		free(o->v[i].pointer);
	}
	free(o->v);
	nsg_diag_done(&o->diag);
}

static void print_diag(const struct outcome *o)
{
	for (size_t i = 0; i < o->diag.n; i++)
		print_message("%s: %s\n", o->diag.v[i].pointer ? o->diag.v[i].pointer : "",
			      o->diag.v[i].text);
}

void assert_resource(const struct outcome *o, size_t i, const char *expected)
{
	cleanup_json json_t *value = json_text(expected);

	if (o->r || i >= o->n) {
		print_diag(o);
		fail_msg("resource %zu of %zu", i, o->n);
	}
	if (!json_equal(o->v[i].resource, value)) {
		cleanup_free char *got = json_dumps(o->v[i].resource, JSON_COMPACT);

		fail_msg("resource %zu is %s", i, got);
	}
}

const struct nsg_diag_record *record_at(const struct outcome *o, const char *pointer)
{
	for (size_t i = 0; i < o->diag.n; i++) {
		if (o->diag.v[i].pointer && !strcmp(o->diag.v[i].pointer, pointer))
			return &o->diag.v[i];
	}
	return NULL;
}

void assert_error(const struct outcome *o, const char *pointer, const char *words)
{
	const struct nsg_diag_record *d = record_at(o, pointer);

	assert_int_equal(o->r, -EINVAL);
	assert_int_equal(o->n, 0);
	if (!d || d->severity != NSG_ERROR || !strstr(d->text, words)) {
		print_diag(o);
		fail_msg("no error at %s with: %s", pointer, words);
	}
}

static void assert_expression(const char *sections, const struct expression *e)
{
	cleanup_free char *text = NULL, *string = NULL;
	cleanup_json json_t *template = NULL;
	cleanup_outcome struct outcome o = {0};
	json_t *value;

	assert_true(asprintf(&text,
			     "{%s%s 'resources': [{'type': "
			     "'Microsoft.Network/networkSecurityGroups', 'name': 'n', "
			     "'properties': {}}]}",
			     sections, *sections ? "," : "") > 0);
	assert_true(asprintf(&string, "[%s]", e->expression) > 0);
	template = json_text(text);
	value = json_array_get(json_object_get(template, "resources"), 0);
	json_object_set_new(json_object_get(value, "properties"), "x", json_string(string));
	o = evaluate_json(template, NULL);
	if (e->fails) {
		if (!o.r || !record_at(&o, "/resources/0/properties/x") ||
		    !strstr(o.diag.v[0].text, e->fails)) {
			print_diag(&o);
			fail_msg("%s does not fail with: %s", e->expression, e->fails);
		}
		return;
	}
	if (o.r) {
		print_diag(&o);
		fail_msg("%s fails", e->expression);
	}
	value = json_object_get(json_object_get(o.v[0].resource, "properties"), "x");
	{
		cleanup_json json_t *expected = json_text(e->value);

		if (!json_equal(value, expected)) {
			cleanup_free char *got = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

			fail_msg("%s is %s", e->expression, got);
		}
	}
}

void assert_expressions_in(const char *sections, const struct expression *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_expression(sections, &v[i]);
}

void assert_expressions(const struct expression *v, size_t n)
{
	assert_expressions_in("", v, n);
}
