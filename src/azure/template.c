/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ARM templates: what is under `resources`, evaluated by the hook if it has expressions. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "azure/reader_priv.h"
#include "util/cleanup.h"

#define TYPE_DEPLOYMENT "Microsoft.Resources/deployments"
/* Types reported once each; further ones are reported each time. */
#define MAX_SKIPPED 64u

static bool schema_has(json_t *value, const char *word)
{
	const char *schema = json_string_value(nsg_member(value, "$schema"));

	return schema && strcasestr(schema, word);
}

bool nsg_template_is(json_t *value)
{
	json_t *resources = nsg_member(value, "resources");

	return (json_is_array(resources) || json_is_object(resources)) &&
	       (schema_has(value, "deploymentTemplate") || nsg_member(value, "contentVersion"));
}

bool nsg_template_is_parameters(json_t *value)
{
	if (schema_has(value, "deploymentParameters"))
		return true;
	/* az also accepts one without the enclosing object: {"parameters": {...}} */
	return json_is_object(nsg_member(value, "parameters")) &&
	       (nsg_member(value, "contentVersion") || json_object_size(value) == 1) &&
	       !nsg_member(value, "resources") && !nsg_member(value, "$schema");
}

/* "[...]"; "[[" is an escaped bracket and needs evaluation too. */
static bool is_expression(const char *text)
{
	size_t n = text ? strlen(text) : 0;

	return n > 1 && text[0] == '[' && text[n - 1] == ']';
}

/* A member `copy`: a resource's loop, {"name": ..., "count": ...}, or a list of loops that make
 * properties, {"name": ..., "count": ..., "input": ...} each. A count may be written out. */
static bool is_loop(const char *key, json_t *value)
{
	json_t *first = json_is_array(value) ? json_array_get(value, 0) : value;

	return !strcasecmp(key, "copy") && nsg_member(first, "name") &&
	       (nsg_member(first, "count") || nsg_member(first, "input"));
}

/* Part of an app, e.g. an app setting, whose name must not be printed. */
static bool is_web(const struct nsg_node *n)
{
	const char *type = json_string_value(nsg_node_own(n, "type").value);

	return type && !strncasecmp(type, "Microsoft.Web/", strlen("Microsoft.Web/"));
}

/* An error at n, or at the resource of an app that contains it (`web`, or NULL). */
static void report_expression(struct nsg_sink *s, const struct nsg_node *n,
			      const struct nsg_node *web, const char *what)
{
	nsg_node_report(
	    s, web ? web : n, NSG_ERROR, NULL,
	    "a template with %s must be evaluated first; run: nsgctl flatten TEMPLATE -o DIR",
	    what);
}

/* Whether there is an expression or a loop at or below n; if s is given, the first one is reported
 * as an error. At most NSG_MAX_JSON_DEPTH calls deep. */
static bool find_expression(struct nsg_sink *s, const struct nsg_node *n,
			    const struct nsg_node *web)
{
	const char *key;
	json_t *unused;

	if (!web && is_web(n))
		web = n;
	if (is_expression(json_string_value(n->value))) {
		if (s)
			report_expression(s, n, web, "expressions");
		return true;
	}
	for (size_t i = 0; i < json_array_size(n->value); i++) {
		struct nsg_node element = nsg_node_at(n, i);

		if (find_expression(s, &element, web))
			return true;
	}
	json_object_foreach(n->value, key, unused)
	{
		struct nsg_node member = nsg_node_own(n, key);
		bool loop = is_loop(key, member.value);

		if (s && (loop || is_expression(key)))
			report_expression(s, &member, web, loop ? "copy loops" : "expressions");
		if (loop || is_expression(key) || find_expression(s, &member, web))
			return true;
	}
	return false;
}

bool nsg_template_has_expressions(json_t *value)
{
	struct nsg_root root = {.pointer = ""};
	struct nsg_node n = nsg_node_root(&root, nsg_member(value, "resources"));

	return find_expression(NULL, &n, NULL);
}

/* ---- resources ------------------------------------------------------------------------------ */

