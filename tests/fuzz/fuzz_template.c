/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A template and, as a second JSON value, its parameters: lexer, parser, evaluator, all functions;
 * then the loader over the same bytes, which reads what the evaluator makes. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "azure/load_priv.h"
#include "template/template.h"
#include "util/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_resource(const struct nsg_flat_resource *flat)
{
	cleanup_free char *text = nsg_json_line(flat->resource);

	/* whole type and name, valid UTF-8, and a place */
	if (!text || !json_is_string(json_object_get(flat->resource, "type")) ||
	    !json_is_string(json_object_get(flat->resource, "name")) ||
	    strncmp(flat->pointer, "/resources/", strlen("/resources/")) != 0)
		abort();
}

static void check_records(const struct nsg_diag *diag)
{
	for (size_t i = 0; i < diag->n; i++) {
		cleanup_json json_t *record = nsg_diag_json(&diag->v[i]);

		if (!record)
			abort();
	}
}

static void load(const uint8_t *data, size_t size)
{
	const struct nsg_load_options options = {.flatten = nsg_template_evaluate, .partial = true};
	struct nsg_policy *policy = NULL;
	struct nsg_diag diag = {0};
	int r;

	r = nsg_policy_load_bytes("main.json", data, size, &options, &diag, &policy);
	if (r != -ENOMEM && (r != 0) != (diag.n_errors != 0))
		abort();
	nsg_policy_free(policy);
	nsg_diag_done(&diag);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nsg_sources sources = {0};
	struct nsg_diag diag = {0}, problems = {0};
	const struct nsg_source *source = NULL;
	struct nsg_flat_resource *v = NULL;
	json_t *values = NULL;
	size_t n = 0;
	int r;

	if (!nsg_json_text(&sources, "main.json", data, size, &problems, &source) &&
	    !nsg_json_parse(source, &problems, &values)) {
		struct nsg_place where = {.source = source, .pointer = ""};

		r = nsg_template_evaluate(json_array_get(values, 0), json_array_get(values, 1),
					  &where, &diag, &v, &n);
		if (r != -ENOMEM && (r != 0) != (diag.n_errors != 0))
			abort();
	}
	check_records(&diag);
	for (size_t i = 0; i < n; i++) {
		check_resource(&v[i]);
		json_decref(v[i].resource);
		free(v[i].pointer);
	}
	free(v);
	json_decref(values);
	nsg_diag_done(&problems);
	nsg_diag_done(&diag);
	nsg_sources_done(&sources);
	load(data, size);
	return 0;
}
