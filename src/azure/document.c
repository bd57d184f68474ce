/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recognises a JSON value by its resource type, else by the type in its id, else by its keys, never
 * by the name of its file; and unwraps what tools put around resources.
 */
#include <string.h>
#include <strings.h>

#include "azure/reader_priv.h"
#include "azure/unknown_priv.h"
#include "util/cleanup.h"
#include "util/macro.h"

/* ---- recognition --------------------------------------------------------------------------- */

static const struct nsg_kind *by_keys(const struct nsg_node *n)
{
	for (size_t i = 0; i < nsg_n_kinds; i++) {
		if (nsg_kinds[i].kind->looks && nsg_kinds[i].kind->looks(n))
			return nsg_kinds[i].kind;
	}
	return NULL;
}

/* The string of a member, if it is one: some kinds have a `type` with another meaning. */
static const char *peek(const struct nsg_node *n, const char *key)
{
	const char *text = json_string_value(nsg_node_own(n, key).value);

	return text ? text : "";
}

/* NULL: none that is known. */
static const struct nsg_kind *recognise(struct nsg_reader *r, const struct nsg_node *n)
{
	const char *type = peek(n, "type"), *id = peek(n, "id");
	const struct nsg_kind *kind = nsg_kind_of(type);

	if (kind || strchr(type, '/'))
		return kind;
	kind = nsg_id_is_full(id) ? nsg_kind_of(nsg_id_type(&r->sink, id)) : NULL;
	return kind ? kind : by_keys(n);
}

/* ---- shapes -------------------------------------------------------------------------------- */

static void read_value(struct nsg_reader *r, const struct nsg_node *n);

static void report_unknown(struct nsg_reader *r, const struct nsg_node *n)
{
	const char *id = peek(n, "id"), *type = peek(n, "type");

	if (!nsg_is_azure_type(type) && nsg_id_is_full(id))
		type = nsg_id_type(&r->sink, id);
	if (nsg_is_azure_type(type)) {
		nsg_report_skipped(r, n, type);
		return;
	}
	r->policy->incomplete = true;
	r->unit->is_refused = true;
	nsg_report_unknown(&r->sink, n);
}

/* Elements without id and type are one unit together. */
static void read_array(struct nsg_reader *r, const struct nsg_node *n)
{
	size_t outer = r->list, list = ++r->n_lists;
	struct nsg_unit *around = r->unit, rest = {.is_list = true},
			*within = around ? around : &rest;

	for (size_t i = 0; i < json_array_size(n->value); i++) {
		struct nsg_node element = nsg_node_at(n, i);

		r->list = list;
		r->unit = around || !nsg_is_resource(&element) ? within : NULL;
		if (element.value)
			read_value(r, &element);
	}
	r->list = outer;
	r->unit = within;
	if (!around)
		nsg_unit_end(r, NULL);
}

/* The body of a REST specification's example. */
static void read_responses(struct nsg_reader *r, const struct nsg_node *responses)
{
	static const char *const codes[] = {"200", "201"};

	for (size_t i = 0; i < NSG_ARRAY_SIZE(codes); i++) {
		struct nsg_node answer = nsg_node_own(responses, codes[i]);
		struct nsg_node body = nsg_node_own(&answer, "body");

		if (!body.value)
			continue;
		read_value(r, &body);
		return;
	}
	nsg_node_report(&r->sink, responses, NSG_NOTICE, NULL,
			"an example without a body: skipped");
	r->counts.n_skipped++;
}

void nsg_warn_of_next_page(struct nsg_sink *s, const struct nsg_node *n)
{
	struct nsg_node next = nsg_node_own(n, "nextLink");

	if (!next.value)
		next = nsg_node_own(n, "skipToken");
	if (next.value)
		nsg_node_report(s, &next, NSG_WARNING, NULL,
				"this is one page of a longer list: the rest is missing");
}

/* {"value": [...], "nextLink": ...}; az network manager has skipToken instead. */
static void read_page(struct nsg_reader *r, const struct nsg_node *n, const struct nsg_node *value)
{
	nsg_warn_of_next_page(&r->sink, n);
	if (value->value)
		read_value(r, value);
}

/* {"value": ...}; an empty one could be a document of another kind. */
static bool is_page(const struct nsg_node *n)
{
	struct nsg_node value = nsg_node_own(n, "value");
	size_t known = 1 + (nsg_member(n->value, "nextLink") != NULL) +
		       (nsg_member(n->value, "skipToken") != NULL);

	if (!nsg_member(n->value, "value") || nsg_node_own(n, "type").value)
		return false;
	return value.value ? json_is_array(value.value) || json_is_object(value.value)
			   : json_object_size(n->value) == known;
}

/* {"NewNSG": {...}}: printed by `az ... create` around some resources. The inner object must be of
 * a known kind: otherwise the key may be the name of a setting, which must not be printed. */
static bool is_new(struct nsg_reader *r, const struct nsg_node *n, struct nsg_node *ret_inner)
{
	const char *key = json_object_iter_key(json_object_iter(n->value));

	if (json_object_size(n->value) != 1 || strncasecmp(key, "new", strlen("new")))
		return false;
	*ret_inner = nsg_node_own(n, key);
	return json_is_object(ret_inner->value) && recognise(r, ret_inner);
}

/* An object that is a resource, or is taken for one. */
static void read_resource(struct nsg_reader *r, const struct nsg_node *n,
			  const struct nsg_kind *kind)
{
	struct nsg_unit unit, *outer = r->unit ? NULL : nsg_unit_begin(r, &unit);
	bool is_own = r->unit == &unit;

	if (kind)
		nsg_read_kind(r, n, kind);
	else
		report_unknown(r, n);
	if (is_own)
		nsg_unit_end(r, outer);
}

static void read_object(struct nsg_reader *r, const struct nsg_node *n)
{
	const struct nsg_kind *kind = recognise(r, n);
	struct nsg_node inner;

	if (kind) {
		read_resource(r, n, kind);
		return;
	}
	if (is_page(n)) {
		inner = nsg_node_own(n, "value");
		read_page(r, n, &inner);
		return;
	}
	inner = nsg_node_own(n, "responses");
	if (json_is_object(inner.value)) {
		read_responses(r, &inner);
		return;
	}
	if (is_new(r, n, &inner)) {
		read_value(r, &inner);
		return;
	}
	read_resource(r, n, NULL);
}

static void read_value(struct nsg_reader *r, const struct nsg_node *n)
{
	if (json_is_object(n->value))
		read_object(r, n);
	else if (json_is_array(n->value))
		read_array(r, n);
	else
		read_resource(r, n, NULL);
}

void nsg_reader_document(struct nsg_reader *r, const struct nsg_root *root, json_t *value)
{
	struct nsg_node n = nsg_node_root(root, value);

	r->list = ++r->n_lists;
	if (n.value)
		read_value(r, &n);
}