static void read_resources(struct nsg_reader *r, const struct nsg_node *list, const char *type,
			   const char *name);

void nsg_report_skipped(struct nsg_reader *r, const struct nsg_node *n, const char *type)
{
	if (r->unit)
		r->unit->is_skipped = true;
	for (size_t i = 0; i < r->skipped.n; i++) {
		if (!strcasecmp(r->skipped.v[i], type))
			return;
	}
	if (r->skipped.n < MAX_SKIPPED)
		nsg_sink_push(&r->sink, &r->skipped, nsg_sink_printf(&r->sink, "%s", type));
	nsg_node_report(&r->sink, n, NSG_NOTICE, NULL,
			"resources of type " NSG_QUOTE " are not used: skipped", type);
}

/* A nested deployment holds a template of its own. */
static void read_deployment(struct nsg_reader *r, const struct nsg_node *n)
{
	struct nsg_node template = nsg_node_get(n, "template"),
			link = nsg_node_get(n, "templateLink");
	struct nsg_node list = nsg_node_own(&template, "resources");

	if (json_is_object(template.value))
		read_resources(r, &list, NULL, NULL);
	else if (link.value)
		nsg_node_report(&r->sink, &link, NSG_ERROR, NULL,
				"a linked template is not read; build one template that holds it");
	else
		nsg_node_report(&r->sink, n, NSG_ERROR, NULL, "the deployment has no template");
}

static size_t count_parts(const char *text)
{
	size_t n = 1;

	for (; *text; text++)
		n += *text == '/';
	return n;
}

/* A child's type and name may be written whole, or as the last part only. */
static const char *below(struct nsg_sink *s, const char *parent, const char *own)
{
	return nsg_sink_printf(s, "%s/%s", parent, own);
}

/* False, with an error, when the name cannot be of that type. A missing parent is reported when it
 * is looked for. */
static bool check_name(struct nsg_sink *s, const struct nsg_node *n, const char *type,
		       const char *name)
{
	size_t n_parts = count_parts(type) - 1;

	/* an empty one is what an empty parameter made: names decide nothing */
	bool named = json_is_string(nsg_member(n->value, "name"));

	if (!named)
		nsg_node_report(s, n, NSG_ERROR, NULL, "a resource has no name");
	else if (count_parts(name) > n_parts)
		nsg_node_report(s, n, NSG_ERROR, NULL,
				"the name of a resource of type " NSG_QUOTE
				" has %zu part%s, and this has %zu",
				type, n_parts, n_parts == 1 ? "" : "s", count_parts(name));
	return named && count_parts(name) <= n_parts;
}

static bool is_false(const json_t *value)
{
	const char *text = json_string_value(value);

	return json_is_false(value) || (text && !strcasecmp(text, "false"));
}

/* n has the place, resource the same value with its whole name. */
static void read_declared(struct nsg_reader *r, const struct nsg_node *n,
			  const struct nsg_node *resource, const char *type)
{
	const struct nsg_kind *kind = nsg_kind_of(type);

	if (!strcasecmp(type, TYPE_DEPLOYMENT))
		read_deployment(r, resource);
	else if (!kind || kind->document_only)
		nsg_report_skipped(r, n, type);
	else if (check_name(&r->sink, n, type, resource->root->name))
		nsg_read_kind(r, resource, kind);
	else
		r->unit->is_refused = true;
}

/* A resource; type and name are its parent's, NULL outside of one. */
static void read_resource(struct nsg_reader *r, const struct nsg_node *n, const char *parent_type,
			  const char *parent_name)
{
	struct nsg_sink *s = &r->sink;
	struct nsg_node children = nsg_node_own(n, "resources"), own = nsg_node_own(n, "type");
	struct nsg_node name_node = nsg_node_own(n, "name");
	const char *type = nsg_read_string(s, &own), *name = nsg_read_string(s, &name_node);
	struct nsg_root root = *n->root;
	struct nsg_node resource = {.root = &root, .value = n->value};

	struct nsg_unit unit, *outer;

	if (is_false(nsg_node_own(n, "condition").value)) {
		nsg_node_report(s, n, NSG_NOTICE, NULL, "the condition is false: skipped");
		r->counts.n_skipped++;
		return;
	}
	if (!*type) {
		nsg_node_report(s, n, NSG_ERROR, NULL, "a resource has no type");
		r->counts.n_refused++;
		return;
	}
	if (parent_type && !strchr(type, '.'))
		type = below(s, parent_type, type);
	if (parent_type && *name && count_parts(name) < count_parts(type) - 1)
		name = below(s, parent_name, name);
	root.pointer = nsg_node_place(s, n).pointer;
	root.name = name;
	if (!root.pointer)
		return;
	/* an existing resource is not declared here, but its children may be */
	outer = nsg_unit_begin(r, &unit);
	if (!json_is_true(nsg_node_own(n, "existing").value))
		read_declared(r, n, &resource, type);
	nsg_unit_end(r, outer);
	read_resources(r, &children, type, name);
}

/* An array, or since languageVersion 2.0 an object by symbolic name. */
static void read_resources(struct nsg_reader *r, const struct nsg_node *list, const char *type,
			   const char *name)
{
	const char *key;
	json_t *unused;

	if (list->value && !json_is_array(list->value) && !json_is_object(list->value))
		nsg_node_report(&r->sink, list, NSG_ERROR, NULL,
				"the resources of a template must be an array or an object");
	for (size_t i = 0; i < json_array_size(list->value); i++) {
		struct nsg_node n = nsg_node_at(list, i);

		if (nsg_read_object(&r->sink, &n))
			read_resource(r, &n, type, name);
	}
	json_object_foreach(list->value, key, unused)
	{
		struct nsg_node n = nsg_node_own(list, key);

		if (nsg_read_object(&r->sink, &n))
			read_resource(r, &n, type, name);
	}
}

static void refuse_template(struct nsg_reader *r)
{
	r->policy->incomplete = true;
	r->counts.n_refused++;
}

/* How many resources, children included: those that the evaluator left out are of no use. */
static size_t count_declared(json_t *list)
{
	const char *key;
	json_t *each;
	size_t n = 0, i;

	json_array_foreach(list, i, each)
	{
		n += 1 + count_declared(nsg_member(each, "resources"));
	}
	json_object_foreach(list, key, each)
	{
		n += 1 + count_declared(nsg_member(each, "resources"));
	}
	return n;
}

static void read_flattened(struct nsg_reader *r, const struct nsg_root *template, json_t *value,
			   json_t *parameters)
{
	struct nsg_place where = {
	    .source = template->source, .value = template->value, .pointer = template->pointer};
	struct nsg_flat_resource *flat = NULL;
	size_t n = 0;
	json_t *resources = nsg_member(value, "resources");
	int result = r->options->flatten(value, parameters, &where, r->sink.diag, &flat, &n);

	if (result == -ENOMEM)
		r->sink.no_memory = true;
	if (result) {
		refuse_template(r);
	} else if (count_declared(resources) > n) {
		r->counts.n_skipped += count_declared(resources) - n;
	}
	for (size_t i = 0; !result && i < n; i++) {
		struct nsg_root root = *template;
		struct nsg_node resource;

		root.pointer = flat[i].pointer;
		resource = nsg_node_root(&root, flat[i].resource);
		read_resource(r, &resource, NULL, NULL);
		json_decref(flat[i].resource);
		free(flat[i].pointer);
	}
	if (!result)
		free(flat);
}

void nsg_template_read(struct nsg_reader *r, const struct nsg_root *root, json_t *value,
		       json_t *parameters)
{
	struct nsg_root template = *root;
	struct nsg_node n = nsg_node_root(&template, value);
	struct nsg_node resources = nsg_node_own(&n, "resources");

	template.in_template = true;
	r->list = ++r->n_lists;
	if (!nsg_template_has_expressions(value))
		read_resources(r, &resources, NULL, NULL);
	else if (r->options->flatten)
		read_flattened(r, &template, value, parameters);
	else if (find_expression(&r->sink, &resources, NULL))
		refuse_template(r);
}
